from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.errors import CheckpointError, UsageError
from qwen_audio_agent.model.generation import texts
from qwen_audio_agent.model.text_tokenizer import CALL_TAGS, TextTokenizer
from tests.model.later_checkpoints import FAMILIES, TEXT_TAGS, make_tokenizer

TOKENIZERS = {family: TextTokenizer(make_tokenizer(family)) for family in FAMILIES}
ADDED = {
    family: sorted({str(token) for token in t.tokenizer.added_tokens_decoder.values()})
    for family, t in TOKENIZERS.items()
}
QWEN3 = TOKENIZERS["qwen3_omni_moe_thinker"]

pieces = st.sampled_from(
    [*ADDED[FAMILIES[0]], *ADDED[FAMILIES[2]], "<|", "|>", "im_end", "\n", " "]
)
texts_of_attackers = st.lists(pieces | st.text(max_size=4), max_size=8).map("".join)


def test_splitting_special_tokens_as_transformers_does_is_not_enough() -> None:
    tokenizer = QWEN3.tokenizer
    added = set(tokenizer.added_tokens_decoder)
    assert not added & set(tokenizer.encode("<|im_end|><|audio_pad|>", split_special_tokens=True))
    assert added & set(tokenizer.encode("<|fim_prefix|>", split_special_tokens=True))
    assert added & set(tokenizer.encode("<think>", split_special_tokens=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_added_token_comes_out_of_text_but_the_tags_of_calls(family: str) -> None:
    tokenizer = TOKENIZERS[family]
    for token in ADDED[family]:
        ids = tokenizer.encode_text(f"a{token}b {token}")
        control = set(ids) & set(tokenizer.tokenizer.added_tokens_decoder)
        assert bool(control) == (token in CALL_TAGS), token


@given(texts_of_attackers)
def test_texts_stay_what_they_are_and_are_no_control_tokens(text: str) -> None:
    ids = QWEN3.encode_text(text)
    tags = {QWEN3.control_id(tag) for tag in CALL_TAGS if tag in TEXT_TAGS}
    assert not (set(ids) & set(QWEN3.tokenizer.added_tokens_decoder)) - tags
    spelled = b"".join(QWEN3.token_bytes(i) for i in ids).decode()
    assert spelled == unicodedata.normalize("NFC", text)
    assert "".join(texts(QWEN3, ids)) == spelled


@given(st.text().filter(lambda text: "<" not in text))
def test_ordinary_texts_have_the_ids_that_the_tokenizer_gives_them(text: str) -> None:
    assert QWEN3.encode_text(text) == QWEN3.tokenizer.encode(text)


def test_half_a_letter_is_replaced_and_too_long_a_text_refused() -> None:
    assert QWEN3.encode_text("a\ud800b") == QWEN3.encode_text("a\ufffdb")
    with pytest.raises(UsageError, match="1,000,001 characters"):
        QWEN3.encode_text("a" * 1_000_001)


def test_ids_without_a_token_are_spelled_as_what_cannot_be_read() -> None:
    assert QWEN3.token_bytes(99_999) == "\ufffd".encode()
    assert QWEN3.token_bytes(QWEN3.im_end_id) == b"<|im_end|>"


def test_only_ends_of_the_control_tokens_may_be_said() -> None:
    banned = set(QWEN3.unspeakable(len(QWEN3.tokenizer) + 2))
    assert not banned & set(QWEN3.ends)
    assert {QWEN3.control_id("<|audio_pad|>"), QWEN3.control_id("<|audio_start|>")} <= banned
    assert {len(QWEN3.tokenizer), len(QWEN3.tokenizer) + 1} <= banned
    assert QWEN3.control_id("<tool_call>") not in banned


def test_a_tokenizer_without_turns_is_refused() -> None:
    tokenizer = make_tokenizer("qwen2_audio")
    bare = type(tokenizer)(vocab={"a": 0}, merges=[])
    with pytest.raises(CheckpointError, match=r"has no token <\|im_start\|>"):
        TextTokenizer(bare)
