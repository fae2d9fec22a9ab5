"""One ticket, encoded beside its peers; what the print path costs a till's start; how soon paper moves, and how soon it is let go.

The peers are python-escpos and receipt-printer-encoder. All encode the same 13 lines and QR, and the simulated printer shows that the paper says the same. Each is kept warm and
set to what saves it bytes; the time of an encoder is that of the processor. The floor of a printer's first byte is one fsync, a connection and an answer.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import zxingcpp
from far_side import NUMBER, make_engine, until
from figures import ratio, show, summary
from PIL import Image

from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.printer import open_printer
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_pos import Approved, State, Tender
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.devices import Presentation, StationDevices
from cvconnect_pos.events import Event
from cvconnect_sim.gateway import Provider, ProviderServer, Rules
from cvconnect_sim.links import TcpLink
from cvconnect_sim.phone import Phone
from cvconnect_sim.printer import TM80, Printer

HERE = Path(__file__).parent
PEER = "@point-of-sale/receipt-printer-encoder"
PEER_VERSION = "4.0.1"
PEER_FOLDER = HERE.parent / "build" / "bench-node"
ABSENT = "ABSENT: needs node and npm"

ROUNDS = 40
TIMES = 10
STARTS = 9
PAYMENTS = 20
RELEASES = 9
BAUD, BITS_PER_BYTE = 9600, 10
QR = "https://exemple.fr/cvconnect/paiement?id=0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of paper."""

    text: str = ""
    align: Any = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


TEXT = (
    Line("CHÈQUE-VACANCES CONNECT", "center", bold=True),
    Line("Camping du Lac Bleu", "center"),
    Line("SIMULATION - SANS VALEUR", "center", bold=True),
    Line("-" * 48),
    Line(f"{'Date':<32}22/11/2026 10:15"),
    Line(f"{'N° de panier':<40}B-000123"),
    Line(f"{'Transaction':<38}aaaaaaaaaa"),
    Line(f"{'Autorisation':<39}123456789"),
    Line("-" * 48),
    Line(f"{'Montant demandé':<41}45,50 €"),
    Line(f"{'Montant réglé':<41}30,00 €", bold=True),
    Line(f"{'Reste à payer':<41}15,50 €", bold=True),
    Line("COPIE COMMERÇANT", "center"),
)
TICKET = (*TEXT, Line(qr=QR, align="center"))
PROFILE = PROFILES["epson-tm-t20ii"]
PAGES = {**TM80.code_pages, 13: "cp857"}
"""The peers take a page that the simulated printer does not have by itself. Source: Epson, `ESC t`, page 13: PC857."""
MODULE_DOTS = escpos.module_dots(QR, PROFILE)


# --- Encoding ---------------------------------------------------------------------------------------------------------


def ours() -> bytes:
    """Encode as the driver does."""
    return escpos.to_bytes(escpos.Encoder(PROFILE).job(TICKET))


def ours_as_image() -> bytes:
    """Encode for a printer that draws no QR codes."""
    return escpos.to_bytes(escpos.Encoder(replace(PROFILE, native_qr=False)).job(TICKET))


def python_escpos(*, native: bool) -> Callable[[], bytes]:
    """Make the same with python-escpos, which sets only what changes."""
    from escpos.constants import QR_ECLEVEL_M
    from escpos.printer import Dummy

    printer: Any = Dummy(profile="TM-T20II")

    def encode() -> bytes:
        printer.clear()
        printer.hw("INIT")
        printer.magic.encoding = None  # else it goes on with the page of the ticket before
        align, bold = "left", False
        for line in TEXT:
            if (line.align, line.bold) != (align, bold):
                align, bold = line.align, line.bold
                printer.set(align=align, bold=bold)
            printer.text(line.text + "\n")
        printer.qr(QR, ec=QR_ECLEVEL_M, size=MODULE_DOTS, native=native)
        printer.cut(mode="PART")
        return bytes(printer.output)

    return encode


