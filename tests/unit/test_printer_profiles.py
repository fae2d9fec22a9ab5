"""The printers that have a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from escpos import capabilities

from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.charset import encode
from cvconnect_drivers.printers.profiles import CORRECTIONS, PROFILES, Profile
from cvconnect_drivers.printers.repair import Repair

FACTS = cast("Mapping[str, Mapping[str, Any]]", capabilities.CAPABILITIES["profiles"])
IN_DATABASE = {
    "epson-tm-t20ii": "TM-T20II",
    "epson-tm-l90": "TM-L90",
    "epson-tm-t88v": "TM-T88V",
    "epson-tm-t88iv": "TM-T88IV",
    "epson-tm-t88iii": "TM-T88III",
    "epson-tm-t88ii": "TM-T88II",
    "epson-tm-p80": "TM-P80",
    "netum-nt-80-v-ul": "NT-80-V-UL",
    "metapace-t-1": "T-1",
    "seiko-rp-f10-80mm": "RP-F10-80mm",
    "seiko-rp-f10-58mm": "RP-F10-58mm",
    "sunmi-v2": "Sunmi-V2",
    "netum-nt-5890k": "NT-5890K",
    "zjiang-pos-5890": "POS-5890",
    "zjiang-zj-5870": "ZJ-5870",
    "kefar-kr-306": "KR-306",
    "wincor-th230": "TH230",
    "wincor-th230-plus": "TH230Plus",
}
CODECS = {"CP858": "cp858", "CP1252": "cp1252", "ISO_8859-15": "iso8859-15"}


def test_every_model_is_in_the_database() -> None:
    assert set(PROFILES) - {"80mm", "58mm"} == set(IN_DATABASE)


@pytest.mark.parametrize(("name", "entry"), IN_DATABASE.items())
def test_a_model_is_what_the_printer_database_says(name: str, entry: str) -> None:
    profile, facts = PROFILES[name], FACTS[entry]
    says = {
        "columns": facts["fonts"]["0"]["columns"],
        "width_dots": facts["media"]["width"]["pixels"],
        "dpi": facts["media"].get("dpi"),
        "native_qr": facts["features"]["qrCode"],
        "cut": facts["features"]["paperPartCut"],
    }
    differs = {field: told for field, told in says.items() if getattr(profile, field) != told}
    assert differs == {each.field: each.database for each in CORRECTIONS if each.profile == name}
    assert facts["features"]["bitImageRaster"]
    for page in profile.pages:
        assert CODECS[facts["codePages"][str(page.number)]] == page.codec


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_printer_has_euro_and_accents_in_its_pages(profile: Profile) -> None:
    assert encode("À l’été, ça coûte 12,50\u00a0€", profile.pages, profile.pages[0]) is not None
    assert profile.width_dots % 8 == 0
    assert 12 <= profile.column_dots <= 13


def test_a_printer_without_cutter_feeds_to_where_paper_is_torn_and_mends_a_torn_job_so() -> None:
    job = escpos.Encoder(PROFILES["sunmi-v2"]).job([])
    assert escpos.to_bytes(job) == b"\x1b@\x1bt\x13\x1bd\x05"
    repair = Repair()
    repair.torn(job)
    assert repair.before_job([]).endswith(b"\x1b@\n\x1bd\x05")
