"""Which words are meant that a person tells by their number, their place or their neighbours.

    "the hello after the pause"     the first "hello"
    "the first two "you know"s"     the first "you know", and the second
    "the word before the pause"     "weather"

All of it is meant as the recording was when the instruction was given, whatever was edited since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from qwen_audio_agent.chat_models.intents import Action, Cut, Gain, Keep, Leave, Silence, Step
from qwen_audio_agent.chat_models.named import (
    ORDINALS,
    Beside,
    Counted,
    Edge,
    Material,
    Moment,
    Near,
    Passage,
    Phrase,
    Place,
    Several,
    Share,
    Which,
)
from qwen_audio_agent.chat_models.scene import Scene, often, pick
from qwen_audio_agent.errors import InstructionError
from qwen_audio_agent.speech.words import Match

_AROUND = 1.0
"""Seconds that words may lie off from where a person says they are."""


def with_choices(steps: Sequence[Step], scene: Scene) -> tuple[Step, ...]:
    """The steps with each such choice made.

    Raises:
        InstructionError: nothing is there, or it is not clear which is meant.
    """
    before = scene.as_it_was()
    return tuple(
        one
        for step in steps
        for one in _one_by_one(replace(step, action=_chosen(step, before)), before)
    )


def _chosen(step: Step, scene: Scene) -> Action:
    """The action of a step with the words that it means."""
    changes: dict[str, object] = {}
    for field in fields(step.action):
        match getattr(step.action, field.name):
            case Passage() as passage:
                changes[field.name] = _Chooser.of(step, scene).passage(passage)
            case Place() as place:
                changes[field.name] = _Chooser.of(step, scene).place(place)
            case Material(audio, Passage() as passage) as material:
                chooser = _Chooser(scene, scene.number(audio))
                changes[field.name] = replace(material, passage=chooser.passage(passage))
    return replace(step.action, **changes)  # type: ignore[arg-type]


def _one_by_one(step: Step, scene: Scene) -> Iterator[Step]:
    """A step on several occurrences, as a step for each."""
    match step.action:
        case (
            Cut(Passage(Phrase(text, Several() as several), None, "it") as passage)
            | Silence(Passage(Phrase(text, Several() as several), None, "it") as passage)
            | Keep(Passage(Phrase(text, Several() as several), None, "it") as passage)
            | Leave(Passage(Phrase(text, Several() as several), None, "it") as passage)
            | Gain(_, Passage(Phrase(text, Several() as several), None, "it") as passage)
        ):
            count = len(scene.places(scene.number(step.audio), text) or ())
            for which in _numbered(several, text, count):
                words = replace(passage, start=Phrase(text, which))
                yield replace(step, action=replace(step.action, passage=words))
        case _:
            yield step


def _numbered(several: Several, text: str, count: int) -> list[Which]:
    """The occurrences that are meant, of `count`."""
    numbers = [number if number > 0 else count + 1 + number for number in several.numbers]
    if not numbers or not all(1 <= number <= min(count, len(ORDINALS)) for number in numbers):
        raise InstructionError(f'"{text}" is said {often(count)}; which of them do you mean?')
    if several.others:
        numbers = [number for number in range(1, count + 1) if number not in numbers]
        if not numbers or numbers[-1] > len(ORDINALS):
            raise InstructionError(f'"{text}" is said {often(count)}; name those that you mean.')
    if len(set(numbers)) < len(numbers):
        raise InstructionError(f'Which "{text}" do you mean? One of them is named twice.')
    return [ORDINALS[number - 1] for number in numbers]


@dataclass(frozen=True, slots=True)
class _Chooser:
    """Chooses in one audio."""

    scene: Scene
    number: int

    @classmethod
    def of(cls, step: Step, scene: Scene) -> _Chooser:
        return cls(scene, scene.number(step.audio))

    def passage(self, passage: Passage) -> Passage:
        end = None if passage.end is None else self.edge(passage.end)
        return replace(passage, start=self.edge(passage.start), end=end)

    def place(self, place: Place) -> Place:
        """A place; of words that are there several times, those behind its edge come next."""
        edge, before = self.edge(place.edge), place.before
        if before and before.which == "only" and isinstance(edge, Phrase):
            before = self._near(before, Near("after", edge, nearest=True))
        return replace(place, edge=edge, before=before)

    def edge(self, edge: Edge) -> Edge:
        match edge:
            case Counted():
                return self._counted(edge)
            case Beside():
                return self._beside(edge)
            case Share(of_whole):
                length = self.scene.listened(self.number, "that").duration
                return Moment(round(of_whole * length, 6))
            case Phrase(near=Near() as near):
                return self._near(replace(edge, near=None), near)
        return edge

    def _beside(self, beside: Beside) -> Moment:
        edge = self.edge(beside.edge)
        start, end = self._sides(edge)
        away = beside.seconds if beside.side == "after" else -beside.seconds
        seconds = round((end if beside.side == "after" else start) + away, 6)
        if seconds < 0:
            raise InstructionError(f"There are no {beside.seconds:g} s before that.")
        return Moment(seconds)

    def _counted(self, counted: Counted) -> Phrase:
        """The words with these numbers."""
        words = self.scene.listened(self.number, "counting words").transcript().words
        if counted.edge is not None:
            start, end = self._sides(counted.edge)
            words = tuple(
                word
                for word in words
                if (word.start >= end if counted.side == "after" else word.end <= start)
            )
        first = counted.first if counted.first >= 0 else len(words) + counted.first
        meant = words[first : first + counted.count] if first >= 0 else ()
        if not counted.count or len(meant) < counted.count:
            raise InstructionError(f"There are not that many words in Audio {self.number} there.")
        phrase = Phrase(" ".join(word.text for word in meant))
        places = self.scene.places(self.number, phrase.text) or ()
        middle = (meant[0].start + meant[-1].end) / 2
        for index, place in enumerate(places):
            if place.start <= middle <= place.end:
                return self._as_number(phrase, index, len(places))
        raise InstructionError(
            f'I hear "{phrase.text}" there, but not surely; name the words, or give times.'
        )

    def _near(self, phrase: Phrase, near: Near) -> Phrase:
        """The phrase that is beside something, counted among all the same words."""
        places = self.scene.places(self.number, phrase.text)
        if not places:
            return phrase  # what is not there is told later
        chosen = self._on_side(places, near)
        if phrase.which == "every" and near.side in ("before", "after"):
            return self._all_of(phrase, [places.index(match) for match in chosen])
        if near.nearest and phrase.which == "only":
            chosen = chosen[:1] if near.side == "after" else chosen[-1:]
        if near.side in ("start", "middle", "end") and phrase.which != "only":
            raise InstructionError(f'I do not know which "{phrase.text}" you mean there.')
        match = pick(chosen, phrase, self.number)
        if near.side == "end" and len(places) > 1:
            return replace(phrase, which="last")
        return self._as_number(phrase, places.index(match), len(places))

    def _all_of(self, phrase: Phrase, there: Sequence[int]) -> Phrase:
        """Every occurrence on that side: "the two hellos after the pause"."""
        if phrase.times not in (None, len(there)) or not there:
            raise InstructionError(
                f'"{phrase.text}" is said {often(len(there))} there. Which do you mean?'
            )
        return replace(phrase, which=Several(tuple(index + 1 for index in there)), times=None)

    def _on_side(self, places: Sequence[Match], near: Near) -> Sequence[Match]:
        if near.edge is None:
            return self._in_part(places, near.side)
        start, end = self._sides(near.edge)
        match near.side:
            case "after":
                return [place for place in places if place.start >= end]
            case "before":
                return [place for place in places if place.end <= start]
        return [p for p in places if p.start - _AROUND <= start <= p.end + _AROUND]

    def _in_part(self, places: Sequence[Match], part: str) -> Sequence[Match]:
        """The one in a part of what is said: one in the wrong half is not meant."""
        words = self.scene.listened(self.number, "that").transcript().words
        half = (words[0].start + words[-1].end) / 2 if words else 0.0
        match part:
            case "start":
                return [place for place in places[:1] if place.start < half]
            case "end":
                return [place for place in places[-1:] if place.end > half]
        return places[len(places) // 2 :][:1] if len(places) % 2 and len(places) > 1 else places

    def _as_number(self, phrase: Phrase, index: int, count: int) -> Phrase:
        if count == 1:
            return replace(phrase, which="only")
        if index < len(ORDINALS):
            return replace(phrase, which=ORDINALS[index])
        if index == count - 1:
            return replace(phrase, which="last")
        raise InstructionError(
            f'"{phrase.text}" there is number {index + 1}; give its times instead.'
        )

    def _sides(self, edge: Edge) -> tuple[float, float]:
        match edge:
            case Moment(seconds, anchor):
                length = self.scene.listened(self.number, "that").duration
                return (seconds if anchor == "start" else length - seconds,) * 2
            case Phrase():
                place = self.scene.place(self.number, edge)
                return place.start, place.end
        gap = self.scene.pause(self.number, edge)  # type: ignore[arg-type]
        return gap.start, gap.end
