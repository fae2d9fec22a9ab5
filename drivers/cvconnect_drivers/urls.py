"""Device URLs: where a device is, and how it is set.

`serial:///dev/ttyACM0?baud=115200`, `socket://127.0.0.1:4567`, `tcp://192.168.1.50:9100?profile=80mm`,
`file:out/ticket.bin`, `memory:NAME`, `image:out/display.png?size=800x480`, `terminal:`.

What stands after `?` and the device's table in the station file are one set of settings; a key that the driver does
not know is refused by its name, so that a typing mistake never passes for a default.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from cvconnect_drivers.errors import ConfigurationError

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(.*)", re.DOTALL)
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/@\s]+):([0-9]{1,5})")
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class DeviceUrl:
    """A device URL, taken apart.

    Args:
        text: The URL as it was written.
        scheme: What stands before the first colon.
        target: What stands between the scheme and `?`, without the leading `//`.
        query: What stands after `?`.
    """

    text: str
    scheme: str
    target: str
    query: Mapping[str, str]

    @property
    def path(self) -> str:
        """The target as a path: a file, or a serial port's name.

        Raises:
            ConfigurationError: The URL names no path.
        """
        if not self.target:
            raise _invalid(
                self.text,
                fr=f"un nom de fichier ou de port doit suivre « {self.scheme}: »",
                en="a path must follow the scheme",
            )
        return self.target

    def address(self) -> tuple[str, int]:
        """Read the target as host and port.

        Returns:
            The host (an IPv6 address without its brackets) and the port, 1 to 65535.

        Raises:
            ConfigurationError: The target is not `host:port`.
        """
        found = _HOST_PORT.fullmatch(self.target.rstrip("/"))
        if found is None:
            raise _invalid(
                self.text,
                fr=f"il faut l’adresse et le port, comme {self.scheme}://192.168.1.50:9100",
                en="host:port must follow the scheme",
            )
        port = int(found[2])
        if not 1 <= port <= _HIGHEST_PORT:
            raise _invalid(
                self.text,
                fr=f"le port {port} n’est pas entre 1 et {_HIGHEST_PORT}",
                en=f"port {port} is not in 1..{_HIGHEST_PORT}",
            )
        return found[1].strip("[]"), port


def parse_url(text: str, schemes: Collection[str]) -> DeviceUrl:
    """Take a device URL apart.

    Args:
        text: The URL.
        schemes: The schemes that the driver serves.

    Returns:
        Its parts; percent escapes are decoded.

    Raises:
        ConfigurationError: No scheme, a scheme that the driver does not serve, or a key given twice.
    """
    found = _SCHEME.fullmatch(text)
    if found is None:
        raise _invalid(
            text,
            fr="l’adresse commence par une sorte de liaison, comme serial:",
            en="it must start with a scheme, such as serial:",
        )
    if found[1] not in schemes:
        allowed = ", ".join(sorted(schemes))
        raise _invalid(
            text,
            fr=f"« {found[1]}: » n’est pas l’une de ces liaisons : {allowed}",
            en=f"scheme {found[1]!r} is none of {allowed}",
        )
    target, _, query = found[2].partition("?")
    settings: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key in settings:
            raise _invalid(text, fr=f"« {key} » est donné deux fois", en=f"{key!r} is given twice")
        settings[key] = value
    return DeviceUrl(text, found[1], unquote(target.removeprefix("//")), settings)


class Settings:
    """The settings of one device, read one by one; `refuse_unknown` ends the reading.

    Args:
        url: The device's URL.
        options: The device's table in the station file.

    Raises:
        ConfigurationError: A key stands both in the URL and in the table.
    """

    def __init__(self, url: DeviceUrl, options: Mapping[str, object]) -> None:
        self._where = url.text
        self._left: dict[str, object] = dict(url.query)
        for key, value in options.items():
            if key in self._left:
                raise _invalid(
                    self._where,
                    fr=f"« {key} » est donné dans l’adresse et dans la table",
                    en=f"{key!r} is given in the URL and in the table",
                )
            self._left[key] = value

    def take(self, key: str) -> object | None:
        """Take a value as it stands, or None."""
        return self._left.pop(key, None)

    def text(self, key: str, default: str) -> str:
        """Take a text.

        Raises:
            ConfigurationError: The value is no text.
        """
        value = self._left.pop(key, default)
        if not isinstance(value, str):
            raise _invalid(self._where, fr=f"« {key} » doit être un texte", en=f"{key!r} must be a text")
        return value

    def choice(self, key: str, default: str, allowed: Collection[str]) -> str:
        """Take one of a few words.

        Raises:
            ConfigurationError: The value is none of them.
        """
        value = self.text(key, default)
        if value not in allowed:
            words = ", ".join(sorted(allowed))
            raise _invalid(
                self._where,
                fr=f"« {key} » doit avoir l’une de ces valeurs : {words}",
                en=f"{key!r} must be one of {words}",
            )
        return value

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """Take a whole number between `low` and `high`, both allowed.

        Raises:
            ConfigurationError: The value is no whole number, or out of range.
        """
        value = self._left.pop(key, default)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise _invalid(
                self._where,
                fr=f"« {key} » doit être un nombre entier, de {low} à {high}",
                en=f"{key!r} must be a whole number in {low}..{high}",
            )
        return value

    def size(self, key: str, default: tuple[int, int], low: int, high: int) -> tuple[int, int]:
        """Take a size such as `800x480`, each side between `low` and `high`.

        Raises:
            ConfigurationError: The value is no size, or out of range.
        """
        value = self.text(key, f"{default[0]}x{default[1]}")
        found = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", value)
        sides = (int(found[1]), int(found[2])) if found else (0, 0)
        if not all(low <= side <= high for side in sides):
            raise _invalid(
                self._where,
                fr=f"« {key} » s’écrit comme {default[0]}x{default[1]}, chaque côté de {low} à {high}",
                en=f"{key!r} must be WIDTHxHEIGHT, each in {low}..{high}",
            )
        return sides

    def invalid(self, *, fr: str, en: str) -> ConfigurationError:
        """Make the error for a value that only its reader can judge; the sentences name the key."""
        return _invalid(self._where, fr=fr, en=en)

    def refuse_unknown(self) -> None:
        """End the reading.

        Raises:
            ConfigurationError: A key was given that nobody took (`UNKNOWN_OPTION`).
        """
        if self._left:
            keys = sorted(self._left)
            raise ConfigurationError(
                "UNKNOWN_OPTION",
                fr=f"{self._where} : réglage inconnu : {', '.join(keys)}.",
                en=f"{self._where}: unknown option {', '.join(map(repr, keys))}",
            )


def _invalid(where: str, *, fr: str, en: str) -> ConfigurationError:
    return ConfigurationError("INVALID_URL", fr=f"{where} : {fr}.", en=f"{where!r}: {en}")
