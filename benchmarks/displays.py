"""A payment's QR as pixels beside qrcode with Pillow and beside segno; from a new prompt to the glass of a page, and what the page holds.

All draw the same payload, error correction M, quiet zone of 4, the same pixels; each picture is read back. The floor of a page is a
bare request from that page to the same server.
"""

from __future__ import annotations

import io
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import zxingcpp
from figures import ratio, show, summary
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from cvconnect_drivers.displays.web.display import WebDisplay
from cvconnect_drivers.qr import make_matrix
from cvconnect_drivers.qr_png import png_of
from cvconnect_pos import PaymentPrompt

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PAYLOAD = "https://app.exemple.fr/cvconnect/paiement/8f2d1c0a9b4e4d7f9a3c5b?m=200000000016&montant=4550&devise=EUR&v=1"
MODULE_PX = 6
ROUNDS, TIMES = 40, 5
CHANGES = 100
PROMPTS = 10_000
TOKEN = "a-token-of-the-bench"

COUNTING = """
const Real = EventSource;
window.prompts = 0;
window.EventSource = class extends Real {
  constructor(...all) { super(...all); this.addEventListener("prompt", () => { window.prompts += 1; }); }
};
"""


# --- From payload to pixels -------------------------------------------------------------------------------------------


def ours() -> bytes:
    """Draw as the drivers do."""
    return png_of(make_matrix(PAYLOAD), MODULE_PX)


def segno_alone() -> bytes:
    """Draw with segno and its own writer."""
    import segno

    file = io.BytesIO()
    segno.make_qr(PAYLOAD, error="m", boost_error=False).save(file, kind="png", scale=MODULE_PX, border=4)
    return file.getvalue()


def qrcode_and_pillow() -> bytes:
    """Draw with qrcode and Pillow."""
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, box_size=MODULE_PX, border=4)
    code.add_data(PAYLOAD)
    file = io.BytesIO()
    code.make_image().save(file)
    return file.getvalue()


ENCODERS: dict[str, Callable[[], bytes]] = {
    "ours": ours,
    "segno": segno_alone,
    "qrcode and Pillow": qrcode_and_pillow,
}


def pixels() -> dict[str, object]:
    """Compare them, taking turns."""
    sizes: set[tuple[int, int]] = set()
    for name, encode in ENCODERS.items():
        with Image.open(io.BytesIO(encode())) as picture:
            sizes.add(picture.size)
            read = [code.text for code in zxingcpp.read_barcodes(picture.convert("L"))]
        if read != [PAYLOAD]:
            raise ValueError(f"{name} draws another QR: {read}")
    if len(sizes) != 1:
        raise ValueError(f"they draw other sizes: {sizes}")
    taken: dict[str, list[float]] = {name: [] for name in ENCODERS}
    for _ in range(ROUNDS):
        for name, encode in ENCODERS.items():
            start_s = time.perf_counter()
            for _ in range(TIMES):
                encode()
            taken[name].append((time.perf_counter() - start_s) / TIMES)
    return {
        "characters": len(PAYLOAD),
        "pixels on a side": sizes.pop()[0],
        "median_ms": {name: statistics.median(each) * 1000 for name, each in taken.items()},
        "bytes": {name: len(encode()) for name, encode in ENCODERS.items()},
        "ratio": {
            f"time {name} / ours": ratio(taken[name], taken["ours"]) for name in ENCODERS if name != "ours"
        },
    }


# --- A page -----------------------------------------------------------------------------------------------------------


@contextmanager
def opened() -> Iterator[tuple[WebDisplay, Page]]:
    """Serve a page and open it in Chromium."""
    display = WebDisplay("web:", "127.0.0.1", 0, TOKEN)
    display.claim(timeout_s=1)
    with sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--no-proxy-server"]
        )
        page = browser.new_page(viewport={"width": 1024, "height": 600})
        page.add_init_script(COUNTING)
        page.goto(display.url)
        page.locator("body[data-state=blank]").wait_for()
        yield display, page
        browser.close()
    display.release()


def prompts() -> tuple[PaymentPrompt, PaymentPrompt]:
    """Give two that take turns: with a QR, and without."""
    title, notice = "Chèque-Vacances Connect", "SIMULATION - SANS VALEUR"
    scan = "Scannez ce QR code avec l’application Chèque-Vacances"
    return (
        PaymentPrompt(
            "waiting", title=title, amount="45,50 €", instruction=scan, qr_payload=PAYLOAD, notice=notice
        ),
        PaymentPrompt("paid", title=title, amount="45,50 €", instruction="Paiement accepté, merci"),
    )


def to_glass(display: WebDisplay, page: Page) -> dict[str, object]:
    """Measure from `show()` to the word of the page that it is painted, beside a bare request of the page."""
    taken: dict[str, list[float]] = {"waiting": [], "paid": []}
    floor: list[float] = []
    ask = "async () => { const start = performance.now(); await fetch('painted', { method: 'POST' }); return performance.now() - start; }"
    for number in range(2 * CHANGES + 4):
        prompt = prompts()[number % 2]
        bare_ms: float = page.evaluate(ask)
        start_s = time.perf_counter()
        surface = display.show(prompt, timeout_s=5)
        took_s = time.perf_counter() - start_s
        if surface != ("qr" if prompt.qr_payload else "text"):
            raise ValueError(f"the page showed {surface}")
        if number >= 4:
            taken[prompt.state].append(took_s)
            floor.append(bare_ms / 1000)
    return {
        "changes": CHANGES,
        "floor: a bare request of the page": summary(floor),
        "QR on the glass, two frames waited for": summary(taken["waiting"]),
        "words on the glass, two frames waited for": summary(taken["paid"]),
        "ratio": {
            "QR / floor": statistics.median(taken["waiting"]) / statistics.median(floor),
            "words / floor": statistics.median(taken["paid"]) / statistics.median(floor),
        },
    }


def heap_kb(page: Page) -> float:
    """Give what the page's scripts hold once what nobody needs is thrown away, in kB."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    metrics = cast("list[dict[str, Any]]", session.send("Performance.getMetrics")["metrics"])
    session.detach()
    return next(float(each["value"]) for each in metrics if each["name"] == "JSHeapUsedSize") / 1000


def memory(display: WebDisplay, page: Page) -> dict[str, object]:
    """Let the page follow some thousand prompts; compare its heap."""
    both = prompts()
    before = heap_kb(page)
    start: int = page.evaluate("prompts")
    followed = number = 0
    while followed < PROMPTS:
        for _ in range(50):
            display.show(both[number % 2], timeout_s=0)
            number += 1
            time.sleep(0.002)
        followed = page.evaluate("prompts") - start
    display.show(both[1], timeout_s=5)
    after = heap_kb(page)
    return {
        "prompts that the page followed": followed,
        "heap before_kb": before,
        "heap after_kb": after,
        "ratio": {"after / before": after / before},
    }


def measure() -> dict[str, object]:
    """Measure all of it.

    Returns:
        Times, sizes and ratios; without Chromium, those of the page are absent.
    """
    result: dict[str, object] = {"from payload to pixels": pixels()}
    if not Path(CHROMIUM).exists():
        return result | {"a page": "ABSENT: needs chromium"}
    with opened() as (display, page):
        result["from show() to a page's glass"] = to_glass(display, page)
        result["a page's memory"] = memory(display, page)
    return result


if __name__ == "__main__":
    show("displays", measure())
