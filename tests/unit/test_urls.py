"""Device URLs are read exactly, and a typing mistake never passes for a default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest

from cvconnect_drivers.displays import image, terminal
from cvconnect_drivers.errors import ConfigurationError, DriverError
from cvconnect_drivers.printers.printer import open_printer
from cvconnect_drivers.scanners import hidpos
from cvconnect_drivers.scanners.serial import open_scanner
from cvconnect_drivers.urls import Settings, parse_url
from cvconnect_pos.peripherals import Display, Printer, Scanner

Factory: TypeAlias = Callable[[str, Mapping[str, object]], Scanner | Display | Printer]

ALL = {"serial", "socket", "tcp", "file", "memory", "image", "terminal"}


@pytest.mark.parametrize(
    ("text", "scheme", "target", "query"),
    [
        ("serial:///dev/ttyACM0?baud=115200", "serial", "/dev/ttyACM0", {"baud": "115200"}),
        ("serial:COM3", "serial", "COM3", {}),
        ("serial://COM3", "serial", "COM3", {}),
        ("socket://127.0.0.1:4567", "socket", "127.0.0.1:4567", {}),
        ("tcp://192.168.1.50:9100?profile=80mm", "tcp", "192.168.1.50:9100", {"profile": "80mm"}),
        ("file:out/ticket.bin", "file", "out/ticket.bin", {}),
        ("file:out/caisse%20n%C2%B01.bin", "file", "out/caisse n°1.bin", {}),
        ("file:C:\\tickets\\t.bin", "file", "C:\\tickets\\t.bin", {}),
        ("memory:NAME", "memory", "NAME", {}),
        ("image:out/demo/display.png?size=800x480", "image", "out/demo/display.png", {"size": "800x480"}),
        ("terminal:", "terminal", "", {}),
        ("serial:/dev/x?prefix=%02&json_field=", "serial", "/dev/x", {"prefix": "\x02", "json_field": ""}),
    ],
)
def test_a_url_is_taken_apart(text: str, scheme: str, target: str, query: Mapping[str, str]) -> None:
    url = parse_url(text, ALL)
    assert (url.text, url.scheme, url.target, url.query) == (text, scheme, target, query)


@pytest.mark.parametrize("text", ["", "COM3", "usb:auto", "://x", "SERIAL:x", "tcp://h:1?a=1&a=2"])
def test_what_is_no_device_url_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_url(text, ALL)
    assert caught.value.code == "INVALID_URL"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tcp://192.168.1.50:9100", ("192.168.1.50", 9100)),
        ("tcp://imprimante.local:65535/", ("imprimante.local", 65535)),
        ("tcp://[fe80::1]:9100", ("fe80::1", 9100)),
    ],
)
def test_an_address_is_host_and_port(text: str, address: tuple[str, int]) -> None:
    assert parse_url(text, ALL).address() == address


@pytest.mark.parametrize(
    "text", ["tcp://", "tcp://h", "tcp://h:0", "tcp://h:65536", "tcp://h:x", "tcp://u:p@h:1", "tcp://h:1/x"]
)
def test_an_address_without_a_valid_port_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_url(text, ALL).address()


def test_the_query_and_the_table_are_one_set_of_settings() -> None:
    settings = Settings(parse_url("serial:x?baud=9600", ALL), {"prefix": "A", "window": 5})
    assert settings.whole("baud", 1, 1, 10_000) == 9600
    assert settings.whole("window", 1, 1, 10) == 5
    assert settings.text("prefix", "") == "A"
    assert settings.text("missing", "default") == "default"
    settings.refuse_unknown()


def test_a_setting_given_twice_is_refused_by_its_name() -> None:
    with pytest.raises(ConfigurationError, match="'baud'"):
        Settings(parse_url("serial:x?baud=9600", ALL), {"baud": 9600})


@pytest.mark.parametrize("value", ["", "abc", "-1", "0", "11", 0, 11, True, 1.5, None])
def test_a_number_out_of_range_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="'n'"):
        Settings(parse_url("memory:", ALL), {"n": value}).whole("n", 5, 1, 10)


@pytest.mark.parametrize("value", ["800", "800x", "x480", "159x480", "800x9999", "800X480", 800])
def test_a_size_out_of_range_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="'size'"):
        Settings(parse_url("memory:", ALL), {"size": value}).size("size", (800, 480), 160, 3840)


@pytest.mark.parametrize(
    ("factory", "url", "options", "said"),
    [
        (open_scanner, "serial:", {}, "un nom de fichier ou de port doit suivre « serial: »"),
        (
            open_scanner,
            "serial:COM3",
            {"baud": "abc"},
            "« baud » doit être un nombre entier, de 300 à 4000000",
        ),
        (
            open_scanner,
            "serial:COM3?baud=1200",
            {"baud": 9600},
            "« baud » est donné dans l’adresse et dans la",
        ),
        (open_scanner, "serial:COM3", {"prefix": 2}, "« prefix » doit être un texte"),
        (open_scanner, "COM3", {}, "l’adresse commence par une sorte de liaison"),
        (
            hidpos.open_scanner,
            "hidpos:?vendor=honeywell",
            {},
            "« vendor » s’écrit avec quatre chiffres hexadécimaux",
        ),
        (
            open_scanner,
            "serial:COM3",
            {"symbologies": "qr,vinyl"},
            "« symbologies » ne connaît pas « vinyl »",
        ),
        (
            open_printer,
            "cups:auto",
            {},
            "« cups: » n’est pas l’une de ces liaisons : device, file, memory, serial, tcp, usb",
        ),
        (
            open_printer,
            "memory:x",
            {"profile": "90mm"},
            "« profile » doit avoir l’une de ces valeurs : 58mm, 80mm",
        ),
        (
            open_printer,
            "tcp://192.168.1.50",
            {},
            "il faut l’adresse et le port, comme tcp://192.168.1.50:9100",
        ),
        (open_printer, "tcp://h:70000", {}, "le port 70000 n’est pas entre 1 et 65535"),
        (open_printer, "tcp://h:1?profile=80mm&profile=80mm", {}, "« profile » est donné deux fois"),
        (
            image.open_display,
            "image:x.png",
            {"size": "800*480"},
            "« size » s’écrit comme 800x480, chaque côté de",
        ),
    ],
)
def test_what_is_wrong_with_a_setting_is_said_in_french_with_its_name(
    factory: Factory, url: str, options: Mapping[str, object], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        factory(url, options)
    assert caught.value.text().startswith(f"{url} : {said}")
    assert caught.value.text().endswith(".")


@pytest.mark.parametrize("url", ["file:x", "memory:x"])
def test_a_file_confirms_nothing(url: str) -> None:
    with pytest.raises(DriverError, match="'confirm'"):
        open_printer(url, {"confirm": "none"})


@pytest.mark.parametrize(
    ("factory", "url"),
    [
        (open_scanner, "serial:///dev/ttyACM0"),
        (open_scanner, "socket://127.0.0.1:1"),
        (open_scanner, "serial:?vendor=0c2e"),
        (hidpos.open_scanner, "hidpos:"),
        (open_printer, "tcp://127.0.0.1:9100"),
        (open_printer, "file:x"),
        (open_printer, "memory:x"),
        (image.open_display, "image:x.png"),
        (terminal.open_display, "terminal:"),
    ],
)
@pytest.mark.parametrize(("query", "options"), [("?bauds=1", {}), ("", {"bauds": 1})])
def test_an_unknown_setting_is_refused_by_its_name(
    factory: Factory, url: str, query: str, options: Mapping[str, object]
) -> None:
    with pytest.raises(DriverError, match="'bauds'") as caught:
        factory(url + (query.replace("?", "&") if "?" in url else query), options)
    assert caught.value.code == "UNKNOWN_OPTION"
    assert "bauds" in caught.value.fr


def test_a_baud_rate_means_nothing_over_the_network() -> None:
    with pytest.raises(DriverError, match="'baud'"):
        open_scanner("socket://127.0.0.1:1?baud=9600", {})


@pytest.mark.parametrize(
    ("factory", "url"),
    [
        (open_scanner, "serial:///dev/ttyACM0?baud=115200&terminator=crlf"),
        (open_scanner, "serial:?vendor=0c2e&product=0b61&serial=ABC"),
        (open_scanner, "serial:rfc2217://192.168.1.40:4001?baud=9600"),
        (hidpos.open_scanner, "hidpos:?vendor=0c2e&port=usb-0000:00:14.0-2/input0"),
        (open_printer, "tcp://127.0.0.1:9100?profile=58mm"),
        (image.open_display, "image:x.png?size=1024x600"),
        (terminal.open_display, "terminal:?colour=never"),
    ],
)
def test_a_device_is_called_by_its_url(factory: Factory, url: str) -> None:
    assert factory(url, {}).name == url
