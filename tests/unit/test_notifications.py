"""The provider's notifications: a hint and nothing else, whatever anybody sends."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from wsgiref.types import WSGIEnvironment
from wsgiref.validate import validator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos.notifications import Message, NotificationReceiver, read_notification

GOOD = {"transaction": {"id": "fiawa31zot", "state": "PAID", "order": {"paymentId": "0af3-_Z"}}}


@dataclass
class Hand:
    """A clock that is set by hand."""

    at_s: float = 0.0

    def monotonic(self) -> float:
        return self.at_s

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        raise AssertionError("a receiver waits for nothing")


@dataclass
class Hints:
    """What was hinted."""

    heard: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    fault: Exception | None = None

    def __call__(self, transaction_id: str, payment_id: str) -> None:
        self.heard.append((transaction_id, payment_id))
        if self.fault:
            raise self.fault


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


class Body(io.BytesIO):
    """A body that counts how far it is read, and gives it in pieces."""

    def __init__(self, content: bytes, piece: int = 1 << 30) -> None:
        super().__init__(content)
        self._piece = piece

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size > 0, "an unbounded read"
        return super().read(min(size, self._piece))


def environment(
    body: io.BytesIO, length: str | None, method: str = "POST", *, ended: bool = False
) -> WSGIEnvironment:
    known: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/notifications",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": ended,
    }
    if length is not None:
        known["CONTENT_LENGTH"] = length
    return known


def call(app: Any, environ: WSGIEnvironment) -> Answer:
    answer = Answer()

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        answer.status, answer.headers = int(status[:3]), dict(headers)

    said: Iterable[bytes] = app(environ, start_response)
    answer.body = b"".join(said)
    if closing := getattr(said, "close", None):
        closing()
    return answer


def post(receiver: NotificationReceiver, body: bytes, method: str = "POST") -> Answer:
    return call(receiver.wsgi, environment(Body(body), str(len(body)), method))


def as_bytes(value: object) -> bytes:
    return json.dumps(value).encode()


def post_asgi(
    receiver: NotificationReceiver,
    chunks: Iterable[Message],
    method: str = "POST",
    length: bytes | None = None,
) -> Answer:
    """Send one request; the answer's status is 0 when there was none."""
    waiting, answer = list(chunks), Answer()

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message["body"]

    headers = [] if length is None else [(b"content-length", length)]
    scope = {"type": "http", "method": method, "path": "/", "headers": headers}
    asyncio.run(receiver.asgi(scope, receive, send))
    return answer


def chunk(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


# --- what a notification says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        (GOOD, ("fiawa31zot", "0af3-_Z")),
        ({"preTransaction": {"id": "pre1", "order": {"paymentId": "p1"}}}, ("pre1", "p1")),
        ({"transaction": {"id": "t1"}}, ("t1", "")),
        ({"transaction": {"id": "t1", "order": None}}, ("t1", "")),
        ({"transaction": None, "preTransaction": {"id": "pre1"}}, ("pre1", "")),
        ({"transaction": {"id": "x" * 64}, "later": [1]}, ("x" * 64, "")),
    ],
)
def test_a_notification_names_a_payment(said: object, ids: tuple[str, str]) -> None:
    assert read_notification(as_bytes(said)) == ids


@pytest.mark.parametrize(
    "said",
    [
        {},
        [],
        None,
        "fiawa31zot",
        {"transaction": {}},
        {"transaction": []},
        {"transaction": {"id": ""}},
        {"transaction": {"id": 12}},
        {"transaction": {"id": "x" * 65}},
        {"transaction": {"id": "../status"}},
        {"transaction": {"id": "t1\n"}},
        {"transaction": {"id": "é"}},
        {"transaction": {"id": "t1", "order": {"paymentId": 7}}},
        {"transaction": {"id": "t1", "order": {"paymentId": None}}},
        {"transaction": {"id": "t1", "order": {"paymentId": "p 1"}}},
    ],
)
def test_what_names_none_is_none(said: object) -> None:
    assert read_notification(as_bytes(said)) is None


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 60_000, b"1" * 60_000, b'{"transaction":' * 9_000, b"<html>"]
)
def test_what_is_no_json_is_none(body: bytes) -> None:
    assert read_notification(body) is None


