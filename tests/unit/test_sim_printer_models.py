"""Simulated printers differ where real ones do, and each is honest about what it lacks."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from cvconnect_sim.printer import (
    MODELS,
    TM80,
    IgnoredCommand,
    Lack,
    Printer,
    PrinterModel,
    RealTime,
    RealTimeRequest,
    UnknownCommand,
)

PROCESS_ID = b"\x1d(H\x06\x0000A001"
MM_OF_AN_INCH = 25.4


def printed(model: PrinterModel, data: bytes) -> Printer:
    printer = Printer(model)
    printer.receive(data)
    return printer


@pytest.mark.parametrize(
    ("name", "font_a", "font_b"),
    [
        ("TM80", 48, 64),
        ("TM80_180DPI", 42, 56),
        ("TM58", 32, 42),
        ("TM58_QR", 32, 42),
        ("TM58_180DPI", 30, 40),
        ("CLONE80_PAGES", 48, 64),
        ("CLONE58_CHINESE", 32, 42),
        ("MUTE58", 32, 42),
    ],
)
def test_a_model_has_its_columns_in_both_fonts(name: str, font_a: int, font_b: int) -> None:
    printer = printed(MODELS[name], b"x" * 70 + b"\n\x1bM\x01" + b"x" * 70 + b"\n")

    widths = [len(line.text) for line in printer.uncut.lines]
    assert widths[0] == font_a
    assert font_b in widths


def test_every_model_is_tested_by_name() -> None:
    assert len(MODELS) == 8
    assert all(model.width_dots % 8 == 0 and model.paper_dots > model.width_dots for model in MODELS.values())


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_picture_has_the_dots_of_a_real_millimetre(model: PrinterModel) -> None:
    with Image.open(io.BytesIO(printed(model, b"x\n").uncut.png())) as picture:
        assert picture.width == model.paper_dots
        assert [round(dots) for dots in picture.info["dpi"]] == [model.dpi, model.dpi]
        paper_mm = picture.width / model.dpi * MM_OF_AN_INCH
    assert round(paper_mm) in (58, 80)


def test_another_maker_has_other_pages() -> None:
    clone = MODELS["CLONE80_PAGES"]
    euro = {19: b"\xd5", 20: b"\xd5", 16: b"\x80"}

    texts = {
        page: printed(clone, b"\x1bt" + bytes((page,)) + code + b"\n").uncut.text
        for page, code in euro.items()
    }

    assert texts == {19: "Õ", 20: "€", 16: "€"}
    assert printed(clone, b"\x1bt\x10\xe9\n").uncut.text == "ι", "page 16 is Greek"
    assert printed(TM80, b"\x1bt\x10\xe9\n").uncut.text == "é"


def test_a_page_that_a_model_does_not_have_leaves_the_one_before() -> None:
    printer = printed(MODELS["CLONE80_PAGES"], b"\x1bt\x14\x1bt\x28\xd5\n")

    assert printer.uncut.text == "€"
    assert [event.name for event in printer.events if isinstance(event, IgnoredCommand)] == ["ESC t"]


def test_a_chinese_printer_pairs_up_what_is_not_ascii_until_it_is_told_not_to() -> None:
    clone = MODELS["CLONE58_CHINESE"]
    job = b"\x1b@\x1bt\x13caf\x82s\n"

    assert printed(clone, job).uncut.text == "caf俿"
    assert printed(clone, b"\x1c.\x1bt\x13caf\x82s\n").uncut.text == "cafés"
    assert printed(clone, b"\x1c." + job).uncut.text == "caf俿", "ESC @ turns it on again"
    assert printed(clone, b"\x1c.\x1c&\xc4\xe3\xba\xc3\n").uncut.text == "你好"


def test_a_two_byte_character_is_two_columns_wide_wherever_the_stream_is_cut() -> None:
    printer = Printer(MODELS["CLONE58_CHINESE"])
    for code in b"\xc4\xe3" * 17 + b"\n":
        printer.receive(bytes((code,)))

    assert [len(line.text) for line in printer.uncut.lines] == [16, 1]


def test_half_a_two_byte_character_is_a_box_where_it_stands() -> None:
    slip = printed(MODELS["CLONE58_CHINESE"], b"30,00 \xd5\n30,00 \xd5 net \xd5\x1bE\x01.\n").uncut

    assert [line.text for line in slip.lines] == ["30,00 ▯", "30,00 ▯ net ▯."]


def test_an_international_printer_has_no_two_byte_characters() -> None:
    printer = printed(TM80, b"\x1c&\x1bt\x13caf\x82s\n")

    assert printer.uncut.text == "cafés"
    assert [event.name for event in printer.events if isinstance(event, IgnoredCommand)] == ["FS &"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("TM80", "fin"), ("CLONE80_PAGES", "fin"), ("CLONE58_CHINESE", "H00A001fin"), ("MUTE58", "fin")],
)
def test_a_model_without_process_ids_reads_over_them_or_prints_them(name: str, text: str) -> None:
    printer = Printer(MODELS[name])

    answer = printer.receive(PROCESS_ID + b"fin\n")

    assert answer == (b"\x37\x22A001\x00" if name == "TM80" else b"")
    assert printer.uncut.text == text


@pytest.mark.parametrize(
    ("name", "ready", "open_cover"),
    [("TM80", b"\x12", b"\x16"), ("CLONE58_CHINESE", b"\x12", b""), ("MUTE58", b"", b"")],
)
def test_real_time_status_comes_at_once_in_its_turn_or_never(
    name: str, ready: bytes, open_cover: bytes
) -> None:
    printer = Printer(MODELS[name])
    assert printer.receive(b"\x10\x04\x01") == ready

    printer.open_cover()

    assert printer.receive(b"\x10\x04\x02") == open_cover


@pytest.mark.parametrize(("real_time", "answer"), [(RealTime.ON_RECEPTION, b"\x12"), (RealTime.IN_TURN, b"")])
def test_what_looks_like_a_query_inside_an_image_is_one_only_on_reception(
    real_time: RealTime, answer: bytes
) -> None:
    printer = Printer(replace(TM80, real_time=real_time))

    assert printer.receive(b"\x1dv0\x00\x03\x00\x01\x00\x10\x04\x01") == answer
    assert printer.uncut.rows[-1] >> (TM80.width_dots - 24) == 0x100401


def test_a_pulse_in_its_turn_kicks_the_drawer_and_nonsense_after_dle_does_nothing() -> None:
    printer = Printer(replace(TM80, real_time=RealTime.IN_TURN))

    assert printer.receive(b"\x10\x14\x01\x00\x02\x10\x04\x09\x10\x04\x01") == b"\x12"

    assert [(pulse.pin, pulse.on_ms) for pulse in printer.drawer_pulses] == [(2, 200)]
    assert [event for event in printer.events if isinstance(event, RealTimeRequest)] == [
        RealTimeRequest("DLE DC4", b"\x01\x00\x02")
    ]


def test_what_a_model_lacks_is_recorded_or_comes_out_as_text() -> None:
    job = b"\x1d(k\x04\x001A2\x00\x1dV\x00.\n"
    skips = printed(replace(TM80, lacks={"GS ( k": Lack.SKIPPED, "GS V": Lack.SKIPPED}), job)
    prints = printed(replace(TM80, lacks={"GS ( k": Lack.PRINTED}), job)

    assert skips.uncut.text == "."
    assert [event.name for event in skips.events if isinstance(event, IgnoredCommand)] == ["GS ( k", "GS V"]
    assert prints.uncut.text == "k1A2."
    assert UnknownCommand(b"\x1d(") in prints.events


@pytest.mark.parametrize(
    ("name", "kind"),
    [("TM80", b"\x02"), ("CLONE80_PAGES", b"\x02"), ("CLONE58_CHINESE", b"\x01"), ("MUTE58", b"")],
)
def test_a_model_says_what_it_is(name: str, kind: bytes) -> None:
    model = MODELS[name]
    printer = Printer(model)

    said = printer.receive(b"\x1dI\x43")

    assert said == (b"" if name == "MUTE58" else b"\x5f" + model.name.encode() + b"\x00")
    assert printer.receive(b"\x1dI2") == kind
