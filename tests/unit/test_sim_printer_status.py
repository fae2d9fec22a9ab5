"""Faults, status answers and the power of the simulated printer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_sim.printer import PowerLost, Printer, RealTimeRequest, Sensors
from cvconnect_sim.printer.status import automatic_status, dle_eot

PROCESS_ID = b"\x1d(H\x06\x0000A001"
PROCESS_ID_ANSWER = b"\x37\x22A001\x00"


def real_time_status(printer: Printer) -> bytes:
    return b"".join(printer.receive(bytes((0x10, 0x04, n))) for n in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({}, "12 12 12 12"),
        ({"paper_near_end": True}, "12 12 12 1e"),
        ({"paper_end": True}, "1a 32 12 7e"),
        ({"cover_open": True}, "1a 16 12 12"),
        ({"offline": True}, "1a 12 12 12"),
        ({"drawer_high": True}, "16 12 12 12"),
        ({"cutter_error": True}, "1a 52 1a 12"),
        ({"head_hot": True}, "1a 52 52 12"),
        ({"broken": True}, "1a 52 32 12"),
        ({"feed_button": True}, "5a 1a 12 12"),
        ({"paper_end": True, "cover_open": True, "drawer_high": True}, "1e 36 12 7e"),
    ],
    ids=str,
)
def test_each_fault_shows_in_the_real_time_status(fault: dict[str, bool], status: str) -> None:
    printer = Printer()

    printer.set_sensors(**fault)

    assert real_time_status(printer).hex(" ") == status
    printer.set_sensors(**dict.fromkeys(fault, False))
    assert real_time_status(printer).hex(" ") == "12 12 12 12"


@pytest.mark.parametrize(
    ("fault", "group", "status"),
    [
        ({"drawer_high": True}, 0x01, "14 00 00 00"),
        ({"offline": True}, 0x02, "18 00 00 00"),
        ({"cover_open": True}, 0x02, "38 00 00 00"),
        ({"cutter_error": True}, 0x04, "18 08 00 00"),
        ({"broken": True}, 0x04, "18 20 00 00"),
        ({"head_hot": True}, 0x04, "18 40 00 00"),
        ({"paper_near_end": True}, 0x08, "10 00 03 00"),
        ({"paper_end": True}, 0x08, "18 00 0f 00"),
        ({"feed_button": True}, 0x40, "58 00 00 00"),
    ],
    ids=str,
)
def test_each_fault_shows_in_the_automatic_status_of_its_group_and_of_no_other(
    fault: dict[str, bool], group: int, status: str
) -> None:
    own, others = Printer(), Printer()
    assert own.receive(bytes((0x1D, 0x61, group))).hex(" ") == "10 00 00 00"
    # Every fault but the drawer and thin paper takes the printer offline too, which has a group of its own.
    others.receive(bytes((0x1D, 0x61, 0x4F & ~group & ~0x02)))

    assert own.set_sensors(**fault).hex(" ") == status
    assert others.set_sensors(**fault) == b""


def test_a_queued_status_waits_for_its_turn_and_a_real_time_one_does_not() -> None:
    printer = Printer()
    printer.set_sensors(cover_open=True)

    assert printer.receive(b"\x1dr\x01\x1dr\x02\x1dI\x01\x10\x04\x02") == b"\x16"
    assert printer.set_sensors(cover_open=False, drawer_high=True) == b"\x00\x01\x20"


@pytest.mark.parametrize("fault", ["paper_end", "cover_open", "offline"])
def test_an_offline_printer_answers_real_time_requests_and_keeps_the_rest_for_later(fault: str) -> None:
    printer = Printer()
    printer.set_sensors(**{fault: True})

    assert printer.receive(b"Bonjour\n" + PROCESS_ID + b"\x10\x04\x01") == b"\x1a"
    assert printer.uncut.text == ""

    assert printer.set_sensors(**{fault: False}) == PROCESS_ID_ANSWER
    assert printer.uncut.text == "Bonjour"


def test_automatic_status_reports_the_enabled_items_only() -> None:
    printer = Printer()
    assert printer.receive(b"\x1da\x08") == b"\x10\x00\x00\x00"

    assert printer.set_sensors(drawer_high=True) == b""
    assert printer.set_sensors(offline=True) == b""
    assert printer.set_sensors(paper_near_end=True) == b"\x1c\x00\x03\x00"
    assert printer.set_sensors(paper_near_end=True) == b""
    assert printer.set_sensors(offline=False) == b""
    assert printer.receive(b"\x1da\x00") == b""
    assert printer.set_sensors(paper_near_end=False) == b""


@given(st.builds(Sensors, *[st.booleans()] * 5))
def test_the_fixed_bits_tell_automatic_status_from_real_time_status(sensors: Sensors) -> None:
    first, *others = automatic_status(sensors)

    assert first & 0x93 == 0x10
    assert all(byte & 0x90 == 0 for byte in others)
    assert all(dle_eot(n, sensors) & 0x93 == 0x12 for n in (1, 2, 3, 4))


def test_a_power_cut_loses_the_buffers_and_the_settings_but_not_the_paper() -> None:
    printer = Printer()
    printer.receive(b"\x1bt\x10\x1da\xffprinted\nunprinted\x1d(k\xff")

    printer.power_off()
    assert printer.receive(b"nobody hears\n\x10\x04\x01") == b""
    assert printer.set_sensors(paper_near_end=True) == b""
    printer.power_on()

    printer.receive(b"\x80\n")
    assert printer.uncut.text == "printed\nÇ"
    assert printer.events == [PowerLost(unprocessed_bytes=4)]


def test_initialisation_turns_the_automatic_status_off() -> None:
    printer = Printer()
    printer.receive(b"\x1da\xff\x1b@")

    assert printer.set_sensors(cover_open=True) == b""


def test_a_real_time_request_is_seen_across_two_receptions_and_only_once() -> None:
    printer = Printer()

    assert printer.receive(b"\x10") == b""
    assert printer.receive(b"\x04") == b""
    assert printer.receive(b"\x01") == b"\x12"
    assert printer.receive(b"\n\x10\x05\x01") == b""
    assert printer.events == [RealTimeRequest("DLE ENQ", b"\x01")]


def test_an_interrupted_command_is_completed_by_what_follows_and_freed_by_clearing() -> None:
    swallowed = Printer()
    swallowed.receive(b"\x1dv0\x00\x01\x00\x06\x00")
    swallowed.receive(b"Title\ntext\n")
    assert swallowed.uncut.text == "text"

    cleared = Printer()
    cleared.receive(b"\x1dv0\x00\x01\x00\x40\x00")
    assert cleared.receive(b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08") == b"\x37\x25\x00"
    cleared.receive(b"text\n")
    assert cleared.uncut.text == "text"
