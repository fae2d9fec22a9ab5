"""The examples run as they stand, and show nothing but public names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cvconnect_pos

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.py"))


def run(name: str, *arguments: str, answers: str = "") -> str:
    """Run an example; it must end well, and say nothing on its error output."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", str(EXAMPLES / name), *arguments],
        input=answers,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.replace("\u00a0", " ")


def test_the_minimal_till_records_a_part_payment_and_prints_its_ticket() -> None:
    told = run("minimal_till.py")
    assert "Enregistré : APPROVED, reçu 30,00 €, reste 15,50 €" in told
    assert "COPIE COMMERÇANT" in told


@pytest.mark.parametrize(
    ("answers", "results"),
    [
        (["45,50", "1", "1", "1"], ["Reçu : 45,50 €. Reste à payer : 0,00 €."]),
        (["45.50", "1", "1", "2", "50", "2", "30,00"], ["Reçu : 30,00 €. Reste à payer : 15,50 €."]),
        (["25", "2", "2", "1", "3"], ["Code produit lu.", "Reçu : 0,00 €. Reste à payer : 25,00 €."]),
        (["25", "1", "3"], ["La demande est annulée.", "Reste à payer : 25,00 €."]),
        (["25", "2", "1", "5"], ["La demande est annulée.", "Reste à payer : 25,00 €."]),
        (
            ["12,50", "1", "abc", "1", "25", "1", "x", "3"],
            ["inférieur au minimum de 20,00 €", "n’est pas lisible"],
        ),
    ],
    ids=["all by QR", "a part", "refused", "cancelled", "cancelled in the app", "typing mistakes"],
)
def test_a_person_plays_both_sides_at_the_terminal_till(answers: list[str], results: list[str]) -> None:
    told = run("terminal_till.py", answers="\n".join([*answers, "", ""]))
    for result in results:
        assert result in told
    assert "SIMULATION - SANS VALEUR" in told


def test_a_request_that_nobody_answers_expires_at_the_terminal_till() -> None:
    told = run("terminal_till.py", "--expiration", "1.5", answers="25\n1\n2\n\n")
    assert "La demande a expiré." in told
    assert "Demande expirée" in told


def test_the_terminal_till_ends_when_its_input_does() -> None:
    assert run("terminal_till.py", answers="25\n1\n").endswith("Au revoir.\n")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_uses_public_names_only(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("cvconnect"):
            package, *inner = node.module.split(".")
            if package == "cvconnect_pos":
                assert not inner
                assert {name.name for name in node.names} <= set(cvconnect_pos.__all__)
            else:
                assert (package, len(inner)) == ("cvconnect_sim", 1)
