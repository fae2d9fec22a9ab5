"""A device behind a pseudo-terminal: to the host, a serial port. POSIX only."""

import os
import selectors

from cvconnect_sim.errors import SimError
from cvconnect_sim.links.base import Receive, deaf
from cvconnect_sim.links.serving import CHUNK_BYTES, ServingLink


class PtyLink(ServingLink):
    """A serial port without wire: opened by the host like `/dev/ttyACM0`.

    It does not model modem lines (DTR, RTS, CTS), speed, parity, break, or unplugging under the same name. Bytes
    sent before the host opens the port lie in the operating system's buffer, which most hosts (pyserial among them)
    empty when they open.

    Args:
        receive: the firmware, as `printer.receive`; none for a device that only talks.

    Raises:
        SimError: `PTY_UNAVAILABLE`, the operating system has no pseudo-terminals; use `TcpLink` with the scheme
            `socket` there.
    """

    def __init__(self, receive: Receive = deaf) -> None:
        self._device_fd, self._host_fd = _open_raw_pty()
        self._path = os.ttyname(self._host_fd)
        super().__init__(receive)
        self._selector.register(self._device_fd, selectors.EVENT_READ)
        self._start()

    @property
    def url(self) -> str:
        """`serial:///dev/pts/N`."""
        return f"serial://{self._path}"

    @property
    def path(self) -> str:
        """The port's device file, as `/dev/pts/7`."""
        return self._path

    @property
    def connected(self) -> bool:
        """Always true: a serial port does not know whether somebody listens."""
        return True

    def _ready(self, *, readable: bool) -> None:
        if readable:
            self._take_in(os.read(self._device_fd, CHUNK_BYTES))

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._device_fd, data)
        except BlockingIOError:
            return 0

    def _want_writable(self, *, wanted: bool) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wanted else 0)
        self._selector.modify(self._device_fd, events)

    def _release(self) -> None:
        os.close(self._device_fd)
        os.close(self._host_fd)


def _open_raw_pty() -> tuple[int, int]:
    """The device's and the host's end. The host's stays open here, so that a host may come and go."""
    try:
        import tty

        device_fd, host_fd = os.openpty()
    except (ImportError, AttributeError, OSError) as error:
        raise SimError(
            "PTY_UNAVAILABLE",
            fr="Ce système n'offre pas de pseudo-terminal.",
            en="This system offers no pseudo-terminal.",
        ) from error
    tty.setraw(host_fd)
    os.set_blocking(device_fd, False)
    return device_fd, host_fd
