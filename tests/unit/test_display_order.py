"""Which display shows the QR: all that always show, then the fallbacks, one after the other, as long as nobody has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from cvconnect_pos import DeviceTrouble, Event, Payment, QrShown, State
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.devices import Presentation, StationDevices
from cvconnect_pos.messages import Language
from cvconnect_pos.peripherals import Display, Health, HealthLevel, PaymentPrompt, Surface
from cvconnect_pos.posts import DeviceHealth
from harness import RecordingDevices, Till

DEADLINE_S = 10.0


class Glass:
    """A display whose abilities are the test's."""

    def __init__(self, name: str, surface: Surface | Exception = "qr") -> None:
        self.name = name
        self.surface: Surface | Exception = surface
        self.shown: list[str] = []
        self.dark = True

    def claim(self, *, timeout_s: float) -> None:
        del timeout_s

    def show(self, prompt: PaymentPrompt, *, timeout_s: float) -> Surface:
        del timeout_s
        has_qr = prompt.qr_payload is not None
        self.shown.append("qr" if has_qr else prompt.state)
        self.dark = False
        if not has_qr:
            return "text"
        if isinstance(self.surface, Exception):
            raise self.surface
        return self.surface

    def clear(self, *, timeout_s: float) -> None:
        del timeout_s
        self.dark = True

    def check_health(self, level: HealthLevel = "internal") -> Health:
        del level
        return DeviceHealth("ready", "")

    def release(self) -> None:
        pass


class Shop(Till):
    """A till with real displays' threads."""

    def __init__(
        self, folder: Path, always: list[Display], fallbacks: list[Display], language: Language = "fr"
    ) -> None:
        presentation = Presentation(language=language)
        self.screens = StationDevices(
            displays=always, fallbacks=fallbacks, presentation=presentation, clock=SystemClock()
        )
        super().__init__(folder)
        self.screens.start(self.engine)

    def make_devices(self) -> RecordingDevices:
        return cast("RecordingDevices", cast("object", self.screens))

    def settled(self) -> None:
        """All displays have done what they were given."""
        for _ in range(4):  # one display's answer may be the next one's task
            for post in self.screens._screens.posts:
                assert post.when_idle().wait(DEADLINE_S)


Open = Callable[[list[Display], list[Display]], Shop]


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Open]:
    shops: list[Shop] = []

    def make(always: list[Display], fallbacks: list[Display]) -> Shop:
        shops.append(Shop(tmp_path, always, fallbacks))
        return shops[-1]

    yield make
    for shop in shops:
        shop.screens.close()
        shop.engine.close()


def heard(shop: Shop) -> tuple[Payment, list[tuple[str, str]]]:
    """Show a QR, and tell who said what."""
    events: list[Event] = []
    done = threading.Lock()
    payment = shop.tender.request(request_id="r1", amount_cents=4550, basket_ref="B1", way="qr")

    def listen(event: Event) -> None:
        with done:
            events.append(event)

    payment.add_listener(listen)
    shop.engine.run_due()
    shop.settled()
    shop.engine.run_due()
    told = [("shown", e.display) for e in events if isinstance(e, QrShown)]
    told += [(e.reason, e.device) for e in events if isinstance(e, DeviceTrouble)]
    return payment, told


def test_the_first_that_shows_it_is_told_and_the_fallback_is_dark(open_shop: Open) -> None:
    screen, last = Glass("screen"), Glass("last")
    shop = open_shop([screen], [last])
    _, told = heard(shop)
    assert told == [("shown", "screen")]
    assert ("qr" in last.shown, last.dark) == (False, True)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_display_is_told_the_language_of_the_words(tmp_path: Path, language: Language) -> None:
    spoken: list[tuple[str, str]] = []

    class Reader(Glass):
        def show(self, prompt: PaymentPrompt, *, timeout_s: float) -> Surface:
            spoken.append((prompt.instruction, getattr(prompt, "language", "")))
            return super().show(prompt, timeout_s=timeout_s)

    shop = Shop(tmp_path, [Reader("reader")], [], language)
    try:
        heard(shop)
    finally:
        shop.screens.close()
        shop.engine.close()
    words = {
        "fr": "Scannez ce QR code avec l’application Chèque-Vacances",
        "en": "Scan this QR code with the Chèque-Vacances app",
    }
    assert (words[language], language) in spoken


