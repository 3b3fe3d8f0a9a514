"""A network that knows nothing, held to a grammar, writes calls that the tools take."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from itertools import count
from typing import Any, Literal

import numpy as np
import pytest
import torch
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, Field

from qwen_audio_agent.agent.tools import TOOLS
from qwen_audio_agent.chat_models.calling import Prompt, narrow, open_format
from qwen_audio_agent.chat_models.calling.narrowing import AUDIOS, TIMES
from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.model.constraint import Constraint, constraint_tokens
from tests.chat_models.calling.replying import OUR_TOOLS, calls, problems, prompt_of, repairs
from tests.model.vocabularies import Vocabulary, byte_vocabulary, qwen_vocabulary

pytest.importorskip("llguidance", reason="llguidance is not installed: [constrained]")

LIVE = {1: 12.345, 3: 4.0}
NARROWED = narrow(OUR_TOOLS, LIVE)
FORMS = ["react", "hermes"]
NUM_PROMPT = 5


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    # The work of a step is too small to be shared out.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def qwen() -> Vocabulary:
    return qwen_vocabulary()


@pytest.fixture(scope="module")
def tiny() -> Vocabulary:
    return byte_vocabulary()


def constraint_of(vocabulary: Vocabulary, form: str, prompt: Prompt) -> Constraint:
    grammar = open_format(form).grammar(prompt)
    assert grammar is not None
    return Constraint(vocabulary.tokens, grammar)


def write(constraint: Constraint, vocabulary: Vocabulary, seed: int, errors: str = "strict") -> str:
    """A reply, each of its tokens drawn from all that are allowed, with equal chances."""
    draw = np.random.default_rng(seed)
    processor = constraint.processor(NUM_PROMPT)
    ids = [0] * NUM_PROMPT
    logits = torch.zeros(1, vocabulary.num_tokens)
    while len(ids) < 4000:
        scores = processor(torch.tensor([ids]), logits)
        allowed = np.flatnonzero(scores[0].numpy() == 0)
        if processor.forced:
            assert allowed.tolist() == processor.forced[:1]
            ids += processor.forced
            continue
        token = int(draw.choice(allowed))
        if token == vocabulary.end:
            return vocabulary.encoding.decode(ids[NUM_PROMPT:], errors=errors)
        ids.append(token)
    raise AssertionError("no end")


def check_call(name: str, arguments: dict[str, Any]) -> None:
    TOOLS[name].arguments.read(arguments)
    assert all(arguments.get(role, 1) in LIVE for role in AUDIOS)
    assert all(0 <= arguments.get(time, 0) <= round(max(LIVE.values()), 2) for time in TIMES)
    texts = [value for value in arguments.values() if isinstance(value, str)]
    assert all(text.isprintable() or len(text) <= 200 for text in texts)
    assert not any("<|" in text or "</" in text or "\n" in text for text in texts)


@pytest.mark.parametrize("num_calls", [100, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", FORMS)
def test_a_hundred_of_a_hundred_random_calls_are_valid(
    form: str, num_calls: int, qwen: Vocabulary
) -> None:
    prompt = prompt_of(form, "any", NARROWED)
    constraint = constraint_of(qwen, form, prompt)
    made: list[str] = []
    for seed in count():
        message = open_format(form).parse(prompt, write(constraint, qwen, seed))
        assert message.tool_calls
        assert problems(message) == []
        assert set(repairs(message)) <= {"duplicate dropped"}
        assert message.content == ""
        for name, arguments in calls(message):
            check_call(name, arguments)
            made.append(name)
        if len(made) >= num_calls:
            break
    assert set(made) == set(TOOLS)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("choice", ["auto", "any", "replace"])
def test_random_replies_of_single_bytes_are_read_without_repair(
    form: str, choice: str, tiny: Vocabulary
) -> None:
    prompt = prompt_of(form, choice, NARROWED)
    constraint = constraint_of(tiny, form, prompt)
    kinds = set()
    for seed in range(20):
        # A text that reaches its limit of tokens may end inside a character.
        text = write(constraint, tiny, seed, errors="replace" if choice == "auto" else "strict")
        message = open_format(form).parse(prompt, text)
        assert problems(message) == []
        assert set(repairs(message)) <= {"duplicate dropped"}
        assert bool(message.content) != bool(message.tool_calls)
        kinds.add(bool(message.content))
        for name, arguments in calls(message):
            check_call(name, arguments)
            assert choice in ("auto", "any", name)
    assert (True in kinds) == (choice == "auto")


class Shade(Enum):
    DARK = "dark"
    LIGHT = "light"


class Point(BaseModel):
    x: float
    y: int | None = None


class Odd(BaseModel):
    """What tools of others may take."""

    points: list[Point]
    names: dict[str, int] = {}
    shade: Shade
    either: int | str = 1
    anything: Any = None
    which: Literal["a", "b"]
    part: float = Field(gt=0, lt=1)
    code: str = Field(default="a1", pattern="^[a-z][0-9]$")


class Nothing(BaseModel):
    """Takes nothing."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [Odd, Nothing])
def test_tools_of_others_come_out_right(form: str, kind: type[BaseModel], tiny: Vocabulary) -> None:
    prompt = prompt_of(form, kind.__name__, [convert_to_openai_tool(kind)])
    constraint = constraint_of(tiny, form, prompt)
    for seed in range(10):
        message = open_format(form).parse(prompt, write(constraint, tiny, seed))
        ((name, arguments),) = calls(message)
        kind.model_validate(arguments)
        assert name == kind.__name__
        assert kind is Odd or arguments == {}


