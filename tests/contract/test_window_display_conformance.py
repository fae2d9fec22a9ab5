"""The window on a monitor keeps the promises of the interface."""

from __future__ import annotations

from functools import partial

import pytest

from cvconnect_drivers.displays.window import open_display
from cvconnect_pos.conformance import check_display
from cvconnect_pos.peripherals import DisplayFactory
from x_screens import NOTHING, colours, desktop, needs_x, until

FACTORY: DisplayFactory = open_display


@needs_x
def test_the_window_keeps_its_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    with desktop() as there:
        there.plug()
        monkeypatch.setenv("DISPLAY", there.name)
        check_display(partial(open_display, "window:?monitor=HDMI-1", {}))
        check_display(partial(open_display, "window:", {"fullscreen": "no", "size": "320x240"}))
        until(lambda: colours(there.all()) == {NOTHING})
