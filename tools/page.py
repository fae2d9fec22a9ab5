"""What the makers of pages share: write the page, or with `--check` say whether it is up to date."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


def main(path: Path, make: Callable[[], str]) -> int:
    """Write a page or check it.

    Args:
        path: The page.
        make: Makes its text.

    Returns:
        The exit status: 1 when `--check` was given and the page is not what would be written.
    """
    text = make()
    if "--check" not in sys.argv[1:]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return 0
    print(f"{path.name} is not up to date: run python tools/{Path(sys.argv[0]).name}")
    return 1
