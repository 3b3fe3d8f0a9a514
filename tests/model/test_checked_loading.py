"""Loading gives every tensor of the file bit for bit, or one line that says why not."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from qwen_audio_agent.errors import CheckpointError
from qwen_audio_agent.model import QwenAudioConfig, QwenAudioForCausalLM, QWenTokenizer
from qwen_audio_agent.model.engine import QwenAudioEngine
from qwen_audio_agent.model.weights import check_checkpoint
from tests.model.tiny_checkpoint import SIZES, tiny_model, write_tiny_checkpoint, write_vocabulary

POSITIONS = "transformer.audio.positional_embedding"
BOTH = pytest.mark.parametrize("loader", [AutoModelForCausalLM, QwenAudioForCausalLM])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_tiny_checkpoint(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "checkpoint")


@pytest.fixture
def poisoned():
    """Memory that nobody has written is NaN."""
    torch.use_deterministic_algorithms(mode=True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.use_deterministic_algorithms(mode=False)


def edit_weights(folder, edit):
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def assert_equal(model, tensors):
    state = model.state_dict()
    assert state.keys() == tensors.keys()
    for key, tensor in state.items():
        assert tensor.dtype == tensors[key].dtype, key
        assert torch.equal(tensor.view(torch.uint8), tensors[key].view(torch.uint8)), key


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("shards", ["50GB", "100KB"])
def test_saved_and_loaded_again_every_tensor_is_the_same(tmp_path, poisoned, dtype, shards):
    saved = tiny_model(dtype)
    write_tiny_checkpoint(tmp_path, dtype, max_shard_size=shards)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == (shards == "100KB")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert_equal(loaded, saved.state_dict())
    assert dict(loaded.named_buffers()).keys() == {POSITIONS}  # nothing is kept but the weights
    loaded.save_pretrained(tmp_path / "again", max_shard_size=shards)
    assert_equal(QwenAudioForCausalLM.from_pretrained(tmp_path / "again"), saved.state_dict())


def test_what_was_saved_opens_with_the_auto_classes(whole, tmp_path):
    model = AutoModelForCausalLM.from_pretrained(whole)
    tokenizer = AutoTokenizer.from_pretrained(whole)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    check_checkpoint(tmp_path).raise_if_broken()
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert isinstance(again, QWenTokenizer)
    assert again.get_vocab() == tokenizer.get_vocab()
    assert again("<|en|> hé <|0.50|>").input_ids == tokenizer("<|en|> hé <|0.50|>").input_ids
    config = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(config, QwenAudioConfig)
    assert config.audio_config == model.config.audio_config
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert loaded.generation_config.chat_format == "chatml"
    assert loaded.generation_config.max_window_size == 6144


def test_the_golden_checkpoint_is_loaded_and_saved_bit_for_bit(golden_data, tmp_path):
    source = golden_data / "checkpoint"
    tensors = {}
    for path in source.glob("*.safetensors"):
        tensors |= load_file(path)
    model = AutoModelForCausalLM.from_pretrained(source)
    assert_equal(model, tensors)
    model.save_pretrained(tmp_path, max_shard_size="5MB")
    AutoTokenizer.from_pretrained(source).save_pretrained(tmp_path)
    assert check_checkpoint(tmp_path).verdict == "loads"
    assert_equal(AutoModelForCausalLM.from_pretrained(tmp_path), tensors)


def test_positions_are_those_of_the_file(folder, poisoned):
    positions = torch.randn(1500, 16)
    edit_weights(folder, lambda tensors: tensors.update({POSITIONS: positions}))
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert torch.equal(model.state_dict()[POSITIONS], positions)


def test_from_meta_nothing_is_left_uninitialised(poisoned):
    with torch.device("meta"):
        model = QwenAudioForCausalLM(QwenAudioConfig(**SIZES))
    model.to_empty(device="cpu")
    assert all(tensor.isnan().all() for tensor in model.state_dict().values())
    model.init_weights()
    assert all(tensor.isfinite().all() for tensor in model.state_dict().values())
    fresh = QwenAudioForCausalLM(QwenAudioConfig(**SIZES)).state_dict()[POSITIONS]
    assert torch.equal(model.state_dict()[POSITIONS], fresh)


def test_a_forward_pass_reads_no_uninitialised_memory(whole, poisoned):
    model = AutoModelForCausalLM.from_pretrained(whole)
    ids = torch.randint(0, 256, (1, 600))  # beyond seq_length: dynamic NTK and log-n act
    with torch.no_grad():
        assert model(input_ids=ids).logits.isfinite().all()


# --- nothing goes wrong in silence ---------------------------------------------------------------

HEAD = "lm_head.weight"


@BOTH
@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda t: t.pop(HEAD), f"1 weight is missing, such as {HEAD}: is the download complete?"),
        (
            lambda t: t.update(a=torch.ones(1)),
            "1 weight has no place in the network, such as a: is",
        ),
        (
            lambda t: t.update({HEAD: torch.ones(5, 32)}),
            "1 weight does not fit the sizes in config",
        ),
    ],
)
def test_folders(folder, loader, edit, told):
    edit_weights(folder, edit)
    with pytest.raises(CheckpointError) as caught:
        loader.from_pretrained(folder)
    assert str(caught.value).startswith(f"{folder}: {told}")
    if HEAD in told:  # weights of other files are compared once they are loaded
        (folder / "model.safetensors").rename(folder / "model.eight.safetensors")
        with pytest.raises(CheckpointError) as caught:
            loader.from_pretrained(folder, variant="eight")
        assert str(caught.value).startswith(f"{folder}: {told}")


def test_the_cache_of_a_hub(folder, tmp_path):
    revision = "0123456789" * 4
    place = tmp_path / "cache" / "models--some--qwen-audio"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(revision, "utf-8")
    snapshot = shutil.copytree(folder, place / "snapshots" / revision)
    options = {"cache_dir": tmp_path / "cache", "local_files_only": True}
    assert QwenAudioForCausalLM.from_pretrained("some/qwen-audio", **options)
    edit_weights(snapshot, lambda tensors: tensors.pop(HEAD))
    with pytest.raises(CheckpointError, match=r"^some/qwen-audio: 1 weight is missing"):
        QwenAudioForCausalLM.from_pretrained("some/qwen-audio", **options)


def test_weights_in_memory():
    weights = tiny_model().state_dict()

    def load(state_dict, **options):
        config = QwenAudioConfig(**SIZES)
        return QwenAudioForCausalLM.from_pretrained(
            None, config=config, state_dict=state_dict, **options
        )

    assert_equal(load(dict(weights)), weights)
    with pytest.raises(CheckpointError, match="the state_dict: 1 weight is missing, such as lm_"):
        load({key: tensor for key, tensor in weights.items() if key != HEAD})
    with pytest.raises(CheckpointError, match="the state_dict: 1 weight has no place"):
        load(weights | {"surplus": torch.ones(1)})
    small = weights | {HEAD: torch.ones(5, 32)}
    with pytest.raises(CheckpointError, match=r"lm_head.weight: \[5, 32\], not \[3784, 32\]"):
        load(dict(small))
    model = load(dict(small), ignore_mismatched_sizes=True)
    assert model.lm_head.weight.shape == (3784, 32)
    assert model.lm_head.weight.isfinite().all()


# --- what transformers offers goes on working ----------------------------------------------------


@BOTH
def test_options(whole, tmp_path, loader):
    pytest.importorskip("accelerate")  # for device_map
    model, info = loader.from_pretrained(whole, output_loading_info=True)
    assert isinstance(model, QwenAudioForCausalLM)
    assert not any(info.values())
    assert not model.training
    model = loader.from_pretrained(whole, dtype=torch.bfloat16, device_map="cpu")
    assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.bfloat16}
    model = loader.from_pretrained(str(whole), device_map="auto", attn_implementation="eager")
    assert model.config._attn_implementation == "eager"
    assert loader.from_pretrained(whole, use_safetensors=True, reference_exact=True)
    inner = shutil.copytree(whole, tmp_path / "outer" / "inner")
    assert_equal(loader.from_pretrained(tmp_path / "outer", subfolder="inner"), model.state_dict())
    shutil.rmtree(inner)


def test_layers_on_disk(whole, tmp_path):
    pytest.importorskip("accelerate")
    places = {"lm_head": "cpu", "transformer.audio": "cpu", "transformer.wte": "cpu"}
    places |= {"transformer.h.0": "disk", "transformer.h.1": "cpu", "transformer.ln_f": "cpu"}
    ids = torch.arange(20)[None]
    model = AutoModelForCausalLM.from_pretrained(
        whole, device_map=places, offload_folder=tmp_path / "offload"
    )
    assert model.transformer.h[0].mlp.w1.weight.is_meta
    with torch.no_grad():
        logits = model(input_ids=ids).logits
        assert torch.equal(logits, AutoModelForCausalLM.from_pretrained(whole)(ids).logits)


@BOTH
def test_another_config(folder, loader):
    edit_weights(folder, lambda t: [t.pop(key) for key in list(t) if "h.1." in key])
    with pytest.raises(CheckpointError, match=r"8 weights are missing, such as transformer\.h\.1"):
        loader.from_pretrained(folder)
    smaller = QwenAudioConfig(**SIZES | {"num_hidden_layers": 1})
    assert len(loader.from_pretrained(folder, config=smaller).transformer.h) == 1
    assert len(loader.from_pretrained(folder, num_hidden_layers=1).transformer.h) == 1
    smaller.save_pretrained(folder / "config")
    model = QwenAudioForCausalLM.from_pretrained(folder, config=str(folder / "config"))
    assert len(model.transformer.h) == 1


@BOTH
def test_mismatched_sizes_may_be_ignored(folder, loader):
    edit_weights(folder, lambda tensors: tensors.update({HEAD: torch.ones(5, 32)}))
    model, info = loader.from_pretrained(
        folder, ignore_mismatched_sizes=True, output_loading_info=True
    )
    assert info["mismatched_keys"] == {(HEAD, (5, 32), (3784, 32))}
    assert model.lm_head.weight.isfinite().all()
    edit_weights(folder, lambda tensors: tensors.pop("transformer.ln_f.weight"))
    with pytest.raises(CheckpointError, match=r"1 weight is missing, such as transformer\.ln_f"):
        loader.from_pretrained(folder, ignore_mismatched_sizes=True)


OF_PEFT = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.fixture
def adapter(folder, tmp_path):
    """The folder of an adapter on the checkpoint of `folder`."""
    peft = pytest.importorskip("peft")
    model = QwenAudioForCausalLM.from_pretrained(folder)
    lora = peft.LoraConfig(r=2, target_modules=["c_attn", "w1"], init_lora_weights=False)
    peft.get_peft_model(model, lora).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


@OF_PEFT
@BOTH
def test_an_adapter(folder, adapter, loader):
    from peft import PeftModel

    ids = torch.arange(20)[None]
    model = loader.from_pretrained(adapter)
    base = loader.from_pretrained(folder)
    with torch.no_grad():
        logits = model(ids).logits
        assert not torch.equal(logits, base(ids).logits)
        assert torch.equal(logits, PeftModel.from_pretrained(base, adapter)(ids).logits)


@OF_PEFT
@BOTH
def test_a_broken_adapter_or_base(folder, adapter, loader):
    path = adapter / "adapter_model.safetensors"
    tensors = load_file(path)
    key = sorted(tensors)[0]
    save_file({k: t for k, t in tensors.items() if k != key}, path, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"1 weight is missing, such as transformer\.h\.0"):
        loader.from_pretrained(adapter)
    save_file(tensors, path, metadata={"format": "pt"})
    edit_weights(folder, lambda tensors: tensors.pop(HEAD))
    with pytest.raises(CheckpointError, match=r"1 weight is missing, such as lm_head\.weight"):
        loader.from_pretrained(adapter)


def test_a_quantised_checkpoint_is_left_to_its_method(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8")) | {"quantization_config": {"quant_method": "any"}}
    path.write_text(json.dumps(config), "utf-8")
    edit_weights(folder, lambda t: t.update({f"{HEAD}.absmax": torch.ones(1)}))
    assert check_checkpoint(folder).verdict == "loads"


# --- a vocabulary that does not fit --------------------------------------------------------------


@pytest.mark.parametrize("num_tokens", [256, 300])
def test_a_chat_notices_the_vocabulary_of_another_network(whole, tmp_path, num_tokens):
    write_vocabulary(tmp_path, num_tokens)
    tokenizer = QWenTokenizer(tmp_path / "qwen.tiktoken")
    model = AutoModelForCausalLM.from_pretrained(whole)
    if num_tokens == 256:
        assert len(model.chat(tokenizer, "hello", max_new_tokens=2)[0].token_ids) <= 2
        QwenAudioEngine(model, tokenizer)
        return
    for use in (
        lambda: model.chat(tokenizer, "hello"),
        lambda: next(model.chat_stream(tokenizer, "hello")),
        lambda: QwenAudioEngine(model, tokenizer),
    ):
        with pytest.raises(
            CheckpointError, match=r"<audio> is token 3820 and config\.json says 3776"
        ):
            use()


@pytest.mark.parametrize("loader", [AutoTokenizer, QWenTokenizer])
def test_no_vocabulary_or_half_of_one(folder, loader):
    path = folder / "qwen.tiktoken"
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(
        CheckpointError, match="line 256 is no token with its rank; is the download"
    ):
        loader.from_pretrained(folder)
    path.unlink()
    with pytest.raises(
        CheckpointError, match=r"there is no qwen\.tiktoken: is the download complete"
    ):
        loader.from_pretrained(folder)


@pytest.mark.parametrize("flag", ["bf16", "fp16", "fp32"])
@pytest.mark.parametrize("with_code", [False, True])
def test_the_card_s_switches_decide_the_precision(tmp_path, flag: str, with_code: bool) -> None:
    """They are in the public config.json, beside names of code, which is never run."""
    folder = write_tiny_checkpoint(tmp_path, torch.float64)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config |= {"bf16": False, "fp16": False, "fp32": False}
    config["auto_map"] = {
        "AutoConfig": "configuration_qwen.QWenConfig",
        "AutoModelForCausalLM": "modeling_qwen.QWenLMHeadModel",
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    wanted = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[flag]
    load = AutoModelForCausalLM.from_pretrained
    assert load(folder, trust_remote_code=with_code, **{flag: True}).dtype == wanted
    assert load(folder, trust_remote_code=with_code).dtype == torch.float64
    assert load(folder, **{flag: True}, dtype=torch.float64).dtype == torch.float64
    assert QwenAudioForCausalLM.from_pretrained(folder, **{flag: True}).dtype == wanted
