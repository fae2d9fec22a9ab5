"""The station file's `[tickets]`: their language and the shop's logo, from the file to the paper."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from cvconnect_pos import ConfigError, Station
from cvconnect_pos.configuration import read_logo, read_station_file
from cvconnect_sim.counter import CUSTOMER, Counter

LOGO_PX = (200, 48)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with Counter(tmp_path / "à la caisse") as counter:
        yield counter


def add(counter: Counter, lines: str) -> None:
    with counter.station_file.open("a", encoding="utf-8") as file:
        file.write(f"\n[tickets]\n{lines}\n")


def png_of(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\x00" * (width + 1) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_language_and_logo_reach_the_paper(counter: Counter) -> None:
    logo = counter.folder / "logo é.png"
    Image.new("1", LOGO_PX, 0).save(logo)
    add(counter, 'language = "en"\nlogo = "logo é.png"')
    with Station.open(counter.station_file) as station:
        payment = station.tender.request(
            request_id="T1", amount_cents=4550, basket_ref="REF253", way="keyed", beneficiary=CUSTOMER
        )
        for event in payment:
            if event.name == "AwaitingCustomer":
                counter.phone.pay(counter.phone.incoming()[0], 3000)
        ticket = payment.ticket(language="en")
        assert [each.text for each in ticket.amounts] == ["45,50\u00a0€", "30,00\u00a0€", "15,50\u00a0€"]
    (slip,) = counter.wait_tickets(1)
    assert "Amount paid" in slip.text and "Left to pay" in slip.text and "Montant" not in slip.text
    assert "COPIE COMMERÇANT" in slip.text and slip.text.count("SIMULATION - SANS VALEUR") == 2
    printed = [row.bit_count() for row in slip.rows if row]
    assert printed[: LOGO_PX[1]] == [LOGO_PX[0]] * LOGO_PX[1], "the logo comes first"


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        ("nowhere.png", None, "pas lisible"),
        (".", None, "pas lisible"),
        ("a\\u0000b", None, "pas lisible"),
        ("logo.gif", b"GIF89a" + b"\x00" * 40, "une image PNG"),
        ("cut.png", b"\x89PNG\r\n\x1a\n", "une image PNG"),
        ("wide.png", png_of(2049, 1), "2048 pixels"),
        ("flat.png", png_of(8, 0), "2048 pixels"),
        ("tall.png", png_of(1, 100_000), "2048 pixels"),
        ("heavy.png", png_of(8, 8) + b"\x00" * 512 * 1024, "512 Kio"),
    ],
)
def test_a_logo_that_cannot_be_printed_is_refused_when_the_till_starts(
    counter: Counter, name: str, content: bytes | None, wrong: str
) -> None:
    if content is not None:
        (counter.folder / name).write_bytes(content)
    add(counter, f'logo = "{name}"')
    with pytest.raises(ConfigError) as caught:
        Station.open(counter.station_file)
    assert (caught.value.code, caught.value.fields["key"]) == ("CONFIG_INVALID", "tickets.logo")
    assert wrong in caught.value.text()
    assert "tickets.logo" in str(caught.value)


def test_the_largest_logo_is_taken(counter: Counter) -> None:
    (counter.folder / "logo.png").write_bytes(png_of(2048, 2048))
    add(counter, 'logo = "logo.png"')
    file = read_station_file(counter.station_file)
    assert read_logo(file, counter.station_file) == png_of(2048, 2048)
