"""The framebuffer keeps the promises of a display, in each of its pixel formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvconnect_drivers.displays.framebuffer import open_display
from cvconnect_pos.conformance import check_display
from cvconnect_pos.peripherals import DisplayFactory
from fake_framebuffer import RGB565, XRGB, FakeFramebuffer, Told

# The type checkers read this line.
FACTORY: DisplayFactory = open_display


@pytest.mark.parametrize("told", [Told(format=XRGB), Told((480, 800), RGB565, 1024)])
def test_the_framebuffer_display_keeps_its_promises(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Told
) -> None:
    glass = FakeFramebuffer.install(monkeypatch, tmp_path, told)
    check_display(lambda: open_display(glass.url, {"tty": str(glass.console)}))
    assert glass.is_black()
    assert glass.modes[-1] == 0
