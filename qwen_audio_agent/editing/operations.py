"""The edits: each takes an edit list and gives a new one; spans are frames of the programme.

No operation touches sound. A span is half-open and counted in the programme as it is heard, after
its effects. Wherever sounds meet that did not follow each other there is a crossfade of half-length
`join`; where both sides are one recording going on, as after an insert that puts back what was cut,
the clips become one again.
"""

from __future__ import annotations

import dataclasses

from qwen_audio_agent.audio.samples import Span, united
from qwen_audio_agent.editing.edit_list import SILENCE, Clip, EditList, EffectCall
from qwen_audio_agent.editing.splicing import (
    default_join,
    foreign_part,
    joined,
    part,
    repeated,
    without_effects,
)
from qwen_audio_agent.errors import EditError

_MAX_GAIN_DB = 60.0


def cut(edit_list: EditList, *spans: Span, join: int | None = None) -> EditList:
    """Remove spans and close the gaps.

        cut B           | A | B | C |  ->  | A | C |

    Args:
        edit_list: the programme.
        spans: what goes, in frames of the programme; any order, overlaps allowed.
        join: half the length of the crossfade, in frames; 5 ms by default.

    Raises:
        EditError: a span is empty or outside the programme, or nothing would be left.
    """
    _check(edit_list, *spans)
    gone = united(spans)
    starts = [0, *(span.end for span in gone)]
    ends = [*(span.start for span in gone), edit_list.num_frames]
    kept = [Span(start, end) for start, end in zip(starts, ends, strict=True) if start < end]
    if not kept:
        raise EditError("this cut would leave nothing of the audio: choose a shorter span")
    return keep(edit_list, *kept, join=join)


def keep(edit_list: EditList, *spans: Span, join: int | None = None) -> EditList:
    """Keep spans, in order of time, and remove all else.

        keep B, D       | A | B | C | D | E |  ->  | B | D |

    Args:
        edit_list: the programme.
        spans: what stays, in frames of the programme; any order, overlaps allowed.
        join: half the length of the crossfade, in frames; 5 ms by default.

    Raises:
        EditError: a span is empty or outside the programme.
    """
    _check(edit_list, *spans)
    base = without_effects(edit_list)
    return joined(base, [part(base, span) for span in united(spans)], join)


