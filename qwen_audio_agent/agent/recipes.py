"""From what was once done by conversation to a recipe for the next hundred episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import tomli_w

from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.agent.replay import steps_behind
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.cleanup.recipe import Recipe, load_recipe
from qwen_audio_agent.errors import SessionError

_Sections = dict[str, dict[str, Any]]


@dataclass(slots=True)
class _Taking:
    """Sections of the recipe as far as they are known, and what cannot be taken over."""

    sections: _Sections = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def put(self, section: str, **values: Any) -> None:
        self.sections.setdefault(section, {}).update(values)


def recipe_from(session: Session) -> tuple[Recipe, tuple[str, ...]]:
    """What a session did that can be done to any episode.

    Fillers and pauses that were tidied, phrases that were cut every time, and what was done to the
    sound of the whole become a recipe. Edits at times, or of words that were said once, belong to
    their recording.

    Returns:
        The recipe, and in words what it leaves out.

    Raises:
        SessionError: nothing was done that another episode could use.
    """
    taking = _Taking()
    for step in steps_behind(session):
        _TAKEN.get(step.tool, _leave_out)(taking, step)
    if not taking.sections:
        raise SessionError(
            f"{session.folder} did nothing that fits another episode: tidy, denoise, effect and "
            'cut with which="every" do; to do the same edits again there is replay'
        )
    kept = {"repeats": {"policy": "keep"}, "ends": {"policy": "keep"}}
    kept |= {name: {"policy": "keep"} for name in ("fillers", "pauses")}
    sections = {name: kept.get(name, {}) | values for name, values in taking.sections.items()}
    return Recipe.from_data(kept | sections), tuple(taking.left_out)


def recipe_text(recipe: Recipe, left_out: Sequence[str] = ()) -> str:
    """A recipe as a TOML file with every key, and what it leaves out as comments."""
    data = recipe.to_json()
    notes = "".join(f"# not taken over: {_plain(line)}\n" for line in left_out)
    return notes + ("\n" if notes else "") + tomli_w.dumps(data)


def _plain(text: str) -> str:
    """Words of others in one line of a comment."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _leave_out(taking: _Taking, step: Step) -> None:
    given = ", ".join(
        f"{name}={value!r}"
        for name, value in step.arguments.items()
        if name != "audio" and value is not None
    )
    taking.left_out.append(f"{step.tool}({given})")


def _tidy(taking: _Taking, step: Step) -> None:
    what = step.arguments.get("what", "fillers")
    if what == "fillers":
        taking.put("fillers", policy="cut")
        return
    if what != "pauses":
        for name, values in load_recipe(what).model_dump(mode="json").items():
            if isinstance(values, dict):
                taking.put(name, **values)
        return
    limits = {name: step.arguments.get(name) for name in ("longer_than", "to")}
    given = {name: value for name, value in limits.items() if value is not None}
    longer_than, to = given.get("longer_than"), given.get("to")
    if longer_than is None:
        given["longer_than"] = max(0.8, to or 0.0)
    if to is None:
        given["to"] = min(0.4, given["longer_than"])
    taking.put("pauses", policy="shorten", **given)


def _cut(taking: _Taking, step: Step) -> None:
    arguments = step.arguments
    alone = not any(arguments.get(name) for name in ("to_words", "start", "end"))
    if arguments.get("words") and arguments.get("which") == "every" and alone:
        phrases = taking.sections.get("fillers", {}).get("phrases", [])
        said = [*phrases, arguments["words"]]
        taking.put("fillers", policy="cut", phrases=list(dict.fromkeys(said)))
        return
    _leave_out(taking, step)


def _denoise(taking: _Taking, step: Step) -> None:
    taking.put("sound", denoise=step.arguments.get("strength", 1.0))


def _effect(taking: _Taking, step: Step) -> None:
    name, value = step.arguments.get("name", "normalize"), step.arguments.get("value")
    if name == "normalize":
        taking.put("loudness", target="auto" if value is None else value)
    elif name == "highpass":
        taking.put("sound", highpass_hz=80.0 if value is None else value)
    elif name == "compress":
        taking.put("sound", compress=3.0 if value is None else value)
    elif name == "deess":
        taking.put("sound", deess=9.0)
    elif name == "declick":
        taking.put("sound", declick=True)
    else:
        _leave_out(taking, step)


_TAKEN: Final[dict[str, Callable[[_Taking, Step], None]]] = {
    "tidy": _tidy,
    "cut": _cut,
    "denoise": _denoise,
    "effect": _effect,
}
