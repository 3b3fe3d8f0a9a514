"""The tokens that no text becomes by itself: roles, tasks, languages, times, and audio.

Source: QwenLM/Qwen-Audio, tokenization_qwen.py, at 0b0e882e; their order decides their ids.
"""

from __future__ import annotations

from typing import Final

END_OF_TEXT: Final = "<|endoftext|>"
IM_START: Final = "<|im_start|>"
IM_END: Final = "<|im_end|>"
AUDIO_PLACEHOLDER: Final = "[[[AUDIO:modality]]]"
AUDIO_START: Final = "<audio>"
AUDIO_END: Final = "</audio>"
LANGUAGES: Final = ("en", "zh", "de", "es", "ko", "fr", "ja", "it")

_TASKS = "startoftranscript startofanalysis translate transcribe caption keyword unknown"
_TIMES_AND_SILENCE = "zh_tr notimestamps sil timestamps"
_INSTRUCTIONS = (
    "caption_audiocaps caption_clotho audioset_ontology caption_plain itn wo_itn "
    "startofentityvalue endofentityvalue startofentitytype endofentitytype "
    "named_entity_recognition audio_grounding startofword endofword delim emotion_recognition "
    "music_description note_analysis pitch"
)
_SUBJECTS = (
    "sonic instrument speaker_meta song_meta question answer choice scene event "
    "vocal_classification speech_understanding scenario action entities speech_edit"
)


def timestamp(seconds: float) -> str:
    """The token of a time, from `<|0.00|>` to `<|30.00|>`, to the nearest hundredth."""
    return f"<|{seconds:.2f}|>"


def special_tokens() -> tuple[str, ...]:
    """All 3522, in the order of their ids, which follow those of the text tokens."""
    return (
        END_OF_TEXT,
        IM_START,
        IM_END,
        *(f"<|extra_{i}|>" for i in range(205)),
        AUDIO_PLACEHOLDER,
        *_barred(_TASKS),
        *(f"<|{language}|>" for language in LANGUAGES),
        *_barred(_TIMES_AND_SILENCE),
        *(timestamp(hundredths / 100) for hundredths in range(3001)),
        *_barred(_INSTRUCTIONS),
        *(f"<|midi_pitch_{i}|>" for i in range(128)),
        "<|velocity|>",
        *(f"<|midi_velocity_{i}|>" for i in range(128)),
        *_barred(_SUBJECTS),
        AUDIO_START,
        AUDIO_END,
    )


def _barred(names: str) -> list[str]:
    return [f"<|{name}|>" for name in names.split()]
