"""The device's end of a USB printer: what the host prints goes to the firmware, and its answers go back.

```python
printer = Printer()
with Gadget(Identity(), [BOOT_KEYBOARD, PrinterClass()]) as gadget, PrinterLink(gadget, 1, printer.receive):
    gadget.plug()
```

It does not model: a printer that is busy on USB (whatever the host sends is taken at once), the paper-out line of the
class's own status.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import deque
from collections.abc import Iterable

from cvconnect_sim.links.base import Burst, FirmwareLink, Receive
from cvconnect_sim.links.gadget import Gadget

CHUNK_BYTES = 4096
_POLL_S = 0.02


class PrinterLink(FirmwareLink):
    """Serves one printer function of a gadget, however often that is plugged in.

    Args:
        gadget: The device.
        function: Which of its functions is the printer.
        receive: The firmware, as `printer.receive`; it may unplug the gadget.
    """

    def __init__(self, gadget: Gadget, function: int, receive: Receive) -> None:
        super().__init__(receive)
        self._gadget = gadget
        self._function = function
        self._outbox: deque[tuple[float, bytes]] = deque()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=type(self).__name__, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """`usb:`; which one it is, the gadget's identity tells."""
        return "usb:"

    def send(self, bursts: Iterable[Burst]) -> None:
        """Send bytes to the host, each after its delay; what the host has not fetched when it is unplugged is lost."""
        with self._changed:
            due_s = max(time.monotonic(), self._outbox[-1][0] if self._outbox else 0.0)
            for delay_s, data in bursts:
                due_s += delay_s
                self._outbox.append((due_s, data))

    def _answer(self, data: bytes) -> None:
        self._outbox.append((time.monotonic(), data))

    def _shut(self) -> None:
        self._ended.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._ended.wait(_POLL_S):
            # Until the host has configured the device there is nothing to open; afterwards its end is told as an error.
            with contextlib.suppress(OSError):
                descriptor = os.open(self._gadget.node(self._function), os.O_RDWR | os.O_NONBLOCK)
                try:
                    self._speak(descriptor)
                finally:
                    os.close(descriptor)
            with self._changed:
                self._outbox.clear()
                self._changed.notify_all()

    def _speak(self, descriptor: int) -> None:
        poll = select.poll()
        while not self._ended.is_set() and self._gadget.plugged:
            poll.register(descriptor, select.POLLIN | (select.POLLOUT if self._due() else 0))
            happened = poll.poll(_POLL_S * 1000)
            with contextlib.suppress(BlockingIOError):
                if happened and happened[0][1] & select.POLLIN:
                    self._take_in(os.read(descriptor, CHUNK_BYTES))
            if happened and happened[0][1] & select.POLLOUT:
                self._deliver(descriptor)
            elif happened and not happened[0][1] & select.POLLIN:
                return

    def _due(self) -> bool:
        with self._changed:
            return bool(self._outbox) and self._outbox[0][0] <= time.monotonic()

    def _deliver(self, descriptor: int) -> None:
        with self._changed:
            due_s, data = self._outbox.popleft()
            sent = 0
            with contextlib.suppress(BlockingIOError):
                sent = os.write(descriptor, data)
            if sent < len(data):
                self._outbox.appendleft((due_s, data[sent:]))
            self._changed.notify_all()
