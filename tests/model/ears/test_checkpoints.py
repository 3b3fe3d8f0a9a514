import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.model.ears.checkpoints import best_dtype
from qwen_audio_agent.speech.ears import open_ear, weights_variable
from qwen_audio_agent.speech.ears.pocketsphinx import PocketSphinxEar


@pytest.fixture
def copied(whisper_folder, tmp_path):
    """A checkpoint to be damaged."""
    for path in whisper_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def told(name, audio=None):
    """The one line that a person reads."""

    def hear():
        ear = open_ear(name)
        if audio is not None:
            ear.align(audio, ["word"])

    with pytest.raises(HearingError) as caught:
        hear()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_that_is_not_there(tmp_path):
    assert told("whisper:/no/such/folder") == "there is no folder '/no/such/folder' with weights"
    assert "there is no folder" in told("whisper:~nobody")
    assert "holds no model: there is no config.json" in told(f"whisper:{tmp_path}")


def test_a_folder_of_something_else(copied):
    config = copied / "config.json"
    config.write_text(json.dumps({"model_type": "bert\n"}))
    assert "holds a model of the type 'bert', and not 'whisper'" in told(f"whisper:{copied}")
    for damaged in ("{", "[]", "{}", "\0"):
        config.write_text(damaged)
        assert "config.json' cannot be read" in told(f"whisper:{copied}")


def test_a_folder_without_weights(copied):
    (copied / "model.safetensors").unlink()
    assert "holds no weights" in told(f"whisper:{copied}")


@pytest.fixture
def noise():
    from qwen_audio_agent.audio.samples import Audio

    return Audio(0.1 * torch.rand(1, 16_000).numpy(), 16_000)


def test_damaged_weights(copied, noise):
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "cannot be loaded" in told(f"whisper:{copied}", noise)


def test_weights_that_lack_some_are_not_made_up(copied, noise):
    weights = load_file(copied / "model.safetensors")
    del weights["model.decoder.layers.0.fc1.weight"]
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    line = told(f"whisper:{copied}", noise)
    assert "lacks 1 of the weights that it should hold, as model.decoder.layers.0.fc1" in line


def test_a_checkpoint_without_its_tokenizer(copied, noise):
    (copied / "tokenizer.json").unlink()
    assert "lacks its tokenizer" in told(f"whisper:{copied}", noise)


def test_a_checkpoint_of_before_there_were_generation_configs(copied, noise):
    (copied / "generation_config.json").unlink()
    assert "has no generation_config.json" in told(f"whisper:{copied}", noise)


def test_a_variable_names_weights_for_auto_and_downloads_nothing(whisper_folder, monkeypatch):
    variable = weights_variable("whisper")
    monkeypatch.setenv(variable, str(whisper_folder))
    assert open_ear("whisper").version == open_ear(f"whisper:{whisper_folder}").version
    assert open_ear().name == "whisper"
    monkeypatch.setenv(variable, "nobody/has-this")
    assert told("whisper") == (
        "nobody/has-this is neither a folder nor at hand on this machine; "
        "fetch it where there is a network: hf download nobody/has-this"
    )
    assert isinstance(open_ear(), PocketSphinxEar)


def test_an_id_that_is_named_and_cannot_be_fetched(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    line = told("whisper:nobody/has-this")
    assert line.startswith("nobody/has-this is neither a folder nor at hand on this machine, and ")
    assert "cannot be fetched" in line
    assert line.endswith("hf download nobody/has-this")


def test_weights_are_halved_only_where_that_is_quick():
    assert best_dtype(torch.device("cpu")) == torch.float32
    assert best_dtype(torch.device("cuda"), half=torch.float16) == torch.float16
