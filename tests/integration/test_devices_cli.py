"""`cvconnect devices` and `cvconnect doctor`, as those who install tills meet them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from cvconnect_drivers import discovery, printer_discovery
from cvconnect_drivers.cli import devices, doctor
from cvconnect_drivers.errors import PackageMissingError
from cvconnect_drivers.links import usb_devices
from cvconnect_drivers.links.serial import SerialPort
from cvconnect_drivers.links.usb_devices import UsbDevice
from cvconnect_drivers.scanners.hidpos import HidPosDevice
from cvconnect_drivers.scanners.settings import Identity
from cvconnect_sim.links import TcpLink
from cvconnect_sim.printer import Printer
from fake_input import MOUSE, Desk
from fake_usb import Bus, UsbPrinter, install


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(discovery, "list_serial", list[SerialPort])
    monkeypatch.setattr(discovery, "list_hidpos", list[HidPosDevice])
    monkeypatch.setattr(printer_discovery, "list_serial", list[SerialPort])
    monkeypatch.setattr(printer_discovery, "list_usb", list[UsbDevice])
    monkeypatch.setattr(printer_discovery, "PRINTER_NODES", tmp_path / "usb")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "control").touch()
    monkeypatch.setattr(doctor, "UDEV", tmp_path / "control")
    desk = Desk(tmp_path, monkeypatch)
    yield desk
    desk.close()


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one of the commands, as Typer does; gives the exit code and what was written."""

    def run(name: str, *arguments: str) -> tuple[int, str]:
        app = typer.Typer(add_completion=False)
        app.command("devices")(devices.command)
        app.command("doctor")(doctor.command)
        with pytest.raises(SystemExit) as end:
            app([name, *arguments])
        out, err = capsys.readouterr()
        assert err == ""
        code = end.value.code
        assert isinstance(code, int)
        return code, out

    return run


def forbid(monkeypatch: pytest.MonkeyPatch, *paths: Path | str) -> None:
    refused = set(map(str, paths))

    def access(path: Path | str, _mode: int) -> bool:
        return str(path) not in refused

    monkeypatch.setattr(os, "access", access)


