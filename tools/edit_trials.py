"""Random edits of recordings through a session, and what became of the sound.

What must be kept is worked out here from the seconds that were asked for, not from the edit list.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from qwen_audio_agent import Session
from qwen_audio_agent.agent.outcome import Step
from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.clicks import JoinMeasure, measure_join, ordinary_measure
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.heard_audio import HeardAudio
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.speech.words import Match, Transcript, Word

ACTIONS = ("cut", "keep", "replace", "move", "silence", "insert")
FADE_S = 0.015
FAR_S = 0.04
ERROR_S = 0.02
OTHER = (0.3, 1.1)
_PLACES = 1000
_SEED = 7


class NamedEar:
    """Hears no words but those that a trial names, at the times that it gives them.

    The edges of a word are then as far off as its error says, and no time is lost by listening.

    Attributes:
        said: start and end in seconds of each phrase.
    """

    name, version, description = "named", "1", "hears what it is told"

    def __init__(self) -> None:
        self.said: dict[str, tuple[float, float]] = {}

    def listen(self, audio: Audio) -> Transcript:
        """No words."""
        return Transcript((), audio.duration)

    def find(self, audio: Audio, phrase: str, heard: Transcript | None = None) -> tuple[Match, ...]:
        """The place of a phrase that was named."""
        del audio, heard
        start, end = self.said[phrase]
        return (Match(phrase, start, end, 1.0, start_error=ERROR_S, end_error=ERROR_S),)

    def align(self, audio: Audio, words: Sequence[str]) -> tuple[Word, ...]:
        """Nobody asks for words where none was heard."""
        raise AssertionError(f"asked to align {words} in {audio.duration:.2f} s")


@dataclass
class Tally:
    """What was counted over all edits.

    Attributes:
        edits: by action.
        kept: samples that had to stay as they were, more than 15 ms from the asked times.
        changed: how many of them differ.
        far_off: edits with an edge over 40 ms from the time that was asked for.
        lengths_off: edits whose length differs by more than edges may move.
        joins: that edits made.
        clicks: joins that click, by a comparison that the editing itself does not make.
        level_steps: joins with a step in level beyond that of 99 % of unedited places.
        round_trips: frames mapped to their source and back.
        lost: frames that did not come back.
        journal_bytes: that each edit added to the session on the disk.
    """

    edits: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    changed: int = 0
    far_off: int = 0
    lengths_off: int = 0
    joins: int = 0
    clicks: int = 0
    level_steps: int = 0
    round_trips: int = 0
    lost: int = 0
    journal_bytes: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Wish:
    """A random edit of Audio 1 in seconds: what is done to [start, end), or at `at`."""

    action: str
    start: float
    end: float
    at: float
    by_word: bool

    @classmethod
    def draw(cls, rng: random.Random, length: float) -> Wish:
        """An edit of a recording of `length` seconds, at least one of them."""
        start = rng.uniform(0.2, length - 0.5)
        end = rng.uniform(start + 0.1, min(start + 2.0, length - 0.2))
        # Edges may move towards each other; a stretch cannot go into itself.
        before, behind = rng.uniform(0.05, start - 0.1), rng.uniform(end + 0.1, length - 0.05)
        at = rng.choice([before, behind])
        action = rng.choice(ACTIONS)
        return cls(action, start, end, at, rng.random() < 0.5 or action in ("replace", "move"))

    @property
    def margin(self) -> float:
        """Seconds beside an asked time in which sound may change."""
        return FADE_S + (ERROR_S if self.by_word else 0.0)

    def added(self) -> float:
        """By how many seconds the recording becomes longer, but for the search of the edges."""
        part = OTHER[1] - OTHER[0]
        gone = self.start - self.end
        return {"cut": gone, "insert": part, "replace": part + gone}.get(self.action, 0.0)

    def touched(self) -> tuple[float, float]:
        """From where to where the programme may differ."""
        if self.action == "insert":
            return self.at, self.at
        if self.action == "move":
            return min(self.start, self.at), max(self.end, self.at)
        return self.start, self.end


@dataclass(frozen=True)
class Bench:
    """A session with one recording to edit and one at another rate to take sound from."""

    session: Session
    ear: NamedEar
    numbers: NDArray[Any]
    sample_rate: int
    ordinary: JoinMeasure

    @classmethod
    def open(cls, folder: Path, path: Path, other: Path) -> Bench:
        """Edit the recording at `path`."""
        ear = NamedEar()
        session = Session.create(folder, [path, other], ear=ear)
        numbers, sample_rate = soundfile.read(path, dtype="int32", always_2d=True)
        audio = session.audio(1)
        whole = audio.read(Span(0, audio.num_frames))
        return cls(session, ear, numbers, sample_rate, ordinary_measure(whole, _PLACES, _SEED))

    def edit(self, rng: random.Random, tally: Tally) -> None:
        """One random edit of Audio 1, checked and counted."""
        wish = Wish.draw(rng, self.session.audio(1).duration)
        journal = self.session.folder / "journal.jsonl"
        before = journal.stat().st_size
        step = self._call(wish)
        tally.journal_bytes.append(journal.stat().st_size - before)
        tally.edits[wish.action] = tally.edits.get(wish.action, 0) + 1
        place = step.places[0]
        asked = (wish.at, wish.at) if wish.action == "insert" else (wish.start, wish.end)
        moved = max(abs(place.start - asked[0]), abs(place.end - asked[1]))
        tally.far_off += moved > FAR_S
        self._check_kept(step, wish, tally)
        made = self.session.audio(step.audio or 1)
        self._check_joins(made, tally)
        _check_map(made, rng, tally)

    def _call(self, wish: Wish) -> Step:
        phrase = f"trial {len(self.ear.said)}"
        at_point = wish.action == "insert"
        self.ear.said[phrase] = (wish.at, wish.at + 0.05) if at_point else (wish.start, wish.end)
        stretch: dict[str, Any] = {"start": wish.start, "end": wish.end}
        where: dict[str, Any] = {"at": wish.at}
        if wish.by_word:
            stretch, where = {"words": phrase}, {"before": phrase}
        taken = {"other": 2, "start": OTHER[0], "end": OTHER[1]}
        arguments = {
            "insert": taken | where,
            "replace": taken | {"words": phrase},
            "move": {"words": phrase, "at": wish.at},
        }
        step: Step = self.session.call(wish.action, audio=1, **arguments.get(wish.action, stretch))
        return step

    def _check_kept(self, step: Step, wish: Wish, tally: Tally) -> None:
        """Compare what lies beside all asked times with the numbers of the file."""
        made = self.session.render(step.audio or 1, self.session.folder / "out.wav")
        now = soundfile.read(made.path, dtype="int32", always_2d=True)[0]
        rate, was = self.sample_rate, self.numbers
        margin = round(wish.margin * rate) + 1
        first, last = (round(time * rate) for time in wish.touched())
        if wish.action == "keep":
            begin, inner = step.places[0].span.start, slice(margin, len(now) - margin)
            expected = float(last - first)
            pairs = [(now[inner], was[begin : begin + len(now)][inner])]
        else:
            expected = len(was) + wish.added() * rate
            head, tail = max(first - margin, 0), max(len(was) - last - margin, 0)
            pairs = [(now[:head], was[:head]), (now[len(now) - tail :], was[len(was) - tail :])]
        # Two edges of a stretch may move, and two of what comes in its place.
        tally.lengths_off += abs(len(now) - expected) > 2 * (wish.margin + FADE_S) * rate
        for left, right in pairs:
            tally.kept += left.size
            tally.changed += int(np.count_nonzero(left != right))

    def _check_joins(self, audio: HeardAudio, tally: Tally) -> None:
        for frame in audio.joins:
            around = audio.around(frame, 0.05)
            measure = measure_join(audio.read(around), frame - around.start)
            tally.joins += 1
            tally.clicks += measure.is_click(self.ordinary)
            tally.level_steps += measure.level_step_db > self.ordinary.level_step_db


def _check_map(audio: HeardAudio, rng: random.Random, tally: Tally) -> None:
    frames = (0, audio.num_frames - 1, *(rng.randrange(audio.num_frames) for _ in range(8)))
    for frame in frames:
        place = audio.time_map.to_source(frame)
        tally.round_trips += 1
        tally.lost += place is None or frame not in audio.time_map.to_programme(*place)


def drift(path: Path, cache: Path, rng: random.Random, num_edits: int = 500) -> int:
    """Samples out of place after hundreds of edits on top of each other.

    Which frame of the recording belongs where is kept beside the edit list as a plain array.
    """
    cache.mkdir()
    file = probe(path)
    sources = Sources(cache)
    sources.add_file("a", file)
    programme = EditList.from_file("a", file)
    frames = np.arange(file.num_frames)
    longest = file.num_frames // (2 * num_edits)
    for _ in range(num_edits):
        start = rng.randrange(programme.num_frames - 2 * longest)
        span = Span(start, start + rng.randint(1, longest))
        inside = frames[span.start : span.end]
        rest = np.delete(frames, slice(span.start, span.end))
        action = rng.choice(("cut", "move", "silence"))
        if action == "cut":
            programme, frames = operations.cut(programme, span), rest
        elif action == "silence":
            programme = operations.silence(programme, span)
            frames = frames.copy()
            frames[span.start : span.end] = -1
        else:
            to = rng.randrange(programme.num_frames - span.num_frames)
            programme = operations.move(programme, span, to + span.num_frames * (to > start))
            frames = np.insert(rest, to, inside)
    if programme.num_frames != len(frames):
        return abs(programme.num_frames - len(frames))
    made = render(programme, sources, cache / "drift.wav")
    now = soundfile.read(made.path, dtype="int32", always_2d=True)[0]
    was = soundfile.read(path, dtype="int32", always_2d=True)[0]
    was = np.concatenate([was, np.zeros_like(was[:1])])
    joins = np.flatnonzero((np.diff(frames) != 1) & ~((frames[1:] == -1) & (frames[:-1] == -1)))
    fade = round(FADE_S * file.sample_rate)
    near = np.zeros(len(frames), bool)
    for join in joins:
        near[max(join + 1 - fade, 0) : join + 1 + fade] = True
    return int(np.count_nonzero((now != was[frames]).any(axis=1) & ~near))
