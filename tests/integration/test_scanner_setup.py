"""`cvconnect scanner setup`, as a person runs it: the label comes out, is read twice, and the file is completed."""

from __future__ import annotations

import errno
import io
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import tomllib
import tty
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from cvconnect_drivers.cli import raw_readers, setup, words
from cvconnect_drivers.cli.calibration_label import label_png
from cvconnect_drivers.cli.countdown import Countdown
from cvconnect_drivers.cli.raw_readers import EvdevReader, open_raw
from cvconnect_drivers.cli.station_text import StationText
from cvconnect_drivers.errors import ConfigurationError, LinkAbsentError
from cvconnect_drivers.scanners import evdev as evdev_driver
from cvconnect_drivers.scanners import input_events as linux
from cvconnect_drivers.scanners import serial as serial_driver
from cvconnect_drivers.scanners.calibration import CALIBRATION_TEXT
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.settings import Identity

CVCONNECT = "import sys; from cvconnect_pos.cli.main import main; sys.exit(main())"
WAIT_S = 20.0

STATION = """\
# The till of the entrance
[shop]
name = "L’Œuf"  # printed as it stands

[[scanners]]  # the one on the left
url = "{url}"
duplicate_window_ms = 500  # it stutters

[[displays]]
url = "image:ecran.png"
"""


