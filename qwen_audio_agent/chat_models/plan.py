"""The plan of an instruction: its tool calls in order, checked as a whole before the first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from qwen_audio_agent.chat_models.calls import Call, call_for, tool_of
from qwen_audio_agent.chat_models.checking import check_agreement, check_presence, without_kept
from qwen_audio_agent.chat_models.choosing import with_choices
from qwen_audio_agent.chat_models.instructions import (
    NotUnderstoodError,
    check_named,
    understand,
    understand_orders,
)
from qwen_audio_agent.chat_models.intents import (
    Denoise,
    Effect,
    Fade,
    Gain,
    Insert,
    Instruction,
    Join,
    Step,
    Tidy,
    Undo,
)
from qwen_audio_agent.chat_models.misspelt import with_spelling
from qwen_audio_agent.chat_models.named import (
    AudioEvery,
    AudioNumber,
    AudioRef,
    Material,
    Passage,
    Phrase,
)
from qwen_audio_agent.chat_models.ordering import in_order
from qwen_audio_agent.chat_models.references import mapped, phrases_of, with_references
from qwen_audio_agent.chat_models.remaining import check_remaining
from qwen_audio_agent.chat_models.scene import Scene, listed
from qwen_audio_agent.chat_models.telling import told_words
from qwen_audio_agent.chat_models.wording import with_moves, with_said_quoted, with_whole_phrases
from qwen_audio_agent.errors import InstructionError, QwenAudioAgentError


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of an instruction in the order of doing; each is one tool call or none."""

    instruction: Instruction
    steps: tuple[Step, ...]

    def calls(self, tools: Collection[str]) -> list[Step]:
        """The steps that take a tool call; questions are answered without where none is bound."""
        return [step for step in self.steps if tool_of(step) in tools]


def make_plan(scene: Scene, tools: Collection[str]) -> Plan:
    """The plan for the instruction at hand.

    Raises:
        InstructionError: it is not understood as a whole, or cannot be done; so nothing of it is.
    """
    instruction = _understood(scene)
    steps = _unfold(with_references(instruction.steps, _earlier(scene.talk.earlier)), scene)
    steps = tuple(_with_singulars(step, scene) for step in steps)
    steps = with_moves(steps, scene)
    steps, notes = with_spelling(with_whole_phrases(steps, scene), scene)
    named = [phrase.text for step in steps for phrase in phrases_of(step.action)]
    check_named(scene.talk.instruction, named, partial(_said, scene))
    instruction = replace(instruction, notes=(*instruction.notes, *notes))
    steps = with_choices(steps, scene)
    missing = {tool_of(step) for step in steps} - {None, "listen", *tools}
    if missing:
        raise InstructionError(
            f"I was given no tool to {listed(sorted(map(str, missing)), 'or')}, so I edit nothing. "
            "I can say what is said, and when."
        )
    steps = without_kept(steps)
    check_agreement(steps)
    ordered = in_order(steps)
    if ordered != steps:
        note = "Times and counts are those of the recording as it was, so I changed the order."
        instruction = replace(instruction, notes=(*instruction.notes, note))
    return Plan(instruction, ordered)


def check_plan(plan: Plan, scene: Scene, tools: Collection[str]) -> None:
    """Make sure, before the first edit, that every step can be done, as far as it can be known.

    Raises:
        InstructionError: says what is not there, or not clear.
    """
    check_presence(plan.steps, scene)
    check_remaining(plan.steps, scene)
    for step in plan.calls(tools):
        call_for(step, scene)


def _understood(scene: Scene) -> Instruction:
    """The instruction; where it makes no sense, with the words quoted that are said just so."""
    sentence = scene.talk.instruction
    try:
        instruction = understand(sentence)
        phrases = [phrase for step in instruction.steps for phrase in phrases_of(step.action)]
        if any(_is_remark(phrase, scene) for phrase in phrases):
            return understand_orders(sentence) or instruction
        return instruction
    except NotUnderstoodError:
        said = with_said_quoted(sentence, scene)
        if said != sentence:
            with suppress(NotUnderstoodError):
                return understand(said)
        raise


def _said(scene: Scene) -> list[str]:
    """What is said in each recording that can be heard, in lower case."""
    said = []
    for number in scene.talk.audios:
        with suppress(QwenAudioAgentError):
            if sound := scene.sound(number):
                said.append(" ".join(word.text.lower() for word in sound.transcript().words))
    return said


