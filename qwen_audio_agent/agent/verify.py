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

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qwen_audio_agent.agent.outcome import Verdict
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.heard_audio import HeardAudio
from qwen_audio_agent.editing.verify.finding import Finding, Nudge
from qwen_audio_agent.editing.verify.new_joins import new_joins
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.editing.verify.signal import judge_signal
from qwen_audio_agent.editing.verify.word_edges import judge_words

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

MAX_HEARD = 12
"""Joins that are listened to after one step; all others are measured."""
_SHOWN_REACH = 3.0


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
        findings = list(judge_signal(before, after, join))
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


def _around(after: HeardAudio, at: float) -> str:
    """The words around a join, which is drawn as a bar: "... of the | and we're glad ..."."""
    words = after.words_between(at - _SHOWN_REACH, at + _SHOWN_REACH)
    left = [word.text for word in words if (word.start + word.end) / 2 < at]
    right = [word.text for word in words if (word.start + word.end) / 2 >= at]
    before = (["..."] if len(left) > 2 else []) + left[-2:]
    behind = right[:3] + (["..."] if len(right) > 3 else [])
    return " ".join([*before, "|", *behind])
