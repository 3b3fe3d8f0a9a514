"""A few seconds around each change, as it is and as it would be, small enough for a page.

What is compared is the change alone: the sound after it has what is switched on nearby, and none of
the effects on the whole, which would make the two unlike in other ways as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import lameenc
import numpy as np

from qwen_audio_agent.audio.files import AudioFile, SampleReader, open_reader
from qwen_audio_agent.audio.formats import from_float
from qwen_audio_agent.audio.resampling import resample
from qwen_audio_agent.audio.samples import Audio, Samples, Span, frame_at
from qwen_audio_agent.cleanup.applying import ordinary_places, programme
from qwen_audio_agent.cleanup.plan import Plan, Proposal
from qwen_audio_agent.editing.render import read_programme
from qwen_audio_agent.editing.rolls import KnownRolls
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.errors import EditError

MAX_BYTES: Final = 8_000_000
"""Of all snippets of a page together, as they stand there."""
_AROUND: Final = 1.46
_LONGEST: Final = 6.0
_NEAR: Final = 2 * _LONGEST
_RATE: Final = 24_000
_KBITS: Final = 24
_QUALITY: Final = 5  # LAME's own choice


@dataclass(frozen=True, slots=True)
class Snippet:
    """The sound around one change, each an mp3.

    Opus would take two thirds of the room, and as libsndfile carries it twelve times the time.

    Attributes:
        before: as it is in the recording.
        after: with the change.
    """

    before: bytes
    after: bytes

    @property
    def page_bytes(self) -> int:
        """How much of a page it takes, in base 64."""
        return sum(-(-len(sound) // 3) * 4 for sound in (self.before, self.after))


def make_snippets(
    plan: Plan,
    files: Sequence[AudioFile],
    max_bytes: int = MAX_BYTES,
    progress: Callable[[float], None] | None = None,
) -> Mapping[str, Snippet]:
    """Snippets for as many proposals as there is room for, by their ids.

    First come those with a concern, then what is least sure; noises come last, and what is only
    told, and does nothing, gets none.

    Args:
        plan: what would be done.
        files: the recordings that it is for; of several, those that a change concerns are heard.
        max_bytes: of all of them, as they stand in a page; 0 for none.
        progress: told how much is done, 0 to 1.

    Raises:
        AudioFileError: a recording cannot be read.
    """
    found: dict[str, Snippet] = {}
    with ExitStack() as stack:
        readers = [stack.enter_context(open_reader(file)) for file in files]
        tracks = [
            _Track(plan, number, file, reader)
            for number, (file, reader) in enumerate(zip(files, readers, strict=True), 1)
        ]
        used = 0
        for number, proposal in enumerate(sorted(plan.proposals, key=_urgency)):
            if progress:
                progress(max(number / len(plan.proposals), used / max(max_bytes, 1)))
            snippet = _snippet(plan, proposal, tracks) if proposal.action != "keep" else None
            if snippet is None:
                continue
            used += snippet.page_bytes
            if used > max_bytes:
                break
            found[proposal.id] = snippet
    return found


class _Track:
    """One of the recordings of a plan, open to be heard before and after a change."""

    def __init__(self, plan: Plan, number: int, file: AudioFile, reader: SampleReader) -> None:
        self.number = number
        self._rate, self._num_frames = file.sample_rate, file.num_frames
        self._reader = reader
        self._source = f"track{number}"
        self._sources = Sources(Path())  # Its cache stays empty: rate and channels are kept.
        self._sources.add_file(self._source, file)
        episode = plan.tracks[number - 1]
        self._ordinary = ordinary_places(episode, self._sources, self._source)
        # Neighbours lie in many snippets.
        self._known: KnownRolls = {}

    def before(self, start: float, end: float) -> Samples:
        span = _window(start, end, self._rate, self._num_frames)
        return _small(Audio(self._reader.read(span), self._rate))

    def after(self, plan: Plan, start: float, end: float) -> Samples:
        where = (self._sources, self._source, self.number)
        edited = programme(plan, *where, self._ordinary, self._known)
        span = _window(start, end, self._rate, edited.num_frames)
        return _small(read_programme(edited, self._sources, span))


def _urgency(proposal: Proposal) -> tuple[bool, bool, float]:
    is_noise = proposal.kind in ("breath", "mouth")
    return not proposal.concern, is_noise, proposal.confidence


def _snippet(plan: Plan, proposal: Proposal, tracks: Sequence[_Track]) -> Snippet | None:
    """None where nothing would be left to hear."""
    alone = _with_neighbours(plan, proposal)
    start, end = (_place(alone, time) for time in (proposal.start, proposal.end))
    heard = [track for track in tracks if proposal.track in (0, track.number)]
    before = _mixed([track.before(proposal.start, proposal.end) for track in heard])
    try:
        after = _mixed([track.after(alone, start, end) for track in heard])
    except EditError:
        return None
    return Snippet(_coded(before), _coded(after)) if len(before) and len(after) else None


def _with_neighbours(plan: Plan, proposal: Proposal) -> Plan:
    """The plan with this one on, and of the others only those that are on and may be heard too."""
    near = (
        replace(other, on=other.on or other is proposal)
        for other in plan.proposals
        if other.end > proposal.start - _NEAR and other.start < proposal.end + _NEAR
    )
    return replace(plan, proposals=tuple(other for other in near if other.on))


def _place(plan: Plan, time: float) -> float:
    """The time in the result at which a time of the recording is heard, or would have been."""
    cuts = (replace(p, end=min(p.end, time)) for p in plan.active if p.start < time)
    return time - replace(plan, proposals=tuple(cuts)).removed


def _window(start: float, end: float, rate: int, num_frames: int) -> Span:
    first = max(0.0, start - _AROUND)
    last = min(end + _AROUND, first + _LONGEST)
    return Span(min(frame_at(first, rate), num_frames), min(frame_at(last, rate), num_frames))


def _small(audio: Audio) -> Samples:
    """(frames,) of one channel, at the rate of snippets."""
    samples: Samples = resample(audio.to_mono(), _RATE).samples[0]
    return samples


def _mixed(sounds: Sequence[Samples]) -> Samples:
    mixed = np.zeros(max(map(len, sounds)), np.float32)
    for sound in sounds:
        mixed[: len(sound)] += sound
    return np.clip(mixed, -1, 1)


def _coded(samples: Samples) -> bytes:
    coder = lameenc.Encoder()
    coder.silence()
    coder.set_channels(1)
    coder.set_in_sample_rate(_RATE)
    coder.set_out_sample_rate(_RATE)
    coder.set_bit_rate(_KBITS)
    coder.set_quality(_QUALITY)
    content = coder.encode(from_float(samples[np.newaxis], 16).tobytes())
    return bytes(content + coder.flush())
