"""A till is killed at every boundary of every way to pay, starts again, and no money is wrong.

The tills are real processes with a real journal on disk; the provider is a real HTTP server in this one. See
`killed_till.py` for what a boundary is. POSIX only.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from cvconnect_pos.core.lifecycle import FINAL
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.journal.verify import verify
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import PreTransactionState, Provider, ProviderServer, TransactionState
from faults import killed_till
from faults.killed_till import NUMBER, SCENARIOS, Scenario

BALANCE: Final = 100_000
FEWEST_CALLS: Final = 3
SHARE: Final = 211
"""One pair of kills of so many is played in the suite; a prime, so that no boundary always meets the same one."""
MORE: Final = int(os.environ.get("CVCONNECT_MORE_SCHEDULES", "1"))
"""So many times more pairs than the suite plays: `make faults`."""
LIVE: Final = -1
"""No boundary is fatal."""
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="tills are forked and killed: POSIX only")

HOLDING: Final = frozenset(
    {
        TransactionState.AUTHORIZED,
        TransactionState.VALIDATED,
        TransactionState.CONSIGNED,
        TransactionState.PAID,
    }
)


class CustomersProvider(Provider):
    """A provider whose customer acts between two looks of the till: scans what is shown, then pays what waits."""

    def __init__(self, scenario: Scenario, display: Path) -> None:
        super().__init__()
        self.add_customer(NUMBER, balance_cents=BALANCE)
        self._scenario = scenario
        self._display = display

    def transaction(self, transaction_id: str) -> Any:
        seen = super().transaction(transaction_id)
        self._customer_acts()
        return seen

    def pre_transaction(self, pre_transaction_id: str) -> Any:
        seen = super().pre_transaction(pre_transaction_id)
        self._customer_acts()
        return seen

    def shown(self) -> list[str]:
        return self._display.read_text(encoding="utf-8").splitlines() if self._display.exists() else []

    def _customer_acts(self) -> None:
        with suppress(SimError):  # the QR is dead, or used
            if waiting := self.waiting_for(NUMBER):
                if self._scenario.pays_cents:
                    self.validate(NUMBER, waiting[0].transaction_id, self._scenario.pays_cents)
            elif self._scenario.scans and (shown := self.shown()):
                self.scan(NUMBER, shown[-1])


class Tills:
    """Makes tills: one warm process that forks."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, killed_till.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )

    def run(self, folder: Path, server: ProviderServer, scenario: str, kill_at: int = LIVE) -> int:
        """Let one live, or die; returns its exit status, negative for a signal."""
        order = {"folder": str(folder), "url": server.base_url, "scenario": scenario, "kill_at": kill_at}
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def said(self) -> str:
        """What the tills wrote about their faults."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def tills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tills]:
    made = Tills(tmp_path_factory.mktemp("tills") / "stderr")
    yield made
    made.close()


class Run:
    """One counter: a folder, a provider and its customer."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir()
        self.folder, self.name, self.scenario = folder, name, SCENARIOS[name]
        self.provider = CustomersProvider(self.scenario, folder / "display")

    def boundaries(self) -> list[str]:
        return (self.folder / "boundaries").read_text(encoding="utf-8").splitlines()

    def unverified(self) -> list[str]:
        path = self.folder / "journal.db"
        return [f"verify: {finding}" for finding in verify(path).findings] if path.exists() else []

    def ended(self, tills: Tills, server: ProviderServer) -> list[str]:
        """Start the till again after its death, let it end, and say what is wrong."""
        left = self.unverified()
        stuck = ["it did not end"] if tills.run(self.folder, server, self.name) else []
        return [*left, *stuck, *self.broken()]

    def broken(self) -> list[str]:
        """Compare the till's books, its journal and the provider's ledger once all is over."""
        ledger = self.provider.transactions()
        held = [t.received_cents for t in ledger if t.state in HOLDING]
        wallet = BALANCE - self.provider.customer(NUMBER).balance_cents
        sales = [
            json.loads(line) for line in (self.folder / "sales").read_text(encoding="utf-8").splitlines()
        ]
        sold = sum({sale["request_id"]: sale["received_cents"] for sale in sales}.values())
        journal = SqliteJournal(self.folder / "journal.db")
        unsettled, attempts = journal.unsettled(), journal.attempts()
        journal.close()
        kept = sum(attempt.received_cents or 0 for attempt in attempts if attempt.state in killed_till.PAID)
        shown = self.provider.shown()
        alive = (PreTransactionState.INITIALIZED, PreTransactionState.SCANNED)
        rules = {
            f"charged more than once: {held}": len(held) > 1,
            f"the provider holds {held}": sum(held) != self.scenario.kept_cents,
            f"the wallet gave {wallet}": wallet != sum(held),
            f"the till's books say {sold}": sold != sum(held),
            f"the journal says {kept}": kept != sum(held),
            f"not settled: {unsettled}": bool(unsettled),
            f"open: {[a.state.value for a in attempts]}": any(a.state not in FINAL for a in attempts),
            "a customer may still pay": any(t.state is TransactionState.PROCESSING for t in ledger),
            "a QR that was shown lives": any(
                pre.state in alive for pre in self.provider.pre_transactions() if pre.qr_payload in shown
            ),
        }
        return [*(said for said, holds in rules.items() if holds), *self.unverified()]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_at_any_boundary_leaves_no_money_wrong(name: str, tmp_path: Path, tills: Tills) -> None:
    boundaries = whole_run(tmp_path, name, tills)
    wrong: list[str] = []
    for number, boundary in enumerate(boundaries):
        run = Run(tmp_path / f"{number}", name)
        with ProviderServer(run.provider) as server:
            assert tills.run(run.folder, server, name, number) == -signal.SIGKILL, tills.said()
            assert run.boundaries() == boundaries[: number + 1]
            wrong += [f"{number}, killed {boundary}: {said}" for said in run.ended(tills, server)]
    assert not wrong, f"{len(boundaries)} boundaries; {wrong}\n{tills.said()}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_second_kill_while_the_till_recovers_leaves_no_money_wrong(
    name: str, tmp_path: Path, tills: Tills
) -> None:
    count = len(whole_run(tmp_path, name, tills))
    pairs = [*itertools.product(range(count), repeat=2)]
    wrong: list[str] = []
    killed = 0
    for first, second in pairs[:: max(SHARE // MORE, 1)]:
        run = Run(tmp_path / f"{first}-{second}", name)
        with ProviderServer(run.provider) as server:
            tills.run(run.folder, server, name, first)
            killed += tills.run(run.folder, server, name, second) == -signal.SIGKILL
            wrong += [f"killed at {first}, then at {second}: {said}" for said in run.ended(tills, server)]
    assert killed, "the second till was never killed"
    assert not wrong, f"{wrong}\n{tills.said()}"


def whole_run(folder: Path, name: str, tills: Tills) -> list[str]:
    """Let a till live, and list the boundaries on its way."""
    run = Run(folder / "whole", name)
    with ProviderServer(run.provider) as server:
        assert tills.run(run.folder, server, name) == 0, tills.said()
    assert run.broken() == []
    boundaries = run.boundaries()
    assert {"after sync", "before write REQUEST", "after write ACKNOWLEDGED", "after sale"} <= {*boundaries}
    assert sum("T " in boundary for boundary in boundaries) >= 2 * FEWEST_CALLS
    return boundaries
