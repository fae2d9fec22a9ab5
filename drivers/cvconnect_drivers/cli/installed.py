"""The drivers that are installed, found as a till finds them: by the scheme of a device URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from cvconnect_drivers.errors import ConfigurationError


def load_factory(group: str, url: str) -> Callable[[str, Mapping[str, object]], Any]:
    """Find the driver of a device URL, as a till does.

    Args:
        group: `scanners` or `printers`.
        url: The URL.

    Returns:
        The driver's factory.

    Raises:
        ConfigurationError: `UNKNOWN_DRIVER`: no installed driver has this scheme.
    """
    drivers = entry_points(group=f"cvconnect.{group}")
    scheme = scheme_of(url)
    if scheme not in drivers.names:
        known = ", ".join(f"{name}:" for name in sorted(drivers.names))
        raise ConfigurationError(
            "UNKNOWN_DRIVER",
            fr=f"Aucun pilote installé ne connaît « {scheme}: ». Pilotes : {known}.",
            en=f"No installed driver knows {scheme!r}: {known}",
        )
    factory: Callable[[str, Mapping[str, object]], Any] = drivers[scheme].load()
    return factory


def scheme_of(url: str) -> str:
    """Tell what stands before a URL's first colon.

    Raises:
        ConfigurationError: Nothing does.
    """
    scheme, colon, _ = url.partition(":")
    if not (scheme and colon):
        raise ConfigurationError(
            "INVALID_URL",
            fr=f"{url} : l’adresse d’un appareil commence par une sorte de liaison, comme serial: ou tcp:.",
            en=f"{url!r}: it must start with a scheme, such as serial:",
        )
    return scheme
