"""A ticket torn at every byte, on every link, and printed again: the paper holds one good ticket, or one good duplicate, and
nothing that could be taken for one.

Good is what the paper says: all lines of the ticket, in order, and a QR that a decoder reads. What is torn is the beginning of
the ticket on paper of its own, and does not reach the ticket's last line.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from cvconnect_drivers.printers import dialogue, escpos
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.shapes import Align, Line
from cvconnect_pos import Attempt, Authorization, Order, State, Way, ticket_of
from cvconnect_sim.printer import Slip
from torn_links import LINKS, MakeRig, Rig, Till

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
PAID = Attempt(
    Order("r1", 4550, "REF253", Way.QR, seller_id="Caisse 1"),
    "pay1",
    State.APPROVED,
    NOW,
    NOW,
    NOW,
    transaction_id="fiawa31zot",
    beneficiary="10*****3051",
    received_cents=3000,
    authorizations=(Authorization("897395948", 3000),),
)
SHOP = ("Camping de l’Œuf à la coque",)
QR = "https://exemple.fr/p/0123456789"
JOB_S = 5.0

NARROW, IMAGE = "narrow", "58mm"
"""The profiles: with a native QR, and with one that is sent as dots. Narrow paper has fewer bytes to be torn at."""


@dataclass(frozen=True, slots=True)
class PaperLine:
    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """The ticket of a payment as it comes out, with a QR before its last line."""

    duplicate: bool = False

    def lines(self, columns: int) -> Sequence[Line]:
        *lines, last = ticket_of(PAID, shop=SHOP, duplicate=self.duplicate).lines(columns)
        return [*lines, PaperLine(qr=QR, align="center"), last]


@dataclass(frozen=True, slots=True)
class Short:
    """Each command that a ticket can have, in few bytes."""

    duplicate: bool = False

    def lines(self, columns: int) -> Sequence[Line]:
        assert columns
        mention = [PaperLine("DUPLICATA", "center", bold=True)] if self.duplicate else []
        return [
            PaperLine("L’Œuf", "center"),
            *mention,
            PaperLine("45,50 €", bold=True, large=True),
            PaperLine(qr=QR, align="center"),
            PaperLine("Reçu", "right"),
        ]


Ticket = Payment | Short


@cache
def texts(ticket: Ticket, columns: int) -> tuple[str, ...]:
    """What its lines say, without the spaces that only place it."""
    return tuple(_plain(line.text) for line in ticket.lines(columns) if line.text.strip())


def said(slip: Slip) -> tuple[str, ...]:
    """What the lines of the paper say."""
    return tuple(_plain(line.text) for line in slip.lines if line.text.strip())


def _plain(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())


_decoded: dict[tuple[int, ...], tuple[str, ...]] = {}
"""By the dots of a slip: most of them are the same."""


def qr_on(slip: Slip) -> tuple[str, ...]:
    """What the QR codes on the paper hold."""
    if slip.rows not in _decoded:
        with Image.open(io.BytesIO(slip.png())) as picture:
            _decoded[slip.rows] = tuple(code.text for code in zxingcpp.read_barcodes(picture))
    return _decoded[slip.rows]


def is_beginning(lines: Sequence[str], ticket: Ticket, columns: int) -> bool:
    """Whether these are the first lines of the ticket, the last perhaps in part, without the end that makes it one."""
    whole = texts(ticket, columns)
    if not lines:
        return True
    *before, last = lines
    at = len(before)
    return at < len(whole) - 1 and tuple(before) == whole[:at] and whole[at].startswith(last)


def look(slips: Sequence[Slip], good: Ticket, columns: int, *, glued: bool) -> None:
    """Look at the paper: of the torn ticket its beginning at most, or all of it; then the good one, whole.

    Nothing at all came before an original. The torn one is in two pieces where it was the cut that was torn: a cut without its
    parameter does not wait for the last line to pass the knife. Where nobody knew that it was torn, the duplicate is `glued` to it.
    """
    original, last = type(good)(), slips[-1]
    expected, end = texts(good, columns), said(last)
    above = end[: -len(expected)] if glued else ()
    assert (end[len(above) :], {*qr_on(last)}) == (expected, {QR})
    torn = [slip for slip in slips[:-1] if any(slip.rows)]
    pieces = [said(slip) for slip in torn] + [above] * bool(above)
    assert len(pieces) <= 2 * good.duplicate, pieces
    said_in_all = tuple(line for piece in pieces for line in piece)
    assert said_in_all == texts(original, columns) or is_beginning(said_in_all, original, columns), pieces
    assert all(qr_on(slip) == (QR,) for slip in torn if said(slip) == texts(original, columns))
    assert all(qr_on(slip) in {(), (QR,)} for slip in torn)


def tear_at_each(rig: Rig, kind: type[Ticket], places: Sequence[int], *, power: bool) -> None:
    """Tear at each of these bytes, mend, and print what the cashier gets then; all on one roll of paper."""
    till, slips = rig.new_till(), rig.end.printer.slips
    torn = 0
    for at in places:
        began = len(slips)
        try:
            till, good = tear(rig, till, kind, at, power=power)
            look(slips[began:], good, till.columns, glued=rig.forgets)
        except AssertionError as error:
            error.add_note(f"torn after {at} bytes")
            raise
        torn += good.duplicate
    assert torn >= len(places) - 20


def tear(
    rig: Rig, till: Till, kind: type[Ticket], at: int, *, power: bool, again_after: int | None = None
) -> tuple[Till, Ticket]:
    """Break at one byte, mend, and print again: the duplicate, unless nothing had been sent.

    Args:
        rig: What is torn.
        till: Who prints.
        kind: What.
        at: The byte; past the end of the ticket nothing breaks.
        power: Whether the printer loses its power too.
        again_after: How many bytes after the repair has begun it is torn once more.

    Returns:
        Who goes on, and what was printed at last.
    """
    rig.end.arm(at, power=power)
    first = till.print(kind(), job_id="T1-1", timeout_s=JOB_S)
    if first.outcome == "printed":
        if rig.end.broken:
            assert not rig.answers  # a file is done when its last byte is written
            rig.mend()
        return till, kind()
    assert first.outcome in {"unknown", "not_sent"}, first
    good = kind(duplicate=first.outcome == "unknown")
    rig.mend()
    if again_after is not None:
        rig.end.arm(again_after, power=power, in_repair=True)
        second = till.print(good, job_id="T1-2", timeout_s=JOB_S)
        assert second.outcome == "not_sent", second
        rig.mend()
    rig.end.arm(None)
    till = rig.new_till() if rig.forgets else till
    again = till.print(good, job_id="T1-3", timeout_s=JOB_S)
    assert again.outcome == "printed", again
    return till, good


def places(kind: type[Ticket], profile: str, step: int) -> list[int]:
    """Every so many bytes, and where one command ends and the next begins, with the byte on either side; past the end a little."""
    at, edges = 0, set[int]()
    for command in escpos.Encoder(PROFILES[profile]).job(kind().lines(PROFILES[profile].columns)):
        at += len(command.to_bytes())
        edges |= {at - 1, at, at + 1}
    return sorted({*edges, *range(1, at, step), *range(at, at + 20)} - {0})


CABLE_OR_POWER = pytest.mark.parametrize("power", [False, True], ids=["cable", "power"])


@pytest.fixture(autouse=True)
def quick_printer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated printer answers at once and makes no noise: what is waited for that is saved some thousand times."""
    monkeypatch.setitem(PROFILES, NARROW, replace(PROFILES[IMAGE], native_qr=True))
    monkeypatch.setattr(dialogue, "ANSWER_WINDOW_S", 0.0)
    monkeypatch.setattr(dialogue, "PAUSE_S", 0.0)