def _is_remark(phrase: Phrase, scene: Scene) -> bool:
    """Whether words without quotation marks are none of a recording: "advertiser is picky"."""
    words = phrase.text.lower().split()
    verbs = told_words("finite")
    if phrase.quoted or not (
        words[0] in told_words("dropped") or any(word in verbs for word in words[1:])
    ):
        return False
    told = [word for word in words if word not in verbs | told_words("of_whom")]
    return not any(scene.places(number, word) for number in scene.talk.audios for word in told)


def _earlier(instructions: Sequence[str]) -> tuple[Step, ...]:
    """The steps of the instruction before, if it was understood."""
    try:
        return understand(instructions[-1]).steps if instructions else ()
    except InstructionError:
        return ()


def next_call(plan: Plan, scene: Scene, tools: Collection[str]) -> Call | None:
    """The call of the first step that has not been done; None when all have.

    Raises:
        InstructionError: what the step names is not there any more, or not clear.
    """
    steps = plan.calls(tools)
    done = len(scene.talk.done)
    return call_for(steps[done], scene) if done < len(steps) else None


def _with_singulars(step: Step, scene: Scene) -> Step:
    """ "Every one of the damns", without quotation marks, where only "damn" is said."""

    def singular(passage: Passage) -> Passage:
        match passage.start:
            case Phrase(text, which, False, times) as phrase if text.endswith("s") and (
                which,
                times,
            ) != ("only", None):
                number = scene.number(step.audio)
                if not scene.places(number, text) and scene.places(number, text[:-1]):
                    return replace(passage, start=replace(phrase, text=text[:-1]))
        return passage

    return replace(step, action=mapped(step.action, singular))


def _for_each_audio(steps: Sequence[Step], scene: Scene) -> Iterator[Step]:
    """A step on every audio as a step on each."""
    opened = [number for number, audio in scene.talk.audios.items() if audio.name]
    for step in steps:
        on_whole = isinstance(step.action, Denoise | Effect | Fade | Tidy | Gain)
        if step.audio == AudioEvery() and on_whole:
            yield from (replace(step, audio=AudioNumber(number)) for number in opened)
        else:
            yield step


def _one_fade(first: Step, second: Step) -> Step | None:
    """ "Fade in over 1 s and out over 2 s" as one edit, which one undo takes back."""
    match first.action, second.action:
        case Fade(True, False, start), Fade(False, True, end) if first.audio == second.audio:
            return replace(
                first, action=Fade(rise=True, fall=True, seconds=start, fall_seconds=end)
            )
        case Fade(False, True, end), Fade(True, False, start) if first.audio == second.audio:
            return replace(
                first, action=Fade(rise=True, fall=True, seconds=start, fall_seconds=end)
            )
    return None


def _open_pair(scene: Scene) -> list[AudioRef]:
    """The two recordings that were opened, in their order."""
    opened = [number for number, audio in scene.talk.audios.items() if audio.name]
    if len(opened) != 2:
        raise InstructionError(f"Which audios shall I join? There is {scene.audios_text}.")
    return [AudioNumber(number) for number in opened]


def _unfold(steps: tuple[Step, ...], scene: Scene) -> tuple[Step, ...]:
    """Steps that take several calls, as one step each."""
    unfolded: list[Step] = []
    for step in _for_each_audio(steps, scene):
        match step.action:
            case Join(audios, crossfade_ms):
                first, *others = audios or _open_pair(scene)
                inserts = [Step(Insert(Material(other), None, crossfade_ms)) for other in others]
                unfolded += [replace(inserts[0], audio=first), *inserts[1:]]
            case Undo(times):
                unfolded += [Step(Undo(), step.audio)] * times
            case Fade(_, _, None):
                raise InstructionError(
                    'How long shall the fade be? For example "fade out over 2 s".'
                )
            case Fade() if unfolded and (both := _one_fade(unfolded[-1], step)):
                unfolded[-1] = both
            case Tidy() | Denoise() | Effect() if step in unfolded:
                pass  # "ums and uhs" are both fillers
            case _:
                unfolded.append(step)
    return tuple(unfolded)
