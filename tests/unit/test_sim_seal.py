"""The provider's check of seals, against seals that openssl computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_sim.gateway.seal import is_genuine, make_header


class Vector(TypedDict):
    name: str
    key: str
    version: str
    fields: list[str]
    header: str


VECTORS = cast(
    "list[Vector]",
    json.loads((Path(__file__).parents[1] / "vectors" / "seal.json").read_text(encoding="utf-8")),
)
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
text = st.text(st.characters(exclude_categories=["Cs"]))


@each_vector
def test_a_header_is_the_one_openssl_computes(vector: Vector) -> None:
    assert make_header(vector["key"], vector["version"], vector["fields"]) == vector["header"]


@each_vector
def test_a_genuine_header_is_accepted(vector: Vector) -> None:
    assert is_genuine(vector["header"], vector["key"], vector["version"], vector["fields"])


@each_vector
def test_a_header_with_any_character_changed_is_refused(vector: Vector) -> None:
    header = vector["header"]
    for position, character in enumerate(header):
        forged = header[:position] + ("B" if character == "A" else "A") + header[position + 1 :]
        assert not is_genuine(forged, vector["key"], vector["version"], vector["fields"])


def test_the_vectors_cover_every_sealed_list_and_keys_beyond_ascii() -> None:
    assert {len(vector["fields"]) for vector in VECTORS} == {1, 2, 3, 5}
    assert any(not vector["key"].isascii() for vector in VECTORS)


@given(text)
def test_garbage_instead_of_a_header_is_refused(garbage: str) -> None:
    assert not is_genuine(garbage, "test-seal-key", "ver001", ["fiawa31zot"])


@given(st.lists(text, min_size=1), text)
def test_a_padded_header_is_refused(fields: list[str], key: str) -> None:
    header = make_header(key, "ver001", fields)
    assert not is_genuine(header + "=", key, "ver001", fields)
    assert len(header.rpartition(".")[2]) == 43
