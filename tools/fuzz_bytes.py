"""Bytes for `fuzz_targets`: framing, labels and HID-POS reports."""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import unquote_plus

import scans
from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, Framer, RawLabel
from cvconnect_drivers.scanners.hidpos_reports import USUAL_LAYOUT, ReportDecoder, find_layout
from cvconnect_drivers.scanners.labels import Envelope, Label, read_label
from fuzz_promises import NUMBER, cut, held, like_an_identifier, promise

_PRODUCT: Final = re.compile(r"[0-9]{8}|[0-9]{12,14}")

# --- bytes ------------------------------------------------------------------------------------------------------------
# One byte of settings, then the stream.

_TERMINATORS: Final = (b"\r\n\t", b"\r", b"\n", b"\t")
_PREFIXES: Final = (b"", b"\x02", b"P>", b"]")
_SUFFIXES: Final = (b"", b"", b"\x03", b"#\r\n")


def check_framing(data: bytes) -> None:
    """Any bytes: however they are cut, the labels are those that a split at the endings gives."""
    options, stream = data[0] if data else 0, data[1:]
    terminators, prefix, suffix = (
        table[options >> shift & 3] for table, shift in ((_TERMINATORS, 0), (_PREFIXES, 2), (_SUFFIXES, 4))
    )
    framers = [Framer(terminators=terminators, prefix=prefix, suffix=suffix) for _ in range(2)]
    labels = framers[0].feed(stream)
    pieces = [raw for piece in cut(stream, len(stream) + options) for raw in framers[1].feed(piece)]
    promise(labels == pieces, "cuts made other labels")
    endings = re.escape(suffix) if suffix else b"[" + re.escape(terminators) + b"]"
    expected = [_framed(piece, prefix) for piece in re.split(endings, stream)[:-1] if piece]
    promise(labels == expected, "the labels are not those between the endings")
    promise(all(held(framer) <= MAX_LABEL_BYTES + 16 for framer in framers), "it holds too much")


def _framed(piece: bytes, prefix: bytes) -> RawLabel:
    if len(piece) > MAX_LABEL_BYTES + len(prefix):
        return RawLabel(b"", "TOO_LONG")
    return RawLabel(piece[len(prefix) :]) if piece.startswith(prefix) else RawLabel(b"", "NO_PREFIX")


def bytes_seeds() -> list[bytes]:
    """Give the corpus's bytes."""
    return [
        b"\0" + stream
        for case in scans.cases()
        if "bytes" in case.says and len(stream := b"".join(case.reads("bytes"))) < 600  # noqa: PLR2004
    ]


# --- labels -----------------------------------------------------------------------------------------------------------
# One byte of settings, then what the label holds.

_ENVELOPES: Final = (
    Envelope(),
    Envelope(prefix="CVCO:"),
    Envelope(url_parameter="id"),
    Envelope(prefix="CVCO:", url_parameter="id", json_field="identifier"),
)
_ALLOWED: Final = (None, None, frozenset({"]Q"}), frozenset({"]Q1", "]C0"}))
_TOLD: Final = (None, None, "]Q1", "]E0")


def check_labels(data: bytes) -> None:
    """Any label: what is not refused is an identifier that stands in it, and comes from no product code."""
    options, content = data[0] if data else 0, data[1:]
    envelope, allowed, told = _ENVELOPES[options & 3], _ALLOWED[options >> 2 & 3], _TOLD[options >> 4 & 3]
    layout = ("", "us", "fr", "de")[options >> 6]
    raw = RawLabel(content, symbology=told, layout=layout)
    label = read_label(raw, envelope, allowed)
    promise(not label.text or label.text not in repr(label) or len(label.text) < 4, "it shows its text")  # noqa: PLR2004
    if label.refusal is None:
        _is_rightly_accepted(label, content, allowed)


def labels_seeds() -> list[bytes]:
    """Give what the corpus's labels hold, bare and with every envelope."""
    contents = {seed[1:].strip(b"\r\n\t\x02") for seed in bytes_seeds()}
    return [
        bytes([envelope]) + content for content in sorted(contents) for envelope in range(len(_ENVELOPES))
    ]


