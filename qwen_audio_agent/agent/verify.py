"""Listening again: is each new join clean, and what did an effect do to the levels?

Three witnesses, none of which is trusted alone:

    signal   a click at the join
    timing   the words beside each edge, aligned on the sound as it was before the edit
    ear      the same words aligned on the sound as it is now, and what is heard there freely

A word is called clipped, or leaking in, when timing says so and the ear measures the change. What
the ear hears now is compared with what it heard before, never with the truth: an ear that mishears
a word does so before and after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from math import isfinite
from typing import TYPE_CHECKING

from qwen_audio_agent.agent.new_joins import EdgeName, Join, Side, new_joins
from qwen_audio_agent.agent.outcome import Levels, Place, Verdict, VerdictKind
from qwen_audio_agent.agent.session_audio import SessionAudio
from qwen_audio_agent.audio.levels import loudness_lufs, noise_floor_dbfs, rms_dbfs
from qwen_audio_agent.audio.samples import Span, frame_at
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.words import Word

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

MAX_HEARD = 16
"""Joins that are listened to after one step; all others are measured."""
_REACH = 2.0
_BEYOND = 0.8
_MARGIN = 0.1
_CLIPPED = 0.065
_LEAKED = 0.06
_CONFIRMED = 0.025
_MISHEARD = 0.08
_AUDIBLE_DB = 15.0
_ALIKE = 0.3
_ENOUGH_LETTERS = 10
_Now = tuple[float, float]
"""Start and end of a word in seconds from the join."""
SILENT_DB = -120.0
"""What stands for minus infinity in files."""


@dataclass(frozen=True, slots=True)
class Nudge:
    """How far an edge of a place should move, in frames of the place's audio."""

    place: int
    edge: EdgeName
    frames: int


@dataclass(frozen=True, slots=True)
class Check:
    """What was found at the joins of a new audio.

    Attributes:
        verdicts: one for each join that was listened to or that measured badly.
        unheard: joins that were only measured.
        nudges: what might repair the bad ones.
        badness: 0 when all is clean; falls as things get better.
    """

    verdicts: tuple[Verdict, ...]
    unheard: int
    nudges: tuple[Nudge, ...]
    badness: float


@dataclass(frozen=True, slots=True)
class _Finding:
    kind: VerdictKind
    seconds: float = 0.0
    detail: str = ""
    nudge: Nudge | None = None


