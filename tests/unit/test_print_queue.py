"""A ticket comes out once, or is known not to have: whatever becomes of the printer, the journal and the process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cvconnect_pos import InvalidInput, JournalError, NotAllowedNow, Payment, State, TicketPrinted
from cvconnect_pos.devices import Presentation
from cvconnect_pos.tickets import CUSTOMER_COPY, MERCHANT_COPY
from harness import Till, keyed, lose_request, paid, reserved, told
from paper_till import (
    AWAY,
    PAPER_OUT,
    PAPER_OUT_INSIDE,
    PRINTED,
    TORN,
    UNCONFIRMED,
    Killed,
    PaperTill,
    Result,
)

HOUR_S = 3_600.0
BOTH = Presentation(shop=("Camping",), customer_copy=True)


@pytest.fixture
def till(tmp_path: Path) -> Iterator[PaperTill]:
    till = PaperTill(tmp_path)
    yield till
    till.engine.close()


def tickets(payment: Payment) -> list[TicketPrinted]:
    return [event for event in told(payment) if isinstance(event, TicketPrinted)]


# --- the payment is first ---------------------------------------------------------------------------------------------


def test_the_result_is_there_before_anything_is_printed(till: PaperTill) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0])
    seen: list[object] = []
    till.printer.before = lambda: seen.append((payment.wait(0).received_cents, told(payment)[-1].name))
    till.run(5)
    assert seen == [(4550, "Approved")]
    assert [event.outcome for event in tickets(payment)] == ["printed"]


def test_a_ticket_is_journaled_before_its_first_byte(till: PaperTill) -> None:
    seen: list[list[tuple[str, str]]] = []
    till.printer.before = lambda: seen.append(till.notes())
    paid(till)
    assert seen == [[("APPROVED-merchant", "printing")]]
    assert till.notes() == [("APPROVED-merchant", "printing"), ("APPROVED-merchant", "printed")]
    assert till.printer.jobs == [f"{till.engine.resume('r1').attempt.payment_id}-APPROVED-merchant"]


def test_a_payment_is_over_when_its_ticket_waits_for_paper(till: PaperTill) -> None:
    till.printer.ready = False
    payment = paid(till)
    assert list(payment)[-1].as_dict()["will_retry"] is True  # it ends
    later: list[object] = []
    payment.add_listener(lambda event: later.append(event.as_dict().get("outcome")))
    till.printer.ready = True
    till.run(60)
    assert later[-2:] == ["not_sent", "printed"]
    assert [event.as_dict()["outcome"] for event in payment] == ["printed"]


# --- the printer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wait", [PAPER_OUT, AWAY])
def test_a_ticket_that_was_not_sent_comes_out_when_the_printer_is_ready(
    till: PaperTill, wait: Result
) -> None:
    till.printer.script = [wait]
    till.printer.ready = False
    payment = paid(till)
    (event,) = tickets(payment)
    assert (event.outcome, event.reason, event.will_retry) == ("not_sent", wait.reason, True)
    assert "en attente" in event.text("fr")
    assert "waiting" in event.text("en")
    till.run(600)
    assert till.printer.slips == []
    till.printer.ready = True
    till.run(60)
    (slip,) = till.printer.slips
    assert slip.whole and not slip.duplicate
    assert tickets(payment)[-1].outcome == "printed"
    assert till.queue.waiting() == ()


def test_a_printer_that_is_not_ready_is_asked_and_not_tried(till: PaperTill) -> None:
    till.printer.ready = False
    paid(till)
    till.run(2 * HOUR_S)
    assert len(till.printer.jobs) == 1
    assert till.notes() == [("APPROVED-merchant", "printing"), ("APPROVED-merchant", "not_sent")]


def test_a_printer_that_says_nothing_of_itself_is_tried_ever_less_often(till: PaperTill) -> None:
    till.printer.script = [AWAY] * 1_000
    paid(till)
    till.run(60)
    assert len(till.printer.jobs) == 6  # after 2, 4, 8, 16 and 30 seconds
    till.run(3 * HOUR_S)
    assert len(till.printer.jobs) < 80


@pytest.mark.parametrize("torn", [TORN, PAPER_OUT_INSIDE])
def test_a_torn_ticket_is_followed_by_one_duplicata(till: PaperTill, torn: Result) -> None:
    till.printer.script = [torn]
    till.printer.ready = False
    payment = paid(till)
    (event,) = tickets(payment)
    assert (event.outcome, event.will_retry) == ("unknown", True)
    assert "un duplicata sortira" in event.text("fr")
    assert till.queue.waiting()[0].duplicate
    till.printer.ready = True
    till.run(HOUR_S)
    half, whole = till.printer.slips
    assert (half.whole, whole.whole, whole.duplicate) == (False, True, True)
    assert whole.job_id.endswith("-APPROVED-merchant-2")
    assert [(event.outcome, event.duplicate) for event in tickets(payment)] == [("printed", True)]


def test_a_ticket_that_is_always_torn_is_left_to_a_person(till: PaperTill) -> None:
    till.printer.script = [TORN] * 20
    payment = paid(till)
    till.run(3 * HOUR_S)
    till.restart()
    till.run(600)
    assert len(till.printer.jobs) == 3
    assert till.queue.waiting() == ()
    assert payment.attempt.tickets[-1].outcome == "unknown"


def test_a_printer_that_never_confirms_prints_each_ticket_once(till: PaperTill) -> None:
    till.printer.script = [UNCONFIRMED] * 3
    first = paid(till)
    (event,) = tickets(first)
    assert (event.outcome, event.will_retry) == ("unknown", False)
    till.run(HOUR_S)
    till.restart()
    till.run(600)
    assert len(till.printer.slips) == 1


def test_a_driver_that_raises_is_left_to_a_person(till: PaperTill) -> None:
    till.printer.script = [RuntimeError("a driver's fault")]
    payment = paid(till)
    (event,) = tickets(payment)
    assert (event.outcome, event.reason, event.will_retry) == ("unknown", "RuntimeError", False)


def test_a_driver_that_says_nothing_of_a_ticket_is_left_to_a_person(till: PaperTill) -> None:
    def dumb(*_: object, **__: object) -> None:
        till.printer.jobs.append("")

    till.printer.print = dumb  # type: ignore[method-assign, assignment]  # pyright: ignore[reportAttributeAccessIssue]
    payment = paid(till)
    till.run(600)
    (event,) = tickets(payment)
    assert (event.outcome, event.reason, event.will_retry) == ("unknown", "AttributeError", False)
    assert len(till.printer.jobs) == 1


def test_a_printer_that_cannot_be_claimed_has_printed_nothing(till: PaperTill) -> None:
    till.printer.claimable = False
    payment = paid(till)
    (event,) = tickets(payment)
    assert (event.outcome, event.will_retry) == ("not_sent", True)
    assert till.notes() == [("APPROVED-merchant", "not_sent")]
    till.printer.claimable = True
    till.run(60)
    assert [slip.duplicate for slip in till.printer.slips] == [False]


# --- the order --------------------------------------------------------------------------------------------------------


def test_who_stands_at_the_till_is_first_then_those_who_wait_in_their_order(till: PaperTill) -> None:
    till.printer.ready = False
    waited = [paid(till, f"r{n}", basket_ref=f"B{n}") for n in range(3)]
    assert [ticket.request_id for ticket in till.queue.waiting()] == ["r0", "r1", "r2"]
    till.run(1200)
    till.printer.ready = True
    fresh = paid(till, "r9", basket_ref="B9")
    till.run(5)
    expected = [payment.attempt.payment_id for payment in (fresh, *waited)]
    assert [slip.job_id.partition("-")[0] for slip in till.printer.slips] == expected


def test_two_hundred_tickets_wait_and_come_out_once_each_in_their_order(till: PaperTill) -> None:
    till.printer.ready = False
    payments: list[Payment] = []
    for number in range(200):
        customer = f"1000001{number:04d}"
        till.provider.add_customer(customer)
        payment = till.ask(f"r{number}", basket_ref=f"B{number}", way="keyed", beneficiary=customer)
        till.provider.validate(customer, payment.attempt.transaction_id)
        till.run(5)
        payment.reprint()  # a reprint of what waits is what waits
        payment.acknowledge()
        payments.append(payment)
    till.run(1)
    assert len(till.queue.waiting()) == 200
    till.restart()
    till.printer.ready = True
    till.run(60)
    expected = [payment.attempt.payment_id for payment in payments]
    assert [slip.job_id.partition("-")[0] for slip in till.printer.slips] == expected
    assert len(till.printer.plain) == 200


def test_a_ticket_that_the_printer_never_takes_holds_up_no_other_one(till: PaperTill) -> None:
    odd = Result("not_sent", "TEXT_UNPRINTABLE", "Ce texte ne s’imprime pas.")
    till.printer.ready = False
    payments = [paid(till, f"r{n}", basket_ref=f"B{n}") for n in range(3)]
    till.printer.ready = True
    till.printer.script = [odd, PRINTED, PRINTED, odd, odd]
    till.run(300)
    order = [job.partition("-")[0] for job in till.printer.jobs[3:]]
    first, *others = (payment.attempt.payment_id for payment in payments)
    assert order == [first, *others, first, first, first]
    assert len(till.printer.plain) == 3


def test_each_copy_is_counted_for_itself(tmp_path: Path) -> None:
    till = PaperTill(tmp_path, presentation=BOTH)
    till.printer.script = [TORN, PRINTED]
    payment = paid(till)
    till.run(60)
    assert [(slip.whole, slip.duplicate, "COPIE CLIENT" in slip.text) for slip in till.printer.slips] == [
        (False, False, False),
        (True, False, True),
        (True, True, False),
    ]
    assert [note[0] for note in till.notes()[::2]] == [
        "APPROVED-merchant",
        "APPROVED-customer",
        "APPROVED-merchant-2",
    ]
    assert payment.attempt.is_final
    till.engine.close()


# --- what takes a ticket's place --------------------------------------------------------------------------------------


def test_the_ticket_of_a_payment_that_was_reversed_meanwhile_is_not_printed_late(till: PaperTill) -> None:
    till.printer.ready = False
    payment = paid(till)
    payment.reverse()
    till.run(30)
    assert payment.attempt.state is State.REVERSED
    till.printer.ready = True
    till.run(60)
    assert ["ANNULATION" in slip.text for slip in till.printer.slips] == [True, True]
    assert till.queue.waiting() == ()


def test_a_ticket_is_held_while_its_payment_is_being_reversed(till: PaperTill) -> None:
    till.printer.ready = False
    payment = paid(till)
    till.fault_for_good("cancellation", lose_request)
    payment.reverse()
    till.run(30)
    assert not payment.attempt.is_final
    till.printer.ready = True
    till.run(30)
    assert till.printer.slips == []
    till.faults.clear()
    till.run(120)
    assert payment.attempt.state is State.REVERSED
    assert ["ANNULATION" in slip.text for slip in till.printer.slips] == [True, True]


def test_a_reservation_and_its_capture_have_a_ticket_each(till: PaperTill) -> None:
    payment = reserved(till)
    payment.capture(3000)
    till.run(30)
    assert payment.attempt.state is State.APPROVED
    assert [slip.job_id.partition("-")[2] for slip in till.printer.slips] == [
        "RESERVED-merchant",
        "APPROVED-merchant",
    ]


# --- a person asks ----------------------------------------------------------------------------------------------------


def test_a_reprint_says_duplicata(till: PaperTill) -> None:
    payment = paid(till)
    told(payment)
    payment.reprint()
    till.run(1)
    assert [slip.duplicate for slip in till.printer.slips] == [False, True]
    assert [(event.outcome, event.duplicate) for event in tickets(payment)] == [("printed", True)]
    payment.reprint(CUSTOMER_COPY)
    till.run(1)
    assert not till.printer.slips[-1].duplicate  # of this copy, it is the first
    payment.reprint(CUSTOMER_COPY)
    till.run(1)
    assert till.printer.slips[-1].duplicate


def test_a_reprint_of_what_never_left_is_the_ticket_itself(till: PaperTill) -> None:
    till.printer.ready = False
    payment = paid(till)
    till.printer.ready = True
    payment.reprint()
    till.run(60)
    assert [slip.duplicate for slip in till.printer.slips] == [False]


def test_a_reprint_waits_for_the_printer_too(till: PaperTill) -> None:
    payment = paid(till)
    till.printer.ready = False
    payment.reprint()
    till.run(60)
    (waits,) = till.queue.waiting()
    assert (waits.request_id, waits.copy, waits.duplicate) == ("r1", MERCHANT_COPY, True)
    assert waits.reason == "PAPER_END"
    till.printer.ready = True
    till.run(60)
    assert [slip.duplicate for slip in till.printer.slips] == [False, True]


def test_a_ticket_of_long_ago_is_reprinted_on_demand_only(till: PaperTill) -> None:
    till.printer.ready = False
    payment = paid(till)
    payment.acknowledge()
    till.engine.close()
    till.clock.advance(5 * HOUR_S)
    till.printer.ready = True
    till.start()
    till.restart()
    till.run(60)
    assert till.printer.slips == []
    till.engine.resume("r1").reprint()
    till.run(1)
    assert [slip.duplicate for slip in till.printer.slips] == [False]


def test_what_cannot_be_reprinted_says_why(till: PaperTill, tmp_path: Path) -> None:
    payment = keyed(till)
    with pytest.raises(NotAllowedNow, match="NO_TICKET"):
        payment.reprint()
    with pytest.raises(InvalidInput, match="CHOICE_UNKNOWN"):
        payment.reprint("COPIE")
    bare = Till(tmp_path / "bare")
    with pytest.raises(NotAllowedNow, match="NO_PRINTER"):
        paid(bare).reprint()
    bare.engine.close()


def test_what_waits_is_said_in_both_languages(till: PaperTill) -> None:
    till.printer.ready = False
    paid(till)
    (waits,) = till.queue.waiting()
    assert waits.text("fr").startswith("Ticket r1, COPIE COMMERÇANT, en attente depuis le ")
    assert waits.text("fr").endswith(" : Le papier est épuisé.")
    assert waits.text("en").endswith(": PAPER_END")
    assert waits.as_dict()["since"] == waits.since.isoformat()


# --- the journal ------------------------------------------------------------------------------------------------------


def test_nothing_is_printed_that_cannot_be_written(till: PaperTill) -> None:
    note = till.engine.note_ticket

    def full(*_: object) -> bool:
        raise JournalError("JOURNAL_DISK_FULL", path="journal")

    till.engine.note_ticket = full  # type: ignore[method-assign, assignment]
    payment = paid(till)
    (event,) = tickets(payment)
    assert (event.outcome, event.reason, event.will_retry) == ("not_sent", "JOURNAL_DISK_FULL", True)
    assert till.printer.jobs == []
    till.engine.note_ticket = note  # type: ignore[method-assign]
    till.run(60)
    assert [slip.duplicate for slip in till.printer.slips] == [False]


def test_an_outcome_that_cannot_be_written_at_once_is_written_later(till: PaperTill) -> None:
    note = till.engine.note_ticket

    def full(*_: object) -> bool:
        raise JournalError("JOURNAL_DISK_FULL", path="journal")

    def fill_the_disk() -> None:
        till.engine.note_ticket = full  # type: ignore[method-assign, assignment]

    till.printer.before = fill_the_disk
    payment = paid(till)
    assert tickets(payment)[-1].outcome == "printed"
    till.run(60)
    assert till.notes() == [("APPROVED-merchant", "printing")]
    till.engine.note_ticket = note  # type: ignore[method-assign]
    till.run(60)
    assert till.notes()[-1] == ("APPROVED-merchant", "printed")
    assert len(till.printer.slips) == 1


def test_journals_of_before_owe_no_ticket(till: PaperTill) -> None:
    bare = Till(till.folder / "old")
    payment = paid(bare)
    event = TicketPrinted(request_id="r1", at=bare.clock.now(), outcome="not_sent", reason="", detail="")
    bare.engine.report(
        payment, event
    )  # as a till that prints by itself, and as it was before there was a queue
    bare.engine.close()
    late = PaperTill(till.folder / "old", beside=bare)
    late.restart()
    late.run(60)
    assert late.printer.slips == []
    late.engine.close()


# --- kills ------------------------------------------------------------------------------------------------------------


def pay_and_die(till: PaperTill) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0])
    with pytest.raises(Killed):
        till.run(600)
    del payment


@pytest.mark.parametrize(
    ("number", "written", "on_paper"),
    [
        (1, False, [False]),  # before it is journaled that it is printed: it comes out as it is
        (1, True, [True]),  # after that: nobody knows whether a byte left
        (2, False, [False, True]),  # all of it is out, and that is not written
        (2, True, [False]),  # and that is
    ],
)
def test_a_process_that_is_killed_leaves_one_ticket_or_one_and_a_duplicata(
    till: PaperTill, number: int, written: bool, on_paper: list[bool]
) -> None:
    till.kill_at_note(number, written=written)
    pay_and_die(till)
    till.restart()
    till.run(600)
    assert [slip.duplicate for slip in till.printer.whole] == on_paper
    till.restart()
    till.run(600)
    assert len(till.printer.whole) == len(on_paper)  # once is enough


def test_a_process_that_is_killed_among_the_bytes_leaves_one_whole_duplicata(till: PaperTill) -> None:
    till.printer.script = [Killed()]
    pay_and_die(till)
    till.restart()
    till.run(600)
    assert [slip.duplicate for slip in till.printer.whole] == [True]


def test_a_process_that_is_killed_after_each_part_of_a_duplicata_prints_one_all_the_same(
    till: PaperTill,
) -> None:
    till.printer.script = [Killed(), Killed()]
    pay_and_die(till)
    till.restart()
    with pytest.raises(Killed):
        till.run(600)
    till.restart()
    till.run(600)
    assert [(slip.duplicate, slip.job_id.rpartition("-")[2]) for slip in till.printer.whole] == [(True, "3")]


def test_a_killed_till_owes_what_waited_even_if_it_was_recorded(till: PaperTill) -> None:
    till.printer.ready = False
    paid(till).acknowledge()
    till.restart()
    till.run(60)
    assert [ticket.request_id for ticket in till.queue.waiting()] == ["r1"]
    till.printer.ready = True
    till.run(60)
    assert [slip.duplicate for slip in till.printer.slips] == [False]


def test_a_queue_that_is_closed_begins_nothing_that_waits(till: PaperTill) -> None:
    till.printer.ready = False
    payment = paid(till)
    till.queue.close()
    till.printer.ready = True
    till.run(600)
    assert till.printer.slips == []
    with pytest.raises(NotAllowedNow, match="STATION_CLOSED"):
        payment.reprint()
    till.restart()
    till.run(60)
    assert len(till.printer.plain) == 1


# --- two tills --------------------------------------------------------------------------------------------------------


def test_a_till_that_starts_leaves_the_tickets_of_one_that_lives(till: PaperTill) -> None:
    till.printer.ready = False
    paid(till).acknowledge()
    second = PaperTill(till.folder, beside=till)
    second.engine.recover()
    second.queue.take_over()
    second.run(2 * HOUR_S)
    assert second.printer.slips == []
    till.engine.close()  # gone, with its paper still out
    second.run(600)
    assert second.printer.slips == []  # not before somebody starts
    second.restart()
    second.run(60)
    assert len(second.printer.plain) == 1
    second.engine.close()


def test_of_two_tills_that_start_after_one_died_one_prints_what_it_left(till: PaperTill) -> None:
    till.printer.ready = False
    for number in range(3):
        paid(till, f"r{number}", basket_ref=f"B{number}").acknowledge()
    till.engine.close()
    heirs = [PaperTill(till.folder, beside=till) for _ in range(2)]
    for heir in heirs:
        heir.engine.recover()
        heir.queue.take_over()
    for heir in heirs:
        heir.run(600)
    assert [len(heir.printer.plain) for heir in heirs] == [3, 0]
    for heir in heirs:
        heir.engine.close()


def test_a_reprint_at_another_till_is_not_printed_again_where_it_waited(till: PaperTill) -> None:
    till.printer.ready = False
    paid(till)
    second = PaperTill(till.folder, beside=till)
    second.engine.resume("r1").reprint()
    second.run(1)
    till.printer.ready = True
    till.run(600)
    assert (len(second.printer.plain), till.printer.slips) == (1, [])
    second.engine.close()


def test_a_till_that_gets_a_printer_does_not_print_what_nobody_owed(tmp_path: Path) -> None:
    bare = Till(tmp_path)
    paid(bare).acknowledge()
    bare.engine.close()
    late = PaperTill(tmp_path, beside=bare)
    late.restart()
    late.run(60)
    assert late.printer.slips == []
    late.engine.close()


def test_copies_that_are_wanted_from_now_on_are_not_printed_for_what_was_before(till: PaperTill) -> None:
    paid(till).acknowledge()
    till.presentation = BOTH
    till.restart()
    till.run(60)
    assert len(till.printer.slips) == 1


# --- anything at all --------------------------------------------------------------------------------------------------

_RESULTS = [PRINTED, PAPER_OUT, AWAY, TORN, PAPER_OUT_INSIDE, UNCONFIRMED, Killed()]


@given(
    script=st.lists(st.sampled_from(_RESULTS), max_size=8),
    kills=st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=3),
    both=st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_one_ticket_at_most_passes_for_the_first_and_a_whole_one_comes_out(
    tmp_path_factory: pytest.TempPathFactory,
    script: list[Result | BaseException],
    kills: list[tuple[int, bool]],
    both: bool,
) -> None:
    till = PaperTill(tmp_path_factory.mktemp("journal"), presentation=BOTH if both else None)
    keyed(till)
    till.phone.pay(till.phone.incoming()[0])
    till.printer.script = list(script)
    for number, written in kills:
        till.kill_at_note(number, written=written)
        try:
            till.run(60)
        except Killed:
            pass
        till.restart()
    for _ in range(20):
        try:
            till.run(200)
        except Killed:
            till.restart()
    attempt = till.engine.resume("r1").attempt
    for copy, mention in (("merchant", MERCHANT_COPY), ("customer", CUSTOMER_COPY)):
        mine = [slip for slip in till.printer.slips if slip.job_id.split("-")[2] == copy]
        if copy == "customer" and not both:
            assert mine == []
            continue
        assert len([slip for slip in mine if not slip.duplicate]) <= 1
        notes = [note for note in attempt.tickets if copy in note.job]
        given_up = len({note.job for note in notes}) >= 3 and notes[-1].outcome != "not_sent"
        assert given_up or any(slip.whole and mention in slip.text for slip in mine)
        assert len([slip for slip in mine if slip.whole]) <= 3
    till.engine.close()
