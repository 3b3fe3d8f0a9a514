"""The words of an episode with what a plan would do to them, in paragraphs to read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from qwen_audio_agent.cleanup.plan import Plan, Proposal
from qwen_audio_agent.speech.words import Word

State = Literal["kept", "quieter", "muted", "gone"]
"""What becomes of sound, from the least change to the greatest."""

_STATES: Final[dict[str, State]] = {
    "keep": "kept",
    "attenuate": "quieter",
    "mute": "muted",
    "shorten": "gone",
    "cut": "gone",
}
_STRENGTH: Final = ("kept", "quieter", "muted", "gone")
_PARAGRAPH_PAUSE: Final = 1.0
_SHORT, _LONG = 15, 110  # words of a paragraph
_CONTEXT: Final = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words, or a sound between them.

    Attributes:
        text: as it is shown.
        start: seconds.
        ids: the proposals that concern it; none for what stays anyway.
        state: what becomes of it as the switches stand.
        is_sound: it is no word: `text` says what it is.
        num_words: how many words it is.
    """

    text: str
    start: float
    ids: tuple[str, ...] = ()
    state: State = "kept"
    is_sound: bool = False
    num_words: int = 0


def state_of(proposals: Iterable[Proposal]) -> State:
    """What becomes of sound that lies in all of these: what takes most of it away."""
    states = [_STATES[p.action] for p in proposals if p.on]
    return max(states, key=_STRENGTH.index, default="kept")


def word_proposals(plan: Plan, words: Sequence[Word]) -> list[list[Proposal]]:
    """For each word the proposals in which its middle lies; words in order of time."""
    waiting = sorted(_of_first(plan), key=lambda p: p.start)[::-1]
    running: list[Proposal] = []
    found = []
    for word in words:
        middle = (word.start + word.end) / 2
        while waiting and waiting[-1].start <= middle:
            running.append(waiting.pop())
        running = [p for p in running if p.end > middle]
        found.append(list(running))
    return found


def paragraphs(plan: Plan, words: Sequence[Word]) -> Iterator[list[Piece]]:
    """The words, and the sounds that a plan has found between them, in order."""
    paragraph: list[Piece] = []
    num_words, last = 0, 0.0
    for piece, end in _pieces(plan, words):
        pause = piece.start - last
        is_break = num_words > _SHORT and pause > _PARAGRAPH_PAUSE and not piece.is_sound
        if paragraph and (is_break or num_words > _LONG):
            yield paragraph
            paragraph, num_words = [], 0
        paragraph.append(piece)
        num_words += piece.num_words
        last = end if not piece.is_sound else last
    if paragraph:
        yield paragraph


def contexts(plan: Plan, words: Sequence[Word]) -> Iterator[tuple[str, str]]:
    """For each proposal the words before it and behind it."""
    middles = [(word.start + word.end) / 2 for word in words]
    for p in plan.proposals:
        first, last = bisect_left(middles, p.start), bisect_left(middles, p.end)
        before, behind = words[max(0, first - _CONTEXT) : first], words[last : last + _CONTEXT]
        yield " ".join(w.text for w in before), " ".join(w.text for w in behind)


def _of_first(plan: Plan) -> list[Proposal]:
    """What concerns the first of several microphones, whose words these are."""
    return [p for p in plan.proposals if p.track in (0, 1)]


def _pieces(plan: Plan, words: Sequence[Word]) -> Iterator[tuple[Piece, float]]:
    """Words that the same proposals concern as one piece, and where each piece ends."""
    concerned = word_proposals(plan, words)
    spoken = {p.id for proposals in concerned for p in proposals}
    sounds = [(p, [p]) for p in _of_first(plan) if p.id not in spoken]
    items: list[tuple[Word | Proposal, list[Proposal]]] = [
        *zip(words, concerned, strict=True),
        *sounds,
    ]
    items.sort(key=lambda item: item[0].start)
    for (ids, is_sound), group in groupby(items, key=_alike):
        run = list(group)
        words_of_run = [item for item, _ in run if isinstance(item, Word)]
        if not ids:
            yield from _divided(words_of_run)
            continue
        first, proposals = run[0]
        text = " ".join(_name(item) if isinstance(item, Proposal) else item.text for item, _ in run)
        state = state_of(proposals)
        piece = Piece(text, first.start, ids, state, is_sound, len(words_of_run))
        yield piece, run[-1][0].end


def _alike(item: tuple[Word | Proposal, list[Proposal]]) -> tuple[tuple[str, ...], bool]:
    what, proposals = item
    return tuple(p.id for p in proposals), isinstance(what, Proposal)


def _divided(words: Sequence[Word]) -> Iterator[tuple[Piece, float]]:
    """Untouched words in pieces that a paragraph may end between."""
    held: list[Word] = []
    for word in words:
        is_pause = bool(held) and word.start - held[-1].end > _PARAGRAPH_PAUSE
        if held and (is_pause or len(held) >= _LONG):
            yield _plain(held), held[-1].end
            held = []
        held.append(word)
    yield _plain(held), held[-1].end


def _plain(words: Sequence[Word]) -> Piece:
    text = " ".join(word.text for word in words)
    return Piece(text, words[0].start, num_words=len(words))


def _name(proposal: Proposal) -> str:
    """What is found where nobody says a word that the ear has written down."""
    if proposal.kind in ("pause", "end"):
        return f"{'pause' if proposal.kind == 'pause' else 'silence'} {proposal.duration:.1f} s"
    return proposal.words or {"mouth": "click"}.get(proposal.kind, proposal.kind)
