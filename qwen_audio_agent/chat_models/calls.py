"""From a step to the tool call that does it, in the audios as they are now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from qwen_audio_agent.chat_models.intents import (
    Action,
    Cut,
    Denoise,
    Duration,
    Effect,
    Fade,
    Find,
    Gain,
    Insert,
    Join,
    Keep,
    Leave,
    Mention,
    Move,
    Replace,
    Silence,
    Step,
    Tidy,
    Transcribe,
)
from qwen_audio_agent.chat_models.named import (
    END,
    ORDINALS,
    Beside,
    Counted,
    Edge,
    It,
    Material,
    Moment,
    Passage,
    Pause,
    Phrase,
    Place,
    Share,
)
from qwen_audio_agent.chat_models.scene import Scene, apart
from qwen_audio_agent.errors import InstructionError

_DIGITS = 3
"""Times are given to tools to a millisecond."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to make."""

    tool: str
    arguments: dict[str, Any]


def tool_of(step: Step) -> str | None:
    """The name of the tool that does a step; None when no tool is needed."""
    match step.action:
        case Duration() | Mention() | Leave():
            return None
        case Find() | Transcribe():
            return "listen"
        case Join():
            return "insert"
        case Fade():
            return "gain"
        case action:
            return type(action).__name__.lower()


def call_for(step: Step, scene: Scene) -> Call:
    """The call that does a step.

    Raises:
        InstructionError: what the step names is not there, or not clear.
    """
    number = scene.number(step.audio)
    arguments = {"audio": number} | _arguments(step.action, scene, number)
    return Call(tool_of(step) or "", arguments)


def _arguments(action: Action, scene: Scene, number: int) -> dict[str, Any]:
    """What the tool is given beside the audio's number."""
    at = _Resolver(scene, number)
    match action:
        case Find(phrase):
            return {"words": phrase.text}
        case Cut(passage) | Keep(passage):
            return at.passage(passage)
        case Silence(passage, fill):
            return at.stretch(passage) | ({} if fill == "room" else {"fill": fill})
        case Gain(db, passage):
            return {"db": db} | (at.gained(passage) if passage else {})
        case Insert(material, place, crossfade_ms):
            crossfade = None if crossfade_ms is None else round(crossfade_ms, _DIGITS)
            where = at.place(place)
            return _material(scene, material) | where | _given(crossfade_ms=crossfade)
        case Replace(passage, material):
            return at.words_only(passage, "replace") | _replacement(scene, material)
        case Move(passage, place):
            return at.words_only(passage, "move") | at.place(place, alone=False)
    return _settings(action)


def _settings(action: Action) -> dict[str, Any]:
    """Arguments of what works on the whole audio."""
    match action:
        case Fade() as fade:
            rise, fall = fade.lengths
            return _given(fade_in=rise, fade_out=fall)
        case Denoise(strength):
            return {} if strength == 1 else {"strength": strength}
        case Effect(name, value):
            return {"name": name} | _given(value=value)
        case Tidy(what, longer_than, to):
            return {"what": what} | _given(longer_than=longer_than, to=to)
    return {}


def _given(**values: float | None) -> dict[str, Any]:
    """The values that are not None: what is left out, the tool chooses."""
    return {name: value for name, value in values.items() if value is not None}


def heard_times(passage: Passage, scene: Scene, number: int) -> tuple[float, float]:
    """Start and end of a passage in seconds, as it is heard in an audio.

    Raises:
        InstructionError: it is not there, or not clear.
    """
    start, end = _Resolver(scene, number).times(replace(passage, part="it"))
    if passage.part == "before":
        return 0.0, start
    if passage.part == "after":
        return end, scene.listened(number, "that").duration
    return start, end


def _material(scene: Scene, material: Material) -> dict[str, Any]:
    """Arguments for the sound that goes in."""
    other = scene.number(material.audio)
    arguments: dict[str, Any] = {"other": other}
    if material.passage:
        taken = _Resolver(scene, other).stretch(material.passage)
        # `which` of an insert chooses the place, so a choice in the other audio becomes times.
        if taken.pop("which", "only") != "only":
            start, end = _Resolver(scene, other).times(material.passage)
            taken = {"start": start, "end": end}
        arguments |= taken
    return arguments