def test_a_forced_text_has_the_tokens_of_the_tokenizer(qwen: Vocabulary) -> None:
    constraint = Constraint(qwen.tokens, r'start: "}\n</tool_call>"')
    processor = constraint.processor(0)
    expected = qwen.encoding.encode("}\n</tool_call>")
    logits = torch.zeros(1, qwen.num_tokens)
    ids: list[int] = []
    for token in expected:
        scores = processor(torch.tensor([ids], dtype=torch.long), logits)
        assert processor.forced == expected[len(ids) :]
        assert torch.isfinite(scores[0]).nonzero().tolist() == [[token]]
        ids.append(token)
    scores = processor(torch.tensor([ids]), logits)
    assert torch.isfinite(scores[0]).nonzero().tolist() == [[qwen.end]]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("choice", ["auto", "any", "cut"])
def test_what_is_put_in_the_mouth_ends_where_a_token_ends(
    form: str, choice: str, qwen: Vocabulary
) -> None:
    given = prompt_of(form, choice).given
    text = {
        ("react", "auto"): " I cut it.",
        ("react", "any"): " cut\nAction Input:",
        ("hermes", "any"): 'cut", "arguments"',
    }.get((form, choice), ' {"audio": 1}')
    encode = qwen.encoding.encode
    assert encode(given) + encode(text) == encode(given + text)


def test_special_tokens_and_rows_without_a_token_are_never_allowed(qwen: Vocabulary) -> None:
    constraint = Constraint(qwen.tokens, "start: /(.|\\n)+/")
    scores = constraint.processor(0)(
        torch.zeros(1, 0, dtype=torch.long), torch.zeros(1, qwen.num_tokens + 8)
    )
    allowed = torch.isfinite(scores[0]).nonzero().flatten()
    assert 100_000 < len(allowed) <= 151_643
    assert int(allowed.max()) < 151_643


def test_it_starts_again_at_the_prompt_and_keeps_the_scores(tiny: Vocabulary) -> None:
    processor = Constraint(tiny.tokens, "start: /[ab]+c/").processor(2)
    logits = torch.arange(tiny.num_tokens, dtype=torch.float32)[None]
    for _ in range(2):
        ids = [7, 7]
        for text in "abc":
            scores = processor(torch.tensor([ids]), logits)
            token = ord(text)
            assert scores[0, token] == logits[0, token]
            assert scores[0, ord("d")] == -torch.inf
            ids.append(token)
        assert torch.isfinite(processor(torch.tensor([ids]), logits)).sum() == 1


def test_wrong_use_is_a_value_error(tiny: Vocabulary) -> None:
    processor = Constraint(tiny.tokens, "start: /[ab]+c/").processor(0)
    logits = torch.zeros(2, tiny.num_tokens)
    with pytest.raises(ValueError, match="one sequence"):
        processor(torch.zeros(2, 1, dtype=torch.long), logits)
    with pytest.raises(ValueError, match="scores are needed"):
        processor(torch.zeros(1, 1, dtype=torch.long), logits[:1, :10])
    processor(torch.tensor([[97]]), logits[:1])
    with pytest.raises(ValueError, match="token 122 is not allowed here"):
        processor(torch.tensor([[97, 122]]), logits[:1])
    again = Constraint(tiny.tokens, "start: /[ab]+c/").processor(0)
    again(torch.tensor([[97, 97]]), logits[:1])
    with pytest.raises(ValueError, match="fewer than the 2"):
        again(torch.tensor([[97]]), logits[:1])


def test_a_schema_that_no_grammar_has_is_one_line_for_a_person(tiny: Vocabulary) -> None:
    tool = convert_to_openai_tool(Nothing)
    tool["function"]["parameters"] = {"type": "object", "not": {"required": ["x"]}}
    prompt = prompt_of("react", "any", [tool])
    with pytest.raises(UsageError, match=r"^the tools cannot be put into a grammar: [^\n]+$"):
        constraint_of(tiny, "react", prompt)


def test_without_llguidance_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tiny: Vocabulary
) -> None:
    monkeypatch.setitem(sys.modules, "llguidance.hf", None)
    with pytest.raises(UsageError, match=r"pip install 'qwen-audio-agent\[constrained\]'"):
        constraint_tokens(tiny.encoding, num_tokens=tiny.num_tokens, end_tokens=[tiny.end])


def test_a_model_of_transformers_generates_under_it(tiny: Vocabulary) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tiny.num_tokens, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=1, max_position_embeddings=512, eos_token_id=tiny.end,
        pad_token_id=tiny.end,
    )  # fmt: skip
    prompt = prompt_of("hermes", "undo", NARROWED)
    given = torch.tensor([tiny.encoding.encode(prompt.given)])
    processor = constraint_of(tiny, "hermes", prompt).processor(given.shape[1])
    ids = LlamaForCausalLM(config).generate(
        given, attention_mask=torch.ones_like(given), max_new_tokens=100, do_sample=True,
        logits_processor=[processor],
    )  # fmt: skip
    text = tiny.encoding.decode([i for i in ids[0, given.shape[1] :].tolist() if i != tiny.end])
    ((name, arguments),) = calls(open_format("hermes").parse(prompt, text))
    assert name == "undo"
    assert arguments["audio"] in LIVE


def test_a_fast_tokenizer_serves_as_well(tiny: Vocabulary) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = {token: i for i, token in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    made = Tokenizer(models.BPE(vocab=letters, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|end|>")  # noqa: S106
    tokens = constraint_tokens(fast, num_tokens=260, end_tokens=[fast.eos_token_id])
    processor = Constraint(tokens, 'start: "cut"').processor(0)
    processor(torch.zeros(1, 0, dtype=torch.long), torch.zeros(1, 260))
    assert fast.decode(processor.forced) == "cut"
