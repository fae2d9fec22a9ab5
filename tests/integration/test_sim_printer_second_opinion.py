"""The simulated printer understands python-escpos, which was written by others from the same reference."""

from __future__ import annotations

import io
import random
from typing import Literal

import pytest
import zxingcpp
from escpos.printer import Dummy
from PIL import Image

from cvconnect_sim.printer import TM80, TM80_180DPI, IgnoredCommand, Printer, PrinterModel, Slip

WIDTH, HEIGHT = 64, 48
Implementation = Literal["bitImageRaster", "graphics", "bitImageColumn"]


def picture() -> Image.Image:
    source = random.Random(7)
    pixels = bytes(source.choice((0, 255)) for _ in range(WIDTH * HEIGHT))
    return Image.frombytes("L", (WIDTH, HEIGHT), pixels)


def expected_rows(model: PrinterModel) -> list[int]:
    ink = picture().point(lambda shade: 255 - shade).convert("1")
    data = ink.tobytes()
    return [
        int.from_bytes(data[at : at + WIDTH // 8]) << model.width_dots - WIDTH
        for at in range(0, len(data), WIDTH // 8)
    ]


def on_paper(sender: Dummy, model: PrinterModel) -> tuple[Printer, Slip]:
    printer = Printer(model)
    printer.receive(sender.output)
    assert printer.unknown_commands == []
    return printer, printer.slips[0] if printer.slips else printer.uncut


@pytest.mark.parametrize("implementation", ["bitImageRaster", "graphics", "bitImageColumn"])
@pytest.mark.parametrize(("profile", "model"), [("TM-T20II", TM80), ("TM-T88V", TM80_180DPI)])
def test_an_image_has_the_same_dots_whichever_command_sends_it(
    implementation: Implementation, profile: str, model: PrinterModel
) -> None:
    sender = Dummy(profile=profile)
    sender.image(picture(), impl=implementation)

    printer, slip = on_paper(sender, model)

    assert [row for row in slip.rows if row] == expected_rows(model)
    assert [event for event in printer.events if isinstance(event, IgnoredCommand)] == []


def test_text_sizes_and_alignment_come_out_as_they_were_meant() -> None:
    sender = Dummy(profile="TM-T20II")
    sender.set(align="center", bold=True, double_width=True, double_height=True)
    sender.textln("CHÈQUE")
    sender.set(align="right", font="b", normal_textsize=True, bold=False)
    sender.textln("réglé")
    sender.set_with_default()
    sender.textln("30,00 EUR")
    sender.cut()

    _, slip = on_paper(sender, TM80)

    lines = {line.text.strip(): line for line in slip.lines if line.text.strip()}
    assert list(lines) == ["CHÈQUE", "réglé", "30,00 EUR"]
    assert [line.height_dots for line in lines.values()] == [48, 17, 24]
    assert lines["CHÈQUE"].x_dots == (576 - 6 * 24) // 2
    assert lines["réglé"].x_dots == 576 - 5 * 9
    assert lines["30,00 EUR"].x_dots == 0


@pytest.mark.parametrize("native", [True, False])
def test_a_qr_code_can_be_read(native: bool) -> None:
    sender = Dummy(profile="TM-T20II")
    sender.qr("https://exemple.fr/p/0123456789", native=native, size=6)
    sender.ln(6)
    sender.cut(feed=False)

    _, slip = on_paper(sender, TM80)

    with Image.open(io.BytesIO(slip.png())) as paper:
        assert [code.text for code in zxingcpp.read_barcodes(paper)] == ["https://exemple.fr/p/0123456789"]


def test_the_drawer_is_kicked() -> None:
    sender = Dummy(profile="TM-T20II")
    sender.cashdraw(2)
    sender.cashdraw(5)

    printer, _ = on_paper(sender, TM80)

    assert [pulse.pin for pulse in printer.drawer_pulses] == [2, 5]
    assert all(pulse.on_ms > 0 for pulse in printer.drawer_pulses)
