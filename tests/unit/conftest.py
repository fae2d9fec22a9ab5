"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import Till


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    """A till on a virtual clock, and two customers with 1 000 € each."""
    till = Till(tmp_path)
    yield till
    till.engine.close()


@pytest.fixture
def second(till: Till) -> Iterator[Till]:
    """Another till on the same journal."""
    second = Till(till.folder, beside=till)
    yield second
    second.engine.close()
