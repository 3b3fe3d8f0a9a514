from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from transformers import LogitsProcessor

from qwen_audio_agent.errors import CheckpointError, UsageError
from qwen_audio_agent.model.constraint import Constraint
from qwen_audio_agent.model.engine import Turn
from qwen_audio_agent.model.generation import Sampling
from qwen_audio_agent.model.later_engines import LaterEngine
from qwen_audio_agent.model.list_format import AudioPart, Query
from tests.model.later_checkpoints import (
    FAMILIES,
    make_clip,
    make_engine,
    make_extractor,
    make_model,
    make_tokenizer,
)

GREEDY = Sampling(do_sample=False, max_new_tokens=10)
ONE, TWO = AudioPart(make_clip(1.3)), AudioPart(make_clip(2.77, 1))
FIRST = [Turn("system", "You hear."), Turn("user", Query(ONE, "What is said?"))]


@pytest.fixture(scope="module", params=FAMILIES)
def engine(request: pytest.FixtureRequest) -> LaterEngine:
    return make_engine(request.param)


def fresh(engine: LaterEngine) -> LaterEngine:
    """Another one of the same network, which has read nothing."""
    return LaterEngine(engine.model, engine.tokenizer.tokenizer, engine.front_end.extractor)


def generated(engine: LaterEngine, turns: list[Turn], num_tokens: int) -> list[int]:
    """The ids that transformers' own `generate` chooses."""
    prompt = engine._prompt(turns)
    ids = torch.tensor([prompt.ids])
    rows = engine.model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        **(engine.front_end.inputs(prompt.clips, ids.device) if prompt.clips else {}),
        do_sample=False,
        max_new_tokens=num_tokens,
        suppress_tokens=list(engine._unspeakable),
        eos_token_id=list(engine.tokenizer.ends),
        pad_token_id=engine.tokenizer.end_of_text_id,
    )
    return rows[0, len(prompt) :].tolist()


class Favour(LogitsProcessor):
    """Makes one token likelier, from a step on."""

    def __init__(self, token: int, after: int = 0) -> None:
        self.token, self.after, self.steps = token, after, 0

    def __call__(self, _: torch.LongTensor, scores: torch.FloatTensor) -> torch.Tensor:
        scores = scores.clone()
        if self.steps >= self.after:
            scores[:, self.token] += 1e4
        self.steps += 1
        return scores


def test_what_is_streamed_is_what_generate_chooses(engine: LaterEngine) -> None:
    both = [*FIRST[:1], Turn("user", Query(ONE, "and then", TWO, "?"))]
    for turns in (FIRST, both, [Turn("user", "No audio at all.")]):
        generation = engine.generate(turns, GREEDY)
        text = "".join(generation)
        assert generation.token_ids == generated(engine, turns, 10)
        assert text == engine.reply(generation)
        assert generation.finish_reason == "length"
        prompt = engine._prompt(turns)
        assert generation.num_prompt_tokens == len(prompt)
        audio = {engine._prompts.audio_ids[0], *engine._prompts.audio_ids[1:]}
        assert generation.num_audio_tokens == sum(i in audio for i in prompt.ids)


def test_a_second_turn_with_another_audio_reads_only_what_is_new(engine: LaterEngine) -> None:
    engine = fresh(engine)
    generation = engine.generate(FIRST, GREEDY)
    list(generation)
    more = Turn("user", Query("Audio 2: 2.77 s\n", TWO, "And now?"))
    turns = [*FIRST, Turn("assistant", engine.reply(generation)), more]
    second = engine.generate(turns, GREEDY)
    list(second)
    (reader,) = engine._idle
    # All of the first turn, and the reply but for its last token, which was never read.
    kept = generation.num_prompt_tokens + len(generation.token_ids) - 1
    assert reader.work.tokens_reused == kept
    assert reader.work.tokens_read == second.num_prompt_tokens + generation.num_prompt_tokens - kept
    alone = fresh(engine).generate(turns, GREEDY)
    list(alone)
    assert second.token_ids == alone.token_ids == generated(engine, turns, 10)


def test_other_sound_at_the_same_place_is_read_anew(engine: LaterEngine) -> None:
    engine = fresh(engine)
    for seed in (5, 6):
        turns = [FIRST[0], Turn("user", Query(AudioPart(make_clip(1.3, seed)), "What is said?"))]
        generation = engine.generate(turns, GREEDY)
        list(generation)
        assert generation.token_ids == generated(engine, turns, 10)


