"""The simulated provider in a process of its own, so that its work is not counted as the till's; and tills for it."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from cvconnect_pos import State, Tender
from cvconnect_pos.engine import Engine
from cvconnect_pos.gateway.ancv import BASE_PATH, AncvGateway, Merchant
from cvconnect_pos.gateway.seal import HEADER, SealKey
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.transports.requests import RequestsTransport
from cvconnect_sim.gateway import Merchant as SimMerchant
from cvconnect_sim.gateway import Provider, ProviderServer, Rules

NUMBER = "10000003051"
OPENING_S = 120.0

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")
_SPAWN = multiprocessing.get_context("spawn")


class FarSide:
    """A provider that runs elsewhere; one customer with much money, who may have many requests at once."""

    def __init__(self) -> None:
        self._line, there = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(there,), daemon=True)
        self._process.start()
        there.close()
        self.base_url: str = self._line.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()
        self._process.join(15)

    def ask(
        self,
        function: Callable[Concatenate[ProviderServer, _Given], _Answer],
        *args: _Given.args,
        **kwargs: _Given.kwargs,
    ) -> _Answer:
        """Call a function of a module over there."""
        self._line.send((function, args, kwargs))
        answer: _Answer = self._line.recv()
        return answer


def _serve(line: Connection) -> None:
    provider = Provider(rules=Rules(one_pending_per_customer=False))
    provider.add_customer(NUMBER, balance_cents=1_000_000_000)
    with ProviderServer(provider) as server:
        line.send(server.base_url)
        try:
            while True:
                function, args, kwargs = line.recv()
                line.send(function(server, *args, **kwargs))
        except EOFError:
            pass


def asked(server: ProviderServer, since_s: float, until_s: float) -> list[tuple[str, float]]:
    """List which paths were asked for with GET in a span of the monotonic clock, and when."""
    return [
        (request.path, request.received_s)
        for request in server.requests
        if request.method == "GET" and since_s <= request.received_s < until_s
    ]


def transactions(server: ProviderServer) -> list[str]:
    """List the provider's ids."""
    return [transaction.transaction_id for transaction in server.provider.transactions()]


def make_engine(base_url: str, journal: Path, **options: Any) -> Engine:
    """Make a till's engine for a simulated provider."""
    merchant = SimMerchant()
    gateway = AncvGateway(
        RequestsTransport(base_url),
        Merchant(merchant.shop_id, merchant.service_provider_id),
        SealKey(merchant.seal_key_version, merchant.seal_key),
        production=False,
    )
    return Engine(gateway, SqliteJournal(journal), **options)


def status_call(base_url: str, transaction_id: str) -> tuple[str, Mapping[str, str]]:
    """Write a status call, URL and headers, for a client that knows nothing of ours."""
    merchant = SimMerchant()
    seal = SealKey(merchant.seal_key_version, merchant.seal_key).seal((transaction_id,))
    return f"{base_url}{BASE_PATH}/payment-transactions/{transaction_id}/", {HEADER: seal}


def apart(function: Callable[_Given, _Answer], *args: _Given.args, **kwargs: _Given.kwargs) -> _Answer:
    """Call a function of a module in a fresh process of its own."""
    with ProcessPoolExecutor(1, mp_context=_SPAWN) as pool:
        return pool.submit(function, *args, **kwargs).result()


def until(condition: Callable[[], bool], timeout_s: float, pause_s: float = 0.05) -> None:
    """Wait for something.

    Raises:
        TimeoutError: It did not come.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(pause_s)


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop whose customers take their time.

    Args:
        far: Its provider.
        ids: The provider's ids of the payments that wait for a customer.
        folder: Where its journal is.
    """

    far: FarSide
    ids: list[str]
    folder: Path

    @contextmanager
    def journal(self) -> Iterator[Path]:
        """Give a copy of its journal, as a till finds it after a crash of its own."""
        with tempfile.TemporaryDirectory() as name:
            copy = Path(name) / "shop"
            shutil.copytree(self.folder, copy)
            yield copy / "journal.db"


@contextmanager
def waiting_shop(count: int) -> Iterator[Shop]:
    """Open deferred payments, each with all its calls and journal entries, and leave them waiting for the customer."""
    with FarSide() as far, tempfile.TemporaryDirectory() as name:
        engine = make_engine(far.base_url, Path(name) / "journal.db", calls_per_s=1000.0)
        tender = Tender(engine)
        payments = [
            tender.request(
                request_id=f"deferred-{number}",
                amount_cents=4550,
                basket_ref=f"D{number}",
                way="deferred",
                beneficiary=NUMBER,
                delay_s=86_400,
            )
            for number in range(count)
        ]
        until(lambda: all(payment.attempt.state is State.AWAITING for payment in payments), OPENING_S)
        engine.close()
        yield Shop(far, far.ask(transactions), Path(name))
