"""Sound that comes inside a message: base64, a data URL, or a file of one allowed folder."""

from __future__ import annotations

import base64
import binascii
import hashlib
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.errors import AudioFileError
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Audible, Listener
from qwen_audio_agent.speech.words import Match, Transcript

MAX_BYTES = 64 * 2**20
"""Of one message's sound, decoded from base64."""

MAX_KEPT_BYTES = 512 * 2**20
"""Of the samples of all sounds that are kept; those used longest ago are dropped beyond it."""

MAX_SECONDS = 1800.0
"""Of one message's sound; longer ones belong in a session, which never holds them in memory."""


@dataclass(frozen=True, slots=True)
class HeardSound:
    """A sound in memory that can be asked what is said in it."""

    audio: Audio
    listener: Listener

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.audio.duration

    def transcript(self) -> Transcript:
        """What is said in it."""
        return self.listener.listen(self.audio)

    def find(self, phrase: str) -> tuple[Match, ...]:
        """Where a phrase is said, best first."""
        return self.listener.find_in(self.audio, phrase)

    def stretch(self, start: float, end: float) -> Audio:
        """The sound from `start` to `end` seconds."""
        return self.audio.slice(Span.from_seconds(start, end, self.audio.sample_rate))


class BlockListener:
    """Listens to the sound in content blocks, each sound decoded once as long as it is kept.

    Args:
        folder: files are opened only inside it; None: no files at all.
        ear: name of the ear, opened when something is heard first.
    """

    def __init__(self, folder: Path | None = None, ear: str = "auto") -> None:
        self._folder = folder
        self._ear = ear
        self._listener: Listener | None = None
        self._lock = threading.Lock()
        self._sounds: dict[str, HeardSound] = {}  # the one used last is the last

    def hear(self, block: Mapping[str, Any]) -> Audible:
        """The sound of a block.

        Raises:
            AudioFileError: it holds none, or none that may be opened.
            HearingError: there is no ear.
        """
        data = _bytes_of(block)
        if data is None:
            path = self._path_of(block)
            key = f"{path} {path.stat().st_mtime_ns}"
            return self._keep(key, self._sounds.get(key) or self._read(path))
        key = hashlib.sha256(data).hexdigest()
        if known := self._sounds.get(key):
            return self._keep(key, known)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"sound{_suffix(block)}"
            path.write_bytes(data)
            return self._keep(key, self._read(path))

    def _keep(self, key: str, sound: HeardSound) -> HeardSound:
        """The same sound, kept as the one used last."""
        with self._lock:
            self._sounds.pop(key, None)
            self._sounds[key] = sound
            while sum(s.audio.samples.nbytes for s in self._sounds.values()) > MAX_KEPT_BYTES:
                del self._sounds[next(iter(self._sounds))]
        return sound

    def _read(self, path: Path) -> HeardSound:
        file = probe(path)
        if file.duration > MAX_SECONDS:
            raise AudioFileError(
                f"the sound of a message is {file.duration:.0f} s long; at most {MAX_SECONDS:.0f} "
                "s are listened to. Open a session for longer ones."
            )
        if self._listener is None:
            self._listener = Listener(open_ear(self._ear), None)
        return HeardSound(read(file), self._listener)

    def _path_of(self, block: Mapping[str, Any]) -> Path:
        """The file that a block names, if it lies in the allowed folder."""
        url = str(block.get("url") or block.get("path") or "")
        parts = urlsplit(url)
        if not url or parts.scheme not in ("", "file"):
            raise AudioFileError(
                "an audio block needs base64 with a mime_type, a data: URL or a file; "
                f"{url[:60] or 'this one'!r} is none of them"
            )
        if self._folder is None:
            raise AudioFileError("files open only in a folder that is allowed: folder=...")
        root = self._folder.resolve()
        path = (root / unquote(parts.path)).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise AudioFileError(f"{parts.path[:80]} is no file inside the allowed folder")
        return path


def _bytes_of(block: Mapping[str, Any]) -> bytes | None:
    """The sound that a block carries in itself; None when it names a file."""
    inner = block.get("input_audio") or block.get("audio_url") or {}
    url = str(block.get("url") or inner.get("url") or "")
    text = block.get("base64") or inner.get("data")
    if not text and url.startswith("data:"):
        text = url.partition(",")[2]
    if not text:
        return None
    if len(text) > MAX_BYTES * 4 // 3 + 4:
        raise AudioFileError(f"the sound of a message is over {MAX_BYTES // 2**20} MiB")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AudioFileError("the sound of a message is no base64") from error


def _suffix(block: Mapping[str, Any]) -> str:
    """A file suffix for the kind that a block states; what it is, the sound itself shows."""
    kind = str(block.get("mime_type") or "").partition("/")[2]
    return {"mpeg": ".mp3", "mp3": ".mp3", "flac": ".flac", "ogg": ".ogg"}.get(kind, ".wav")
