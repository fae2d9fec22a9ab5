"""The first files that the lab's kernel sees: busybox, the modules it needs, and the program that uses them.

An initramfs is a cpio archive in the "new ASCII" format.

Source: Linux `Documentation/driver-api/early-userspace/buffer-format.rst`.
"""

from __future__ import annotations

import shlex
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from kernel.lab.packages import LabError, find_tool

MODULES = (
    # The host's files, and a layer in memory above them.
    "virtio_pci",
    "9pnet_virtio",
    "9p",
    "overlay",
    # A USB device controller and the host controller it is plugged into; what a device can be; a keyboard without USB.
    "dummy_hcd num=2",
    "usb_f_hid",
    "usb_f_acm",
    "usb_f_printer",
    "uinput",
    # The drivers of the host's side.
    "usbhid",
    "hid-generic",
    "evdev",
    "cdc-acm",
    "usblp",
    # Two screens, of 16 and of 32 bits per pixel, and the port to whoever looks at them.
    "cirrus",
    "bochs",
    "virtio_console",
)
"""Modules and their parameters. Two controllers, so that two devices can be plugged in at once."""

_HEADER = "070701" + 13 * "%08X"
_DIRECTORIES = ("above", "bin", "dev", "host", "modules", "proc", "root")


def build_initramfs(kernel: Path, job: str) -> bytes:
    """Build the archive.

    Args:
        kernel: The unpacked kernel package.
        job: Settings that `init.sh` reads: `UDEV`, the unpacked package, and `COMMAND`, to be run by a shell.

    Returns:
        The archive, uncompressed: the kernel reads it faster than it would inflate it.

    Raises:
        LabError: A module is missing, or busybox needs libraries.
    """
    busybox = find_tool("busybox").read_bytes()
    if b"/ld-linux" in busybox:
        raise LabError("busybox needs libraries here: apt-get install busybox-static")
    load = list(_insmod_commands(kernel))
    entries = [(name, stat.S_IFDIR | 0o755, b"") for name in _DIRECTORIES]
    entries.append(("busybox", stat.S_IFREG | 0o755, busybox))
    entries.append(("init", stat.S_IFREG | 0o755, Path(__file__).with_name("init.sh").read_bytes()))
    entries.append(("job", stat.S_IFREG | 0o644, job.encode()))
    entries.append(("load", stat.S_IFREG | 0o644, "".join(f"{line}\n" for _, line in load).encode()))
    entries.extend((f"modules/{path.name}", stat.S_IFREG | 0o644, path.read_bytes()) for path, _ in load)
    entries.append(("TRAILER!!!", 0, b""))
    return b"".join(_member(number, *entry) for number, entry in enumerate(entries))


def _insmod_commands(kernel: Path) -> Iterator[tuple[Path, str]]:
    """Each module once, after those it needs."""
    (version,) = (kernel / "lib" / "modules").iterdir()
    modprobe = find_tool("depmod").with_name("modprobe")
    seen: set[Path] = set()
    for module in MODULES:
        name, *parameters = module.split()
        done = subprocess.run(
            [
                modprobe,
                "--config",
                "/dev/null",
                "--dirname",
                kernel,
                "--set-version",
                version.name,
                "--show-depends",
                name,
            ],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        if done.returncode:
            raise LabError(f"This kernel has no module {name}: {done.stderr.strip()}")
        for line in done.stdout.splitlines():
            kind, _, path = line.strip().partition(" ")
            if kind != "insmod":  # "builtin"
                continue
            file = Path(path.strip())
            if file not in seen:
                seen.add(file)
                given = (
                    parameters if file.name.split(".")[0].replace("-", "_") == name.replace("-", "_") else []
                )
                yield file, f"insmod {shlex.join([f'/modules/{file.name}', *given])}"


def _member(number: int, name: str, mode: int, data: bytes) -> bytes:
    links = 1
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = (_HEADER % fields).encode() + name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
