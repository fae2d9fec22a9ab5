"""The house stands as drawn: who may import whom, what a bare import costs, what is public."""

from __future__ import annotations

import ast
import inspect
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

import cvconnect_pos

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "cvconnect_pos": ROOT / "src/cvconnect_pos",
    "cvconnect_drivers": ROOT / "drivers/cvconnect_drivers",
    "cvconnect_sim": ROOT / "firmware_sim/cvconnect_sim",
}

LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"

VIOLATIONS = {
    "The core is pure: no I/O, clock, thread or randomness": ("cvconnect_pos/core/policy.py", "import time"),
    "The core knows nothing of the rooms around it": (
        "cvconnect_pos/core/policy.py",
        "import cvconnect_pos.journal.sqlite",
    ),
    "The drivers' rules are pure: bytes in, bytes or values out": (
        "cvconnect_drivers/scanners/framing.py",
        "import threading",
    ),
    "The SDK and the drivers never meet, and the SDK never sees the simulators": (
        "cvconnect_pos/station.py",
        "import cvconnect_drivers.printers.printer",
    ),
    "The drivers stand alone": ("cvconnect_drivers/shapes.py", "import cvconnect_pos.peripherals"),
    "The simulators share no code with what they test": (
        "cvconnect_sim/scanner/scanner.py",
        "import cvconnect_drivers.scanners.framing",
    ),
}
"""For each contract, a file and a line that breaks it."""

ALLOWED = {
    "PIL": (
        "cvconnect_drivers.cli.calibration_label",
        "cvconnect_drivers.displays.*",
        "cvconnect_drivers.printers.logo",
        "cvconnect_drivers.printers.paper",
        "cvconnect_drivers.printers.raster",
        "cvconnect_sim.display.picture",
        "cvconnect_sim.phone.camera",
        "cvconnect_sim.printer.picture",
    ),
    "apsw": ("cvconnect_pos.journal.*",),
    "cryptography": ("cvconnect_pos.journal.*",),
    "escpos": ("cvconnect_drivers.printers.python_escpos",),
    "evdev": ("cvconnect_drivers.scanners.evdev", "cvconnect_sim.links.uinput"),
    "hid": ("cvconnect_drivers.scanners.hidpos",),
    "hidraw": ("cvconnect_drivers.scanners.hidpos",),
    "msgspec": ("cvconnect_pos.configuration", "cvconnect_pos.gateway.*", "cvconnect_pos.journal.*"),
    "pytest": ("cvconnect_sim.pytest_plugin",),
    "requests": ("cvconnect_pos.transports.requests", "cvconnect_pos.transports.watched"),
    "rich": (
        "cvconnect_drivers.cli.words",
        "cvconnect_pos.cli.*",
        "cvconnect_sim.demo",
        "cvconnect_sim.scenes",
    ),
    "segno": (
        "cvconnect_drivers.qr",
        "cvconnect_pos.tickets.html",
        "cvconnect_sim.gateway.qr",
        "cvconnect_sim.printer.qr",
    ),
    "serial": ("cvconnect_drivers.links.serial",),
    "tomlkit": ("cvconnect_drivers.cli.station_text",),
    "typer": ("cvconnect_drivers.cli.*", "cvconnect_pos.cli.*", "cvconnect_sim.demo"),
    "urllib3": ("cvconnect_pos.transports.requests", "cvconnect_pos.transports.watched"),
    "usb": ("cvconnect_drivers.links.usb",),
    "zxingcpp": ("cvconnect_drivers.displays.picture", "cvconnect_sim.phone.camera"),
}
"""Third-party packages, and the modules that may import them."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS], cwd=folder, capture_output=True, text=True, check=False
    )


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            name = ".".join(parts).removesuffix(".__init__")
            assert name.startswith(package)
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imported_packages(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case _:
                pass


def test_the_contracts_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


def test_every_contract_has_a_violation_that_tests_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(VIOLATIONS) == {contract["name"] for contract in project["tool"]["importlinter"]["contracts"]}


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_contract_that_is_broken_is_named(contract: str, tmp_path: Path) -> None:
    for package, folder in PACKAGES.items():
        shutil.copytree(folder, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file, line = VIOLATIONS[contract]
    path = tmp_path / file
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    broken = [said for said in done.stdout.splitlines() if said.endswith(" BROKEN")]
    assert f"{contract} BROKEN" in broken, done.stdout


def test_third_party_packages_are_imported_only_behind_their_door() -> None:
    strangers = {
        (name, package)
        for name, tree in modules()
        for package in imported_packages(tree)
        if package not in sys.stdlib_module_names
        and package not in PACKAGES
        and not any(fnmatch(name, allowed) for allowed in ALLOWED.get(package, ()))
    }
    assert strangers == set()


def test_nothing_shipped_imports_tests_examples_tools_or_benchmarks() -> None:
    folders = {"tests", "examples", "tools", "benchmarks", "drivers", "firmware_sim", "src"}
    assert [(name, p) for name, tree in modules() for p in imported_packages(tree) if p in folders] == []


def test_the_core_reads_no_clock() -> None:
    clocks = {"now", "utcnow", "today", "fromtimestamp"}
    readers = [
        (name, node.attr)
        for name, tree in modules()
        if name.startswith("cvconnect_pos.core")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in clocks
    ]
    assert readers == []


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_loads_nothing_of_a_third_party(package: str) -> None:
    code = f"import json, sys; import {package}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert package in loaded
    assert loaded.isdisjoint(ALLOWED), loaded & set(ALLOWED)


@pytest.mark.parametrize("name", cvconnect_pos.__all__)
def test_every_public_name_is_there_and_explained(name: str) -> None:
    value = getattr(cvconnect_pos, name)
    if name == "__version__":
        assert isinstance(value, str)
        return
    said = inspect.getdoc(value)
    assert said
    assert not said.startswith(f"{name}("), "a dataclass that says only its own signature"


def test_what_is_public_is_said_once() -> None:
    assert list(cvconnect_pos.__all__) == sorted(set(cvconnect_pos.__all__))
    assert set(cvconnect_pos.__all__) <= set(dir(cvconnect_pos))
