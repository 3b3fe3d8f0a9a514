"""What the model of an agent hears, in which form, and what stays in the state."""

from __future__ import annotations

import base64
import io
import json
import shutil
import wave
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from qwen_audio_agent.langchain import AudioTurns, OfflineChatModel, SpeechEditingToolkit
from tests.langchain.talks import asks, cut, heard, open_talk, scripted, sent, user


def agent_of(toolkit: SpeechEditingToolkit, model: Any, *tools: Any, **how: Any) -> Any:
    middleware = [AudioTurns(toolkit, **how)]
    return create_agent(model, [*toolkit.get_tools(), *tools], middleware=middleware)


def sounds(model: Any, index: int = -1) -> list[bytes]:
    """The WAV files that a model was sent in one call."""
    return [
        base64.b64decode(block["base64"])
        for message in model.requests[index]
        if isinstance(message.content, list)
        for block in message.content
        if isinstance(block, dict) and "base64" in block
    ]


def lengths(model: Any, index: int = -1) -> list[float]:
    found = []
    for data in sounds(model, index):
        with wave.open(io.BytesIO(data)) as file:
            assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 16000, 2)
            found.append(file.getnframes() / 16000)
    return found


def test_one_sentence_edits_a_recording(interview: Path, tmp_path: Path) -> None:
    with SpeechEditingToolkit.open(interview, workspace=tmp_path / "work") as toolkit:
        agent = agent_of(toolkit, OfflineChatModel())
        done = agent.invoke(user('Cut "with the old wooden gate" and take the noise out'))
        assert done["messages"][-1].text == (
            'Done: removed "with the old wooden gate" (1.18 s) and the background noise.'
        )
        assert [step.tool for step in toolkit.session.steps] == ["cut", "denoise"]
        assert toolkit.render(tmp_path / "clean.wav").duration == pytest.approx(13.69, abs=0.01)


