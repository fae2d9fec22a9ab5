"""The entry of `cvconnect`: light, so that Ctrl-C is heard before the commands are loaded, too."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Any, Final

INTERRUPTED: Final = 130
"""What a shell tells of a program that Ctrl-C has ended: 128 and the number of SIGINT."""

OUTPUT_LOST: Final = 74
"""What the command did, it did; but not all that it said can be read. Source: sysexits(3), `EX_IOERR`."""

_STDOUT: Final = 1
_FULL: Final = "le disque est plein"
_WHY: Final = {
    errno.EPIPE: "le programme qui la lisait n’est plus là",
    errno.ENOSPC: _FULL,
    getattr(errno, "EDQUOT", errno.ENOSPC): _FULL,
}


class _Output(io.FileIO):
    """A standard output that ends the program in words when it cannot be written: no command can do better."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            # What is still held back for it goes nowhere, or the interpreter would stumble over it at its end.
            with contextlib.suppress(OSError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.fileno())
                os.close(nowhere)
            why = _WHY.get(error.errno or 0, f"erreur {error.errno or type(error).__name__} du système")
            with contextlib.suppress(OSError):
                sys.stderr.write(f"La sortie ne peut pas être écrite : {why}.\n")
                sys.stderr.flush()
            raise SystemExit(OUTPUT_LOST) from None


def main() -> None:
    """Run the command line.

    Raises:
        SystemExit: Always, with the command's exit status, or `OUTPUT_LOST`.
    """
    _watch_output()
    try:
        from cvconnect_pos.cli.commands import run

        run()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except SystemExit:
        # Not at the interpreter's own end, where nothing can be said any more.
        with contextlib.suppress(AttributeError, OSError):  # there is none, or it is a terminal that is gone
            sys.stdout.flush()
        raise


def _watch_output() -> None:
    """Watch a file or a pipe; a terminal is left as it is."""
    out: Any = sys.stdout
    buffer: Any = getattr(out, "buffer", None)
    raw: Any = getattr(buffer, "raw", buffer)  # with PYTHONUNBUFFERED there is nothing between
    if type(raw) is io.FileIO and raw.fileno() == _STDOUT and not raw.isatty():
        watched: Any = _Output(_STDOUT, "wb", closefd=False)
        sys.stdout = io.TextIOWrapper(
            watched if raw is buffer else io.BufferedWriter(watched),
            encoding=out.encoding,
            errors=out.errors,
            line_buffering=out.line_buffering,
            write_through=out.write_through,
        )
