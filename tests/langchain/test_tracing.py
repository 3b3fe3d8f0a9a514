"""Other people's callbacks see the planner, its model and its tools."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import langsmith
import pytest
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.langchain import LangChainTracer, get_client, wait_for_all_tracers
from langsmith import utils as langsmith_utils

from qwen_audio_agent import Planner, QwenAudioAgentError, Session
from qwen_audio_agent.cli import main
from qwen_audio_agent.langchain import ForeignChatModel, JsonlTracer

GATE = {"audio": 1, "words": "with the old wooden gate"}
BATCHES = {
    "use_multipart_endpoint": False,
    "scale_up_qsize_trigger": 1000,
    "scale_up_nthreads_limit": 1,
    "scale_down_nempty_limit": 1,
    "size_limit": 100,
    "size_limit_bytes": 1_000_000,
}
QUIET = {"audio": 1, "db": -3.0}
USAGE = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}


class Script(FakeMessagesListChatModel):
    """LangChain's own list of replies, which takes tools."""

    def bind_tools(self, *_: Any, **__: Any) -> Any:
        return self


def asks(tool: str, arguments: dict[str, Any]) -> AIMessage:
    call = {"name": tool, "args": arguments, "id": tool}
    return AIMessage("", tool_calls=[call], usage_metadata=USAGE)


DONE = AIMessage("Done.", usage_metadata=USAGE, response_metadata={"model_name": "script"})


@pytest.fixture
def session(interview: Path, tmp_path: Path, heard: Path) -> Iterator[Session]:
    with Session.create(tmp_path / "session", [interview], hearing_cache=heard) as session:
        yield session


@pytest.fixture
def planner(session: Session) -> Callable[..., Planner]:
    def make(*replies: AIMessage, **limits: Any) -> Planner:
        model = ForeignChatModel(model=Script(responses=[*replies]), hear=session.hear)
        return Planner(session, model, **limits)

    return make


