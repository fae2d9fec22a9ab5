"""What every scanner does, whatever its labels come through.

A `Source` gives labels; a `LabelScanner` is what a till claims and arms. Each claim has two threads: one reads the device
and never waits for anybody, so that nothing is lost or kept for a later customer; one calls the till back, and may be kept
there as long as the till likes. A device that goes away is opened again, slower and slower, until `release`.

Source: UnifiedPOS 1.15, chapter 1 (device model: claim, enable, data event, clear input, check health, statistics).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from cvconnect_drivers.errors import NotClaimedError
from cvconnect_drivers.scanners.gate import Gate, OnLabel
from cvconnect_drivers.scanners.reconnection import Backoff
from cvconnect_drivers.scanners.session import OnStatus, Session
from cvconnect_drivers.scanners.settings import ScannerSettings
from cvconnect_drivers.scanners.source import Source
from cvconnect_drivers.shapes import Health, HealthLevel

__all__ = ["LabelScanner", "OnLabel", "OnStatus"]

_NOT_CLAIMED = Health("unknown", "Lecteur non réservé.")


class LabelScanner:
    """A scanner, as a till meets it.

    Args:
        name: The URL it was made from.
        open_source: Opens the device; called again after each loss, from the driver's thread.
        settings: What its labels are like.
        ready: What the person at the till is told of a scanner that works, in French.
        backoff: How long to wait between two tries.
    """

    def __init__(
        self,
        name: str,
        open_source: Callable[[], Source],
        settings: ScannerSettings,
        *,
        ready: str = "Lecteur branché.",
        backoff: Backoff | None = None,
    ) -> None:
        self._name = name
        self._open_source = open_source
        self._ready = Health("ready", ready)
        self._backoff = backoff or Backoff()
        self._lock = threading.Lock()
        self._gate = Gate(settings)
        self._session: Session | None = None

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    def claim(self, *, on_status: OnStatus, timeout_s: float) -> None:
        """Start the driver's threads and wait for the first try to open the device.

        A scanner that is away now may be plugged in later: that is no error, `on_status` hears of it.

        Args:
            on_status: Called from the driver's thread when the scanner is found or lost.
            timeout_s: Seconds to wait for the first try.

        Raises:
            DriverError: The scanner cannot be opened as it is set up (a package is missing, two devices match).
        """
        if self._session is not None:
            return
        session = Session(
            self._name,
            self._open_source,
            gate=self._gate,
            lock=self._lock,
            on_status=on_status,
            ready=self._ready,
            backoff=self._backoff,
        )
        with self._lock:
            if self._session is not None:  # another thread was faster
                return
            self._session = session
        refused = session.start(timeout_s)
        if refused is not None:
            self.release()
            raise refused

    def arm(self, on_label: OnLabel) -> None:
        """Deliver the next label that begins from now on, once, from the driver's thread.

        What the computer holds of labels that came before is dropped and counted. It is told apart within about ten milliseconds,
        `session.ARMING_S` at most where the device is never silent; what is still on the wire, or in a device server, cannot be.

        Args:
            on_label: Called with the label, refused and damaged ones too; replaces an earlier callback.

        Raises:
            NotClaimedError: The scanner is not claimed.
        """
        session = self._session
        if session is None:
            raise NotClaimedError(self._name)
        session.arm(on_label)

    def disarm(self) -> None:
        """Deliver nothing more, and forget what was read. Idempotent. A callback that has already begun goes on."""
        session = self._session
        if session is not None:
            session.disarm()

    def clear(self) -> None:
        """Forget the labels that were read and not delivered yet, and stay armed."""
        with self._lock:
            self._gate.clear()

    def retry(self) -> None:
        """Look for the device at once: somebody saw it come. Callable from any thread."""
        session = self._session
        if session is not None:
            session.retry()

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell whether the device is open. A scanner answers no question: only a label proves that it reads.

        Args:
            level: `external` adds when the last label came; `interactive` adds what a person should do.

        Returns:
            What is known.
        """
        session = self._session
        if session is None:
            return _NOT_CLAIMED
        health = session.health
        if level == "internal" or health.state not in {"ready", "degraded"}:
            return health
        if level == "interactive":
            return Health(health.state, f"{health.detail} Pour vérifier, lisez une étiquette.")
        return Health(health.state, f"{health.detail} {session.last_read()}")

    def statistics(self) -> Mapping[str, int]:
        """Count what came, over all claims.

        Returns:
            The counts that `gate.COUNTED` names.
        """
        with self._lock:
            return self._gate.counts()

    def release(self) -> None:
        """Disarm, join the driver's threads and close the device. Idempotent."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()
