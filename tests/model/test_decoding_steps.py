"""What a token costs beside its matrix products: nothing that it does not need."""

from __future__ import annotations

import pytest
import torch
from transformers import StaticCache

from qwen_audio_agent.model import QwenAudioConfig, QwenAudioForCausalLM
from qwen_audio_agent.model.cache import GrowingCache
from qwen_audio_agent.model.config import public_audio_sizes

SEQ_LENGTH = 32


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    audio = public_audio_sizes() | {"n_state": 16, "n_head": 2, "n_layer": 1, "output_dim": 32}
    config = QwenAudioConfig(
        vocab_size=100,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        kv_channels=8,
        intermediate_size=64,
        seq_length=SEQ_LENGTH,
        audio=audio,
    )
    return QwenAudioForCausalLM(config).eval()


@pytest.fixture
def given(model):
    """The positions and the mask that the blocks are given at each call."""
    calls = []
    hook = model.transformer.h[0].register_forward_pre_hook(lambda _, args: calls.append(args[1:3]))
    yield calls
    hook.remove()


@torch.no_grad()
def read(step, cache, ids):
    output = step(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return output.logits[0, -1].clone()


def ids_of(count):
    return torch.randint(0, 100, (1, count), generator=torch.Generator().manual_seed(2))


def test_prompts_and_tokens_need_no_mask_and_what_goes_on_from_a_cache_does(model, given):
    cache = GrowingCache()
    for count in (10, 1, 1, 5):
        read(model, cache, ids_of(count))
    masks = [mask for _, mask in given]
    assert masks[:3] == [None, None, None]
    assert masks[3].shape == (1, 1, 5, 17)


def test_queries_are_scaled_only_beyond_the_training_length(model, given):
    cache = GrowingCache()
    read(model, cache, ids_of(SEQ_LENGTH))
    read(model, cache, ids_of(1))
    within, beyond = [positions.query_scale for positions, _ in given]
    assert within is None
    assert float(beyond) > 1


def test_hidden_states_are_held_only_if_they_are_asked_for(model):
    ids = ids_of(4)
    with torch.no_grad():
        assert model(ids).hidden_states is None
        assert len(model(ids, output_hidden_states=True).hidden_states) == 3


@pytest.mark.parametrize("compiled", [False, True])
def test_a_static_cache_gives_the_same_logits_and_compiles_whole(model, compiled):
    step = torch.compile(model, backend="eager", fullgraph=True) if compiled else model
    growing, static = GrowingCache(), StaticCache(config=model.config, max_cache_len=40)
    ids = ids_of(40)
    read(model, growing, ids[:, :24])
    read(model, static, ids[:, :24])
    for token in ids[:, 24:].split(1, dim=1):  # over the training length too
        torch.testing.assert_close(read(step, static, token), read(model, growing, token))
