"""The ticket printer as a display of last resort: `printer:tcp://192.168.1.50:9100?profile=80mm` prints the QR on a slip.

What follows `printer:` is a printer as in `[printer]`, with the same settings. It may be the one that prints the tickets: each
opens its link for one job only. Paper cannot be cleared: the slip says until when it is valid. The same QR is printed once.
"""

from __future__ import annotations

import hashlib
import textwrap
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cvconnect_drivers.displays.picture import open_picture, read_text
from cvconnect_drivers.errors import ContentError, DriverError, NotClaimedError, PackageMissingError
from cvconnect_drivers.printers import picture, printer
from cvconnect_drivers.qr import modules_for
from cvconnect_drivers.shapes import Align, Document, Health, HealthLevel, PrintResult, Prompt, Surface
from cvconnect_drivers.urls import parse_url

NO_RECEIPT: Final = ("Ceci n’est pas un reçu.", "This is not a receipt.")
"""Said on each slip, because it looks like one; a driver does not know the customer's language."""

MOST_MODULES: Final = 85
"""On a side: 500 characters. More are so small on a roll of 58 mm that a telephone reads them only when it is held still and near;
measured with zxing-cpp on slips at half their size, blurred and askew."""

_CANNOT_BE_PRINTED: Final = frozenset({"QR_TOO_DENSE", "QR_CONTENT"})


class Printer(Protocol):
    """What a slip needs of a printer."""

    def claim(self, *, timeout_s: float) -> None:
        """Prepare the device."""
        ...

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> PrintResult:
        """Print, cut, and say what is known of it."""
        ...

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell what is known of the device."""
        ...

    def release(self) -> None:
        """Give the device back."""
        ...


@dataclass(frozen=True, slots=True)
class SlipLine:
    """One line of a slip."""

    text: str = ""
    align: Align = "center"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


class Slip:
    """What is printed for one prompt.

    Args:
        prompt: The prompt.
        payload: What its QR holds.
    """

    def __init__(self, prompt: Prompt, payload: str) -> None:
        self._prompt = prompt
        self._payload = payload

    def lines(self, columns: int) -> Sequence[SlipLine]:
        """Lay the slip out.

        Args:
            columns: Of the paper.

        Returns:
            The lines.
        """
        prompt = self._prompt
        return [
            *_paragraph(prompt.notice, columns, bold=True),
            *_paragraph(prompt.shop, columns),
            *_paragraph(prompt.title, columns, bold=True),
            SlipLine(),
            *_paragraph(prompt.amount, columns, bold=True, large=True),
            SlipLine(qr=self._payload),
            *_paragraph(prompt.instruction, columns),
            *_paragraph(prompt.detail, columns),
            *_paragraph(prompt.expires_text, columns, bold=True),
            SlipLine(),
            *_paragraph(prompt.basket_ref, columns),
            *map(SlipLine, NO_RECEIPT),
            *_paragraph(prompt.notice, columns, bold=True),
        ]


class PaperDisplay:
    """A display that is paper.

    Args:
        name: The URL it was made from.
        printer: Who prints.
    """

    def __init__(self, name: str, printer: Printer) -> None:
        self._name = name
        self._printer = printer
        self._lock = threading.Lock()
        self._claimed = False
        self._printed: str | None = None

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    def claim(self, *, timeout_s: float) -> None:
        """Prepare the printer; it may be away.

        Args:
            timeout_s: Seconds to ask it for its state.
        """
        with self._lock:
            if not self._claimed:
                self._printer.claim(timeout_s=timeout_s)
                self._claimed, self._printed = True, None

    def show(self, prompt: Prompt, *, timeout_s: float) -> Surface:
        """Print the QR of a prompt, if it has one that is not on paper yet.

        Args:
            prompt: What to show.
            timeout_s: Seconds to print it.

        Returns:
            `qr` when the slip is printed; `none` without a QR, or with one that no telephone would read on paper.

        Raises:
            DriverError: The slip is not known to be printed: the printer's reason (`PAPER_END`, `NO_ANSWER`, ...).
            NotClaimedError: The display is not claimed.
            PackageMissingError: What a provider's picture is read with is not installed.
        """
        payload = _payload(prompt)
        with self._lock:
            if not self._claimed:
                raise NotClaimedError(self._name)
            if payload is None or not _can_be_scanned(payload):
                return "none"
            if payload != self._printed:
                job_id = f"qr-{hashlib.sha256(payload.encode('utf-8', 'replace')).hexdigest()[:16]}"
                result = self._printer.print(Slip(prompt, payload), job_id=job_id, timeout_s=timeout_s)
                if result.reason in _CANNOT_BE_PRINTED:
                    return "none"
                if result.outcome != "printed":
                    raise _not_printed(result)
                self._printed = payload
        return "qr"

    def clear(self, *, timeout_s: float) -> None:
        """Do nothing: paper cannot be cleared.

        Args:
            timeout_s: Unused.
        """

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell what is known of the printer.

        Args:
            level: As the printer takes it.

        Returns:
            What is known.
        """
        return self._printer.check_health(level)

    def release(self) -> None:
        """Give the printer back; a slip that is being printed ends within a second. Idempotent."""
        self._claimed = False
        self._printer.release()


def open_display(url: str, options: Mapping[str, object]) -> PaperDisplay:
    """Make a display that prints; nothing is opened before `claim`.

    Args:
        url: `printer:` and the URL of a printer: `printer:tcp://192.168.1.50:9100`, `printer:usb:`.
        options: That printer's settings, as in the URL's query.

    Returns:
        The display, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    parse_url(url, {"printer"})
    printers_url = url.removeprefix("printer:")
    is_folder = printers_url.startswith("image:")
    open_printer = picture.open_printer if is_folder else printer.open_printer
    return PaperDisplay(url, open_printer(printers_url, options))


def _payload(prompt: Prompt) -> str | None:
    """Find what the QR holds; a provider's picture is read, so that it comes out as sharp as one of ours."""
    if prompt.qr_png is None:
        return prompt.qr_payload
    try:
        return read_text(open_picture(prompt.qr_png)) or prompt.qr_payload
    except ContentError:
        return prompt.qr_payload
    except ImportError as error:
        raise PackageMissingError("pillow") from error


def _can_be_scanned(payload: str) -> bool:
    try:
        return modules_for(payload) <= MOST_MODULES
    except ContentError:
        return False


def _paragraph(text: str, columns: int, *, bold: bool = False, large: bool = False) -> Iterator[SlipLine]:
    # A provider's message must not keep the QR from being printed.
    shown = "".join(" " if unicodedata.category(each) == "Cc" else each for each in text)
    for line in textwrap.wrap(shown, max(columns // (2 if large else 1), 1), break_on_hyphens=False):
        yield SlipLine(line, bold=bold, large=large)


def _not_printed(result: PrintResult) -> DriverError:
    reason = result.reason or "NO_ANSWER"
    return DriverError(reason, fr=result.detail, en=f"The QR is not known to be printed ({result.outcome})")
