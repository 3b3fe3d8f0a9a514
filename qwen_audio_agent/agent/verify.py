"""Listening again: is each new join clean?

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
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qwen_audio_agent.agent.new_joins import Join, new_joins
from qwen_audio_agent.agent.outcome import Place, Verdict
from qwen_audio_agent.agent.session_audio import SessionAudio
from qwen_audio_agent.agent.word_edges import Finding, Nudge, judge_words
from qwen_audio_agent.audio.levels import rms_dbfs
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing.clicks import JoinMeasure, measure_join
from qwen_audio_agent.editing.edit_list import BLEEP, SILENCE, EditList

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

MAX_HEARD = 12
"""Joins that are listened to after one step; all others are measured."""
_UNSUSPICIOUS = JoinMeasure(high_frequency_db=3.0, residual_db=3.0, level_step_db=0.0)
_CLEARLY_DB = 2.0
_CLICK_REACH = 0.05
_LEVEL_REACH = 1.0
_SHOWN_REACH = 3.0
_LEVEL_STEP_DB = 10.0
# Speech beside a pause differs by more than two voices do.
_PAUSE_DB = 25.0


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


def listen_again(session: Session, given: int, made: EditList, places: tuple[Place, ...]) -> Check:
    """Check every join that a tool made.

    Args:
        session: has the audios, and who listens.
        given: number of the audio that the tool was given.
        made: what it made of it.
        places: where it worked.
    """
    before, after = session.audio(given), session.as_audio(made)
    joins = new_joins(before, after, places, session.audio)
    # Sounds that overlap for long meet at no edge of a place; they have nothing but their joins.
    of_places = [join for join in joins if join.left or join.right] or joins
    step = -(-len(of_places) // MAX_HEARD) or 1
    heard = {join.frame for join in of_places[::step]}
    verdicts: list[Verdict] = []
    nudges: list[Nudge] = []
    badness = 0.0
    for join in joins:
        findings = list(_signal(before, after, join))
        if join.frame in heard:
            findings += judge_words(session.listener, after, join, places)
        if not findings and join.frame not in heard:
            continue
        worst = max(findings, key=lambda finding: finding.seconds, default=Finding("clean"))
        at = join.frame / after.sample_rate
        verdicts.append(Verdict(worst.kind, round(at, 3), _around(after, at), worst.detail))
        nudges += [finding.nudge for finding in findings if finding.nudge]
        badness += sum(1 + finding.seconds for finding in findings)
    unheard = sum(1 for join in of_places if join.frame not in heard)
    return Check(tuple(verdicts), unheard, tuple(nudges), badness)


def _measured(after: SessionAudio, frame: int) -> JoinMeasure:
    beside = after.around(frame, _CLICK_REACH)
    return measure_join(after.read(beside), frame - beside.start)


def _signal(before: SessionAudio, after: SessionAudio, join: Join) -> Iterator[Finding]:
    """A click where sounds meet, or a step in level where another recording begins."""
    if not 0 < join.frame < after.num_frames:
        return
    sources = [after.time_map.to_source(frame) for frame in (join.frame - 1, join.frame)]
    names = [place[0] for place in sources if place]
    if BLEEP in names or SILENCE in names:
        return
    measured = _measured(after, join.frame)
    # What ordinary speech does takes a while to measure, and most joins need no comparison.
    if measured.is_click(_UNSUSPICIOUS) and measured.is_click(_beyond(before.ordinary)):
        excess = measured.high_frequency_db - before.ordinary.high_frequency_db
        yield Finding("seam", detail=f"click, {excess:.0f} dB above ordinary speech")
    elif names[0] != names[-1]:
        span = after.around(join.frame, _LEVEL_REACH)
        left = rms_dbfs(after.read(Span(span.start, join.frame)))
        right = rms_dbfs(after.read(Span(join.frame, span.end)))
        if _LEVEL_STEP_DB < abs(right - left) < _PAUSE_DB:
            louder = "louder" if right > left else "quieter"
            yield Finding("seam", detail=f"{abs(right - left):.0f} dB {louder} after the join")


def _beyond(ordinary: JoinMeasure) -> JoinMeasure:
    """Clearly more than the one place in a hundred of ordinary speech."""
    return replace(
        ordinary,
        high_frequency_db=ordinary.high_frequency_db + _CLEARLY_DB,
        residual_db=ordinary.residual_db + _CLEARLY_DB,
    )


def _around(after: SessionAudio, at: float) -> str:
    """The words around a join, which is drawn as a bar: "... of the | and we're glad ..."."""
    words = after.words_between(at - _SHOWN_REACH, at + _SHOWN_REACH)
    left = [word.text for word in words if (word.start + word.end) / 2 < at]
    right = [word.text for word in words if (word.start + word.end) / 2 >= at]
    before = (["..."] if len(left) > 2 else []) + left[-2:]
    behind = right[:3] + (["..."] if len(right) > 3 else [])
    return " ".join([*before, "|", *behind])
