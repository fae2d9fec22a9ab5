"""Mutation testing: change one thing in the source, and see whether a test notices.

    python tools/mutate.py                        # a sample of every module of the table below
    python tools/mutate.py core/lifecycle.py --sample 0    # every mutant of one module

A tool of our own, because the best of the field was tried and does not fit: mutmut 3 chooses its mutant when a function
is called, and what is worth most here, the lifecycle's table, is made when the module is imported; cosmic-ray changes
the files in place and starts an interpreter for each mutant. Here a child process is forked with everything but our own
packages imported, and gets the changed module from an import hook: no file is touched, and a mutant costs a second.

A mutant is *killed* when a test fails, *timed out* when the tests take three times as long as they should, and *survived*
otherwise. The score is killed and timed out, of all. Some survivors change nothing that can be seen: they count all the same.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, cast

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "cvconnect_pos"

_TABLE = ("test_lifecycle", "test_stateful_lifecycle", "test_mutants_core")
_ENGINE = (
    "test_engine_races", "test_engine_ways", "test_engine_reservation", "test_engine_surplus", "test_engine_deferred",
    "test_engine_reviewed",
)  # fmt: skip
_JOURNAL = ("test_stateful_journal", "test_journal")

TESTS: dict[str, tuple[str, ...]] = {
    "core/attempt.py": (*_TABLE, *_ENGINE),
    "core/calendar.py": ("test_calendar",),
    "core/lifecycle.py": (*_TABLE, *_ENGINE),
    "core/observation.py": (*_TABLE, *_ENGINE),
    "core/open_items.py": ("test_mutants_core", "test_journal_closings", "test_operations", "test_journal"),
    "core/pacing.py": ("test_pacing",),
    "core/policy.py": (*_TABLE, *_ENGINE),
    "core/provider.py": (*_TABLE, *_ENGINE),
    "core/steps.py": (*_TABLE, *_ENGINE),
    "journal/arguments.py": _JOURNAL,
    "journal/chain.py": ("test_journal_chain", *_JOURNAL, "test_journal_verify"),
    "journal/closer.py": ("test_journal_closings", *_JOURNAL, "test_journal_verify"),
    "journal/closings.py": ("test_journal_closings", *_JOURNAL, "test_journal_verify"),
    "journal/entries.py": (*_JOURNAL, "test_journal_verify"),
    "journal/export.py": (*_JOURNAL, "test_journal_cli"),
    "journal/file.py": (*_JOURNAL, "test_journal_verify", "test_journal_mend"),
    "journal/head.py": (*_JOURNAL, "test_journal_verify"),
    "journal/host.py": ("test_journal_host", *_JOURNAL),
    "journal/index.py": (*_JOURNAL, "test_journal_verify"),
    "journal/keys.py": ("test_journal_keys", *_JOURNAL),
    "journal/leases.py": _JOURNAL,
    "journal/mend.py": ("test_journal_mend",),
    "journal/mounts.py": ("test_journal_host",),
    "journal/owners.py": (*_JOURNAL, "test_journal_host"),
    "journal/safe.py": ("test_journal_keys", *_JOURNAL, "test_journal_verify"),
    "journal/signing.py": ("test_journal_closings", *_JOURNAL),
    "journal/sqlite.py": (*_JOURNAL, "test_journal_verify", "test_journal_closings"),
    "journal/vault.py": ("test_journal_keys", *_JOURNAL),
    "journal/verify.py": ("test_journal_verify",),
}
"""Which tests judge a module, the quickest first."""

FIT = "not thread and not process and not killed"
"""Of these, those that always take the same time, and start no process: it would not have the mutant."""

NEEDED = (
    "apsw", "apsw.ext", "asyncio", "cryptography.fernet", "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.ciphers.aead", "hypothesis.stateful", "msgspec", "pytest", "requests", "typer",
)  # fmt: skip
"""What each child would otherwise import anew."""

_SLACK_S = 10.0
_TIMES = 3.0
_ENUMS = {"S", "G", "C", "P", "State", "Signal", "Command", "Kind", "Way", "Period", "Fault"}
_SWAPS: dict[type[Any], type[Any]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change.

    Args:
        module: The file, below the package.
        line: Where.
        what: In what it differs.
        code: The changed module.
    """

    module: str
    line: int
    what: str
    code: CodeType


# --- making them ------------------------------------------------------------------------------------------------------


