"""The server of the customer's page, without a browser: many pages, slow ones, broken ones, and who may look."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from customer import SCREENS
from cvconnect_drivers.displays.web import display as display_module
from cvconnect_drivers.displays.web import server as server_module
from cvconnect_drivers.displays.web.display import WebDisplay, open_display
from cvconnect_drivers.errors import ConfigurationError, DriverError
from cvconnect_pos.peripherals import PaymentPrompt
from web_page import FakePage, Stream, ask, free_port, get, paint

TOKEN = "a-token-of-this-test"
QR, PAID = SCREENS["qr"], SCREENS["paid"]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")


class Served(WebDisplay):
    """A display that is claimed on a port of its own."""

    def __init__(self) -> None:
        super().__init__("web:", "127.0.0.1", 0, TOKEN)
        self.claim(timeout_s=1)

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.port

    @property
    def pages(self) -> int:
        assert self._server is not None
        return self._server.pages

    @property
    def connections(self) -> int:
        assert self._server is not None
        return len(self._server._strangers) + len(self._server._guests)

    @property
    def strangers(self) -> int:
        assert self._server is not None
        return len(self._server._strangers)


@pytest.fixture
def display() -> Iterator[Served]:
    display = Served()
    yield display
    display.release()


def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


LONG_S = 60.0
"""What nobody waits for who has an answer."""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A till that would wait long for its pages."""
    monkeypatch.setattr(display_module, "PAINTED_S", LONG_S)


def shown(
    display: WebDisplay, prompt: PaymentPrompt, timeout_s: float = 1.0
) -> tuple[Callable[[], str], threading.Thread]:
    """Show on a thread of its own, as a till does."""
    surfaces: list[str] = []
    thread = threading.Thread(target=lambda: surfaces.append(display.show(prompt, timeout_s=timeout_s)))
    thread.start()

    def surface() -> str:
        thread.join(LONG_S)
        return surfaces[0]

    return surface, thread


# --- Many, slow, broken ---------------------------------------------------------------------------------------------


def test_a_hundred_tablets_all_hear_the_prompt(display: Served) -> None:
    with ExitStack() as stack:
        tablets = [stack.enter_context(closing(Stream(display.port, TOKEN))) for _ in range(100)]
        for tablet in tablets:
            assert tablet.news()["view"] == {"state": "blank"}
        assert display.pages == 100
        assert "100 page(s)" in display.check_health().detail
        surface, _ = shown(display, QR)
        pages: set[int] = set()
        for tablet in tablets:
            news = tablet.news()
            pages.add(news["page"])
            assert news["view"]["amount"] == QR.amount
            assert len(news["view"]["qr"]) == 49
        assert len(pages) == 100
        assert surface() == "none"
    until(lambda: display.pages == 0)


def test_a_page_that_reads_slowly_gets_the_newest_prompt_and_few_of_those_between(display: Served) -> None:
    server = display._server
    assert server is not None
    with (
        closing(Stream(display.port, TOKEN, buffer_bytes=4096)) as slow,
        closing(Stream(display.port, TOKEN)) as fast,
    ):
        slow.line()
        fast.news()
        view = {"state": "waiting", "amount": "45,50 €", "detail": "mot " * 500}
        for _ in range(2000):
            server.publish(view)
        last = server.publish({"state": "paid"})
        numbers: list[int] = []
        while not numbers or numbers[-1] < last:
            numbers.append(fast.news()["number"])
        assert numbers == sorted(numbers)
        late: list[int] = []
        while not late or late[-1] < last:
            late.append(slow.news()["number"])
        assert late == sorted(set(late))
        assert len(late) < 200


