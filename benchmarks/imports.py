"""What importing costs a till, beside what it pays for other packages in the same run."""

from __future__ import annotations

import statistics
import subprocess
import sys

from figures import show

RUNS = 15
_SNIPPET = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"

SUBJECTS = {
    "import cvconnect_pos": "import cvconnect_pos",
    "import cvconnect_pos, Station resolved": "from cvconnect_pos import Station",
}
PEERS = {"import requests": "import requests", "import stripe": "import stripe"}


def measure() -> dict[str, object]:
    """Import each in fresh processes, taking turns, and compare the medians.

    Returns:
        Milliseconds per subject and peer, and each subject's ratio to each peer.
    """
    statements = SUBJECTS | PEERS
    times: dict[str, list[float]] = {name: [] for name in statements}
    for run in range(RUNS + 1):
        for name, statement in statements.items():
            done = subprocess.run(
                [sys.executable, "-c", _SNIPPET.format(statement)],
                capture_output=True,
                check=True,
                timeout=60,
            )
            if run:  # the first round warms the disk cache
                times[name].append(float(done.stdout) * 1000)
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = {
        f"{subject} / {peer}": medians[subject] / medians[peer] for subject in SUBJECTS for peer in PEERS
    }
    return {"median_ms": medians, "ratio": ratios}


if __name__ == "__main__":
    show("import", measure())
