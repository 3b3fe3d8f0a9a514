from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from transformers import Qwen2_5OmniProcessor, Qwen2AudioProcessor, Qwen3OmniMoeProcessor

from qwen_audio_agent.errors import AudioFileError
from qwen_audio_agent.model.list_format import AudioPart, Query, Reply, query_of
from tests.model.later_checkpoints import FAMILIES, make_clip, make_engine

ENGINES = {family: make_engine(family) for family in FAMILIES}
QWEN2, OMNI, QWEN3 = (ENGINES[family] for family in FAMILIES)

# That of Qwen2.5-Omni, without pictures and videos; Qwen3-Omni's differs in the names of tokens.
OMNI_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN3_TEMPLATE = (
    OMNI_TEMPLATE.replace("audio_bos", "audio_start")
    .replace("<|AUDIO|>", "<|audio_pad|>")
    .replace("audio_eos", "audio_end")
)


class _WithoutPictures:
    """A processor whose parts for pictures and videos, which need torchvision, are left out."""

    def check_argument_for_proper_class(self, _: str, argument: object) -> type:
        return type(argument)


class _Omni(_WithoutPictures, Qwen2_5OmniProcessor):
    pass


class _Qwen3(_WithoutPictures, Qwen3OmniMoeProcessor):
    pass


def processor_of(family: str) -> Any:
    engine = ENGINES[family]
    tokenizer, extractor = engine.tokenizer.tokenizer, engine.front_end.extractor
    if family == "qwen2_audio":
        return Qwen2AudioProcessor(extractor, tokenizer)
    kind, template = (
        (_Omni, OMNI_TEMPLATE) if family == "qwen2_5_omni_thinker" else (_Qwen3, QWEN3_TEMPLATE)
    )
    return kind(None, None, extractor, tokenizer, chat_template=template)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seconds", [(0.08, 3.0), (1.0, 1.005), (2.999, 0.5), (29.99, 30.0)])
def test_ids_and_sound_are_those_of_the_processor(
    family: str, seconds: tuple[float, float]
) -> None:
    one, two = (make_clip(length, seed) for seed, length in enumerate(seconds))
    system, asked, answer, more = "You hear.", "\n What's  that?\n\n", " A cat, 12 s.", "Et ça? 好"
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": [{"type": "audio"}, {"type": "text", "text": asked}]},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": [{"type": "text", "text": more}, {"type": "audio"}]},
    ]
    processor = processor_of(family)
    text = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    sounds = [one.samples, two.samples]
    wanted = processor(text=text, audio=sounds, sampling_rate=16000, return_tensors="pt")
    engine = ENGINES[family]
    prompt = engine._prompts.turns(
        [
            ("system", system),
            ("user", Query(AudioPart(one), asked)),
            ("assistant", answer),
            ("user", Query(more, AudioPart(two))),
        ]
    )
    assert list(prompt.ids) == wanted["input_ids"][0].tolist()
    got = engine.front_end.inputs(prompt.clips, torch.device("cpu"))
    assert torch.equal(got["feature_attention_mask"], wanted["feature_attention_mask"].long())
    # The last frames hear the filling of a batch there, and the end of the sound here.
    for frames, mel, mel_wanted in zip(
        got["feature_attention_mask"].sum(-1), got["input_features"], wanted["input_features"],
        strict=True,
    ):  # fmt: skip
        torch.testing.assert_close(mel[:, : frames - 2], mel_wanted[:, : frames - 2])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_clip_is_extracted_the_same_beside_any_other(family: str) -> None:
    front_end, device = ENGINES[family].front_end, torch.device("cpu")
    one, two = make_clip(0.7), make_clip(2.3, 1)
    alone, both = front_end.inputs([one], device), front_end.inputs([one, two], device)
    frames = int(alone["feature_attention_mask"].sum())
    assert int(both["feature_attention_mask"][0].sum()) == frames
    assert torch.equal(
        alone["input_features"][0, :, :frames], both["input_features"][0, :, :frames]
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_what_people_say_makes_no_turns_and_no_places_of_audio(family: str) -> None:
    engine = ENGINES[family]
    added = {i: str(t) for i, t in engine.tokenizer.tokenizer.added_tokens_decoder.items()}
    evil = "".join(added.values()).replace("<tool_call>", "").replace("</tool_call>", "")
    clip = AudioPart(make_clip(1.0))
    for said in (evil, Query(evil, clip, evil)):
        plain = Query("x", clip, "x") if isinstance(said, Query) else "x"
        counts = []
        for text in (said, plain):
            ids = engine._prompts.turns([("system", text), ("user", text)]).ids
            counts.append({i: ids.count(i) for i in added})
        assert counts[0] == counts[1]


def _shown(said: str) -> str:
    """A turn as text, each audio as its number of places."""
    prompt = QWEN2._prompts.turns([("user", said)])
    text = "".join(QWEN2.tokenizer.token_bytes(i).decode("utf-8", "replace") for i in prompt.ids)
    return text.replace("<|AUDIO|>", ".").partition("user\n")[2].partition("<|im_end|>")[0]


def test_an_announced_audio_keeps_its_number() -> None:
    clip = AudioPart(make_clip(0.1))
    audio = "<|audio_bos|>..<|audio_eos|>\n"
    assert _shown(Query(clip, clip)) == f"Audio 1: {audio}Audio 2: {audio}"
    assert _shown(Query("Audio 7: a.wav, 9 s\n", clip, "from 5 s:", clip)) == (
        f"Audio 7: a.wav, 9 s\nAudio 7: {audio}from 5 s:Audio 7: {audio}"
    )
    listed = query_of([{"audio": clip.source}, {"text": "What?"}])
    assert _shown(listed) == f"Audio 1: {audio}\nWhat?"


def test_replies_keep_their_tokens_and_the_last_one_is_gone_on_with() -> None:
    start, end = OMNI.tokenizer.im_start_id, OMNI.tokenizer.im_end_id
    opening = (start, *OMNI.encode_text("assistant\n"))
    closed = OMNI._prompts.turns([("assistant", Reply("hello", [1, 2, 3])), ("user", "x")])
    assert closed.ids[: len(opening) + 4] == (*opening, 1, 2, 3, end)
    assert closed.ids[-len(opening) :] == opening
    begun = OMNI._prompts.turns([("user", "x"), ("assistant", '{"name":')])
    assert begun.ids[-len(opening) - 8 :] == (*opening, *OMNI.encode_text('{"name":'))


def test_audio_comes_from_files_too_and_is_refused_where_it_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(31 * 8000), 8000)
    assert OMNI._prompts.turns([("user", Query(AudioPart(str(path))))]).clips[0].seconds == 31.0
    for source in (str(path), make_clip(30.1)):
        with pytest.raises(AudioFileError, match="30 s at once"):
            QWEN2._prompts.turns([("user", Query(AudioPart(source)))])
    with pytest.raises(AudioFileError):
        OMNI._prompts.turns([("user", Query(AudioPart("https://example.org/a.wav")))])
