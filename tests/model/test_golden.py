"""Every case that the original code computed, to the tolerances of its INDEX.json."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from qwen_audio_agent.model import AudioClip, QwenAudioForCausalLM, QWenTokenizer, read_clip
from qwen_audio_agent.model.features import clip_lengths, log_mel
from qwen_audio_agent.model.prompt import ChatPrompts
from qwen_audio_agent.model.special_tokens import special_tokens

FEATURES, HIDDEN, LOGITS, NORM, MEL = 1e-5, 5e-5, 5e-5, 2e-3, 1e-4


def _case_names() -> list[str]:
    folder = os.environ.get("GOLDEN_DATA")
    if not folder:
        return ["a_single_audio"]  # which then skips, aloud
    index = json.loads((Path(folder) / "INDEX.json").read_text("utf-8"))
    return sorted(index["cases"])


@pytest.fixture
def clips(golden_data: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens a recording of the golden data as the original heard it: resampled by ffmpeg."""
    monkeypatch.chdir(golden_data)

    def opened(path: str | Path, **how: Any) -> AudioClip:
        heard = golden_data / "audio16k" / f"{Path(path).stem}.wav"
        clip = read_clip(heard if heard.exists() else path, **(how | {"cut_at_limit": True}))
        return AudioClip(clip.samples, str(path))

    monkeypatch.setattr("qwen_audio_agent.model.fetching.read_clip", opened)
    return opened


