"""A customer screen on a real framebuffer: what the kernel keeps of it, and what somebody sees who looks at the machine."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from cvconnect_drivers.displays import screen
from cvconnect_drivers.displays.framebuffer import FramebufferDisplay, open_display
from cvconnect_drivers.errors import LinkAbsentError
from cvconnect_pos import conformance
from cvconnect_pos.conformance import check_display
from cvconnect_pos.peripherals import PaymentPrompt
from kernel.lab.glass import CONSOLE, SECOND, Camera, Screen
from kernel.lab.host import as_nobody, wait_for

PAYLOAD = "https://exemple.fr/paiement/8f2d1c0a9b?m=200000000016"
WAITING = PaymentPrompt(
    "waiting", title="Chèque-Vacances Connect", amount="45,50 €", shop="Camping", qr_payload=PAYLOAD
)
TTY = "/dev/tty1"
FBIOBLANK, FB_BLANK_POWERDOWN = 0x4611, 4
KDGETMODE, KD_TEXT, KD_GRAPHICS = 0x4B3B, 0, 1

SHOW_AND_WAIT = """
import os, sys
from cvconnect_drivers.displays.framebuffer import open_display
from cvconnect_pos.peripherals import PaymentPrompt

url, tty, payload = sys.argv[1:]
terminal = os.open(tty, os.O_RDWR)  # of which a session's leader becomes the controlling process
display = open_display(url, {"tty": tty})
display.claim(timeout_s=5)
print(display.show(PaymentPrompt("waiting", qr_payload=payload), timeout_s=5), flush=True)
sys.stdin.readline()
raise SystemExit(3)
"""

both = pytest.mark.parametrize("on", [CONSOLE, SECOND], ids=lambda on: on.driver)


@pytest.fixture(scope="module")
def camera() -> Generator[Camera, None, None]:
    with Camera() as camera:
        yield camera


@contextmanager
def claimed(on: Screen, *, tty: str = "") -> Generator[FramebufferDisplay, None, None]:
    display = open_display(f"fb:{on.node()}", {"tty": tty})
    display.claim(timeout_s=5)
    try:
        yield display
    finally:
        display.release()


def scanned(picture: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def is_black(picture: Image.Image) -> bool:
    return picture.getbbox() is None


def in_memory(on: Screen) -> Image.Image:
    """What the kernel gives back of a screen."""
    size, raw_mode, line_bytes = (
        ((1024, 768), "BGR;16", 2048) if on is CONSOLE else ((800, 480), "BGRX", 3200)
    )
    return Image.frombytes("RGB", size, Path(on.node()).read_bytes(), "raw", raw_mode, line_bytes)


def console_mode() -> int:
    descriptor = os.open(TTY, os.O_RDWR | os.O_NOCTTY)
    try:
        return int(struct.unpack("i", fcntl.ioctl(descriptor, KDGETMODE, bytes(4)))[0])
    finally:
        os.close(descriptor)


def say(text: str) -> None:
    """Write on the console, as whoever logs in there does."""
    Path(TTY).write_text(text, encoding="ascii")


@contextmanager
def another_till(on: Screen) -> Generator[subprocess.Popen[str], None, None]:
    """A till of its own that shows a QR: no root, but in the group, and the console is its own."""
    import grp

    os.chown(TTY, 65534, -1)
    command = [sys.executable, "-c", SHOW_AND_WAIT, f"fb:{on.node()}", TTY, PAYLOAD]
    group = grp.getgrnam("video").gr_gid
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=65534,
        group=65534,
        extra_groups=[group],
        start_new_session=True,
    ) as till:
        try:
            assert till.stdout is not None
            assert till.stdout.readline() == "qr\n"
            yield till
        finally:
            till.kill()
    os.chown(TTY, 0, -1)


@both
def test_the_qr_is_on_the_glass_until_it_is_cleared(camera: Camera, on: Screen) -> None:
    with claimed(on) as display:
        assert display.show(WAITING, timeout_s=5) == "qr"
        assert scanned(in_memory(on)) == [PAYLOAD]
        wait_for(lambda: scanned(camera.photograph(on)) == [PAYLOAD])
        if on is SECOND:
            expected = screen.render(WAITING, (800, 480))[0].tobytes()
            wait_for(lambda: camera.photograph(on).tobytes() == expected)
        display.clear(timeout_s=5)
        wait_for(lambda: not scanned(camera.photograph(on)))
        display.show(WAITING, timeout_s=5)
        wait_for(lambda: scanned(camera.photograph(on)) == [PAYLOAD])
    wait_for(lambda: not scanned(camera.photograph(on)))
    assert scanned(in_memory(on)) == []


def test_nothing_but_black_is_left_where_no_console_draws(camera: Camera) -> None:
    with claimed(SECOND) as display:
        display.show(WAITING, timeout_s=5)
    wait_for(lambda: is_black(camera.photograph(SECOND)))


def test_it_keeps_every_promise_of_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "TIMEOUT_S", 30.0)
    url = f"fb:{SECOND.node()}"
    check_display(lambda: open_display(url, {}))


def test_the_group_that_a_refusal_names_may_draw(camera: Camera) -> None:
    display = open_display(f"fb:{SECOND.node()}", {})
    with as_nobody(), pytest.raises(LinkAbsentError) as caught:
        display.claim(timeout_s=5)
    (group,) = re.findall(r"au groupe (\w+)", caught.value.text())
    try:
        with as_nobody(group):
            display.claim(timeout_s=5)
            display.show(WAITING, timeout_s=5)
        wait_for(lambda: scanned(camera.photograph(SECOND)) == [PAYLOAD])
    finally:
        display.release()


def test_a_screen_that_sleeps_is_woken_by_a_prompt(camera: Camera) -> None:
    with claimed(SECOND) as display:
        display.show(WAITING, timeout_s=5)
        wait_for(lambda: scanned(camera.photograph(SECOND)) == [PAYLOAD])
        descriptor = os.open(SECOND.node(), os.O_WRONLY)
        try:
            fcntl.ioctl(descriptor, FBIOBLANK, FB_BLANK_POWERDOWN)
        finally:
            os.close(descriptor)
        wait_for(lambda: not scanned(camera.photograph(SECOND)))
        display.show(WAITING, timeout_s=5)
        wait_for(lambda: scanned(camera.photograph(SECOND)) == [PAYLOAD])


def test_a_screen_that_is_unplugged_is_told_and_shows_the_next_prompt_when_it_is_back(camera: Camera) -> None:
    with claimed(SECOND) as display:
        display.show(WAITING, timeout_s=5)
        address = SECOND.unplug()
        try:
            with pytest.raises(LinkAbsentError, match="LINK_ABSENT"):
                display.show(WAITING, timeout_s=5)
            assert display.check_health().state == "absent"
        finally:
            SECOND.plug(address)
        SECOND.node()
        assert display.show(WAITING, timeout_s=5) == "qr"
        wait_for(lambda: scanned(camera.photograph(SECOND)) == [PAYLOAD])


def test_a_console_draws_over_the_picture_unless_it_is_named(camera: Camera) -> None:
    with claimed(CONSOLE) as display:
        display.show(WAITING, timeout_s=5)
        wait_for(lambda: scanned(camera.photograph(CONSOLE)) == [PAYLOAD])
        drawn = camera.photograph(CONSOLE).tobytes()
        say("\r\ncaisse login: ")
        wait_for(lambda: camera.photograph(CONSOLE).tobytes() != drawn)
    with claimed(CONSOLE, tty=TTY) as display:
        assert console_mode() == KD_GRAPHICS
        display.show(WAITING, timeout_s=5)
        wait_for(lambda: scanned(camera.photograph(CONSOLE)) == [PAYLOAD])
        drawn = camera.photograph(CONSOLE).tobytes()
        say("\r\ncaisse login: ")
        pause = threading.Event()
        for _ in range(5):
            pause.wait(0.15)
            assert camera.photograph(CONSOLE).tobytes() == drawn
    assert console_mode() == KD_TEXT
    wait_for(lambda: not scanned(camera.photograph(CONSOLE)))
    wait_for(lambda: not is_black(camera.photograph(CONSOLE)))  # what it was told meanwhile


def test_a_till_without_root_that_ends_by_a_mistake_leaves_neither_a_qr_nor_a_dumb_console(
    camera: Camera,
) -> None:
    with another_till(CONSOLE) as till:
        assert console_mode() == KD_GRAPHICS
        wait_for(lambda: scanned(camera.photograph(CONSOLE)) == [PAYLOAD])
        till.communicate("\n", timeout=20)
    assert till.returncode == 3
    assert console_mode() == KD_TEXT
    wait_for(lambda: not scanned(camera.photograph(CONSOLE)))


def test_what_a_killed_till_left_is_gone_at_the_next_start(camera: Camera) -> None:
    with another_till(CONSOLE) as till:
        till.kill()
        till.wait(timeout=20)
    assert console_mode() == KD_GRAPHICS
    wait_for(lambda: scanned(camera.photograph(CONSOLE)) == [PAYLOAD])
    with claimed(CONSOLE, tty=TTY):
        wait_for(lambda: is_black(camera.photograph(CONSOLE)))
    assert console_mode() == KD_TEXT


def test_a_shell_clears_it_too(camera: Camera) -> None:
    with claimed(SECOND) as display:
        display.show(WAITING, timeout_s=5)
        wait_for(lambda: scanned(camera.photograph(SECOND)) == [PAYLOAD])
        done = subprocess.run(
            ["/bin/sh", "-c", f"cat /dev/zero >{SECOND.node()}"], timeout=20, check=False, capture_output=True
        )
        assert done.returncode == 1  # it ends with "no space left"
        wait_for(lambda: is_black(camera.photograph(SECOND)))
