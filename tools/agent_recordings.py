"""The recordings that `evaluate.py agent` talks about, and what the agent's tools make of a call.

The words and their times are known; there is no sound, for none is needed to see what is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from qwen_audio_agent.agent.tools import find_tool
from qwen_audio_agent.agent.tools.effect import SETTINGS
from qwen_audio_agent.editing.edit_list import EffectCall, EffectName
from qwen_audio_agent.editing.effects import make_effect
from qwen_audio_agent.errors import EditError, ToolError
from qwen_audio_agent.speech.words import Gap, Match, Transcript, Word

# A bar is a pause of 1.5 s; a word lasts 0.3 s and the next begins 0.1 s later.
INTERVIEW = (
    "um good morning and welcome to the show today we talk about the middle classes and uh "
    "you know the weather | hello again said the old man with the secret it was damn cold on "
    "monday you know and hello it was a damn long day you know thank you for listening goodbye"
)
JINGLE = "tuesday is a fine day hello from the jingle"

Call = tuple[str, dict[str, Any]]
"""A tool's name and its arguments."""

_OF_OTHER = {
    "insert": {"words", "to_words", "start", "end"},
    "replace": {"other_words", "start", "end"},
}


@dataclass(frozen=True)
class Spoken:
    """A recording that says known words at known times, in seconds."""

    words: tuple[Word, ...]
    gaps: tuple[Gap, ...]
    duration: float

    def transcript(self) -> Transcript:
        """Everything that is said."""
        return Transcript(self.words, self.duration, gaps=self.gaps)

    def find(self, phrase: str) -> tuple[Match, ...]:
        """Where exactly these words are said."""
        wanted = re.findall(r"[a-z']+", phrase.lower())
        found = []
        for first in range(len(self.words)):
            run = self.words[first : first + len(wanted)]
            if [word.text for word in run] == wanted:
                found.append(Match(phrase, run[0].start, run[-1].end, 0.9))
        return tuple(found)


@cache
def spoken(text: str, duration: float) -> Spoken:
    """The recording of a text, `duration` seconds long."""
    words, gaps, at = [], [], 0.5
    for said in text.split():
        if said == "|":
            gaps.append(Gap(at, at + 1.5))
            at += 1.6
        else:
            kind: Any = "filler" if said in ("um", "uh") else "word"
            words.append(Word(said, round(at, 3), round(at + 0.3, 3), kind=kind))
            at += 0.4
    return Spoken(tuple(words), tuple(gaps), duration)


def recordings() -> dict[str, Spoken]:
    """The recordings by their file ids."""
    return {"audio-1": spoken(INTERVIEW, 120.0), "audio-2": spoken(JINGLE, 8.0)}


def take(call: Call, sounds: Mapping[str, Spoken]) -> Call:
    """A call as its tool takes it, with every argument: edges left out are filled in.

    Raises:
        ToolError: the tool would refuse it: arguments that it does not read, words that are not
            there or not the only ones, times outside.
    """
    name, arguments = call
    given = find_tool(name).arguments.read(arguments).model_dump()
    for role in ("audio", "other"):
        if role in given and f"audio-{given[role]}" not in sounds:
            raise ToolError(f"There is no Audio {given[role]}; there is 1 to {len(sounds)}.")
    if name == "listen":
        return name, given
    if name == "effect" and given["value"] is not None:
        _check_effect(given["name"], given["value"])
    for role, value in given.items():
        _check(role, value, _sound(name, role, given, sounds), given.get("which"))
    by_words = {"words", "to_words"} if name != "replace" else {"other_words"}
    timed = given.get("start") is not None or given.get("end") is not None
    if timed and not any(given.get(role) for role in by_words):
        length = _sound(name, "start", given, sounds).duration
        edges = given["start"] or 0.0, length if given["end"] is None else given["end"]
        is_all = edges == (0.0, length) and name in ("gain", "insert", "replace")
        given["start"], given["end"] = (None, None) if is_all else edges
    if name == "insert" and given["at"] == _sound(name, "at", given, sounds).duration:
        given["at"] = None
    return name, given


def _check_effect(name: EffectName, value: float) -> None:
    if name not in SETTINGS:
        raise ToolError(f"{name} takes no value.")
    try:
        make_effect(EffectCall(name, ((SETTINGS[name][0], value),)))
    except EditError as error:
        raise ToolError(str(error)) from error


def _sound(name: str, role: str, given: Mapping[str, Any], sounds: Mapping[str, Spoken]) -> Spoken:
    """The recording that an argument of a tool is about."""
    number = given["other" if role in _OF_OTHER.get(name, ()) else "audio"]
    return sounds[f"audio-{number}"]


def _check(role: str, value: Any, sound: Spoken, which: str | None) -> None:
    if value is None:
        return
    if role in ("start", "end", "at") and not 0 <= value <= sound.duration:
        raise ToolError(f"{role} is {value:.2f}, the audio is {sound.duration:.2f} s long.")
    if role in ("words", "to_words", "before", "after", "other_words"):
        times = len(sound.find(value))
        if not times or (times > 1 and which == "only" and role != "to_words"):
            raise ToolError(f"{value!r} is said {times} times.")
