"""The station file: read strictly, and refused with file, key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvconnect_pos import ConfigError, Station, Way
from cvconnect_pos.configuration import read_secret, read_station_file

GOOD = """
[provider]
environment = "test"
url = "http://127.0.0.1:1"
shop_id = "12345678"
service_provider_id = "123456"
seal_key = "env:CVCONNECT_TEST_SEAL_KEY"

[shop]
name = "L’Œuf à la coque"

[journal]
path = "journal.sqlite3"
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CVCONNECT_TEST_SEAL_KEY", "the-secret-key")
    return tmp_path / "caisse n°1.toml"


def refusal(path: Path, text: str | bytes) -> ConfigError:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        Station.open(path)
    return caught.value


def test_a_good_file_is_read_with_its_defaults(write: Path) -> None:
    write.write_text(GOOD, encoding="utf-8")
    file = read_station_file(write)
    assert (file.shop.name, file.tender.way, file.tender.floor_cents) == ("L’Œuf à la coque", Way.QR, 2000)
    assert (file.tickets.merchant_copy, file.tickets.customer_copy, file.tickets.unpaid) == (
        True,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("old", "new", "code", "key"),
    [
        ("[shop]", "[shop]\nnmae = 'x'", "CONFIG_UNKNOWN_KEY", "shop.nmae"),
        ("[shop]", "[tils]\n[shop]", "CONFIG_UNKNOWN_KEY", "tils"),
        ('url = "http://127.0.0.1:1"\n', "", "CONFIG_KEY_MISSING", "provider.url"),
        ("[journal]\npath", "[tender]\nway", "CONFIG_KEY_MISSING", "journal"),
        ('"12345678"', "12345678", "CONFIG_INVALID", "provider.shop_id"),
        ('"test"', '"prod"', "CONFIG_INVALID", "provider.environment"),
        ("[shop]", "[tender]\nfloor_cents = 20.0\n[shop]", "CONFIG_INVALID", "tender.floor_cents"),
        ("[shop]", "[tender]\nfloor_cents = 0\n[shop]", "CONFIG_INVALID", "tender.floor_cents"),
        ("[shop]", "[tender]\nway = 'fax'\n[shop]", "CONFIG_INVALID", "tender.way"),
        ("[shop]", "[tickets]\nunpaid = 'no'\n[shop]", "CONFIG_INVALID", "tickets.unpaid"),
        ('"env:CVCONNECT_TEST_SEAL_KEY"', '"the-secret-key"', "CONFIG_INVALID", "provider.seal_key"),
        ("env:CVCONNECT_TEST_SEAL_KEY", "env:CVCONNECT_NOT_SET", "CONFIG_SECRET", "provider.seal_key"),
        ("env:CVCONNECT_TEST_SEAL_KEY", "file:nowhere.key", "CONFIG_SECRET", "provider.seal_key"),
        ("http://127.0.0.1:1", "http://provider.example", "PROVIDER_URL", "provider.url"),
        ('"test"', '"production"', "PROVIDER_URL", "provider.url"),
        ("[shop]", "timeout_s = 0\n[shop]", "CONFIG_INVALID", "provider.timeout_s"),
        ("[shop]", "calls_per_s = 0.5\n[shop]", "CONFIG_INVALID", "provider.calls_per_s"),
        ("[shop]", "poll_speed = nan\n[shop]", "CONFIG_INVALID", "provider.poll_speed"),
        ('name = "L’Œuf à la coque"', 'name = " "', "CONFIG_INVALID", "shop.name"),
        ('name = "L’Œuf à la coque"', 'name = ["x"]', "CONFIG_INVALID", "shop.name"),
        ("[journal]", "[[displays]]\nurl = 'hologram:'\n[journal]", "CONFIG_DEVICE", "displays[0].url"),
        ("[journal]", "[[scanners]]\nport = 'COM3'\n[journal]", "CONFIG_KEY_MISSING", "scanners[0].url"),
        (
            "[journal]",
            "[printer]\nurl = 'tcp://127.0.0.1:9100'\nspeed = 9\n[journal]",
            "CONFIG_DEVICE_REFUSED",
            "printer",
        ),
        ("[journal]", "[printer]\nurl = 'tcp://[::bad'\n[journal]", "CONFIG_DEVICE_REFUSED", "printer"),
        ("[journal]", "[[printer]]\nurl = 'memory:x'\n[journal]", "CONFIG_INVALID", "printer"),
        ("[journal]", "[displays]\nurl = 'image:x.png'\n[journal]", "CONFIG_INVALID", "displays"),
        ("[journal]", "[printer]\nurl = 3\n[journal]", "CONFIG_INVALID", "printer.url"),
        ("[journal]", "[printer]\n[journal]", "CONFIG_KEY_MISSING", "printer.url"),
        ("[journal]", "[[displays]]\nurl = ['x']\n[journal]", "CONFIG_INVALID", "displays[0].url"),
        (
            "[journal]",
            "[[scanners]]\nurl = 'serial:COM3'\n[[scanners]]\nurl = 'serial:COM3'\n[journal]",
            "CONFIG_INVALID",
            "scanners[1].url",
        ),
        ('"L’Œuf à la coque"', '"a\\u0007b"', "CONFIG_INVALID", "shop.name"),
        ('"L’Œuf à la coque"', '"a\\nb"', "CONFIG_INVALID", "shop.name"),
        ("[journal]", 'address = ["12 rue", "a\\tb"]\n[journal]', "CONFIG_INVALID", "shop.address[1]"),
        ("[shop]", "ca_bundle = 'nowhere.pem'\n[shop]", "CONFIG_INVALID", "provider.ca_bundle"),
        ("[shop]", "proxy = 'nowhere'\n[shop]", "CONFIG_INVALID", "provider.proxy"),
        ("[shop]", "proxy = 'http://h:99999'\n[shop]", "CONFIG_INVALID", "provider.proxy"),
        ("[journal]", "displays = 'image:x.png'\n[journal]", "CONFIG_UNKNOWN_KEY", "shop.displays"),
    ],
)
def test_what_is_wrong_is_said_with_file_key_and_remedy(
    write: Path, old: str, new: str, code: str, key: str
) -> None:
    assert old in GOOD
    error = refusal(write, GOOD.replace(old, new, 1))
    assert (error.code, error.fields["key"]) == (code, key)
    assert error.fields["file"] == str(write)
    for language in ("fr", "en"):
        assert error.text(language) and error.remedy(language)
        assert "the-secret-key" not in error.text(language) + error.remedy(language)
    assert not (write.parent / "journal.sqlite3").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[shop]", "timeout_s = 0\n[shop]", "entre 0,1 et 120"),
        ("[shop]", "[tender]\nfloor_cents = 0\n[shop]", "au moins 1"),
        ("[journal]", "[displays]\nurl = 'image:x.png'\n[journal]", "écrivez [[displays]]"),
        ("[journal]", "[[printer]]\nurl = 'memory:x'\n[journal]", "écrivez [printer]"),
        ("[journal]", "[printer]\nurl = 3\n[journal]", "attendu : str, trouvé : int"),
        (
            "[journal]",
            "[[displays]]\nurl = 'terminal:'\n[[displays]]\nurl = 'terminal:'\n[journal]",
            "déjà prise par displays[0].url",
        ),
        ("http://127.0.0.1:1", "http://provider.example", "caisse n°1.toml"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_one_who_installs(
    write: Path, old: str, new: str, said: str
) -> None:
    assert said in refusal(write, GOOD.replace(old, new, 1)).text()


def test_a_file_from_a_windows_editor_is_read(write: Path) -> None:
    write.write_text(GOOD, encoding="utf-8-sig")
    assert read_station_file(write).shop.name == "L’Œuf à la coque"


def test_certificates_and_a_proxy_that_are_there_are_accepted(write: Path) -> None:
    bundle = write.parent / "ca.pem"
    bundle.touch()
    more = f"ca_bundle = '{bundle}'\nproxy = 'http://192.168.1.1:3128'\n[shop]"
    write.write_text(GOOD.replace("[shop]", more, 1), encoding="utf-8")
    assert read_station_file(write).provider.proxy == "http://192.168.1.1:3128"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("[provider", "CONFIG_SYNTAX"),
        ("a = 1\na = 2", "CONFIG_SYNTAX"),
        (b"\xff\xfe\x00", "CONFIG_SYNTAX"),
        ("", "CONFIG_KEY_MISSING"),
        ("provider = 7", "CONFIG_KEY_MISSING"),
        (GOOD.replace("[provider]", "[[provider]]"), "CONFIG_INVALID"),
    ],
)
def test_a_file_that_is_no_station_file_is_refused(write: Path, content: str | bytes, code: str) -> None:
    assert refusal(write, content).code == code


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="CONFIG_MISSING"):
        Station.open(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match="CONFIG_SYNTAX"):
        Station.open(tmp_path)


