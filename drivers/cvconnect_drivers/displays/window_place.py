"""Where the customer's window goes: on which monitor, and how large. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cvconnect_drivers.displays.monitors import Monitor, NoScreenError, cashiers, choose


@dataclass(frozen=True, slots=True)
class Place:
    """Where the window goes.

    Args:
        monitor: The monitor's name, or nothing for the customer's.
        fullscreen: Whether it fills the monitor.
        width: In pixels, where it does not.
        height: In pixels, where it does not.
    """

    monitor: str
    fullscreen: bool
    width: int
    height: int

    def monitor_of(self, monitors: list[Monitor]) -> Monitor:
        """Choose the monitor.

        Raises:
            NoScreenError: There is none; it names those that are.
        """
        found = choose(monitors, self.monitor)
        if found is None and not self.monitor and not self.fullscreen:
            found = cashiers(monitors)
        if found is not None:
            return found
        known = ", ".join(map(str, monitors))
        if self.monitor:
            raise NoScreenError(
                f"no monitor {self.monitor}; there are: {known}",
                f"L’écran « {self.monitor} » n’est pas branché. Écrans de cette caisse : {known or 'aucun'}.",
            )
        raise NoScreenError(
            f"no second monitor; there are: {known}",
            f"Aucun second écran n’est branché. Écrans de cette caisse : {known or 'aucun'}."
            " Sur un seul écran, écrivez window:?fullscreen=no&size=800x480.",
        )

    def on(self, monitor: Monitor) -> tuple[int, int, int, int]:
        """Lay the window out: width, height, left, top; one that does not fill its monitor stands in its upper right corner."""
        if self.fullscreen:
            return monitor.width, monitor.height, monitor.left, monitor.top
        width, height = min(self.width, monitor.width), min(self.height, monitor.height)
        return width, height, monitor.left + monitor.width - width, monitor.top
