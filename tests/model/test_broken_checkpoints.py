"""Broken checkpoints: each is refused at once, in one clear line."""

from __future__ import annotations

import json
import shutil
import struct
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from qwen_audio_agent.errors import CheckpointError
from qwen_audio_agent.model import QwenAudioForCausalLM
from qwen_audio_agent.model.weights import check_checkpoint
from tests.model.tiny_checkpoint import tiny_model, write_tiny_checkpoint, write_vocabulary

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 123\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Four shards and all else."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp("whole"), max_shard_size="200KB")


@pytest.fixture
def folder(whole, tmp_path):
    """A copy to be broken."""
    return Path(shutil.copytree(whole, tmp_path / "checkpoint"))


def shard(folder: Path, number: int = 2) -> Path:
    return folder / f"model-0000{number}-of-00004.safetensors"


def with_key(folder: Path, key: str) -> Path:
    index = json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))
    return folder / index["weight_map"][key]


def edit_json(path: Path, **values) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")


def edit_weights(path: Path, edit) -> None:
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def verdict(folder: Path) -> str:
    """The verdict, one clear line that came at once; and what loading is refused with."""
    started = time.process_time()
    report = check_checkpoint(folder)
    assert time.process_time() - started < 1
    assert report.problems
    for line in report.problems:
        assert line.isprintable()
        assert len(line) < 400
        assert "Error" not in line
        assert "Traceback" not in line
    with pytest.raises(CheckpointError) as caught:
        report.raise_if_broken()
    assert str(caught.value) == f"{folder}: {report.verdict}"
    return report.verdict


def refused(folder: Path) -> str:
    """The line with which transformers' own call refuses it, and the report does."""
    told = verdict(folder)
    with pytest.raises(CheckpointError) as caught:
        QwenAudioForCausalLM.from_pretrained(folder)
    assert str(caught.value).startswith(f"{folder}: {told.split(' (and ')[0]}")
    return told


def test_a_folder_that_is_none(whole, tmp_path):
    assert refused(tmp_path / "nowhere") == "does not exist"
    assert refused(whole / "config.json") == "is a file, not the folder of a checkpoint"


def test_an_empty_folder(tmp_path):
    assert refused(tmp_path).startswith("config.json is missing: is the download complete?")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "config.json is missing: is the download complete?"),
        ("", "config.json is empty: is the download complete?"),
        ('{"model_type": "qwen",\n "vocab', "config.json is no JSON from line 2 on: is the"),
        ("[1]", "config.json holds no JSON object"),
        ("[" * 100_000, "config.json is no JSON: is the"),
        ('{"model_type": "qwen"}', "config.json has no 'audio': this is a text-only Qwen, not"),
        ('{"model_type": "ll\\nama"}', "config.json is that of a model of type 'll\\nama', not"),
        (POINTER, "config.json is a Git-LFS pointer and not the file itself: run `git lfs pull`"),
    ],
)
def test_a_broken_config(folder, text, told):
    (folder / "config.json").unlink()
    if text is not None:
        (folder / "config.json").write_text(text, "utf-8")
    assert refused(folder).startswith(told)


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"audio": None}, "config.json has no 'audio'"),
        ({"hidden_size": "many"}, "config.json: audio.output_dim and hidden_size must be equal"),
        ({"vocab_size": "many"}, "the sizes in config.json make no network"),
        ({"dtype": "float33"}, "config.json makes no sense: module 'torch' has no attribute"),
        ({"id2label": 5}, "config.json makes no sense: 'int' object has no attribute"),
        ({"vocab_size": -5}, "the sizes in config.json make no network"),
        ({"intermediate_size": 10**30}, "the sizes in config.json make no network"),
        ({"num_hidden_layers": 10**9}, "the sizes in config.json make no network"),
        ({"num_hidden_layers": 1}, "8 weights have no place in the network, such as transformer.h"),
        ({"num_hidden_layers": 3}, "8 weights are missing, such as transformer.h.2."),
        ({"intermediate_size": 64}, "6 weights do not fit the sizes in config.json, such as"),
    ],
)
def test_sizes_that_are_not_those_of_the_weights(folder, sizes, told):
    edit_json(folder / "config.json", **sizes)
    assert refused(folder).startswith(told)


