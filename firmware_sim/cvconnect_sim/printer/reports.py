"""What the printer tells when it is asked in turn: `GS a`, `GS r`, `GS I`, `GS ( H`.

Source: Epson ESC/POS command reference, under the name of each command.
"""

import re
from collections.abc import Callable

from cvconnect_sim.printer.machine import Machine
from cvconnect_sim.printer.reasons import OUT_OF_RANGE
from cvconnect_sim.printer.status import paper_sensor

PROCESS_ID = re.compile(rb"\x06\x0000([\x20-\x7e]{4})")
"""Arguments of `GS ( H` fn = 48, m = 48."""

TWO_BYTE_CHARACTERS, HAS_CUTTER = 0x01, 0x02
"""Bits of `GS I 2`."""

ROM_VERSION = 0x01


def _automatic_status(machine: Machine, args: bytes) -> None:
    machine.register.watch(args[0])


def _transmit_status(machine: Machine, args: bytes) -> None:
    sensors = machine.register.sensors
    match args[0]:
        case 1 | 49:
            machine.register.answers.append(paper_sensor(sensors))
        case 2 | 50:
            machine.register.answers.append(int(sensors.drawer_high))
        case _:
            machine.ignore("GS r", args, OUT_OF_RANGE)


def _process_id(machine: Machine, args: bytes) -> None:
    """Everything before this command is on the paper by now: commands wait for the mechanism."""
    known = PROCESS_ID.fullmatch(args)
    if known is None:
        machine.ignore("GS ( H", args, OUT_OF_RANGE)
    else:
        machine.register.answers += b"\x37\x22" + known[1] + b"\x00"


def _printer_id(machine: Machine, args: bytes) -> None:
    model = machine.model
    kind = (TWO_BYTE_CHARACTERS if model.pairs else 0) | (HAS_CUTTER if model.cutter else 0)
    numbers = {1: model.model_id, 2: kind, 3: ROM_VERSION}
    texts = {65: "1.00", 66: model.maker, 67: model.name, 68: "SIM0000001"}
    n = args[0] - 48 if args[0] in range(49, 52) else args[0]
    if n in numbers:
        machine.register.answers.append(numbers[n])
    elif n in texts:
        machine.register.answers += b"\x5f" + texts[n].encode("ascii") + b"\x00"
    else:
        machine.ignore("GS I", args, OUT_OF_RANGE)


HANDLERS: dict[str, Callable[[Machine, bytes], None]] = {
    "GS ( H": _process_id,
    "GS I": _printer_id,
    "GS a": _automatic_status,
    "GS r": _transmit_status,
}