class NodePeer:
    """The peer of node, in a process that stays warm.

    Args:
        process: It, waiting for orders.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        lines = [(line.text, line.align, line.bold) for line in TEXT]
        self.data = bytes.fromhex(self._ask({"lines": lines, "qr": QR, "module_dots": MODULE_DOTS})["hex"])

    def seconds(self) -> float:
        """Let it encode some tickets; give the seconds of one, by its own clock."""
        return float(self._ask({"times": TIMES})["ms"]) / 1000

    def _ask(self, order: Mapping[str, object]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return cast("dict[str, Any]", json.loads(self._process.stdout.readline()))


@contextmanager
def node_peer() -> Iterator[NodePeer | None]:
    """Install the peer below `build/`, and start it; None, said aloud, where that cannot be done."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        print(f"{PEER} is {ABSENT}", file=sys.stderr)
        yield None
        return
    PEER_FOLDER.mkdir(parents=True, exist_ok=True)
    script = PEER_FOLDER / "printer_peer.mjs"
    shutil.copy(HERE / "printer_peer.mjs", script)
    (PEER_FOLDER / "package.json").write_text(
        json.dumps({"private": True, "dependencies": {PEER: PEER_VERSION}}) + "\n", encoding="utf-8"
    )
    try:
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"],
            cwd=PEER_FOLDER,
            check=True,
            capture_output=True,
            timeout=120,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{PEER} is ABSENT: npm could not install it ({type(error).__name__})", file=sys.stderr)
        yield None
        return
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [node, script], cwd=PEER_FOLDER, stdin=pipe, stdout=pipe, text=True, encoding="utf-8"
    ) as process:
        yield NodePeer(process)
        assert process.stdin is not None
        process.stdin.close()


def timed(encode: Callable[[], bytes]) -> Callable[[], float]:
    """Give what measures the seconds of one ticket."""

    def measure_once() -> float:
        start_s = time.process_time()
        for _ in range(TIMES):
            encode()
        return (time.process_time() - start_s) / TIMES

    return measure_once


def paper(data: bytes) -> tuple[Sequence[str], str]:
    """Print; give what the slip that falls out says, and what its QR holds."""
    printer = Printer(replace(TM80, code_pages=PAGES))
    printer.receive(data)
    (slip,) = printer.slips
    with Image.open(io.BytesIO(slip.png())) as picture:
        codes = [code.text for code in zxingcpp.read_barcodes(picture)]
    return [line.text.strip() for line in slip.lines if line.text.strip()], "".join(codes)


def encoding() -> dict[str, object]:
    """Compare the encoders, taking turns."""
    encoders = {
        "ours": ours,
        "python-escpos": python_escpos(native=True),
        "ours, image QR": ours_as_image,
        "python-escpos, image QR": python_escpos(native=False),
    }
    with node_peer() as peer:
        jobs = {name: encode() for name, encode in encoders.items()}
        clocks = {name: timed(encode) for name, encode in encoders.items()}
        if peer is not None:
            jobs[PEER], clocks[PEER] = peer.data, peer.seconds
        says = ([line.text.strip() for line in TEXT], QR)
        for name, data in jobs.items():
            if paper(data) != says:
                raise ValueError(f"{name} prints another ticket: {paper(data)}")
        taken_s: dict[str, list[float]] = {name: [] for name in clocks}
        for number in range(ROUNDS + 1):
            for name, clock in clocks.items():
                seconds = clock()
                if number:  # the first round warms up
                    taken_s[name].append(seconds)
    sizes = {name: len(data) for name, data in jobs.items()}
    escpos_name, image = "python-escpos", "python-escpos, image QR"
    absent = {PEER: ABSENT} if PEER not in sizes else {}
    return {
        "lines and QR": len(TICKET),
        "median_ms": {name: statistics.median(each) * 1000 for name, each in taken_s.items()} | absent,
        "bytes": sizes,
        f"at {BAUD} baud_s": {name: size * BITS_PER_BYTE / BAUD for name, size in sizes.items()},
        "ratio": {
            "time python-escpos / ours": ratio(taken_s[escpos_name], taken_s["ours"]),
            "time python-escpos with its image QR / ours": ratio(taken_s[image], taken_s["ours"]),
            "time python-escpos / ours, both with an image QR": ratio(
                taken_s[image], taken_s["ours, image QR"]
            ),
            **({f"time {PEER} / ours": ratio(taken_s[PEER], taken_s["ours"])} if PEER in taken_s else {}),
            "bytes ours / python-escpos": sizes["ours"] / sizes[escpos_name],
            "bytes ours / python-escpos, both with an image QR": sizes["ours, image QR"] / sizes[image],
            **({f"bytes ours / {PEER}": sizes["ours"] / sizes[PEER]} if PEER in sizes else {}),
        },
    }


# --- Import -----------------------------------------------------------------------------------------------------------

