"""Qwen-Audio and Qwen-Audio-Chat, native: importing this registers them with transformers.

After it, `AutoTokenizer.from_pretrained` and `AutoModelForCausalLM.from_pretrained` open the public
checkpoints without `trust_remote_code`.
"""

from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from qwen_audio_agent.model.cache import FeatureCache
from qwen_audio_agent.model.config import QwenAudioConfig
from qwen_audio_agent.model.conversation import Conversation
from qwen_audio_agent.model.features import AudioClip, clip_of, read_clip
from qwen_audio_agent.model.list_format import Query, Reply
from qwen_audio_agent.model.network import QwenAudioForCausalLM, QwenAudioModel
from qwen_audio_agent.model.tokenizer import QWenTokenizer

__all__ = [
    "AudioClip",
    "Conversation",
    "FeatureCache",
    "QWenTokenizer",
    "Query",
    "QwenAudioConfig",
    "QwenAudioForCausalLM",
    "QwenAudioModel",
    "Reply",
    "clip_of",
    "read_clip",
]

AutoConfig.register(QwenAudioConfig.model_type, QwenAudioConfig, exist_ok=True)
AutoTokenizer.register(QwenAudioConfig, tokenizer_class=QWenTokenizer, exist_ok=True)
AutoModelForCausalLM.register(QwenAudioConfig, QwenAudioForCausalLM, exist_ok=True)
