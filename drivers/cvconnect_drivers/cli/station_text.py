"""A station file as a text that people wrote: settings are put into it, and comments and order stay."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from cvconnect_drivers.errors import ConfigurationError, PackageMissingError
from cvconnect_drivers.urls import DeviceUrl

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_BOM: Final = "\ufeff"
_MAX_BYTES: Final = 1 << 20
_MAX_BACKUPS: Final = 99


class StationText:
    """A station file that may be changed.

    Args:
        path: Where it is.

    Raises:
        ConfigurationError: `STATION_FILE`: it is not there, cannot be read, or is no TOML.
        PackageMissingError: tomlkit is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            import tomlkit
            from tomlkit.exceptions import TOMLKitError
        except ImportError as error:
            raise PackageMissingError("tomlkit") from error
        self._path = path
        try:
            data = path.read_bytes()
            if len(data) > _MAX_BYTES:
                raise _unusable(path, "ce n’est pas un fichier de caisse", "it is too large")
            text = data.decode("utf-8")
            self._bom = text.startswith(_BOM)
            self._windows = "\r\n" in text
            self._document: TOMLDocument = tomlkit.parse(text.removeprefix(_BOM).replace("\r\n", "\n"))
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise _unusable(path, why, why) from error
        except (UnicodeDecodeError, TOMLKitError) as error:
            why = "ce n’est pas du TOML en UTF-8 ; vérifiez-le avec « cvconnect check »"
            raise _unusable(path, why, "it is no TOML in UTF-8") from error

    def scanners(self) -> list[dict[str, object]]:
        """List the tables of the scanners, in order.

        Raises:
            ConfigurationError: `STATION_FILE`: they are not written as `[[scanners]]`.
        """
        plain = self._document.unwrap().get("scanners", [])
        if not isinstance(plain, list) or not all(
            isinstance(table, dict) and isinstance(cast("dict[str, Any]", table).get("url"), str)
            for table in cast("list[object]", plain)
        ):
            raise _unusable(
                self._path, "chaque douchette s’écrit [[scanners]] avec une clé url", "write [[scanners]]"
            )
        return cast("list[dict[str, object]]", plain)

    def printer(self) -> dict[str, Any] | None:
        """Give the table of the ticket printer, or None."""
        table = self._document.unwrap().get("printer")
        url = cast("dict[str, Any]", table).get("url") if isinstance(table, dict) else None
        return cast("dict[str, Any]", table) if isinstance(url, str) else None

    def set_scanner(self, url: str, new_url: str, settings: Mapping[str, str | int | None]) -> None:
        """Put settings into the table of a scanner; a table is added when the URL has none.

        Args:
            url: The scanner's URL, as it stands there.
            new_url: The URL that shall stand there.
            settings: Keys and values; None takes a key away.
        """
        import tomlkit
        from tomlkit.items import Array

        document: Any = self._document
        table: Any = next((each for each in document.get("scanners", []) if each["url"] == url), None)
        if table is None:
            scanners: Any = document.setdefault("scanners", tomlkit.aot())
            # A file may write them between braces, too.
            table = tomlkit.inline_table() if isinstance(scanners, Array) else tomlkit.table()
            table["url"] = new_url
            scanners.append(table)
            table = scanners[-1]
        elif new_url != url:
            table["url"] = new_url
        for key, value in settings.items():
            if value is None:
                table.pop(key, None)
            elif table.get(key) != value:
                table[key] = value

    def text(self) -> str:
        """Give the file's text with what was put into it."""
        return self._document.as_string()

    def save(self) -> Path:
        """Write the file, whole or not at all, and keep the old one beside it.

        Returns:
            Where the old one is.

        Raises:
            ConfigurationError: `STATION_FILE`: it cannot be written.
        """
        text = self.text().replace("\n", "\r\n") if self._windows else self.text()
        data = f"{_BOM if self._bom else ''}{text}".encode()
        path = self._path.resolve()  # a link stays a link
        try:
            backup = _free_name(path)
            shutil.copy2(path, backup)
            replace_file(path, data)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise _unusable(self._path, f"il ne peut pas être écrit : {why}", why) from error
        return backup


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that a power cut leaves the old one or the new one.

    Args:
        path: The file; when it is there its permissions stay.
        data: Its content.

    Raises:
        OSError: It cannot be written; nothing was changed.
    """
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, name)
        else:
            Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def without_query(url: DeviceUrl, keys: Mapping[str, object]) -> str:
    """Write a device URL without some of the settings that stand after its `?`."""
    kept = {key: value for key, value in url.query.items() if key not in keys}
    if len(kept) == len(url.query):
        return url.text
    place = url.text.partition("?")[0]
    return f"{place}?{urlencode(kept, safe='/:,')}" if kept else place


def scanner_table(url: str, settings: Mapping[str, str | int | None]) -> str:
    """Write a scanner's table as a station file holds it, to be copied by hand."""
    import tomlkit

    table = tomlkit.table()
    for key, value in {"url": url, **settings}.items():
        if value is not None:
            table[key] = value
    document = tomlkit.document()
    tables = tomlkit.aot()
    tables.append(table)
    document["scanners"] = tables
    return tomlkit.dumps(document)


def _free_name(path: Path) -> Path:
    names = [path.with_name(f"{path.name}.bak{n if n > 1 else ''}") for n in range(1, _MAX_BACKUPS + 1)]
    return next((name for name in names if not name.exists()), names[-1])


def _unusable(path: Path, fr: str, en: str) -> ConfigurationError:
    return ConfigurationError("STATION_FILE", fr=f"{path} : {fr}.", en=f"{path}: {en}")
