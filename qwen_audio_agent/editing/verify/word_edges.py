"""What timing and the ear say about the words beside a join: clipped, leaking in, or others.

An edge by word is judged by alignments of what the ear heard there, on the sound as it was and as
it is now. Free hearing is asked where that leaves doubt, and decides only whether the sound as a
whole became something else. Measured with PocketSphinx on 30 words of 18 recordings of read speech,
cut out with one edge off as the columns say:

    an edge is              right   off by 30 ms   clips 0.1 s   leaks 0.1 s
    called clean             29          29            13            11
    called what it is                                  42            47
    called something else     1           1             5             2      of 30, 30, 60 and 60

What is missed is mostly a short word that is gone as a whole where the ear misheard its neighbours,
and what is wrongly called a leak is one word in a recording of which the ear heard nothing right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from qwen_audio_agent.audio.levels import rms_dbfs
from qwen_audio_agent.audio.samples import Span, frame_at
from qwen_audio_agent.editing.heard_audio import HeardAudio
from qwen_audio_agent.editing.verify.finding import Finding, Nudge, VerdictKind
from qwen_audio_agent.editing.verify.new_joins import Join, Side
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.text import normalise
from qwen_audio_agent.speech.words import Word

_REACH = 2.0
_BEYOND = 0.8
_MARGIN = 0.1
_CLIPPED = 0.065
_LEAKED = 0.06
_CONFIRMED = 0.025
_MISHEARD = 0.15
_AUDIBLE_DB = 15.0
_ALIKE = 0.3
_BESIDE = 2
_ENOUGH_LETTERS = 10
_Now = tuple[float, float]
"""Start and end of a word in seconds from the join."""


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


def judge_words(
    listener: Listener, after: HeardAudio, join: Join, places: tuple[Place, ...]
) -> Iterator[Finding]:
    """What timing and the ear say about the words on both sides of a join."""
    left = _beside(listener, join.left, places, is_left=True) if join.left else None
    right = _beside(listener, join.right, places, is_left=False) if join.right else None
    left_now, right_now = _heard_now(listener, after, join, left, right)
    findings: list[Finding] = []
    if join.left and left:
        findings += _judge(join.left, left, left_now, places, is_left=True)
    if join.right and right:
        findings += _judge(join.right, right, right_now, places, is_left=False)
    yield from findings
    if left and right and (findings or not left_now or not right_now):
        # Free hearing costs most and errs most, so it only has a say where there is some doubt.
        yield from _heard_freely(listener, after, join, left.kept + right.kept)


def _heard_freely(
    listener: Listener, after: HeardAudio, join: Join, kept: tuple[Word, ...]
) -> Iterator[Finding]:
    """Whether next to nothing of what was said around a join is heard there now."""
    expected = " ".join(word.text for word in kept)
    if len(expected) < _ENOUGH_LETTERS:
        return
    heard = listener.listen(after.read(after.around(join.frame))).text
    if _alike(expected, heard) < _ALIKE:
        yield Finding("wrong words", _CLIPPED, f"heard as {heard[:60]!r}")


def _judge(
    side: Side, beside: _Beside, now: _Now | None, places: tuple[Place, ...], *, is_left: bool
) -> Iterator[Finding]:
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
    yield Finding(kind, seconds, detail, nudge)


def _is_audible(side: Side, seconds: float, *, is_left: bool) -> bool:
    """Whether a leak of so many seconds is sound, not the quiet before a stop or a breath."""
    frames = frame_at(seconds, side.audio.sample_rate)
    first = max(0, side.frame - frames) if is_left else side.frame
    leak = Span(first, min(first + frames, side.audio.num_frames))
    level = rms_dbfs(side.audio.read(leak))
    return level > rms_dbfs(side.audio.read(side.audio.around(side.frame))) - _AUDIBLE_DB


def _movable(side: Side, places: tuple[Place, ...]) -> bool:
    return places[side.place].slack[0 if side.edge == "start" else 1] > 0


def _beside(
    listener: Listener, side: Side, places: tuple[Place, ...], *, is_left: bool
) -> _Beside | None:
    """Align the words around an edge on the old sound; None if the ear misheard across the edge."""
    edge, words_between = side.time, side.audio.words_between
    before = words_between(edge - (_REACH if is_left else _BEYOND), edge)
    behind = words_between(edge, edge + (_BEYOND if is_left else _REACH))
    before, behind = before[-_BESIDE:], behind[:_BESIDE]
    by_word = _movable(side, places)
    runs_over = any(
        word.start + _MISHEARD < edge < word.end - _MISHEARD for word in before + behind
    )
    if by_word and runs_over:
        return None
    if by_word:
        before, behind = _aligned(listener, side.audio, before, behind)
    around = before + behind
    split = len(before) + _too_many(side, places[side.place], is_left=is_left)
    before, behind = around[: max(split, 0)], around[max(split, 0) :]
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


def _too_many(side: Side, place: Place, *, is_left: bool) -> int:
    """How many words went at an edge that are none of the named ones: negative from the right.

    Known only where the ear heard just the words that were named, among others.
    """
    is_inside = side.edge == ("start" if is_left else "end")
    if not (is_inside and place.words and all(place.slack)):
        return 0
    went = [word.text for word in side.audio.words_between(place.start, place.end)]
    named = normalise(place.words)
    for first in range(len(went) - len(named) + 1):
        if went[first : first + len(named)] == named:
            return first if is_left else first + len(named) - len(went)
    return 0


def _aligned(
    listener: Listener, audio: HeardAudio, before: tuple[Word, ...], behind: tuple[Word, ...]
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
    after: HeardAudio,
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
