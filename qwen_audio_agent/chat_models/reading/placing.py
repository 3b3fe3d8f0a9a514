"""Bringing other sound in, and moving sound (grammar/placing.lark)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import Action, Insert, Join, Move, Replace
from qwen_audio_agent.chat_models.named import (
    END,
    START,
    AudioIt,
    AudioName,
    AudioRef,
    Beside,
    Edge,
    Material,
    Moment,
    Passage,
    Pause,
    Phrase,
    Place,
)
from qwen_audio_agent.chat_models.reading.stretches import stretch
from qwen_audio_agent.chat_models.reading.times import Length, moment_of
from qwen_audio_agent.errors import InstructionError


@dataclass(frozen=True, slots=True)
class JoinedBy:
    """How long the crossfade is, told behind all else; in milliseconds."""

    crossfade_ms: float

    def of(self, action: Action) -> Action:
        """The action with this crossfade.

        Raises:
            InstructionError: it joins nothing, or has another.
        """
        if isinstance(action, Insert | Join) and action.crossfade_ms is None:
            return replace(action, crossfade_ms=self.crossfade_ms)
        raise InstructionError("What shall be crossfaded? Say it with what you put in.")


def _passage(what: Passage | Edge) -> Passage:
    return what if isinstance(what, Passage) else Passage(what)


@v_args(inline=True)
class Placing(Transformer[Token, Any]):
    """What the rules of grammar/placing.lark mean."""

    def material(self, audio: AudioRef) -> Material:
        return Material(audio)

    def it_material(self) -> Material:
        return Material(AudioIt())

    def material_from_to(self, audio: AudioRef, start: Any, end: Any) -> Material:
        return Material(audio, stretch(start, end))

    def whose_audio(self, token: Token) -> AudioName:
        """ "The jingle's "tuesday"": the name without its ending."""
        return AudioName(token.value.text[: -len("'s")])

    def material_of(self, audio: AudioRef, phrase: Phrase) -> Material:
        return Material(audio, Passage(phrase))

    def material_words(self, what: Passage | Phrase, audio: AudioRef) -> Material:
        return Material(audio, _passage(what))

    def before(self, edge: Any) -> Place:
        return Place("before", moment_of(edge))

    def after(self, edge: Any) -> Place:
        return Place("after", moment_of(edge))

    def between_edges(self, left: Any, right: Any) -> Place:
        if not isinstance(left, Phrase) or not isinstance(right, Phrase):
            raise InstructionError("Between what? Name the words on both sides, or give a time.")
        return Place("after", left, before=right)

    def at_place(self, moment: Any) -> Place:
        return Place("at", moment_of(moment))

    def place_beside_before(self, length: Length, edge: Phrase | Pause) -> Place:
        """ "Half a second before X"."""
        return Place("at", Beside("before", edge, length.seconds))

    def place_beside_after(self, length: Length, edge: Phrase | Pause) -> Place:
        return Place("at", Beside("after", edge, length.seconds))

    def place_before_end(self, length: Length) -> Place:
        return Place("at", Moment(length.seconds, "end"))

    def insert_twice(self, material: Material, first: Place, second: Place) -> list[Action]:
        return [Insert(material, first), Insert(material, second)]

    def insert_ends(self, material: Material) -> list[Action]:
        return self.insert_twice(material, Place("at", START), Place("at", END))

    def crossfade(self, length: Length) -> float:
        """In milliseconds."""
        return length.seconds * 1000

    def joined_by(self, crossfade_ms: float) -> JoinedBy:
        return JoinedBy(crossfade_ms)

    def no_crossfade(self) -> float:
        return 0.0

    def insert(self, material: Material, place: Place, crossfade: float | None = None) -> Insert:
        return Insert(material, place, crossfade)

    def insert_at(self, place: Place, material: Material, crossfade: float | None = None) -> Insert:
        return Insert(material, place, crossfade)

    def insert_joined(self, material: Material, crossfade: float, place: Place) -> Insert:
        return Insert(material, place, crossfade)

    def append(self, material: Material, crossfade: float | None = None) -> Insert:
        return Insert(material, None, crossfade)

    def prepend(self, material: Material, crossfade: float | None = None) -> Insert:
        return Insert(material, Place("at", START), crossfade)

    def join(self, *parts: AudioRef | float) -> Join:
        crossfade = parts[-1] if isinstance(parts[-1], float) else None
        return Join(tuple(part for part in parts if not isinstance(part, float)), crossfade)

    def crossfade_append(self, audio: AudioRef, length: Length | None = None) -> Insert:
        if length is None:
            raise InstructionError("How long shall the crossfade be? For example 50 ms.")
        return Insert(Material(audio), None, length.seconds * 1000)

    def join_all(self, crossfade: float | None = None) -> Join:
        return Join((), crossfade)

    def known_material(self, material: Material) -> Material:
        return material

    def crossfade_join(
        self, first: AudioRef, second: AudioRef, length: Length | None = None
    ) -> Join:
        if length is None:
            raise InstructionError(
                "How long shall the crossfade be? "
                'For example "crossfade Audio 1 into Audio 2 over 50 ms".'
            )
        return Join((first, second), length.seconds * 1000)

    def replace(self, passage: Passage, material: Material) -> Replace:
        return Replace(passage, material)

    def same_of_audio(self, audio: AudioRef) -> AudioRef:
        return audio

    def replace_same(self, passage: Passage, audio: AudioRef) -> Replace:
        """ "With the one in the jingle": the same words there."""
        match passage:
            case Passage(Phrase(text, _, quoted), None, "it"):
                return Replace(passage, Material(audio, Passage(Phrase(text, quoted=quoted))))
        raise InstructionError("Which words of the other audio do you mean? Name them.")

    def replace_about(self, passage: Passage, material: Material) -> Replace:
        """ "Instead of X use Y"."""
        return Replace(passage, material)

    def replace_with(self, material: Material, what: Passage | Edge) -> Replace:
        return Replace(_passage(what), material)

    def replace_unknown(self, _passage: Passage, phrase: Phrase) -> Replace:
        raise InstructionError(
            f'Which audio does the new "{phrase.text}" come from? I cannot speak, only copy: '
            f'for example replace "..." with "{phrase.text}" of Audio 2.'
        )

    def move(self, what: Passage | Edge, place: Place) -> Move:
        return Move(_passage(what), place)

    def known_move(self, move: Move) -> Move:
        return move

    def move_after(self, what: Passage | Edge, edge: Any) -> Move:
        return self.move(what, self.after(edge))

    def move_before(self, what: Passage | Edge, edge: Any) -> Move:
        return self.move(what, self.before(edge))

    def move_to_start(self, what: Passage | Edge) -> Move:
        return Move(_passage(what), Place("at", START))
