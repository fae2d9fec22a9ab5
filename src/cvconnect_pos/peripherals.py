"""The devices of a till, as the SDK meets them.

Drivers never import this module: they satisfy these protocols by their shape, so that a vendor's own driver, a
simulated one and ours plug in the same way. `conformance` holds the suite that each of them must pass.

The words are UnifiedPOS's: a device is *claimed* before use and *released* after it; a scanner is *armed* for one
label and disarms itself when it has delivered it (its *data event*).

Source: UnifiedPOS 1.15, chapter 1 (device model), chapters "POS Printer", "Line Display", "Scanner".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from cvconnect_pos.messages import Language

HealthState: TypeAlias = Literal["ready", "degraded", "absent", "unknown"]
"""`unknown` is a value of its own: it never blocks a sale and never means "ready"."""

HealthLevel: TypeAlias = Literal["internal", "external", "interactive"]
"""UnifiedPOS check health: what the driver knows; what the device answers; what a person must do."""

Surface: TypeAlias = Literal["qr", "text", "none"]
"""What the customer really sees: a QR that can be scanned, words only, or nothing."""

PrintOutcome: TypeAlias = Literal["printed", "not_sent", "unknown"]
"""`unknown` is never printed again without the mention *DUPLICATA*."""

PromptState: TypeAlias = Literal[
    "idle", "waiting", "seen", "paid", "partial", "refused", "expired", "cancelled", "check"
]
"""What a prompt is about; a display may colour it, it never has to understand it."""

Align: TypeAlias = Literal["left", "center", "right"]


class Health(Protocol):
    """The state of a device and a sentence about it, in French, for the person at the till."""

    @property
    def state(self) -> HealthState:
        """What is known."""
        ...

    @property
    def detail(self) -> str:
        """A sentence in French."""
        ...


@dataclass(frozen=True, slots=True)
class PaymentPrompt:
    """One thing to show the customer, complete and already in their language.

    Args:
        state: What it is about.
        title: The means of payment.
        amount: The amount in large type, or an empty text.
        instruction: What the customer should do, or what happened.
        detail: A second, smaller line (what remains to be paid).
        shop: The shop's name.
        basket_ref: The till's basket number.
        qr_payload: The text to encode, when the provider gave a text.
        qr_png: The picture to show, when the provider gave a ready picture.
        expires_at: When the QR must be gone (UTC), as the provider said.
        expires_text: The same as words.
        notice: A mention that must be visible (*SIMULATION - SANS VALEUR*).
        language: French or English: for a screen that reads its words aloud.
    """

    state: PromptState
    title: str = ""
    amount: str = ""
    instruction: str = ""
    detail: str = ""
    shop: str = ""
    basket_ref: str = ""
    qr_payload: str | None = None
    qr_png: bytes | None = None
    expires_at: datetime | None = None
    expires_text: str = ""
    notice: str = ""
    language: Language = "fr"


@runtime_checkable
class Display(Protocol):
    """A surface turned to the customer."""

    @property
    def name(self) -> str:
        """The URL it was made from."""
        ...

    def claim(self, *, timeout_s: float) -> None:
        """Take the device and clear what an earlier run may have left on it."""
        ...

    def show(self, prompt: PaymentPrompt, *, timeout_s: float) -> Surface:
        """Show this prompt instead of the last one, and say what the customer really sees."""
        ...

    def clear(self, *, timeout_s: float) -> None:
        """Show nothing. Idempotent."""
        ...

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell what is known of the device, without blocking a sale."""
        ...

    def release(self) -> None:
        """Clear, and give the device back. Idempotent."""
        ...


class ScannedLabel(Protocol):
    """One label, its framing, symbology identifier and envelope taken off."""

    @property
    def text(self) -> str:
        """What may be an identifier. Personal: never logged."""
        ...

    @property
    def symbology(self) -> str | None:
        """The AIM identifier, such as `]C0`, when the scanner sends it."""
        ...

    @property
    def refusal(self) -> str | None:
        """Why it cannot be an identifier (`PRODUCT_CODE`, ...), or None."""
        ...


@runtime_checkable
class Scanner(Protocol):
    """A *douchette*. Armed only while a payment waits for a customer."""

    @property
    def name(self) -> str:
        """The URL it was made from."""
        ...

    def claim(self, *, on_status: Callable[[Health], None], timeout_s: float) -> None:
        """Take the device; `on_status` hears when it is lost or found again."""
        ...

    def arm(self, on_label: Callable[[ScannedLabel], None]) -> None:
        """Deliver the next label, once, from the driver's thread and with no lock of the driver held; then disarm.

        Returns at once.
        """
        ...

    def disarm(self) -> None:
        """Deliver nothing more; a label in the middle of its bytes is dropped. Idempotent. Returns at once."""
        ...

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell what is known of the device, without blocking a sale."""
        ...

    def statistics(self) -> Mapping[str, int]:
        """Count labels delivered, refused, and dropped because nothing was armed."""
        ...

    def release(self) -> None:
        """Disarm, join the driver's thread, give the device back. Idempotent."""
        ...


class PrintLine(Protocol):
    """One line of paper."""

    @property
    def text(self) -> str:
        """At most as many characters as columns asked for (half as many when `large`)."""
        ...

    @property
    def align(self) -> Align:
        """Where the text stands."""
        ...

    @property
    def bold(self) -> bool:
        """Whether it is emphasised."""
        ...

    @property
    def large(self) -> bool:
        """Double width and height."""
        ...

    @property
    def qr(self) -> str | None:
        """A QR to print instead of the text."""
        ...

    @property
    def image(self) -> bytes | None:
        """A PNG to print instead of the text: the shop's logo."""
        ...


class Document(Protocol):
    """What a printer is given: lines, never bytes."""

    def lines(self, columns: int) -> Sequence[PrintLine]:
        """Lay the document out for paper of this many columns."""
        ...


class PrintResult(Protocol):
    """What became of a print job, and why, when it did not come out."""

    @property
    def outcome(self) -> PrintOutcome:
        """What became of it."""
        ...

    @property
    def reason(self) -> str | None:
        """A stable code such as `PAPER_END`, `COVER_OPEN`, `NO_ANSWER`; None when printed.

        `NO_ANSWER` says that the printer took all of an `unknown` ticket and did not confirm it. Any other code says that
        a part of it at most is on paper: then the station prints a *DUPLICATA* as soon as the printer is ready.
        """
        ...

    @property
    def detail(self) -> str:
        """A sentence in French for the cashier; empty when printed."""
        ...


@runtime_checkable
class Printer(Protocol):
    """A ticket printer."""

    @property
    def name(self) -> str:
        """The URL it was made from."""
        ...

    @property
    def columns(self) -> int:
        """Characters on a line of normal type."""
        ...

    def claim(self, *, timeout_s: float) -> None:
        """Prepare the device. A printer that is away now may come back: that is no error."""
        ...

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> PrintResult:
        """Print, cut, and say what is known of it. Never raises for a fault of the device."""
        ...

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell what is known of the device, without blocking a sale."""
        ...

    def release(self) -> None:
        """Give the device back. Idempotent."""
        ...


ScannerFactory: TypeAlias = Callable[[str, Mapping[str, object]], Scanner]
DisplayFactory: TypeAlias = Callable[[str, Mapping[str, object]], Display]
PrinterFactory: TypeAlias = Callable[[str, Mapping[str, object]], Printer]
"""What the entry points name: the device's URL and its table of the station file in, an unclaimed device out."""
