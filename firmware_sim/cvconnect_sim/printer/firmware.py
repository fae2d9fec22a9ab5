"""The printer's program: receives, obeys in turn and at once, and copes with faults. Time is an argument."""

from __future__ import annotations

from cvconnect_sim.printer.cable import XOFF, XON, Cable, Flow, Wire
from cvconnect_sim.printer.commands import execute
from cvconnect_sim.printer.events import (
    BytesLost,
    DrawerPulse,
    Event,
    PowerLost,
    RealTimeRequest,
    UnknownCommand,
)
from cvconnect_sim.printer.machine import Machine
from cvconnect_sim.printer.mechanism import Mechanism
from cvconnect_sim.printer.mishaps import Mishap, MishapKind, Mishaps
from cvconnect_sim.printer.models import PrinterModel, RealTime, Resumes
from cvconnect_sim.printer.parser import Command, Data, Parser, Text, Token, Unknown
from cvconnect_sim.printer.realtime import CLEAR_BUFFERS, RealTimeWatcher, real_time_request
from cvconnect_sim.printer.status import StatusRegister, dle_eot

CLEARED = b"\x37\x25\x00"
"""The answer to `DLE DC4` fn = 8."""

NUL = b"\x00"
"""Between commands it is nothing at all; within one it is a parameter like any other."""

RECOVER, RECOVER_AND_CLEAR = b"\x01", b"\x02"
"""Arguments of `DLE ENQ`: go on with what was interrupted, or drop it and all that waits."""


