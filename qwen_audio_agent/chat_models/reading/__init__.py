"""From the tree of a sentence to what is asked for: each rule of the grammar has its method."""

from __future__ import annotations

from lark import Token, Tree
from lark.exceptions import VisitError

from qwen_audio_agent.chat_models.intents import Action, AudioRef, Step
from qwen_audio_agent.chat_models.reading.asking import Asking
from qwen_audio_agent.chat_models.reading.level import Level
from qwen_audio_agent.chat_models.reading.placing import Placing
from qwen_audio_agent.chat_models.reading.removing import Removing
from qwen_audio_agent.chat_models.reading.times import Times
from qwen_audio_agent.chat_models.reading.words import Words


class _Reader(Asking, Removing, Placing, Level, Words, Times):
    """Turns the tree of one sentence into steps, from the leaves up."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence

    def start(self, steps: list[list[Step]]) -> list[Step]:
        return [step for some in steps for step in some]

    def step(self, children: list[Action | list[Action] | tuple[AudioRef | None]]) -> list[Step]:
        """One step for each action; a scope is a tuple, empty for "the recording"."""
        audio: AudioRef | None = None
        actions: list[Action] = []
        for child in children:
            if isinstance(child, tuple):
                audio = child[0] or audio
            elif isinstance(child, list):
                actions += child
            else:
                actions.append(child)
        return [Step(action, audio) for action in actions]


def read(tree: Tree[Token], sentence: str) -> list[Step]:
    """The steps that the tree of a sentence asks for.

    Raises:
        InstructionError: the sentence is grammatical and yet makes no sense ("from 9 s to 3 s").
    """
    try:
        return list(_Reader(sentence).transform(tree))
    except VisitError as error:
        raise error.orig_exc from None
