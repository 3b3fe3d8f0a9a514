"""Which tags the file of a programme gets: those of what it was made of, re-timed."""

from __future__ import annotations

import logging
from fractions import Fraction

from qwen_audio_agent.audio.tags.files import read_tags
from qwen_audio_agent.audio.tags.values import Tags
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.retiming import retime_tags
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.editing.time_map import TimeMap

_log = logging.getLogger(__name__)


def tags_for(edit_list: EditList, sources: Sources) -> Tags:
    """The tags for the file of a programme, with times in its frames.

    They are those of the recording that most of the programme is from.

    Args:
        edit_list: the programme.
        sources: where its sounds are.

    Returns:
        Tags; `notes` say what of them could not be read or is not carried over.

    Raises:
        AudioFileError: the recording is gone.
    """
    time_map = TimeMap.of(edit_list, sources.lists)
    source = _most_heard(time_map, sources)
    if source is None:
        return Tags(time_map.sample_rate)
    file = sources.files[source]
    tags = retime_tags(read_tags(file), time_map, source)
    for note in tags.notes:
        _log.warning("%s: %s", file.path.name, note)
    return tags


def _most_heard(time_map: TimeMap, sources: Sources) -> str | None:
    """The recording that is heard longest; of equals, the first."""
    lengths: dict[str, Fraction] = {}
    for stretch in time_map.stretches:
        if stretch.source in sources.files:
            length = stretch.end - stretch.start
            lengths[stretch.source] = lengths.get(stretch.source, Fraction(0)) + length
    return max(lengths, key=lengths.__getitem__, default=None)