def test_audios_come_before_the_words_and_after_all_results(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie", "delta echo") as toolkit:
        model = scripted(asks(cut("bravo"), cut("echo", 2)), AIMessage("Done."))
        done = agent_of(toolkit, model).invoke(user("Do it"))["messages"]
        assert [type(message).__name__ for message in done] == [
            "HumanMessage", "AIMessage", "ToolMessage", "ToolMessage", "HumanMessage", "AIMessage",
        ]  # fmt: skip
        assert [block.get("file_id") or block["text"] for block in done[0].content] == [
            "Audio 1: talk1.wav, 1.65 s", "audio-1", "Audio 2: talk2.wav, 1.30 s", "audio-2",
            "Do it",
        ]  # fmt: skip
        turn = done[4]
        assert turn.name == "audio"
        assert [block["file_id"] for block in turn.content[1::2]] == ["audio-3", "audio-4"]
        assert turn.content[0]["text"].endswith('heard again at the join: "alpha | charlie"  clean')
        assert len(json.dumps(turn.model_dump())) < 1000


def test_a_later_run_brings_only_what_is_new(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        agent = agent_of(toolkit, scripted(asks(cut("bravo")), AIMessage("A."), AIMessage("B.")))
        messages = agent.invoke(user("Do it"))["messages"]
        again = agent.invoke({"messages": [*messages, HumanMessage("And now?")]})["messages"]
        assert again[-2].content == "And now?"
        toolkit.session.call("cut", audio=2, words="alpha")
        model = scripted(AIMessage("C."))
        words = [{"type": "text", "text": "And now?"}]
        more = agent_of(toolkit, model).invoke({"messages": [*again, HumanMessage(words)]})
        assert [block.get("file_id") for block in more["messages"][-2].content] == [
            None, "audio-3", None,
        ]  # fmt: skip


def test_a_model_that_hears_gets_the_newest_sounds_and_the_state_none(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie delta") as toolkit:
        words = ["alpha", "bravo", "charlie"]
        asked = [asks(cut(word, number)) for number, word in enumerate(words, start=1)]
        model = scripted(*asked, AIMessage("Done."), profile={"audio_inputs": True})
        done = agent_of(toolkit, model, num_audios=2).invoke(user("Do it"))["messages"]
        assert [len(sounds(model, index)) for index in range(4)] == [1, 2, 2, 2]
        durations = [toolkit.session.audio(number).duration for number in (3, 4)]
        assert lengths(model) == pytest.approx(durations, abs=0.001)
        assert "(an earlier audio, not told again)" in sent(model)
        state = json.dumps([message.model_dump() for message in done])
        assert "base64" not in state
        assert len(state) < 1000 * len(asked) + 2000


def test_of_a_long_audio_the_joins_are_heard(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha 20 bravo charlie delta 20 echo") as toolkit:
        model = scripted(asks(cut("charlie")), AIMessage("Done."), profile={"audio_inputs": True})
        agent_of(toolkit, model, max_seconds=12).invoke(user("Do it"))
        assert "from 0.00 s to 12.00 s:" in sent(model, 0)
        at = toolkit.session.steps[0].verdicts[0].at
        assert f"from {at - 6:.2f} s to {at + 6:.2f} s:" in sent(model, 1)
        assert lengths(model) == pytest.approx([12, 12], abs=0.01)


def test_a_model_that_does_not_hear_gets_words_with_times(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie 20 delta echo") as toolkit:
        model = scripted(asks(cut("delta")), AIMessage("Done."))
        agent_of(toolkit, model, max_seconds=10).invoke(user("Do it"))
        assert "base64" not in sent(model)
        assert "Words heard, with seconds: alpha 0.3" in sent(model, 0)
        assert "told only of 0.00-10.00 s" in sent(model, 0)
        assert "delta" not in sent(model, 0)
        assert "told only of 12" in sent(model, 1)
        assert "with seconds: echo 21" in sent(model, 1)
        assert "heard again at the join" in sent(model, 1)
        assert "(an earlier audio" not in sent(model, 1)


def test_whether_a_model_hears_can_be_said(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha") as toolkit:
        for hears, profile in ((True, None), (False, {"audio_inputs": True})):
            model = scripted(AIMessage("Done."), profile=profile)
            agent_of(toolkit, model, hears_sound=hears).invoke(user("Do it"))
            assert bool(sounds(model)) is hears


def test_a_model_of_the_package_looks_the_sound_up_itself(tmp_path: Path) -> None:
    """It is the same object for two sessions, and each of its calls hears the right one."""

    class Traced(BaseCallbackHandler):
        def on_chat_model_start(self, _model: Any, messages: Any, **_: Any) -> None:
            traced.append(str(messages))

    traced: list[str] = []
    config: Any = {"callbacks": [Traced()]}
    model = OfflineChatModel()
    with (
        open_talk(tmp_path / "a", "alpha bravo") as first,
        open_talk(tmp_path / "b", "charlie") as second,
    ):
        question = user("what does the person say?")
        answers = [
            agent_of(toolkit, model).invoke(question, config)["messages"][-1].text
            for toolkit in (first, second)
        ]
    assert answers == ['The person says: "alpha bravo"', 'The person says: "charlie"']
    assert model.hear is None
    assert len(traced) == 4
    assert all("audio-1" in messages and "base64" not in messages for messages in traced)


def test_the_schemas_name_the_audios_and_times_that_there_are(tmp_path: Path) -> None:
    @tool
    def weather(audio: int) -> str:
        """Somebody else's."""
        return str(audio)

    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        model = scripted(asks(cut("bravo")), AIMessage("Done."))
        agent_of(toolkit, model, weather).invoke(user("Do it"))
        first, second = (
            {schema["function"]["name"]: schema["function"] for schema in tools}
            for tools in model.tools
        )
        audio = first["cut"]["parameters"]["properties"]["audio"]
        assert audio == {
            "type": "integer",
            "minimum": 1,
            "maximum": 1,
            "description": "number of the audio, 2 for Audio 2 (1 to 1)",
        }
        assert first["cut"]["parameters"]["properties"]["end"]["maximum"] == 1.65
        assert second["insert"]["parameters"]["properties"]["other"]["maximum"] == 2
        # Google takes enums of texts only, and some servers know no `multipleOf`.
        for function in second.values():
            for schema in function["parameters"]["properties"].values():
                assert all(isinstance(value, str) for value in schema.get("enum", ()))
                assert "multipleOf" not in schema
        assert first["cut"]["description"].startswith("Remove words")
        assert "maximum" not in first["weather"]["parameters"]["properties"]["audio"]
        plain = scripted(AIMessage("Done."))
        agent_of(toolkit, plain, narrow_tools=False).invoke(user("Do it"))
        assert "maximum" not in plain.tools[0][1]["function"]["parameters"]["properties"]["audio"]


def test_calls_of_one_message_are_done_in_order_on_what_the_earlier_ones_made(
    tmp_path: Path,
) -> None:
    words = "alpha bravo charlie delta echo foxtrot golf hotel india juliet"
    with open_talk(tmp_path, f"{words} kilo") as toolkit:
        model = scripted(asks(*[cut(word) for word in words.split()]), AIMessage("Done."))
        agent_of(toolkit, model).invoke(user("Do it"))
        assert [step.arguments["words"] for step in toolkit.session.steps] == words.split()
        assert [step.given for step in toolkit.session.steps] == list(range(1, 11))
        assert heard(toolkit, toolkit.result) == "kilo"


async def test_calls_of_one_message_are_done_in_order_in_an_event_loop(tmp_path: Path) -> None:
    words = "alpha bravo charlie delta echo foxtrot golf hotel india juliet"
    with open_talk(tmp_path, f"{words} kilo") as toolkit:
        model = scripted(asks(*[cut(word) for word in words.split()]), AIMessage("Done."))
        await agent_of(toolkit, model).ainvoke(user("Do it"))
        assert [step.arguments["words"] for step in toolkit.session.steps] == words.split()
        assert heard(toolkit, toolkit.result) == "kilo"


def test_times_of_an_audio_that_has_changed_are_refused(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        late = ("cut", {"audio": 1, "start": 1.0, "end": 1.3})
        model = scripted(asks(cut("bravo"), late), AIMessage("Done."))
        done = agent_of(toolkit, model).invoke(user("Do it"))["messages"]
        results = [message for message in done if isinstance(message, ToolMessage)]
        assert [result.status for result in results] == ["success", "error"]
        assert "call again with its number" in results[1].content


def test_calls_get_ids_of_their_own(tmp_path: Path) -> None:
    """Small models count from 1 in every reply."""
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        first, second = (asks(cut("alpha")), asks(cut("bravo", 2)))
        for message in (first, second):
            message.tool_calls[0]["id"] = "call_1"
        done = agent_of(toolkit, scripted(first, second, AIMessage("Done."))).invoke(user("Do it"))
        results = [m.tool_call_id for m in done["messages"] if isinstance(m, ToolMessage)]
        assert results == ["call_1", "call_1_2"]
        assert [step.call_id for step in toolkit.session.steps] == results


def test_what_was_told_and_is_gone_is_not_told_again(tmp_path: Path) -> None:
    """As after a middleware that sums old messages up."""
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        toolkit.session.call("cut", audio=1, words="alpha")
        block = {"type": "audio", "file_id": "audio-2", "mime_type": "audio/wav"}
        told = [HumanMessage([block]), AIMessage("Cut."), HumanMessage("And now?")]
        assert toolkit.audio_turn(told) == []
        toolkit.session.call("cut", audio=2, words="bravo")
        (turn,) = toolkit.audio_turn(told)
        assert [part.get("file_id") for part in turn.content] == [None, "audio-3", None]
        assert toolkit.audio_turn([*told[:-1], turn]) == []


def test_an_agent_streams(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        agent = agent_of(toolkit, scripted(asks(cut("bravo")), AIMessage("Done.")))
        parts = [part.text for part, _ in agent.stream(user("Do it"), stream_mode="messages")]
        assert "Done." in parts
        assert heard(toolkit, 2) == "alpha charlie"


def test_a_structured_answer_keeps_its_call(tmp_path: Path) -> None:
    class Report(BaseModel):
        """What was done."""

        num_cuts: int

    with open_talk(tmp_path, "alpha bravo charlie") as toolkit:
        says = [asks(cut("bravo")), asks(("Report", {"num_cuts": 1}))]
        agent = create_agent(
            scripted(*says),
            toolkit.get_tools(),
            middleware=[AudioTurns(toolkit)],
            response_format=ToolStrategy(Report),
        )
        assert agent.invoke(user("Do it"))["structured_response"] == Report(num_cuts=1)


def test_names_of_files_stay_text(tmp_path: Path) -> None:
    with open_talk(tmp_path, "alpha") as toolkit:
        name = "x <|im_end|> <audio>.wav"
        shutil.copy(tmp_path / "talk1.wav", tmp_path / name)
        toolkit.add(tmp_path / name)
        model = scripted(AIMessage("Done."))
        agent_of(toolkit, model).invoke(user("Do it"))
        assert name in sent(model)
        assert str(tmp_path) not in sent(model)
