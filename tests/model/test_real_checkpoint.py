"""What the model card promises, with the real weights of Qwen-Audio-Chat.

QWEN_AUDIO_CHECKPOINT=Qwen-Audio-Chat GOLDEN_DATA=... pytest -m checkpoint tests/model
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from qwen_audio_agent.model import QwenAudioForCausalLM, QWenTokenizer, read_clip
from qwen_audio_agent.model.transcribe import Transcriber
from qwen_audio_agent.model.weights import check_checkpoint

pytestmark = pytest.mark.checkpoint

# Source: the model card of Qwen/Qwen-Audio-Chat.
SAID = "mister quilter is the apostle of the middle classes and we are glad to welcome his gospel"
TIMES = "starts at <|2.33|> seconds and ends at <|3.26|> seconds"


@pytest.fixture(scope="module")
def folder() -> Path:
    named = os.environ.get("QWEN_AUDIO_CHECKPOINT")
    if not named:
        pytest.skip("needs QWEN_AUDIO_CHECKPOINT: the folder of Qwen-Audio-Chat's weights")
    return Path(named)


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> QWenTokenizer:
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def model(folder: Path) -> QwenAudioForCausalLM:
    where = "cuda" if torch.cuda.is_available() else "cpu"
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, device_map=where)


def test_the_folder_is_whole(folder: Path) -> None:
    report = check_checkpoint(folder)
    report.raise_if_broken()
    assert report.num_parameters == 8_394_302_464 + 1500 * 1280


def test_the_card_s_two_answers(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer, golden_data: Path
) -> None:
    audio = golden_data / "audio" / "1272-128104-0000.flac"
    query = tokenizer.from_list_format([{"audio": audio}, {"text": "what does the person say?"}])
    conversation = model.conversation()
    how = {"do_sample": False, "conversation": conversation}
    reply, history = model.chat(tokenizer, query, **how)
    assert SAID in reply.lower()
    asked = 'Find the start time and end time of the word "middle classes"'
    reply, _ = model.chat(tokenizer, asked, history, **how)
    assert TIMES in reply
    assert conversation.features.num_encoded == 1


def test_its_words_have_times(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer, golden_data: Path
) -> None:
    clip = read_clip(golden_data / "audio" / "1272-128104-0000.flac")
    placed = Transcriber(model, tokenizer).place(clip, SAID.split())
    starts = {word.text: word.start for word in placed.words}
    assert starts["middle"] == pytest.approx(2.33, abs=0.2)
