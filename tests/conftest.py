"""What all tests share: how properties are searched, and the list of what was skipped."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

settings.register_profile("house", derandomize=True, deadline=None, max_examples=100, database=None)
settings.load_profile("house")

# In a shell's background it is ignored, and the programs under test could not be interrupted.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End with a plain list of what was skipped and why; the same reason is told once."""
    skipped: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        match report.longrepr:
            case (_path, _line, str(why)):
                skipped.setdefault(why.removeprefix("Skipped: "), []).append(report.nodeid)
            case other:
                skipped.setdefault(str(other), []).append(report.nodeid)
    if not skipped:
        terminalreporter.write_line("nothing was skipped")
    for why, tests in skipped.items():
        terminalreporter.write_line(f"skipped: {why}")
        for test in sorted(tests):
            terminalreporter.write_line(f"    {test}")
