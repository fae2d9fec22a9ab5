"""Line displays, usually of 2 rows of 20 characters, on a serial port: `serial:///dev/ttyUSB0?protocol=epson`.

`serial:` takes whatever pyserial opens, or no name but an identity, as for scanners: `serial:?vendor=0403&product=6001`. A
display that is unplugged is looked for until `release`; when it comes back, it shows what it should show by then. Who shows
something meanwhile is not kept waiting.

An Epson display can be asked for its model; the other protocols have no answers, and no display says by itself what it
is. Only a port that was named is ever written to: on another one may hang a scale or a card terminal.

Settings: `protocol` (`epson`, `cd5220`, `logic-controls`, `aedex`), `page` (the protocol's character sets), `baud`, `flow`
(`none`, `xonxoff`, `rtscts`), `columns`, `rows`, `brightness` (1 to 4), and an identity: `vendor`, `product`, `serial`, `port`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial

from cvconnect_drivers.displays.line_protocols import LEVELS, PROTOCOLS, Panel
from cvconnect_drivers.displays.line_session import LineSession, last_bytes_s
from cvconnect_drivers.errors import NotClaimedError
from cvconnect_drivers.links.base import Link
from cvconnect_drivers.links.serial import FLOWS, list_serial, open_serial
from cvconnect_drivers.scanners.reconnection import Backoff
from cvconnect_drivers.scanners.serial import identity_of
from cvconnect_drivers.scanners.settings import Identity, read_identity
from cvconnect_drivers.shapes import Health, HealthLevel, Prompt, Surface
from cvconnect_drivers.urls import Settings, parse_url

DEFAULT_BAUD = 9600
DEFAULT_COLUMNS, DEFAULT_ROWS = 20, 2
FEWEST_COLUMNS = 16

SLACK_S = 0.3
"""What a write may take beyond the time that its bytes need."""

_BITS_PER_BYTE = 10
_NOT_CLAIMED = Health("unknown", "Afficheur client non réservé.")


class LineDisplay:
    """A line display, as a till meets it.

    Args:
        name: The URL it was made from.
        open_link: Opens its port; called again after each loss, from the driver's thread.
        panel: How it is written to.
        write_s: Deadline of one frame, in seconds.
        backoff: How long to wait between two tries.
        baud: Bits per second of its port.
    """

    def __init__(
        self,
        name: str,
        open_link: Callable[[], Link],
        panel: Panel,
        *,
        write_s: float = SLACK_S,
        backoff: Backoff | None = None,
        baud: int = DEFAULT_BAUD,
    ) -> None:
        self._name = name
        self._open_link = open_link
        self._panel = panel
        self._write_s = write_s
        self._last_bytes_s = last_bytes_s(baud)
        self._backoff = backoff or Backoff()
        self._lock = threading.Lock()
        self._session: LineSession | None = None

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    def claim(self, *, timeout_s: float) -> None:
        """Start the driver's thread, which opens the port and clears the display.

        A display that is away now may be plugged in later: that is no error.

        Args:
            timeout_s: Seconds to wait for the first try.

        Raises:
            DriverError: The display cannot be opened as it is set up (a package is missing, two devices match).
        """
        with self._lock:
            if self._session is not None:
                return
            session = self._session = LineSession(
                self._name,
                self._open_link,
                self._panel,
                write_s=self._write_s,
                backoff=self._backoff,
                last_bytes_s=self._last_bytes_s,
            )
        refused = session.start(timeout_s)
        if refused is not None:
            self.release()
            raise refused

    def show(self, prompt: Prompt, *, timeout_s: float) -> Surface:
        """Show this prompt instead of the last one. What is too long for its row scrolls.

        Args:
            prompt: What to show.
            timeout_s: Seconds to wait until the display took it.

        Returns:
            `text`, or `none` when there is nothing to say, or the display is away: it shows the prompt when it comes back.

        Raises:
            NotClaimedError: The display is not claimed.
        """
        session = self._session
        if session is None:
            raise NotClaimedError(self._name)
        pages = self._panel.lay_out(prompt)
        shown = session.show(pages, timeout_s)
        return "text" if shown and any(row.strip() for page in pages for row in page) else "none"

    def clear(self, *, timeout_s: float) -> None:
        """Show nothing. Idempotent. A display that is away is cleared when it comes back.

        Args:
            timeout_s: Seconds to wait until the display took it.
        """
        session = self._session
        if session is not None:
            session.show(self._panel.lay_out(None), timeout_s)

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell whether the display takes what is written; `ready` does not say that somebody can read it.

        Args:
            level: `external` asks the display for its model, and only an answer is `ready`; `interactive` adds what a
                person should do.

        Returns:
            What is known.
        """
        session = self._session
        if session is None:
            return _NOT_CLAIMED
        health = session.health
        if level == "internal" or health.state != "ready":
            return health
        if level == "interactive":
            return Health("ready", f"{health.detail} Vérifiez que le client peut le lire.")
        if not self._panel.protocol.ask:
            return Health(
                "unknown", "L’afficheur client reçoit les données, mais ne peut pas être interrogé."
            )
        model = session.ask()
        if model is None:
            return Health("unknown", "L’afficheur client reçoit les données, mais ne répond pas.")
        return Health("ready", f"Afficheur client prêt ({model}).")

    def release(self) -> None:
        """Clear, join the driver's thread and give the port back. Idempotent; never raises."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()


def open_display(url: str, options: Mapping[str, object]) -> LineDisplay:
    """Make a line display; nothing is opened before `claim`.

    Args:
        url: `serial:///dev/ttyUSB0?protocol=epson`, `serial:COM3?protocol=cd5220`, `serial:?vendor=0403&protocol=aedex`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The display, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"serial"})
    settings = Settings(device, options)
    protocol = PROTOCOLS[settings.choice("protocol", "epson", PROTOCOLS)]
    panel = Panel(
        protocol,
        protocol.pages[settings.choice("page", next(iter(protocol.pages)), protocol.pages)],
        settings.whole("columns", DEFAULT_COLUMNS, FEWEST_COLUMNS, protocol.widest),
        settings.whole("rows", DEFAULT_ROWS, 1, len(protocol.rows)),
        settings.whole("brightness", LEVELS[-1], LEVELS[0], LEVELS[-1]),
    )
    baud = settings.whole("baud", DEFAULT_BAUD, 1200, 4_000_000)
    flow = settings.choice("flow", "none", FLOWS)
    identity = Identity() if device.target else read_identity(settings)
    settings.refuse_unknown()
    open_link: Callable[[], Link]
    if identity == Identity():
        open_link = partial(open_serial, device.path, baud=baud, flow=flow)
    else:
        open_link = partial(_open_by_identity, url, identity, baud, flow)
    longest_s = len(panel.frame(panel.lay_out(None)[0])) * _BITS_PER_BYTE / baud
    return LineDisplay(url, open_link, panel, write_s=longest_s + SLACK_S, baud=baud)


def _open_by_identity(url: str, identity: Identity, baud: int, flow: str) -> Link:
    """Look for the device anew each time: it may have another name."""
    return open_serial(identity.choose(list_serial(), identity_of, url).device, baud=baud, flow=flow)
