"""Audio that a query names: a file or, where that is allowed, an address of the web.

Of the web: http and https only, of bounded size and time, not from inside a network.
"""

from __future__ import annotations

import http.client
import ipaddress
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from qwen_audio_agent.errors import AudioFileError, UsageError
from qwen_audio_agent.model.features import AudioClip, read_clip

MAX_BYTES: Final = 256 * 2**20
TIMEOUT_S: Final = 60.0
_MAX_REDIRECTS: Final = 5
_BLOCK: Final = 2**16


def open_clip(source: str, *, allow_urls: bool = False, cut_at_limit: bool = False) -> AudioClip:
    """The clip that a query names.

    Args:
        source: a path or an address.
        allow_urls: whether it may be an address.
        cut_at_limit: as `clip_of`.

    Raises:
        AudioFileError: it cannot be read, or is too short or too long.
        UsageError: it is an address and those are not allowed, or one that never is.
    """
    if "://" not in source:
        return read_clip(source, cut_at_limit=cut_at_limit)
    if not allow_urls:
        raise UsageError(f"'{source[:200]}' is an address; pass allow_urls=True to fetch it")
    with fetch(source) as path:
        clip = read_clip(path, cut_at_limit=cut_at_limit)
    return AudioClip(clip.samples, source)


@contextmanager
def fetch(
    url: str,
    *,
    allow_private: bool = False,
    max_bytes: int = MAX_BYTES,
    timeout: float = TIMEOUT_S,
) -> Iterator[Path]:
    """Bring a file from the web to a temporary one, which is gone when the block ends.

    Proxies are not used: the address that is checked is the one that is spoken to.

    Args:
        url: http or https.
        allow_private: also from addresses inside a network, such as 127.0.0.1 or 10.0.0.1.
        max_bytes: a larger file is refused.
        timeout: seconds that all of it may take.

    Raises:
        UsageError: the address is of another kind, or inside a network.
        AudioFileError: it does not answer, answers with an error, is too large or too slow.
    """
    deadline = time.monotonic() + timeout
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sound{_suffix(url)}"
        for _ in range(_MAX_REDIRECTS + 1):
            moved = _get(url, path, deadline, max_bytes, allow_private=allow_private)
            if moved is None:
                break
            url = moved
        else:
            raise AudioFileError(f"'{url}' leads from one address to the next without an end")
        yield path


def _get(
    url: str, path: Path, deadline: float, max_bytes: int, *, allow_private: bool
) -> str | None:
    """Write what an address answers to a file; or give the address that it leads to."""
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"only http and https addresses are fetched, not '{url[:200]}'")
    left = max(deadline - time.monotonic(), 0.001)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname, parts.port, timeout=left)
        connection.connect()
        if not allow_private:
            _refuse_private(connection, url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"User-Agent": "qwen-audio-agent"})
        answer = connection.getresponse()
        if answer.status in (301, 302, 303, 307, 308) and answer.headers.get("Location"):
            return urljoin(url, str(answer.headers["Location"]))
        if answer.status != http.client.OK:
            raise AudioFileError(f"'{url}' answers {answer.status} {answer.reason}")
        _write(answer, path, url, deadline, max_bytes)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AudioFileError(f"'{url[:200]}' cannot be fetched: {error}") from error
    finally:
        if "connection" in locals():
            connection.close()
    return None


def _write(
    answer: http.client.HTTPResponse, path: Path, url: str, deadline: float, max_bytes: int
) -> None:
    size = 0
    with path.open("wb") as file:
        while block := answer.read1(_BLOCK):
            size += len(block)
            if size > max_bytes:
                raise AudioFileError(f"'{url}' is over {max_bytes // 2**20} MiB")
            if time.monotonic() > deadline:
                raise AudioFileError(f"'{url}' takes too long")
            file.write(block)


def _refuse_private(connection: http.client.HTTPConnection, url: str) -> None:
    """Look at who answered, not at the name: names can be made to point anywhere."""
    address = ipaddress.ip_address(connection.sock.getpeername()[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    if not mapped.is_global or mapped.is_multicast:
        raise UsageError(f"'{url[:200]}' leads to {address}, which is inside a network")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise UsageError(f"'{url[:200]}' is no address: {error}") from error


def _suffix(url: str) -> str:
    suffix = Path(_split(url).path).suffix.lower()
    return suffix if suffix[1:].isalnum() and len(suffix) <= 6 else ""
