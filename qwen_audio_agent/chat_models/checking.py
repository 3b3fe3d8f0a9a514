"""What must hold before anything is edited: no contradictions, and all that is named is there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from qwen_audio_agent.chat_models.intents import (
    Cut,
    Duration,
    Effect,
    EffectName,
    Fade,
    Find,
    Gain,
    Insert,
    Keep,
    Leave,
    Move,
    Replace,
    Silence,
    Step,
    Tidy,
    Transcribe,
    Undo,
)
from qwen_audio_agent.chat_models.named import END, START, Moment, Passage, Phrase, Place
from qwen_audio_agent.chat_models.references import passages_of, phrases_of
from qwen_audio_agent.chat_models.scene import Scene, often, pick
from qwen_audio_agent.errors import EditError, InstructionError

_SETTINGS = {"normalize": "lufs", "highpass": "cutoff_hz", "compress": "ratio", "tempo": "factor"}
_Question = (Find, Transcribe, Duration)


def check_agreement(steps: Sequence[Step]) -> None:
    """Refuse steps that contradict each other.

    Raises:
        InstructionError: says which.
    """
    edits = _standing([step for step in steps if not isinstance(step.action, _Question)])
    for step in edits:
        if isinstance(step.action, Move) and Passage(step.action.place.edge) == step.action.passage:
            raise InstructionError("Where shall it go? That is where it is.")
    for first, second in combinations(edits, 2):
        if _contradict(first, second):
            raise InstructionError(
                "Two of these edits contradict each other, or one does what the other has done "
                "already; give the one that you mean."
            )


def _standing(edits: Sequence[Step]) -> list[Step]:
    """The edits that no later step takes back."""
    standing: list[Step] = []
    for step in edits:
        if isinstance(step.action, Undo) and standing:
            standing.pop()
        else:
            standing.append(step)
    return standing


def without_kept(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps without those that only say what shall stay as it is.

    Raises:
        InstructionError: another step would change it, or nothing else is asked for.
    """
    edits = [step for step in steps if not isinstance(step.action, _Question)]
    kept = [step for step in edits if _keeps(step) or _keeps_one(step, edits)]
    changing = [step for step in edits if step not in kept]
    for step in kept:
        if _keeps_stretch(step, changing):
            continue
        if isinstance(step.action, Keep) and len(edits) > 1 and not _beside(step, changing):
            raise InstructionError(
                'Shall everything else go? Then say "keep only ..."; '
                "what I am not told to change stays anyway."
            )
        if any(_breaks(edit, step) for edit in changing):
            raise InstructionError(
                "One of these edits would change what shall stay as it is; give the one you mean."
            )
    if len(edits) == 1 and isinstance(edits[0].action, Keep):
        return tuple(steps)
    if kept and not changing:
        raise InstructionError("What shall I change? What I am not told to change stays as it is.")
    return tuple(step for step in steps if step not in kept or _keeps_stretch(step, changing))


def _keeps(step: Step) -> bool:
    return isinstance(step.action, Leave) or (
        isinstance(step.action, Keep) and not step.action.only
    )


def _keeps_one(step: Step, edits: Sequence[Step]) -> bool:
    """Whether "I only want the first" is said beside what becomes of the others."""
    others = [edit for edit in edits if edit is not step]
    return isinstance(step.action, Keep) and _beside(step, others)


def _keeps_stretch(kept: Step, changing: Sequence[Step]) -> bool:
    """Whether "keep from 3 to 9 s" is an edit: nothing else is done to a part, so nothing else
    can be meant.
    """
    match kept.action:
        case Keep(Passage(_, end, part)) if end is not None or part != "it":
            return all(
                (not passages_of(step.action) or _at_an_end(step)) and step.audio == kept.audio
                for step in changing
            )
    return False


def _at_an_end(step: Step) -> bool:
    """Whether a step puts something at the start or the end, which there are anyway."""
    match step.action:
        case Insert(_, Place("at", edge)):
            return edge in (START, END)
    return False


