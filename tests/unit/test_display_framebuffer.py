"""A framebuffer shows the same picture as every other screen, in its own pixels, and nothing of a payment stays on it."""

from __future__ import annotations

import atexit
import errno
import os
import platform
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cvconnect_drivers.displays import screen
from cvconnect_drivers.displays.framebuffer import FramebufferDisplay, open_display
from cvconnect_drivers.displays.pixels import Raster, pack, read_raster
from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkAbsentError, NotClaimedError
from cvconnect_pos.peripherals import PaymentPrompt
from fake_framebuffer import (
    ARGB,
    FBIOBLANK,
    FBIOGET_VSCREENINFO,
    KDSETMODE,
    RGB24,
    RGB565,
    UNTOUCHED,
    XBGR,
    XRGB,
    FakeFramebuffer,
    Format,
    Told,
)

PAYLOAD = "https://exemple.fr/paiement/8f2d1c0a9b?m=200000000016"
WAITING = PaymentPrompt(
    "waiting",
    title="Chèque-Vacances Connect",
    amount="45,50\u00a0€",
    instruction="Scannez ce QR code avec l’application Chèque-Vacances, puis validez.",
    shop="Camping L’Œuf Bleu",
    qr_payload=PAYLOAD,
)
FORMATS = [XRGB, ARGB, XBGR, RGB24, RGB565]


@pytest.fixture
def glass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeFramebuffer:
    return FakeFramebuffer.install(monkeypatch, tmp_path)


def opened(glass: FakeFramebuffer, *, tty: bool = False) -> FramebufferDisplay:
    display = open_display(glass.url, {"tty": str(glass.console)} if tty else {})
    display.claim(timeout_s=1)
    return display


def scanned(picture: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(picture)]


# --- Pixels ---------------------------------------------------------------------------------------------------------

CIRRUS = (1024, 768, 1024, 768, 0, 0, 16, 0, 11, 5, 0, 5, 6, 0, 0, 5, 0, 0, 0, 0, *[0] * 20)
BOCHS = (800, 480, 800, 480, 0, 0, 32, 0, 16, 8, 0, 8, 8, 0, 0, 8, 0, 0, 0, 0, 0, 0, 120, 200, *[0] * 16)
"""What two drivers of Linux 6.1 tell of their screens."""


@pytest.mark.parametrize(
    ("variable", "name", "memory", "line_bytes", "raster"),
    [
        (CIRRUS, b"cirrusdrmfb", 1572864, 2048, Raster((1024, 768), "565", 2048, 0)),
        (BOCHS, b"bochs-drmdrmfb", 1536000, 3200, Raster((800, 480), "BGRA", 3200, 0)),
    ],
)
def test_what_the_kernel_tells_of_a_screen_is_read(
    variable: tuple[int, ...], name: bytes, memory: int, line_bytes: int, raster: Raster
) -> None:
    fixed = struct.pack("@16sL4I3HIL2I3H0L", name, 0, memory, 0, 0, 2, 1, 1, 0, line_bytes, 0, 0, 0, 0, 0, 0)
    assert read_raster(struct.pack("@40I", *variable), fixed) == raster


def test_the_visible_part_of_a_larger_picture_begins_at_its_offset() -> None:
    told = Told((480, 320), RGB565, 1024, (8, 320))
    assert read_raster(told.variable(), told.fixed()) == Raster((480, 320), "565", 1024, 320 * 1024 + 16)


GREY_8 = Format(8, (0, 8, 0, 0, 8, 0, 0, 8, 0, 0, 0, 0))
RGB555 = Format(16, (10, 5, 0, 5, 5, 0, 0, 5, 0, 15, 1, 0))
MIRRORED = Format(32, (16, 8, 1, 8, 8, 1, 0, 8, 1, 0, 0, 0))
USELESS = [
    Told(format=GREY_8),
    Told(format=RGB555),
    Told(format=MIRRORED),
    Told(grey=1),
    Told(kind=1),
    Told(visual=3),
    Told(line_bytes=3199),
    Told((159, 480)),
    Told((800, 8193)),
    Told((0, 0), line_bytes=1),
]


@pytest.mark.parametrize("told", USELESS)
def test_a_screen_that_is_not_written_here_is_none(told: Told) -> None:
    assert read_raster(told.variable(), told.fixed()) is None


COLOUR = st.tuples(*[st.integers(0, 255)] * 3)


