"""The pictures of the documentation are what comes out today, and a phone reads them."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs/images"


def test_the_pictures_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/make_ticket_pictures.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_code_of_the_trial_ticket_is_read_by_two_readers() -> None:
    picture = Image.open(io.BytesIO((IMAGES / "printer-test.png").read_bytes())).convert("L")
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == ["TEST 4C1A"]
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(np.asarray(picture))
    assert text == "TEST 4C1A"


@pytest.mark.parametrize(
    ("name", "numbers"), [("printer-page.png", "1234"), ("printer-page-clone.png", "34")]
)
def test_the_codes_of_the_calibration_page_are_read(name: str, numbers: str) -> None:
    picture = Image.open(IMAGES / name).convert("L")
    texts = {found.text for found in zxingcpp.read_barcodes(picture)}
    assert texts == {f"CVCONNECT {number}" for number in numbers}
