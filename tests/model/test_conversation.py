"""What is read once is not read again: counters, equal answers, cancelled replies."""

from __future__ import annotations

import threading
from itertools import islice, pairwise

import pytest
import torch

from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.model import FeatureCache, QwenAudioForCausalLM, QWenTokenizer
from qwen_audio_agent.model.engine import QwenAudioEngine, Turn
from qwen_audio_agent.model.generation import Sampling, StopSequences, texts
from qwen_audio_agent.model.list_format import Query, Reply
from qwen_audio_agent.model.prompt import ChatPrompts, Prompt
from tests.model.tiny import SEQ_LENGTH, noise, tiny_model

GREEDY = {"do_sample": False, "max_new_tokens": 6}
NO_STOPS = StopSequences(())


def _turns(tokenizer: QWenTokenizer) -> list[Query]:
    asked = [
        [{"audio": noise(1.0)}, {"text": "what is said?"}],
        [{"text": "when?"}],
        [{"audio": noise(0.7, 1)}, {"text": "and here?"}],
        [{"audio": noise(1.0)}, {"text": "the first again: is it the same?"}],
        [{"text": "sure?"}],
    ]
    return [tokenizer.from_list_format(items) for items in asked]


def test_turns_reuse_what_was_read_and_answer_the_same(tokenizer: QWenTokenizer) -> None:
    model = tiny_model(seq_length=2048)
    conversation = model.conversation()
    history: list = []
    for number, query in enumerate(_turns(tokenizer)):
        read_before = conversation.work.tokens_read
        afresh, _ = model.chat(tokenizer, query, history, **GREEDY)
        reply, after = model.chat(tokenizer, query, history, conversation=conversation, **GREEDY)
        assert reply.token_ids == afresh.token_ids, number
        prompt = ChatPrompts(tokenizer).chat(query, history)
        last = ChatPrompts(tokenizer).chat(*_split(history)) if history else Prompt()
        # New are the query and its frame, and the last token of the last answer, which no step
        # has read yet.
        kept = conversation.work.tokens_read - read_before
        assert kept == len(prompt) - (len(last) + 5 if history else 0), number
        history = after
    assert conversation.work.rereads == 0
    assert conversation.features.num_encoded == 2


def _split(history: list) -> tuple[str, list]:
    return history[-1][0], history[:-1]


