"""A screen that the till draws itself: it is given the prompt and the QR, and what it says counts."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
import segno
import zxingcpp
from PIL import Image

from cvconnect_drivers.displays.callback import CallbackDisplay, TillDisplay, display, open_display
from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkAbsentError
from cvconnect_drivers.shapes import Prompt, Surface
from cvconnect_pos.conformance import check_display
from cvconnect_pos.peripherals import DisplayFactory, PaymentPrompt

FACTORY: DisplayFactory = open_display
PAYLOAD = "https://exemple.fr/paiement/8f2d1c0a9b?m=200000000016"
PROMPT = PaymentPrompt("waiting", amount="45,50\u00a0€", instruction="Scannez", qr_payload=PAYLOAD)
WAIT_S = 20.0
_numbers = count()


class Till:
    """A till's own customer screen."""

    def __init__(self, name: str) -> None:
        self.side: TillDisplay = display(name)
        self.drawn: list[tuple[Prompt | None, bytes | None]] = []
        self.says: Surface = "qr"
        self.side.on_prompt(self.draw)

    def draw(self, prompt: Prompt | None, qr_png: bytes | None) -> Surface:
        self.drawn.append((prompt, qr_png))
        return self.says


@pytest.fixture
def name() -> str:
    return f"till-{next(_numbers)}"


@pytest.fixture
def till(name: str) -> Till:
    return Till(name)


@pytest.fixture
def claimed(name: str, till: Till) -> Iterator[CallbackDisplay]:
    there = open_display(f"callback:{name}", {})
    there.claim(timeout_s=1)
    yield there
    there.release()


def codes(png: bytes | None) -> list[str]:
    assert png is not None
    return [found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))]


def test_the_till_is_given_the_prompt_and_a_qr_that_scans(till: Till, claimed: CallbackDisplay) -> None:
    assert claimed.show(PROMPT, timeout_s=1) == "qr"
    prompt, png = till.drawn[-1]
    assert prompt is PROMPT
    assert codes(png) == [PAYLOAD]
    assert claimed.check_health().state == "ready"


def test_a_providers_picture_comes_as_sharp_as_one_of_ours(till: Till, claimed: CallbackDisplay) -> None:
    file = io.BytesIO()
    segno.make_qr(PAYLOAD).save(file, kind="png", scale=2, border=1)
    prompt = replace(PROMPT, qr_payload=None, qr_png=file.getvalue())
    assert claimed.show(prompt, timeout_s=1) == "qr"
    assert codes(till.drawn[-1][1]) == [PAYLOAD]


def test_the_till_says_what_is_seen_but_no_qr_without_one(till: Till, claimed: CallbackDisplay) -> None:
    assert claimed.show(replace(PROMPT, qr_payload=None), timeout_s=1) == "text"
    assert till.drawn[-1][1] is None
    assert claimed.show(replace(PROMPT, qr_payload="x" * 2000), timeout_s=1) == "text"
    assert till.drawn[-1][1] is None
    said: tuple[Surface, ...] = ("text", "none")
    for surface in said:
        till.says = surface
        assert claimed.show(PROMPT, timeout_s=1) == surface


def test_a_till_that_says_nothing_shows_nothing(name: str, claimed: CallbackDisplay) -> None:
    display(name).on_prompt(lambda _prompt, _png: None)  # type: ignore[arg-type, return-value] # pyright: ignore[reportArgumentType]
    assert claimed.show(PROMPT, timeout_s=1) == "none"


def test_claim_clear_and_release_have_the_till_show_nothing(name: str, till: Till) -> None:
    there = open_display(f"callback:{name}", {})
    there.claim(timeout_s=1)
    assert till.drawn == [(None, None)]
    there.show(PROMPT, timeout_s=1)
    there.clear(timeout_s=1)
    assert till.drawn[-1] == (None, None)
    there.show(PROMPT, timeout_s=1)
    there.release()
    assert till.drawn[-1] == (None, None)
    heard = len(till.drawn)
    there.clear(timeout_s=1)
    with pytest.raises(DriverError, match="NOT_CLAIMED"):
        there.show(PROMPT, timeout_s=1)
    assert len(till.drawn) == heard


def test_before_the_till_has_said_who_draws_the_screen_is_absent(name: str) -> None:
    there = open_display(f"callback:{name}", {})
    with pytest.raises(LinkAbsentError, match="on_prompt"):
        there.claim(timeout_s=1)
    assert there.check_health().state == "absent"
    there.release()
    Till(name)
    there.claim(timeout_s=1)
    assert there.show(PROMPT, timeout_s=1) == "qr"


def test_a_till_that_fails_is_told_without_its_words(name: str, claimed: CallbackDisplay) -> None:
    def stumble(_prompt: Prompt | None, _png: bytes | None) -> Surface:
        raise RuntimeError("20000000016")

    display(name).on_prompt(stumble)
    with pytest.raises(DriverError, match="CALLBACK_FAILED") as caught:
        claimed.show(PROMPT, timeout_s=1)
    assert "20000000016" not in str(caught.value) + caught.value.text()
    assert claimed.check_health().state == "absent"


def test_a_till_that_is_stuck_keeps_nobody_from_closing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvconnect_drivers.displays.drawn.RELEASE_S", 0.01)
    stuck, go = threading.Event(), threading.Event()

    def draw(prompt: Prompt | None, _png: bytes | None) -> Surface:
        if prompt is not None:
            stuck.set()
            go.wait(WAIT_S)
        return "text"

    display(name).on_prompt(draw)
    there = open_display(f"callback:{name}", {})
    there.claim(timeout_s=1)
    drawing = threading.Thread(target=there.show, args=(PROMPT,), kwargs={"timeout_s": 1.0})
    drawing.start()
    try:
        assert stuck.wait(WAIT_S)
        with pytest.raises(DriverError, match="LINK_TIMEOUT"):
            there.clear(timeout_s=0.01)
        there.release()
        assert drawing.is_alive()
    finally:
        go.set()
        drawing.join(WAIT_S)
    with pytest.raises(DriverError, match="NOT_CLAIMED"):
        there.show(PROMPT, timeout_s=1)


def test_a_till_that_is_stuck_in_its_last_clear_keeps_nobody_from_closing(
    name: str, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one whose user interface closes the station and is asked to draw nothing in the same thread."""
    monkeypatch.setattr("cvconnect_drivers.displays.drawn.RELEASE_S", 0.01)
    closed, stuck = threading.Event(), threading.Event()
    there = open_display(f"callback:{name}", {})
    there.claim(timeout_s=1)

    def draw(_prompt: Prompt | None, _png: bytes | None) -> Surface:
        stuck.set()
        closed.wait(WAIT_S)
        return "none"

    display(name).on_prompt(draw)

    def close() -> None:
        there.release()
        closed.set()

    closing = threading.Thread(target=close)
    closing.start()
    assert stuck.wait(WAIT_S)
    closing.join(WAIT_S / 2)
    was_closed = closed.is_set()
    closed.set()
    closing.join(WAIT_S)
    assert was_closed
    with pytest.raises(DriverError, match="NOT_CLAIMED"):
        there.show(PROMPT, timeout_s=WAIT_S)


def test_it_keeps_a_displays_promises(name: str, till: Till) -> None:
    check_display(lambda: open_display(f"callback:{name}", {"qr_px": 200}))
    assert any(png for _, png in till.drawn)


@pytest.mark.parametrize("url", ["callback:", "callback:a b", "callback:x?qr_px=10", "callback:x?size=1x1"])
def test_a_name_or_a_setting_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_display(url, {})
