"""A line display of which nobody knows what it speaks: asked where it can answer, else shown each protocol in turn.

What is meant for one protocol is harmless to the displays of the others. Each makes of it some wrong characters, moves of the
cursor, a mode, a brightness or a country, which its own frame sets anew; none of these bytes begins a command that a display
keeps after it was switched off (CD5220: `ESC S`, `ESC D`), or opens a drawer behind it (`DLE DC4` is followed by a
character, `ESC p` is not sent). `WIPE` then empties each of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from cvconnect_drivers.displays.line import Page, blank
from cvconnect_drivers.displays.line_protocols import AEDEX, CLR, CR, EPSON, PROTOCOLS, US, Panel, model_in
from cvconnect_drivers.displays.line_session import ANSWER_S, READ_BYTES, last_bytes_s
from cvconnect_drivers.displays.serial_line import (
    DEFAULT_COLUMNS,
    DEFAULT_ROWS,
    FEWEST_COLUMNS,
    SLACK_S,
)
from cvconnect_drivers.errors import LinkError, LinkTimeoutError
from cvconnect_drivers.links.base import Deadline, Link
from cvconnect_drivers.links.serial import FLOWS, list_serial, open_serial
from cvconnect_drivers.scanners.serial import identity_of
from cvconnect_drivers.scanners.settings import Identity, read_identity
from cvconnect_drivers.urls import Settings, parse_url

NAMES: Final = {"epson": "EPSON", "cd5220": "CD5220", "logic-controls": "LOGIC", "aedex": "AEDEX"}
SAMPLE: Final = "é è ç à €"
SECOND_ROW: Final = "TEST"
LEFT, RIGHT = ">", "<"

SPOKEN: Final = frozenset({"protocol", "page"})
"""The settings that are looked for."""

_LONGEST_FRAME: Final = 512
_BITS_PER_BYTE: Final = 10

WIPE: Final = (
    # Rows of spaces for AEDEX, seen by the others as text; then `CLR` for Epson's and CD5220; then `US` for Logic Controls,
    # which is the last to be emptied, and to Epson's with CR only a move of the cursor.
    CR * 3
    + b"".join(
        before + text.encode() + after for text, (before, after) in zip(blank(20, 2), AEDEX.rows, strict=True)
    )
    + CR * 3
    + CLR
    + US
    + CR
)
"""Empties a display that speaks any of the protocols."""


@dataclass(frozen=True, slots=True)
class Port:
    """The port of a line display, and what is known of it.

    Args:
        open_at: Opens it at a speed, in baud.
        columns: Cells in a row.
        rows: Its rows.
    """

    open_at: Callable[[int], Link]
    columns: int = DEFAULT_COLUMNS
    rows: int = DEFAULT_ROWS

    def open(self, baud: int) -> Glass:
        """Open it.

        Args:
            baud: Bits per second.

        Raises:
            LinkAbsentError: It does not exist, is held by another program, or may not be opened.
        """
        return Glass(self.open_at(baud), self, baud)


def read_port(url: str, options: Mapping[str, object]) -> tuple[Port, int | None]:
    """Read where a line display is; nothing is opened.

    Args:
        url: Its URL.
        options: Its other settings; what they say of its protocol is not believed.

    Returns:
        Its port, and the speed if that is told.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"serial"})
    settings = Settings(device, {key: value for key, value in options.items() if key not in SPOKEN})
    told = settings.whole("baud", 0, 0, 4_000_000)
    flow = settings.choice("flow", "none", FLOWS)
    columns = settings.whole("columns", DEFAULT_COLUMNS, FEWEST_COLUMNS, EPSON.widest)
    rows = settings.whole("rows", DEFAULT_ROWS, 1, len(EPSON.rows))
    settings.whole("brightness", 4, 1, 4)
    identity = Identity() if device.target else read_identity(settings)
    settings.refuse_unknown()
    path = device.path if identity == Identity() else ""
    return Port(partial(_open, url, path, identity, flow), columns, rows), told or None


def _open(url: str, path: str, identity: Identity, flow: str, baud: int) -> Link:
    device = path or identity.choose(list_serial(), identity_of, url).device
    return open_serial(device, baud=baud, flow=flow)


class Glass:
    """A line display, written to as the driver writes, in whatever protocol.

    Args:
        link: The open port; it is owned.
        port: What is known of the display.
        baud: Bits per second.
    """

    def __init__(self, link: Link, port: Port, baud: int) -> None:
        self._link = link
        self._port = port
        self._write_s = _LONGEST_FRAME * _BITS_PER_BYTE / baud + SLACK_S
        self._last_bytes_s = last_bytes_s(baud)

    def ask(self) -> str | None:
        """Ask for the model, as Epson's displays answer; None without an answer in time."""
        self._write(EPSON.start + EPSON.ask)
        deadline, came = Deadline(ANSWER_S), b""
        while model_in(came) is None and len(came) < READ_BYTES and deadline.left_s():
            try:
                came += self._link.read(READ_BYTES, timeout_s=deadline.left_s())
            except LinkTimeoutError:
                break
        return model_in(came)

    def show(self, protocol: str, page: str, mark: str = "") -> Page:
        """Write the sample in a protocol.

        Args:
            protocol: One of `PROTOCOLS`.
            page: One of its character sets.
            mark: What tells a new sample from the one before.

        Returns:
            What a person can read if that is the right protocol: each row begins and ends at the edge of the glass, since
            a wrong protocol mostly shows the same words, moved by what was not understood before them.
        """
        table = PROTOCOLS[protocol]
        panel = Panel(
            table,
            table.pages[page],
            min(self._port.columns, table.widest),
            min(self._port.rows, len(table.rows)),
        )
        texts = [panel.spell(f"{NAMES[protocol]} {SAMPLE}"), f"{SECOND_ROW} {mark}".strip()]
        within = panel.columns - len(LEFT + RIGHT)
        rows = [f"{LEFT}{text[:within]:<{within}}{RIGHT}" for text in texts] + [
            " " * panel.columns
        ] * panel.rows
        page_shown = tuple(rows[: panel.rows])
        self._write(WIPE + table.start + panel.frame(page_shown))
        return page_shown

    def close(self) -> None:
        """Empty the display, whatever it speaks, and close the port. Never raises."""
        with contextlib.suppress(LinkError):
            self._write(WIPE)
            # What comes is dropped: the port is only waited for, also with a display that echoes.
            deadline = Deadline(self._last_bytes_s)
            while left_s := deadline.left_s():
                self._link.read(READ_BYTES, timeout_s=left_s)
        self._link.close()

    def _write(self, data: bytes) -> None:
        self._link.write(data, timeout_s=self._write_s)


def words_of(page: Page) -> str:
    """Give what stands between the edges of a sample's first row."""
    return page[0].strip(LEFT + RIGHT + " ")
