"""A framebuffer on a file: what the kernel tells of a screen, and what stands on it. The kernel lab asks a real one."""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import pytest
from PIL import Image

FBIOGET_VSCREENINFO, FBIOGET_FSCREENINFO, FBIOBLANK, KDSETMODE = 0x4600, 0x4602, 0x4611, 0x4B3A
UNTOUCHED = 0xAA


@dataclass(frozen=True, slots=True)
class Format:
    """How the bits of a pixel are used: offset, length and `msb_right` of red, green, blue and transparency."""

    bits: int
    fields: tuple[int, ...]
    raw_mode: str = ""
    """What Pillow calls it."""


XRGB = Format(32, (16, 8, 0, 8, 8, 0, 0, 8, 0, 0, 0, 0), "BGRX")
ARGB = Format(32, (16, 8, 0, 8, 8, 0, 0, 8, 0, 24, 8, 0), "BGRX")
XBGR = Format(32, (0, 8, 0, 8, 8, 0, 16, 8, 0, 0, 0, 0), "RGBX")
RGB24 = Format(24, (16, 8, 0, 8, 8, 0, 0, 8, 0, 0, 0, 0), "BGR")
RGB565 = Format(16, (11, 5, 0, 5, 6, 0, 0, 5, 0, 0, 0, 0), "BGR;16")


@dataclass(frozen=True, slots=True)
class Told:
    """What the kernel tells of a screen."""

    size: tuple[int, int] = (800, 480)
    format: Format = XRGB
    line_bytes: int = 0
    offset: tuple[int, int] = (0, 0)
    grey: int = 0
    kind: int = 0
    visual: int = 2

    @property
    def stride(self) -> int:
        """From one line to the next."""
        return self.line_bytes or self.size[0] * self.format.bits // 8

    @property
    def first_byte(self) -> int:
        """Where the visible part begins."""
        return self.offset[1] * self.stride + self.offset[0] * self.format.bits // 8

    def variable(self) -> bytes:
        """The `struct fb_var_screeninfo`."""
        head = (*self.size, *self.size, *self.offset, self.format.bits, self.grey, *self.format.fields)
        return struct.pack("@40I", *head, *[0] * 20)

    def fixed(self) -> bytes:
        """The `struct fb_fix_screeninfo`."""
        height = self.offset[1] + self.size[1]
        head = (b"fake", 0, self.stride * height, self.kind, 0, self.visual, 1, 1, 0, self.stride)
        return struct.pack("@16sL4I3HIL2I3H0L", *head, *[0] * 6)


@dataclass(slots=True)
class FakeFramebuffer:
    """A screen, and the console that draws on it.

    Attributes:
        refuses: The error that each request to the kernel meets, by its number.
        modes: What the console was told.
        wakes: How often the screen was woken.
    """

    path: Path
    console: Path
    told: Told
    refuses: dict[int, int] = field(default_factory=dict[int, int])
    modes: list[int] = field(default_factory=list[int])
    wakes: int = 0

    @classmethod
    def install(cls, monkeypatch: pytest.MonkeyPatch, folder: Path, told: Told | None = None) -> Self:
        """Make one whose device and console are files in a folder."""
        fake = cls(folder / "fb0", folder / "tty1", told or Told())
        fake.plug()
        fake.console.touch()
        monkeypatch.setattr(fcntl, "ioctl", fake._ioctl)
        return fake

    @property
    def url(self) -> str:
        """How a till names it."""
        return f"fb:{self.path}"

    def plug(self, **changes: object) -> None:
        """Plug it in, perhaps another one."""
        self.told = replace(self.told, **changes)  # type: ignore[arg-type] # of whatever type the fields have
        self.path.write_bytes(
            bytes([UNTOUCHED]) * (self.told.first_byte + self.told.stride * self.told.size[1])
        )

    def picture(self) -> Image.Image:
        """What stands on it."""
        pixels = self.path.read_bytes()[self.told.first_byte :]
        raw_mode, stride = self.told.format.raw_mode, self.told.stride
        return Image.frombytes("RGB", self.told.size, pixels, "raw", raw_mode, stride)

    def is_black(self) -> bool:
        """Whether nothing is on it."""
        return self.picture().getbbox() is None

    def _ioctl(self, descriptor: int, request: int, argument: bytes | int) -> bytes | int:
        if request in self.refuses:
            raise OSError(self.refuses[request], os.strerror(self.refuses[request]))
        if os.path.samestat(os.fstat(descriptor), self.console.stat()):
            assert request == KDSETMODE
            assert isinstance(argument, int)
            self.modes.append(argument)
            return 0
        assert os.path.samestat(os.fstat(descriptor), self.path.stat())
        match request, argument:
            case 0x4600, bytes():
                assert len(argument) == len(self.told.variable())
                return self.told.variable()
            case 0x4602, bytes():
                assert len(argument) == len(self.told.fixed())
                return self.told.fixed()
            case _:
                assert (request, argument) == (FBIOBLANK, 0)
                self.wakes += 1
                return 0
