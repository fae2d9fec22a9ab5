"""Check, offline, that `requirements.lock` names no address, hashes everything, and holds what pyproject.toml asks."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

_ENTRY = re.compile(
    r"([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? \\((?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+)\n"
)


def read_lock(text: str) -> tuple[dict[str, list[str]], list[str]]:
    """Read a lock.

    Args:
        text: The file's content.

    Returns:
        The versions by normalised name (several when markers tell them apart), and what is no entry: empty when all is well.
    """
    versions: dict[str, list[str]] = {}
    for name, version, *_ in _ENTRY.findall(text):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions, [line for line in _ENTRY.sub("", text).splitlines() if line.strip()]


def wanted(project: Path) -> list[Requirement]:
    """List what pyproject.toml asks, development included."""
    content = tomllib.loads(project.read_text(encoding="utf-8"))
    lines = content["project"]["dependencies"] + content["dependency-groups"]["dev"]
    return [Requirement(line) for line in lines]


def complaints(lock: str, requirements: list[Requirement]) -> list[str]:
    """List what is wrong with a lock.

    Args:
        lock: Its content.
        requirements: What it must hold.

    Returns:
        One sentence per fault.
    """
    versions, strange = read_lock(lock)
    found = [f"not a name, a version and its hashes: {line.strip()}" for line in strange]
    if "://" in lock:
        found.append("an address")
    for requirement in requirements:
        locked = versions.get(canonicalize_name(requirement.name), [])
        if not any(requirement.specifier.contains(version, prereleases=True) for version in locked):
            found.append(f"{requirement} is asked, {', '.join(locked) or 'nothing'} is locked: run make lock")
    return found


def main() -> int:
    """Check the project's lock."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    found = complaints(lock, wanted(ROOT / "pyproject.toml"))
    for complaint in found:
        print(f"requirements.lock: {complaint}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
