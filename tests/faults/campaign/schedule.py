"""A schedule: what happens to the tills, the network, the customers and the provider, and when. A pure value.

It is written as one line of text that a shell passes unchanged, so that a failure can be played again anywhere:

    seed=7 0:ask:t0:L0:qr:4550:B0:c0 3:scan:c0:L0 h4:lost_after h6a:kill:me:2 9:pay:c0:L0
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Self

LINES: Final = ("L0", "L1", "L2")
TILLS: Final = ("t0", "t1")
CUSTOMERS: Final = ("c0", "c1", "c2")

_WHEN: Final = re.compile(r"\d+(\.\d+)?|h\d+[ab]?|w\d+[ab]", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9_+.]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happens.

    Args:
        when: `3.5`: at that second. `h4b`, `h4a`: when exchange 4 with the provider, counted over all tills, leaves
            and when it has been carried out. `w7b`, `w7a`: before and after the journal is written for the seventh
            time. `h4`: a fault of exchange 4.
        what: The verb (`deeds.DEEDS`), or the fault (`network.FAULTS`).
        args: Its arguments: tills `t0`, customers `c0`, lines `L0`, baskets `B0`, ways, cents, seconds.
    """

    when: str
    what: str
    args: tuple[str, ...] = ()

    @property
    def at_s(self) -> float | None:
        """The second at which it happens; None when it waits for an exchange or a write."""
        return float(self.when) if self.when[0].isdigit() else None

    @property
    def is_fault(self) -> bool:
        """Whether it is what goes wrong with an exchange."""
        return self.when[0] == "h" and self.when[-1].isdigit()

    def __str__(self) -> str:
        return ":".join((self.when, self.what, *self.args))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an item back.

        Raises:
            ValueError: It is none.
        """
        when, *words = text.split(":")
        if not _WHEN.fullmatch(when) or not words or not all(_WORD.fullmatch(word) for word in words):
            raise ValueError(f"not an item of a schedule: {text}")
        return cls(when, words[0], tuple(words[1:]))


@dataclass(frozen=True, slots=True)
class Schedule:
    """One walk through the whole stack.

    Args:
        seed: Of the provider's ids; it also names the schedule.
        items: What happens; the order matters only among items of the same moment.
    """

    seed: int
    items: tuple[Item, ...]

    @property
    def tills(self) -> tuple[str, ...]:
        """The till processes that are needed."""
        named = {word for item in self.items for word in item.args}
        return tuple(till for till in TILLS if till == TILLS[0] or till in named)

    @property
    def end_s(self) -> float:
        """The second of the last item that has one."""
        return max((item.at_s for item in self.items if item.at_s is not None), default=0.0)

    def with_items(self, items: tuple[Item, ...]) -> Schedule:
        """The same schedule with other items."""
        return replace(self, items=items)

    def __str__(self) -> str:
        return " ".join((f"seed={self.seed}", *map(str, self.items)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a schedule back.

        Raises:
            ValueError: It is none.
        """
        first, *rest = text.split()
        name, _, seed = first.partition("=")
        if name != "seed" or not seed.isdecimal():
            raise ValueError(f"a schedule begins with its seed: {first}")
        return cls(int(seed), tuple(Item.parse(word) for word in rest))
