"""The report of a clean-up: what would go or went, and why, to look at, listen to and decide.

report = make_report(plan, transcript, [file])                     before anything is made
report = make_report(plan, transcript, [file], [Path("out.mp3")])  of what was made
write_report(report, Path("episode.html"))                     and episode.report.json
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, get_args

from qwen_audio_agent.audio.files import AudioFile, content_hash, decoded_once, probe
from qwen_audio_agent.audio.whole_file import write_whole
from qwen_audio_agent.cleanup.guards import share_concern
from qwen_audio_agent.cleanup.hearing_again import Again
from qwen_audio_agent.cleanup.kept_files import Kept, keep_other
from qwen_audio_agent.cleanup.marked_words import state_of, word_proposals
from qwen_audio_agent.cleanup.measured import Measured, measure
from qwen_audio_agent.cleanup.plan import Kind, Plan
from qwen_audio_agent.cleanup.snippets import MAX_BYTES, Snippet, make_snippets
from qwen_audio_agent.speech.words import Transcript

FORMAT: Final = "qwen-audio-agent clean-up report, version 1"
_LIBRARIES: Final = ("numpy", "scipy", "soundfile", "soxr")
_MISSED_LU: Final = 0.2


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording, or what was made of it.

    Attributes:
        name: of the file.
        sha256: of its content.
        coding: container and subtype.
        measured: its levels.
    """

    name: str
    sha256: str
    coding: str
    measured: Measured

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the outline."""
        about = {"name": self.name, "sha256": self.sha256, "coding": self.coding}
        return {**about, **self.measured.to_json()}


@dataclass(frozen=True, slots=True)
class Track:
    """One of the recordings of a plan.

    Attributes:
        before: the recording.
        after: what was made of it; None before that.
        target_lufs: the loudness that the recipe asks for; None for what it is.
    """

    before: Sound
    after: Sound | None
    target_lufs: float | None

    @property
    def missed(self) -> str:
        """That the result is not as loud as the recipe asks for; empty if it is."""
        made = self.after.measured.loudness_lufs if self.after else None
        if made is None or self.target_lufs is None or abs(made - self.target_lufs) <= _MISSED_LU:
            return ""
        return f"{made:.1f} LUFS, and the recipe asks for {self.target_lufs:g}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "before": self.before.to_json(),
            "after": self.after.to_json() if self.after else None,
            "target_lufs": self.target_lufs,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says.

    Attributes:
        plan: the changes, with their switches as they stand.
        transcript: what is said in the first recording.
        tracks: the recordings of the plan, one but for several microphones.
        snippets: by the id of their proposal; not all have one.
        again: what was heard of the joins; None before that.
    """

    plan: Plan
    transcript: Transcript
    tracks: tuple[Track, ...]
    snippets: Mapping[str, Snippet]
    again: Again | None = None

    @property
    def duration(self) -> float:
        """Seconds of the longest of the recordings."""
        return max(track.duration for track in self.plan.tracks)

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the sound of the snippets and the outlines."""
        plan = self.plan
        return {
            "format": FORMAT,
            "versions": versions(),
            "plan_sha256": self.plan_sha256,
            "plan": plan.to_json(),
            "removed": round(plan.removed, 3),
            "concern": share_concern(plan),
            "heard_again": self.again.to_json() if self.again else None,
            "classes": list(self.classes()),
            "tracks": [track.to_json() for track in self.tracks],
            "words": list(self._words()),
            "without_snippet": [p.id for p in plan.proposals if p.id not in self.snippets],
        }

    @property
    def plan_sha256(self) -> str:
        """Hash of the plan as it stands in a file."""
        return hashlib.sha256(self.plan.to_text().encode("utf-8", "backslashreplace")).hexdigest()

    def classes(self) -> Iterator[dict[str, Any]]:
        """What there is of each kind: how many, how many are on, and their seconds."""
        for kind in get_args(Kind):
            found = [p for p in self.plan.proposals if p.kind == kind]
            active = [p for p in found if p.on and p.action != "keep"]
            if found:
                yield {
                    "kind": kind,
                    "count": len(found),
                    "on": len(active),
                    "concerns": sum(bool(p.concern) for p in found),
                    "removed": round(sum(p.duration for p in active if p.removes), 3),
                    "altered": round(sum(p.duration for p in active if not p.removes), 3),
                }

    def _words(self) -> Iterator[dict[str, Any]]:
        words = self.transcript.words
        for word, proposals in zip(words, word_proposals(self.plan, words), strict=True):
            yield {
                "text": word.text,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "state": state_of(proposals),
                "proposals": [p.id for p in proposals],
            }


def make_report(
    plan: Plan,
    transcript: Transcript,
    files: Sequence[AudioFile],
    outputs: Sequence[Path] = (),
    max_snippet_bytes: int = MAX_BYTES,
    progress: Callable[[float], None] | None = None,
    measured: Mapping[str, Measured] | None = None,
) -> Report:
    """Measure what a report shows, and make its snippets.

    Args:
        plan: with its switches as they stand.
        transcript: what is said in the first recording.
        files: the recordings of the plan, one but for several microphones.
        outputs: what was made of each of them; none before that.
        max_snippet_bytes: of all snippets together, as they stand in the page.
        progress: told how many of the snippets are made, 0 to 1; that is what takes long.
        measured: levels that are known, by the SHA-256 of their file, from `Planned.measured` and
            `Applied.measured`; all others are measured here.

    Raises:
        AudioFileError: a recording or an output cannot be read.
    """
    longest = max(file.duration for file in files)
    known = measured or {}
    before = [
        _sound(file, episode.sha256, known.get(episode.sha256) or measure(file, longest))
        for file, episode in zip(files, plan.tracks, strict=True)
    ]
    made = [_sound_of_output(path, known) for path in outputs]
    none = [None] * len(files)
    tracks = [
        Track(recording, output, plan.recipe.loudness.for_channels(episode.num_channels))
        for episode, recording, output in zip(plan.tracks, before, made or none, strict=True)
    ]
    return Report(
        plan,
        transcript,
        tuple(tracks),
        make_snippets(plan, files, max_snippet_bytes, progress),
    )


def write_report(report: Report, path: Path, kept: Kept | None = None) -> tuple[Path, Path]:
    """Write the page, and the same as JSON beside it; each appears whole or not at all.

    Files of these names that are no reports are kept as episode.old.html, episode.report.old.json.

    Args:
        report: what is written.
        path: of the page, as "episode.html"; the JSON is "episode.report.json" then, and the plan
            that the page saves "episode.plan.json", where `cleanup --apply` looks for it.
        kept: told of each such file.

    Returns:
        The paths of the page and of the JSON.

    Raises:
        DiskError: they cannot be written.
    """
    # Jinja is worth its start only where a page is made.
    from qwen_audio_agent.cleanup.report_page import page

    data = path.with_name(f"{path.stem}.report.json")
    text = json.dumps(report.to_json(), ensure_ascii=False, indent=1) + "\n"
    for target, content in ((data, text), (path, page(report, f"{path.stem}.plan.json"))):
        copy = keep_other(target, content)
        write_whole(target, content)
        if copy and kept:
            kept(copy)
    return path, data


def versions() -> dict[str, str]:
    """What a report was made with."""
    import soundfile

    return {
        "qwen-audio-agent": version("qwen-audio-agent"),
        "python": f"{platform.python_version()} on {platform.system()}",
        "libsndfile": soundfile.__libsndfile_version__,
        **{name: version(name) for name in _LIBRARIES},
    }


def _sound_of_output(path: Path, known: Mapping[str, Measured]) -> Sound:
    sha256 = content_hash(path)
    if sha256 in known:
        file, _ = decoded_once(path)  # Nothing is decoded before its blocks are asked for.
        return _sound(file, sha256, known[sha256])
    file = probe(path)
    return _sound(file, sha256, measure(file))


def _sound(file: AudioFile, sha256: str, measured: Measured) -> Sound:
    return Sound(file.path.name, sha256, f"{file.container} {file.subtype}", measured)
