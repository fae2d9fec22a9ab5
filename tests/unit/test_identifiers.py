"""Identifiers: checked once, masked wherever they are shown."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos import AdministratorAccount, Beneficiary, BeneficiaryKind, InvalidInput, PointOfSaleAccount
from cvconnect_pos.identifiers import REFERENCE_MAX, check_reference

NUMBERS = st.text(string.digits, min_size=11, max_size=11)
LABELS = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?\Z")
EMAILS = st.builds(
    "{}@{}.{}".format, st.from_regex(r"\A[a-z0-9._+-]{1,20}\Z").filter(lambda s: ".." not in s), LABELS,
    st.sampled_from(["fr", "com", "invalid"]),
)  # fmt: skip


@given(NUMBERS)
def test_eleven_digits_are_a_customer(number: str) -> None:
    customer = Beneficiary.parse(number)
    assert (customer.kind, customer.value) == (BeneficiaryKind.NUMBER, number)


@given(EMAILS)
def test_an_address_is_a_customer(email: str) -> None:
    customer = Beneficiary.parse(email)
    assert (customer.kind, customer.value) == (BeneficiaryKind.EMAIL, email)


def test_the_mask_is_the_providers() -> None:
    assert Beneficiary.parse("10000003051").masked == "10*****3051"
    assert Beneficiary.parse("client@example.fr").masked == "c*****@e*****.fr"


@given(NUMBERS)
def test_no_way_of_showing_a_customer_shows_the_number(number: str) -> None:
    customer = Beneficiary.parse(number)
    for shown in (repr(customer), str(customer), f"{customer}", customer.masked, repr([customer])):
        assert number not in shown
        assert number[2:7] == "*****" or number[1:8] not in shown


@given(EMAILS.filter(lambda e: len(e.split("@")[0]) > 1))
def test_no_way_of_showing_a_customer_shows_the_address(email: str) -> None:
    customer = Beneficiary.parse(email)
    for shown in (repr(customer), str(customer), customer.masked):
        assert email not in shown


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "BENEFICIARY_EMPTY"),
        ("1000000305", "BENEFICIARY_LENGTH"),
        ("100000030511", "BENEFICIARY_LENGTH"),
        (" 10000003051", "BENEFICIARY_SPACES"),
        ("10000003051\n", "BENEFICIARY_SPACES"),
        ("\u00a010000003051", "BENEFICIARY_SPACES"),
        ("１００００００３０５１", "BENEFICIARY_UNREADABLE"),
        ("١٠٠٠٠٠٠٣٠٥١", "BENEFICIARY_UNREADABLE"),
        ("1000 0003 051", "BENEFICIARY_UNREADABLE"),
        ("client@", "BENEFICIARY_UNREADABLE"),
        ("client@host", "BENEFICIARY_UNREADABLE"),
        ("a..b@example.fr", "BENEFICIARY_UNREADABLE"),
        ("é@example.fr", "BENEFICIARY_UNREADABLE"),
        ("a@b@example.fr", "BENEFICIARY_UNREADABLE"),
        ("a" * 250 + "@example.fr", "BENEFICIARY_UNREADABLE"),
        ("à&é\"'(-è_çà", "BENEFICIARY_UNREADABLE"),
    ],
)
def test_anything_else_is_refused_without_quoting_it(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Beneficiary.parse(text)
    error = caught.value
    assert error.code == code
    for shown in (str(error), repr(error), error.text("fr"), error.remedy("fr"), str(error.fields)):
        assert len(text) < 5 or text.strip() not in shown


@given(st.text(max_size=300))
def test_any_text_is_a_customer_or_a_typed_error(text: str) -> None:
    try:
        assert Beneficiary.parse(text).value == text
    except InvalidInput as error:
        assert error.code.startswith("BENEFICIARY_")


@given(st.text(string.digits, min_size=6, max_size=6), st.text(string.digits, min_size=12, max_size=12))
def test_accounts_have_six_and_twelve_digits(six: str, twelve: str) -> None:
    assert AdministratorAccount.parse(six).value == six
    assert PointOfSaleAccount.parse(twelve).value == twelve
    for parse, wrong in ((AdministratorAccount.parse, twelve), (PointOfSaleAccount.parse, six)):
        with pytest.raises(InvalidInput, match="ACCOUNT_UNREADABLE"):
            parse(wrong)


@pytest.mark.parametrize("text", ["", "12345", "1234567", "12345a", "１２３４５６", " 12345", "12345\n"])
def test_a_wrong_account_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="ACCOUNT_UNREADABLE"):
        AdministratorAccount.parse(text)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "REFERENCE_EMPTY"),
        ("   ", "REFERENCE_EMPTY"),
        ("x" * 21, "REFERENCE_TOO_LONG"),
        ("REF\x00", "REFERENCE_UNPRINTABLE"),
        ("REF\n253", "REFERENCE_UNPRINTABLE"),
        ("REF\u202e253", "REFERENCE_UNPRINTABLE"),
        (253, "REFERENCE_NOT_TEXT"),
        (None, "REFERENCE_NOT_TEXT"),
    ],
)
def test_a_reference_is_refused_never_cut(value: object, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_reference(value, "basket_ref")
    assert (caught.value.code, caught.value.fields["field"]) == (code, "basket_ref")


def test_a_reference_of_twenty_characters_is_kept_whole() -> None:
    assert check_reference("é" * REFERENCE_MAX, "basket_ref") == "é" * 20
    assert check_reference("", "label", optional=True) == ""
