"""The window on the customer's monitor, on a real X server: what is seen there, and that nothing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cvconnect_drivers.displays.screen import BACKGROUND
from cvconnect_drivers.displays.window import WindowDisplay, open_display
from cvconnect_drivers.errors import (
    ConfigurationError,
    DriverError,
    LinkAbsentError,
    LinkError,
    LinkTimeoutError,
    PackageMissingError,
)
from cvconnect_pos.peripherals import PaymentPrompt
from x_screens import CUSTOMER, NOTHING, WAIT_S, Desktop, codes, colours, desktop, needs_x, until

pytestmark = needs_x

PAYLOAD = "https://exemple.fr/paiement/8f2d1c0a9b?m=200000000016"
PROMPT = PaymentPrompt(
    "waiting",
    title="Chèque-Vacances Connect",
    amount="45,50\u00a0€",
    instruction="Scannez ce QR code avec l’application Chèque-Vacances",
    shop="Camping L’Œuf Bleu",
    basket_ref="REF253",
    qr_payload=PAYLOAD,
    expires_text="Valable jusqu’à 14:05:00",
    notice="SIMULATION - SANS VALEUR",
)
BUSY_S = 10.0
"""For a busy machine."""

LONG_S = 600.0
"""What nobody waits for."""

BLANK = tuple(bytes.fromhex(BACKGROUND[1:]))

TILL = """
import os, sys, time
from cvconnect_drivers.displays.window import open_display
from cvconnect_pos.peripherals import PaymentPrompt
if __name__ == "__main__":
    display = open_display("window:", {})
    display.claim(timeout_s=10)
    print(display.show(PaymentPrompt("waiting", qr_payload="1"), timeout_s=10), flush=True)
    if "fork" in sys.argv and os.fork():
        time.sleep(60)
    time.sleep(3 if "fork" in sys.argv else 60)
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Desktop]:
    with desktop() as there:
        there.plug()
        yield there


