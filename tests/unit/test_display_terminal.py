"""A QR in a terminal scans, on dark and on light ones."""

from __future__ import annotations

import io
import os
import re
import threading
from dataclasses import replace

import pytest
import segno
import zxingcpp
from PIL import Image

from cvconnect_drivers.displays import NO_QR
from cvconnect_drivers.displays.half_blocks import blocks
from cvconnect_drivers.displays.terminal import draw, open_display
from cvconnect_drivers.errors import DriverError
from cvconnect_drivers.qr import QrMatrix, make_matrix
from cvconnect_pos.peripherals import PaymentPrompt

PAYLOAD = "https://exemple.fr/paiement/8f2d1c0a9b"
WAITING = PaymentPrompt(
    "waiting",
    title="Chèque-Vacances Connect",
    amount="45,50\u00a0€",
    instruction="Scannez ce QR code avec l’application Chèque-Vacances, puis validez.",
    shop="Camping L’Œuf Bleu",
    basket_ref="REF253",
    qr_payload=PAYLOAD,
    expires_text="Valable jusqu’à 14:05",
    notice="SIMULATION - SANS VALEUR",
)
WAIT_S = 20.0
INK = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Stuck(io.StringIO):
    """Takes nothing of some text until it may."""

    def __init__(self, text: str = "45,50") -> None:
        super().__init__()
        self._text = text
        self.reached, self.go = threading.Event(), threading.Event()

    def write(self, text: str, /) -> int:
        if self._text in text:
            self.reached.set()
            self.go.wait(WAIT_S)
        return super().write(text)


def seen(lines: list[str], *, ink: int, paper: int, ground: int) -> list[str]:
    """Look at half blocks as a camera does: characters in `ink` on `paper`, in a terminal of another `ground`."""
    rows = [row for line in lines for row in zip(*(INK[each] for each in line), strict=True)]
    pixels = bytes(ink if dot else paper for row in rows for dot in row)
    picture = Image.frombytes("L", (len(rows[0]), len(rows)), pixels)
    room = Image.new("L", (picture.width + 40, picture.height + 40), ground)
    room.paste(picture, (20, 20))
    large = room.resize((room.width * 6, room.height * 6), Image.Resampling.NEAREST)
    return [code.text for code in zxingcpp.read_barcodes(large, try_invert=False)]


@pytest.mark.parametrize("payload", ["1", PAYLOAD, "x" * 100])
def test_without_colour_light_modules_are_the_blocks_of_a_dark_terminal(payload: str) -> None:
    assert seen(blocks(make_matrix(payload), coloured=False), ink=255, paper=0, ground=0) == [payload]


@pytest.mark.parametrize("ground", [0, 255])
@pytest.mark.parametrize("payload", ["1", PAYLOAD, "x" * 100])
def test_with_colour_it_is_black_on_white_on_any_terminal(payload: str, ground: int) -> None:
    coloured = blocks(make_matrix(payload), coloured=True)
    found = [re.fullmatch("\x1b\\[38;5;16;48;5;231m([█▀▄ ]+)\x1b\\[0m", line) for line in coloured]
    lines = [each[1] for each in found if each]
    assert len(lines) == len(coloured)
    assert seen(lines, ink=0, paper=255, ground=ground) == [payload]


def test_the_quiet_zone_is_four_modules_on_all_sides() -> None:
    lines = blocks(QrMatrix(((True,) * 21,) * 21), coloured=False)
    assert lines[:2] == ["█" * 29] * 2
    assert all(line.startswith("████") and line.endswith("████") for line in lines)
    assert lines[-2:] == ["█" * 29] * 2


def test_words_stand_beside_the_qr_where_there_is_room() -> None:
    text, surface = draw(WAITING, (80, 24), coloured=False)
    lines = text.splitlines()
    assert surface == "qr"
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    for words in ("45,50", "Chèque-Vacances Connect", "REF253", "SIMULATION - SANS VALEUR", "14:05"):
        assert words in text


def test_words_stand_below_the_qr_in_a_narrow_terminal() -> None:
    text, surface = draw(WAITING, (50, 60), coloured=False)
    assert surface == "qr"
    assert max(map(len, text.splitlines())) <= 50
    assert text.index("█") < text.index("45,50")


