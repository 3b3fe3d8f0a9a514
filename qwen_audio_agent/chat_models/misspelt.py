"""Words without quotation marks that are not said just as they are written.

"mute mondey"                 "monday", where that is said and nobody says "mondey"
"the monday in there"         "monday": the rest tells where it is
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

from qwen_audio_agent.chat_models.intents import Action, Step
from qwen_audio_agent.chat_models.named import Edge, Passage, Phrase, Place
from qwen_audio_agent.chat_models.scene import Scene
from qwen_audio_agent.chat_models.typos import is_english, one_slip_apart

_SHORTEST = 4
_PLACE_WORDS = frozenset(
    ["in", "there", "here", "it", "on", "i", "again", "too", "right", "just", "bit", "part"]
)


def with_spelling(steps: Sequence[Step], scene: Scene) -> tuple[tuple[Step, ...], list[str]]:
    """The steps with such words as they are said, and what was taken for granted of them."""
    before = scene.as_it_was()
    notes: list[str] = []
    return tuple(replace(step, action=_spelled(step, before, notes)) for step in steps), notes


def _spelled(step: Step, scene: Scene, notes: list[str]) -> Action:
    changes: dict[str, object] = {}
    for field in fields(step.action):
        match getattr(step.action, field.name):
            case Passage(start, end) as passage:
                number = scene.number(step.audio)
                last = None if end is None else _edge(end, scene, number, notes)
                changed = replace(passage, start=_edge(start, scene, number, notes), end=last)
                changes[field.name] = changed
            case Place(_, edge) as place:
                said = _edge(edge, scene, scene.number(step.audio), notes)
                changes[field.name] = replace(place, edge=said)
            case Phrase() as phrase:
                said = _edge(phrase, scene, scene.number(step.audio), notes)
                changes[field.name] = said
    return replace(step.action, **changes) if changes else step.action  # type: ignore[arg-type]


def _edge(edge: Edge, scene: Scene, number: int, notes: list[str]) -> Edge:
    if not isinstance(edge, Phrase) or edge.quoted or scene.places(number, edge.text):
        return edge
    for text in (*_without_place(edge.text), *_with_said_word(edge.text, scene, number)):
        if scene.places(number, text):
            notes.append(f'I read "{edge.text}" as "{text}".')
            return replace(edge, text=text)
    return edge


def _without_place(text: str) -> Iterator[str]:
    """The phrase without what tells at its end where it is: "in there"."""
    words = text.split()
    while len(words) > 1 and words[-1].lower() in _PLACE_WORDS:
        words = words[:-1]
        yield " ".join(words)


def _with_said_word(text: str, scene: Scene, number: int) -> Iterator[str]:
    """The phrase with a slip of the keyboard taken back, if just one word that is said is near."""
    sound = scene.sound(number)
    if sound is None:
        return
    said = {word.text.lower() for word in sound.transcript().words}
    words = text.split()
    for at, typed in enumerate(words):
        near = [word for word in said if one_slip_apart(typed.lower(), word)]
        if len(near) == 1 and len(typed) >= _SHORTEST and not is_english(typed):
            yield " ".join([*words[:at], near[0], *words[at + 1 :]])
