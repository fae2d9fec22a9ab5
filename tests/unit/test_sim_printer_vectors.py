"""The simulated printer does what Epson's reference says of single commands."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from cvconnect_sim.printer import IgnoredCommand, PaperCut, Printer, Slip

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "escpos.json").read_text("utf-8")
)["vectors"]


def pieces(printer: Printer) -> list[Slip]:
    return [*printer.slips, printer.uncut]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
@pytest.mark.parametrize("step", [1, 4096], ids=["byte by byte", "whole"])
def test_bytes_of_the_reference_have_the_effect_it_states(vector: dict[str, Any], step: int) -> None:
    printer = Printer()
    data = bytes.fromhex(vector["bytes"])

    answer = b"".join(printer.receive(data[at : at + step]) for at in range(0, len(data), step))

    lines = [line for slip in pieces(printer) for line in slip.lines]
    assert [line.text for line in lines] == vector["lines"]
    assert answer == bytes.fromhex(vector["answer"])
    assert [[p.pin, p.on_ms, p.off_ms] for p in printer.drawer_pulses] == vector.get("drawer", [])
    assert [unknown.raw.hex(" ") for unknown in printer.unknown_commands] == vector.get("unknown", [])
    ignored = [event.name for event in printer.events if isinstance(event, IgnoredCommand)]
    assert ignored == vector.get("ignored", [])
    cuts = [event for event in printer.events if isinstance(event, PaperCut)]
    kinds = [["partial" if cut.partial else "full", cut.length_dots] for cut in cuts]
    assert kinds == vector.get("cuts", [])
    if "heights" in vector:
        assert [line.height_dots for line in lines] == vector["heights"]
    if "x" in vector:
        assert [line.x_dots for line in lines] == vector["x"]
    if "qr" in vector:
        with Image.open(io.BytesIO(printer.uncut.png())) as picture:
            assert [code.text for code in zxingcpp.read_barcodes(picture)] == [vector["qr"]]
