"""The documentation's code runs, page by page, and prints what the page says."""

from __future__ import annotations

import contextlib
import io
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from cvconnect_pos import Outcome, Station
from cvconnect_sim.counter import Counter
from cvconnect_sim.errors import SimError

ROOT = Path(__file__).resolve().parents[2]

BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
"""A block of Python, and what it prints when a block of text follows at once."""


def blocks(page: Path) -> list[tuple[int, str, str]]:
    text = page.read_text(encoding="utf-8")
    return [(text[: m.start()].count("\n") + 1, m[1], m[2] or "") for m in BLOCK.finditer(text)]


PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if blocks(page)]


@pytest.mark.docs
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "page"}
    run(page, names)


def test_the_ten_lines_of_the_readme_take_a_payment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recorded: list[Outcome] = []
    over = threading.Event()

    def customer(counter: Counter) -> None:
        while not over.wait(0.05):
            with contextlib.suppress(SimError, OSError):
                counter.phone.pay(counter.phone.scan(counter.display_png), amount_cents=3000)

    with Counter(tmp_path) as counter:  # writes the cvconnect.toml that the lines open
        person = threading.Thread(target=customer, args=(counter,))
        person.start()
        try:
            run(ROOT / "README.md", {"__name__": "page", "record": recorded.append})
        finally:
            over.set()
            person.join()
    assert [(each.received_cents, each.remaining_cents) for each in recorded] == [(3000, 1550)]


def run(page: Path, names: dict[str, Any]) -> None:
    """Run a page's blocks, one after the other, in the same names."""
    try:
        for line, code, promised in blocks(page):
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                # The line numbers of a failure are those of the page.
                exec(compile("\n" * line + code, str(page), "exec"), names)
            if promised:
                printed = said.getvalue().replace("\N{NO-BREAK SPACE}", " ")
                assert printed[-len(promised) :] == promised
    except BaseException:  # what the page would have closed at its end
        for kind in (Station, Counter):
            for value in names.values():
                if isinstance(value, kind):
                    value.close()
        raise
