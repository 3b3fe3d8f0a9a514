"""Which parts of a recording an edited copy of it is made of, found by comparing their samples.

Nothing is asked of who edited it but that sound is copied, to one step of 16 bits. What changed
around a join, a fade, is shared out between both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from qwen_audio_agent.audio.samples import Span

_Numbers = NDArray[np.int64]
_TOLERANCE = 1 << 16  # of int32
_PROBE = 64  # frames that have to agree
_STRIDE_S = 0.005
_FADE_S = 0.08
_AHEAD_S = (3.0, 60.0)
_BLOCK = 1 << 18


@dataclass(frozen=True)
class _Same:
    """`num_frames` from `output` of the output are those from `source` of the source."""

    output: int
    source: int
    num_frames: int


def kept_parts(source: Path, output: Path) -> list[Span]:
    """The frames of the source that are heard in the output, in order.

    Args:
        source: a recording with a room that is not digital silence.
        output: an edited copy at the same rate, from which parts are missing.
    """
    with soundfile.SoundFile(source) as was, soundfile.SoundFile(output) as now:
        same = list(_all_same(was, now))
        length = now.frames
    kept: list[Span] = []
    for i, part in enumerate(same):
        before = part.output if i == 0 else (part.output - _end(same[i - 1]) + 1) // 2
        behind = (length if i + 1 == len(same) else same[i + 1].output) - _end(part)
        behind = behind if i + 1 == len(same) else behind // 2
        start = max(0, part.source - before, kept[-1].end if kept else 0)
        kept.append(Span(start, max(start, part.source + part.num_frames + behind)))
    return kept


def joins(kept: list[Span]) -> list[int]:
    """The frames of the output at which two parts meet."""
    ends = np.cumsum([span.num_frames for span in kept])
    return [int(end) for (a, b), end in zip(pairwise(kept), ends, strict=False) if a.end < b.start]


def _end(part: _Same) -> int:
    return part.output + part.num_frames


def _all_same(was: soundfile.SoundFile, now: soundfile.SoundFile) -> Iterator[_Same]:
    at, source = 0, 0
    rate = was.samplerate
    while at < now.frames:
        found = _find(was, now, at, source)
        if found is None:
            at += round(_FADE_S * rate)
            continue
        yield found
        at, source = _end(found), found.source + found.num_frames


def _find(was: soundfile.SoundFile, now: soundfile.SoundFile, at: int, source: int) -> _Same | None:
    """The next part of the output, at most a fade further, that is a copy."""
    rate = was.samplerate
    heard = _read(now, at, round(_FADE_S * rate) + _PROBE)
    for seconds in _AHEAD_S:
        searched = _read(was, source, round(seconds * rate))
        for first in range(0, max(1, len(heard) - _PROBE), round(_STRIDE_S * rate)):
            probe = heard[first : first + _PROBE]
            place = _place_of(probe, searched)
            if place is not None:
                back = _same_backwards(heard[:first], searched[:place])
                begin, begun = at + first - back, source + place - back
                return _Same(begin, begun, _num_same(was, now, begun, begin))
    return None


def _place_of(probe: _Numbers, searched: _Numbers) -> int | None:
    """The first frame from which all frames of a probe agree."""
    if len(probe) > len(searched) or not len(probe):
        return None
    places = np.arange(len(searched) - len(probe) + 1)
    for k, frame in enumerate(probe):
        places = places[(np.abs(searched[places + k] - frame) <= _TOLERANCE).all(axis=1)]
        if not len(places):
            return None
    return int(places[0])


def _same_backwards(heard: _Numbers, searched: _Numbers) -> int:
    """How many of the last frames agree."""
    count = min(len(heard), len(searched))
    if not count:
        return 0
    same = (np.abs(heard[-count:] - searched[-count:]) <= _TOLERANCE).all(axis=1)[::-1]
    return count if same.all() else int(np.argmin(same))


def _num_same(was: soundfile.SoundFile, now: soundfile.SoundFile, source: int, at: int) -> int:
    """How many frames agree from two places on."""
    count = 0
    while True:
        a, b = _read(was, source + count, _BLOCK), _read(now, at + count, _BLOCK)
        length = min(len(a), len(b))
        same = (np.abs(a[:length] - b[:length]) <= _TOLERANCE).all(axis=1)
        if not same.all():
            return count + int(np.argmin(same))
        count += length
        if length < _BLOCK:
            return count


def _read(file: soundfile.SoundFile, start: int, num_frames: int) -> _Numbers:
    file.seek(min(start, file.frames))
    numbers: _Numbers = file.read(num_frames, dtype="int32", always_2d=True).astype(np.int64)
    return numbers
