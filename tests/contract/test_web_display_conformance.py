"""The display that is a page keeps the promises of the interface, with pages that paint, that say nothing, and with none."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from cvconnect_drivers.displays.web.display import WebDisplay, open_display
from cvconnect_pos.conformance import check_display
from cvconnect_pos.peripherals import DisplayFactory
from web_page import FakePage, free_port

DISPLAYS: list[DisplayFactory] = [open_display]
TOKEN = "a-token-of-this-test"


class Watched(WebDisplay):
    """It waits for a page before it shows: browsers come back within a second."""

    def claim(self, *, timeout_s: float) -> None:
        super().claim(timeout_s=timeout_s)
        end = time.monotonic() + timeout_s
        while self.check_health().state != "ready" and time.monotonic() < end:
            time.sleep(0.005)


def no_thread_is_left() -> bool:
    return not [thread for thread in threading.enumerate() if thread.name.startswith("web display")]


def test_the_web_display_keeps_its_promises_without_a_page() -> None:
    check_display(partial(open_display, f"web://127.0.0.1:{free_port()}", {}))
    assert no_thread_is_left()


@pytest.mark.parametrize("says", ["what it is given", "nothing"])
def test_the_web_display_keeps_its_promises_with_a_page(says: str) -> None:
    port = free_port()
    with FakePage(port, TOKEN, paints=says != "nothing") as page:
        check_display(lambda: Watched("web:", "127.0.0.1", port, TOKEN))
        assert page.heard("waiting")
    assert no_thread_is_left()


def test_the_web_display_keeps_its_promises_on_ipv6() -> None:
    check_display(partial(open_display, f"web://[::1]:{free_port('::1')}", {}))
    assert no_thread_is_left()
