from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    PreTrainedModel,
    Qwen2_5OmniConfig,
    Qwen2_5OmniForConditionalGeneration,
    Qwen3OmniMoeConfig,
    Qwen3OmniMoeForConditionalGeneration,
)

from qwen_audio_agent.errors import CheckpointError, UsageError
from qwen_audio_agent.model import QWenTokenizer, loading
from qwen_audio_agent.model.engine import QwenAudioEngine, Turn
from qwen_audio_agent.model.generation import Sampling
from qwen_audio_agent.model.later_engines import LaterEngine
from qwen_audio_agent.model.list_format import AudioPart, Query
from qwen_audio_agent.model.loading import load_engine
from qwen_audio_agent.model.transformers_calls import quiet
from tests.model.later_checkpoints import (
    FAMILIES,
    make_clip,
    make_extractor,
    make_model,
    make_tokenizer,
    save_checkpoint,
)
from tests.model.tiny import tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft

GREEDY = Sampling(do_sample=False, max_new_tokens=6)
TURNS = [Turn("user", Query(AudioPart(make_clip(1.0)), "What is said?"))]
Change = Callable[[Path], object]


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("later")
    with quiet():
        return {family: save_checkpoint(family, folder / family) for family in FAMILIES}


@pytest.fixture
def broken(checkpoints: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of a checkpoint, to be spoilt."""
    return shutil.copytree(checkpoints["qwen2_audio"], tmp_path / "broken")


def ids_of(engine: Any) -> list[int]:
    generation = engine.generate(TURNS, GREEDY)
    list(generation)
    return generation.token_ids


def same_weights(one: PreTrainedModel, other: PreTrainedModel) -> bool:
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_config_decides_what_is_opened(
    family: str, checkpoints: dict[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    engine = load_engine(checkpoints[family])
    assert isinstance(engine, LaterEngine)
    assert engine.name == family
    assert same_weights(engine.model, make_model(family, make_tokenizer(family)))
    assert not engine.model.training
    assert len(ids_of(engine)) == 6
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("family", "config_class", "model_class"),
    [
        (FAMILIES[1], Qwen2_5OmniConfig, Qwen2_5OmniForConditionalGeneration),
        (FAMILIES[2], Qwen3OmniMoeConfig, Qwen3OmniMoeForConditionalGeneration),
    ],
)
def test_of_a_whole_omni_checkpoint_the_thinker_is_opened(
    family: str, config_class: Any, model_class: Any, tmp_path: Path
) -> None:
    thinker = make_model(family, make_tokenizer(family))
    config = config_class(thinker_config=thinker.config.to_dict(), enable_audio_output=False)
    whole = model_class(config)
    whole.thinker.load_state_dict(thinker.state_dict())
    with quiet():
        whole.save_pretrained(tmp_path)
    make_tokenizer(family).save_pretrained(tmp_path)
    make_extractor(family).save_pretrained(tmp_path)
    engine = load_engine(tmp_path)
    assert isinstance(engine, LaterEngine)
    assert same_weights(engine.model, thinker)


def test_the_native_network_is_opened_by_its_config(
    tokenizer: QWenTokenizer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tiny_model()
    with quiet():
        model.save_pretrained(tmp_path / "chat")
    tokenizer.save_pretrained(tmp_path / "chat")
    capfd.readouterr()
    engine = load_engine(str(tmp_path / "chat"))
    assert isinstance(engine, QwenAudioEngine)
    assert engine.name == "chat"
    assert engine.call_format == "react"
    assert same_weights(engine.model, model)
    assert ids_of(engine) == ids_of(QwenAudioEngine(model.eval(), tokenizer))
    assert capfd.readouterr() == ("", "")


def test_weights_have_the_dtype_that_is_asked_for(
    checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(checkpoints["qwen2_audio"], tmp_path / "half")
    with quiet():
        make_model("qwen2_audio", make_tokenizer("qwen2_audio")).bfloat16().save_pretrained(folder)
    for dtype, wanted in (
        (None, torch.float32),
        ("auto", torch.bfloat16),
        ("float16", torch.float16),
    ):
        engine = load_engine(folder, dtype=dtype)
        assert isinstance(engine, LaterEngine)
        assert engine.model.dtype == wanted
    assert len(ids_of(load_engine(folder, dtype="bfloat16", device_map="auto"))) == 6


def _lora(
    model: PreTrainedModel, folder: Path, layers: Sequence[str] = ("q_proj", "v_proj")
) -> Path:
    """A LoRA adapter with random weights."""
    config = LoraConfig(r=4, target_modules=list(layers), init_lora_weights=False)
    torch.manual_seed(3)
    get_peft_model(model, config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapter_changes_the_network_as_peft_does(
    family: str, checkpoints: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    adapter = _lora(make_model(family, make_tokenizer(family)), tmp_path / "lora")
    capfd.readouterr()
    adapted = load_engine(checkpoints[family], adapter=adapter)
    assert capfd.readouterr() == ("", "")
    assert isinstance(adapted, LaterEngine)
    base = make_model(family, make_tokenizer(family)).eval()
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        plain = base(ids).logits
        wanted = PeftModel.from_pretrained(base, str(adapter))(ids).logits
        got = adapted.model(ids).logits
    torch.testing.assert_close(got, wanted)
    assert not torch.allclose(got, plain, atol=1e-3)
    assert len(ids_of(adapted)) == 6


def test_the_native_network_takes_adapters_too(tokenizer: QWenTokenizer, tmp_path: Path) -> None:
    with quiet():
        tiny_model().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    adapter = _lora(tiny_model(), tmp_path / "lora", ["c_attn"])
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        wanted = PeftModel.from_pretrained(tiny_model().eval(), str(adapter))(ids).logits
        adapted = load_engine(tmp_path, adapter=adapter)
        assert isinstance(adapted, QwenAudioEngine)
        torch.testing.assert_close(adapted.model(ids).logits, wanted)
        plain = load_engine(tmp_path)
        assert isinstance(plain, QwenAudioEngine)
        assert not torch.allclose(plain.model(ids).logits, wanted, atol=1e-3)


def test_an_adapter_of_another_model_is_refused(
    checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    adapter = _lora(make_model(FAMILIES[0], make_tokenizer(FAMILIES[0])), tmp_path / "lora")
    settings = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    settings["target_modules"] = ["no_such_layer"]
    other = shutil.copytree(adapter, tmp_path / "other")
    (other / "adapter_config.json").write_text(json.dumps(settings), "utf-8")
    settings["target_modules"] = ["k_proj"]
    third = shutil.copytree(adapter, tmp_path / "third")
    (third / "adapter_config.json").write_text(json.dumps(settings), "utf-8")
    for wrong, said in (
        (other, "cannot be loaded: .*no_such_layer"),
        (third, "is not of this model"),
        (tmp_path, "has no adapter_config.json"),
        (tmp_path / "nowhere", "cannot be loaded"),
    ):
        with pytest.raises(CheckpointError, match=said) as caught:
            load_engine(checkpoints["qwen2_audio"], adapter=wrong)
        assert "\n" not in str(caught.value)


def _config(**changes: Any) -> Change:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")

    return change


def _text_config(**changes: Any) -> Change:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        config = json.loads(path.read_text("utf-8"))
        config["text_config"] |= changes
        path.write_text(json.dumps(config), "utf-8")

    return change


def _cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            _config(model_type="llama"),
            "is a model of type 'llama'; supported are Qwen-Audio, Qwen2",
        ),
        (_config(model_type=None), "is a model of type 'None'"),
        (_config(model_type="qwen"), "text-only Qwen, which cannot hear"),
        (_config(model_type="qwen3_asr"), "an ear: it writes down what is said and cannot chat"),
        (_config(audio_token_index=5), "not of one model"),
        (_text_config(hidden_size=64), "have another shape than its config.json says"),
        (_text_config(num_hidden_layers=3, layer_types=["full_attention"] * 3), "lacks 12 weights"),
        (_text_config(num_hidden_layers=3), "cannot be loaded: .*num_hidden_layers"),
        (_text_config(hidden_size="wide"), "cannot be loaded: .*hidden_size"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json .* cannot be read"),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("[]"), "cannot be loaded"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "no preprocessor_config"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no file named model.safetensors"),
        (_cut_short, "cannot be loaded: .*header"),
    ],
)
def test_a_checkpoint_that_is_not_whole_is_refused_in_one_line(
    change: Change, said: str, broken: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    change(broken)
    with pytest.raises(CheckpointError, match=said) as caught:
        load_engine(broken)
    assert "\n" not in str(caught.value)
    assert str(broken) in str(caught.value) or "not of one model" in said
    assert capfd.readouterr() == ("", "")


def test_code_that_a_checkpoint_brings_along_is_not_run(broken: Path, tmp_path: Path) -> None:
    marker = tmp_path / "was run"
    (broken / "theirs.py").write_text(f"open({str(marker)!r}, 'w')\nclass Theirs: pass\n", "utf-8")
    theirs = dict.fromkeys(("AutoConfig", "AutoModel", "AutoTokenizer"), "theirs.Theirs")
    _config(auto_map=theirs)(broken)
    assert len(ids_of(load_engine(broken))) == 6
    _config(model_type="theirs")(broken)
    with pytest.raises(CheckpointError, match="type 'theirs'"):
        load_engine(broken)
    assert not marker.exists()


def test_what_is_not_here_is_not_fetched_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nobody/nothing", "/no/such/folder", "a b\nc"):
        with pytest.raises(CheckpointError, match="pass local_files_only=False") as caught:
            load_engine(name)
        assert "\n" not in str(caught.value)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError, match="nor can it be fetched: ") as caught:
        load_engine("nobody/nothing", local_files_only=False)
    assert "\n" not in str(caught.value)


def test_settings_that_are_unknown_or_need_a_package_are_refused(
    checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(said: str, **settings: Any) -> None:
        with pytest.raises(UsageError, match=said):
            load_engine(checkpoints["qwen2_audio"], **settings)

    refused("no dtype 'int8'; there are: auto, bfloat16", dtype="int8")
    refused("no quantization '2bit'; there are: 8bit, 4bit", quantization="2bit")
    monkeypatch.setattr(loading, "find_spec", {}.get)
    refused(r"package peft: pip install 'qwen-audio-agent\[large\]'", adapter="x")
    refused(r"package accelerate: pip install 'qwen-audio-agent\[large\]'", device_map="auto")
    monkeypatch.setattr(loading, "find_spec", {"accelerate": object()}.get)
    refused(r"package bitsandbytes: pip install .*\[quantized\]", quantization="4bit")


def test_quantization_is_that_of_bitsandbytes() -> None:
    eight, four = (make() for make in loading.QUANTIZATIONS.values())
    assert eight.load_in_8bit
    assert four.load_in_4bit
    assert four.bnb_4bit_compute_dtype == torch.bfloat16
