"""Peaks of what a lossy codec makes of a programme, if a ceiling for them was promised.

A codec keeps the spectrum, not the waveform: decoded peaks stand up to 1.4 dB above those that went
in. So the effect that limits the programme leaves more room, the coded file is decoded and
measured, and if that was not enough, it leaves still more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qwen_audio_agent.audio.files import AudioFile, decoded_once
from qwen_audio_agent.audio.formats import num_bits, to_float32
from qwen_audio_agent.audio.samples import Samples
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.errors import EditError

if TYPE_CHECKING:  # it brings scipy
    from qwen_audio_agent.audio.levels import Meter

_MOST_TRIES: Final = 5
_SPARE_DB: Final = 0.1
_LOWEST_DB: Final = -20.0  # that a limiter takes
# Measured on normalised speech at -16 to -14 LUFS: 0.8, 0.7, 0.7 and 0.6 dB in 10 s; more in hours.
_FIRST_HEADROOM_DB: Final = {"MPEG_LAYER_III": 1.2, "VORBIS": 1.0, "OPUS": 1.0, "AAC": 1.0}


class AboveCeilingError(Exception):
    """A coded file has peaks above the ceiling; for the next try only."""

    def __init__(self, excess_db: float) -> None:
        super().__init__(f"{excess_db:.2f} dB")
        self.excess_db = excess_db


class CodedPeaks:
    """Keeps the peaks of a coded file below a ceiling, and its loudness where it was asked for.

    Attributes:
        edit_list: what goes into the codec: its last effect, which limits, has a lower ceiling.
        ceiling_db: true peaks that were promised, in dBTP.
    """

    def __init__(self, edit_list: EditList, ceiling_db: float, subtype: str) -> None:
        self.ceiling_db = ceiling_db
        self._asked = edit_list
        self._headroom_db = _FIRST_HEADROOM_DB.get(subtype, max(_FIRST_HEADROOM_DB.values()))
        self._tries = 1

    @classmethod
    def for_list(cls, edit_list: EditList, subtype: str) -> CodedPeaks | None:
        """What an edit list promises; None if it promises nothing, or the file will keep it so."""
        if num_bits(subtype) is not None or subtype in ("FLOAT", "DOUBLE"):
            return None
        if not edit_list.effects:
            return None
        # Effects bring scipy, which a rendering without them does not wait for.
        from qwen_audio_agent.editing.effects import Limiter, Normalize, make_effect

        last = make_effect(edit_list.effects[-1])
        if not isinstance(last, Limiter | Normalize):
            return None
        return cls(edit_list, last.true_peak_db, subtype)

    @property
    def edit_list(self) -> EditList:
        *before, last = self._asked.effects
        lower = max(self.ceiling_db - self._headroom_db, _LOWEST_DB)
        settings = dict(last.settings) | {"true_peak_db": lower}
        lowered = replace(last, settings=tuple(settings.items()))
        return replace(self._asked, effects=(*before, lowered))

    def check(self, path: Path, meter: Meter | None = None) -> None:
        """Decode a file and measure it.

        Args:
            path: of the file.
            meter: is shown the sound, too.

        Raises:
            AboveCeilingError: it has peaks above the ceiling.
        """
        from qwen_audio_agent.audio.levels import decibels, ratio
        from qwen_audio_agent.editing.effects.limiter import highest_peak

        file, blocks = _decoded(path, meter)
        peak = highest_peak(blocks, ratio(self.ceiling_db), file.sample_rate, file.num_channels)
        if decibels(peak) > self.ceiling_db:
            raise AboveCeilingError(decibels(peak) - self.ceiling_db)

    def more(self, excess_db: float) -> None:
        """Leave more room, after a try.

        Raises:
            EditError: there were enough tries.
        """
        self._tries += 1
        if self._tries > _MOST_TRIES:
            raise EditError(
                f"this codec does not keep peaks below {self.ceiling_db:g} dBTP; "
                "choose a lower true_peak_db, or flac"
            )
        self._headroom_db += excess_db + _SPARE_DB


def show_decoded(path: Path, meter: Meter) -> None:
    """Decode a file, and show a meter its sound."""
    for _ in _decoded(path, meter)[1]:
        pass


def _decoded(path: Path, meter: Meter | None) -> tuple[AudioFile, Iterator[Samples]]:
    """What a file is, and its sound, which passes the meter."""
    from qwen_audio_agent.editing.effects.effect import recut

    file, numbers = decoded_once(path)

    def passing() -> Iterator[Samples]:
        # Blocks of a decoder are so short that a meter would take longer for them.
        for block in recut(map(to_float32, numbers), file.sample_rate, file.num_channels):
            if meter:
                meter.push(block)
            yield block

    return file, passing()
