"""The mask of a QR is chosen as the standard says, and the picture of it is the QR."""

from __future__ import annotations

import io
from itertools import groupby, pairwise

import pytest
import segno
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cvconnect_drivers.qr import make_matrix
from cvconnect_drivers.qr_mask import best_masked
from cvconnect_drivers.qr_png import png_of

Rows = tuple[tuple[bool, ...], ...]

_QUIET = [False] * 4
_FINDER = [True, False, True, True, True, False, True]


def masked(payload: str, mask: int) -> Rows:
    """A second opinion: segno lays this mask over it."""
    code = segno.make_qr(payload, error="m", boost_error=False, mask=mask, encoding="utf-8")
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)


def penalty(rows: Rows) -> int:
    """The evaluation of the standard, module by module."""
    columns: Rows = tuple(zip(*rows, strict=True))
    points = 0
    for line in (*rows, *columns):
        runs = [len(list(run)) for _, run in groupby(line)]
        points += sum(run - 2 for run in runs if run >= 5)
        wide = [*_QUIET, *line, *_QUIET]
        for start in range(4, len(wide) - 10):
            if wide[start : start + 7] == _FINDER:
                points += 40 * (not any(wide[start - 4 : start]) or not any(wide[start + 7 : start + 11]))
    for above, below in pairwise(rows):
        for place in range(len(above) - 1):
            points += 3 * (len({*above[place : place + 2], *below[place : place + 2]}) == 1)
    dark = 100 * sum(map(sum, rows)) / len(rows) ** 2
    return points + 10 * int(abs(dark - 50) / 5)


@pytest.mark.parametrize("version", range(1, 41))
def test_every_version_gets_one_of_the_eight_masks_and_nothing_else_is_changed(version: int) -> None:
    code = segno.make_qr("a", error="m", boost_error=False, mask=0, version=version)
    choices = [
        tuple(tuple(bool(module) for module in row) for row in one.matrix)
        for one in (
            segno.make_qr("a", error="m", boost_error=False, mask=mask, version=version) for mask in range(8)
        )
    ]
    assert best_masked(code.matrix) in choices


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), min_size=1, max_size=120))
def test_the_mask_is_the_first_of_those_with_the_lowest_penalty(payload: str) -> None:
    choices = [masked(payload, mask) for mask in range(8)]
    assert make_matrix(payload).rows == min(choices, key=penalty)


@given(st.text(min_size=1, max_size=200).filter(str.isprintable), st.integers(1, 9))
def test_the_picture_is_the_qr_and_is_read(payload: str, module_px: int) -> None:
    matrix = make_matrix(payload)
    with Image.open(io.BytesIO(png_of(matrix, module_px))) as picture:
        picture.load()
        side = matrix.modules_with_quiet_zone * module_px
        assert (picture.size, picture.mode) == ((side, side), "1")
        modules = matrix.modules_with_quiet_zone
        small = picture.resize((modules, modules), Image.Resampling.NEAREST)
        large = small.resize(picture.size, Image.Resampling.NEAREST)
        assert large.tobytes() == picture.tobytes()
        dark = tuple(not value for value in small.convert("L").tobytes())
        assert dark == tuple(module for row in matrix.with_quiet_zone() for module in row)
        read = zxingcpp.read_barcodes(picture.convert("L").resize((side * 3, side * 3)))
    assert [found.text for found in read] == [payload]
