"""The documentation says everything, and nothing that is not so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import cvconnect_pos
import cvconnect_sim
from cvconnect_pos import configuration
from cvconnect_pos.configuration import read_station_file

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]

TABLES: dict[str, type[msgspec.Struct]] = {
    "provider": configuration.ProviderTable,
    "shop": configuration.ShopTable,
    "tender": configuration.TenderTable,
    "journal": configuration.JournalTable,
    "tickets": configuration.TicketTable,
}


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("tool", ["make_lifecycle_diagram.py", "make_import_graph.py", "make_error_table.py"])
def test_a_generated_page_is_up_to_date(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / tool), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_station_file_in_the_text_is_read_without_complaint(page: Path, tmp_path: Path) -> None:
    for number, content in enumerate(
        re.findall(r"^```toml\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL)
    ):
        path = tmp_path / f"{number}.toml"
        path.write_text(content, encoding="utf-8")
        assert read_station_file(path).provider.environment in {"test", "production"}


@pytest.mark.parametrize("table", TABLES)
def test_every_key_of_the_station_file_is_explained_with_its_default(table: str) -> None:
    section = read(DOCS / "how-to/station-file.md").split(f"### `[{table}]`\n")[1].split("\n#")[0]
    said = dict(re.findall(r"^\| `(\w+)` \|(.*?)\|", section, re.MULTILINE))
    fields = msgspec.structs.fields(TABLES[table])
    assert list(said) == [field.name for field in fields]
    for field in fields:
        default = "" if field.required else msgspec.json.encode(field.default).decode()
        assert said[field.name].strip(" `") == {"null": "none"}.get(default, default), field.name


def test_the_tables_of_the_station_file_are_all_explained() -> None:
    tables = configuration.StationFile.__struct_fields__
    text = read(DOCS / "how-to/station-file.md")
    assert [name for name in tables if f"[{name}]" not in text] == []


def test_every_public_name_is_in_the_reference() -> None:
    told = re.findall(r"^::: cvconnect_pos\.[\w.]+\.(\w+)$", read(DOCS / "reference/api.md"), re.MULTILINE)
    assert sorted(told) == sorted(set(cvconnect_pos.__all__) - {"__version__"})


def test_what_a_simulator_does_not_model_is_in_the_reference() -> None:
    page = read(DOCS / "reference/simulators.md")
    sources = Path(cvconnect_sim.__path__[0])
    honest = [
        ".".join(path.relative_to(sources.parent).with_suffix("").parts)
        for path in sorted(sources.rglob("*.py"))
        if re.search(r"[Dd]oes not model", read(path))
    ]
    assert honest
    assert [
        name for name in honest if f"`{name}`" not in page and f"`{name.rpartition('.')[0]}`" not in page
    ] == []


def test_the_status_is_said_wherever_the_provider_is_explained() -> None:
    for name in (
        "index.md",
        "explanations/architecture.md",
        "reference/provider-api.md",
        "reference/errors.md",
    ):
        assert "unverified against the ANCV" in " ".join(read(DOCS / name).replace("> ", "").split()), name


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"""(?:\]\(|src=")(?!https?:|#)([^)#\s"]+)""", read(page))
        if not (page.parent / target).exists()
    ]
    assert broken == []
