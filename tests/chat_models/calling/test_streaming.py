"""However a reply is cut into pieces, its chunks add up to the message that it is."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from langchain_core.messages import message_chunk_to_message

from qwen_audio_agent.chat_models.calling import gather, open_format
from qwen_audio_agent.chat_models.calling.replies import FIRST_INDEX
from qwen_audio_agent.chat_models.calling.strict_json import MAX_CHARS
from tests.chat_models.calling.replying import prompt_of

FRAGMENTS = [
    "<tool_call>", "</tool_call>", "<tool_response>", "\n", " ", "```json\n", "```", "`", "[", "]",
    '{"name": "cut", "arguments": {"audio": 1}}', "{'name': 'undo', 'arguments': {'audio': 2,}}",
    '{"name": "Cutt", "arguments": "{\\"audio\\": 3}"}', '{"name": "mute", "arguments": {}}', "{",
    "}", '"', "\\", '"</tool_call>"', "<tool", "Sure, ", "é🙂", "\nThought:", "\nAction: cut",
    "\nAction:", "\nAction Input:", '{"audio": 1}', "{'audio': 1", "\nFinal Answer:",
    "\nObservation:", " Observation:", "\nObserv", "\n  Action: undo\n", "x", "\n\n",
]  # fmt: skip

replies = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    at = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in itertools.pairwise(at)]


@pytest.mark.parametrize("form", ["react", "hermes"])
@pytest.mark.parametrize("choice", [None, "any", "cut", "none"])
@given(
    text=replies,
    cuts=st.none() | st.lists(st.integers(0, 500), max_size=6),
    is_whole=st.booleans(),
)
@example(text="\n" + '{"name": "cut", "arguments": {"audio": 1}}', cuts=[1], is_whole=True)
def test_pieces_add_up_to_the_whole(
    form: str, choice: str | None, text: str, cuts: list[int] | None, is_whole: bool
) -> None:
    prompt, call_format = prompt_of(form, choice), open_format(form)
    whole = call_format.parse(prompt, text, is_whole=is_whole)
    reader = call_format.reader(prompt)
    # None: one character after another.
    pieces = list(text) if cuts is None else pieces_of(text, cuts)
    chunks = [chunk for piece in pieces for chunk in reader.feed(piece)]
    chunks += reader.finish(is_whole=is_whole)
    assert gather(chunks) == whole

    first, *others = chunks
    merged = message_chunk_to_message(first + others)
    assert merged.content == whole.content
    assert merged.tool_calls == whole.tool_calls
    assert merged.response_metadata == whole.response_metadata
    broken = [call | {"error": None} for call in whole.invalid_tool_calls]
    assert merged.invalid_tool_calls == broken
    ids = [call["id"] for call in (*whole.tool_calls, *whole.invalid_tool_calls)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("quotes", ["", '"'])
@pytest.mark.parametrize("num_more", [-12, 0, 1, 5, 11, 12, 40])
def test_a_call_of_any_length_is_the_same_in_pieces(num_more: int, quotes: str) -> None:
    text = f"<tool_call>{quotes}{'a' * (MAX_CHARS + num_more)}</tool_call>\nSo."
    prompt, hermes = prompt_of("hermes"), open_format("hermes")
    reader = hermes.reader(prompt)
    pieces = [text[:MAX_CHARS], *text[MAX_CHARS:]]
    chunks = [chunk for piece in pieces for chunk in reader.feed(piece)]
    assert gather([*chunks, *reader.finish()]) == hermes.parse(prompt, text)


def test_an_answer_comes_out_as_it_is_written() -> None:
    reader = open_format("react").reader(prompt_of("react"))
    assert reader.feed(" I know.\nFinal Answer: He ")[-1].content == "He"
    assert reader.feed("says\nObserv")[-1].content == " says"
    rest = "e that he is not the first to say it."
    assert reader.feed(rest)[-1].content == f"\nObserv{rest}"
    reader = open_format("hermes").reader(prompt_of("hermes"))
    assert reader.feed("He says <")[-1].content == "He says"
    assert reader.feed("b>")[-1].content == " <b>"
    assert reader.feed("\n") == []


def test_a_call_comes_out_when_it_is_whole() -> None:
    reader = open_format("hermes").reader(prompt_of("hermes"))
    assert reader.feed('<tool_call>\n{"name": "undo", "arguments": {"audio": 2}}\n</tool') == []
    (chunk,) = reader.feed("_call>")
    assert chunk.tool_call_chunks == [
        {"name": "undo", "args": '{"audio": 2}', "id": "call_1", "index": FIRST_INDEX,
         "type": "tool_call_chunk"}
    ]  # fmt: skip
    (last,) = reader.finish()
    assert last.chunk_position == "last"


def test_the_reader_says_when_nothing_more_matters() -> None:
    reader = open_format("react").reader(prompt_of("react"))
    reader.feed(' I cut it.\nAction: cut\nAction Input: {"audio": 1}')
    assert not reader.done
    assert len(reader.feed("\nObservation:")) == 1
    assert reader.done
    assert reader.feed(" Cut.\nFinal Answer: Done") == []
