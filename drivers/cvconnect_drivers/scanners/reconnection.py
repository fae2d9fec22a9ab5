"""The way between a scanner and its cable. Pure: time is an argument.

```
            RETRY_DUE             OPENED             WORSENED
  ┌────────┐ ───────> ┌─────────┐ ─────> ┌───────┐ ──────────> ┌──────────┐
  │ ABSENT │          │ OPENING │        │ READY │             │ DEGRADED │
  └────────┘ <─────── └─────────┘        └───────┘ <────────── └──────────┘
            REFUSED        ^                 │      RECOVERED        │
                           │ RETRY_DUE       │ LOST                  │ LOST
                           │              ┌──────┐                   │
                           └───────────── │ LOST │ <─────────────────┘
                                          └──────┘
```

CLOSED leads from everywhere to ABSENT. Each fault doubles the wait for the next try, up to a cap; a cable that held for
a while is forgiven what was before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class State(Enum):
    """Where the scanner stands: away, being opened, read, read with a fault, or gone a moment ago."""

    ABSENT = "absent"
    OPENING = "opening"
    READY = "ready"
    DEGRADED = "degraded"
    LOST = "lost"


class Event(Enum):
    """What happens to it."""

    RETRY_DUE = "retry due"
    OPENED = "opened"
    REFUSED = "refused"
    WORSENED = "worsened"
    RECOVERED = "recovered"
    LOST = "lost"
    CLOSED = "closed"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.ABSENT, Event.RETRY_DUE): State.OPENING,
    (State.OPENING, Event.OPENED): State.READY,
    (State.OPENING, Event.REFUSED): State.ABSENT,
    (State.READY, Event.WORSENED): State.DEGRADED,
    (State.DEGRADED, Event.RECOVERED): State.READY,
    (State.READY, Event.LOST): State.LOST,
    (State.DEGRADED, Event.LOST): State.LOST,
    (State.LOST, Event.RETRY_DUE): State.OPENING,
    **{(state, Event.CLOSED): State.ABSENT for state in State},
}


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next try.

    Args:
        first_s: Seconds after the first fault; each further one doubles them.
        last_s: Seconds that no wait exceeds.
        steady_s: Seconds after which an open cable has proved itself: a port that opens and is lost at once is no success.
    """

    first_s: float = 0.1
    last_s: float = 5.0
    steady_s: float = 5.0

    def wait_s(self, faults: int) -> float:
        """Say how long to wait after this many faults in a row, 1 or more."""
        # 2**30 times the first wait is beyond every cap, and no number becomes huge in a year of tries.
        return float(min(self.first_s * 2 ** min(faults - 1, 30), self.last_s))


@dataclass(frozen=True, slots=True)
class Reconnection:
    """The state of one scanner's cable; it starts away, its first try due at once.

    Args:
        state: Where it stands.
        faults: How often in a row it was refused or lost.
        at_s: When the next try is due while it is away; since when it is open while it is.
        backoff: How long to wait.
    """

    state: State = State.ABSENT
    faults: int = 0
    at_s: float = float("-inf")
    backoff: Backoff = Backoff()

    @property
    def is_open(self) -> bool:
        """Whether labels may come."""
        return self.state in {State.READY, State.DEGRADED}

    def after(self, event: Event, now_s: float) -> Reconnection:
        """Take one step.

        Args:
            event: What happened.
            now_s: When, in seconds, on any clock that never goes back.

        Returns:
            The state after it.

        Raises:
            ValueError: This cannot happen in this state.
        """
        try:
            state = TRANSITIONS[self.state, event]
        except KeyError:
            raise ValueError(f"{event.value!r} cannot happen while {self.state.value}") from None
        match event:
            case Event.OPENED:
                return replace(self, state=state, at_s=now_s)
            case Event.REFUSED | Event.LOST:
                forgiven = event is Event.LOST and now_s - self.at_s >= self.backoff.steady_s
                faults = 1 if forgiven else self.faults + 1
                return replace(self, state=state, faults=faults, at_s=now_s + self.backoff.wait_s(faults))
            case Event.CLOSED:
                return Reconnection(backoff=self.backoff)
            case _:
                return replace(self, state=state)