@pytest.fixture
def x(shared: Desktop, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    monkeypatch.setenv("DISPLAY", shared.name)
    return shared


@pytest.fixture
def x_alone(monkeypatch: pytest.MonkeyPatch) -> Generator[Desktop]:
    """A server that a test may change."""
    with desktop() as there:
        monkeypatch.setenv("DISPLAY", there.name)
        yield there


Opened = Callable[..., WindowDisplay]


@pytest.fixture
def opened() -> Iterator[Opened]:
    displays: list[WindowDisplay] = []

    def make(**settings: object) -> WindowDisplay:
        display = open_display("window:", settings)
        displays.append(display)
        display.claim(timeout_s=WAIT_S)
        return display

    yield make
    for display in displays:
        display.release()


def pid_of(display: WindowDisplay) -> int:
    process = display._process
    assert process is not None
    return process.pid


def test_the_customer_sees_the_qr_and_the_cashier_sees_nothing_of_it(x: Desktop, opened: Opened) -> None:
    display = opened()
    assert display.show(PROMPT, timeout_s=WAIT_S) == "qr"
    assert codes(x.customer()) == [PAYLOAD]
    assert colours(x.till()) == {NOTHING}
    assert display.check_health("external").state == "ready"
    assert "Vérifiez" in display.check_health("interactive").detail


def test_each_prompt_replaces_the_last_one_at_once(x: Desktop, opened: Opened) -> None:
    display = opened(monitor="hdmi-1")
    for number in range(5):
        assert display.show(replace(PROMPT, qr_payload=f"{PAYLOAD}{number}"), timeout_s=WAIT_S) == "qr"
        assert codes(x.customer()) == [f"{PAYLOAD}{number}"]
    assert display.show(replace(PROMPT, qr_payload=None), timeout_s=WAIT_S) == "text"
    assert codes(x.customer()) == []


def test_clear_leaves_an_empty_screen_and_release_no_window(x: Desktop, opened: Opened) -> None:
    display = opened()
    assert colours(x.customer()) == {BLANK}
    display.show(PROMPT, timeout_s=WAIT_S)
    display.clear(timeout_s=WAIT_S)
    assert colours(x.customer()) == {BLANK}
    display.show(PROMPT, timeout_s=WAIT_S)
    display.release()
    until(lambda: colours(x.customer()) == {NOTHING}, BUSY_S)
    with pytest.raises(DriverError, match="NOT_CLAIMED"):
        display.show(PROMPT, timeout_s=WAIT_S)
    display.clear(timeout_s=WAIT_S)


def test_a_qr_that_would_be_too_dense_is_words(x: Desktop, opened: Opened) -> None:
    assert opened().show(replace(PROMPT, qr_payload="x" * 900), timeout_s=WAIT_S) == "text"
    assert codes(x.customer()) == []


def test_a_qr_goes_at_its_end_by_itself(x: Desktop, opened: Opened) -> None:
    display = opened()
    soon = datetime.now(UTC) + timedelta(seconds=2.5)
    assert display.show(replace(PROMPT, expires_at=soon), timeout_s=WAIT_S) == "qr"
    assert codes(x.customer()) == [PAYLOAD]
    until(lambda: codes(x.customer()) == [], 2.5 + BUSY_S)
    assert len(colours(x.customer())) > 2, "words say so"
    assert display.show(replace(PROMPT, expires_at=datetime.now(UTC)), timeout_s=WAIT_S) == "text"


@pytest.mark.parametrize("how", ["alone", "fork"])
def test_the_window_is_gone_when_the_till_is_killed(x: Desktop, tmp_path: Path, how: str) -> None:
    """With `fork`, another process keeps the till's end of the pipe open."""
    (tmp_path / "till.py").write_text(TILL, encoding="utf-8")
    till = subprocess.Popen([sys.executable, tmp_path / "till.py", how], stdout=subprocess.PIPE)
    with till:
        assert till.stdout is not None
        assert till.stdout.readline() == b"qr\n"
        assert codes(x.customer()) == ["1"]
        till.kill()
        until(lambda: colours(x.customer()) == {NOTHING}, BUSY_S)


def test_a_window_that_was_killed_comes_back_with_the_next_prompt(x: Desktop, opened: Opened) -> None:
    display = opened()
    display.show(PROMPT, timeout_s=WAIT_S)
    first = pid_of(display)
    os.kill(first, signal.SIGKILL)
    until(lambda: colours(x.customer()) == {NOTHING})
    assert display.check_health().state == "absent"
    display.clear(timeout_s=WAIT_S)
    assert display.show(PROMPT, timeout_s=WAIT_S) == "qr"
    assert codes(x.customer()) == [PAYLOAD]
    assert pid_of(display) != first
    assert display.check_health().state == "ready"


def test_a_window_that_hangs_is_closed_at_the_deadline(
    x: Desktop, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    display = opened()
    display.show(PROMPT, timeout_s=WAIT_S)
    os.kill(pid_of(display), signal.SIGSTOP)
    allowed_s: list[float] = []

    class Noted(threading.Timer):
        def __init__(self, interval: float, function: Callable[[], None]) -> None:
            allowed_s.append(interval)
            super().__init__(interval, function)

    monkeypatch.setattr(threading, "Timer", Noted)
    with pytest.raises(LinkTimeoutError):
        display.show(replace(PROMPT, qr_png=b"x" * 1_000_000), timeout_s=0.3)  # more than a pipe holds
    assert len(allowed_s) == 1
    assert 0.0 < allowed_s[0] <= 0.3, "then it is killed, and nobody waits any more"
    until(lambda: colours(x.customer()) == {NOTHING})
    assert display.check_health().state == "absent"
    assert display.show(PROMPT, timeout_s=WAIT_S) == "qr"


def test_release_ends_what_is_under_way(x: Desktop, opened: Opened) -> None:
    display = opened()
    os.kill(pid_of(display), signal.SIGSTOP)
    said: list[str] = []

    def show() -> None:
        try:
            display.show(PROMPT, timeout_s=LONG_S)
        except DriverError as error:
            said.append(error.code)

    thread = threading.Thread(target=show)
    thread.start()
    until(display._lock.locked)
    display.release()  # would wait for all of `LONG_S` if it did not kill the window
    thread.join(BUSY_S)
    assert not thread.is_alive()
    assert said == ["NOT_CLAIMED"]


def test_several_threads_may_show(x: Desktop, opened: Opened) -> None:
    display = opened()
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda: said.append(display.show(PROMPT, timeout_s=WAIT_S))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert said == ["qr"] * 4


def test_a_monitor_that_nobody_knows_is_refused_with_those_that_are_there(x: Desktop) -> None:
    with pytest.raises(LinkAbsentError) as caught:
        open_display("window:?monitor=DP-9", {}).claim(timeout_s=WAIT_S)
    for word in ("DP-9", "eDP-1", "HDMI-1 (800x480)"):
        assert word in caught.value.text()
        assert word in str(caught.value)


def test_with_one_monitor_there_is_a_window_only_when_it_is_asked_for(
    x_alone: Desktop, opened: Opened
) -> None:
    with pytest.raises(LinkAbsentError, match="no second monitor"):
        open_display("window:", {}).claim(timeout_s=WAIT_S)
    display = opened(fullscreen="no", size="400x300")
    assert colours(x_alone.all()) == {NOTHING}
    assert display.show(PROMPT, timeout_s=WAIT_S) == "qr"
    picture = x_alone.all()
    assert codes(picture) == [PAYLOAD]
    assert picture.getbbox() == (240, 0, 640, 300)
    display.clear(timeout_s=WAIT_S)
    assert colours(x_alone.all()) == {NOTHING}


def test_a_monitor_that_is_unplugged_hides_the_window_and_shows_it_when_it_is_back(
    x_alone: Desktop, opened: Opened
) -> None:
    x_alone.plug()
    display = opened(monitor="HDMI-1")
    display.show(PROMPT, timeout_s=WAIT_S)
    x_alone.unplug()
    until(lambda: colours(x_alone.all()) == {NOTHING}, BUSY_S)
    assert display.check_health("external").state == "absent"
    x_alone.plug(size=(1024, 600))
    until(lambda: codes(x_alone.customer((1024, 600))) == [PAYLOAD], BUSY_S)
    assert BLANK in colours(x_alone.customer((1024, 600)).crop((800, 300, 1024, 480)))
    assert display.check_health("external").state == "ready"

    x_alone.unplug()
    with pytest.raises(LinkAbsentError, match="no monitor HDMI-1"):
        display.show(PROMPT, timeout_s=WAIT_S)
    display.clear(timeout_s=WAIT_S)
    x_alone.plug()
    until(lambda: colours(x_alone.customer()) == {BLANK}, BUSY_S)
    assert display.show(PROMPT, timeout_s=WAIT_S) == "qr"


def test_a_monitor_that_changes_its_size_is_painted_anew(x_alone: Desktop, opened: Opened) -> None:
    x_alone.plug(size=(1024, 600))
    display = opened()
    display.show(PROMPT, timeout_s=WAIT_S)
    x_alone.unplug()
    x_alone.plug(size=(480, 320))
    until(lambda: colours(x_alone.all().crop((1120, 320, 1664, 600))) == {NOTHING}, BUSY_S)
    until(lambda: codes(x_alone.customer((480, 320))) == [PAYLOAD], BUSY_S)


def test_without_a_graphical_session_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", ":9999"):
        monkeypatch.setenv("DISPLAY", name)
        display = open_display("window:", {})
        with pytest.raises(LinkAbsentError, match="no X display") as caught:
            display.claim(timeout_s=WAIT_S)
        assert "session graphique" in caught.value.text()
        assert display.check_health().state == "absent"
        display.release()


def test_a_session_that_ends_is_an_absent_screen(x_alone: Desktop, opened: Opened) -> None:
    x_alone.plug()
    display = opened()
    x_alone.end()
    with pytest.raises(LinkError):
        display.show(PROMPT, timeout_s=WAIT_S)
    assert display.check_health().state == "absent"
    display.clear(timeout_s=WAIT_S)


@pytest.mark.parametrize(
    ("module", "said"),
    [("tkinter", "apt-get install python3-tk"), ("PIL", "pip install pillow")],
)
def test_a_package_that_is_missing_is_named(
    x: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, said: str
) -> None:
    (tmp_path / f"{module}.py").write_text("raise ImportError\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(PackageMissingError) as caught:
        open_display("window:", {}).claim(timeout_s=WAIT_S)
    assert said in caught.value.text()
    assert said in str(caught.value)


def test_a_till_without_a_python_of_its_own_is_told_what_else_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(LinkAbsentError) as caught:
        open_display("window:", {}).claim(timeout_s=WAIT_S)
    assert "web:" in caught.value.text()


def test_a_python_that_does_not_start_is_an_absent_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when its environment is made anew while the till runs."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    display = open_display("window:", {})
    with pytest.raises(LinkAbsentError) as caught:
        display.claim(timeout_s=WAIT_S)
    assert "web:" in caught.value.text()
    assert display.check_health().state == "absent"


def test_a_process_that_dies_at_its_start_is_no_window(
    x: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('no')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(LinkError):
        open_display("window:", {}).claim(timeout_s=WAIT_S)


@pytest.mark.parametrize(
    "url",
    ["window:HDMI-1", "window:?size=10x10", "window:?fullscreen=maybe", "window:?screen=1", "image:"],
)
def test_a_setting_that_nobody_knows_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_display(url, {})


def test_the_customers_monitor_is_the_size_that_these_tests_think(x: Desktop, opened: Opened) -> None:
    opened()
    assert x.all().getbbox() == (640, 0, 640 + CUSTOMER[0], CUSTOMER[1])