@pytest.mark.parametrize("family", FAMILIES[1:])
def test_places_are_counted_as_the_rope_index_of_the_model_says(family: str) -> None:
    engine = make_engine(family)
    ids = torch.tensor([engine._prompt(FIRST).ids])
    lengths = torch.tensor([130])
    positions, deltas = engine.model.get_rope_index(
        ids, attention_mask=torch.ones_like(ids), audio_seqlens=lengths
    )
    assert torch.equal(positions, torch.arange(ids.shape[1]).expand(3, 1, -1))
    assert not deltas.any()


def test_an_end_token_ends_a_reply_and_is_no_part_of_it(engine: LaterEngine) -> None:
    for end in engine.tokenizer.ends:
        generation = engine.generate(FIRST, GREEDY, [Favour(end, after=3)])
        text = "".join(generation)
        assert len(generation.token_ids) == 3
        assert generation.finish_reason == "stop"
        assert "<|" not in text


def test_control_tokens_are_never_said(engine: LaterEngine) -> None:
    pad = engine._prompts.audio_ids[0]
    ends = set(engine.tokenizer.ends)
    generation = engine.generate(FIRST, GREEDY, [Favour(pad)])
    list(generation)
    added = set(engine.tokenizer.tokenizer.added_tokens_decoder)
    special = {i for i in added if engine.tokenizer.tokenizer.added_tokens_decoder[i].special}
    assert not set(generation.token_ids) & (special - ends)


def test_closing_a_reply_stops_the_network(engine: LaterEngine) -> None:
    engine = fresh(engine)
    generation = engine.generate(FIRST, Sampling(do_sample=False, max_new_tokens=10_000))
    next(iter(generation))
    generation.close()
    (reader,) = engine._idle
    num_generated = reader.work.tokens_generated
    assert num_generated == len(generation.token_ids) < 10
    assert generation.finish_reason == "stop"
    assert list(generation) == []
    assert reader.work.tokens_generated == num_generated


def test_draws_are_repeated_by_their_seed(engine: LaterEngine) -> None:
    drawn = []
    for seed in (1, 1, 2):
        sampling = Sampling(temperature=2.0, top_p=1.0, max_new_tokens=12, seed=seed)
        drawn.append("".join(engine.generate(FIRST, sampling)))
    assert drawn[0] == drawn[1] != drawn[2]


def test_threads_share_an_engine(engine: LaterEngine) -> None:
    conversations = [[Turn("user", Query(ONE, "a" * n, TWO))] for n in range(1, 7)]

    def ask(turns: list[Turn]) -> list[int]:
        generation = shared.generate(turns, GREEDY)
        list(generation)
        return generation.token_ids

    shared = fresh(engine)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(ask, conversations))
    assert answers == [generated(engine, turns, 10) for turns in conversations]


def test_a_grammar_is_kept_to(engine: LaterEngine) -> None:
    pytest.importorskip("llguidance")
    grammar = Constraint(engine.guide(), 'start: "<tool_call>\\n" /[0-9]{4}/ "\\n</tool_call>"')
    assert engine.guide() is engine.guide()
    processor = grammar.processor(engine.generate(FIRST, GREEDY).num_prompt_tokens)
    sampling = Sampling(max_new_tokens=60, temperature=3.0, top_p=1.0, seed=3)
    generation = engine.generate(FIRST, sampling, [processor])
    text = "".join(generation)
    assert text.startswith("<tool_call>\n")
    assert generation.token_ids[0] == engine.tokenizer.control_id("<tool_call>")
    assert text.endswith("\n</tool_call>")
    assert generation.finish_reason == "stop"


def test_a_prompt_that_is_too_long_is_refused(engine: LaterEngine) -> None:
    with pytest.raises(UsageError, match="the model reads 16384"):
        list(engine.generate([Turn("user", "a " * 9000)], GREEDY))


def test_settings_come_from_the_checkpoint(engine: LaterEngine) -> None:
    assert engine.sampling.do_sample is False
    model = make_model("qwen2_audio", make_tokenizer("qwen2_audio"))
    model.generation_config.update(do_sample=True, temperature=0.7, top_k=20)
    other = LaterEngine(model, make_tokenizer("qwen2_audio"), make_extractor("qwen2_audio"))
    assert other.sampling == Sampling(temperature=0.7, top_k=20)
    assert other.call_format == "hermes"
    assert other.max_clip_seconds == 30.0


def test_the_tokenizer_of_another_model_is_refused() -> None:
    tokenizer = make_tokenizer("qwen2_audio")
    model = make_model("qwen2_audio", tokenizer)
    model.config.audio_token_index = 5
    with pytest.raises(CheckpointError, match="not of one model"):
        LaterEngine(model, tokenizer, make_extractor("qwen2_audio"))
