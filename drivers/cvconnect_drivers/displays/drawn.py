"""What all surfaces share that are drawn anew for each prompt: who has them, and how long whoever draws is waited for."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cvconnect_drivers.displays import UNCLAIMED, health_at
from cvconnect_drivers.errors import DriverError, LinkTimeoutError, NotClaimedError
from cvconnect_drivers.shapes import Health, HealthLevel, Prompt, Surface

RELEASE_S: Final = 0.9
"""How long giving a surface back waits for whoever draws on it."""


class DrawnDisplay(ABC):
    """A surface on which each prompt replaces the last one.

    Args:
        name: The URL it was made from.
        to_look_at: What a person should look at, a French sentence.
    """

    def __init__(self, name: str, to_look_at: str) -> None:
        self._name = name
        self._to_look_at = to_look_at
        self._lock = threading.Lock()
        self._claimed = False
        self._health = UNCLAIMED

    @abstractmethod
    def _draw(self, prompt: Prompt | None) -> Surface:
        """Draw a prompt, or nothing, and note in `_health` how it went; the lock is held.

        Raises:
            DriverError: It cannot be drawn.
        """

    def _take(self) -> None:
        """Clear what an earlier run may have left; the lock is held."""
        self._draw(None)

    def _give_back(self) -> None:  # noqa: B027 (most have nothing more to do)
        """Do what is left to do once nothing is shown; the lock is held."""

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    def claim(self, *, timeout_s: float) -> None:
        """Take the surface, and clear what an earlier run may have left on it.

        Args:
            timeout_s: Seconds for an earlier call to end; whoever draws is waited for.

        Raises:
            DriverError: It cannot be drawn on.
            LinkTimeoutError: An earlier call did not end.
        """
        with in_turn(self._lock, self._name, timeout_s):
            self._take()
            self._claimed = True

    def show(self, prompt: Prompt, *, timeout_s: float) -> Surface:
        """Draw this prompt instead of the last one.

        Args:
            prompt: What to show.
            timeout_s: Seconds for an earlier call to end; whoever draws is waited for.

        Returns:
            `text` when there is no QR, or none that could be scanned here; what stands when the surface was given back
            meanwhile.

        Raises:
            DriverError: It cannot be drawn.
            LinkTimeoutError: An earlier call did not end.
            NotClaimedError: The display is not claimed.
            PackageMissingError: What the QR is drawn with is not installed.
        """
        with in_turn(self._lock, self._name, timeout_s):
            if not self._claimed:
                raise NotClaimedError(self._name)
            surface = self._draw(prompt)
            is_released = not self._claimed  # while whoever draws was stuck
            return self._draw(None) if is_released else surface

    def clear(self, *, timeout_s: float) -> None:
        """Show nothing. Idempotent.

        Args:
            timeout_s: Seconds for an earlier call to end; whoever draws is waited for.

        Raises:
            DriverError: It cannot be drawn on.
            LinkTimeoutError: An earlier call did not end.
        """
        with in_turn(self._lock, self._name, timeout_s):
            if self._claimed:
                self._draw(None)

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell whether the last prompt could be drawn.

        Args:
            level: `interactive` adds what a person should do.

        Returns:
            What is known.
        """
        return health_at(level, self._health, self._to_look_at)

    def release(self) -> None:
        """Clear, and give the surface back. Idempotent; never raises.

        Whoever draws has `RELEASE_S` to clear it; one that is stuck is left behind, and made to clear it once it goes on.
        """
        if not ends_within(RELEASE_S, self._let_go):
            self._health = self._stuck()
        self._claimed = False

    def _let_go(self) -> None:
        try:
            with in_turn(self._lock, self._name, RELEASE_S):
                if self._claimed:
                    try:
                        self._draw(None)
                    finally:
                        self._give_back()
        except LinkTimeoutError:
            self._health = self._stuck()
        except DriverError:  # which `_draw` has noted
            pass

    def _stuck(self) -> Health:
        return Health("absent", LinkTimeoutError(self._name, "answer").text())


def ends_within(timeout_s: float, work: Callable[[], None]) -> bool:
    """Do something that may never end, and wait for it no longer than this.

    Args:
        timeout_s: Seconds.
        work: What to do; it raises nothing. Where it is stuck, its thread ends with the process.

    Returns:
        Whether it is done.
    """
    thread = threading.Thread(target=work, name="display given back", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # Python is ending, and starts no thread any more
        work()
        return True
    thread.join(timeout_s)
    return not thread.is_alive()


@contextmanager
def in_turn(lock: threading.Lock, name: str, timeout_s: float) -> Iterator[None]:
    """Hold a display's lock, unless an earlier call is stuck with it.

    Args:
        lock: The display's.
        name: The display's URL.
        timeout_s: Seconds for the earlier call to end; 0 or less does not wait.

    Raises:
        LinkTimeoutError: It did not end.
    """
    if not lock.acquire(timeout=max(timeout_s, 0.0)):
        raise LinkTimeoutError(name, "answer")
    try:
        yield
    finally:
        lock.release()
