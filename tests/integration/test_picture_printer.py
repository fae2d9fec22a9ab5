"""A folder instead of a printer: each ticket is one picture, whole, named after its job."""

from __future__ import annotations

import math
import os
import threading
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from cvconnect_drivers.errors import ConfigurationError
from cvconnect_drivers.printers.paper import MARGIN_DOTS
from cvconnect_drivers.printers.picture import PicturePrinter, open_printer
from cvconnect_pos.conformance import check_printer
from cvconnect_pos.peripherals import PrinterFactory
from slips import TICKET, Paper, PaperLine

FACTORY: PrinterFactory = open_printer
PAYLOAD = "https://exemple.fr/p/0123456789"


def claimed(folder: Path, query: str = "") -> PicturePrinter:
    printer = open_printer(f"image:{folder}{query}", {})
    printer.claim(timeout_s=1.0)
    return printer


def test_it_keeps_a_printers_promises(tmp_path: Path) -> None:
    check_printer(lambda: open_printer(f"image:{tmp_path / 'tickets'}", {"profile": "58mm"}))


@pytest.mark.parametrize(
    ("profile", "width", "dpi"), [("80mm", 576, 203), ("58mm", 384, 203), ("epson-tm-t88v", 512, 180)]
)
def test_a_ticket_is_a_picture_as_wide_as_its_paper(
    tmp_path: Path, profile: str, width: int, dpi: int
) -> None:
    printer = claimed(tmp_path / "tickets", f"?profile={profile}")
    ticket = Paper(PaperLine("Camping L’Œuf Bleu", "center"), PaperLine(qr=PAYLOAD, align="center"))
    assert printer.print(ticket, job_id="T1-000123-approved-customer", timeout_s=1.0).outcome == "printed"
    (path,) = (tmp_path / "tickets").iterdir()
    assert path.name == "ticket-T1-000123-approved-customer.png"
    with Image.open(path) as picture:
        assert picture.width == width + 2 * MARGIN_DOTS
        assert picture.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)
        assert [code.text for code in zxingcpp.read_barcodes(picture)] == [PAYLOAD]
    assert printer.check_health().state == "ready"


def test_tickets_stand_beside_each_other_and_the_same_job_replaces_its_own(tmp_path: Path) -> None:
    printer = claimed(tmp_path)
    for job_id in ("T1-1", "T1-2", "T1-1"):
        assert printer.print(TICKET, job_id=job_id, timeout_s=1.0).outcome == "printed"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ticket-T1-1.png", "ticket-T1-2.png"]


@pytest.mark.parametrize("job_id", ["../../etc/passwd", "a/b\\c:d*e?", "", "x" * 500, "É\n"])
def test_no_job_leaves_its_folder(tmp_path: Path, job_id: str) -> None:
    folder = tmp_path / "tickets"
    assert claimed(folder).print(TICKET, job_id=job_id, timeout_s=1.0).outcome == "printed"
    assert [path.name for path in tmp_path.iterdir()] == ["tickets"]
    (path,) = folder.iterdir()
    assert path.name.startswith("ticket-")
    assert path.suffix == ".png"
    assert len(path.name) < 120


def test_what_cannot_be_drawn_leaves_nothing_behind(tmp_path: Path) -> None:
    printer = claimed(tmp_path)
    result = printer.print(Paper(PaperLine("a\x1bb")), job_id="T1-1", timeout_s=1.0)
    assert (result.outcome, result.reason) == ("not_sent", "CONTROL_CHARACTER")
    assert list(tmp_path.iterdir()) == []
    assert printer.print(TICKET, job_id="T1-1", timeout_s=1.0).outcome == "printed"


def test_a_folder_that_is_a_file_is_told_and_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "tickets"
    folder.write_text("in the way")
    printer = claimed(folder)
    assert printer.check_health().state == "absent"
    result = printer.print(TICKET, job_id="T1-1", timeout_s=1.0)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")
    assert result.detail.endswith(".")
    folder.unlink()
    assert printer.check_health("external").state == "ready"
    assert printer.print(TICKET, job_id="T1-1", timeout_s=1.0).outcome == "printed"


def test_a_write_that_fails_leaves_the_picture_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = claimed(tmp_path)
    printer.print(TICKET, job_id="T1-1", timeout_s=1.0)
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        result = printer.print(Paper(PaperLine("other")), job_id="T1-1", timeout_s=1.0)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")
    assert "plein" in result.detail
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_unclaimed_and_busy_are_told(tmp_path: Path) -> None:
    printer = open_printer(f"image:{tmp_path}", {})
    assert printer.print(TICKET, job_id="T1-1", timeout_s=1.0).reason == "NOT_CLAIMED"
    printer.claim(timeout_s=1.0)
    with printer._busy:
        assert printer.print(TICKET, job_id="T1-1", timeout_s=0.01).reason == "BUSY"
    printer.release()
    printer.release()
    assert printer.print(TICKET, job_id="T1-1", timeout_s=1.0).reason == "NOT_CLAIMED"


@pytest.mark.parametrize("timeout_s", [math.inf, math.nan, -1.0, 0.0])
def test_any_number_may_be_a_time_to_wait(timeout_s: float, tmp_path: Path) -> None:
    printer = open_printer(f"image:{tmp_path}", {})
    printer.claim(timeout_s=timeout_s)
    assert printer.print(TICKET, job_id="T1-1", timeout_s=timeout_s).outcome == "printed"


def test_two_threads_print_two_tickets(tmp_path: Path) -> None:
    printer = claimed(tmp_path)
    threads = [
        threading.Thread(
            target=printer.print, args=(TICKET,), kwargs={"job_id": f"T1-{n}", "timeout_s": 10.0}
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(tmp_path.glob("ticket-*.png"))) == 4


@pytest.mark.parametrize("url", ["image:", "image:out?profile=90mm", "image:out?colour=red"])
def test_a_url_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_printer(url, {})


@pytest.mark.parametrize(
    ("one", "other"), [("a/b", "a:b"), ("a/b", "a-b"), ("x" * 100 + "1", "x" * 100 + "2")]
)
def test_two_jobs_never_have_one_name(tmp_path: Path, one: str, other: str) -> None:
    printer = claimed(tmp_path)
    for job_id in (one, other, one):
        assert printer.print(TICKET, job_id=job_id, timeout_s=1.0).outcome == "printed"
    assert len(list(tmp_path.iterdir())) == 2