@pytest.mark.parametrize("size", [(80, 12), (30, 60), (45, 24)])
def test_a_terminal_too_small_for_the_qr_says_so(size: tuple[int, int]) -> None:
    text, surface = draw(WAITING, size, coloured=False)
    assert surface == "text"
    assert "█" not in text
    assert " ".join(NO_QR.split()) in " ".join(text.split())
    assert "Scannez" not in text


@pytest.mark.parametrize(
    "prompt",
    [replace(WAITING, qr_payload=None, qr_png=b"..."), replace(WAITING, qr_payload="x" * 4000)],
)
def test_a_qr_that_cannot_be_drawn_is_not_asked_for(prompt: PaymentPrompt) -> None:
    text, surface = draw(prompt, (80, 24), coloured=False)
    assert surface == "text"
    assert NO_QR in text
    assert "Scannez" not in text
    assert "45,50" in text


@pytest.mark.parametrize(("dark", "light"), [("black", "white"), ("white", "black")])
def test_a_providers_picture_is_drawn_as_if_it_were_ours(dark: str, light: str) -> None:
    file = io.BytesIO()
    code = segno.make_qr(PAYLOAD)
    code.save(file, kind="png", scale=5, dark=dark, light=light)
    prompt = replace(WAITING, qr_payload=None, qr_png=file.getvalue())
    text, surface = draw(prompt, (100, 40), coloured=False)
    side = len(code.matrix) + 8
    lines = [line[:side] for line in text.splitlines()]
    assert surface == "qr"
    assert seen(lines, ink=255, paper=0, ground=0) == [PAYLOAD]


def test_the_instruction_of_a_prompt_without_a_qr_stays() -> None:
    text, _ = draw(replace(WAITING, qr_payload=None), (80, 24), coloured=False)
    assert "Scannez" in text
    assert NO_QR not in text


@pytest.mark.parametrize(
    ("encoding", "surface", "amount", "shop"),
    [
        ("ascii", "text", "45,50 EUR", "Camping L'OEuf Bleu"),
        ("cp1252", "text", "45,50\u00a0€", "Camping L’Œuf Bleu"),
        ("cp437", "qr", "45,50\u00a0EUR", "Camping L'OEuf Bleu"),
        ("utf-8", "qr", "45,50\u00a0€", "Camping L’Œuf Bleu"),
    ],
)
def test_a_stream_shows_what_its_encoding_has(encoding: str, surface: str, amount: str, shop: str) -> None:
    written = io.BytesIO()
    # As the command line sets it: what cannot be encoded would pass for a question mark.
    with io.TextIOWrapper(written, encoding=encoding, errors="replace", newline="") as stream:
        display = open_display("terminal:", {"stream": stream})
        display.claim(timeout_s=1)
        assert display.show(WAITING, timeout_s=1) == surface
        assert display.check_health().state == "ready"
        text = written.getvalue().decode(encoding)
        display.release()
    assert "?" not in text
    assert amount in text
    assert shop in text


def test_a_terminal_that_does_not_know_its_size_has_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_known(_descriptor: int) -> os.terminal_size:
        return os.terminal_size((0, 0))

    monkeypatch.setattr("os.get_terminal_size", nothing_known)
    stream = Terminal()
    monkeypatch.setattr(stream, "fileno", lambda: 1)
    display = open_display("terminal:", {"stream": stream})
    display.claim(timeout_s=1)
    assert display.show(WAITING, timeout_s=1) == "qr"
    display.release()


def test_a_claimed_stream_is_ready_before_anything_is_shown() -> None:
    display = open_display("terminal:", {"stream": io.StringIO()})
    display.claim(timeout_s=1)
    assert display.check_health().state == "ready"
    display.release()


def test_a_program_without_a_console_has_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    display = open_display("terminal:", {})
    with pytest.raises(DriverError) as caught:
        display.claim(timeout_s=1)
    assert caught.value.code == "LINK_LOST"
    display.release()


def test_a_basket_is_named_by_its_reference_alone_in_any_language() -> None:
    assert "REF253\n" in draw(WAITING, (120, 60), coloured=False)[0]
    assert "Panier" not in draw(WAITING, (120, 60), coloured=False)[0]


