"""Which ear listens, and what a person should know about it."""

from __future__ import annotations

from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.speech.ears import Ear, ear_names, open_ear


def named_ear(name: str) -> Ear:
    """The ear that `--ear` names, such as "pocketsphinx" or "whisper:FOLDER".

    Raises:
        UsageError: there is no such ear.
        HearingError: it is there, but cannot start.
    """
    if name != "auto" and name.partition(":")[0] not in ear_names():
        known = ", ".join(["auto", *ear_names()])
        raise UsageError(f"there is no ear {name!r}; there are: {known}")
    return open_ear(name)


def about_ear(ear: Ear) -> str:
    """One line: who listens, and how well."""
    return f"ear {ear.name}: {ear.description}"
