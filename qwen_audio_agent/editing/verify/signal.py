"""What the signal says about a join: a click, or a step in level where another recording begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from qwen_audio_agent.audio.levels import rms_dbfs
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.editing.clicks import JoinMeasure, measure_join
from qwen_audio_agent.editing.edit_list import BLEEP, SILENCE
from qwen_audio_agent.editing.heard_audio import HeardAudio
from qwen_audio_agent.editing.verify.finding import Finding
from qwen_audio_agent.editing.verify.new_joins import Join

_UNSUSPICIOUS = JoinMeasure(high_frequency_db=3.0, residual_db=3.0, level_step_db=0.0)
_CLEARLY_DB = 2.0
_CLICK_REACH = 0.05
_LEVEL_REACH = 1.0
_LEVEL_STEP_DB = 10.0
# Speech beside a pause differs by more than two voices do.
_PAUSE_DB = 25.0


def _measured(after: HeardAudio, frame: int) -> JoinMeasure:
    beside = after.around(frame, _CLICK_REACH)
    return measure_join(after.read(beside), frame - beside.start)


def judge_signal(before: HeardAudio, after: HeardAudio, join: Join) -> Iterator[Finding]:
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
