"""Fixtures for the tests of tills; pytest finds them as soon as the package is installed.

    def test_my_till_takes_a_payment(cvconnect_counter):
        with Station.open(cvconnect_counter.station_file) as station:
            ...

Every pytest run of the environment loads this module, so it imports nothing but what pytest has loaded already.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cvconnect_sim.counter import Counter


@pytest.fixture
def cvconnect_counter(tmp_path: Path) -> Iterator[Counter]:
    """A whole simulated counter of this test alone, on the machine's clock: see `cvconnect_sim.counter.Counter`."""
    from cvconnect_sim.counter import Counter

    with Counter(tmp_path / "cvconnect") as counter:
        yield counter
