"""Where an order, a request or something that is only told begins in a row of words."""

from __future__ import annotations

from collections.abc import Sequence

from qwen_audio_agent.chat_models.telling import told_words

_TELLS_NO_MORE = ("report", "edit", "block", "negation", "judging")
_MODALS = ("can", "could", "would", "will", "please")


def orders(words: Sequence[str], at: int) -> bool:
    """Whether a verb of an edit stands there."""
    return at < len(words) and words[at] in told_words("verb")


def asks_on(words: Sequence[str], at: int) -> bool:
    """Whether a question begins there, without a comma: "... are harsh can you soften them"."""
    return words[at] in _MODALS and words[at - 1] not in told_words("linking") and asks(words[at:])


def tells_on(words: Sequence[str], at: int) -> bool:
    """Whether something is told from there to the end, without a comma: "... he takes forever"."""
    its = words[at] == "its" and words[at + 1 : at + 2] in (
        ["just"],
        ["only"],
        ["all"],
        ["nothing"],
    )
    return (
        (its or words[at] in told_words("run_on"))
        and words[at - 1] not in told_words("linking")
        and len(words) - at > 1
        and not set(words[at:]) & frozenset[str]().union(*map(told_words, _TELLS_NO_MORE))
    )


def asks(words: Sequence[str]) -> bool:
    """Whether a request begins here."""
    text = " ".join(words) + " "
    return any(text.startswith(f"{request} ") for request in told_words("request", lines=True))


def asks_for_itself(words: Sequence[str]) -> bool:
    """ "I want to open with some gratitude": what the person means to do."""
    text = " ".join(words)
    return any(text.startswith(f"{purpose} ") for purpose in told_words("purpose", lines=True))


def wishes(words: Sequence[str]) -> bool:
    """Whether a request begins anywhere."""
    return any(asks(words[at:]) for at in range(len(words)))
