"""The station file: one TOML file per till, read strictly. Whatever is wrong is said with file, key and remedy."""

from __future__ import annotations

import os
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import msgspec

from cvconnect_pos.core.attempt import Way
from cvconnect_pos.errors import ConfigError
from cvconnect_pos.messages import Language
from cvconnect_pos.money import DEFAULT_FLOOR_CENTS
from cvconnect_pos.tickets.logo import MAX_LOGO_BYTES, logo_fault


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file: unknown keys are refused."""


class ProviderTable(_Table, frozen=True, kw_only=True):
    """`[provider]`: who is asked for the money.

    Args:
        environment: `test` or `production`; anything but production is marked as a simulation.
        url: The provider's address.
        shop_id: The shop's number at the provider.
        service_provider_id: The service provider's number.
        seal_key: Where the seal key is: `env:NAME`, `file:PATH` or `keyring:SERVICE/NAME`, never the key itself.
        seal_key_version: The key's version.
        timeout_s: The total deadline of one call, in seconds.
        proxy: A proxy's URL; none when left out, whatever the environment says.
        ca_bundle: A file of certificates to trust instead of the usual ones.
        calls_per_s: How many calls a second this credential may make; polls wait for their turn.
        poll_speed: Divides the pauses between polls, outside production only.
    """

    environment: Literal["test", "production"]
    url: str
    shop_id: str
    service_provider_id: str
    seal_key: str
    seal_key_version: str = "ver001"
    timeout_s: float = 10.0
    proxy: str | None = None
    ca_bundle: str | None = None
    calls_per_s: float = 20.0
    poll_speed: float = 1.0


class ShopTable(_Table, frozen=True, kw_only=True):
    """`[shop]`: what screens and tickets say.

    Args:
        name: The shop's name.
        address: Further lines of the ticket's head.
        till_id: Names this till to the provider and in the journal.
        language: The customer display's language.
    """

    name: str
    address: tuple[str, ...] = ()
    till_id: str = ""
    language: Language = "fr"


class TenderTable(_Table, frozen=True, kw_only=True):
    """`[tender]`: how payments are asked.

    Args:
        way: How the customer is reached when the till does not say.
        floor_cents: The smallest amount that may be asked, in cents.
        seller_id: Who sells when the till does not say.
    """

    way: Way = Way.QR
    floor_cents: int = DEFAULT_FLOOR_CENTS
    seller_id: str = ""


class JournalTable(_Table, frozen=True, kw_only=True):
    """`[journal]`: where everything is written.

    Args:
        path: The file, from the station file's folder.
        head: Where its newest hash is kept besides, from the station file's folder; `<path>.head` when left out.
        keys: Where its keys are: a path, or `keyring:SERVICE/NAME`; `<path>.keys` when left out.
    """

    path: str
    head: str | None = None
    keys: str | None = None


class LogTable(_Table, frozen=True, kw_only=True):
    """`[log]`: the short-lived debug log, for support.

    Args:
        debug_days: How many days are kept, today among them; 0 for none.
        path: The start of the files' names, from the station file's folder; the journal's when left out.
    """

    debug_days: int = 7
    path: str | None = None


class TicketTable(_Table, frozen=True, kw_only=True):
    """`[tickets]`: which come out by themselves, and how they look.

    Args:
        language: Their language; the mentions that the law or the provider knows stay French.
        logo: The picture of their first line, a PNG, from the station file's folder.
        merchant_copy: Of a paid operation.
        customer_copy: Of a paid operation. Off: since 1 August 2023 tickets are not printed automatically.
        unpaid: Of refused, expired and cancelled operations, which that rule exempts.
        reversed: Both copies of a reversal, which it exempts too.
    """

    language: Language = "fr"
    logo: str | None = None
    merchant_copy: bool = True
    customer_copy: bool = False
    unpaid: bool = True
    reversed: bool = True


DeviceTable = dict[str, Any]
"""A table with a `url`, and what its driver wants besides."""


class StationFile(_Table, frozen=True, kw_only=True):
    """The whole file."""

    provider: ProviderTable
    shop: ShopTable
    journal: JournalTable
    tender: TenderTable = TenderTable()
    tickets: TicketTable = TicketTable()
    log: LogTable = LogTable()
    scanners: tuple[DeviceTable, ...] = ()
    displays: tuple[DeviceTable, ...] = ()
    printer: DeviceTable | None = None


def read_station_file(path: Path) -> StationFile:
    """Read a station file.

    Args:
        path: The file.

    Returns:
        Its content, checked.

    Raises:
        ConfigError: What is wrong, with file, key and remedy.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors write a BOM
    except FileNotFoundError as error:
        raise ConfigError("CONFIG_MISSING", file=str(path)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        detail = str(error.strerror if isinstance(error, OSError) else error)
        raise ConfigError(
            "CONFIG_SYNTAX", file=str(path), detail=detail, detail_fr=_in_french(detail)
        ) from error
    _check_keys(document, path)
    _check_devices(document, path)
    try:
        station = msgspec.convert(document, StationFile)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), path) from error
    _check_values(station, path)
    read_logo(station, path)
    return station


