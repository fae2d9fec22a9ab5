"""The code of the page about the kernel lab runs on a kernel."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs/explanations/kernel-lab.md"
CODE = re.findall(r"^```py\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("code", CODE)
def test_the_code_of_the_page_runs(code: str) -> None:
    exec(compile(code, str(PAGE), "exec"), {"__name__": "__main__"})


def test_the_page_has_code() -> None:
    assert CODE
