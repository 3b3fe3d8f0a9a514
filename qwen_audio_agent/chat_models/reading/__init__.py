"""From the tree of a sentence to what is asked for: each rule of the grammar has its method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, get_args

from lark import Token, Tree
from lark.exceptions import VisitError

from qwen_audio_agent.chat_models.intents import (
    Action,
    Cut,
    Gain,
    Keep,
    Mention,
    Move,
    Silence,
    Step,
    Transcribe,
)
from qwen_audio_agent.chat_models.named import AudioRef, It, Passage, Phrase, Place
from qwen_audio_agent.chat_models.reading.asking import Asking
from qwen_audio_agent.chat_models.reading.choosing import ButNot, Choosing, Chosen, NotWhich
from qwen_audio_agent.chat_models.reading.effects import Effects
from qwen_audio_agent.chat_models.reading.level import Fully, Level, Softly
from qwen_audio_agent.chat_models.reading.mentioning import (
    Filling,
    Instead,
    Length,
    Mentioning,
    Unneeded,
)
from qwen_audio_agent.chat_models.reading.placing import JoinedBy, Placing
from qwen_audio_agent.chat_models.reading.removing import Removing
from qwen_audio_agent.chat_models.reading.stretches import Stretches
from qwen_audio_agent.chat_models.reading.times import Times
from qwen_audio_agent.chat_models.reading.words import OfAudio, Words
from qwen_audio_agent.chat_models.references import mapped, passages_of, phrases_of
from qwen_audio_agent.errors import InstructionError

_Change = (
    Softly | Fully | Instead | Filling | Length | Unneeded | JoinedBy | Chosen | ButNot | NotWhich
)
_CHANGES = get_args(_Change)


class _OnAudio(list[Step]):
    """Steps whose audio is that of the steps behind them too."""

    def __init__(self, audio: AudioRef | None, steps: Sequence[Step] = ()) -> None:
        super().__init__(steps)
        self.audio = audio


class _Reader(
    Asking, Mentioning, Removing, Placing, Level, Effects, Choosing, Words, Stretches, Times
):
    """Turns the tree of one sentence into steps, from the leaves up."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence

    def _call_userfunc(self, tree: Tree[Token], new_children: list[Any] | None = None) -> Any:
        """As the base class, and brings the audio that is told inside an action up to its step.

        So "denoise Audio 2" reads as "denoise it" does, whatever the rule of the action.
        """
        children = tree.children if new_children is None else new_children
        told = [child for child in children if isinstance(child, OfAudio)]
        if not told or tree.data in ("step", "aside", "start", "loose"):
            return super()._call_userfunc(tree, new_children)  # type: ignore[no-untyped-call]
        values = (child.value if isinstance(child, OfAudio) else child for child in children)
        rest = [value for value in values if value is not None]
        value = super()._call_userfunc(tree, rest)  # type: ignore[no-untyped-call]
        return OfAudio(told[0].audio, value)

    def start(self, steps: Sequence[list[Step] | None]) -> list[Step]:
        told: list[Step] = []
        audio: AudioRef | None = None
        for some in steps:
            if isinstance(some, _OnAudio):
                audio = some.audio
            if isinstance(some, list):
                told += [replace(step, audio=step.audio or audio) for step in some]
        return told

    def all_scope(self, children: list[tuple[AudioRef | None]]) -> _OnAudio:
        """ "In the jingle: ..." is said of all the steps behind it."""
        return _OnAudio(children[0][0])

    def step(self, children: list[Any]) -> list[Step]:
        """One step for each action; a scope is a tuple, empty for "the recording"."""
        actions: list[Action] = []
        changes: list[_Change] = []
        on_all = False
        audio = next((child.audio for child in children if isinstance(child, OfAudio)), None)
        for child in (child.value if isinstance(child, OfAudio) else child for child in children):
            if isinstance(child, tuple):
                audio = child[0] or audio
            elif isinstance(child, _OnAudio):
                audio, on_all = child.audio or audio, True
            elif isinstance(child, _CHANGES):
                changes.append(child)
            elif isinstance(child, list):
                actions += child
            elif child is not None:
                actions.append(child)
        for change in changes:
            actions = [_changed(action, change) for action in actions]
        steps = [Step(action, audio) for action in actions]
        return _OnAudio(audio, steps) if on_all else steps

    loose = start

    def remove_step(self, children: list[list[Action]]) -> list[Step]:
        return self.step(children)

    def mute_step(self, children: list[list[Passage]]) -> list[Step]:
        return self.step([Silence(passage) for passage in children[0]])

    def bleep_step(self, children: list[list[Passage]]) -> list[Step]:
        return self.step([Silence(passage, "bleep") for passage in children[0]])

    def removed_step(self, children: list[Any]) -> list[Step]:
        return self.step(children)

    def count_step(self, children: list[Phrase]) -> list[Step]:
        return [Step(Mention(Passage(children[0])))]

    def undo_step(self, children: list[Any]) -> list[Step]:
        return self.step(children)

    def transcribe_audio(self, children: list[AudioRef]) -> list[Step]:
        return [Step(Transcribe(), children[0])]

    def steps_in_order(self, steps: list[list[Step]]) -> list[Step]:
        """ "After cutting X, denoise" and "cut X before you denoise"."""
        return self.start(steps)

    def steps_avoiding(self, children: list[Any]) -> list[Step]:
        """ "Rather than cutting X, mute it"."""
        (mention, instead), steps = children
        return [
            Step(mention),
            *(replace(step, action=instead.of(step.action)) for step in steps),
        ]

    def steps_corrected(self, steps: list[list[Step]]) -> list[Step]:
        """ "Cut X, sorry, I mean cut Y": the second, of the same kind as the first."""
        wrong, right = (some for some in steps if isinstance(some, list))
        named = [step.action.passage for step in right if isinstance(step.action, Mention)]
        if wrong and len(named) == len(right):
            return self.step_corrected([wrong, named])
        if len(wrong) != len(right) or any(
            type(one.action) is not type(other.action)
            for one, other in zip(wrong, right, strict=True)
        ):
            raise InstructionError("Which of the two do you mean? Say only that.")
        return right

    def step_corrected(self, children: list[Any]) -> list[Step]:
        """ "Cut the first X, sorry, the second": the same, done to what is said last."""
        steps, said = (some for some in children if not isinstance(some, Token))
        passages = said if isinstance(said, list) else [said]
        return [*steps[:-1], replace(steps[-1], action=_corrected(steps[-1].action, passages))]

    def steps_turned(self, steps: list[list[Step]]) -> list[Step]:
        """ "Before denoising, cut X" and "denoise after cutting X"."""
        return self.start(steps[::-1])