_CLOCKED = "import time; start = time.perf_counter()\n{}\nprint(time.perf_counter() - start)"
_FIRST = (
    "from dataclasses import dataclass\n"
    "@dataclass\nclass L:\n text:str='';align:str='left';bold:bool=False;large:bool=False;qr:object=None;image:object=None\n"
    "class D:\n def lines(self, columns): return [L('Montant réglé 30,00 €', bold=True), L(qr='https://exemple.fr/0123')]\n"
    "p = open_printer('memory:bench', {}); p.claim(timeout_s=1)\n"
    "assert p.print(D(), job_id='1', timeout_s=5).outcome == 'printed'"
)
_OURS = "from cvconnect_drivers.printers.printer import open_printer"
STATEMENTS = {
    "import of ours": _OURS,
    "import escpos.printer": "import escpos.printer",
    "first ticket of ours": f"{_OURS}\n{_FIRST}",
    "first ticket of python-escpos": "from escpos.printer import Dummy\np = Dummy(profile='TM-T20II')\n"
    "p.set(bold=True)\np.text('Montant réglé 30,00 €\\n')\np.qr('https://exemple.fr/0123', native=True)\np.cut()",
}


def starting() -> dict[str, object]:
    """Import, and print a first ticket into memory, in fresh processes that take turns."""
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for run in range(STARTS + 1):
        for name, statement in STATEMENTS.items():
            command = [sys.executable, "-c", _CLOCKED.format(statement)]
            done = subprocess.run(command, capture_output=True, check=True, timeout=60)
            if run:  # the first round warms the disk cache
                times[name].append(float(done.stdout))
    our_import, their_import, our_first, their_first = times.values()
    return {
        "median_ms": {name: statistics.median(each) * 1000 for name, each in times.items()},
        "ratio": {
            "import, python-escpos / ours": ratio(their_import, our_import),
            "to the first ticket, python-escpos / ours": ratio(their_first, our_first),
        },
    }


# --- From approval to paper -------------------------------------------------------------------------------------------


class Timed:
    """A network printer that notes when the first byte of a job, and of a ticket, comes."""

    def __init__(self) -> None:
        self._printer = Printer()
        self._lock = threading.Lock()
        self.asked_s = self.began_s = 0.0

    def receive(self, data: bytes) -> bytes:
        """Take what comes."""
        now_s = time.monotonic()
        with self._lock:
            self.asked_s = self.asked_s or now_s
            if not self.began_s and re.sub(rb"\x10\x04[\x01-\x04]", b"", data):
                self.began_s = now_s
        return self._printer.receive(data)

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self.asked_s = self.began_s = 0.0

    def slips(self) -> int:
        """How many tickets came out."""
        return len(self._printer.slips)


def floor_s(port: int, file: io.FileIO) -> float:
    """One fsync, a connection, and an answer to a question; in seconds."""
    start_s = time.monotonic()
    file.write(b"x" * 512)
    os.fsync(file.fileno())
    with socket.create_connection(("127.0.0.1", port), timeout=5) as there:
        there.sendall(b"\x10\x04\x01")
        there.recv(1)
    return time.monotonic() - start_s


def to_paper() -> dict[str, object]:
    """Measure from the till's event of an approval to the printer's first byte, beside a floor of the same moment."""
    provider = Provider(rules=Rules(one_pending_per_customer=False))
    provider.add_customer(NUMBER, balance_cents=1_000_000_000)
    printer, approved_s = Timed(), [0.0]
    asked: list[float] = []
    began: list[float] = []
    floor: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, Approved):
            approved_s[0] = time.monotonic()

    with (
        tempfile.TemporaryDirectory() as folder,
        (Path(folder) / "floor").open("ab", buffering=0) as file,
        ProviderServer(provider) as server,
        TcpLink(printer.receive) as link,
    ):
        presentation = Presentation(shop=("Mesure",))
        device: Any = open_printer(link.url, {})
        devices = StationDevices(printer=device, presentation=presentation, clock=SystemClock())
        engine = make_engine(server.base_url, Path(folder) / "journal.db", devices=devices)
        devices.start(engine)
        tender, phone = Tender(engine), Phone(provider, NUMBER)
        for number in range(PAYMENTS + 1):
            payment = tender.request(
                request_id=f"p{number}",
                amount_cents=4550,
                basket_ref=f"P{number}",
                way="keyed",
                beneficiary=NUMBER,
            )
            payment.add_listener(note)
            until(lambda: payment.attempt.state is State.AWAITING, 10.0, pause_s=0.002)  # noqa: B023
            bare = floor_s(int(link.url.rpartition(":")[2]), file)
            until(lambda: not link.connected, 5.0, pause_s=0.001)
            printer.forget()
            for request in phone.incoming():
                phone.pay(request)
            engine.hint(payment.attempt.transaction_id or "", "")
            payment.wait(10)
            until(lambda: printer.slips() > number, 10.0, pause_s=0.002)  # noqa: B023
            payment.acknowledge()
            if number:
                asked.append(printer.asked_s - approved_s[0])
                began.append(printer.began_s - approved_s[0])
                floor.append(bare)
        devices.close()
        engine.close()
    return {
        "payments": PAYMENTS,
        "floor: one fsync, a connection, an answer": summary(floor),
        "to the printer's first byte": summary(asked),
        "to the ticket's first byte, the printer's state known": summary(began),
        "ratio": {"first byte / floor": ratio(asked, floor), "ticket / floor": ratio(began, floor)},
    }


