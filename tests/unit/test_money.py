"""Amounts: integer cents, typed and shown the French way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos import InvalidInput, check_amount, format_amount, parse_amount
from cvconnect_pos.money import MAX_CENTS

CENTS = st.integers(0, MAX_CENTS)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("12,50", 1250),
        ("12.50", 1250),
        ("12,5", 1250),
        ("12", 1200),
        ("0,01", 1),
        ("1 234,50", 123450),
        ("1\u00a0234,50\u00a0€", 123450),
        ("1\u202f234,50 €", 123450),
        ("1234,50€", 123450),
        ("007,00", 700),
        ("99 999 999,99", MAX_CENTS),
    ],
)
def test_what_a_cashier_types_is_read(text: str, cents: int) -> None:
    assert parse_amount(text) == cents


@pytest.mark.parametrize(
    "text",
    ["", " ", "12,345", "-12", "+12", "12,", ",50", "1,234.50", "12 34", "1e3", "NaN", "٣", "１２", "12€50", "0x10",
     "12\n", " 12", "12 €€", "€ 12"],
)  # fmt: skip
def test_what_is_no_amount_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_amount(text)
    assert caught.value.code == "AMOUNT_UNREADABLE"
    assert caught.value.remedy("fr") and caught.value.remedy("en")


@pytest.mark.parametrize("text", ["100000000,00", "99999999999", "9" * 100_000])
def test_an_amount_over_ten_digits_is_refused_at_once(text: str) -> None:
    with pytest.raises(InvalidInput, match="AMOUNT_TOO_LARGE"):
        parse_amount(text)


def test_the_french_form_has_no_breaking_space() -> None:
    assert format_amount(1234_50) == "1\u00a0234,50\u00a0€"
    assert format_amount(-5) == "-0,05\u00a0€"
    assert format_amount(0) == "0,00\u00a0€"
    assert format_amount(1_234_567_89) == "1\u00a0234\u00a0567,89\u00a0€"


@given(CENTS)
def test_what_is_shown_is_read_back(cents: int) -> None:
    assert parse_amount(format_amount(cents)) == cents


@given(CENTS)
def test_a_shown_amount_is_printable_in_the_printers_code_pages(cents: int) -> None:
    assert format_amount(cents).encode("cp858").decode("cp858") == format_amount(cents)


@given(st.text(max_size=30))
def test_any_text_is_an_amount_in_range_or_a_typed_error(text: str) -> None:
    try:
        cents = parse_amount(text)
    except InvalidInput as error:
        assert error.code in {"AMOUNT_UNREADABLE", "AMOUNT_TOO_LARGE"}
    else:
        assert 0 <= cents <= MAX_CENTS


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, "AMOUNT_NOT_POSITIVE"),
        (-1, "AMOUNT_NOT_POSITIVE"),
        (45.5, "AMOUNT_NOT_INTEGER"),
        (4550.0, "AMOUNT_NOT_INTEGER"),
        ("4550", "AMOUNT_NOT_INTEGER"),
        (True, "AMOUNT_NOT_INTEGER"),
        (None, "AMOUNT_NOT_INTEGER"),
        (19_99, "AMOUNT_BELOW_FLOOR"),
        (MAX_CENTS + 1, "AMOUNT_TOO_LARGE"),
        (10**40, "AMOUNT_TOO_LARGE"),
    ],
)
def test_an_amount_that_may_not_be_asked_is_refused(amount: object, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_amount(amount)
    assert (caught.value.code, caught.value.fields["field"]) == (code, "amount_cents")


@given(st.integers(20_00, MAX_CENTS))
def test_every_amount_from_the_floor_up_may_be_asked(cents: int) -> None:
    assert check_amount(cents) == cents


def test_the_floor_is_a_setting() -> None:
    assert check_amount(500, floor_cents=500) == 500
    with pytest.raises(InvalidInput, match="5,00"):
        check_amount(499, floor_cents=500)
