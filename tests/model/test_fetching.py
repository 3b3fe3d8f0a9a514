"""Fetching from a server on this machine that misbehaves in every way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from qwen_audio_agent.errors import AudioFileError, UsageError
from qwen_audio_agent.model.fetching import fetch

BODY = b"RIFF" * 1000


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self._head(302, Location="/good.wav?x=1")
        elif self.path == "/round":
            self._head(302, Location="/round")
        elif self.path == "/nowhere":
            self._head(302, Location="http://[")
        elif self.path == "/file":
            self._head(302, Location="file:///etc/passwd")
        elif self.path.startswith("/good"):
            self._head(200)
            self.wfile.write(BODY)
        elif self.path == "/slow":
            self._head(200)
            for _ in range(50):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        elif self.path == "/endless":
            self._head(200)
            for _ in range(1000):
                self.wfile.write(b"x" * 65_536)
        else:
            self._head(404)

    def _head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # those who hang up are expected
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _loopback(socket_enabled: None) -> None:
    """Sockets are closed in all other tests."""


@pytest.mark.parametrize("path", ["/good.wav", "/moved"])
def test_a_file_is_brought_and_gone_afterwards(server: str, path: str) -> None:
    with fetch(server + path, allow_private=True) as found:
        assert found.read_bytes() == BODY
    assert not found.exists()


def test_addresses_inside_a_network_are_refused(server: str) -> None:
    with pytest.raises(UsageError, match=r"127\.0\.0\.1, which is inside a network"), fetch(server):
        pass


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/missing", "answers 404"),
        ("/round", "without an end"),
        ("/nowhere", "cannot be fetched"),
        ("/endless", "is over 1 MiB"),
        ("/slow", "takes too long|timed out"),
    ],
)
def test_what_cannot_be_brought(server: str, path: str, said: str) -> None:
    how = {"allow_private": True, "max_bytes": 2**20, "timeout": 0.5}
    with pytest.raises(AudioFileError, match=said), fetch(server + path, **how):
        pass


def test_a_redirect_out_of_the_web_is_refused(server: str) -> None:
    with (
        pytest.raises(UsageError, match="only http and https"),
        fetch(server + "/file", allow_private=True),
    ):
        pass


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/b", "concat:a|b", "http://", "x"])
def test_other_kinds_of_addresses_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="only http and https"), fetch(url):
        pass


@pytest.mark.parametrize("url", ["http://[", "http://[::1/a.wav"])
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no address"), fetch(url):
        pass


def test_nobody_answers() -> None:
    with (
        pytest.raises(AudioFileError, match="cannot be fetched"),
        fetch("http://127.0.0.1:9/a.wav", allow_private=True, timeout=1.0),
    ):
        pass
