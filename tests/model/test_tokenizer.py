"""The tokenizer's call as transformers has it, and what is decoded."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
import soundfile

from qwen_audio_agent.model import QWenTokenizer
from tests.model.tiny import noise


def test_text_is_cut_on_the_side_that_is_asked_for(tokenizer: QWenTokenizer) -> None:
    ids = tokenizer.encode_text("hello")
    right = tokenizer("hello", truncation=True, max_length=3)
    left = QWenTokenizer(tokenizer.vocab_file, truncation_side="left")
    assert right["input_ids"] == ids[:3]
    assert left("hello", truncation=True, max_length=3)["input_ids"] == ids[-3:]


def test_rows_are_padded_on_the_side_that_is_asked_for(tokenizer: QWenTokenizer) -> None:
    rows = tokenizer(["a", "bcd"], padding=True, padding_side="left", return_tensors="pt")
    assert rows["input_ids"].tolist()[0] == [260, 260, 97]
    assert rows["attention_mask"].tolist() == [[0, 0, 1], [1, 1, 1]]


def test_a_batch_of_one_takes_the_audio_of_one(tokenizer: QWenTokenizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(0.1).samples, 16_000)
    prompt = f"<audio>{tmp_path / 'a.wav'}</audio>hi"
    info = tokenizer.process_audio(prompt)
    alone = tokenizer(prompt, audio_info=info)["input_ids"]
    assert tokenizer([prompt], audio_info=info)["input_ids"] == [alone]
    with pytest.raises(ValueError, match="2 prompts need as many audio_info, not 1"):
        tokenizer([prompt, prompt], audio_info=info)


def test_ids_without_a_token_are_decoded(tokenizer: QWenTokenizer) -> None:
    assert tokenizer.decode([-100, 65, 10**9]) == "\ufffdA\ufffd"


def test_it_survives_copies(tokenizer: QWenTokenizer) -> None:
    text = "hi <|0.50|>"
    for again in (copy.deepcopy(tokenizer), pickle.loads(pickle.dumps(tokenizer))):  # noqa: S301
        assert again(text)["input_ids"] == tokenizer(text)["input_ids"]
