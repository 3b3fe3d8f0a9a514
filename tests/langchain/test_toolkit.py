"""The toolkit by itself: what it opens, offers, refuses and writes."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import soundfile
from langchain_core.messages import ToolMessage

import qwen_audio_agent.langchain as front
from qwen_audio_agent import QwenAudioAgentError
from qwen_audio_agent.langchain import SpeechEditingToolkit
from tests.agent.conftest import ToneEar
from tests.langchain.talks import heard, open_talk, recording


def call(toolkit: SpeechEditingToolkit, name: str, call_id: str = "", **args: Any) -> ToolMessage:
    (tool,) = (tool for tool in toolkit.get_tools() if tool.name == name)
    result = tool.invoke({"type": "tool_call", "id": call_id or name, "name": name, "args": args})
    assert isinstance(result, ToolMessage)
    return result


def test_the_front_imports_neither_networks_nor_agents() -> None:
    code = (
        "import sys, qwen_audio_agent.langchain as front; front.SpeechEditingToolkit; "
        "print(*{'torch', 'transformers', 'langchain', 'langgraph'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    for name in set(front.__all__) - {"ChatQwenAudio"}:
        assert getattr(front, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        front.nothing  # noqa: B018


def test_a_missing_package_is_named_with_its_extra() -> None:
    code = (
        "import sys; sys.modules['langchain.agents.middleware'] = None; "
        "import qwen_audio_agent.langchain as front; front.AudioTurns"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'qwen-audio-agent[langchain]'" in done.stderr


def test_an_edit_gives_a_short_text_and_a_plain_clip(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        result = call(toolkit, "cut", audio=1, words="bravo")
        assert result.content.startswith('Cut "bravo" (0.65-0.96 s). This made Audio 2, 1.34 s.')
        assert result.artifact == {
            "type": "clip",
            "tool": "cut",
            "audio": 2,
            "file_id": "audio-2",
            "duration": 1.338,
            "verdict": "clean",
        }
        found = call(toolkit, "listen", audio=2, words="charlie")
        assert found.artifact["places"] == [[0.69, 0.99]]
        assert json.dumps(found.artifact)
        assert heard(toolkit, 2) == "alpha charlie"


@pytest.mark.parametrize(
    ("name", "args", "taught"),
    [
        ("cut", {"audio": 1, "words": "zulu"}, 'The nearest is "alpha" at 0.3'),
        ("cut", {"audio": 1, "words": "alpha"}, "Say which: first, second"),
        ("cut", {"audio": 7, "words": "alpha"}, "There is no Audio 7; there is Audio 1 to Audio 2"),
        ("cut", {"audio": 1, "start": 1, "end": 99}, "Give end from 0 to 2.00"),
        ("cut", {"audio": 1, "path": "/etc/passwd"}, "There is no argument 'path'; the arguments"),
        ("cut", {"words": "alpha"}, "The argument 'audio' is missing"),
        ("cut", {"audio": 1, "which": "tenth"}, "'only', 'first'"),
        ("gain", {"audio": 1, "db": "loud"}, "db is 'loud'"),
        ("undo", {"audio": 1}, "nothing to undo"),
    ],
)
def test_what_a_model_gets_wrong_comes_back_with_what_is_right(
    tmp_path: Path, name: str, args: dict[str, Any], taught: str
) -> None:
    with open_talk(tmp_path, "alpha bravo charlie alpha", "delta") as toolkit:
        result = call(toolkit, name, **args)
        assert result.status == "error"
        assert taught in result.content
        assert str(tmp_path) not in result.content
        assert toolkit.session.steps == ()


def test_units_and_clocks_are_read(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        result = call(toolkit, "cut", audio="Audio 1", start="0.6 s", end="0:00.98")
        assert result.status == "success"
        assert heard(toolkit, 2) == "alpha charlie"


def test_a_recording_that_changed_is_told_without_its_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_talk(tmp_path, "alpha bravo") as toolkit:
        recording(tmp_path, "talk1", "delta echo")
        result = call(toolkit, "cut", audio=1, words="bravo")
        assert result.status == "error"
        assert "A recording is gone or was changed (SourceChangedError)" in result.content
        assert str(tmp_path) not in result.content
        assert str(tmp_path) in caplog.text  # the person is told where


def test_tools_are_selected_by_name(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha", selected_tools=["undo", "cut"]) as toolkit:
        assert [tool.name for tool in toolkit.get_tools()] == ["cut", "undo"]
        with pytest.raises(ValueError, match="there is no tool sing; the tools are listen, cut"):
            SpeechEditingToolkit(session=toolkit.session, selected_tools=["cut", "sing"])
    with pytest.raises(ValueError, match="no tool sing"):
        SpeechEditingToolkit.open(workspace=tmp_path / "other", selected_tools=["sing"])
    assert not (tmp_path / "other").exists()


def test_no_schema_is_nested_or_a_union(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha") as toolkit:
        for tool in toolkit.get_tools():
            schema = tool.tool_call_schema
            assert not isinstance(schema, dict)
            for entry in schema.model_json_schema()["properties"].values():
                assert entry["type"] in {"integer", "number", "string"}
                assert entry["description"]


def test_it_renders_the_newest_edit_and_never_over_a_recording(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo", "delta") as toolkit:
        assert toolkit.result == 1
        call(toolkit, "cut", audio=1, words="bravo")
        assert toolkit.add(recording(tmp_path, "more", "echo")) == 4
        assert toolkit.result == 3
        written = toolkit.render(tmp_path / "out.flac")
        assert soundfile.info(tmp_path / "out.flac").frames == written.num_frames
        assert toolkit.render(tmp_path / "echo.wav", audio=4).duration < 1.0
        for name in ("talk1.wav", "talk2.wav", "more.wav"):
            before = (tmp_path / name).read_bytes()
            with pytest.raises(QwenAudioAgentError, match="source"):
                toolkit.render(tmp_path / name)
            assert (tmp_path / name).read_bytes() == before


def test_a_workspace_goes_on_where_it_was(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo", "delta") as toolkit:
        call(toolkit, "cut", audio=1, words="bravo")
    with open_talk(tmp_path, "alpha bravo", "delta", "echo") as toolkit:
        assert [toolkit.session.name(n) for n in toolkit.session.numbers] == [
            "talk1.wav", "talk2.wav", "Audio 1 after cut", "talk3.wav",
        ]  # fmt: skip
        assert toolkit.result == 3
        with pytest.raises(QwenAudioAgentError, match="in use"):
            open_talk(tmp_path)


def test_a_workspace_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "letter.txt").write_text("dear")
    with pytest.raises(QwenAudioAgentError, match="holds no session"):
        open_talk(tmp_path, "alpha")
    with pytest.raises(QwenAudioAgentError, match=r"nothing\.wav"):
        SpeechEditingToolkit.open(tmp_path / "nothing.wav", workspace=tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talk1.wav", "work"]


def test_without_a_workspace_nothing_is_left(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo", workspace=None) as toolkit:
        folder = toolkit.session.folder
        assert call(toolkit, "cut", audio=1, words="bravo").status == "success"
    assert not folder.exists()


def test_a_call_that_is_repeated_after_a_restart_is_done_once(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        first = call(toolkit, "cut", "id-1", audio=1, words="bravo")
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        again = call(toolkit, "cut", "id-1", audio="Audio 1", words="bravo")
        assert again == first
        assert toolkit.session.latest == 2
        # The same id in another conversation, as small models write it.
        assert call(toolkit, "cut", "id-1", audio=2, words="alpha").artifact["audio"] == 3


def test_threads_take_turns(tmp_path: Path) -> None:
    words = "alpha bravo charlie delta echo foxtrot golf hotel"
    with open_talk(tmp_path, words) as toolkit, ThreadPoolExecutor(8) as pool:
        done = pool.map(lambda w: call(toolkit, "cut", w, audio=1, words=w), words.split())
        numbers = [result.artifact["audio"] for result in done]
        assert sorted(numbers) == list(range(2, 10))
        for word, number in zip(words.split(), numbers, strict=True):
            assert heard(toolkit, number).split() == [w for w in words.split() if w != word]


async def test_tools_work_in_an_event_loop(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo") as toolkit:
        (tool,) = (tool for tool in toolkit.get_tools() if tool.name == "cut")
        args = {"audio": 1, "words": "bravo"}
        result = await tool.ainvoke({"type": "tool_call", "id": "1", "name": "cut", "args": args})
        assert result.artifact["audio"] == 2


def test_a_session_of_others_stays_open(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo") as toolkit:
        with SpeechEditingToolkit(session=toolkit.session) as second:
            assert call(second, "cut", audio=1, words="bravo").status == "success"
        assert call(toolkit, "undo", audio=2).status == "success"
        assert ToneEar.name == toolkit.session.ear.name
