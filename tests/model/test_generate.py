"""`generate` of transformers: beams, caches of its own, sound that is encoded once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch
from transformers import DynamicCache

from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.model import QwenAudioForCausalLM, QWenTokenizer
from qwen_audio_agent.model.cache import GrowingCache
from tests.model.tiny import SEQ_LENGTH, noise, tiny_model

GREEDY = {"do_sample": False, "pad_token_id": 3779, "eos_token_id": None}


@pytest.fixture
def inputs(tokenizer: QWenTokenizer, tmp_path: Path) -> dict[str, Any]:
    """A prompt of the base model, as its card makes it."""
    soundfile.write(tmp_path / "a.wav", noise(1.0).samples, 16_000)
    query = f"<audio>{tmp_path / 'a.wav'}</audio><|startoftranscript|><|en|>"
    info = tokenizer.process_audio(query)
    return {**tokenizer(query, return_tensors="pt", audio_info=info), "audio_info": info}


@pytest.mark.parametrize("use_cache", [True, False])
def test_sound_is_encoded_once(
    model: QwenAudioForCausalLM, inputs: dict[str, Any], use_cache: bool
) -> None:
    wanted = model.generate(**inputs, max_new_tokens=5, **GREEDY)
    calls: list[None] = []
    hook = model.transformer.audio.register_forward_hook(lambda *_: calls.append(None))
    found = model.generate(**inputs, use_cache=use_cache, max_new_tokens=5, **GREEDY)
    hook.remove()
    assert torch.equal(found, wanted)
    assert len(calls) == 1


def test_sound_that_is_forgotten_is_missed(
    model: QwenAudioForCausalLM, inputs: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="places for 1 audios and none is given"):
        model.generate(inputs["input_ids"], max_new_tokens=2, **GREEDY)


def test_what_a_cache_has_heard_is_not_put_in_again(
    model: QwenAudioForCausalLM, inputs: dict[str, Any]
) -> None:
    cache = DynamicCache()
    first = model.generate(**inputs, past_key_values=cache, max_new_tokens=4, **GREEDY)
    more = torch.cat([first, torch.tensor([[65, 66]])], dim=1)
    info = inputs["audio_info"]
    wanted = model.generate(more, audio_info=info, max_new_tokens=4, **GREEDY)
    found = model.generate(more, audio_info=info, past_key_values=cache, max_new_tokens=4, **GREEDY)
    assert torch.equal(found, wanted)


def test_beams_reorder_our_cache_as_transformers_own(model: QwenAudioForCausalLM) -> None:
    ids = torch.randint(0, 256, (1, 20), generator=torch.Generator().manual_seed(3))
    how = {"num_beams": 4, "max_new_tokens": 12, **GREEDY}
    found = model.generate(ids, past_key_values=GrowingCache(), **how)
    assert torch.equal(found, model.generate(ids, **how))


def test_rows_padded_for_a_static_cache_equal_each_alone(model: QwenAudioForCausalLM) -> None:
    """Beyond the training length, where places count."""
    long = torch.randint(0, 256, (1, SEQ_LENGTH + 30), generator=torch.Generator().manual_seed(4))
    short = long[:, :40]
    padded = torch.nn.functional.pad(short, (SEQ_LENGTH - 10, 0))
    mask = torch.nn.functional.pad(torch.ones_like(short), (SEQ_LENGTH - 10, 0))
    batch, masks = torch.cat([long, padded]), torch.cat([torch.ones_like(long), mask])
    found = model.generate(
        batch, attention_mask=masks, cache_implementation="static", disable_compile=True,
        max_new_tokens=6, **GREEDY,
    )  # fmt: skip
    for row, ids in zip(found, (long, short), strict=True):
        alone = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=6, **GREEDY)
        assert row[-6:].tolist() == alone[0, -6:].tolist()


def test_rows_and_audios_that_do_not_match_are_refused(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    ids = torch.tensor([tokenizer.audio_ids(25)] * 3)
    features = model.transformer.encode_clips([noise(1.0)])
    with pytest.raises(ValueError, match="3 rows have audios for 2"):
        model(ids, audio_features=[features, features])


def test_addresses_in_raw_prompts_are_fetched_only_when_allowed(tokenizer: QWenTokenizer) -> None:
    query = "<audio>http://127.0.0.1:9/a.wav</audio>"
    with pytest.raises(UsageError, match="allow_urls=True"):
        tokenizer.process_audio(query)
    with pytest.raises(UsageError, match="only http and https"):
        tokenizer.process_audio(query.replace("http:", "ftp:"), allow_urls=True)


def test_training_uses_neither_wider_bases_nor_scaled_queries() -> None:
    ids = torch.randint(0, 256, (1, SEQ_LENGTH + 40))
    plain = tiny_model(use_logn_attn=False, use_dynamic_ntk=False)
    with torch.no_grad():
        found = tiny_model().train()(ids).logits
        assert torch.allclose(found, plain(ids).logits, atol=2e-5)


def test_the_loss_is_shared_by_the_steps_of_an_accumulated_batch(
    model: QwenAudioForCausalLM,
) -> None:
    """As the Trainer asks for it, which else would take steps that are too long."""
    ids = torch.arange(30)[None]
    with torch.no_grad():
        alone = model(ids, labels=ids).loss
        shared = model(ids, labels=ids, num_items_in_batch=2 * 29).loss
    assert torch.allclose(shared, alone / 2)


def test_checkpointed_gradients_are_those_of_the_whole(tokenizer: QWenTokenizer) -> None:
    ids = torch.tensor([[*tokenizer.audio_ids(25), *range(10)]])
    gradients = []
    for checkpointed in (False, True):
        model = tiny_model().train()
        if checkpointed:
            model.activation_checkpointing_enable({"use_reentrant": False})
        features = model.transformer.encode_clips([noise(1.0)])
        loss = model(ids, labels=ids, audio_features=[features], use_cache=checkpointed).loss
        loss.backward()
        audio, decoder = model.transformer.audio, model.transformer
        gradients.append([audio.conv1.weight.grad, decoder.h[0].attn.c_attn.weight.grad])
    for whole, parts in zip(*gradients, strict=True):
        assert torch.allclose(whole, parts, atol=1e-5)