@given(COLOUR, COLOUR)
def test_a_pixel_of_16_bits_keeps_the_upper_bits_of_each_colour(
    left: tuple[int, int, int], right: tuple[int, int, int]
) -> None:
    picture = Image.new("RGB", (2, 1), left)
    picture.putpixel((1, 0), right)
    words = struct.unpack("<2H", pack(picture, Raster((2, 1), "565", 64, 0)))
    assert [(word >> 11, word >> 5 & 63, word & 31) for word in words] == [
        (red >> 3, green >> 2, blue >> 3) for red, green, blue in (left, right)
    ]


@pytest.mark.parametrize(
    ("layout", "pixel"),
    [("BGRA", b"\3\2\1\xff"), ("RGBA", b"\1\2\3\xff"), ("BGR", b"\3\2\1"), ("565", b"\0\0")],
)
def test_lines_are_as_long_as_the_screen_says_and_the_last_ends_with_its_last_pixel(
    layout: str, pixel: bytes
) -> None:
    picture = Image.new("RGB", (3, 2), (1, 2, 3))
    raster = replace(Raster((3, 2), "BGRA", 16, 5), layout=layout)  # type: ignore[arg-type] # one of the four
    assert pack(picture, raster) == (3 * pixel).ljust(16, b"\0") + 3 * pixel


# --- The screen -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [Told(format=each) for each in FORMATS])
def test_the_picture_is_the_one_that_every_screen_shows(glass: FakeFramebuffer, told: Told) -> None:
    glass.told = told
    glass.plug()
    assert opened(glass).show(WAITING, timeout_s=1) == "qr"
    expected = screen.render(WAITING, told.size)[0]
    if told.format is not RGB565:
        assert glass.picture().tobytes() == expected.tobytes()
    assert scanned(glass.picture()) == [PAYLOAD]


@pytest.mark.parametrize("each", FORMATS)
def test_a_picture_within_a_larger_one_leaves_what_is_above_and_left_of_it(
    glass: FakeFramebuffer, each: Format
) -> None:
    told = Told((480, 320), each, 4096, (3, 2))
    glass.told = told
    glass.plug()
    assert opened(glass).show(WAITING, timeout_s=1) == "qr"
    assert scanned(glass.picture()) == [PAYLOAD]
    written = glass.path.read_bytes()
    assert set(written[: told.first_byte]) == {UNTOUCHED}
    last_pixel = told.first_byte + 319 * 4096 + 480 * each.bits // 8
    assert set(written[last_pixel:]) == {UNTOUCHED}


def test_clear_release_and_claim_leave_nothing_of_a_payment(glass: FakeFramebuffer) -> None:
    display = opened(glass)
    assert glass.is_black()
    ends: list[Callable[[], None]] = [lambda: display.clear(timeout_s=1), display.release]
    for end in ends:
        assert display.show(WAITING, timeout_s=1) == "qr"
        assert not glass.is_black()
        end()
        assert glass.is_black()
    glass.plug()
    display.release()
    assert not glass.is_black()  # nobody's any more
    opened(glass).release()
    assert glass.is_black()


def test_a_display_that_is_not_claimed_shows_nothing(glass: FakeFramebuffer) -> None:
    display = opened(glass)
    display.release()
    glass.plug()
    with pytest.raises(NotClaimedError):
        display.show(WAITING, timeout_s=1)
    display.clear(timeout_s=1)
    assert set(glass.path.read_bytes()) == {UNTOUCHED}
    assert display.check_health("external").state == "ready"


def test_a_driver_that_takes_a_little_at_a_time_gets_it_all(
    glass: FakeFramebuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite

    def some(descriptor: int, data: bytes, offset: int) -> int:
        return pwrite(descriptor, data[:100_000], offset)

    monkeypatch.setattr(os, "pwrite", some)
    opened(glass).show(WAITING, timeout_s=1)
    assert scanned(glass.picture()) == [PAYLOAD]


def test_a_driver_that_takes_nothing_is_not_waited_for(
    glass: FakeFramebuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> int:
        return 0

    monkeypatch.setattr(os, "pwrite", nothing)
    with pytest.raises(LinkAbsentError, match="takes nothing"):
        opened(glass)


def test_a_screen_that_sleeps_is_woken_and_one_that_cannot_sleep_shows_the_same(
    glass: FakeFramebuffer,
) -> None:
    display = opened(glass)
    before = glass.wakes
    display.show(WAITING, timeout_s=1)
    assert glass.wakes == before + 1
    glass.refuses[FBIOBLANK] = errno.EINVAL
    display.clear(timeout_s=1)
    display.show(WAITING, timeout_s=1)
    assert scanned(glass.picture()) == [PAYLOAD]


# --- Its console ----------------------------------------------------------------------------------------------------


def test_a_console_that_is_named_draws_nothing_until_the_display_is_released(glass: FakeFramebuffer) -> None:
    display = opened(glass, tty=True)
    assert glass.modes == [1]
    display.show(WAITING, timeout_s=1)
    display.clear(timeout_s=1)
    assert glass.modes == [1]
    display.release()
    display.release()
    assert glass.modes == [1, 0]


def test_a_till_that_ends_without_closing_gives_both_back(
    glass: FakeFramebuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_exit: list[Callable[[], object]] = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    monkeypatch.setattr(atexit, "unregister", at_exit.remove)
    display = opened(glass, tty=True)
    display.show(WAITING, timeout_s=1)
    (end,) = at_exit
    end()
    assert glass.is_black()
    assert glass.modes == [1, 0]
    assert at_exit == []


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EPERM, "vt.global_cursor_default=0"), (errno.ENOTTY, "n’est pas une console de Linux")],
)
def test_a_console_that_cannot_be_had_is_told_and_an_old_qr_is_gone_all_the_same(
    glass: FakeFramebuffer, number: int, said: str
) -> None:
    glass.refuses[KDSETMODE] = number
    display = open_display(f"{glass.url}?tty={glass.console}", {})
    with pytest.raises(LinkAbsentError) as caught:
        display.claim(timeout_s=1)
    assert caught.value.text().startswith(f"{glass.console} ")
    assert said in caught.value.text()
    assert display.check_health("interactive").detail == caught.value.text()
    assert glass.is_black()


