"""What a simulated printer did, as a test wants to read it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaperCut:
    """The cutter moved. `partial` leaves one point uncut; `length_dots` is the piece that fell, 0 for none."""

    partial: bool
    length_dots: int


@dataclass(frozen=True, slots=True)
class PaperTorn:
    """The strip was taken out by hand, as with the end of a roll; `length_dots` is what came out."""

    length_dots: int


@dataclass(frozen=True, slots=True)
class CutterJammed:
    """The cutter could not move: nothing was cut, and the printer is in error."""


@dataclass(frozen=True, slots=True)
class DrawerPulse:
    """The kick-out connector was driven: pin 2 or 5, for `on_ms`, then off for `off_ms` at least."""

    pin: int
    on_ms: int
    off_ms: int


@dataclass(frozen=True, slots=True)
class RealTimeRequest:
    """A real-time command was seen in the incoming bytes, wherever it stood."""

    name: str
    args: bytes


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    """These bytes begin no command of the reference: they were dropped."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class IgnoredCommand:
    """A command of the reference had no effect, for the reason given."""

    name: str
    args: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class BytesLost:
    """The receive buffer was full and the host did not wait."""

    count: int


@dataclass(frozen=True, slots=True)
class PowerLost:
    """The power was cut: `unprocessed_bytes` in the receive buffer and the unprinted line are gone."""

    unprocessed_bytes: int


Event = (
    PaperCut
    | PaperTorn
    | CutterJammed
    | DrawerPulse
    | RealTimeRequest
    | UnknownCommand
    | IgnoredCommand
    | BytesLost
    | PowerLost
)