def mutants_of(module: str) -> list[Mutant]:
    """Make every mutant of a module."""
    path = SOURCE / module
    tree = ast.parse(path.read_text("utf-8"))
    members = _members(tree)
    found: list[Mutant] = []
    for parent, field, place, child in _children(tree):
        for what, new in _variants(child, members):
            _put(parent, field, place, ast.fix_missing_locations(ast.copy_location(new, child)))
            with suppress(SyntaxError, ValueError):  # a pattern or a target that may not look so
                code = compile(tree, str(path), "exec")
                found.append(Mutant(module, getattr(child, "lineno", 0), what, code))
            _put(parent, field, place, child)
    return found


def _children(parent: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Walk over what runs: no annotation, decorator or docstring, and nothing that only a type checker reads."""
    for field, value in ast.iter_fields(parent):
        if field in {"annotation", "returns", "decorator_list", "bases", "type_params", "ctx", "patterns"}:
            continue
        several = isinstance(value, list)
        children = cast("list[object]", value if several else [value])
        for place, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_silent(child):
                continue
            yield parent, field, place if several else None, child
            yield from _children(child)


def _is_silent(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__slots__")]) | ast.Assert():
            return True
        case _:
            return False


def _put(parent: ast.AST, field: str, place: int | None, child: ast.AST) -> None:
    if place is None:
        setattr(parent, field, child)
    else:
        getattr(parent, field)[place] = child


def _members(tree: ast.AST) -> dict[str, list[str]]:
    """List the members of each enumeration that a module names."""
    named: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in _ENUMS and attr.isupper():
                named.setdefault(name, set()).add(attr)
            case _:
                pass
    return {name: sorted(attrs) for name, attrs in named.items()}


def _variants(node: ast.AST, members: dict[str, list[str]]) -> Iterator[tuple[str, ast.AST]]:  # noqa: C901, PLR0912
    """What a node could be instead."""
    told = _told(node)
    match node:
        case ast.Compare(left=left, ops=[op], comparators=comparators) if type(op) in _SWAPS:
            yield f"{told}: {type(op).__name__} swapped", ast.Compare(left, [_swapped(op)], comparators)
        case ast.Compare(left=left, ops=[first, second], comparators=comparators):
            yield f"{told}: first swapped", ast.Compare(left, [_swapped(first), second], comparators)
            yield f"{told}: second swapped", ast.Compare(left, [first, _swapped(second)], comparators)
        case ast.BoolOp(op=op, values=values):
            yield f"{told}: and/or", ast.BoolOp(_swapped(op), values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SWAPS:
            yield f"{told}: {type(op).__name__} swapped", ast.BinOp(left, _swapped(op), right)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"{told}: `not` dropped", operand
        case ast.If(test=test, body=body, orelse=orelse):
            yield f"if {_told(test)}: negated", ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield f"{told}: negated", ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Constant(value=bool() as value):
            yield f"{value} -> {not value}", ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield f"{value} -> {value + 1}", ast.Constant(value + 1)
            yield f"{value} -> {value - 1}", ast.Constant(value - 1)
        case ast.Expr(value=ast.Call()):
            yield f"{told}: removed", ast.Pass()
        case ast.Set(elts=[_, _, *_] as elements):
            for place, element in enumerate(elements):
                yield (
                    f"{_told(element)} dropped from a set",
                    ast.Set(elements[:place] + elements[place + 1 :]),
                )
        case ast.Attribute(value=ast.Name(id=name), attr=attr, ctx=ctx) if attr in members.get(name, ()):
            others = members[name]
            if len(others) > 1:
                other = others[(others.index(attr) + 1) % len(others)]
                yield f"{name}.{attr} -> {other}", ast.Attribute(ast.Name(name, ast.Load()), other, ctx)
        case _:
            pass


def _swapped(op: ast.AST) -> Any:
    return _SWAPS[type(op)]() if type(op) in _SWAPS else op


def _told(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004


# --- judging them -----------------------------------------------------------------------------------------------------


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed module when it is imported."""

    def __init__(self, mutant: Mutant) -> None:
        parts = Path(mutant.module).with_suffix("").parts
        self._name = ".".join(("cvconnect_pos", *parts))
        self._mutant = mutant

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        origin = str(SOURCE / self._mutant.module)
        return importlib.util.spec_from_file_location(fullname, origin, loader=self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:  # noqa: ARG002
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._mutant.code, module.__dict__)  # that is the point


def _files(module: str) -> list[str]:
    found = {path.stem: str(path) for path in (ROOT / "tests").rglob("test_*.py")}
    return [found[name] for name in TESTS[module] if name in found]


def _start(mutant: Mutant | None, module: str, scratch: Path) -> int:
    """Fork a child that runs the tests of a module; its exit code is pytest's."""
    if child := os.fork():
        return child
    os.setsid()
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silence, stream)
    code = 70
    try:
        if mutant is not None:
            sys.meta_path.insert(0, _Changed(mutant))
        import pytest  # noqa: PLC0415 - imported before the fork; here for its name

        early = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"  # on purpose
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", early, "-k", FIT]
        options.append(f"--basetemp={scratch / str(os.getpid())}")
        code = int(pytest.main([*options, *_files(module)]))
    finally:
        os._exit(code)


