"""Chat models of others plan: payloads that strict servers take, and the whole loop with them."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_openai import ChatOpenAI
from openai import BadRequestError

from qwen_audio_agent import Planner, QwenAudioAgentError, Session
from qwen_audio_agent.cli import main
from qwen_audio_agent.langchain import ForeignChatModel, open_chat_model
from tests.langchain.openai_server import ChatServer, call, serving, sounds_of, text_of

CUT = call("cut", {"audio": 1, "words": "with the old wooden gate"})
DONE = {"content": "Cut it."}
WAV = {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav"}


@pytest.fixture(autouse=True)
def _workplace(
    socket_enabled: None, heard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWEN_AUDIO_AGENT_CACHE", str(heard))
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[..., ChatServer]]:
    with ExitStack() as stack:
        yield lambda *script, **how: stack.enter_context(serving(ChatServer([*script], **how)))


@pytest.fixture
def talk(interview: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(interview, tmp_path / "talk.flac"))


def client(server: ChatServer) -> ChatOpenAI:
    return ChatOpenAI(model="gpt-audio", base_url=server.url, api_key="k", max_retries=0)


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    last: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return last


def is_right(edit: dict[str, Any], interview: Path) -> bool:
    words = json.loads(interview.with_suffix(".json").read_text(encoding="utf-8"))["words"]
    first = next(i for i, word in enumerate(words) if word["text"] == "with")
    start, end = words[first]["start"], words[first + 4]["end"]
    return abs(edit["start"] - start) < 0.05 and abs(edit["end"] - end) < 0.05


def test_a_model_that_hears_is_sent_the_sound_and_after_the_edit_the_new_one(
    serve: Callable[..., ChatServer], talk: Path, heard: Path, tmp_path: Path
) -> None:
    server = serve(CUT, DONE)
    with Session.create(tmp_path / "s", [talk], hearing_cache=heard) as session:
        model = ForeignChatModel(model=client(server), hear=session.hear, hears_sound=True)
        events = list(Planner(session, model).run("Cut the gate"))
        assert [step.tool for step in session.steps] == ["cut"]
        assert "base64" not in (tmp_path / "s/journal.jsonl").read_text("utf-8")
    assert events[-1].to_json() == {"type": "answer", "text": "Cut it."}
    assert not server.refusals
    first, second = (request["messages"] for request in server.requests)
    assert [message["role"] for message in first] == ["system", "user"]
    assert text_of(first[1]).splitlines() == ["Audio 1: talk.flac, 14.87 s", "Cut the gate"]
    roles = [message["role"] for message in second]
    assert roles == ["system", "user", "assistant", "tool", "user"]
    (sound,) = sounds_of(second[1])
    assert (sound.samplerate, sound.channels, sound.subtype) == (16_000, 1, "PCM_16")
    assert sound.duration == pytest.approx(14.87, abs=0.01)
    (edited,) = sounds_of(second[4])
    assert edited.duration == pytest.approx(13.69, abs=0.05)
    assert isinstance(second[3]["content"], str)
    assert text_of(second[4]).endswith("clean")


def test_tools_that_a_provider_runs_itself_are_passed_on(serve: Callable[..., ChatServer]) -> None:
    own = {"type": "web_search_20250305", "name": "web_search"}
    number = {"type": "integer"}
    undo = {"title": "undo", "type": "object", "properties": {"audio": number}}
    undo = {"name": "undo", "description": "Undo.", "parameters": undo}
    server = serve(DONE)
    wrapped = ForeignChatModel(model=client(server), hear=lambda _: None, hears_sound=False)
    bound = wrapped.bind_tools([own, undo])
    assert [tool.get("name") for tool in bound.kwargs["tools"]] == ["web_search", None]


def bounds_of(request: dict[str, Any], tool: str, argument: str) -> tuple[float, float]:
    """The least and the most that a request allows for an argument of a tool."""
    (found,) = [t["function"] for t in request["tools"] if t["function"]["name"] == tool]
    schema = found["parameters"]["properties"][argument]
    return schema["minimum"], schema["maximum"]


def test_the_command_edits_through_a_server_of_this_machine_that_knows_only_text(
    serve: Callable[..., ChatServer],
    talk: Path,
    interview: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = serve(CUT, DONE, hears=False)
    edit = ["edit", "talk.flac", "Cut the gate", "-o", "out.flac", "--json"]
    assert main([*edit, "--model", server.url, "--trace", "runs.jsonl"]) == 0
    assert is_right(result(capsys)["edits"][0], interview)
    first, second = server.requests
    assert first["model"] == "first"
    assert {tool["function"]["name"] for tool in first["tools"]} >= {"cut", "listen", "undo"}
    assert [bounds_of(request, "cut", "audio") for request in server.requests] == [(1, 1), (1, 2)]
    assert bounds_of(second, "cut", "end") == (0, pytest.approx(14.87, abs=0.01))
    told = first["messages"][1]["content"].splitlines()
    assert told[0] == "Audio 1: talk.flac, 14.87 s"
    assert told[1].startswith("Words heard, with seconds: welcome 0.")
    assert told[2:] == ["Cut the gate"]
    assert "clean" in second["messages"][-1]["content"]

    runs = [json.loads(line) for line in Path("runs.jsonl").read_text("utf-8").splitlines()]
    assert [(run["kind"], run["name"]) for run in runs] == [
        ("llm", f"{server.url}#first"), ("tool", "cut"), ("llm", f"{server.url}#first"),
        ("chain", "Planner"),
    ]  # fmt: skip
    assert {run["parent"] for run in runs[:3]} == {runs[3]["id"]}
    assert runs[0]["sizes"]["tokens_in"] == 100
    assert all(run["error"] is None and run["seconds"] >= 0 for run in runs)


def test_the_command_edits_through_openai_s_own_variables(
    serve: Callable[..., ChatServer],
    talk: Path,
    interview: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve(CUT, DONE, key="sk-test")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    edit = ["edit", "talk.flac", "Cut the gate", "-o", "out.flac", "--json"]
    assert main([*edit, "--model", "openai:gpt-audio"]) == 0
    assert is_right(result(capsys)["edits"][0], interview)
    assert len(sounds_of(server.requests[0]["messages"][1])) == 1
    assert not server.refusals


def test_chat_asks_a_server_without_tools(
    serve: Callable[..., ChatServer],
    talk: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve({"content": "A garden show."}, {"content": "Roses."}, takes_audio_url=True)
    monkeypatch.setattr("sys.stdin", io.StringIO("what is it?\nwhat grows?\n"))
    assert main(["chat", "talk.flac", "--quiet", "--model", f"{server.url}#Qwen2-Audio"]) == 0
    assert capsys.readouterr().out == "A garden show.\nRoses.\n"
    last = server.requests[1]
    assert (last["model"], "tools" in last) == ("Qwen2-Audio", False)
    assert [message["role"] for message in last["messages"][1:]] == ["user", "assistant", "user"]
    assert len(sounds_of(last["messages"][1])) == 1


def test_calls_that_are_refused_or_broken_come_back_to_the_server_as_it_takes_them(
    serve: Callable[..., ChatServer], talk: Path, heard: Path, tmp_path: Path
) -> None:
    several = call("gain", {"audio": 1, "db": -3})["tool_calls"]
    several += call("gain", {"audio": 7, "db": 3}, "call_b")["tool_calls"]
    several += call("gain", {}, "call_c")["tool_calls"]
    several[2]["function"] = {"name": "gain of 3 dB", "arguments": '{"audio": 1, "db":'}
    again = call("gain", {"audio": 2, "db": -3})  # under an id that was there before
    server = serve({"tool_calls": several, "content": "I try."}, again, {"content": "Quieter."})
    with Session.create(tmp_path / "s", [talk], hearing_cache=heard) as session:
        model = ForeignChatModel(model=client(server), hear=session.hear, hears_sound=True)
        events = list(Planner(session, model).run("6 dB quieter"))
        assert [step.tool for step in session.steps] == ["gain", "gain"]
    assert not server.refusals
    assert [event.to_json()["type"] for event in events].count("error") == 2
    messages = server.requests[-1]["messages"]
    roles = [message["role"] for message in messages]
    assert roles[1:] == ["user", "assistant", *["tool"] * 3, "user", "assistant", "tool", "user"]
    broken = messages[2]["tool_calls"][2]["function"]
    assert broken["name"] == "unknown"
    assert json.loads(broken["arguments"]) == {"unreadable": '{"audio": 1, "db":'}
    assert [len(sounds_of(messages[index])) for index in (1, 6, 9)] == [0, 1, 1]


CALLED = AIMessage("", tool_calls=[{"name": "cut", "args": {}, "id": "a"}])


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([HumanMessage("x"), ToolMessage("done", tool_call_id="a")], "must be a response to"),
        ([HumanMessage("x"), CALLED, HumanMessage("y")], "must be followed by tool messages"),
        ([HumanMessage("x"), CALLED, ToolMessage([WAV], tool_call_id="a")], "Invalid content of"),
        ([HumanMessage([WAV | {"mime_type": "audio/mpeg"}])], "Invalid value: 'mpeg'"),
        ([HumanMessage([{"type": "audio_url", "audio_url": {"url": "x"}}])], "'audio_url'"),
        ([HumanMessage([WAV])], "data is invalid"),
        ([HumanMessage("x"), SystemMessage("y")], "at the beginning"),
        ([AIMessage("x")], "The last message"),
    ],
)
def test_the_server_is_as_strict_as_the_real_ones(
    serve: Callable[..., ChatServer], messages: list[Any], why: str
) -> None:
    server = serve(DONE)
    with pytest.raises(BadRequestError):
        client(server).invoke(messages)
    assert why in server.refusals[0]


def test_sound_in_the_result_of_a_tool_is_never_sent(serve: Callable[..., ChatServer]) -> None:
    server = serve(DONE)
    block = {"type": "audio", "file_id": "audio-1"}
    messages = [HumanMessage("x"), CALLED, ToolMessage("cut", tool_call_id="a")]
    messages[2].content = [{"type": "text", "text": "cut"}, block]
    model = ForeignChatModel(model=client(server), hears_sound=True)
    assert model.invoke(messages).text == "Cut it."
    assert "not told again" in text_of(server.requests[0]["messages"][-1])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("openai:gpt-audio", "the model 'openai:gpt-audio' needs a key in OPENAI_API_KEY"),
        ("google_genai:gemini-2.5-flash", "'qwen-audio-agent[langchain]' langchain-google-genai"),
        ("mistralai:mistral-large", "needs langchain-mistralai; install it with: pip install"),
        ("ollama:qwen3", "needs langchain-ollama; install it with: pip install"),
        ("nosuch:model", "the model 'nosuch:model' cannot be opened: "),
        ("nothing", "there is no chat model 'nothing'; there are: offline"),
        ("http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1 does not say its models: Connection"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    name: str, why: str, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["edit", "talk.flac", "Cut it", "-o", "out.flac", "--model", name]) in (1, 2)
    printed = capsys.readouterr().err.splitlines()
    assert [line for line in printed if why in line] == [printed[-1]]
    assert not Path("out.flac").exists()


def test_a_server_that_refuses_ends_the_job_in_one_line_and_keeps_what_was_done(
    serve: Callable[..., ChatServer], talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(CUT, DONE, key="sk-test")
    edit = ["edit", "talk.flac", "Cut it", "-o", "out.flac", "--model", f"{server.url}#m"]
    assert main([*edit, "--trace", "runs.jsonl"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "#m did not answer: Error code: 401" in last
    runs = [json.loads(line) for line in Path("runs.jsonl").read_text("utf-8").splitlines()]
    assert [run["error"].startswith("ChatModelError(") for run in runs] == [True, True]


def test_a_key_for_openai_is_never_sent_to_another_server(
    serve: Callable[..., ChatServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    server = serve(DONE, DONE, key="none")
    assert open_chat_model(server.url).invoke("hello").text == "Cut it."
    monkeypatch.setenv("QWEN_AUDIO_AGENT_API_KEY", "mine")
    server.key = "mine"
    assert open_chat_model(server.url).invoke("hello").text == "Cut it."


async def test_replies_come_as_streams_too(serve: Callable[..., ChatServer]) -> None:
    server = serve(DONE, CUT, DONE, DONE)
    model = ForeignChatModel(model=client(server))
    assert "".join(chunk.text for chunk in model.stream("hello")) == "Cut it."
    whole = sum(model.stream("cut"), AIMessageChunk(""))
    assert [(asked["name"], asked["args"]["audio"]) for asked in whole.tool_calls] == [("cut", 1)]
    assert (await model.ainvoke("hello")).text == "Cut it."
    chunks = [chunk async for chunk in model.astream("hello")]
    assert sum(chunk.usage_metadata["total_tokens"] for chunk in chunks if chunk.usage_metadata)
    assert [request.get("stream", False) for request in server.requests] == [
        True, True, False, True,
    ]  # fmt: skip


def test_who_hears_is_known_by_profile_or_name_or_told(
    serve: Callable[..., ChatServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    told = {
        name: open_chat_model(name).hears_sound
        for name in ("openai:gpt-audio", "openai:gpt-4o", f"{server.url}#Voxtral-Mini", server.url)
    }
    assert list(told.values()) == [True, False, True, False]
    assert open_chat_model(server.url, hears_sound=True).hears_sound is True
    with pytest.raises(QwenAudioAgentError, match="'audio-1' cannot be had"):
        open_chat_model(f"{server.url}#Voxtral").invoke(
            [HumanMessage([{"type": "audio", "file_id": "audio-1"}])]
        )


def test_the_front_brings_no_network_and_no_provider_s_package() -> None:
    code = (
        "import sys, qwen_audio_agent.langchain as front; "
        "front.JsonlTracer, front.ForeignChatModel, front.with_sound, front.open_chat_model; "
        "print({'torch', 'transformers', 'openai', 'langchain', 'langgraph'} & {*sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
