"""Checkpoints of a few hundred KB with random weights, made as the real ones are saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    GenerationConfig,
    Qwen2TokenizerFast,
    Qwen3ASRConfig,
    Qwen3ASRFeatureExtractor,
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRForTokenClassification,
    Qwen3ASRProcessor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

TEXT = json.loads((Path(__file__).parents[3] / "examples" / "interview.json").read_text())
LANGUAGES = ("de", "zh")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Networks this small are slower on more, and other tests run beside them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def byte_level_bpe() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a tokenizer that can write anything."""
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator([json.dumps(TEXT)], vocab_size=320, show_progress=False)
    model = json.loads(trained.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


@pytest.fixture(scope="session")
def whisper_folder(tmp_path_factory) -> Path:
    return save_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="session")
def english_whisper_folder(tmp_path_factory) -> Path:
    return save_whisper(tmp_path_factory.mktemp("whisper.en"), multilingual=False)


def save_whisper(folder: Path, *, multilingual: bool = True) -> Path:
    vocab, merges = byte_level_bpe()
    tokenizer = WhisperTokenizer(vocab=vocab, merges=merges)
    tokenizer.add_special_tokens(
        {
            "additional_special_tokens": [
                "<|startoftranscript|>",
                *(f"<|{language}|>" for language in LANGUAGES),
                "<|translate|>",
                "<|transcribe|>",
                "<|nospeech|>",
                "<|notimestamps|>",
            ]
        }
    )
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens}
    end = ids["<|endoftext|>"]
    torch.manual_seed(10)  # of those weights that write several words
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=len(tokenizer),
            num_mel_bins=8,
            d_model=16,
            encoder_layers=1,
            decoder_layers=2,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=16,
            decoder_ffn_dim=16,
            max_target_positions=200,
            pad_token_id=end,
            bos_token_id=end,
            eos_token_id=end,
            decoder_start_token_id=ids["<|startoftranscript|>"],
            init_std=0.5,
        )
    )
    several = {
        "is_multilingual": True,
        "lang_to_id": {f"<|{language}|>": ids[f"<|{language}|>"] for language in LANGUAGES},
        "task_to_id": {task: ids[f"<|{task}|>"] for task in ("translate", "transcribe")},
    }
    model.generation_config = GenerationConfig(
        max_length=12,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=ids["<|startoftranscript|>"],
        no_timestamps_token_id=ids["<|notimestamps|>"],
        alignment_heads=[[1, 0], [1, 1]],
        suppress_tokens=[i for token, i in ids.items() if i > end],
        **(several if multilingual else {"is_multilingual": False}),
    )
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=8), tokenizer).save_pretrained(folder)
    return folder


# What the templates of the real checkpoints make of one turn with an audio.
ASR_TEMPLATE = (
    "<|im_start|>system\n<|im_end|>\n"
    "<|im_start|>user\n<|audio_start|><|audio_pad|><|audio_end|><|im_end|>\n"
    "<|im_start|>assistant\n"
    "{%- for m in messages if m.role == 'assistant' -%}{%- for c in m.content -%}"
    "{{- c.text + '<|im_end|>\n' -}}"
    "{%- endfor -%}{%- endfor -%}"
)
ALIGNER_TEMPLATE = (
    "<|audio_start|><|audio_pad|><|audio_end|>"
    "{%- for c in messages[0].content if c.type == 'text' -%}"
    "{{- c.text + '<timestamp><timestamp>' -}}"
    "{%- endfor -%}"
)


@pytest.fixture(scope="session")
def qwen3_asr_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("qwen3-asr")
    config = save_qwen3_processor(folder, ASR_TEMPLATE)
    model = Qwen3ASRForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        eos_token_id=config.eos_token_id, pad_token_id=config.pad_token_id, max_new_tokens=12
    )
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def aligner_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("aligner")
    config = save_qwen3_processor(folder, ALIGNER_TEMPLATE, num_labels=500)
    Qwen3ASRForTokenClassification(config).save_pretrained(folder)
    return folder


def save_qwen3_processor(folder: Path, template: str, **settings) -> Qwen3ASRConfig:
    """Save what prepares the input; gives the configuration of the network that fits to it."""
    vocab, merges = byte_level_bpe()
    tokenizer = Qwen2TokenizerFast(
        vocab=vocab,
        merges=merges,
        extra_special_tokens={
            "audio_token": "<|audio_pad|>",
            "audio_bos_token": "<|audio_start|>",
            "audio_eos_token": "<|audio_end|>",
        },
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.add_tokens(["<asr_text>", "<timestamp>"])
    Qwen3ASRProcessor(
        Qwen3ASRFeatureExtractor(feature_size=8), tokenizer, chat_template=template
    ).save_pretrained(folder)
    torch.manual_seed(0)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    return Qwen3ASRConfig(
        audio_config={
            "model_type": "qwen3_asr_encoder",
            "num_mel_bins": 8,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "d_model": 16,
            "output_dim": 16,
            "downsample_hidden_size": 4,
            "initializer_range": 0.5,
        },
        text_config={
            "model_type": "qwen3",
            "vocab_size": len(tokenizer),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "initializer_range": 0.5,
        },
        audio_token_id=tokenizer.convert_tokens_to_ids("<|audio_pad|>"),
        timestamp_token_id=tokenizer.convert_tokens_to_ids("<timestamp>"),
        pad_token_id=end,
        eos_token_id=[end],
        initializer_range=0.5,
        **settings,
    )
