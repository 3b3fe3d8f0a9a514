"""Who listens: the protocol of an ear, and the registry that finds ears by name.

An ear is any class that follows `Ear` and is named in the entry-point group
`qwen_audio_agent.ears`; PocketSphinx is built in, so it is there even when the package runs from a
source tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Protocol, cast

from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.words import Match, Transcript, Word

GROUP = "qwen_audio_agent.ears"
_BUILT_IN = {"pocketsphinx": "qwen_audio_agent.speech.ears.pocketsphinx:PocketSphinxEar"}
_DISTRIBUTION = "qwen-audio-agent"


class Ear(Protocol):
    """Hears one stretch of up to about 30 s; `speech.hearing.Listener` makes hours out of that.

    Times are seconds from the start of the audio that was given. Every method takes any sample
    rate and any number of channels, and raises `HearingError` when it cannot listen.
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
    """

    rank: int

    def __call__(self) -> Ear:
        """Make an ear with its default settings; quick, for models are loaded when first used.

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

    Raises:
        HearingError: there is no such ear, or it lacks something; says what to install.
    """
    if name == "auto":
        return _open_best()
    registered = _registered()
    if name not in registered:
        names = ", ".join(sorted(registered))
        raise HearingError(f"there is no ear '{name}'; choose one of: auto, {names}")
    return _open(name, registered[name])[1]


def _open_best() -> Ear:
    """The ear of the highest rank that opens; a broken plugin costs nothing but itself."""
    opened = []
    reasons = []
    for name, address in sorted(_registered().items()):
        try:
            opened.append(_open(name, address))
        except HearingError as error:
            reasons.append(str(error))
    if not opened:
        raise HearingError(f"no ear can be opened: {'; '.join(reasons)}")
    return max(opened, key=lambda ranked: ranked[0])[1]


def _open(name: str, address: str) -> tuple[int, Ear]:
    """The ear at "module:class" and its rank."""
    module, _, attribute = address.partition(":")
    try:
        ear_class = cast(EarClass, getattr(import_module(module), attribute))
        return ear_class.rank, ear_class()
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
    """The extra that has the ear's name if there is one, else the missing module itself."""
    try:
        extras = metadata.metadata(_DISTRIBUTION).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        extras = []
    what = f"'{_DISTRIBUTION}[{name}]'" if name in extras else missing.partition(".")[0]
    return f"install it with: pip install {what}"
