"""A station file as a text that people wrote: settings are put into it, and comments and order stay."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from cvconnect_drivers.cli.words import reason
from cvconnect_drivers.errors import ConfigurationError, PackageMissingError
from cvconnect_drivers.shapes import Language
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
            self._written = text.removeprefix(_BOM).replace("\r\n", "\n")
            self._document: TOMLDocument = tomlkit.parse(self._written)
            # Tables of one name that stand apart are put together by the parser: then it may show, but not write.
            self._in_order = self._document.as_string() == self._written
        except OSError as error:
            raise _unusable(path, reason(error), type(error).__name__) from error
        except (UnicodeDecodeError, TOMLKitError) as error:
            why = "ce n’est pas du TOML en UTF-8 ; vérifiez-le avec « cvconnect check »"
            raise _unusable(path, why, "it is no TOML in UTF-8") from error

    def scanners(self) -> list[dict[str, object]]:
        """List the tables of the scanners, in order.

        Raises:
            ConfigurationError: `STATION_FILE`: they are not written as `[[scanners]]`.
        """
        return self._tables("scanners", "douchette")

    def displays(self) -> list[dict[str, object]]:
        """List the tables of the customer displays, in order.

        Raises:
            ConfigurationError: `STATION_FILE`: they are not written as `[[displays]]`.
        """
        return self._tables("displays", "écran")

    def language(self) -> Language:
        """Tell the language of the customer displays."""
        shop = self._document.unwrap().get("shop")
        told = cast("dict[str, Any]", shop).get("language") if isinstance(shop, dict) else None
        return "en" if told == "en" else "fr"

    def _tables(self, key: str, what: str) -> list[dict[str, object]]:
        plain = self._document.unwrap().get(key, [])
        if not isinstance(plain, list) or not all(
            isinstance(table, dict) and isinstance(cast("dict[str, Any]", table).get("url"), str)
            for table in cast("list[object]", plain)
        ):
            raise _unusable(
                self._path, f"chaque {what} s’écrit [[{key}]] avec une clé url", f"write [[{key}]]"
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
        document: Any = self._document
        table: Any = next((each for each in document.get("scanners", []) if each["url"] == url), None)
        if table is None:
            self._append(document, {"url": new_url, **settings})
            return
        with _before_what_follows(table):
            _put(table, {"url": new_url, **settings})

    def set_printer(self, url: str, settings: Mapping[str, str | int | bool | None]) -> None:
        """Put settings into the table of the ticket printer; it is added when there is none.

        Args:
            url: The URL that shall stand there.
            settings: Keys and values; None takes a key away.
        """
        import tomlkit

        self.refuse_odd_printer()
        document: Any = self._document
        table: Any = document.get("printer")
        if table is None:
            table = tomlkit.table()
            _put(table, {"url": url, **settings})
            if self._written.strip():
                document.add(tomlkit.nl())
            document["printer"] = table
            return
        with _before_what_follows(table):
            _put(table, {"url": url, **settings})

    def _append(self, document: Any, settings: Mapping[str, str | int | None]) -> None:
        import tomlkit
        from tomlkit.items import Array

        scanners: Any = document.get("scanners")
        # A file may write them between braces, too.
        table: Any = tomlkit.inline_table() if isinstance(scanners, Array) else tomlkit.table()
        for key, value in settings.items():
            if value is not None:
                table[key] = value
        if isinstance(scanners, Array):
            scanners.append(table)
        elif scanners:
            with _before_what_follows(scanners[-1]) as tail:
                # What follows the last of them follows the new one.
                scanners.append(table)
                scanners[-1].value.body.extend(tail)
                tail[:] = [(None, tomlkit.nl())]
        else:
            if self._written.strip():
                document.add(tomlkit.nl())
            tables = tomlkit.aot()
            tables.append(table)
            document["scanners"] = tables

    def refuse_unwritable(self) -> None:
        """See beforehand whether the file can be completed.

        Raises:
            ConfigurationError: `STATION_FILE`: it is protected, or its tables stand in an order that would be lost.
        """
        if not self._in_order:
            raise _unusable(
                self._path,
                "ses tables [[scanners]] sont séparées par d’autres : mettez-les les unes après les autres, ou "
                "ajoutez --dry-run et recopiez les réglages",
                "its [[scanners]] stand apart",
            )
        mode = self._path.stat().st_mode
        if not mode & 0o222 or not os.access(self._path, os.W_OK):
            raise _unusable(self._path, "il est protégé en écriture", "it is read-only")

    def refuse_odd_printer(self) -> None:
        """See beforehand whether the printer's table can be completed.

        Raises:
            ConfigurationError: `STATION_FILE`: it is no table, or its parts stand apart.
        """
        from tomlkit.items import InlineTable, Table

        if not isinstance(self._document.get("printer"), InlineTable | Table | None):
            raise _unusable(
                self._path,
                "l’imprimante s’écrit [printer], une fois, ses clés dessous et avant toute table [printer.…]",
                "write one [printer]",
            )

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
        self.refuse_unwritable()
        text = self.text().replace("\n", "\r\n") if self._windows else self.text()
        data = f"{_BOM if self._bom else ''}{text}".encode()
        path = self._path.resolve()  # a link stays a link
        try:
            backup = _free_name(path)
            shutil.copy2(path, backup)
            replace_file(path, data)
        except OSError as error:
            why = f"il ne peut pas être écrit : {reason(error)}"
            raise _unusable(self._path, why, type(error).__name__) from error
        return backup


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that a power cut leaves the old one or the new one.

    Args:
        path: The file; when it is there its permissions stay, and its owner where this account may give it away.
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
            _keep_owner(path, name)
        else:
            Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _keep_owner(path: Path, name: str) -> None:
    """A till that runs under its own account must read what an administrator has completed."""
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):
            was = path.stat()
            os.chown(name, was.st_uid, was.st_gid)


def _put(table: Any, settings: Mapping[str, str | int | bool | None]) -> None:
    """Put settings into a table; what stands there already keeps its place and its comment."""
    from tomlkit.items import Table

    for key, value in settings.items():
        if value is None:
            table.pop(key, None)
        elif key not in table:
            table[key] = value
            if isinstance(table, Table) and "url" in table:
                container: Any = (
                    table.value
                )  # the table itself gives truth values without their place in the text
                container.item(key).trivia.indent = container.item("url").trivia.indent
        elif table[key] != value:
            table[key] = value


@contextlib.contextmanager
def _before_what_follows(table: Any) -> Iterator[list[Any]]:
    """Put aside the comments and empty lines after a table: they head what follows, and no key belongs behind them."""
    body: list[Any] = table.value.body
    tail: list[Any] = []
    while body and body[-1][0] is None:
        tail.insert(0, body.pop())
    try:
        yield tail
    finally:
        body += tail


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


def printer_table(url: str, settings: Mapping[str, str | int | bool | None]) -> str:
    """Write the ticket printer's table as a station file holds it, to be copied by hand."""
    import tomlkit

    table = tomlkit.table()
    _put(table, {"url": url, **settings})
    document = tomlkit.document()
    document["printer"] = table
    return tomlkit.dumps(document)


def _free_name(path: Path) -> Path:
    names = [path.with_name(f"{path.name}.bak{n if n > 1 else ''}") for n in range(1, _MAX_BACKUPS + 1)]
    return next((name for name in names if not name.exists()), names[-1])


def _unusable(path: Path, fr: str, en: str) -> ConfigurationError:
    return ConfigurationError("STATION_FILE", fr=f"{path} : {fr}.", en=f"{path}: {en}")
