"""A till in a real browser: keys at a scanner's speed reach the driver, and no field of the page."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from chromium import NEEDS_CHROMIUM
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.wedge import Wedge, open_scanner, page_script, wedge

IDENTIFIER = "03481592677"
WAIT_S = 10.0

PAGE = """<!doctype html><meta charset="utf-8"><title>Till</title>
<form id="sale"><input id="price"><textarea id="note"></textarea><button id="pay">Pay</button></form>
<script type="module">
  import { listen } from "/wedge_page.js";
  window.shortcuts = [];
  window.submitted = 0;
  window.errors = [];
  document.addEventListener("keydown", (event) => window.shortcuts.push(event.key));
  document.getElementById("sale").addEventListener("submit", (event) => { event.preventDefault(); window.submitted += 1; });
  window.scanner = listen({ send: "/scanner", timeoutMs: 1000, onError: (error) => window.errors.push(error.message) });
  window.ready = true;
</script>"""

pytestmark = NEEDS_CHROMIUM


class Handler(BaseHTTPRequestHandler):
    """The till's own server: two files, and where the page sends its keys."""

    def __init__(self, till: TillServer, *args: Any) -> None:
        self.till = till
        super().__init__(*args)

    def do_GET(self) -> None:
        if self.path == "/wedge_page.js":
            self.answer(200, "text/javascript", page_script())
        elif self.path == "/":
            self.answer(200, "text/html", PAGE.encode())
        else:
            self.answer(404, "text/plain", b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.till.bodies.append(body)
        if self.till.broken.is_set():
            self.answer(503, "application/json", b"{}")
        else:
            armed = self.till.wedge.page_events(body)
            self.answer(200, "application/json", json.dumps({"armed": armed}).encode())

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its own name)
        pass


@dataclass
class TillServer:
    """A till whose user interface is a page."""

    wedge: Wedge
    scanner: LabelScanner
    bodies: list[bytes] = field(default_factory=list)
    broken: threading.Event = field(default_factory=threading.Event)
    labels: SimpleQueue[Label] = field(default_factory=SimpleQueue)

    def arm(self) -> None:
        self.scanner.arm(self.labels.put)

    def next_label(self) -> Label:
        return self.labels.get(timeout=WAIT_S)

    def events(self) -> list[dict[str, Any]]:
        return [event for body in self.bodies for event in json.loads(body)["events"]]


@pytest.fixture
def till(request: pytest.FixtureRequest) -> Iterator[TillServer]:
    settings: dict[str, object] = getattr(request, "param", {})
    name = f"browser-{threading.get_native_id()}-{id(request)}"
    scanner = open_scanner(f"wedge:{name}", settings)
    scanner.claim(on_status=lambda _health: None, timeout_s=5)
    yield TillServer(wedge(name), scanner)
    scanner.release()


@pytest.fixture
def page(browser: Browser, till: TillServer) -> Iterator[Page]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, till))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
    page.wait_for_function("window.ready")
    page.focus("#price")
    yield page
    page.close()
    server.shutdown()
    thread.join()
    server.server_close()


US = {**{digit: (f"Digit{digit}", False) for digit in "0123456789"}}
FR = {**{digit: (f"Digit{digit}", True) for digit in "0123456789"}}


def scan(page: Page, text: str, layout: dict[str, tuple[str, bool]] = US, end: str = "Enter") -> None:
    """Press what a scanner presses, as fast as the browser takes it."""
    for character in text:
        code, shift = layout[character]
        if shift:
            page.keyboard.down("ShiftLeft")
        page.keyboard.down(code)
        page.keyboard.up(code)
        if shift:
            page.keyboard.up("ShiftLeft")
    if end:
        page.keyboard.press(end)


def value(page: Page, field_id: str = "#price") -> str:
    return page.input_value(field_id)


def settled(page: Page, condition: Callable[[], bool]) -> bool:
    """Give the page and the driver's threads time until something holds."""
    for _ in range(200):
        if condition():
            return True
        page.wait_for_timeout(20)
    return False


