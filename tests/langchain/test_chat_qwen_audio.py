"""What LangChain's suites do not ask of `ChatQwenAudio`, on the writers and the tiny network."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np
import pytest
import soundfile
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.load import dumps
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    SystemMessage,
    trim_messages,
)
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from qwen_audio_agent import QwenAudioAgentError, Session
from qwen_audio_agent.langchain import ChatQwenAudio
from tests.langchain.asking import FORMS, QUESTION, get_weather


def _added(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    return sum(chunks[1:], chunks[0])


def _spoken(wav: str) -> HumanMessage:
    block = {"type": "audio", "base64": wav, "mime_type": "audio/wav"}
    return HumanMessage([{"type": "text", "text": "What is said?"}, block])


@pytest.mark.parametrize(
    "choice",
    [
        "get_weather",
        True,
        {"type": "function", "function": {"name": "get_weather"}},
        {"type": "tool", "name": "get_weather"},
        {"type": "any"},
    ],
)
def test_a_tool_can_be_chosen_in_every_form(chat: ChatQwenAudio, choice: Any) -> None:
    (call,) = chat.bind_tools([get_weather], tool_choice=choice).invoke(QUESTION).tool_calls
    assert call["args"] == {"location": "San Francisco, CA"}


def test_no_tool_can_be_chosen(chat: ChatQwenAudio) -> None:
    for choice in ("none", {"type": "none"}):
        reply = chat.bind_tools([get_weather], tool_choice=choice).invoke(QUESTION)
        assert reply.text.startswith("Hello there")
        assert not reply.tool_calls


@pytest.mark.parametrize("choice", ["get_whether", {"type": "function"}, {"name": "get_weather"}])
def test_other_choices_are_refused_in_one_line(chat: ChatQwenAudio, choice: Any) -> None:
    with pytest.raises(QwenAudioAgentError, match=r"^tool_choice is .*; it may be auto, any, .*"):
        chat.bind_tools([get_weather], tool_choice=choice).invoke(QUESTION)


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_a_stream_of_thoughts_words_and_calls_adds_up(make, output_version: str) -> None:
    for form in FORMS:
        chat = make(form, output_version=output_version).bind_tools([get_weather])
        streamed, reply = _added(list(chat.stream(QUESTION))), chat.invoke(QUESTION)
        assert streamed.tool_calls == reply.tool_calls
        assert [block["type"] for block in streamed.content_blocks] == [
            block["type"] for block in reply.content_blocks
        ]
        assert [call["name"] for call in reply.tool_calls] == ["get_weather"]
        assert streamed.usage_metadata == reply.usage_metadata


def test_events_of_a_call_are_well_formed(chat: ChatQwenAudio) -> None:
    bound = chat.bind_tools([get_weather])
    stream = bound.stream_events(QUESTION, version="v3")
    assert_valid_event_stream(list(stream))
    assert [call["name"] for call in stream.output.tool_calls] == ["get_weather"]

    async def told() -> list[dict[str, Any]]:
        stream = await bound.astream_events(QUESTION, version="v3")
        assert_valid_event_stream([event async for event in stream])
        return (await stream.output).tool_calls

    assert asyncio.run(told()) == stream.output.tool_calls


def test_each_piece_is_told_to_callbacks_once(chat: ChatQwenAudio) -> None:
    class Pieces(BaseCallbackHandler):
        def __init__(self) -> None:
            self.told: list[str] = []

        def on_llm_new_token(self, token: str, **_: Any) -> None:
            self.told.append(token)

    pieces = Pieces()
    said = [chunk.text for chunk in chat.stream("Hello", config={"callbacks": [pieces]})]
    assert "".join(pieces.told) == "".join(said)
    assert len(said) > 10


def test_the_profile_promises_structured_output_only_with_a_grammar(make) -> None:
    assert make("react").profile["structured_output"]
    assert not make("free react").profile["structured_output"]
    profile = make("tiny", max_tokens=77).profile
    assert profile["audio_inputs"]
    assert profile["max_input_tokens"] == 32_768
    assert profile["max_output_tokens"] == 77


def test_tokens_are_counted_as_they_are_read(make, spoken_wav: str) -> None:
    chat = make("tiny", max_tokens=1, constrained=False)
    messages = [SystemMessage("Be brief."), _spoken(spoken_wav)]
    usage = chat.invoke(messages).usage_metadata
    assert chat.get_num_tokens_from_messages(messages) == usage["input_tokens"]
    # 14.87 s at 25 a second, and the two that open and close it; its base64 has 635,000 letters.
    assert usage["input_token_details"]["audio"] == 374
    with_tools = chat.bind_tools([get_weather]).invoke(messages).usage_metadata["input_tokens"]
    assert chat.get_num_tokens_from_messages(messages, [get_weather]) == with_tools
    assert chat.get_num_tokens("Hello") == 5


def test_messages_are_trimmed_by_what_their_audio_costs(make, spoken_wav: str) -> None:
    chat = make("tiny")
    messages = [_spoken(spoken_wav), AIMessage("a"), HumanMessage("b"), AIMessage("c")]
    kept = trim_messages(messages, max_tokens=400, token_counter=chat, start_on="human")
    assert [message.text for message in kept] == ["b", "c"]
    assert trim_messages(messages, max_tokens=900, token_counter=chat) == messages


def test_a_sound_is_encoded_once_whatever_its_block_is_called(make, spoken_wav: str) -> None:
    """LangChain gives each block of OpenAI's form a new id every time."""
    chat = make("tiny", max_tokens=1)
    data = base64.b64decode(spoken_wav)
    louder = base64.b64encode(data[:-2] + b"\1\1").decode()
    block = {"type": "input_audio", "input_audio": {"data": louder, "format": "wav"}}
    before = chat.engine.features.num_encoded
    for _ in range(2):
        chat.engine._idle.clear()
        chat.invoke([HumanMessage([block])])
    assert chat.engine.features.num_encoded == before + 1


