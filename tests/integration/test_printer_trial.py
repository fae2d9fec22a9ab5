"""`cvconnect printer test`: a ticket comes out, and what is known is said; every fault is one sentence and a remedy."""

from __future__ import annotations

import errno
import http.server
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from cvconnect_drivers.cli import printer, printer_rights
from cvconnect_drivers.links import device as device_links
from cvconnect_drivers.printer_discovery import FoundPrinter, PrinterDiscovery
from cvconnect_drivers.scanners.settings import Identity
from cvconnect_sim.links import PtyLink, TcpLink
from cvconnect_sim.printer import MODELS, Printer
from device_commands import Run, runs
from fake_usb import UsbPrinter, install
from paper_reader import qr_codes

CVCONNECT = "import sys; from cvconnect_pos.cli.main import main; sys.exit(main())"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runs(printer.command, tmp_path, monkeypatch, "test")


def trial_code(output: Printer) -> str:
    """The code in letters on the ticket."""
    return next(line.text for line in output.slips[-1].lines if re.fullmatch(r"TEST [0-9A-F]{4}", line.text))


# --- A ticket comes out --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["TM80", "TM58_QR", "TM80_180DPI"])
def test_the_ticket_is_legible_and_says_that_it_is_worth_nothing(run: Run, model: str) -> None:
    simulated = Printer(MODELS[model])
    columns = MODELS[model].width_dots // 12
    with TcpLink(simulated.receive) as link:
        ran = run("--url", f"{link.url}?columns={columns}")
    assert ran.code == 0, ran.output
    text = simulated.slips[-1].text
    assert text.startswith("TEST - SANS VALEUR")
    assert text.endswith("TEST - SANS VALEUR")
    assert "12,50\u00a0€" in text
    assert "É È À Ç Œ œ æ « L’Œuf »" in text
    assert any(len(line.text) == columns and line.text.endswith("|") for line in simulated.slips[-1].lines)
    assert qr_codes(simulated.slips[-1]) == [trial_code(simulated)]


def test_all_that_is_known_is_said(run: Run) -> None:
    simulated = Printer()
    simulated.set_sensors(paper_near_end=True)
    with TcpLink(simulated.receive) as link:
        ran = run("--url", link.url)
    assert ran.code == 0
    for words in (
        "Largeur     48 colonnes, 576 points à 203 dpi",
        "Pages       cp858 (n° 19), cp1252 (n° 16)",
        "Modèle      TM80",
        "État (il y a 0,",
        "Capot                  fermé",
        "Fin du rouleau         proche",
        "l’imprimante l’a confirmé",
        "À faire : regardez le papier",
    ):
        assert words in ran.output


def test_the_printer_of_the_station_file_needs_no_address(run: Run, tmp_path: Path) -> None:
    simulated = Printer(MODELS["TM58"])
    with TcpLink(simulated.receive) as link:
        text = f'[printer]\nurl = "{link.url}"\nprofile = "58mm"\nconfirm = "none"\n'
        (tmp_path / "cvconnect.toml").write_text(text, encoding="utf-8")
        ran = run()
    assert ran.code == 0, ran.output
    assert "32 colonnes" in ran.output
    assert "elle n’a pas à le confirmer" in ran.output
    assert len(simulated.slips) == 1


def test_a_serial_printer_prints_too(run: Run) -> None:
    simulated = Printer()
    with PtyLink(simulated.receive) as link:
        assert run("--url", link.url).code == 0
    assert len(simulated.slips) == 1


def test_a_usb_printer_prints_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = Printer()
    with install(monkeypatch) as bus:
        bus.plug(UsbPrinter(simulated.receive))
        ran = run("--url", "usb:")
    assert ran.code == 0, ran.output
    assert len(simulated.slips) == 1


def test_a_file_is_written_and_nothing_is_claimed_of_it(run: Run, tmp_path: Path) -> None:
    ran = run("--url", "file:ticket.bin")
    assert ran.code == 0, ran.output
    assert "rien ne peut le confirmer" in ran.output
    assert "État" not in ran.output
    paper = Printer()
    paper.receive((tmp_path / "ticket.bin").read_bytes())
    assert paper.slips[-1].text.startswith("TEST - SANS VALEUR")


# --- What may be wrong ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words", "code"),
    [
        ({"cover_open": True}, "fermez le capot", "COVER_OPEN"),
        ({"paper_end": True}, "mettez un rouleau", "PAPER_END"),
        ({"cutter_error": True}, "dégagez le massicot", "CUTTER_ERROR"),
    ],
)
def test_what_a_person_can_mend_is_said_with_its_remedy(
    run: Run, fault: dict[str, bool], words: str, code: str
) -> None:
    simulated = Printer()
    simulated.set_sensors(**fault)
    with TcpLink(simulated.receive) as link:
        ran = run("--url", link.url)
    assert ran.code == 1
    assert words in ran.output
    assert f"Code : {code}" in ran.output
    assert simulated.slips == []


def test_a_printer_that_only_takes_bytes_is_unknown_and_told_from_one_that_does_not_confirm(run: Run) -> None:
    simulated = Printer(MODELS["MUTE58"])
    with TcpLink(simulated.receive) as link:
        ran = run("--url", f"{link.url}?profile=58mm")
    assert ran.code == 1
    assert "État inconnu : elle ne répond à aucune question." in ran.output
    assert "ne sait que recevoir" in ran.output
    assert "Code : NO_ANSWER" in ran.output


