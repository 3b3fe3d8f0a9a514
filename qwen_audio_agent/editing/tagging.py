"""Which tags the file of a programme gets: those of what it was made of, re-timed."""

from __future__ import annotations

from dataclasses import replace

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.tags.files import losses, read_tags
from qwen_audio_agent.audio.tags.loudness import without_loudness
from qwen_audio_agent.audio.tags.values import Chapter, Tags
from qwen_audio_agent.editing.edit_list import Clip, EditList
from qwen_audio_agent.editing.retiming import retime_tags
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.editing.time_map import TimeMap


def tags_for(
    edit_list: EditList, sources: Sources, container: str, recording: str | None = None
) -> Tags:
    """The tags for the file of a programme, with times in its frames.

    They are those of the recording that most of the programme is from, with the chapters of all.
    What they say of its loudness goes with any edit.

        | jingle | episode | jingle |   ->   tags and chapters of "episode", if it is `recording`

    Args:
        edit_list: the programme.
        sources: where its sounds are.
        container: of the file, such as "MP3".
        recording: id of the one whose tags and chapters alone count, however long the others are.

    Returns:
        Tags; `notes` say what of them could not be read or is not carried over.

    Raises:
        AudioFileError: the recording is gone.
    """
    time_map = TimeMap.of(edit_list, sources.lists)
    source = recording or time_map.most_heard()
    if source is None or source not in sources.files:
        return Tags(time_map.sample_rate)
    file = sources.files[source]
    tags = retime_tags(read_tags(file), time_map, source)
    if recording is None:
        tags = replace(tags, chapters=_with_others(tags, time_map, sources, source))
    if not _is_whole(edit_list, source, file, sources):
        tags = without_loudness(tags)
    return replace(tags, notes=(*tags.notes, *losses(tags, container)))


def _with_others(tags: Tags, time_map: TimeMap, sources: Sources, main: str) -> tuple[Chapter, ...]:
    """The chapters of all recordings in a programme, such as two talks that were joined."""
    chapters = list(tags.chapters)
    used = {stretch.source for stretch in time_map.stretches} & sources.files.keys()
    for source in sorted(used - {main}):
        others = retime_tags(read_tags(sources.files[source]), time_map, source)
        chapters += [replace(chapter, key="") for chapter in others.chapters]
    return tuple(sorted(chapters, key=lambda chapter: chapter.start))


def _is_whole(edit_list: EditList, source: str, file: AudioFile, sources: Sources) -> bool:
    """Whether a programme is all of a recording and nothing else, as loud as it is there."""
    if edit_list.effects:
        return False
    pieces = [clip for clip in edit_list.clips if clip.num_frames]
    if len(pieces) == 1 and pieces[0].source in sources.lists:
        inner = sources.lists[pieces[0].source]
        piece = replace(pieces[0], source=source)
        is_all = piece == Clip(source, 0, inner.num_frames)
        return is_all and _is_whole(inner, source, file, sources)
    ends = [0, *(clip.end for clip in pieces)]
    return (
        edit_list.sample_rate == file.sample_rate
        and ends[-1] == file.num_frames
        and all(
            (clip.source, clip.start, clip.gain_db) == (source, before, 0.0)
            and not (clip.fade_in or clip.fade_out)
            for clip, before in zip(pieces, ends, strict=False)
        )
    )
