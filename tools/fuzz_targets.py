"""What `tools/fuzz.py` feeds.

Every input is bytes, so that all targets are mutated, cut down and replayed in one manner; each check says how it reads
them. A check raises `Wrong` where a promise is broken; any other exception is a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fuzz_bytes import (
    bytes_seeds,
    check_framing,
    check_hidpos,
    check_labels,
    hidpos_seeds,
    labels_seeds,
)
from fuzz_keys import (
    KEY_PIECES,
    characters_seeds,
    check_characters,
    check_keyboard,
    check_misread,
    keyboard_seeds,
    misread_seeds,
)
from fuzz_printers import check_answers, check_escpos, check_status, escpos_seeds, status_seeds


@dataclass(frozen=True, slots=True)
class Target:
    """One decoder.

    Args:
        name: How the command line calls it.
        check: Takes an input; raises when something is wrong.
        seeds: Makes the inputs to begin with.
        pieces: What mutations put in.
        unit: Bytes that belong together.
        header: Bytes before them.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    pieces: Sequence[bytes]
    unit: int = 1
    header: int = 0


_TEXT_PIECES: Final = (
    b"\r", b"\n", b"\t", b"\r\n", b"\x02", b"\x03", b"#\r\n", b"P>", b"\x1d", b"\0", b"\xff", b"\xc3\xa9", b"\xc3",
    b"]Q1", b"]C1", b"]E0", b"]d2", b"]", b"12345678901", b"3760123456789", b"96385074", b"01", b"@", b".", b" ",
    b"a@exemple.fr", b"CVCO:", b"https://x.fr/?id=", b"&id=", b"%40", b"%0d", b'{"identifier": "', b'"}', b"\\u0040",
    "&é\"'(-è_çà&".encode(), "«»()@+-/*".encode(), "１".encode(), "\u200b".encode(),
)  # fmt: skip


_STATUS_PIECES: Final = (
    b"\x12",
    b"\x16",
    b"\x10\0\0\0",
    b"\x14\x0c\x60\x0f",
    b"\x37\x220042\0",
    b"\x37\x22",
    b"\x11",
    b"\x13",
)
_ESCPOS_PIECES: Final = (
    b"\x1b", b"\x1d", b"\x10", b"\x1c", b"\x1d(k", b"\x1dv0", b"\x1dV", b"\x1bd", b"\x1dk", b"\x1b*", b"\x1d(H", b"\x10\x04",
    b"\x10\x14", b"\x1bp", b"\x1d8L", b"\0", b"abc\n", b"\xff\xff", b"\x01\x00", b"\x1b@",
)  # fmt: skip

TARGETS: Final = {
    target.name: target
    for target in (
        Target("keyboard", check_keyboard, keyboard_seeds, KEY_PIECES, unit=2, header=2),
        Target("framing", check_framing, bytes_seeds, _TEXT_PIECES, header=1),
        Target("labels", check_labels, labels_seeds, _TEXT_PIECES, header=1),
        Target("misread", check_misread, misread_seeds, _TEXT_PIECES, header=1),
        Target(
            "characters",
            check_characters,
            characters_seeds,
            (*_TEXT_PIECES, b"\0", b"\x03", b"\x08"),
            header=1,
        ),
        Target(
            "hidpos",
            check_hidpos,
            hidpos_seeds,
            (*_TEXT_PIECES, b"\x05\x8c", b"\x09\xfe", b"\x75\x08", b"\x95\x38", b"\x81\x02", b"\xc0"),
        ),
        Target("answers", check_answers, lambda: list(_STATUS_PIECES), _STATUS_PIECES),
        Target("status", check_status, status_seeds, (*status_seeds(), *_STATUS_PIECES)),
        Target("escpos", check_escpos, escpos_seeds, _ESCPOS_PIECES),
    )
}
