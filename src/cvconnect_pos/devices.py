"""The devices of one station: who shows, who scans, who prints, each on a thread of its own.

A device that is slow or away delays nobody: the engine hands a command over and goes on. Whatever a driver raises
becomes a `DeviceTrouble`, never a lost payment. Only the current payment, the last one that was shown or scanned for,
may touch what the customer sees.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cvconnect_pos.clock import Clock
from cvconnect_pos.core.attempt import Attempt, Way
from cvconnect_pos.core.lifecycle import FINAL, Command, Signal, State, step
from cvconnect_pos.engine import Engine
from cvconnect_pos.errors import InvalidInput
from cvconnect_pos.events import DeviceTrouble, Event, QrShown, ScanRefused, TicketPrinted
from cvconnect_pos.identifiers import Beneficiary
from cvconnect_pos.messages import Language
from cvconnect_pos.payment import Payment
from cvconnect_pos.peripherals import (
    Display,
    Health,
    HealthLevel,
    PaymentPrompt,
    Printer,
    ScannedLabel,
    Scanner,
)
from cvconnect_pos.prompts import idle_prompt, prompt_of
from cvconnect_pos.scheduler import Scheduler
from cvconnect_pos.tickets import CUSTOMER_COPY, MERCHANT_COPY, has_ticket, ticket_of

_log = logging.getLogger("cvconnect_pos")

CLAIM_S = 3.0
SHOW_S = 3.0
PRINT_S = 15.0
LINGER_S = 10.0
"""How long an outcome stays on the customer display."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """What the devices say and which tickets come out by themselves.

    Args:
        shop: The shop's name, then the further lines of the ticket's head.
        language: The customer display's language.
        merchant_copy: Print the merchant's copy of a paid operation.
        customer_copy: Print the customer's copy of a paid operation.
        unpaid: Print a ticket of refused, expired and cancelled operations.
    """

    shop: tuple[str, ...] = ("",)
    language: Language = "fr"
    merchant_copy: bool = True
    customer_copy: bool = False
    unpaid: bool = True

    def copies(self, state: State) -> tuple[str, ...]:
        """Which copies come out for an operation that ends in this state."""
        if not has_ticket(state):
            return ()
        if state is not State.APPROVED:
            return (MERCHANT_COPY,) if self.unpaid else ()
        wanted = ((MERCHANT_COPY, self.merchant_copy), (CUSTOMER_COPY, self.customer_copy))
        return tuple(copy for copy, yes in wanted if yes)


class _Claimable(Protocol):
    @property
    def name(self) -> str: ...
    def check_health(self, level: HealthLevel = "internal") -> Health: ...
    def release(self) -> None: ...


class _Post:
    """One device and its thread."""

    def __init__(self, device: _Claimable, claim: Callable[[], None], clock: Clock) -> None:
        self.name = device.name
        self.device = device
        self.claimed = False
        self._claim = claim
        self.worker = Scheduler(clock, 1, lambda error: _log.error("device %s: %r", self.name, error))

    def do(self, work: Callable[[], None], trouble: Callable[[str], None]) -> None:
        """Do it on the device's thread, claiming the device first when that has not succeeded yet."""
        self.worker.call_later(0.0, lambda: self._run(work, trouble))

    def do_now(self, work: Callable[[], None], trouble: Callable[[str], None]) -> None:
        """Do what the driver does at once in the caller's thread; a device that is not claimed gets it on its own."""
        if self.claimed:
            self._run(work, trouble)
        else:
            self.do(work, trouble)

    def _run(self, work: Callable[[], None], trouble: Callable[[str], None]) -> None:
        try:
            if not self.claimed:
                self._claim()
                self.claimed = True
            work()
        except Exception as error:  # noqa: BLE001 - a driver may raise anything; the payment goes on
            reason = str(getattr(error, "code", type(error).__name__))
            _log.warning("device %s: %s", self.name, reason)
            self.worker.call_later(0.0, lambda: trouble(reason))  # the caller may hold the engine's lock

    def close(self, timeout_s: float) -> None:
        """Finish what was handed over, give the device back, and join the thread."""
        done = threading.Event()
        self.worker.call_later(0.0, done.set)
        done.wait(timeout_s)
        self.worker.close(1.0)
        try:
            self.device.release()
        except Exception as error:  # noqa: BLE001
            _log.warning("device %s: %s on release", self.name, getattr(error, "code", type(error).__name__))


