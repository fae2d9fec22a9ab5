"""What the drivers read and hand back: the shapes they share with the SDK, without importing it."""

# ruff: noqa: D102 (the fields are told where the SDK declares them)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

HealthState: TypeAlias = Literal["ready", "degraded", "absent", "unknown"]
HealthLevel: TypeAlias = Literal["internal", "external", "interactive"]
Surface: TypeAlias = Literal["qr", "text", "none"]
PrintOutcome: TypeAlias = Literal["printed", "not_sent", "unknown"]
PromptState: TypeAlias = Literal[
    "idle", "waiting", "seen", "paid", "partial", "refused", "expired", "cancelled", "check"
]
Language: TypeAlias = Literal["fr", "en"]
Align: TypeAlias = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a device, and a French sentence for the person at the till."""

    state: HealthState
    detail: str


@dataclass(frozen=True, slots=True)
class PrintResult:
    """What became of a print job.

    Args:
        outcome: Printed, not sent, or unknown.
        reason: A stable code, None when printed.
        detail: A French sentence for the person at the till, empty when printed.
    """

    outcome: PrintOutcome
    reason: str | None = None
    detail: str = ""


class Prompt(Protocol):
    """One thing to show the customer, complete and in their language."""

    @property
    def state(self) -> PromptState: ...
    @property
    def title(self) -> str: ...
    @property
    def amount(self) -> str: ...
    @property
    def instruction(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def shop(self) -> str: ...
    @property
    def basket_ref(self) -> str: ...
    @property
    def qr_payload(self) -> str | None: ...
    @property
    def qr_png(self) -> bytes | None: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def expires_text(self) -> str: ...
    @property
    def notice(self) -> str: ...
    @property
    def language(self) -> Language: ...


class Line(Protocol):
    """One line of paper."""

    @property
    def text(self) -> str: ...
    @property
    def align(self) -> Align: ...
    @property
    def bold(self) -> bool: ...
    @property
    def large(self) -> bool: ...
    @property
    def qr(self) -> str | None: ...
    @property
    def image(self) -> bytes | None: ...


class Document(Protocol):
    """What a printer is given."""

    def lines(self, columns: int) -> Sequence[Line]:
        """Lay the document out for paper of this many columns."""
        ...
