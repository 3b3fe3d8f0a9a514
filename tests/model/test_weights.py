"""What a whole checkpoint holds, told from its headers."""

from __future__ import annotations

import json
import struct
import time

import pytest

from qwen_audio_agent.model import QwenAudioConfig
from qwen_audio_agent.model.config import public_audio_sizes
from qwen_audio_agent.model.weights import check_checkpoint, memory_needed, network_on_meta
from tests.model.tiny_checkpoint import SIZES, tiny_model, write_tiny_checkpoint


@pytest.fixture(scope="module")
def public():
    """A network of the public sizes, without memory."""
    return network_on_meta(QwenAudioConfig(audio=public_audio_sizes()))


def test_a_whole_checkpoint_is_described(tmp_path):
    whole = write_tiny_checkpoint(tmp_path, max_shard_size="200KB")
    report = check_checkpoint(whole)
    report.raise_if_broken()
    assert report.verdict == "loads"
    assert report.num_parameters == sum(p.numel() for p in tiny_model().parameters())
    assert report.dtypes == {"float32": len(tiny_model().state_dict())}
    assert [s.name for s in report.shards] == [
        f"model-0000{i}-of-00004.safetensors" for i in (1, 2, 3, 4)
    ]
    assert report.num_bytes == sum(path.stat().st_size for path in whole.glob("*.safetensors"))
    assert report.config.audio == SIZES["audio"]
    assert report.vocabulary.audio_start_id == SIZES["audio"]["audio_start_id"]
    assert report.partial == ()


def test_the_golden_checkpoint_loads(golden_data):
    report = check_checkpoint(golden_data / "checkpoint")
    assert report.verdict == "loads"
    assert report.vocabulary.num_tokens == 155165
    assert report.num_parameters == 10_076_608


# --- all weights of the public sizes -------------------------------------------------------------


def test_every_weight_of_the_public_checkpoint_has_its_place(golden_data, public):
    listed = json.loads((golden_data / "checkpoint_full_size_keys.json").read_text("utf-8"))
    assert {key: list(t.shape) for key, t in public.state_dict().items()} == listed
    assert len(listed) == 749


def test_the_parameters_of_the_public_sizes_are_counted(public):
    v, h, i, n, layers = 155947, 4096, 22016, 1280, 32
    block = 2 * h + (3 * h * h + 3 * h) + h * h + 3 * h * i // 2
    attention = 4 * n * n + 3 * n
    encoder_block = attention + 4 * n + (4 * n * n + 4 * n) + (4 * n * n + n)
    convolutions = (n * 80 * 3 + n) + (n * n * 3 + n)
    encoder = layers * encoder_block + convolutions + 2 * n + (n * h + h) + 2 * h
    counted = sum(parameter.numel() for parameter in public.parameters())
    assert counted == 2 * v * h + layers * block + h + encoder == 8_394_302_464
    memory = memory_needed(public)
    assert memory["bfloat16"] == memory["float16"] == 2 * (counted + 1500 * n)
    assert memory["float32"] == 2 * memory["bfloat16"]
    assert 16.7e9 < memory["bfloat16"] < 16.8e9
    assert 9.6e9 < memory["8-bit"] < 9.8e9
    assert 6.5e9 < memory["4-bit"] < 6.6e9


def test_seventeen_gigabytes_take_a_moment(public, tmp_path):
    """Nine files with the headers of the public ones, and holes in the place of their data."""
    weights = public.state_dict()
    names = {key: f"model-{i % 9 + 1:05}-of-00009.safetensors" for i, key in enumerate(weights)}
    for name in set(names.values()):
        entries, end = {}, 0
        for key in (key for key in weights if names[key] == name):
            start, end = end, end + 2 * weights[key].numel()
            shape = list(weights[key].shape)
            entries[key] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
        header = json.dumps(entries).encode()
        with (tmp_path / name).open("wb") as file:
            file.write(struct.pack("<Q", len(header)) + header)
            file.truncate(8 + len(header) + end)
    index = json.dumps({"metadata": {}, "weight_map": names})
    (tmp_path / "model.safetensors.index.json").write_text(index, "utf-8")
    public.config.save_pretrained(tmp_path)
    started = time.process_time()
    report = check_checkpoint(tmp_path, with_vocabulary=False)
    assert time.process_time() - started < 2
    assert report.verdict == "loads"
    assert 16.7e9 < report.num_bytes < 16.9e9
    assert report.dtypes == {"bfloat16": 749}
