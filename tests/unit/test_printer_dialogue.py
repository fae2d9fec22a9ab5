"""What counts as a printer's answer, and what is noise; a link that answers only as scripted, without any waiting."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cvconnect_drivers.errors import LinkTimeoutError
from cvconnect_drivers.links.base import Deadline
from cvconnect_drivers.printers import status
from cvconnect_drivers.printers.dialogue import Dialogue

WELL = b"\x12"
STUCK = b"\x32"
"""Taken for an answer to `DLE EOT 2` it would say "no paper"."""


class Script:
    """Gives, for each query, the chunks that come after it; then silence."""

    def __init__(self, *answers: Sequence[bytes], before: Sequence[bytes] = ()) -> None:
        self._answers = list(answers)
        self._coming = list(before)
        self.asked: list[bytes] = []

    def write(self, data: bytes, *, timeout_s: float) -> None:
        self.asked.append(data)
        self._coming += self._answers.pop(0) if self._answers else ()

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        if not self._coming or timeout_s <= 0:
            raise LinkTimeoutError("script", "answer")
        data, self._coming[0] = self._coming[0][:max_bytes], self._coming[0][max_bytes:]
        if not self._coming[0]:
            del self._coming[0]
        return data

    def close(self) -> None:
        pass


def ask(script: Script) -> dict[int, int]:
    return Dialogue(script).ask_status(Deadline(5.0))


def test_four_questions_get_four_answers() -> None:
    script = Script([WELL], [WELL], [WELL], [b"\x1e"])
    assert ask(script) == {1: 0x12, 2: 0x12, 3: 0x12, 4: 0x1E}
    assert script.asked == [b"\x10\x04\x01", b"\x10\x04\x02", b"\x10\x04\x03", b"\x10\x04\x04"]


def test_what_waited_before_a_question_is_no_answer_to_it() -> None:
    assert ask(Script([WELL], [WELL], [WELL], [WELL], before=[STUCK, b"\xff" * 600])) == dict.fromkeys(
        status.QUERIES, 0x12
    )


def test_flow_control_may_stand_around_an_answer() -> None:
    assert ask(Script([b"\x13", WELL + b"\x11"])) == {1: 0x12}


@pytest.mark.parametrize(
    "came",
    [
        [WELL + STUCK],
        [WELL, STUCK],
        [b"HTTP/1.1 400 Bad Request\r\n"],
        [b"\x10\x00\x00\x00"],
        [b"\xff"],
        [],
    ],
)
def test_anything_but_one_right_byte_tells_nothing_and_no_more_is_asked(came: list[bytes]) -> None:
    script = Script([WELL], came, [WELL], [WELL])
    dialogue = Dialogue(script)
    assert dialogue.ask_status(Deadline(5.0)) == {1: 0x12}
    assert dialogue.ask_status(Deadline(5.0)) == {}
    assert script.asked == [b"\x10\x04\x01", b"\x10\x04\x02"]
    assert dialogue.answered


def test_a_link_that_says_nothing_is_known_to_have_answered_nothing() -> None:
    dialogue = Dialogue(Script())
    assert dialogue.ask_status(Deadline(5.0)) == {}
    assert not dialogue.answered


@pytest.mark.parametrize(
    ("came", "found"),
    [
        ([b"\x37\x22ABCD\x00"], True),
        ([b"\xff\x37", b"\x22AB", b"CD\x00"], True),
        ([b"\x37\x22ABCE\x00"], False),
        ([], False),
    ],
)
def test_a_process_id_is_found_in_what_comes(came: list[bytes], found: bool) -> None:
    assert Dialogue(Script(before=came)).wait_for(b"ABCD", Deadline(5.0)) is found
