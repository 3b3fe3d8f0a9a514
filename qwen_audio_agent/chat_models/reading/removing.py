"""Taking things out, pauses, keeping, silencing (grammar/removing.lark, sounds, pauses, keeping,
silencing).
"""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args

from qwen_audio_agent.chat_models.intents import (
    Action,
    Cut,
    Denoise,
    Effect,
    Fill,
    Keep,
    Leave,
    Silence,
    Tidy,
)
from qwen_audio_agent.chat_models.named import It, Passage, Phrase
from qwen_audio_agent.chat_models.reading.choosing import Chosen
from qwen_audio_agent.chat_models.reading.stretches import (
    all_after,
    all_before,
    first_part,
    last_part,
    length_from,
)
from qwen_audio_agent.chat_models.reading.times import Length
from qwen_audio_agent.errors import InstructionError

LONG_PAUSE = 0.8
"""Seconds; what the tool takes for a long pause."""


def _silences(passages: list[Passage], fill: Fill) -> list[Action]:
    return [Silence(passage, fill) for passage in passages]


@v_args(inline=True)
class Removing(Transformer[Token, Any]):
    """What the rules of those files mean."""

    def things(self, *things: Passage | Action | list[Action]) -> list[Action]:
        listed: list[Action] = []
        for thing in things:
            if isinstance(thing, list):
                listed += thing
            else:
                listed.append(Cut(thing) if isinstance(thing, Passage) else thing)
        return listed

    def remove(self, things: list[Action]) -> list[Action]:
        return things

    def remove_which(self, phrase: Phrase, chosen: Chosen) -> Cut:
        return Cut(Passage(chosen.of(phrase)))

    def remove_things(self, *things: Passage | Action) -> list[Action]:
        return self.things(*things)

    def complaint(self, thing: Action, *_words: Token) -> Action:
        return thing

    def noisy(self) -> Denoise:
        return Denoise()

    def shorten_over(self, longer_than: float | None, to: Length) -> Tidy:
        if longer_than is None:
            raise InstructionError(
                f"Which pauses shall be {to.seconds:g} s: those that are longer? Then say "
                f'"shorten pauses to {to.seconds:g} s".'
            )
        return self.shorten(longer_than, to)

    def pauses_shorter(self, longer_than: float | None) -> Tidy:
        return Tidy("pauses", longer_than)

    def remove_ends(self, ends: list[Passage]) -> list[Action]:
        return [Cut(end) for end in ends]

    def all_of_it(self, passage: Passage) -> Passage:
        return passage

    def remove_passage(self, passage: Passage) -> Cut:
        return Cut(passage)

    def remove_sound(self, thing: Action) -> Action:
        return thing

    def off_start(self, length: Length) -> Cut:
        return Cut(first_part(length))

    def remove_from(self, start: Any, length: Length) -> Cut:
        return Cut(length_from(start, length))

    def off_end(self, length: Length) -> Cut:
        return Cut(last_part(length))

    def start_at(self, edge: Any) -> Cut:
        return Cut(all_before(edge))

    def end_after(self, edge: Any) -> Cut:
        return Cut(all_after(edge))

    def fillers(self, *_whose: Token) -> Tidy:
        return Tidy("fillers")

    def tidy_fillers(self, *_fillers: Tidy) -> Tidy:
        return Tidy("fillers")

    def podcast_recipe(self) -> Tidy:
        return Tidy("podcast")

    def interview_recipe(self) -> Tidy:
        return Tidy("interview")

    def audiobook_recipe(self) -> Tidy:
        return Tidy("audiobook")

    def tidy_recipe(self, tidy: Tidy) -> Tidy:
        """ "Tidy it up for a podcast"."""
        return tidy

    def noise(self, *_words: Token) -> Denoise:
        return Denoise()

    def rumble(self) -> Effect:
        return Effect("highpass")

    def clicks(self) -> Effect:
        return Effect("declick")

    def esses(self) -> Effect:
        return Effect("deess")

    def pauses(self, *longer_than: Length) -> float | None:
        return longer_than[0].seconds if longer_than else None

    def pauses_out(self, longer_than: float | None) -> Tidy:
        return Tidy("pauses", longer_than)

    def shorten(self, longer_than: float | None, to: Length | None = None) -> Tidy:
        """Without a limit, the pauses that are longer than they shall become."""
        length = to.seconds if to else None
        return Tidy("pauses", length if longer_than is None else longer_than, length)

    def long_pauses(self) -> None:
        return None

    def shorten_long(self, _longer_than: None, to: Length) -> Tidy:
        return Tidy("pauses", None if to.seconds < LONG_PAUSE else to.seconds, to.seconds)

    def cap(self, longer_than: float | None, to: Length) -> Tidy:
        return self.shorten(longer_than, to)

    def no_longer(self, length: Length) -> Tidy:
        return self.shorten(None, length)

    def keep(self, passage: Passage) -> Keep:
        return Keep(passage, only=False)

    def keep_only_of(self, passage: Passage) -> Passage:
        return passage

    def keep_only(self, passage: Passage) -> Keep:
        return Keep(passage)

    def leave(self, passage: Passage) -> Leave:
        return Leave(passage)

    def left_known(self, leave: Leave) -> Leave:
        return leave

    def leave_it(self, it: It, *_told: Token) -> Leave:
        return Leave(Passage(it))

    def not_cut(self, passage: Passage) -> Leave:
        return Leave(passage, "cut")

    def not_cut_it(self, it: It) -> Leave:
        return Leave(Passage(it), "cut")

    def not_muted(self, passage: Passage) -> Leave:
        return Leave(passage, "silence")

    def not_muted_it(self, it: It) -> Leave:
        return Leave(Passage(it), "silence")

    def passages(self, *passages: Passage | list[Passage]) -> list[Passage]:
        """A list; "both X and Y" is one already."""
        parts = (some if isinstance(some, list) else [some] for some in passages)
        return [passage for part in parts for passage in part]

    def mute(self, passages: list[Passage]) -> list[Action]:
        return _silences(passages, "room")

    def bleep(self, passages: list[Passage]) -> list[Action]:
        return _silences(passages, "bleep")

    def bleep_which(self, phrase: Phrase, chosen: Chosen) -> Silence:
        return Silence(Passage(chosen.of(phrase)), "bleep")

    def mute_which(self, phrase: Phrase, chosen: Chosen) -> Silence:
        return Silence(Passage(chosen.of(phrase)))

    def digital(self, passages: list[Passage]) -> list[Action]:
        return _silences(passages, "digital")