# --- Giving the printer back --------------------------------------------------------------------------------------------


class NeverConfirms:
    """A network printer that says that all is well, takes the ticket, and never confirms it.

    Args:
        hangs_up: Whether it hangs up once the till did; some printers never do.
    """

    def __init__(self, *, hangs_up: bool) -> None:
        self._hangs_up = hangs_up
        self._server = socket.create_server(("127.0.0.1", 0))
        self._kept: list[socket.socket] = []
        self.has_ticket = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"tcp://127.0.0.1:{self._server.getsockname()[1]}"

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                there, _ = self._server.accept()
                self._answer(there)
                if self._hangs_up:
                    there.close()
                else:
                    self._kept.append(there)

    def _answer(self, there: socket.socket) -> None:
        while data := there.recv(4096):
            there.sendall(b"\x12" * data.count(b"\x10\x04"))
            if b"\x1d(H" in data:
                self.has_ticket.set()

    def close(self) -> None:
        """Switch it off."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        for there in self._kept:
            there.close()


def waking_s() -> float:
    """Wake a thread that waits at a socket, and see it end; in seconds."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        thread = threading.Thread(target=ours.recv, args=(1,))
        thread.start()
        start_s = time.monotonic()
        ours.shutdown(socket.SHUT_RDWR)
        thread.join()
        return time.monotonic() - start_s


def releasing_s(there: NeverConfirms, document: Any) -> float:
    """Give a printer back while its ticket waits for a confirmation, and see the ticket ended; in seconds."""
    printer = open_printer(there.url, {})
    printer.claim(timeout_s=5.0)
    there.has_ticket.clear()
    job = threading.Thread(target=printer.print, args=(document,), kwargs={"job_id": "1", "timeout_s": 60.0})
    job.start()
    if not there.has_ticket.wait(10.0):
        raise TimeoutError("the ticket never came")
    start_s = time.monotonic()
    printer.release()
    job.join()
    return time.monotonic() - start_s


class Slip:
    """A document of one line."""

    def lines(self, columns: int) -> Sequence[Line]:
        """Lay it out."""
        return (Line("Montant réglé 30,00 €"),)


def releasing() -> dict[str, object]:
    """Give two printers back in the middle of a ticket, beside a floor of the same moment."""
    with closing(NeverConfirms(hangs_up=True)) as usual, closing(NeverConfirms(hangs_up=False)) as stubborn:
        times = [
            (waking_s(), releasing_s(usual, Slip()), releasing_s(stubborn, Slip()))
            for _ in range(RELEASES + 1)
        ]
    floor, hangs_up, never = zip(*times[1:], strict=True)  # the first round warms up
    return {
        "floor: a thread that waits at a socket is woken and ends": summary(floor),
        "a printer that hangs up": summary(hangs_up),
        "a printer that never hangs up": summary(never),
        "ratio": {"hangs up / floor": ratio(hangs_up, floor), "never hangs up / floor": ratio(never, floor)},
    }


def measure() -> dict[str, object]:
    """Measure all of it.

    Returns:
        Times, sizes and ratios.
    """
    return {
        "one ticket": encoding(),
        "a till that starts": starting(),
        "from the till's approval": to_paper(),
        "release in mid-ticket": releasing(),
    }


if __name__ == "__main__":
    show("printers", measure())
