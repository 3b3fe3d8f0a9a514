from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.speech import srwt
from qwen_audio_agent.speech.scoring import alignment, average_alignment_shift, word_error_rate
from qwen_audio_agent.speech.words import Word


@pytest.fixture(scope="module")
def golden(golden_data):
    return json.loads((golden_data / "metrics" / "srwt_golden.json").read_text("utf-8"))


def test_shift_and_word_errors_are_those_of_the_original_evaluation(golden):
    for case in golden["cases"]:
        language = case["language"]
        pairs = list(zip(case["refs"], case["hyps"], strict=True))
        errors = [tuple(srwt.tokens(text, language) for text in pair) for pair in pairs]
        assert word_error_rate(errors) == pytest.approx(case["wer"]), case["name"]
        assert [srwt.plain(text, language) for text in case["hyps"]] == case["cleaned_hyps"]
        if "aas_error" in case:
            with pytest.raises(ValueError, match=r"heard right|no time"):
                average_alignment_shift(tuple(map(srwt.parse, pair)) for pair in pairs)
            continue
        words = [tuple(map(srwt.parse, pair)) for pair in pairs]
        assert average_alignment_shift(words) == pytest.approx(case["aas_seconds"]), case["name"]
        assert average_alignment_shift(words, halved=True) == pytest.approx(case["aas_seconds"] / 2)


def test_texts_are_parsed_and_cleaned_as_in_the_original(golden):
    for case in golden["cases"]:
        for side in ("refs", "hyps"):
            parsed = [
                ["\t".join(word.text for word in words), [[w.start, w.end] for w in words]]
                for text in case[side]
                if "<|" in text
                for words in [srwt.parse(text)]
            ]
            assert parsed == case[f"parsed_{side}"], case["name"]
    for case in golden["remove_sp"]:
        assert srwt.plain(case["text"], case["language"]) == case["out"]


def test_pairs_are_the_latest_of_the_cheapest_alignment():
    assert alignment(["no", "no", "no"], ["no", "no"]) == (1, ((1, 0), (2, 1)))
    assert alignment(["a", "b", "c"], ["a", "x", "c"]) == (1, ((0, 0), (2, 2)))
    assert alignment([], ["a"]) == (1, ())


@given(st.text("ab", max_size=7), st.text("ab", max_size=7))
def test_alignment_costs_as_little_as_the_textbook_recursion(left, right):
    def distance(i, j):
        if not i or not j:
            return i + j
        return min(
            distance(i - 1, j - 1) + (left[i - 1] != right[j - 1]),
            distance(i - 1, j) + 1,
            distance(i, j - 1) + 1,
        )

    cost, pairs = alignment(left, right)
    assert cost == distance(len(left), len(right))
    assert all(left[i] == right[j] for i, j in pairs)
    assert list(pairs) == sorted(set(pairs))


def test_nothing_to_count_is_an_error():
    with pytest.raises(ValueError, match="at least one word"):
        word_error_rate([((), ("a",))])
    with pytest.raises(ValueError, match="heard right"):
        average_alignment_shift([((Word("a", 0, 1),), (Word("b", 0, 1),))])
