"""Turn an edit list into a file, or into sound in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile

from qwen_audio_agent.audio.bit_rates import bit_rate_of, codec_of
from qwen_audio_agent.audio.files import AudioFile, AudioWriter, same_file
from qwen_audio_agent.audio.formats import (
    Coding,
    container_for,
    keeps_numbers,
    num_bits,
    shown,
    to_dtype,
    to_float32,
    usual_subtype,
)
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.audio.tags.values import Tags
from qwen_audio_agent.audio.writing import check_output
from qwen_audio_agent.editing.coded_peaks import AboveCeilingError, CodedPeaks, show_decoded
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.programme import programme_blocks
from qwen_audio_agent.editing.sources import Sources, file_numbers
from qwen_audio_agent.editing.tagging import tags_for
from qwen_audio_agent.errors import EditError

if TYPE_CHECKING:  # it brings scipy
    from qwen_audio_agent.audio.levels import Meter

_METERED_FRAMES: Final = 65_536


def render(  # noqa: PLR0913 - all that a file can be asked to be
    edit_list: EditList,
    sources: Sources,
    path: Path,
    *,
    container: str | None = None,
    subtype: str | None = None,
    tags: Tags | Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
    open_meter: Callable[[], Meter] | None = None,
) -> AudioFile:
    """Write the sound of an edit list to a file, in constant memory.

        render          | A x C | of a recording  ->  a file

    Kept stretches are copied in the numbers of their own file, and a lossy file of files of its
    codec has the highest of their bit rates. The new file appears whole or not at all. Where the
    last effect promises a ceiling for peaks, a lossy file keeps it when decoded.

    Args:
        edit_list: what to write.
        sources: where its sounds are.
        path: the new file; a file of that name is replaced, unless it is a source.
        container: such as "WAV"; by default what the suffix of `path` says.
        subtype: such as "PCM_24"; by default that of the recording the edit list starts with, or
            the nearest that the container can hold.
        tags: for the file; by default what `tags_for` says: those of the recording that most of it
            is from, with chapters where their sound is now.
        progress: told now and then how much is done, 0 to 1.
        open_meter: makes what is shown the sound, float32, as it will be read from the file; anew
            where the file must be written again.

    Returns:
        What was written, with notes on tags that were not carried over. `probe` it to read from
        it: a lossy codec may change its length.

    Raises:
        EditError: `path` is one of the sources, a clip lies outside its source, or there is no
            sound.
        AudioFileError: a source cannot be read, or such a file cannot be written.
        DiskError: the disk is full, or takes nothing.
    """
    if any(same_file(path, file.path) for file in sources.files.values()):
        raise EditError(f"{shown(path)} is a source of this edit: give the output another name")
    rate, num_channels, total = edit_list.sample_rate, edit_list.num_channels, edit_list.num_frames
    if not total:
        raise EditError("there is nothing to write: this edit list is empty")
    main = sources.main_file(edit_list)
    container = container or container_for(path)
    subtype = subtype or _nearest_subtype(main, container, usual_subtype(path, container))
    if tags is None:
        tags = tags_for(edit_list, sources, container)
    elif not isinstance(tags, Tags):
        tags = Tags.of(tags)
    made = AudioFile(path, rate, num_channels, total, container, subtype, tags.texts())
    made = replace(made, notes=tags.notes)
    _write_below_ceiling(made, edit_list, sources, tags, progress, open_meter)
    return made


def _write_below_ceiling(
    made: AudioFile,
    edit_list: EditList,
    sources: Sources,
    tags: Tags,
    progress: Callable[[float], None] | None,
    open_meter: Callable[[], Meter] | None,
) -> None:
    """Write a file, again with more room for peaks while its decoded ones are above the ceiling."""
    peaks = CodedPeaks.for_list(edit_list, made.subtype)
    opened: Callable[[], Meter | None] = open_meter or (lambda: None)
    if peaks is None:
        _write(made, edit_list, sources, tags, progress, None, opened())
        return
    while True:
        try:
            _write(made, peaks.edit_list, sources, tags, progress, peaks, opened())
            return
        except AboveCeilingError as error:
            peaks.more(error.excess_db)


def _write(
    made: AudioFile,
    edit_list: EditList,
    sources: Sources,
    tags: Tags,
    progress: Callable[[float], None] | None,
    peaks: CodedPeaks | None,
    meter: Meter | None,
) -> None:
    rate, num_channels = made.sample_rate, made.num_channels
    blocks = sources.stream(edit_list)
    bit_rate = _bit_rate(made, sources.files_of(edit_list))
    check = None
    if not keeps_numbers(made.subtype):
        check = _decoding_check(peaks, meter)
        meter = None
    how = (made.container, made.subtype, tags, check, bit_rate)
    with AudioWriter(made.path, rate, num_channels, *how) as writer:
        done = 0
        for block in blocks:
            numbers = to_dtype(block, made.subtype)
            writer.write(numbers)
            if meter:
                # Blocks are long, and a meter makes several of each.
                for start in range(0, block.shape[1], _METERED_FRAMES):
                    meter.push(to_float32(numbers[:, start : start + _METERED_FRAMES]))
            done += block.shape[1]
            if progress:
                progress(done / made.num_frames)
        sources.check()


def _decoding_check(peaks: CodedPeaks | None, meter: Meter | None) -> Callable[[Path], None] | None:
    """What listens to a coded file before it appears, in one decoding."""
    if peaks:
        return partial(peaks.check, meter=meter)
    return partial(show_decoded, meter=meter) if meter else None


def _bit_rate(made: AudioFile, files: Collection[AudioFile]) -> int | None:
    """The highest of files of its codec, as for its channels; None if others go in as well."""
    codec = codec_of(made.container, made.subtype)
    if {codec_of(file.container, file.subtype) for file in files} != {codec}:
        return None
    rates = [bit_rate_of(file) for file in files]
    if None in rates:
        return None
    more = [max(1, made.num_channels // file.num_channels) for file in files]
    return max(rate * times for rate, times in zip(rates, more, strict=True) if rate)


def check_rendering(path: Path, main: AudioFile) -> None:
    """Refuse a file that could not hold the sound of a recording, before anything is made for it.

    Args:
        path: the new file that `render` is to write.
        main: the recording that its edit list starts with, of the same rate and channels.

    Raises:
        AudioFileError: it could not be written, or its format does not hold such sound.
        DiskError: the disk is full.
    """
    container = container_for(path)
    subtype = _nearest_subtype(main, container, usual_subtype(path, container))
    check_output(path, Coding(container, subtype, main.sample_rate, main.num_channels))


def read_programme(edit_list: EditList, sources: Sources, span: Span) -> Audio:
    """The sound of a span of the programme, after its effects, as `render` would write it.

    Args:
        edit_list: the programme; one with effects is rendered into the cache of `sources` first.
        sources: where its sounds are.
        span: frames of the programme.

    Raises:
        EditError: the span or a clip lies outside.
    """
    if span.end > edit_list.num_frames:
        raise EditError(
            f"the audio has {edit_list.num_frames} frames; a span cannot end at {span.end}"
        )
    if edit_list.effects:
        shape = (edit_list.sample_rate, edit_list.num_channels)
        numbers = file_numbers(sources.open(sources.add_list(edit_list), *shape), span)
    else:
        numbers = programme_blocks(edit_list, sources, span)
    blocks = [to_float32(block) for block in numbers]
    silence = np.empty((edit_list.num_channels, 0), np.float32)
    return Audio(np.concatenate([silence, *blocks], axis=1), edit_list.sample_rate)


def _nearest_subtype(main: AudioFile | None, container: str, default: str) -> str:
    """The subtype of a recording, or the one of the container that loses least of it."""
    if main is None:
        return default
    if container == main.container:
        # Layers I and II of MPEG are read only.
        return default if container == "MP3" else main.subtype
    bits = num_bits(main.subtype)
    is_lossless = bits is not None or main.subtype in ("FLOAT", "DOUBLE")
    if not is_lossless or num_bits(default) is None:
        return default
    deep_enough = [n for n in ("PCM_16", "PCM_24", "PCM_32") if (num_bits(n) or 0) >= (bits or 32)]
    for name in (main.subtype, *deep_enough, "PCM_24"):
        if soundfile.check_format(container, name):
            return name
    return default
