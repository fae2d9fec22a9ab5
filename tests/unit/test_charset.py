"""French prints, whatever the pages; nothing is ever replaced by a question mark."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.printers.charset import ISO8859_15, PC858, WPC1252, CodePage, Run, encode
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.spelling import TYPOGRAPHY

BOTH = (PC858, WPC1252)
FRENCH = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    "àâäçéèêëîïôöùûüÿœæÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸŒÆ€£«»’‘“”–—…°²·×\u00a0"
)


def decode(runs: list[Run] | None) -> str:
    assert runs is not None
    return "".join(run.data.decode(run.page.codec) for run in runs)


@given(st.text(alphabet=FRENCH, max_size=60), st.sampled_from(BOTH))
def test_every_french_text_comes_back_as_it_was(text: str, current: CodePage) -> None:
    assert decode(encode(text, BOTH, current)) == text


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("Reste à payer 15,50\u00a0€", [Run(PC858, b"Reste \x85 payer 15,50\xff\xd5")]),
        ("L’Œuf", [Run(WPC1252, b"L\x92\x8cuf")]),
        ("", []),
    ],
)
def test_one_page_serves_a_line_when_it_can(text: str, runs: list[Run]) -> None:
    assert encode(text, BOTH, PC858) == runs


def test_the_page_in_use_is_kept_when_it_can_be() -> None:
    assert encode("payé", BOTH, WPC1252) == [Run(WPC1252, b"pay\xe9")]


def test_a_line_that_no_page_covers_is_cut_where_it_must_be() -> None:
    assert encode("█ L’Œuf", BOTH, PC858) == [Run(PC858, b"\xdb L"), Run(WPC1252, b"\x92\x8cuf")]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("L’Œuf – cœur…", "L'OEuf - coeur..."),
        ("12\u202f345\u00a0€", "12\u00a0345\u00a0€"),
        ("ﬁn", "fin"),
        ("„Œuvre‟ ‹1⁄2›", '"OEuvre" <1/2>'),
        ("№ 4\u2009: 20\u3000℃ ™", "No 4 : 20 °C TM"),
        ("a\u2028b", "a b"),
        ("e\u0301te\u0301", "été"),
    ],
)
def test_what_a_page_lacks_is_substituted_by_what_reads_the_same(text: str, printed: str) -> None:
    assert decode(encode(text, (PC858,), PC858)) == printed


def test_typography_is_spelled_down_to_ascii() -> None:
    ascii_page = CodePage(0, "ascii")
    printed = decode(encode("12,50\u202f€ – à l’Œuf…".replace("à", "a"), (ascii_page,), ascii_page))
    assert printed == "12,50 EUR - a l'OEuf..."


@pytest.mark.parametrize(
    "text", ["Crêperie \U0001f3d6", "Crêperie \U0001f3d6\ufe0f", "Café Ω", "漢字 L’Œuf", "\ud800", "？"]
)
def test_a_line_with_a_character_that_no_page_has_and_nothing_spells_must_be_drawn(text: str) -> None:
    assert encode(text, BOTH, PC858) is None


@pytest.mark.parametrize("text", ["Škoda", "Ÿ", "Łódź", "x⁵", "À"])
def test_neither_accents_nor_exponents_are_dropped(text: str) -> None:
    assert encode(text, (CodePage(0, "cp437"),), CodePage(0, "cp437")) is None


def test_a_third_page_serves_what_the_others_lack() -> None:
    assert encode("Œ", (PC858, ISO8859_15), PC858) == [Run(ISO8859_15, b"\xbc")]


@pytest.mark.parametrize("character", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202a"])
def test_a_character_without_a_shape_is_dropped(character: str) -> None:
    assert encode(f"a{character}b", BOTH, PC858) == [Run(PC858, b"ab")]
    assert encode(character, BOTH, PC858) == []


@pytest.mark.parametrize("character", ["\n", "\r", "\x1b", "\x00", "\x7f", "\x90"])
def test_a_control_character_is_refused(character: str) -> None:
    with pytest.raises(ContentError) as caught:
        encode(f"a{character}b", BOTH, PC858)
    assert caught.value.code == "CONTROL_CHARACTER"
    assert f"U+{ord(character):04X}" in caught.value.text()


@given(st.text(max_size=20))
def test_only_control_characters_are_errors_and_no_question_mark_is_made(text: str) -> None:
    try:
        runs = encode(text, BOTH, PC858)
    except ContentError:
        assert any(unicodedata.category(character) == "Cc" for character in text)
        return
    assert runs is None or decode(runs).count("?") == unicodedata.normalize("NFC", text).count("?")


@pytest.mark.parametrize("character", sorted(TYPOGRAPHY))
def test_every_listed_spelling_ends_in_a_page_of_the_west(character: str) -> None:
    assert encode(character, BOTH, PC858) is not None


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_page_of_every_printer_begins_with_ascii(name: str) -> None:
    ascii_text = "".join(map(chr, range(0x20, 0x7F)))
    assert {page.encode(ascii_text) for page in PROFILES[name].pages} == {ascii_text.encode()}


@pytest.mark.parametrize(
    "codec", sorted({page.codec for profile in PROFILES.values() for page in profile.pages})
)
def test_a_page_has_the_characters_that_its_codec_has(codec: str) -> None:
    def by_codec(character: str) -> bytes | None:
        try:
            return character.encode(codec)
        except UnicodeEncodeError:
            return None

    page = CodePage(0, codec)
    characters = [chr(point) for point in range(0x10000)]
    assert [page.encode(each) for each in characters] == [by_codec(each) for each in characters]
