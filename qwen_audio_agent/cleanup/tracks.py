"""Several microphones of one conversation: all are cut alike, so that they stay together.

    host   | A |um| B | ...... | C |        | A | B | . | C |
    guest  | . | .| . | ...... | x |   ->   | . | . | . | x |

A pause is one where nobody speaks on any of them. Of what one says by mistake while another speaks,
nothing can be cut: it is muted on its own track.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qwen_audio_agent.audio.activity import Activity
from qwen_audio_agent.audio.files import AudioFile
from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.audio.samples import united
from qwen_audio_agent.cleanup.detection import Finder, numbered
from qwen_audio_agent.cleanup.guards import guarded
from qwen_audio_agent.cleanup.plan import Proposal
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.cleanup.survey import Survey
from qwen_audio_agent.errors import UsageError

_MARGIN = 0.05  # seconds; the other must be silent beside what is cut, too
# A voice that is so much quieter than the microphone's own one comes from across the table.
_BLEED_DB = 12.0
# One that is so much quieter than on another microphone does so, too.
_ACROSS_DB = 25.0


def check_tracks(files: Sequence[AudioFile]) -> None:
    """See that recordings can be the microphones of one conversation.

    Raises:
        UsageError: their rates differ.
    """
    first = files[0]
    for file in files[1:]:
        if file.sample_rate != first.sample_rate:
            raise UsageError(
                f"{shown(file.path)} has {file.sample_rate} Hz and {shown(first.path)} "
                f"{first.sample_rate} Hz: tracks of one conversation need the same rate"
            )


def propose_for_tracks(surveys: Sequence[Survey], recipe: Recipe) -> tuple[Proposal, ...]:
    """Everything that a recipe asks about, in microphones that were recorded together.

    Args:
        surveys: of each microphone, of one sample rate.
        recipe: what to look for.

    Returns:
        Proposals in order of time, numbered and guarded.
    """
    together = _together(surveys)
    found: list[Proposal] = []
    for number, survey in enumerate(surveys, 1):
        finder = Finder(survey, recipe)
        others = [other for other in surveys if other is not survey]
        own = (p for p in finder.disfluencies() if _is_own(survey, others, p))
        found += [_beside_others(p, number, survey, others) for p in own]
        found += [replace(p, track=number) for p in finder.noises()]
    holes = Finder(together, recipe)
    gone = sorted((p for p in found if p.on and p.removes), key=lambda p: p.start)
    noises = sorted((p for p in found if p.kind in ("breath", "mouth")), key=lambda p: p.start)
    quiet = holes.holes(gone)
    found += [*holes.pauses(quiet, noises), *holes.ends(quiet, noises)]
    ordered = numbered(sorted(found, key=lambda p: (p.start, p.end, p.track)))
    return tuple(guarded(ordered, recipe.guards, together.activity, together.transcript.words))


def _is_own(survey: Survey, others: Sequence[Survey], proposal: Proposal) -> bool:
    """Whether what was heard on a microphone was said into it, and not across the table."""
    start, end = proposal.start, proposal.end
    loudest = max((_level(other, start, end) for other in others), default=-100.0)
    return _speaks(survey, start, end, loudest)


def _beside_others(
    proposal: Proposal, number: int, survey: Survey, others: Sequence[Survey]
) -> Proposal:
    """What is said while another speaks is muted on its own track, not cut from all."""
    start, end = max(0.0, proposal.start - _MARGIN), proposal.end + _MARGIN
    if not proposal.removes:
        return replace(proposal, track=number)
    level = _level(survey, start, end)
    if not any(_speaks(other, start, end, level) for other in others):
        return proposal
    reason = f"{proposal.reason}; another speaks meanwhile, so it is muted"
    return replace(proposal, action="mute", track=number, reason=reason)


def _speaks(survey: Survey, start: float, end: float, level_elsewhere: float) -> bool:
    """Whether it is the microphone's own voice that is heard in it between two times."""
    rate = survey.file.sample_rate
    least = max(survey.speech_dbfs - _BLEED_DB, level_elsewhere - _ACROSS_DB)
    inside = [s for s in survey.activity.speech if s.start < end * rate and s.end > start * rate]
    return any(
        _level(survey, max(start, span.start / rate), min(end, span.end / rate)) > least
        for span in inside
    )


def _level(survey: Survey, start: float, end: float) -> float:
    return float(np.percentile(survey.levels(start, end), 90))


def _together(surveys: Sequence[Survey]) -> Survey:
    """The conversation as one recording: who speaks on any microphone speaks."""
    longest = max(surveys, key=lambda survey: survey.file.num_frames)
    words = sorted((w for s in surveys for w in s.transcript.words), key=lambda w: w.start)
    power = np.zeros(len(longest.activity.power), np.float32)
    for survey in surveys:
        power[: len(survey.activity.power)] += survey.activity.power
    activity = Activity(
        longest.file.sample_rate,
        longest.file.num_frames,
        tuple(united(span for survey in surveys for span in survey.activity.speech)),
        power,
    )
    transcript = replace(longest.transcript, words=tuple(words), gaps=())
    return replace(longest, activity=activity, transcript=transcript)
