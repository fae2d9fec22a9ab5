"""The customer's screen shows what it says it shows, and nothing of a payment stays on it."""

from __future__ import annotations

import errno
import io
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import segno
import zxingcpp
from PIL import Image, ImageFilter, ImageOps

from cvconnect_drivers.displays import NO_QR, fonts, screen
from cvconnect_drivers.displays.image import ImageDisplay, open_display
from cvconnect_drivers.displays.picture import open_picture, read_modules
from cvconnect_drivers.errors import ContentError, DriverError
from cvconnect_drivers.qr import make_matrix
from cvconnect_pos.peripherals import PaymentPrompt

PAYLOAD = "https://exemple.fr/paiement/8f2d1c0a9b?m=200000000016"
WAITING = PaymentPrompt(
    "waiting",
    title="Chèque-Vacances Connect",
    amount="45,50\u00a0€",
    instruction="Scannez ce QR code avec l’application Chèque-Vacances, puis validez.",
    shop="Camping L’Œuf Bleu",
    basket_ref="REF253",
    qr_payload=PAYLOAD,
    expires_text="Valable jusqu’à 14:05",
    notice="SIMULATION - SANS VALEUR",
)
WORDS = replace(WAITING, qr_payload=None)
SIZES = ["800x480", "480x320", "480x800", "1024x600", "1920x1080"]


def png_of(payload: str, *, scale: int = 7, border: int = 1) -> bytes:
    file = io.BytesIO()
    segno.make_qr(payload, error="m").save(file, kind="png", scale=scale, border=border)
    return file.getvalue()


def opened(path: Path, size: str = "800x480") -> ImageDisplay:
    display = open_display(f"image:{path}?size={size}", {})
    display.claim(timeout_s=1)
    return display


def scanned(picture: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def is_blank(path: Path) -> bool:
    with Image.open(path) as picture:
        return len(picture.getcolors() or []) == 1


@pytest.mark.parametrize("size", SIZES)
def test_the_qr_on_the_screen_is_the_payload(tmp_path: Path, size: str) -> None:
    path = tmp_path / "écran" / "display.png"
    assert opened(path, size).show(WAITING, timeout_s=1) == "qr"
    with Image.open(path) as picture:
        assert picture.size == tuple(map(int, size.split("x")))
        assert scanned(picture) == [PAYLOAD]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("scale", "border"), [(1, 0), (3, 4), (7, 1), (30, 4)])
def test_a_ready_picture_is_drawn_as_sharply_as_one_of_ours(size: str, scale: int, border: int) -> None:
    width, height = map(int, size.split("x"))
    prompt = replace(WAITING, qr_payload=None, qr_png=png_of(PAYLOAD, scale=scale, border=border))
    ours, _ = screen.render(WAITING, (width, height))
    theirs, surface = screen.render(prompt, (width, height))
    assert surface == "qr"
    assert theirs.tobytes() == ours.tobytes()


def test_a_picture_that_is_no_plain_grid_keeps_its_pixels_and_scans(tmp_path: Path) -> None:
    with Image.open(io.BytesIO(png_of(PAYLOAD, scale=4))) as plain:
        blurred = plain.convert("L").filter(ImageFilter.GaussianBlur(1))
    file = io.BytesIO()
    blurred.save(file, "PNG")
    prompt = replace(WAITING, qr_payload=None, qr_png=file.getvalue())
    assert read_modules(open_picture(file.getvalue())) is None
    assert opened(tmp_path / "d.png").show(prompt, timeout_s=1) == "qr"
    with Image.open(tmp_path / "d.png") as picture:
        assert scanned(picture) == [PAYLOAD]


def test_what_is_transparent_in_a_picture_is_light() -> None:
    file = io.BytesIO()
    segno.make_qr(PAYLOAD, error="m").save(file, kind="png", scale=5, border=0, light=None)
    assert read_modules(open_picture(file.getvalue())) == make_matrix(PAYLOAD)


