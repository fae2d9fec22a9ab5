"""The input devices that Linux knows, told apart by what they are and where they are plugged in.

All of it stands in sysfs, which everybody may read and which needs no udev: no device is opened to be looked at.

Source: Linux `drivers/input/input.c` (attributes `name`, `phys`, `uniq`, `id/*`, `capabilities/*`) and
`drivers/hid/usbhid/hid-core.c` (`phys` is the USB path and the interface, `uniq` the serial number).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cvconnect_drivers.scanners.settings import Identity

SYS_INPUT = Path("/sys/class/input")
DEV_INPUT = Path("/dev/input")

KEY_ENTER = 28
TYPING_KEYS = frozenset({*range(2, 12), *range(16, 26), KEY_ENTER, *range(30, 39), *range(44, 51)})
"""The ten digits, the 26 places of letters, and Enter: what tells a keyboard from a mouse or a power button.

Source: Linux `include/uapi/linux/input-event-codes.h`.
"""

BUILT_IN_BUSES = {0x0011, 0x0019}
"""i8042 (the keyboard of a portable computer, PS/2) and the host itself: no scanner of today.

Source: Linux `include/uapi/linux/input.h`, `BUS_I8042`, `BUS_HOST`.
"""

_WORD_BITS = struct.calcsize("@l") * 8
_EVENT = re.compile(r"event([0-9]+)")


@dataclass(frozen=True, slots=True)
class InputNode:
    """One `eventN`.

    Args:
        path: Its device file.
        name: What the device calls itself.
        identity: Vendor, product, serial number (`uniq`) and port (`phys`).
        bus: Linux's number of the bus (3 is USB, 5 Bluetooth).
        keys: The keys that it can send, as Linux numbers them.
    """

    path: Path
    name: str
    identity: Identity
    bus: int
    keys: frozenset[int]

    @property
    def is_keyboard(self) -> bool:
        """Whether it can type letters, digits and Enter."""
        return keys_of_a_keyboard(self.keys)


def keys_of_a_keyboard(keys: frozenset[int]) -> bool:
    """Tell whether a device with these keys can type letters, digits and Enter."""
    return keys >= TYPING_KEYS


def input_nodes(*, sys_input: Path | None = None, dev_input: Path | None = None) -> list[InputNode]:
    """List what is plugged in, keyboards or not, in the order of the kernel's numbers.

    Args:
        sys_input: Where sysfs tells of input devices; `SYS_INPUT` when left out.
        dev_input: Where their device files are; `DEV_INPUT` when left out.

    Returns:
        One entry per `eventN`; a device that leaves meanwhile is left out.
    """
    sys_input, dev_input = sys_input or SYS_INPUT, dev_input or DEV_INPUT
    return [_node(sys_input / f"event{number}", dev_input) for number in sorted(_numbers(sys_input))]


def stable_links(node: Path, *, dev_input: Path | None = None) -> list[Path]:
    """List the names under `by-id` and `by-path` that udev gave to a device file.

    Args:
        node: The device file.
        dev_input: Where the device files are; `DEV_INPUT` when left out.

    Returns:
        The links, those by identity first; none where udev does not run.
    """
    dev_input = dev_input or DEV_INPUT
    links: list[Path] = []
    for folder in ("by-id", "by-path"):
        try:
            links += sorted(
                link for link in (dev_input / folder).iterdir() if link.resolve() == node.resolve()
            )
        except OSError:
            continue
    return links


def read_key_bits(text: str, word_bits: int = _WORD_BITS) -> frozenset[int]:
    """Read what sysfs says about the keys of a device.

    Args:
        text: Words in hexadecimal, the highest first; all but the first are full words.
        word_bits: How many bits a word has: those of the reader's `long`.

    Returns:
        The numbers of the keys.

    Source: Linux `drivers/input/input.c`, `input_print_bitmap`.
    """
    bits = 0
    for word in text.split():
        bits = bits << word_bits | int(word, 16)
    return frozenset(code for code in range(bits.bit_length()) if bits >> code & 1)


def _numbers(sys_input: Path) -> Iterator[int]:
    try:
        for entry in sys_input.iterdir():
            if (found := _EVENT.fullmatch(entry.name)) and (entry / "device").exists():
                yield int(found[1])
    except OSError:
        return


def _node(entry: Path, dev_input: Path) -> InputNode:
    device = entry / "device"
    return InputNode(
        dev_input / entry.name,
        _attribute(device / "name"),
        Identity(
            _attribute(device / "id" / "vendor"),
            _attribute(device / "id" / "product"),
            _attribute(device / "uniq"),
            _attribute(device / "phys"),
        ),
        int(_attribute(device / "id" / "bustype") or "0", 16),
        read_key_bits(_attribute(device / "capabilities" / "key")),
    )


def _attribute(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # the device has just left, or never had it
        return ""
