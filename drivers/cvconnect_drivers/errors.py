"""What a driver raises.

```
DriverError
├── ConfigurationError      a URL with a typing mistake, an option nobody knows, a value out of range
├── PackageMissingError     pyserial is not installed on this till
├── NotClaimedError         a scanner armed before it was claimed, or after it was released
├── ContentError            a line feed in a shop's name, a QR too dense for the paper
└── LinkError               the cable
    ├── LinkAbsentError     scanner unplugged, printer switched off, port held by another program
    ├── LinkLostError       cable pulled in the middle of a label, printer that closed the connection
    ├── DiskFullError       a ticket written to a file for which there is no room
    └── LinkTimeoutError    printer out of paper that stops reading; also a `TimeoutError`
```

No message holds a customer's identifier, nor the text of a label.
"""

from __future__ import annotations

from typing import Literal


class DriverError(Exception):
    """Base of all errors of this package.

    Args:
        code: Stable identifier, such as `LINK_LOST`.
        fr: A sentence that the person at the till can act on.
        en: The same in English.
    """

    def __init__(self, code: str, *, fr: str, en: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.fr = fr
        self.en = en

    def text(self, language: Literal["fr", "en"] = "fr") -> str:
        """Say what is wrong."""
        return self.fr if language == "fr" else self.en


class ConfigurationError(DriverError):
    """The station file asks for something that cannot be: `baud=abc`, an unknown key, a port of 70000."""


class PackageMissingError(DriverError):
    """A Python package that this driver needs is not installed.

    Args:
        package: Its name on PyPI.
        install: How it is installed, where pip does not.
    """

    def __init__(self, package: str, *, install: str = "") -> None:
        typed = f'"{package}"' if "[" in package else package  # some shells would read the brackets
        install = install or f"pip install {typed}"
        super().__init__(
            "PACKAGE_MISSING",
            fr=f"Le composant « {package} » manque sur cette caisse : {install}",
            en=f"The package {package!r} is not installed: {install}",
        )
        self.package = package


class NotClaimedError(DriverError):
    """The device is used before `claim` or after `release`."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "NOT_CLAIMED",
            fr=f"Le périphérique {name} n’est pas réservé par cette caisse.",
            en=f"{name} is used without being claimed.",
        )


class ContentError(DriverError):
    """What should be shown or printed cannot be: a control character, a QR that would not scan."""


class LinkError(DriverError):
    """The byte pipe to a device failed.

    Args:
        code: Stable identifier.
        fr: French sentence.
        en: English sentence.
        sent_bytes: How many bytes of the write were handed over before, or None when nobody can tell.
    """

    def __init__(self, code: str, *, fr: str, en: str, sent_bytes: int | None = 0) -> None:
        super().__init__(code, fr=fr, en=en)
        self.sent_bytes = sent_bytes


class LinkAbsentError(LinkError):
    """The device is not there: unplugged, switched off, refused, or held by another program.

    Args:
        where: How the device is called in messages.
        why: The system's reason, in English.
        fr: What to do about it, when the link knows better than "see that it is plugged in and switched on".
    """

    def __init__(self, where: str, why: str, *, fr: str = "") -> None:
        super().__init__(
            "LINK_ABSENT",
            fr=fr or f"{where} ne répond pas : vérifiez qu’il est branché et allumé.",
            en=f"Cannot open {where}: {why}",
        )


class LinkLostError(LinkError):
    """The device went away in the middle of something: cable pulled, connection closed."""

    def __init__(self, where: str, why: str, *, sent_bytes: int | None = 0) -> None:
        super().__init__(
            "LINK_LOST",
            fr=f"La liaison avec {where} est coupée : vérifiez le câble.",
            en=f"Lost {where}: {why}",
            sent_bytes=sent_bytes,
        )


class DiskFullError(LinkError):
    """There is no room for what should be written to a file.

    Args:
        where: The file.
        sent_bytes: How many bytes were written before.
    """

    def __init__(self, where: str, *, sent_bytes: int = 0) -> None:
        super().__init__(
            "DISK_FULL",
            fr=f"{where} ne peut pas être écrit : le disque est plein.",
            en=f"{where} cannot be written: the disk is full",
            sent_bytes=sent_bytes,
        )


class LinkTimeoutError(LinkError, TimeoutError):
    """The deadline passed: a printer that stopped reading, a query without an answer."""

    def __init__(self, where: str, doing: str, *, sent_bytes: int | None = 0) -> None:
        super().__init__(
            "LINK_TIMEOUT",
            fr=f"{where} ne répond pas à temps.",
            en=f"{where}: no {doing} before the deadline",
            sent_bytes=sent_bytes,
        )
