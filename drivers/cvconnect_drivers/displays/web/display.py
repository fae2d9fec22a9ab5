"""A customer screen in any browser, a tablet's or a kiosk's: `web:` on this host, `web://0.0.0.0:8766` in the shop's network.

The page says what it has really painted; a QR that no page shows is not taken for shown. It hides a QR at its end, and
when the till has not been heard for six seconds.

Settings: `token_file`, where the token of the page's address is kept, so that a tablet finds it again after a restart; it
is made when it is missing. Without it every start has a new token.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path

from cvconnect_drivers.displays import UNCLAIMED, has_qr
from cvconnect_drivers.displays.web.server import PageServer
from cvconnect_drivers.displays.web.view import BLANK, view_of
from cvconnect_drivers.errors import ConfigurationError, LinkAbsentError, NotClaimedError, PackageMissingError
from cvconnect_drivers.shapes import Health, HealthLevel, Prompt, Surface
from cvconnect_drivers.urls import Settings, parse_url

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8766
PAINTED_S = 1.0
"""How long a page may take to say that it has painted."""

CLEARED_S = 0.5
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (asked for by whoever wrote the station file)


class WebDisplay:
    """A screen that is a page.

    Args:
        name: The URL it was made from.
        host: Where it listens.
        port: 0 for any that is free.
        token: What stands in the page's address.
    """

    def __init__(self, name: str, host: str, port: int, token: str) -> None:
        self._name = name
        self._host = host
        self._port = port
        self._token = token
        self._lock = threading.Lock()
        self._server: PageServer | None = None

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    @property
    def url(self) -> str:
        """What to open in the browser, once it is claimed."""
        host = "ADRESSE-DE-LA-CAISSE" if self._host in _EVERYWHERE else self._host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self._server.port if self._server else self._port}/{self._token}/"

    def claim(self, *, timeout_s: float) -> None:
        """Serve the page; every one that is still open from an earlier run shows nothing.

        Args:
            timeout_s: Unused: listening has no deadline.

        Raises:
            LinkAbsentError: The address cannot be used, or another program has the port.
        """
        del timeout_s
        with self._lock:
            if self._server is not None:
                return
            try:
                self._server = PageServer(self._host, self._port, self._token)
            except OSError as error:
                where = f"{self._host}:{self._port}"
                raise LinkAbsentError(
                    where,
                    error.strerror or type(error).__name__,
                    fr=f"L’écran client ne peut pas être servi sur {where} : port déjà pris, ou adresse d’un autre poste.",
                ) from error

    def show(self, prompt: Prompt, *, timeout_s: float) -> Surface:
        """Show this prompt on every page instead of the last one.

        Args:
            prompt: What to show.
            timeout_s: Seconds for a page to paint it, of which at most `PAINTED_S` are used.

        Returns:
            What a page says that it has painted; `none` when no page is open or answers.

        Raises:
            NotClaimedError: The display is not claimed.
            PackageMissingError: What a QR is made or read with is not installed.
        """
        server = self._claimed()
        try:
            view = view_of(prompt)
        except ImportError as error:
            raise PackageMissingError("pillow") from error
        number = server.publish(view, prompt.expires_at if has_qr(prompt) else None)
        wanted: Surface = "qr" if "qr" in view or "picture" in view else "text"
        return server.seen(number, wanted=wanted, timeout_s=min(timeout_s, PAINTED_S))

    def clear(self, *, timeout_s: float) -> None:
        """Show nothing. Idempotent.

        Args:
            timeout_s: Seconds for the pages to follow, of which at most `CLEARED_S` are used.
        """
        with self._lock:
            server = self._server
        if server is not None:
            server.seen(server.publish(BLANK), wanted="none", timeout_s=min(timeout_s, CLEARED_S))

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell whether a page is open.

        Args:
            level: `external` and `interactive` add its address.

        Returns:
            `degraded` while no browser has the page open, or none that has it open paints it.
        """
        with self._lock:
            server = self._server
        if server is None:
            return UNCLAIMED
        where = f" Adresse : {self.url}" if level != "internal" else ""
        if not server.pages:
            return Health("degraded", f"Aucun navigateur n’affiche la page de l’écran client.{where}")
        if not server.is_followed(PAINTED_S):
            return Health(
                "degraded", f"La page de l’écran client est ouverte, mais cachée ou en veille.{where}"
            )
        return Health("ready", f"Écran client prêt : {server.pages} page(s) ouverte(s).{where}")

    def release(self) -> None:
        """Clear, and stop serving. Idempotent."""
        self.clear(timeout_s=CLEARED_S)
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.close()

    def _claimed(self) -> PageServer:
        with self._lock:
            if self._server is None:
                raise NotClaimedError(self._name)
            return self._server


def open_display(url: str, options: Mapping[str, object]) -> WebDisplay:
    """Make a web display; nothing is served before `claim`.

    Args:
        url: `web:`, `web://192.168.1.20:8766`, `web://0.0.0.0:8766`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The display, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid, or the token file cannot be used.
    """
    device = parse_url(url, {"web"})
    settings = Settings(device, options)
    host, port = device.address() if device.target else (DEFAULT_HOST, DEFAULT_PORT)
    file = settings.text("token_file", "")
    settings.refuse_unknown()
    token = _kept(Path(file), settings) if file else secrets.token_urlsafe(16)
    return WebDisplay(url, host, port, token)


def _kept(path: Path, settings: Settings) -> str:
    """Read the token, or make it: nobody but its owner reads the file. An empty one was left by a power cut."""
    try:
        if not path.exists() or not path.stat().st_size:
            _make(path)
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise _unusable(path, settings) from error
    if not _TOKEN.fullmatch(token):
        raise _unusable(path, settings)
    return token


def _make(path: Path) -> None:
    """Write a token in full, or not at all."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(16) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _unusable(path: Path, settings: Settings) -> ConfigurationError:
    return settings.invalid(
        fr=f"le fichier {path} (token_file) ne contient pas de jeton lisible de 16 à 128 lettres et chiffres",
        en=f"{path} (token_file) holds no token of 16 to 128 letters and digits that can be read",
    )
