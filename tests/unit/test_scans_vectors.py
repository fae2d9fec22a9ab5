"""Every scan of the corpus is read as the corpus says, or the corpus is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from cvconnect_drivers.scanners.framing import TERMINATORS, Framer, RawLabel
from cvconnect_drivers.scanners.hidpos_reports import USUAL_LAYOUT, ReportDecoder, find_layout
from cvconnect_drivers.scanners.keyboard import KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.labels import Label, read_label
from cvconnect_drivers.scanners.layouts import LAYOUTS
from cvconnect_drivers.scanners.settings import ScannerSettings, read_scanner_settings
from cvconnect_drivers.scanners.wedge_intake import ENDINGS, Characters, Intake, Lost
from cvconnect_drivers.urls import Settings, parse_url
from scans import Case, Key, Pause, cases, read_steps, to_bytes
from scans import Lost as LostKeys

SHARED = {"prefix", "label_prefix", "url_parameter", "json_field", "symbologies"}


def settings_of(case: Case) -> ScannerSettings:
    options = {key: value for key, value in case.says.items() if key in SHARED}
    if "prefix" in options:
        options["prefix"] = to_bytes(options["prefix"]).decode()
    return read_scanner_settings(Settings(parse_url("serial:corpus", {"serial"}), options))


def by_keys(case: Case) -> list[RawLabel]:
    says = case.says
    decoder = KeyboardDecoder(
        says["layout"],
        terminators=ENDINGS[says.get("terminator", "any")],
        idle_gap_s=says.get("idle_gap_ms", 300) / 1000,
        caps_lock=says.get("caps_lock", False),
        num_lock=says.get("num_lock", True),
    )
    raws: list[RawLabel] = []
    for step in case.steps():
        match step:
            case Key(time_s=time_s, code=code, pressed=pressed):
                raws += decoder.feed(KeyEvent(time_s, code, pressed))
            case Pause():
                for now_s in step.ticks():
                    raws += decoder.tick(now_s)
            case LostKeys():
                raws += decoder.lose()
    return raws


def framer_of(case: Case) -> Framer:
    ending = case.says.get("terminator", "any")
    return Framer(
        terminators=b"\r\n\t" if ending == "any" else TERMINATORS[ending],
        suffix=to_bytes(case.says.get("suffix", "")),
    )


def by_bytes(case: Case) -> list[RawLabel]:
    framer = framer_of(case)
    return [raw for piece in case.reads("bytes") for raw in framer.feed(piece)]


def by_characters(case: Case) -> list[RawLabel]:
    intake = Intake(terminator=case.says.get("terminator", "any"))
    now_s = 0.0
    raws: list[RawLabel] = []
    typed: str | list[str] = case.says["typed"]
    for piece in [typed] if isinstance(typed, str) else typed:
        if piece.startswith("~"):
            now_s += int(piece[1:]) / 1000
            raws += intake.tick(now_s)
        elif piece == "LOST":
            raws += intake.feed(Lost(now_s))
        else:
            now_s += 0.004
            raws += intake.feed(Characters(now_s, to_bytes(piece).decode()))
    return raws


def by_reports(case: Case) -> list[RawLabel]:
    described: str | None = case.says.get("descriptor")
    layout = USUAL_LAYOUT if described is None else find_layout(bytes.fromhex(described))
    if layout is None:
        return []
    decoder = ReportDecoder(layout)
    return [
        raw
        for report in case.reads("reports")
        for raw in (decoder.lose() if report == b"LOST" else decoder.feed(report))
    ]


WAYS: dict[str, Callable[[Case], list[RawLabel]]] = {
    "keys": by_keys,
    "bytes": by_bytes,
    "typed": by_characters,
    "reports": by_reports,
}


def differences(expected: dict[str, Any], raw: RawLabel, label: Label) -> list[str]:
    wanted: list[str | None] = (
        expected["refusal"] if isinstance(expected.get("refusal"), list) else [expected.get("refusal")]
    )
    found: list[str] = []
    if label.refusal not in wanted:
        found.append(f"refusal {label.refusal}, not {wanted}")
    if raw.damage != expected.get("damage", raw.damage):
        found.append(f"damage {raw.damage}, not {expected['damage']}")
    if "read" in expected and raw.data.decode() != expected["read"]:
        found.append(f"read {raw.data.decode()!r}, not {expected['read']!r}")
    if "text" in expected and label.text != expected["text"]:
        found.append(f"text {label.text!r}, not {expected['text']!r}")
    if ("text" in expected or "symbology" in expected) and label.symbology != expected.get("symbology"):
        found.append(f"symbology {label.symbology}, not {expected.get('symbology')}")
    return found


CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}: {case.name}")
def test_each_scan_is_read_as_the_corpus_says(case: Case) -> None:
    (way,) = WAYS.keys() & case.says.keys()
    settings = settings_of(case)
    raws = [settings.without_prefix(raw) for raw in WAYS[way](case)]
    expected: list[dict[str, Any]] = case.says["expect"]

    assert len(raws) == len(expected), raws
    for each, raw in zip(expected, raws, strict=True):
        assert differences(each, raw, read_label(raw, settings.envelope, settings.symbologies)) == []


@pytest.mark.parametrize("case", [case for case in CASES if "bytes" in case.says], ids=lambda case: case.name)
def test_cuts_change_nothing(case: Case) -> None:
    stream = b"".join(case.reads("bytes"))
    framer = framer_of(case)
    assert [raw for byte in stream for raw in framer.feed(bytes([byte]))] == by_bytes(case)


def test_no_two_scans_of_a_file_have_the_same_name() -> None:
    names = Counter((case.file, case.name) for case in CASES)
    assert [name for name, count in names.items() if count > 1] == []


def test_the_corpus_covers_every_layout_and_every_pair_of_them() -> None:
    assert len(CASES) > 600
    typed = {case.name for case in CASES if case.file == "wrong-layout"}
    for typed_as, read_as in permutations(LAYOUTS, 2):
        for what in ("digits", "an address"):
            assert any(name.startswith(f"{what} typed as {typed_as}, read as {read_as}") for name in typed)


@pytest.mark.parametrize("wrong", ["a", "LSHIFT-1", "A *3", "<CR>", "~", "LSHIFT+(1)"])
def test_keys_that_are_not_in_the_notation_are_refused(wrong: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        list(read_steps(wrong, every_ms=4))


def test_the_notation_of_bytes() -> None:
    assert to_bytes("a<CR><1d><ff>é<NUL>{2}x{3}") == b"a\r\x1d\xff\xc3\xa9\0\0xxx"
