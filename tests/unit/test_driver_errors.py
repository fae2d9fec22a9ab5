"""Drivers are light to import, and what they raise can be acted upon."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cvconnect_drivers.displays import image, terminal
from cvconnect_drivers.errors import (
    DriverError,
    LinkAbsentError,
    LinkError,
    LinkLostError,
    LinkTimeoutError,
    NotClaimedError,
    PackageMissingError,
)
from cvconnect_drivers.links.file import open_file
from cvconnect_drivers.links.memory import ROLL_BYTES, MemoryLink, tear_off
from cvconnect_drivers.scanners.serial import open_scanner
from cvconnect_pos.peripherals import PaymentPrompt

IMPORTS = """
import sys
import cvconnect_drivers.displays.image, cvconnect_drivers.displays.terminal
import cvconnect_drivers.printers.printer, cvconnect_drivers.scanners.serial
print(sorted({"PIL", "segno", "serial", "cvconnect_pos", "cvconnect_sim"} & set(sys.modules)))
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
        LinkTimeoutError("serial:COM3", "byte"),
    ],
)
def test_an_error_has_a_code_and_a_sentence_in_both_languages(error: DriverError) -> None:
    assert error.code.isupper()
    assert error.fr != error.en
    assert str(error) == f"{error.code}: {error.en}"
    assert error.retryable == isinstance(error, LinkError)
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
    with pytest.raises(LinkAbsentError):
        open_file(str(tmp_path))


def test_a_roll_in_memory_forgets_its_oldest_paper() -> None:
    link = MemoryLink("bounded")
    link.write(b"old", timeout_s=1)
    link.write(b"x" * ROLL_BYTES, timeout_s=1)
    assert tear_off("bounded") == b"x" * ROLL_BYTES
