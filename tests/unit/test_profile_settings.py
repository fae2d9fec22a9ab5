"""A profile as a station file holds it: read, refused in words, and written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.errors import ConfigurationError
from cvconnect_drivers.printers.charset import PC858, WPC1252, CodePage
from cvconnect_drivers.printers.profile_settings import read_profile, settings_of, width_of, write_pages
from cvconnect_drivers.printers.profiles import PROFILES, Profile
from cvconnect_drivers.urls import Settings, parse_url


def read(query: str = "", /, **options: object) -> Profile:
    return read_profile(Settings(parse_url(f"tcp://printer:9100?{query}", {"tcp"}), options))


def test_nothing_said_is_the_usual_one() -> None:
    assert read() == PROFILES["80mm"]


def test_what_stands_beside_the_name_replaces_what_the_name_says() -> None:
    profile = read(
        profile="58mm", columns=42, pages="cp858:20, cp1252:71", qr="native", dpi=180, cut=False, kanji=True
    )
    assert profile == Profile(
        42, 504, (CodePage(20, "cp858"), CodePage(71, "cp1252")), 180, native_qr=True, cut=False, kanji=True
    )


def test_a_url_says_the_same_as_a_table() -> None:
    assert read("columns=42&pages=cp858:19&cut=false") == read(columns=42, pages="cp858:19", cut=False)


def test_the_same_number_of_columns_keeps_the_width_that_is_known() -> None:
    assert read(profile="epson-tm-t88v", columns=42).width_dots == 512


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("profile", "90mm", "80mm"),
        ("columns", 19, "20"),
        ("columns", "wide", "20"),
        ("pages", "cp858", "cp858:19"),
        ("pages", "19", "cp858:19"),
        ("pages", "klingon:19", "cp858:19"),
        ("pages", "utf-8:19", "cp858:19"),
        ("pages", "cp037:19", "cp858:19"),
        ("pages", "rot13:19", "cp858:19"),
        ("pages", "cp858:256", "cp858:19"),
        ("pages", "cp858:19,", "cp858:19"),
        ("pages", 19, "texte"),
        ("qr", "photo", "native"),
        ("dpi", 72, "100"),
        ("cut", "yes", "false"),
        ("cut", 1, "false"),
        ("kanji", "on", "false"),
    ],
)
def test_what_cannot_be_names_the_key_and_what_may_stand_there(key: str, value: object, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(**{key: value})
    assert refused.value.code == "INVALID_URL"
    assert f"« {key} »" in refused.value.fr
    assert remedy in refused.value.fr
    assert key in refused.value.en


@given(
    st.sampled_from(sorted(PROFILES)),
    st.builds(
        Profile,
        columns=st.integers(20, 72),
        width_dots=st.just(0),
        pages=st.sampled_from([(PC858,), (WPC1252, PC858), (CodePage(0, "ascii"),), (CodePage(2, "cp850"),)]),
        dpi=st.integers(100, 600),
        native_qr=st.booleans(),
        cut=st.booleans(),
        kanji=st.booleans(),
    ),
)
def test_what_is_written_is_read_again(name: str, asked: Profile) -> None:
    profile = read(
        profile=name,
        columns=asked.columns,
        pages=write_pages(asked.pages),
        qr="native" if asked.native_qr else "image",
        dpi=asked.dpi,
        cut=asked.cut,
        kanji=asked.kanji,
    )
    written = {key: value for key, value in settings_of(profile, name).items() if value is not None}
    assert read(**written) == profile


def test_only_what_differs_is_written() -> None:
    for name, profile in PROFILES.items():
        assert {key for key, value in settings_of(profile, name).items() if value is not None} == {"profile"}


@given(st.integers(20, 72))
def test_a_width_is_whole_bytes_and_holds_the_columns(columns: int) -> None:
    assert width_of(columns) % 8 == 0
    assert 0 <= columns * 12 - width_of(columns) < 8


@pytest.mark.parametrize("columns", range(20, 73))
def test_a_drawn_character_is_as_wide_as_a_printed_one(columns: int) -> None:
    assert read(columns=columns).column_dots == 12


@pytest.mark.parametrize("codec", ["iso2022_jp", "shift_jis", "cp932", "big5"])
def test_a_page_with_characters_of_two_bytes_is_refused(codec: str) -> None:
    with pytest.raises(ConfigurationError, match="is no page"):
        read(pages=f"{codec}:1")