class Watcher(BaseCallbackHandler):
    """Notes what it is told, as a person's own handler would."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def on_chain_start(self, *_: Any, **kwargs: Any) -> None:
        self.seen.append(("chain", kwargs))

    def on_chat_model_start(self, *_: Any, **kwargs: Any) -> None:
        self.seen.append(("model", kwargs))

    def on_tool_start(self, *_: Any, **kwargs: Any) -> None:
        self.seen.append(("tool", kwargs))

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.seen.append(("answered", {"output": output, **kwargs}))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_callbacks_tags_and_metadata_reach_every_call_of_model_and_tool(
    planner: Callable[..., Planner],
) -> None:
    watcher = Watcher()
    config = {"callbacks": [watcher], "tags": ["mine"], "metadata": {"who": "me"}}
    replies = [asks("gain", QUIET), asks("gain", QUIET | {"audio": 9}), DONE]
    list(planner(*replies).run("A little quieter", config))
    kinds = [kind for kind, _ in watcher.seen]
    tool = ["tool", "answered"]
    assert kinds == ["chain", "model", *tool, "model", *tool, "model"]
    starts = [told for kind, told in watcher.seen if kind != "answered"]
    assert all(told["tags"] == ["mine"] and told["metadata"]["who"] == "me" for told in starts)
    assert {told["parent_run_id"] for told in starts[1:]} == {starts[0]["run_id"]}
    assert starts[2]["inputs"] == QUIET
    answers = [told["output"] for kind, told in watcher.seen if kind == "answered"]
    assert [answer.status for answer in answers] == ["success", "error"]
    assert answers[0].tool_call_id == "gain"


def test_a_line_for_each_run_says_who_called_whom_for_how_long_and_how_much(
    planner: Callable[..., Planner], tmp_path: Path
) -> None:
    path = tmp_path / "runs.jsonl"
    refused = asks("gain", {"audio": 9, "db": 3.0})
    config = {"callbacks": [JsonlTracer(path)], "run_name": "my job"}
    list(planner(asks("cut", GATE), refused, DONE).run("Cut the gate", config))
    told = lines(path)
    assert [(run["kind"], run["name"]) for run in told] == [
        ("llm", "ForeignChatModel"), ("tool", "cut"), ("llm", "ForeignChatModel"),
        ("tool", "gain"), ("llm", "ForeignChatModel"), ("chain", "my job"),
    ]  # fmt: skip
    assert {run["parent"] for run in told[:-1]} == {told[-1]["id"]}
    assert [run["error"] for run in told if run["error"]] == [
        "There is no Audio 9; there is Audio 1 to Audio 2."
    ]
    assert told[0]["sizes"] == told[0]["sizes"] | {"tokens_in": 7, "tokens_out": 3}
    assert told[0]["sizes"]["in"] < told[2]["sizes"]["in"] < 1000
    assert told[-1]["seconds"] >= told[1]["seconds"] > 0
    JsonlTracer(path)
    assert len(lines(path)) == 6  # an earlier trace goes on


def test_work_that_ends_without_an_answer_says_why(
    planner: Callable[..., Planner], tmp_path: Path
) -> None:
    path = tmp_path / "runs.jsonl"
    config = {"callbacks": [JsonlTracer(path)]}
    with pytest.raises(QwenAudioAgentError, match="no answer after 1 steps"):
        list(planner(asks("listen", {"audio": 1}), DONE, max_steps=1).run("Listen", config))
    events = planner(DONE).run("Nothing", config)
    next(events)
    events.close()
    ends = [run["error"] for run in lines(path) if run["kind"] == "chain"]
    assert ends[0].startswith("LimitReached('no answer after 1 steps")
    assert ends[1] == "GeneratorExit()"


def test_inside_other_runs_the_planner_is_a_part_of_them(
    planner: Callable[..., Planner], tmp_path: Path
) -> None:
    path = tmp_path / "runs.jsonl"
    work = RunnableLambda(lambda text: [str(event) for event in planner(DONE).run(text)])
    work.with_config(run_name="all").invoke("Hello", {"callbacks": [JsonlTracer(path)]})
    names = {run["id"]: run["name"] for run in lines(path)}
    assert [(run["name"], names.get(run["parent"])) for run in lines(path)] == [
        ("ForeignChatModel", "Planner"), ("Planner", "all"), ("all", None),
    ]  # fmt: skip


def test_what_a_model_uses_is_counted_once(planner: Callable[..., Planner]) -> None:
    with get_usage_metadata_callback() as usage:
        list(planner(DONE).run("Hello"))
    assert usage.usage_metadata["script"]["total_tokens"] == 10


def test_no_sound_and_no_paths_get_into_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    sound = "UklGR" * 4000

    def fail(_: Any) -> None:
        raise ValueError(f"cannot use {sound}\nat all")

    config = {"callbacks": [JsonlTracer(path)]}
    block = {"type": "audio", "base64": sound, "mime_type": "audio/wav"}
    message = HumanMessage([{"type": "text", "text": "hello"}, block])
    Script(responses=[DONE]).invoke([message], config)
    with pytest.raises(ValueError, match="cannot use"):
        RunnableLambda(fail).invoke([message], config)
    text = path.read_text("utf-8")
    assert "UklGRUklGR" not in text
    assert __file__ not in text
    model, failed = lines(path)
    assert model["sizes"]["in"] < 100
    assert failed["error"].startswith("ValueError('cannot use ...")


@pytest.mark.parametrize("name", ["talk.wav", "session/journal.jsonl"])
def test_a_trace_never_goes_into_another_file(
    name: str, session: Session, interview: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if not path.exists():
        path.write_bytes(interview.read_bytes())
    before = path.read_bytes()
    with pytest.raises(QwenAudioAgentError, match="is no trace of runs; choose a new file"):
        JsonlTracer(path)
    edit = ["edit", str(interview), "Cut it", "-o", str(tmp_path / "o.wav")]
    assert main([*edit, "--trace", str(path)]) == 2
    assert path.read_bytes() == before
    assert main([*edit, "--trace", str(tmp_path)]) == 2
    assert main([*edit, "--trace", str(tmp_path / "no/such/folder.jsonl")]) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.fixture
def langsmith_server(
    socket_enabled: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, list[bytes]]]:
    """Takes what LangSmith's client sends."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(json.dumps({"batch_ingest_config": BATCHES}).encode())

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(b"{}")

        def _answer(self, data: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


def test_langsmith_s_own_variables_are_enough(
    planner: Callable[..., Planner],
    langsmith_server: tuple[str, list[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, bodies = langsmith_server
    for name, value in (("TRACING", "true"), ("ENDPOINT", url), ("API_KEY", "k")):
        monkeypatch.setenv(f"LANGSMITH_{name}", value)
    monkeypatch.setenv("LANGSMITH_DISABLE_RUN_COMPRESSION", "true")
    langsmith_utils.get_env_var.cache_clear()
    try:
        list(planner(asks("gain", QUIET), DONE).run("A little quieter", {"tags": ["mine"]}))
        wait_for_all_tracers()
    finally:
        get_client().cleanup()
        monkeypatch.undo()
        langsmith_utils.get_env_var.cache_clear()
    sent = b"\n".join(bodies).decode("utf-8")
    for name in ('"Planner"', '"gain"', '"ForeignChatModel"', '"mine"', "quieter", "audio-2"):
        assert name in sent
    assert "base64" not in sent


def test_a_tracer_of_langsmith_may_be_given_by_hand(
    planner: Callable[..., Planner], langsmith_server: tuple[str, list[bytes]]
) -> None:
    url, bodies = langsmith_server
    client = langsmith.Client(api_url=url, api_key="k", auto_batch_tracing=False)
    tracer = LangChainTracer(client=client)
    list(planner(DONE).run("Hello", {"callbacks": [tracer]}))
    wait_for_all_tracers()
    runs = [json.loads(body) for body in bodies if body.startswith(b"{")]
    assert {run["name"] for run in runs if "name" in run} >= {"Planner", "ForeignChatModel"}


def test_a_model_without_tools_is_refused_in_one_line_and_without_streams_comes_whole(
    session: Session,
) -> None:
    model = ForeignChatModel(model=FakeMessagesListChatModel(responses=[DONE]), name="old")
    with pytest.raises(QwenAudioAgentError, match="old cannot call tools; choose another model"):
        Planner(session, model)
    assert "".join(chunk.text for chunk in model.stream("hello")) == "Done."
