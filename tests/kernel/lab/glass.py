"""The screens of the lab's machine, and what stands on them for somebody who looks at it from outside."""

from __future__ import annotations

import itertools
import json
import os
import select
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from PIL import Image

from kernel.lab.host import TIMEOUT_S, wait_for


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen of the machine.

    Args:
        device: qemu's name of it.
        driver: The kernel's.
    """

    device: str
    driver: str

    def nodes(self) -> list[str]:
        """Its framebuffer, as `/dev/fb0`, where its driver has made one."""
        found = Path("/sys/class/graphics").glob("fb[0-9]*")
        return [f"/dev/{each.name}" for each in found if self.driver in self._driver_of(each)]

    def node(self) -> str:
        """Wait for its framebuffer."""
        (node,) = wait_for(self.nodes)
        return node

    def unplug(self) -> str:
        """Take the driver away from it, and give the address to plug it in again."""
        address = (Path("/sys/class/graphics", Path(self.node()).name) / "device").resolve().name
        self._tell("unbind", address)
        return address

    def plug(self, address: str) -> None:
        """Give it back to its driver."""
        self._tell("bind", address)

    def _tell(self, what: str, address: str) -> None:
        (driver,) = Path("/sys/bus/pci/drivers").glob(f"{self.driver}*")
        (driver / what).write_text(address)

    @staticmethod
    def _driver_of(framebuffer: Path) -> str:
        return (framebuffer / "device/driver").resolve().name


CONSOLE = Screen("fb16", "cirrus")
"""16 bits per pixel; the kernel's console draws on it, because it is the first."""
SECOND = Screen("fb32", "bochs")
"""32 bits per pixel; nobody else draws on it."""


class Camera:
    """qemu's monitor, which the machine has at a port of its own: it photographs the screens from outside.

    Source: QEMU `qapi/ui.json` (`screendump`), QEMU Machine Protocol.
    """

    def __init__(self) -> None:
        self._folder = Path(os.environ["CVCONNECT_KERNEL_LAB_FOLDER"])
        self._numbers = itertools.count()
        (port,) = Path("/dev").glob("vport*p*")
        self._port = port.open("r+b", buffering=0)
        self._hear()
        self._ask("qmp_capabilities")

    def photograph(self, screen: Screen) -> Image.Image:
        """Take a picture of a screen."""
        # The machine remembers what it has seen of the host's files: each has a name of its own.
        path = self._folder / f"{screen.device}-{next(self._numbers)}.ppm"
        self._ask("screendump", filename=str(path), device=screen.device, head=0)
        with Image.open(path) as picture:
            return picture.copy()

    def _ask(self, what: str, **arguments: object) -> None:
        self._port.write(json.dumps({"execute": what, "arguments": arguments}).encode() + b"\n")
        while "return" not in (said := self._hear()):
            assert "error" not in said, said

    def _hear(self) -> dict[str, Any]:
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self._port], [], [], TIMEOUT_S)[0], f"nothing after {line!r}"
            line += self._port.read(4096) or b""
        said: dict[str, Any] = json.loads(line.splitlines()[-1])
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._port.close()
