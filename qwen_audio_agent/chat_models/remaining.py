"""What must still be there when a later step comes: words that an earlier step cuts away are not.

"start at X and end at Y", where Y is said before X: nothing would be left to end at
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from qwen_audio_agent.chat_models.calls import heard_times
from qwen_audio_agent.chat_models.intents import Cut, Insert, Keep, Replace, Step
from qwen_audio_agent.chat_models.named import Passage, Phrase
from qwen_audio_agent.chat_models.references import phrases_of
from qwen_audio_agent.chat_models.scene import Scene, pick
from qwen_audio_agent.errors import InstructionError

_Stretch = tuple[float, float]


def check_remaining(steps: Sequence[Step], scene: Scene) -> None:
    """Refuse steps that need words which earlier steps take away.

    Raises:
        InstructionError: says which words.
    """
    gone: dict[int, list[_Stretch]] = {}
    named: set[str] = set()
    for step in steps:
        number = scene.number(step.audio)
        phrases = phrases_of(step.action)
        for phrase in phrases:
            if phrase.text.casefold() not in named:
                _check_left(phrase, gone.get(number, []), scene, number)
        named |= {phrase.text.casefold() for phrase in phrases}
        gone.setdefault(number, []).extend(_removed(step, scene, number))
        if isinstance(step.action, Insert | Replace):
            return  # the new sound may bring what later steps name


def _check_left(phrase: Phrase, gone: Sequence[_Stretch], scene: Scene, number: int) -> None:
    places = scene.places(number, phrase.text) if gone else None
    if not places or phrase.which == "every":
        return
    left = [m for m in places if not any(a <= m.start and m.end <= b for a, b in gone)]
    if len(left) < len(places) and (not left or pick(places, phrase, number) not in left):
        raise InstructionError(
            f'"{phrase.text}" would be cut away by an earlier step; give one of them at a time.'
        )


def _removed(step: Step, scene: Scene, number: int) -> list[_Stretch]:
    """What a step cuts away, in seconds; nothing where its place cannot be told alone."""
    match step.action:
        case Cut(Passage(Phrase(text, "every"), None, "it")):
            return [(match.start, match.end) for match in scene.places(number, text) or ()]
        case Cut(passage):
            stretch = _heard(passage, scene, number)
            return [stretch] if stretch else []
        case Keep(passage):
            stretch = _heard(passage, scene, number)
            return [(-inf, stretch[0]), (stretch[1], inf)] if stretch else []
    return []


def _heard(passage: Passage, scene: Scene, number: int) -> _Stretch | None:
    try:
        return heard_times(passage, scene, number)
    except InstructionError:
        return None
