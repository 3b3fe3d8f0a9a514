"""An edit list as a mind hears it: its words come from the recordings that it was made of.

Each recording is heard once, and of a long one no more than is asked for. What an edit list takes
from it keeps the words that were heard there, at new times; only where an edit went through a word,
or put words beside each other that were apart, is the new sound listened to.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from qwen_audio_agent.audio.activity import Activity, find_activity
from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.samples import Audio, Span, frame_at
from qwen_audio_agent.editing.clicks import JoinMeasure, ordinary_measure
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.render import read_programme
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.editing.time_map import Stretch, TimeMap
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.text import normalise
from qwen_audio_agent.speech.words import Match, Transcript, Word

AROUND = 2.0
"""Seconds that are listened to on each side of a join."""
_BLOCK_SECONDS = 10
_ORDINARY_SECONDS = 20.0
_TOUCHED = 0.03
_WORD = 0.5
_WHOLE = Fraction(85, 100)
_MAX_SEARCHED_JOINS = 12


class HeardAudio:
    """An edit list with its sound and its words; what a chat model's `Hearable` is here.

    Args:
        edit_list: the programme.
        sources: where its sounds are.
        listener: who listens.
    """

    def __init__(self, edit_list: EditList, sources: Sources, listener: Listener) -> None:
        self.edit_list = edit_list
        self._sources = sources
        self._listener = listener
        self._found: dict[str, tuple[Match, ...]] = {}

    @property
    def sample_rate(self) -> int:
        return self.edit_list.sample_rate

    @property
    def num_channels(self) -> int:
        return self.edit_list.num_channels

    @property
    def num_frames(self) -> int:
        return self.edit_list.num_frames

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.edit_list.duration

    @cached_property
    def time_map(self) -> TimeMap:
        """Between the frames of this audio and those of the recordings."""
        return TimeMap.of(self.edit_list, self._sources.lists)

    @cached_property
    def ordinary(self) -> JoinMeasure:
        """How much speech that nobody has cut stands out from itself here."""
        reach = frame_at(_ORDINARY_SECONDS / 2, self.sample_rate)
        middle = self.num_frames // 2
        span = Span(max(0, middle - reach), min(self.num_frames, middle + reach))
        return ordinary_measure(self.read(span))

    @cached_property
    def activity(self) -> Activity:
        """Where somebody speaks, to the signal."""
        return find_activity(self.blocks())

    @cached_property
    def joins(self) -> tuple[int, ...]:
        """Frames at which sounds meet that did not follow each other."""
        return tuple(math.ceil(stretch.start) for stretch in self.time_map.stretches[1:])

    def read(self, span: Span) -> Audio:
        """The sound of a span of frames, as it would be rendered."""
        return read_programme(self.edit_list, self._sources, span)

    def stretch(self, start: float, end: float) -> Audio:
        """The sound from `start` to `end` seconds."""
        return self.read(Span.from_seconds(start, end, self.sample_rate))

    def blocks(self, span: Span | None = None) -> Iterator[Audio]:
        """The sound of a span of frames, or all of it, some seconds at a time."""
        span = span or Span(0, self.num_frames)
        length = _BLOCK_SECONDS * self.sample_rate
        for start in range(span.start, span.end, length):
            yield self.read(Span(start, min(start + length, span.end)))

    def around(self, frame: int, seconds: float = AROUND) -> Span:
        """The span of `seconds` on each side of a frame, as far as there is sound."""
        reach = frame_at(seconds, self.sample_rate)
        return Span(max(0, frame - reach), min(self.num_frames, frame + reach))

    def transcript(self) -> Transcript:
        """The words of the whole audio, in seconds of this audio."""
        return self._transcript

    def words_between(self, start: float, end: float) -> tuple[Word, ...]:
        """The words that are heard in [start, end) seconds, and no more than that listened to."""
        start, end = max(0.0, start), min(end, self.duration)
        if start >= end:
            return ()
        # A word that is said at the border may reach over it.
        first, last = max(0.0, start - _WORD), min(end + _WORD, self.duration)
        return self._listened(Span.from_seconds(first, last, self.sample_rate)).between(start, end)

    def remembered(self) -> tuple[Word, ...]:
        """The words of this audio as far as somebody listened before; listens to nothing."""
        recordings = self._recordings()
        known = {name: self._listener.remembered(file) for name, file in recordings}
        return self.time_map.retime(known).words

    def find(self, phrase: str) -> tuple[Match, ...]:
        """The places where a phrase is said, best first, the doubtful ones flagged."""
        if phrase not in self._found:
            matches = [*self._found_in_recordings(phrase), *self._found_at_joins(phrase)]
            matches.sort(key=lambda match: (match.doubtful, -match.probability, match.start))
            self._found[phrase] = tuple(matches)
        return self._found[phrase]

    @cached_property
    def _transcript(self) -> Transcript:
        return self._listened(Span(0, self.num_frames))

    def _listened(self, span: Span) -> Transcript:
        """What is heard in a span of frames; words elsewhere may be missing."""
        heard = self._heard(span)
        known = self.time_map.retime(heard)
        words = known.words
        for join, broken in self._broken(span, heard).items():
            words = self._listened_again(words, join, broken)
        return replace(known, words=words)

    def _heard(self, span: Span) -> dict[str, Transcript]:
        """What was heard in those parts of recordings that a span of this audio is made of."""
        heard = {}
        for name, file in self._recordings():
            scale = Fraction(file.sample_rate, self.sample_rate)
            parts = [
                Span(math.floor(start * scale), math.ceil(end * scale))
                for source, start, end in self._sources_of(span)
                if source == name
            ]
            if parts:
                heard[name] = self._listener.transcribe(file, *parts)
        return heard

    def _sources_of(self, span: Span) -> Iterator[tuple[str, Fraction, Fraction]]:
        """The sources that are heard in a span, each from which place of it to which."""
        for stretch in self.time_map.stretches:
            start = max(stretch.start, Fraction(span.start))
            end = min(stretch.end, Fraction(span.end))
            if start < end:
                yield stretch.source, stretch.to_source(start), stretch.to_source(end)

    def _recordings(self) -> list[tuple[str, AudioFile]]:
        used = {stretch.source for stretch in self.time_map.stretches}
        return sorted((name, file) for name, file in self._sources.files.items() if name in used)

    def _broken(self, span: Span, heard: Mapping[str, Transcript]) -> dict[int, Span]:
        """The joins in a span that go through a word, each with the span of what is left of it."""
        broken = {}
        for left, right in pairwise(self.time_map.stretches):
            join = math.ceil(right.start)
            if not span.start <= join <= span.end:
                continue
            before = self._half(heard, left.source, left.source_end, is_left=True)
            after = self._half(heard, right.source, right.source_start, is_left=False)
            if before or after:
                broken[join] = Span(max(0, join - before), min(self.num_frames, join + after))
        return broken

    def _half(
        self, heard: Mapping[str, Transcript], source: str, place: Fraction, *, is_left: bool
    ) -> int:
        """How many frames of the word said at a place of a recording lie on one side of it."""
        at = float(place / self.sample_rate)
        for word in heard[source].words if source in heard else ():
            if word.start + _TOUCHED < at < word.end - _TOUCHED:
                return frame_at(at - word.start if is_left else word.end - at, self.sample_rate)
        return 0

    def _listened_again(self, words: tuple[Word, ...], join: int, broken: Span) -> tuple[Word, ...]:
        """`words` with those in the broken span as they sound now."""
        span = self.around(join)
        offset = span.start / self.sample_rate
        start, end = broken.seconds(self.sample_rate)
        heard = self._listener.listen(self.read(span)).words
        fresh = [w.shift(offset) for w in heard]
        fresh = [w for w in fresh if start <= (w.start + w.end) / 2 < end]
        kept = [w for w in words if not start <= (w.start + w.end) / 2 < end]
        kept = [w for w in kept if all(w.end <= f.start or w.start >= f.end for f in fresh)]
        return tuple(sorted([*kept, *fresh], key=lambda word: word.start))

    def _found_in_recordings(self, phrase: str) -> Iterator[Match]:
        for name, file in self._recordings():
            stretches = [s for s in self.time_map.stretches if s.source == name]
            for match in self._listener.find(file, phrase):
                for stretch in stretches:
                    yield from self._retimed(match, stretch)

    def _retimed(self, match: Match, stretch: Stretch) -> Iterator[Match]:
        """The match at its new time, if the stretch holds nearly all of it."""
        rate = self.sample_rate
        start = max(Fraction(match.start) * rate, stretch.source_start)
        end = min(Fraction(match.end) * rate, stretch.source_end)
        if end - start > _WHOLE * Fraction(match.end - match.start) * rate:
            places = (stretch.to_programme(start) / rate, stretch.to_programme(end) / rate)
            yield replace(match, start=float(places[0]), end=float(places[1]))

    def _found_at_joins(self, phrase: str) -> Iterator[Match]:
        """Matches that reach over a join: of words, or halves of words, that became neighbours."""
        for join in self._joins_to_search(phrase):
            span = self.around(join)
            offset, at = span.start / self.sample_rate, join / self.sample_rate
            for match in self._listener.find_in(self.read(span), phrase):
                start, end = match.start + offset, match.end + offset
                if start < at - _TOUCHED and end > at + _TOUCHED:
                    yield replace(match, start=start, end=end)

    def _joins_to_search(self, phrase: str) -> list[int]:
        """Searching costs as much as listening: of many joins only those near one of the words."""
        wanted = set(normalise(phrase))
        whole = Span(0, self.num_frames)
        if len(wanted) < 2:
            return list(self._broken(whole, self._heard(whole)))
        if len(self.joins) <= _MAX_SEARCHED_JOINS:
            return list(self.joins)
        searched = []
        for join in self.joins:
            start, end = self.around(join).seconds(self.sample_rate)
            near = {
                token for w in self._transcript.between(start, end) for token in normalise(w.text)
            }
            if near & wanted:
                searched.append(join)
        return searched
