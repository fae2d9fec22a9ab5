"""The printer's sensors and the status bytes they make.

Source: Epson ESC/POS command reference, `DLE EOT`, `GS a`, `GS r`, and "Transmission Status Identification" for
the fixed bits.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sensors:
    """What the printer feels.

    Args:
        paper_end: the roll is empty: offline until paper is put in.
        paper_near_end: little paper is left; printing goes on.
        cover_open: offline until it is closed.
        offline: offline for a reason of its own, as after a press on a button; no cause is reported.
        drawer_high: level of pin 3 of the kick-out connector; what it means depends on the drawer.
    """

    paper_end: bool = False
    paper_near_end: bool = False
    cover_open: bool = False
    offline: bool = False
    drawer_high: bool = False

    @property
    def online(self) -> bool:
        """Whether received commands are carried out."""
        return not (self.paper_end or self.cover_open or self.offline)


def dle_eot(n: int, sensors: Sensors) -> int:
    """The answer to `DLE EOT n`, n from 1 to 4; bits 1 and 4 are always set, bits 0 and 7 never."""
    bits = {
        1: ((0x04, sensors.drawer_high), (0x08, not sensors.online)),
        2: ((0x04, sensors.cover_open), (0x20, sensors.paper_end)),
        3: (),
        4: ((0x0C, sensors.paper_near_end or sensors.paper_end), (0x60, sensors.paper_end)),
    }[n]
    return 0x12 | sum(bit for bit, on in bits if on)


def paper_sensor(sensors: Sensors) -> int:
    """The paper byte of `GS r 1`, which is the third byte of the automatic status."""
    return (0x03 if sensors.paper_near_end or sensors.paper_end else 0) | (0x0C if sensors.paper_end else 0)


def automatic_status(sensors: Sensors) -> bytes:
    """The four bytes of the automatic status (ASB)."""
    first = (
        0x10
        | (0x04 if sensors.drawer_high else 0)
        | (0 if sensors.online else 0x08)
        | (0x20 if sensors.cover_open else 0)
    )
    return bytes((first, 0, paper_sensor(sensors), 0))


_WATCHED = {0x01: (0x04, 0, 0, 0), 0x02: (0x28, 0, 0, 0), 0x04: (0, 0x6C, 0, 0), 0x08: (0, 0, 0x0F, 0)}
"""Bit of `GS a n` -> the bits of the automatic status whose change is reported."""


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
