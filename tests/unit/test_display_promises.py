"""What the displays' pages promise in seconds is what the code is made for: by its structure, not by a stopwatch."""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import cast

import pytest

from cvconnect_drivers.displays import drawn, line, line_session, window_process
from cvconnect_drivers.displays.web import display as web
from cvconnect_drivers.displays.web import server
from cvconnect_drivers.scanners.reconnection import Backoff
from cvconnect_pos import conformance

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
WAIT_S = 20.0


def told(page: str) -> str:
    return " ".join((HOW_TO / page).read_text(encoding="utf-8").split())


def constant_of_the_page(name: str) -> int:
    script = files("cvconnect_drivers.displays.web").joinpath("display.js").read_text(encoding="utf-8")
    found = re.search(rf"const {name} = (\d+);", script)
    assert found is not None
    return int(found[1])


# --- What the pages say -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "words", "is_so"),
    [
        (
            "displays.md",
            "| the till is off, or not heard | after 6 seconds |",
            lambda: constant_of_the_page("LOST_AFTER_MS") == 6000,
        ),
        (
            "displays.md",
            "looks for it every three seconds",
            lambda: constant_of_the_page("LISTEN_AGAIN_MS") == 3000,
        ),
        ("displays.md", "or none that answers within a second", lambda: web.PAINTED_S == 1.0),
        ("line-displays.md", "rolls up by whole words, every two seconds", lambda: line.PAGE_S == 2.0),
        ("line-displays.md", "more and more slowly, up to every 5 seconds", lambda: Backoff().last_s == 5.0),
        (
            "line-displays.md",
            "lost its power alone is written again within 5 seconds",
            lambda: line_session.REFRESH_S == 5.0,
        ),
    ],
)
def test_a_figure_in_the_documentation_is_the_codes(page: str, words: str, is_so: Callable[[], bool]) -> None:
    assert words in told(page)
    assert is_so()


def test_a_page_hears_the_till_more_than_once_before_it_takes_it_for_lost() -> None:
    assert constant_of_the_page("LOST_AFTER_MS") > 2 * server.ALIVE_S * 1000


@pytest.mark.parametrize(
    "at_most_s",
    [drawn.RELEASE_S, line_session.JOIN_S, web.CLEARED_S + server.STOP_S],
    ids=["callback, image and terminal", "line", "web"],
)
def test_all_that_release_waits_for_is_less_than_what_is_promised(at_most_s: float) -> None:
    assert at_most_s < conformance.RELEASE_S


def test_what_never_ends_is_waited_for_no_longer_than_it_may() -> None:
    go = threading.Event()

    def hang() -> None:
        go.wait(WAIT_S)

    try:
        assert not drawn.ends_within(0.01, hang)
        assert drawn.ends_within(WAIT_S, lambda: None)
    finally:
        go.set()


# --- The window of a till that is gone ----------------------------------------------------------------------------------


class Pipe:
    """What comes from the till; nothing more when it is at its end, and how long was waited for that."""

    def __init__(self, *lines: bytes) -> None:
        self._lines: Iterator[bytes] = iter(lines)
        self.waited_s = 0.0

    def get(self, *, timeout: float) -> bytes:
        for each in self._lines:
            return each
        self.waited_s += timeout
        raise queue.Empty


class Window:
    """A window that only counts."""

    def __init__(self) -> None:
        self.ticks = 0
        self.is_open = True

    def clear(self) -> None:
        pass

    def tick(self) -> None:
        self.ticks += 1

    def close(self) -> None:
        self.is_open = False


def served(pipe: Pipe, lives: Iterator[bool]) -> Window:
    window = Window()
    window_process.serve(
        cast("window_process.Window", window), cast("queue.SimpleQueue[bytes]", pipe), lambda: next(lives)
    )
    return window


@pytest.mark.parametrize("said", [(), (json.dumps({"do": "clear"}).encode(),)])
def test_the_window_goes_with_the_end_of_the_pipe_and_waits_for_nothing(
    said: tuple[bytes, ...], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    pipe = Pipe(*said, b"")
    window = served(pipe, iter([True] * 9))
    assert (window.is_open, window.ticks, pipe.waited_s) == (False, 0, 0.0)
    assert capsysbinary.readouterr().out.count(b"surface") == len(said)


def test_where_another_process_holds_the_pipe_the_window_looks_for_its_till_at_every_tick() -> None:
    pipe = Pipe()
    window = served(pipe, iter([True, True, True, False]))
    assert not window.is_open
    assert pipe.waited_s == pytest.approx(3 * window_process.TICK_S)
    assert window_process.TICK_S <= 0.05
