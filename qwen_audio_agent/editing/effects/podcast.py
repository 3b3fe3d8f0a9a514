"""The chain that makes a podcast of a recording of speech."""

from __future__ import annotations

from typing import Final

from qwen_audio_agent.editing.edit_list import EffectCall

LIGHT: Final = 0.6
"""Strength of denoise that leaves some of the room: noise goes down by up to 8 dB."""

OVER_LOUDNESS_DB: Final = 3.0
USUAL_THRESHOLD_DB: Final = -24.0


def podcast_effects(
    *,
    loudness_lufs: float | None = None,
    denoise: float = LIGHT,
    lufs: float | None = None,
    true_peak_db: float = -1.0,
) -> tuple[EffectCall, ...]:
    """Hum and rumble out, noise down, sharp s and loud passages tamed, to the usual loudness.

        hum -> highpass -> denoise -> deess -> compress -> normalize

    Put them on an edit list with `dataclasses.replace(edit_list, effects=podcast_effects(...))`, or
    one by one with `operations.apply_effect`: rendering does all in one pass.

    Args:
        loudness_lufs: of the recording as it is: the compressor begins 3 dB above it; None lets it
            begin at -24 dBFS.
        denoise: strength, 0 to 1; 0 leaves denoise out.
        lufs: loudness to reach; None is -16 LUFS, -19 in mono.
        true_peak_db: ceiling of the peaks, in dBTP.
    """
    threshold = USUAL_THRESHOLD_DB
    if loudness_lufs is not None:
        threshold = min(max(loudness_lufs + OVER_LOUDNESS_DB, -60.0), -10.0)
    # The last one sets the loudness: the compressor need not measure what it takes.
    compress = EffectCall("compress", (("threshold_db", threshold), ("makeup_db", 0.0)))
    loudness = [("true_peak_db", true_peak_db)] + ([] if lufs is None else [("lufs", lufs)])
    calls = [EffectCall("hum"), EffectCall("highpass")]
    if denoise > 0:
        calls.append(EffectCall("denoise", (("strength", denoise),)))
    return (*calls, EffectCall("deess"), compress, EffectCall("normalize", tuple(loudness)))