def test_a_line_display_beside_a_screen_is_no_trouble(open_shop: Open) -> None:
    line, screen = Glass("line", "text"), Glass("screen")
    _, told = heard(open_shop([line, screen], []))
    assert told == [("shown", "screen")]
    assert "qr" in line.shown


@pytest.mark.parametrize("broken", ["text", "none", OSError("unplugged")])
def test_when_none_of_them_shows_it_the_fallbacks_try_in_their_order(
    open_shop: Open, broken: Surface | Exception
) -> None:
    screen, second, paper, never = (
        Glass("screen", broken),
        Glass("second", broken),
        Glass("paper"),
        Glass("no"),
    )
    _, told = heard(open_shop([screen], [second, paper, never]))
    assert ("shown", "paper") in told
    assert "QR_NOT_SHOWN" not in dict(told)
    assert "qr" not in never.shown
    assert {who for reason, who in told if reason == "OSError"} == (
        {"screen", "second"} if isinstance(broken, OSError) else set()
    )


def test_a_till_with_fallbacks_only_uses_the_first_that_works(open_shop: Open) -> None:
    first, second = Glass("first", "none"), Glass("second")
    _, told = heard(open_shop([], [first, second]))
    assert told == [("shown", "second")]


def test_a_qr_that_nobody_shows_is_told_once(open_shop: Open) -> None:
    displays: list[Display] = [Glass("a", "text"), Glass("b", "none")]
    _, told = heard(open_shop(displays, [Glass("c", "none")]))
    assert [reason for reason, _ in told] == ["QR_NOT_SHOWN"]


def test_what_a_fallback_shows_is_over_with_the_payment(open_shop: Open) -> None:
    screen, paper = Glass("screen", "none"), Glass("paper")
    shop = open_shop([screen], [paper])
    payment, told = heard(shop)
    assert told == [("shown", "paper")]
    payment.cancel()
    shop.run(5)
    shop.settled()
    assert (screen.shown[-1], paper.shown[-1]) == ("cancelled", "cancelled")
    payment.wait(0)


def test_a_display_that_answers_when_the_qr_is_over_starts_no_fallback(open_shop: Open) -> None:
    screen, paper = Glass("screen", "none"), Glass("paper")
    shop = open_shop([screen], [paper])
    payment = shop.tender.request(request_id="r1", amount_cents=4550, basket_ref="B1", way="qr")
    gate, show = threading.Event(), screen.show

    def slowly(prompt: PaymentPrompt, *, timeout_s: float) -> Surface:
        if prompt.qr_payload is not None:
            assert gate.wait(DEADLINE_S)
        return show(prompt, timeout_s=timeout_s)

    screen.show = slowly  # type: ignore[method-assign]
    shop.engine.run_due()
    payment.cancel()
    shop.run(5)
    gate.set()
    shop.settled()
    assert "qr" not in paper.shown
    payment.wait(0)


@pytest.mark.parametrize("then", ["close", "another customer"])
def test_no_fallback_begins_when_the_displays_have_gone_on_meanwhile(open_shop: Open, then: str) -> None:
    screen, paper = Glass("screen", "none"), Glass("paper")
    shop = open_shop([screen], [paper])
    screens = shop.screens._screens
    next_one = screens._next

    def late(*given: object) -> None:
        screens._next = next_one  # type: ignore[method-assign]
        if then == "close":
            screens.close()
        else:
            shop.tender.request(request_id="r2", amount_cents=4550, basket_ref="B2", way="scan")
            shop.engine.run_due()
        next_one(*given)  # type: ignore[arg-type]

    screens._next = late  # type: ignore[method-assign, assignment]
    heard(shop)
    shop.settled()
    assert "qr" not in paper.shown


@pytest.mark.parametrize("name", ["show", "hide"])
def test_a_late_word_on_one_customer_leaves_the_next_ones_qr(open_shop: Open, name: str) -> None:
    screen = Glass("screen")
    shop = open_shop([screen], [])
    first, _ = heard(shop)
    screens = shop.screens._screens
    really: Callable[..., None] = getattr(screens, name)

    def late(payment: Payment, *more: object) -> None:
        setattr(screens, name, really)
        shop.tender.request(request_id="r2", amount_cents=4550, basket_ref="B2", way="qr")
        shop.engine.run_due()
        really(payment, *more)

    setattr(screens, name, late)
    (shop.screens._show if name == "show" else shop.screens._hide)(first, first.attempt)
    shop.settled()
    assert not screen.dark
    assert screens._round is not None and screens._round.payment is not first


