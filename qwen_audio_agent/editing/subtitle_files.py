"""Subtitles, labels and transcripts of a recording, re-timed for a programme made of it.

    cues   | one | two | three |   ->   | one | three |     two was cut out

Formats: SubRip, WebVTT, Audacity labels, and JSON as Whisper, podcast hosts and `words` write it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final, Literal

from qwen_audio_agent.audio import media
from qwen_audio_agent.audio.formats import SUFFIXES, shown
from qwen_audio_agent.audio.hidden_file import HiddenFile, disk_error
from qwen_audio_agent.editing.heard_runs import HeardPlace, HeardRuns
from qwen_audio_agent.editing.time_map import TimeMap
from qwen_audio_agent.errors import EditError
from qwen_audio_agent.speech.subtitles import clock

SubtitleFormat = Literal["srt", "vtt", "json", "audacity"]
"""What can be re-timed."""

MAX_BYTES: Final = 64 << 20
"""Of a file with subtitles."""
CUE_SHARE: Final = 0.25
"""A cue stays where at least this share of its sound does: its words cannot be told apart."""
_BY_SUFFIX: Final[dict[str, SubtitleFormat]] = {
    ".srt": "srt",
    ".vtt": "vtt",
    ".json": "json",
    ".txt": "audacity",
}
# Not what is kept as talk.old.srt.
_LANGUAGE: Final = re.compile(r"(?!old\b)[a-z]{2,3}([-_][a-z0-9]{2,8})*", re.ASCII | re.IGNORECASE)
_TIME: Final = r"(?:\d{1,4}:)?\d{1,2}:\d{1,2}[,.]\d{1,3}"
_TIMES: Final = re.compile(rf"\s*({_TIME})\s*-->\s*({_TIME})(\s.*)?", re.ASCII)
_INNER: Final = re.compile(rf"<({_TIME})>", re.ASCII)
_LABEL: Final = re.compile(r"(\d{1,9}(?:[.,]\d{1,9})?)\t(\d{1,9}(?:[.,]\d{1,9})?)(\t.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Cue:
    """A cue as it lies in a file: what stands before its times, its times, and its lines."""

    before: str
    start: float
    end: float
    settings: str
    lines: str


def retime_subtitles(
    text: str, kind: SubtitleFormat, time_map: TimeMap, source: str | None = None
) -> str:
    """Subtitles of a recording at the times where a programme says the same.

    What went is left out; what is heard twice is there twice. A cue stays where at least a quarter
    of its sound does, a word in JSON where half of it does.

    Args:
        text: the whole file.
        kind: the format of `text`, and of what is returned.
        time_map: of the programme.
        source: id of the recording in it; by default the one that is heard longest.

    Raises:
        EditError: there are no subtitles of this format in the text, or no such source.
    """
    runs = HeardRuns(time_map, source)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if kind == "json":
        from qwen_audio_agent.editing.transcript_json import retime_json

        return retime_json(text, runs)
    if kind == "audacity":
        return "".join(f"{line}\n" for line in _retimed_labels(text, runs))
    header, cues = _parsed(text, has_header=kind == "vtt")
    if not cues:
        raise EditError(f"there are no {kind} subtitles in this text: check its format")
    retimed = _retimed(cues, runs)
    if kind == "vtt":
        blocks = [header, *(_vtt(cue) for cue in retimed)]
    else:
        blocks = [_srt(cue, number) for number, cue in enumerate(retimed, 1)]
    return "\n".join(f"{block}\n" for block in blocks)


def find_subtitles(recording: Path) -> tuple[Path, ...]:
    """The files beside a recording that have its name and can be re-timed, see `subtitle_names`."""
    try:
        names = [path.name for path in recording.parent.iterdir()]
    except OSError:
        return ()
    found = map(recording.with_name, subtitle_names(recording.name, names))
    return tuple(path for path in found if path.is_file())


def subtitle_names(recording: str, names: Collection[str]) -> list[str]:
    """The names that a recording, and no other, has its subtitles by.

    Of talk.wav: talk.srt, talk.SRT, talk.wav.srt, and of a language talk.en.srt or talk.pt-BR.vtt.

    Args:
        recording: the name of the file.
        names: of all files beside it.
    """
    own = (PurePath(recording).stem, recording)
    others = {PurePath(n).stem for n in names if n != recording and _is_sound(n)}
    found = []
    for path in map(PurePath, names):
        start, _, language = path.stem.rpartition(".")
        is_own = path.stem in own or (
            start in own
            and _LANGUAGE.fullmatch(language)
            and path.stem not in others
            and not _is_sound(path.stem)
        )
        if is_own and path.suffix.lower() in _BY_SUFFIX:
            found.append(path.name)
    return sorted(found)


def _is_sound(name: str) -> bool:
    return PurePath(name).suffix.lower() in media.SUFFIXES | SUFFIXES


def retimed_file(path: Path, time_map: TimeMap, source: str | None = None) -> str:
    """What `retime_subtitle_file` would write.

    Raises:
        EditError: an unknown suffix, a file that cannot be read, or no subtitles in it.
    """
    kind = _BY_SUFFIX.get(path.suffix.lower())
    if kind is None:
        raise EditError(f"{shown(path)} cannot be re-timed: {', '.join(_BY_SUFFIX)} can be")
    return retime_subtitles(_read(path), kind, time_map, source)


def retime_subtitle_file(
    path: Path, out: Path, time_map: TimeMap, source: str | None = None
) -> SubtitleFormat:
    """Re-time a file of subtitles into a new file, which appears whole or not at all.

    Args:
        path: the file; its suffix says its format: .srt, .vtt, .json, .txt (Audacity labels).
        out: the new file, of the same suffix.
        time_map: of the programme.
        source: id of the recording in it; by default the one that is heard longest.

    Returns:
        The format.

    Raises:
        EditError: an unknown suffix, a file that cannot be read, or no subtitles in it.
        DiskError: the new file cannot be written.
    """
    kind = _BY_SUFFIX.get(path.suffix.lower())
    if kind is None or out.suffix.lower() != path.suffix.lower():
        known = f"{', '.join(_BY_SUFFIX)} (Audacity labels)"
        raise EditError(f"{shown(path)} cannot become {shown(out)}: it can be {known}, as before")
    if out.exists() and path.exists() and out.samefile(path):
        raise EditError(f"{shown(out)} is the file to be re-timed: give the output another name")
    text = retimed_file(path, time_map, source)
    try:
        with HiddenFile(out.resolve().parent) as hidden:
            hidden.path.write_text(text, encoding="utf-8", newline="\n")
            hidden.take_name(out.resolve())
    except OSError as error:
        raise disk_error(out, error) from None
    return kind


def _read(path: Path) -> str:
    """The text of a file of any usual encoding."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise EditError(f"{shown(path)} is over {MAX_BYTES >> 20} MB: that is no subtitle file")
        content = path.read_bytes()
    except OSError as error:
        raise EditError(f"{shown(path)} cannot be read: {error.strerror}") from None
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",)
    for encoding in (*encodings, "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("utf-8", "replace")


def _parsed(text: str, *, has_header: bool) -> tuple[str, list[_Cue]]:
    """What stands before the first cue of WebVTT, and the cues of WebVTT or SubRip."""
    header: list[str] = []
    pending: list[str] = []
    cues: list[_Cue] = []
    for block in re.split(r"\n[ \t]*\n+", text.strip("\n")):
        lines = block.strip("\n").split("\n")
        at = next((i for i, line in enumerate(lines[:2]) if _TIMES.fullmatch(line)), None)
        if at is None:
            (pending if cues else header).append(block.strip("\n"))
            continue
        found = _TIMES.fullmatch(lines[at])
        assert found  # noqa: S101 - for mypy: `at` was found by it
        before = "\n".join([*(f"{note}\n" for note in pending if has_header), *lines[:at]])
        pending.clear()
        times = (_seconds(found[1]), _seconds(found[2]))
        cues.append(_Cue(before, *times, found[3] or "", "\n".join(lines[at + 1 :])))
    return "\n\n".join(header) if has_header and header else "WEBVTT", cues


def _retimed(cues: Sequence[_Cue], runs: HeardRuns) -> list[_Cue]:
    found: list[_Cue] = []
    for cue in cues:
        for place in runs.places(cue.start, cue.end, CUE_SHARE):
            lines = _with_inner_times(cue.lines, place)
            found.append(_Cue(cue.before, place.start, place.end, cue.settings, lines))
    return sorted(found, key=lambda cue: cue.start)


def _with_inner_times(lines: str, place: HeardPlace) -> str:
    """The lines of a cue with the times of its words, as WebVTT has them for karaoke."""

    def moved(match: re.Match[str]) -> str:
        return f"<{clock(place.inside(_seconds(match[1])), '.')}>"

    return _INNER.sub(moved, lines)


def _vtt(cue: _Cue) -> str:
    before = f"{cue.before}\n" if cue.before else ""
    times = f"{clock(cue.start, '.')} --> {clock(cue.end, '.')}{cue.settings}"
    return f"{before}{times}\n{cue.lines}"


def _srt(cue: _Cue, number: int) -> str:
    times = f"{clock(cue.start, ',')} --> {clock(cue.end, ',')}{cue.settings}"
    return f"{number}\n{times}\n{cue.lines}"


def _retimed_labels(text: str, runs: HeardRuns) -> Iterator[str]:
    """Lines of labels; a line that begins with a backslash belongs to the label before it."""
    labels: list[tuple[float, float, str]] = []
    for line in text.split("\n"):
        found = _LABEL.fullmatch(line)
        if found:
            start, end = (float(found[i].replace(",", ".")) for i in (1, 2))
            labels.append((start, end, found[3] or "\t"))
        elif line.startswith("\\") and labels:
            start, end, rest = labels[-1]
            labels[-1] = (start, end, f"{rest}\n{line}")
        elif line.strip():
            raise EditError("these are no Audacity labels: each line is start, tab, end, tab, text")
    if not labels:
        raise EditError("there are no Audacity labels in this text")
    found_labels = [
        (place.start, place.end if end > start else place.start, rest)
        for start, end, rest in labels
        for place in runs.places(start, end, CUE_SHARE)
    ]
    for start, end, rest in sorted(found_labels, key=lambda label: label[0]):
        yield f"{start:.6f}\t{end:.6f}{rest}"


def _seconds(clock_text: str) -> float:
    parts = clock_text.replace(",", ".").split(":")
    seconds = 0.0
    for part in parts:
        seconds = seconds * 60 + float(part)
    return seconds
