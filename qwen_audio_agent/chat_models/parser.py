"""The grammar and its parser: from the pieces of a sentence to a tree.

The files of `grammar/` are read as one lark grammar. A sentence is parsed in a canonical spelling,
in which a phrase is one symbol ("cut <quoted> , then take out <word> <word>"), so that nothing a
person quotes can be taken for a word of the grammar.
"""

from __future__ import annotations

import copy
import gc
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedEOF, UnexpectedInput
from lark.lexer import PatternRE, TerminalDef

from qwen_audio_agent.chat_models.interned import intern_symbols
from qwen_audio_agent.chat_models.pieces import Piece
from qwen_audio_agent.chat_models.predictions import Predicting, Rules
from qwen_audio_agent.chat_models.sentence import KINDS, LEFT_OUT

_LISTS = ("described.txt", "unsaid.txt", "beside.txt", "wishes.txt")
_LONG = 40
"""Pieces of a sentence that is too long to try every rule of the grammar on it."""
_LITERAL = re.compile(r'"([^"\n]*)"')
_GROUP = re.compile(r'\(\s*("[^"\n]*"(?:\s*\|\s*"[^"\n]*")*)\s*\)')


class NotParsed(Exception):  # noqa: N818 - not an error of the person: the caller looks further
    """The sentence has no reading."""


class Parser:
    """The grammar, ready to parse.

    Attributes:
        vocabulary: every word that the grammar knows.
        outside: words that are no words of a recording unless they are quoted, each with its kind:
            "SOUND" tells what a sound is like, "UNSAID" turns the meaning of what is beside it.
    """

    def __init__(
        self,
        rules: str,
        described: str = "",
        unsaid: str = "",
        beside: str = "",
        wishes: str = "",
    ) -> None:
        rules = _LITERAL.sub(_without_left_out, re.sub(r"(?m)^//.*$", "", rules))
        self.vocabulary = frozenset(" ".join(_LITERAL.findall(rules)).split())
        kinds_of = dict.fromkeys(described.split(), "SOUND") | dict.fromkeys(
            unsaid.split(), "UNSAID"
        )
        self.outside = {
            word: kind for word, kind in kinds_of.items() if word not in self.vocabulary
        }
        rules = _with_inner_words(rules, described)
        if beside:
            known = set(beside.split()) & self.vocabulary
            rules += f"\nBESIDE: {_alternatives(known)}"
            rules += f"\nCHAT: {_alternatives(known - set(wishes.split()))}"
        kinds = "\n".join(f'{kind}: "<{kind.lower()}>"' for kind in KINDS)
        with _nothing_collected():
            self._lark = Lark(
                "\n".join([_with_groups_named(rules), kinds, '%ignore " "']),
                start=["start", "loose"] if "\nloose:" in rules else "start",
                parser="earley",
                lexer="dynamic",
                maybe_placeholders=False,
                edit_terminals=_end_at_a_space,
            )
        intern_symbols(self._lark)
        self._rules = Rules(self._lark)

    def parse(self, pieces: Sequence[Piece], start: str = "start") -> Tree[Token]:
        """The tree of a sentence; the value of each of its tokens is a `Piece`.

        Args:
            pieces: of the sentence.
            start: the rule that the whole sentence must be: "loose" passes words over.

        Raises:
            NotParsed: there is none.
        """
        text, places = _canonical(pieces)
        try:
            tree = self._parser_of(text, whole=True).parse(text, start)
        except UnexpectedInput:
            raise NotParsed from None
        for token in tree.scan_values(lambda value: isinstance(value, Token)):
            within = [p for at, p in places.items() if token.start_pos <= at < token.end_pos]
            token.value = replace(within[0], end=within[-1].end)
        return cast("Tree[Token]", tree)

    def stop(self, pieces: Sequence[Piece]) -> Piece | None:
        """The first piece that cannot follow those before it; None: more was expected at the end.

        Of a long sentence only those rules are tried that it can use whole, which may stop somewhat
        before.

        Args:
            pieces: of a sentence that has no reading.
        """
        text, places = _canonical(pieces)
        try:
            self._parser_of(text, whole=len(pieces) > _LONG).parse(text, "start")
        except UnexpectedEOF:
            return None
        except UnexpectedInput as error:
            at = error.pos_in_stream or 0
            return next((piece for place, piece in places.items() if place >= at), None)
        raise AssertionError("the rules that were left out matter")

    def _parser_of(self, text: str, *, whole: bool) -> Any:
        """A parser that tries only those rules that can begin where it stands in a text."""
        frontend = copy.copy(self._lark.parser)
        frontend.parser = copy.copy(frontend.parser)
        frontend.parser.__class__ = Predicting
        frontend.parser.begin(self._rules, text, whole=whole)
        return frontend


@cache
def open_parser() -> Parser:
    """The parser of the instructions, read once."""
    folder = resources.files("qwen_audio_agent.chat_models") / "grammar"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    rules = [file.read_text("utf-8") for file in files if file.name.endswith(".lark")]
    words = [(folder / name).read_text("utf-8") for name in _LISTS]
    return Parser("\n".join(rules), *words)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Make many objects that all stay without looking for garbage among them over and over."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _without_left_out(literal: re.Match[str]) -> str:
    """A "..." of the grammar without the words that are left out of every sentence."""
    return '"' + " ".join(word for word in literal[1].split() if word not in LEFT_OUT) + '"'


def _with_inner_words(rules: str, described: str) -> str:
    """Words that mean something only beside others ("in the middle"), as terminals of their own.

    So neither a phrase without quotation marks nor what is told of a sound suffers from the
    phrasings that a grammar knows.
    """
    literals = [literal.split() for literal in _LITERAL.findall(rules)]
    alone = {words[0] for words in literals if len(words) == 1}
    inner = sorted({word for words in literals for word in words if word.isalpha()} - alone)
    if "\nFREE: " not in rules:
        return rules
    sounds = [word for word in inner if word in described.split()]
    lists = {"INNER": inner, "INNER_SOUND": sounds}
    named = (f"{name}: {_alternatives(words)}" for name, words in lists.items())
    return "\n".join([rules, *named])


def _alternatives(words: Iterable[str]) -> str:
    return " | ".join(f'"{word}"' for word in sorted(words))


def _with_groups_named(rules: str) -> str:
    """("a" | "b") in a rule becomes one terminal: lark would write the rule out once for each."""
    names: dict[str, str] = {}

    def name(group: re.Match[str]) -> str:
        words = " | ".join(dict.fromkeys(f'"{word}"' for word in _LITERAL.findall(group[1])))
        return names.setdefault(words, f"_ONE_OF_{len(names)}")

    rules = _GROUP.sub(name, rules)
    return "\n".join([rules, *(f"{terminal}: {words}" for words, terminal in names.items())])


def _end_at_a_space(terminal: TerminalDef) -> None:
    """Let a terminal match whole words only."""
    if terminal.pattern.value != " ":
        terminal.pattern = PatternRE(f"(?:{terminal.pattern.to_regexp()})(?= |$)")


def _canonical(pieces: Sequence[Piece]) -> tuple[str, dict[int, Piece]]:
    """The sentence in words of the grammar and symbols, and where each piece stands in it."""
    places: dict[int, Piece] = {}
    words: list[str] = []
    position = 0
    for piece in pieces:
        places[position] = piece
        words.append(f"<{piece.kind.lower()}>" if piece.kind in KINDS else piece.kind)
        position += len(words[-1]) + 1
    return " ".join(words), places
