"""The debug log: what support needs is in it, no customer is, it stays small and young, and it never gets in the way."""

from __future__ import annotations

import logging
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cvconnect_pos import Engine, State, Tender
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.debuglog import TRACE, DebugLog, Pieces, hidden
from cvconnect_pos.errors import NoAnswer
from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
from cvconnect_pos.gateway.seal import SealKey
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from cvconnect_pos.transports.memory import MemoryTransport
from cvconnect_pos.transports.traced import TracedTransport
from harness import NUMBER, RecordingDevices, Till

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
EMAIL = "client@example.invalid"


def written(folder: Path) -> str:
    """All pieces, oldest first."""
    return "".join(piece.read_text(encoding="utf-8") for piece in sorted(folder.glob("*.debug.*.log")))


class TracedTill(Till):
    """A till whose exchanges are told to the debug log."""

    def start(self) -> None:
        self.devices = RecordingDevices()
        self.transport = MemoryTransport(self._answer)
        merchant = self.provider.merchant
        gateway = AncvGateway(
            TracedTransport(self.transport, self.clock),
            Merchant(merchant.shop_id, merchant.service_provider_id),
            SealKey(merchant.seal_key_version, merchant.seal_key),
            production=False,
        )
        journal = SqliteJournal(self.folder / "journal.sqlite3")
        self.engine = Engine(gateway, journal, devices=self.devices, clock=self.clock, workers=0, seed=1)
        self.tender = Tender(self.engine)


@pytest.mark.parametrize(
    ("way", "named", "read"),
    [
        ("qr", None, None),
        ("scan", None, NUMBER),
        ("scan", None, EMAIL),
        ("either", None, NUMBER),
        ("keyed", NUMBER, None),
        ("keyed", EMAIL, None),
    ],
)
def test_a_payment_is_told_and_its_customer_is_not(
    tmp_path: Path, way: str, named: str | None, read: str | None
) -> None:
    till = TracedTill(tmp_path)
    with DebugLog(tmp_path / "journal.sqlite3"):
        payment = till.ask(way=way, beneficiary=named, customer_ref=NUMBER, label=EMAIL)
        if read:
            payment.identify(read)
            till.run()
        else:
            till.run(3.0)
        if payment.attempt.qr_payload:
            till.provider.scan(NUMBER, payment.attempt.qr_payload)
        till.run(3.0)
        (waiting,) = till.provider.waiting_for(NUMBER)
        till.provider.validate(NUMBER, waiting.transaction_id)
        till.run(30.0)
        assert payment.attempt.state is State.APPROVED
        logging.getLogger("cvconnect_drivers.scanners").error(
            "the label %s of %s cannot be used", NUMBER, EMAIL
        )
    till.engine.close()
    text = written(tmp_path)
    assert (
        f"GET /acquisition/api/public/v1/payment-transactions/{waiting.transaction_id}/: 200 in 0 ms" in text
    )
    assert "the label [...] of [...] cannot be used" in text
    secret = till.provider.merchant.seal_key
    assert not [word for word in (NUMBER, EMAIL, "client@", secret) if word in text]


def test_an_exchange_without_an_answer_is_told_with_its_reason(tmp_path: Path) -> None:
    def silent(_: HttpRequest) -> HttpResponse:
        raise NoAnswer(reason="deadline")

    with DebugLog(tmp_path / "j"), pytest.raises(NoAnswer):
        TracedTransport(MemoryTransport(silent), SystemClock()).send(
            HttpRequest("POST", "/x/"), timeout_s=1.0
        )
    assert "POST /x/: PROVIDER_NO_ANSWER deadline in " in written(tmp_path)


@pytest.mark.parametrize(
    "text", [NUMBER, f"]C1{NUMBER}", f"id={NUMBER},", EMAIL, f"<{EMAIL}>", f"mailto:{EMAIL}"]
)
def test_what_could_be_a_customer_is_hidden(text: str) -> None:
    assert NUMBER not in hidden(text)
    assert "client" not in hidden(text)


@pytest.mark.parametrize("text", ["T1-2026-000253-1", "aB3dE5fG7h", "20261121130500", "10*****3051"])
def test_what_names_a_payment_stays(text: str) -> None:
    assert hidden(text) == text


@pytest.mark.skipif(os.name != "posix", reason="modes of files exist on POSIX only")
def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    with DebugLog(tmp_path / "j"):
        TRACE.debug("one")
    (piece,) = tmp_path.iterdir()
    assert piece.stat().st_mode & 0o777 == 0o600
    piece.chmod(0o644)
    with DebugLog(tmp_path / "j"):
        TRACE.debug("two")
    assert piece.stat().st_mode & 0o777 == 0o600
    assert [line.rpartition(" ")[2] for line in written(tmp_path).splitlines()] == ["one", "two"]