def test_all_is_read_again_exactly_where_ntk_takes_a_step(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    conversation = model.conversation()
    history: list = []
    lengths, rereads = [], []
    for number in range(14):
        query = f"question number {number} of a long talk, with some words in it"
        prompt = ChatPrompts(tokenizer).chat(query, history)
        before = conversation.work.rereads
        afresh, _ = model.chat(tokenizer, query, history, **GREEDY)
        reply, history = model.chat(tokenizer, query, history, conversation=conversation, **GREEDY)
        assert reply.token_ids == afresh.token_ids
        lengths.append(len(prompt))
        rereads.append(conversation.work.rereads - before)
    alphas = [model.config.ntk_alpha(length) for length in lengths]
    steps = [int(new != old) for old, new in zip([1.0, *alphas], alphas, strict=False)]
    assert rereads == steps
    assert sum(steps) == 3
    assert lengths[-1] > 4 * SEQ_LENGTH


def test_a_reply_that_is_cancelled_costs_what_was_read(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    conversation = model.conversation()
    prompt = ChatPrompts(tokenizer).chat("tell me a long story")
    sampling = Sampling(do_sample=False, max_new_tokens=1000)
    stream = conversation.stream(prompt, sampling, NO_STOPS)
    first = list(islice(stream, 5))
    stream.close()
    assert conversation.work.tokens_generated == 5
    again = conversation.stream(prompt, sampling, NO_STOPS)
    assert list(islice(again, 5)) == first
    assert conversation.work.tokens_read == len(prompt) + 1  # its last place, for its logits


def test_a_failure_leaves_nothing_half_read(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = model.conversation()
    _reply, history = model.chat(tokenizer, "hello", conversation=conversation, **GREEDY)
    block = model.transformer.h[1]
    monkeypatch.setattr(block, "forward", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.chat(tokenizer, "and?", history, conversation=conversation, **GREEDY)
    monkeypatch.undo()
    afresh, _ = model.chat(tokenizer, "and?", history, **GREEDY)
    again, _ = model.chat(tokenizer, "and?", history, conversation=conversation, **GREEDY)
    assert again.token_ids == afresh.token_ids


def test_equal_places_with_other_sound_are_not_taken_for_the_same(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    conversation = model.conversation()
    for seed in (0, 1):
        query = tokenizer.from_list_format([{"audio": noise(1.0, seed)}, {"text": "what?"}])
        afresh, _ = model.chat(tokenizer, query, **GREEDY)
        reply, _ = model.chat(tokenizer, query, conversation=conversation, **GREEDY)
        assert reply.token_ids == afresh.token_ids
    assert conversation.features.num_encoded == 2


def test_features_are_dropped_beyond_their_bytes(model: QwenAudioForCausalLM) -> None:
    clips = [noise(1.0, seed) for seed in range(4)]
    size = clips[0].lengths.span * 32 * 4
    cache = FeatureCache(max_bytes=2 * size)
    for clip in [*clips, clips[3], clips[2], clips[0]]:
        (rows,) = cache.features([clip], model.transformer.encode_clips)
        assert torch.equal(rows, model.transformer.encode_clips([clip])[0])
        assert cache.num_bytes <= 2 * size
    assert cache.num_encoded == 5


def test_features_survive_what_other_threads_drop(model: QwenAudioForCausalLM) -> None:
    kept, new, other = (noise(1.0, seed) for seed in range(3))
    encode = model.transformer.encode_clips
    cache = FeatureCache(max_bytes=kept.lengths.span * 32 * 4)
    cache.features([kept], encode)

    def while_another_thread_asks(clips: list) -> list:
        cache.features([other], encode)
        return encode(clips)

    found = cache.features([kept, new], while_another_thread_asks)
    for clip, rows in zip((kept, new), found, strict=True):
        assert torch.equal(rows, encode([clip])[0])


def test_a_prompt_that_is_too_long_is_refused(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    with pytest.raises(UsageError, match=r"the prompt has \d+ tokens and the model reads 4096"):
        model.chat(tokenizer, "x" * 5000)
    with pytest.raises(TypeError, match="what from_list_format makes, not a list"):
        model.chat(tokenizer, [{"text": "hello"}])


def test_sampling(model: QwenAudioForCausalLM, tokenizer: QWenTokenizer) -> None:
    drawn = {model.chat(tokenizer, "go", seed=s, max_new_tokens=8, top_p=1.0)[0] for s in (1, 1, 2)}
    assert len(drawn) == 2
    greedy = {
        model.chat(tokenizer, "go", max_new_tokens=8, top_k=1, seed=s)[0].token_ids for s in (1, 2)
    }
    assert greedy == {model.chat(tokenizer, "go", max_new_tokens=8, do_sample=False)[0].token_ids}
    with pytest.raises(TypeError, match="unknown settings"):
        model.chat(tokenizer, "go", num_beams=2)


def test_the_stream_is_the_answer_growing(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    shown = list(model.chat_stream(tokenizer, "go", do_sample=False, max_new_tokens=30))
    reply, _ = model.chat(tokenizer, "go", do_sample=False, max_new_tokens=30)
    assert shown[-1].strip() == reply
    assert all(new.startswith(old) for old, new in pairwise(shown))
    assert len(shown) > 5


def test_letters_of_several_tokens_come_whole(tokenizer: QWenTokenizer) -> None:
    text = "für 你 😀 <|2.33|>"
    ids = tokenizer.encode_text(text, "all")
    pieces = list(texts(tokenizer, ids))
    assert "".join(pieces) == text
    assert "\ufffd" not in "".join(pieces)
    assert list(texts(tokenizer, ids[:2])) == ["f", "\ufffd"]


def test_an_engine_goes_on_with_the_conversation_that_fits(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    engine = QwenAudioEngine(model, tokenizer)
    sampling = Sampling(do_sample=False, max_new_tokens=6)
    talks: dict[str, list[Turn]] = {"a": [Turn("system", "be brief")], "b": []}
    for number in range(3):
        for name, turns in talks.items():
            query = tokenizer.from_list_format([{"audio": noise(1.0, number)}, {"text": name * 9}])
            turns.append(Turn("user", query))
            generation = engine.generate(turns, sampling)
            said = "".join(generation)
            assert generation.finish_reason in ("stop", "length")
            assert generation.num_audio_tokens == 27 * (number + 1)
            reply = engine.reply(generation)
            assert reply == said
            fresh = "".join(QwenAudioEngine(model, tokenizer).generate(turns, sampling))
            assert fresh == said
            turns.append(Turn("assistant", reply))
    assert engine.features.num_encoded == 3


def test_talks_that_take_turns_keep_what_they_have_read(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    """Though both begin with the same system turn."""
    engine = QwenAudioEngine(model, tokenizer)
    sampling = Sampling(do_sample=False, max_new_tokens=6)
    talks = {name: [Turn("system", "be brief"), Turn("user", name * 60)] for name in "ab"}
    prompts = 0
    for _ in range(3):
        for turns in talks.values():
            generation = engine.generate(turns, sampling)
            "".join(generation)
            prompts += generation.num_prompt_tokens
            turns += [Turn("assistant", engine.reply(generation)), Turn("user", "more")]
    last = sum(len(engine._prompt(turns[:-2])) for turns in talks.values())
    work = [reader.work for reader in engine._idle]
    # Each place once, but for the last token of a reply, which no step has read.
    assert sum(w.tokens_read for w in work) <= last + 6
    assert sum(w.tokens_read + w.tokens_reused for w in work) == prompts


def test_a_reply_that_nobody_reads_to_its_end_gives_its_reader_back(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    engine = QwenAudioEngine(model, tokenizer)
    generation = engine.generate([Turn("user", "go")], Sampling(max_new_tokens=50))
    next(iter(generation))
    assert not engine._idle
    generation.close()
    assert generation.finish_reason == "stop"
    assert len(engine._idle) == 1


@pytest.mark.parametrize("place", ["crop", "extend"])
def test_an_interrupt_anywhere_leaves_nothing_wrong(
    model: QwenAudioForCausalLM,
    tokenizer: QWenTokenizer,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    conversation = model.conversation()
    _reply, history = model.chat(tokenizer, "hello", conversation=conversation, **GREEDY)
    if place == "crop":
        monkeypatch.setattr(conversation._cache, "crop", _interrupt)
    else:
        monkeypatch.setattr(conversation, "_read", _Interrupted(conversation._read))
    with pytest.raises(KeyboardInterrupt):
        model.chat(tokenizer, "and?", history[:0], conversation=conversation, **GREEDY)
    monkeypatch.undo()
    conversation._read = list(conversation._read)
    for query in ("and then?", "hello"):
        afresh, _ = model.chat(tokenizer, query, **GREEDY)
        again, _ = model.chat(tokenizer, query, conversation=conversation, **GREEDY)
        assert again.token_ids == afresh.token_ids


def test_a_reply_does_not_go_on_in_another(
    model: QwenAudioForCausalLM, tokenizer: QWenTokenizer
) -> None:
    how = {"conversation": model.conversation(), "do_sample": False, "max_new_tokens": 9}
    first = model.chat_stream(tokenizer, "tell me", **how)
    next(first)
    reply, _ = model.chat(tokenizer, "hello", **how)
    with pytest.raises(RuntimeError, match="one at a time"):
        list(first)
    afresh, _ = model.chat(tokenizer, "hello", do_sample=False, max_new_tokens=9)
    assert reply.token_ids == afresh.token_ids


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class _Interrupted(list):
    extend = _interrupt


def test_threads_share_an_engine(model: QwenAudioForCausalLM, tokenizer: QWenTokenizer) -> None:
    engine = QwenAudioEngine(model, tokenizer)
    sampling = Sampling(do_sample=False, max_new_tokens=12)
    queries = [f"question {number}" for number in range(8)]
    wanted = [_ask(engine, query, sampling) for query in queries]
    found: dict[str, str] = {}
    threads = [
        threading.Thread(target=lambda q=query: found.update({q: _ask(engine, q, sampling)}))
        for query in queries
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[query] for query in queries] == wanted


def _ask(engine: QwenAudioEngine, query: str, sampling: Sampling) -> str:
    return "".join(engine.generate([Turn("user", query)], sampling))


def test_an_assistant_s_turn_at_the_end_is_gone_on_with(tokenizer: QWenTokenizer) -> None:
    prompts = ChatPrompts(tokenizer)
    closed = prompts.turns([("user", "hi"), ("assistant", "Thought: ")])
    ids = list(closed.ids)
    assert tokenizer.decode(ids).endswith("<|im_start|>assistant\nThought: ")
    opened = prompts.turns([("user", "hi")])
    assert tokenizer.decode(list(opened.ids)).endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert Reply("x", [1, 2]).token_ids == (1, 2)
