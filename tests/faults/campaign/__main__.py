"""Plays so many schedules, counts what was broken, and shows the first failures as short as they get.

python -m faults.campaign 10000 [--seed 0] [--http 200] [--jobs 2]
python -m faults.campaign --replay 'seed=7 0:ask:t0:L0:qr:4550:B0:c0 ...'
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

from faults.campaign.runner import campaign, replay

HTTP_SHARE: Final = 50
"""One schedule of so many is played again over real HTTP."""


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(
        prog="faults.campaign", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("schedules", nargs="?", type=int, default=10_000, help="how many schedules")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--replay", default="", help="play this schedule only")
    parser.add_argument(
        "--http", type=int, help="how many again over real HTTP; with --replay: 1 for over HTTP"
    )
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes")
    options = parser.parse_args(arguments)
    if options.replay:
        return replay(options.replay, http=bool(options.http))
    again = options.schedules // HTTP_SHARE if options.http is None else options.http
    seeds = range(options.seed, options.seed + options.schedules)
    jobs = [(seed, False) for seed in seeds] + [(seed, True) for seed in seeds[:again]]
    return campaign(jobs, max(options.jobs, 1))


if __name__ == "__main__":
    sys.exit(main())
