"""One object for each rule and each symbol of a lark grammar, so that they compare at once.

An Earley parser spends most of its time on comparing rules and symbols, which lark compares by
their content. Where each is there once, the same object is the same content, and Python compares
objects a hundred times as fast.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from lark import Lark
from lark.grammar import NonTerminal, Rule, Symbol, Terminal


class _Rule(Rule):
    """A rule that is equal to itself alone."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


class _Terminal(Terminal):
    """A terminal that is equal to itself, and by its name to any that is not of this class."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


class _NonTerminal(NonTerminal):
    """The same of the name of a rule."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def intern_symbols(lark: Lark) -> None:
    """Make each rule and symbol of an Earley parser the only one of its content."""
    parser: Any = lark.parser.parser
    symbols: dict[Symbol, Symbol] = {}

    def interned(symbol: Symbol) -> Symbol:
        return symbols.setdefault(symbol, symbol)

    for rule in lark.rules:
        rule.origin = interned(rule.origin)  # type: ignore[assignment]
        rule.expansion = [interned(symbol) for symbol in rule.expansion]
    terminals = [interned(symbol) for symbol in parser.TERMINALS]
    non_terminals = [interned(symbol) for symbol in parser.NON_TERMINALS]
    predictions: dict[NonTerminal, list[Rule]] = defaultdict(list)
    for rule in lark.rules:
        predictions[rule.origin].append(rule)
    callbacks = list(parser.callbacks.items())
    for rule in lark.rules:
        rule.__class__ = _Rule
    for symbol in list(symbols.values()):
        symbol.__class__ = _Terminal if symbol.is_term else _NonTerminal
    # Their hashes are others now, so what is kept for each has to be filed anew. A start is looked
    # up by its name. lark's predictions hold the rules that can begin a rule as well, which the
    # parser comes to anyway.
    parser.TERMINALS, parser.NON_TERMINALS = set(terminals), set(non_terminals)
    parser.callbacks = dict(callbacks)
    parser.predictions = dict(predictions.items())
    parser.predictions |= {NonTerminal(key.name): rules for key, rules in predictions.items()}