def test_nothing_grows_with_pages_that_read_nothing(display: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    server = display._server
    assert server is not None
    writers: list[asyncio.StreamWriter] = []
    stream = server._stream

    async def noted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await stream(reader, writer)

    monkeypatch.setattr(server, "_stream", noted)
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(closing(Stream(display.port, TOKEN, buffer_bytes=4096)))
        until(lambda: display.pages == 20)
        for number in range(200):
            server.publish({"state": "waiting", "detail": f"{number:03}" * 2000})
            time.sleep(0.001)
        held = [writer.transport.get_write_buffer_size() for writer in writers]
        assert len(held) == 20
        assert max(held) < 7000  # one prompt that is on its way


def test_a_page_that_reads_nothing_for_long_is_given_up_and_its_connection_closed(
    display: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "STALLED_S", 0.2)
    server = display._server
    assert server is not None
    with closing(Stream(display.port, TOKEN, buffer_bytes=4096)) as page:
        until(lambda: display.pages == 1)
        until(
            lambda: not [server.publish({"state": "waiting", "detail": "x" * 50_000})] or display.pages == 0
        )
        until(lambda: display.connections == 0)
        while page.line():
            pass


def test_a_page_hears_that_the_till_is_there(display: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "ALIVE_S", 0.05)
    with closing(Stream(display.port, TOKEN)) as page:
        page.news()
        for _ in range(3):
            while page.line() != "event: alive\n":
                pass


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1 more\r\n\r\n",
        b"GET //events HTTP/1.1\r\n\r\n",
        b"GET nowhere HTTP/1.1\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET /\xc3\xa9/ HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS hello\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
        bytes(range(256)) * 64,
    ],
    ids=repr,
)
def test_whoever_talks_nonsense_is_hung_up_on(display: Served, sent: bytes) -> None:
    assert ask(display.port, sent) == b""
    assert get(display.port, f"/{TOKEN}/").startswith(b"HTTP/1.1 200 OK\r\n")
    until(lambda: display.connections == 0)