def test_a_scan_reaches_the_driver_and_no_field(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    scan(page, IDENTIFIER)
    label = till.next_label()
    assert (label.text, label.refusal) == (IDENTIFIER, None)
    assert value(page) == ""
    assert page.evaluate("[shortcuts.length, submitted]") == [0, 0]


@pytest.mark.parametrize("till", [{"layout": "fr"}], indirect=True)
def test_a_scanner_set_to_french_is_read_on_a_us_desktop(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    scan(page, IDENTIFIER, FR)
    assert till.next_label().text == IDENTIFIER
    assert value(page) == ""


def test_a_scanner_set_to_another_layout_is_refused_with_that_reason(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    scan(page, IDENTIFIER, FR)
    assert till.next_label().refusal == "LAYOUT_MISMATCH"


def type_as(session: CDPSession, code: str, key: str, text: str) -> None:
    """Press a key of a desktop with another layout: its place, and what it writes there."""
    common = {"code": code, "key": key, "windowsVirtualKeyCode": 0x31}
    session.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": text, **common})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **common})


def test_the_desktops_layout_changes_nothing(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    session = page.context.new_cdp_session(page)
    azerty = dict(zip("1234567890", "&é\"'(-è_çà", strict=True))
    for digit in IDENTIFIER:
        type_as(session, f"Digit{digit}", azerty[digit], azerty[digit])
    page.keyboard.press("Enter")
    assert till.next_label().text == IDENTIFIER
    assert value(page) == ""


def test_dead_keys_and_unknown_keys_are_no_characters(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    session = page.context.new_cdp_session(page)
    type_as(session, "BracketLeft", "Dead", "")
    type_as(session, "", "Unidentified", "")
    scan(page, IDENTIFIER)
    assert till.next_label().refusal == "DAMAGED"
    assert value(page) == ""


def test_nothing_is_swallowed_or_sent_while_disarmed(page: Page, till: TillServer) -> None:
    page.keyboard.type("12,50")
    page.keyboard.press("Tab")
    page.keyboard.type("secret")
    assert (value(page), value(page, "#note")) == ("12,50", "secret")
    page.wait_for_timeout(100)
    assert till.bodies == []


def test_what_the_cashier_needs_passes_while_armed(page: Page, till: TillServer) -> None:
    page.evaluate("scanner.arm()")
    for key in ("Escape", "F2", "ArrowDown"):
        page.keyboard.press(key)
    assert page.evaluate("shortcuts") == ["Escape", "F2", "ArrowDown"]


def test_a_tab_that_ends_a_label_does_not_move_the_focus(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    scan(page, IDENTIFIER, end="Tab")
    assert till.next_label().text == IDENTIFIER
    assert page.evaluate("document.activeElement.id") == "price"


def test_a_button_that_has_the_focus_is_not_pressed(page: Page, till: TillServer) -> None:
    page.focus("#pay")
    till.arm()
    page.evaluate("scanner.arm()")
    scan(page, IDENTIFIER)
    assert till.next_label().text == IDENTIFIER
    assert page.evaluate("submitted") == 0


def test_a_second_read_of_the_same_label_reaches_no_field_either(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    scan(page, IDENTIFIER)
    till.next_label()
    page.evaluate("scanner.disarm()")
    scan(page, IDENTIFIER)
    assert value(page) == ""
    page.wait_for_timeout(1200)
    page.keyboard.type("7")
    assert value(page) == "7"
    assert till.scanner.statistics()["dropped"] == 1


def test_a_label_that_began_before_it_was_armed_is_nobodys(page: Page, till: TillServer) -> None:
    till.arm()
    page.keyboard.type("034")
    page.evaluate("scanner.arm()")
    scan(page, "81592677")
    assert value(page) == "034"
    scan(page, IDENTIFIER)
    assert till.next_label().text == IDENTIFIER
    assert till.scanner.statistics()["refused"] == 0


def test_a_label_that_ends_after_it_was_disarmed_is_not_left_half_to_the_page(
    page: Page, till: TillServer
) -> None:
    page.evaluate("scanner.arm()")
    scan(page, "03481", end="")
    page.evaluate("scanner.disarm()")
    scan(page, "592677")
    assert value(page) == ""


def test_an_input_method_writes_nothing_while_armed(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "か", "selectionStart": 1, "selectionEnd": 1})
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    session.send("Input.imeSetComposition", {"text": "かき", "selectionStart": 2, "selectionEnd": 2})
    scan(page, IDENTIFIER)
    assert till.next_label().text == IDENTIFIER
    assert value(page) == ""


def test_an_input_method_writes_as_ever_while_disarmed(page: Page, till: TillServer) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "か", "selectionStart": 1, "selectionEnd": 1})
    assert value(page) == "か"


def test_caps_lock_of_the_desktop_is_told(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    session = page.context.new_cdp_session(page)
    for letter in "ab":
        type_as(session, f"Key{letter.upper()}", letter, letter)
    page.keyboard.press("Enter")
    assert till.next_label().text == "ab"
    assert {event["caps"] for event in till.events()} == {False}


def test_a_key_that_is_held_down_counts_once(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    for _ in range(5):
        page.keyboard.down("Digit0")  # the browser says that it repeats
    page.keyboard.up("Digit0")
    scan(page, IDENTIFIER[1:])
    assert till.next_label().text == IDENTIFIER


def test_a_server_that_fails_costs_the_label_and_never_half_of_it(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    till.broken.set()
    scan(page, "03481", end="")
    assert settled(page, lambda: bool(page.evaluate("errors.length")))
    till.broken.clear()
    scan(page, "592677")
    assert till.next_label().refusal == "DAMAGED"
    till.arm()
    page.wait_for_timeout(1200)
    scan(page, IDENTIFIER)
    assert till.next_label().text == IDENTIFIER


def test_the_window_that_loses_the_keyboard_tears_the_label(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    scan(page, "03481", end="")
    page.evaluate("window.dispatchEvent(new FocusEvent('blur'))")
    scan(page, IDENTIFIER)
    assert till.next_label().refusal == "DAMAGED"


def test_a_scripts_own_key_events_are_not_the_keyboards(page: Page, till: TillServer) -> None:
    page.evaluate("scanner.arm()")
    page.evaluate(
        "document.getElementById('price').dispatchEvent(new KeyboardEvent('keydown', {code: 'Digit1', bubbles: true}))"
    )
    assert page.evaluate("shortcuts.length") == 1
    page.wait_for_timeout(100)
    assert till.bodies == []


def test_stop_gives_the_page_back(page: Page, till: TillServer) -> None:
    page.evaluate("scanner.arm(); scanner.stop()")
    page.keyboard.type("5")
    assert value(page) == "5"
    with pytest.raises(Empty):
        till.labels.get_nowait()


def test_250_characters_in_a_burst_arrive_whole(page: Page, till: TillServer) -> None:
    till.arm()
    page.evaluate("scanner.arm()")
    text = ("1234567890" * 25)[:250]
    scan(page, text)
    assert till.next_label().text == text
