"""The benchmark of the network runs end to end at a tiny size: its counters and its tables."""

from __future__ import annotations

import json
from functools import partial
from itertools import pairwise

import benchmark_model
import model_device
import model_memory
import model_speed
import model_ways
import pytest
import torch
from model_weights import qwen_audio


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def measured(capsys, *parts):
    """The rows of parts of the benchmark."""
    arguments = ["--size", "tiny", "--repeat", "1", "--json", "--parts", *parts]
    assert benchmark_model.main(arguments) == 0
    return json.loads(capsys.readouterr().out)


def test_both_ways_give_the_same_and_each_row_has_its_ratio(capsys):
    rows = measured(capsys, "beside transformers")["beside transformers"]
    works = [row["work"] for row in rows]
    assert works[:4] == ["encode 5 s", "encode 15 s", "encode 30 s", "read 256 tokens"]
    assert works[-1] == "a reply of 64 to 256"
    for row in rows:
        assert row["ratio"] == pytest.approx(row["ours ms"] / row["transformers ms"])
    unequal = [row["work"] for row in rows if row["difference"] == "-"]
    assert unequal == ["encode 5 s", "encode 15 s"]


def test_a_way_that_gives_something_else_ends_the_benchmark():
    config = model_ways.config_of("tiny")
    model = qwen_audio(config)
    ways = {"ours": model_ways.ours(model), "theirs": model_ways.theirs(config)}
    with torch.inference_mode(), pytest.raises(RuntimeError, match="read 256 tokens: results"):
        list(model_speed.decoder_rows(ways, 1))


def test_reuse_reads_what_is_new_and_encodes_each_audio_once(capsys):
    tables = measured(capsys, "conversation")
    rows, (short,) = tables["conversation"], tables["conversation in short"]
    assert [row["turn"] for row in rows] == list(range(1, 11))
    assert [row["reuse: encoded"] for row in rows] == [1, 0, 0, 1, 0, 0, 1, 0, 0, 0]
    assert [row["fresh: encoded"] for row in rows] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    assert (short["audios"], short["encoded with reuse"], short["encoded without"]) == (3, 3, 21)
    assert rows[0]["reuse: read"] == rows[0]["fresh: read"]
    for before, row in pairwise(rows):
        # A reply of eight tokens was read as it was made, but for the last.
        assert row["reuse: read"] == row["fresh: read"] - before["fresh: read"] - 7


@pytest.mark.parametrize("way", ["ours", "theirs"])
@pytest.mark.parametrize("work", ["nothing", "encode 30", "read 1024"])
def test_what_a_process_does_for_its_peak_memory(way, work):
    with torch.inference_mode():
        model_memory.do(model_ways.config_of("tiny"), way, work)


def test_memory_is_that_of_whole_processes():
    first = next(model_memory.rows_of("tiny", 1))
    assert (first["work"], first["way"]) == ("nothing", "ours")
    assert first["peak MiB"] > 100


def test_what_a_gpu_does_also_runs_on_a_cpu():
    compiled = partial(torch.compile, backend="eager", fullgraph=True)
    device = model_device.Device("cpu", copied_bytes=2**16)
    rows = list(model_device.rows_of(model_ways.config_of("tiny"), device, compiled))
    assert [row["work"] for row in rows] == [
        "GB copied",
        "seconds encoded",
        "tokens read",
        "tokens written, growing cache",
        "tokens written, static cache",
        "tokens written, static cache, compiled",
    ]
    for row in rows:
        assert row["per second"] > 0
        assert row["peak MiB"] == "-"
        assert ("% of " in row["of limit"]) == row["work"].startswith("tokens written")


def test_the_limit_counts_every_weight_that_a_token_needs():
    config = model_ways.config_of("tiny")
    model = model_device.random_model(config, "cpu")
    assert next(model.parameters()).dtype == torch.bfloat16
    block = 4 * 64 * 64 + 3 * 64 + 3 * 64 * 172 + 2 * 64
    weights = 2 * block + model_ways.NUM_ROWS * 64
    keys_and_values = 2 * 2 * 10 * 64
    assert model_device.bytes_per_token(model, 10) == 2 * (weights + keys_and_values)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_that_nothing_was_measured(capsys):
    assert benchmark_model.main(["--size", "tiny", "--parts", "public size on a GPU"]) == 0
    assert "no GPU here: not measured" in capsys.readouterr().out
