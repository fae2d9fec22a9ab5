"""The tickets that the documentation shows are those that are made."""

from __future__ import annotations

import re
from pathlib import Path

from vectors.make_tickets import golden

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^<!-- golden: ([\w-]+) -->\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tickets_of_the_page_are_the_golden_ones() -> None:
    page = (ROOT / "docs/how-to/tickets.md").read_text(encoding="utf-8")
    made = dict(golden())
    shown = dict(BLOCK.findall(page))
    assert len(shown) == page.count("<!-- golden:") == 6
    for name, text in shown.items():
        assert text == made[f"{name}.txt"], name