def _finish(child: int, deadline: float) -> str | None:
    """Say how a child ended; None while it runs."""
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        return {0: "survived", 1: "killed", 2: "killed"}.get(os.waitstatus_to_exitcode(status), "killed")
    if time.monotonic() < deadline:
        return None
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def judge(mutants: Sequence[Mutant], *, minutes: float, workers: int) -> dict[Mutant, str]:
    """Run the tests on every mutant, as far as the time goes.

    Args:
        mutants: In the order in which they are judged.
        minutes: After that long no other is begun.
        workers: How many at once.

    Returns:
        `killed`, `survived` or `timeout`, for those that were judged.
    """
    verdicts: dict[Mutant, str] = {}
    running: dict[int, tuple[Mutant, float]] = {}
    left = list(mutants)
    end = time.monotonic() + minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        usual = {
            module: _usual_s(module, Path(folder)) for module in dict.fromkeys(m.module for m in mutants)
        }
        while running or (left and time.monotonic() < end):
            while left and len(running) < workers and time.monotonic() < end:
                mutant = left.pop(0)
                limit = time.monotonic() + usual[mutant.module] * _TIMES * workers + _SLACK_S
                running[_start(mutant, mutant.module, Path(folder))] = mutant, limit
            for child, (mutant, limit) in list(running.items()):
                if verdict := _finish(child, limit):
                    del running[child]
                    verdicts[mutant] = verdict
                    print(f"{verdict:9} {mutant.module}:{mutant.line} {mutant.what}", flush=True)
            time.sleep(0.02)
    return verdicts


_known: dict[tuple[str, ...], float] = {}


def _usual_s(module: str, folder: Path) -> float:
    """Time the tests without a change; they must pass."""
    files = tuple(_files(module))
    if files not in _known:
        begun = time.monotonic()
        _, status = os.waitpid(_start(None, module, folder), 0)
        if code := os.waitstatus_to_exitcode(status):
            raise SystemExit(f"{module}: without a change its tests end with {code}: {', '.join(files)}")
        _known[files] = time.monotonic() - begun
        print(f"{_known[files]:8.1f}s {module} as it is", flush=True)
    return _known[files]


def main() -> None:
    """Judge a sample, and print the score."""
    parser = argparse.ArgumentParser(
        description="Change one thing in the source, and see whether a test notices."
    )
    parser.add_argument(
        "modules", nargs="*", help="files below src/cvconnect_pos, or folders of it; all when left out"
    )
    parser.add_argument("--sample", type=int, default=12, help="how many mutants of each module; 0 for all")
    parser.add_argument("--seed", type=int, default=1, help="which sample")
    parser.add_argument("--minutes", type=float, default=600.0, help="after that long no other is begun")
    parser.add_argument("--workers", type=int, default=2, help="how many at once")
    wanted = parser.parse_args()
    modules = [name for name in TESTS if not wanted.modules or name.startswith(tuple(wanted.modules))]
    for name in NEEDED:
        importlib.import_module(name)
    chosen: list[Mutant] = []
    for module in modules:
        every = mutants_of(module)
        few = wanted.sample and wanted.sample < len(every)
        chosen += random.Random(wanted.seed).sample(every, wanted.sample) if few else every
    random.Random(wanted.seed).shuffle(chosen)  # a run that is cut short has seen something of everything
    verdicts = judge(chosen, minutes=wanted.minutes, workers=wanted.workers)
    tally: dict[str, Counter[str]] = {}
    for mutant, verdict in verdicts.items():
        tally.setdefault(mutant.module, Counter())[verdict] += 1
    for module, counts in sorted(tally.items()):
        print(f"{module:24} {_score(counts)}")
    print(
        f"{'all':24} {_score(sum(tally.values(), Counter[str]()))} ({len(chosen) - len(verdicts)} not judged)"
    )


def _score(counts: Counter[str]) -> str:
    found, every = counts["killed"] + counts["timeout"], counts.total()
    told = f"killed {counts['killed']}, timeout {counts['timeout']}, survived {counts['survived']}"
    return f"{100 * found / max(every, 1):5.1f} % of {every:4}: {told}"


if __name__ == "__main__":
    main()
