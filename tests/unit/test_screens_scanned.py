"""A telephone reads the QR on every screen that is drawn here: from near and afar, askew, out of focus, in bad light."""

from __future__ import annotations

import pytest

from customer import SCREENS
from cvconnect_drivers.displays.screen import render
from telephone import misread, read

WITH_QR = sorted(name for name, prompt in SCREENS.items() if prompt.qr_payload and name != "dense")
SIZES = ((800, 480), (1024, 600), (1920, 1080), (480, 800))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", WITH_QR)
def test_the_qr_is_read_by_two_decoders(name: str, size: tuple[int, int]) -> None:
    prompt = SCREENS[name]
    picture, surface = render(prompt, size)
    assert surface == "qr"
    assert misread(picture, prompt.qr_payload or "") == []


@pytest.mark.parametrize("name", sorted(set(SCREENS) - set(WITH_QR)))
def test_no_other_screen_holds_one(name: str) -> None:
    picture, surface = render(SCREENS[name], (800, 480))
    assert surface == "text"
    assert read(picture) == {"zxing-cpp": [], "OpenCV": []}
