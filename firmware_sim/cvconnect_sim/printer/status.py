"""The printer's sensors and the status bytes they make.

Source: Epson ESC/POS command reference, `DLE EOT`, `GS a`, `GS r`, and "Transmission Status Identification" for
the fixed bits.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Sensors:
    """What the printer feels.

    Args:
        paper_end: the roll is empty: offline until paper is put in.
        paper_near_end: little paper is left; printing goes on.
        cover_open: offline until it is closed.
        offline: offline for a reason of its own, as after a press on a button; no cause is reported.
        drawer_high: level of pin 3 of the kick-out connector; what it means depends on the drawer.
        cutter_error: the cutter did not move: offline until `DLE ENQ` or the power is cut.
        head_hot: the head is too hot: offline until it has cooled down.
        cover_stopped_printing: the cover was opened while a line was being printed; reported as `head_hot` is, until it is
            closed.
        broken: an error that no command and no hand mends: offline for good.
        feed_button: the button is held: offline while paper runs.
    """

    paper_end: bool = False
    paper_near_end: bool = False
    cover_open: bool = False
    offline: bool = False
    drawer_high: bool = False
    cutter_error: bool = False
    head_hot: bool = False
    cover_stopped_printing: bool = False
    broken: bool = False
    feed_button: bool = False

    @property
    def error(self) -> bool:
        """Whether an error has occurred."""
        return self.cutter_error or self.broken or self.recovers_by_itself

    @property
    def recovers_by_itself(self) -> bool:
        """Whether an error has occurred that ends with its cause. Source: Epson, `DLE EOT` 3, bit 6."""
        return self.head_hot or self.cover_stopped_printing

    @property
    def online(self) -> bool:
        """Whether received commands are carried out."""
        return not (self.paper_end or self.cover_open or self.offline or self.feed_button or self.error)


def dle_eot(n: int, sensors: Sensors) -> int:
    """The answer to `DLE EOT n`, n from 1 to 4; bits 1 and 4 are always set, bits 0 and 7 never."""
    bits = {
        1: ((0x04, sensors.drawer_high), (0x08, not sensors.online), (0x40, sensors.feed_button)),
        2: (
            (0x04, sensors.cover_open),
            (0x08, sensors.feed_button),
            (0x20, sensors.paper_end),
            (0x40, sensors.error),
        ),
        3: ((0x08, sensors.cutter_error), (0x20, sensors.broken), (0x40, sensors.recovers_by_itself)),
        4: ((0x0C, sensors.paper_near_end or sensors.paper_end), (0x60, sensors.paper_end)),
    }[n]
    return 0x12 | sum(bit for bit, on in bits if on)


def paper_sensor(sensors: Sensors) -> int:
    """The paper byte of `GS r 1`, which is the third byte of the automatic status."""
    return (0x03 if sensors.paper_near_end or sensors.paper_end else 0) | (0x0C if sensors.paper_end else 0)


def automatic_status(sensors: Sensors) -> bytes:
    """The four bytes of the automatic status (ASB)."""
    printer = (
        (0x04, sensors.drawer_high),
        (0x08, not sensors.online),
        (0x20, sensors.cover_open),
        (0x40, sensors.feed_button),
    )
    errors = ((0x08, sensors.cutter_error), (0x20, sensors.broken), (0x40, sensors.recovers_by_itself))
    first, second = (sum(bit for bit, on in bits if on) for bits in (printer, errors))
    return bytes((0x10 | first, second, paper_sensor(sensors), 0))


_WATCHED = {
    0x01: (0x04, 0, 0, 0),
    0x02: (0x28, 0, 0, 0),
    0x04: (0, 0x6C, 0, 0),
    0x08: (0, 0, 0x0F, 0),
    0x40: (0x40, 0, 0, 0),
}
"""Bit of `GS a n` -> the bits of the automatic status whose change is reported."""

GROUPS = sum(_WATCHED)
"""The bits of `GS a n` that mean anything."""


def status_changed(mask: int, before: Sensors, after: Sensors) -> bool:
    """Whether a change concerns an item that `GS a` has enabled.

    Args:
        mask: n of `GS a n`.
        before: the sensors until now.
        after: the sensors from now on.
    """
    watched = [bits for bit, bits in _WATCHED.items() if mask & bit]
    was, now = automatic_status(before), automatic_status(after)
    return any((was[at] ^ now[at]) & bits[at] for bits in watched for at in range(4))


class StatusRegister:
    """The sensors as the whole printer sees them, and what is on its way to the host because of them.

    Attributes:
        sensors: what the printer feels.
        mask: n of the last `GS a n`.
        answers: bytes for the host, in order.
    """

    def __init__(self) -> None:
        self.sensors = Sensors()
        self.mask = 0
        self.answers = bytearray()

    def change(self, **fields: bool) -> None:
        """Sense something; the automatic status follows if it is enabled for it."""
        before = self.sensors
        self.sensors = replace(before, **fields)
        if status_changed(self.mask, before, self.sensors):
            self.answers += automatic_status(self.sensors)

    def watch(self, mask: int) -> None:
        """`GS a n`: the state is sent at once if any item is enabled, and then whenever one of these changes."""
        self.mask = mask & GROUPS
        if self.mask:
            self.answers += automatic_status(self.sensors)

    def power_down(self) -> None:
        """What was not sent is lost; a cutter that moves again is no error."""
        self.mask = 0
        self.answers.clear()
        self.sensors = replace(self.sensors, cutter_error=False, cover_stopped_printing=False)

    def take_answers(self) -> bytes:
        """Hand over what the host is to get."""
        answers = bytes(self.answers)
        self.answers.clear()
        return answers
