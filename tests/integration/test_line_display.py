"""Line displays over links: pulled out and plugged in, blocked, chattering, asked, scrolling."""

from __future__ import annotations

import importlib
import sys
import threading
import time
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cvconnect_drivers.displays import line, line_session, serial_line
from cvconnect_drivers.displays.line_protocols import PROTOCOLS
from cvconnect_drivers.displays.serial_line import LineDisplay, open_display
from cvconnect_drivers.errors import ConfigurationError, DriverError, NotClaimedError
from cvconnect_drivers.links.serial import SerialPort
from cvconnect_drivers.scanners.reconnection import Backoff
from cvconnect_pos.peripherals import PaymentPrompt
from cvconnect_sim.display import Cd5220Display, EpsonDisplay, Firmware
from cvconnect_sim.links import PtyLink
from line_glass import GLASSES, IDLE, PARTIAL, USUAL, WAITING, Cable, panel_for

T = 5.0
QUICK = Backoff(0.001, 0.01, 5.0)
PAID = PaymentPrompt("paid", amount="45,50", instruction="Merci")
BLANK = (" " * 20, " " * 20)
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


@contextmanager
def claimed(cable: Cable, protocol: str = "epson", page: str = "cp858") -> Generator[LineDisplay, None, None]:
    display = LineDisplay(
        f"serial:{protocol}", cable.open, panel_for(protocol, page), write_s=0.2, backoff=QUICK
    )
    display.claim(timeout_s=T)
    try:
        yield display
    finally:
        display.release()
        assert not [each for each in threading.enumerate() if each.name == f"display serial:{protocol}"]


def reads(cable: Cable, *rows: str) -> bool:
    return cable.wait_for(lambda: tuple(row.strip() for row in cable.glass.lines) == rows)


def test_claim_clears_what_an_earlier_run_left() -> None:
    glass = EpsonDisplay()
    glass.receive(b"45,50 EUR  Scannez")
    with claimed(Cable(glass)):
        assert glass.lines == BLANK
        assert glass.panel.cursor_on is False


def test_show_is_done_when_it_can_be_read() -> None:
    cable = Cable(EpsonDisplay())
    with claimed(cable) as display:
        assert display.show(PAID, timeout_s=T) == "text"
        assert [row.strip() for row in cable.glass.lines] == ["45,50", "Merci"]
        assert display.check_health().state == "ready"
        display.clear(timeout_s=T)
        assert cable.glass.lines == BLANK
        assert display.show(PaymentPrompt("idle"), timeout_s=T) == "none"


def test_release_leaves_nothing_on_the_display() -> None:
    cable = Cable(EpsonDisplay())
    with claimed(cable) as display:
        display.show(PAID, timeout_s=T)
    assert cable.glass.lines == BLANK
    with pytest.raises(NotClaimedError):
        display.show(PAID, timeout_s=T)
    display.clear(timeout_s=T)
    assert display.check_health().state == "unknown"


@pytest.mark.parametrize(("protocol", "page"), USUAL)
def test_pulled_at_every_byte_it_comes_to_the_current_prompt(protocol: str, page: str) -> None:
    cable = Cable(GLASSES[protocol, page]())
    panel = panel_for(protocol, page)
    length = len(panel.frame(panel.lay_out(PAID)[0]))
    with claimed(cable, protocol, page) as display:
        for after in range(length):
            display.show(IDLE, timeout_s=T)
            cable.pull_after = cable.sent + after
            assert display.show(PAID, timeout_s=T) == "none"
            assert display.check_health().state == "absent"
            if after % 2:
                cable.glass.cut_power()
                cable.glass.restore_power()
            cable.plug_in()
            assert reads(cable, "45,50", "Merci"), after


def test_what_was_shown_while_it_was_away_is_never_seen() -> None:
    cable = Cable(EpsonDisplay())
    seen: set[tuple[str, ...]] = set()
    with claimed(cable) as display:
        display.show(WAITING, timeout_s=T)
        cable.pull()
        assert display.show(WAITING, timeout_s=T) in {"text", "none"}
        assert display.show(PARTIAL, timeout_s=T) == "none"
        before = time.monotonic()
        assert display.show(PARTIAL, timeout_s=T) == "none"
        display.clear(timeout_s=T)
        assert time.monotonic() - before < T
        cable.glass.receive(b"\x0cold")
        receive = cable.glass.receive

        def watch(data: bytes) -> bytes:
            answer = receive(data)
            seen.add(tuple(row.strip() for row in cable.glass.lines))
            return answer

        cable.glass.receive = watch  # type: ignore[method-assign]
        cable.plug_in()
        assert reads(cable, "", "")
        assert seen <= {("old", ""), ("", "")}


