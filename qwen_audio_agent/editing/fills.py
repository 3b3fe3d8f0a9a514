"""What is heard in the place of a silenced span: the room, or a bleep."""

from __future__ import annotations

import math
from collections.abc import Callable

from qwen_audio_agent.audio.activity import find_activity
from qwen_audio_agent.audio.levels import rms_dbfs
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.editing.edit_list import BLEEP, Clip, EditList
from qwen_audio_agent.editing.operations import keep

_SEARCHED = 30.0
_LONGEST_ROOM = 2.0
_SHORTEST_ROOM = 0.1
_MARGIN = 0.015
_MEASURED = 10.0
_QUIETEST_BLEEP_DB = -50.0
_LOUDEST_BLEEP_DB = -6.0


def room_tone(edit_list: EditList, read: Callable[[Span], Audio], span: Span) -> EditList | None:
    """The quietest stretch without speech near a span, for `silence` to fill it with.

        room_tone       | A | B | . | C |  ->  | . |

    Args:
        edit_list: the programme.
        read: gives the sound of a span of it.
        span: what will be silenced; the room is looked for up to 30 s before and after it.

    Returns:
        A part of the programme, 0.1 to 2 s long, with nobody's voice in the 15 ms beside it, where
        crossfades take sound from; None if somebody speaks all the time.
    """
    rate = edit_list.sample_rate
    reach, margin = round(_SEARCHED * rate), round(_MARGIN * rate)
    end = min(span.end, span.start + reach) + reach
    around = Span(max(span.start - reach, 0), min(end, edit_list.num_frames))
    activity = find_activity(read(around))
    wanted = min(max(span.num_frames / rate, _SHORTEST_ROOM), _LONGEST_ROOM)
    room = activity.quietest(wanted + 2 * _MARGIN)
    if room is None or room.num_frames < (_SHORTEST_ROOM + 2 * _MARGIN) * rate:
        return None
    start, end = around.start + room.start, around.start + room.end
    return keep(edit_list, Span(start + margin, end - margin))


def bleep(edit_list: EditList, read: Callable[[Span], Audio], span: Span) -> EditList:
    """A tone of 1 kHz as loud as the sound of a span, and as long.

        bleep           | A | B | C |  ->  | b |

    Args:
        edit_list: the programme.
        read: gives the sound of a span of it.
        span: what will be covered; its first 10 s are measured.
    """
    measured = Span(
        span.start, min(span.end, span.start + round(_MEASURED * edit_list.sample_rate))
    )
    # A sine is 3 dB louder at its peak than on the whole.
    level_db = rms_dbfs(read(measured)) + 20 * math.log10(math.sqrt(2))
    gain_db = round(min(max(level_db, _QUIETEST_BLEEP_DB), _LOUDEST_BLEEP_DB), 1)
    clip = Clip(BLEEP, 0, span.num_frames, gain_db)
    return EditList((clip,), edit_list.sample_rate, edit_list.num_channels)