# --- WSGI ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 7, 1 << 30])
def test_a_notification_is_hinted_and_answered_with_nothing(piece: int) -> None:
    hints, body = Hints(), as_bytes(GOOD)
    answer = call(NotificationReceiver(hints).wsgi, environment(Body(body, piece), str(len(body))))
    assert answer == Answer(204)
    assert hints.heard == [("fiawa31zot", "0af3-_Z")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", ""])
def test_only_post_is_allowed(method: str) -> None:
    hints = Hints()
    answer = call(NotificationReceiver(hints).wsgi, environment(Body(b""), None, method))
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert hints.heard == []


def test_a_body_that_is_no_notification_is_a_bad_request() -> None:
    hints = Hints()
    assert post(NotificationReceiver(hints), b"{}").status == 400
    assert hints.heard == []


@pytest.mark.parametrize("length", ["-1", "+5", "1_0", "ten", "5, 5", "²", " 5", "9" * 19])
def test_a_length_that_is_no_number_is_a_bad_request(length: str) -> None:
    body = Body(as_bytes(GOOD))
    assert call(NotificationReceiver(Hints()).wsgi, environment(body, length)).status == 400
    assert body.tell() == 0


def test_a_body_that_is_announced_too_large_is_not_read() -> None:
    body = Body(as_bytes(GOOD))
    assert call(NotificationReceiver(Hints(), max_body_bytes=50).wsgi, environment(body, "51")).status == 413
    assert body.tell() == 0


def test_a_body_as_large_as_allowed_is_taken() -> None:
    body = as_bytes(GOOD)
    receiver = NotificationReceiver(Hints(), max_body_bytes=len(body))
    assert post(receiver, body).status == 204
    assert post_asgi(receiver, [chunk(body)], length=str(len(body)).encode()).status == 204


def test_no_more_is_read_than_was_announced() -> None:
    hints, good = Hints(), as_bytes(GOOD)
    body = Body(good + b" and the next request")
    assert call(NotificationReceiver(hints).wsgi, environment(body, str(len(good)))).status == 204
    assert body.tell() == len(good)


def test_a_body_that_ends_before_its_announced_length_is_a_bad_request() -> None:
    good = as_bytes(GOOD)
    answer = call(NotificationReceiver(Hints()).wsgi, environment(Body(good[:-2]), str(len(good))))
    assert answer.status == 400


def test_a_body_of_unknown_length_is_not_read() -> None:
    body = Body(as_bytes(GOOD))
    assert call(NotificationReceiver(Hints()).wsgi, environment(body, None)).status == 411
    assert body.tell() == 0


def test_chunks_that_the_server_decodes_are_read_as_far_as_the_bound() -> None:
    hints, good = Hints(), as_bytes(GOOD)
    receiver = NotificationReceiver(hints, max_body_bytes=len(good))
    assert call(receiver.wsgi, environment(Body(good), None, ended=True)).status == 204
    endless = Body(good + b" " * 1000)
    assert call(receiver.wsgi, environment(endless, None, ended=True)).status == 413
    assert endless.tell() == len(good) + 1
    assert len(hints.heard) == 1


def test_a_server_that_gives_more_than_was_asked_for_is_not_asked_again() -> None:
    class Greedy(Body):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(10 * (size or 0))

    environ = environment(Greedy(b" " * 500), None, ended=True)
    assert call(NotificationReceiver(Hints(), max_body_bytes=40).wsgi, environ).status == 413


def test_a_connection_that_is_cut_is_a_bad_request() -> None:
    class Cut(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    assert call(NotificationReceiver(Hints()).wsgi, environment(Cut(), "10")).status == 400


def test_a_hint_that_fails_is_logged_without_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    hints = Hints(fault=RuntimeError("fiawa31zot of 12345678901"))
    with caplog.at_level(logging.DEBUG):
        assert post(NotificationReceiver(hints), as_bytes(GOOD)).status == 204
    assert "RuntimeError" in caplog.text
    assert "fiawa31zot" not in caplog.text
    assert "12345678901" not in caplog.text


def test_in_any_minute_no_more_is_looked_at_than_agreed() -> None:
    hints, clock = Hints(), Hand()
    receiver, body = NotificationReceiver(hints, per_minute=3, clock=clock), as_bytes(GOOD)
    for clock.at_s in (0.0, 20.0, 40.0):
        assert post(receiver, body).status == 204
    clock.at_s = 50.5
    answer = post(receiver, body)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "10")
    assert post(receiver, b"", method="GET").status == 405
    clock.at_s = 60.0
    assert post(receiver, body).status == 204
    assert post(receiver, body).status == 429
    assert len(hints.heard) == 4


@pytest.mark.parametrize(
    ("body", "method", "status"),
    [(as_bytes(GOOD), "POST", 204), (b"{}", "POST", 400), (b"", "GET", 405), (b" " * 70_000, "POST", 413)],
)
def test_the_standard_library_finds_no_fault_with_the_application(
    body: bytes, method: str, status: int
) -> None:
    hints = Hints()
    checked = validator(NotificationReceiver(hints).wsgi)
    environ = environment(io.BytesIO(body), str(len(body)), method)
    assert call(checked, environ).status == status
    assert len(hints.heard) == (status == 204)


# --- ASGI ---------------------------------------------------------------------------------------------------------------------


def test_asgi_takes_a_body_in_many_chunks() -> None:
    hints, body = Hints(), as_bytes(GOOD)
    pieces = [chunk(bytes([each]), more=True) for each in body]
    answer = post_asgi(NotificationReceiver(hints), [*pieces, {"type": "http.request"}])
    assert answer == Answer(204)
    assert hints.heard == [("fiawa31zot", "0af3-_Z")]


def test_asgi_stops_reading_at_the_bound() -> None:
    pieces = [chunk(b" " * 40, more=True) for _ in range(10)]
    remaining = iter(pieces)
    hints = Hints()
    assert (
        post_asgi(NotificationReceiver(hints, max_body_bytes=100), [next(remaining) for _ in range(3)]).status
        == 413
    )
    assert post_asgi(NotificationReceiver(hints, max_body_bytes=100), [chunk(b" " * 1000)]).status == 413
    assert post_asgi(NotificationReceiver(hints, max_body_bytes=100), [], length=b"101").status == 413
    assert hints.heard == []


def test_asgi_answers_nobody_who_has_gone() -> None:
    hints = Hints()
    gone: Message = {"type": "http.disconnect"}
    assert post_asgi(NotificationReceiver(hints), [chunk(as_bytes(GOOD), more=True), gone]) == Answer()
    assert hints.heard == []


def test_asgi_refuses_as_wsgi_does() -> None:
    hints, clock = Hints(), Hand()
    receiver = NotificationReceiver(hints, per_minute=2, clock=clock)
    assert post_asgi(receiver, [], method="GET").headers["allow"] == "POST"
    assert post_asgi(receiver, [], length=b"\xff").status == 400
    assert post_asgi(receiver, [chunk(b"{}")]).status == 400
    answer = post_asgi(receiver, [])
    assert (answer.status, answer.headers["retry-after"]) == (429, "60")


def exchange(kind: str, messages: Iterable[str]) -> list[Message]:
    waiting, said = list(messages), list[Message]()

    async def receive() -> Message:
        return {"type": waiting.pop(0)}

    async def send(message: Message) -> None:
        said.append(message)

    scope: Mapping[str, Any] = {"type": kind, "headers": []}
    asyncio.run(NotificationReceiver(Hints()).asgi(scope, receive, send))
    return said


def test_asgi_has_nothing_to_start_and_no_websocket() -> None:
    assert exchange("lifespan", ["lifespan.startup", "lifespan.shutdown"]) == [
        {"type": "lifespan.startup.complete"},
        {"type": "lifespan.shutdown.complete"},
    ]
    assert exchange("websocket", ["websocket.connect"]) == [{"type": "websocket.close"}]
    assert exchange("later", []) == []


# --- whatever anybody sends -----------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["transaction", "preTransaction", "id", "order", "paymentId"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def cut(how: tuple[int, bytes]) -> bytes:
    """A good notification, broken off, with something else behind."""
    at, more = how
    return as_bytes(GOOD)[:at] + more


BODIES: st.SearchStrategy[bytes] = st.one_of(
    st.binary(max_size=200),
    JSON.map(as_bytes),
    st.tuples(st.integers(0, 90), st.binary(max_size=4)).map(cut),
)
LENGTHS = st.one_of(st.none(), st.integers(-1, 300).map(str), st.text(max_size=5))


@given(
    BODIES, LENGTHS, st.booleans(), st.sampled_from(["POST", "POST", "POST", "GET", "é"]), st.integers(1, 50)
)
def test_no_request_makes_it_raise_or_pass_on_what_is_no_id(
    body: bytes, length: str | None, ended: bool, method: str, piece: int
) -> None:
    hints = Hints()
    receiver = NotificationReceiver(hints, max_body_bytes=150)
    stream = Body(body, piece)
    answer = call(receiver.wsgi, environment(stream, length, method, ended=ended))
    assert answer.status in {204, 400, 405, 411, 413}
    assert stream.tell() <= 151
    assert len(hints.heard) == (answer.status == 204)

    other = Hints()
    pieces = [chunk(body[at : at + piece], more=True) for at in range(0, len(body), piece)]
    answer = post_asgi(NotificationReceiver(other, max_body_bytes=150), [*pieces, chunk(b"")], method)
    assert answer.status in {204, 400, 405, 413}
    for transaction_id, payment_id in hints.heard + other.heard:
        assert transaction_id.replace("-", "").replace("_", "").isalnum() or set(transaction_id) <= set("-_")
        assert len(transaction_id) <= 64
        assert len(payment_id) <= 64
        assert (transaction_id + payment_id).isascii()
