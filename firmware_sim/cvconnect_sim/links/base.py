"""What every simulated cable offers to whoever holds the device's end."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Protocol, Self

Burst = tuple[float, bytes]
"""Seconds to wait after what was sent before, then the bytes to send."""

Receive = Callable[[bytes], bytes]
"""A firmware: takes what the host sent, returns what goes back at once."""


def deaf(_: bytes) -> bytes:
    """The firmware of a device that only talks, like a scanner."""
    return b""


class Link(Protocol):
    """A cable with a simulated device at its end; the host opens the other end by `url`."""

    @property
    def url(self) -> str:
        """How a host names its end of the cable."""
        ...

    def send(self, bursts: Iterable[Burst]) -> None:
        """Send bytes to the host, each after its delay, and return without waiting for them."""
        ...

    def apply(self, action: Callable[[], bytes]) -> None:
        """Touch the device (a fault, a button) apart from its reception, and send what it answers."""
        ...

    def wait_for(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something the host did has made a condition true."""
        ...

    def close(self) -> None:
        """Pull the cable, end every wait and join the thread, if there is one."""
        ...


class FirmwareLink(ABC):
    """The device's end of a cable: one lock around the firmware, and waiting for what it does.

    Args:
        receive: the firmware; called by one thread at a time.
    """

    def __init__(self, receive: Receive = deaf) -> None:
        self._receive = receive
        self._changed = threading.Condition()
        self._closed = False

    @property
    @abstractmethod
    def url(self) -> str:
        """How a host names its end of the cable."""

    @abstractmethod
    def send(self, bursts: Iterable[Burst]) -> None:
        """Send bytes to the host.

        Args:
            bursts: delays in seconds, each counted from the burst before, and bytes. Returns without waiting.
        """

    @abstractmethod
    def _answer(self, data: bytes) -> None:
        """Send what the firmware answers; called with the lock held."""

    @abstractmethod
    def _shut(self) -> None:
        """Release what the link holds; called once."""

    def apply(self, action: Callable[[], bytes]) -> None:
        """Touch the device apart from its reception.

        Args:
            action: runs while no reception does; what it returns is sent to the host, as in
                `link.apply(lambda: printer.set_sensors(paper_end=True))`.
        """
        with self._changed:
            self._hand_over(action())

    def wait_for(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a condition holds; it is looked at after each reception.

        Args:
            condition: as `lambda: printer.slips`.
            timeout_s: longest wait, in seconds.

        Returns:
            Whether the condition holds; the wait ends without it after the time, or when the link is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(condition()), timeout_s)
            return bool(condition())

    def close(self) -> None:
        """Pull the cable; every wait ends. Closing again does nothing."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._shut()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_in(self, data: bytes) -> None:
        with self._changed:
            self._hand_over(self._receive(data))

    def _hand_over(self, answer: bytes) -> None:
        if answer:
            self._answer(answer)
        self._changed.notify_all()
