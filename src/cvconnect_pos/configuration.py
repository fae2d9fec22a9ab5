"""The station file: one TOML file per till, read strictly. Whatever is wrong is said with file, key and remedy."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from cvconnect_pos.core.attempt import Way
from cvconnect_pos.errors import ConfigError
from cvconnect_pos.messages import Language
from cvconnect_pos.money import DEFAULT_FLOOR_CENTS


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file: unknown keys are refused."""


class ProviderTable(_Table, frozen=True, kw_only=True):
    """`[provider]`: who is asked for the money.

    Args:
        environment: `test` or `production`; anything but production is marked as a simulation.
        url: The provider's address.
        shop_id: The shop's number at the provider.
        service_provider_id: The service provider's number.
        seal_key: Where the seal key is: `env:NAME` or `file:PATH`, never the key itself.
        seal_key_version: The key's version.
        timeout_s: The total deadline of one call, in seconds.
        proxy: A proxy's URL; none when left out, whatever the environment says.
        ca_bundle: A file of certificates to trust instead of the usual ones.
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
    """

    path: str


class TicketTable(_Table, frozen=True, kw_only=True):
    """`[tickets]`: which come out by themselves.

    Args:
        merchant_copy: Of a paid operation.
        customer_copy: Of a paid operation. Off: since 1 August 2023 tickets are not printed automatically.
        unpaid: Of refused, expired and cancelled operations, which that rule exempts.
        reversed: Both copies of a reversal, which it exempts too.
    """

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
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError("CONFIG_MISSING", file=str(path)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        detail = str(error.strerror if isinstance(error, OSError) else error)
        raise ConfigError(
            "CONFIG_SYNTAX", file=str(path), detail=detail, detail_fr=_in_french(detail)
        ) from error
    _check_keys(document, path)
    try:
        station = msgspec.convert(document, StationFile)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), path) from error
    _check_values(station, path)
    return station


_TABLES: dict[str, type[msgspec.Struct]] = {
    "provider": ProviderTable,
    "shop": ShopTable,
    "tender": TenderTable,
    "journal": JournalTable,
    "tickets": TicketTable,
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


def _refusal(message: str, path: Path) -> ConfigError:
    """Turn the checker's `Expected X, got Y - at `$.a.b`` into key and detail."""
    detail, _, where = message.partition(" - at `$.")
    return ConfigError(
        "CONFIG_INVALID",
        file=str(path),
        key=where.rstrip("`") or "?",
        detail=detail,
        detail_fr=_in_french(detail),
    )


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


def _check_values(station: StationFile, path: Path) -> None:
    provider = station.provider
    rules = (
        ("provider.shop_id", provider.shop_id.isascii() and provider.shop_id.isalnum(), "A-Z a-z 0-9"),
        (
            "provider.service_provider_id",
            provider.service_provider_id.isascii() and provider.service_provider_id.isalnum(),
            "A-Z a-z 0-9",
        ),
        ("provider.seal_key", provider.seal_key.startswith(("env:", "file:")), "env:NAME | file:PATH"),
        ("provider.seal_key_version", provider.seal_key_version.isalnum(), "A-Z a-z 0-9"),
        ("provider.timeout_s", 0.1 <= provider.timeout_s <= 120.0, "0.1 .. 120"),  # noqa: PLR2004
        (
            "provider.poll_speed",
            provider.poll_speed == 1.0
            or (provider.environment == "test" and 0.1 <= provider.poll_speed <= 1000.0),  # noqa: PLR2004
            "1.0",
        ),
        ("tender.floor_cents", station.tender.floor_cents >= 1, ">= 1"),
        ("shop.name", bool(station.shop.name.strip()), '"…"'),
    )
    for key, holds, wanted in rules:
        if not holds:
            raise ConfigError("CONFIG_INVALID", file=str(path), key=key, detail=wanted, detail_fr=wanted)


def read_secret(reference: str, *, key: str, path: Path) -> str:
    """Fetch a secret from where the file says it is.

    Args:
        reference: `env:NAME` or `file:PATH`, the path from the station file's folder.
        key: The key that holds the reference, for the error.
        path: The station file.

    Returns:
        The secret, without the spaces and line ends around it.

    Raises:
        ConfigError: `CONFIG_SECRET`: it is not there, or empty.
    """
    kind, _, name = reference.partition(":")
    try:
        secret = os.environ[name] if kind == "env" else (path.parent / name).read_text(encoding="utf-8")
    except (KeyError, OSError, UnicodeDecodeError) as error:
        raise ConfigError("CONFIG_SECRET", file=str(path), key=key, source=reference) from error
    if not secret.strip():
        raise ConfigError("CONFIG_SECRET", file=str(path), key=key, source=reference)
    return secret.strip()