def _is_rightly_accepted(label: Label, content: bytes, allowed: frozenset[str] | None) -> None:
    text = content.decode()
    aim = label.symbology
    promise(like_an_identifier(label.text), "it accepted no identifier")
    promise(not (aim or "").startswith("]E"), "it accepted a product's symbology")
    promise(not allowed or (aim is not None and aim.startswith(tuple(allowed))), "it accepted a symbology")
    promise(not _PRODUCT.fullmatch(text.strip(" ")), "it accepted a product code")
    promise(
        any(label.text in form for form in (text, unquote_plus(text), _unescaped(text))),
        "it accepted what does not stand in the label",
    )
    bare = read_label(RawLabel(label.text.encode()), Envelope())
    promise(bare == Label(label.text), "what it accepted is refused when it stands alone")


def _unescaped(text: str) -> str:
    try:
        return json.dumps(json.loads(text[text.find("{") :]), ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


# --- HID-POS ----------------------------------------------------------------------------------------------------------
# Two bytes for the length of a descriptor, the descriptor, then reports: a byte for the length of each.

_MOST_DESCRIPTOR_BYTES: Final = 5000

_DESCRIPTOR: Final = bytes.fromhex(
    "058c0902a101091285020912a1028502150026ff0075089501053b093b8102058c09fb950181 0209fc810209fd810209fe953881"
    "0209ff75019501810275079501 8103c0c0".replace(" ", "")
)


def check_hidpos(data: bytes) -> None:
    """Any descriptor and any reports: no crash, bounded, labels that fit, and the next label is whole."""
    size = int.from_bytes(data[:2], "little") % _MOST_DESCRIPTOR_BYTES
    layout = find_layout(data[2 : 2 + size]) if size else USUAL_LAYOUT
    if layout is None:
        return
    decoder = ReportDecoder(layout)
    at = 2 + size
    while at < len(data):
        report = data[at + 1 : at + 1 + data[at]]
        if layout.report_id and report:
            report = bytes([layout.report_id & 0xFF]) + report[1:]
        at += 1 + data[at]
        labels = decoder.feed(report)
        promise(len(labels) <= 2, "a report ended more than a label and the one before")  # noqa: PLR2004
        promise(all(len(raw.data) <= MAX_LABEL_BYTES for raw in labels), "a label is too long")
        promise(all(not raw.data or raw.damage is None for raw in labels), "a damaged label has text")
        promise(held(decoder) <= MAX_LABEL_BYTES + 64, "it holds too much")
    decoder.lose()
    promise(not decoder.pending, "what was lost is still there")
    if layout is USUAL_LAYOUT:
        labels = decoder.feed(usual_report(NUMBER.encode(), b"]Q1"))
        promise(labels == [RawLabel(NUMBER.encode(), symbology="]Q1")], "the next label was not read")


def usual_report(piece: bytes, aim: bytes, *, more: bool = False) -> bytes:
    """Write a report as scanners do: number, length, AIM identifier, 56 bytes, whether more follows."""
    return (
        bytes([2, len(piece)]) + aim.ljust(3, b"\0") + piece.ljust(56, b"\0")[:56] + b"\0\0" + bytes([more])
    )


def hidpos_seeds() -> list[bytes]:
    """Give reports, with a descriptor and without."""
    seeds = [b"".join(bytes([len(report)]) + report for report in reports) for reports in _REPORTS]
    described = len(_DESCRIPTOR).to_bytes(2, "little") + _DESCRIPTOR
    return [start + reports for reports in seeds for start in (b"\0\0", described)]


_REPORTS: Final = (
    [usual_report(NUMBER.encode(), b"]Q1")],
    [usual_report(b"a" * 56, b"]Q1", more=True), usual_report(b"@exemple.fr", b"]Q1")],
    [usual_report(b"3760123456789", b"]E0"), usual_report(NUMBER.encode(), b"]C0")],
    [usual_report(b"x" * 56, b"", more=True)] * 19 + [usual_report(b"x", b"")],
)