def _beside(kept: Step, changing: Sequence[Step]) -> bool:
    """Whether other occurrences of the same words are changed: "keep the first, cut the second"."""
    texts = {phrase.text.casefold() for phrase in phrases_of(kept.action)}
    return bool(texts) and any(
        {phrase.text.casefold() for phrase in phrases_of(step.action)} == texts for step in changing
    )


def _breaks(edit: Step, kept: Step) -> bool:
    """Whether an edit changes what shall stay."""
    kept_from = getattr(kept.action, "kept_from", None)
    if kept_from and type(edit.action).__name__.lower() != kept_from:
        return False
    return edit.audio == kept.audio and any(
        _same(one, other) for one in _changed(edit) for other in passages_of(kept.action)
    )


def _contradict(first: Step, second: Step) -> bool:
    if first.audio != second.audio:
        return False
    match first.action, second.action:
        case Keep(), Keep():
            return True
        case Gain(_, one), Gain(_, other):
            return one == other
        case Fade(rise, fall), Fade(other_rise, other_fall):
            return (rise and other_rise) or (fall and other_fall)
        case Effect(name), Effect(other_name):
            return name == other_name and first.action != second.action
        case (Gain(), Move()) | (Move(), Gain()):
            return False
        case ((Cut() | Silence() | Replace() | Move() | Keep() | Gain()), _):
            return any(
                _same(one, other) for one in _changed(first) for other in passages_of(second.action)
            )
        case _, Cut():
            return any(
                _same(one, other) for one in passages_of(first.action) for other in _changed(second)
            )
    return False


def _changed(step: Step) -> list[Passage]:
    """The passages that a step changes, without the place that it puts something in."""
    passage = getattr(step.action, "passage", None)
    return [passage] if passage is not None else []


def _same(one: Passage, other: Passage) -> bool:
    """Whether two passages surely share their words."""
    if one.part != other.part:
        return one == other
    match one, other:
        case Passage(Phrase(text, which), None), Passage(Phrase(other_text, other_which), None):
            if text.casefold() != other_text.casefold():
                return False
            return which == other_which or "every" in (which, other_which)
    return one == other


def check_presence(steps: Sequence[Step], scene: Scene) -> None:
    """Refuse words that are not heard, and times outside, as far as can be told before any edit.

    Raises:
        InstructionError: says what is not there, and what is near.
    """
    seen: set[str] = set()
    for index, step in enumerate(steps):
        _check_settings(step, scene)
        _check_undo(step, steps[:index], scene)
        if isinstance(step.action, Find | Transcribe):
            continue
        number = scene.number(step.audio)
        _check_times(step, scene, number)
        passages = passages_of(step.action)
        for passage in passages:
            _check_direction(passage, scene, number)
        elsewhere = [passage.end for passage in passages]
        for phrase in phrases_of(step.action):
            # The end of a stretch is the first such words after its start.
            alone = phrase.text.casefold() not in seen and phrase not in elsewhere
            check_phrase(phrase, scene, number, alone=alone)
            seen.add(phrase.text.casefold())
        if isinstance(step.action, Insert | Replace):
            _check_material(step.action, scene)
            return  # the new sound may bring what later steps name
    for first, second in pairwise(steps):
        _check_list(first, second, scene)


def _check_undo(step: Step, before: Sequence[Step], scene: Scene) -> None:
    """Refuse to undo what nobody has edited."""
    if not isinstance(step.action, Undo):
        return
    number = scene.number(step.audio)
    edited = scene.talk.audios[number].name is None
    if not edited and all(isinstance(other.action, _Question) for other in before):
        raise InstructionError(f"Nothing has been edited in Audio {number}, so I undo nothing.")


def _check_settings(step: Step, scene: Scene) -> None:
    """Refuse lengths that the tools cannot use."""
    match step.action:
        case Tidy("pauses", float() as longer_than, float() as to) if to > longer_than:
            raise InstructionError(
                f"Pauses over {longer_than:g} s cannot be shortened to {to:g} s, which is longer."
            )
        case Effect(name, float() as value):
            _check_value(name, value)
        case Fade() as fade:
            number = scene.number(step.audio)
            duration = scene.duration(number)
            for seconds in filter(lambda length: length is not None, fade.lengths):
                if not seconds or (duration is not None and seconds > duration):
                    raise InstructionError(
                        f"A fade of {seconds:g} s does not fit into Audio {number}."
                    )


