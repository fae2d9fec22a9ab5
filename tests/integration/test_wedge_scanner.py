"""A wedge is a scanner as any other: it keeps the same promises, at once, several at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count
from queue import SimpleQueue

import pytest

from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.wedge import Wedge, open_scanner, page_script, wedge
from cvconnect_pos.conformance import check_scanner
from cvconnect_pos.peripherals import ScannerFactory

FACTORY: ScannerFactory = open_scanner
IDENTIFIER = "03481592677"
PAUSE = threading.Event()
ENTER = 28

_numbers = count()


def by_keys(till: Wedge, text: str) -> None:
    for digit in text:
        code = 1 + (int(digit) or 10)
        till.key(code, True, time.monotonic())
        till.key(code, False, time.monotonic())
    till.key(ENTER, True, time.monotonic())
    till.key(ENTER, False, time.monotonic())


def by_browser_keys(till: Wedge, text: str) -> None:
    for code in [*(f"Digit{digit}" for digit in text), "NumpadEnter"]:
        till.browser_key(code, True, time.monotonic())
        till.browser_key(code, False, time.monotonic())


def by_characters(till: Wedge, text: str) -> None:
    for character in f"{text}\r":
        till.character(character, time.monotonic())


def by_text(till: Wedge, text: str) -> None:
    till.text(text, time.monotonic())


WAYS = [by_keys, by_browser_keys, by_characters, by_text]


@pytest.mark.parametrize("feed", WAYS)
def test_it_keeps_the_promises_of_a_scanner(feed: Callable[[Wedge, str], None]) -> None:
    name = f"conform-{next(_numbers)}-{feed.__name__}"
    check_scanner(lambda: open_scanner(f"wedge:{name}", {}), lambda text: feed(wedge(name), text))


def test_a_label_is_delivered_at_once() -> None:
    scanner = open_scanner("wedge:quick", {})
    labels: SimpleQueue[float] = SimpleQueue()
    scanner.claim(on_status=lambda _health: None, timeout_s=5)
    try:
        waited: list[float] = []
        for _ in range(5):
            scanner.arm(lambda _label: labels.put(time.monotonic()))
            by_characters(wedge("quick"), IDENTIFIER)
            sent_s = time.monotonic()
            waited.append(labels.get(timeout=5) - sent_s)
        assert min(waited) < 0.05  # a read blocks for 0.2 s
    finally:
        scanner.release()


def by_slow_keys(till: Wedge, text: str) -> None:
    for digit in text:
        by_key(till, 1 + (int(digit) or 10))
    by_key(till, ENTER)


def by_slow_characters(till: Wedge, text: str) -> None:
    for character in f"{text}\r":
        PAUSE.wait(0.04)
        till.character(character, time.monotonic())


def by_key(till: Wedge, code: int) -> None:
    PAUSE.wait(0.04)
    till.key(code, True, time.monotonic())
    till.key(code, False, time.monotonic())


@pytest.mark.parametrize("feed", [by_slow_keys, by_slow_characters])
def test_the_second_line_of_a_refused_label_is_no_identifier_however_slowly_it_is_typed(
    feed: Callable[[Wedge, str], None],
) -> None:
    name = f"lines-{next(_numbers)}"
    scanner = open_scanner(f"wedge:{name}", {"terminator": "enter"})
    came: SimpleQueue[Label] = SimpleQueue()

    def hear(label: Label) -> None:
        if label.refusal is not None:
            scanner.arm(hear)  # the same customer is waited for
        came.put(label)

    scanner.claim(on_status=lambda _health: None, timeout_s=5)
    try:
        scanner.arm(hear)
        feed(wedge(name), "002")
        assert came.get(timeout=5).refusal == "NOT_AN_IDENTIFIER"
        feed(wedge(name), IDENTIFIER)
        PAUSE.wait(0.4)
        feed(wedge(name), "98765432109")
        assert came.get(timeout=5).text == "98765432109"
        assert scanner.statistics()["dropped"] == 1
    finally:
        scanner.release()


def test_several_wedges_hear_their_own_scans() -> None:
    names = [f"several-{n}" for n in range(4)]
    scanners = [open_scanner(f"wedge:{name}", {}) for name in names]
    heard: list[SimpleQueue[Label]] = [SimpleQueue() for _ in names]
    try:
        for scanner, labels in zip(scanners, heard, strict=True):
            scanner.claim(on_status=lambda _health: None, timeout_s=5)
            scanner.arm(labels.put)
        people = [
            threading.Thread(target=by_keys, args=(wedge(name), f"{n}" * 11)) for n, name in enumerate(names)
        ]
        for person in people:
            person.start()
        for person in people:
            person.join()
        assert [labels.get(timeout=5).text for labels in heard] == [f"{n}" * 11 for n in range(4)]
    finally:
        for scanner in scanners:
            scanner.release()


def test_a_wedge_that_two_stations_read_says_so_to_the_second() -> None:
    first, second = open_scanner("wedge:shared", {}), open_scanner("wedge:shared", {})
    try:
        first.claim(on_status=lambda _health: None, timeout_s=5)
        second.claim(on_status=lambda _health: None, timeout_s=5)
        assert first.check_health().state == "ready"
        assert second.check_health().state == "absent"
        assert "déjà lu" in second.check_health().detail
    finally:
        second.release()
        first.release()


def test_the_pages_script_comes_with_the_package() -> None:
    assert b"export function listen" in page_script()
