"""A ticket printer that speaks ESC/POS: bytes and time in, bytes and paper out."""

from __future__ import annotations

from cvconnect_sim.clock import Clock
from cvconnect_sim.printer.cable import XON, Cable, Flow
from cvconnect_sim.printer.events import DrawerPulse, Event, UnknownCommand
from cvconnect_sim.printer.firmware import Firmware
from cvconnect_sim.printer.mishaps import Mishap
from cvconnect_sim.printer.models import TM80, PrinterModel
from cvconnect_sim.printer.paper import Slip
from cvconnect_sim.printer.status import Sensors


class Printer:
    """The firmware of a thermal receipt printer with a cutter and a drawer connector.

    It holds no thread, clock or link: whoever carries its bytes calls `receive` and sends back what it returns. While it is
    offline, what is received waits in the receive buffer, and once that is full, on the host's side or nowhere; only
    real-time commands are carried out. With a clock, printing, feeding, cutting and a serial line take their time, and
    `tick` asks what has happened meanwhile; without, everything happens at once.

    It does not model: page mode, downloaded or stored characters and images, bar codes, two-dimensional codes other than
    QR, tab positions other than the default, absolute and relative print positions, character spacing, motion units other
    than one dot, turned characters, macros, colours, Chinese glyphs (boxes on paper, characters in its text), the settings
    that `GS (` keeps in the printer, `ESC =`, the power-off sequence of `DLE DC4`. Such commands are read to their end and
    recorded in `events`, but for `ESC &` and `FS q`, whose data comes out as text. Nor does it model a print buffer that
    fills while the line before is being printed, the time of a drawer's pulse, heat, or paper that jams.

    Args:
        model: the printer to be.
        cable: its line.
        clock: the time, None when nothing takes any.
        roll_mm: paper on the roll, None for a roll without end.

    Source: Epson ESC/POS command reference.
    """

    def __init__(
        self,
        model: PrinterModel = TM80,
        *,
        cable: Cable | None = None,
        clock: Clock | None = None,
        roll_mm: float | None = None,
    ) -> None:
        cable = Cable() if cable is None else cable
        self.model = model
        self._clock = clock
        self._announces = cable.flow is Flow.XON_XOFF
        self._firmware = Firmware(model, cable, timed=clock is not None)
        self._mechanism = self._firmware.mechanism
        self._mechanism.roll_dots = None if roll_mm is None else model.dots(roll_mm)

    @property
    def slips(self) -> list[Slip]:
        """The slips cut or torn off so far, oldest first."""
        return self._mechanism.slips

    @property
    def uncut(self) -> Slip:
        """The paper between the last cut and the print head."""
        return self._mechanism.paper.look()

    @property
    def events(self) -> list[Event]:
        """What happened, oldest first."""
        return self._firmware.events

    @property
    def drawer_pulses(self) -> list[DrawerPulse]:
        """The times the drawer was kicked, oldest first."""
        return [event for event in self.events if isinstance(event, DrawerPulse)]

    @property
    def unknown_commands(self) -> list[UnknownCommand]:
        """The bytes that were no command, oldest first."""
        return [event for event in self.events if isinstance(event, UnknownCommand)]

    @property
    def sensors(self) -> Sensors:
        """What the printer feels."""
        return self._firmware.register.sensors

    @property
    def powered(self) -> bool:
        """Whether the power is on."""
        return self._firmware.powered

    @property
    def busy(self) -> bool:
        """Whether the line tells the host to wait."""
        return self._firmware.busy

    @property
    def idle(self) -> bool:
        """Whether all that the host has sent has been carried out, but for a command that is not complete."""
        return self._firmware.idle

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host.

        Args:
            data: as they come, cut anywhere.

        Returns:
            What the printer sends back at once; nothing while the power is off.
        """
        if self.powered:
            self._firmware.wire.put(data, self._now_s())
        return self.tick()

    def tick(self) -> bytes:
        """Go on to the clock's present.

        Returns:
            What the printer has sent meanwhile.
        """
        self._firmware.advance(self._now_s())
        return self._firmware.register.take_answers()

    def set_sensors(
        self,
        *,
        paper_end: bool | None = None,
        paper_near_end: bool | None = None,
        cover_open: bool | None = None,
        offline: bool | None = None,
        drawer_high: bool | None = None,
        cutter_error: bool | None = None,
        head_hot: bool | None = None,
        broken: bool | None = None,
        feed_button: bool | None = None,
    ) -> bytes:
        """Make the printer feel something. What is not given stays as it is.

        Args:
            paper_end: take the last paper away, or put in a roll without end under the strip.
            paper_near_end: the roll becomes thin.
            cover_open: open or close the cover.
            offline: go offline for no reason that is reported.
            drawer_high: level of pin 3 of the drawer connector.
            cutter_error: the cutter is stuck, or not any more.
            head_hot: the head is too hot.
            broken: an error that nothing mends.
            feed_button: the button is held.

        Returns:
            What the printer sends because of it: the automatic status if it is enabled, and, back online, the answers
            to commands that waited.
        """
        given = {
            "paper_end": paper_end,
            "paper_near_end": paper_near_end,
            "cover_open": cover_open,
            "offline": offline,
            "drawer_high": drawer_high,
            "cutter_error": cutter_error,
            "head_hot": head_hot,
            "broken": broken,
            "feed_button": feed_button,
        }
        if paper_end is False and self._mechanism.roll_dots == 0:
            self._mechanism.roll_dots = None
        return self._sense(**{name: value for name, value in given.items() if value is not None})

    def open_cover(self) -> bytes:
        """Open the cover; a line that is being printed stops. Returns what the printer sends."""
        self._catch_up()
        self._firmware.open_cover(self._now_s())
        return self.tick()

    def close_cover(self) -> bytes:
        """Close the cover. Returns what the printer sends."""
        return self._sense(cover_open=False, cover_stopped_printing=False)

    def load_paper(self, length_mm: float | None = None) -> bytes:
        """Take the strip out, whatever is on it, and put in another roll.

        Args:
            length_mm: paper on the roll, None for a roll without end.

        Returns:
            What the printer sends.
        """
        self._catch_up()
        self._mechanism.take_out()
        self._mechanism.roll_dots = None if length_mm is None else self.model.dots(length_mm)
        near_end, end = self._mechanism.feel_roll()
        return self._sense(paper_near_end=near_end, paper_end=end)

    def tear_off(self) -> bytes:
        """Tear the paper off by hand at the cutter or the edge. Returns what the printer sends."""
        self._catch_up()
        self._mechanism.tear_off()
        return self.tick()

    def jam_cutter(self) -> bytes:
        """Block the cutter: the next cut fails. Returns what the printer sends."""
        self._mechanism.jammed = True
        return self.tick()

    def free_cutter(self) -> bytes:
        """Take away what blocks the cutter; the error lasts until the host sends `DLE ENQ`. Returns what the printer sends."""
        self._mechanism.jammed = False
        return self.tick()

    def arm(self, mishap: Mishap) -> bytes:
        """Let a fault happen by itself.

        Args:
            mishap: what, and when, counted from now.

        Returns:
            What the printer sends.
        """
        self._catch_up()
        self._firmware.arm(mishap, self._now_s())
        return self.tick()

    def power_off(self) -> bytes:
        """Cut the power: the receive buffer, the unprinted line and all settings are lost, the paper stays.

        Returns:
            Nothing: a printer without power says nothing.
        """
        self._catch_up()
        if self.powered:
            self._firmware.cut_power()
        return b""

    def power_on(self) -> bytes:
        """Give the power back; the printer begins as after `ESC @`.

        Returns:
            XON, if the line uses it.
        """
        if self.powered:
            return b""
        self._firmware.powered = True
        return XON if self._announces else b""

    def _now_s(self) -> float:
        return 0.0 if self._clock is None else self._clock.monotonic()

    def _catch_up(self) -> None:
        """A fault finds the printer where it is by now."""
        self._firmware.advance(self._now_s())

    def _sense(self, **fields: bool) -> bytes:
        self._catch_up()
        self._firmware.sense(self._now_s(), **fields)
        return self.tick() if self.powered else b""
