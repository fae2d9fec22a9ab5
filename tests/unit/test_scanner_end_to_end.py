"""From the label under the scanner to the identifier in the till: right, or refused with a reason.

The simulated firmware and host on one side, the driver's decoders on the other; they share no table. Whatever a scanner is set to and
whatever it is taken for, no other identifier comes out than the one on the label.

Three things nobody can see in what a scanner sends: a character that it left out because it cannot type it, a product code
cut to 11 digits without an AIM identifier, and a prefix that an e-mail address may begin with. They are left out here as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cvconnect_drivers.scanners.framing import Framer, RawLabel
from cvconnect_drivers.scanners.hidpos_reports import ReportDecoder, find_layout
from cvconnect_drivers.scanners.identifier import is_identifier
from cvconnect_drivers.scanners.keyboard import KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.labels import Envelope, Label, read_label
from cvconnect_sim.scanner import (
    Desktop,
    HidPosFirmware,
    HidPosSettings,
    Key,
    KeyboardFirmware,
    KeyboardSettings,
    Scanner,
    ScannerSettings,
    Symbology,
    check_digit,
    reports_to_keys,
)
from cvconnect_sim.scanner.hidpos import REPORT_DESCRIPTOR
from cvconnect_sim.scanner.layouts import LAYOUTS, LayoutName


@dataclass(frozen=True, slots=True)
class Host:
    """How the host stands, and what it takes for the end of a label."""

    caps_lock: bool = False
    num_lock: bool = True
    terminators: frozenset[str] = frozenset({"enter", "kp_enter", "tab"})


PLAIN_HOST = Host()


LATER_S = 10.0
ENVELOPE = Envelope(prefix="CVCO:", url_parameter="id", json_field="id")
ATEXT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"
NUMBERS = st.text("0123456789", min_size=11, max_size=11)
WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789", min_size=1, max_size=8)
EMAILS = st.builds(
    "{}@{}.{}".format,
    st.lists(st.text(ATEXT, min_size=1, max_size=6), min_size=1, max_size=2).map(".".join),
    st.lists(WORDS, min_size=1, max_size=2).map(".".join),
    st.sampled_from(["fr", "com", "example", "wf"]),
)
IDENTIFIERS = st.one_of(NUMBERS, EMAILS)
WRAPPED = st.sampled_from(["{}", "CVCO:{}", '{{"id": "{}"}}'])
SYMBOLOGIES = st.sampled_from([Symbology.QR, Symbology.CODE_128, Symbology.DATA_MATRIX])
LAYOUT_NAMES = st.sampled_from(list(LAYOUTS))

COMMON = {
    "prefix": st.sampled_from(["", "", "P>"]),
    "suffix": st.sampled_from(["\r", "\t", ""]),
    "aim_id": st.booleans(),
    "inter_character_delay_s": st.sampled_from([0.0, 0.005, 0.08, 0.5]),
    "reads": st.integers(1, 3),
    "between_reads_s": st.sampled_from([0.05, 0.25, 0.5]),
}
KEYBOARDS = st.builds(
    KeyboardSettings,
    **COMMON,
    layout=LAYOUT_NAMES,
    enter=st.sampled_from(["enter", "kp_enter"]),
    keypad_digits=st.booleans(),
    alt_numpad=st.sampled_from(["missing", "all"]),
    alt_digits=st.sampled_from([3, 4]),
    dead_keys=st.booleans(),
    caps_lock=st.sampled_from(["ignored", "inverted", "shift_lock", "followed", "toggled"]),
    release=st.sampled_from(["each", "merged", "rolled"]),
    modifiers_apart=st.booleans(),
)
KEYBOARDS_WELL_SET = st.builds(
    KeyboardSettings,
    layout=LAYOUT_NAMES,
    suffix=st.sampled_from(["\r", "\t"]),
    enter=st.sampled_from(["enter", "kp_enter"]),
    aim_id=st.booleans(),
    keypad_digits=st.booleans(),
    alt_numpad=st.sampled_from(["missing", "all"]),
    alt_digits=st.sampled_from([3, 4]),
    dead_keys=st.booleans(),
    caps_lock=st.sampled_from(["followed", "toggled"]),
    inter_character_delay_s=st.sampled_from([0.0, 0.005, 0.08]),
    release=st.sampled_from(["each", "merged", "rolled"]),
    modifiers_apart=st.booleans(),
    reads=st.integers(1, 2),
)


def decode(decoder: KeyboardDecoder, keys: Iterable[Key]) -> list[RawLabel]:
    """What the driver makes of key events, and of the silence after them."""
    labels = [label for key in keys for label in decoder.feed(KeyEvent(*key))]
    return labels + decoder.tick(1000.0)


def pressed(
    settings: KeyboardSettings, text: str, symbology: Symbology = Symbology.QR, *, host: Host = PLAIN_HOST
) -> list[Key]:
    """The key events of a scan on a host with these locks."""
    firmware = KeyboardFirmware(settings)
    firmware.receive(bytes([host.num_lock | host.caps_lock << 1]))
    return reports_to_keys(firmware.scan(text, symbology))


def accepted(raw_labels: Iterable[RawLabel], envelope: Envelope = ENVELOPE) -> list[str]:
    """The identifiers that the till gets; each refusal is one that it can put into words."""
    labels: list[Label] = [read_label(raw, envelope) for raw in raw_labels]
    assert all(label.refusal is None or label.refusal.isupper() for label in labels)
    return [label.text for label in labels if label.refusal is None]


def folded(texts: Sequence[str]) -> set[str]:
    """The texts without their case: who mixes up CapsLock writes the same address."""
    return {text.casefold() for text in texts}


@given(
    number=NUMBERS,
    wrapped=WRAPPED,
    settings=KEYBOARDS_WELL_SET,
    symbology=SYMBOLOGIES,
    caps_lock=st.booleans(),
)
def test_a_number_comes_through_a_keyboard_scanner_that_is_set_rightly(
    number: str, wrapped: str, settings: KeyboardSettings, symbology: Symbology, caps_lock: bool
) -> None:
    # A shift lock shifts more than the letters for which these firmwares make up.
    caps_lock = caps_lock and (settings.caps_lock == "toggled" or not LAYOUTS[settings.layout].shift_locked)
    keys = pressed(settings, wrapped.format(number), symbology, host=Host(caps_lock))

    assert (
        accepted(decode(KeyboardDecoder(settings.layout, caps_lock=caps_lock), keys))
        == [number] * settings.reads
    )


@given(address=EMAILS, settings=KEYBOARDS_WELL_SET, symbology=SYMBOLOGIES)
def test_an_address_comes_through_or_might_be_another_one_in_another_layout(
    address: str, settings: KeyboardSettings, symbology: Symbology
) -> None:
    raw_labels = decode(KeyboardDecoder(settings.layout), pressed(settings, address, symbology))

    labels = [read_label(raw, ENVELOPE) for raw in raw_labels]
    assert [raw.damage for raw in raw_labels] == [None] * settings.reads
    assert {label.text for label in labels} == {address}
    assert {label.refusal for label in labels} <= {None, "LAYOUT_MISMATCH"}


@given(
    identifier=IDENTIFIERS,
    wrapped=WRAPPED,
    settings=KEYBOARDS,
    taken_for=LAYOUT_NAMES,
    host=st.builds(
        Host, st.booleans(), st.booleans(), st.frozensets(st.sampled_from(["enter", "kp_enter", "tab"]))
    ),
)
def test_no_other_identifier_ever_comes_through_a_keyboard(
    identifier: str, wrapped: str, settings: KeyboardSettings, taken_for: LayoutName, host: Host
) -> None:
    decoder = KeyboardDecoder(
        taken_for, terminators=host.terminators, caps_lock=host.caps_lock, num_lock=host.num_lock
    )
    keys = pressed(settings, wrapped.format(identifier), host=host)

    assert folded(accepted(decode(decoder, keys))) <= folded([identifier])


@given(number=NUMBERS, settings=KEYBOARDS, symbology=SYMBOLOGIES, taken_for=LAYOUT_NAMES)
def test_no_digit_is_ever_read_wrong_in_another_layout(
    number: str, settings: KeyboardSettings, symbology: Symbology, taken_for: LayoutName
) -> None:
    came = accepted(decode(KeyboardDecoder(taken_for), pressed(settings, number, symbology)))

    assert set(came) <= {number}


@pytest.mark.parametrize("taken_for", LAYOUTS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_digits_in_the_wrong_layout_are_told_as_such(layout: LayoutName, taken_for: LayoutName) -> None:
    number = "12345678901"
    keys = pressed(KeyboardSettings(layout=layout), number)

    (label,) = [read_label(raw, Envelope()) for raw in decode(KeyboardDecoder(taken_for), keys)]

    rows = {"fr": "azerty", "be": "belgian", "fr-bepo": "bepo"}
    if rows.get(layout, "digits") == rows.get(taken_for, "digits") or {layout, taken_for} <= {
        "fr",
        "be",
        "fr-bepo",
    }:
        assert (label.text, label.refusal) == (number, None)
    else:
        assert label.refusal == "LAYOUT_MISMATCH"


@given(
    identifier=IDENTIFIERS,
    settings=KEYBOARDS_WELL_SET,
    cut=st.floats(0.0, 1.0),
    ended=st.booleans(),
)
def test_a_scan_that_is_cut_anywhere_gives_nothing_and_spoils_no_other(
    identifier: str, settings: KeyboardSettings, cut: float, ended: bool
) -> None:
    keys = pressed(settings, identifier)
    keys = keys[: int(len(keys) * cut)]
    decoder = KeyboardDecoder(settings.layout)
    came = [label for key in keys for label in decoder.feed(KeyEvent(*key))]
    came += decoder.lose()
    now_s = keys[-1].time_s if keys else 0.0
    if ended:
        came += decoder.tick(now_s + LATER_S)
    assert folded(accepted(came)) <= folded([identifier])

    other = "98765432109"
    later = [Key(key.time_s + now_s + 2 * LATER_S, key.code, key.pressed) for key in pressed(settings, other)]

    came_later = accepted(decode(decoder, later))
    # Who let no time pass cannot know that the label after the loss is a new one.
    assert came_later == [other] * settings.reads or (
        not ended and came_later == [other] * (settings.reads - 1)
    )


@given(
    settings=KEYBOARDS,
    taken_for=LAYOUT_NAMES,
    digits=st.text("0123456789", min_size=11, max_size=11),
    data=st.data(),
)
def test_no_product_code_becomes_an_identifier(
    settings: KeyboardSettings, taken_for: LayoutName, digits: str, data: st.DataObject
) -> None:
    symbology, code = data.draw(
        st.sampled_from(
            [
                (Symbology.UPC_A, digits),
                (Symbology.EAN_13, f"3{digits}"),
                (Symbology.EAN_8, digits[:7]),
            ]
        )
    )
    settings = replace(settings, upc_a_check_digit=not settings.aim_id, prefix="")
    keys = pressed(settings, code + check_digit(code), symbology)

    assert accepted(decode(KeyboardDecoder(taken_for), keys)) == []


@given(
    text=st.one_of(
        st.builds("{}{}".format, EMAILS, st.sampled_from([".fr", "m", "@x.fr", ""])),
        st.text("0123456789", min_size=12, max_size=24),
        NUMBERS,
    ),
    settings=KEYBOARDS_WELL_SET,
    at=st.floats(0.0, 1.0),
    knows_its_end=st.booleans(),
)
def test_a_scanner_that_stutters_once_gives_no_part_of_a_label(
    text: str, settings: KeyboardSettings, at: float, knows_its_end: bool
) -> None:
    end = "tab" if settings.suffix == "\t" else settings.enter
    decoder = KeyboardDecoder(settings.layout, terminators={end} if knows_its_end else PLAIN_HOST.terminators)
    # Where every end is taken for one, the label before shows which one the scanner sends.
    settings, first = replace(settings, reads=1), "98765432109"
    keys = pressed(settings, first)
    assert accepted(label for key in keys for label in decoder.feed(KeyEvent(*key))) == [first]
    keys = pressed(settings, text)
    stuttered = [
        Key(key.time_s + LATER_S + 0.5 * (place >= at * len(keys)), key.code, key.pressed)
        for place, key in enumerate(keys)
    ]

    assert set(accepted(decode(decoder, stuttered))) <= {text}


@given(
    identifier=IDENTIFIERS, wrapped=WRAPPED, settings=KEYBOARDS, symbology=SYMBOLOGIES, desktop=LAYOUT_NAMES
)
def test_no_other_identifier_ever_comes_as_text_from_a_desktop(
    identifier: str, wrapped: str, settings: KeyboardSettings, symbology: Symbology, desktop: LayoutName
) -> None:
    # An address can be one in two layouts, and only keys tell which.
    assume("@" not in identifier or settings.layout == desktop)
    settings = replace(settings, prefix="")
    typed = "".join(
        text for _, text in Desktop(desktop).type(pressed(settings, wrapped.format(identifier), symbology))
    )

    came = accepted(RawLabel(text.encode()) for text in typed.replace("\t", "\r").split("\r") if text)
    assert folded(came) <= folded([identifier])


@given(
    identifier=IDENTIFIERS,
    wrapped=WRAPPED,
    settings=st.builds(ScannerSettings, **COMMON, encoding=st.sampled_from(["utf-8", "cp1252", "utf-16-le"])),
    cuts=st.lists(st.floats(0.0, 1.0), max_size=6),
    framed_by=st.sampled_from(["", "P>"]),
)
def test_bytes_give_the_identifier_however_they_are_cut(
    identifier: str, wrapped: str, settings: ScannerSettings, cuts: list[float], framed_by: str
) -> None:
    sent = b"".join(burst for _, burst in Scanner(settings).scan(wrapped.format(identifier), Symbology.QR))
    places = sorted({0, len(sent), *(int(len(sent) * cut) for cut in cuts)})
    framer = Framer(prefix=framed_by.encode())
    came = accepted(label for start, end in pairwise(places) for label in framer.feed(sent[start:end]))

    if settings.suffix and settings.prefix == framed_by and settings.encoding != "utf-16-le":
        assert came == [identifier] * settings.reads
    assert set(came) <= {identifier}


@given(
    identifier=st.one_of(IDENTIFIERS, st.text("1a@.", min_size=50, max_size=120)),
    wrapped=st.one_of(WRAPPED, st.just("https://carte.example/c?lang=fr&shop=12345678901234567890&id={}")),
    settings=st.builds(
        HidPosSettings,
        prefix=COMMON["prefix"],
        suffix=COMMON["suffix"],
        aim_id=COMMON["aim_id"],
        reads=COMMON["reads"],
        aim_field=st.booleans(),
        full_goes_on=st.booleans(),
    ),
    symbology=SYMBOLOGIES,
)
def test_reports_give_the_identifier_or_are_told_to_be_torn(
    identifier: str, wrapped: str, settings: HidPosSettings, symbology: Symbology
) -> None:
    text = wrapped.format(quote(identifier) if wrapped.startswith("https") else identifier)
    layout = find_layout(REPORT_DESCRIPTOR)
    assert layout is not None
    decoder = ReportDecoder(layout)

    raw_labels: list[RawLabel] = []
    for pause_s, report in HidPosFirmware(settings).scan(text, symbology):
        if pause_s == settings.between_reads_s:
            raw_labels += decoder.lose()
        raw_labels += decoder.feed(report)
    raw_labels += decoder.lose()

    assert len(raw_labels) == settings.reads
    came = accepted(raw_labels)
    assert set(came) <= {identifier}
    fills = len(f"{text}{settings.suffix}".encode()) + 3 * settings.aim_id
    if is_identifier(identifier) and not settings.prefix and not (settings.full_goes_on and fills % 56 == 0):
        assert came == [identifier] * settings.reads


@given(settings=st.builds(HidPosSettings, aim_id=st.booleans(), aim_field=st.booleans()), digits=NUMBERS)
def test_no_product_code_becomes_an_identifier_through_reports(settings: HidPosSettings, digits: str) -> None:
    settings = replace(settings, upc_a_check_digit=not (settings.aim_id or settings.aim_field))
    decoder = ReportDecoder()
    reports = HidPosFirmware(settings).scan(digits + check_digit(digits), Symbology.UPC_A)

    assert accepted(label for _, report in reports for label in decoder.feed(report)) == []
