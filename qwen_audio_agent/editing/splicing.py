"""How clips are taken apart and put together again; what every operation is made of."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import replace

from qwen_audio_agent.audio.resampling import resampled_frames
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing.edit_list import Clip, EditList
from qwen_audio_agent.errors import EditError

# Multiples of these, without their whole part, never come back to the same place.
_GOLDEN = (math.sqrt(5) - 1) / 2
_ROOT = math.sqrt(2)


def default_join(sample_rate: int) -> int:
    """Half the length of an ordinary crossfade, in frames: 5 ms."""
    return round(0.005 * sample_rate)


def conform(edit_list: EditList, sample_rate: int, num_channels: int) -> EditList:
    """The same programme at another rate or number of channels; rendering converts its sound.

        conform         | A | B | at 16 kHz  ->  | AB | at 44.1 kHz

    The new list refers to the old one by its id, unless nothing changes.
    """
    if (edit_list.sample_rate, edit_list.num_channels) == (sample_rate, num_channels):
        return edit_list
    num_frames = resampled_frames(edit_list.num_frames, edit_list.sample_rate, sample_rate)
    clips = (Clip(edit_list.id, 0, num_frames),) if num_frames else ()
    return EditList(clips, sample_rate, num_channels)


def without_effects(edit_list: EditList) -> EditList:
    """A list that can be edited: one with effects is a finished sound and becomes a single clip."""
    if not edit_list.effects:
        return edit_list
    clip = Clip(edit_list.id, 0, edit_list.num_frames)
    return EditList((clip,), edit_list.sample_rate, edit_list.num_channels)


def part(edit_list: EditList, span: Span) -> tuple[Clip, ...]:
    """The clips that are heard in `span`, the outer ones shortened.

    part            | A | B | C |  ->  | a | B |
    """
    starts = edit_list.starts
    first = max(bisect_right(starts, span.start) - 1, 0)
    last = bisect_left(starts, span.end)
    clips = list(edit_list.clips[first:last])
    # Only the outer clips can be cut; those between are the same values as before.
    for index in {0, len(clips) - 1} if clips else set():
        start, clip = starts[first + index], clips[index]
        inside = Span(max(span.start - start, 0), min(span.end - start, clip.num_frames))
        clips[index] = clip.slice(inside)
    return tuple(clip for clip in clips if clip.num_frames)


def foreign_part(base: EditList, other: EditList, span: Span | None) -> tuple[Clip, ...]:
    """The clips of `other`, as they go into `base`.

    Args:
        base: the programme that takes them.
        other: where they come from, at any rate.
        span: which frames of `other`; all by default.
    """
    conformed = without_effects(conform(other, base.sample_rate, base.num_channels))
    if span is None:
        return conformed.clips
    start, end = (
        resampled_frames(frame, other.sample_rate, base.sample_rate)
        for frame in (span.start, span.end)
    )
    return part(conformed, Span(start, end))


def joined(base: EditList, parts: Iterable[tuple[Clip, ...]], join: int | None) -> EditList:
    """Put parts one behind the other; where one does not go on as the last one ended, crossfade.

        joined          | A | + | B | + | C |  ->  | A x B x C |

    Args:
        base: gives the rate and the number of channels.
        parts: clips; those that continue each other become one again.
        join: half the length of the crossfades, in frames; 5 ms by default.
    """
    half_length = default_join(base.sample_rate) if join is None else join
    clips: list[Clip] = []
    for first, *others in filter(None, parts):
        joined_first = replace(first, join=half_length)
        whole = _merged(clips[-1], joined_first) if clips else None
        clips[len(clips) - (whole is not None) :] = [whole or joined_first, *others]
    if clips:
        # Nothing comes before the first clip; `edge` says how the programme begins.
        clips[0] = replace(clips[0], join=0)
    # A long crossfade is asked for where sounds meet, not where the programme begins and ends.
    edge = min(half_length, default_join(base.sample_rate))
    return replace(base, clips=tuple(clips), edge=edge)


def repeated(base: EditList, clips: tuple[Clip, ...], num_frames: int, join: int) -> EditList:
    """The sound of `clips`, as often as needed for `num_frames`.

        repeated        | A |  ->  | A x a x A x a |

    Each piece starts at another place and has another length, so that no beat is heard.

    Raises:
        EditError: the sound is too short to be repeated.
    """
    sound = replace(base, clips=clips, effects=())
    length = sound.num_frames
    if num_frames <= length:
        return replace(sound, clips=part(sound, Span(0, num_frames)))
    if length < max(1, 4 * join):
        seconds = length / base.sample_rate
        raise EditError(
            f"a sound of {seconds:.3f} s is too short to be repeated: give a longer one"
        )
    pieces = []
    done = index = 0
    while done < num_frames:
        piece = max(round(length * (0.4 + 0.3 * (index * _ROOT % 1))), 1)
        start = round((index * _GOLDEN % 1) * (length - piece))
        pieces.append(part(sound, Span(start, start + min(piece, num_frames - done))))
        done, index = done + piece, index + 1
    return joined(sound, pieces, join)


def _merged(left: Clip, right: Clip) -> Clip | None:
    """The one clip of which these two are the halves, or None."""
    if left.source != right.source or left.end != right.start:
        return None
    whole = replace(left, end=right.end, fade_out=right.fade_out, fade_out_past=right.fade_out_past)
    middle = left.num_frames
    halves = (whole.slice(Span(0, middle)), whole.slice(Span(middle, whole.num_frames)))
    return whole if halves == (left, replace(right, join=0)) else None
