"""Where words without quotation marks end: at the words that are said, not at those of the grammar.

"cut welcome to the show"      the show is no recording here: "welcome to the show" is said
"move the old man to 3 s"      "the old man", where just that is said
"bin today we talk about"      quoted, for these words of the grammar are said one by one
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, replace

from qwen_audio_agent.chat_models.intents import Action, Insert, Move, Step
from qwen_audio_agent.chat_models.named import AudioName, Edge, Material, Passage, Phrase, Place
from qwen_audio_agent.chat_models.scene import Scene

_MOST_WORDS = 8
_LONGEST = 20
_JOINING = frozenset(
    ["a", "an", "and", "at", "for", "in", "is", "of", "on", "or", "the", "to", "was", "with"]
)
"""Words with which no phrase ends."""


def with_said_quoted(sentence: str, scene: Scene) -> str:
    """A sentence with quotation marks around words that are said just so, one after the other."""
    outside = sentence.split('"')
    if len(outside) % 2 == 0 or any(mark in sentence for mark in "“”„«»"):
        return sentence
    if len(outside) > 1:
        outside[::2] = [with_said_quoted(part, scene) for part in outside[::2]]
        return '"'.join(outside)
    said = [
        " ".join(["", *(word.text.lower() for word in sound.transcript().words), ""])
        for number in scene.talk.audios
        if (sound := scene.sound(number)) is not None
    ]
    words = list(re.finditer(r"[^\W\d_]+(?:'[^\W\d_]+)*", sentence))
    parts: list[str] = []
    position = at = 0
    while at < len(words):
        end = _end_of_said(sentence, words, at, said)
        if end is None:
            at += 1
            continue
        first, last = words[at].start(), words[end - 1].end()
        parts += [sentence[position:first], f'"{sentence[first:last]}"']
        position, at = last, end
    return "".join([*parts, sentence[position:]])


def _end_of_said(
    sentence: str, words: Sequence[re.Match[str]], at: int, said: Sequence[str]
) -> int | None:
    """Behind the last of the words from `at` on that are said so; at least two."""
    if words[at].group().lower() in _JOINING - {"the", "on", "with"}:
        return None
    for end in range(min(at + _LONGEST, len(words)), at + 1, -1):
        text = " ".join(sentence[words[at].start() : words[end - 1].end()].lower().split())
        if text.rsplit(" ", 1)[-1] not in _JOINING and any(f" {text} " in some for some in said):
            return end
    return None


def with_whole_phrases(steps: Sequence[Step], scene: Scene) -> tuple[Step, ...]:
    """The steps with each phrase as long as what is written there is said."""
    before = scene.as_it_was()
    return tuple(replace(step, action=_whole(step, before)) for step in steps)


def with_moves(steps: Sequence[Step], scene: Scene) -> tuple[Step, ...]:
    """The steps, where what is put somewhere is no file that is open but words that are said."""
    before = scene.as_it_was()

    def moved(step: Step) -> Step:
        match step.action:
            case Insert(Material(AudioName(name), None), Place() as place, None) if (
                "." not in name
                and not scene.talk.named(name)
                and before.places(scene.number(step.audio), name)
            ):
                words = Passage(Phrase(name, quoted=False))
                return replace(step, action=Move(words, place))
        return step

    return tuple(moved(step) for step in steps)


def _whole(step: Step, scene: Scene) -> Action:
    changes: dict[str, object] = {}
    for field in fields(step.action):
        match getattr(step.action, field.name):
            case Passage() as passage:
                changes[field.name] = _passage(passage, scene, scene.number(step.audio))
            case Phrase() as phrase:
                changes[field.name] = _edge(phrase, scene, scene.number(step.audio))
            case Place(_, edge) as place:
                whole = _edge(edge, scene, scene.number(step.audio))
                changes[field.name] = replace(place, edge=whole)
            case Material(audio, Passage() as passage) as material:
                whole_passage = _passage(passage, scene, scene.number(audio), onwards=False)
                changes[field.name] = replace(material, passage=whole_passage)
    return replace(step.action, **changes)  # type: ignore[arg-type]


def _passage(passage: Passage, scene: Scene, number: int, *, onwards: bool = True) -> Passage:
    """Of a stretch only the end may go on, and nothing where the audio is named behind."""
    if passage.end is None:
        return replace(passage, start=_edge(passage.start, scene, number, onwards=onwards))
    start = _edge(passage.start, scene, number, onwards=False)
    return replace(passage, start=start, end=_edge(passage.end, scene, number, onwards=onwards))


def _edge(edge: Edge, scene: Scene, number: int, *, onwards: bool = True) -> Edge:
    if not isinstance(edge, Phrase) or edge.quoted or not any(edge.beside):
        return edge
    before, after = edge.beside
    text = edge.text
    for words in _goes_on(after) if onwards else ():
        if scene.places(number, f"{text} {words}"):
            text = f"{text} {words}"
            break
    if re.search(r"\bthe\s+$", before, re.IGNORECASE) and scene.places(number, f"the {text}"):
        text = f"the {text}"
    return edge if text == edge.text else replace(edge, text=text, beside=("", ""))


def _goes_on(after: str) -> list[str]:
    """What may belong to a phrase of what is written behind it, the longest first."""
    words = re.split(r"[^\w' ]", after, maxsplit=1)[0].split()[:_MOST_WORDS]
    if not words or words[0].lower() == "and":
        return []
    ends = [end for end in range(len(words), 0, -1) if words[end - 1].lower() not in _JOINING]
    return [" ".join(words[:end]) for end in ends]
