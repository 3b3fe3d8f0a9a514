"""The ear on a tiny Qwen-Audio: through the registry, the listener, and the command line."""

import json
from itertools import pairwise

import pytest
import soundfile

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.cli import main
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.model import AudioClip
from qwen_audio_agent.model.ears.qwen_audio import QwenAudioEar
from qwen_audio_agent.model.timestamps import TimedText
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Listener
from tests.model.tiny_checkpoint import write_tiny_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def ear(folder):
    return open_ear(f"qwen-audio:{folder}")


@pytest.fixture
def writes(monkeypatch):
    """Let the network write a transcript, as one that was taught would; gives how many at once."""
    sizes = []

    def timed(self, clips, language="en"):
        sizes.append(len(clips))
        from qwen_audio_agent.model.transcribe import Timed

        said = ["welcome", "back", "to", "the", "garden", "show"]
        return [_spread(Timed, said, clip) for clip in clips]

    monkeypatch.setattr("qwen_audio_agent.model.transcribe.Transcriber.transcribe", timed)
    return sizes


def _spread(made, said, clip: AudioClip):
    step = clip.seconds / (len(said) + 1)
    words = [TimedText(word, i * step, (i + 0.9) * step) for i, word in enumerate(said)]
    return made(tuple(words), (0.9,) * len(words))


def test_random_weights_are_heard_through(ear, interview):
    speech = read(probe(interview))
    heard = ear.listen(speech)
    assert isinstance(ear, QwenAudioEar)
    assert heard.ear == "qwen-audio"
    placed = ear.align(speech, ["the", "old", "gate"])
    assert [word.text for word in placed] == ["the", "old", "gate"]
    assert all(a.end <= b.start for a, b in pairwise(placed))
    assert all(word.start_error >= 0.1 for word in placed)


def test_over_half_a_minute_is_heard_in_stretches(ear, writes, interview, tmp_path):
    samples, rate = soundfile.read(interview)
    soundfile.write(tmp_path / "long.wav", [*samples, *samples, *samples], rate)
    file = probe(tmp_path / "long.wav")
    transcript = Listener(ear, None, num_workers=1).transcribe(file)
    texts = [word.text for word in transcript.words]
    num = texts.count("welcome")
    assert writes == [num]
    assert num >= 2
    assert texts == ["welcome", "back", "to", "the", "garden", "show"] * num
    assert all(a.end <= b.start + 1e-6 for a, b in pairwise(transcript.words))
    assert transcript.words[-1].end <= transcript.duration


def test_a_phrase_is_found_in_what_is_heard_or_asked_for(ear, writes, interview, monkeypatch):
    speech = read(probe(interview))
    best = ear.find(speech, "garden show")[0]
    assert not best.doubtful
    answer = 'The word "gate" starts at <|2.33|> seconds and ends at <|3.26|> seconds.'
    monkeypatch.setattr(ear._model, "chat", lambda *_, **__: (answer, []))
    asked = ear.find(speech, "gate")[0]
    assert asked.doubtful
    assert (asked.start, asked.end) == (2.33, 3.26)


def test_the_command_line_takes_it(folder, writes, interview, capsys):
    assert main(["words", str(interview), "--ear", f"qwen-audio:{folder}", "--format", "json"]) == 0
    words = json.loads(capsys.readouterr().out)["words"]
    assert [word["text"] for word in words[:2]] == ["welcome", "back"]


def test_what_is_missing_is_said_in_one_line(tmp_path, folder, monkeypatch):
    with pytest.raises(HearingError, match="QWEN_AUDIO_AGENT_QWEN_AUDIO"):
        open_ear("qwen-audio")
    with pytest.raises(HearingError, match="there is no folder"):
        open_ear(f"qwen-audio:{tmp_path / 'nowhere'}")
    (tmp_path / "config.json").write_text('{"model_type": "whisper"}')
    with pytest.raises(HearingError, match="not 'qwen'"):
        open_ear(f"qwen-audio:{tmp_path}")
    monkeypatch.setenv("QWEN_AUDIO_AGENT_QWEN_AUDIO", str(folder))
    assert open_ear("auto").name == "qwen-audio"