def _changed(action: Action, change: _Change) -> Action:
    """An action with what is said of it behind."""
    match change:
        case Chosen():
            return _with_choice(action, change)
        case ButNot() | NotWhich():
            return mapped(action, change.of)
    return change.of(action)


def _corrected(action: Action, passages: Sequence[Passage]) -> Action:
    """An action done to another passage: that of the same words, if only their number is told."""
    if not isinstance(action, Cut | Silence | Keep | Gain | Move) or len(passages) != 1:
        raise InstructionError("Which of the two do you mean? Say only that.")
    right = passages[0]
    if isinstance(right.start, It) and (right.start.alone or right.end or right.start.near):
        raise InstructionError("Which of the two do you mean? Name the words.")

    def corrected(wrong: Passage) -> Passage:
        if isinstance(right.start, It):
            return replace(wrong, start=Chosen(right.start.which).of(wrong.start))
        return right

    return mapped(action, corrected)


def _with_choice(action: Action, chosen: Chosen) -> Action:
    """An action on the occurrence that is named behind it: "bleep "damn" out the second time"."""
    named = [*phrases_of(action), *(p.start for p in passages_of(action) if p.start == It())]
    if [edge.which for edge in named if isinstance(edge, Phrase | It)] != ["only"]:
        raise InstructionError(
            "I do not know which words you mean by "
            f'"{chosen.which}"; name it before the words: the second "hello".'
        )
    changes: dict[str, object] = {}
    for field in fields(action):
        match getattr(action, field.name):
            case Phrase() as phrase:
                changes[field.name] = chosen.of(phrase)
            case Place(_, edge) as place:
                changes[field.name] = replace(place, edge=chosen.of(edge))
            case Passage(start, end) as passage:
                changed = replace(passage, start=chosen.of(start), end=chosen.of(end))
                changes[field.name] = changed
    return replace(action, **changes)  # type: ignore[arg-type]


def read(tree: Tree[Token], sentence: str) -> list[Step]:
    """The steps that the tree of a sentence asks for.

    Raises:
        InstructionError: the sentence is grammatical and yet makes no sense ("from 9 s to 3 s").
    """
    try:
        return list(_Reader(sentence).transform(tree))
    except VisitError as error:
        raise error.orig_exc from None