def read_logo(station: StationFile, path: Path) -> bytes | None:
    """Fetch the picture that heads each ticket.

    Args:
        station: The content of the station file.
        path: Where it is.

    Returns:
        A PNG that can be printed; None when the file names none.

    Raises:
        ConfigError: `CONFIG_INVALID`: it cannot be read, or is no such picture.
    """
    if station.tickets.logo is None:
        return None
    key = "tickets.logo"
    try:
        with (path.parent / station.tickets.logo).open("rb") as file:
            png = file.read(MAX_LOGO_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise _invalid(path, key, fr="ce fichier n’est pas lisible", en="it cannot be read") from error
    if fault := logo_fault(png):
        raise _invalid(path, key, fr=f"attendu : {fault[0]}", en=f"expected {fault[1]}")
    return png


_TABLES: dict[str, type[msgspec.Struct]] = {
    "provider": ProviderTable,
    "shop": ShopTable,
    "tender": TenderTable,
    "journal": JournalTable,
    "tickets": TicketTable,
    "log": LogTable,
}


def _check_keys(document: Mapping[str, Any], path: Path) -> None:
    """Name an unknown key and the ones that are allowed there, before anything else."""
    _check_table(document, StationFile, "", path)
    for name, table in _TABLES.items():
        if isinstance(content := document.get(name), dict):
            _check_table(cast("dict[str, Any]", content), table, f"{name}.", path)


def _check_table(content: Mapping[str, Any], table: type[msgspec.Struct], prefix: str, path: Path) -> None:
    known = table.__struct_fields__
    for key in content:
        if key not in known:
            raise ConfigError(
                "CONFIG_UNKNOWN_KEY", file=str(path), key=prefix + key, allowed=", ".join(known)
            )
    for field in msgspec.structs.fields(table):
        if field.required and field.name not in content:
            raise ConfigError("CONFIG_KEY_MISSING", file=str(path), key=prefix + field.name)


FALLBACK = "fallback"
"""The key of a display that shows a QR only when none before it does; no driver sees it."""

_DEVICES: dict[str, tuple[type, str]] = {
    "scanners": (list, "[[scanners]]"),
    "displays": (list, "[[displays]]"),
    "printer": (dict, "[printer]"),
}


def _check_devices(document: Mapping[str, Any], path: Path) -> None:
    """Refuse brackets that are not TOML's for that table, and a device without a URL or with another one's."""
    taken: dict[str, str] = {}
    for name, (form, brackets) in _DEVICES.items():
        content = cast("object", document.get(name))
        if type(content) in {list, dict} - {form}:
            raise _invalid(path, name, fr=f"écrivez {brackets}", en=f"write {brackets}")
        for key, table in _device_tables(name, content):
            url = table.get("url")
            if url is None:
                raise ConfigError("CONFIG_KEY_MISSING", file=str(path), key=key)
            if not isinstance(url, str):
                kind = type(url).__name__
                raise _invalid(
                    path, key, fr=f"attendu : str, trouvé : {kind}", en=f"expected str, got {kind}"
                )
            if url in taken:
                raise _invalid(path, key, fr=f"déjà prise par {taken[url]}", en=f"taken by {taken[url]}")
            taken[url] = key
            if name == "displays" and type(table.get(FALLBACK, False)) is not bool:
                where = key.replace(".url", f".{FALLBACK}")
                raise _invalid(path, where, fr="écrivez true ou false", en="write true or false")


def _device_tables(name: str, content: object) -> Iterator[tuple[str, DeviceTable]]:
    match content:
        case dict():
            yield f"{name}.url", cast("DeviceTable", content)
        case list():
            tables = enumerate(cast("list[object]", content))
            yield from (
                (f"{name}[{n}].url", cast("DeviceTable", each))
                for n, each in tables
                if isinstance(each, dict)
            )
        case _:  # the reader refuses it by its type
            pass


def _invalid(path: Path, key: str, *, fr: str, en: str) -> ConfigError:
    return ConfigError("CONFIG_INVALID", file=str(path), key=key, detail=en, detail_fr=fr)


def _refusal(message: str, path: Path) -> ConfigError:
    """Turn the checker's `Expected X, got Y - at `$.a.b`` into key and detail."""
    detail, _, where = message.partition(" - at `$.")
    return _invalid(path, where.rstrip("`") or "?", fr=_in_french(detail), en=detail)


_FRENCH = (
    (r"Expected `(.+)`, got `(.+)`", r"attendu : \1, trouvé : \2"),
    (r"Invalid enum value (.+)", r"valeur inconnue : \1"),
    (r".*\(at line (\d+), column (\d+)\)", r"ligne \1, colonne \2"),
    (r".*\(at end of document\)", "fin du fichier inattendue"),
    (r"'utf-8' codec.*", "le fichier n’est pas en UTF-8"),
)
"""What the readers of TOML and of tables say, for the integrator on site; anything else stays as it is."""


def _in_french(detail: str) -> str:
    for pattern, french in _FRENCH:
        if match := re.fullmatch(pattern, detail):
            return match.expand(french)
    return detail


_LETTERS = ("lettres sans accent et chiffres", "letters and digits")
_PRINTED = ("sans caractère de commande ni retour à la ligne", "no control character and no line end")


def _check_values(station: StationFile, path: Path) -> None:
    provider, shop = station.provider, station.shop
    may_be_fast = provider.environment == "test" and 0.1 <= provider.poll_speed <= 1000.0  # noqa: PLR2004
    rules: tuple[tuple[str, bool, tuple[str, str]], ...] = (
        ("provider.shop_id", _is_code(provider.shop_id), _LETTERS),
        ("provider.service_provider_id", _is_code(provider.service_provider_id), _LETTERS),
        (
            "provider.seal_key",
            provider.seal_key.startswith(("env:", "file:", "keyring:")),
            ("env:NOM ou file:CHEMIN", "env:NAME or file:PATH"),
        ),
        ("provider.seal_key_version", provider.seal_key_version.isalnum(), _LETTERS),
        (
            "provider.timeout_s",
            0.1 <= provider.timeout_s <= 120.0,  # noqa: PLR2004
            ("entre 0,1 et 120", "between 0.1 and 120"),
        ),
        (
            "log.debug_days",
            0 <= station.log.debug_days <= 31,  # noqa: PLR2004
            ("entre 0 et 31", "between 0 and 31"),
        ),
        (
            "provider.calls_per_s",
            1.0 <= provider.calls_per_s <= 1000.0,  # noqa: PLR2004
            ("entre 1 et 1000", "between 1 and 1000"),
        ),
        (
            "provider.poll_speed",
            provider.poll_speed == 1.0 or may_be_fast,
            ("1,0 ; en test, entre 0,1 et 1000", "1.0; in test, between 0.1 and 1000"),
        ),
        (
            "provider.proxy",
            provider.proxy is None or _is_proxy(provider.proxy),
            ("une adresse comme http://192.168.1.1:3128", "a URL such as http://192.168.1.1:3128"),
        ),
        (
            "provider.ca_bundle",
            provider.ca_bundle is None or Path(provider.ca_bundle).is_file(),
            ("ce fichier n’existe pas", "there is no such file"),
        ),
        ("tender.floor_cents", station.tender.floor_cents >= 1, ("au moins 1", "at least 1")),
        ("shop.name", bool(shop.name.strip()), ("un nom", "a name")),
        ("shop.name", _is_printed(shop.name), _PRINTED),
        *((f"shop.address[{n}]", _is_printed(line), _PRINTED) for n, line in enumerate(shop.address)),
    )
    for key, holds, (fr, en) in rules:
        if not holds:
            raise _invalid(path, key, fr=fr, en=en)


def _is_code(text: str) -> bool:
    return text.isascii() and text.isalnum()


def _is_printed(text: str) -> bool:
    return not any(unicodedata.category(character) == "Cc" for character in text)


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port of 99999
        return False


def _of_keyring(name: str) -> str:
    from importlib import import_module

    service, _, entry = name.rpartition("/")
    return import_module("keyring").get_password(service, entry) or ""


def read_secret(reference: str, *, key: str, path: Path) -> str:
    """Fetch a secret from where the file says it is.

    Args:
        reference: `env:NAME`, `file:PATH` (from the station file's folder) or `keyring:SERVICE/NAME`.
        key: The key that holds the reference, for the error.
        path: The station file.

    Returns:
        The secret, without the spaces and line ends around it.

    Raises:
        ConfigError: `CONFIG_SECRET`: it is not there, or empty. `CONFIG_EXTRA_MISSING`: the package `keyring`.
    """
    kind, _, name = reference.partition(":")
    try:
        match kind:
            case "env":
                secret = os.environ[name]
            case "keyring":
                secret = _of_keyring(name)
            case _:
                secret = (path.parent / name).read_text(encoding="utf-8")
    except ModuleNotFoundError as error:
        raise ConfigError("CONFIG_EXTRA_MISSING", file=str(path), key=key, package="keyring") from error
    except Exception as error:  # a keyring may raise anything
        raise ConfigError("CONFIG_SECRET", file=str(path), key=key, source=reference) from error
    if not secret.strip():
        raise ConfigError("CONFIG_SECRET", file=str(path), key=key, source=reference)
    return secret.strip()