def _replacement(scene: Scene, material: Material) -> dict[str, Any]:
    arguments = _material(scene, material)
    if "to_words" in arguments and material.passage:
        start, end = _Resolver(scene, arguments["other"]).times(material.passage)
        arguments = {"other": arguments["other"], "start": start, "end": end}
    if "words" in arguments:
        arguments["other_words"] = arguments.pop("words")
    return arguments


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Turns passages of one audio into arguments."""

    scene: Scene
    number: int

    def passage(self, passage: Passage) -> dict[str, Any]:
        """Arguments of cut and keep."""
        if passage.part == "it":
            return self.stretch(passage)
        match passage.start:
            case Phrase():
                return self._words(passage.start) | {"part": passage.part}
            case Pause() as pause:
                gap = self.scene.pause(self.number, pause)
                if passage.part == "before":
                    return {"start": 0.0, "end": _rounded(gap.start)}
                return {"start": _rounded(gap.end)} | self._end(END)
        raise InstructionError("I do not know what is meant there; name words or a time.")

    def stretch(self, passage: Passage) -> dict[str, Any]:
        """Words or times of a passage."""
        start, end = passage.start, passage.end
        if passage.part != "it":
            first, last = heard_times(passage, self.scene, self.number)
            return {"start": _rounded(first), "end": _rounded(last)}
        if passage.between or isinstance(start, Pause) or isinstance(end, Pause):
            first, last = self.times(passage)
            return {"start": first, "end": last}
        match start, end:
            case Phrase(), None:
                return self._words(start)
            case Phrase(), Phrase(which="only"):
                return self._words(start) | {"to_words": end.text}
            case Phrase(), Phrase() | Moment():
                return self._words(start) | self._end(end)
            case Moment(), Phrase():
                which = {} if end.which == "only" else {"which": end.which}
                return {"start": self._seconds(start), "to_words": end.text} | which
            case Moment(), Moment():
                return {"start": self._seconds(start)} | self._end(end)
        raise InstructionError("I do not know what is meant there; name words, or two times.")

    def gained(self, passage: Passage) -> dict[str, Any]:
        """Arguments of gain, which knows words or times and no mixture."""
        arguments = self.stretch(passage)
        if "to_words" in arguments or ("words" in arguments and "end" in arguments):
            start, end = self.times(passage)
            return {"start": start, "end": end}
        return arguments

    def words_only(self, passage: Passage, verb: str) -> dict[str, Any]:
        """Arguments of tools that know words only."""
        arguments = self.passage(passage)
        allowed = {"words", "which"} | ({"to_words"} if verb == "move" else set())
        if not set(arguments) <= allowed or "words" not in arguments:
            raise InstructionError(
                f'I can {verb} words only, such as {verb} "good morning"; '
                "a stretch of time I can cut, keep, mute, or insert elsewhere."
            )
        return arguments

    def times(self, passage: Passage) -> tuple[float, float]:
        """Start and end of a passage in seconds, as they are heard."""
        start = self._sides(passage.start)
        end = start if passage.end is None else self._sides(passage.end)
        first = start[1] if passage.between else start[0]
        last = end[0] if passage.between or isinstance(passage.end, Pause) else end[1]
        if first >= last and passage.end is not None:
            raise InstructionError(
                f"That would go from {first:.2f} s to {last:.2f} s of Audio {self.number}; "
                "the end must come after the start."
            )
        return _rounded(first), _rounded(last)

    def place(self, place: Place | None, *, alone: bool = True) -> dict[str, Any]:
        """Arguments for where sound goes; `alone`: `which` is free to choose among its words."""
        if place is None:
            return {}
        if place.before and isinstance(place.edge, Phrase):
            return {"after": place.edge.text} | self._which_between(place.edge, place.before)
        match place.side, place.edge:
            case side, Phrase(text, which):
                if which == "every":
                    raise InstructionError(
                        f'Before or after every "{text}" is no single place; say which.'
                    )
                if which == "only" or alone:
                    return {side: text} | ({} if which == "only" else {"which": which})
                match = self.scene.place(self.number, Phrase(text, which))
                return {"at": _rounded(match.start if side == "before" else match.end)}
            case side, Pause() as pause:
                gap = self.scene.pause(self.number, pause)
                return {"at": _rounded(gap.start if side == "before" else gap.end)}
            case _, Moment() as moment:
                return {} if moment == END and alone else {"at": self._seconds(moment)}
        raise InstructionError("I do not know where that is; name words or a time.")

    def _which_between(self, left: Phrase, right: Phrase) -> dict[str, Any]:
        """Which `left` is the one that `right` follows at once."""
        sound = self.scene.listened(self.number, f'finding "{left.text}"')
        words = sound.transcript().words
        lefts, rights = apart(sound.find(left.text)), apart(sound.find(right.text))
        beside = [
            index
            for index, match in enumerate(lefts)
            for other in rights
            if other.start >= match.end
            and not any(match.end <= word.start < other.start for word in words)
        ]
        if len(beside) != 1 or beside[0] >= len(ORDINALS) or left.which != "only":
            raise InstructionError(
                f'"{left.text}" and "{right.text}" are not said one right after the other at one '
                'place; say before or after which words: after the first "hello".'
            )
        return {} if len(lefts) == 1 else {"which": ORDINALS[beside[0]]}

    def _words(self, phrase: Phrase) -> dict[str, Any]:
        return {"words": phrase.text} | ({} if phrase.which == "only" else {"which": phrase.which})

    def _sides(self, edge: Edge) -> tuple[float, float]:
        """Start and end of one edge in seconds."""
        match edge:
            case Moment():
                return (self._seconds(edge),) * 2
            case Pause():
                gap = self.scene.pause(self.number, edge)
                return gap.start, gap.end
            case Phrase():
                match = self.scene.place(self.number, edge)
                return match.start, match.end
            case It() | Counted() | Beside() | Share():  # those are chosen before
                raise InstructionError("I do not know what is meant there; name words or a time.")

    def _seconds(self, moment: Moment) -> float:
        if moment.anchor == "start":
            return _rounded(moment.seconds)
        duration = self.scene.duration(self.number)
        if duration is None:
            raise InstructionError(
                f"I do not know how long Audio {self.number} is; give times from its start."
            )
        if moment.seconds > duration:
            raise InstructionError(
                f"Audio {self.number} is {duration:.2f} s long, so there is nothing "
                f"{moment.seconds:g} s before its end."
            )
        return _rounded(duration - moment.seconds)

    def _end(self, edge: Phrase | Moment) -> dict[str, Any]:
        if isinstance(edge, Phrase):
            return {"end": _rounded(self.scene.place(self.number, edge).end)}
        return {"end": self._seconds(edge)}


def _rounded(seconds: float) -> float:
    return round(seconds, _DIGITS)
