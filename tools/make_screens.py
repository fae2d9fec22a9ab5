"""Draw every customer screen in every state into `out/screens/`: `make screens`.

What an image file, an SVG and a page in Chromium, a window on a second monitor, a framebuffer, a terminal, a slip of paper and the glass of each
line display show of the same prompts is drawn, each QR is read back, and those that the documentation shows are copied to
`docs/images/`. Without Chromium there are no pages and no SVG, and nothing is copied; without Xvfb there are no windows.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from PIL import Image

from chromium import CHROMIUM, launched
from customer import SCREENS
from cvconnect_drivers.displays import svg
from cvconnect_drivers.displays.framebuffer import open_display as open_framebuffer
from cvconnect_drivers.displays.line_protocols import PROTOCOLS, Panel
from cvconnect_drivers.displays.paper import open_display as open_paper
from cvconnect_drivers.displays.screen import blank, render
from cvconnect_drivers.displays.terminal import draw
from cvconnect_drivers.displays.web.display import WebDisplay
from cvconnect_drivers.displays.window import open_display as open_window
from cvconnect_drivers.shapes import Prompt, Surface
from fake_framebuffer import RGB565, XRGB, FakeFramebuffer, Told
from make_line_pictures import FIRMWARE, stack
from telephone import misread, read
from terminal_picture import picture
from x_screens import MISSING, desktop

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "out" / "screens"
IMAGES = ROOT / "docs" / "images"

IMAGE_SIZES = ((800, 480), (480, 800))
WINDOW_SIZES = ((1024, 600), (480, 320))
PAGE_SIZES = ((800, 480), (1024, 600), (1920, 1080), (600, 1024))
SVG_SIZE = (800, 480)
FRAMEBUFFERS = (Told((1024, 600), XRGB), Told((480, 320), RGB565))
TERMINAL_SIZES = ((100, 28), (60, 40))
TOKEN = "a-token-for-pictures"
SHOW_S = 5.0
GAP_PX = 16
ROOM = "#9aa3b2"

Drawn = tuple[str, Prompt, Surface, Image.Image]
"""The file's name, what was to be shown, what is, and how it looks."""


def images() -> Iterator[Drawn]:
    """Draw what `image:` writes."""
    for size in IMAGE_SIZES:
        for name, prompt in SCREENS.items():
            drawn, surface = render(prompt, size)
            yield f"image-{size[0]}x{size[1]}-{name}", prompt, surface, drawn
        yield f"image-{size[0]}x{size[1]}-blank", SCREENS["idle"], "none", blank(size)


def framebuffers() -> Iterator[Drawn]:
    """Read back what `fb:` writes, in 32 and in 16 bits."""
    for told in FRAMEBUFFERS:
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            glass = FakeFramebuffer.install(patch, Path(folder), told)
            display = open_framebuffer(glass.url, {})
            display.claim(timeout_s=SHOW_S)
            for name, prompt in SCREENS.items():
                surface = display.show(prompt, timeout_s=SHOW_S)
                yield (
                    f"fb-{told.size[0]}x{told.size[1]}-{told.format.bits}bits-{name}",
                    prompt,
                    surface,
                    glass.picture(),
                )
            display.release()


def lines() -> Iterator[Drawn]:
    """Draw the glass of a line display of each protocol, a prompt's pages one below the other."""
    for protocol, firmware in FIRMWARE.items():
        panel = Panel(PROTOCOLS[protocol], next(iter(PROTOCOLS[protocol].pages.values())))
        for name, prompt in SCREENS.items():
            glass = firmware()
            seen: list[Image.Image] = []
            for page in panel.lay_out(prompt):
                glass.receive(panel.frame(page))
                seen.append(Image.open(io.BytesIO(glass.picture())))
            yield f"line-{protocol}-{name}", prompt, "text", stack(seen, 1)


def terminals() -> Iterator[Drawn]:
    """Draw what `terminal:` writes."""
    for columns, rows in TERMINAL_SIZES:
        for name, prompt in SCREENS.items():
            text, surface = draw(prompt, (columns, rows), coloured=True)
            yield f"terminal-{columns}x{rows}-{name}", prompt, surface, picture(text, columns, rows)


def slips() -> Iterator[Drawn]:
    """Draw what `printer:` prints: nothing without a QR that fits."""
    for profile in ("80mm", "58mm"):
        with TemporaryDirectory() as folder:
            display = open_paper(f"printer:image:{folder}", {"profile": profile})
            display.claim(timeout_s=SHOW_S)
            for name, prompt in SCREENS.items():
                surface = display.show(prompt, timeout_s=SHOW_S)
                for path in Path(folder).iterdir():  # the same QR is printed once
                    with Image.open(path) as slip:
                        yield f"paper-{profile}-{name}", prompt, surface, slip.convert("RGB")
                    path.unlink()


