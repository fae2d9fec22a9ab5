"""The mailboxes: whatever is in one is taken one at a time, by whichever worker is free.

So there is one call in flight per attempt, and a step is journaled before its commands are carried out. What cannot be
written waits, and is tried again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cvconnect_pos.errors import CvConnectError, JournalError, JournalMoved
from cvconnect_pos.mailbox import Box, Happened, Item
from cvconnect_pos.payment import Payment
from cvconnect_pos.scheduler import Scheduler

_log = logging.getLogger("cvconnect_pos")

_JOURNAL_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Handlers:
    """What is done with what is in a mailbox; each is called by the worker that empties it.

    Args:
        do: Carries an item out.
        moved: Takes in what somebody did meanwhile, since the item was judged by what is no longer true; it comes again.
        waits: Hears that an item waits for the journal, and why.
        failed: Hears that an item let a fault of ours escape.
        is_kept: Whether a payment is still kept in memory when its mailbox is empty.
    """

    do: Callable[[Box, Item], None]
    moved: Callable[[Box, JournalMoved], None]
    waits: Callable[[Box, JournalError], None]
    failed: Callable[[Box], None]
    is_kept: Callable[[Box], bool]


class Mailroom:
    """Keeps the mailboxes, and empties them.

    Args:
        scheduler: Whose workers do it.
        handlers: What is done.
    """

    def __init__(self, scheduler: Scheduler, handlers: Handlers) -> None:
        self._scheduler = scheduler
        self._handlers = handlers
        self._lock = threading.Lock()
        self._boxes: dict[str, Box] = {}
        self._closed = False

    def box_of(self, payment: Payment) -> Box | None:
        """Give the mailbox of a payment; None when it has none."""
        with self._lock:
            return self._boxes.get(payment.request_id)

    def boxes(self) -> list[Box]:
        """List all mailboxes."""
        with self._lock:
            return list(self._boxes.values())

    def keep(self, box: Box) -> Box:
        """Keep a mailbox, unless there is one of this payment; give the one that is kept."""
        with self._lock:
            return self._boxes.setdefault(box.payment.request_id, box)

    def replace(self, box: Box) -> None:
        """Keep a mailbox instead of the one that there may be."""
        with self._lock:
            self._boxes[box.payment.request_id] = box

    def put(self, box: Box, item: Item) -> None:
        """Do this when all before it is done."""
        with self._lock:  # one that was forgotten meanwhile is known again
            box = self._boxes.setdefault(box.payment.request_id, box)
            box.items.append(item)
        self.set_going(box)

    def next(self, box: Box, item: Item) -> None:
        """Do this before anything else of the mailbox, which is being emptied, or is set going after this."""
        with self._lock:
            box.items.appendleft(item)

    def waiting(self, box: Box) -> tuple[Item, ...]:
        """Tell what is in a mailbox."""
        with self._lock:
            return tuple(box.items)

    def set_going(self, box: Box) -> None:
        """Have a mailbox emptied."""
        with self._lock:
            if box.busy:
                return
            box.busy = True
        self._scheduler.call_later(0.0, lambda: self._drain(box))

    def forget(self, payment: Payment) -> None:
        """Keep no mailbox of a payment that is over in every respect."""
        box = self.box_of(payment)
        if box is None or not self._is_idle(box) or self._handlers.is_kept(box):
            return
        with self._lock:
            if not box.busy and not box.items:
                self._boxes.pop(payment.request_id, None)

    def close(self) -> None:
        """Take nothing more out of any mailbox."""
        self._closed = True

    def _is_idle(self, box: Box) -> bool:
        with self._lock:
            return not box.busy and not box.items

    def _drain(self, box: Box) -> None:
        while not self._closed:
            with self._lock:
                if not box.items:
                    box.busy = False
                    break
                item = box.items.popleft()
            try:
                self._handlers.do(box, item)
            except JournalMoved as error:
                self.next(box, item)
                self._handlers.moved(box, error)
                continue
            except JournalError as error:
                self._wait(box, item, error)
                return
            except Exception as error:  # noqa: BLE001 - a fault of ours must not leave a payment unwatched
                escaped(error)
                self._handlers.failed(box)
            if isinstance(item, Happened) and item.asked:
                box.payment.taken_up()
        self.forget(box.payment)

    def _wait(self, box: Box, item: Item, error: JournalError) -> None:
        """Nothing is sent that is not written: try the same again later."""
        self._handlers.waits(box, error)
        self.next(box, item)
        self._scheduler.call_later(_JOURNAL_RETRY_S, lambda: self._drain(box))


def escaped(error: BaseException) -> None:
    """Log what a step, a device or a listener let escape: not its message, which might quote a customer."""
    code = error.code if isinstance(error, CvConnectError) else type(error).__name__
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    _log.error("a listener or a step failed: %s at %s", code, where)
