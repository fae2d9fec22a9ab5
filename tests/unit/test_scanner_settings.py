"""The settings that all scanners share, and how a device is told from another."""

from __future__ import annotations

import pytest

from cvconnect_drivers.errors import ConfigurationError, LinkAbsentError
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.labels import Envelope
from cvconnect_drivers.scanners.settings import (
    Identity,
    ScannerSettings,
    read_identity,
    read_scanner_settings,
    usb_number,
)
from cvconnect_drivers.urls import Settings, parse_url


def of(query: str = "", **options: object) -> Settings:
    return Settings(parse_url(f"hidpos:{query}", {"hidpos"}), options)


def test_nothing_said_means_the_defaults() -> None:
    settings = of()
    assert read_scanner_settings(settings) == ScannerSettings()
    settings.refuse_unknown()


def test_every_setting_is_read_from_the_url_and_from_the_table() -> None:
    settings = of(
        "?prefix=%02&label_prefix=CVCO:&duplicate_window_ms=0",
        url_parameter="id",
        json_field="client",
        symbologies="qr, Code128,]C1,d",
    )
    assert read_scanner_settings(settings) == ScannerSettings(
        b"\x02", Envelope("CVCO:", "id", "client"), 0.0, frozenset({"]Q", "]C", "]C1", "]d"})
    )
    settings.refuse_unknown()


@pytest.mark.parametrize("wrong", ["qrcode", "]", "C12", "qr;code128", "é"])
def test_a_symbology_that_nobody_knows_is_refused_by_its_name(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="symbologies") as caught:
        read_scanner_settings(of(symbologies=f"qr,{wrong}"))
    assert wrong in caught.value.text()


def test_the_prefix_is_taken_off_and_a_label_without_it_lost_its_beginning() -> None:
    settings = ScannerSettings(prefix=b"\x02")
    whole = settings.without_prefix(RawLabel(b"\x02123", symbology="]Q1", layout="fr"))
    assert (whole.data, whole.symbology, whole.layout) == (b"123", "]Q1", "fr")
    assert settings.without_prefix(RawLabel(b"123")).damage == "NO_PREFIX"
    torn = RawLabel(b"", "TORN")
    assert settings.without_prefix(torn) is torn


@pytest.mark.parametrize(
    ("query", "identity"),
    [
        ("", Identity()),
        ("?vendor=0c2e", Identity("0c2e")),
        ("?vendor=0x0C2E&product=0B61", Identity("0c2e", "0b61")),
        (
            "?product=0b61&serial=ABC&port=usb-0000:00:14.0-2/input0",
            Identity("", "0b61", "ABC", "usb-0000:00:14.0-2/input0"),
        ),
    ],
)
def test_an_identity_is_read(query: str, identity: Identity) -> None:
    assert read_identity(of(query)) == identity


@pytest.mark.parametrize("key", ["vendor", "product"])
@pytest.mark.parametrize("wrong", ["c2e", "0c2e0", "zzzz", "3118;"])
def test_a_number_that_is_no_usb_number_is_refused(key: str, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=key):
        read_identity(of(f"?{key}={wrong}"))


def test_a_usb_number_is_written_as_it_is_read() -> None:
    assert read_identity(of(f"?vendor={usb_number(0x0C2E)}")).vendor == usb_number(0x0C2E) == "0c2e"
    assert not usb_number(None)


ONE, TWIN = Identity("0c2e", "0b61", "ABC", "1-2"), Identity("0c2e", "0b61", "ABC", "1-3")
OTHER = Identity("05e0", "1200", "", "1-4")


def choose(asked: Identity, *found: Identity) -> Identity:
    return asked.choose(found, lambda each: each, "hidpos:?x")


def test_the_only_device_that_fits_is_chosen() -> None:
    assert choose(Identity("0c2e"), ONE, OTHER) is ONE
    assert choose(Identity("0c2e", port="1-3"), ONE, TWIN, OTHER) is TWIN
    assert choose(Identity(), OTHER) is OTHER


def test_a_device_that_is_not_there_may_come_later() -> None:
    with pytest.raises(LinkAbsentError):
        choose(Identity("0c2e", serial="XYZ"), ONE, TWIN, OTHER)


def test_between_two_devices_nobody_guesses_and_the_message_tells_them_apart() -> None:
    with pytest.raises(ConfigurationError) as caught:
        choose(Identity("0c2e", "0b61", "ABC"), ONE, TWIN, OTHER)
    assert caught.value.code == "DEVICE_AMBIGUOUS"
    for sentence in (caught.value.fr, caught.value.en):
        assert "port=1-2" in sentence
        assert "port=1-3" in sentence
        assert "1-4" not in sentence
