"""Recipes: what a clean-up does, as a TOML file with a section for each thing that it looks for.

Three come with the package, `podcast`, `interview` and `audiobook`; any file will do. Whatever a
file leaves out is as in `Recipe()`. A mistake is answered with the key, what was given, and what
may be given.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.errors import UsageError

Policy = Literal["keep", "attenuate", "mute", "shorten", "cut"]
"""What becomes of something that was found.

keep: it is told and left. attenuate: made quieter. mute: the room is heard instead, and no time
changes. shorten: so much of it is cut that a given length stays. cut: it goes.
"""
SoundPolicy = Literal["keep", "attenuate", "mute", "cut"]
QuietPolicy = Literal["keep", "attenuate", "mute"]
PausePolicy = Literal["keep", "shorten"]
Meaning = Literal["negation", "number", "name"]

SHIPPED: Final = ("podcast", "interview", "audiobook")
_MAX_BYTES: Final = 1 << 20
_TRUE_PEAK: Final = -1.0

Seconds = Annotated[float, Field(ge=0, le=3600)]
Softer = Annotated[float, Field(ge=-60, le=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Phrase = Annotated[str, Field(min_length=1, max_length=80)]
_LIST: Final = Field(strict=False)  # what comes as a list is kept as a tuple


class _Section(BaseModel):
    """One section of a recipe: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Fillers(_Section):
    """Um, uh, er, hmm, and the phrases that a person names.

    Attributes:
        policy: what becomes of them.
        least_confidence: 0 to 1; what is less sure is proposed, but switched off.
        phrases: words such as "you know" that are fillers for this person; none by default, for
            "like" may be a verb, and "um" is a German word.
        gain_db: how much quieter `attenuate` makes them.
    """

    policy: SoundPolicy = "cut"
    least_confidence: Share = 0.5
    phrases: Annotated[tuple[Phrase, ...], _LIST] = ()
    gain_db: Softer = -12.0


class Repeats(_Section):
    """Words said twice by mistake, and beginnings that were given up.

    Attributes:
        policy: what becomes of the first of the two.
        least_confidence: 0 to 1; what is less sure is proposed, but switched off.
        emphasis: whether "very very" and its like are repeats as well.
    """

    policy: Literal["keep", "mute", "cut"] = "cut"
    least_confidence: Share = 0.5
    emphasis: bool = False


class Pauses(_Section):
    """Long pauses between words.

    Attributes:
        policy: what becomes of them.
        longer_than: seconds; what is shorter is left alone.
        to: seconds that stay of a longer one.
    """

    policy: PausePolicy = "shorten"
    longer_than: Seconds = 0.8
    to: Seconds = 0.5

    @model_validator(mode="after")
    def _check(self) -> Pauses:
        if self.to > self.longer_than:
            raise ValueError(f"to is {self.to:g} and longer_than {self.longer_than:g}: not longer")
        return self


class Ends(_Section):
    """Dead air before the first word and after the last.

    Attributes:
        policy: what becomes of it.
        head: seconds that stay before the first word.
        tail: seconds that stay after the last.
    """

    policy: PausePolicy = "shorten"
    head: Seconds = 0.3
    tail: Seconds = 0.8


class Noises(_Section):
    """Short noises between words: breaths, or clicks and smacks of the mouth.

    Attributes:
        policy: what becomes of them.
        gain_db: how much quieter `attenuate` makes them.
        least_confidence: 0 to 1; what is less sure is proposed, but switched off.
    """

    policy: QuietPolicy = "keep"
    gain_db: Softer = -12.0
    least_confidence: Share = 0.5


class Sound(_Section):
    """What is done to the sound of the whole.

    Attributes:
        highpass_hz: what lies below is taken out; 0 for nothing.
        hum: whether the hum of the mains is looked for, and taken out where it is found.
        denoise: how strongly, 0 to 1; 0 for not at all.
        declick: whether clicks are repaired.
        deess: how much sharp s sounds are lowered, in dB; 0 for not at all.
        compress: the ratio of a gentle compressor; 1 for none.
    """

    highpass_hz: Annotated[float, Field(ge=0, le=500)] = 0.0
    hum: bool = False
    denoise: Share = 0.0
    declick: bool = False
    deess: Annotated[float, Field(ge=0, le=24)] = 0.0
    compress: Annotated[float, Field(ge=1, le=10)] = 1.0


class Loudness(_Section):
    """How loud the whole becomes.

    Attributes:
        target: LUFS by ITU-R BS.1770; "auto" is -16 for stereo and -19 for mono; "keep" is as it
            was.
        true_peak: dBTP that no peak exceeds; nothing is done to the peaks where the loudness is
            kept.
    """

    target: Annotated[float, Field(ge=-40, le=-5)] | Literal["auto", "keep"] = "keep"
    true_peak: Annotated[float, Field(ge=-20, le=0)] = _TRUE_PEAK

    @model_validator(mode="after")
    def _peaks_go_with_a_target(self) -> Self:
        if self.target == "keep" and self.true_peak != _TRUE_PEAK:
            raise ValueError('true_peak needs a target: with "keep" nothing is done to the peaks')
        return self

    def for_channels(self, num_channels: int) -> float | None:
        """The target in LUFS; None to leave the loudness as it is.

        Source: AES TD1008 (2021): 3 dB less for one channel, which is played over two speakers.
        """
        if self.target == "keep":
            return None
        if self.target == "auto":
            return -19.0 if num_channels == 1 else -16.0
        return self.target