def insert(
    edit_list: EditList,
    at: int,
    other: EditList,
    other_span: Span | None = None,
    *,
    join: int | None = None,
    overlap: bool = False,
) -> EditList:
    """Splice sound of the same or of another recording in at a frame; what follows moves back.

        insert X at 1   | A | B |  +  | w | X | y |  ->  | A | X | B |

    Args:
        edit_list: the programme.
        at: frame of the programme before which the sound goes; its length means at the end.
        other: where the sound comes from; rate and channels are conformed when it is rendered.
        other_span: which of its frames, in frames of `other`; all of it by default.
        join: half the length of the crossfades, in frames; 5 ms by default.
        overlap: let the sounds lie over each other for the whole of a crossfade, which makes the
            programme shorter by it. For long crossfades of recordings that end there: otherwise
            one falls to silence before the other rises.

    Raises:
        EditError: `at` or `other_span` is outside, or a sound is too short to overlap so far.
    """
    _check_frame(edit_list, at, "at")
    base = without_effects(edit_list)
    taken = _checked_part(base, other, other_span)
    if not overlap:
        return _in_place_of(base, Span(at, at), taken, join)
    half_length = default_join(base.sample_rate) if join is None else join
    first = half_length if at > 0 else 0
    last = half_length if at < base.num_frames else 0
    sound = dataclasses.replace(base, clips=taken)
    room = min(sound.num_frames // 2, at or half_length, (base.num_frames - at) or half_length)
    if half_length > room:
        wished, most = (2 * n / base.sample_rate for n in (half_length, room))
        raise EditError(f"a crossfade of {wished:.2f} s is too long here: give up to {most:.2f} s")
    inner = part(sound, Span(first, sound.num_frames - last))
    before, after = Span(0, at - first), Span(at + last, base.num_frames)
    return joined(base, [part(base, before), inner, part(base, after)], join)


def replace(
    edit_list: EditList,
    span: Span,
    other: EditList,
    other_span: Span | None = None,
    *,
    join: int | None = None,
) -> EditList:
    """Put other sound in the place of a span; what follows moves if the lengths differ.

        replace B, X    | A | B | C |  +  | w | X | y |  ->  | A | X | C |

    Args:
        edit_list: the programme.
        span: what goes, in frames of the programme.
        other: where the new sound comes from, as in `insert`.
        other_span: which of its frames, in frames of `other`; all of it by default.
        join: half the length of the crossfades, in frames; 5 ms by default.

    Raises:
        EditError: a span is empty or outside.
    """
    _check(edit_list, span)
    base = without_effects(edit_list)
    return _in_place_of(base, span, _checked_part(base, other, other_span), join)


def move(edit_list: EditList, span: Span, to: int, *, join: int | None = None) -> EditList:
    """Take a span out and put it in before another frame.

        move B to 3     | A | B | C | D |  ->  | A | C | B | D |

    Args:
        edit_list: the programme.
        span: what moves, in frames of the programme.
        to: frame of the programme, as it is now, before which the span goes.
        join: half the length of the crossfades, in frames; 5 ms by default.

    Raises:
        EditError: the span is empty or outside, or `to` lies inside it.
    """
    _check(edit_list, span)
    _check_frame(edit_list, to, "to")
    if span.start < to < span.end:
        raise EditError("a span cannot be moved into itself: choose a place before or after it")
    base = without_effects(edit_list)
    first, last = min(span.start, to), max(span.end, to)
    middle = [Span(span.end, last), span] if to >= span.end else [span, Span(first, span.start)]
    order = [Span(0, first), *middle, Span(last, base.num_frames)]
    return joined(base, [part(base, piece) for piece in order], join)


def silence(
    edit_list: EditList, span: Span, fill: EditList | None = None, *, join: int | None = None
) -> EditList:
    """Take the sound of a span away and keep its time.

        silence B       | A | B | C |  ->  | A | . | C |

    Args:
        edit_list: the programme.
        span: what is silenced, in frames of the programme.
        fill: what is heard instead, as often as needed, such as room tone; else digital zeros.
        join: half the length of the crossfades, in frames; 5 ms by default.

    Raises:
        EditError: the span is empty or outside, or `fill` is too short to be repeated.
    """
    _check(edit_list, span)
    base = without_effects(edit_list)
    if fill is None:
        return _in_place_of(base, span, (Clip(SILENCE, 0, span.num_frames),), join)
    half_length = default_join(base.sample_rate) if join is None else join
    sound = repeated(base, foreign_part(base, fill, None), span.num_frames, half_length)
    return _in_place_of(base, span, sound.clips, join)


def lengthen(
    edit_list: EditList, at: int, num_frames: int, fill: EditList, *, join: int | None = None
) -> EditList:
    """Make a pause longer; what follows moves back.

        lengthen at 1   | A | B |  +  | . |  ->  | A | . . | B |

    Args:
        edit_list: the programme.
        at: frame of the programme, in the pause.
        num_frames: by how much.
        fill: what is heard, as often as needed, such as room tone (see `fills.room_tone`).
        join: half the length of the crossfades, in frames; 5 ms by default.

    Raises:
        EditError: `at` is outside, or `fill` is too short to be repeated.
    """
    _check_frame(edit_list, at, "at")
    base = without_effects(edit_list)
    half_length = default_join(base.sample_rate) if join is None else join
    sound = repeated(base, foreign_part(base, fill, None), num_frames, half_length)
    return _in_place_of(base, Span(at, at), sound.clips, join)


def gain(
    edit_list: EditList, gain_db: float, span: Span | None = None, *, join: int | None = None
) -> EditList:
    """Make a span louder or quieter.

        gain B, -6      | A | B | C |  ->  | A | b | C |

    Args:
        edit_list: the programme.
        gain_db: change of level, -60 to 60 dB.
        span: where, in frames of the programme; all of it by default.
        join: half the length of the ramps at its ends, in frames; 5 ms by default.

    Raises:
        EditError: the span is empty or outside, or the gain is out of range.
    """
    if not -_MAX_GAIN_DB <= gain_db <= _MAX_GAIN_DB:
        raise EditError(f"gain is {gain_db} dB: give -{_MAX_GAIN_DB:g} to {_MAX_GAIN_DB:g} dB")
    span = Span(0, edit_list.num_frames) if span is None else span
    _check(edit_list, span)
    base = without_effects(edit_list)
    # Rounded so that 0.1 + 0.2 - 0.3 is no gain at all and the clips become one again.
    louder = tuple(
        dataclasses.replace(clip, gain_db=round(clip.gain_db + gain_db, 6))
        for clip in part(base, span)
    )
    return _in_place_of(base, span, louder, join)


def fade(
    edit_list: EditList,
    fade_in: int = 0,
    fade_out: int = 0,
    span: Span | None = None,
    *,
    join: int | None = None,
) -> EditList:
    """Let the beginning of a span rise from silence and its end fall to silence.

        fade            | A A A A |  ->  | . a A A a . |

    A fade that is there already gives way to the new one.

    Args:
        edit_list: the programme.
        fade_in: frames of the rise; 0 for none.
        fade_out: frames of the fall; 0 for none.
        span: where, in frames of the programme; all of it by default.
        join: half the length of the crossfades with what lies outside, in frames; 5 ms by default.

    Raises:
        EditError: the span is empty or outside, or a fade is longer than it.
    """
    span = Span(0, edit_list.num_frames) if span is None else span
    _check(edit_list, span)
    for name, num_frames in (("fade in", fade_in), ("fade out", fade_out)):
        if not 0 <= num_frames <= span.num_frames:
            given, room = (n / edit_list.sample_rate for n in (num_frames, span.num_frames))
            raise EditError(f"{name} is {given:.2f} s; this span has room for 0 to {room:.2f} s")
    base = without_effects(edit_list)
    faded, at = [], 0
    for whole in part(base, span):
        clip, after = whole, span.num_frames - at - whole.num_frames
        if at < fade_in:
            clip = dataclasses.replace(clip, fade_in=fade_in, fade_in_past=at)
        if after < fade_out:
            clip = dataclasses.replace(clip, fade_out=fade_out, fade_out_past=after)
        faded.append(clip)
        at += clip.num_frames
    return _in_place_of(base, span, tuple(faded), join)


def roll(edit_list: EditList, index: int, by: int, join: int) -> EditList:
    """Let two clips meet later, or earlier, in both of their sources; the length stays the same.

        roll 1 by 2     | A A A x B B B |  ->  | A A A a a x B |

    Args:
        edit_list: the programme.
        index: of the clip after the join, from 1.
        by: frames that the clip before it gains and it loses; negative for the other way round.
        join: half the length of the crossfade, in frames.
    """
    clips = list(edit_list.clips)
    left, right = clips[index - 1], clips[index]
    clips[index - 1] = dataclasses.replace(left, end=left.end + by)
    clips[index] = dataclasses.replace(right, start=right.start + by, join=join)
    return dataclasses.replace(edit_list, clips=tuple(clips))


def apply_effect(edit_list: EditList, call: EffectCall) -> EditList:
    """Put an effect on the whole programme, after the effects that it has.

        denoise         | A | B |  ->  | A' | B' |

    Raises:
        EditError: an unknown effect or setting, or a value out of range.
    """
    # Effects bring scipy, which an edit without them does not wait for.
    from qwen_audio_agent.editing.effects import make_effect

    make_effect(call)
    return dataclasses.replace(edit_list, effects=(*edit_list.effects, call))


def lay_bed(
    edit_list: EditList, bed: EditList, settings: tuple[tuple[str, float], ...] = ()
) -> EditList:
    """Lay a sound under the whole programme, lower while somebody speaks; see `effects.bed.Bed`.

        lay_bed X       | A | B |  ->  | A+x | B+x |

    Args:
        edit_list: the programme.
        bed: the sound, at any rate; it must be known to the sources when this is rendered.
        settings: of the effect: `level_db`, `duck_db`, `fade_s`, `start_s`, `end_s`.

    Raises:
        EditError: the bed is empty, or a setting is unknown or out of range.
    """
    if not bed.num_frames:
        raise EditError("there is nothing to lay under the programme: that audio is empty")
    return apply_effect(edit_list, EffectCall("bed", settings, bed.id))


def _in_place_of(base: EditList, span: Span, clips: tuple[Clip, ...], join: int | None) -> EditList:
    before, after = Span(0, span.start), Span(span.end, base.num_frames)
    return joined(base, [part(base, before), clips, part(base, after)], join)


def _checked_part(base: EditList, other: EditList, span: Span | None) -> tuple[Clip, ...]:
    _check(other, Span(0, other.num_frames) if span is None else span)
    return foreign_part(base, other, span)


def _check(edit_list: EditList, *spans: Span) -> None:
    if not spans:
        raise EditError("no span was given: say from where to where")
    for span in spans:
        _check_frame(edit_list, span.start, "start")
        _check_frame(edit_list, span.end, "end")
        if not span.num_frames:
            at = span.start / edit_list.sample_rate
            raise EditError(f"start and end are both {at:.2f} s: the end must come after the start")


def _check_frame(edit_list: EditList, frame: int, name: str) -> None:
    if not 0 <= frame <= edit_list.num_frames:
        length, at = edit_list.duration, frame / edit_list.sample_rate
        raise EditError(
            f"the audio is {length:.2f} s long; {name} is {at:.2f} s: choose 0 to {length:.2f} s"
        )
