"""The transport on real sockets: deadlines, bounds, and nothing repeated."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cvconnect_pos import ConfigError, NoAnswer, NotSent, __version__
from cvconnect_pos.transports.base import MAX_BODY_BYTES, HttpRequest
from cvconnect_pos.transports.requests import RequestsTransport

GET = HttpRequest("GET", "/x/")


class Server:
    """Answers each connection with a function of its socket."""

    def __init__(
        self, behave: Callable[[socket.socket], None], context: ssl.SSLContext | None = None
    ) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self.received: list[bytes] = []
        self._behave, self._context = behave, context
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._closed:
                connection.close()
                return
            self.connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
                self.connections.append(connection)
            while data := connection.recv(65536):
                self.received.append(data)
                self._behave(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        self._closed = True
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            pass
        self._listener.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
        for thread in (self._accepting, *self._threads):
            thread.join(5)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(behave: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(behave, context))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def say(*parts: bytes, pause_s: float = 0.0, close: bool = False) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)
        if close:
            connection.shutdown(socket.SHUT_RDWR)

    return behave


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n\r\n{}"


def transport_to(server: Server, scheme: str = "http", **more: str) -> RequestsTransport:
    return RequestsTransport(f"{scheme}://127.0.0.1:{server.port}", **more)  # type: ignore[arg-type]


def test_an_answer_comes_back_whole_and_the_connection_is_kept(serve: Callable[..., Server]) -> None:
    server = serve(say(OK))
    transport = transport_to(server, till_id="caisse n°1")
    for _ in range(5):
        response = transport.send(GET, timeout_s=5)
        assert (response.status, response.body, response.headers["x-one"]) == (200, b"{}", "1")
    transport.close()
    assert len(server.connections) == 1
    assert f"User-Agent: cvconnect-pos/{__version__} (till caisse-n-1)".encode() in server.received[0]


def test_nobody_there_is_certainly_not_sent(free_port: int) -> None:
    transport = RequestsTransport(f"http://127.0.0.1:{free_port}")
    with pytest.raises(NotSent):
        transport.send(GET, timeout_s=5)
    transport.close()


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    "behave",
    [
        say(close=True),
        say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", close=True),
        say(b"not http at all\r\n\r\n", close=True),
        say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", close=True),
    ],
    ids=["cut", "truncated", "not-http", "bad-chunks"],
)
def test_a_connection_that_breaks_after_sending_is_no_answer(
    serve: Callable[..., Server], behave: Callable[[socket.socket], None]
) -> None:
    server = serve(behave)
    transport = transport_to(server)
    with pytest.raises(NoAnswer):
        transport.send(HttpRequest("POST", "/x/", {}, b"{}"), timeout_s=5)
    transport.close()
    assert b"".join(server.received).count(b"POST ") == 1  # sent once, and never again


@pytest.mark.parametrize(
    "behave",
    [
        say(),
        say(*[b"H"] * 10_000, pause_s=0.02),
        say(b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 10_000, pause_s=0.02),
        say(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", *[b"{"] * 10_000, pause_s=0.02),
        say(b"HTTP/1.1 200 OK\r\n\r\n", *[b"{"] * 10_000, pause_s=0.02),
    ],
    ids=["silent", "drips-status", "drips-headers", "drips-body", "drips-without-length"],
)
def test_the_deadline_is_total_whatever_drips(
    serve: Callable[..., Server], behave: Callable[[socket.socket], None]
) -> None:
    transport = transport_to(serve(behave))
    with pytest.raises(NoAnswer) as caught:
        transport.send(GET, timeout_s=0.4)
    transport.close()
    assert caught.value.fields["reason"] == "deadline"


def test_a_tls_handshake_that_never_ends_is_not_sent(serve: Callable[..., Server]) -> None:
    transport = transport_to(serve(say(*[b"\x16"] * 10_000, pause_s=0.02)), "https")
    with pytest.raises(NotSent) as caught:
        transport.send(GET, timeout_s=0.4)
    transport.close()
    assert caught.value.fields["reason"] in {"deadline", "SSLError", "ConnectionError"}


def test_an_answer_larger_than_the_bound_is_no_answer(serve: Callable[..., Server]) -> None:
    size = 5 * 1024 * 1024
    transport = transport_to(serve(say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size, b" " * size)))
    with pytest.raises(NoAnswer) as caught:
        transport.send(GET, timeout_s=10)
    transport.close()
    assert caught.value.fields["reason"] == "too_large" and size > MAX_BODY_BYTES


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(serve: Callable[..., Server], status: int) -> None:
    other = serve(say(OK))
    moved = b"HTTP/1.1 %d Moved\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n"
    transport = transport_to(serve(say(moved % (status, other.port))))
    assert transport.send(HttpRequest("POST", "/x/", {}, b"{}"), timeout_s=5).status == status
    transport.close()
    assert not other.received


def test_the_environment_sets_no_proxy_and_a_setting_does(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(say(OK)), serve(say(OK))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{proxy.port}")
    transport = transport_to(server)
    transport.send(GET, timeout_s=5)
    transport.close()
    assert not proxy.received
    transport = transport_to(server, proxy=f"http://127.0.0.1:{proxy.port}")
    transport.send(GET, timeout_s=5)
    transport.close()
    assert proxy.received


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of 127.0.0.1 that nobody else trusts."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder


def test_tls_is_verified_and_a_bundle_can_be_given(serve: Callable[..., Server], certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    server = serve(say(OK), context)
    transport = transport_to(server, "https")
    with pytest.raises(NotSent):
        transport.send(GET, timeout_s=5)
    transport.close()
    assert not server.received
    transport = transport_to(server, "https", ca_bundle=str(certificate / "cert.pem"))
    assert transport.send(GET, timeout_s=5).body == b"{}"
    assert transport.send(GET, timeout_s=5).body == b"{}"
    transport.close()


def test_the_deadline_holds_inside_tls(serve: Callable[..., Server], certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    drip = say(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", *[b"{"] * 10_000, pause_s=0.02)
    transport = transport_to(serve(drip, context), "https", ca_bundle=str(certificate / "cert.pem"))
    with pytest.raises(NoAnswer) as caught:
        transport.send(GET, timeout_s=0.6)
    transport.close()
    assert caught.value.fields["reason"] == "deadline"


@pytest.mark.parametrize(
    ("url", "production"),
    [
        ("http://provider.example", False),
        ("http://127.0.0.1:80", True),
        ("ftp://provider.example", False),
        ("https://user:password@provider.example", False),
        ("https://", False),
        ("https://provider.example/?key=1", False),
        ("provider.example", False),
        ("https://provider.example:notaport", False),
        ("", False),
    ],
)
def test_an_address_that_is_not_safe_is_refused(url: str, production: bool) -> None:
    with pytest.raises(ConfigError) as caught:
        RequestsTransport(url, production=production)
    assert caught.value.code == "PROVIDER_URL"


def test_no_thread_is_left_after_close(serve: Callable[..., Server]) -> None:
    transport = transport_to(serve(say(OK)))
    transport.send(GET, timeout_s=5)
    transport.close()
    transport.close()
    assert "cvconnect-watchdog" not in {thread.name for thread in threading.enumerate()}


def test_nothing_is_sent_after_close(serve: Callable[..., Server]) -> None:
    server = serve(say(OK))
    transport = transport_to(server)
    transport.close()
    with pytest.raises(NotSent) as caught:
        transport.send(GET, timeout_s=5)
    assert caught.value.fields["reason"] == "closed"
    assert not server.received


def test_the_deadline_is_one_for_all_addresses_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:  # its queue is full: whoever connects now hears nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        address = silent.getsockname()
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(address)
        six = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * 6

        def resolve(*_: object, **__: object) -> object:
            return six

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        transport = RequestsTransport("https://provider.example")
        start = time.monotonic()
        with pytest.raises(NotSent):
            transport.send(GET, timeout_s=0.4)
        taken = time.monotonic() - start
        transport.close()
        for one in crowd:
            one.close()
    assert taken < 6 * 0.4