def _check_value(name: EffectName, value: float) -> None:
    from qwen_audio_agent.editing.edit_list import EffectCall
    from qwen_audio_agent.editing.effects import make_effect

    try:
        make_effect(EffectCall(name, ((_SETTINGS[name], value),)))
    except EditError as error:
        raise InstructionError(f"{error}.".replace("..", ".")) from None


def _check_material(action: Insert | Replace, scene: Scene) -> None:
    number = scene.number(action.material.audio)
    if action.material.passage:
        for phrase in phrases_of(Cut(action.material.passage)):
            check_phrase(phrase, scene, number, alone=True)


def check_phrase(phrase: Phrase, scene: Scene, number: int, *, alone: bool) -> None:
    """Refuse a phrase that is not heard, or heard several times though one is meant.

    Args:
        phrase: what was named.
        scene: where.
        number: of the audio.
        alone: no earlier step names the same words, so all its occurrences are still there.

    Raises:
        InstructionError: says what is near, or asks which.
    """
    places = scene.places(number, phrase.text)
    if places is None:
        return
    if not places:
        raise InstructionError(scene.missing(number, phrase))
    if alone and phrase.times not in (None, len(places)):
        raise InstructionError(
            f'"{phrase.text}" is said {often(len(places))} in Audio {number}, '
            f"not {often(phrase.times or 0)}. Which do you mean?"
        )
    if alone and phrase.which != "every":
        pick(places, phrase, number)


def _check_direction(passage: Passage, scene: Scene, number: int) -> None:
    """Refuse a stretch whose last words are nowhere behind its start."""
    start, end = passage.start, passage.end
    if not isinstance(end, Phrase) or passage.between:
        return
    ends = scene.places(number, end.text)
    first = None
    if isinstance(start, Phrase) and start.which != "every":
        starts = scene.places(number, start.text)
        first = pick(starts, start, number).start if starts else None
    elif isinstance(start, Moment) and start.anchor == "start":
        first = start.seconds
    if first is not None and ends and not any(place.start >= first for place in ends):
        raise InstructionError(
            f'"{end.text}" is nowhere behind {first:.2f} s in Audio {number}; '
            "the end must come after the start."
        )


def _check_times(step: Step, scene: Scene, number: int) -> None:
    duration = scene.duration(number)
    if duration is None:
        return
    match step.action:
        case Cut(Passage(Moment() as first, Moment() as last)) | Silence(
            Passage(Moment() as first, Moment() as last)
        ) if _seconds(first, duration) <= 0 and _seconds(last, duration) >= duration:
            raise InstructionError(
                f"Audio {number} is {duration:.2f} s long; nothing of it would be left."
            )
    for passage in passages_of(step.action):
        for edge in (passage.start, passage.end):
            if isinstance(edge, Moment) and edge.seconds > duration + 0.01:
                raise InstructionError(
                    f"Audio {number} is {duration:.2f} s long; {edge.seconds:g} s is outside it. "
                    f"Give times from 0 to {duration:.2f} s."
                )


def _seconds(moment: Moment, duration: float) -> float:
    return moment.seconds if moment.anchor == "start" else duration - moment.seconds


def _check_list(first: Step, second: Step, scene: Scene) -> None:
    """Refuse "cut bread and butter" where just that is said: two words, or one phrase?"""
    if type(first.action) is not type(second.action) or not isinstance(first.action, Cut | Silence):
        return
    match first.action.passage, second.action.passage:  # type: ignore[union-attr]
        case Passage(Phrase(one, "only", False), None), Passage(Phrase(other, "only", False), None):
            number = scene.number(first.audio)
            both = f"{one} and {other}"
            if scene.places(number, both):
                raise InstructionError(
                    f'Do you mean the words "{both}", or "{one}" and also "{other}"? '
                    "Put what you mean between quotation marks."
                )
