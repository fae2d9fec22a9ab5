"""The simulated printer takes any bytes, cut anywhere."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cvconnect_sim.printer import MODELS, Printer, PrinterModel

JOB = (
    b"\x1b@\x1bt\x13\x1ba\x01\x1bE\x01CH\x90QUE\n\x1bE\x00\x1d!\x1145,50 \xd5\n\x1d!\x00"
    b"\x10\x04\x04\x1d(k\x07\x001P0test\x1d(k\x03\x001Q0\x1dv0\x00\x01\x00\x02\x00\xff\x81"
    b"\x1bp\x00\x19\xfa\x1b~?\x1d(H\x06\x000001OK\x1dk\x04123\x00fin\n\x1dVB\x10\x1dr\x01"
)

fragments = st.sampled_from(
    [b"\x1b", b"\x1d", b"\x10", b"\x1d(k", b"\x1dv0", b"\x1dV", b"\x1bd", b"\x1dk", b"abc\n"]
)


def everything(printer: Printer) -> object:
    return printer.slips, printer.uncut, printer.events


SAID = {"MUTE58": b"", "CLONE80_PAGES": b"\x12\x00", "CLONE58_CHINESE": b"\x12\x00"}


@given(st.sampled_from(sorted(MODELS)), st.lists(st.integers(1, len(JOB)), max_size=6))
def test_where_the_stream_is_cut_makes_no_difference(name: str, cuts: list[int]) -> None:
    whole, cut_up = Printer(MODELS[name]), Printer(MODELS[name])
    edges = sorted({0, *cuts, len(JOB)})

    answer = whole.receive(JOB)
    answers = [cut_up.receive(JOB[start:end]) for start, end in itertools.pairwise(edges)]

    assert b"".join(answers) == answer == SAID.get(name, b"\x12\x37\x2201OK\x00\x00")
    assert everything(cut_up) == everything(whole)


@given(
    st.sampled_from(list(MODELS.values())),
    st.lists(st.one_of(st.binary(max_size=12), fragments), max_size=12).map(b"".join),
)
def test_no_bytes_stop_the_printer(model: PrinterModel, noise: bytes) -> None:
    printer = Printer(model)

    printer.receive(noise)
    printer.power_off()
    printer.power_on()
    printer.receive(b"after\n")

    assert "after" in printer.uncut.text
    assert all(0 <= row < 1 << printer.model.width_dots for row in printer.uncut.rows)


@given(st.lists(st.one_of(st.binary(max_size=12), fragments), max_size=12).map(b"".join))
def test_clearing_the_buffers_ends_whatever_had_begun(noise: bytes) -> None:
    printer = Printer()

    printer.receive(noise)
    printer.receive(b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08\x1b@after\n")

    assert "after" in printer.uncut.text


def test_nul_is_nothing_between_commands_and_a_parameter_within_one() -> None:
    printer = Printer()

    printer.receive(b"\x00a\x00b\x00\n\x00\x1bE\x01\x1bE\x00" + bytes(300) + b"c\n")

    assert [line.text for line in printer.uncut.lines] == ["ab", "c"]
    assert printer.events == []
