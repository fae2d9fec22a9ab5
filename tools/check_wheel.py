"""Build the wheel into a folder and check that it brings exactly its packages: `python tools/check_wheel.py FOLDER`."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build_wheel(folder: Path) -> Path:
    """Build the wheel.

    Args:
        folder: Where to.

    Returns:
        The wheel.

    Raises:
        subprocess.CalledProcessError: The build failed; its output was shown.
    """
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def top_level(wheel: Path) -> set[str]:
    """List what the wheel would put into site-packages, its metadata aside."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    return {top for top in tops if not top.endswith(".dist-info")}


def main(folder: Path) -> int:
    """Build and check."""
    wheel = build_wheel(folder)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    promised: list[str] = project["tool"]["check-wheel-contents"]["toplevel"]
    if top_level(wheel) != set(promised):
        print(f"top level: {sorted(top_level(wheel))}, promised: {sorted(promised)}")
        return 1
    toplevel = ["--toplevel", ",".join(promised)]
    return subprocess.run(
        [sys.executable, "-m", "check_wheel_contents", *toplevel, str(wheel)], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
