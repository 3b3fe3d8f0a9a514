from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import soundfile
from langchain_core.messages import HumanMessage

from qwen_audio_agent.chat_models.audio_blocks import BlockListener
from qwen_audio_agent.chat_models.offline import OfflineChatModel
from qwen_audio_agent.errors import AudioFileError


@pytest.fixture
def wav() -> bytes:
    """Half a second of faint noise, 16 kHz mono."""
    held = io.BytesIO()
    noise = np.random.default_rng(1).normal(0, 0.001, 8000)
    soundfile.write(held, noise, 16000, format="WAV")
    return held.getvalue()


def test_sound_in_base64_is_heard_without_a_session(wav):
    block = {"type": "audio", "base64": base64.b64encode(wav).decode(), "mime_type": "audio/wav"}
    asked = HumanMessage([block, {"type": "text", "text": "how long is it?"}])
    assert OfflineChatModel().invoke([asked]).text == "Audio 1 is 0.50 s long."


def test_the_openai_form_and_a_data_url_are_heard(wav):
    text = base64.b64encode(wav).decode()
    for block in (
        {"type": "input_audio", "input_audio": {"data": text, "format": "wav"}},
        {"type": "audio", "url": f"data:audio/wav;base64,{text}"},
    ):
        assert BlockListener().hear(block).duration == 0.5


def test_a_file_is_opened_inside_the_allowed_folder_only(tmp_path, wav):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a b.wav").write_bytes(wav)
    (tmp_path / "secret.wav").write_bytes(wav)
    (inside / "link.wav").symlink_to(tmp_path / "secret.wav")
    listener = BlockListener(inside)
    assert listener.hear({"type": "audio", "url": "a%20b.wav"}).duration == 0.5
    assert listener.hear({"type": "audio", "url": f"file://{inside}/a%20b.wav"}).duration == 0.5
    for url in ("../secret.wav", str(tmp_path / "secret.wav"), "link.wav", "", "none.wav"):
        with pytest.raises(AudioFileError):
            listener.hear({"type": "audio", "url": url})
    with pytest.raises(AudioFileError, match="in a folder that is allowed"):
        BlockListener().hear({"type": "audio", "url": "a%20b.wav"})


def test_nothing_is_fetched_from_the_net():
    with pytest.raises(AudioFileError, match="none of them"):
        BlockListener().hear({"type": "audio", "url": "https://example.org/a.wav"})


def test_what_is_no_sound_is_refused_in_plain_words():
    broken = {"type": "audio", "base64": "####", "mime_type": "audio/wav"}
    with pytest.raises(AudioFileError, match="no base64"):
        BlockListener().hear(broken)
    asked = HumanMessage([broken, {"type": "text", "text": "what is said?"}])
    assert "I cannot listen to Audio 1" in OfflineChatModel().invoke([asked]).text


def test_sounds_used_longest_ago_are_dropped(tmp_path, wav, monkeypatch):
    monkeypatch.setattr("qwen_audio_agent.chat_models.audio_blocks.MAX_KEPT_BYTES", 2 * 8000 * 4)
    listener = BlockListener(tmp_path)
    names = ["a.wav", "b.wav", "c.wav"]
    for name in names:
        (tmp_path / name).write_bytes(wav)
    a, b = (listener.hear({"type": "audio", "url": name}) for name in names[:2])
    assert listener.hear({"type": "audio", "url": "a.wav"}) is a
    listener.hear({"type": "audio", "url": "c.wav"})
    assert listener.hear({"type": "audio", "url": "a.wav"}) is a
    assert listener.hear({"type": "audio", "url": "b.wav"}) is not b