class Music(_Section):
    """Sound of others: before, behind and under the episode; a path is relative to the recipe.

    Attributes:
        intro: a file that comes first.
        outro: a file that comes last.
        bed: a file that is heard under the whole.
        crossfade: seconds over which intro and outro go over into the episode.
        bed_db: loudness of the bed where nobody speaks, against that of the speech, in LU.
        duck_db: how much quieter it becomes while somebody speaks.
    """

    intro: str = ""
    outro: str = ""
    bed: str = ""
    crossfade: Annotated[float, Field(ge=0, le=30)] = 0.5
    bed_db: Softer = -4.0
    duck_db: Softer = -14.0

    @property
    def files(self) -> dict[str, str]:
        """The paths that are given, by what they are for."""
        named = {"intro": self.intro, "outro": self.outro, "bed": self.bed}
        return {name: path for name, path in named.items() if path}


class Guards(_Section):
    """What is asked about instead of being done.

    Attributes:
        max_share: of the episode; if more would go, nothing is done.
        least_kept: seconds; two cuts nearer than that, with speech between, are not both made.
        protect: what may not vanish with a cut.
    """

    max_share: Share = 0.4
    least_kept: Seconds = 0.15
    protect: Annotated[tuple[Meaning, ...], _LIST] = ("negation", "number", "name")


class Recipe(_Section):
    """Everything that a clean-up does; see the sections."""

    description: Annotated[str, Field(max_length=1000)] = ""
    fillers: Fillers = Fillers()
    repeats: Repeats = Repeats()
    pauses: Pauses = Pauses()
    ends: Ends = Ends()
    breaths: Noises = Noises()
    mouth: Noises = Noises()
    sound: Sound = Sound()
    loudness: Loudness = Loudness()
    music: Music = Music()
    guards: Guards = Guards()

    def allowing(self, max_share: float) -> Recipe:
        """The same recipe, by which so much of an episode may go, 0 to 1."""
        guards = self.guards.model_copy(update={"max_share": max_share})
        return self.model_copy(update={"guards": guards})

    def with_music_beside(self, folder: Path) -> Recipe:
        """The same recipe with the paths of its music made whole, from a folder."""
        whole = {name: str(folder.absolute() / path) for name, path in self.music.files.items()}
        music = self.music.model_copy(update=whole)
        return self.model_copy(update={"music": music}) if whole else self

    def to_json(self) -> dict[str, Any]:
        """Plain data; `Recipe.from_data` takes it back."""
        return self.model_dump(mode="json")

    @classmethod
    def from_data(cls, data: object, where: str = "the recipe") -> Recipe:
        """Read outside data.

        Raises:
            UsageError: says which key is wrong, what was given, and what may be given.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise UsageError(f"{where}: {_mistake(error)}") from None


def load_recipe(name: str | Path) -> Recipe:
    """A recipe that comes with the package, by name, or one from a TOML file.

    Raises:
        UsageError: there is no such recipe, or it holds a mistake.
    """
    if str(name) in SHIPPED:
        text = resources.files(__package__).joinpath(f"recipes/{name}.toml").read_text("utf-8")
        return Recipe.from_data(tomllib.loads(text), str(name))
    path = Path(name)
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"there is no recipe {shown(path)} ({why}): give a TOML file, or {', '.join(SHIPPED)}"
        ) from None
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{shown(path)} is too large for a recipe")
    try:
        recipe = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{shown(path)} is no TOML: {error}") from None
    return Recipe.from_data(recipe, shown(path)).with_music_beside(path.parent)


def _mistake(error: ValidationError) -> str:
    """The first mistake in one line."""
    first, *others = error.errors(include_url=False)
    place = _place(first)
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        return f"there is no {key}; there is {', '.join(_choices(place[:-1]))}"
    if first["type"] in ("model_type", "model_attributes_type"):
        return f"{key or 'it'} is a section with keys, not {first['input']!r:.60}"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"{key}: {message}"
    # Of a key that may be one thing or another there is an error for each.
    also = [other["msg"] for other in others if _place(other) == place]
    wanted = " or ".join([message, *(text.removeprefix("Input should be ") for text in also)])
    for in_python, in_toml in _IN_TOML.items():
        wanted = wanted.replace(in_python, in_toml)
    return f"{key} is {first['input']!r:.60}: {wanted[0].lower()}{wanted[1:]}"


def _place(error: ErrorDetails) -> list[str]:
    """The key of an error, with those of its sections before it."""
    return [str(part) for part in error["loc"] if part not in _BRANCHES]


_IN_TOML: Final = {"a valid tuple": "a list in [ ]", "a valid boolean": "true or false"}
# What pydantic puts into the place of an error beside the keys: the branch of a union.
_BRANCHES: Final = ("constrained-float", "float", "literal['auto','keep']")


def _choices(place: list[str]) -> list[str]:
    """The keys of the section at a place."""
    section: Any = Recipe
    for name in place:
        section = section.model_fields[name].annotation
    return list(section.model_fields)
