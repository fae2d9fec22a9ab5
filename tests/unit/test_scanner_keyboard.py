"""Keys become the label that the scanner meant, or a damaged label: never another one."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, RawLabel
from cvconnect_drivers.scanners.keyboard import ANY_TERMINATOR, KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.layouts import KEYS, LAYOUTS
from cvconnect_drivers.scanners.wedge_intake import Key
from cvconnect_drivers.scanners.wedge_page import read_batch

ENTER, KP_ENTER, TAB, CAPS_LOCK, NUM_LOCK = 28, 96, 15, 58, 69
LEFT_SHIFT, RIGHT_SHIFT, LEFT_CTRL, RIGHT_CTRL, LEFT_ALT, ALTGR, META = 42, 54, 29, 97, 56, 100, 125
ROW = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 2]
KEYPAD = dict(zip("7894561230", (71, 72, 73, 75, 76, 77, 79, 80, 81, 82), strict=True))
NUMBER = b"12345678901"

UNREADABLE, TORN, TOO_LONG = (RawLabel(b"", damage) for damage in ("UNREADABLE", "TORN", "TOO_LONG"))


class Typist:
    """Presses keys on a decoder, a millisecond apart."""

    def __init__(self, layout: str = "us", **settings: object) -> None:
        self.decoder = KeyboardDecoder(layout, **settings)  # type: ignore[arg-type]
        self.now_s = 10.0
        self.labels: list[RawLabel] = []

    def move(self, code: int, *, pressed: bool) -> None:
        self.now_s += 0.001
        self.labels += self.decoder.feed(KeyEvent(self.now_s, code, pressed))

    def tap(self, *codes: int, held: tuple[int, ...] = ()) -> Typist:
        for code in held:
            self.move(code, pressed=True)
        for code in codes:
            self.move(code, pressed=True)
            self.move(code, pressed=False)
        for code in reversed(held):
            self.move(code, pressed=False)
        return self

    def wait(self, seconds: float) -> Typist:
        self.now_s += seconds
        self.labels += self.decoder.tick(self.now_s)
        return self

    def lose(self) -> Typist:
        self.labels += self.decoder.lose()
        return self


def us(text: str | bytes) -> RawLabel:
    return RawLabel(text if isinstance(text, bytes) else text.encode(), layout="us")


@pytest.mark.parametrize("end", [ENTER, KP_ENTER, TAB])
def test_each_terminator_ends_a_label(end: int) -> None:
    assert Typist().tap(*ROW, end, *ROW, end).labels == [us(NUMBER)] * 2


@pytest.mark.parametrize(("chosen", "end"), [("enter", ENTER), ("kp_enter", KP_ENTER), ("tab", TAB)])
def test_only_the_terminators_that_were_chosen_end_a_label(chosen: str, end: int) -> None:
    typist = Typist(terminators=frozenset({chosen}))
    for other in {ENTER, KP_ENTER, TAB} - {end}:
        typist.tap(2, other, 3)
    (label,) = typist.tap(end).labels
    assert label.damage is None and len(label.data) == 6 and label.data.count(b"1") == 2
    assert any(byte < 32 for byte in label.data)


def test_terminators_alone_are_no_label() -> None:
    assert Typist().tap(ENTER, TAB, KP_ENTER, ENTER).wait(5).labels == []


@pytest.mark.parametrize("shift", [LEFT_SHIFT, RIGHT_SHIFT])
def test_each_shift_shifts(shift: int) -> None:
    assert Typist("fr").tap(*ROW, held=(shift,)).tap(ENTER).labels == [RawLabel(NUMBER, layout="fr")]


def test_a_shift_holds_until_the_last_of_both_is_up() -> None:
    typist = Typist("fr")
    typist.move(LEFT_SHIFT, pressed=True)
    typist.move(RIGHT_SHIFT, pressed=True)
    typist.tap(2)
    typist.move(LEFT_SHIFT, pressed=False)
    typist.tap(3)
    typist.move(RIGHT_SHIFT, pressed=False)
    assert typist.tap(4, ENTER).labels == [RawLabel(b'12"', layout="fr")]


@pytest.mark.parametrize(
    "held", [(ALTGR,), (LEFT_CTRL, LEFT_ALT), (RIGHT_CTRL, LEFT_ALT), (LEFT_CTRL, ALTGR)]
)
def test_altgr_is_also_ctrl_and_alt(held: tuple[int, ...]) -> None:
    assert Typist("fr").tap(11, held=held).tap(ENTER).labels == [RawLabel(b"@", layout="fr")]


@pytest.mark.parametrize("held", [(LEFT_ALT,), (META,), (ALTGR,), (LEFT_ALT, ALTGR), (META, LEFT_SHIFT)])
def test_a_shortcut_is_no_text(held: tuple[int, ...]) -> None:
    assert Typist("us").tap(*ROW).tap(2, held=held).tap(ENTER).labels == [UNREADABLE]


def test_caps_lock_is_what_the_host_knows_and_what_its_key_does() -> None:
    typist = Typist("fr", caps_lock=True).tap(*ROW, ENTER)
    typist.decoder.set_locks(caps_lock=False)
    typist.tap(16, ENTER).tap(CAPS_LOCK, 16, CAPS_LOCK, 16, ENTER)
    assert [label.data for label in typist.labels] == [NUMBER, b"a", b"Aa"]


def test_keypad_digits_need_num_lock() -> None:
    codes = [KEYPAD[digit] for digit in NUMBER.decode()]
    assert Typist().tap(*codes, ENTER).labels == [us(NUMBER)]
    assert Typist(num_lock=False).tap(*codes, ENTER).labels == [UNREADABLE]
    assert Typist(num_lock=False).tap(NUM_LOCK, *codes, ENTER).labels == [us(NUMBER)]
    assert Typist().tap(*codes, held=(LEFT_SHIFT,)).tap(ENTER).labels == [UNREADABLE]
    typist = Typist(num_lock=False)
    typist.decoder.set_locks(num_lock=True)
    assert typist.tap(*codes, ENTER).labels == [us(NUMBER)]


@pytest.mark.parametrize(("layout", "point"), [("fr", b"."), ("de", b",")])
def test_the_point_of_the_keypad_is_the_countrys(layout: str, point: bytes) -> None:
    typist = Typist(layout).tap(83, 55, 98, 74, 78, 117, ENTER)
    assert typist.labels == [RawLabel(point + b"*/-+=", layout=layout)]


@pytest.mark.parametrize(
    ("layout", "digits", "text"),
    [
        ("fr", "049", "1"),
        ("fr", "49", "1"),
        ("fr", "064", "@"),
        ("fr", "0233", "é"),
        ("fr", "130", "é"),
        ("fr", "0128", "€"),
        ("fr", "213", "ı"),
        ("us", "213", "╒"),
        ("fr", "029", "\x1d"),
        ("fr", "29", "\x1d"),
    ],
)
def test_alt_and_a_number_write_a_character(layout: str, digits: str, text: str) -> None:
    typist = Typist(layout, num_lock=False).tap(*[KEYPAD[digit] for digit in digits], held=(LEFT_ALT,))
    assert typist.tap(ENTER).labels == [RawLabel(text.encode(), layout=layout)]


@pytest.mark.parametrize("digits", ["0", "0000", "256", "0999", "0129", "00049", "9" * 5_000])
def test_an_alt_number_that_no_code_page_has_is_refused(digits: str) -> None:
    typist = Typist("fr").tap(*[KEYPAD[digit] for digit in digits], held=(LEFT_ALT,))
    assert typist.tap(ENTER).labels == [UNREADABLE]


@pytest.mark.parametrize("between", [2, LEFT_SHIFT, LEFT_CTRL, 59])
def test_an_alt_number_is_typed_in_one_go(between: int) -> None:
    typist = Typist("fr").tap(KEYPAD["4"], between, KEYPAD["9"], held=(LEFT_ALT,)).tap(ENTER)
    assert typist.labels == [UNREADABLE]


def test_a_release_that_nobody_pressed_ends_no_alt_number() -> None:
    typist = Typist()
    typist.move(LEFT_ALT, pressed=True)
    typist.tap(KEYPAD["4"]).move(LEFT_SHIFT, pressed=False)
    typist.tap(KEYPAD["9"]).move(LEFT_ALT, pressed=False)
    assert typist.tap(ENTER).labels == [us("1")]


def test_an_alt_number_that_is_cut_is_refused() -> None:
    typist = Typist("fr")
    typist.move(LEFT_ALT, pressed=True)
    assert typist.tap(KEYPAD["4"], KEYPAD["9"]).decoder.pending
    assert typist.tap(ENTER).labels == [UNREADABLE]


@pytest.mark.parametrize("digits", ["013", "010", "09", "13"])
def test_an_alt_number_may_be_the_terminator(digits: str) -> None:
    typist = Typist().tap(*ROW).tap(*[KEYPAD[digit] for digit in digits], held=(LEFT_ALT,))
    assert typist.labels == [us(NUMBER)]


@pytest.mark.parametrize(
    ("layout", "code"), [("us", 50), ("us", 36), ("us", 23), ("fr", 39), ("fr-bepo", 40)]
)
def test_ctrl_m_j_and_i_are_terminators(layout: str, code: int) -> None:
    typist = Typist(layout).tap(16).tap(code, held=(LEFT_CTRL,))
    assert [label.damage for label in typist.labels] == [None]


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "fr-bepo"])
@pytest.mark.parametrize(("code", "text"), [(27, b"\x1d"), (26, b"\x1b"), (43, b"\x1c")])
def test_ctrl_writes_separators_at_the_same_place_in_every_country(
    layout: str, code: int, text: bytes
) -> None:
    assert [label.data for label in Typist(layout).tap(code, held=(RIGHT_CTRL,)).tap(ENTER).labels] == [text]


@pytest.mark.parametrize(
    ("code", "held"), [(2, (LEFT_CTRL,)), (27, (LEFT_CTRL, LEFT_ALT)), (27, (LEFT_CTRL, META))]
)
def test_ctrl_writes_nothing_else(code: int, held: tuple[int, ...]) -> None:
    assert Typist().tap(code, held=held).tap(ENTER).labels == [UNREADABLE]


def test_a_dead_key_writes_its_accent_with_a_space_and_nothing_else() -> None:
    assert Typist("ch-fr").tap(13, 57, 30, ENTER).labels == [RawLabel(b"^a", layout="ch-fr")]
    assert Typist("fr").tap(26, 18, ENTER).labels == [UNREADABLE]
    assert Typist("fr").tap(26, ENTER).labels == [UNREADABLE]
    assert Typist("fr").tap(26, 26, 57, ENTER).labels == [UNREADABLE]


@pytest.mark.parametrize("code", [1, 14, 59, 103, 111, 0, -1, 272, 0x2FF, 10**9])
def test_a_key_without_a_character_spoils_the_label(code: int) -> None:
    assert Typist().tap(*ROW, code, ENTER, 2, ENTER).labels == [UNREADABLE, us("1")]


def test_keys_may_roll() -> None:
    typist = Typist()
    for code, up in zip(ROW, [0, *ROW], strict=False):
        typist.move(code, pressed=True)
        if up:
            typist.move(up, pressed=False)
    typist.move(ENTER, pressed=True)
    typist.move(2, pressed=False)
    typist.move(ENTER, pressed=False)
    assert typist.labels == [us(NUMBER)]


def test_releases_that_nobody_pressed_say_nothing() -> None:
    typist = Typist()
    for code in (*ROW, ENTER, LEFT_SHIFT, LEFT_ALT, CAPS_LOCK, 59):
        typist.move(code, pressed=False)
    assert typist.tap(*ROW, ENTER).labels == [us(NUMBER)]


def test_a_key_that_goes_down_twice_was_missed_once() -> None:
    typist = Typist()
    typist.move(2, pressed=True)
    typist.tap(2, *ROW, ENTER, *ROW, ENTER)
    assert typist.labels == [UNREADABLE, us(NUMBER)]


@pytest.mark.parametrize(("modifier", "code"), [(LEFT_ALT, KEYPAD["4"]), (LEFT_CTRL, 27)])
def test_so_was_one_that_goes_down_twice_under_a_modifier(modifier: int, code: int) -> None:
    typist = Typist()
    typist.move(modifier, pressed=True)
    typist.move(code, pressed=True)
    typist.tap(code)
    typist.move(modifier, pressed=False)
    assert typist.tap(ENTER).labels == [UNREADABLE]


def test_a_key_that_stays_down_at_the_end_of_a_label_is_forgotten() -> None:
    typist = Typist()
    typist.move(2, pressed=True)
    assert typist.tap(ENTER, *ROW, ENTER).labels == [us("1"), us(NUMBER)]


def test_a_pause_ends_a_label() -> None:
    typist = Typist(terminators=frozenset[str]()).tap(*ROW).wait(0.29)
    assert typist.labels == [] and typist.decoder.pending
    assert typist.wait(0.02).labels == [us(NUMBER)]
    assert not typist.decoder.pending
    typist.tap(*ROW)
    typist.now_s += 1
    assert typist.tap(3).labels == [us(NUMBER)] * 2


def test_without_a_gap_no_pause_ends_a_label() -> None:
    typist = Typist(idle_gap_s=0).tap(*ROW[:5]).wait(1e6).tap(*ROW[5:], ENTER)
    assert typist.labels == [us(NUMBER)]


def test_where_terminators_are_known_a_pause_tears() -> None:
    typist = Typist(terminators=frozenset({"enter"})).tap(*ROW).wait(1).tap(*ROW, ENTER, *ROW, ENTER)
    assert typist.labels == [TORN, TORN, us(NUMBER)]


def test_where_nothing_is_known_a_label_must_end_as_the_one_before() -> None:
    with_enter = Typist().tap(2, ENTER).tap(*ROW).wait(1).tap(*ROW, ENTER).tap(*ROW, ENTER)
    assert with_enter.labels == [us("1"), TORN, TORN, us(NUMBER)]
    with_nothing = Typist().tap(*ROW).wait(1).tap(*ROW).wait(1)
    assert with_nothing.labels == [TORN, us(NUMBER)]


def test_where_none_is_sent_a_pause_ends_each_label() -> None:
    typist = Typist(terminators=frozenset[str]()).tap(*ROW).wait(1).tap(*ROW).wait(1)
    assert typist.labels == [us(NUMBER)] * 2


def test_what_had_begun_when_events_were_lost_comes_out_torn_once() -> None:
    typist = Typist().tap(*ROW[:4]).lose().lose()
    assert typist.labels == [TORN] and not typist.decoder.pending
    typist.tap(*ROW[4:])
    assert typist.decoder.pending
    assert typist.lose().tap(3, ENTER).labels == [TORN]
    assert typist.tap(*ROW, ENTER).labels == [TORN, us(NUMBER)]


@pytest.mark.parametrize("rest", [ROW, [], [59]])
def test_a_label_whose_beginning_was_lost_is_torn(rest: list[int]) -> None:
    assert Typist().lose().tap(*rest, ENTER).labels == [TORN]


def test_a_pause_after_a_loss_begins_anew() -> None:
    assert Typist().lose().wait(0).wait(0.4).tap(*ROW, ENTER).labels == [us(NUMBER)]
    assert Typist().tap(2).lose().wait(0).tap(3).wait(0.4).tap(*ROW, ENTER).labels == [TORN, us(NUMBER)]


def test_a_loss_forgets_the_modifiers() -> None:
    typist = Typist()
    typist.move(LEFT_SHIFT, pressed=True)
    typist.lose().tap(ENTER)
    assert typist.tap(*ROW, ENTER).labels == [TORN, us(NUMBER)]


def test_the_longest_label_passes_and_one_character_more_is_damage() -> None:
    assert Typist().tap(*[2] * MAX_LABEL_BYTES, ENTER).labels == [us("1" * MAX_LABEL_BYTES)]
    assert Typist().tap(*[2] * (MAX_LABEL_BYTES + 1), ENTER).labels == [TOO_LONG]
    assert Typist("fr").tap(*[3] * (MAX_LABEL_BYTES // 2 + 1), ENTER).labels == [TOO_LONG]


@pytest.mark.parametrize("settings", [{"layout": "dvorak"}, {"terminators": ["escape"]}])
def test_an_unknown_setting_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        KeyboardDecoder(**settings)  # type: ignore[arg-type]


codes = (
    st.sampled_from([*KEYS, *range(71, 84), 15, 28, 29, 42, 54, 56, 58, 69, 96, 97, 100, 125]) | st.integers()
)
steps = st.one_of(
    st.tuples(st.just("key"), codes, st.booleans()),
    st.tuples(st.just("wait"), st.floats(-1, 1), st.none()),
    st.tuples(st.just("lose"), st.none(), st.none()),
)


def size(decoder: KeyboardDecoder) -> int:
    held = decoder._text, decoder._down, decoder._alt_digits
    return sum(sys.getsizeof(part) for part in held)


@given(
    layout=st.sampled_from(list(LAYOUTS)),
    terminators=st.sets(st.sampled_from(sorted(ANY_TERMINATOR))),
    idle_gap_s=st.sampled_from([0.0, 0.3]),
    script=st.lists(steps, max_size=200),
)
def test_no_keys_make_it_fail_or_grow(
    layout: str, terminators: set[str], idle_gap_s: float, script: list[tuple[str, object, object]]
) -> None:
    typist = Typist(layout, terminators=terminators, idle_gap_s=idle_gap_s)
    for what, first, second in script:
        if what == "key" and isinstance(first, int):
            typist.move(first, pressed=bool(second))
        elif isinstance(first, float):
            typist.wait(first)
        else:
            typist.lose()
    for label in typist.labels:
        assert label == RawLabel(label.data, layout=layout) or (
            label.data == b"" and label.damage is not None
        )
        assert label.damage is not None or 0 < len(label.data) <= MAX_LABEL_BYTES
        label.data.decode()
    assert size(typist.decoder) < 40_000


def test_keys_that_never_end_take_no_memory() -> None:
    typist = Typist(idle_gap_s=0)
    for code in range(30_000):
        typist.move(2 + code % 10, pressed=True)
        typist.move(1_000 + code, pressed=True)
        typist.move(2 + code % 10, pressed=False)
    assert size(typist.decoder) < 40_000
    assert typist.tap(ENTER).labels == [UNREADABLE]


def test_text_that_never_ends_takes_no_memory() -> None:
    typist = Typist(idle_gap_s=0).tap(*[2, 3, 4] * 5_000)
    assert size(typist.decoder) < 40_000
    assert typist.tap(ENTER).labels == [TOO_LONG]
    assert size(typist.lose().tap(*[2, 3, 4] * 5_000).decoder) < 40_000


def test_no_repr_of_keys_tells_which_they_were() -> None:
    event = KeyEvent(1.5, ROW[7], pressed=True)
    batch = read_batch('{"page": "p", "batch": 0, "events": [{"code": "Digit8", "down": true, "ms": 1}]}')
    for shown in (repr(event), repr([Key(event)]), repr(batch)):
        assert str(ROW[7]) not in shown.replace("1.5", "")
        assert "pressed=True" in shown
