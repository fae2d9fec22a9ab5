"""Bytes for `fuzz_targets`: what a printer answers, the questions and answers of a link, what a simulated printer is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import scans
from cvconnect_drivers.printers.answers import AnswerReader, ProcessId
from cvconnect_drivers.printers.commands import (
    EnableAutomaticStatusBack,
    TransmitRealTimeStatus,
    TransmitStatus,
)
from cvconnect_drivers.printers.status import Query, StatusDecoder
from cvconnect_sim.printer import MODELS, Printer
from cvconnect_sim.printer.parser import Parser, Text
from fuzz_promises import cut, held, promise

FLOW_CONTROL: Final = b"\x11\x13"
LONGEST_ANSWER: Final = 7


# --- A printer's answers ----------------------------------------------------------------------------------------------

_DONE: Final = b"\xff\x37\x22DONE\x00"


def check_answers(data: bytes) -> None:
    """Any bytes from a printer: told the same however they are cut, few held back, and what comes after them is read."""
    readers = AnswerReader(), AnswerReader()
    answers = readers[0].feed(data)
    pieces = [answer for piece in cut(data, len(data)) for answer in readers[1].feed(piece)]
    promise(answers == pieces, "cuts made other answers")
    promise(held(readers[0]) < LONGEST_ANSWER, "it holds an answer back")
    told = data.translate(None, FLOW_CONTROL)
    for answer in answers:
        if isinstance(answer, ProcessId):
            promise(_is_split(answer.process_id, told), "it told no such id")
    promise(readers[0].feed(_DONE)[-1:] == [ProcessId(b"DONE")], "noise swallowed the answer after it")


def _is_split(process_id: bytes, told: bytes) -> bool:
    """Whether these bytes came one after another: real-time answers may stand between them."""
    rest = iter(told)
    return all(byte in rest for byte in b"\x37\x22" + process_id + b"\x00")


# --- Questions and answers --------------------------------------------------------------------------------------------
# A byte whose low half says what happens: one of `_QUESTIONS` is asked, or the wait is over; anything else, the next bytes come, as
# many as the high half says.

_QUESTIONS: Final[tuple[Query | EnableAutomaticStatusBack, ...]] = (
    *(TransmitRealTimeStatus(n) for n in (1, 2, 3, 4)),
    *(TransmitStatus(n) for n in (1, 2)),
    EnableAutomaticStatusBack(255),
    EnableAutomaticStatusBack(0),
)
_OVER: Final = len(_QUESTIONS)
_MOST_AT_ONCE: Final = 8
_FIXED: Final[dict[type, tuple[int, int]]] = {
    TransmitRealTimeStatus: (0x93, 0x12),
    TransmitStatus: (0x90, 0x00),
}
"""By the kind of question: which bits of its answer are fixed, and what they are."""


def check_status(data: bytes) -> None:
    """Any questions and any answers: a field is told by an answer that came alone after its question, or is unknown and says why."""
    decoders = StatusDecoder(), StatusDecoder()
    asked: Query | None = None
    came = b""
    mute = False
    for now_s, (what, piece) in enumerate(_happenings(data)):
        if what < _OVER:
            question = _QUESTIONS[what]
            may = {decoder.ask(question, now_s) for decoder in decoders}
            promise(len(may) == 1, "cuts made a question impossible")
            asked, came = None, b""  # whatever was asked before is over
            if not isinstance(question, EnableAutomaticStatusBack):
                asked = question if may == {True} else None
                promise(not mute or may == {False}, "it asks on after a question that was not answered")
        elif what == _OVER:
            ends = [decoder.end(now_s) for decoder in decoders]
            promise(ends[0] == ends[1], "cuts made another answer")
            _is_rightly_told(asked, came, ends[0])
            mute = mute or (asked is not None and ends[0] is None)
            asked = None
        else:
            came += piece
            decoders[0].feed(piece, now_s)
            for part in cut(piece, now_s):
                decoders[1].feed(part, now_s)
    promise(decoders[0].status == decoders[1].status, "cuts made another status")
    _says_why(decoders[0], len(data))


def _happenings(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        what = data[at] % 16
        size = 0 if what <= _OVER else 1 + data[at] // 16 % _MOST_AT_ONCE
        yield what, data[at + 1 : at + 1 + size]
        at += 1 + size


def _is_rightly_told(asked: Query | None, came: bytes, byte: int | None) -> None:
    if byte is None:
        return
    promise(asked is not None, "it tells an answer to no question")
    mask, fixed = _FIXED[type(asked)]
    promise(byte in came and byte & mask == fixed, "it told an answer that did not come")


def _says_why(decoder: StatusDecoder, now_s: float) -> None:
    status = decoder.status
    for name in status.__slots__:
        field = getattr(status, name)
        promise((field.value is None) == (field.why_unknown is not None), "a field is known or says why not")
        promise(field.at_s is None or field.at_s <= now_s, "a field is from the future")


def status_seeds() -> list[bytes]:
    """Give questions with their answers: real time, transmitted, automatic, and the noise of each."""
    over = bytes([_OVER])

    def comes(answer: bytes) -> bytes:
        """Bytes that come, eight at most at once."""
        parts = (answer[at : at + _MOST_AT_ONCE] for at in range(0, len(answer), _MOST_AT_ONCE))
        return b"".join(bytes([15 | (len(part) - 1) << 4]) + part for part in parts)

    asked = [bytes([n]) + comes(bytes([0x12 | n << 2])) + over for n in range(4)]
    transmitted = [bytes([4 + n]) + comes(bytes([n * 3])) + over for n in range(2)]
    automatic = bytes([6]) + comes(b"\x10\0\0\0\x3c\x0c\x60\x0f") + bytes([7])
    noise = bytes([0]) + comes(b"\x12\x16") + over + bytes([1]) + comes(b"\x12") + over
    with_id = bytes([0]) + comes(b"\x37\x22@@@@\0\x16") + over
    return [
        b"".join(asked),
        b"".join(transmitted),
        automatic + asked[0],
        noise,
        with_id,
        automatic + transmitted[0],
    ]


# --- The simulated printer --------------------------------------------------------------------------------------------

_HOLDS_BYTES: Final = 9_000
_AFTER: Final = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08\x1b@after\n"
"""`DLE DC4` that clears the buffers, then a line."""


def check_escpos(data: bytes) -> None:
    """Any bytes to the simulated printer: each comes out once, in order, however they are cut; one in 16 prints, too."""
    whole, pieces = _tokens([data]), _tokens(cut(data, len(data)))
    promise(whole == pieces, "cuts made other commands")
    if len(data) % 16 == 0:
        names = [*MODELS]
        printer = Printer(MODELS[names[len(data) // 16 % len(names)]])
        printer.receive(data)
        printer = printer if printer.model is MODELS["TM80"] else Printer()
        printer.receive(data + _AFTER)
        promise("after" in printer.uncut.text, "it stopped printing")


def _tokens(pieces: Iterable[bytes]) -> list[object]:
    parser, tokens = Parser(), list[Any]()
    for piece in pieces:
        parser.feed(piece)
        while (token := parser.read()) is not None:
            if isinstance(token, Text) and tokens and isinstance(tokens[-1], Text):
                token = Text(tokens.pop().codes + token.codes)
            tokens.append(token)
        promise(len(parser) < _HOLDS_BYTES, "it holds too much")
    return [*tokens, len(parser)]


def escpos_seeds() -> list[bytes]:
    """Give the bytes of the printers' vectors."""
    file = scans.FOLDER.parent / "escpos.json"
    vectors = json.loads(file.read_text("utf-8"))["vectors"]
    return [data for vector in vectors if len(data := bytes.fromhex(vector["bytes"])) < 400]  # noqa: PLR2004
