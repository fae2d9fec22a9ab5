"""Simulated cables: the device's end is held here, the host opens the other end by its URL."""

from cvconnect_sim.links.base import Burst, Link, Receive
from cvconnect_sim.links.memory import MemoryLink
from cvconnect_sim.links.pty import PtyLink
from cvconnect_sim.links.tcp import TcpLink

__all__ = ["Burst", "Link", "MemoryLink", "PtyLink", "Receive", "TcpLink"]