def test_a_secret_comes_from_the_environment_or_a_file_beside(write: Path) -> None:
    (write.parent / "seal.key").write_text(" the key \n", encoding="utf-8")
    assert read_secret("file:seal.key", key="k", path=write) == "the key"
    assert read_secret("env:CVCONNECT_TEST_SEAL_KEY", key="k", path=write) == "the-secret-key"
    (write.parent / "empty.key").write_text("\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="CONFIG_SECRET"):
        read_secret("file:empty.key", key="k", path=write)


def test_a_driver_whose_package_is_missing_names_the_command(
    write: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.metadata

    class Broken:
        name = "tcp"

        def load(self) -> object:
            raise ModuleNotFoundError("No module named 'hid'", name="hid")

    class Drivers(dict[str, Broken]):
        names = frozenset({"tcp"})

    def entry_points(**_: str) -> Drivers:
        return Drivers(tcp=Broken())

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    error = refusal(write, GOOD + "[printer]\nurl = 'tcp://127.0.0.1:9100'\n")
    assert error.code == "CONFIG_EXTRA_MISSING"
    assert error.remedy("fr") == "Installez-le : pip install hid"


def test_a_station_opens_without_any_device_and_closes(write: Path) -> None:
    write.write_text(GOOD, encoding="utf-8")
    with Station.open(write) as station:
        assert station.unacknowledged() == []
        assert station.check_health() == {}
    with Station.open(write):
        pass
