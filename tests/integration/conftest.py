"""What tests of keyboard scanners share: a desk with input devices that a test plugs in and out, and a till."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # input devices exist on Linux only
    from evdev_bench import Reader, Till
    from fake_input import Desk, Node


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    from fake_input import Desk

    desk = Desk(tmp_path, monkeypatch)
    yield desk
    desk.close()


@pytest.fixture
def node(desk: Desk) -> Node:
    return desk.plug(5)


@pytest.fixture
def reader(node: Node) -> Iterator[Reader]:
    from evdev_bench import Reader

    reader = Reader(node)
    reader.read()
    yield reader
    reader.source.close()


@pytest.fixture
def opened() -> Iterator[Callable[..., Till]]:
    from evdev_bench import Till

    tills: list[Till] = []

    def make(url: str = "evdev:?vendor=0c2e&product=0b61", **options: object) -> Till:
        tills.append(Till(url, **options))
        tills[-1].claim()
        return tills[-1]

    yield make
    for till in tills:
        till.scanner.release()