def installed(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    def version(_name: str) -> str:
        return number

    monkeypatch.setattr(doctor, "_version", version)


# --- devices -----------------------------------------------------------------------------------------------------------------


def test_the_address_of_the_scanner_stands_ready_for_the_station_file(desk: Desk, run: Run) -> None:
    desk.plug(3, name="Logitech Keyboard", vendor="046d", product="c31c")
    desk.plug(4, name="Honeywell Voyager", serial="19091B0A5C")
    desk.plug(5, keys=MOUSE, name="Mouse")
    code, out = run("devices")
    assert code == 0
    assert '[[scanners]]\nurl = "evdev:?vendor=0c2e&product=0b61"\n' in out
    assert (
        "Honeywell Voyager\n  sans doute une douchette, mode clavier, fabricant Metrologic (Honeywell)\n"
        in out
    )
    assert "série 19091B0A5C, prise usb-0000:00:14.0-2/input0" in out
    assert "Logitech Keyboard\n  plutôt autre chose, mode clavier" in out
    assert "Mouse" not in out
    assert "cvconnect scanner setup" in out
    assert "accès refusé" not in out
    assert desk.opened == []


def test_of_several_candidates_the_way_to_tell_them_apart_is_told(desk: Desk, run: Run) -> None:
    desk.plug(4, serial="A1")
    desk.plug(5, serial="B2")
    code, out = run("devices")
    assert code == 0
    assert "débranchez la douchette et recommencez" in out
    assert "serial=A1" in out
    assert "serial=B2" in out


def test_nothing_that_looks_like_a_scanner_is_told_and_is_1(desk: Desk, run: Run) -> None:
    desk.plug(3, name="Logitech Keyboard", vendor="046d", product="c31c")
    code, out = run("devices")
    assert code == 1
    assert "Aucune douchette reconnue" in out
    assert "[[scanners]]" not in out
    assert "evdev:?vendor=046d&product=c31c" in out


def test_a_right_that_is_missing_leads_to_the_doctor(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, desk.plug(4).path)
    _, out = run("devices")
    assert "event4 : accès refusé" in out
    assert "cvconnect doctor" in out


def test_what_could_not_be_looked_at_is_told(desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> list[HidPosDevice]:
        raise PackageMissingError("hidapi")

    monkeypatch.setattr(discovery, "list_hidpos", missing)
    assert "Non cherché (mode HID-POS) : " in run("devices")[1]


def test_a_program_reads_json(desk: Desk, run: Run) -> None:
    node = desk.plug(4, serial="é")
    code, out = run("devices", "--json")
    assert code == 0
    assert json.loads(out) == {
        "devices": [
            {
                "kind": "keyboard",
                "name": "Scanner",
                "vendor": "0c2e",
                "product": "0b61",
                "serial": "é",
                "port": "usb-0000:00:14.0-2/input0",
                "path": str(node.path),
                "url": "evdev:?vendor=0c2e&product=0b61",
                "scanner": "likely",
                "readable": True,
            }
        ],
        "not_looked_at": [],
        "printers": [],
        "printers_not_looked_at": [],
    }


def test_a_program_reads_json_when_nothing_is_plugged_in(desk: Desk, run: Run) -> None:
    code, out = run("devices", "--json")
    nothing: dict[str, list[object]] = {
        "devices": [],
        "not_looked_at": [],
        "printers": [],
        "printers_not_looked_at": [],
    }
    assert (code, json.loads(out)) == (1, nothing)


def test_colours_are_for_terminals_and_addresses_are_never_cut(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.plug(4, serial="A" * 60)
    desk.plug(5, serial="B" * 60)
    assert "\x1b[" not in run("devices")[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = run("devices")[1]
    assert "\x1b[" in out
    assert f"evdev:?vendor=0c2e&product=0b61&serial={'A' * 60}" in out


# --- doctor ------------------------------------------------------------------------------------------------------------------


def test_a_till_that_lacks_nothing_is_told_so(desk: Desk, run: Run) -> None:
    desk.plug(4)
    code, out = run("doctor")
    assert code == 0
    assert out.endswith("Rien à corriger.\n")
    assert "udev : en marche" in out
    assert "event4) : lisible" in out
    assert desk.opened == []


def test_the_rule_that_is_missing_is_printed_with_the_commands_that_install_it(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, desk.plug(4).path)
    code, out = run("doctor")
    assert code == 1
    rule = (
        'SUBSYSTEM=="input", KERNEL=="event*", ATTRS{id/vendor}=="0c2e", ATTRS{id/product}=="0b61", '
        'MODE="0660", GROUP="input", TAG+="uaccess"'
    )
    assert f"/etc/udev/rules.d/70-cvconnect.rules\n{rule}\n" in out
    assert f"  echo '{rule}' | sudo tee -a /etc/udev/rules.d/70-cvconnect.rules\n" in out
    for words in ("sudo udevadm control --reload", "sudo udevadm trigger", "sudo usermod -aG input COMPTE"):
        assert words in out
    assert "Rien à corriger" not in out


def test_a_hidpos_scanner_and_a_port_have_remedies_of_their_own(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidpos = HidPosDevice(b"/dev/hidraw0", Identity("05e0", "1900", "", "1-2"), "DS2208")
    port = SerialPort("/dev/ttyACM0", 0x05F9, 0x4204, "S1", "1-3", "QuickScan")
    monkeypatch.setattr(discovery, "list_hidpos", lambda: [hidpos])
    monkeypatch.setattr(discovery, "list_serial", lambda: [port])
    forbid(monkeypatch, "/dev/hidraw0", "/dev/ttyACM0")
    code, out = run("doctor")
    assert code == 1
    assert 'SUBSYSTEM=="hidraw", ATTRS{idVendor}=="05e0", ATTRS{idProduct}=="1900", MODE="0660"' in out
    assert "sudo usermod -aG dialout COMPTE" in out


def test_a_keyboard_for_typing_needs_no_rule_beside_a_scanner(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.plug(4)
    forbid(monkeypatch, desk.plug(5, name="Strange", vendor="ffff", product="0001").path)
    code, out = run("doctor")
    assert code == 0
    assert "Strange" not in out


def test_what_may_be_a_scanner_is_looked_after_where_none_is_known(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, desk.plug(5, name="Strange", vendor="ffff", product="0001").path)
    code, out = run("doctor")
    assert code == 1
    assert 'ATTRS{id/vendor}=="ffff"' in out


@pytest.mark.parametrize("plugged", [True, False])
def test_a_package_that_is_missing_matters_when_a_device_needs_it(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch, plugged: bool
) -> None:
    if plugged:
        desk.plug(4)
    monkeypatch.setitem(sys.modules, "evdev", None)
    installed(monkeypatch, "")
    code, out = run("doctor")
    assert code == (1 if plugged else 0)
    assert "evdev : absent" in out
    assert 'pip install "cvconnect-pos[evdev]"' in out
    assert ("À installer" in out) is plugged


def test_a_package_that_is_broken_is_told_with_its_own_words(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def find_spec(self, name: str, _path: object, _target: object = None) -> None:
            if name == "pyudev":
                raise ImportError("No library named udev")

    monkeypatch.delitem(sys.modules, "pyudev", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    code, out = run("doctor")
    assert code == 0
    assert "ne fonctionne pas (ImportError : No library named udev)" in out


def test_two_packages_of_the_same_module_are_told(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, "2.0")
    assert "evdev 2.0 et evdev-binary 2.0 s’écrasent l’un l’autre" in run("doctor")[1]


def test_without_udev_the_wait_is_told(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "UDEV", tmp_path / "nothing")
    assert "udev : absent" in run("doctor")[1]


def test_elsewhere_than_on_linux_nothing_of_linux_is_told(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")
    out = run("doctor")[1]
    assert "udev" not in out
    assert "hidapi" in out


@pytest.mark.parametrize("command", ["devices", "doctor"])
def test_each_command_has_its_exit_codes_in_its_help(desk: Desk, run: Run, command: str) -> None:
    code, out = run(command, "--help")
    assert code == 0
    assert "Code de retour" in out


# --- printers ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bus(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    monkeypatch.setattr(printer_discovery, "list_usb", usb_devices.list_usb)
    with install(monkeypatch) as there:
        yield there


def silent(_data: bytes) -> bytes:
    return b""


def test_the_address_of_the_printer_stands_ready_for_the_station_file(bus: Bus, run: Run) -> None:
    bus.plug(UsbPrinter(silent))
    code, out = run("devices")
    assert code == 0
    assert (
        "  Imprimante 04b8:0202\n    imprimante, USB\n    04b8:0202, sans numéro de série, prise 1-4." in out
    )
    assert '[printer]\nurl = "usb:?vendor=04b8&product=0202"\n' in out
    assert "cvconnect printer setup" in out
    assert bus.claimed == set()


def test_a_serial_port_is_told_as_what_it_may_be(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = SerialPort("COM7", 0x0403, 0x6001, "", "1-4", "FT232R")
    monkeypatch.setattr(printer_discovery, "list_serial", lambda: [port])
    code, out = run("devices")
    assert code == 1
    assert "elle serait l’une de celles-ci :\n  serial:?vendor=0403&product=6001\n" in out
    assert "tcp://ADRESSE:9100" in out


def test_a_program_reads_the_printers_too(bus: Bus, run: Run) -> None:
    bus.plug(UsbPrinter(silent))
    (printer,) = json.loads(run("devices", "--json")[1])["printers"]
    assert (printer["kind"], printer["url"], printer["printer"], printer["usable"]) == (
        "usb",
        "usb:?vendor=04b8&product=0202",
        "sure",
        True,
    )


def test_a_printer_that_may_not_be_used_gets_its_rule(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node = tmp_path / "usb" / "lp0"
    node.parent.mkdir()
    node.touch()
    forbid(monkeypatch, node)
    assert "accès refusé" in run("devices")[1]
    code, out = run("doctor")
    assert code == 1
    assert f"Imprimante (device:{node}) : accès refusé" in out
    assert 'SUBSYSTEM=="usbmisc", KERNEL=="lp*", GROUP="lp"' in out
    assert "sudo usermod -aG lp COMPTE" in out


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({}, (0, "Papier                 présent")),
        ({"paper_near_end": True}, (0, "Fin du rouleau         proche")),
        ({"paper_end": True}, (1, "Mettez un rouleau")),
    ],
)
def test_the_doctor_asks_the_printer_of_the_station_file_and_prints_nothing(
    desk: Desk, run: Run, tmp_path: Path, fault: dict[str, bool], told: tuple[int, str]
) -> None:
    simulated = Printer()
    simulated.set_sensors(**fault)
    with TcpLink(simulated.receive) as link:
        (tmp_path / "cvconnect.toml").write_text(f'[printer]\nurl = "{link.url}"\n', encoding="utf-8")
        code, out = run("doctor")
    assert (code, told[1] in out) == (told[0], True), out
    assert simulated.uncut.blank
    assert simulated.slips == []


def test_a_station_file_that_cannot_be_read_is_said(desk: Desk, run: Run, tmp_path: Path) -> None:
    (tmp_path / "cvconnect.toml").write_text("[printer\n", encoding="utf-8")
    code, out = run("doctor")
    assert code == 1
    assert "ce n’est pas du TOML" in out


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("tcp://127.0.0.1:1", (1, "127.0.0.1:1")),
        ("tcp://127.0.0.1", (1, "il faut l’adresse et le port")),
        ("file:ticket.bin", (0, "Elle ne dit rien de son état")),
    ],
)
def test_a_printer_that_cannot_be_asked_is_said(
    desk: Desk, run: Run, tmp_path: Path, url: str, told: tuple[int, str]
) -> None:
    (tmp_path / "cvconnect.toml").write_text(f'[printer]\nurl = "{url}"\n', encoding="utf-8")
    code, out = run("doctor")
    assert (code, told[1] in out) == (told[0], True), out
