"""`cvconnect demo`, as somebody sees it who has just installed the package."""

from __future__ import annotations

import errno
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import pytest
import typer
import zxingcpp
from PIL import Image

from cvconnect_sim import demo, scenes

COMMAND = [sys.executable, "-c", "from cvconnect_pos.cli.main import main; main()", "demo", "--out"]
FIRST_SCREENS = ("1-qr", "3-refus", "4-annulation", "5-expiration")
RESULTS: Mapping[str, tuple[str, ...]] = {
    "1": ("Validé", "45,50 €", "45,50 €", "0,00 €"),
    "2": ("Validé", "45,50 €", "30,00 €", "15,50 €"),
    "3": ("Refusé", "62,00 €", "0,00 €", "62,00 €"),
    "4": ("Annulé", "38,00 €", "0,00 €", "38,00 €"),
    "5": ("Expiré", "25,00 €", "0,00 €", "25,00 €"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a demonstration left behind."""

    out: Path
    text: str


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    out = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run(
        [*COMMAND, str(out)], capture_output=True, encoding="utf-8", timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return Told(out, done.stdout.replace("\u00a0", " "))


def qr_texts(picture: Path) -> list[str]:
    with Image.open(picture) as image:
        return [code.text for code in zxingcpp.read_barcodes(image)]


def test_five_payments_end_as_they_are_told(told: Told) -> None:
    rows = [
        [cell.strip() for cell in line.strip("│|").split("│")]
        for line in told.text.splitlines()
        if "│" in line
    ]
    results = {row[0][0]: tuple(row[1:]) for row in rows if re.match(r"\d\. ", row[0])}
    assert results == RESULTS
    assert "PRODUCT_CODE" not in told.text
    assert "Code produit lu. Présentez l’identifiant Chèque-Vacances." in told.text


def test_the_story_can_be_read_on_80_columns_without_colours(told: Told) -> None:
    assert "\x1b" not in told.text
    assert max(map(len, told.text.splitlines())) <= 80


@pytest.mark.parametrize("scene", FIRST_SCREENS)
def test_the_qr_on_the_screen_can_be_read_by_two_decoders(told: Told, scene: str) -> None:
    picture = told.out / f"{scene}-ecran-qr.png"
    (text,) = qr_texts(picture)
    assert re.fullmatch(r"https://qr\.simulation\.invalid/p/\w+\?t=\w+", text)
    pixels = cv2.imread(str(picture))
    assert pixels is not None
    assert cv2.QRCodeDetector().detectAndDecode(pixels)[0] == text


def test_no_qr_stays_on_the_screen_once_it_cannot_be_paid(told: Told) -> None:
    others = [file for file in told.out.glob("*-ecran-*.png") if not file.stem.endswith("-qr")]
    assert len(others) == 9
    assert {file.name: qr_texts(file) for file in others} == {file.name: [] for file in others}


def test_every_ticket_says_that_it_is_worth_nothing_and_is_a_picture_too(told: Told) -> None:
    for scene in scenes.SCENES:
        ticket = (told.out / f"{scene.slug}-ticket.txt").read_text(encoding="utf-8")
        assert ticket.count("SIMULATION - SANS VALEUR") == 2
        assert ("Aucun montant n’a été débité" in ticket) is (scene.received_cents == 0)
        with Image.open(told.out / f"{scene.slug}-ticket.png") as image:
            assert image.height > image.width // 3
    assert re.search(
        r"Reste à payer\s+15,50 €",
        (told.out / "2-douchette-ticket.txt").read_text("utf-8").replace("\u00a0", " "),
    )


def test_the_last_lines_name_every_file(told: Told) -> None:
    files = {file.name for file in told.out.iterdir()}
    assert set(told.text.splitlines()[-len(files) :]) == {f"  {name}" for name in files}


def test_a_scene_that_ends_otherwise_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "SCENES", (replace(scenes.SCENES[0], state="REFUSED"),))
    with pytest.raises(typer.Exit) as end:
        demo.command(tmp_path)
    assert end.value.exit_code == 1
    assert "La démonstration a échoué" in capsys.readouterr().out


def test_a_folder_that_cannot_be_made_is_said_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(typer.Exit) as end:
        demo.command(tmp_path / "file" / "out")
    assert end.value.exit_code == 2
    assert "ne peut pas être utilisé" in capsys.readouterr().out.replace("\n", " ")


def test_a_folder_that_cannot_be_written_any_more_is_said_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "1-qr-ecran-qr.png").mkdir()
    with pytest.raises(typer.Exit) as end:
        demo.command(tmp_path)
    assert end.value.exit_code == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "ne peut pas être utilisé" in said
    assert "(DEMO_FOLDER)" in said


def test_a_fault_of_the_system_is_not_blamed_on_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_folder: Path) -> None:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(demo, "Counter", refuse)
    with pytest.raises(typer.Exit) as end:
        demo.command(tmp_path)
    assert end.value.exit_code == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "Cannot assign requested address" in said
    assert "Le dossier" not in said


def test_a_ticket_fits_a_console_that_is_narrower_than_the_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(demo, "SCENES", scenes.SCENES[3:4])
    demo.command(tmp_path)
    lines = capsys.readouterr().out.replace("\u00a0", " ").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("╭"))
    last = next(number for number, line in enumerate(lines) if line.startswith("╰"))
    ticket = [line[2:-2] for line in lines[first + 1 : last]]
    assert {len(line) for line in lines[first : last + 1]} == {40}
    assert "-" * 36 in ticket
    assert "CHÈQUE-VACANCES CONNECT".center(36) in ticket
    assert f"Montant demandé{'38,00 €':>21}" in ticket


def test_ctrl_c_ends_it_at_once_and_without_a_traceback(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", *COMMAND[1:], str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if "QR code affiché" in line:
                break
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (130, "")
    assert out.splitlines()[-1] == "Démonstration interrompue."
