"""The devices of one station: who shows, who scans, who prints, each on a thread of its own.

A device that is slow or away delays nobody: the engine hands a command over and goes on. Whatever a driver raises
becomes a `DeviceTrouble`, never a lost payment. Only the current payment, the last one that was shown or scanned for,
may touch what the customer sees.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakSet

from cvconnect_pos.clock import Clock
from cvconnect_pos.core.attempt import Attempt, Way
from cvconnect_pos.core.lifecycle import FINAL, Command, Signal, State, step
from cvconnect_pos.debuglog import TRACE
from cvconnect_pos.engine import Engine
from cvconnect_pos.errors import InvalidInput, JournalError, NotAllowedNow
from cvconnect_pos.events import DeviceTrouble, Event, ScanRefused
from cvconnect_pos.identifiers import Beneficiary
from cvconnect_pos.messages import Language, reason_text
from cvconnect_pos.payment import Payment
from cvconnect_pos.peripherals import (
    Display,
    Health,
    HealthLevel,
    Printer,
    ScannedLabel,
    Scanner,
)
from cvconnect_pos.posts import Post, Trouble
from cvconnect_pos.printing import PrintQueue
from cvconnect_pos.screens import Screens
from cvconnect_pos.tickets import CUSTOMER_COPY, MERCHANT_COPY, Ticket, has_ticket, ticket_of
from cvconnect_pos.waiting_tickets import WaitingTicket

_log = logging.getLogger("cvconnect_pos")

CLAIM_S = 3.0
FIRST_CLAIM_S = 0.5
CLOSE_S = 5.0
_LEFT = FINAL | {
    State.DECIDING,
    State.RESERVED,
    State.CAPTURING,
    State.CAPTURE_UNKNOWN,
    State.CAPTURE_REFUSED,
    State.RELEASING,
    State.RELEASE_UNKNOWN,
}
"""The states in which the customer need not stand at the counter: the next one is shown."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """What the devices say and which tickets come out by themselves.

    Args:
        shop: The shop's name, then the further lines of the ticket's head.
        language: The customer display's language.
        merchant_copy: Print the merchant's copy of a paid operation.
        customer_copy: Print the customer's copy of a paid operation.
        unpaid: Print a ticket of refused, expired and cancelled operations.
        reversed: Print both copies of a reversal.
        ticket_language: The tickets' language; their mentions are French in each.
        logo: A PNG that heads each ticket; None for none.
    """

    shop: tuple[str, ...] = ("",)
    language: Language = "fr"
    merchant_copy: bool = True
    customer_copy: bool = False
    unpaid: bool = True
    reversed: bool = True
    ticket_language: Language = "fr"
    logo: bytes | None = None

    def copies(self, state: State) -> tuple[str, ...]:
        """Which copies come out for an operation that ends in this state."""
        if not has_ticket(state):
            return ()
        if state in {State.REVERSED, State.REVERSED_AFTER_KEEP}:
            return (MERCHANT_COPY, CUSTOMER_COPY) if self.reversed else ()
        if state is not State.APPROVED:
            return (MERCHANT_COPY,) if self.unpaid else ()
        wanted = ((MERCHANT_COPY, self.merchant_copy), (CUSTOMER_COPY, self.customer_copy))
        return tuple(copy for copy, yes in wanted if yes)

    def ticket(self, attempt: Attempt, copy: str, duplicate: bool) -> Ticket:  # noqa: FBT001
        """Write the ticket of an operation."""
        return ticket_of(
            attempt,
            shop=self.shop,
            copy=copy,
            duplicate=duplicate,
            language=self.ticket_language,
            logo=self.logo,
        )


class StationDevices:
    """Carries out what the lifecycle asks of the devices.

    Displays and scanners belong to the newest payment that is open; when it is over, they go back to the one before.

    Args:
        scanners: Every douchette; all of them are armed together.
        displays: Every customer display; all of them show the same.
        fallbacks: The displays that show a QR only when none before them does, in this order.
        printer: The ticket printer, or None when the till prints by itself.
        presentation: What they say.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        scanners: Sequence[Scanner] = (),
        displays: Sequence[Display] = (),
        fallbacks: Sequence[Display] = (),
        printer: Printer | None = None,
        presentation: Presentation,
        clock: Clock,
    ) -> None:
        self._presentation = presentation
        self._clock = clock
        self._engine: Engine | None = None
        self._open: list[Payment] = []
        self._left: WeakSet[Payment] = WeakSet()
        self._shown: Payment | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._scanners = [(scanner, Post(scanner, _claim_scanner(scanner), clock)) for scanner in scanners]
        self._screens = Screens(
            displays,
            fallbacks,
            shop=presentation.shop[0],
            language=presentation.language,
            clock=clock,
            report=self._report,
            trouble_of=self._trouble_of,
            on_our_clock=self._on_our_clock,
        )
        self._printer = Post(printer, _claim(printer), clock) if printer else None
        self._queue = (
            PrintQueue(printer, self._printer, presentation.copies, presentation.ticket, clock)
            if printer and self._printer
            else None
        )
        self._commands: Mapping[Command, Callable[[Payment, Attempt], int]] = {
            Command.SHOW: self._present,
            Command.TELL: self._present,
            Command.HIDE: self._hide,
            Command.ARM: self._arm,
            Command.DISARM: self._disarm,
            Command.TICKET: self._ticket,
        }

    @property
    def _posts(self) -> list[Post]:
        posts = [post for _, post in self._scanners] + self._screens.posts
        return posts + ([self._printer] if self._printer else [])

    def start(self, engine: Engine) -> None:
        """Claim every device; what is away now is claimed again when it is needed.

        Scanners are waited for a moment: one that is said to be ready is ready.
        """
        self._engine = engine
        if self._queue is not None:
            self._queue.start(engine)
        self._screens.start()
        for post in self._posts:
            post.do(lambda: None, _ignore)
        claimed = [post.when_idle() for _, post in self._scanners]
        end = time.monotonic() + FIRST_CLAIM_S
        for tried in claimed:
            tried.wait(max(end - time.monotonic(), 0.0))

    def print_what_is_owed(self) -> None:
        """Take up the tickets that an earlier run left; when the engine has taken up its payments."""
        if self._queue is not None:
            self._queue.take_over()

    def waiting_tickets(self) -> tuple[WaitingTicket, ...]:
        """List the tickets that wait for the printer, oldest first."""
        return self._queue.waiting() if self._queue else ()

    def carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:
        """Hand a command to the devices; see `engine.Devices`."""
        if self._closed or (attempt.order.way is Way.DEFERRED and command is not Command.TICKET):
            return 0  # nobody stands at the counter
        return self._commands[command](payment, attempt)

    def check_health(self, level: HealthLevel = "internal") -> dict[str, Health]:
        """Ask every device how it is."""
        return {post.name: post.check_health(level) for post in self._posts}

    def close(self) -> None:
        """Disarm, clear, finish the tickets that were handed over, and give the devices back. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        if self._queue is not None:
            self._queue.close()
        for scanner, post in self._scanners:
            post.do_now(scanner.disarm, _ignore)
        self._screens.close()
        for post in self._posts:
            post.close(CLOSE_S)

    # --- the commands ------------------------------------------------------------------------------------------------

    def _present(self, payment: Payment, attempt: Attempt) -> int:
        if self._turn(payment, attempt) is payment:
            self._show(payment, attempt)
        return 0

    def _hide(self, payment: Payment, _: Attempt) -> int:
        self._screens.hide(payment, self._is_shown)
        return 0

    def _arm(self, payment: Payment, attempt: Attempt) -> int:
        if self._turn(payment, attempt) is payment:
            for scanner, post in self._scanners:
                post.do_now(self._arming(scanner, payment), self._trouble(payment, post))
        return 0

    def _disarm(self, payment: Payment, _: Attempt) -> int:
        if self._is_shown(payment):
            for scanner, post in self._scanners:
                post.do_now(scanner.disarm, self._trouble(payment, post))
        return 0

    def _ticket(self, payment: Payment, attempt: Attempt) -> int:
        if self._queue is not None:
            self._queue.add(payment, attempt)
        return 0  # the queue counts its tickets by itself

    # --- whose turn it is -----------------------------------------------------------------------------------------------

    def _turn(self, payment: Payment, attempt: Attempt) -> Payment | None:
        """Say who is shown after this step; bring the payment before back when the newest one is over."""
        with self._lock:
            before = self._shown
            if attempt.state in _LEFT:
                self._left.add(payment)
                if payment in self._open:
                    self._open.remove(payment)
                if self._open:
                    self._shown = self._open[-1]
                elif before is not payment:  # late news of somebody who has left
                    return None
            else:
                if payment not in self._open:  # who comes back, comes after those who stand there
                    self._open.insert(0 if payment in self._left else len(self._open), payment)
                self._shown = self._open[-1]
            shown = self._shown
        if shown is not None and shown not in {before, payment}:
            self._show(shown, shown.attempt)
            if shown.attempt.state is State.OPENED:
                self._arm(shown, shown.attempt)
        return shown

    def _is_shown(self, payment: Payment) -> bool:
        with self._lock:
            return self._shown is payment

    def _show(self, payment: Payment, attempt: Attempt) -> None:
        self._screens.show(payment, attempt, self._is_shown)
        if attempt.state is State.SHOWING and attempt.order.way is Way.EITHER:
            self._arm(payment, attempt)

    # --- scanners ---------------------------------------------------------------------------------------------------------

    def _arming(self, scanner: Scanner, payment: Payment) -> Callable[[], None]:
        def on_label(label: ScannedLabel) -> None:
            refusal = label.refusal
            if refusal is None:
                try:
                    named = Beneficiary.parse(label.text)
                except InvalidInput:
                    refusal = "NOT_AN_IDENTIFIER"
                else:
                    refusal = self._identified(payment, named)
                    if refusal is None:
                        return
            arm()  # ready again before the till is told
            refused = ScanRefused(request_id=payment.request_id, at=self._clock.now(), reason=refusal)
            self._report(payment, refused)

        def arm() -> None:
            if self._is_shown(payment) and _wants_customer(payment):
                scanner.arm(on_label)

        return arm

    def _identified(self, payment: Payment, named: Beneficiary) -> str | None:
        """Name the customer; give the reason when the payment may not take them."""
        if self._engine is None or not self._is_shown(payment) or not _wants_customer(payment):
            return None
        try:
            self._engine.identify(payment, named)
        except (NotAllowedNow, JournalError) as error:
            return error.code
        return None

    # --- reports ----------------------------------------------------------------------------------------------------------

    def _report(self, payment: Payment, event: Event) -> None:
        if self._engine is not None:
            self._engine.report(payment, event)

    def _on_our_clock(self, moment: datetime) -> datetime:
        return self._engine.on_our_clock(moment) if self._engine else moment

    def _trouble(self, payment: Payment, post: Post) -> Trouble:
        return self._trouble_of(payment, post.name)

    def _trouble_of(self, payment: Payment, device: str) -> Trouble:
        return lambda reason, detail: self._report(
            payment,
            DeviceTrouble(
                request_id=payment.request_id,
                at=self._clock.now(),
                device=device,
                reason=reason,
                detail=detail or reason_text(reason, "fr"),
            ),
        )


def _wants_customer(payment: Payment) -> bool:
    return step(payment.attempt.state, Signal.IDENTIFIED) is not None


def _claim(device: Printer) -> Callable[[], None]:
    return lambda: device.claim(timeout_s=CLAIM_S)


def _claim_scanner(scanner: Scanner) -> Callable[[], None]:
    def on_status(health: Health) -> None:
        TRACE.info("device %s: %s", scanner.name, health.state)

    return lambda: scanner.claim(on_status=on_status, timeout_s=CLAIM_S)


def _ignore(_reason: str, _detail: str) -> None:
    """Claiming is tried again when the device is needed; the fault is logged."""
