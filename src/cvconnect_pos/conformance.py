"""What every scanner, display and printer must do, as suites that a driver's own tests run.

```python
def test_my_scanner() -> None:
    check_scanner(lambda: open_my_scanner("my:port", {}), my_simulator.send_label)
```

Each suite makes fresh devices, plays with them, gives them back, and raises `AssertionError` with a sentence that says which
promise of `cvconnect_pos.peripherals` is broken. Any other exception that comes out is itself a broken promise.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import get_args

from cvconnect_pos.peripherals import (
    Align,
    Display,
    Document,
    Health,
    HealthLevel,
    HealthState,
    PaymentPrompt,
    Printer,
    PrintLine,
    PrintOutcome,
    PrintResult,
    PromptState,
    ScannedLabel,
    Scanner,
    Surface,
)

TIMEOUT_S = 5.0
"""Given to every call; a device that needs longer would keep a customer waiting."""

RELEASE_S = 1.0
"""A till that closes waits no longer for a device."""

SLACK_S = 0.5
"""For a busy machine."""

_STEP_S = 0.005
_STATES: tuple[PromptState, ...] = get_args(PromptState)
_LEVELS: tuple[HealthLevel, ...] = get_args(HealthLevel)
_FIRST, _SECOND, _THIRD = "20000000016", "20000000027", "20000000038"
_PRODUCT = "3760001234567"


# --- Scanners -------------------------------------------------------------------------------------------------------


def check_scanner(make: Callable[[], Scanner], feed: Callable[[str], None]) -> None:
    """Check a scanner's driver.

    Args:
        make: Gives a fresh, unclaimed scanner, its counterpart free of the one before.
        feed: Makes that counterpart send one label with this text, framed as it does.

    Raises:
        AssertionError: A promise is broken.
    """
    for check in (
        _scanner_has_its_shape,
        _scanner_delivers_one_label_and_disarms,
        _scanner_drops_labels_that_nobody_armed,
        _scanner_is_silent_once_disarmed,
        _scanner_refuses_product_codes,
        _scanner_may_be_armed_again_from_its_callback,
        _scanner_survives_a_callback_that_raises,
        _scanner_is_silent_once_released,
        _scanner_may_be_claimed_again,
    ):
        check(make, feed)


def _scanner_has_its_shape(make: Callable[[], Scanner], feed: Callable[[str], None]) -> None:
    del feed
    scanner = make()
    _has_shape(scanner, Scanner)
    _release_is_idempotent(scanner)
    with _claimed_scanner(scanner):
        _check_health(scanner)
        counts = scanner.statistics()
        for name in ("delivered", "refused", "dropped"):
            _promise(counts.get(name) == 0, f"statistics() of a fresh scanner says {name}=0")
    _check_health(scanner)


def _scanner_delivers_one_label_and_disarms(make: Callable[[], Scanner], feed: Callable[[str], None]) -> None:
    with _claimed_scanner(make()) as scanner:
        labels = _Labels(scanner)
        feed(_FIRST)
        label = labels.next()
        _promise(label.text == _FIRST, "a label's text is what the scanner read, without its framing")
        _promise(label.refusal is None, "11 digits are not refused")
        _promise(_count(scanner, "delivered", 1), "statistics() counts a delivered label")
        feed(_SECOND)
        _promise(_count(scanner, "dropped", 1), "a scanner disarms itself once it has delivered a label")
        labels.no_more()


def _scanner_drops_labels_that_nobody_armed(make: Callable[[], Scanner], feed: Callable[[str], None]) -> None:
    with _claimed_scanner(make()) as scanner:
        feed(_FIRST)
        _promise(
            _count(scanner, "dropped", 1), "statistics() counts a label that came while nothing was armed"
        )
        labels = _Labels(scanner)
        feed(_SECOND)
        _promise(labels.next().text == _SECOND, "a label read before arming is never delivered after it")


def _scanner_is_silent_once_disarmed(make: Callable[[], Scanner], feed: Callable[[str], None]) -> None:
    with _claimed_scanner(make()) as scanner:
        labels = _Labels(scanner)
        scanner.disarm()
        scanner.disarm()
        feed(_FIRST)
        _promise(_count(scanner, "dropped", 1), "a disarmed scanner drops its labels and counts them")
        labels.no_more()


def _scanner_refuses_product_codes(make: Callable[[], Scanner], feed: Callable[[str], None]) -> None:
    with _claimed_scanner(make()) as scanner:
        labels = _Labels(scanner)
        feed(_PRODUCT)
        _promise(labels.next().refusal == "PRODUCT_CODE", "13 digits are refused as PRODUCT_CODE")
        _promise(_count(scanner, "refused", 1), "statistics() counts a refused label")


def _scanner_may_be_armed_again_from_its_callback(
    make: Callable[[], Scanner], feed: Callable[[str], None]
) -> None:
    with _claimed_scanner(make()) as scanner:
        later: list[_Labels] = []
        armed = threading.Event()

        def rearm(_label: ScannedLabel) -> None:
            later.append(_Labels(scanner))
            armed.set()

        scanner.arm(rearm)
        feed(_FIRST)
        _promise(armed.wait(TIMEOUT_S), "arm() may be called from the callback")
        feed(_SECOND)
        _promise(later[0].next().text == _SECOND, "a scanner armed from its callback delivers the next label")


def _scanner_survives_a_callback_that_raises(
    make: Callable[[], Scanner], feed: Callable[[str], None]
) -> None:
    with _claimed_scanner(make()) as scanner:

        def stumble(_label: ScannedLabel) -> None:
            raise RuntimeError("a till's mistake")

        scanner.arm(stumble)
        feed(_FIRST)
        _promise(_count(scanner, "delivered", 1), "a label is counted even if its callback raises")
        labels = _Labels(scanner)
        feed(_THIRD)
        _promise(labels.next().text == _THIRD, "a callback that raises does not deafen the scanner")


def _scanner_is_silent_once_released(make: Callable[[], Scanner], feed: Callable[[str], None]) -> None:
    del feed
    scanner = make()
    with _claimed_scanner(scanner):
        labels = _Labels(scanner)
        started = time.monotonic()
        scanner.release()
        took_s = time.monotonic() - started
        _promise(
            took_s < RELEASE_S + SLACK_S, f"release() returns within {RELEASE_S} s (took {took_s:.1f} s)"
        )
        labels.no_more()


def _scanner_may_be_claimed_again(make: Callable[[], Scanner], feed: Callable[[str], None]) -> None:
    scanner = make()
    with _claimed_scanner(scanner):
        pass
    with _claimed_scanner(scanner):
        labels = _Labels(scanner)

        def again() -> bool:
            feed(_FIRST)
            return labels.came_within(1.0)

        # A counterpart that has not yet noticed the first release loses a label or two: no fault of the driver.
        _promise(any(again() for _ in range(5)), "a scanner that was released may be claimed again")


class _Labels:
    """Arms a scanner and keeps what it delivers."""

    def __init__(self, scanner: Scanner) -> None:
        self._came: queue.SimpleQueue[ScannedLabel] = queue.SimpleQueue()
        scanner.arm(self._came.put)

    def next(self) -> ScannedLabel:
        try:
            return self._came.get(timeout=TIMEOUT_S)
        except queue.Empty:
            raise AssertionError(f"an armed scanner delivers the next label (waited {TIMEOUT_S} s)") from None

    def came_within(self, timeout_s: float) -> bool:
        try:
            self._came.get(timeout=timeout_s)
        except queue.Empty:
            return False
        return True

    def no_more(self) -> None:
        _promise(self._came.empty(), "a scanner delivers only while it is armed, and once")


@contextmanager
def _claimed_scanner(scanner: Scanner) -> Generator[Scanner, None, None]:
    scanner.claim(on_status=_ignore, timeout_s=TIMEOUT_S)
    try:
        ready = _until(lambda: scanner.check_health().state == "ready")
        _promise(ready, "a claimed scanner whose counterpart is there becomes ready")
        yield scanner
    finally:
        scanner.release()


def _ignore(_health: Health) -> None:
    """Hear nothing."""


def _count(scanner: Scanner, name: str, expected: int) -> bool:
    return _until(lambda: scanner.statistics()[name] == expected)


# --- Displays -------------------------------------------------------------------------------------------------------


def check_display(make: Callable[[], Display]) -> None:
    """Check a display's driver.

    Args:
        make: Gives a fresh, unclaimed display.

    Raises:
        AssertionError: A promise is broken.
    """
    display = make()
    _has_shape(display, Display)
    _release_is_idempotent(display)
    display.claim(timeout_s=TIMEOUT_S)
    try:
        _check_health(display)
        display.clear(timeout_s=TIMEOUT_S)
        for prompt, allowed, promise in _prompts():
            started = time.monotonic()
            surface = display.show(prompt, timeout_s=TIMEOUT_S)
            _promise(time.monotonic() - started < TIMEOUT_S + SLACK_S, "show() keeps its deadline")
            _promise(surface in allowed, f"{promise} (show() returned {surface!r})")
        display.clear(timeout_s=TIMEOUT_S)
        display.clear(timeout_s=TIMEOUT_S)
        _promise(
            display.show(_words("waiting"), timeout_s=TIMEOUT_S) != "qr",
            "a display shows again after clear()",
        )
        _check_health(display)
    finally:
        display.release()
    _release_is_idempotent(display)
    display.claim(timeout_s=TIMEOUT_S)
    display.release()


def _words(state: PromptState) -> PaymentPrompt:
    return PaymentPrompt(
        state,
        title="Chèque-Vacances Connect",
        amount="1 234,50 €",
        instruction="Présentez votre identifiant à la caisse, s’il vous plaît.",
        detail="Reste à payer : 15,50 €",
        shop="L’Œuf à la coque",
        basket_ref="REF253",
        expires_text="Valable jusqu’à 14:05",
        notice="SIMULATION - SANS VALEUR",
    )


def _prompts() -> Iterator[tuple[PaymentPrompt, tuple[Surface, ...], str]]:
    some: tuple[Surface, ...] = get_args(Surface)
    words: tuple[Surface, ...] = ("text", "none")
    for state in _STATES:
        yield _words(state), words, "a prompt without a QR never counts as a QR"
    yield PaymentPrompt("idle"), words, "an empty prompt never counts as a QR"
    payload = "https://example.invalid/p/0123456789"
    yield PaymentPrompt("waiting", amount="45,50 €", qr_payload=payload), some, "show() returns a Surface"
    yield PaymentPrompt("waiting", qr_payload="x" * 4000), words, "a QR that no code can hold is not shown"
    yield PaymentPrompt("waiting", qr_png=b"no picture"), words, "a picture that cannot be read is not shown"
    yield (
        PaymentPrompt("waiting", instruction="mot " * 400, shop="long " * 40),
        words,
        "long texts are no reason to fail",
    )


# --- Printers -------------------------------------------------------------------------------------------------------


def check_printer(make: Callable[[], Printer], *, confirms: bool = True) -> None:
    """Check a printer's driver.

    Args:
        make: Gives a fresh, unclaimed printer; each time at the same counterpart, which has paper.
        confirms: Whether this printer can know that a ticket came out; one that cannot must never say so.

    Raises:
        AssertionError: A promise is broken.
    """
    out: PrintOutcome = "printed" if confirms else "unknown"
    _printer_prints_documents(make(), out)
    _printer_is_given_back_and_claimed_again(make(), out)
    _printer_serves_several_threads(make(), out)
    _printer_is_given_back_in_mid_job(make())


def _printer_prints_documents(printer: Printer, out: PrintOutcome) -> None:
    _has_shape(printer, Printer)
    _release_is_idempotent(printer)
    _promise(printer.columns > 0, "columns is the number of characters on a line")
    with _claimed_printer(printer):
        _check_health(printer)
        for number, (document, allowed, promise) in enumerate(_documents(out)):
            result = _print(printer, document, f"check-{number}")
            _promise(result.outcome in allowed, f"{promise} (print() said {result.outcome}, {result.reason})")
            _promise(
                set(document.asked) == {printer.columns}, "a document is laid out for the printer's columns"
            )
        _check_health(printer)
        _print(printer, _Paper(_Line("aussitôt")), "no-time", timeout_s=0.0)


def _printer_is_given_back_and_claimed_again(printer: Printer, out: PrintOutcome) -> None:
    never = _print(printer, _Paper(_Line("trop tôt")), "early")
    _promise(never.outcome == "not_sent", "a printer that was not claimed prints nothing, and says so")
    with _claimed_printer(printer):
        pass
    _release_is_idempotent(printer)
    late = _print(printer, _Paper(_Line("trop tard")), "late")
    _promise(late.outcome == "not_sent", "a printer that was released prints nothing, and says so")
    with _claimed_printer(printer):
        again = _print(printer, _Paper(_Line("encore")), "again")
    _promise(again.outcome == out, "a printer that was released may be claimed again")


def _printer_serves_several_threads(printer: Printer, out: PrintOutcome) -> None:
    """One at a time, or told to come back: never two tickets on one slip."""
    results: queue.SimpleQueue[PrintResult] = queue.SimpleQueue()

    def job(number: int) -> None:
        results.put(_print(printer, _Paper(_Line(f"Caisse {number}")), f"thread-{number}"))

    with _claimed_printer(printer):
        threads = [threading.Thread(target=job, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        _check_health(printer)
        for thread in threads:
            thread.join(TIMEOUT_S + 2 * SLACK_S)
        _promise(
            results.qsize() == len(threads), "print() may be called from several threads, and ends in each"
        )
        outcomes = {results.get().outcome for _ in threads}
    _promise(
        outcomes <= {out, "not_sent"} and out in outcomes,
        f"of tickets printed at once each comes out or is not sent ({', '.join(sorted(outcomes))})",
    )


def _printer_is_given_back_in_mid_job(printer: Printer) -> None:
    ended = threading.Event()

    def job() -> None:
        _print(printer, _Paper(*(_Line(f"Ligne {number}") for number in range(200))), "given-back")
        ended.set()

    with _claimed_printer(printer):
        thread = threading.Thread(target=job)
        thread.start()
        started = time.monotonic()
        printer.release()
        took_s = time.monotonic() - started
        thread.join(TIMEOUT_S + 2 * SLACK_S)
    _promise(took_s < RELEASE_S + SLACK_S, f"release() returns within {RELEASE_S} s (took {took_s:.1f} s)")
    _promise(ended.is_set(), "a job during which the printer is given back ends with a result")


@contextmanager
def _claimed_printer(printer: Printer) -> Generator[None, None, None]:
    printer.claim(timeout_s=TIMEOUT_S)
    try:
        yield
    finally:
        printer.release()


def _print(
    printer: Printer, document: Document, job_id: str, *, timeout_s: float | None = None
) -> PrintResult:
    timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
    started = time.monotonic()
    result = printer.print(document, job_id=job_id, timeout_s=timeout_s)
    _promise(time.monotonic() - started < timeout_s + SLACK_S, "print() keeps its deadline")
    _promise(result.outcome in get_args(PrintOutcome), "print() returns one of the three outcomes")
    _promise(
        (result.reason is None) == (result.outcome == "printed"),
        "print() gives a reason exactly when the job did not come out",
    )
    _promise(
        bool(result.detail) == (result.outcome != "printed"),
        "print() gives a sentence for the cashier exactly when the job did not come out",
    )
    return result


@dataclass(frozen=True, slots=True)
class _Line:
    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


class _Paper:
    """A document that remembers for how many columns it was asked."""

    def __init__(self, *lines: PrintLine) -> None:
        self._lines = lines
        self.asked: list[int] = []

    def lines(self, columns: int) -> Sequence[PrintLine]:
        self.asked.append(columns)
        return self._lines


def _documents(out: PrintOutcome) -> Iterator[tuple[_Paper, tuple[PrintOutcome, ...], str]]:
    ticket = (
        _Line("CHÈQUE-VACANCES CONNECT", "center", bold=True),
        _Line("À PAYER", "center", bold=True, large=True),
        _Line("L’Œuf à la coque", "center"),
        _Line(),
        _Line("Montant réglé 1 234,50 €", "right", bold=True),
        _Line(qr="https://example.invalid/p/0123456789", align="center"),
        _Line("Août – garçon, naïf, forêt…"),
    )
    yield _Paper(*ticket), (out,), "a ticket in French comes out"
    yield _Paper(_Line(image=_LOGO, align="center"), *ticket), (out,), "a ticket with a logo comes out"
    for picture in (b"", b"no picture", _LOGO[:-20]):
        damaged = _Paper(_Line(image=picture), *ticket)
        yield damaged, (out,), "a ticket comes out without its logo when that cannot be read"
    yield _Paper(*(_Line(f"Ligne {number}") for number in range(200))), (out,), "a long ticket comes out"
    yield _Paper(), (out,), "an empty document is no fault"
    anything: tuple[PrintOutcome, ...] = (out, "not_sent")
    for text in ("\U0001f3d6 vacances", "ДОБРО Ω", "x" * 10_000):
        yield _Paper(_Line(text)), anything, "a text that no printer has is no reason to raise"
    yield _Paper(_Line(qr="x" * 4000)), anything, "a QR that no code can hold is no reason to raise"
    for text in ("\x1b@", "a\nb", "\x9b", "\x00"):
        yield _Paper(_Line(text)), ("not_sent",), "a control character is refused before anything is sent"


_LOGO = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000008000000080100000000ec748326"
    "000000184944415478da63a867726052601260e260626162626204000d74010de68b5e0b0000000049454e44ae426082"
)
"""A picture of 8 by 8 dots."""


# --- All devices ----------------------------------------------------------------------------------------------------


def _promise(kept: bool, promise: str) -> None:  # noqa: FBT001 (reads as a sentence)
    if not kept:
        raise AssertionError(promise)


def _has_shape(device: Scanner | Display | Printer, protocol: type) -> None:
    _promise(
        isinstance(device, protocol), f"a {protocol.__name__.lower()} has every member of {protocol.__name__}"
    )
    _promise(bool(device.name), "name is the URL that the device was made from")


def _release_is_idempotent(device: Scanner | Display | Printer) -> None:
    device.release()
    device.release()


def _check_health(device: Scanner | Display | Printer) -> None:
    for level in _LEVELS:
        started = time.monotonic()
        health = device.check_health(level)
        _promise(time.monotonic() - started < TIMEOUT_S, f"check_health({level!r}) never blocks a sale")
        _promise(health.state in get_args(HealthState), "a health state is one of the four")
        _promise(bool(health.detail), "a health has a sentence for the person at the till")


def _until(condition: Callable[[], bool]) -> bool:
    pause, deadline = threading.Event(), time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() >= deadline:
            return False
        pause.wait(_STEP_S)
    return True
