"""What the lab takes from Debian: three tools that are installed, and two packages that are only unpacked.

Installing a kernel or udev would change the machine that runs the tests; unpacked into a cache directory they are
files like any other. They are fetched once per version, by apt, which checks their signatures.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "depmod": "kmod"}
"""Each program that is needed here, and the Debian package that brings it."""

KERNEL_META_PACKAGE = "linux-image-amd64"
"""Depends on Debian's newest kernel. `linux-image-cloud-amd64` is smaller, and has no USB gadgets."""

_TIMEOUT_S = 300.0
_SEARCH_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


class LabError(Exception):
    """The lab cannot run here; the text says what to do about it."""


def find_tool(name: str) -> Path:
    """Find a program of `TOOLS`.

    Args:
        name: Its name.

    Returns:
        Its path.

    Raises:
        LabError: It is missing; the text names the packages of all tools that are.
    """
    found = _which(name)
    if found is None:
        missing = [package for tool, package in TOOLS.items() if _which(tool) is None]
        raise LabError(f"The kernel lab needs Debian packages: apt-get install {' '.join(missing)}")
    return found


def unpack_kernel() -> Path:
    """Fetch Debian's kernel and unpack it, unless that was done before.

    Returns:
        A directory with `boot/vmlinuz-*` and `lib/modules/*`, which `depmod` has indexed.

    Raises:
        LabError: apt does not know it, or cannot fetch it.
    """
    described = _run("apt-cache", "show", "--no-all-versions", KERNEL_META_PACKAGE)
    depends = re.search(r"^Depends: (linux-image-[\w.+-]+)", described, re.MULTILINE)
    if depends is None:
        raise LabError(f"{KERNEL_META_PACKAGE} depends on no kernel.")
    root = unpack(depends[1])
    (version,) = (root / "lib" / "modules").iterdir()
    if not (version / "modules.dep.bin").exists():
        _run(str(find_tool("depmod")), "-b", str(root), version.name)
    return root


def unpack(package: str) -> Path:
    """Fetch a Debian package and unpack it, unless that was done before.

    Args:
        package: Its name.

    Returns:
        The directory that holds its files.

    Raises:
        LabError: apt does not know it, or cannot fetch it.
    """
    described = _run("apt-cache", "show", "--no-all-versions", package)
    version = re.search(r"^Version: (\S+)", described, re.MULTILINE)
    if version is None:
        raise LabError(f"apt knows no version of {package}.")
    cache = _cache_directory()
    root = cache / f"{package}_{version[1].replace(':', '-')}"
    if root.exists():
        return root
    with tempfile.TemporaryDirectory(dir=cache) as work:
        # As root, apt says on every download that it is not sandboxed, unless it is told so.
        _run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package, cwd=Path(work))
        (archive,) = Path(work).glob("*.deb")
        unpacked = Path(work) / "unpacked"
        _run("dpkg-deb", "-x", str(archive), str(unpacked))
        # In one step, so that an interrupted run leaves nothing half unpacked.
        unpacked.rename(root)
    return root


def _which(name: str) -> Path | None:
    found = shutil.which(name, path=_SEARCH_PATH)
    return Path(found) if found else None


def _cache_directory() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cvconnect-kernel-lab"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _run(*command: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except FileNotFoundError:
        raise LabError(f"The kernel lab runs on Debian: {command[0]} is missing.") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{command[0]} took longer than {_TIMEOUT_S:.0f} s.") from None
    except subprocess.CalledProcessError as error:
        why = str(error.stderr).strip()
        raise LabError(f"{' '.join(command)} failed; `apt-get update` may help.\n{why}") from None
    return done.stdout