class Firmware:
    """Works on what is on the wire, up to the time that it is told.

    Args:
        model: the printer to be.
        cable: its line.
        timed: whether anything takes time.

    Attributes:
        register: sensors, and answers to the host.
        mechanism: paper and what moves it.
        wire: what the host has sent and the printer has not received.
        events: what happened, oldest first.
        powered: whether the power is on.
        busy: whether the host is told to wait.
    """

    def __init__(self, model: PrinterModel, cable: Cable, *, timed: bool) -> None:
        self.model = model
        self.events: list[Event] = []
        self.register = StatusRegister()
        self.mechanism = Mechanism(model, self.register, self.events, timed=timed)
        self.wire = Wire(cable, timed=timed)
        self.powered = True
        self.busy = False
        self._full = False
        self._flow = cable.flow
        self._machine = Machine(model, self.register, self.mechanism, self.events)
        self._parser = Parser(model.lacks)
        self._watcher = RealTimeWatcher()
        self._mishaps = Mishaps()
        self._received_bytes = 0

    @property
    def idle(self) -> bool:
        """Whether all has been carried out, but for a command that is not complete."""
        return not self.wire and not self._parser.waiting and self.mechanism.idle

    def advance(self, now_s: float) -> None:
        """Do what can be done until now.

        Args:
            now_s: the present time, in seconds.
        """
        while self.powered:
            arrival_s = None if self._holds_host else self.wire.arrives_s()
            if arrival_s is None or arrival_s > now_s:
                if not self._step(now_s):
                    return
            elif not self._step(arrival_s):
                self._receive(arrival_s)

    def sense(self, now_s: float, **fields: bool) -> None:
        """Change what the printer feels; back online, its model says what becomes of the interrupted line.

        Args:
            now_s: the present time, in seconds.
            fields: of `Sensors`.
        """
        was_online = self.register.sensors.online
        self.register.change(**fields)
        if self.register.sensors.online and not was_online:
            self.mechanism.wait(now_s)
            match self.model.resumes:
                case Resumes.LINE:
                    self.mechanism.begin_again()
                case Resumes.NOTHING:
                    self._clear()
                case Resumes.REST:
                    pass
        self._tell_host(now_s)

    def open_cover(self, now_s: float) -> None:
        """Open the cover; a line that is being printed stops.

        Args:
            now_s: the present time, in seconds.
        """
        self.sense(now_s, cover_open=True, cover_stopped_printing=not self.mechanism.idle)

    def arm(self, mishap: Mishap, now_s: float) -> None:
        """Let a fault wait for its moment.

        Args:
            mishap: what is to happen, and when.
            now_s: the present time, in seconds.
        """
        self._mishaps.arm(mishap, received_bytes=self._received_bytes, fed_dots=self.mechanism.fed_dots)
        self._meet_mishaps(now_s)

    def cut_power(self) -> None:
        """Lose the receive buffer, the unprinted line and all settings; the paper stays."""
        self.events.append(PowerLost(len(self._parser)))
        self._clear()
        self._machine.reset()
        self._watcher = RealTimeWatcher()
        self.wire.clear()
        self.register.power_down()
        self.powered = self.busy = self._full = False

    @property
    def _holds_host(self) -> bool:
        return self.busy and self._flow is Flow.HOLD

    @property
    def _room_bytes(self) -> int:
        return self.model.buffer_bytes - self._parser.waiting

    def _step(self, until_s: float) -> bool:
        """Carry out the next command, or meet a mishap; returns whether there was any."""
        if not self.powered:
            return False
        if self.mechanism.run(until_s):
            self._meet_mishaps(self.mechanism.at_s)
            return True
        if not self.mechanism.idle or not self.register.sensors.online or self.mechanism.at_s > until_s:
            return False
        token = self._parser.read()
        if token is None:
            return False
        self._carry_out(token, until_s)
        self._tell_host(self.mechanism.at_s)
        return True

    def _receive(self, now_s: float) -> None:
        held_back = self.model.busy_room_bytes
        most = self._room_bytes - held_back if self._flow is Flow.HOLD else len(self.wire)
        limit = self._mishaps.next_bytes
        if limit is not None:
            most = min(most, limit - self._received_bytes)
        data = self.wire.take(max(most, 1))
        self._received_bytes += len(data)
        at = 0
        if self.model.real_time is RealTime.ON_RECEPTION:
            for end, request in self._watcher.watch(data):
                self._store(data[at:end], now_s)
                if self.powered:
                    self._obey_at_once(request, now_s)
                at = end
        self._store(data[at:], now_s)
        self._meet_mishaps(now_s)

    def _store(self, data: bytes, now_s: float) -> None:
        """Put bytes into the receive buffer, and work on them; the power may go meanwhile."""
        if not self.powered:
            return
        kept = data if self._flow is Flow.HOLD else data[: max(self._room_bytes, 0)]
        if len(kept) < len(data):
            self.events.append(BytesLost(len(data) - len(kept)))
        if self.mechanism.idle:
            self.mechanism.wait(now_s)
        self._parser.feed(kept)
        while self._step(now_s):
            pass
        self._tell_host(now_s)

    def _tell_host(self, now_s: float) -> None:
        """Say busy or not, if that has changed."""
        if not self.powered:
            return
        enough = self.model.ready_room_bytes if self._full else self.model.busy_room_bytes + 1
        self._full = self._room_bytes < enough
        busy = self._full or (self.model.busy_offline and not self.register.sensors.online)
        if busy == self.busy:
            return
        self.busy = busy
        if self._flow is Flow.XON_XOFF:
            self.register.answers += XOFF if busy else XON
        if not busy:
            self.wire.wait(now_s)

    def _carry_out(self, token: Token, now_s: float) -> None:
        if not isinstance(token, Text):
            self._machine.end_pair()
        match token:
            case Text(codes):
                self._machine.put(codes)
            case Data(piece):
                if self._machine.intake is not None:
                    self._machine.intake.feed(piece)
            case Command(name, args) if name.startswith("DLE") and self.model.real_time is RealTime.IN_TURN:
                request = real_time_request(name, args)
                if request is not None:
                    self._obey_at_once(request, now_s)
            case Command(name, args):
                execute(self._machine, name, args)
            case Unknown(raw):
                if raw != NUL:
                    self.events.append(UnknownCommand(raw))

    def _obey_at_once(self, request: RealTimeRequest, now_s: float) -> None:
        match request:
            case RealTimeRequest("DLE EOT", args):
                self.register.answers.append(dle_eot(args[0], self.register.sensors))
                return
            case RealTimeRequest("DLE ENQ", args) if args in (RECOVER, RECOVER_AND_CLEAR):
                self._recover(now_s, drop=args == RECOVER_AND_CLEAR)
            case RealTimeRequest("DLE DC4", args) if args == CLEAR_BUFFERS:
                self._clear()
                self.register.answers += CLEARED
            case RealTimeRequest("DLE DC4", args) if args[0] == 1:
                # Source: Epson, `DLE DC4` fn = 1: the pulse lasts t x 100 ms, on and off.
                self.events.append(DrawerPulse(2 if args[1] == 0 else 5, args[2] * 100, args[2] * 100))
            case _:
                pass
        self.events.append(request)

    def _recover(self, now_s: float, *, drop: bool) -> None:
        """Only from an error of the cutter. Source: Epson, `DLE ENQ`."""
        if self.register.sensors.cutter_error:
            if drop:
                self._clear()
            self.sense(now_s, cutter_error=False)

    def _clear(self) -> None:
        """Empty the receive buffer and the print buffer, and stop what has begun."""
        self._parser.clear()
        self._machine.clear_print_buffer()
        self._machine.intake = None
        self.mechanism.forget()

    def _meet_mishaps(self, now_s: float) -> None:
        due = self._mishaps.take_due(received_bytes=self._received_bytes, fed_dots=self.mechanism.fed_dots)
        self.mechanism.alarm_at_dots = self._mishaps.next_dots
        for kind in due:
            match kind:
                case MishapKind.POWER_CUT:
                    self.cut_power()
                case MishapKind.COVER_OPENED:
                    self.open_cover(now_s)
                case MishapKind.PAPER_OUT:
                    self.mechanism.roll_dots = 0
                    self.mechanism.sense_paper()
                case MishapKind.CUTTER_JAM:
                    self.mechanism.jammed = True
        self._tell_host(now_s)