def windows() -> Iterator[Drawn]:
    """Take pictures of `window:` on the second monitor of an X server."""
    with desktop() as there:
        os.environ["DISPLAY"] = there.name
        for size in WINDOW_SIZES:
            there.plug(size=size)
            display = open_window("window:", {})
            display.claim(timeout_s=SHOW_S)
            for name, prompt in SCREENS.items():
                surface = display.show(prompt, timeout_s=SHOW_S)
                yield f"window-{size[0]}x{size[1]}-{name}", prompt, surface, there.customer(size)
            display.release()
            there.unplug()


def svgs() -> Iterator[Drawn]:
    """Take pictures of the SVG that `image:` writes, in Chromium."""
    width, height = SVG_SIZE
    with launched() as browser:
        page = browser.new_page(viewport={"width": width, "height": height})
        for name, prompt in SCREENS.items():
            text, surface = svg.render(prompt, SVG_SIZE)
            page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{text}")
            shot = page.screenshot()
            yield f"svg-{width}x{height}-{name}", prompt, surface, Image.open(io.BytesIO(shot)).convert("RGB")


def pages() -> Iterator[Drawn]:
    """Take pictures of `web:` in Chromium."""
    display = WebDisplay("web:", "127.0.0.1", 0, TOKEN)
    display.claim(timeout_s=1)
    with launched() as browser:
        page = browser.new_page()
        page.goto(display.url)
        page.locator("body[data-state=blank]").wait_for()
        for width, height in PAGE_SIZES:
            page.set_viewport_size({"width": width, "height": height})

            def taken() -> Image.Image:
                return Image.open(io.BytesIO(page.screenshot())).convert("RGB")

            for name, prompt in SCREENS.items():
                surface = display.show(prompt, timeout_s=SHOW_S)
                yield f"web-{width}x{height}-{name}", prompt, surface, taken()
            display.clear(timeout_s=SHOW_S)
            yield f"web-{width}x{height}-blank", SCREENS["idle"], "none", taken()
        page.set_viewport_size({"width": 800, "height": 480})
        display.show(SCREENS["qr"], timeout_s=SHOW_S)
        display.release()
        page.locator("#lost").wait_for()
        lost = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        yield "web-800x480-lost", SCREENS["idle"], "none", lost


def read_back(name: str, prompt: Prompt, surface: Surface, drawn: Image.Image) -> None:
    """Fail where a telephone does not read in a picture what its surface says."""
    if surface == "qr":
        wrong = misread(drawn, prompt.qr_payload or "")
    else:
        wrong = [decoder for decoder, found in read(drawn).items() if found]
    if wrong:
        raise ValueError(f"{name} says {surface}, which is not so for {', '.join(wrong)}")


def sheet(names: list[str], columns: int, scale: float = 1.0) -> Image.Image:
    """Put pictures in rows, from left to right."""
    drawn = [Image.open(OUT / f"{name}.png").convert("RGB") for name in names]
    width, height = (round(max(sides) * scale) for sides in zip(*(one.size for one in drawn), strict=True))
    rows = -(-len(drawn) // columns)
    whole = Image.new("RGB", (columns * (width + GAP_PX) - GAP_PX, rows * (height + GAP_PX) - GAP_PX), ROOM)
    for number, one in enumerate(drawn):
        row, column = divmod(number, columns)
        size = round(one.width * scale), round(one.height * scale)
        small = one.resize(size, Image.Resampling.LANCZOS)
        whole.paste(small, (column * (width + GAP_PX), row * (height + GAP_PX)))
    return whole


def save(picture: Image.Image, path: Path) -> None:
    """Write a small file."""
    picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def copies() -> Iterator[tuple[str, Image.Image]]:
    """Choose what the documentation shows."""
    states = ("qr", "seen", "paid", "partial", "refused", "idle")
    yield "display-web.png", sheet([f"web-800x480-{state}" for state in states], 2, 0.75)
    yield (
        "display-portrait.png",
        sheet(["web-600x1024-either", "web-600x1024-paid", "web-600x1024-partial"], 3, 0.6),
    )
    yield "display-terminal.png", sheet(["terminal-100x28-qr"], 1, 0.75)
    yield "display-lost.png", sheet(["web-800x480-lost"], 1, 0.6)


def main() -> int:
    """Draw, read back, copy."""
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.png"):
        old.unlink()
    has_chromium = Path(CHROMIUM).exists()
    groups: dict[str, list[str]] = {}
    sources = [images, framebuffers, terminals, lines, slips]
    sources += [windows] if not MISSING else []
    sources += [svgs, pages] if has_chromium else []
    for source in sources:
        for name, prompt, surface, drawn in source():
            read_back(name, prompt, surface, drawn)
            drawn.save(OUT / f"{name}.png")
            groups.setdefault(name.rpartition("-")[0], []).append(name)
    for group, names in groups.items():
        with Image.open(OUT / f"{names[0]}.png") as first:
            save(sheet(names, 4, min(1.0, 480 / first.width)), OUT / f"all-{group}.png")
    if not has_chromium:
        print("No Chromium: no pages were drawn, and docs/images is left as it was.", file=sys.stderr)
        return 1
    for file, whole in copies():
        save(whole, IMAGES / file)
    print(f"{sum(map(len, groups.values()))} screens in {OUT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
