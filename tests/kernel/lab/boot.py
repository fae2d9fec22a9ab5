"""`make kernel`: boot Debian's kernel under qemu and run `tests/kernel` in it.

The machine is emulated in software: no KVM, no right to load modules here, no USB port. It sees the files of this one
read-only, with a layer in memory above them, so the tests run with the same `.venv`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from kernel.lab.initramfs import build_initramfs
from kernel.lab.packages import LabError, find_tool, unpack, unpack_kernel

REPOSITORY = Path(__file__).resolve().parents[3]
DEADLINE_S = 600.0
"""Of the machine, from its start; then it is switched off, and that is a failure."""

FAILED = 1
CANNOT_RUN = 2

# The plugins of pytest that only the other tests need would cost half a minute there.
_PYTEST = (
    ".venv/bin/python -m pytest --confcutdir=tests/kernel -p no:cacheprovider -v --tb=short --color=no"
    " --durations=5 tests/kernel"
)
_ENVIRONMENT = {
    "CVCONNECT_KERNEL_LAB": "1",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    "SYSTEMD_IGNORE_CHROOT": "1",  # for udevadm
}
_KERNEL_LOG_LINES = 40


def main(arguments: list[str]) -> int:
    """Boot, show what the tests say, and switch off.

    Args:
        arguments: Given to pytest, as in `-k serial`.

    Returns:
        The tests' exit status; 1 when the machine gave none, 2 when the lab cannot run here.
    """
    try:
        qemu = find_tool("qemu-system-x86_64")
        find_tool("busybox")
        kernel = unpack_kernel()
        udev = unpack("udev")
        (image,) = (kernel / "boot").glob("vmlinuz-*")
        with tempfile.TemporaryDirectory(prefix="cvconnect-kernel-") as folder:
            work = Path(folder)
            (work / "initramfs").write_bytes(build_initramfs(kernel, _job(udev, work, arguments)))
            return _run(qemu, image, work)
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT_RUN


def _job(udev: Path, work: Path, arguments: list[str]) -> str:
    """What `init.sh` is to do, as settings for its shell."""
    environment = {**_ENVIRONMENT, "CVCONNECT_KERNEL_LAB_FOLDER": str(work)}
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    # A test that gives up root's rights must still find its modules, wherever Python is installed.
    python = {parent for home in (sys.prefix, sys.base_prefix) for parent in Path(home, "lib").parents}
    command = (
        f"chmod a+rx {shlex.join(map(str, python))} && cd {shlex.quote(str(REPOSITORY))}"
        f" && env -i {settings} {_PYTEST} {shlex.join(arguments)}"
    )
    return f"UDEV={shlex.quote(str(udev))}\nCOMMAND={shlex.quote(command)}\n"


def _run(qemu: Path, image: Path, work: Path) -> int:
    status, kernel_log = work / "status", work / "kernel.log"
    command: list[str | Path] = [
        *(qemu, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048", "-no-reboot"),
        *("-display", "none", "-monitor", "none", "-nodefaults", "-no-user-config"),
        *("-kernel", image, "-initrd", work / "initramfs"),
        *("-append", "console=ttyS1 panic=-1 mitigations=off nokaslr random.trust_cpu=on"),
        *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"),
        *("-device", "cirrus-vga,id=fb16", "-device", "secondary-vga,id=fb32,xres=800,yres=480"),
        # qemu's monitor, at a port of the machine itself: a test there takes a photograph of its own screen.
        *("-chardev", f"socket,id=port,path={work / 'monitor'},server=on,wait=off"),
        *("-chardev", f"socket,id=monitor,path={work / 'monitor'}", "-mon", "chardev=monitor,mode=control"),
        *("-device", "virtio-serial", "-device", "virtserialport,chardev=port"),
        *("-serial", "stdio", "-serial", f"file:{kernel_log}", "-serial", f"file:{status}"),
    ]
    started = time.monotonic()
    late = threading.Event()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:

        def switch_off() -> None:
            late.set()
            machine.kill()

        watchdog = threading.Timer(DEADLINE_S, switch_off)
        watchdog.start()
        try:
            _show(machine)
        finally:
            watchdog.cancel()
            machine.kill()
    said = status.read_text().strip() if status.exists() else ""
    sys.stdout.write(f"The kernel lab took {time.monotonic() - started:.0f} s.\n")
    if said.isdecimal():
        return int(said)
    why = f"was switched off after {DEADLINE_S:.0f} s" if late.is_set() else "ended without a result"
    log = kernel_log.read_text(errors="replace").splitlines() if kernel_log.exists() else []
    last = "\n".join(log[-_KERNEL_LOG_LINES:])
    sys.stderr.write(f"The machine {why}. Its kernel said last:\n{last}\n")
    return FAILED


def _show(machine: subprocess.Popen[bytes]) -> None:
    """Pass on what the tests say, as it comes, until the machine is off."""
    assert machine.stdout is not None
    descriptor = machine.stdout.fileno()
    while data := os.read(descriptor, 4096):
        sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
