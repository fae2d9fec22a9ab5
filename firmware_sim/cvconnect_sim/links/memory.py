"""A cable inside the process, for tests that need neither thread nor socket."""

from collections.abc import Iterable

from cvconnect_sim.errors import SimError
from cvconnect_sim.links.base import Burst, FirmwareLink, Receive, deaf


class MemoryLink(FirmwareLink):
    """Both ends of a cable: the host calls `write` and `read`, the firmware runs inside `write`.

    It does not model time: delays of bursts are passed over, everything arrives at once and in order.

    Args:
        receive: the firmware, as `printer.receive`; none for a device that only talks.
    """

    def __init__(self, receive: Receive = deaf) -> None:
        super().__init__(receive)
        self._to_host = bytearray()

    @property
    def url(self) -> str:
        """Always `memory:`; the host's end is this object."""
        return "memory:"

    def send(self, bursts: Iterable[Burst]) -> None:
        """Put bytes where `read` finds them, without the delays."""
        with self._changed:
            for _, data in bursts:
                self._hand_over(data)

    def write(self, data: bytes) -> None:
        """The host sends bytes; the firmware has taken them when this returns.

        Raises:
            SimError: `LINK_CLOSED`.
        """
        self._check_open()
        self._take_in(data)

    def read(self, size: int = 4096, timeout_s: float = 0.0) -> bytes:
        """The host takes bytes.

        Args:
            size: the most to take.
            timeout_s: longest wait for the first byte, in seconds.

        Returns:
            What there is, empty if nothing came in time.

        Raises:
            SimError: `LINK_CLOSED`, and nothing is left to read.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._to_host), timeout_s)
            if not self._to_host:
                self._check_open()
            taken = bytes(self._to_host[:size])
            del self._to_host[:size]
            return taken

    def _answer(self, data: bytes) -> None:
        self._to_host += data

    def _check_open(self) -> None:
        if self._closed:
            raise SimError(
                "LINK_CLOSED", fr="Le câble simulé est débranché.", en="The simulated cable is pulled."
            )

    def _shut(self) -> None:
        """Nothing to release."""
