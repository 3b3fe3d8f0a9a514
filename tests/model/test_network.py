"""The network against transformers' own networks, and against itself: cached, batched, alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from transformers import DynamicCache, Qwen2Config, Qwen2ForCausalLM, WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from qwen_audio_agent.errors import CheckpointError
from qwen_audio_agent.model import QwenAudioForCausalLM, QWenTokenizer
from qwen_audio_agent.model.cache import GrowingCache
from qwen_audio_agent.model.prompt import ChatPrompts
from tests.model.tiny import SEQ_LENGTH, noise, tiny_config, tiny_model

TOLERANCE = 2e-5


@pytest.fixture(autouse=True)
def _no_grad() -> Iterator[None]:
    with torch.no_grad():
        yield


def _ids(length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (1, length), generator=torch.Generator().manual_seed(seed))


def test_the_encoder_is_whisper_s_but_for_the_pool(model: QwenAudioForCausalLM) -> None:
    encoder = model.transformer.audio
    config = WhisperConfig(
        d_model=48, encoder_layers=2, encoder_attention_heads=3, encoder_ffn_dim=192,
        attn_implementation="sdpa",
    )  # fmt: skip
    whisper = WhisperEncoder(config).eval()
    ours = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "out_proj"}
    names = {f"attn.{a}": f"self_attn.{b}" for a, b in ours.items()}
    names |= {"attn_ln": "self_attn_layer_norm", "mlp_ln": "final_layer_norm"}
    names |= {"mlp.0": "fc1", "mlp.2": "fc2"}
    mapped = {"embed_positions.weight": encoder.positional_embedding}
    for key, value in encoder.state_dict().items():
        part, _, kind = key.rpartition(".")
        if part.startswith("conv"):
            mapped[key] = value
        elif part.startswith("blocks."):
            number, inner = part.removeprefix("blocks.").split(".", 1)
            mapped[f"layers.{number}.{names[inner]}.{kind}"] = value
        elif part == "ln_post":
            mapped[f"layer_norm.{kind}"] = value
    assert not whisper.load_state_dict(mapped, strict=False).unexpected_keys
    mel = noise(30.0).mel()
    # Whisper norms and gives 50 frames per second; the norm is undone to pool before it.
    caught: list[torch.Tensor] = []
    whisper.layer_norm.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    whisper(mel[None])
    pooled = (caught[0][:, 0::2] + caught[0][:, 1::2]) / 2
    wanted = encoder.proj(encoder.ln_post(pooled))[0]
    (found,) = encoder([mel], [1500])
    assert torch.allclose(found[1:-1], wanted, atol=TOLERANCE)
    assert torch.equal(found[[0, -1]], encoder.audio_bos_eos_token.weight)


def test_the_decoder_is_qwen2_s_up_to_the_training_length(model: QwenAudioForCausalLM) -> None:
    config = model.config
    qwen2 = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=config.vocab_size, hidden_size=32, intermediate_size=48,
            num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
            rms_norm_eps=config.layer_norm_epsilon,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        )
    ).eval()  # fmt: skip
    state = {
        "model.embed_tokens.weight": model.transformer.wte.weight,
        "model.norm.weight": model.transformer.ln_f.weight,
        "lm_head.weight": model.lm_head.weight,
    }
    for number, block in enumerate(model.transformer.h):
        at = f"model.layers.{number}"
        for name, weight, bias in zip(
            "qkv", block.attn.c_attn.weight.chunk(3), block.attn.c_attn.bias.chunk(3), strict=True
        ):
            state[f"{at}.self_attn.{name}_proj.weight"] = weight
            state[f"{at}.self_attn.{name}_proj.bias"] = bias
        state[f"{at}.self_attn.o_proj.weight"] = block.attn.c_proj.weight
        state[f"{at}.mlp.gate_proj.weight"] = block.mlp.w2.weight
        state[f"{at}.mlp.up_proj.weight"] = block.mlp.w1.weight
        state[f"{at}.mlp.down_proj.weight"] = block.mlp.c_proj.weight
        state[f"{at}.input_layernorm.weight"] = block.ln_1.weight
        state[f"{at}.post_attention_layernorm.weight"] = block.ln_2.weight
    qwen2.load_state_dict(state)
    ids = _ids(SEQ_LENGTH)
    assert torch.allclose(model(ids).logits, qwen2(ids).logits, atol=TOLERANCE)
    longer = _ids(SEQ_LENGTH + 1)
    assert not torch.allclose(model(longer).logits, qwen2(longer).logits, atol=0.01)


@pytest.mark.parametrize("cache", [DynamicCache, GrowingCache])
@pytest.mark.parametrize("length", [40, SEQ_LENGTH + 90])
def test_cached_equals_uncached(
    model: QwenAudioForCausalLM, cache: type[DynamicCache], length: int
) -> None:
    ids = _ids(length)
    whole = model(ids).logits
    kept = cache()
    # The first part decides alpha, so it is read as long as all of it.
    model.transformer.remember_length(kept, length)
    parts = [ids[:, :7], ids[:, 7:8], ids[:, 8:30], ids[:, 30:]]
    found = torch.cat([model(part, past_key_values=kept).logits for part in parts], dim=1)
    assert torch.allclose(found, whole, atol=TOLERANCE)
    assert kept.get_seq_length() == length


def test_a_cache_that_was_cropped_goes_on_as_if_nothing_had_been_there(
    model: QwenAudioForCausalLM,
) -> None:
    ids, other = _ids(300), _ids(300, seed=1)
    kept = GrowingCache()
    model.transformer.remember_length(kept, 40)
    model(ids[:, :30], past_key_values=kept)
    model(other, past_key_values=kept)
    kept.crop(-300)
    found = model(ids[:, 30:40], past_key_values=kept).logits
    assert torch.allclose(found, model(ids[:, :40]).logits[:, 30:], atol=TOLERANCE)


def test_left_padded_rows_with_audio_equal_each_alone(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    """Of mixed lengths, one without audio, and one beyond the training length."""
    prompts = ChatPrompts(tokenizer)
    queries = [
        [{"audio": noise(1.3)}, {"text": "what is said?"}],
        [{"text": "hello"}],
        [{"audio": noise(9.0, 1)}, {"audio": noise(0.5, 2)}, {"text": "and here?"}],
    ]
    rows = [prompts.chat(tokenizer.from_list_format(query)) for query in queries]
    longest = max(len(row) for row in rows)
    assert longest > SEQ_LENGTH > len(rows[0])
    clips = [clip for row in rows for clip in row.clips]
    together = model.transformer.encode_clips(clips)
    features = [[together.pop(0) for _ in row.clips] for row in rows]
    padding = [longest - len(row) for row in rows]
    pairs = list(zip(rows, padding, strict=True))
    batch = torch.tensor([[tokenizer.eod_id] * pad + list(row.ids) for row, pad in pairs])
    mask = torch.tensor([[0] * pad + [1] * len(row) for row, pad in pairs])
    found = model(batch, attention_mask=mask, audio_features=features).logits
    generated = model.generate(
        batch, attention_mask=mask, audio_features=features, do_sample=False, max_new_tokens=8,
        eos_token_id=tokenizer.im_end_id, pad_token_id=tokenizer.eod_id,
    )  # fmt: skip
    for number, (row, pad) in enumerate(pairs):
        own = [model.transformer.encode_clips([clip])[0] for clip in row.clips]
        alone = model(torch.tensor([row.ids]), audio_features=[own]).logits[0]
        assert torch.allclose(found[number, pad:], alone, atol=TOLERANCE), number
        by_itself = model.generate(
            torch.tensor([row.ids]), audio_features=[own], do_sample=False, max_new_tokens=8,
            eos_token_id=tokenizer.im_end_id, pad_token_id=tokenizer.eod_id,
        )  # fmt: skip
        new = by_itself[0, len(row) :].tolist()
        assert generated[number, longest:].tolist()[: len(new)] == new


def test_a_clip_does_not_depend_on_its_companions(model: QwenAudioForCausalLM) -> None:
    clips = [noise(seconds, seed) for seed, seconds in enumerate((0.03, 0.5, 3.0, 1.77, 0.05))]
    together = model.transformer.encode_clips(clips)
    for clip, rows in zip(clips, together, strict=True):
        assert rows.shape == (clip.lengths.span, 32)
        assert torch.allclose(rows, model.transformer.encode_clips([clip])[0], atol=TOLERANCE)


def test_as_the_original_does_it_a_clip_does_depend_on_them(model: QwenAudioForCausalLM) -> None:
    exact = tiny_model(reference_exact=True).transformer
    short, long = noise(0.5), noise(3.0, 1)
    alone, together = exact.encode_clips([short])[0], exact.encode_clips([short, long])[0]
    assert not torch.allclose(alone, together, atol=1e-3)
    assert torch.allclose(alone, model.transformer.encode_clips([short])[0], atol=TOLERANCE)


@pytest.mark.parametrize("kernel", ["sdpa", "eager"])
def test_every_kernel_computes_the_same(model: QwenAudioForCausalLM, kernel: str) -> None:
    other = tiny_model(attn_implementation=kernel)
    ids, mask = _ids(50), torch.ones(1, 50, dtype=torch.long)
    mask[:, :3] = 0
    found = other(ids, attention_mask=mask, output_attentions=kernel == "eager")
    wanted = model(ids, attention_mask=mask).logits
    assert torch.allclose(found.logits[:, 3:], wanted[:, 3:], atol=TOLERANCE)
    if kernel == "eager":
        assert found.attentions[0].shape == (1, 4, 50, 50)


def test_beams_and_several_samples_hear_the_same(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    query = tokenizer.from_list_format([{"audio": noise(1.0)}, {"text": "what?"}])
    prompt = ChatPrompts(tokenizer).chat(query)
    features = [model.transformer.encode_clips(prompt.clips)]
    found = model.generate(
        torch.tensor([prompt.ids]), audio_features=features, num_beams=3, num_return_sequences=2,
        max_new_tokens=4, do_sample=False, pad_token_id=tokenizer.eod_id,
    )  # fmt: skip
    assert found.shape == (2, len(prompt) + 4)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0, "row 0 has 1 places for 0 audios"),
        (2, "row 0 has 1 places for 2 audios"),
    ],
)
def test_audio_that_does_not_fit_its_prompt_is_refused(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer, given: int, said: str
) -> None:
    ids = torch.tensor([tokenizer.audio_ids(25)])
    features = model.transformer.encode_clips([noise(1.0)] * given)
    with pytest.raises(ValueError, match=said):
        model(ids, audio_features=[features])
    with pytest.raises(ValueError, match="an audio of 12 rows does not fit its place"):
        model(ids, audio_features=[model.transformer.encode_clips([noise(0.4)])])


def test_it_learns(tokenizer: QWenTokenizer) -> None:
    """Gradients reach the decoder, the encoder and the embedding."""
    with torch.enable_grad():
        model = tiny_model().train()
        ids = torch.tensor([[*tokenizer.audio_ids(25), *range(10)]])
        loss = model(
            ids, labels=ids, audio_features=[model.transformer.encode_clips([noise(1.0)])]
        ).loss
        loss.backward()
    for part in (model.transformer.audio.conv1, model.transformer.h[0].attn.c_attn, model.lm_head):
        assert part.weight.grad is not None
        assert part.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"audio": None}, "text-only Qwen"),
        ({"hidden_size": 64}, "must be equal, not 32 and 64"),
        ({"kv_channels": 16}, "must be equal, not 32 and 64"),
        ({"audio": {"n_state": 47, "n_head": 3, "output_dim": 32}}, "no multiple"),
        ({"audio": {"avg_pool": False, "output_dim": 32}}, "avg_pool"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused(changes: dict, said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        QwenAudioForCausalLM(tiny_config(**changes))


@pytest.mark.parametrize(
    ("length", "alpha"), [(1, 1), (256, 1), (257, 3), (512, 3), (513, 7), (1024, 7), (1025, 15)]
)
def test_the_steps_of_dynamic_ntk(length: int, alpha: float) -> None:
    assert tiny_config().ntk_alpha(length) == alpha
    assert tiny_config(use_dynamic_ntk=False).ntk_alpha(length) == 1
