from __future__ import annotations

import json

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

from qwen_audio_agent.chat_models import open_chat_model
from qwen_audio_agent.chat_models.offline import OfflineChatModel
from qwen_audio_agent.chat_models.scripted import ScriptedChatModel
from qwen_audio_agent.errors import QwenAudioAgentError, UsageError

CALL = {"name": "cut", "args": {"audio": 1, "words": "hello"}, "id": "call_1"}


def test_it_replays_its_messages_in_order_and_keeps_what_it_was_sent():
    model = ScriptedChatModel(messages=[AIMessage("", tool_calls=[CALL], id="x"), AIMessage("bye")])
    first, second = model.invoke([HumanMessage("a")]), model.invoke([HumanMessage("b")])
    assert first.tool_calls[0]["args"] == {"audio": 1, "words": "hello"}
    assert first.id != "x"
    assert second.text == "bye"
    assert [sent[0].text for sent in model.requests] == ["a", "b"]


def test_binding_tools_gives_the_model_itself():
    model = ScriptedChatModel(messages=[])
    assert model.bind_tools([]) is model


def test_a_script_at_its_end_says_so():
    with pytest.raises(QwenAudioAgentError, match="script of 0 messages is at its end"):
        ScriptedChatModel(messages=[]).invoke("hello")


def test_a_stream_keeps_tool_calls():
    model = ScriptedChatModel(messages=[AIMessage("now", tool_calls=[CALL])])
    chunks = list(model.stream("go"))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert isinstance(whole, AIMessageChunk)
    assert whole.text == "now"
    assert [call["args"] for call in whole.tool_calls] == [CALL["args"]]


def test_the_script_of_a_file_is_replayed(tmp_path):
    script = tmp_path / "script.json"
    entries = [{"tool_calls": [{"name": "denoise", "args": {"audio": 1}}]}, {"content": "done"}]
    script.write_text(json.dumps(entries), "utf-8")
    model = open_chat_model(f"scripted:{script}")
    assert model.invoke("go").tool_calls[0]["name"] == "denoise"
    assert model.invoke("go").text == "done"


@pytest.mark.parametrize("text", ["no json", "{}x", '[{"tool_calls": [{}]}]', "[3]", '{"a": 1}'])
def test_a_file_that_is_no_script_is_refused(tmp_path, text):
    script = tmp_path / "script.json"
    script.write_text(text, "utf-8")
    with pytest.raises(UsageError, match="is no JSON list"):
        open_chat_model(f"scripted:{script}")


def test_a_script_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        open_chat_model(f"scripted:{tmp_path}/none.json")


def test_a_model_is_opened_by_name_and_an_unknown_name_lists_what_there_is():
    assert isinstance(open_chat_model("offline"), OfflineChatModel)
    with pytest.raises(UsageError, match=r"no chat model 'gpt'; there are: offline, scripted:FILE"):
        open_chat_model("gpt")