@CABLE_OR_POWER
@pytest.mark.parametrize("link", LINKS)
def test_torn_at_every_byte_on_every_link_one_good_ticket_or_one_good_duplicate_comes_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, link: str, power: bool
) -> None:
    make: MakeRig = LINKS[link]
    with make(monkeypatch, tmp_path, NARROW) as rig:
        tear_at_each(rig, Short, places(Short, NARROW, 1), power=power)


@CABLE_OR_POWER
def test_a_whole_payments_ticket_torn_anywhere_comes_out_once_or_as_a_duplicate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, power: bool
) -> None:
    with LINKS["memory"](monkeypatch, tmp_path, NARROW) as rig:
        tear_at_each(rig, Payment, places(Payment, NARROW, 11), power=power)


@CABLE_OR_POWER
def test_torn_in_the_dots_of_an_image_the_duplicate_is_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, power: bool
) -> None:
    with LINKS["memory"](monkeypatch, tmp_path, IMAGE) as rig:
        tear_at_each(rig, Short, places(Short, IMAGE, 67), power=power)


@pytest.mark.parametrize(("profile", "step"), [(NARROW, 1), (IMAGE, 67)])
def test_torn_and_the_till_started_anew_the_duplicate_is_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str, step: int
) -> None:
    with LINKS["memory"](monkeypatch, tmp_path, profile) as rig:
        rig.forgets = True
        tear_at_each(rig, Short, places(Short, profile, step), power=False)


@CABLE_OR_POWER
@pytest.mark.parametrize("again_after", [1, 2, 30])
def test_torn_once_more_while_it_is_repaired_the_duplicate_still_comes_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, power: bool, again_after: int
) -> None:
    with LINKS["memory"](monkeypatch, tmp_path, NARROW) as rig:
        till, slips = rig.new_till(), rig.end.printer.slips
        rig.end.arm(None)
        till.print(Short(), job_id="T0-1", timeout_s=JOB_S)
        for at in places(Short, NARROW, 1)[:-20]:
            began = len(slips)
            till, good = tear(rig, till, Short, at, power=power, again_after=again_after)
            assert good.duplicate
            look(slips[began:], good, till.columns, glued=False)
