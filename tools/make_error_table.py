"""Write `docs/reference/errors.md` from the texts: `python tools/make_error_table.py [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from cvconnect_pos.texts import ERRORS, EVENTS
from page import main

PAGE = Path(__file__).resolve().parent.parent / "docs/reference/errors.md"

HEAD = """\
# Codes and texts

<!-- Made by tools/make_error_table.py from cvconnect_pos.texts. -->

Every error has a stable `code`, a text that says what is wrong (`error.text()`) and a remedy (`error.remedy()`), in French
for the cashier and in English for the developer. The same codes are the `reason` of events and outcomes. Words in braces
are filled in. A code that is not in the table, such as a new one of the provider, gets the words of `INTERNAL`.

No text holds a customer identifier, a key or a secret.

The provider's codes are modelled on public integrations, unverified against the ANCV.

| Code | French: text, then remedy | English: text, then remedy |
|---|---|---|
"""


def cell(*texts: str) -> str:
    """Write texts into one cell of a table."""
    return "<br>".join(text.replace("|", "\\|") for text in texts if text)


def make_page() -> str:
    """Write the whole page."""
    errors = (
        f"| `{code}` | {cell(words.fr, words.fr_remedy)} | {cell(words.en, words.en_remedy)} |\n"
        for code, words in ERRORS.items()
    )
    events = (
        f"| `{name}` | {cell(french)} | {cell(english)} |\n" for name, (french, english) in EVENTS.items()
    )
    return (
        HEAD
        + "".join(errors)
        + "\n## What events say\n\n`event.text()` gives these words.\n\n| Event | French | English |\n|---|---|---|\n"
        + "".join(events)
    )


if __name__ == "__main__":
    sys.exit(main(PAGE, make_page))
