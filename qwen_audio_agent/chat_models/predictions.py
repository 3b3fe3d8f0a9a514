"""Which rules of a grammar can begin at each word of a text.

An Earley parser tries, at each place, every rule that may stand there, and a grammar for people has
thousands. Most begin with a word that the text does not have there: they are not tried, so that
phrasings can be added without a price.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef
from lark.parsers import xearley


class Rules:
    """The rules of a grammar whose terminals are words, by what can begin them and what they need.

    Args:
        lark: the grammar, with interned rules.
    """

    def __init__(self, lark: Lark) -> None:
        self.all = tuple(lark.rules)
        self.of: dict[str, list[Rule]] = defaultdict(list)
        """Each symbol with its rules, in the order of the grammar."""
        for rule in lark.rules:
            self.of[rule.origin.name].append(rule)
        self._terminals_of: dict[str, list[str]] = defaultdict(list)
        for terminal in lark.terminals:
            if terminal.name in lark.ignore_tokens:
                continue
            for words in spellings(terminal):
                self._terminals_of[words].append(terminal.name)
        self._begun: dict[str, set[str]] = {}

    def terminals_at(self, words: list[str]) -> list[list[str]]:
        """The names of the terminals that match at each word of a text."""
        return [
            [
                name
                for end in range(at + 1, min(at + self._most_words.get(word, 0), len(words)) + 1)
                for name in self._terminals_of.get(" ".join(words[at:end]), ())
            ]
            for at, word in enumerate(words)
        ]

    def usable(self, terminals: Iterable[str]) -> set[Rule]:
        """The rules all of whose symbols can match something, where no other terminals match."""
        missing = self._lengths.copy()
        usable = set(self._nothing)
        seen = {*terminals, *(rule.origin.name for rule in usable)}
        found = list(seen)
        while found:
            for rule in self._users.get(found.pop(), ()):
                missing[rule] -= 1
                if not missing[rule]:
                    usable.add(rule)
                    if rule.origin.name not in seen:
                        seen.add(rule.origin.name)
                        found.append(rule.origin.name)
        return usable

    def begun(self, terminals: Iterable[str]) -> frozenset[str]:
        """The symbols that begin with one of these terminals, and "" for all that match nothing."""
        return frozenset({""}.union(*map(self._begun_by, terminals)))

    def _begun_by(self, terminal: str) -> set[str]:
        """The symbols that can begin with a terminal, itself one of them."""
        if terminal not in self._begun:
            begun = {terminal}
            found = [terminal]
            while found:
                more = self._beginners.get(found.pop(), set()) - begun
                begun |= more
                found += more
            self._begun[terminal] = begun  # whole, for another thread may read it
        return self._begun[terminal]

    @cached_property
    def _most_words(self) -> dict[str, int]:
        """Each word that a terminal begins with, and how many words the longest such has."""
        most: dict[str, int] = {}
        for spelling in self._terminals_of:
            first, *others = spelling.split()
            most[first] = max(most.get(first, 0), 1 + len(others))
        return most

    @cached_property
    def _lengths(self) -> dict[Rule, int]:
        """How many symbols each rule has."""
        return {rule: len(rule.expansion) for rule in self.all}

    @cached_property
    def _nothing(self) -> list[Rule]:
        """The rules without a symbol."""
        return [rule for rule, length in self._lengths.items() if not length]

    @cached_property
    def _users(self) -> dict[str, list[Rule]]:
        """Each symbol with the rules that hold it, once for each time."""
        users: dict[str, list[Rule]] = defaultdict(list)
        for rule in self.all:
            for symbol in rule.expansion:
                users[symbol.name].append(rule)
        return users

    @cached_property
    def _empty(self) -> set[str]:
        """The names of the rules that may match nothing."""
        empty: set[str] = set()
        while more := {
            rule.origin.name
            for rule in self.all
            if rule.origin.name not in empty and all(s.name in empty for s in rule.expansion)
        }:
            empty |= more
        return empty

    @cached_property
    def first(self) -> dict[Rule, frozenset[str]]:
        """The symbols that each rule can begin with, and "" where it may match nothing."""
        first: dict[Rule, frozenset[str]] = {}
        for rule in self.all:
            names = [symbol.name for symbol in rule.expansion]
            needed = next((n for n, name in enumerate(names, 1) if name not in self._empty), None)
            first[rule] = frozenset(names[:needed] if needed else ["", *names])
        return first

    @cached_property
    def _beginners(self) -> dict[str, set[str]]:
        """Each symbol with those that have a rule that can begin with it."""
        beginners: dict[str, set[str]] = defaultdict(set)
        for rule, names in self.first.items():
            for name in names - {""}:
                beginners[name].add(rule.origin.name)
        return beginners


class Predicting(xearley.Parser):
    """lark's Earley parser with dynamic lexing, for one text: predicts only what can begin there.

    Attributes:
        predictions: the rules of each symbol that can begin at the column at hand.
    """

    def begin(self, rules: Rules, text: str, *, whole: bool) -> None:
        """Make ready for a text of words.

        Args:
            rules: of the grammar.
            text: words, a space between two.
            whole: leave those rules out as well that the text can begin, but not end.
        """
        words = text.split(" ")
        self._rules = rules
        self._terminals_at = rules.terminals_at(words)
        known = {name for some in self._terminals_at for name in some}
        self._allowed: Mapping[str, list[Rule]] = rules.of
        if whole:
            self._allowed = _Filtered(rules.of, rules.usable(known).__contains__)
        # A column stands before the space that a word follows, the first one before its word.
        self._word_at = {0: 0}
        end = 0
        for index, word in enumerate(words, start=1):
            end += len(word)
            self._word_at[end] = index
            end += 1
        self._go_to(0)

    def predict_and_complete(self, i: int, *others: Any) -> None:
        """One column of the text."""
        if i and i in self._word_at:
            self._go_to(self._word_at[i])
        super().predict_and_complete(i, *others)  # type: ignore[no-untyped-call]

    def _go_to(self, word: int) -> None:
        terminals = self._terminals_at[word] if word < len(self._terminals_at) else ()
        begun, first = self._rules.begun(terminals), self._rules.first
        self.predictions = _Filtered(self._allowed, lambda rule: not first[rule].isdisjoint(begun))


class _Filtered(dict[Any, list[Rule]]):
    """Some of the rules of each symbol, sorted out when the symbol is asked for."""

    def __init__(self, rules: Mapping[str, list[Rule]], is_wanted: Callable[[Rule], bool]) -> None:
        super().__init__()
        self._rules = rules
        self._is_wanted = is_wanted

    def __missing__(self, symbol: Any) -> list[Rule]:
        name = getattr(symbol, "name", symbol)
        self[symbol] = list(filter(self._is_wanted, self._rules[name]))
        return self[symbol]


def spellings(terminal: TerminalDef) -> list[str]:
    """All that a terminal matches: it is one text of words, or some in the alternative."""
    regexp = terminal.pattern.to_regexp().removesuffix("(?= |$)")
    bare = regexp.replace("(?:", "").replace(")", "")
    return [re.sub(r"\\(.)", r"\1", words) for words in bare.split("|")]