# --- what is left on the glass ----------------------------------------------------------------------------------------


def test_who_has_left_does_not_take_the_display_from_the_next_customer(open_shop: Open) -> None:
    screen = Glass("screen")
    shop = open_shop([screen], [])
    first, _ = heard(shop)
    first.cancel()
    shop.run(5)
    first.wait(0)
    shop.tender.request(request_id="r2", amount_cents=3000, basket_ref="B2", way="qr")
    shop.engine.run_due()
    shop.settled()
    assert screen.shown[-1] == "qr"
    shop.screens.carry_out(Command.TELL, first, replace(first.attempt, state=State.IN_DOUBT))
    shop.settled()
    assert screen.shown[-1] == "qr"


def test_a_display_that_hangs_does_not_keep_the_qr_from_the_fallback(
    open_shop: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cvconnect_pos.screens.ANSWER_S", 0.2)
    screen, paper = Glass("screen"), Glass("paper")
    shop = open_shop([screen], [paper])
    gate, printed, show, print_it = threading.Event(), threading.Event(), screen.show, paper.show

    def hang(prompt: PaymentPrompt, *, timeout_s: float) -> Surface:
        if prompt.qr_payload is not None:
            assert gate.wait(DEADLINE_S)
        return show(prompt, timeout_s=timeout_s)

    def note(prompt: PaymentPrompt, *, timeout_s: float) -> Surface:
        if prompt.qr_payload is not None:
            printed.set()
        return print_it(prompt, timeout_s=timeout_s)

    screen.show, paper.show = hang, note  # type: ignore[method-assign]
    shop.tender.request(request_id="r1", amount_cents=4550, basket_ref="B1", way="qr")
    shop.engine.run_due()
    assert printed.wait(DEADLINE_S)
    gate.set()


class Stubborn(Glass):
    """Raises for words, and leaves what was there."""

    def show(self, prompt: PaymentPrompt, *, timeout_s: float) -> Surface:
        if prompt.qr_payload is None and prompt.state != "idle":
            raise KeyError(prompt.state)
        return super().show(prompt, timeout_s=timeout_s)


def test_a_display_that_cannot_draw_the_words_is_cleared(open_shop: Open) -> None:
    screen = Stubborn("screen")
    shop = open_shop([screen], [])
    payment, _ = heard(shop)
    assert not screen.dark
    gate = threading.Event()
    shop.screens._screens.posts[0].worker.call_later(0, lambda: gate.wait(DEADLINE_S))
    payment.cancel()
    shop.run(5)
    gate.set()
    shop.settled()
    payment.wait(0)
    assert screen.dark


def test_a_qr_that_is_over_before_it_is_drawn_does_not_displace_the_words(open_shop: Open) -> None:
    screen = Glass("screen")
    shop = open_shop([screen], [])
    payment, _ = heard(shop)
    was, gate = payment.attempt, threading.Event()
    shop.screens._screens.posts[0].worker.call_later(0, lambda: gate.wait(DEADLINE_S))
    payment.cancel()
    shop.run(5)
    shop.screens._show(payment, was)  # read before the cancel, carried out after it
    gate.set()
    shop.settled()
    payment.wait(0)
    assert screen.shown[-1] == "cancelled"


def test_the_end_of_a_qr_is_told_by_the_clock_of_the_till(open_shop: Open) -> None:
    screen = Glass("screen")
    shop = open_shop([screen], [])
    ends: list[datetime | None] = []
    show = screen.show

    def note(prompt: PaymentPrompt, *, timeout_s: float) -> Surface:
        if prompt.qr_payload is not None:
            ends.append(prompt.expires_at)
        return show(prompt, timeout_s=timeout_s)

    screen.show = note  # type: ignore[method-assign]
    ahead = timedelta(minutes=30)
    provider_now = shop.engine._calls.provider_now
    shop.engine._calls.provider_now = lambda: provider_now() - ahead  # type: ignore[method-assign]
    payment, _ = heard(shop)
    told = payment.attempt.expires_at
    assert told is not None
    assert ends == [told + ahead]
