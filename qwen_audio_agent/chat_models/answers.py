"""What the offline model says: answers to questions, and what it has done, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from qwen_audio_agent.chat_models.calls import heard_times
from qwen_audio_agent.chat_models.conversation import Done
from qwen_audio_agent.chat_models.intents import (
    Cut,
    Denoise,
    Duration,
    Effect,
    Fade,
    Find,
    Gain,
    Insert,
    Keep,
    Move,
    Replace,
    Silence,
    Step,
    Tidy,
    Transcribe,
    Undo,
)
from qwen_audio_agent.chat_models.named import (
    END,
    START,
    AudioName,
    AudioRef,
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
from qwen_audio_agent.chat_models.scene import Scene, apart, listed, pick
from qwen_audio_agent.speech.text import quoted
from qwen_audio_agent.speech.words import Match

_MAX_PLACES = 12


def answer_to(step: Step, scene: Scene, number: int) -> str:
    """The answer to a question about an audio; empty for an edit."""
    match step.action:
        case Duration():
            seconds = scene.duration(number)
            return f"Audio {number} is {seconds:.2f} s long." if seconds is not None else ""
        case Find(phrase):
            return _where(phrase, scene, number)
        case Transcribe(passage):
            return _what(passage, scene, number)
    return ""


def _what(passage: Passage | None, scene: Scene, number: int) -> str:
    transcript = scene.listened(number, "saying what is said").transcript()
    words = transcript.words
    if passage is not None:
        words = transcript.between(*heard_times(passage, scene, number))
    said = " ".join(word.text for word in words if word.kind == "word")
    return f"The person says: {quoted(said)}" if said else "I hear no words there."


def _where(phrase: Phrase, scene: Scene, number: int) -> str:
    found = scene.listened(number, "finding words").find(phrase.text)
    sure = apart(found)
    if not sure:
        return scene.missing(number, phrase)
    if phrase.which not in ("only", "every"):
        sure = (pick(sure, phrase, number),)
    if len(sure) == 1:
        return (
            f'The word "{phrase.text}" starts at <|{sure[0].start:.2f}|> seconds '
            f"and ends at <|{sure[0].end:.2f}|> seconds."
        )
    places = [_times(match) for match in sure[:_MAX_PLACES]]
    more = f" and {len(sure) - _MAX_PLACES} more times" if len(sure) > _MAX_PLACES else ""
    return f'The word "{phrase.text}" is said {len(sure)} times: {listed(places)}{more}.'


def _times(match: Match) -> str:
    return f"from <|{match.start:.2f}|> to <|{match.end:.2f}|>"


def report(steps: Sequence[Step], scene: Scene) -> str:
    """What has been done, such as 'Done: removed "um" (0.31 s) and the background noise.'."""
    deeds: list[tuple[str, list[str]]] = []
    asides = []
    for step, done in zip(steps, scene.talk.done, strict=False):
        if done.failed or done.text is None or done.name == "listen":
            continue
        if done.made is None:
            asides.append(done.text)
            continue
        verb, what = _deed(step, scene)
        what += _seconds_gone(step, done, scene)
        if deeds and deeds[-1][0] == verb:
            deeds[-1][1].append(what)
        else:
            deeds.append((verb, [what]))
    said = listed([f"{verb} {listed(what)}" for verb, what in deeds])
    return " ".join([*([f"Done: {said}."] if said else []), *asides])


def _seconds_gone(step: Step, done: Done, scene: Scene) -> str:
    """How much shorter a cut made the audio, as its length tells."""
    if not isinstance(step.action, Cut) or done.made is None:
        return ""
    before, after = scene.duration(int(done.arguments["audio"])), scene.duration(done.made)
    return f" ({before - after:.2f} s)" if before is not None and after is not None else ""


def _deed(step: Step, scene: Scene) -> tuple[str, str]:
    """A verb in the past, and what it was done to."""
    match step.action:
        case Cut(passage):
            return "removed", named(passage)
        case Keep(passage):
            return "kept", f"only {named(passage)}"
        case Silence(passage, fill):
            return ("bleeped" if fill == "bleep" else "muted"), named(passage)
        case Insert(material, place):
            return "put", f"{_material(material, scene)} {_place(place)}"
        case Replace(passage, material):
            return "replaced", f"{named(passage)} with {_material(material, scene)}"
        case Move(passage, place):
            return "moved", f"{named(passage)} {_place(place)}"
        case Undo():
            return "took back", "the last edit"
    return _treatment(step)


def _treatment(step: Step) -> tuple[str, str]:
    """The same of what changes the sound itself."""
    match step.action:
        case Tidy("fillers"):
            return "removed", "the fillers"
        case Tidy("pauses"):
            return "shortened", "the pauses"
        case Tidy(recipe):
            return "cleaned up", f"the recording by the {recipe} recipe"
        case Denoise(strength):
            part = f" at {strength:.0%} strength" if strength < 1 else ""
            return "removed", f"the background noise{part}"
        case Gain(db, passage):
            what = named(passage) if passage else "the recording"
            return "made", f"{what} {abs(db):g} dB {'louder' if db > 0 else 'quieter'}"
        case Fade() as fade:
            return "faded", _ways(fade)
        case Effect(name, value):
            return _effect(name, value)
    raise AssertionError(f"no words for {step.action}")


def _ways(fade: Fade) -> str:
    ways = [
        (way, length) for way, length in zip(("in", "out"), fade.lengths, strict=True) if length
    ]
    if len({length for _, length in ways}) == 1:
        return f"{listed([way for way, _ in ways])} over {ways[0][1]:g} s"
    return listed([f"{way} over {length:g} s" for way, length in ways])


def _effect(name: str, value: float | None) -> tuple[str, str]:
    number = f"{value:g}" if value is not None else ""
    match name:
        case "normalize":
            return "normalised", f"the loudness to {number} LUFS" if number else "the loudness"
        case "highpass":
            return "removed", f"what lies below {number} Hz" if number else "the low rumble"
        case "compress":
            return "compressed", f"the dynamics at {number}:1" if number else "the dynamics"
        case "deess":
            return "softened", "the sharp s sounds"
        case "declick":
            return "removed", "the clicks"
    return "changed", f"the speed to {number} times"


def named(passage: Passage) -> str:
    """A passage as a person would name it."""
    start = _edge(passage.start)
    if passage.part != "it":
        return f"everything {passage.part} {start}"
    if passage.end is None:
        return start
    if passage.between:
        return f"everything between {start} and {_edge(passage.end)}"
    match passage.start, passage.end:
        case Moment(0.0, "start"), Moment(seconds, "start"):
            return f"the first {seconds:g} s"
        case Moment(seconds, "end"), Moment(0.0, "end"):
            return f"the last {seconds:g} s"
    return f"everything from {start} to {_edge(passage.end)}"


def _edge(edge: Edge) -> str:
    match edge:
        case Phrase(text, which):
            return (
                f'"{text}"'
                if which == "only"
                else f'the {which} "{text}"'
                if which != "every"
                else f'every "{text}"'
            )
        case Moment(seconds, "start"):
            return "the start" if edge == START else f"{seconds:g} s"
        case Moment(seconds, _):
            return "the end" if edge == END else f"{seconds:g} s before the end"
        case Pause(which):
            return "the pause" if which == "only" else f"the {which} pause"
        case It():
            return "it"
        case Beside(side, beside, seconds):
            return f"{seconds:g} s {side} {_edge(beside)}"
        case Counted(_, count):
            return "a word" if count == 1 else f"{count} words"
        case Share(of_whole):
            return f"{of_whole:.0%} of it"


def _place(place: Place | None) -> str:
    return f"{place.side} {_edge(place.edge)}" if place else "at the end"


def _material(material: Material, scene: Scene) -> str:
    part = f"{named(material.passage)} of " if material.passage else ""
    return part + _audio(material.audio, scene)


def _audio(audio: AudioRef, scene: Scene) -> str:
    if isinstance(audio, AudioName):
        return audio.name
    number = scene.number(audio)
    name = scene.talk.audios[number].name
    return f"Audio {number}" + (f" ({name})" if name else "")
