"""Words with times out of a random network: always in order, always inside the clip."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from qwen_audio_agent.errors import CheckpointError
from qwen_audio_agent.model import QwenAudioForCausalLM, QWenTokenizer
from qwen_audio_agent.model.timestamps import TimedText
from qwen_audio_agent.model.transcribe import Transcriber
from tests.model.tiny import noise, tiny_model
from tests.model.tiny_checkpoint import write_vocabulary


@pytest.fixture(scope="module")
def transcriber(tokenizer: QWenTokenizer) -> Transcriber:
    return Transcriber(_writing_times(tokenizer), tokenizer)


def _writing_times(tokenizer: QWenTokenizer) -> QwenAudioForCausalLM:
    """A network that likes letters, spaces and times, as one that was taught would."""
    model = tiny_model()
    weight = model.lm_head.weight.data
    weight *= 0.2
    for first, last in ((97, 123), (32, 33)):
        weight[first:last] *= 6
    weight[tokenizer.first_timestamp_id : tokenizer.first_timestamp_id + 3001] *= 4
    return model


def test_clips_side_by_side_give_what_each_gives_alone(transcriber: Transcriber) -> None:
    clips = [noise(seconds, seed) for seed, seconds in enumerate((1.0, 3.5, 0.4))]
    together = transcriber.transcribe(clips)
    assert [transcriber.transcribe([clip])[0].words for clip in clips] == [
        t.words for t in together
    ]
    assert sum(len(timed.words) for timed in together) > 5
    for clip, timed in zip(clips, together, strict=True):
        times = [t for word in timed.words for t in (word.start, word.end) if t is not None]
        assert all(old <= new for old, new in pairwise(times))
        assert all(0 <= time <= clip.seconds + 0.01 for time in times)
        assert len(timed.probabilities) == len(timed.words)
        assert all(0 < sure <= 1 for sure in timed.probabilities)


def test_known_words_are_placed_in_order(transcriber: Transcriber) -> None:
    clip = noise(2.0)
    words = ["the", "old", "wooden", "gate", ""]
    timed = transcriber.place(clip, words)
    assert [word.text for word in timed.words] == words
    times = [t for word in timed.words for t in (word.start or 0.0, word.end or 0.0)]
    assert times == sorted(times)
    assert times[-1] <= clip.seconds
    assert all(0 <= sure <= 1 for sure in timed.probabilities)


def test_an_answer_without_times_names_no_place(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    assert Transcriber(model, tokenizer).locate(noise(1.0), "gate") == ()


def test_the_chat_s_answer_is_read(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = 'The word "gate" starts at <|0.33|> seconds and ends at <|0.70|> seconds.'
    monkeypatch.setattr(model, "chat", lambda *_, **__: (said, []))
    found = Transcriber(model, tokenizer).locate(noise(1.0), "gate")
    assert found == (TimedText("gate", 0.33, 0.70),)


def test_a_language_without_a_tag_is_refused(transcriber: Transcriber) -> None:
    with pytest.raises(ValueError, match="no tag for the language 'pt'"):
        transcriber.transcribe([noise(1.0)], "pt")
    assert transcriber.transcribe([]) == []


def test_the_vocabulary_of_another_network_is_refused(
    model: QwenAudioForCausalLM, tmp_path: Path
) -> None:
    other = QWenTokenizer(str(write_vocabulary(tmp_path, 256)))
    with pytest.raises(CheckpointError, match="does not fit the network"):
        Transcriber(model, other)


def test_how_sure_a_word_is_does_not_come_from_a_tag(transcriber: Transcriber) -> None:
    ids = transcriber._tokenizer.encode_text("<|sil|><|0.50|>sil<|0.80|>0<|0.90|>", "all")
    is_text = [token < transcriber._tokenizer.num_text_tokens for token in ids]
    timed = transcriber._timed(ids, [0.5 if text else 1.0 for text in is_text])
    assert [word.text for word in timed.words] == ["sil", "0"]
    assert timed.probabilities == (0.5, 0.5)


def test_a_transcript_that_is_cut_says_so(
    transcriber: Transcriber, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("qwen_audio_agent.model.transcribe.MAX_NEW_TOKENS", 20)
    (timed,) = transcriber.transcribe([noise(1.0)])
    assert not timed.is_whole
    assert "had no end after 20 tokens; words may be missing" in caplog.text


def test_a_transcript_that_ends_by_itself_is_whole(
    transcriber: Transcriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer = transcriber._model, transcriber._tokenizer
    bias = torch.zeros(model.config.vocab_size)
    bias[tokenizer.eod_id] = 1e4
    head = model.lm_head.forward
    monkeypatch.setattr(model.lm_head, "forward", lambda hidden: head(hidden) + bias)
    (timed,) = transcriber.transcribe([noise(1.0)])
    assert timed.is_whole
    assert timed.words == ()
