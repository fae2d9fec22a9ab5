"""The customer displays of one station: what they show, and which of them really shows the QR.

Every display shows the newest prompt. A QR goes to those that always show, and to the fallbacks one after the other as long
as nobody has shown it; a fallback is dark while another one shows it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from cvconnect_pos.clock import Clock
from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import FINAL, State
from cvconnect_pos.events import Event, QrShown
from cvconnect_pos.mailroom import escaped
from cvconnect_pos.messages import Language
from cvconnect_pos.payment import Payment
from cvconnect_pos.peripherals import Display, PaymentPrompt, Surface
from cvconnect_pos.posts import Post, Trouble
from cvconnect_pos.prompts import idle_prompt, prompt_of
from cvconnect_pos.scheduler import Scheduler

CLAIM_S = 3.0
SHOW_S = 3.0
ANSWER_S = SHOW_S + 1.0
"""How long a display may take to say what it shows; then the next one is asked."""

LINGER_S = 10.0
"""How long an outcome stays on the customer display."""

Report = Callable[[Payment, Event], None]
TroubleOf = Callable[[Payment, str], Trouble]


class Screens:
    """Shows a payment on every customer display.

    Args:
        displays: Those that always show.
        fallbacks: Those that show a QR only when none before them does, in this order.
        shop: The shop's name.
        language: The customer's.
        clock: Where time comes from.
        report: Takes what the till is told.
        trouble_of: Makes what the till is told of a display's trouble.
        on_our_clock: Says when a moment of the provider's clock comes by ours.
    """

    def __init__(
        self,
        displays: Sequence[Display],
        fallbacks: Sequence[Display],
        *,
        shop: str,
        language: Language,
        clock: Clock,
        report: Report,
        trouble_of: TroubleOf,
        on_our_clock: Callable[[datetime], datetime],
    ) -> None:
        self._on_our_clock = on_our_clock
        self._shop = shop
        self._language: Language = language
        self._clock = clock
        self._report = report
        self._trouble_of = trouble_of
        self._always = [_Screen(display, clock) for display in displays]
        self._fallbacks = [_Screen(display, clock) for display in fallbacks]
        self._lock = threading.RLock()
        """Held while displays are given what they show next: what is newer is given later."""
        self._round: _Round | None = None
        self._alarm = Scheduler(clock, 1 if self._all else 0, escaped)

    @property
    def posts(self) -> list[Post]:
        """Who works each display."""
        return [screen.post for screen in self._all]

    @property
    def _all(self) -> list[_Screen]:
        return self._always + self._fallbacks

    def start(self) -> None:
        """Claim every display, and show that the shop is open."""
        for screen in self._all:
            screen.post.do_latest(self._idle(screen), _ignore)

    def show(self, payment: Payment, attempt: Attempt, is_shown: Callable[[Payment], bool]) -> None:
        """Show a payment as it stands.

        Args:
            payment: The payment.
            attempt: How it stands.
            is_shown: Whether the displays belong to a payment: now, and when its outcome has been seen for long enough.
        """
        prompt = prompt_of(attempt, shop=self._shop, language=self._language)
        if prompt.expires_at is not None:
            prompt = replace(prompt, expires_at=self._on_our_clock(prompt.expires_at))
        with self._lock:
            if not is_shown(payment):  # somebody newer was faster
                return
            if attempt.state is State.SHOWING and payment.attempt.state is not State.SHOWING:
                return  # what came after it is shown already
            if attempt.state is State.SHOWING:
                self._show_qr(payment, prompt)
            else:
                self._show_words(payment, prompt)
        if attempt.state in FINAL | {State.RESERVED}:
            for screen in self._all:
                again = self._idle_again(screen, payment, attempt, is_shown)
                screen.post.worker.call_later(LINGER_S, again)

    def hide(self, payment: Payment, is_shown: Callable[[Payment], bool]) -> None:
        """Show nothing of a payment any more, if the displays belong to it."""
        with self._lock:
            if not is_shown(payment):
                return
            self._round = None
            for screen in self._all:
                screen.clear(self._trouble_of(payment, screen.post.name))

    def close(self) -> None:
        """Clear what was ever used; the posts are closed by their owner."""
        with self._lock:
            self._round = None
            for screen in self._all:
                if screen.post.claimed:
                    screen.clear(_ignore)
        self._alarm.close(1.0)

    def _show_words(self, payment: Payment, prompt: PaymentPrompt) -> None:
        self._round = None
        for screen in self._all:
            screen.show(prompt, lambda: True, _unseen, self._trouble_of(payment, screen.post.name))

    def _show_qr(self, payment: Payment, prompt: PaymentPrompt) -> None:
        round_ = _Round(payment, prompt, len(self._always), [*self._fallbacks])
        self._round = round_
        for screen in self._fallbacks:
            screen.clear(_ignore)
        if not self._always:
            self._next(round_)
        for screen in self._always:
            self._ask(screen, round_)
        self._wait_for(round_)

    def _ask(self, screen: _Screen, round_: _Round) -> None:
        """Have a display show the QR, unless it is over before it is drawn."""
        payment, name, stage = round_.payment, screen.post.name, round_.stage

        def failed(reason: str, detail: str) -> None:
            self._trouble_of(payment, name)(reason, detail)
            self._heard(round_, stage, name, "none")

        screen.show(
            round_.prompt,
            lambda: payment.attempt.state is State.SHOWING,
            lambda surface: self._heard(round_, stage, name, surface),
            failed,
        )

    def _wait_for(self, round_: _Round) -> None:
        """Go on without those that do not answer."""
        if self._all:
            stage, name = round_.stage, self._all[0].post.name
            self._alarm.call_later(ANSWER_S, lambda: self._next(round_, name, stage))

    def _heard(self, round_: _Round, stage: int, display: str, surface: Surface) -> None:
        payment = round_.payment
        with self._lock:
            if self._round is not round_ or payment.attempt.state is not State.SHOWING:
                return
            round_.waits -= stage == round_.stage
            round_.is_shown = round_.is_shown or surface == "qr"
            is_over = round_.waits <= 0 and stage == round_.stage
        if surface == "qr":
            now = self._clock.now()
            shown = QrShown(request_id=payment.request_id, at=now, display=display, surface=surface)
            self._report(payment, shown)
        elif is_over:
            self._next(round_, display, stage)

    def _next(self, round_: _Round, last: str = "", stage: int = 0) -> None:
        with self._lock:
            if self._round is not round_ or round_.is_shown or round_.stage != stage:
                return
            round_.stage += 1
            round_.waits = 1
            if round_.fallbacks:
                self._ask(round_.fallbacks.pop(0), round_)
                self._wait_for(round_)
                return
            if round_.payment.attempt.state is not State.SHOWING:
                return
        if last:
            self._trouble_of(round_.payment, last)("QR_NOT_SHOWN", "")

    def _idle(self, screen: _Screen) -> Callable[[], None]:
        def run() -> None:
            screen.display.show(idle_prompt(self._shop), timeout_s=SHOW_S)

        return run

    def _idle_again(
        self, screen: _Screen, payment: Payment, attempt: Attempt, is_shown: Callable[[Payment], bool]
    ) -> Callable[[], None]:
        idle = self._idle(screen)
        return lambda: idle() if is_shown(payment) and payment.attempt.state is attempt.state else None


class _Round:
    """One QR, until a display shows it."""

    def __init__(self, payment: Payment, prompt: PaymentPrompt, waits: int, fallbacks: list[_Screen]) -> None:
        self.payment = payment
        self.prompt = prompt
        self.waits = waits
        self.fallbacks = fallbacks
        self.stage = 0
        self.is_shown = False


class _Screen:
    """One display and its thread."""

    def __init__(self, display: Display, clock: Clock) -> None:
        self.display = display
        self.post = Post(display, lambda: display.claim(timeout_s=CLAIM_S), clock)

    def show(
        self,
        prompt: PaymentPrompt,
        is_wanted: Callable[[], bool],
        shown: Callable[[Surface], None],
        trouble: Trouble,
    ) -> None:
        def run() -> None:
            if is_wanted():
                shown(self._shown(prompt))

        self.post.do_latest(run, trouble)

    def _shown(self, prompt: PaymentPrompt) -> Surface:
        try:
            return self.display.show(prompt, timeout_s=SHOW_S)
        except Exception:
            with suppress(Exception):  # rather nothing than what was there before
                self.display.clear(timeout_s=SHOW_S)
            raise

    def clear(self, trouble: Trouble) -> None:
        self.post.do_latest(lambda: self.display.clear(timeout_s=SHOW_S), trouble)


def _ignore(_: str, __: str) -> None:
    """What happens between payments is no payment's event."""


def _unseen(_: Surface) -> None:
    """Words may be seen or not: only a QR is waited for."""
