"""Drivers are light to import, and what they raise can be acted upon."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import serial

from cvconnect_drivers.displays import image, terminal
from cvconnect_drivers.errors import (
    DiskFullError,
    DriverError,
    LinkAbsentError,
    LinkLostError,
    LinkTimeoutError,
    NotClaimedError,
    PackageMissingError,
)
from cvconnect_drivers.links.file import open_file, unwritable
from cvconnect_drivers.links.memory import ROLL_BYTES, MemoryLink, tear_off
from cvconnect_drivers.links.serial import open_serial
from cvconnect_drivers.scanners.serial import open_scanner
from cvconnect_pos.peripherals import PaymentPrompt


class StrangeError(Exception):
    """Like `termios.error`: no OSError."""


IMPORTS = """
import sys
import cvconnect_drivers.displays.image, cvconnect_drivers.displays.terminal
import cvconnect_drivers.printers.printer, cvconnect_drivers.scanners.serial
print(sorted({"PIL", "segno", "serial", "zxingcpp", "cvconnect_pos", "cvconnect_sim"} & set(sys.modules)))
"""


def test_importing_every_driver_imports_no_third_party() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], check=True, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "error",
    [
        PackageMissingError("pyserial"),
        NotClaimedError("serial:COM3"),
        LinkAbsentError("serial:COM3", "no such file"),
        LinkLostError("serial:COM3", "gone"),
        DiskFullError("out/ticket.bin"),
        LinkTimeoutError("serial:COM3", "byte"),
    ],
)
def test_an_error_has_a_code_and_a_sentence_in_both_languages(error: DriverError) -> None:
    assert error.code.isupper()
    assert error.fr != error.en
    assert str(error) == f"{error.code}: {error.en}"
    assert (error.text(), error.text("en")) == (error.fr, error.en)
    assert error.text().endswith((".", "pip install pyserial"))
    assert isinstance(error, TimeoutError) == isinstance(error, LinkTimeoutError)


def _claim_scanner(_path: Path) -> None:
    open_scanner("serial:COM3", {}).claim(on_status=lambda _health: None, timeout_s=5)


def _claim_image(path: Path) -> None:
    image.open_display(f"image:{path / 'd.png'}", {}).claim(timeout_s=1)


def _show_in_terminal(_path: Path) -> None:
    display = terminal.open_display("terminal:", {})
    display.claim(timeout_s=1)
    display.show(PaymentPrompt("waiting", qr_payload="x"), timeout_s=1)


@pytest.mark.parametrize(
    ("module", "package", "act"),
    [
        ("serial", "pyserial", _claim_scanner),
        ("PIL", "pillow", _claim_image),
        ("segno", "segno", _show_in_terminal),
    ],
)
def test_a_missing_package_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, package: str, act: Callable[[Path], None]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PackageMissingError, match=f"pip install {package}") as caught:
        act(tmp_path)
    assert caught.value.package == package


def test_a_file_link_appends_and_never_answers(tmp_path: Path) -> None:
    path = tmp_path / "roll" / "ticket.bin"
    for part in (b"one", b"two"):
        link = open_file(str(path))
        link.write(part, timeout_s=1)
        with pytest.raises(LinkTimeoutError):
            link.read(1, timeout_s=1)
        link.close()
        link.close()
        with pytest.raises(LinkLostError):
            link.write(b"late", timeout_s=1)
    assert path.read_bytes() == b"onetwo"


def test_a_folder_is_no_printer(tmp_path: Path) -> None:
    with pytest.raises(LinkAbsentError) as caught:
        open_file(str(tmp_path))
    assert caught.value.text() == f"{tmp_path} est un dossier : indiquez un fichier."


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "accès refusé"),
        (errno.ENOSPC, "le disque est plein"),
        (errno.EROFS, "lecture seule"),
        (errno.ENOTDIR, "introuvable"),
        (errno.EIO, "ne peut pas être écrit"),
    ],
)
def test_a_file_that_cannot_be_written_is_not_told_to_be_plugged_in(number: int, said: str) -> None:
    text = unwritable("t.bin", OSError(number, "in English")).text()
    assert text.startswith("t.bin ")
    assert said in text
    assert "branché" not in text
    assert "English" not in text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (serial.SerialException(errno.EACCES, "denied"), "dialout"),
        (serial.SerialException(errno.EBUSY, "busy"), "utilisé par un autre programme"),
        (serial.SerialException(errno.EAGAIN, "locked"), "utilisé par un autre programme"),
        (serial.SerialException(errno.ENOENT, "no such file"), "introuvable"),
        (
            serial.SerialException("could not open port 'COM3': PermissionError(13, '...')"),
            "utilisé par un autre",
        ),
        (serial.SerialException("could not open port 'COM9': FileNotFoundError(2, '...')"), "introuvable"),
        (serial.SerialException("whatever"), "vérifiez que l’appareil est branché"),
        (StrangeError(errno.ENOTTY, "Inappropriate ioctl for device"), "n’est pas un port série"),
        (ValueError("Not a valid baudrate"), "ne répond pas"),
        (StrangeError(5, "Input/output error"), "ne répond pas"),
    ],
)
def test_a_port_that_cannot_be_opened_says_why(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    with pytest.raises(LinkAbsentError) as caught:
        open_serial("COM3", baud=9600)
    assert caught.value.text().startswith("COM3 ")
    assert said in caught.value.text()


class FlakyPort:
    """A port that is pulled right after it was opened, and fails as termios does."""

    is_open = True
    timeout = 1.0

    def reset_input_buffer(self) -> None:
        raise StrangeError(5, "Input/output error")

    def read(self, _size: int) -> bytes:
        raise StrangeError(5, "Input/output error")

    def write(self, _data: bytes) -> None:
        raise StrangeError(5, "Input/output error")

    def close(self) -> None:
        self.is_open = False
        raise StrangeError(9, "Bad file descriptor")


def test_no_foreign_exception_leaves_a_serial_link_and_its_port_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = FlakyPort()

    def open_flaky(*_: object, **__: object) -> FlakyPort:
        return port

    monkeypatch.setattr(serial, "serial_for_url", open_flaky)
    with pytest.raises(LinkAbsentError):
        open_serial("COM3", baud=9600)
    assert not port.is_open
    monkeypatch.setattr(port, "reset_input_buffer", lambda: None, raising=False)
    link = open_serial("COM3", baud=9600)
    with pytest.raises(LinkLostError):
        link.read(1, timeout_s=1)
    with pytest.raises(LinkLostError):
        link.write(b"x", timeout_s=1)
    link.close()


def test_a_roll_in_memory_forgets_its_oldest_paper() -> None:
    link = MemoryLink("bounded")
    link.write(b"old", timeout_s=1)
    link.write(b"x" * ROLL_BYTES, timeout_s=1)
    assert tear_off("bounded") == b"x" * ROLL_BYTES
