"""The seal, against vectors made with openssl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cvconnect_pos.gateway.seal import SealKey

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "seal.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_the_seal_is_the_one_that_openssl_computes(vector: dict[str, Any]) -> None:
    assert SealKey(vector["version"], vector["key"]).seal(vector["fields"]) == vector["header"]


def test_numbers_are_sealed_as_text() -> None:
    key = SealKey("ver001", "k")
    assert key.seal(("fiawa31zot", 4550)) == key.seal(("fiawa31zot", "4550"))


def test_the_key_never_shows() -> None:
    assert "hunter2" not in repr(SealKey("ver001", "hunter2"))
