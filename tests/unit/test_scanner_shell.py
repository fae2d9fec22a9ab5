"""What every scanner does around its source: nobody is harmed by anybody, and every loss is told."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Sequence

import pytest

from cvconnect_drivers.errors import (
    ConfigurationError,
    LinkAbsentError,
    LinkLostError,
    NotClaimedError,
    PackageMissingError,
)
from cvconnect_drivers.scanners import session as session_module
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.reconnection import Backoff
from cvconnect_drivers.scanners.session import QUEUE_STATES
from cvconnect_drivers.shapes import Health
from scripted_scanner import FIRST, SECOND, THIRD, TIMEOUT_S, TORN, Bench, until


@pytest.fixture
def bench() -> Generator[Bench, None, None]:
    bench = Bench()
    yield bench
    bench.scanner.release()


def test_the_source_hears_when_labels_are_wanted(bench: Bench) -> None:
    source = bench.claim()
    bench.arm()
    bench.scanner.disarm()
    bench.arm()
    source.give(FIRST)
    bench.hear()
    assert source.armed == [False, True, False, True, False]
    bench.arm()
    source.lose()
    assert bench.source().armed == [True]


def test_a_label_that_straddles_arming_is_dropped(bench: Bench) -> None:
    source = bench.claim()
    source.pending = True
    bench.arm()
    source.give(FIRST, SECOND)
    assert bench.hear().text == "20000000027"
    assert bench.scanner.statistics()["dropped"] == 1


@pytest.mark.parametrize("mistake", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_callback_that_raises_deafens_nobody(bench: Bench, mistake: type[BaseException]) -> None:
    source = bench.claim()

    def stumble(_label: Label) -> None:
        raise mistake

    bench.scanner.arm(stumble)
    source.give(FIRST)
    assert until(lambda: bench.scanner.statistics()["delivered"] == 1)
    bench.arm()
    source.give(SECOND)
    assert bench.hear().text == "20000000027"


def test_a_callback_that_blocks_keeps_no_label_for_a_later_customer(bench: Bench) -> None:
    source = bench.claim()
    blocked, going_on = threading.Event(), threading.Event()

    def block(_label: Label) -> None:
        blocked.set()
        going_on.wait(TIMEOUT_S)

    bench.scanner.arm(block)
    source.give(FIRST)
    assert blocked.wait(TIMEOUT_S)
    source.give(SECOND)  # nobody is armed: it is read, and dropped, while the callback blocks
    assert bench.scanner.statistics()["dropped"] == 1
    bench.arm()
    source.give(THIRD)
    assert bench.labels.empty()
    going_on.set()
    assert bench.hear().text == "20000000038"


def test_disarming_forgets_the_label_that_waits_behind_a_callback(bench: Bench) -> None:
    source = bench.claim()
    blocked, going_on = threading.Event(), threading.Event()

    def block(_label: Label) -> None:
        blocked.set()
        going_on.wait(TIMEOUT_S)

    bench.scanner.arm(block)
    source.give(FIRST)
    assert blocked.wait(TIMEOUT_S)
    bench.arm()
    source.give(SECOND)
    bench.scanner.disarm()
    bench.arm()
    bench.scanner.clear()
    going_on.set()
    source.give(THIRD)
    assert bench.hear().text == "20000000038"
    assert bench.labels.empty()
    assert bench.scanner.statistics()["dropped"] == 1


def test_a_callback_may_use_its_scanner(bench: Bench) -> None:
    source = bench.claim()
    said: queue.SimpleQueue[str] = queue.SimpleQueue()

    def use(_label: Label) -> None:
        bench.scanner.disarm()
        bench.scanner.clear()
        bench.arm()
        said.put(bench.scanner.check_health("external").detail)
        assert bench.scanner.statistics()["delivered"] == 1

    bench.scanner.arm(use)
    source.give(FIRST)
    assert said.get(timeout=TIMEOUT_S).startswith("Lecteur branché. Dernière étiquette lue il y a 0 s")
    source.give(SECOND)
    assert bench.hear().text == "20000000027"


def test_damage_reaches_the_till_that_waits(bench: Bench) -> None:
    source = bench.claim()
    source.give(TORN)
    bench.arm()
    source.give(TORN)
    assert bench.hear().refusal == "DAMAGED"
    counts = bench.scanner.statistics()
    assert (counts["torn"], counts["dropped"], counts["refused"]) == (2, 1, 1)


@pytest.mark.parametrize("begun", [True, False])
def test_a_device_lost_in_mid_label_tells_damage_and_otherwise_nothing(bench: Bench, begun: bool) -> None:
    source = bench.claim()
    bench.arm()
    source.pending = begun
    source.lose()
    again = bench.source()
    if begun:
        assert bench.hear().refusal == "DAMAGED"
        bench.arm()
    again.give(FIRST)
    assert bench.hear().text == "20000000016"
    counts = bench.scanner.statistics()
    assert (counts["lost"], counts["torn"]) == (1, begun)


def test_states_are_told_as_they_change(bench: Bench) -> None:
    source = bench.claim()
    assert bench.hear_state() == Health("ready", "Lecteur branché.")

    def worsen() -> Sequence[RawLabel]:
        source.degraded = "Trop vite."
        return []

    def recover() -> Sequence[RawLabel]:
        source.degraded = ""
        return [FIRST]

    source.play(worsen)
    assert bench.hear_state() == bench.scanner.check_health() == Health("degraded", "Trop vite.")
    source.play(recover)
    assert bench.hear_state().state == "ready"
    source.lose()
    assert bench.hear_state().state == "absent"
    assert bench.hear_state().state == "ready"
    assert bench.heard.empty()


def test_a_status_callback_that_blocks_delays_no_reading(bench: Bench) -> None:
    going_on = threading.Event()
    heard: list[str] = []

    def block(health: Health) -> None:
        going_on.wait(TIMEOUT_S)
        heard.append(health.detail)

    bench.scanner.claim(on_status=block, timeout_s=TIMEOUT_S)
    source = bench.source()
    for number in range(3 * QUEUE_STATES):
        source.degraded = str(number)
        source.give(TORN)
    assert bench.scanner.statistics()["torn"] == 3 * QUEUE_STATES
    going_on.set()
    assert until(lambda: str(3 * QUEUE_STATES - 1) in heard)
    assert len(heard) <= QUEUE_STATES + 1


def test_a_scanner_that_cannot_be_opened_as_it_is_set_up_is_not_claimed() -> None:
    bench = Bench(PackageMissingError("pyserial"), backoff=Backoff(first_s=3600, last_s=3600))
    with pytest.raises(PackageMissingError):
        bench.scanner.claim(on_status=bench.heard.put, timeout_s=TIMEOUT_S)
    with pytest.raises(NotClaimedError):
        bench.arm()
    bench.claim()
    assert bench.scanner.check_health().state == "ready"
    bench.scanner.release()


def test_what_goes_wrong_after_the_claim_is_told_and_tried_again() -> None:
    twins = ConfigurationError("DEVICE_AMBIGUOUS", fr="Deux appareils.", en="Two devices.")
    bench = Bench()
    source = bench.claim()
    bench.failures += [LinkAbsentError("script", "gone"), twins, TypeError("a driver's mistake")]
    source.lose()
    bench.source()
    told = [bench.hear_state() for _ in range(6)]
    assert [health.state for health in told] == ["ready", "absent", "absent", "absent", "absent", "ready"]
    assert told[3].detail == "Deux appareils."
    bench.scanner.release()


def test_somebody_who_sees_the_device_come_spares_the_wait() -> None:
    bench = Bench(LinkAbsentError("script", "away"), backoff=Backoff(first_s=3600, last_s=3600))
    bench.scanner.claim(on_status=bench.heard.put, timeout_s=TIMEOUT_S)
    assert bench.hear_state().state == "absent"
    bench.scanner.retry()
    assert bench.hear_state().state == "ready"
    bench.scanner.release()
    bench.scanner.retry()
    assert bench.scanner.check_health() == Health("unknown", "Lecteur non réservé.")


def test_health_says_what_is_known_and_what_a_person_should_do(bench: Bench) -> None:
    assert bench.scanner.check_health("interactive").state == "unknown"
    bench.claim()
    details = [bench.scanner.check_health(level).detail for level in ("internal", "external", "interactive")]
    assert details == [
        "Lecteur branché.",
        "Lecteur branché. Aucune étiquette n’a encore été lue.",
        "Lecteur branché. Pour vérifier, lisez une étiquette.",
    ]


def test_a_source_that_fails_in_everything_ends_no_thread(bench: Bench) -> None:
    source = bench.claim()

    def break_down() -> Sequence[RawLabel]:
        del source.pending  # asking for it fails from now on
        raise LinkLostError("script", "unplugged")

    source.pending = True
    bench.arm()  # what has begun is lost with the device, and is not waited for
    source._steps.put(break_down)
    bench.source().give(FIRST)
    assert bench.hear().text == "20000000016"


def test_release_closes_the_source_and_joins_both_threads(bench: Bench) -> None:
    source = bench.claim()
    bench.arm()
    bench.scanner.release()
    assert source.closed.is_set()
    assert source.armed[-1] is False
    assert not any(thread.name == "scanner script:" for thread in threading.enumerate())


def test_an_arming_that_comes_too_late_is_refused_and_harms_no_later_claim(bench: Bench) -> None:
    bench.claim()
    session = bench.scanner._session
    assert session is not None
    bench.scanner.release()
    with pytest.raises(NotClaimedError):
        session.arm(bench.labels.put)
    bench.claim().give(FIRST)
    assert bench.labels.empty()
    assert bench.scanner.statistics()["dropped"] == 1


def test_a_scanner_may_be_released_while_its_status_is_told() -> None:
    bench = Bench()
    released = threading.Event()

    def release(_health: Health) -> None:
        bench.scanner.release()
        released.set()

    bench.scanner.claim(on_status=release, timeout_s=TIMEOUT_S)
    assert released.wait(TIMEOUT_S)
    assert until(lambda: not any(each.name == "scanner script:" for each in threading.enumerate()))


def test_release_waits_no_longer_than_it_promises_for_a_callback_that_blocks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "JOIN_TIMEOUT_S", 0.05)
    source = bench.claim()
    going_on = threading.Event()

    def block(_label: Label) -> None:
        going_on.wait(TIMEOUT_S)

    bench.scanner.arm(block)
    source.give(FIRST)
    bench.scanner.release()
    again = bench.claim()  # what is left of the first claim takes nothing from the second
    bench.arm()
    again.give(SECOND)
    assert bench.hear().text == "20000000027"
    going_on.set()


def test_a_label_that_waits_when_its_claim_ends_is_not_delivered_in_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "JOIN_TIMEOUT_S", 0.05)
    source = bench.claim()
    blocked, going_on = threading.Event(), threading.Event()

    def block(_label: Label) -> None:
        blocked.set()
        going_on.wait(TIMEOUT_S)

    bench.scanner.arm(block)
    source.give(FIRST)
    assert blocked.wait(TIMEOUT_S)
    bench.arm()
    source.give(SECOND)
    bench.scanner.release()
    again = bench.claim()
    going_on.set()
    again.give(THIRD)
    assert bench.labels.empty()
    assert bench.scanner.statistics()["dropped"] == 2