def test_all_pieces_together_stay_small_and_the_newest_lines_are_kept(tmp_path: Path) -> None:
    pieces = Pieces(tmp_path / "j", days=7, max_bytes=8_000)
    for number in range(2_000):
        pieces.write([f"line {number:04d} {'x' * (number % 90)}"], NOW)
        if number % 50 == 0:
            assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 8_000
    pieces.close()
    text = written(tmp_path)
    assert len(text) > 6_000
    numbers = [int(line.split()[1]) for line in text.splitlines()]
    assert numbers == list(range(numbers[0], 2_000))


def test_another_process_goes_on_in_the_same_piece(tmp_path: Path) -> None:
    one, two = (Pieces(tmp_path / "j", days=7, max_bytes=8_000) for _ in range(2))
    one.write(["one"], NOW)
    two.write(["two"], NOW)
    one.write(["three"], NOW)
    for pieces in (one, two):
        pieces.close()
    (piece,) = tmp_path.iterdir()
    assert piece.name == "j.debug.20261121-0001.log"
    assert piece.read_text(encoding="utf-8") == "one\ntwo\nthree\n"


def test_nothing_is_older_than_the_days_that_are_kept(tmp_path: Path) -> None:
    (tmp_path / "j.debug.notes.log").write_text("not a piece", encoding="utf-8")
    pieces = Pieces(tmp_path / "j", days=3, max_bytes=8_000)
    for day in range(10):
        pieces.write([f"day {day}"], NOW + timedelta(days=day))
    pieces.close()
    kept = [f"j.debug.202611{day}-0001.log" for day in (28, 29, 30)]
    assert sorted(file.name for file in tmp_path.iterdir()) == [*kept, "j.debug.notes.log"]


def test_old_pieces_go_when_it_is_opened_and_when_the_day_changes_even_if_nothing_is_said(
    tmp_path: Path,
) -> None:
    old = tmp_path / "j.debug.20261101-0001.log"
    old.write_text("long ago\n", encoding="utf-8")
    with DebugLog(tmp_path / "j"):
        pass
    assert not old.exists()
    pieces = Pieces(tmp_path / "j", days=1, max_bytes=8_000)
    pieces.write(["today"], NOW)
    pieces.write([], NOW + timedelta(days=1))
    pieces.close()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.write_text("a file where the folder should be", encoding="utf-8")
    with DebugLog(folder / "j") as log:
        for number in range(1_500):
            TRACE.debug("line %d", number)
    assert log.dropped >= 1
    assert folder.is_file()


def test_a_disk_that_hangs_keeps_nobody_waiting_and_what_was_lost_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, released, write = threading.Event(), threading.Event(), os.write

    def hang(descriptor: int, data: bytes) -> int:
        if b"DEBUG line" in data:
            hangs.set()
            released.wait(30.0)
        return write(descriptor, data)

    with DebugLog(tmp_path / "j") as log:
        monkeypatch.setattr(os, "write", hang)
        TRACE.debug("line first")
        assert hangs.wait(5.0)
        for number in range(1_500):
            TRACE.debug("line %d", number)
        assert log.dropped == 500
        released.set()
    lines = written(tmp_path).splitlines()
    assert "500 lines were lost" in lines
    assert sum("DEBUG line" in line for line in lines) == 1_001


def test_a_message_that_cannot_be_made_is_dropped(tmp_path: Path) -> None:
    with DebugLog(tmp_path / "j") as log:
        TRACE.debug("%d", "no number")
        TRACE.debug("a\nb\x1b[0m\ud800")
        TRACE.debug("failed", exc_info=ValueError(NUMBER))
    assert log.dropped == 1
    lost, first, second = written(tmp_path).splitlines()
    assert lost == "1 lines were lost"
    assert first.endswith("DEBUG a?b?[0m?")
    assert second.endswith("DEBUG failed (ValueError)")


def test_a_tills_own_log_hears_nothing_of_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with DebugLog(tmp_path / "j"):
        TRACE.debug("a step")
        logging.getLogger("cvconnect_pos").warning("a trouble")
    assert [record.message for record in caplog.records] == ["a trouble"]
    assert "a step" in written(tmp_path)
    assert "a trouble" in written(tmp_path)
    assert not TRACE.isEnabledFor(logging.DEBUG)
    TRACE.debug("after the end")
    assert "after the end" not in written(tmp_path)


def test_two_logs_end_one_after_the_other(tmp_path: Path) -> None:
    one, two = DebugLog(tmp_path / "one"), DebugLog(tmp_path / "two")
    TRACE.debug("both")
    one.close()
    one.close()
    TRACE.debug("second")
    two.close()
    ones, twos = ((*tmp_path.glob(f"{name}.*"),)[0].read_text(encoding="utf-8") for name in ("one", "two"))
    assert "both" in ones
    assert "second" not in ones
    assert "both" in twos
    assert "second" in twos