def test_an_unplugged_display_is_noticed_without_anything_to_show() -> None:
    cable = Cable(EpsonDisplay())
    with claimed(cable) as display:
        cable.pull()
        deadline = time.monotonic() + T
        while display.check_health().state == "ready" and time.monotonic() < deadline:
            cable.wait_for(lambda: False, 0.02)
        assert display.check_health().state == "absent"
        assert "vérifiez" in display.check_health("external").detail


def test_a_display_that_is_away_when_it_is_claimed_shows_the_prompt_when_it_comes() -> None:
    cable = Cable(EpsonDisplay())
    cable.pull()
    with claimed(cable) as display:
        assert display.show(PAID, timeout_s=T) == "none"
        assert display.check_health().state == "absent"
        cable.plug_in()
        assert reads(cable, "45,50", "Merci")
        assert display.show(IDLE, timeout_s=T) == "text"
        assert display.check_health().state == "ready"


def test_a_display_that_stops_reading_keeps_nobody_waiting() -> None:
    cable = Cable(EpsonDisplay())
    with claimed(cable) as display:
        cable.blocked = True
        before = time.monotonic()
        assert display.show(PAID, timeout_s=T) == "none"
        assert time.monotonic() - before < 2 * T
        assert display.check_health().state == "absent"
        cable.plug_in()
        assert reads(cable, "45,50", "Merci")


def test_a_write_that_hangs_keeps_nobody_from_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port's driver does not keep its own deadline: the thread is left behind."""
    monkeypatch.setattr(line_session, "JOIN_S", 0.05)
    cable, reached, go = Cable(EpsonDisplay()), threading.Event(), threading.Event()
    receive = cable.glass.receive

    def hang(data: bytes) -> bytes:
        reached.set()
        go.wait(T)
        return receive(data)

    with claimed(cable) as display:
        cable.glass.receive = hang  # type: ignore[method-assign]
        display.show(PAID, timeout_s=0)
        try:
            assert reached.wait(T)
            display.release()
            assert not go.is_set()
            assert [each for each in threading.enumerate() if each.name == "display serial:epson"]
        finally:
            go.set()
            for each in threading.enumerate():
                if each.name == "display serial:epson":
                    each.join(T)


def test_a_deadline_that_has_passed_still_changes_the_prompt() -> None:
    cable = Cable(EpsonDisplay())
    with claimed(cable) as display:
        assert display.show(PAID, timeout_s=0) in {"text", "none"}
        assert reads(cable, "45,50", "Merci")


def test_a_display_that_chatters_harms_nobody() -> None:
    cable = Cable(EpsonDisplay(name=None))
    cable.chatter = b"\x13\x00\xff?" * 300
    with claimed(cable) as display:
        for _ in range(3):
            assert display.show(WAITING, timeout_s=T) == "text"
            assert display.show(PAID, timeout_s=T) == "text"
        assert reads(cable, "45,50", "Merci")
        assert display.check_health("external").state == "unknown"


def test_a_text_that_is_too_long_scrolls_from_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "PAGE_S", 0.05)
    cable = Cable(EpsonDisplay())
    with claimed(cable) as display:
        display.show(WAITING, timeout_s=T)
        for row in ("Présentez votre", "identifiant", "Chèque-Vacances", "VALEUR", "Présentez votre"):
            assert cable.wait_for(lambda row=row: cable.glass.lines[1].strip() == row), row  # type: ignore[misc]
        assert len([each for each in threading.enumerate() if each.name == "display serial:epson"]) == 1


def test_a_display_that_lost_its_power_alone_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_session, "REFRESH_S", 0.1)
    cable = Cable(EpsonDisplay())
    with claimed(cable) as display:
        display.show(PAID, timeout_s=T)
        with cable.changed:
            cable.glass.cut_power()
            cable.glass.restore_power()
            assert cable.glass.lines == BLANK
        assert reads(cable, "45,50", "Merci")
        assert cable.opened == 1


def test_a_display_is_asked_for_its_model_and_shows_its_prompt_all_the_while() -> None:
    cable = Cable(EpsonDisplay(name="DM-D210"))
    with claimed(cable) as display:
        display.show(PAID, timeout_s=T)
        health = display.check_health("external")
        assert (health.state, health.detail) == ("ready", "Afficheur client prêt (DM-D210).")
        assert reads(cable, "45,50", "Merci")
        assert "Vérifiez" in display.check_health("interactive").detail


