"""A till made with Tk, on a real X server: what the keyboard sends reaches the driver, and no widget."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from queue import SimpleQueue

import pytest

from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.wedge import open_scanner, wedge

IDENTIFIER = "03481592677"
ENTER_KEYCODE = 36
WAIT_S = 10.0

_numbers = count()

MISSING = [name for name in ("Xvfb", "xdotool", "setxkbmap") if shutil.which(name) is None]
if importlib.util.find_spec("tkinter") is None:
    MISSING.append("python3-tk")

pytestmark = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"),
    reason=f"apt-get install xvfb xdotool x11-xkb-utils python3-tk (missing: {', '.join(MISSING)})",
)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[write_end],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        name = f":{answer.readline().strip()}"
    # A keyboard that has pressed nothing yet brings its own layout along with its first key.
    subprocess.run(
        ["xdotool", "key", "Shift_L"], env={**os.environ, "DISPLAY": name}, check=True, timeout=WAIT_S
    )
    yield name
    server.terminate()
    server.wait(WAIT_S)


@dataclass
class Desk:
    """A till's window with two fields, and the keyboard before it."""

    display: str
    root: object
    fields: list[object]
    scanner: LabelScanner
    labels: SimpleQueue[Label] = field(default_factory=SimpleQueue)

    def arm(self) -> None:
        self.scanner.arm(self.labels.put)

    def xdotool(self, *arguments: str) -> None:
        """Press keys, and let Tk hear them."""
        done = subprocess.Popen(
            ["xdotool", *arguments], env={**os.environ, "DISPLAY": self.display}, stderr=subprocess.DEVNULL
        )
        self.until(lambda: done.poll() is not None)
        for _ in range(5):
            self.root.update()  # type: ignore[attr-defined]
            time.sleep(0.01)

    def scan(self, codes: list[str], end: int | None = ENTER_KEYCODE) -> None:
        ends = [] if end is None else [str(end)]
        self.xdotool("key", "--delay", "1", *codes, *ends)

    def until(self, holds: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline_s
            self.root.update()  # type: ignore[attr-defined]
            time.sleep(0.005)

    def next_label(self) -> Label:
        self.until(lambda: not self.labels.empty())
        return self.labels.get_nowait()

    def text(self, number: int = 0) -> str:
        return str(self.fields[number].get())  # type: ignore[attr-defined]

    def focus(self, number: int = 0) -> None:
        widget = self.fields[number]
        widget.focus_force()  # type: ignore[attr-defined]
        self.until(lambda: self.root.focus_get() is widget)  # type: ignore[attr-defined]
        # What comes right after a window got the keyboard may be the end of a label.
        deadline_s = time.monotonic() + 1.1
        self.until(lambda: time.monotonic() > deadline_s)


Opened = Callable[..., Desk]


@pytest.fixture
def opened(display: str) -> Iterator[Opened]:
    import tkinter as tk

    from cvconnect_drivers.scanners.wedge_tk import TkWedge, attach

    desks: list[tuple[Desk, TkWedge, tk.Tk]] = []

    def make(*, characters: bool | None = None, desktop: str = "us", **settings: object) -> Desk:
        subprocess.run(["setxkbmap", desktop], env={**os.environ, "DISPLAY": display}, check=True)
        name = f"tk-{os.getpid()}-{next(_numbers)}"
        scanner = open_scanner(f"wedge:{name}", settings)
        scanner.claim(on_status=lambda _health: None, timeout_s=5)
        root = tk.Tk(screenName=display)
        first = tk.Entry(root)
        first.pack()
        adapter = attach(root, wedge(name), characters=characters)
        second = tk.Entry(root)  # made later than the adapter
        second.pack()
        desk = Desk(display, root, [first, second], scanner)
        desks.append((desk, adapter, root))
        desk.focus()
        return desk

    yield make
    for desk, adapter, root in desks:
        desk.scanner.release()
        adapter.detach()
        root.destroy()


def us(text: str) -> list[str]:
    """The keycodes of digits on a scanner that is set to `us`."""
    return [str(9 + (int(digit) or 10)) for digit in text]


def fr(text: str) -> list[str]:
    """The same for `fr`: digits are with Shift."""
    return [f"shift+{code}" for code in us(text)]


def test_a_scan_reaches_the_driver_and_no_field(opened: Opened) -> None:
    desk = opened()
    desk.arm()
    desk.scan(us(IDENTIFIER))
    label = desk.next_label()
    assert (label.text, label.refusal) == (IDENTIFIER, None)
    assert desk.text() == ""


def test_a_french_scanner_is_read_on_a_us_desktop_and_a_us_one_on_a_french_desktop(opened: Opened) -> None:
    for desktop, layout, codes in (("us", "fr", fr(IDENTIFIER)), ("fr", "us", us(IDENTIFIER))):
        desk = opened(desktop=desktop, layout=layout)
        desk.arm()
        desk.scan(codes)
        assert desk.next_label().text == IDENTIFIER
        assert desk.text() == ""


def test_a_widget_made_later_gets_no_scan_either(opened: Opened) -> None:
    desk = opened()
    desk.focus(1)
    desk.arm()
    desk.scan(us(IDENTIFIER))
    assert desk.next_label().text == IDENTIFIER
    assert desk.text(1) == ""


def test_typing_goes_to_the_fields_while_disarmed(opened: Opened) -> None:
    desk = opened()
    desk.scan(us("1250"), end=None)
    assert desk.text() == "1250"


def test_bindings_of_the_till_see_no_enter_of_a_scan(opened: Opened) -> None:
    desk = opened()
    heard: list[str] = []
    desk.root.bind_all("<Return>", lambda event: heard.append(event.keysym))  # type: ignore[attr-defined]
    desk.root.bind_all("<Escape>", lambda event: heard.append(event.keysym))  # type: ignore[attr-defined]
    desk.arm()
    desk.scan(us(IDENTIFIER))
    assert desk.next_label().text == IDENTIFIER
    desk.arm()
    desk.xdotool("key", "Escape")
    desk.until(lambda: bool(heard))
    assert heard == ["Escape"]


def test_characters_do_where_keys_are_not_told(opened: Opened) -> None:
    desk = opened(characters=True)
    desk.arm()
    desk.scan(us(IDENTIFIER))
    assert desk.next_label().text == IDENTIFIER
    assert desk.text() == ""


def test_characters_of_a_desktop_with_another_layout_are_refused_with_that_reason(opened: Opened) -> None:
    desk = opened(characters=True, desktop="fr")
    desk.arm()
    desk.scan(us(IDENTIFIER))
    assert desk.next_label().refusal == "LAYOUT_MISMATCH"


def test_a_label_that_began_before_it_was_armed_is_nobodys(opened: Opened) -> None:
    desk = opened(idle_gap_ms=5000)
    desk.scan(us("034"), end=None)
    desk.arm()
    desk.scan(us("81592677"))
    assert desk.text() == "034"
    desk.scan(us(IDENTIFIER))
    assert desk.next_label().text == IDENTIFIER


def test_detach_leaves_the_program_as_it_was(display: str) -> None:
    import tkinter as tk

    from cvconnect_drivers.scanners.wedge_tk import attach

    root = tk.Tk(screenName=display)
    try:
        entry = tk.Entry(root)
        entry.pack()
        root.bind_all("<Map>", lambda _event: None)
        before = [entry.bindtags(), root.tk.call("bind", "all"), root.tk.call("bind", "all", "<Map>")]
        adapter = attach(root, wedge("tk-detach"))
        assert entry.bindtags() != before[0]
        adapter.detach()
        adapter.detach()
        after = [entry.bindtags(), root.tk.call("bind", "all"), root.tk.call("bind", "all", "<Map>")]
        assert [str(part).strip() for part in after] == [str(part).strip() for part in before]
    finally:
        root.destroy()