def test_a_missing_shard(folder):
    shard(folder).unlink()
    name = shard(folder).name
    assert refused(folder).startswith(f"{name} is missing: is the download complete? (and 1 more)")
    shard(folder, 4).unlink()
    report = check_checkpoint(folder)
    assert report.problems[0].endswith("is the download complete? (2 of 4 files are so)")
    assert [s.flaw.kind for s in report.shards if s.flaw] == ["missing", "missing"]


@pytest.mark.parametrize("kept", [0, 3, 8, 100, 20_000, -1])
def test_a_truncated_shard(folder, kept):
    data = shard(folder).read_bytes()
    shard(folder).write_bytes(data[:kept])
    (folder / "model-00002.safetensors.incomplete").touch()
    assert "is the download complete?" in refused(folder).split(" (and ")[0]
    report = check_checkpoint(folder)
    assert [s.flaw.kind for s in report.shards if s.flaw] == ["truncated"]
    assert report.partial == ("model-00002.safetensors.incomplete",)
    if kept == -1:
        assert f"{len(data) - 1:,} of {len(data):,} bytes are there" in report.verdict


def test_a_shard_that_is_still_being_downloaded(folder):
    shard(folder).with_name(f"{shard(folder).name}.aria2").touch()
    told = f"{shard(folder).name} is still being downloaded: let aria2 finish it"
    assert refused(folder).startswith(told)


def test_pointers_of_git_lfs(folder):
    for number in (1, 2, 3, 4):
        shard(folder, number).write_text(POINTER, "utf-8")
    told = f"{shard(folder, 1).name} is a Git-LFS pointer and not the file itself: run `git lfs"
    assert refused(folder).startswith(told)


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04 a zip of something else" * 10,
        struct.pack("<Q", 2) + b"{}" + b"surplus",
        struct.pack("<Q", 9) + b'{"a": 12}',
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 99) + b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 3]}}  ',
        struct.pack("<Q", 65)
        + b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, "x"]}}  ',
    ],
)
def test_a_shard_that_is_something_else(folder, data):
    shard(folder).write_bytes(data)
    assert shard(folder).name in refused(folder)


@pytest.mark.parametrize(
    ("weight_map", "told"),
    [
        ({"a": "model-00009-of-00009.safetensors"}, "model-00009-of-00009.safetensors is missing"),
        ({"a": "../other/model.safetensors"}, "model.safetensors.index.json names ../other/model"),
        ({"a": 5}, "model.safetensors.index.json names 5, which is no file name"),
        ({}, "model.safetensors.index.json names no files: it has no 'weight_map'"),
    ],
)
def test_an_index_that_names_what_is_not_there(folder, weight_map, told):
    edit_json(folder / "model.safetensors.index.json", weight_map=weight_map)
    assert refused(folder).startswith(told)


def test_no_index(folder):
    (folder / "model.safetensors.index.json").unlink()
    told = "model.safetensors.index.json is missing: is the download complete?"
    assert refused(folder) == told
    for path in folder.glob("model*"):
        path.unlink()
    assert refused(folder).startswith("holds no weights: neither model.safetensors nor")


KEY = "transformer.h.0.attn.c_attn.weight"


def test_a_missing_weight(folder):
    edit_weights(with_key(folder, KEY), lambda tensors: tensors.pop(KEY))
    told = f"1 weight is missing, such as {KEY}: is the download complete?"
    assert refused(folder) == told
    assert check_checkpoint(folder).keys.missing == (KEY,)


def test_surplus_weights(folder):
    path = shard(folder)
    edit_weights(
        path, lambda tensors: tensors.update({"transformer.visual.\x1b[31m\n": torch.ones(1)})
    )
    told = "1 weight has no place in the network, such as 'transformer.visual.\\x1b[31m\\n': is it"
    assert refused(folder).startswith(told)


def test_leftovers_of_old_files_are_no_surplus(folder):
    leftovers = {
        "transformer.h.0.attn.masked_bias": torch.ones(1),
        "transformer.h.0.attn.rotary_emb.inv_freq": torch.ones(4),
        "transformer.rotary_emb.inv_freq": torch.ones(4),
    }
    edit_weights(shard(folder), lambda tensors: tensors.update(leftovers))
    assert check_checkpoint(folder).verdict == "loads"
    QwenAudioForCausalLM.from_pretrained(folder)


def test_misshapen_weights(folder):
    edit_weights(with_key(folder, KEY), lambda tensors: tensors.update({KEY: torch.ones(96, 31)}))
    told = f"1 weight does not fit the sizes in config.json, such as {KEY}: [96, 31], not [96, 32]"
    assert refused(folder) == told


