"""What holds for every screen that is drawn: the QR comes from whatever can be used, and nothing comes up after `release`."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import segno
from PIL import Image

from cvconnect_drivers.displays import callback, image, paper, screen, terminal
from cvconnect_drivers.displays.web.view import view_of
from cvconnect_drivers.shapes import Document, Health, HealthLevel, PrintResult, Prompt, Surface
from cvconnect_pos.peripherals import PaymentPrompt

PAYLOAD = "https://exemple.fr/paiement/8f2d1c0a9b"
WAIT_S = 20.0
SIZE = (800, 480)


def asking(*, payload: str | None = None, png: bytes | None = None, shop: str = "") -> PaymentPrompt:
    return PaymentPrompt(
        "waiting", title="Titre", amount="45,50 €", shop=shop, qr_payload=payload, qr_png=png
    )


def png_of(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def qr_picture() -> Image.Image:
    file = io.BytesIO()
    segno.make_qr(PAYLOAD).save(file, kind="png", scale=5)
    return Image.open(file).convert("L")


# --- A provider's picture ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Printing:
    """A printer that prints whatever it is given."""

    printed: int = 0

    def claim(self, *, timeout_s: float) -> None:
        """Be ready."""

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> PrintResult:
        """Print."""
        self.printed += 1
        return PrintResult("printed", "")

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Be ready."""
        return Health("ready", level)

    def release(self) -> None:
        """Be away."""


def on_paper(prompt: PaymentPrompt) -> Surface:
    display = paper.PaperDisplay("printer:", Printing())
    display.claim(timeout_s=1)
    return display.show(prompt, timeout_s=1)


SURFACES: dict[str, Callable[[PaymentPrompt], Surface]] = {
    "screen": lambda prompt: screen.render(prompt, SIZE)[1],
    "web": lambda prompt: "qr" if "qr" in view_of(prompt) else "text",
    "terminal": lambda prompt: terminal.draw(prompt, (100, 40), coloured=True)[1],
    "paper": on_paper,
}
UNUSABLE = {
    "damaged": b"\x89PNG\r\n\x1a\nno picture",
    "no QR": png_of(Image.new("L", (200, 200), 255)),
}


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("png", UNUSABLE.values(), ids=UNUSABLE)
def test_where_the_picture_cannot_be_used_what_it_holds_is_drawn(surface: str, png: bytes) -> None:
    assert SURFACES[surface](asking(payload=PAYLOAD, png=png)) == "qr"
    assert SURFACES[surface](asking(png=png)) != "qr"


def test_squares_in_rows_and_columns_are_no_qr() -> None:
    grid = Image.new("L", (105, 105), 255)
    for box in ((0, 0, 35, 5), (100, 0, 105, 5), (0, 100, 5, 105)):
        grid.paste(0, box)
    assert screen.render(asking(png=png_of(grid)), SIZE)[1] == "text"


def test_a_grey_of_16_bits_that_is_not_quite_black_is_dark() -> None:
    qr = qr_picture()
    greys = b"".join((0x1010 + grey * 220).to_bytes(2, "little") for grey in qr.tobytes())
    assert screen.render(asking(png=png_of(Image.frombytes("I;16", qr.size, greys))), SIZE)[1] == "qr"


@pytest.mark.parametrize(
    "shop", ["☕" * 26, "Café ☕☕☕ de la Plage ☕☕☕☕☕☕☕☕☕ " * 2], ids=["one word", "several"]
)
def test_letters_of_two_cells_do_not_tear_the_qr_beside_them(shop: str) -> None:
    text, surface = terminal.draw(asking(payload=PAYLOAD, shop=shop), (72, 40), coloured=False)
    assert surface == "qr"
    assert text.count("☕") == shop.count("☕")
    assert max(len(line) + line.count("☕") for line in text.split("\n")) <= 72


# --- After `release` --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Gate:
    """Where a display is stuck."""

    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Be stuck until it may go on."""
        self.reached.set()
        self.go.wait(WAIT_S)


class StuckStream(io.StringIO):
    """A terminal that takes no QR until it may."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def isatty(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if "45,50" in text:
            self._gate.wait()
        return super().write(text)


def show_and_release(
    display: callback.CallbackDisplay | image.ImageDisplay | terminal.TerminalDisplay, gate: Gate
) -> None:
    """Release a display while it is stuck with a prompt, which then goes on."""
    showing = threading.Thread(target=display.show, args=(asking(payload=PAYLOAD),), kwargs={"timeout_s": 1})
    releasing = threading.Thread(target=display.release, daemon=True)
    showing.start()
    try:
        assert gate.reached.wait(WAIT_S)
        releasing.start()
        releasing.join(WAIT_S / 2)
        assert not releasing.is_alive()
    finally:
        gate.go.set()
        showing.join(WAIT_S)


def test_a_till_that_was_stuck_at_release_leaves_no_qr_on_its_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvconnect_drivers.displays.drawn.RELEASE_S", 0.01)
    gate, drawn = Gate(), list[Prompt | None]()

    def draw(prompt: Prompt | None, _png: bytes | None) -> Surface:
        if prompt is not None:
            gate.wait()
        drawn.append(prompt)
        return "qr"

    callback.display("STUCK-AT-RELEASE").on_prompt(draw)
    display = callback.open_display("callback:STUCK-AT-RELEASE", {})
    display.claim(timeout_s=1)
    show_and_release(display, gate)
    assert drawn[-1] is None


def test_a_disk_that_was_stuck_at_release_keeps_no_qr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cvconnect_drivers.displays.drawn.RELEASE_S", 0.01)
    gate, path = Gate(), tmp_path / "client.png"
    display = image.open_display(f"image:{path}", {})
    display.claim(timeout_s=1)
    nothing, write = path.read_bytes(), Path.write_bytes

    def stuck(path: Path, data: bytes) -> int:
        if not gate.go.is_set():
            gate.wait()
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", stuck)
    show_and_release(display, gate)
    assert path.read_bytes() == nothing


def test_a_terminal_that_was_stuck_at_release_keeps_no_qr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvconnect_drivers.displays.drawn.RELEASE_S", 0.01)
    gate = Gate()
    stream = StuckStream(gate)
    display = terminal.open_display("terminal:", {"stream": stream, "columns": 100, "rows": 50})
    display.claim(timeout_s=1)
    show_and_release(display, gate)
    written = stream.getvalue()
    assert "45,50" in written
    assert written.endswith("\x1b[H\x1b[J")
