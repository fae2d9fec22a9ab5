"""What the firmwares of all line displays have in common: power, a glass, and a table of commands."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TypeAlias

from cvconnect_sim.display.panel import Panel
from cvconnect_sim.display.parser import Arguments, Character, Command, Parser
from cvconnect_sim.printer.charset import character_table

Action: TypeAlias = Callable[[bytes], None]
"""Carries a command out; gets its arguments."""

Table: TypeAlias = Mapping[bytes, tuple[Arguments, Action]]


class Firmware(ABC):
    """The firmware of a line display. It holds no thread, clock or link.

    It does not model: time (baud, how long a reset or a self-test takes), flow control, windows, blinking, reverse
    characters, periods and annunciators between cells, macros, characters that a host defines, welcome messages in a memory of
    its own, a message that scrolls by itself. Such commands are recorded as unknown.

    Args:
        columns: Cells in a row.
        rows: Rows.
    """

    def __init__(self, columns: int = 20, rows: int = 2) -> None:
        self._size = (columns, rows)
        self._powered = True
        self._answer = bytearray()
        table = self._table()
        self._actions = {name: action for name, (_, action) in table.items()}
        self._parser = Parser({name: arguments for name, (arguments, _) in table.items()})
        self.unknown: list[bytes] = []
        self.ignored: list[bytes] = []
        self._start()

    @abstractmethod
    def _table(self) -> Table:
        """Give the commands."""

    @abstractmethod
    def _defaults(self) -> None:
        """Set what the display has after power-on; the glass is empty."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What can be read on the glass; all blank while the power is off."""
        return self.panel.lines

    @property
    def powered(self) -> bool:
        """Whether the power is on."""
        return self._powered

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host.

        Args:
            data: As they come, cut anywhere.

        Returns:
            What the display sends back at once.
        """
        if not self._powered:
            return b""
        for token in self._parser.feed(data):
            match token:
                case Character(code):
                    self._show(code)
                case Command(name, arguments):
                    self._actions[name](arguments)
                case _:
                    self.unknown.append(token.raw)
        answer = bytes(self._answer)
        self._answer.clear()
        return answer

    def cut_power(self) -> bytes:
        """Cut the power: the glass goes dark, and everything is forgotten."""
        self._powered = False
        self.panel = Panel(*self._size)
        self.panel.cursor_on = False
        return b""

    def restore_power(self) -> bytes:
        """Switch the power on: the glass is empty, and everything as it comes from the factory."""
        self._powered = True
        self._parser.reset()
        self._start()
        return b""

    def picture(self) -> bytes:
        """Draw what a customer sees, as a PNG."""
        from cvconnect_sim.display.picture import panel_png

        return panel_png(self.panel, powered=self._powered)

    def _start(self) -> None:
        self.panel = Panel(*self._size)
        self._characters = character_table("cp437", 0)
        self._defaults()

    def _show(self, code: int) -> None:
        self.panel.put(self._characters[code])

    def _ignore(self, command: bytes) -> None:
        """Record a command whose argument is out of range: the manuals say that it changes nothing."""
        self.ignored.append(command)
