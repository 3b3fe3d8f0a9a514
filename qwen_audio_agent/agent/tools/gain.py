"""gain: louder, quieter, faded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from qwen_audio_agent.agent.arguments import (
    Arguments,
    Number,
    OptionalNumber,
    OptionalWords,
    Stretch,
    Which,
)
from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.places import find_part
from qwen_audio_agent.agent.tools.tool import Tool
from qwen_audio_agent.agent.wording import stretches_text
from qwen_audio_agent.audio.samples import frame_at
from qwen_audio_agent.editing import operations
from qwen_audio_agent.errors import ToolError

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session


class Gain(Arguments):
    """Make the audio or a stretch of it louder or quieter, or fade it. Makes a new audio."""

    db: Number = Field(default=0.0, ge=-60, le=60, description="change in dB, negative is quieter")
    words: OptionalWords = Field(default=None, description="words to change; all if left out")
    start: OptionalNumber = Field(default=None, description="start in seconds")
    end: OptionalNumber = Field(default=None, description="end in seconds")
    which: Which = Field(default="only", description="which one, if there are several")
    fade_in: Number = Field(default=0.0, ge=0, description="seconds to rise from silence")
    fade_out: Number = Field(default=0.0, ge=0, description="seconds to fall to silence")


def gain(session: Session, wish: Gain) -> Outcome:
    """| A | B | C |  ->  | A | b | C |."""
    if not (wish.db or wish.fade_in or wish.fade_out):
        raise ToolError("Nothing would change: give db, fade_in or fade_out.")
    where = session.listened(wish.audio)
    part = Stretch(
        audio=wish.audio, words=wish.words, start=wish.start, end=wish.end, which=wish.which
    )
    rate = where.audio.sample_rate
    fades = frame_at(wish.fade_in, rate), frame_at(wish.fade_out, rate)

    places = find_part(where, part)
    made = where.audio.edit_list
    for place in places:
        if wish.db:
            made = operations.gain(made, wish.db, place.span)
        if any(fades):
            made = operations.fade(made, *fades, place.span)
    changes = [f"{wish.db:+g} dB"] if wish.db else []
    changes += [f"fade in of {wish.fade_in:g} s"] if wish.fade_in else []
    changes += [f"fade out of {wish.fade_out:g} s"] if wish.fade_out else []
    return Outcome(f"Made {', '.join(changes)} at {stretches_text(places)}.", made, places)


GAIN = Tool("gain", Gain, gain, changes_levels=True)
