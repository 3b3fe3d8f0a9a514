"""The sound of an edit list, block by block: kept stretches as they are in their files.

Only what a fade, a crossfade or a gain touches is computed, in float64; everything else passes in
the numbers of its own file, which is what keeps it bit-identical, and fast.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qwen_audio_agent.audio.files import SampleReader, open_reader
from qwen_audio_agent.audio.formats import Numbers
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing.crossfade import Samples64, crossfade, meet, rise
from qwen_audio_agent.editing.edit_list import BLEEP, SILENCE, Clip, EditList
from qwen_audio_agent.errors import EditError

if TYPE_CHECKING:
    from qwen_audio_agent.editing.sources import Sources

BLOCK_FRAMES = 1 << 19
_BLEEP_HZ = 1000


def programme_blocks(
    edit_list: EditList, sources: Sources, span: Span | None = None
) -> Iterator[Numbers]:
    """Stream the clips of an edit list, without its effects.

    Args:
        edit_list: the programme.
        sources: where its sounds are.
        span: frames of the programme before effects; all by default.

    Yields:
        (channels, frames): numbers of a source file unchanged, or float64 in [-1, 1] where they are
        computed.

    Raises:
        EditError: a clip lies outside its source.
    """
    whole = Span(0, edit_list.starts[-1])
    span = whole if span is None else span
    with _ClipReader(edit_list, sources) as reader:
        for piece in _pieces(edit_list, reader, span):
            first, last = max(span.start, piece.start), min(span.end, piece.end)
            if first < last and isinstance(piece, _Join):
                yield _joined_sound(piece, reader)[:, first - piece.start : last - piece.start]
            elif first < last and isinstance(piece, _Body):
                for start in range(first, last, BLOCK_FRAMES):
                    block = Span(start, min(start + BLOCK_FRAMES, last))
                    yield reader.read(piece.clip, block.start - piece.offset, block.num_frames)


@dataclass(frozen=True, slots=True)
class _Body:
    """Frames [start, end) of the programme from one clip, whose frame 0 is at `offset`."""

    start: int
    end: int
    clip: Clip
    offset: int


@dataclass(frozen=True, slots=True)
class _Join:
    """Frames [start, end) of the programme where `left` gives way to `right` at frame `at`."""

    start: int
    end: int
    at: int
    left: Clip | None
    right: Clip | None


class _ClipReader:
    """Reads clips with their gain and fades; keeps the files open between reads."""

    def __init__(self, edit_list: EditList, sources: Sources) -> None:
        self._sample_rate = edit_list.sample_rate
        self.num_channels = edit_list.num_channels
        self._sources = sources
        self._open: dict[str, tuple[SampleReader, np.dtype[Any]]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> _ClipReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def num_frames(self, clip: Clip) -> int:
        """Length of the source of a clip.

        Raises:
            EditError: the clip goes on beyond it.
        """
        num_frames = self._sources.num_frames(clip.source, self._sample_rate)
        if clip.end > num_frames:
            raise EditError(
                f"a clip ends at frame {clip.end} of {clip.source!r}, which has {num_frames}: "
                "this edit list was made for another recording"
            )
        return num_frames

    def read(self, clip: Clip, first: int, num_frames: int) -> Numbers:
        """Frames of a clip, counted from its start; they may lie outside it, within its source."""
        sound = self._source_sound(clip.source, clip.start + first, num_frames)
        last = first + num_frames
        untouched = first >= clip.fade_in - clip.fade_in_past
        untouched &= last <= clip.num_frames + clip.fade_out_past - clip.fade_out
        if clip.gain_db == 0 and untouched:
            return sound
        shaped = as_float64(sound) * 10 ** (clip.gain_db / 20)
        if clip.fade_in:
            past = clip.fade_in_past
            shaped *= rise(clip.fade_in, first + past, last + past)
        if clip.fade_out:
            left = clip.num_frames + clip.fade_out_past
            shaped *= rise(clip.fade_out, left - last, left - first)[::-1]
        return shaped

    def _source_sound(self, source: str, first: int, num_frames: int) -> Numbers:
        if source == SILENCE:
            return np.zeros((self.num_channels, num_frames), np.int16)
        if source == BLEEP:
            phase = np.arange(first, first + num_frames) * _BLEEP_HZ / self._sample_rate
            return np.tile(np.sin(2 * math.pi * (phase % 1.0)), (self.num_channels, 1))
        if source not in self._open:
            file = self._sources.open(source, self._sample_rate, self.num_channels)
            self._open[source] = self._stack.enter_context(open_reader(file)), file.dtype
        reader, dtype = self._open[source]
        return reader.read(Span(first, first + num_frames), dtype)


def as_float64(numbers: Numbers) -> Samples64:
    """Scale the numbers of any file to [-1, 1]; exact."""
    if numbers.dtype.kind == "i":
        return numbers.astype(np.float64) / 2.0 ** (8 * numbers.dtype.itemsize - 1)
    return numbers.astype(np.float64)


def _pieces(edit_list: EditList, reader: _ClipReader, span: Span) -> Iterator[_Body | _Join]:
    """The programme as bodies of clips and the joins between them, in order, where `span` lies.

    A join reaches at most half a clip to each side, so one boundary more on each side is enough.
    """
    clips, starts = edit_list.clips, edit_list.starts
    first = max(0, bisect_left(starts, span.start) - 1)
    last = min(bisect_right(starts, span.end), len(clips))
    half = _half_length(edit_list, first, reader)
    for index in range(first, last + 1):
        at = starts[index]
        left = clips[index - 1] if index else None
        right = clips[index] if index < len(clips) else None
        if half:
            start, end = at - half if left else at, at + half if right else at
            yield _Join(start, end, at, left, right)
        if right:
            reader.num_frames(right)
            next_half = _half_length(edit_list, index + 1, reader)
            yield _Body(at + half, starts[index + 1] - next_half, right, at)
            half = next_half


def _half_length(edit_list: EditList, index: int, reader: _ClipReader) -> int:
    """Half the length of the crossfade before clip `index`, or at the end; at most half a clip."""
    clips = edit_list.clips
    if not clips:
        return 0
    if index == 0:
        begins_inside = clips[0].start > 0
        return min(edit_list.edge, clips[0].num_frames // 2) if begins_inside else 0
    left = clips[index - 1]
    if index == len(clips):
        ends_inside = left.end < reader.num_frames(left)
        return min(edit_list.edge, left.num_frames // 2) if ends_inside else 0
    right = clips[index]
    if _goes_on(left, right):
        return 0
    return min(right.join, left.num_frames // 2, right.num_frames // 2)


def _goes_on(left: Clip, right: Clip) -> bool:
    same = left.source == right.source and left.end == right.start
    return same and left.gain_db == right.gain_db and not left.fade_out and not right.fade_in


def _joined_sound(join: _Join, reader: _ClipReader) -> Samples64:
    """The sound of a join: a crossfade where both sources go on beyond it, else what there is."""
    before, after = join.at - join.start, join.end - join.at
    left = right = np.empty((reader.num_channels, 0))
    if join.left:
        beyond = reader.num_frames(join.left) - join.left.end
        first = join.left.num_frames - before
        left = as_float64(reader.read(join.left, first, before + min(after, beyond)))
    if join.right:
        beyond = before if join.right.source in (SILENCE, BLEEP) else min(before, join.right.start)
        right = as_float64(reader.read(join.right, -beyond, beyond + after))
    if left.shape[1] == right.shape[1] == before + after:
        return crossfade(left, right)
    return meet(left, right, before + after)
