"""Rules for a QR that a telephone can scan. Pure.

Source: ISO/IEC 18004 (quiet zone of 4 modules, dark on light; error correction M restores about 15 %). Micro QR is never
made: most telephones do not read it. segno encodes; the mask is chosen here, because searching it is most of segno's time.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final, Literal

from cvconnect_drivers.errors import ContentError, PackageMissingError
from cvconnect_drivers.qr_mask import best_masked

QUIET_ZONE_MODULES = 4

MIN_MODULE_PX = 3
"""Below, the pixels of a screen and those of a camera beat against each other."""


MAX_CHARACTERS = 5596
"""The digits that the largest QR holds with error correction M: nothing longer is worth trying, and trying takes seconds."""

# fmt: off
_BYTES_OF_VERSION: Final = (
    14, 26, 42, 62, 84, 106, 122, 152, 180, 213,
    251, 287, 331, 362, 412, 450, 504, 560, 624, 666,
    711, 779, 857, 911, 997, 1059, 1125, 1190, 1264, 1370,
    1452, 1538, 1628, 1722, 1809, 1911, 1989, 2099, 2213, 2331,
)
# fmt: on
"""What versions 1 to 40 hold with error correction M. Source: ISO/IEC 18004, table 7, 8-bit bytes."""


@dataclass(frozen=True, slots=True)
class QrMatrix:
    """A QR as rows of modules, True where dark, without its quiet zone."""

    rows: tuple[tuple[bool, ...], ...]

    @property
    def modules(self) -> int:
        """Modules on a side, quiet zone not counted."""
        return len(self.rows)

    @property
    def modules_with_quiet_zone(self) -> int:
        """Modules on a side, quiet zone counted."""
        return self.modules + 2 * QUIET_ZONE_MODULES

    def with_quiet_zone(self) -> tuple[tuple[bool, ...], ...]:
        """Surround the modules with the light ones that belong to the QR.

        Returns:
            `modules_with_quiet_zone` rows of as many modules.
        """
        side = (False,) * QUIET_ZONE_MODULES
        empty = ((False,) * self.modules_with_quiet_zone,) * QUIET_ZONE_MODULES
        return (*empty, *((*side, *row, *side) for row in self.rows), *empty)


def modules_for(payload: str) -> int:
    """Count the modules on a side of the QR that whoever draws it makes of plain bytes, quiet zone not counted.

    Args:
        payload: What it holds, as UTF-8.

    Returns:
        21 to 177.

    Raises:
        ContentError: `QR_CONTENT`: nothing to encode, or more than any QR holds.
    """
    try:
        length = len(payload[: MAX_CHARACTERS + 1].encode())
    except UnicodeEncodeError as error:  # half a surrogate
        raise _no_content(len(payload)) from error
    version = bisect_left(_BYTES_OF_VERSION, length) + 1
    if not length or version > len(_BYTES_OF_VERSION):
        raise _no_content(len(payload))
    return 17 + 4 * version


def make_matrix(payload: str, *, mode: Literal["byte"] | None = None) -> QrMatrix:
    """Encode a text.

    Args:
        payload: The text.
        mode: `byte` forbids the denser encodings of digits and capitals.

    Returns:
        The QR, error correction M.

    Raises:
        ContentError: `QR_CONTENT`: nothing to encode, or more than any QR holds.
        PackageMissingError: segno is not installed.
    """
    try:
        import segno
    except ImportError as error:
        raise PackageMissingError("segno") from error
    try:
        if not 0 < len(payload) <= MAX_CHARACTERS:
            raise ValueError("empty or too long")  # noqa: TRY301 (one refusal for both)
        code = segno.make_qr(payload, error="m", mode=mode, boost_error=False, mask=0, encoding="utf-8")
    except ValueError as error:  # segno.DataOverflowError is one
        raise _no_content(len(payload)) from error
    return QrMatrix(best_masked(code.matrix))


def _no_content(length: int) -> ContentError:
    return ContentError(
        "QR_CONTENT",
        fr="Le QR code ne peut pas être affiché : son contenu est vide ou trop long.",
        en=f"No QR holds {length} characters",
    )


def module_px(modules_with_quiet_zone: int, side_px: int) -> int:
    """Find the size of a module: the largest whole number of pixels that fits.

    Args:
        modules_with_quiet_zone: Modules on a side.
        side_px: The side of the square that is free, in pixels.

    Returns:
        Pixels per module, at least `MIN_MODULE_PX`.

    Raises:
        ContentError: `QR_TOO_DENSE`: the modules would be too small to scan.
    """
    pixels = side_px // modules_with_quiet_zone
    if pixels < MIN_MODULE_PX:
        raise ContentError(
            "QR_TOO_DENSE",
            fr="Le QR code est trop dense pour cet écran.",
            en=f"{modules_with_quiet_zone} modules on {side_px} px leave under {MIN_MODULE_PX} px each",
        )
    return pixels
