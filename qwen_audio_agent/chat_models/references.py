"""What "it", "that part" and "the second one" mean: what was named before, if that is clear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial

from qwen_audio_agent.chat_models.intents import (
    Action,
    Again,
    Cut,
    Duration,
    Fade,
    Find,
    Gain,
    Insert,
    Keep,
    Leave,
    Mention,
    Move,
    Silence,
    Step,
    Transcribe,
    Undo,
)
from qwen_audio_agent.chat_models.named import (
    ORDINALS,
    AudioIt,
    AudioMade,
    Edge,
    It,
    Material,
    Passage,
    Pause,
    Phrase,
    Place,
    Several,
)
from qwen_audio_agent.errors import InstructionError

_CHANGES_NOTHING = (Mention, Find, Transcribe, Duration, Leave)


def with_references(steps: Sequence[Step], earlier: Sequence[Step] = ()) -> tuple[Step, ...]:
    """The steps with each reference replaced by what it refers to.

    A question names something to talk about ("Find X and cut it"); what an edit has changed is
    never "it", but its words are those of "the second one".

    Args:
        steps: of the instruction at hand.
        earlier: of the instruction before it.

    Raises:
        InstructionError: nothing was named, or it is not clear what.
    """
    if says_nothing_of_it(steps):
        raise InstructionError("What shall I do with what you tell me about?")
    resolved: list[Step] = []
    for said in steps:
        before = (*earlier, *resolved)
        if isinstance(said.action, Fade) and said.action.is_bare and not _counts_seconds(resolved):
            raise InstructionError('How long shall the fade be? Say it with its unit: "over 2 s".')
        if _leaves_others(said.action, resolved):
            continue
        if isinstance(said.action, Keep) and _is_it(said.action.passage) and not said.action.only:
            raise InstructionError('Shall everything else go? Then say "keep only ...".')
        step = _with_audio(_with_sound(_again(said, before), resolved), resolved)
        action = _left(_without_whole(step.action, resolved), resolved)
        resolved.append(replace(step, action=mapped(action, partial(_meant, before=before))))
    return tuple(step for step in resolved if not isinstance(step.action, Mention))


def _counts_seconds(before: Sequence[Step]) -> bool:
    """Whether the step before is about times, so that "the last two" are seconds."""
    match before[-1].action if before else None:
        case Cut(passage) | Keep(passage):
            edges = (passage.start, passage.end)
            return not any(isinstance(edge, Phrase | Pause | It) for edge in edges)
    return False


def _leaves_others(action: Action, before: Sequence[Step]) -> bool:
    """Whether it only says that the occurrences stay that nobody named: "leave the others"."""
    match action:
        case Leave(Passage(It(Several((), others=True)), None, "it")) if before:
            return all(phrase.which != "every" for phrase in phrases_of(before[-1].action))
    return False


def _again(step: Step, before: Sequence[Step]) -> Step:
    """ "Boost X by 4 dB. Same for Y": the action before, on another passage."""
    if not isinstance(step.action, Again):
        return step
    match before[-1].action if before else None:
        case (Cut() | Silence() | Gain(_, Passage())) as action:
            return replace(step, action=replace(action, passage=step.action.passage))
    raise InstructionError("The same as what? Say what shall be done with it.")


def _with_sound(step: Step, before: Sequence[Step]) -> Step:
    """The step with the other audio that goes in as "it"."""
    match step.action:
        case Insert(Material(AudioIt()) as material) if before:
            last = before[-1]
            audio = last.action.material.audio if isinstance(last.action, Insert) else last.audio
            named = replace(material, audio=audio or AudioIt())
            return replace(step, action=replace(step.action, material=named))
    return step


def _with_audio(step: Step, before: Sequence[Step]) -> Step:
    """The step with the audio that "it" is; what is undone was done to the audio before."""
    last = before[-1].audio if before else None
    match step:
        case Step(_, AudioMade()):
            edits = [other for other in before if not isinstance(other.action, _CHANGES_NOTHING)]
            return replace(step, audio=edits[-1].audio) if edits else step
        case Step(_, AudioIt()) | Step(Undo(), None):
            return replace(step, audio=last)
        case Step(action, None) if any(map(_is_it, passages_of(action))):
            return replace(step, audio=last)
    return step


def says_nothing_of_it(steps: Sequence[Step]) -> bool:
    """Whether something is told and not referred to by the step behind it."""
    return any(
        isinstance(step.action, Mention)
        and not step.action.chatter
        and (following is None or not _refers(following))
        for step, following in zip(steps, (*steps[1:], None), strict=True)
    )


def _refers(step: Step) -> bool:
    return any(isinstance(passage.start, It) for passage in passages_of(step.action))


def mapped(action: Action, change: Callable[[Passage], Passage]) -> Action:
    """The action with its passages and places changed; other sound that goes in stays as it is."""
    changes: dict[str, object] = {}
    for field in fields(action):
        match getattr(action, field.name):
            case Passage() as passage:
                changes[field.name] = change(passage)
            case Place(_, It() as edge) as place:
                changes[field.name] = replace(place, edge=_single(change(Passage(edge))))
    return replace(action, **changes) if changes else action  # type: ignore[arg-type]


def passages_of(action: Action) -> list[Passage]:
    """The passages of the audio at hand that an action names; a place counts as its edge."""
    found: list[Passage] = []
    for field in fields(action):
        match getattr(action, field.name):
            case Passage() as passage:
                found.append(passage)
            case Place(_, edge, before):
                found.append(Passage(edge))
                found += [Passage(before)] if before else []
            case Phrase() as phrase:
                found.append(Passage(phrase))
    return found


def phrases_of(action: Action) -> list[Phrase]:
    """The phrases of the audio at hand that an action names."""
    return [
        edge
        for passage in passages_of(action)
        for edge in (passage.start, passage.end)
        if isinstance(edge, Phrase)
    ]


def _meant(passage: Passage, before: Sequence[Step]) -> Passage:
    """A passage without references."""
    if _is_it(passage):
        meant = _last_passage(before)
        if passage.part == "it":
            return meant
        return replace(passage, start=_single(meant))
    start = _edge(passage.start, before)
    end = None if passage.end is None else _edge(passage.end, before)
    return replace(passage, start=start, end=end)


def _is_it(passage: Passage) -> bool:
    """Whether a passage, or all before or after it, is just what was named last."""
    return isinstance(passage.start, It) and passage.start.alone and passage.end is None


def _edge(edge: Edge, before: Sequence[Step]) -> Edge:
    match edge:
        case It() if edge.alone:
            return _single(_last_passage(before))
        case It(which, times, near):
            phrase = _last_phrase(before)
            if which == Several(others=True):
                which = _all_but(phrase)
            return replace(phrase, which=which, times=times or phrase.times, near=near)
    return edge


def _left(action: Action, before: Sequence[Step]) -> Action:
    """What shall stay: "it" is there what the step before is about."""
    if not isinstance(action, Leave) or not _is_it(action.passage) or not before:
        return action
    passages = passages_of(before[-1].action)
    return replace(action, passage=passages[0]) if len(passages) == 1 else action


def _all_but(phrase: Phrase) -> Several:
    """The other ones, where one was named."""
    if phrase.which == "last":
        return Several((-1,), others=True)
    if isinstance(phrase.which, Several) or phrase.which not in ORDINALS:
        raise InstructionError(f'Which "{phrase.text}" are the others? Say which is the one.')
    return Several((ORDINALS.index(phrase.which) + 1,), others=True)


def _single(passage: Passage) -> Edge:
    if passage.end is not None or passage.part != "it":
        raise InstructionError("I do not know which end of it you mean; name words or a time.")
    return passage.start


def _last_passage(before: Sequence[Step]) -> Passage:
    """What was asked about last."""
    match before[-1].action if before else None:
        case Undo() if len(before) > 1:
            return _undone(before[-2])
        case Find(phrase):
            return Passage(phrase)
        case Mention(_, unsure=True):
            raise InstructionError(
                'What is "it"? Name the words in quotation marks, or give times.'
            )
        case Mention(passage) | Leave(passage, "cut" | "silence"):
            return passage
        case Transcribe(Passage() as passage) | Gain(_, Passage() as passage):
            return passage
        case Silence(passage) | Move(passage):
            return passage
    raise InstructionError(
        'I do not know what is meant by "it" or "that" there; '
        "name the words in quotation marks, or give times."
    )


def _undone(step: Step) -> Passage:
    """What the step was about that is taken back."""
    passages = passages_of(step.action)
    if len(passages) != 1:
        raise InstructionError("What is it that was undone? Name the words, or give times.")
    return passages[0]


def _last_phrase(before: Sequence[Step]) -> Phrase:
    """The words that were named last."""
    for step in reversed(before):
        if phrases := phrases_of(step.action):
            return phrases[-1]
    raise InstructionError("Which words do you mean? Name them in quotation marks.")


def _without_whole(action: Action, before: Sequence[Step]) -> Action:
    """A gain of "it" means the whole recording, unless something else may be meant."""
    if not isinstance(action, Gain) or action.passage != Passage(It()):
        return action
    if all(isinstance(step.action, Cut | Keep) or not passages_of(step.action) for step in before):
        return replace(action, passage=None)
    if isinstance(before[-1].action, Find | Mention):
        return action
    raise InstructionError(
        "Shall the whole recording change its level, or a part of it? "
        'Say "the recording", or name the words.'
    )
