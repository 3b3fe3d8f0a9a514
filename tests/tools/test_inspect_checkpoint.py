"""The report of a checkpoint, for people and for programs."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import inspect_checkpoint
import pytest

from tests.model.tiny_checkpoint import write_tiny_checkpoint

SCRIPT = Path(__file__).parents[2] / "tools" / "inspect_checkpoint.py"


@pytest.fixture
def folder(tmp_path):
    return write_tiny_checkpoint(tmp_path / "checkpoint", max_shard_size="200KB")


def test_a_whole_checkpoint(folder, capsys):
    assert inspect_checkpoint.main([str(folder)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == str(folder)
    assert told[-1] == "loads"
    assert "decoder 2 x 32, encoder 2 x 16, 3,784 rows" in told[1]
    assert "256 tokens of text and special ones to 3777, <audio> is 3776" in told[2]
    assert "float32" in told[3]


def test_a_whole_checkpoint_for_programs(folder, capsys):
    assert inspect_checkpoint.main([str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["loads"]
    assert told["problems"] == told["missing"] == told["surplus"] == told["misshapen"] == []
    assert told["config"]["audio"]["audio_start_id"] == told["vocabulary"]["audio_start_id"]
    assert [shard["state"] for shard in told["shards"]] == ["present"] * 4
    assert told["memory"]["bfloat16"] * 2 == told["memory"]["float32"]


def test_broken_ones(folder, capsys):
    shards = sorted(folder.glob("*.safetensors"))
    shards[0].unlink()
    shards[1].write_bytes(shards[1].read_bytes()[:-1])
    (folder / "qwen.tiktoken").unlink()
    assert inspect_checkpoint.main([str(folder)]) == 1
    told = capsys.readouterr().out
    assert f"broken: {shards[0].name} is missing: is the download complete?\n" in told
    assert f"broken: {shards[1].name} is cut off, " in told
    assert "qwen.tiktoken is missing: is the download complete?" in told
    assert "\nloads" not in told
    assert inspect_checkpoint.main([str(folder), "--json"]) == 1
    states = [shard["state"] for shard in json.loads(capsys.readouterr().out)["shards"]]
    assert states == ["missing", "truncated", "present", "present"]


def test_an_empty_folder_has_a_report_too(tmp_path, capsys):
    assert inspect_checkpoint.main([str(tmp_path)]) == 1
    assert "broken: config.json is missing" in capsys.readouterr().out
    assert inspect_checkpoint.main([str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["config"] is None


def test_the_golden_checkpoint(golden_data, capsys):
    assert inspect_checkpoint.main([str(golden_data / "checkpoint")]) == 0
    assert "151,643 tokens of text" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["{file}"], ["{file}/nowhere"], [".", "--loud"]])
def test_wrong_use(folder, arguments, capsys):
    given = [argument.format(file=folder / "config.json") for argument in arguments]
    with pytest.raises(SystemExit) as caught:
        inspect_checkpoint.main(given)
    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_the_script_itself(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(folder)])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert caught.value.code == 0
    assert capsys.readouterr().out.endswith("loads\n")
