from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from qwen_audio_agent.audio.activity import find_activity
from qwen_audio_agent.audio.files import blocks, probe, read
from qwen_audio_agent.audio.samples import Audio
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.model.ears.qwen3_asr import Qwen3ASREar, _sure
from qwen_audio_agent.speech.ears import open_ear, weights_variable
from qwen_audio_agent.speech.ears.audible import ear_samples
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.stretches import cut_at_pauses
from qwen_audio_agent.speech.workers import can_be_opened_again


@pytest.fixture(scope="module")
def ear(qwen3_asr_folder, aligner_folder):
    return open_ear(f"qwen3-asr:{qwen3_asr_folder},{aligner_folder}")


@pytest.fixture
def speech(interview):
    return read(probe(interview))


def check(words, duration):
    assert all(a.end <= b.start for a, b in pairwise(words))
    assert all(0 <= w.start < w.end <= duration for w in words)
    assert all(0 <= w.probability <= 1 and w.start_error >= 0.1 for w in words)


def test_it_hears_words_with_times(ear, speech):
    heard = ear.listen(speech)
    assert isinstance(ear, Qwen3ASREar)
    assert (heard.ear, heard.language, heard.duration) == ("qwen3-asr", "en", speech.duration)
    assert heard.words
    check(heard.words, speech.duration)
    assert ear.listen(speech) == heard
    assert ear.find(speech, heard.words[0].text)
    assert ear.listen(Audio(np.zeros((2, 8000), np.float32), 8000)).words == ()


def test_known_words_are_placed_each_and_in_order(ear, speech):
    words = ["The", "<|im_end|>", "<timestamp>", "well-known", "今天", "", "—"]
    placed = ear.align(speech, words)
    assert [word.text for word in placed] == words
    check(placed, speech.duration)
    assert all(word.estimated for word in placed[-2:])
    assert [w.text for w in ear.align(speech, ["—"])] == ["—"]


def test_times_are_those_of_the_aligner(ear, speech):
    model, processor = ear._aligner
    inputs, words = processor.prepare_forced_aligner_inputs(
        ear_samples(speech), "garden show", "English"
    )
    with torch.inference_mode():
        logits = model(**inputs).logits
        mine = ear._aligned(ear_samples(speech), ["garden", "show"])
    times = logits.argmax(-1)[inputs["input_ids"] == model.config.timestamp_token_id] * 0.08
    assert words == [["garden", "show"]]
    assert np.ravel(mine).tolist() == pytest.approx(times.tolist())


def test_a_language_that_cannot_be_placed_is_heard_with_estimated_times(ear, speech):
    timed = ear._timed(ear_samples(speech), ["sahibi", "kim"], "Turkish")
    assert [(item.text, item.start, item.end) for item in timed] == [
        ("sahibi", None, None),
        ("kim", None, None),
    ]


def test_chinese_is_placed_letter_by_letter(ear):
    assert ear._pieces("今天iPhone，好", "Chinese") == ["今", "天", "iPhone", "好"]
    with pytest.raises(HearingError, match=r"Japanese needs a package .* pip install nagisa"):
        ear._pieces("今日", "Japanese")


def sure(text, *, said=None):
    """What `_sure` makes of a text of one-letter tokens, each half as sure as the one before."""
    letters = SimpleNamespace(decode=lambda ids: "".join(map(chr, ids)), all_special_ids=[ord("$")])
    ids = [ord(letter) for letter in text]
    logprobs = -torch.arange(len(ids), dtype=torch.float32)
    transcription = text.partition("<asr_text>")[2].strip("$") if said is None else said
    return _sure(SimpleNamespace(tokenizer=letters), ids, logprobs, transcription)


def test_a_word_is_as_sure_as_its_tokens():
    words = sure("language English<asr_text> a bc$")
    assert [text for text, _ in words] == ["a", "bc"]
    start = len("language English<asr_text>")
    assert words[0][1] == pytest.approx(np.exp(-(start + 0.5)))
    assert words[1][1] == pytest.approx(np.exp(-(start + 3)))
    assert [text for text, _ in sure("no tag", said="no tag")] == ["no", "tag"]


def test_what_goes_round_in_circles_is_said_once():
    words = sure("x<asr_text>" + "no " * 30, said="no")
    assert [text for text, _ in words] == ["no"]


def test_a_long_recording_is_heard_whole_and_each_word_once(ear, interview, tmp_path):
    samples, rate = soundfile.read(interview, dtype="float32")
    soundfile.write(tmp_path / "long.wav", np.concatenate([samples] * 3), rate)
    recording = probe(tmp_path / "long.wav")
    spans = cut_at_pauses(find_activity(blocks(recording)))
    expected = [w.text for span in spans for w in ear.listen(read(recording, span)).words]
    heard = Listener(ear, None).transcribe(recording)
    assert [word.text for word in heard.words] == expected
    check(heard.words, recording.duration)
    for span in spans:
        start, end = span.seconds(rate)
        assert any(start <= word.start < end for word in heard.words)
    assert not can_be_opened_again(ear)


def test_the_aligner_must_be_at_hand_too(qwen3_asr_folder, aligner_folder, monkeypatch, speech):
    monkeypatch.setenv(weights_variable("qwen3-asr"), str(qwen3_asr_folder))
    with pytest.raises(HearingError, match=r"hf download Qwen/Qwen3-ForcedAligner-0\.6B-hf$"):
        open_ear("qwen3-asr")
    with pytest.raises(HearingError, match="no folder 'nowhere' with weights"):
        open_ear(f"qwen3-asr:{qwen3_asr_folder},nowhere")
    swapped = open_ear(f"qwen3-asr:{aligner_folder},{qwen3_asr_folder}")
    with pytest.raises(HearingError, match=r"lacks .* of the weights"):
        swapped.align(speech, ["a"])
