"""Where the sounds of edit lists are: recordings, and edit lists rendered once into a cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from qwen_audio_agent.audio.files import (
    AudioFile,
    AudioWriter,
    content_hash,
    open_reader,
    probe,
)
from qwen_audio_agent.audio.formats import Numbers, to_float32
from qwen_audio_agent.audio.hidden_file import disk_error
from qwen_audio_agent.audio.resampling import resample_blocks, resampled_frames
from qwen_audio_agent.audio.samples import Audio, Samples, Span, to_mono
from qwen_audio_agent.editing.edit_list import BLEEP, SILENCE, EditList
from qwen_audio_agent.editing.programme import BLOCK_FRAMES, programme_blocks
from qwen_audio_agent.errors import EditError

if TYPE_CHECKING:
    from qwen_audio_agent.editing.effects import OpenBlocks

ENDLESS = 1 << 62
"""Length in frames of `SILENCE` and `BLEEP`."""
MAX_HOURS = 100
"""Of one programme; an insertion of an audio into itself doubles it, and may be asked for often."""
MAX_CLIPS = 50_000
"""Of one programme."""
MAX_NESTED = 100
"""Edit lists inside each other: an edit of an audio that has an effect adds one."""
# Goes up when the same edit list would be rendered to other numbers than before.
_CACHE_VERSION = 3


class Sources:
    """The recordings and edit lists that clips refer to, by id.

    Files in the cache are named by what they hold: their source's sound and what was done to it.

    Args:
        cache_folder: is made when it is needed.
        progress: told how much of a sound that is being made for the cache is done, 0 to 1.
        check: called before a file that was made of them takes its name; raises if one of them is
            not what it was.
    """

    def __init__(
        self,
        cache_folder: Path,
        progress: Callable[[float], None] | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._cache_folder = cache_folder
        self._progress = progress
        self.check = check
        self._files: dict[str, AudioFile] = {}
        self._lists: dict[str, EditList] = {}
        self._hashes: dict[str, str] = {}
        self._depths: dict[str, int] = {}

    @property
    def files(self) -> Mapping[str, AudioFile]:
        """The recordings by id."""
        return MappingProxyType(self._files)

    @property
    def lists(self) -> Mapping[str, EditList]:
        """The edit lists by id."""
        return MappingProxyType(self._lists)

    def add_file(self, source: str, file: AudioFile) -> None:
        """Let clips refer to a recording as `source`."""
        self._files[source] = file
        self._hashes.clear()

    def add_list(self, edit_list: EditList) -> str:
        """Let clips refer to an edit list by its id, which is returned.

        Raises:
            EditError: it is larger than what is worked on.
        """
        if edit_list.id not in self._lists:
            self._depths[edit_list.id] = self._checked_depth(edit_list)
            self._lists[edit_list.id] = edit_list
        return edit_list.id

    def num_frames(self, source: str, sample_rate: int) -> int:
        """Length of a source at a rate in Hz.

        Raises:
            EditError: no such source.
        """
        if source in (SILENCE, BLEEP):
            return ENDLESS
        sound = self._find(source)
        return resampled_frames(sound.num_frames, sound.sample_rate, sample_rate)

    def open(self, source: str, sample_rate: int, num_channels: int) -> AudioFile:
        """A source as a file of the rate and number of channels that are asked for.

        A recording that has them is given as it is. Everything else is made once and kept in the
        cache, without loss: resampled, one channel copied to many or many averaged to one, an edit
        list rendered with its effects.

        Raises:
            EditError: no such source.
            AudioFileError: a recording cannot be read.
            DiskError: the cache cannot be written.
        """
        sound = self._find(source)
        as_it_is = (sound.sample_rate, sound.num_channels) == (sample_rate, num_channels)
        if isinstance(sound, AudioFile) and as_it_is:
            return sound
        path = self._cache_path(source, sample_rate, num_channels)
        if not path.exists():
            self._make_folder()
            subtype = "DOUBLE" if self._is_wide(source) else "FLOAT"
            with AudioWriter(path, sample_rate, num_channels, "WAV", subtype) as writer:
                self._make(source, writer, sample_rate, num_channels)
                self.check()
        return probe(path)

    def main_file(self, edit_list: EditList) -> AudioFile | None:
        """The recording that an edit list starts with: its output has the same format."""
        for clip in edit_list.clips:
            if clip.source in self._files:
                return self._files[clip.source]
            if clip.source in self._lists:
                found = self.main_file(self._lists[clip.source])
                if found:
                    return found
        return None

    def files_of(self, edit_list: EditList) -> list[AudioFile]:
        """The recordings that an edit list is made of, each once."""
        found: dict[str, AudioFile] = {}
        for source in dict.fromkeys(clip.source for clip in edit_list.clips):
            if source in self._files:
                found[source] = self._files[source]
            elif source in self._lists:
                found |= {str(file.path): file for file in self.files_of(self._lists[source])}
        return list(found.values())

    def stream(self, edit_list: EditList) -> Iterator[Numbers]:
        """All of an edit list, with its effects, for who reads it once: the cache does not grow.

        Raises:
            EditError: it is larger than what is worked on, or a clip lies outside its source.
            AudioFileError: a recording cannot be read.
            DiskError: the cache cannot be written.
        """
        if not edit_list.effects:
            return programme_blocks(edit_list, self)
        source = self.add_list(edit_list)
        path = self._cache_path(source, edit_list.sample_rate, edit_list.num_channels)
        if path.exists():
            return file_numbers(probe(path))
        self._make_folder()
        return self._rendered(edit_list)

    def _make_folder(self) -> None:
        try:
            self._cache_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(self._cache_folder, error) from None

    def _rendered(self, edit_list: EditList) -> Iterator[Numbers]:
        """The sound of an edit list with its effects, block by block; (channels, frames)."""
        if not edit_list.effects:
            return programme_blocks(edit_list, self)
        # Effects bring scipy, which a rendering without them does not wait for.
        from qwen_audio_agent.editing.effects import make_effect
        from qwen_audio_agent.editing.effects.chain import chained

        rate, num_channels = edit_list.sample_rate, edit_list.num_channels
        made = self._made_before(edit_list)
        calls = edit_list.effects[len(made.effects) :]
        file = self.open(self.add_list(made), rate, num_channels) if made.effects else None

        def open_blocks() -> Iterator[Samples]:
            numbers = file_numbers(file) if file else programme_blocks(made, self)
            return (to_float32(block) for block in numbers)

        def sound_of(source: str) -> OpenBlocks:
            opened = self.open(source, rate, num_channels)
            return lambda: (to_float32(block) for block in file_numbers(opened))

        effects = [make_effect(call, sound_of) for call in calls]
        return chained(effects, open_blocks, rate, num_channels, self._cache_folder)

    def _made_before(self, edit_list: EditList) -> EditList:
        """The list with as many of its effects as the cache has the sound of."""
        for num_effects in range(len(edit_list.effects) - 1, 0, -1):
            before = replace(edit_list, effects=edit_list.effects[:num_effects])
            source = self.add_list(before)
            if self._cache_path(source, before.sample_rate, before.num_channels).exists():
                return before
        return replace(edit_list, effects=())

    def _checked_depth(self, edit_list: EditList) -> int:
        """How many lists are inside each other, this one included."""
        depth = 1 + max((self._depths.get(name, 0) for name in edit_list.sources), default=0)
        for what, size, most in (
            ("hours", edit_list.duration / 3600, MAX_HOURS),
            ("pieces", len(edit_list.clips), MAX_CLIPS),
            ("edits and effects by turns", depth, MAX_NESTED),
        ):
            if size > most:
                raise EditError(
                    f"this would be an audio of {size:.4g} {what}; {most} are the most: "
                    "save what there is, and begin a new session with it"
                )
        return depth

    def _find(self, source: str) -> AudioFile | EditList:
        found = self._files.get(source) or self._lists.get(source)
        if found is None:
            known = ", ".join([*self._files, *self._lists]) or "none"
            raise EditError(f"there is no source {source!r}; the sources are {known}")
        return found

    def _is_wide(self, source: str) -> bool:
        """Whether the numbers of a source have more than the 24 bits that float32 holds."""
        if source in self._files:
            return self._files[source].subtype in ("PCM_32", "DOUBLE")
        if source not in self._lists:
            return False
        edit_list = self._lists[source]
        return not edit_list.effects and any(self._is_wide(c.source) for c in edit_list.clips)

    def _cache_path(self, source: str, sample_rate: int, num_channels: int) -> Path:
        content = [_CACHE_VERSION, self._content(source), sample_rate, num_channels]
        name = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]
        return self._cache_folder / f"{name}.wav"

    def _content(self, source: str) -> str:
        """A hash of what a source sounds like: a file's bytes, or a list and all that it needs."""
        if source not in self._hashes:
            if source in self._files:
                self._hashes[source] = content_hash(self._files[source].path)
            elif source in self._lists:
                used = self._lists[source].sources
                content = json.dumps([source, *map(self._content, used)])
                self._hashes[source] = hashlib.sha256(content.encode()).hexdigest()
        return self._hashes.get(source, source)

    def _make(self, source: str, writer: AudioWriter, sample_rate: int, num_channels: int) -> None:
        sound = self._find(source)
        native = file_numbers(sound) if isinstance(sound, AudioFile) else self._rendered(sound)
        blocks = _with_channels(native, num_channels)
        if sound.sample_rate != sample_rate:
            blocks = _resampled(blocks, sound.sample_rate, sample_rate)
        done, total = 0, self.num_frames(source, sample_rate)
        for block in blocks:
            writer.write(block)
            done += block.shape[1]
            if self._progress:
                self._progress(done / total)


def file_numbers(file: AudioFile, span: Span | None = None) -> Iterator[Numbers]:
    """A file, or a span of it, in its own numbers, block by block; (channels, frames)."""
    span = Span(0, file.num_frames) if span is None else span
    with open_reader(file) as reader:
        for start in range(span.start, span.end, BLOCK_FRAMES):
            yield reader.read(Span(start, min(start + BLOCK_FRAMES, span.end)), file.dtype)


def _with_channels(blocks: Iterator[Numbers], num_channels: int) -> Iterator[Numbers]:
    """Give blocks another number of channels: one is copied, several are averaged first."""
    for block in blocks:
        if block.shape[0] == num_channels:
            yield block
        elif block.shape[0] == 1:
            yield np.repeat(block, num_channels, axis=0)
        else:
            yield np.repeat(to_mono(to_float32(block)), num_channels, axis=0)


def _resampled(blocks: Iterator[Numbers], sample_rate: int, new_rate: int) -> Iterator[Numbers]:
    audio = (Audio(to_float32(block), sample_rate) for block in blocks)
    return (block.samples for block in resample_blocks(audio, new_rate))
