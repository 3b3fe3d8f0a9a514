"""Who listens: the protocol of an ear, and the registry that finds ears by name.

An ear is any class that follows `Ear` and is named in the entry-point group
`qwen_audio_agent.ears`; those of this package are built in, so they are there even when it runs
from a source tree. What stands after a colon in a name is for the ear, as the folder in
"whisper:FOLDER".
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Final, Protocol, cast

from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.words import Match, Transcript, Word

GROUP = "qwen_audio_agent.ears"
_BUILT_IN = {
    "pocketsphinx": "qwen_audio_agent.speech.ears.pocketsphinx:PocketSphinxEar",
    "qwen-audio": "qwen_audio_agent.model.ears.qwen_audio:QwenAudioEar",
    "qwen3-asr": "qwen_audio_agent.model.ears.qwen3_asr:Qwen3ASREar",
    "whisper": "qwen_audio_agent.model.ears.whisper:WhisperEar",
}
_DISTRIBUTION = "qwen-audio-agent"
# Ears that need weights, and the id of some on the hub. They are no candidates for "auto" before
# somebody says where the weights are, and until then no module of theirs, nor torch, is imported.
_NEED_WEIGHTS: Final = {
    "qwen-audio": "Qwen/Qwen-Audio",
    "qwen3-asr": "Qwen/Qwen3-ASR-0.6B-hf",
    "whisper": "openai/whisper-small",
}
_EXTRA: Final = "qwen"  # what those need besides


class Ear(Protocol):
    """Hears one stretch of up to about 30 s; `speech.hearing.Listener` makes hours out of that.

    Times are seconds from the start of the audio that was given. Every method takes any sample
    rate and any number of channels, and raises `HearingError` when it cannot listen.

    An ear with an attribute `takes_whole_machine` that is true is never opened in several processes
    side by side: it keeps all cores or a GPU busy by itself, and its weights are big.

    An ear with a method `unload` gives back the memory of its model when it is called, until
    something is to be heard again.

    An attribute `reliable` says whether most of its words are right in lively talk (True), or many
    are guesses (False), of which a clean-up then takes none for a proof that a sound is a word.
    Without it, nothing is cut where words were heard, and repeats of them are asked about.
    """

    @property
    def name(self) -> str:
        """Name in the registry, such as "pocketsphinx"."""
        ...

    @property
    def version(self) -> str:
        """Differs whenever the same sound may be heard differently; part of the cache's keys."""
        ...

    @property
    def description(self) -> str:
        """One honest line: which speech it is good for and which not."""
        ...

    def listen(self, audio: Audio) -> Transcript:
        """Write down what is said."""
        ...

    def find(self, audio: Audio, phrase: str, heard: Transcript | None = None) -> tuple[Match, ...]:
        """Search for `phrase` itself in the sound, not in what was made of it.

        Args:
            audio: where to look.
            phrase: what was said, as a person would write it.
            heard: what `listen` made of the same audio, if that is known.

        Returns:
            Places, best first, the doubtful ones flagged; empty if nothing is near.
        """
        ...

    def align(self, audio: Audio, words: Sequence[str]) -> tuple[Word, ...]:
        """Find when each of the known `words` is said, in order, edges refined on the sound.

        Raises:
            HearingError: the words cannot be fitted to the sound.
        """
        ...


class EarClass(Protocol):
    """What an entry point names.

    Attributes:
        rank: "auto" takes the ear of the highest rank that opens; PocketSphinx has 10.

    An ear that takes an argument has an attribute `takes`, which says what it is: "a folder".
    """

    rank: int

    def __call__(self, *argument: str) -> Ear:
        """Make an ear; quick, for models are loaded when first used.

        Args:
            *argument: what stood after the colon in the name; nothing for the default settings.

        Raises:
            ImportError: a package that it needs is not installed.
            HearingError: something else is missing; says what to do.
        """
        ...


def ear_names() -> tuple[str, ...]:
    """Names of all registered ears, in alphabetical order; some may lack what they need."""
    return tuple(sorted(_registered()))


def open_ear(name: str = "auto") -> Ear:
    """Open an ear by its name; "auto" takes the best one at hand.

    Args:
        name: one of `ear_names`, which may be followed by a colon and an argument of the ear, as
            the checkpoint in "whisper:openai/whisper-small". An ear that needs weights and has no
            argument takes them from the variable that `weights_variable` names.

    Raises:
        HearingError: there is no such ear, or it lacks something; says what to install.
    """
    if name == "auto":
        return _open_best()
    name, _, argument = name.partition(":")
    registered = _registered()
    if name not in registered:
        names = ", ".join(sorted(registered))
        raise HearingError(f"there is no ear '{name}'; choose one of: auto, {names}")
    if not argument and not has_weights(name):
        raise HearingError(
            f"the ear '{name}' needs weights: name a folder or an id of the Hugging Face hub, as "
            f"in {name}:{_NEED_WEIGHTS[name]}, or set {weights_variable(name)}; "
            f"it also needs: pip install '{_DISTRIBUTION}[{_EXTRA}]'"
        )
    return _open(name, registered[name], argument)[1]


def weights_variable(name: str) -> str:
    """The environment variable that says where the weights of an ear are."""
    return f"QWEN_AUDIO_AGENT_{name.upper().replace('-', '_')}"


def has_weights(name: str) -> bool:
    """Whether an ear needs no weights, or its variable says where they are."""
    return name not in _NEED_WEIGHTS or bool(os.environ.get(weights_variable(name)))


def _open_best() -> Ear:
    """The ear of the highest rank that opens; a broken plugin costs nothing but itself."""
    opened = []
    reasons = []
    for name, address in sorted(_registered().items()):
        if not has_weights(name):
            continue
        try:
            opened.append(_open(name, address))
        except HearingError as error:
            reasons.append(str(error))
    if not opened:
        raise HearingError(f"no ear can be opened: {'; '.join(reasons)}")
    return max(opened, key=lambda ranked: ranked[0])[1]


def _open(name: str, address: str, argument: str = "") -> tuple[int, Ear]:
    """The ear at "module:class" and its rank."""
    module, _, attribute = address.partition(":")
    try:
        ear_class = cast(EarClass, getattr(import_module(module), attribute))
        if argument and not hasattr(ear_class, "takes"):
            raise HearingError(f"the ear '{name}' takes nothing after its name, not '{argument}'")
        return ear_class.rank, ear_class(argument) if argument else ear_class()
    except ImportError as error:
        missing = error.name or module
        advice = _how_to_install(name, missing)
        raise HearingError(f"the ear '{name}' needs the module '{missing}'; {advice}") from error
    except AttributeError as error:
        raise HearingError(
            f"the ear '{name}' is not usable at {address} ({error}); "
            "update the package that it comes from"
        ) from error


def _registered() -> dict[str, str]:
    """Name -> "module:class"; a plugin cannot take the name of what is built in."""
    plugins = {point.name: point.value for point in metadata.entry_points(group=GROUP)}
    return plugins | _BUILT_IN


def _how_to_install(name: str, missing: str) -> str:
    """The extra that the ear needs if there is one, else the missing module itself."""
    if name in _NEED_WEIGHTS:
        return f"install it with: pip install '{_DISTRIBUTION}[{_EXTRA}]'"
    try:
        extras = metadata.metadata(_DISTRIBUTION).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        extras = []
    what = f"'{_DISTRIBUTION}[{name}]'" if name in extras else missing.partition(".")[0]
    return f"install it with: pip install {what}"
