"""From a seed to a schedule: the only randomness of the campaign."""

from __future__ import annotations

import random
from typing import Final

from faults.campaign.network import FAULTS, TIMED
from faults.campaign.schedule import CUSTOMERS, LINES, TILLS, Item, Schedule

WAYS: Final = ("qr", "qr", "scan", "either", "either", "keyed", "deferred")
CENTS: Final = ("4550", "2000", "12345")
EXCHANGES: Final = 24
"""Faults and cuts fall on one of the first exchanges: later ones are polls, all alike."""

WRITES: Final = 14


class _Hand:
    """Draws the items of one schedule."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.items: list[Item] = []
        self.tills = TILLS if self.random.random() < 0.4 else TILLS[:1]
        self.lines = LINES[: self.random.choice((1, 1, 2, 3))]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def add(self, when: str | float, what: str, *args: str) -> None:
        text = when if isinstance(when, str) else f"{max(when, 0.0):.1f}".removesuffix(".0")
        self.items.append(Item(text, what, args))

    def till(self) -> str:
        return self.random.choice(self.tills)

    def moment(self, from_s: float, to_s: float) -> str | float:
        """A second, or a point inside an exchange or a write."""
        share = self.random.random()
        if share < 0.25:
            return f"h{self.random.randint(1, EXCHANGES)}{self.random.choice('ab')}"
        if share < 0.32:
            return f"w{self.random.randint(1, WRITES)}{self.random.choice('ab')}"
        return self.random.uniform(from_s, to_s)

    # --- one line ------------------------------------------------------------------------------------------------

    def line(self, number: int) -> None:
        line, start = LINES[number], number * self.random.uniform(0.0, 12.0)
        way, customer = self.random.choice(WAYS), self.random.choice(CUSTOMERS)
        reserve = self.chance(0.15)
        basket = "B0" if number and self.chance(0.3) else f"B{number}"
        cents = self.random.choice(CENTS)
        self.add(start, "ask", self.till(), line, way + "+r" * reserve, cents, basket, customer)
        self.customer(line, way, customer, start)
        self.cashier(line, start, cents, reserve=reserve)
        if len(self.tills) > 1:
            for _ in range(self.random.randint(0, 2)):
                self.add(
                    self.moment(start, start + 20), self.random.choice(("again", "resume")), self.till(), line
                )

    def customer(self, line: str, way: str, customer: str, start: float) -> None:
        shows = start + self.random.uniform(0.5, 8.0)
        if way in {"scan", "either"} and self.chance(0.9 if way == "scan" else 0.6):
            named = self.random.choice(CUSTOMERS) if self.chance(0.2) else customer
            self.add(self.moment(start, shows), "label", self.till(), line, named)
        if way in {"qr", "either"} and self.chance(0.8):
            scanner = self.random.choice(CUSTOMERS) if self.chance(0.2) else customer
            self.add(self.moment(start, shows), "scan", scanner, line)
        decided = self.moment(shows, shows + self.random.uniform(0.0, 15.0))
        match self.random.choices(("pay", "part", "refuse", "nothing"), (5, 2, 1, 2))[0]:
            case "pay":
                self.add(decided, "pay", customer)
            case "part":
                self.add(decided, "pay", customer, self.random.choice(("100", "1999", "3000")))
            case "refuse":
                self.add(decided, "refuse", customer)
            case _:
                return

    def cashier(self, line: str, start: float, cents: str, *, reserve: bool) -> None:
        later = start + 25.0
        for what, share in (("cancel", 0.35), ("keep", 0.3), ("reverse", 0.3), ("free", 0.06)):
            if self.chance(share):
                self.add(self.moment(start, later), what, self.till(), line)
        if reserve:
            match self.random.choice(("capture", "part", "release", "both", "nothing")):
                case "capture":
                    self.add(self.moment(start, later), "capture", self.till(), line, cents)
                case "part":
                    self.add(self.moment(start, later), "capture", self.till(), line, "1500")
                case "release":
                    self.add(self.moment(start, later), "release", self.till(), line)
                case "both":
                    self.add(self.moment(start, later), "capture", self.till(), line, "1500")
                    self.add(self.moment(start, later), "release", self.till(), line)
                case _:
                    pass
        if self.chance(0.5):
            what = "otherwise" if self.chance(0.25) else "ack"
            self.add(self.moment(start, later), what, self.till(), line)

    # --- what goes wrong ---------------------------------------------------------------------------------------------

    def network(self) -> None:
        for _ in range(self.random.choice((0, 1, 1, 2, 3, 5))):
            least = 1 if self.chance(0.15) else 2  # a first exchange that fails ends most walks
            first = self.random.randint(least, EXCHANGES)
            kind = self.random.choice(tuple(FAULTS))
            for number in range(first, first + self.random.choice((1, 1, 1, 2, 4, 8))):
                seconds = (str(self.random.choice((1, 5, 12, 30, 90))),) if kind in TIMED else ()
                self.add(f"h{number}", kind, *seconds)

    def processes(self) -> None:
        for _ in range(self.random.choice((0, 0, 1, 1, 2))):
            when = self.moment(0.0, 30.0)
            till = self.till() if isinstance(when, float) else "me"
            if self.chance(0.75):
                down = str(self.random.choice((0, 1, 5, 25, 90)))
                self.add(when, "kill", till, down, *(("resume",) if self.chance(0.4) else ()))
            else:
                self.add(when, "hang", till, str(self.random.choice((3, 15, 45, 120))))

    def provider(self) -> None:
        if not self.chance(0.2):
            return
        line, when = self.random.choice(self.lines), self.random.uniform(2.0, 60.0)
        if self.chance(0.2):
            when += 300.0
        match self.random.choice(("late", "late", "double", "double", "amend", "undo", "second")):
            case "amend":
                self.add(when, "amend", line, self.random.choice(("1000", "3000", "20000")))
            case ("double" | "second") as what:
                self.add(when, what, line, self.random.choice(CUSTOMERS))
            case what:
                self.add(when, what, line)


def draw(seed: int) -> Schedule:
    """Draw the schedule of a seed.

    Args:
        seed: Any number from 0.

    Returns:
        Always the same one.
    """
    hand = _Hand(seed)
    for number in range(len(hand.lines)):
        hand.line(number)
    hand.network()
    hand.processes()
    hand.provider()
    order = {id(item): place for place, item in enumerate(hand.items)}
    once: dict[str, Item] = {}
    for item in hand.items:
        once.setdefault(item.when if item.is_fault else f"{item} {order[id(item)]}", item)
    return Schedule(seed, tuple(once.values()))
