"""The asyncio face: the same payment, followed from an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from cvconnect_pos import NotAllowedNow, State, Station, WaitTimeout
from cvconnect_sim.counter import CUSTOMER, Counter

DEADLINE_S = 10.0


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with Counter(
        tmp_path, way="keyed", customers=[f"1000000{n:04d}" for n in range(20)] + [CUSTOMER]
    ) as counter:
        yield counter


def test_events_and_outcome_come_to_the_loop_which_goes_on_meanwhile(counter: Counter) -> None:
    async def till(station: Station) -> tuple[list[str], int]:
        payment = station.tender.request(
            request_id="r1", amount_cents=4550, basket_ref="B1", way="keyed", beneficiary=CUSTOMER
        )
        turns = 0

        async def heartbeat() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.005)
                turns += 1

        beat = asyncio.create_task(heartbeat())
        names: list[str] = []
        async with asyncio.timeout(DEADLINE_S):
            async for event in payment:
                names.append(event.name)
                if event.name == "AwaitingCustomer":
                    phone = counter.phones[-1]
                    phone.pay(phone.incoming()[0])
        outcome = await payment.wait_async(DEADLINE_S)
        beat.cancel()
        assert outcome.received_cents == 4550
        return names, turns

    with Station.open(counter.station_file) as station:
        names, turns = asyncio.run(till(station))
    assert names == ["CustomerIdentified", "AwaitingCustomer", "Approved", "TicketPrinted"]
    assert turns > 3


def test_a_wait_in_the_loop_has_a_deadline_and_can_be_cancelled(counter: Counter) -> None:
    async def till(station: Station) -> None:
        payment = station.tender.request(request_id="r1", amount_cents=4550, basket_ref="B1", way="qr")
        with pytest.raises(WaitTimeout):
            await payment.wait_async(0.05)
        waiting = asyncio.create_task(payment.wait_async(DEADLINE_S))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not payment._wakers
        payment.cancel()
        assert (await payment.wait_async(DEADLINE_S)).state is State.CANCELLED

    with Station.open(counter.station_file) as station:
        asyncio.run(till(station))


def test_many_payments_are_awaited_together(counter: Counter) -> None:
    async def one(station: Station, number: int) -> int:
        phone = counter.phones[number]
        payment = station.tender.request(
            request_id=f"r{number}",
            amount_cents=4550,
            basket_ref=f"B{number}",
            way="keyed",
            beneficiary=phone.identifier_barcode(),
        )
        async for event in payment:
            if event.name == "AwaitingCustomer":
                phone.pay(phone.incoming()[0])
        return (await payment.wait_async(DEADLINE_S)).received_cents

    async def till(station: Station) -> list[int]:
        async with asyncio.timeout(3 * DEADLINE_S):
            return await asyncio.gather(*(one(station, number) for number in range(20)))

    with Station.open(counter.station_file) as station:
        assert asyncio.run(till(station)) == [4550] * 20


def test_closing_the_station_ends_the_loop(counter: Counter) -> None:
    async def till(station: Station) -> None:
        payment = station.tender.request(request_id="r1", amount_cents=4550, basket_ref="B1", way="qr")

        async def close_soon() -> None:
            await asyncio.sleep(0.1)
            await asyncio.to_thread(station.close)

        closing = asyncio.create_task(close_soon())
        async with asyncio.timeout(DEADLINE_S):
            async for _ in payment:
                pass
        await closing
        with pytest.raises(NotAllowedNow):
            await payment.wait_async(1.0)

    station = Station.open(counter.station_file)
    with contextlib.closing(station):
        asyncio.run(till(station))


@pytest.mark.parametrize("timeout_s", [math.inf, 1e12])
def test_whoever_waits_without_end_gets_the_outcome_in_a_thread_and_in_a_loop(
    counter: Counter, timeout_s: float
) -> None:
    async def till(station: Station) -> tuple[int | None, int | None]:
        payment = station.tender.request(
            request_id="r1", amount_cents=4550, basket_ref="B1", way="keyed", beneficiary=CUSTOMER
        )
        in_a_thread = asyncio.create_task(asyncio.to_thread(payment.wait, timeout_s))
        in_the_loop = asyncio.create_task(payment.wait_async(timeout_s))
        phone = counter.phones[-1]
        (request,) = await asyncio.to_thread(phone.wait_incoming, timeout_s=DEADLINE_S)
        phone.pay(request)
        async with asyncio.timeout(DEADLINE_S):
            return (await in_a_thread).received_cents, (await in_the_loop).received_cents

    with Station.open(counter.station_file) as station:
        assert asyncio.run(till(station)) == (4550, 4550)


@pytest.mark.parametrize("timeout_s", [math.nan, 0.0, -1.0, -math.inf])
def test_no_time_to_wait_is_over_at_once_in_a_thread_and_in_a_loop(
    counter: Counter, timeout_s: float
) -> None:
    with Station.open(counter.station_file) as station:
        payment = station.tender.request(request_id="r1", amount_cents=4550, basket_ref="B1", way="qr")
        with pytest.raises(WaitTimeout):
            payment.wait(timeout_s)
        with pytest.raises(WaitTimeout):
            asyncio.run(payment.wait_async(timeout_s))
        payment.cancel()
        payment.wait(DEADLINE_S)
