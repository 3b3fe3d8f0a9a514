"""What to say of a sentence that is not understood: where it stops making sense, what is near."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from qwen_audio_agent.chat_models.pieces import Piece

EXAMPLES = (
    'cut "you know"',
    'cut the second "hello"',
    "cut from 0:05 to 0:07",
    'cut everything before "welcome"',
    'keep only from "hello" to "goodbye"',
    'find "hello"',
    "transcribe it",
    "how long is it?",
    'insert jingle.wav before "welcome"',
    "join Audio 1 and Audio 2 with a crossfade of 50 ms",
    'replace "Monday" with "Tuesday" of Audio 2',
    'move "thank you" to the end',
    'mute "secret"',
    'bleep "damn"',
    "remove the fillers",
    "shorten pauses longer than 1 s to 0.5 s",
    "take the background noise out",
    "reduce the noise a bit",
    "normalise to -16 LUFS",
    "make it 3 dB louder",
    "make it 3 dB quieter",
    "fade in over 2 s",
    "fade out over 2 s",
    "speed it up by 10 %",
    "slow it down to 90 %",
    "remove the rumble",
    "compress with a ratio of 3:1",
    "soften the sibilance",
    "remove the clicks",
    "undo the last edit",
)
"""One for each thing that can be asked."""

_AGAINST = {"not", "don't", "dont", "never", "without", "except", "unless", "no", "leave", "avoid"}
_UNSURE = {
    "if",
    "whether",
    "maybe",
    "perhaps",
    "might",
    "should",
    "would",
    "suppose",
    "what",
    "why",
}
_SHOWN = 60
_ALIKE = 0.75


def not_understood(sentence: str, pieces: Sequence[Piece], stop: Piece | None) -> str:
    """Where a sentence stops making sense, why perhaps, and the nearest that can be asked.

    Args:
        sentence: as it was written.
        pieces: of it.
        stop: the first piece that cannot follow those before it; None: more is missing at the end.
    """
    words = {piece.text.lower().replace("’", "'") for piece in pieces if piece.kind != "QUOTED"}
    if stop is None:
        where = f'Something is missing at the end of "{_short(sentence)}"'
        part = sentence
    else:
        part = sentence[stop.start :]
        where = f'I do not understand "{_short(part)}" (from character {stop.start + 1})'
    return f"{where}. Nothing was edited. {_why(words)}{_nearest(part, sentence)}"


def _why(words: set[str]) -> str:
    if words & _AGAINST:
        return 'I take no "not" or "without": say only what to change. '
    if words & _UNSURE:
        return "Say plainly what to do. "
    return ""


def _nearest(part: str, sentence: str) -> str:
    """The example that shares most with what was not understood, else with the whole sentence."""
    for text in (part, sentence):
        score, example = max((_likeness(text, example), example) for example in EXAMPLES)
        if score:
            return f"The nearest that I understand: {example}"
    return (
        "I can cut, keep, move, insert, replace, mute or bleep words and stretches of time, "
        "remove fillers and noise, shorten pauses, and change loudness and speed: "
        f"for example {EXAMPLES[0]}"
    )


def _likeness(text: str, example: str) -> float:
    """How many words two sentences share, those that look alike counted in part."""
    given = [word.strip('.,;:!?"') for word in text.lower().split()]
    score = 0.0
    for word in {word.strip('?"') for word in example.lower().split() if len(word) > 2} - {"the"}:
        best = max((_word_likeness(word, other) for other in given), default=0.0)
        score += best if best >= _ALIKE else 0.0
    return score


@lru_cache(maxsize=4096)
def _word_likeness(word: str, other: str) -> float:
    return SequenceMatcher(None, word, other).ratio()


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
