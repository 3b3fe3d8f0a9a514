from __future__ import annotations

import pytest

from qwen_audio_agent.chat_models.parser import NotParsed, Parser, open_parser
from qwen_audio_agent.chat_models.sentence import split
from qwen_audio_agent.chat_models.suggestions import EXAMPLES

RULES = """
start: _CUT thing ("and" thing)*
thing: QUOTED | "the noise"
_CUT: "cut" | "get rid of the"
"""


def parse(parser, sentence):
    return parser.parse(split(sentence, parser.vocabulary, parser.outside))


def test_words_of_several_words_are_found_and_articles_do_not_matter():
    parser = Parser(RULES)
    for sentence in ('get rid of "a" and the noise', 'cut "a" and noise'):
        assert [tree.data for tree in parse(parser, sentence).iter_subtrees()][-1] == "start"


def test_tokens_carry_their_pieces():
    (token,) = parse(Parser(RULES), 'cut "a b"').scan_values(lambda _: True)
    assert (token.value.text, token.value.start, token.value.end) == ("a b", 4, 9)


def test_the_first_piece_that_does_not_fit_is_named():
    parser = Parser(RULES)
    for sentence, stop in (('cut "a" noise', "noise"), ('cut "a" and', None)):
        with pytest.raises(NotParsed):
            parse(parser, sentence)
        piece = parser.stop(split(sentence, parser.vocabulary))
        assert (piece and piece.text) == stop


def test_leaving_rules_out_changes_no_tree():
    parser = open_parser()
    for example in EXAMPLES:
        pieces = split(example, parser.vocabulary, parser.outside)
        words = " ".join(
            p.kind if p.kind.islower() or not p.kind.isalpha() else f"<{p.kind.lower()}>"
            for p in pieces
        )
        assert str(parser._lark.parse(words, "start")).count("Tree(") == str(
            parser.parse(pieces)
        ).count("Tree(")


@pytest.mark.parametrize(
    "sentence",
    [
        "cut hello into little pieces",
        "make it sound like a telephone",
        "between the second hello and what",
        "translate everything",
        "put the jingle at the end of",
    ],
)
def test_leaving_out_rules_that_cannot_begin_moves_no_stop(sentence, monkeypatch):
    parser = open_parser()
    pieces = split(sentence, parser.vocabulary, parser.outside)
    quick = parser.stop(pieces)
    monkeypatch.setattr(parser, "_parser_of", lambda text, whole: parser._lark)  # noqa: ARG005
    assert parser.stop(pieces) == quick