def test_half_a_request_is_waited_for_and_then_given_up(
    display: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server_module.HEAD_S < server_module.SEND_S
    monkeypatch.setattr(server_module, "HEAD_S", 0.2)
    monkeypatch.setattr(server_module, "SEND_S", LONG_S)
    started = time.monotonic()
    assert ask(display.port, f"GET /{TOKEN}/ HTTP/1.1\r\nHost".encode()) == b""
    assert time.monotonic() - started < LONG_S / 2
    until(lambda: display.connections == 0)


def test_a_request_in_many_pieces_is_one(display: Served) -> None:
    with socket.create_connection(("127.0.0.1", display.port), timeout=5) as there:
        there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in f"GET /{TOKEN}/display.css HTTP/1.1\r\n\r\n".encode():
            there.sendall(bytes([byte]))
        assert there.recv(100).startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/css")


@pytest.mark.parametrize(("most", "path"), [("MOST_PAGES", "events"), ("MOST_GUESTS", "")])
def test_too_many_pages_are_refused_and_the_open_ones_stay(
    display: Served, monkeypatch: pytest.MonkeyPatch, most: str, path: str
) -> None:
    monkeypatch.setattr(server_module, most, 3)
    with ExitStack() as stack:
        pages = [stack.enter_context(closing(Stream(display.port, TOKEN))) for _ in range(3)]
        for page in pages:
            page.news()
        assert get(display.port, f"/{TOKEN}/{path}") == b""
        assert get(display.port, "/") != b"", "strangers are another matter"
        shown(display, PAID)
        assert [page.news()["view"]["state"] for page in pages] == ["paid"] * 3
    until(lambda: display.connections == 0)
    assert get(display.port, f"/{TOKEN}/") != b""


def test_a_crowd_without_the_token_takes_no_place_from_the_tablet(
    display: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some say nothing, some half a word, some all but the token; more than there are places of any kind."""
    monkeypatch.setattr(server_module, "HEAD_S", LONG_S)
    said = (b"", b"GET /", f"GET /{TOKEN}/events HTTP/1.1\r\n".encode())
    with ExitStack() as stack:
        early = stack.enter_context(closing(Stream(display.port, TOKEN)))
        early.news()
        for number in range(520):
            there = stack.enter_context(socket.create_connection(("127.0.0.1", display.port), timeout=5))
            there.sendall(said[number % 3])
        until(lambda: display.strangers == server_module.MOST_STRANGERS)
        assert get(display.port, f"/{TOKEN}/").startswith(b"HTTP/1.1 200 OK\r\n")
        with FakePage(display.port, TOKEN):
            until(lambda: display.pages == 2)
            assert display.show(QR, timeout_s=5) == "qr"
        assert early.news()["view"]["amount"] == QR.amount
    until(lambda: display.connections == 0)


def test_the_oldest_stranger_makes_room(display: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEAD_S", LONG_S)
    monkeypatch.setattr(server_module, "MOST_STRANGERS", 3)
    with ExitStack() as stack:
        crowd: list[socket.socket] = []
        for number in range(5):
            there = stack.enter_context(socket.create_connection(("127.0.0.1", display.port), timeout=5))
            crowd.append(there)
            until(lambda number=number: display.strangers == min(number + 1, 3))  # type: ignore[misc]
        for gone in crowd[:2]:
            with suppress(ConnectionResetError):
                assert gone.recv(1) == b""
        for stays in crowd[2:]:
            stays.sendall(f"GET /{TOKEN}/ HTTP/1.1\r\n\r\n".encode())
            assert stays.recv(15) == b"HTTP/1.1 200 OK"


# --- Who may look ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/events"),
        ("GET", f"/{TOKEN[:-1]}/"),
        ("GET", f"/{TOKEN}x/events"),
        ("GET", f"/{TOKEN}/page.html"),
        ("GET", f"/{TOKEN}/../display.py"),
        ("GET", f"/{TOKEN}/%2e%2e/display.py"),
        ("POST", f"/{TOKEN}/events"),
        ("GET", f"/{TOKEN}/painted?number=1&page=1&surface=qr"),
        ("HEAD", f"/{TOKEN}/"),
    ],
)
def test_there_is_nothing_else(display: Served, method: str, path: str) -> None:
    answer = get(display.port, path, method=method)
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert answer.endswith(b"\r\n\r\n")


def test_what_is_served_says_what_it_is_and_what_it_may(display: Served) -> None:
    for name, kind in {"": "text/html", "display.css": "text/css", "display.js": "text/javascript"}.items():
        head, _, body = get(display.port, f"/{TOKEN}/{name}").partition(b"\r\n\r\n")
        said = head.decode()
        assert f"Content-Type: {kind}; charset=utf-8" in said
        assert f"Content-Length: {len(body)}" in said
        assert "Content-Security-Policy: default-src 'none'" in said
        assert "X-Content-Type-Options: nosniff" in said
        assert "Cache-Control: no-store" in said
        assert TOKEN not in said
    assert f"Location: /{TOKEN}/\r\n".encode() in get(display.port, f"/{TOKEN}")


# --- What is really shown -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", ["qr", "text"])
@pytest.mark.usefixtures("patient")
def test_show_says_what_a_page_has_painted(display: Served, surface: str) -> None:
    with FakePage(display.port, TOKEN, surface=surface):
        until(lambda: display.pages == 1)
        started = time.monotonic()
        assert display.show(QR, timeout_s=LONG_S) == surface
        assert time.monotonic() - started < LONG_S / 2


def test_a_page_that_is_open_and_paints_nothing_is_to_be_looked_at(
    display: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a tablet that sleeps, or of a tab in the background."""
    monkeypatch.setattr(display_module, "PAINTED_S", 0.01)
    with FakePage(display.port, TOKEN, paints=False):
        until(lambda: display.pages == 1)
        until(lambda: "cachée ou en veille" in display.check_health().detail)
        assert display.check_health().state == "degraded"
    until(lambda: display.pages == 0)
    with FakePage(display.port, TOKEN):
        until(lambda: display.check_health().state == "ready")


@pytest.mark.usefixtures("patient")
def test_no_page_no_surface_and_nobody_waits(display: Served) -> None:
    started = time.monotonic()
    assert display.show(QR, timeout_s=LONG_S) == "none"
    assert time.monotonic() - started < LONG_S / 2
    assert display.check_health().state == "degraded"
    assert TOKEN in display.check_health("interactive").detail


def test_a_page_that_says_nothing_has_shown_nothing(display: Served) -> None:
    with FakePage(display.port, TOKEN, paints=False):
        until(lambda: display.pages == 1)
        started = time.monotonic()
        assert display.show(QR, timeout_s=5) == "none"
        assert 0.9 < time.monotonic() - started < LONG_S / 2
        assert display.show(QR, timeout_s=0) == "none"


def test_a_page_has_a_second_to_answer_whatever_the_till_would_wait(
    display: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = display._server
    assert server is not None
    waited_s: list[float] = []

    def seen(_number: int, *, wanted: str, timeout_s: float) -> str:
        waited_s.append(timeout_s)
        return wanted

    monkeypatch.setattr(server, "seen", seen)
    display.show(QR, timeout_s=LONG_S)
    display.show(QR, timeout_s=0.2)
    display.clear(timeout_s=LONG_S)
    assert waited_s == [1.0, 0.2, 0.5]


def test_one_page_with_the_qr_is_enough(display: Served) -> None:
    with (
        FakePage(display.port, TOKEN, surface="text"),
        FakePage(display.port, TOKEN, paints=False),
        FakePage(display.port, TOKEN, surface="qr"),
    ):
        until(lambda: display.pages == 3)
        assert display.show(QR, timeout_s=5) == "qr"


@pytest.mark.parametrize(
    ("page", "number", "surface"),
    [(999, 0, "qr"), (0, 999, "qr"), (0, 1, "qr"), (0, 0, "window"), (-1, 0, "qr"), (0, 0, "none")],
    ids=["a page that is not open", "a prompt to come", "an old prompt", "no surface", "no page", "nothing"],
)
def test_what_is_said_wrongly_does_not_count(display: Served, page: int, number: int, surface: str) -> None:
    with closing(Stream(display.port, TOKEN)) as stream:
        stream.news()
        display.show(PAID, timeout_s=0)
        surface_of, _ = shown(display, QR)
        news = stream.news()
        while news["view"]["state"] != "waiting":
            news = stream.news()
        assert b"204" in paint(display.port, TOKEN, news, surface, page=page, number=number)
        assert surface_of() == "none"


@pytest.mark.parametrize(
    "query", ["", "number=1", "number=x&page=y&surface=qr", f"number={'9' * 5000}&page=1&surface=qr", "&&&=;"]
)
def test_half_a_word_of_a_page_does_no_harm(display: Served, query: str) -> None:
    assert b"204 No Content" in get(display.port, f"/{TOKEN}/painted?{query}", method="POST")
    assert display.show(QR, timeout_s=1) == "none"


@pytest.mark.usefixtures("patient")
def test_a_newer_prompt_ends_the_wait_for_an_older_one(display: Served) -> None:
    with FakePage(display.port, TOKEN, paints=False):
        until(lambda: display.pages == 1)
        surface, thread = shown(display, QR, timeout_s=LONG_S)
        time.sleep(0.1)
        started = time.monotonic()
        display.show(PAID, timeout_s=0)
        assert surface() == "none"
        assert time.monotonic() - started < LONG_S / 2
        assert not thread.is_alive()


@pytest.mark.usefixtures("patient")
def test_a_page_that_closes_ends_the_wait_for_it(display: Served) -> None:
    stream = Stream(display.port, TOKEN)
    stream.news()
    surface, _ = shown(display, QR, timeout_s=LONG_S)
    stream.news()
    started = time.monotonic()
    stream.close()
    assert surface() == "none"
    assert time.monotonic() - started < LONG_S / 2


def test_what_is_over_for_the_page_is_told_as_time_that_is_left(display: Served) -> None:
    from datetime import UTC, datetime, timedelta

    with closing(Stream(display.port, TOKEN)) as stream:
        assert stream.news()["left_ms"] is None
        display.show(replace(QR, expires_at=datetime.now(UTC) + timedelta(seconds=60)), timeout_s=0)
        assert 55_000 < stream.news()["left_ms"] <= 60_000
        display.show(replace(QR, expires_at=datetime.now(UTC) - timedelta(seconds=60)), timeout_s=0)
        assert stream.news()["left_ms"] == 0


# --- Claim and release ----------------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_told(display: Served) -> None:
    other = open_display(f"web://127.0.0.1:{display.port}", {})
    with pytest.raises(DriverError) as told:
        other.claim(timeout_s=1)
    assert told.value.code == "LINK_ABSENT"
    assert f"127.0.0.1:{display.port}" in told.value.text("fr")
    assert other.check_health().state == "unknown"
    with pytest.raises(DriverError):
        other.show(QR, timeout_s=1)


@pytest.mark.parametrize("host", ["203.0.113.9", "no-such-host.invalid", "a" * 300])
def test_an_address_that_is_not_of_this_host_is_told(host: str) -> None:
    with pytest.raises(DriverError) as told:
        open_display(f"web://{host}:8766", {}).claim(timeout_s=1)
    assert told.value.code == "LINK_ABSENT"


def test_claimed_twice_it_is_one(display: Served) -> None:
    port = display.port
    display.claim(timeout_s=1)
    assert display.port == port
    display.release()
    display.release()
    with pytest.raises(ConnectionRefusedError):
        get(port, f"/{TOKEN}/")


def test_it_is_claimed_where_a_loop_runs() -> None:
    """A till on asyncio claims its devices from its own thread."""

    async def till() -> bytes:
        display = Served()
        try:
            return await asyncio.to_thread(get, display.port, f"/{TOKEN}/")
        finally:
            display.release()

    assert b"200 OK" in asyncio.run(till())


def test_given_back_the_pages_are_cleared_and_those_that_hang_are_not_waited_for() -> None:
    display = Served()
    with FakePage(display.port, TOKEN) as page, closing(Stream(display.port, TOKEN, buffer_bytes=4096)):
        until(lambda: display.pages == 2)
        display.show(replace(QR, detail="x" * 100_000), timeout_s=0)
        with socket.create_connection(("127.0.0.1", display.port)) as half:
            half.sendall(b"GET /")
            started = time.monotonic()
            display.release()
            assert time.monotonic() - started < LONG_S / 2
        until(lambda: page.heard("blank"))
        assert page.states[-1] == "blank"
    until(lambda: not [each for each in threading.enumerate() if each.name.startswith("web display")])


def test_given_back_while_it_shows_the_one_who_shows_is_told_none() -> None:
    for _ in range(10):
        display = Served()
        with closing(Stream(display.port, TOKEN)) as stream:
            stream.news()
            surface, _ = shown(display, QR)
            stream.news()
            display.release()
            assert surface() == "none"


def test_a_claim_right_after_a_release_has_the_port_again() -> None:
    port = free_port()
    for _ in range(5):
        display = WebDisplay("web:", "127.0.0.1", port, TOKEN)
        display.claim(timeout_s=1)
        with closing(Stream(port, TOKEN)) as stream:
            stream.news()
            display.release()


def test_the_first_word_of_a_till_clears_what_an_earlier_one_left(display: Served) -> None:
    """A page that comes back from a till that died still shows its QR, and must be told before anything is shown."""
    with closing(Stream(display.port, TOKEN)) as stream:
        assert stream.news()["view"] == {"state": "blank"}


# --- Its address ----------------------------------------------------------------------------------------------------


def test_the_address_is_new_with_each_start_or_kept_in_a_file(tmp_path: Path) -> None:
    assert open_display("web:", {}).url != open_display("web:", {}).url
    file = tmp_path / "token"
    first = open_display("web:", {"token_file": str(file)})
    assert open_display(f"web:?token_file={file}", {}).url == first.url
    assert first.url == f"http://127.0.0.1:8766/{file.read_text(encoding='ascii').strip()}/"


@POSIX
def test_the_token_is_for_the_tills_account_alone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    before = os.umask(0)
    try:
        open_display("web:", {"token_file": str(file)})
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", ["short", "x" * 129, "with a space in the middle", "é" * 20, "a/b" * 10, "a" * 20 + "\nb"]
)
def test_a_token_file_with_something_else_is_refused_by_its_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError) as told:
        open_display("web:", {"token_file": str(file)})
    assert str(file) in told.value.text("fr")
    assert file.read_text(encoding="utf-8") == content


def test_a_token_file_that_a_power_cut_left_empty_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch()
    address = open_display("web:", {"token_file": str(file)}).url
    assert open_display("web:", {"token_file": str(file)}).url == address
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


@pytest.mark.parametrize("where", ["no-folder/token", "."])
def test_a_token_file_that_cannot_be_made_is_refused(tmp_path: Path, where: str) -> None:
    with pytest.raises(ConfigurationError):
        open_display("web:", {"token_file": str(tmp_path / where)})


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("web:", "http://127.0.0.1:8766/"),
        ("web://192.168.1.20:9000", "http://192.168.1.20:9000/"),
        ("web://[::1]:9000", "http://[::1]:9000/"),
        ("web://0.0.0.0:9000", "http://ADRESSE-DE-LA-CAISSE:9000/"),
        ("web://[::]:9000", "http://ADRESSE-DE-LA-CAISSE:9000/"),
    ],
)
def test_the_address_to_open_is_told(url: str, address: str) -> None:
    assert open_display(url, {}).url.startswith(address)


@pytest.mark.parametrize(
    "url", ["web://host", "web://:80", "web://127.0.0.1:0", "web://127.0.0.1:70000", "web:?colour=red"]
)
def test_an_address_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_display(url, {})


@pytest.mark.parametrize(
    ("listens", "asked"), [("::1", "::1"), ("::", "::1"), ("::", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")]
)
def test_it_is_served_where_it_is_asked_for(listens: str, asked: str) -> None:
    display = WebDisplay("web:", listens, 0, TOKEN)
    display.claim(timeout_s=1)
    port = int(display.url.rsplit(":", 1)[1].split("/")[0])
    try:
        assert b"200 OK" in get(port, f"/{TOKEN}/", asked)
    finally:
        display.release()
