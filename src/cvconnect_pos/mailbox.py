"""What the engine keeps of a payment that is not for the journal: its mailbox, its customer in clear, its timers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import Command, Signal, State
from cvconnect_pos.core.print_jobs import Copy
from cvconnect_pos.identifiers import Beneficiary
from cvconnect_pos.payment import Payment


class Devices(Protocol):
    """What carries out the commands that are not calls. Its methods return at once."""

    def carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:
        """Start a command; say how many tickets it will report on."""
        ...


class Printing(Protocol):
    """What prints tickets, and answers for them in the journal."""

    def copies(self, state: State) -> Sequence[Copy]:
        """Say whose copies come out by themselves when this state is entered."""
        ...

    def reprint(self, payment: Payment, copy: str) -> None:
        """Print a ticket because a person asks for it. See `Payment.reprint`."""
        ...


class NoDevices:
    """A till that shows and prints by itself."""

    def carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:  # noqa: ARG002
        """Do nothing."""
        return 0


@dataclass(frozen=True, slots=True)
class Happened:
    """A signal in the mailbox.

    Args:
        signal: What happened.
        data: What became known.
        beneficiary: The customer in clear, with the signal that names them.
        asked: Whether the till waits for it to be taken up.
    """

    signal: Signal
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    beneficiary: Beneficiary | None = None
    asked: bool = False


Item: TypeAlias = Happened | Command | Callable[[], object]
"""What a mailbox takes: a signal, a call to make, or a function to run when all before it is done."""


@dataclass(slots=True)
class Box:
    """One payment in the engine.

    Args:
        payment: The till's handle.
        entered: When its phase began, on the monotonic clock.
        known: When the provider's id of its request was made, on the monotonic clock.
        rival_since: When its rival was given up, on the monotonic clock.
        ordered: When the order was given whose effect is waited for, on the monotonic clock.
        items: What is to be done, in order.
        busy: Whether somebody is doing it.
        beneficiary: The customer in clear, while this process knows them.
        poll: The number of the plan that counts: an older one is void.
        rival_poll: The same for the rival.
        expires: When the provider's expiry comes, on the monotonic clock.
        journal_trouble: Whether the till was told that the journal cannot be written.
        lease_until: Until when this process may act on it, on the monotonic clock.
        follows: Whether another process acts on it, and this one only looks.
        news: Whether something was taken in that another process has written, and nothing was judged by it yet.
        interrupted: Whether a restart found it shown, and the till has not come back to it yet.
        hinted: When it was last looked at because of a notification, on the monotonic clock.
    """

    payment: Payment
    entered: float
    known: float = 0.0
    rival_since: float = 0.0
    ordered: float = 0.0
    items: deque[Item] = field(default_factory=deque[Item])
    busy: bool = False
    beneficiary: Beneficiary | None = None
    poll: int = 0
    rival_poll: int = 0
    expires: float | None = None
    journal_trouble: bool = False
    lease_until: float = float("-inf")
    follows: bool = False
    news: bool = False
    interrupted: bool = False
    hinted: float = float("-inf")