@pytest.mark.parametrize("glass", [EpsonDisplay(name=None), Cd5220Display()])
def test_no_answer_is_unknown(glass: Firmware) -> None:
    protocol, page = ("epson", "cp858") if isinstance(glass, EpsonDisplay) else ("cd5220", "france")
    cable = Cable(glass)
    with claimed(cable, protocol, page) as display:
        assert display.check_health().state == "ready"
        assert display.check_health("external").state == "unknown"


def test_many_threads_show_and_the_last_one_stands() -> None:
    cable = Cable(EpsonDisplay())
    with claimed(cable) as display:

        def show(number: int) -> None:
            for _ in range(5):
                display.show(PaymentPrompt("waiting", amount=str(number)), timeout_s=T)

        threads = [threading.Thread(target=show, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(T)
        display.show(PAID, timeout_s=T)
        assert reads(cable, "45,50", "Merci")


def test_whatever_the_driver_raises_the_display_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    cable, calls = Cable(EpsonDisplay()), iter([ValueError("bug"), ValueError("bug")])

    def broken() -> Any:
        error = next(calls, None)
        if error is not None:
            raise error
        return cable.open()

    display = LineDisplay("serial:broken", broken, panel_for("epson", "cp858"), backoff=QUICK)
    display.claim(timeout_s=T)
    try:
        display.show(PAID, timeout_s=T)
        assert reads(cable, "45,50", "Merci")
    finally:
        display.release()
    assert "ValueError" in caplog.text
    assert "bug" not in caplog.text


# --- on a serial port -------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(("protocol", "page"), USUAL)
def test_on_a_serial_port(protocol: str, page: str) -> None:
    glass = GLASSES[protocol, page]()
    with PtyLink(glass.receive) as link:
        display = open_display(link.url, {"protocol": protocol})
        display.claim(timeout_s=T)
        try:
            assert display.show(PARTIAL, timeout_s=T) == "text"
            expected = panel_for(protocol, page).lay_out(PARTIAL)[0]
            assert link.wait_for(lambda: glass.lines == expected, T)
        finally:
            display.release()
    assert glass.unknown == []


@posix
def test_plugged_in_again_it_is_found_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    ports: list[SerialPort] = []
    monkeypatch.setattr(serial_line, "list_serial", lambda: list(ports))
    display = open_display("serial:?vendor=0403&product=6001&serial=A1&protocol=cd5220", {})
    display.claim(timeout_s=T)
    try:
        assert display.check_health().state == "absent"
        for _ in range(2):
            glass = Cd5220Display()
            with PtyLink(glass.receive) as link:
                ports[:] = [
                    SerialPort(link.path, 0x0403, 0x6001, "A1", "1-1", "FT232R"),
                    SerialPort("/dev/ttyS0", None, None, "", "", ""),
                ]
                display.show(PAID, timeout_s=T)
                assert link.wait_for(lambda glass=glass: "Merci" in glass.lines[1], 15.0)  # type: ignore[misc]
                ports.clear()
            display.show(PAID, timeout_s=T)
    finally:
        display.release()


def test_two_that_match_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    two = [SerialPort(f"/dev/ttyUSB{n}", 0x0403, 0x6001, f"A{n}", "", "") for n in range(2)]
    monkeypatch.setattr(serial_line, "list_serial", lambda: two)
    display = open_display("serial:?vendor=0403", {})
    with pytest.raises(DriverError) as raised:
        display.claim(timeout_s=T)
    assert raised.value.code == "DEVICE_AMBIGUOUS"
    assert display.check_health().state == "unknown"


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "serial:",
        "serial:COM3?protocol=dsp800",
        "serial:COM3?page=france",
        "serial:COM3?protocol=cd5220&page=cp1252",
        "serial:COM3?columns=8",
        "serial:COM3?protocol=aedex&columns=40",
        "serial:COM3?protocol=logic-controls&rows=4",
        "serial:COM3?brightness=5",
        "serial:COM3?brightness=0",
        "serial:COM3?baud=300",
        "serial:COM3?flow=dtr",
        "serial:COM3?colour=green",
        "serial:?vendor=403",
        "tcp://127.0.0.1:9100",
    ],
)
def test_what_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_display(url, {})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_character_set_can_be_chosen(protocol: str) -> None:
    for page in PROTOCOLS[protocol].pages:
        display = open_display("serial:COM3", {"protocol": protocol, "page": page, "baud": 9600, "rows": 1})
        assert display.name == "serial:COM3"


def test_the_entry_point_leads_here() -> None:
    project = tomllib.loads(
        (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    )
    module, _, name = project["project"]["entry-points"]["cvconnect.displays"]["serial"].partition(":")
    assert getattr(importlib.import_module(module), name) is open_display
    assert open_display("serial:COM3?protocol=aedex", {}).check_health().state == "unknown"