def test_a_screen_that_is_gone_at_the_end_does_not_keep_its_console(glass: FakeFramebuffer) -> None:
    display = opened(glass, tty=True)
    glass.refuses[FBIOGET_VSCREENINFO] = errno.ENODEV
    display.release()
    assert glass.modes == [1, 0]


# --- What goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "usermod -aG video COMPTE"),
        (errno.EPERM, "usermod -aG video COMPTE"),
        (errno.ENODEV, "introuvable"),
        (errno.EINVAL, "n’est pas un écran"),
        (errno.EIO, "vérifiez qu’il est branché"),
    ],
)
def test_a_screen_that_cannot_be_had_says_what_to_do(glass: FakeFramebuffer, number: int, said: str) -> None:
    glass.refuses[FBIOGET_VSCREENINFO] = number
    display = open_display(glass.url, {})
    with pytest.raises(LinkAbsentError) as caught:
        display.claim(timeout_s=1)
    assert caught.value.text().startswith(f"{glass.path} ")
    assert said in caught.value.text()
    assert display.check_health("interactive").state == "absent"
    display.release()


def test_a_name_that_is_not_there_and_a_file_that_is_no_screen_are_told_apart(tmp_path: Path) -> None:
    for name, said in (("fb9", "introuvable"), ("plain", "n’est pas un écran"), ("", "n’est pas un écran")):
        if name == "plain":
            (tmp_path / name).touch()
        with pytest.raises(LinkAbsentError) as caught:
            open_display(f"fb:{tmp_path / name}", {}).claim(timeout_s=1)
        assert said in caught.value.text()


def test_pixels_that_are_not_written_here_are_refused_with_a_remedy(glass: FakeFramebuffer) -> None:
    glass.plug(format=GREY_8)
    with pytest.raises(LinkAbsentError, match="layout") as caught:
        opened(glass)
    assert "fbset -depth 32" in caught.value.text()
    assert set(glass.path.read_bytes()) == {UNTOUCHED}


def test_a_screen_that_vanishes_and_comes_back_as_another_shows_the_next_prompt(
    glass: FakeFramebuffer,
) -> None:
    display = opened(glass)
    glass.path.unlink()
    for act in (lambda: display.show(WAITING, timeout_s=1), lambda: display.clear(timeout_s=1)):
        with pytest.raises(DriverError, match="LINK_ABSENT"):
            act()
    assert display.check_health("external").state == "absent"
    glass.plug(size=(480, 800), format=RGB565, line_bytes=1024)
    assert display.check_health("internal").state == "absent"
    assert display.check_health("external").state == "ready"
    assert glass.path.name in display.check_health("interactive").detail
    display.show(WAITING, timeout_s=1)
    assert scanned(glass.picture()) == [PAYLOAD]


@pytest.mark.parametrize("url", ["fb:", "fb:/dev/fb0?size=800x480", "fb0", "image:/dev/fb0"])
def test_a_url_that_is_no_framebuffer_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_display(url, {})
    with pytest.raises(ConfigurationError, match="'tty'"):
        open_display("fb:/dev/fb0", {"tty": 1})


def test_where_there_is_no_linux_another_screen_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    with pytest.raises(ConfigurationError) as caught:
        open_display("fb:/dev/fb0", {})
    assert "prenez window:, web: ou image:" in caught.value.text()