class Command:
    """The command, running."""

    def __init__(self, folder: Path, arguments: Sequence[str], stdin: int | None = None) -> None:
        self.output = ""
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-c", CVCONNECT, "scanner", "setup", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "100"},
            text=True,
            encoding="utf-8",
        )
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def expect(self, text: str) -> None:
        """Read lines until one holds a text."""
        deadline_s = time.monotonic() + WAIT_S
        while True:
            line = self._lines.get(timeout=max(deadline_s - time.monotonic(), 0.01))
            assert line is not None, f"ended without {text!r}:\n{self.output}"
            self.output += line
            if text in line:
                return

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Wait for its end; no traceback was shown."""
        status = self._process.wait(WAIT_S)
        self._thread.join()
        while (line := self._lines.get(timeout=1)) is not None:
            self.output += line
        assert "Traceback" not in self.output, self.output
        return status

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._thread.join()
        if self._process.stdout is not None:
            self._process.stdout.close()


class Cable:
    """A serial port of this machine, and the scanner at its other end."""

    def __init__(self) -> None:
        self.scanner, self._port = os.openpty()
        tty.setraw(self._port)
        self.url = f"serial://{os.ttyname(self._port)}"

    def send(self, text: str) -> None:
        os.write(self.scanner, text.encode())

    def close(self) -> None:
        os.close(self.scanner)
        os.close(self._port)


@pytest.fixture
def cable() -> Iterator[Cable]:
    cable = Cable()
    yield cable
    cable.close()


@pytest.fixture
def station(tmp_path: Path, cable: Cable) -> Path:
    file = tmp_path / "cvconnect.toml"
    file.write_text(STATION.format(url=cable.url), encoding="utf-8")
    return file


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    commands: list[Command] = []

    def start(*arguments: str, stdin: int | None = None) -> Command:
        commands.append(Command(tmp_path, arguments, stdin))
        return commands[-1]

    yield start
    for command in commands:
        command.close()


def test_the_scanner_of_the_file_is_set_up_and_proven(
    run: Callable[..., Command], station: Path, cable: Cable
) -> None:
    before = station.read_text(encoding="utf-8")
    command = run("--png", "label.png")
    command.expect("Lisez l’étiquette")
    cable.send(f"P>]Q1{CALIBRATION_TEXT}\r")
    command.expect("Pour preuve")
    cable.send(f"P>]Q1{CALIBRATION_TEXT}\r")
    assert command.end() == 0, command.output
    assert "prête pour la caisse" in command.output
    after = station.read_text(encoding="utf-8")
    table = tomllib.loads(after)["scanners"][0]
    assert table == {"url": cable.url, "duplicate_window_ms": 500, "terminator": "cr", "prefix": "P>"}
    # Whatever people wrote stands where it stood.
    assert [line for line in after.splitlines() if line in before.splitlines()] == before.splitlines()
    assert (station.parent / "cvconnect.toml.bak").read_text(encoding="utf-8") == before
    assert sorted(path.name for path in station.parent.iterdir()) == [
        "cvconnect.toml",
        "cvconnect.toml.bak",
        "label.png",
    ]


def test_the_label_comes_out_of_the_stations_printer(
    run: Callable[..., Command], station: Path, cable: Cable
) -> None:
    with station.open("a", encoding="utf-8") as file:
        file.write('\n[printer]\nurl = "file:roll.bin"\n')
    command = run()
    command.expect("est imprimée")
    command.expect("Lisez l’étiquette")
    cable.send(f"{CALIBRATION_TEXT}#\r\n")
    command.expect("Pour preuve")
    cable.send(f"{CALIBRATION_TEXT}#\r\n")
    assert command.end() == 0, command.output
    assert CALIBRATION_TEXT.encode() in (station.parent / "roll.bin").read_bytes()
    table = tomllib.loads(station.read_text(encoding="utf-8"))["scanners"][0]
    assert table["suffix"] == "#\r\n"
    assert "terminator" not in table


@pytest.mark.parametrize(
    ("before", "end"),
    [("", "\r"), ("\x02", "\x03"), ("P>", "\t\r"), ("", "\n\r"), ("", "\rXY"), ("]Q1", "#\r\n")],
)
def test_what_was_written_reads_one_identifier_after_another(
    run: Callable[..., Command], station: Path, cable: Cable, before: str, end: str
) -> None:
    command = run("--png", "label.png")
    command.expect("Lisez")
    cable.send(f"{before}{CALIBRATION_TEXT}{end}")
    command.expect("Pour preuve")
    cable.send(f"{before}{CALIBRATION_TEXT}{end}")
    assert command.end() == 0, command.output
    table = tomllib.loads(station.read_text(encoding="utf-8"))["scanners"][0]
    scanner = serial_driver.open_scanner(table.pop("url"), table)
    labels: queue.SimpleQueue[Label] = queue.SimpleQueue()
    scanner.claim(on_status=lambda _health: None, timeout_s=3)
    try:
        for identifier in ("03481592677", "12345678905"):
            scanner.arm(labels.put)
            cable.send(f"{before}{identifier}{end}")
            label = labels.get(timeout=5)
            assert (label.text, label.refusal) == (identifier, None)
    finally:
        scanner.release()


def test_what_customers_labels_are_wrapped_in_stays(
    run: Callable[..., Command], station: Path, cable: Cable
) -> None:
    text = station.read_text(encoding="utf-8")
    station.write_text(text.replace("duplicate_", 'label_prefix = "CVCO:"\nduplicate_'), encoding="utf-8")
    command = run("--png", "label.png")
    command.expect("Lisez")
    cable.send(f"]Q1#{CALIBRATION_TEXT}\r")
    command.expect("Pour preuve")
    cable.send(f"]Q1#{CALIBRATION_TEXT}\r")
    assert command.end() == 0, command.output
    table = tomllib.loads(station.read_text(encoding="utf-8"))["scanners"][0]
    assert table["label_prefix"] == "#CVCO:"


def test_labels_that_the_station_would_refuse_are_no_proof(
    run: Callable[..., Command], station: Path, cable: Cable
) -> None:
    text = station.read_text(encoding="utf-8")
    station.write_text(text.replace("duplicate_", 'symbologies = "qr"\nduplicate_'), encoding="utf-8")
    before = station.read_bytes()
    command = run("--png", "label.png")
    command.expect("Lisez")
    cable.send(f"{CALIBRATION_TEXT}\r")  # no AIM identifier: nothing tells that this is a QR
    command.expect("Pour preuve")
    cable.send(f"{CALIBRATION_TEXT}\r")
    assert command.end() == 1
    assert "SCANNER_MISREADS" in command.output
    assert station.read_bytes() == before
    assert not station.with_name("cvconnect.toml.bak").exists()


def test_the_same_device_written_otherwise_has_one_table(
    run: Callable[..., Command], station: Path, cable: Cable
) -> None:
    command = run(cable.url.replace("serial://", "serial:"), "--png", "label.png")
    command.expect("Lisez")
    cable.send(f"{CALIBRATION_TEXT}\r")
    command.expect("Pour preuve")
    cable.send(f"{CALIBRATION_TEXT}\r")
    assert command.end() == 0, command.output
    tables = tomllib.loads(station.read_text(encoding="utf-8"))["scanners"]
    assert tables == [{"url": cable.url, "duplicate_window_ms": 500, "terminator": "cr"}]


def test_no_label_comes_out_for_a_scanner_that_is_away(tmp_path: Path, run: Callable[..., Command]) -> None:
    command = run("serial:/dev/no-scanner", "--png", "label.png")
    assert command.end() == 1
    assert "introuvable" in command.output
    assert not (tmp_path / "label.png").exists()


def test_a_dry_run_shows_and_proves_but_writes_nothing(
    run: Callable[..., Command], station: Path, cable: Cable
) -> None:
    before = station.read_bytes()
    command = run(cable.url, "--png", "label.png", "--dry-run")
    command.expect("Lisez")
    cable.send(f"{CALIBRATION_TEXT}\n")
    command.expect("Pour preuve")
    cable.send(f"{CALIBRATION_TEXT}\n")
    assert command.end() == 0, command.output
    assert 'terminator = "lf"' in command.output
    assert station.read_bytes() == before
    assert not station.with_name("cvconnect.toml.bak").exists()


def test_another_label_is_explained_and_may_be_followed_by_the_right_one(
    run: Callable[..., Command], station: Path, cable: Cable
) -> None:
    command = run("--png", "label.png", "--dry-run")
    command.expect("Lisez")
    cable.send("3017620422003\r")
    command.expect("Ce n’est pas l’étiquette de calibrage")
    command.expect("Lisez")
    cable.send(f"{CALIBRATION_TEXT}\r")
    command.expect("Pour preuve")
    cable.send("3017620422003\r")
    assert command.end() == 1
    assert "SCANNER_MISREADS" in command.output
    assert "3017620422003" not in command.output


def test_a_wedge_is_read_from_the_terminal(run: Callable[..., Command], tmp_path: Path) -> None:
    keyboard, terminal = os.openpty()
    try:
        (tmp_path / "cvconnect.toml").write_text("", encoding="utf-8")
        command = run("wedge:COUNTER", "--png", "label.png", stdin=terminal)
        command.expect("Lisez")
        os.write(keyboard, f"]Q1{CALIBRATION_TEXT}\r".encode())
        command.expect("celui de ce poste")
        command.expect("Pour preuve")
        os.write(keyboard, f"]Q1{CALIBRATION_TEXT}\r".encode())
        assert command.end() == 0, command.output
    finally:
        os.close(keyboard)
        os.close(terminal)
    tables = tomllib.loads((tmp_path / "cvconnect.toml").read_text(encoding="utf-8"))["scanners"]
    assert tables == [{"url": "wedge:COUNTER", "terminator": "enter"}]


def test_a_scanner_and_a_desktop_that_differ_are_named(run: Callable[..., Command], tmp_path: Path) -> None:
    keyboard, terminal = os.openpty()
    seen = "CVCOMCqlibrqge)&é\"'(-è_çà2" + "3" + "qazw,y8"  # the keys of `us` on a French desktop
    try:
        command = run("wedge:COUNTER", "--png", "label.png", stdin=terminal)
        for _ in range(3):
            command.expect("Lisez")
            os.write(keyboard, f"{seen}\r".encode())
        assert command.end() == 1
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert "clavier « us » et ce poste pour un clavier « fr »" in command.output
    assert "CALIBRATION_DESKTOP" in command.output


def test_silence_ends_by_itself(run: Callable[..., Command], station: Path) -> None:
    command = run("--png", "label.png", "--timeout", "1")
    assert command.end() == 1
    assert "CALIBRATION_NOTHING" in command.output


def test_an_interruption_leaves_the_file(run: Callable[..., Command], station: Path) -> None:
    before = station.read_bytes()
    command = run("--png", "label.png")
    command.expect("Lisez")
    command.interrupt()
    assert command.end() == 130
    assert station.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "arguments", "code"),
    [
        (None, [], "STATION_FILE"),
        ("[[scanners]\n", [], "STATION_FILE"),
        ("scanners = 3\n", [], "STATION_FILE"),
        ("[[scanners]]\nspeed = 1\n", [], "STATION_FILE"),
        ("", [], "SCANNER_URL"),
        ('[[scanners]]\nurl="serial:a"\n[[scanners]]\nurl="serial:b"\n', [], "SCANNER_URL"),
        ("", ["serial:COM3"], "NO_PRINTER"),
        ("", ["serial:COM3", "--png", "label.jpg"], "LABEL_FILE"),
        ("", ["serial:COM3", "--png", "missing/label.png"], "LABEL_FILE"),
        ("", ["telepathy:x", "--png", "label.png"], "UNKNOWN_DRIVER"),
        ("", ["nothing", "--png", "label.png"], "INVALID_URL"),
        ("", ["socket://127.0.0.1", "--png", "label.png"], "INVALID_URL"),
        ("", ["wedge:a b", "--png", "label.png"], "INVALID_URL"),
        ('[[scanners]]\nurl="socket://127.0.0.1:9"\nspeed=1\n', ["--png", "label.png"], "UNKNOWN_OPTION"),
        ("", ["socket://127.0.0.1:9", "--png", "label.png"], "LINK_ABSENT"),
        ("", ["wedge:A", "--png", "label.png"], "LINK_ABSENT"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, arguments: list[str], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("cvconnect.toml").write_text(content, encoding="utf-8")
    app = typer.Typer()
    app.command()(setup.command)
    with Path(os.devnull).open() as nothing, monkeypatch.context() as patched:
        patched.setattr(sys, "stdin", nothing)
        done = CliRunner().invoke(app, ["setup", *arguments])
    assert done.exit_code in {1, 2}
    assert f"Code : {code}" in done.output, done.output


def test_the_picture_scans() -> None:
    import zxingcpp

    picture = Image.open(io.BytesIO(label_png()))
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [CALIBRATION_TEXT]


def test_the_picture_says_what_it_is() -> None:
    picture = Image.open(io.BytesIO(label_png())).convert("L")
    code_px = picture.width
    above, below = picture.crop((0, 0, code_px, 51)), picture.crop((0, code_px + 51, code_px, picture.height))
    assert above.getextrema() == (0, 255)
    assert below.getextrema() == (0, 255)


def test_a_setting_of_the_url_moves_into_the_table(tmp_path: Path) -> None:
    file = tmp_path / "till.toml"
    file.write_bytes(b'\xef\xbb\xbf# kept\r\n[[scanners]]\r\nurl = "serial:COM3?baud=9600&terminator=lf"\r\n')
    station = StationText(file)
    station.set_scanner(
        "serial:COM3?baud=9600&terminator=lf", "serial:COM3?baud=9600", {"terminator": "cr", "prefix": None}
    )
    station.save()
    assert file.read_bytes() == (
        b'\xef\xbb\xbf# kept\r\n[[scanners]]\r\nurl = "serial:COM3?baud=9600"\r\nterminator = "cr"\r\n'
    )


def test_scanners_between_braces_are_completed(tmp_path: Path) -> None:
    file = tmp_path / "till.toml"
    file.write_text('scanners = [{url = "serial:a"}]\n', encoding="utf-8")
    station = StationText(file)
    station.set_scanner("serial:b", "serial:b", {"terminator": "cr"})
    station.set_scanner("serial:a", "serial:a", {"terminator": "lf"})
    station.save()
    assert tomllib.loads(file.read_text(encoding="utf-8"))["scanners"] == [
        {"url": "serial:a", "terminator": "lf"},
        {"url": "serial:b", "terminator": "cr"},
    ]


@pytest.mark.parametrize("gap", ["\n", ""])
@pytest.mark.parametrize("url", ["serial:a", "serial:new"])
def test_no_setting_slips_under_the_heading_of_what_follows(tmp_path: Path, gap: str, url: str) -> None:
    file = tmp_path / "till.toml"
    file.write_text(
        f'  [[scanners]]\n  url = "serial:a"\n{gap}# --- The screens ---\n[[displays]]\nurl = "image:x"\n'
    )
    station = StationText(file)
    station.set_scanner(url, url, {"terminator": "cr", "prefix": None})
    station.save()
    text = file.read_text(encoding="utf-8")
    assert text.endswith(f'terminator = "cr"\n{gap}# --- The screens ---\n[[displays]]\nurl = "image:x"\n')
    assert {"url": url, "terminator": "cr"} in tomllib.loads(text)["scanners"]


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ('[[scanners]]\nurl="serial:a"\n[shop]\nname="x"\n[[scanners]]\nurl="serial:b"\n', 0o644, "séparées"),
        ('[[scanners]]\nurl = "serial:a"\n', 0o444, "protégé en écriture"),
    ],
)
def test_a_file_that_would_suffer_is_left_alone(tmp_path: Path, text: str, mode: int, why: str) -> None:
    file = tmp_path / "till.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    station = StationText(file)
    station.set_scanner("serial:a", "serial:a", {"terminator": "cr"})
    with pytest.raises(ConfigurationError) as told:
        station.save()
    assert why in told.value.fr
    assert file.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link_and_its_file_keeps_mode_and_line_ends(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "till.toml"
    real.write_bytes(b'# kept\r\n[[scanners]]\r\nurl = "serial:a"\r\n')
    real.chmod(0o640)
    link.symlink_to(real)
    station = StationText(link)
    station.set_scanner("serial:a", "serial:a", {"terminator": "cr"})
    station.save()
    assert link.is_symlink()
    assert real.read_bytes() == b'# kept\r\n[[scanners]]\r\nurl = "serial:a"\r\nterminator = "cr"\r\n'
    assert real.stat().st_mode & 0o777 == 0o640


def test_the_systems_reasons_are_french(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as told:
        StationText(tmp_path)
    assert told.value.fr.endswith(" : c’est un dossier, indiquez un fichier.")
    assert words.reason(OSError(9999, "Strange")) == "erreur 9999 du système"


def test_sentences_are_broken_between_words_and_addresses_never(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    words.say("  La douchette est branchée, et personne ne la lit encore.")
    words.show("evdev:?vendor=0c2e&product=0b61&port=usb-0000:00:14.0-2/input0")
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == ["  La douchette est branchée, et personne", "  ne la lit encore."]
    assert "evdev:?vendor=0c2e&product=0b61&port=usb-0000:00:14.0-2/input0" in told[2]


@pytest.mark.parametrize(("columns", "above"), [("40", True), ("80", False)])
def test_a_countdown_is_one_line_however_narrow_the_window(
    columns: str, above: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", columns)
    with Countdown("Lisez l’étiquette de calibrage, une fois", 600):
        pass
    lines = capsys.readouterr().out.split("\n")
    assert all(len(line.strip("\r")) <= int(columns) for line in lines)
    assert lines[-2].strip().endswith("600 s")
    assert (lines[-2].strip() == "600 s") is above


def test_a_file_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "till.toml"
    file.write_text("# mine\n", encoding="utf-8")
    station = StationText(file)
    station.set_scanner("serial:a", "serial:a", {"terminator": "cr"})

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match="STATION_FILE"):
        station.save()
    assert file.read_text(encoding="utf-8") == "# mine\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["till.toml", "till.toml.bak"]


class Keyboard:
    """A keyboard of Linux, made of a pipe."""

    def __init__(self) -> None:
        self.fd, self._end = os.pipe()
        os.set_blocking(self.fd, False)
        self.grabbed = self.is_held = False

    def press(self, *codes: int) -> None:
        for code in codes:
            for value in (1, 0):
                os.write(self._end, linux.EVENT.pack(10, 0, linux.EV_KEY, code, value))

    def active_keys(self) -> list[int]:
        return []

    def leds(self) -> list[int]:
        return []

    def capabilities(self) -> dict[int, list[object]]:
        return {}

    def grab(self) -> None:
        if self.is_held:
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.grabbed = True

    def ungrab(self) -> None:
        self.grabbed = False

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._end)


def test_a_keyboard_scanner_is_read_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keyboard = Keyboard()

    def opened(path: Path, _where: str) -> Keyboard:
        return keyboard if path.name == "event0" else Keyboard()  # a second look at it is a file of its own

    monkeypatch.setattr(evdev_driver, "open_by_path", opened)
    reader: raw_readers.RawReader = EvdevReader("evdev:///dev/input/event0", {})
    try:
        assert reader.read(timeout_s=0.01) == []
        assert keyboard.grabbed
        keyboard.press(2, 28)
        keys = [(event.code, event.pressed) for event in reader.read(timeout_s=5)]  # type: ignore[union-attr]
        assert keys == [(2, True), (2, False), (28, True), (28, False)]
    finally:
        reader.close()


def test_a_keyboard_whose_identity_stands_in_the_table_is_the_one_that_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Identity] = []

    def opened(identity: Identity, _where: str) -> Keyboard:
        asked.append(identity)
        return Keyboard()

    def look(_path: Path, _where: str) -> Keyboard:
        return Keyboard()

    monkeypatch.setattr(evdev_driver, "open_by_identity", opened)
    monkeypatch.setattr(evdev_driver, "open_by_path", look)
    table = {"vendor": "0C2E", "product": "0b61", "layout": "fr", "duplicate_window_ms": 500}
    open_raw("evdev:", table).close()
    assert asked == [Identity("0c2e", "0b61")]


def test_a_keyboard_that_a_till_holds_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    keyboard = Keyboard()
    keyboard.is_held = True

    def opened(path: Path, _where: str) -> Keyboard:
        return keyboard if path.name == "event0" else Keyboard()  # a second look at it is a file of its own

    monkeypatch.setattr(evdev_driver, "open_by_path", opened)
    reader = EvdevReader("evdev:///dev/input/event0", {})
    try:
        with pytest.raises(LinkAbsentError) as told:
            reader.read(timeout_s=0.01)
        assert "autre programme" in told.value.fr
    finally:
        reader.close()
