"""From a plan to an edit list: everything that is switched on, in one sweep over the recording.

    plan            | A |um| B | .... | C h D |  ->  | A | B | . | C - D |

Nothing else changes: outside the edits, and their fades of at most 15 ms, the sound is that of the
source, sample for sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from qwen_audio_agent.audio.samples import Audio, Span, frame_at
from qwen_audio_agent.cleanup.plan import Episode, Plan
from qwen_audio_agent.editing.clicks import JoinMeasure, ordinary_measure
from qwen_audio_agent.editing.edit_list import SILENCE, Clip, EditList
from qwen_audio_agent.editing.fills import room_tone
from qwen_audio_agent.editing.render import read_programme
from qwen_audio_agent.editing.rolls import KnownRolls, roll_clicks
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.editing.splicing import default_join, joined, repeated
from qwen_audio_agent.errors import EditError

_ORDINARY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Change:
    """What happens to a span: it goes, is muted, or is made quieter."""

    span: Span
    action: str
    gain_db: float = 0.0


def programme(
    plan: Plan,
    sources: Sources,
    source: str,
    track: int = 1,
    ordinary: Callable[[], JoinMeasure] | None = None,
    known: KnownRolls | None = None,
) -> EditList:
    """The edit list of a plan, without what is done to the sound of the whole.

    Args:
        plan: what to do.
        sources: where the recording is.
        source: its id there.
        track: which of the plan's recordings it is, from 1.
        ordinary: what places of the recording are like, from `ordinary_places`, for whoever makes
            many programmes of it.
        known: what was found at joins of other programmes of it; what is found is added.

    Raises:
        EditError: nothing would be left.
        AudioFileError: the recording cannot be read.
    """
    episode = plan.tracks[track - 1]
    whole = _whole(episode, source)

    def read(span: Span) -> Audio:
        return read_programme(whole, sources, span)

    parts = [
        _part(change, whole, read)
        for change in _swept(_changes(plan, track), episode.num_frames)
        if change.action != "cut"
    ]
    if not parts:
        raise EditError("this plan would leave nothing of the recording: switch cuts off")
    made = joined(whole, parts, None)

    ordinary = ordinary or ordinary_places(episode, sources, source)
    rolled, _ = roll_clicks(made, sources, made.starts[1:-1], ordinary, known)
    return rolled


def ordinary_places(episode: Episode, sources: Sources, source: str) -> Callable[[], JoinMeasure]:
    """What unedited places in the middle of a recording are like; measured when it is first asked.

    Args:
        episode: the recording.
        sources: where it is.
        source: its id there.
    """

    @cache
    def measured() -> JoinMeasure:
        reach = frame_at(_ORDINARY_SECONDS / 2, episode.sample_rate)
        middle = episode.num_frames // 2
        span = Span(max(0, middle - reach), min(episode.num_frames, middle + reach))
        return ordinary_measure(read_programme(_whole(episode, source), sources, span))

    return measured


def _whole(episode: Episode, source: str) -> EditList:
    clip = Clip(source, 0, episode.num_frames)
    return EditList((clip,), episode.sample_rate, episode.num_channels)


def _changes(plan: Plan, track: int) -> list[_Change]:
    rate = plan.tracks[track - 1].sample_rate
    last = plan.tracks[track - 1].num_frames
    changes = []
    for proposal in plan.active:
        span = proposal.span(rate)
        span = Span(min(span.start, last), min(span.end, last))
        if span.num_frames and proposal.track in (0, track):
            action = "cut" if proposal.removes else proposal.action
            changes.append(_Change(span, action, proposal.gain_db))
    return changes


# Where changes overlap, the one that takes more away is made.
_STRENGTH = {"keep": 0, "attenuate": 1, "mute": 2, "cut": 3}


def _swept(changes: Sequence[_Change], num_frames: int) -> Iterator[_Change]:
    """The whole recording as spans, in order, each with what happens to it."""
    edges = sorted({0, num_frames, *(f for c in changes for f in (c.span.start, c.span.end))})
    begin = sorted(changes, key=lambda c: c.span.start)
    running: list[_Change] = []
    next_one = 0
    held: _Change | None = None
    for start, end in pairwise(edges):
        while next_one < len(begin) and begin[next_one].span.start <= start:
            running.append(begin[next_one])
            next_one += 1
        running = [c for c in running if c.span.end > start]
        strongest = max(
            running,
            key=lambda c: (_STRENGTH[c.action], -c.gain_db),
            default=_Change(Span(0, 0), "keep"),
        )
        change = replace(strongest, span=Span(start, end))
        if held and (held.action, held.gain_db) == (change.action, change.gain_db):
            held = replace(held, span=Span(held.span.start, end))
            continue
        if held:
            yield held
        held = change
    if held:
        yield held


def _part(change: _Change, whole: EditList, read: Callable[[Span], Audio]) -> tuple[Clip, ...]:
    """The clips that are heard in the place of a span."""
    source = whole.clips[0].source
    if change.action != "mute":
        return (Clip(source, change.span.start, change.span.end, change.gain_db),)
    room = room_tone(whole, read, change.span)
    if room is None:
        return (Clip(SILENCE, 0, change.span.num_frames),)
    join = default_join(whole.sample_rate)
    return repeated(whole, room.clips, change.span.num_frames, join).clips