@pytest.mark.parametrize(
    ("prompt", "surface"),
    [
        (replace(WAITING, qr_payload=None), "text"),
        (PaymentPrompt("idle"), "none"),
        (replace(WAITING, qr_payload="x" * 4000), "text"),
    ],
)
def test_the_surface_is_told_truthfully(prompt: PaymentPrompt, surface: str) -> None:
    assert draw(prompt, (80, 40), coloured=True)[1] == surface


def test_a_message_cannot_steer_the_terminal() -> None:
    text, _ = draw(replace(WAITING, qr_payload=None, instruction="a\x1b[2Jb\x07"), (80, 24), coloured=False)
    assert "\x1b" not in text
    assert "\x07" not in text


def test_on_a_terminal_each_prompt_replaces_the_last_and_nothing_remains() -> None:
    stream = Terminal()
    display = open_display("terminal:", {"stream": stream})
    display.claim(timeout_s=1)
    display.show(WAITING, timeout_s=1)
    display.show(replace(WAITING, qr_payload=None, amount="30,00\u00a0€"), timeout_s=1)
    erase = "\x1b[H\x1b[J"
    assert "45,50" not in stream.getvalue().split(erase)[-1]
    display.clear(timeout_s=1)
    assert stream.getvalue().endswith(erase)
    display.show(WAITING, timeout_s=1)
    display.release()
    assert stream.getvalue().endswith(erase)


def test_a_stream_that_is_no_terminal_gets_no_colour() -> None:
    stream = io.StringIO()
    display = open_display("terminal:", {"stream": stream})
    display.claim(timeout_s=1)
    assert display.show(WAITING, timeout_s=1) == "qr"
    display.release()
    assert "\x1b" not in stream.getvalue()


def test_without_a_stream_it_writes_to_the_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    display = open_display("terminal:?columns=100", {})
    display.claim(timeout_s=1)
    display.show(WAITING, timeout_s=1)
    display.release()
    assert "45,50" in capsys.readouterr().out


def test_a_closed_stream_is_an_absent_screen() -> None:
    stream = io.StringIO()
    display = open_display("terminal:", {"stream": stream})
    display.claim(timeout_s=1)
    stream.close()
    with pytest.raises(DriverError) as caught:
        display.show(WAITING, timeout_s=1)
    assert caught.value.code == "LINK_LOST"
    assert display.check_health().state == "absent"
    display.release()


def test_a_stream_that_nobody_reads_keeps_nobody_from_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvconnect_drivers.displays.drawn.RELEASE_S", 0.01)
    stream = Stuck()
    display = open_display("terminal:", {"stream": stream})
    display.claim(timeout_s=1)
    writing = threading.Thread(target=display.show, args=(WAITING,), kwargs={"timeout_s": 1.0})
    writing.start()
    try:
        assert stream.reached.wait(WAIT_S)
        with pytest.raises(DriverError, match="LINK_TIMEOUT"):
            display.clear(timeout_s=0.01)
        display.release()
        assert writing.is_alive()
        assert display.check_health().state == "absent"
    finally:
        stream.go.set()
        writing.join(WAIT_S)
    with pytest.raises(DriverError, match="NOT_CLAIMED"):
        display.show(WAITING, timeout_s=1)


def test_a_stream_that_does_not_take_the_last_clear_keeps_nobody_from_closing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cvconnect_drivers.displays.drawn.RELEASE_S", 0.01)
    stream = Stuck(text="-----")
    display = open_display("terminal:", {"stream": stream})
    display.claim(timeout_s=1)
    display.show(WAITING, timeout_s=1)
    closing = threading.Thread(target=display.release)
    closing.start()
    try:
        assert stream.reached.wait(WAIT_S)
        closing.join(WAIT_S / 2)
        assert not closing.is_alive()
        assert display.check_health().state == "absent"
    finally:
        stream.go.set()
        closing.join(WAIT_S)
    with pytest.raises(DriverError, match="NOT_CLAIMED"):
        display.show(WAITING, timeout_s=WAIT_S)


def test_a_stream_that_takes_no_text_is_refused() -> None:
    with pytest.raises(DriverError, match="stream"):
        open_display("terminal:", {"stream": 5})
