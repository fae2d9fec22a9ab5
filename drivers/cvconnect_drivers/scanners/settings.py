"""The settings that all scanners share.

`prefix`, what the scanner sends before each label; `label_prefix`, `url_parameter`, `json_field`, what the identifier is
wrapped in; `duplicate_window_ms`; `symbologies`, the kinds of label that are taken (`qr,code128`).

A device is found by its identity: `vendor` and `product` (four hexadecimal digits each), `serial`, and `port`, the place
it is plugged in, for devices that have no serial number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cvconnect_drivers.errors import ConfigurationError, LinkAbsentError
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.labels import Envelope
from cvconnect_drivers.urls import Settings

Found = TypeVar("Found")

SYMBOLOGIES = {
    "aztec": "]z",
    "code128": "]C",
    "code39": "]A",
    "datamatrix": "]d",
    "gs1-128": "]C1",
    "pdf417": "]L",
    "qr": "]Q",
}
"""The names that a station file may use, and how their AIM identifiers begin.

Source: ISO/IEC 15424, code characters.
"""

_AIM = re.compile(r"\]?([A-Za-z][0-9A-Za-z]?)")
_ID = re.compile(r"(?:0x)?([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """What all scanners are told about their labels.

    Args:
        prefix: What the scanner sends before each label, taken off; a label without it lost its beginning.
        envelope: What identifiers may be wrapped in.
        duplicate_window_s: How long the same label, read again, is taken for the same press of the trigger.
        symbologies: How the AIM identifiers of the labels begin that are taken (`]Q`, `]C0`); empty for all that
            are no product codes.
    """

    prefix: bytes = b""
    envelope: Envelope = field(default_factory=Envelope)
    duplicate_window_s: float = 0.8
    symbologies: frozenset[str] = frozenset()

    def without_prefix(self, raw: RawLabel) -> RawLabel:
        """Take the scanner's prefix off a label that is whole."""
        if raw.damage is not None or not self.prefix:
            return raw
        if not raw.data.startswith(self.prefix):
            return replace(raw, data=b"", damage="NO_PREFIX")
        return replace(raw, data=raw.data.removeprefix(self.prefix))


def read_scanner_settings(settings: Settings) -> ScannerSettings:
    """Read the settings that all scanners share.

    Args:
        settings: The device's settings; the driver reads its own beside them, and ends the reading.

    Returns:
        The settings.

    Raises:
        ConfigurationError: One of them is not valid.
    """
    return ScannerSettings(
        _prefix(settings, "prefix").encode(),
        Envelope(
            _prefix(settings, "label_prefix"),
            settings.text("url_parameter", ""),
            settings.text("json_field", ""),
        ),
        settings.whole("duplicate_window_ms", 800, 0, 60_000) / 1000,
        frozenset(
            _aim(settings, name.strip())
            for name in settings.text("symbologies", "").split(",")
            if name.strip()
        ),
    )


@dataclass(frozen=True, slots=True)
class Identity:
    """How a device is told from others, whatever its name is today; an empty text is not compared.

    Args:
        vendor: USB vendor number, four lower-case hexadecimal digits.
        product: USB product number, written the same way.
        serial: The device's serial number.
        port: The place it is plugged in, as the operating system writes it.
    """

    vendor: str = ""
    product: str = ""
    serial: str = ""
    port: str = ""

    def matches(self, other: Identity) -> bool:
        """Whether a device that was found may be the one that is asked for."""
        pairs = (
            (self.vendor, other.vendor),
            (self.product, other.product),
            (self.serial, other.serial),
            (self.port, other.port),
        )
        return all(asked in {"", found} for asked, found in pairs)

    def choose(self, found: Sequence[Found], identify: Callable[[Found], Identity], where: str) -> Found:
        """Choose the one device that has this identity.

        Args:
            found: What is plugged in.
            identify: Tells the identity of each.
            where: How the device is called in messages.

        Returns:
            The device.

        Raises:
            LinkAbsentError: None has it.
            ConfigurationError: Several have it (`DEVICE_AMBIGUOUS`); the message names what tells them apart.
        """
        fitting = [each for each in found if self.matches(identify(each))]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            raise LinkAbsentError(where, "no such device is plugged in")
        several = "; ".join(
            f"serial={each.serial or '-'} port={each.port or '-'}" for each in map(identify, fitting)
        )
        raise ConfigurationError(
            "DEVICE_AMBIGUOUS",
            fr=f"{where} : plusieurs appareils répondent à cette adresse ({several}) : "
            "ajoutez le numéro de série (serial=) ou la prise (port=).",
            en=f"{where}: several devices match ({several}): add serial= or port=",
        )


def read_identity(settings: Settings) -> Identity:
    """Read `vendor`, `product`, `serial` and `port`.

    Raises:
        ConfigurationError: One of them is not valid.
    """
    return Identity(
        _usb_number(settings, "vendor"),
        _usb_number(settings, "product"),
        settings.text("serial", ""),
        settings.text("port", ""),
    )


def usb_number(number: int | None) -> str:
    """Write a USB vendor or product number as identities hold it; empty when it is not known."""
    return "" if number is None else f"{number:04x}"


def _usb_number(settings: Settings, key: str) -> str:
    value = settings.text(key, "")
    found = _ID.fullmatch(value)
    if value and found is None:
        raise settings.invalid(
            fr=f"« {key} » s’écrit avec quatre chiffres hexadécimaux, comme 0c2e",
            en=f"{key!r} must be four hexadecimal digits, such as 0c2e",
        )
    return found[1].lower() if found else ""


def _prefix(settings: Settings, key: str) -> str:
    text = settings.text(key, "")
    if text.isdigit():  # a product code that happens to start so would be left with a customer's 11 digits
        raise settings.invalid(
            fr=f"« {key} » ne peut pas être fait de chiffres seuls", en=f"{key!r} must not be digits alone"
        )
    return text


def _aim(settings: Settings, name: str) -> str:
    if name.lower() in SYMBOLOGIES:
        return SYMBOLOGIES[name.lower()]
    found = _AIM.fullmatch(name)
    if found is None:
        names = ", ".join(sorted(SYMBOLOGIES))
        raise settings.invalid(
            fr=f"« symbologies » ne connaît pas « {name} » : {names}, ou un code AIM comme Q ou C0",
            en=f"'symbologies' does not know {name!r}: {names}, or an AIM code such as Q or C0",
        )
    return f"]{found[1]}"
