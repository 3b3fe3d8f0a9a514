"""Networks whose parts lie on several devices, or on a disk until they are called."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from qwen_audio_agent.model.decoder import positions_of, rotary_frequencies
from tests.model.tiny import noise, tiny_config
from tests.model.tiny_checkpoint import write_tiny_checkpoint

accelerate = pytest.importorskip("accelerate")

PARTS = ("audio", "wte", "h.0", "h.1", "ln_f")
GREEDY = {"do_sample": False, "max_new_tokens": 4}


@pytest.mark.parametrize("on_disk", [PARTS, ("audio", "h.1"), ("wte", "ln_f")])
def test_parts_on_a_disk_answer_as_if_they_were_in_memory(
    tmp_path: Path, on_disk: tuple[str, ...]
) -> None:
    folder = write_tiny_checkpoint(tmp_path / "checkpoint")
    places = {f"transformer.{part}": "disk" if part in on_disk else "cpu" for part in PARTS}
    places["lm_head"] = "disk"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    query = tokenizer.from_list_format([{"audio": noise(1.0)}, {"text": "what?"}])
    whole = AutoModelForCausalLM.from_pretrained(folder)
    wanted, history = whole.chat(tokenizer, query, **GREEDY)
    second, _ = whole.chat(tokenizer, "and?", history, **GREEDY)
    parts = AutoModelForCausalLM.from_pretrained(
        folder, device_map=places, offload_folder=str(tmp_path / "offloaded")
    )
    conversation = parts.conversation()
    found, history = parts.chat(tokenizer, query, conversation=conversation, **GREEDY)
    assert found.token_ids == wanted.token_ids
    found, _ = parts.chat(tokenizer, "and?", history, conversation=conversation, **GREEDY)
    assert found.token_ids == second.token_ids


def test_accelerate_moves_positions_to_the_device_of_a_block() -> None:
    config = tiny_config()
    places = torch.arange(3)[None]
    positions = positions_of(config, places, rotary_frequencies(config, [1.0]), beyond=True)
    moved = accelerate.utils.send_to_device(positions, "meta")
    assert {moved.cos.device.type, moved.sin.device.type, moved.query_scale.device.type} == {"meta"}
