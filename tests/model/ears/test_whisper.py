import json
from itertools import pairwise

import numpy as np
import pytest
import soundfile
import torch

from qwen_audio_agent.audio.activity import find_activity
from qwen_audio_agent.audio.files import blocks, probe, read
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.cli import main
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.model.ears import whisper
from qwen_audio_agent.model.ears.whisper import WhisperEar
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.stretches import cut_at_pauses
from qwen_audio_agent.speech.workers import can_be_opened_again


@pytest.fixture(scope="module")
def ear(whisper_folder):
    return open_ear(f"whisper:{whisper_folder}")


@pytest.fixture
def speech(interview):
    return read(probe(interview))


def check(words, duration):
    assert all(a.end <= b.start for a, b in pairwise(words))
    assert all(0 <= w.start < w.end <= duration for w in words)
    assert all(0 <= w.probability <= 1 and w.start_error >= 0.07 for w in words)


def test_it_hears_words_with_times(ear, speech):
    heard = ear.listen(speech)
    assert isinstance(ear, WhisperEar)
    assert (heard.ear, heard.duration) == ("whisper", speech.duration)
    assert heard.language == "zh"
    assert heard.words
    check(heard.words, speech.duration)
    assert ear.listen(speech) == heard
    assert all(0 <= gap.start < gap.end <= speech.duration for gap in heard.gaps)


def test_a_text_that_goes_round_in_circles_is_sampled_the_same_way_each_time(
    ear, speech, monkeypatch
):
    likeliest = ear.listen(speech)
    monkeypatch.setattr(whisper, "_CIRCLES", 0.0)
    before = torch.get_rng_state()
    sampled = ear.listen(speech)
    assert sampled != likeliest
    assert ear.listen(speech) == sampled
    assert torch.equal(torch.get_rng_state(), before)


def test_nobody_speaks_if_the_text_is_unlikely_too(ear, speech, monkeypatch):
    monkeypatch.setattr(whisper, "_NO_SPEECH", -1.0)
    monkeypatch.setattr(whisper, "_UNLIKELY", -100.0)
    assert ear.listen(speech).words
    monkeypatch.setattr(whisper, "_UNLIKELY", 0.0)
    assert ear.listen(speech).words == ()


def test_any_rate_and_channels_and_silence_will_do(ear):
    rng = np.random.default_rng(0)
    stereo = Audio(0.1 * rng.normal(size=(2, 44_100)).astype(np.float32), 44_100)
    check(ear.listen(stereo).words, stereo.duration)
    assert ear.listen(Audio(np.zeros((1, 8000), np.float32), 8000)).words == ()
    assert ear.listen(Audio(np.zeros((1, 0), np.float32), 8000)).words == ()


def test_known_words_are_placed_each_and_in_order(ear, speech):
    words = ["The", "<|endoftext|>", "garden", "21", "", "café"]
    placed = ear.align(speech, words)
    assert [word.text for word in placed] == words
    check(placed, speech.duration)
    assert ear.align(speech, []) == ()


def test_more_words_than_fit_are_refused(ear, speech):
    with pytest.raises(HearingError, match="300 words are more than Whisper can place"):
        ear.align(speech, ["garden"] * 300)
    with pytest.raises(HearingError, match=r"9 words do not fit into 0\.10 s"):
        ear.align(speech.slice(Span(0, 1600)), ["a"] * 9)


def test_nothing_is_cut_off_in_silence(ear):
    long = Audio(np.full((1, 31 * 8000), 0.1, np.float32), 8000)
    for hear in (ear.listen, lambda audio: ear.align(audio, ["a"])):
        with pytest.raises(HearingError, match=r"hears 30 s at a time, not 31\.0"):
            hear(long)


def test_what_was_heard_is_found(ear, speech):
    heard = ear.listen(speech)
    matches = ear.find(speech, " ".join(word.text for word in heard.words[-2:]))
    assert matches
    assert {match.start for match in matches} <= {word.start for word in heard.words}
    assert ear.find(speech, "quilter is the apostle", heard) == ()


def test_in_english_known_words_are_placed_by_the_sound(english_whisper_folder, speech, interview):
    ear = WhisperEar(str(english_whisper_folder))
    start = speech.slice(Span(0, 6 * speech.sample_rate))
    heard = ear.listen(start)
    assert heard.language == "en"
    check(heard.words, 6.0)
    words = json.loads(interview.with_suffix(".json").read_text())["words"]
    truth = [word for word in words if word["end"] < 5.5]
    placed = ear.align(start, [word["text"] for word in truth])
    check(placed, 6.0)
    off = [abs(word.start - true["start"]) for word, true in zip(placed, truth, strict=True)]
    assert np.mean(off) < 0.06


@pytest.fixture
def recording(tmp_path, interview):
    samples, rate = soundfile.read(interview, dtype="float32")
    path = tmp_path / "long.wav"
    soundfile.write(path, np.concatenate([samples] * 5), rate)
    return probe(path)


def test_a_long_recording_is_heard_whole_and_each_word_once(ear, recording, tmp_path):
    spans = cut_at_pauses(find_activity(blocks(recording)))
    assert len(spans) > 2
    assert all(a.end == b.start for a, b in pairwise(spans))
    expected = [
        (word.text, pytest.approx(word.start + span.start / recording.sample_rate))
        for span in spans
        for word in ear.listen(read(recording, span)).words
    ]
    listener = Listener(ear, tmp_path / "cache", num_workers=8)
    heard = listener.transcribe(recording)
    assert [(word.text, word.start) for word in heard.words] == expected
    check(heard.words, recording.duration)
    for span in spans:
        start, end = span.seconds(recording.sample_rate)
        assert any(start <= word.start < end for word in heard.words)
    assert Listener(ear, tmp_path / "cache").remembered(recording) == heard


def test_stretches_that_overlap_are_stitched(ear, tmp_path):
    path = tmp_path / "hum.wav"
    rng = np.random.default_rng(0)
    soundfile.write(path, 0.1 * rng.normal(size=40 * 16_000).cumsum() % 0.5 - 0.25, 16_000)
    heard = Listener(ear, None).transcribe(probe(path))
    check(heard.words, 40.0)


def test_it_is_not_opened_in_several_processes(ear):
    assert not can_be_opened_again(ear)


def test_the_version_follows_the_files(ear, whisper_folder, tmp_path):
    for path in whisper_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert open_ear(f"whisper:{whisper_folder}").version == ear.version
    assert open_ear(f"whisper:{tmp_path}").version != ear.version


def test_the_command_line_takes_a_folder(whisper_folder, interview, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("QWEN_AUDIO_AGENT_CACHE", str(tmp_path))
    assert main(["words", str(interview), "--ear", f"whisper:{whisper_folder}", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["words"]
    assert "not calibrated" in shown.err
    assert main(["words", str(interview), "--ear", f"whisper:{tmp_path}"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
