"""`benchmark.py model`, conversation: ten turns about three audios, with reuse and without.

"reuse" hands one `Conversation` to every call of `chat`; "fresh" a new one each time, which reads
all turns and encodes all audios again. Replies are of one length, greedily. The vocabulary is made
here: all bytes, and the words that are said.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from model_weights import qwen_audio

from qwen_audio_agent.model import (
    AudioClip,
    Conversation,
    Query,
    QwenAudioConfig,
    QwenAudioForCausalLM,
    QWenTokenizer,
)
from qwen_audio_agent.model.features import SAMPLE_RATE
from qwen_audio_agent.model.list_format import query_of
from qwen_audio_agent.model.prompt import SYSTEM, History

QUESTIONS: Final = (
    "what is said in this recording and by whom",
    "when does the first speaker begin to speak",
    "cut the words that are said twice",
    "here is the recording after the cut is it clean",
    "what is said just before the join",
    "make the pause after the second word shorter",
    "here is what came out is any word clipped now",
    "who speaks last and what is the last word",
    "is there any noise beside the voice",
    "then say in one word whether all of it is done",
)
AUDIO_SECONDS: Final = {1: 12.0, 4: 9.0, 7: 10.0}
"""Turns that bring an audio, and how long it is."""
REPLY_TOKENS: Final = 8
WAYS: Final = ("reuse", "fresh")


@dataclass(frozen=True)
class Cost:
    """What one turn took.

    Attributes:
        ms: of the processor, from the call to the reply.
        num_read: tokens of the prompt that went through the decoder.
        num_encoded: clips that went through the encoder.
    """

    ms: float
    num_read: int
    num_encoded: int


def tokenizer_of(folder: Path) -> QWenTokenizer:
    """A tokenizer with a small vocabulary, written into the folder."""
    said = " ".join(["system user assistant", SYSTEM, *QUESTIONS])
    words = sorted({word.encode() for word in re.findall(r" ?\w\w+", said)})
    tokens = [bytes([byte]) for byte in range(256)] + words
    lines = [f"{base64.b64encode(t).decode()} {rank}" for rank, t in enumerate(tokens)]
    path = folder / "qwen.tiktoken"
    path.write_text("\n".join(lines))
    return QWenTokenizer(str(path))


def model_for(tokenizer: QWenTokenizer, config: QwenAudioConfig) -> QwenAudioForCausalLM:
    """A model with random weights for the ids of this tokenizer."""
    config.audio = (config.audio or {}) | {"audio_start_id": tokenizer.audio_start_id}
    return qwen_audio(config)


def questions() -> Iterator[Query]:
    """What is asked, the audio first where there is one."""
    random = np.random.default_rng(4)
    for turn, text in enumerate(QUESTIONS, 1):
        if turn in AUDIO_SECONDS:
            count = round(AUDIO_SECONDS[turn] * SAMPLE_RATE)
            clip = AudioClip(0.1 * random.standard_normal(count, np.float32), f"{turn}.wav")
            yield query_of([{"audio": clip}, {"text": text}])
        else:
            yield Query(text)


def ask(
    model: QwenAudioForCausalLM,
    tokenizer: QWenTokenizer,
    query: Query,
    history: History,
    conversation: Conversation,
) -> tuple[Cost, list[tuple[str, str | None]]]:
    """One turn: its cost, and the history with it."""
    work, features = conversation.work, conversation.features
    read, encoded = work.tokens_read, features.num_encoded
    started = time.process_time()
    _, history = model.chat(
        tokenizer,
        query,
        history,
        conversation=conversation,
        do_sample=False,
        min_new_tokens=REPLY_TOKENS,
        max_new_tokens=REPLY_TOKENS,
    )
    ms = 1000 * (time.process_time() - started)
    return Cost(ms, work.tokens_read - read, features.num_encoded - encoded), history


def talk(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer, ways: Sequence[str]
) -> list[dict[str, Cost]]:
    """One whole conversation: what each turn costs in each of the ways.

    All ways go on from the replies of the first, so that they are asked the same.
    """
    kept = model.conversation()
    history: list[tuple[str, str | None]] = []
    turns = []
    for query in questions():
        costs: dict[str, Cost] = {}
        histories = []
        for way in ways:
            conversation = kept if way == "reuse" else model.conversation()
            costs[way], after = ask(model, tokenizer, query, history, conversation)
            histories.append(after)
        history = histories[0]
        turns.append(costs)
    return turns
