"""`cvconnect demo`: five payments at a simulated counter, on the real station, told in French.

Nothing is taken for granted: each scene is compared with how it must end, and the command fails when one differs.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cvconnect_pos import CvConnectError, Outcome, Payment, Station, WaitTimeout, format_amount
from cvconnect_sim.counter import Counter
from cvconnect_sim.errors import SimError
from cvconnect_sim.phone import PaymentRequest
from cvconnect_sim.printer import Slip
from cvconnect_sim.scenes import SCENES, Scene

SCENE_TIMEOUT_S: Final = 15.0
SCREEN_TIMEOUT_S: Final = 3.0
SCREEN_QUIET_S: Final = 0.3
"""A prompt may follow another at once; the one that stays this long is what the customer sees."""

LOOK_EVERY_S: Final = 0.02
PANEL_EDGES: Final = 4
"""Columns that a panel takes besides what is in it."""

SIMULATION: Final = "SIMULATION - SANS VALEUR"
TILL: Final = "Caisse"

STATES: Final = {
    "APPROVED": ("Validé", "green"),
    "REFUSED": ("Refusé", "red"),
    "CANCELLED": ("Annulé", "yellow"),
    "EXPIRED": ("Expiré", "yellow"),
}


def command(
    out: Annotated[Path, typer.Option(help="Dossier où ranger les écrans et les tickets.")] = Path(
        "out/demo"
    ),
) -> None:
    """Joue cinq paiements sur un comptoir simulé, sans matériel ni compte."""
    console = Console(highlight=False)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        console.print(_unusable(out, error).text(), soft_wrap=True)
        raise typer.Exit(2) from error
    try:
        right = _play_all(console, out)
    except KeyboardInterrupt:
        console.print("\nDémonstration interrompue.")
        raise typer.Exit(130) from None
    except OSError as error:
        console.print(f"La démonstration a échoué, par une erreur du système : {error}.", soft_wrap=True)
        raise typer.Exit(1) from error
    if not right:
        raise typer.Exit(1)


def _play_all(console: Console, out: Path) -> bool:
    """Plays every scene until one goes wrong; returns whether all of them ended as they must."""
    console.print(Text("Cinq paiements en Chèque-Vacances Connect, à un comptoir simulé", "bold"))
    console.print(Text(SIMULATION, "bold yellow"))
    console.print(
        "La caisse est la vraie. Tout ce qui l’entoure est simulé : le service de paiement, le téléphone du client, "
        "la douchette, l’imprimante et l’écran."
    )
    table = Table("Scène", "Résultat", title="Les cinq résultats", title_justify="left")
    for column in ("Demandé", "Reçu", "Reste"):
        table.add_column(column, justify="right")
    files: list[Path] = []
    with (
        tempfile.TemporaryDirectory(prefix="cvconnect-") as folder,
        Counter(Path(folder)) as counter,
        Station.open(counter.station_file) as station,
    ):
        for number, scene in enumerate(SCENES, 1):
            console.print()
            console.rule(Text(f"{number}/{len(SCENES)}  {scene.title}", "bold"), align="left")
            performance = Performance(console, out, counter, scene)
            try:
                outcome = performance.play(station, basket_ref=f"2026-{number:06d}")
            except (SimError, CvConnectError) as error:
                said = error.text() if isinstance(error, SimError) else f"{error.text()} {error.remedy()}"
                console.print(Text(f"La démonstration a échoué : {said} ({error.code})", "bold red"))
                return False
            files += performance.files
            word, colour = STATES[scene.state]
            table.add_row(
                f"{number}. {scene.title}",
                Text(word, colour),
                format_amount(outcome.asked_cents),
                format_amount(outcome.received_cents),
                format_amount(outcome.remaining_cents),
            )
    console.print()
    console.print(table)
    console.print(f"\n{len(files)} fichiers dans {out} :", soft_wrap=True)
    for file in files:
        console.print(f"  {file.name}", soft_wrap=True)
    return True


class Performance:
    """One scene while it is played; it is the stage that actors see.

    Args:
        console: Where the story is told.
        out: Folder of the pictures and tickets.
        counter: The simulated counter.
        scene: What is played.
    """

    def __init__(self, console: Console, out: Path, counter: Counter, scene: Scene) -> None:
        self.counter = counter
        self.in_app: PaymentRequest | None = None
        self.files: list[Path] = []
        self._console = console
        self._out = out
        self._scene = scene
        self._payment: Payment | None = None
        self._screen = b""
        self._started_s = time.monotonic()
        self._tickets_before = len(counter.printer.slips)

    def play(self, station: Station, basket_ref: str) -> Outcome:
        """Asks the amount, lets everybody act, and checks the end.

        Args:
            station: The till.
            basket_ref: The basket's number.

        Returns:
            The outcome, acknowledged.

        Raises:
            SimError: It did not end as it must; says what differs.
            CvConnectError: The till refused something.
        """
        scene = self._scene
        self.counter.provider.set_rules(expiry_s=scene.expiry_s)
        self.tell("Caissier", f"demande {format_amount(scene.asked_cents)}")
        payment = self._payment = station.tender.request(
            request_id=f"DEMO-{basket_ref}",
            amount_cents=scene.asked_cents,
            basket_ref=basket_ref,
            way=scene.way,
        )
        self._follow(payment)
        outcome = payment.outcome
        if outcome is None:
            raise _differs("la demande n’a pas de résultat")
        self._check(outcome)
        self.keep_screen(scene.last_screen)
        for slip in self._tickets():
            self._keep_ticket(slip)
        payment.acknowledge()
        return outcome

    def tell(self, who: str, what: str) -> None:
        """Writes one step of the story."""
        elapsed = f"{time.monotonic() - self._started_s:5.2f} s".replace(".", ",")
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_row(
            Text(elapsed, "dim"), Text(f"{who:<8}", "bold cyan" if who == TILL else "bold magenta"), what
        )
        self._console.print(line)

    def keep_screen(self, name: str) -> bytes:
        """Waits until the customer display has changed and rests, and keeps its picture.

        Raises:
            SimError: DEMO_DIFFERS, it did not change in time.
        """
        deadline_s = time.monotonic() + SCREEN_TIMEOUT_S
        pause = threading.Event()
        last, since_s = b"", 0.0
        while time.monotonic() < deadline_s:
            now = self.counter.display_png.read_bytes()
            if now != last:
                last, since_s = now, time.monotonic()
            elif now != self._screen and time.monotonic() - since_s >= SCREEN_QUIET_S:
                self._screen = now
                self._write(f"{name}.png", now)
                return now
            pause.wait(LOOK_EVERY_S)
        raise _differs(f"l’écran client n’a pas changé ({name})")

    def cancel(self) -> None:
        """The cashier gives up the payment."""
        if self._payment is not None:
            self._payment.cancel()

    def _follow(self, payment: Payment) -> None:
        deadline_s = self._started_s + SCENE_TIMEOUT_S
        try:
            while (event := payment.next_event(max(deadline_s - time.monotonic(), 0.0))) is not None:
                self.tell(TILL, event.text())
                if (act := self._scene.actions.get(event.name)) is not None:
                    act(self)
        except WaitTimeout as error:
            raise _differs("la demande n’est pas terminée à temps") from error

    def _check(self, outcome: Outcome) -> None:
        scene = self._scene
        told = (scene.state, scene.received_cents, scene.remaining_cents)
        if (came := (outcome.state.value, outcome.received_cents, outcome.remaining_cents)) != told:
            raise _differs(f"attendu {told}, obtenu {came}")

    def _tickets(self) -> list[Slip]:
        wanted = self._tickets_before + self._scene.tickets
        slips = self.counter.wait_tickets(wanted)
        fresh = slips[self._tickets_before :]
        if len(slips) != wanted or not all(SIMULATION in slip.text for slip in fresh):
            raise _differs(f"{self._scene.tickets} ticket attendu, {len(fresh)} imprimé")
        return fresh

    def _keep_ticket(self, slip: Slip) -> None:
        self._write("ticket.png", slip.png())
        self._write("ticket.txt", f"{slip.layout}\n".encode())
        ticket = _fitted(slip.layout, self._console.width - PANEL_EDGES)
        self._console.print(Panel(Text(ticket), title="Ticket", expand=False))

    def _write(self, name: str, content: bytes) -> None:
        file = self._out / f"{self._scene.slug}-{name}"
        try:
            file.write_bytes(content)
        except OSError as error:
            raise _unusable(self._out, error) from error
        self.files.append(file)


def _fitted(layout: str, columns: int) -> str:
    """Sets a ticket again for a console that is narrower than the paper."""
    lines = layout.splitlines()
    if max(map(len, lines), default=0) <= columns:
        return layout
    return "\n".join(_narrower(line, columns) for line in lines)


def _narrower(line: str, columns: int) -> str:
    words = line.strip(" ")
    if words and set(words) in ({"-"}, {"="}):
        return words[:columns]
    if line.startswith(" "):
        return words.center(columns).rstrip(" ")
    left, _, right = words.partition("  ")
    right = right.strip(" ")
    if not right:
        return left
    fits = len(left) + 1 + len(right) <= columns
    return f"{left}{right:>{columns - len(left)}}" if fits else f"{left}\n{right:>{columns}}"


def _unusable(folder: Path, error: OSError) -> SimError:
    return SimError(
        "DEMO_FOLDER",
        f"Le dossier {folder} ne peut pas être utilisé : {error.strerror}.",
        f"The folder {folder} cannot be used: {error.strerror}.",
    )


def _differs(what: str) -> SimError:
    return SimError("DEMO_DIFFERS", f"{what[0].upper()}{what[1:]}.", "The scene did not end as it must.")
