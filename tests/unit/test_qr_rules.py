"""Every QR that is shown can be scanned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.qr import MIN_MODULE_PX, QUIET_ZONE_MODULES, make_matrix, module_px


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=200))
def test_a_qr_is_never_a_micro_qr_and_has_its_quiet_zone(payload: str) -> None:
    matrix = make_matrix(payload)
    assert matrix.modules >= 21
    rows = matrix.with_quiet_zone()
    assert len(rows) == matrix.modules + 8 == matrix.modules_with_quiet_zone
    assert {len(row) for row in rows} == {len(rows)}
    border = [
        rows[y][x]
        for y in range(len(rows))
        for x in range(len(rows))
        if min(x, y, len(rows) - 1 - x, len(rows) - 1 - y) < QUIET_ZONE_MODULES
    ]
    assert not any(border)
    assert rows[4][4:11] == (True,) * 7


def test_a_short_text_that_fits_a_micro_qr_is_a_full_qr() -> None:
    assert make_matrix("1").modules == 21


def test_error_correction_is_m() -> None:
    # 14 characters fill version 1-M; one more needs version 2. Version 1-L would hold 17.
    assert make_matrix("x" * 14).modules == 21
    assert make_matrix("x" * 15).modules == 25


def test_plain_bytes_need_the_most_room() -> None:
    assert make_matrix("1" * 30).modules == 21
    assert make_matrix("1" * 30, mode="byte").modules == 29


@pytest.mark.parametrize("payload", ["", "x" * 2400])
def test_what_no_qr_holds_is_refused(payload: str) -> None:
    with pytest.raises(ContentError) as caught:
        make_matrix(payload)
    assert caught.value.code == "QR_CONTENT"


@given(st.integers(29, 185), st.integers(1, 4000))
def test_modules_are_as_large_as_the_surface_allows(modules: int, side_px: int) -> None:
    if side_px < modules * MIN_MODULE_PX:
        with pytest.raises(ContentError) as caught:
            module_px(modules, side_px)
        assert caught.value.code == "QR_TOO_DENSE"
    else:
        pixels = module_px(modules, side_px)
        assert pixels * modules <= side_px < (pixels + 1) * modules
