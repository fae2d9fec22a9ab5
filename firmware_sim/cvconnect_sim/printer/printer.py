"""A ticket printer that speaks ESC/POS: bytes in, bytes and paper out."""

from dataclasses import replace

from cvconnect_sim.printer.commands import execute
from cvconnect_sim.printer.events import DrawerPulse, Event, PowerLost, RealTimeRequest, UnknownCommand
from cvconnect_sim.printer.machine import Machine
from cvconnect_sim.printer.models import TM80, PrinterModel
from cvconnect_sim.printer.paper import Slip
from cvconnect_sim.printer.parser import Command, Parser, Text, Token, Unknown
from cvconnect_sim.printer.realtime import CLEAR_BUFFERS, RealTimeWatcher
from cvconnect_sim.printer.status import Sensors, automatic_status, dle_eot, status_changed


class Printer:
    """The firmware of a thermal receipt printer with a cutter and a drawer connector.

    It holds no thread, clock or link: whoever carries its bytes calls `receive` and sends back what it returns.
    While it is offline, what is received waits in the receive buffer; only real-time commands are carried out.

    It does not model: time (printing, feeding and cutting take none, so a process id is answered as soon as it is
    reached), the size of the receive buffer and flow control, page mode, downloaded or stored characters and
    images, bar codes, two-dimensional codes other than QR, tab positions other than the default, absolute and
    relative print positions, motion units other than one dot, Kanji, the cutter's and the head's errors, `GS ( D`.
    Such commands are read to their end and recorded in `events`.

    Args:
        model: the printer to be.

    Source: Epson ESC/POS command reference.
    """

    def __init__(self, model: PrinterModel = TM80) -> None:
        self.model = model
        self._machine = Machine(model)
        self._parser = Parser()
        self._watcher = RealTimeWatcher()
        self._powered = True

    @property
    def slips(self) -> list[Slip]:
        """The slips cut so far, oldest first."""
        return self._machine.slips

    @property
    def uncut(self) -> Slip:
        """The paper between the last cut and the print head."""
        return self._machine.paper.look()

    @property
    def events(self) -> list[Event]:
        """What happened, oldest first."""
        return self._machine.events

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
        return self._machine.sensors

    @property
    def powered(self) -> bool:
        """Whether the power is on."""
        return self._powered

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host.

        Args:
            data: as they come, cut anywhere.

        Returns:
            What the printer sends back at once; nothing while the power is off.
        """
        if not self._powered:
            return b""
        at = 0
        for end, request in self._watcher.watch(data):
            self._accept(data[at:end])
            self._real_time(request)
            at = end
        self._accept(data[at:])
        return self._take_answers()

    def set_sensors(
        self,
        *,
        paper_end: bool | None = None,
        paper_near_end: bool | None = None,
        cover_open: bool | None = None,
        offline: bool | None = None,
        drawer_high: bool | None = None,
    ) -> bytes:
        """Cause or mend a fault. What is not given stays as it is.

        Args:
            paper_end: take the last paper away, or put a roll in.
            paper_near_end: the roll becomes thin.
            cover_open: open or close the cover.
            offline: go offline for no reason that is reported.
            drawer_high: level of pin 3 of the drawer connector.

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
        }
        before = self._machine.sensors
        after = replace(before, **{name: value for name, value in given.items() if value is not None})
        self._machine.sensors = after
        if not self._powered:
            return b""
        if status_changed(self._machine.settings.status_mask, before, after):
            self._machine.answers += automatic_status(after)
        self._process()
        return self._take_answers()

    def power_off(self) -> None:
        """Cut the power: the receive buffer, the unprinted line and all settings are lost, the paper stays."""
        if not self._powered:
            return
        self._machine.events.append(PowerLost(len(self._parser)))
        self._parser.clear()
        self._watcher = RealTimeWatcher()
        self._machine.reset()
        self._powered = False

    def power_on(self) -> None:
        """Give the power back; the printer begins as after `ESC @`."""
        self._powered = True

    def _accept(self, data: bytes) -> None:
        self._parser.feed(data)
        self._process()

    def _process(self) -> None:
        while self._machine.sensors.online and (token := self._parser.read()) is not None:
            self._carry_out(token)

    def _carry_out(self, token: Token) -> None:
        match token:
            case Text(codes):
                self._machine.put(codes)
            case Command(name, args):
                execute(self._machine, name, args)
            case Unknown(raw):
                self._machine.events.append(UnknownCommand(raw))

    def _real_time(self, request: RealTimeRequest) -> None:
        machine = self._machine
        match request:
            case RealTimeRequest("DLE EOT", args):
                machine.answers.append(dle_eot(args[0], machine.sensors))
                return
            case RealTimeRequest("DLE DC4", args) if args == CLEAR_BUFFERS:
                self._parser.clear()
                machine.clear_print_buffer()
                machine.answers += b"\x37\x25\x00"
            case RealTimeRequest("DLE DC4", args) if args[0] == 1:
                # Source: Epson, `DLE DC4` fn = 1: the pulse lasts t x 100 ms, on and off.
                machine.events.append(DrawerPulse(2 if args[1] == 0 else 5, args[2] * 100, args[2] * 100))
            case _:
                pass
        machine.events.append(request)

    def _take_answers(self) -> bytes:
        answers = bytes(self._machine.answers)
        self._machine.answers.clear()
        return answers
