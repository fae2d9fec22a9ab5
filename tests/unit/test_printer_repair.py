"""Whatever a printer was left in the middle of, the next question is a question and the next ticket a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.printers.raster import BAND_BYTES
from cvconnect_drivers.printers.repair import OTHERS_BYTES, QUESTION_BYTES, Repair
from cvconnect_drivers.shapes import Align
from cvconnect_sim.printer import TM58, TM80, Printer

QR = "https://exemple.fr/p/0123456789?retour=https://exemple.fr/ok"
QUESTION = b"\x10\x04\x01"


@dataclass(frozen=True, slots=True)
class PaperLine:
    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


LINES = [
    PaperLine("Camping L’Œuf", "center", True, True),
    PaperLine(qr=QR, align="center"),
    PaperLine("Ω" * 9),
]


def job(profile: str, lines: Sequence[PaperLine] = LINES) -> list[escpos.Command]:
    return [*escpos.Encoder(PROFILES[profile]).job(lines), escpos.RequestProcessId(b"@AbO")]


def cuts(commands: Sequence[escpos.Command]) -> list[int]:
    """Within and around the head of each command, and here and there in its data."""
    at = 0
    found: set[int] = set()
    for command in commands:
        if not isinstance(command, escpos.PrintData):
            found |= {*range(at, at + 9)}
        at += len(command.to_bytes())
    return sorted(
        {each for each in (*found, *range(1, at, 97)) if 0 < each < at - len(b"\x1d(H\x06\x0000@AbO")}
    )


def test_a_printer_that_is_between_commands_is_owed_nothing() -> None:
    repair = Repair()
    assert (repair.before_question(), repair.before_job(job("80mm"))) == (b"", b"")


def test_after_a_claim_nothing_is_cut_off_and_a_question_ends_what_is_owed_before_questions() -> None:
    repair = Repair()
    repair.claimed()
    assert repair.before_question() == bytes(QUESTION_BYTES)
    repair.answered()
    assert repair.before_question() == b""
    longest = max(len(each.to_bytes()) for each in job("58mm") if not isinstance(each, escpos.PrintData))
    assert repair.before_job(job("58mm")) == bytes(longest)
    repair.done()
    assert repair.before_job(job("58mm")) == b""


def test_a_job_without_images_is_filled_for_every_other_command() -> None:
    plain = job("80mm", [PaperLine("x" * 500, "center", True, True)])
    repair = Repair()
    repair.claimed()
    assert repair.before_job(plain) == bytes(OTHERS_BYTES)
    assert (
        max(len(each.to_bytes()) for each in plain if not isinstance(each, escpos.PrintData)) <= OTHERS_BYTES
    )


def test_the_longer_of_two_repairs_is_kept_until_a_job_was_sent_whole() -> None:
    repair = Repair()
    repair.torn(job("58mm"))
    long = repair.before_job([])
    repair.torn(job("58mm", [PaperLine("x")]))
    repair.answered()
    assert repair.before_job([]) == long
    assert len(long) <= BAND_BYTES + 8 + len(b"\x1b@\n\x1dVB\x00")
    repair.done()
    assert repair.before_job([]) == b""


@pytest.mark.parametrize(("profile", "model"), [("80mm", TM80), ("58mm", TM58)])
@pytest.mark.parametrize("same_till", [True, False], ids=["torn", "killed"])
def test_torn_at_each_byte_a_question_is_answered_and_the_next_ticket_is_whole(
    profile: str, model: object, same_till: bool
) -> None:
    torn = job(profile)
    data = escpos.to_bytes(torn)
    for cut in cuts(torn):
        printer = Printer(TM80 if model is TM80 else TM58)
        printer.receive(data[:cut])
        repair = Repair()
        if same_till:
            repair.torn(torn)
        else:
            repair.claimed()
        printer.receive(repair.before_question())
        printer.receive(QUESTION)
        answers = printer.receive(
            repair.before_job(torn) + escpos.to_bytes(job(profile, [PaperLine("Le suivant")]))
        )
        assert answers.endswith(b"\x37\x22@AbO\x00"), cut
        said = [line.text.strip() for line in printer.slips[-1].lines if line.text.strip()]
        assert said[-1] == "Le suivant", cut
        assert not same_till or said == ["Le suivant"], cut


def test_torn_at_each_byte_the_drawer_opens_and_the_next_ticket_is_whole() -> None:
    torn = job("58mm")
    data = escpos.to_bytes(torn)
    for cut in cuts(torn):
        printer = Printer(TM58)
        printer.receive(data[:cut])
        repair = Repair()
        repair.torn(torn)
        printer.receive(repair.before_pulse() + escpos.GeneratePulse(2).to_bytes())
        assert len(printer.drawer_pulses) == 1, cut
        printer.receive(repair.before_job(torn) + escpos.to_bytes(job("58mm", [PaperLine("Le suivant")])))
        assert [line.text.strip() for line in printer.slips[-1].lines if line.text.strip()] == [
            "Le suivant"
        ], cut