def test_usage_is_added_up_by_the_model_s_name(chat: ChatQwenAudio) -> None:
    with get_usage_metadata_callback() as callback:
        first, second = chat.batch(["Hello", "Hey"])
    total = first.usage_metadata["total_tokens"] + second.usage_metadata["total_tokens"]
    assert callback.usage_metadata[chat.model]["total_tokens"] == total


def test_another_model_s_name_is_refused(chat: ChatQwenAudio) -> None:
    assert chat.invoke("Hello", model=chat.model).response_metadata["model_name"] == chat.model
    with pytest.raises(QwenAudioAgentError, match=r"this is the model 'writer of \w+'"):
        chat.invoke("Hello", model="gpt-4o")


def test_a_checkpoint_is_opened_by_its_folder(
    checkpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ChatQwenAudio(model=str(checkpoint), max_tokens=3).invoke("Hello").usage_metadata
    monkeypatch.delenv("QWEN_AUDIO_AGENT_MODEL", raising=False)
    with pytest.raises(QwenAudioAgentError, match="name a checkpoint: ChatQwenAudio"):
        ChatQwenAudio()


def test_a_cached_reply_is_that_of_the_same_settings(make, spoken_wav: str) -> None:
    cache = InMemoryCache()
    messages = [_spoken(spoken_wav)]
    replies = [
        make("tiny", cache=cache, max_tokens=5, temperature=1.0, **settings).invoke(messages)
        for settings in ({"seed": 1}, {"seed": 1}, {"seed": 2}, {"seed": 1, "stop": ["a"]})
    ]
    assert replies[0].content == replies[1].content
    assert len(cache._cache) == 3


def test_a_cached_reply_is_never_about_another_session_s_audio(make, tmp_path, interview) -> None:
    block = {"type": "audio", "file_id": "audio-1", "mime_type": "audio/wav"}
    messages = [HumanMessage([block, {"type": "text", "text": "What is said?"}])]
    cache = InMemoryCache()
    for name in ("one", "two"):
        with Session.create(tmp_path / name, [interview]) as session:
            chat = make("tiny", hear=session.hear, cache=cache, max_tokens=3)
            assert chat.invoke(messages).content == chat.invoke(messages).content
            other = chat.model_copy(update={"hear": lambda _: None})
            assert other._get_llm_string() != chat._get_llm_string()
    assert len(cache._cache) == 2


def test_a_copy_hears_what_it_was_given(make, tmp_path, interview) -> None:
    block = {"type": "audio", "file_id": "audio-1", "mime_type": "audio/wav"}
    short = tmp_path / "short.wav"
    soundfile.write(short, np.zeros(16_000), 16_000)
    with Session.create(tmp_path / "one", [interview]) as one:
        chat = make("tiny", hear=one.hear, max_tokens=1)
        chat.invoke([HumanMessage([block])])
        with Session.create(tmp_path / "two", [short]) as two:
            other = chat.model_copy(update={"hear": two.hear})
            usage = other.invoke([HumanMessage([block])]).usage_metadata
    assert usage["input_token_details"]["audio"] == 27


def test_traces_hold_the_name_of_an_audio_and_no_sound(make, tmp_path, interview) -> None:
    class Traced(BaseCallbackHandler):
        seen: str = ""

        def on_chat_model_start(self, serialized: Any, messages: Any, **more: Any) -> None:
            self.seen += dumps([serialized, messages]) + repr(more)

        def on_llm_end(self, response: Any, **more: Any) -> None:
            self.seen += repr(response) + repr(more)

    traced = Traced()
    block = {"type": "audio", "file_id": "audio-1", "mime_type": "audio/wav"}
    with Session.create(tmp_path / "talk", [interview]) as session:
        chat = make("tiny", hear=session.hear, max_tokens=3)
        reply = chat.invoke([HumanMessage([block])], config={"callbacks": [traced]})
    assert reply.usage_metadata["input_token_details"]["audio"] == 374
    assert "audio-1" in traced.seen
    assert len(traced.seen) < 6000
    assert "engine" not in traced.seen.replace("qwen_audio_agent", "")


def test_a_rate_limiter_is_asked(make) -> None:
    limiter = InMemoryRateLimiter(requests_per_second=20, check_every_n_seconds=0.01)
    chat = make("react", rate_limiter=limiter)
    asyncio.run(_seconds(chat))


async def _seconds(chat: ChatQwenAudio) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    for _ in range(3):
        await chat.ainvoke("Hello")
    assert loop.time() - start >= 0.1


def test_a_cancelled_call_generates_nothing_more(make) -> None:
    chat = make("tiny", max_tokens=30_000, constrained=False)
    chat.engine._idle.clear()

    async def cancelled() -> int:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(chat.ainvoke("go on"), 0.3)
        async with asyncio.timeout(20):
            while not chat.engine._idle:
                await asyncio.sleep(0.01)
        return chat.engine._idle[0].work.tokens_generated

    assert asyncio.run(cancelled()) < 30_000
    assert chat.invoke("go on", max_tokens=3).usage_metadata["output_tokens"] == 3


def test_a_stream_that_is_left_gives_its_network_back(make) -> None:
    chat = make("tiny", max_tokens=1000)
    stream = chat.stream("go on")
    next(stream)
    idle = len(chat.engine._idle)
    stream.close()
    assert len(chat.engine._idle) == idle + 1


@pytest.mark.parametrize("messages", [[HumanMessage("")], [HumanMessage([])], [AIMessage("")]])
def test_messages_without_words_are_answered(chat: ChatQwenAudio, messages: list) -> None:
    assert chat.invoke(messages).text.startswith("Hello there")


def test_it_is_not_serializable_and_says_nothing_of_its_weights(chat: ChatQwenAudio) -> None:
    assert not chat.is_lc_serializable()
    assert '"not_implemented"' in dumps(chat)
    assert "engine" not in repr(chat)
