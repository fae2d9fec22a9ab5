"""Write `docs/explanations/import-graph.md` from the imports as they are: `python tools/make_import_graph.py [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

import grimp

from page import main

PAGE = Path(__file__).resolve().parent.parent / "docs/explanations/import-graph.md"

PACKAGES = {
    "cvconnect_pos": "What a till imports. `core` is pure; whatever touches the world stands to its left.",
    "cvconnect_drivers": "The devices on the counter. Nothing here knows of the SDK: drivers fit by their shape.",
    "cvconnect_sim": "The other side of every cable. It shares no code with what it tests.",
}

HEAD = """\
# Who imports whom

<!-- Made by tools/make_import_graph.py from the imports as they are. -->

One box is one room: a package, or a module that stands alone. An arrow means *imports*, those inside functions
included and those for type checkers alone left out; an arrow that follows from others is left out too. Rounded boxes are packages, with the
number of their modules. What may not be drawn here is written as contracts in `pyproject.toml` and checked by
`make check`; see [the house](architecture.md).
"""

_QUIET = frozenset({"_version", "conformance"})
"""Rooms that would tell nothing: a number, and a suite for tests."""


def rooms(graph: grimp.ImportGraph, package: str) -> dict[str, int]:
    """List the rooms of a package, each with the number of modules in it (0: a module that stands alone)."""
    names = (child.removeprefix(f"{package}.") for child in graph.find_children(package))
    return {
        name: len(graph.find_descendants(f"{package}.{name}")) for name in sorted(names) if name not in _QUIET
    }


def imports(graph: grimp.ImportGraph, package: str) -> set[tuple[str, str]]:
    """Find which room imports which, across the rooms of a package."""
    found: set[tuple[str, str]] = set()
    known = rooms(graph, package)
    for module in graph.find_descendants(package):
        source = module.split(".")[1]
        for imported in graph.find_modules_directly_imported_by(module):
            parts = imported.split(".")
            if parts[0] == package and len(parts) > 1 and {source, parts[1]} <= known.keys():
                found.add((source, parts[1]))
    return {(source, target) for source, target in found if source != target}


def reduced(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Leave out the arrows that follow from others; those of a circle all stay."""
    reach: dict[str, set[str]] = {}
    for start in {source for source, _ in edges}:
        todo, seen = [start], set[str]()
        while todo:
            here = todo.pop()
            for source, target in edges:
                if source == here and target not in seen:
                    seen.add(target)
                    todo.append(target)
        reach[start] = seen

    def follows(source: str, target: str) -> bool:
        between = {t for s, t in edges if s == source and t != target and source not in reach.get(t, set())}
        return any(target in reach.get(room, set()) for room in between)

    return {edge for edge in edges if not follows(*edge)}


def diagram(graph: grimp.ImportGraph, package: str) -> str:
    """Draw a package."""
    lines = ["flowchart LR"]
    for room, modules in rooms(graph, package).items():
        lines.append(f'    {room}(["{room} ({modules})"])' if modules else f'    {room}["{room}"]')
    lines += [f"    {source} --> {target}" for source, target in sorted(reduced(imports(graph, package)))]
    return "\n".join(("```mermaid", *lines, "```"))


def between(graph: grimp.ImportGraph) -> str:
    """Write which package imports what of another."""
    lines: list[str] = []
    for package in PACKAGES:
        for other in PACKAGES:
            users = {
                module: imported
                for module in sorted({package, *graph.find_descendants(package)})
                for imported in graph.find_modules_directly_imported_by(module)
                if package != other and imported.split(".")[0] == other
            }
            said = ", ".join(f"`{module}` imports `{imported}`" for module, imported in users.items())
            if package != other:
                lines.append(f"| `{package}` | `{other}` | {said or 'nothing'} |")
    return "\n".join(("| Package | of | imports |", "|---|---|---|", *lines))


def make_page() -> str:
    """Write the whole page."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    parts = [HEAD, f"## Between the packages\n\n{between(graph)}\n"]
    parts += [
        f"## {package}\n\n{about}\n\n{diagram(graph, package)}\n" for package, about in PACKAGES.items()
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main(PAGE, make_page))