def test_a_printer_that_does_not_confirm_is_told_the_setting(run: Run) -> None:
    simulated = Printer(MODELS["CLONE80_PAGES"])
    with TcpLink(simulated.receive) as link:
        ran = run("--url", link.url, "--timeout", "2")
    assert ran.code == 1
    assert 'confirm = "none"' in ran.output
    assert "Code : NO_ANSWER" in ran.output


@contextmanager
def a_server(says: bytes) -> Iterator[int]:
    """A server that speaks first, and then listens."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        host, _ = listener.accept()
        with host:
            host.sendall(says)
            host.settimeout(5)
            while host.recv(100):
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    thread.join()
    listener.close()


def test_a_server_of_something_else_gets_no_ticket(run: Run) -> None:
    with a_server(b"SSH-2.0-OpenSSH_9.2p1\r\n") as port:
        ran = run("--url", f"tcp://127.0.0.1:{port}")
    assert ran.code == 1
    assert "pas une imprimante de tickets" in ran.output
    assert "9100" in ran.output
    assert "Code : NOT_A_PRINTER" in ran.output


def test_the_web_page_of_a_printer_is_not_the_printer(run: Run) -> None:
    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        ran = run("--url", f"tcp://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert ran.code == 1
    assert "c’est une page web qui répond" in ran.output


def test_a_port_that_another_program_holds_is_said(run: Run) -> None:
    with PtyLink(Printer().receive) as link, serial.Serial(link.path, exclusive=True):
        ran = run("--url", link.url)
    assert ran.code == 1
    assert "autre programme" in ran.output


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("tcp://127.0.0.1:1", 1, "Code : LINK_ABSENT"),
        ("serial:/dev/no-port", 1, "introuvable"),
        ("device:/dev/usb/lp99", 1, "introuvable"),
        ("192.168.1.50", 2, "commence par une sorte de liaison"),
        ("tcp://192.168.1.50", 2, "tcp://192.168.1.50:9100"),
        ("tcp://192.168.1.50:99999", 2, "65535"),
        ("telepathy:x", 2, "Pilotes :"),
        ("tcp://127.0.0.1:1?profile=90mm", 2, "« profile » doit avoir l’une de ces valeurs"),
        ("tcp://127.0.0.1:1?colour=red", 2, "réglage inconnu : colour"),
        ("usb:lp0", 2, "usb:?vendor=04b8&product=0202"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence(run: Run, url: str, code: int, words: str) -> None:
    ran = run("--url", url)
    assert ran.code == code
    assert words in ran.output
    assert "Traceback" not in ran.output


def test_no_address_at_all_says_how_to_find_one(run: Run) -> None:
    ran = run()
    assert ran.code == 2
    assert "cvconnect devices" in ran.output
    assert "Code : PRINTER_URL" in ran.output


def test_a_refused_permission_prints_the_rule_and_the_commands(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard, node = pty.openpty()
    path = os.ttyname(node)
    really = os.open

    def refuse(name: str, flags: int, *more: int) -> int:
        if name == path:
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(name, flags, *more)

    monkeypatch.setattr(os, "open", refuse)
    found = FoundPrinter(
        "device", "TM-T20", Identity(), path, f"device:{path}", "sure", False, device_links.UDEV_RULE
    )
    monkeypatch.setattr(printer_rights, "discover_printers", lambda: PrinterDiscovery((found,)))
    try:
        ran = run("--url", f"device:{path}")
    finally:
        os.close(keyboard)
        os.close(node)
    assert ran.code == 1
    assert f"device:{path} : accès refusé" in ran.output
    assert (
        f"  echo '{device_links.UDEV_RULE}' | sudo tee -a /etc/udev/rules.d/70-cvconnect.rules" in ran.output
    )
    assert "sudo udevadm trigger --subsystem-match=usbmisc" in ran.output


def test_a_refused_permission_on_usb_prints_the_rule_of_that_printer(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with install(monkeypatch) as bus:
        bus.plug(UsbPrinter(Printer().receive))
        bus.refuses = errno.EACCES
        ran = run("--url", "usb:")
    assert ran.code == 1
    assert 'ATTR{idVendor}=="04b8", ATTR{idProduct}=="0202"' in ran.output
    assert "sudo udevadm trigger --subsystem-match=usb\n" in ran.output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_told_with_what_to_do(run: Run) -> None:
    ran = run("--url", "file:/dev/full")
    assert ran.code == 1
    assert "le disque est plein" in ran.output
    assert "libérez de la place" in ran.output
    assert "Code : DISK_FULL" in ran.output
    assert "câble" not in ran.output


def test_ctrl_c_ends_it_at_once_and_without_a_traceback(tmp_path: Path) -> None:
    ours, port = pty.openpty()  # takes a little and never answers: the ticket is waited for
    tty.setraw(port)
    command = subprocess.Popen(
        [sys.executable, "-c", CVCONNECT, "printer", "test", "--url", f"serial://{os.ttyname(port)}"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUTF8": "1"},
        encoding="utf-8",
    )
    assert command.stdout is not None
    while "Liaison" not in (line := command.stdout.readline()):
        assert line
    command.send_signal(signal.SIGINT)
    rest, _ = command.communicate(timeout=20)
    os.close(ours)
    os.close(port)
    assert command.returncode == 130
    assert "Interrompu" in rest
    assert "Traceback" not in rest
