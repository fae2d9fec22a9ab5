"""One payment, as the till holds it: events to follow, an outcome to wait for, and the few things a cashier may do."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import Signal, step
from cvconnect_pos.core.policy import releasable_at
from cvconnect_pos.errors import InvalidInput, NotAllowedNow, WaitTimeout
from cvconnect_pos.events import Event, standing
from cvconnect_pos.identifiers import Beneficiary, check_reference
from cvconnect_pos.messages import Language
from cvconnect_pos.money import check_amount, format_amount
from cvconnect_pos.outcome import Outcome
from cvconnect_pos.tickets import MERCHANT_COPY, Ticket, local_time, ticket_of

if TYPE_CHECKING:
    from cvconnect_pos.engine import Engine

_LONG_S = 86_400.0
"""One wait of the system takes no longer time; whoever waits for longer waits again."""


class Payment:
    """The handle of one attempt. Made by `Tender.request` and `Station.resume`; safe to use from any thread."""

    def __init__(self, engine: Engine, attempt: Attempt, *, recovered: bool) -> None:
        self._engine = engine
        self._condition = threading.Condition()
        self._attempt = attempt
        self._closed = False
        self._shown: Attempt | None = None
        self._asked = 0  # what the till asked and the engine has not yet taken up
        self._tickets_due = 0
        self._behind: list[tuple[Event, Attempt]] | None = None  # while a step is about to be told
        first = standing(attempt) if recovered else None
        self._events: list[tuple[Event, Attempt]] = [(first, attempt)] if first else []
        self._told = 0
        self._listeners: list[Callable[[Event], object]] = []
        self._wakers: set[Callable[[], None]] = set()

    # --- what is known -------------------------------------------------------------------------------------------

    @property
    def request_id(self) -> str:
        """The till's name of the tender line."""
        return self._attempt.order.request_id

    @property
    def attempt(self) -> Attempt:
        """Everything known so far: a value that never changes; ask again for news."""
        return self._attempt

    @property
    def outcome(self) -> Outcome | None:
        """The result, or None while the payment is open."""
        self._shown = self._attempt
        return Outcome.of(self._shown)

    def __repr__(self) -> str:
        return f"<Payment {self.request_id} {self._attempt.state}>"

    # --- following ------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Event]:
        """Follow the events from where the last iteration stopped, until there is an outcome and its ticket is out.

        A payment that needs a decision is not over: call `keep` or `reverse` from the loop's body.
        """
        while (event := self._next(None)) is not None:
            yield event

    def next_event(self, timeout_s: float) -> Event | None:
        """Take the next event, for tills that have a loop of their own.

        Args:
            timeout_s: How long to wait, in seconds; 0 to look only.

        Returns:
            The event, or None when all of them have been taken and the payment is over.

        Raises:
            WaitTimeout: Nothing happened in that time.
        """
        return self._next(timeout_s)

    def wait(self, timeout_s: float) -> Outcome:
        """Wait for the result.

        Args:
            timeout_s: How long, in seconds; `math.inf` waits for as long as it takes, NaN is no time.

        Returns:
            The outcome; see `Outcome.needs_decision`.

        Raises:
            WaitTimeout: The payment goes on; wait again or cancel it.
            NotAllowedNow: `STATION_CLOSED`; the attempt stays in the journal.
        """
        with self._condition:
            self._wait(self._has_result, timeout_s)
            outcome = self.outcome
        if outcome is None:
            raise NotAllowedNow("STATION_CLOSED")
        return outcome

    async def wait_async(self, timeout_s: float) -> Outcome:
        """Wait for the result in an event loop, which goes on meanwhile. See `wait`."""
        import asyncio

        try:
            async with asyncio.timeout(timeout_s if timeout_s > 0 else 0.0):
                async with self._woken() as woken:
                    while not self._has_result():
                        await woken()
        except TimeoutError as error:
            raise WaitTimeout from error
        return self.wait(0.0)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Follow the events in an event loop, like `for event in payment`: one of the two is meant to be used."""
        async with self._woken() as woken:
            while True:
                try:
                    event = self._next(0.0)
                except WaitTimeout:
                    await woken()
                    continue
                if event is None:
                    return
                yield event

    @asynccontextmanager
    async def _woken(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Give a function that waits for the next news of this payment; what comes between two waits is not lost."""
        import asyncio  # a till without an event loop does not pay for it

        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed first
                loop.call_soon_threadsafe(news.set)

        async def next_news() -> None:
            await news.wait()
            news.clear()

        with self._condition:
            self._wakers.add(wake)
        try:
            yield next_news
        finally:
            with self._condition:
                self._wakers.discard(wake)

    def add_listener(self, listener: Callable[[Event], object]) -> None:
        """Call a function with each event, those told already first, in order, from a thread that holds no lock of ours."""
        with self._condition:
            self._listeners.append(listener)
            for event, attempt in self._events:
                self._engine.tell(self._showing(listener, attempt), event)

    def _showing(self, listener: Callable[[Event], object], attempt: Attempt) -> Callable[[Event], object]:
        """Note, with the event, how the payment stood: what the till has seen it may acknowledge."""

        def tell(event: Event) -> object:
            self._shown = attempt
            return listener(event)

        return tell

    # --- acting -------------------------------------------------------------------------------------------------------

    def identify(self, beneficiary: Beneficiary | str) -> None:
        """Name the customer by hand, as a scanner would.

        Args:
            beneficiary: Eleven digits or an e-mail address.

        Raises:
            InvalidInput: It is neither.
            NotAllowedNow: No customer is waited for.
        """
        named = beneficiary if isinstance(beneficiary, Beneficiary) else Beneficiary.parse(beneficiary)
        self._check(Signal.IDENTIFIED)
        self._engine.identify(self, named)

    def cancel(self) -> None:
        """Ask to cancel. The provider has the last word: follow the events, or wait for the outcome.

        Raises:
            NotAllowedNow: It is over already: a payment is undone with `reverse`.
        """
        self._ask(Signal.CANCEL, {"cancel_asked": True, "reason": ""})

    def keep(self) -> None:
        """Keep a payment that needs a decision.

        Raises:
            NotAllowedNow: There is nothing to decide.
        """
        self._ask(Signal.KEEP, {"reason": ""})

    def capture(self, amount_cents: int | None = None) -> None:
        """Take what is reserved, or a part of it; the rest goes back to the customer.

        Args:
            amount_cents: How much, in cents, from 1 to what is reserved; all of it when left out.

        Raises:
            InvalidInput: `CAPTURE_OUT_OF_RANGE`, or no amount.
            NotAllowedNow: Nothing is reserved.
        """
        self._check(Signal.CAPTURE)
        attempt = self._attempt
        most = min(attempt.reserved_cents or 0, attempt.order.amount_cents)
        amount = most if amount_cents is None else check_amount(amount_cents, floor_cents=1)
        if not 1 <= amount <= most:
            raise InvalidInput("CAPTURE_OUT_OF_RANGE", field="amount_cents", reserved=format_amount(most))
        self._ask(Signal.CAPTURE, {"capture_cents": amount, "reason": ""})

    def release(self) -> None:
        """Give a reservation back to the customer.

        Raises:
            NotAllowedNow: Nothing is reserved.
        """
        self._ask(Signal.RELEASE, {"reason": ""})

    def settle_surplus(self, by: str, reason: str) -> None:
        """Take a surplus off the list that the provider does not give back: a person answers for it.

        Args:
            by: Who decides, 1 to 50 characters; journaled.
            reason: What became of the money, 1 to 200 characters; journaled.

        Raises:
            InvalidInput: One of the texts cannot be used.
            NotAllowedNow: There is no surplus.
        """
        check_reference(by, "by", limit=50)
        check_reference(reason, "reason", limit=200)
        attempt = self._attempt
        if not attempt.surplus_cents and attempt.reason != "SURPLUS_UNREADABLE":
            raise NotAllowedNow(action="settle_surplus", state=attempt.state.value)
        settled = {"surplus_cents": 0, "surplus_by": by, "surplus_why": reason, "rival": None, "reason": ""}
        self._ask(Signal.SURPLUS_SETTLED, settled)

    def release_line(self, by: str, reason: str = "") -> None:
        """Free the line of the sale although the provider cannot be asked: a supervisor answers for it.

        The attempt stays watched and listed: when the provider can be asked again it is cancelled, and money that came
        all the same is told.

        Args:
            by: Who decides, 1 to 50 characters; journaled.
            reason: Why, up to 200 characters; journaled. Needed before the request has expired.

        Raises:
            InvalidInput: One of the texts cannot be used.
            NotAllowedNow: `LINE_NOT_RELEASABLE`: without a reason, only after the expiry and a margin. Or it is over.
        """
        check_reference(by, "by", limit=50)
        check_reference(reason, "reason", limit=200, optional=True)
        self._check(Signal.RELEASE_LINE)
        if not reason:
            free_at = releasable_at(self._attempt)
            if not self._engine.is_past(free_at):
                raise NotAllowedNow("LINE_NOT_RELEASABLE", at=local_time(free_at))
        self._ask(Signal.RELEASE_LINE, {"released_by": by, "released_why": reason})

    def reverse(self) -> None:
        """Give the money back to the customer, within the provider's window of four hours.

        Raises:
            NotAllowedNow: Nothing is paid; or `REVERSAL_TOO_LATE`: the window is over by the provider's clock.
        """
        self._check(Signal.REVERSE)
        self._engine.check_window(self)
        self._ask(Signal.REVERSE, {})

    def ticket(
        self,
        *,
        copy: str = MERCHANT_COPY,
        language: Language = "fr",
        shop: Sequence[str] = (),
        duplicate: bool = False,
    ) -> Ticket:
        """Write the ticket, for a till that prints it itself: see `Ticket.lines`, `Ticket.text` and `Ticket.html`.

        Args:
            copy: Whose copy it is: a `TicketCopy`, or its text.
            language: French or English.
            shop: The shop's name and address lines; none where the till's own receipt has them.
            duplicate: Whether it may have been printed before: it says *DUPLICATA*.

        Returns:
            The ticket of an operation that is over or reserved; the slip of a deferred request that waits for its customer.

        Raises:
            InvalidInput: `CHOICE_UNKNOWN`: there is no such copy.
            NotAllowedNow: `NO_TICKET`: it goes on, or was never created.
        """
        return ticket_of(self._attempt, copy=copy, language=language, shop=shop, duplicate=duplicate)

    def reprint(self, copy: str = MERCHANT_COPY) -> None:
        """Print the ticket again; it says *DUPLICATA* unless it is certain that none of this copy came out. Returns at once.

        What becomes of it is told by `TicketPrinted`. A printer that is not ready is waited for.

        Args:
            copy: Whose copy, *COPIE COMMERÇANT* or *COPIE CLIENT*.

        Raises:
            InvalidInput: `CHOICE_UNKNOWN`: there is no such copy.
            NotAllowedNow: `NO_TICKET`: the operation has none as it stands. `NO_PRINTER`, `STATION_CLOSED`.
        """
        self._engine.reprint(self, copy)

    def acknowledge(self, *, settled_otherwise: bool = False) -> None:
        """Say that the till has recorded the outcome; it is not delivered again. Durable when it returns. Idempotent.

        Args:
            settled_otherwise: The line was paid by other means. Money that comes late all the same goes back to the
                customer before the window ends, unless somebody keeps it.

        Raises:
            NotAllowedNow: There is no outcome yet; or `OUTCOME_CHANGED`: it is no more the one that was looked at.
            JournalError: It could not be written.
        """
        self._engine.acknowledge(self, settled_otherwise=settled_otherwise)

    # --- for the engine ---------------------------------------------------------------------------------------------

    def _ask(self, signal: Signal, data: Mapping[str, Any]) -> None:
        self._check(signal)
        with self._condition:
            self._asked += 1
        try:
            self._engine.post(self, signal, data)
        except BaseException:
            self.taken_up()
            raise

    def _check(self, signal: Signal) -> None:
        attempt = self._attempt
        if self._closed:
            raise NotAllowedNow("STATION_CLOSED")
        if step(attempt.state, signal) is None:
            raise NotAllowedNow(action=signal.value.lower(), state=attempt.state.value)

    def advance(self, attempt: Attempt) -> None:
        """Take a new state; called by the engine after the journal has it, with its lock held."""
        with self._condition:
            self._attempt = attempt
            self._wake()

    def hold(self) -> None:
        """Keep the payment from being over until `publish` has counted its tickets."""
        with self._condition:
            self._tickets_due += 1

    def begin_step(self) -> None:
        """Keep the payment from being over, and what comes after a step from being told before it."""
        with self._condition:
            self._tickets_due += 1
            self._behind = []

    def end_step(self, events: tuple[Event, ...], attempt: Attempt) -> None:
        """Tell a step, then what came meanwhile; its tickets are still to be counted by `publish`.

        Args:
            events: What the step means to the till.
            attempt: How it left the payment.
        """
        with self._condition:
            behind, self._behind = self._behind or [], None
            self._tell([(event, attempt) for event in events] + behind)

    def publish(self, events: tuple[Event, ...], *, tickets: int = 0) -> None:
        """Tell events, and how many more tickets are due."""
        with self._condition:
            self._tickets_due += tickets
            told = [(event, self._attempt) for event in events]
            if self._behind is None:
                self._tell(told)
            else:
                self._behind += told

    def _tell(self, told: Sequence[tuple[Event, Attempt]]) -> None:
        """Tell events, each with how the payment stood; the condition is held."""
        self._events.extend(told)
        for listener in self._listeners:
            for event, attempt in told:
                self._engine.tell(self._showing(listener, attempt), event)
        self._wake()

    def taken_up(self) -> None:
        """Note that the engine has done a step that the till asked for."""
        with self._condition:
            self._asked -= 1
            self._wake()

    def _wake(self) -> None:
        """Wake up whoever waits, in threads and in event loops; the condition is held."""
        self._condition.notify_all()
        for waker in self._wakers:
            waker()

    def shut(self) -> None:
        """Wake up whoever waits: the station closes."""
        with self._condition:
            self._closed = True
            self._wake()

    def has_shown(self, attempt: Attempt) -> bool:
        """Whether the till, if it has looked at all, has seen this result."""
        shown = self._shown
        return shown is None or _result(shown) == _result(attempt)

    def _has_result(self) -> bool:
        return self._closed or (Outcome.of(self._attempt) is not None and not self._asked)

    def _over(self) -> bool:
        return self._closed or (self._attempt.is_final and not self._asked and self._tickets_due <= 0)

    def _next(self, timeout_s: float | None) -> Event | None:
        with self._condition:
            self._wait(lambda: self._told < len(self._events) or self._over(), timeout_s)
            if self._told == len(self._events):
                self._shown = self._attempt
                return None
            event, self._shown = self._events[self._told]
            self._told += 1
            return event

    def _wait(self, ready: Callable[[], bool], timeout_s: float | None) -> None:
        clock = self._engine.clock
        deadline = None if timeout_s is None else clock.monotonic() + timeout_s
        while not ready():
            left = None if deadline is None else deadline - clock.monotonic()
            if left is not None and not left > 0:  # NaN is no time either
                raise WaitTimeout
            clock.wait(self._condition, None if left is None else min(left, _LONG_S))


def _result(attempt: Attempt) -> tuple[object, ...]:
    return attempt.state, attempt.received_cents, attempt.surplus_cents