def test_a_weight_that_stands_in_two_files(folder):
    other = next(p for p in sorted(folder.glob("*.safetensors")) if p != with_key(folder, KEY))
    edit_weights(other, lambda tensors: tensors.update({KEY: torch.ones(96, 32)}))
    assert refused(folder).startswith(f"1 weight stands in several files, such as {KEY}")


def test_broken_settings_are_not_replaced_in_silence(folder):
    (folder / "generation_config.json").write_text('{"max_new', "utf-8")
    assert refused(folder).startswith("generation_config.json is no JSON from line 1 on")


@pytest.mark.parametrize("single", [True, False])
def test_pickled_weights_are_read_too(folder, single):
    weights = tiny_model().state_dict()
    for path in folder.glob("model*"):
        path.unlink()
    if single:
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        names = {key: f"pytorch_model-{len(key) % 2 + 1:05}-of-00002.bin" for key in weights}
        for name in set(names.values()):
            torch.save({k: v for k, v in weights.items() if names[k] == name}, folder / name)
        index = {"metadata": {}, "weight_map": names}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index), "utf-8")
    assert check_checkpoint(folder).verdict == "loads"
    QwenAudioForCausalLM.from_pretrained(folder)
    last = sorted(folder.glob("pytorch_model*.bin"))[-1]
    last.write_bytes(last.read_bytes()[:-5000])
    assert refused(folder).startswith(f"{last.name} is no file of torch.save, or cut off")
    last.write_bytes(b"\x80\x02}q\x00.")
    assert refused(folder).startswith(f"{last.name} is no zip of torch.save")


# --- the vocabulary ------------------------------------------------------------------------------


def test_the_settings_of_another_tokenizer(folder):
    edit_json(folder / "tokenizer_config.json", tokenizer_class="GPT2Tokenizer")
    assert verdict(folder) == "tokenizer_config.json is that of a GPT2Tokenizer, not of Qwen"
    (folder / "tokenizer_config.json").write_text('{"token', "utf-8")
    assert verdict(folder).startswith("tokenizer_config.json is no JSON from line 1 on")
    (folder / "tokenizer_config.json").unlink()
    assert check_checkpoint(folder).verdict == "loads"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, "is missing: is the download complete?"),
        (b"", "is empty: is the download complete?"),
        (POINTER.encode(), "is a Git-LFS pointer and not the file itself: run `git lfs pull`"),
        (b"\x89PNG\r\n\x1a\n", "line 1 is no token with its rank; is the download complete?"),
        (b"AA== 0\nAQ==", "line 2 is no token with its rank; is the download complete?"),
        (b"AA== 0\nAQ== 1\nAg== 1\n", "its 3 tokens do not have the ranks 0 to 2; is the download"),
        (b"AA== 0\nAQ== 1\n", "is no byte-level vocabulary: some bytes have no token"),
    ],
)
def test_a_broken_vocabulary(folder, data, told):
    (folder / "qwen.tiktoken").unlink()
    if data is not None:
        (folder / "qwen.tiktoken").write_bytes(data)
    assert told in verdict(folder)
    QwenAudioForCausalLM.from_pretrained(folder)  # the network itself needs none


def test_a_vocabulary_of_another_network(folder):
    write_vocabulary(folder, 300)
    told = (
        "the vocabulary does not fit the network: <audio> is token 3820 and config.json says 3776"
    )
    assert verdict(folder).startswith(told)


def test_a_vocabulary_larger_than_the_network(folder):
    write_tiny_checkpoint(folder / "small", vocab_size=3777)
    told = "the vocabulary does not fit the network: it has 3778 tokens and config.json says 3777"
    assert verdict(folder / "small") == told


def test_a_vocabulary_cut_off_at_the_end_of_a_line(golden_data, tmp_path):
    for path in (golden_data / "checkpoint").iterdir():
        if path.name != "qwen.tiktoken":
            (tmp_path / path.name).symlink_to(path)
    lines = (golden_data / "checkpoint" / "qwen.tiktoken").read_bytes().splitlines(keepends=True)
    (tmp_path / "qwen.tiktoken").write_bytes(b"".join(lines[:100_000]))
    assert verdict(tmp_path).startswith(
        "the vocabulary does not fit the network: <audio> is token 1"
    )