def listen_again(session: Session, given: int, made: EditList, places: tuple[Place, ...]) -> Check:
    """Check every join that a tool made.

    Args:
        session: has the audios, and who listens.
        given: number of the audio that the tool was given.
        made: what it made of it.
        places: where it worked.
    """
    after = session.as_audio(made)
    joins = new_joins(session.audio(given), after, places, session.audio)
    of_places = [join for join in joins if join.left or join.right]
    step = -(-len(of_places) // MAX_HEARD) or 1
    heard = {join.frame for join in of_places[::step]}
    verdicts: list[Verdict] = []
    nudges: list[Nudge] = []
    badness = 0.0
    for join in joins:
        findings = list(_signal(after, join))
        if join.frame in heard:
            findings += _words(session.listener, after, join, places)
        if not findings and join.frame not in heard:
            continue
        worst = max(findings, key=lambda finding: finding.seconds, default=_Finding("clean"))
        at = join.frame / after.sample_rate
        verdicts.append(Verdict(worst.kind, round(at, 3), _around(after, at), worst.detail))
        nudges += [finding.nudge for finding in findings if finding.nudge]
        badness += sum(1 + finding.seconds for finding in findings)
    unheard = sum(1 for join in of_places if join.frame not in heard)
    return Check(tuple(verdicts), unheard, tuple(nudges), badness)


def _signal(after: SessionAudio, join: Join) -> Iterator[_Finding]:
    """A click where sounds meet."""
    if 0 < join.frame < after.num_frames:
        yield from ()


@dataclass(frozen=True, slots=True)
class _Beside:
    """The words beside one side of a join as they were before the edit; all in seconds.

    Attributes:
        kept: the nearest words that stay, in order of time, with their times in the old audio.
        length: of the nearest of them.
        clipped: how far it reaches past the edge, into what went; negative if it ends before.
        leaked: how far the nearest word that went reaches past the edge, into what stays.
    """

    kept: tuple[Word, ...]
    length: float
    clipped: float
    leaked: float


def _words(
    listener: Listener, after: SessionAudio, join: Join, places: tuple[Place, ...]
) -> Iterator[_Finding]:
    """What timing and the ear say about the words on both sides of a join."""
    left = _beside(listener, join.left, places, is_left=True) if join.left else None
    right = _beside(listener, join.right, places, is_left=False) if join.right else None
    left_now, right_now = _heard_now(listener, after, join, left, right)
    if join.left and left:
        yield from _judge(join.left, left, left_now, places, is_left=True)
    if join.right and right:
        yield from _judge(join.right, right, right_now, places, is_left=False)
    if left and right and left.kept and right.kept:
        expected = " ".join(word.text for word in left.kept + right.kept)
        heard = listener.listen(after.read(after.around(join.frame))).text
        if len(expected) >= _ENOUGH_LETTERS and _alike(expected, heard) < _ALIKE:
            yield _Finding("wrong words", _CLIPPED, f"heard as {heard[:60]!r}")


def _judge(
    side: Side, beside: _Beside, now: _Now | None, places: tuple[Place, ...], *, is_left: bool
) -> Iterator[_Finding]:
    """Clipped or leaking, if timing says so and the ear measures it; typed times rest on timing."""
    shorter = longer = True
    movable = _movable(side, places)
    if now and movable:
        start, end = now
        change = end - start - beside.length
        over = end if is_left else -start
        shorter = change < -_CONFIRMED or over > _CONFIRMED
        longer = change > _CONFIRMED or over < -_CONFIRMED
    outward = 1 if is_left else -1
    if beside.clipped > _CLIPPED and shorter:
        kind: VerdictKind = "clipped word left" if is_left else "clipped word right"
        seconds, detail = beside.clipped, f"by {beside.clipped * 1000:.0f} ms"
    elif beside.leaked > _LEAKED and longer and _is_audible(side, beside.leaked, is_left=is_left):
        kind, outward = "leaked word", -outward
        seconds, detail = beside.leaked, f"{beside.leaked * 1000:.0f} ms of what was removed"
    else:
        return
    frames = outward * frame_at(seconds, side.audio.sample_rate)
    nudge = Nudge(side.place, side.edge, frames) if movable else None
    yield _Finding(kind, seconds, detail, nudge)


def _is_audible(side: Side, seconds: float, *, is_left: bool) -> bool:
    """Whether a leak of so many seconds is sound, not the quiet before a stop or a breath."""
    frames = frame_at(seconds, side.audio.sample_rate)
    first = max(0, side.frame - frames) if is_left else side.frame
    leak = Span(first, min(first + frames, side.audio.num_frames))
    level = rms_dbfs(side.audio.read(leak))
    return level > rms_dbfs(side.audio.read(side.audio.around(side.frame))) - _AUDIBLE_DB


def _movable(side: Side, places: tuple[Place, ...]) -> bool:
    return places[side.place].movable[0 if side.edge == "start" else 1]


def _beside(
    listener: Listener, side: Side, places: tuple[Place, ...], *, is_left: bool
) -> _Beside | None:
    """Align the words around an edge on the old sound; None if the ear misheard across the edge."""
    edge, words = side.time, side.audio.transcript()
    before = words.between(max(0.0, edge - (_REACH if is_left else _BEYOND)), edge)
    behind = words.between(edge, edge + (_BEYOND if is_left else _REACH))
    before, behind = (before[-3:], behind[:2]) if is_left else (before[-2:], behind[:3])
    by_word = _movable(side, places)
    runs_over = any(
        word.start + _MISHEARD < edge < word.end - _MISHEARD for word in before + behind
    )
    if by_word and runs_over:
        return None
    if by_word:
        before, behind = _aligned(listener, side.audio, before, behind)
    # Seen from the right, time runs backwards.
    kept, gone = (before, behind) if is_left else (behind, before)
    clipped = leaked = -_REACH
    length = 0.0
    if kept:
        nearest = kept[-1] if is_left else kept[0]
        length = nearest.end - nearest.start
        clipped = nearest.end - edge if is_left else edge - nearest.start
    if gone:
        leaked = edge - gone[0].start if is_left else gone[-1].end - edge
    return _Beside(kept, length, clipped, leaked)


def _aligned(
    listener: Listener, audio: SessionAudio, before: tuple[Word, ...], behind: tuple[Word, ...]
) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """The same words with times from an alignment, which is finer than free hearing."""
    words = before + behind
    if not words:
        return before, behind
    rate = audio.sample_rate
    start = frame_at(max(0.0, words[0].start - _MARGIN), rate)
    end = min(frame_at(words[-1].end + _MARGIN, rate), audio.num_frames)
    try:
        fine = listener.align(audio.read(Span(start, end)), [word.text for word in words])
    except HearingError:
        return before, behind
    fine = tuple(word.shift(start / rate) for word in fine)
    return fine[: len(before)], fine[len(before) :]


def _heard_now(
    listener: Listener,
    after: SessionAudio,
    join: Join,
    left: _Beside | None,
    right: _Beside | None,
) -> tuple[_Now | None, _Now | None]:
    """The nearest kept words on both sides as the ear finds them in the new sound."""
    kept_left = left.kept if left else ()
    kept_right = right.kept if right else ()
    if not kept_left and not kept_right:
        return None, None
    rate, at = after.sample_rate, join.frame / after.sample_rate
    before = join.left.time - kept_left[0].start if join.left and kept_left else 0.0
    behind = kept_right[-1].end - join.right.time if join.right and kept_right else 0.0
    start = frame_at(max(0.0, at - before - _MARGIN), rate)
    end = min(frame_at(max(0.0, at + behind + _MARGIN), rate), after.num_frames)
    texts = [word.text for word in kept_left + kept_right]
    try:
        words = listener.align(after.read(Span(start, end)), texts)
    except HearingError:
        return None, None
    offset = start / rate - at
    found = [(word.start + offset, word.end + offset) for word in words]
    count = len(kept_left)
    return found[count - 1] if count else None, found[count] if kept_right else None


def _alike(expected: str, heard: str) -> float:
    """How much of what was heard before is heard again, 0 to 1, by letters."""
    matcher = SequenceMatcher(None, expected, heard, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(expected)


def _around(after: SessionAudio, at: float) -> str:
    """The words around a join, which is drawn as a bar: "... of the | and we're glad ..."."""
    words = after.transcript().words
    left = [word.text for word in words if (word.start + word.end) / 2 < at]
    right = [word.text for word in words if (word.start + word.end) / 2 >= at]
    before = (["..."] if len(left) > 2 else []) + left[-2:]
    behind = right[:3] + (["..."] if len(right) > 3 else [])
    return " ".join([*before, "|", *behind])


def compare_levels(session: Session, given: int, made: EditList) -> Levels:
    """Levels of the audio that a tool was given and of what it made of it."""
    before, after = session.audio(given), session.as_audio(made)
    floor, speech, loudness = zip(levels_of(before), levels_of(after), strict=True)
    return Levels(floor, speech, loudness)


def levels_of(audio: SessionAudio) -> tuple[float, float, float]:
    """Noise floor and level of the speech in dBFS, loudness in LUFS; `SILENT_DB` for silence."""
    speech = (audio.read(span) for span in audio.activity.speech)
    levels = noise_floor_dbfs(audio.blocks()), rms_dbfs(speech), loudness_lufs(audio.blocks())
    floor, active, loudness = (level if isfinite(level) else SILENT_DB for level in levels)
    return floor, active, loudness
