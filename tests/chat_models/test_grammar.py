"""Every rule of the grammar is tried with a sentence made from it."""

from __future__ import annotations

import re
from re import _parser as regular

import pytest

from qwen_audio_agent.chat_models.intents import Step
from qwen_audio_agent.chat_models.parser import NotParsed, open_parser
from qwen_audio_agent.chat_models.reading import read
from qwen_audio_agent.chat_models.sentence import split
from qwen_audio_agent.errors import InstructionError

PIECES = {
    "quoted": '"hello"', "plural": "s", "whose": "zebra's", "file": "jingle.wav", "number": "3",
    "signed": "-3", "numword": "three", "time": "0:05", "factor": "1.25x", "word": "zebra",
    "sound": "coughing", "unsaid": "sixth", "stop": ".", "other": "$",
}  # fmt: skip


def _first_words(pattern) -> str:
    """Some text that a regular expression of words matches."""
    text = ""
    for operation, argument in pattern:
        match str(operation):
            case "LITERAL":
                text += chr(argument)
            case "BRANCH":
                text += _first_words(argument[1][0])
            case "SUBPATTERN":
                text += _first_words(argument[-1])
    return text


def _joined(*texts: str) -> str:
    return " ".join(filter(None, texts))


def _sentences(lark) -> dict[str, tuple[str, str]]:
    """A short sentence for each rule, with the rule that it starts from."""
    short = {t.name: _first_words(regular.parse(t.pattern.to_regexp())) for t in lark.terminals}
    terminals = set(short)
    for _ in range(30):
        for rule in lark.rules:
            if all(symbol.name in short for symbol in rule.expansion):
                text = _joined(*(short[symbol.name] for symbol in rule.expansion))
                if len(text) < len(short.get(rule.origin.name, "x" * 999)):
                    short[rule.origin.name] = text
    around = {"start": ("start", "", ""), "loose": ("loose", "", "")}
    for _ in range(30):
        for rule in lark.rules:
            if rule.origin.name not in around:
                continue
            start, before, behind = around[rule.origin.name]
            for at, symbol in enumerate(rule.expansion):
                left = _joined(before, *(short[s.name] for s in rule.expansion[:at]))
                right = _joined(*(short[s.name] for s in rule.expansion[at + 1 :]), behind)
                known = around.get(symbol.name)
                if symbol.name not in terminals and (
                    known is None or len(left + right) < len(known[1] + known[2])
                ):
                    around[symbol.name] = (start, left, right)
    sentences = {}
    for rule in lark.rules:
        if rule.origin.name in around:
            start, before, behind = around[rule.origin.name]
            inner = _joined(*(short[symbol.name] for symbol in rule.expansion))
            sentences[_spelled(_joined(before, inner, behind))] = (start, str(rule))
    return sentences


def _spelled(canonical: str) -> str:
    for kind, text in PIECES.items():
        canonical = canonical.replace(f"<{kind}>", text)
    return re.sub(r'" s\b', '"s', canonical)


@pytest.fixture(scope="module")
def parser():
    return open_parser()


def _steps(parser, sentence, start) -> list[Step] | None:
    """What a sentence asks for; None if it is refused."""
    try:
        return read(
            parser.parse(split(sentence, parser.vocabulary, parser.outside), start), sentence
        )
    except NotParsed:  # spelled out, some words are other pieces: "one" is no NUMWORD
        return None
    except InstructionError:
        return None


def test_every_rule_has_a_meaning_or_is_refused(parser):
    sentences = _sentences(parser._lark)
    meanings = {
        (sentence, rule): _steps(parser, sentence, start)
        for sentence, (start, rule) in sentences.items()
    }
    understood = [steps for steps in meanings.values() if steps is not None]
    assert all(isinstance(step, Step) for steps in understood for step in steps)
    assert all(understood)
    assert len(understood) > 0.8 * len(sentences)