@pytest.mark.parametrize("png", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", png_of("a")[:60]])
def test_a_damaged_picture_is_refused_and_the_words_stay(png: bytes) -> None:
    with pytest.raises(ContentError) as caught:
        open_picture(png)
    assert caught.value.code == "BAD_PICTURE"
    assert screen.render(replace(WAITING, qr_payload=None, qr_png=png), (800, 480))[1] == "text"


def saved(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def plain_picture() -> Image.Image:
    with Image.open(io.BytesIO(png_of(PAYLOAD, scale=4, border=4))) as picture:
        return picture.convert("L")


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("L", (300, 300), "white"),
        Image.new("L", (300, 300), "black"),
        plain_picture().crop((0, 0, 120, 60)),
        plain_picture().filter(ImageFilter.GaussianBlur(12)),
    ],
)
@pytest.mark.parametrize("size", [(800, 480), (320, 240)])
def test_a_picture_in_which_no_qr_is_read_is_not_shown(picture: Image.Image, size: tuple[int, int]) -> None:
    shown, surface = screen.render(replace(WAITING, qr_payload=None, qr_png=saved(picture)), size)
    assert surface == "text"
    assert scanned(shown) == []


@pytest.mark.parametrize("blur", [0, 1])
@pytest.mark.parametrize("size", [(800, 480), (480, 800)])
def test_a_picture_that_is_light_on_dark_is_shown_dark_on_light(blur: int, size: tuple[int, int]) -> None:
    inverted = ImageOps.invert(plain_picture()).filter(ImageFilter.GaussianBlur(blur))
    prompt = replace(WAITING, qr_payload=None, qr_png=saved(inverted))
    shown, surface = screen.render(prompt, size)
    assert surface == "qr"
    assert [code.text for code in zxingcpp.read_barcodes(shown, try_invert=False)] == [PAYLOAD]


@pytest.mark.parametrize(
    "prompt",
    [
        replace(WAITING, qr_payload="x" * 600),
        replace(WAITING, qr_payload="x" * 4000),
        replace(WAITING, qr_payload=None, qr_png=b"no picture"),
    ],
)
def test_a_screen_without_its_qr_does_not_ask_to_scan_it(prompt: PaymentPrompt) -> None:
    said = replace(prompt, qr_payload=None, qr_png=None, instruction=NO_QR)
    assert screen.render(prompt, (480, 320))[0].tobytes() == screen.render(said, (480, 320))[0].tobytes()


def test_a_picture_that_would_unpack_to_too_much_is_refused() -> None:
    file = io.BytesIO()
    Image.new("1", (5000, 10)).save(file, "PNG")
    with pytest.raises(ContentError):
        open_picture(file.getvalue())


@pytest.mark.parametrize(
    ("prompt", "surface"),
    [
        (WORDS, "text"),
        (PaymentPrompt("idle"), "none"),
        (PaymentPrompt("idle", shop="Camping"), "text"),
        (replace(WAITING, qr_payload="x" * 600), "text"),
        (replace(WAITING, qr_payload="x" * 4000), "text"),
    ],
)
def test_the_surface_is_told_truthfully(prompt: PaymentPrompt, surface: str) -> None:
    picture, told = screen.render(prompt, (480, 320))
    assert told == surface
    assert scanned(picture) == []


def test_clear_release_and_claim_leave_nothing_of_a_payment(tmp_path: Path) -> None:
    path = tmp_path / "d.png"
    display = opened(path)
    display.show(WAITING, timeout_s=1)
    assert not is_blank(path)
    display.clear(timeout_s=1)
    assert is_blank(path)
    display.show(WAITING, timeout_s=1)
    display.release()
    assert is_blank(path)
    path.write_bytes(png_of("left by an earlier run"))
    opened(path)
    assert is_blank(path)
    assert [file.name for file in tmp_path.iterdir()] == ["d.png"]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_picture_says_itself_until_when_it_may_be_shown(tmp_path: Path, suffix: str) -> None:
    """A till that was killed takes nothing away: whoever shows the picture can know."""
    path = tmp_path / f"d.{suffix}"
    display = opened(path)
    paris = timezone(timedelta(hours=2))
    ends = replace(WAITING, expires_at=datetime(2026, 7, 14, 0, 5, 30, 900_000, paris))
    for prompt, said in (
        (ends, "2026-07-13T22:05:30Z"),
        (WAITING, None),
        (replace(ends, qr_payload=None), None),
    ):
        display.show(prompt, timeout_s=1)
        assert expires(path) == said
    display.show(ends, timeout_s=1)
    display.clear(timeout_s=1)
    assert expires(path) is None