class StationDevices:
    """Carries out what the lifecycle asks of the devices.

    Args:
        scanners: Every douchette; all of them are armed together.
        displays: Every customer display; all of them show the same.
        printer: The ticket printer, or None when the till prints by itself.
        presentation: What they say.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        scanners: Sequence[Scanner] = (),
        displays: Sequence[Display] = (),
        printer: Printer | None = None,
        presentation: Presentation,
        clock: Clock,
    ) -> None:
        self._presentation = presentation
        self._clock = clock
        self._engine: Engine | None = None
        self._current: Payment | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._scanners = [(scanner, _Post(scanner, _claim_scanner(scanner), clock)) for scanner in scanners]
        self._displays = [(display, _Post(display, _claim(display), clock)) for display in displays]
        self._printer = (printer, _Post(printer, _claim(printer), clock)) if printer else None
        self._commands: Mapping[Command, Callable[[Payment, Attempt], int]] = {
            Command.SHOW: self._show,
            Command.TELL: self._tell,
            Command.HIDE: self._hide,
            Command.ARM: self._arm,
            Command.DISARM: self._disarm,
            Command.TICKET: self._ticket,
        }

    @property
    def _posts(self) -> list[_Post]:
        posts = [post for _, post in self._scanners] + [post for _, post in self._displays]
        return posts + ([self._printer[1]] if self._printer else [])

    def start(self, engine: Engine) -> None:
        """Claim every device; what is away now is claimed again when it is needed."""
        self._engine = engine
        idle = idle_prompt(self._presentation.shop[0])
        for display, post in self._displays:
            post.do(_showing(display, idle), _ignore)
        for post in self._posts:
            post.do(lambda: None, _ignore)

    def carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:
        """Hand a command to the devices; see `engine.Devices`."""
        return self._commands[command](payment, attempt)

    def check_health(self, level: HealthLevel = "internal") -> dict[str, Health]:
        """Ask every device how it is."""
        return {post.name: post.device.check_health(level) for post in self._posts}

    def close(self) -> None:
        """Disarm, clear, finish the tickets that were handed over, and give the devices back. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        for scanner, _ in self._scanners:
            scanner.disarm()
        for display, post in self._displays:
            if post.claimed:
                post.do(_clearing(display), _ignore)
        for post in self._posts:
            post.close(PRINT_S)

    # --- the commands ------------------------------------------------------------------------------------------------

    def _show(self, payment: Payment, attempt: Attempt) -> int:
        self._take(payment)
        self._present(payment, attempt)
        if attempt.order.way is Way.EITHER:
            self._arm(payment, attempt)
        return 0

    def _tell(self, payment: Payment, attempt: Attempt) -> int:
        with self._lock:
            free = self._current is None or self._current.attempt.is_final
            if free and attempt.state not in FINAL | {
                State.DECIDING
            }:  # what is over does not come back on screen
                self._current = payment
        if self._is_current(payment):
            self._present(payment, attempt)
        return 0

    def _hide(self, payment: Payment, _: Attempt) -> int:
        if self._is_current(payment):
            for display, post in self._displays:
                post.do(_clearing(display), self._trouble(payment, post))
        return 0

    def _arm(self, payment: Payment, _: Attempt) -> int:
        self._take(payment)
        for scanner, post in self._scanners:
            post.do_now(self._arming(scanner, payment), self._trouble(payment, post))
        return 0

    def _disarm(self, payment: Payment, _: Attempt) -> int:
        if self._is_current(payment):
            for scanner, post in self._scanners:
                post.do_now(scanner.disarm, self._trouble(payment, post))
        return 0

    def _ticket(self, payment: Payment, attempt: Attempt) -> int:
        if self._printer is None:
            return 0
        printer, post = self._printer
        copies = self._presentation.copies(attempt.state)
        for copy in copies:
            post.do(self._printing(printer, payment, attempt, copy), self._not_printed(payment))
        return len(copies)

    # --- what runs on a device's thread --------------------------------------------------------------------------------

    def _present(self, payment: Payment, attempt: Attempt) -> None:
        prompt = prompt_of(attempt, shop=self._presentation.shop[0], language=self._presentation.language)

        def show(display: Display) -> Callable[[], None]:
            def run() -> None:
                surface = display.show(prompt, timeout_s=SHOW_S)
                if attempt.state is State.SHOWING and surface == "qr":
                    self._report(
                        payment,
                        QrShown(
                            request_id=payment.request_id,
                            at=self._clock.now(),
                            display=display.name,
                            surface=surface,
                        ),
                    )

            return run

        for display, post in self._displays:
            post.do(show(display), self._trouble(payment, post))
            if attempt.state in FINAL:
                post.worker.call_later(LINGER_S, self._idle_again(display, payment, attempt))

    def _idle_again(self, display: Display, payment: Payment, attempt: Attempt) -> Callable[[], None]:
        def run() -> None:
            if self._is_current(payment) and payment.attempt.state is attempt.state:
                display.show(idle_prompt(self._presentation.shop[0]), timeout_s=SHOW_S)

        return run

    def _arming(self, scanner: Scanner, payment: Payment) -> Callable[[], None]:
        def on_label(label: ScannedLabel) -> None:
            refusal = label.refusal
            if refusal is None:
                try:
                    named = Beneficiary.parse(label.text)
                except InvalidInput:
                    refusal = "NOT_AN_IDENTIFIER"
                else:
                    if self._engine is not None and self._is_current(payment) and _wants_customer(payment):
                        self._engine.identify(payment, named)
                    return
            arm()  # ready again before the till is told
            self._report(
                payment, ScanRefused(request_id=payment.request_id, at=self._clock.now(), reason=refusal)
            )

        def arm() -> None:
            if self._is_current(payment) and _wants_customer(payment):
                scanner.arm(on_label)

        return arm

    def _printing(
        self, printer: Printer, payment: Payment, attempt: Attempt, copy: str
    ) -> Callable[[], None]:
        def run() -> None:
            ticket = ticket_of(attempt, shop=self._presentation.shop, copy=copy)
            job = f"{attempt.payment_id}-{attempt.state.value}-{copy.partition(' ')[2]}"
            result = printer.print(ticket, job_id=job, timeout_s=PRINT_S)
            self._report(
                payment,
                TicketPrinted(
                    request_id=payment.request_id,
                    at=self._clock.now(),
                    outcome=result.outcome,
                    reason=result.reason or "",
                ),
            )

        return run

    # --- reports ---------------------------------------------------------------------------------------------------------

    def _report(self, payment: Payment, event: Event) -> None:
        if self._engine is not None:
            self._engine.report(payment, event)

    def _trouble(self, payment: Payment, post: _Post) -> Callable[[str], None]:
        return lambda reason: self._report(
            payment,
            DeviceTrouble(
                request_id=payment.request_id, at=self._clock.now(), device=post.name, reason=reason
            ),
        )

    def _not_printed(self, payment: Payment) -> Callable[[str], None]:
        return lambda reason: self._report(
            payment,
            TicketPrinted(
                request_id=payment.request_id, at=self._clock.now(), outcome="unknown", reason=reason
            ),
        )

    def _take(self, payment: Payment) -> None:
        with self._lock:
            self._current = payment

    def _is_current(self, payment: Payment) -> bool:
        with self._lock:
            return self._current is payment


def _wants_customer(payment: Payment) -> bool:
    return step(payment.attempt.state, Signal.IDENTIFIED) is not None


def _claim(device: Display | Printer) -> Callable[[], None]:
    return lambda: device.claim(timeout_s=CLAIM_S)


def _claim_scanner(scanner: Scanner) -> Callable[[], None]:
    def on_status(health: Health) -> None:
        _log.info("device %s: %s", scanner.name, health.state)

    return lambda: scanner.claim(on_status=on_status, timeout_s=CLAIM_S)


def _showing(display: Display, prompt: PaymentPrompt) -> Callable[[], None]:
    def run() -> None:
        display.show(prompt, timeout_s=SHOW_S)

    return run


def _clearing(display: Display) -> Callable[[], None]:
    return lambda: display.clear(timeout_s=SHOW_S)


def _ignore(_reason: str) -> None:
    """Claiming is tried again when the device is needed; the fault is logged."""
