"""The customer's page in a real browser: what it shows is what the till said, can be scanned, and goes when it must."""

from __future__ import annotations

import io
import math
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest
import segno
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from chromium import NEEDS_CHROMIUM
from customer import PAYLOAD, SCREENS
from cvconnect_drivers.displays import NO_QR
from cvconnect_drivers.displays.web.display import WebDisplay
from cvconnect_pos.peripherals import PaymentPrompt
from telephone import misread
from web_page import Wire, free_port

pytestmark = NEEDS_CHROMIUM

TOKEN = "a-token-of-this-test"
SIZES = [(800, 480), (1024, 600), (1920, 1080), (600, 1024)]
WAIT_S = 10.0


@dataclass
class Glass:
    """A page that is open, and the till behind it."""

    display: WebDisplay
    page: Page
    asked: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])

    def show(self, prompt: PaymentPrompt) -> str:
        return self.display.show(prompt, timeout_s=WAIT_S)

    def text(self, name: str) -> str:
        return self.page.locator(f"#{name}").inner_text().replace("\u2011", "-")

    def has_qr(self) -> bool:
        return self.page.locator("#card").is_visible()

    def picture(self) -> Image.Image:
        with Image.open(io.BytesIO(self.page.screenshot())) as picture:
            return picture.convert("L")

    def until(self, condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end, "it did not come"
            self.page.wait_for_timeout(20)

    def open(self, wire: Wire | None = None) -> None:
        self.page.goto(f"http://127.0.0.1:{wire.port}/{TOKEN}/" if wire else self.display.url)
        self.until(lambda: self.display.check_health().state == "ready")

    @property
    def port(self) -> int:
        assert self.display._server is not None
        return self.display._server.port

    def crash(self) -> int:
        """The till dies without a word; give the port."""
        server = self.display._server
        assert server is not None
        server.close()
        self.display._server = None
        return server.port

    def start_again(self, port: int) -> None:
        self.display = served(port)


def served(port: int = 0) -> WebDisplay:
    display = WebDisplay("web:", "127.0.0.1", port or free_port(), TOKEN)
    display.claim(timeout_s=1)
    return display


@pytest.fixture
def glass(browser: Browser) -> Iterator[Glass]:
    glass = Glass(served(), browser.new_page(viewport={"width": 800, "height": 480}))

    def note(request: Request) -> None:
        glass.asked.append(request.url)

    def complain(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            glass.complaints.append(message.text)

    glass.page.on("request", note)
    glass.page.on("console", complain)
    glass.open()
    yield glass
    glass.page.close()
    glass.display.release()


def scanned(picture: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(picture)]


# --- What is shown --------------------------------------------------------------------------------------------------


def test_each_state_says_its_words_and_its_qr(glass: Glass) -> None:
    for name, prompt in SCREENS.items():
        surface = glass.show(prompt)
        dense = name == "dense"
        assert surface == ("qr" if prompt.qr_payload and not dense else "text"), name
        assert glass.page.locator("body").get_attribute("data-state") == prompt.state
        for word in ("amount", "instruction", "detail", "shop", "basket_ref", "expires_text"):
            said = NO_QR if dense and word == "instruction" else getattr(prompt, word)
            if name == "idle":  # nobody pays: the shop has the whole screen
                said = {"instruction": prompt.shop, "shop": ""}.get(word, said)
            assert glass.text(word).replace("\n", " ") == said, (name, word)
        assert glass.page.locator("#notice").is_visible() == bool(prompt.notice), name
        assert scanned(glass.picture()) == ([prompt.qr_payload] if surface == "qr" else []), name
    assert glass.complaints == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_telephone_reads_the_qr_at_every_angle_and_distance(glass: Glass, width: int, height: int) -> None:
    glass.page.set_viewport_size({"width": width, "height": height})
    assert glass.show(SCREENS["either"]) == "qr"
    assert misread(glass.picture(), PAYLOAD) == []


def test_a_dense_screen_draws_whole_pixels(browser: Browser) -> None:
    """On a tablet whose pixels are not those of CSS, modules stay sharp: no grey on the card."""
    display = served()
    page = browser.new_page(viewport={"width": 601, "height": 963}, device_scale_factor=1.5)
    glass = Glass(display, page)
    glass.open()
    assert glass.show(SCREENS["qr"]) == "qr"
    box = page.locator("#code").bounding_box()
    assert box is not None
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        left, top = round(1.5 * (box["x"] + 2)), round(1.5 * (box["y"] + 2))
        side = round(1.5 * (box["width"] - 4))
        code = picture.convert("L").crop((left, top, left + side, top + side))
    colours = {grey for _count, grey in code.getcolors() or []}
    assert colours == {0, 255}
    assert scanned(code) == [PAYLOAD]
    page.close()
    display.release()


def test_a_qr_with_too_many_modules_for_the_screen_gives_way_to_words(glass: Glass) -> None:
    dense = replace(SCREENS["qr"], qr_payload="https://exemple.fr/?" + "é" * 700)
    assert glass.show(dense) == "text"
    assert glass.text("instruction") == NO_QR
    assert not glass.has_qr()
    glass.page.set_viewport_size({"width": 1920, "height": 1080})
    glass.until(glass.has_qr)
    assert scanned(glass.picture()) == [dense.qr_payload]


# --- When it must go ------------------------------------------------------------------------------------------------


def test_a_qr_goes_at_its_end_and_the_words_say_so(glass: Glass) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=5)
    assert glass.show(replace(SCREENS["qr"], expires_at=ends)) == "qr"
    assert scanned(glass.picture()) == [PAYLOAD]
    glass.until(lambda: "plus valable" in glass.text("instruction"))
    assert datetime.now(UTC) > ends - timedelta(milliseconds=100)
    assert not glass.has_qr()
    assert scanned(glass.picture()) == []
    assert glass.page.evaluate("document.querySelector('canvas').width") == 0


def test_a_qr_that_is_over_is_not_shown_to_a_page_that_comes_late(glass: Glass) -> None:
    over = replace(SCREENS["qr"], expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert glass.show(over) == "text"
    glass.page.reload()
    glass.until(lambda: "plus valable" in glass.text("instruction"))
    assert not glass.has_qr()


def test_a_till_that_is_not_heard_takes_its_qr_with_it_and_the_page_says_so(glass: Glass) -> None:
    glass.page.clock.install()
    assert glass.show(SCREENS["qr"]) == "qr"
    glass.crash()
    glass.page.clock.fast_forward(6_500)
    glass.until(lambda: glass.page.locator("#lost").is_visible())
    assert "Liaison avec la caisse interrompue" in glass.text("lost")
    assert scanned(glass.picture()) == []
    assert glass.page.evaluate("document.querySelector('canvas').width") == 0


def test_a_till_that_stands_still_is_not_taken_for_one_that_is_there(glass: Glass) -> None:
    server = glass.display._server
    assert server is not None
    assert glass.show(SCREENS["qr"]) == "qr"
    stopped = time.monotonic()
    server._loop.call_soon_threadsafe(partial(time.sleep, 7.5))
    glass.until(lambda: glass.page.locator("#lost").is_visible())
    assert time.monotonic() - stopped < 7.5
    assert not glass.has_qr()
    glass.until(glass.has_qr)


def test_a_till_that_comes_back_with_the_same_token_is_found_again(glass: Glass) -> None:
    assert glass.show(SCREENS["qr"]) == "qr"
    port = glass.crash()
    glass.start_again(port)
    glass.until(lambda: glass.display.check_health().state == "ready")
    glass.until(lambda: not glass.has_qr())
    assert glass.show(SCREENS["paid"]) == "text"
    assert glass.text("instruction") == "Paiement accepté, merci"


def test_a_till_that_comes_back_first_clears_the_qr_of_its_earlier_run(glass: Glass) -> None:
    """Before it says anything: a QR that nobody answers for any more is gone as soon as the page has found the till."""
    assert glass.show(SCREENS["qr"]) == "qr"
    glass.start_again(glass.crash())
    glass.until(lambda: glass.display.check_health().state == "ready")
    glass.until(lambda: glass.page.locator("body").get_attribute("data-state") == "blank", 2.0)
    assert scanned(glass.picture()) == []


def test_a_page_whose_connection_died_without_a_word_finds_the_till_again(glass: Glass) -> None:
    with Wire(glass.port) as wire:
        glass.open(wire)
        assert glass.show(SCREENS["qr"]) == "qr"
        wire.dead_below = wire.connections
        glass.show(SCREENS["paid"])
        assert glass.text("instruction") != "Paiement accepté, merci"
        glass.until(lambda: glass.text("instruction") == "Paiement accepté, merci", 3 * WAIT_S)
        assert glass.page.locator("#lost").is_hidden()
        glass.page.goto("about:blank")


def test_the_qr_of_a_payment_that_is_over_does_not_come_back_with_the_next_sign_of_life(glass: Glass) -> None:
    with Wire(glass.port) as wire:
        glass.open(wire)
        assert glass.show(SCREENS["qr"]) == "qr"
        wire.dead_below = math.inf
        glass.display.clear(timeout_s=0.1)
        glass.until(lambda: glass.page.locator("#lost").is_visible())
        wire.dead_below = 0
        seen: list[bool] = []

        def blank() -> bool:
            seen.append(glass.has_qr())
            return glass.page.locator("body").get_attribute("data-state") == "blank"

        glass.until(blank, 3 * WAIT_S)
        assert not any(seen)
        glass.page.goto("about:blank")


def test_a_till_with_another_token_is_not_followed(glass: Glass) -> None:
    port = glass.crash()
    other = WebDisplay("web:", "127.0.0.1", port, "another-token-of-it")
    other.claim(timeout_s=1)
    glass.page.wait_for_timeout(1500)
    assert other.check_health().state == "degraded"
    assert other.show(SCREENS["qr"], timeout_s=1) == "none"
    other.release()
    glass.start_again(port)
    glass.until(lambda: glass.display.check_health().state == "ready")


def test_cleared_and_released_nothing_is_left(glass: Glass) -> None:
    ends: list[Callable[[], None]] = [lambda: glass.display.clear(timeout_s=WAIT_S), glass.display.release]
    for end in ends:
        assert glass.show(SCREENS["qr"]) == "qr"
        end()
        glass.until(lambda: glass.page.locator("body").get_attribute("data-state") == "blank")
        assert not glass.has_qr()
        assert glass.page.locator("#words").is_hidden()
        assert scanned(glass.picture()) == []


# --- Who may look, and where the page goes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["", "wrong-token-of-this-test/", f"{TOKEN}x/", f"{TOKEN}/../", f"{TOKEN}/server.py"]
)
def test_whoever_does_not_know_the_token_finds_nothing(glass: Glass, path: str) -> None:
    answer = glass.page.request.get(glass.display.url.removesuffix(f"{TOKEN}/") + path)
    assert (answer.status, answer.body()) == (404, b"")


def test_no_request_leaves_the_machine_and_the_page_may_make_none(glass: Glass) -> None:
    for prompt in SCREENS.values():
        glass.show(prompt)
    glass.show(replace(SCREENS["qr"], qr_payload=None, qr_png=round_modules(PAYLOAD)))
    origin = glass.display.url.removesuffix(f"{TOKEN}/")
    assert [url for url in glass.asked if not url.startswith((origin, "data:"))] == []
    answer = glass.page.request.get(glass.display.url)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert glass.complaints == []
    refused = glass.page.evaluate(
        "fetch('https://example.invalid/').then(() => 'came', (error) => error.name)"
    )
    assert refused == "TypeError"
    assert any("Content Security Policy" in complaint for complaint in glass.complaints)


def test_words_are_words_and_never_markup(glass: Glass) -> None:
    glass.show(replace(SCREENS["waiting"], instruction="<img src=x onerror=alert(1)>", shop="<b>&amp;</b>"))
    assert glass.text("instruction") == "<img src=x onerror=alert(1)>"
    assert glass.text("shop") == "<b>&amp;</b>"
    assert glass.page.locator("#words img, #shop b").count() == 0


# --- Readable -------------------------------------------------------------------------------------------------------

LAYOUT = """() => {
  const shown = [...document.querySelectorAll("h1, #shop, #notice, #card, #mark, #words p, #lost p")]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length && (e.id === "card" || e.id === "mark" || e.textContent));
  const boxes = shown.map((e) => {
    const box = e.getBoundingClientRect();
    const size = parseFloat(getComputedStyle(e).fontSize);  // a large letter may stand a little out of its line
    return { name: e.id || e.tagName, left: box.left, top: box.top, right: box.right, bottom: box.bottom,
      cut: e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 0.1 * size, size };
  });
  const root = document.documentElement;
  return { boxes, scrolls: root.scrollWidth > root.clientWidth || root.scrollHeight > root.clientHeight };
}"""


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two boxes share more than their edges."""
    across: float = min(one["right"], other["right"]) - max(one["left"], other["left"])
    down: float = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return across > 1 and down > 1


def flaws(page: Page, width: int, height: int) -> list[str]:
    """What stands outside, is cut, is too small, or lies on something else."""
    layout: dict[str, Any] = page.evaluate(LAYOUT)
    found = ["the page scrolls"] if layout["scrolls"] else []
    boxes: list[dict[str, Any]] = layout["boxes"]
    for number, box in enumerate(boxes):
        name = box["name"]
        if box["left"] < 0 or box["top"] < 0 or box["right"] > width + 0.5 or box["bottom"] > height + 0.5:
            found.append(f"{name} stands outside")
        if box["cut"] and name not in {"card", "mark"}:
            found.append(f"{name} is cut")
        if name not in {"card", "mark"} and box["size"] < 0.025 * min(width, height):
            found.append(f"{name} is too small: {box['size']} px")
        found += [f"{name} lies on {other['name']}" for other in boxes[:number] if overlap(box, other)]
    return found


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_cut_small_or_in_the_way(glass: Glass, width: int, height: int) -> None:
    glass.page.set_viewport_size({"width": width, "height": height})
    for name, prompt in SCREENS.items():
        glass.show(prompt)
        assert flaws(glass.page, width, height) == [], name
        glass.show(replace(prompt, qr_payload=None))
        assert flaws(glass.page, width, height) == [], f"{name} without its QR"


def test_the_amount_is_the_largest_and_stands_on_one_line(glass: Glass) -> None:
    for width, height in SIZES:
        glass.page.set_viewport_size({"width": width, "height": height})
        for name in ("qr", "paid", "long"):
            glass.show(SCREENS[name])
            sizes: dict[str, float] = glass.page.evaluate(
                "() => Object.fromEntries([...document.querySelectorAll('#words p')].map((e) =>"
                " [e.id, parseFloat(getComputedStyle(e).fontSize)]))"
            )
            assert sizes["amount"] == max(sizes.values())
            box = glass.page.locator("#amount").bounding_box()
            assert box is not None
            assert box["height"] < 1.5 * sizes["amount"], (name, width)


def test_axe_finds_nothing(glass: Glass) -> None:
    axe = Axe()
    for name, prompt in SCREENS.items():
        glass.show(prompt)
        violations = cast("list[dict[str, Any]]", axe.run(glass.page).response["violations"])
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations] == [], name
    glass.page.clock.install()
    glass.crash()
    glass.page.clock.fast_forward(10_000)
    glass.until(lambda: glass.page.locator("#lost").is_visible())
    assert axe.run(glass.page).response["violations"] == []


def test_a_screen_reader_hears_what_to_do(glass: Glass) -> None:
    glass.show(SCREENS["qr"])
    told = glass.page.locator("main").aria_snapshot()
    assert 'img "QR code de paiement / Payment QR code"' in told
    assert "45,50" in told
    assert "Scannez ce QR code" in told


def test_a_screen_reader_speaks_the_language_of_the_words(glass: Glass) -> None:
    spoken = glass.page.locator("#instruction")
    languages = "element => element.closest('[lang]').lang"
    for name, language in [("english", "en"), ("qr", "fr"), ("english", "en"), ("idle", "fr")]:
        glass.show(SCREENS[name])
        assert spoken.evaluate(languages) == language, name
        assert glass.page.locator("#notice").evaluate(languages) == "fr"
    glass.show(SCREENS["english"])
    glass.display.clear(timeout_s=WAIT_S)
    assert glass.page.locator("html").get_attribute("lang") == "fr"


# --- A day's work ---------------------------------------------------------------------------------------------------

COUNTING = """
const Real = EventSource;
window.prompts = 0;
window.EventSource = class extends Real {
  constructor(...all) { super(...all); this.addEventListener("prompt", () => { window.prompts += 1; }); }
};
"""


def heap(page: Page) -> dict[str, float]:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    metrics = cast("list[dict[str, Any]]", session.send("Performance.getMetrics")["metrics"])
    session.detach()
    return {str(each["name"]): float(each["value"]) for each in metrics}


def test_a_page_that_has_shown_much_holds_no_more_than_before(glass: Glass) -> None:
    glass.page.add_init_script(COUNTING)
    glass.open()
    server = glass.display._server
    assert server is not None
    views: list[dict[str, Any]] = [
        {"state": "waiting", "qr": ["10" * 22 + "1"] * 45, "amount": "45,50 €"},
        {"state": "paid", "amount": "1 €"},
    ]

    def work(count: int) -> dict[str, float]:
        before: int = glass.page.evaluate("prompts")
        for number in range(count):
            server.publish(views[number % 2])
            time.sleep(0.002)
        glass.until(lambda: glass.page.evaluate("prompts") >= before + count // 2)
        glass.show(SCREENS["idle"])
        return heap(glass.page)

    before = work(200)
    after = work(1000)
    assert after["JSHeapUsedSize"] < before["JSHeapUsedSize"] + 100_000
    assert after["Nodes"] <= before["Nodes"] + 20
    assert after["JSEventListeners"] <= before["JSEventListeners"]


# --- A provider's picture -------------------------------------------------------------------------------------------


def plain_png(payload: str, *, scale: int = 5, border: int = 4) -> bytes:
    file = io.BytesIO()
    segno.make_qr(payload, error="m").save(file, kind="png", scale=scale, border=border)
    return file.getvalue()


def round_modules(payload: str, *, pixels: int = 16) -> bytes:
    """A QR with round modules, as some like it: no plain grid, and still readable."""
    code = [list(row) for row in segno.make_qr(payload, error="m").matrix]
    side = len(code) * pixels
    picture = Image.new("L", (side, side), 255)
    pen = ImageDraw.Draw(picture)
    for y, row in enumerate(code):
        for x, dark in enumerate(row):
            if dark:
                box = (x * pixels, y * pixels, (x + 1) * pixels, (y + 1) * pixels)
                corner = min(x, len(code) - 1 - x) < 8 and min(y, len(code) - 1 - y) < 8
                pen.rounded_rectangle(box, radius=0 if corner else pixels * 0.4, fill=0)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def bomb() -> bytes:
    """A few bytes that say that they are 60,000 by 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def landscape() -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("png", "surface"),
    [
        pytest.param(plain_png(PAYLOAD), "qr", id="plain grid"),
        pytest.param(plain_png(PAYLOAD, scale=1, border=0), "qr", id="one pixel each, no quiet zone"),
        pytest.param(round_modules(PAYLOAD), "qr", id="round modules"),
        pytest.param(round_modules(PAYLOAD, pixels=60), "qr", id="large"),
        pytest.param(round_modules("x" * 900), "text", id="too dense for this screen"),
        pytest.param(plain_png(PAYLOAD)[:-40], "text", id="corrupt"),
        pytest.param(landscape(), "text", id="no QR"),
        pytest.param(bomb(), "text", id="decompression bomb"),
        pytest.param(b"", "text", id="empty"),
    ],
)
def test_a_providers_picture_is_shown_when_it_can_be_scanned(glass: Glass, png: bytes, surface: str) -> None:
    assert glass.show(replace(SCREENS["qr"], qr_payload=None, qr_png=png)) == surface
    assert glass.has_qr() == (surface == "qr")
    picture = glass.picture()
    assert scanned(picture) == ([PAYLOAD] if surface == "qr" else [])
    if surface == "text":
        assert glass.text("instruction") == NO_QR
    else:
        assert scanned(picture.resize((400, 240), Image.Resampling.BILINEAR)) == [PAYLOAD]
