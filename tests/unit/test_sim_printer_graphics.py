"""Images on the simulated paper, dot by dot, and what the printer refuses to hold."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_sim.printer import TM58, TM80, IgnoredCommand, Printer, PrinterModel, Slip
from cvconnect_sim.printer.parser import PIECE_BYTES, Command, Data, Parser

TOP = TM80.head_to_cutter_dots


def printed(data: bytes, model: PrinterModel = TM80) -> Slip:
    printer = Printer(model)
    printer.receive(data)
    return printer.uncut


def dots(slip: Slip, width: int) -> list[str]:
    """The rows below the cutter, as far as `width`."""
    return [f"{row >> slip.model.width_dots - width:0{width}b}" for row in slip.rows[TOP:]]


def raster(row_bytes: int, rows: bytes, *, mode: int = 0) -> bytes:
    height = len(rows) // row_bytes
    return b"\x1dv0" + bytes((mode,)) + row_bytes.to_bytes(2, "little") + height.to_bytes(2, "little") + rows


def graphics(body: bytes) -> bytes:
    return b"\x1d(L" + len(body).to_bytes(2, "little") + body


def stored(width: int, height: int, data: bytes, *, wide: int = 1, tall: int = 1) -> bytes:
    return (
        b"0p0"
        + bytes((wide, tall))
        + b"1"
        + width.to_bytes(2, "little")
        + height.to_bytes(2, "little")
        + data
    )


PRINT = graphics(b"02")


def stands_alone(slip: Slip) -> bool:
    """Whether nothing but images is on it."""
    return slip.lines == ()


@pytest.mark.parametrize(
    ("mode", "rows"),
    [
        (0, ["10000001", "11110000"]),
        (1, ["1100000000000011", "1111111100000000"]),
        (2, ["10000001", "10000001", "11110000", "11110000"]),
        (3, ["1100000000000011"] * 2 + ["1111111100000000"] * 2),
    ],
)
def test_a_raster_image_has_its_dots_in_each_mode(mode: int, rows: list[str]) -> None:
    slip = printed(raster(1, b"\x81\xf0", mode=mode))

    assert dots(slip, len(rows[0])) == rows
    assert stands_alone(slip)


@pytest.mark.parametrize(("align", "x_dots"), [(0, 0), (1, (576 - 16) // 2), (2, 576 - 16)])
def test_a_raster_image_stands_where_text_would(align: int, x_dots: int) -> None:
    slip = printed(b"\x1ba" + bytes((align,)) + raster(2, b"\xff\xff"))

    assert slip.rows[TOP] == 0xFFFF << (576 - 16 - x_dots)


@given(st.binary(min_size=200, max_size=200), st.lists(st.integers(1, 207), max_size=8))
def test_an_image_is_the_same_wherever_the_stream_is_cut(data: bytes, cuts: list[int]) -> None:
    command = raster(20, data)
    pieces = itertools.pairwise(sorted({0, *cuts, len(command)}))
    printer = Printer(TM58)

    for start, end in pieces:
        printer.receive(command[start:end])

    rows = [int.from_bytes(data[at : at + 20]) << (384 - 160) for at in range(0, 200, 20)]
    assert list(printer.uncut.rows[TOP:]) == rows


def test_the_rows_that_came_are_on_the_paper_when_the_power_goes() -> None:
    printer = Printer()
    printer.receive(raster(1, b"\xaa" * 1024)[: 7 + 2 * PIECE_BYTES + 100])

    printer.power_off()
    printer.power_on()
    printer.receive(b"text\n")

    assert len(printer.uncut.rows) == TOP + 2 * PIECE_BYTES + 30
    assert printer.uncut.text == "text"


@pytest.mark.parametrize(
    ("mode", "data", "rows"),
    [
        (0, b"\x80\x01", ["1100", "1100", "1100"] + ["0000"] * 18 + ["0011"] * 3),
        (1, b"\x80\x01", ["10"] * 3 + ["00"] * 18 + ["01"] * 3),
        (32, b"\x80\x00\x01\xff\xff\xff", ["1111"] + ["0011"] * 22 + ["1111"]),
        (33, b"\x80\x00\x01\xff\xff\xff", ["11"] + ["01"] * 22 + ["11"]),
    ],
    ids=["8 dots", "8 dots, double", "24 dots", "24 dots, double"],
)
def test_a_column_image_has_its_dots_in_each_mode(mode: int, data: bytes, rows: list[str]) -> None:
    slip = printed(b"\x1b*" + bytes((mode, 2, 0)) + data + b"\n")

    assert dots(slip, len(rows[0]))[:24] == rows
    assert stands_alone(slip)


def test_a_column_image_stands_in_a_line_of_text() -> None:
    slip = printed(b"a\x1b*\x01\x08\x00" + b"\xff" * 8 + b"b\n")

    assert slip.text == "ab"
    full = slip.rows[TOP + 3] >> (576 - 32)
    assert full >> 12 & 0xFF == 0xFF


def test_an_unknown_mode_of_a_column_image_is_read_over() -> None:
    printer = Printer()
    printer.receive(b"\x1b*\x09\x02\x00ab.\n")

    assert printer.uncut.text == "."
    assert printer.events == [IgnoredCommand("ESC *", b"\x09\x02\x00", "parameter out of range")]


@pytest.mark.parametrize("eight", [False, True])
def test_stored_graphics_are_printed_once_and_when_told(eight: bool) -> None:
    body = stored(10, 2, b"\x80\x40\xff\xff")
    store = graphics(body)
    if eight:
        store = b"\x1d8L" + len(body).to_bytes(4, "little") + body
    printer = Printer()

    printer.receive(store)
    assert printer.uncut.blank
    printer.receive(PRINT)

    assert dots(printer.uncut, 16) == ["1000000001000000", "1111111111000000"]
    printer.receive(PRINT)
    assert printer.events == [IgnoredCommand("GS ( L", b"\x02\x0002", "no image is stored")]


def test_stored_graphics_can_be_enlarged() -> None:
    slip = printed(graphics(stored(8, 1, b"\x81", wide=2, tall=2)) + PRINT)

    assert dots(slip, 16) == ["1100000000000011"] * 2


@pytest.mark.parametrize(
    "body",
    [stored(0, 1, b""), stored(8, 1663, b"\xff" * 1663), stored(8, 900, b"\xff" * 900, tall=2), b"0E", b"1p"],
    ids=["no width", "too high", "too high when enlarged", "another function", "another m"],
)
def test_graphics_out_of_range_are_recorded(body: bytes) -> None:
    printer = Printer()

    printer.receive(graphics(body) + b"fin\n")

    assert printer.uncut.text == "fin"
    assert [event.name for event in printer.events if isinstance(event, IgnoredCommand)] == ["GS ( L"]


@pytest.mark.parametrize(
    "start",
    [
        b"\x1dv0\x00\xff\xff\xff\xff",
        b"\x1d8L\xff\xff\xff\xff0p0\x01\x011\xff\x07\x7e\x06",
        b"\x1d(k\xff\xff1P0",
        b"\x1d(Z\xff\xff",
        b"\x1b*\x21\xff\xff",
        b"\x1d*\xff\xff",
    ],
    ids=["raster", "graphics", "QR", "unknown GS (", "columns", "download"],
)
def test_a_command_that_promises_much_is_given_little_memory(start: bytes) -> None:
    printer = Printer()
    noise = b"\xff" * 4096

    tracemalloc.start()
    printer.receive(start)
    for _ in range(16):
        printer.receive(noise)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1_500_000
    printer.receive(b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08\x1b@after\n")
    assert "after" in printer.uncut.text


def test_a_wide_image_is_cropped_and_its_rows_stay_together() -> None:
    row = b"\xf0" + b"\x00" * 998 + b"\x0f"

    slip = printed(raster(1000, row * 3))

    assert list(slip.rows[TOP:]) == [0xF << 572] * 3


@given(st.integers(0, 5000), st.lists(st.integers(1, 600), max_size=20))
def test_pieces_of_a_streamed_command_depend_on_the_command_alone(size: int, steps: list[int]) -> None:
    data = b"\x1dv0\x00\x01\x00" + size.to_bytes(2, "little") + bytes(size) + b"."
    parser, tokens = Parser(), list[object]()
    for step in [*steps, len(data)]:
        parser.feed(data[:step])
        data = data[step:]
        while (token := parser.read()) is not None:
            tokens.append(token)
        assert parser.waiting == 0

    whole, rest = divmod(size, PIECE_BYTES)
    assert tokens[0] == Command("GS v 0", b"\x00\x01\x00" + size.to_bytes(2, "little"))
    pieces = [len(token.piece) for token in tokens[1:-1] if isinstance(token, Data)]
    assert pieces == [PIECE_BYTES] * whole + [rest] * (rest > 0)


def test_a_bar_code_or_tab_list_without_end_does_not_swallow_the_ticket() -> None:
    printer = Printer()

    printer.receive(b"\x1bD" + bytes(range(1, 31)) + b"abcd\n\x1dk\x04" + b"7" * 256 + b"fin\n")

    assert [line.text for line in printer.uncut.lines] == ["d", "fin"]