def expires(path: Path) -> str | None:
    if path.suffix == ".svg":
        return ET.parse(path).getroot().get("data-expires")
    with Image.open(path) as picture:
        return picture.info.get("Expires")


def test_a_released_display_shows_nothing(tmp_path: Path) -> None:
    display = opened(tmp_path / "d.png")
    display.release()
    with pytest.raises(DriverError) as caught:
        display.show(WAITING, timeout_s=1)
    assert caught.value.code == "NOT_CLAIMED"


def test_a_file_that_cannot_be_written_is_an_absent_screen(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    display = open_display(f"image:{tmp_path / 'file' / 'd.png'}", {})
    with pytest.raises(DriverError) as caught:
        display.claim(timeout_s=1)
    assert caught.value.code == "LINK_ABSENT"
    assert display.check_health().state == "absent"
    display.release()


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def write_bytes(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_bytes)


@pytest.mark.parametrize("act", ["show", "clear", "release"])
def test_a_full_disk_leaves_no_qr_and_no_other_file(
    tmp_path: Path, request: pytest.FixtureRequest, act: str
) -> None:
    display = opened(tmp_path / "d.png")
    display.show(WAITING, timeout_s=1)
    request.getfixturevalue("full_disk")
    if act == "release":
        display.release()
    else:
        with pytest.raises(DriverError, match="LINK_ABSENT") as caught:
            display.clear(timeout_s=1) if act == "clear" else display.show(WORDS, timeout_s=1)
        assert "le disque est plein" in caught.value.text()
    assert list(tmp_path.iterdir()) == []
    assert "le disque est plein" in display.check_health().detail


def test_a_picture_that_may_not_be_unlinked_is_emptied(
    tmp_path: Path, full_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "d.png"
    path.write_text("a QR")

    def unlink(_path: Path, *, missing_ok: bool) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(DriverError):
        opened(path)
    assert path.stat().st_size == 0


def test_every_state_has_its_colour_in_the_band() -> None:
    for state, colour in screen.COLOURS.items():
        picture, _ = screen.render(replace(WORDS, state=state), (800, 480))
        assert picture.getpixel((2, 2)) == tuple(bytes.fromhex(colour[1:]))


def luminance(colour: str) -> float:
    parts = (byte / 255 for byte in bytes.fromhex(colour[1:]))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("one", "other"),
    [(colour, ground) for colour in screen.COLOURS.values() for ground in (screen.CARD, screen.BACKGROUND)]
    + [
        (screen.INK, screen.BACKGROUND),
        (screen.SOFT_INK, screen.BACKGROUND),
        (screen.NOTICE_INK, screen.NOTICE),
    ],
)
def test_words_stand_out_from_their_ground(one: str, other: str) -> None:
    dark, light = sorted((luminance(one), luminance(other)))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("size", [(800, 480), (480, 800), (160, 160)])
def test_long_words_never_leave_their_screen(size: tuple[int, int]) -> None:
    long = replace(WORDS, instruction="mot " * 200, shop="Très long " * 20, amount="9" * 40, title="T" * 90)
    picture, _ = screen.render(replace(long, notice=""), size)
    edge = picture.crop((0, size[1] - 2, *size))
    assert edge.getcolors() == [(size[0] * 2, tuple(bytes.fromhex(screen.BACKGROUND[1:])))]


def test_the_typeface_draws_every_letter_of_french() -> None:
    french = "àâçéèêëîïôùûüÿœæÀÂÇÉÈÊËÎÏÔÙÛÜŸŒÆ€«»’–—…"
    assert all(fonts.has(letter) for letter in french)
    assert fonts.spell(f"L’Œuf 1\u202f234,50\u00a0€ {french}") == f"L’Œuf 1\u00a0234,50\u00a0€ {french}"


def test_a_letter_that_is_not_in_the_typeface_loses_its_accent() -> None:
    assert not fonts.has("ế")
    assert fonts.spell("Phế") == "Phe"
    assert fonts.spell("飯") == "飯"


def test_both_weights_are_shipped_and_differ() -> None:
    assert fonts.font(40, bold=True).getlength("Montant") > fonts.font(40).getlength("Montant")
