"""One device and its thread: a driver that is slow, away or wrong delays and harms nobody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from cvconnect_pos.clock import Clock
from cvconnect_pos.peripherals import Health, HealthLevel, HealthState
from cvconnect_pos.scheduler import Scheduler

_log = logging.getLogger("cvconnect_pos")


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """What the station says of a device whose driver does not answer; see `peripherals.Health`."""

    state: HealthState
    detail: str


Trouble: TypeAlias = Callable[[str, str], None]
"""Told the reason's code and a French sentence."""


class _Claimable(Protocol):
    @property
    def name(self) -> str: ...
    def check_health(self, level: HealthLevel = "internal") -> Health: ...
    def release(self) -> None: ...


class Post:
    """One device and its thread."""

    def __init__(self, device: _Claimable, claim: Callable[[], None], clock: Clock) -> None:
        self.name = device.name
        self.device = device
        self.claimed = False
        self._claim = claim
        self._wanted = 0
        self.worker = Scheduler(
            clock, 1, lambda error: _log.error("device %s: %s", self.name, code_of(error))
        )

    def do(self, work: Callable[[], None], trouble: Trouble) -> None:
        """Do it on the device's thread, claiming the device first when that has not succeeded yet."""
        self.worker.call_later(0.0, lambda: self._run(work, trouble))

    def do_latest(self, work: Callable[[], None], trouble: Trouble) -> None:
        """Do it on the device's thread, unless something newer is wanted by then."""
        self._wanted += 1
        number = self._wanted
        self.do(lambda: work() if number == self._wanted else None, trouble)

    def do_now(self, work: Callable[[], None], trouble: Trouble) -> None:
        """Do what the driver does at once in the caller's thread; a device that is not claimed gets it on its own."""
        if self.claimed:
            self._run(work, trouble)
        else:
            self.do(work, trouble)

    def when_idle(self) -> threading.Event:
        """Give what is set when all that was handed over until now is done."""
        done = threading.Event()
        self.worker.call_later(0.0, done.set)
        return done

    def check_health(self, level: HealthLevel) -> Health:
        """Ask the driver, whatever it does."""
        try:
            return self.device.check_health(level)
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            return DeviceHealth("unknown", sentence_of(error))

    def close(self, timeout_s: float) -> None:
        """Finish what was handed over, give the device back, and join the thread."""
        self.when_idle().wait(timeout_s)
        self.worker.close(1.0)
        try:
            self.device.release()
        except Exception as error:  # noqa: BLE001
            _log.warning("device %s: %s on release", self.name, code_of(error))

    def _run(self, work: Callable[[], None], trouble: Trouble) -> None:
        try:
            if not self.claimed:
                self._claim()
                self.claimed = True
            work()
        except Exception as error:  # noqa: BLE001 - the payment goes on
            _log.warning("device %s: %s", self.name, code_of(error))
            trouble(code_of(error), sentence_of(error))


def code_of(error: BaseException) -> str:
    """The driver's stable code, or the kind of what it raised: never its message, which may quote a label."""
    return str(getattr(error, "code", type(error).__name__))


def sentence_of(error: BaseException) -> str:
    """The driver's own French words for the cashier, by its `text()`; else the kind of what it raised."""
    text = getattr(error, "text", None)
    return str(text()) if callable(text) else type(error).__name__
