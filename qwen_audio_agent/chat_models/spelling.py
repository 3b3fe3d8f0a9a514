"""Words as people type them in a hurry: "dont", "thats", "gonna"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

from qwen_audio_agent.chat_models.pieces import Piece

_MEANT = {
    "whats": "what's", "wots": "what's", "wot": "what", "thats": "that's", "theres": "there's",
    "heres": "here's", "im": "i'm", "ive": "i've", "id": "i'd", "youre": "you're",
    "youve": "you've",
    "hes": "he's", "shes": "she's", "theyre": "they're", "weve": "we've", "lets": "let's",
    "dont": "don't", "doesnt": "doesn't", "didnt": "didn't", "isnt": "isn't", "wasnt": "wasn't",
    "arent": "aren't", "cant": "can't", "wont": "won't", "couldnt": "couldn't",
    "shouldnt": "shouldn't", "wouldnt": "wouldn't", "hasnt": "hasn't",
    "em": "them", "'em": "them", "ya": "you", "u": "you", "ur": "your", "yer": "your",
    "noo": "no", "nooo": "no", "noooo": "no", "heyy": "hey", "heyyy": "hey", "hii": "hi",
    "sooo": "so", "soo": "so", "yess": "yes", "yesss": "yes", "okk": "ok", "ohh": "oh",
    "ohhh": "oh", "ahh": "ah", "hmmm": "hmm",
    "gonna": "going to", "wanna": "want to", "gotta": "got to", "lemme": "let me",
    "gimme": "give me",
    "one's": "one is", "havent": "haven't",
    "dontcha": "don't you",
    "dunno": "don't know", "kinda": "kind of",
    "sorta": "sort of", "summat": "something", "owt": "anything", "nowt": "nothing",
    "n": "and", "t'others": "the others", "t'other": "the other", "vol": "volume", "nd": "and",
    "tho": "though", "bc": "because", "becuz": "because", "cuz": "because", "coz": "because",
    "cos": "because", "thru": "through", "til": "until", "'til": "until", "'cause": "because",
    "'cos": "because", "rn": "right now", "abit": "a bit", "alot": "a lot", "outta": "out of",
    "cuppla": "couple of", "sec's": "seconds", "mins": "minutes", "plss": "please",
}  # fmt: skip
"""Spellings that are words of their own are none of these ("its", "were", "well")."""


_BEHIND_IS = (
    *("too", "so", "way", "very", "really", "quite", "not", "just", "a", "far", "pretty", "super"),
    *("getting", "still", "always", "much", "rather"),
)


_SHORTENED = (
    *("there", "that", "here", "what", "it", "he", "she", "who", "where", "how", "let", "one"),
    *("when", "why"),
)
"""Words of the grammar with "'s" behind them."""


def _with_is(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces with "jingle's too loud" as "jingle is too loud"."""
    for piece, behind in zip_longest(pieces, pieces[1:]):
        named = piece.text[:-2].lower() not in _SHORTENED
        short = named and piece.text[-2:].lower() in ("'s", "’s") and len(piece.text) > 4
        if piece.kind == "WORD" and short and behind and behind.text.lower() in _BEHIND_IS:
            yield replace(piece, text=piece.text[:-2], end=piece.end - 2)
            yield replace(piece, text="is", start=piece.end - 2)
        else:
            yield piece


def spelled_out(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces with such words as they are meant; each stays in its place in the sentence."""
    for piece in _with_is(list(pieces)):
        meant = _MEANT.get(piece.text.lower().replace("’", "'")) if piece.kind == "WORD" else None
        if piece.kind == "WORD" and piece.text.lower() == "comma":
            yield replace(piece, kind="MARK", text=",")  # dictated
        elif meant is None:
            yield piece
        else:
            yield from (replace(piece, text=word) for word in meant.split())
