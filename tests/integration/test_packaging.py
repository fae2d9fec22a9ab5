"""What a till's developer gets from the wheel: the three packages, the entry points, and a command that runs."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_brings_exactly_its_three_packages(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "cvconnect_pos",
        "cvconnect_drivers",
        "cvconnect_sim",
    }


def test_each_package_says_that_it_is_typed(wheel: Path) -> None:
    assert {name for name in names(wheel) if name.endswith("py.typed")} == {
        "cvconnect_pos/py.typed",
        "cvconnect_drivers/py.typed",
        "cvconnect_sim/py.typed",
    }


def test_the_wheel_brings_every_file_of_its_packages(wheel: Path) -> None:
    sources = [
        ROOT / "src/cvconnect_pos",
        ROOT / "drivers/cvconnect_drivers",
        ROOT / "firmware_sim/cvconnect_sim",
    ]
    wanted = {
        path.relative_to(source.parent).as_posix()
        for source in sources
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    brought = {name for name in names(wheel) if ".dist-info/" not in name}
    assert brought == wanted


def test_the_wheel_holds_the_licence(wheel: Path) -> None:
    held = {name.rpartition("/")[2] for name in names(wheel) if "/licenses/" in name}
    assert held == {"LICENSE", "NOTICE"}


def test_every_entry_point_is_in_the_wheel_and_its_module_too(wheel: Path, project: dict[str, Any]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        points = configparser.ConfigParser(delimiters=("=",))
        points.optionxform = str  # type: ignore[assignment,method-assign]
        points.read_string(archive.read(path).decode())
    declared: dict[str, dict[str, str]] = {
        **project["project"]["entry-points"],
        "console_scripts": project["project"]["scripts"],
    }
    assert {group: dict(points[group]) for group in points.sections()} == declared
    for group in declared.values():
        for target in group.values():
            module = target.partition(":")[0].replace(".", "/")
            assert {f"{module}.py", f"{module}/__init__.py"} & set(names(wheel)), target


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("requests==", "requests @ https://files.example/requests.whl#==", "an address"),
        ("apsw==3.", "apsw==2.", "apsw>=3.51.3 is asked, 2."),
        ("    --hash=sha256:", "    # sha256:", "not a name, a version and its hashes"),
    ],
)
def test_a_lock_that_will_not_do_is_refused(before: str, after: str, said: str, tmp_path: Path) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert before in lock
    (tmp_path / "tools").mkdir()
    for name in ("pyproject.toml", "tools/check_lock.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    for content, status in ((lock, 0), (lock.replace(before, after), 1)):
        (tmp_path / "requirements.lock").write_text(content, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "tools/check_lock.py"], cwd=tmp_path, check=False, capture_output=True, text=True
        )
        assert done.returncode == status, done.stdout
    assert said in done.stdout


def test_the_command_runs_from_a_fresh_installation(wheel: Path, tmp_path: Path) -> None:
    """Runtime dependencies alone, at the locked versions; from uv's cache where it has them."""
    venv = tmp_path / "caisse n° 1"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    uv = [sys.executable, "-m", "uv"]
    install = [
        *uv,
        "pip",
        "install",
        "-q",
        "--python",
        str(venv),
        "-c",
        str(ROOT / "requirements.lock"),
        str(wheel),
    ]
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(venv)], check=True, env=environment)
    if subprocess.run([*install, "--offline"], check=False, env=environment, capture_output=True).returncode:
        subprocess.run(install, check=True, env=environment)
    scripts = venv / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / ("python.exe" if sys.platform == "win32" else "python")
    said = subprocess.run(
        [str(scripts / "cvconnect"), "--version"],
        check=True,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert version("cvconnect-pos") in said.stdout
    where = subprocess.run(
        [str(python), "-c", "import cvconnect_pos; print(cvconnect_pos.__file__)"],
        check=True,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(venv)
