"""A few threads and one heap: whatever is due is run, and waiting costs an entry of the heap."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count

from cvconnect_pos.clock import Clock

_LONGEST_S = 3_600.0
"""A platform's wait has a limit; what is due in a year is looked at once an hour."""


class Scheduler:
    """Runs functions when they are due.

    Args:
        clock: Where time comes from.
        workers: How many threads; 0 for none, then `run_due` does the work in the caller's.
        on_error: Told of an exception that a function let escape.
    """

    def __init__(self, clock: Clock, workers: int, on_error: Callable[[BaseException], None]) -> None:
        self._clock = clock
        self._on_error = on_error
        self._condition = threading.Condition()
        self._heap: list[tuple[float, int, Callable[[], object], bool]] = []
        self._numbers = count()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"cvconnect-worker-{n}", daemon=True)
            for n in range(workers)
        ]

    def call_later(self, delay_s: float, function: Callable[[], object], *, routine: bool = False) -> None:
        """Run a function once, `delay_s` seconds from now or a little later. Dropped after `close`.

        Args:
            delay_s: Seconds from now.
            function: What to run.
            routine: Whether it comes again and again, whatever is open: it does not count in `next_due_s`.
        """
        with self._condition:
            if not self._closed:
                self._start()
                due = self._clock.monotonic() + delay_s
                heapq.heappush(self._heap, (due, next(self._numbers), function, routine))
                self._condition.notify()

    def run_due(self) -> int:
        """Run all that is due now, in this thread, and what that makes due; return how many ran."""
        ran = 0
        while (function := self._pop()) is not None:
            self._run(function)
            ran += 1
        return ran

    def next_due_s(self) -> float | None:
        """How long until something is due; None when nothing is planned but routine."""
        with self._condition:
            due = min((due for due, _, _, routine in self._heap if not routine), default=None)
            return None if due is None else due - self._clock.monotonic()

    def close(self, timeout_s: float) -> bool:
        """Run nothing more, and join the threads.

        Args:
            timeout_s: How long to wait for each thread, in seconds.

        Returns:
            Whether all of them have ended.
        """
        with self._condition:
            self._closed = True
            self._heap.clear()
            self._condition.notify_all()
        for thread in self._threads:
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _start(self) -> None:
        """Start the threads with the first work: what is made and never used leaves nothing behind."""
        for thread in self._threads:
            if thread.ident is None:
                thread.start()

    def _pop(self) -> Callable[[], object] | None:
        with self._condition:
            if self._heap and self._heap[0][0] <= self._clock.monotonic():
                return heapq.heappop(self._heap)[2]
            return None

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._closed and (not self._heap or self._heap[0][0] > self._clock.monotonic()):
                    wait = self._heap[0][0] - self._clock.monotonic() if self._heap else _LONGEST_S
                    self._clock.wait(self._condition, min(wait, _LONGEST_S))
                if self._closed:
                    return
                function = heapq.heappop(self._heap)[2]
                if self._heap:
                    self._condition.notify()  # another worker takes the next one
            self._run(function)

    def _run(self, function: Callable[[], object]) -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001 - a worker outlives whatever it runs
            self._on_error(error)
