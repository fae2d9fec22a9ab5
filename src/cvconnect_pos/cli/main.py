"""The entry of `cvconnect`: light, so that Ctrl-C is heard before the commands are loaded, too."""

from __future__ import annotations

INTERRUPTED = 130
"""What a shell tells of a program that Ctrl-C has ended: 128 and the number of SIGINT."""


def main() -> None:
    """Run the command line.

    Raises:
        SystemExit: Always, with the command's exit status.
    """
    try:
        from cvconnect_pos.cli.commands import run

        run()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