def _case(golden_data: Path, name: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    path = golden_data / "cases" / f"{name}.json"
    return json.loads(path.read_text("utf-8")), load_file(path.with_suffix(".safetensors"))


def _rows(ids: list[Any]) -> list[list[int]]:
    return ids if isinstance(ids[0], list) else [ids]


@pytest.mark.parametrize("name", _case_names())
def test_what_the_network_computes(
    golden_data: Path, golden_model: QwenAudioForCausalLM, clips: Any, name: str
) -> None:
    case, tensors = _case(golden_data, name)
    network = golden_model.transformer
    ids = torch.tensor(_rows(case["input_ids"]))
    mask = torch.tensor(case["attention_mask"]) if "attention_mask" in case else None
    with torch.no_grad():
        features = network.encode_clips([clips(a["path"]) for a in case.get("audio", [])])
        for number, rows in enumerate(features):
            assert torch.allclose(rows, tensors[f"audio_features_{number}"], rtol=0, atol=FEATURES)
        of_row: list[list[torch.Tensor]] = [[] for _ in ids]
        places = case.get("audio_positions_batch_start_end_inclusive", [])
        for (row, _, _), found in zip(places, features, strict=True):
            of_row[row].append(found)
        output = network(
            input_ids=ids, attention_mask=mask, audio_features=of_row, output_hidden_states=True
        )
        logits = golden_model.lm_head(output.last_hidden_state)
    real = slice(None) if mask is None else mask.bool()
    for key, wanted in tensors.items():
        if key.startswith("hidden_"):
            found = output.hidden_states[int(key.removeprefix("hidden_"))]
            assert torch.allclose(found[real], wanted[real], rtol=0, atol=HIDDEN), key
    found = output.last_hidden_state
    assert torch.allclose(found[real], tensors["last_hidden"][real], rtol=0, atol=HIDDEN)
    assert torch.equal(logits.argmax(-1)[real], tensors["argmax_every_position"][real].long())
    for row, wanted in zip(logits[:, -1], case["logits_last_position"], strict=True):
        best = torch.tensor(wanted["top50"]["values"])
        assert torch.allclose(row[wanted["top50"]["ids"]], best, rtol=0, atol=LOGITS)
        assert row.double().norm().item() == pytest.approx(wanted["l2_norm"], abs=NORM)


@pytest.mark.parametrize("name", _case_names())
def test_what_the_card_s_calls_give(
    golden_data: Path,
    golden_model: QwenAudioForCausalLM,
    golden_tokenizer: QWenTokenizer,
    clips: Any,
    name: str,
) -> None:
    case, _ = _case(golden_data, name)
    if "query" in case:
        _assert_chat(case, golden_model, golden_tokenizer)
    else:
        _assert_raw(case, golden_model, golden_tokenizer, clips)


def _assert_chat(
    case: dict[str, Any], model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    system = case.get("system_override", case["system"])
    history = [tuple(turn) for turn in case["history"] or []]
    query = case["query"]
    if case["list_format"]:
        assert tokenizer.from_list_format(case["list_format"]) == query
    window = case.get("max_window_size", 6144)
    prompts = ChatPrompts(tokenizer, trust_text=True)
    assert list(prompts.chat(query, history, system, window).ids) == case["input_ids"]
    reply, after = model.chat(
        tokenizer, query, history, system,
        trust_text=True, do_sample=False, max_new_tokens=24, max_window_size=window,
        stop_words_ids=case.get("stop_words_ids_arg"),
    )  # fmt: skip
    ends = (tokenizer.eod_id, tokenizer.im_start_id, tokenizer.im_end_id)
    wanted = [i for i in case["greedy_new_token_ids"][0] if i not in ends]
    assert list(reply.token_ids) == wanted
    # Where no end was generated, the original loses the last token of its answer's text.
    was_cut = len(case["greedy_new_token_ids"][0]) == len(wanted)
    shown = tokenizer.decode(wanted[:-1]).strip() if was_cut else str(reply)
    assert shown == case["chat_response"]
    assert reply.startswith(case["chat_response"])
    assert after == [*history, (query, reply)]


def _assert_raw(
    case: dict[str, Any], model: QwenAudioForCausalLM, tokenizer: QWenTokenizer, clips: Any
) -> None:
    prompts = case.get("prompts") or [case["prompt"]]
    infos = [tokenizer.process_audio(prompt, clips) for prompt in prompts]
    inputs = tokenizer(
        prompts, audio_info=infos, padding=True, padding_side="left", return_tensors="pt"
    )
    assert inputs["input_ids"].tolist() == _rows(case["input_ids"])
    generated = model.generate(
        **inputs, audio_info=infos, do_sample=False, max_new_tokens=24, eos_token_id=151643,
        pad_token_id=151643,
    )  # fmt: skip
    new = generated[:, inputs["input_ids"].shape[1] :].tolist()
    assert new == case["greedy_new_token_ids"]
    back = tokenizer.decode(inputs["input_ids"][0], audio_info=infos[0])
    assert back.endswith(prompts[0])


def test_the_tokenizer(golden_data: Path, golden_tokenizer: QWenTokenizer) -> None:
    golden = json.loads((golden_data / "tokenizer" / "tokenizer_golden.json").read_text("utf-8"))
    assert list(special_tokens()) == golden["special_tokens_all_in_order_first_id_151643"]
    for row in golden["encode_decode"]:
        text, ids = row["text"], row["encode_default_allowed_all"]
        assert golden_tokenizer.encode_text(text, "all") == ids
        assert golden_tokenizer.encode_text(text, "audio") == row["encode_chat_allowed_audio_tags"]
        assert golden_tokenizer.encode_text(text) == row["encode_no_special"]
        assert golden_tokenizer.decode(ids) == row["decode_of_default"]
        assert golden_tokenizer.decode(ids, skip_special_tokens=True) == row["decode_skip_special"]
        tokens = golden_tokenizer.convert_ids_to_tokens(ids)
        assert golden_tokenizer.convert_tokens_to_ids(tokens) == ids
    for row in golden["decode_only"]:
        if "decode" in row:
            assert golden_tokenizer.decode(row["ids"]) == row["decode"]
            ignoring = golden_tokenizer.decode(row["ids"], errors="ignore")
            assert ignoring == row["decode_errors_ignore"]
    for row in golden["from_list_format"]:
        if "text" in row:
            assert golden_tokenizer.from_list_format(row["list_format"]) == row["text"]


def test_log_mel(golden_data: Path, clips: Any) -> None:
    index = json.loads((golden_data / "mel" / "index.json").read_text("utf-8"))
    files = sorted((golden_data / "mel").glob("*.npz"))
    assert len(files) == 8
    for path in files:
        wanted = torch.from_numpy(np.load(path)["mel"])
        found = list(golden_data.glob(f"audio/**/{path.stem}"))
        mel = clips(found[0]).mel()
        assert mel.shape == (80, 3000)
        assert torch.allclose(mel[:, : wanted.shape[1]], wanted, rtol=0, atol=MEL), path.stem
    assert index


def test_lengths(golden_data: Path) -> None:
    rows = json.loads((golden_data / "encoder" / "lengths.json").read_text("utf-8"))["rows"]
    for row in rows:
        lengths = clip_lengths(row["samples_16k"])
        assert lengths.conv_frames == row["T_after_conv"]
        assert lengths.num_tokens == row["audio_tokens"]
        assert lengths.span == row["span"]


def test_the_encoder(golden_data: Path, golden_model: QwenAudioForCausalLM, clips: Any) -> None:
    cases = json.loads((golden_data / "encoder" / "encoder_golden.json").read_text("utf-8"))
    tensors = load_file(golden_data / "encoder" / "encoder_golden.safetensors")
    checked = 0
    for case in cases.values():
        if "paths" not in case:
            continue
        samples = [_all_samples(golden_data, path) for path in case["paths"]]
        lengths = [clip_lengths(len(s)) for s in samples]
        assert [[n.conv_frames, n.num_tokens] for n in lengths] == case["audio_lengths"]
        with torch.no_grad():
            features = golden_model.transformer.encode_mels(
                [log_mel(s) for s in samples], [n.conv_frames for n in lengths]
            )
        for name, rows in zip(case["tensors"], features, strict=True):
            assert torch.allclose(rows, tensors[name], rtol=0, atol=FEATURES), name
            checked += 1
    assert checked >= 15


def _all_samples(golden_data: Path, path: str) -> np.ndarray:
    """Also of clips that are too short to be an `AudioClip` of a prompt."""
    from qwen_audio_agent.audio.files import probe, read
    from qwen_audio_agent.audio.resampling import to_16k_mono

    heard = golden_data / "audio16k" / f"{Path(path).stem}.wav"
    source = heard if heard.exists() else golden_data / path
    return np.array(to_16k_mono(read(probe(source))).samples[0])
