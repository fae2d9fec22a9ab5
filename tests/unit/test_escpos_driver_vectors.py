"""The encoder writes, and the answer reader understands, the bytes that the shared vectors hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import pytest

from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.answers import (
    Answer,
    AnswerReader,
    AutomaticStatus,
    ProcessId,
    RealTimeStatus,
)
from cvconnect_drivers.printers.charset import PC858, WPC1252, CodePage, encode
from cvconnect_drivers.printers.raster import Bitmap


class Vector(TypedDict):
    name: str
    bytes: str
    answer: str


FILE = Path(__file__).parents[1] / "vectors" / "escpos.json"
VECTORS: dict[str, Vector] = {
    vector["name"]: vector for vector in json.loads(FILE.read_text(encoding="utf-8"))["vectors"]
}


def line(text: str, page: CodePage) -> list[escpos.Command]:
    runs = encode(text, (page,), page)
    assert runs is not None
    return [*(escpos.PrintData(run.data) for run in runs), escpos.PrintAndLineFeed()]


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("euro in page 858", [escpos.SelectCharacterCodeTable(PC858), *line("€", PC858)]),
        (
            "euro and ligature in page 1252",
            [escpos.SelectCharacterCodeTable(WPC1252), *line("€ Œuf", WPC1252)],
        ),
        ("QR code", [escpos.QrCode(b"https://example.invalid/p/1", 6)]),
        ("cut after feeding to the cutter", [*line("a", PC858), escpos.FeedAndCut()]),
        ("drawer pin 2, 50 ms on, 500 ms off", [escpos.GeneratePulse(2, 50, 500)]),
        ("paper sensor", [escpos.TransmitStatus(1)]),
        ("automatic status", [escpos.EnableAutomaticStatusBack(0xFF)]),
        ("automatic status of four kinds", [escpos.EnableAutomaticStatusBack(0x0F)]),
        ("raster image", [escpos.PrintRasterBitImage(Bitmap(2, b"\x80\x01\xff\xff\x00\x00"))]),
        (
            "two-byte characters off",
            [escpos.CancelKanjiCharacterMode(), escpos.SelectCharacterCodeTable(PC858), *line("é", PC858)],
        ),
        (
            "emphasis and double size in one byte",
            [
                escpos.SelectPrintModes(emphasized=True, double=True),
                *line("A", PC858),
                escpos.SelectPrintModes(emphasized=False, double=False),
                *line("b", PC858),
            ],
        ),
        (
            "emphasis, then double size",
            [
                escpos.TurnEmphasizedMode(True),
                *line("A", PC858),
                escpos.SelectCharacterSize(2),
                *line("B", PC858),
            ],
        ),
        ("process id", [*line("a", PC858), escpos.RequestProcessId(b"0042")]),
        ("real-time status 1, all well", [escpos.TransmitRealTimeStatus(1)]),
        ("real-time status 2, all well", [escpos.TransmitRealTimeStatus(2)]),
        ("real-time status 3, all well", [escpos.TransmitRealTimeStatus(3)]),
        ("real-time status 4, all well", [escpos.TransmitRealTimeStatus(4)]),
    ],
)
def test_commands_are_written_as_the_vectors_say(name: str, commands: Sequence[escpos.Command]) -> None:
    assert escpos.to_bytes(commands) == bytes.fromhex(VECTORS[name]["bytes"])


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("real-time status 1, all well", RealTimeStatus(0x12)),
        ("process id", ProcessId(b"0042")),
        ("automatic status", AutomaticStatus(b"\x10\x00\x00\x00")),
    ],
)
def test_answers_are_read_as_the_vectors_say(name: str, answer: Answer) -> None:
    assert AnswerReader().feed(bytes.fromhex(VECTORS[name]["answer"])) == [answer]
