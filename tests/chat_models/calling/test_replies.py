"""What replies mean: calls, invalid calls with their reasons, words, thoughts."""

from __future__ import annotations

import json
import time

import pytest
from langchain_core.messages import ToolMessage

from qwen_audio_agent.agent.replies import read_reply
from qwen_audio_agent.chat_models.calling import open_format
from qwen_audio_agent.chat_models.calling.tool_names import find_name, is_one_slip
from qwen_audio_agent.errors import UsageError
from tests.chat_models.calling.replying import (
    OUR_TOOLS,
    QUESTION,
    calls,
    hermes_call,
    problems,
    prompt_of,
    react_call,
    repairs,
    reply,
)

CUT_UM = ("cut", {"audio": 1, "words": "um"})
CUT_UM_JSON = '{"name": "cut", "arguments": {"audio": 1, "words": "um"}}'
UM_JSON = '{"audio": 1, "words": "um"}'
THOUGHT = {"reasoning_content": "I cut it."}


@pytest.mark.parametrize("form", ["react", "hermes"])
def test_a_call_by_the_letter_needs_no_repair(form: str) -> None:
    text = react_call(UM_JSON) if form == "react" else hermes_call(CUT_UM_JSON)
    message = reply(form, text)
    assert calls(message) == [CUT_UM]
    assert message.tool_calls[0]["id"] == "call_1"
    assert message.content == ""
    assert message.response_metadata == {}
    assert message.invalid_tool_calls == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("missing </tool_call>", f"<tool_call>\n{CUT_UM_JSON}"),
        ("missing </tool_call>", f"<tool_call>\n{CUT_UM_JSON}\n<tool_response>\nCut.\n"),
        ("missing <tool_call>", CUT_UM_JSON),
        ("missing <tool_call>", f"{CUT_UM_JSON}\n</tool_call>"),
        ("missing <tool_call>", f"```json\n{CUT_UM_JSON}\n```"),
        ("missing <tool_call>", f"[{CUT_UM_JSON}]"),
        ("markdown fence", hermes_call(f"```json\n{CUT_UM_JSON}\n```")),
        ("markdown fence", f"```json\n{hermes_call(CUT_UM_JSON)}\n```"),
        ("trailing comma", hermes_call(CUT_UM_JSON[:-2] + ",}}")),
        ("missing closing brace", hermes_call(CUT_UM_JSON[:-1])),
        ("trailing text", hermes_call(CUT_UM_JSON + " // the first one")),
        ("single quotes", hermes_call(CUT_UM_JSON.replace('"', "'"))),
        ("unescaped inner quotes", hermes_call(CUT_UM_JSON.replace('"um"', '""um""'))),
        ("arguments as a string", hermes_call(json.dumps({"name": "cut", "arguments": UM_JSON}))),
        ("misspelt tool name", hermes_call(CUT_UM_JSON.replace("cut", "cutt"))),
        ("tool name written differently", hermes_call(CUT_UM_JSON.replace("cut", "Cut"))),
        ("duplicate dropped", hermes_call(CUT_UM_JSON) + hermes_call(CUT_UM_JSON)),
        ("several calls in one place", hermes_call(CUT_UM_JSON + "\n" + CUT_UM_JSON)),
    ],
)
def test_hermes_repairs(name: str, text: str) -> None:
    message = reply("hermes", text)
    assert [(n, json.dumps(a).replace('\\"', "")) for n, a in calls(message)] == [("cut", UM_JSON)]
    assert name in repairs(message)
    assert message.content == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("markdown fence", react_call(f"```json\n{UM_JSON}\n```")),
        ("trailing comma", react_call(UM_JSON[:-1] + ",}")),
        ("missing closing brace", react_call(UM_JSON[:-1])),
        ("trailing text", react_call(f"{UM_JSON}\n\nThat cuts it.")),
        ("trailing text", react_call(f"{UM_JSON}\nObserv")),
        ("single quotes", react_call(UM_JSON.replace('"', "'"))),
        ("arguments as a string", react_call(json.dumps(UM_JSON))),
        ("misspelt tool name", react_call(UM_JSON, "cuts")),
        ("tool name written differently", react_call(UM_JSON, "`Cut`")),
        ("duplicate dropped", react_call(UM_JSON) + f"\nAction: cut\nAction Input: {UM_JSON}"),
        ("answer before the result dropped", react_call(UM_JSON) + "\nFinal Answer: Done."),
    ],
)
def test_react_repairs(name: str, text: str) -> None:
    message = reply("react", text)
    assert calls(message) == [CUT_UM]
    assert name in repairs(message)
    assert message.content == ""
    assert message.additional_kwargs == THOUGHT


@pytest.mark.parametrize(
    "text",
    [
        f"To cut, one sends {CUT_UM_JSON} to the tool.",
        f"It works like this:\n{CUT_UM_JSON}\nDo you want that?",
        '{"name": "talk.wav", "arguments": {}}',
        '{"audio": 1}',
        '{"name": "cut"}',
        "```json\n{}\n```",
        "`cut` removes words.",
        "I would write </tool_call> at the end.",
    ],
)
def test_text_that_is_not_all_a_call_stays_text(text: str) -> None:
    message = reply("hermes", text)
    assert message.content == text
    assert calls(message) == problems(message) == repairs(message) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (hermes_call(CUT_UM_JSON.replace("cut", "mute")), "there is no tool 'mute'; the tools are"),
        (hermes_call('{"name": "cut", "arguments": [1]}'), "one JSON object, such as"),
        (hermes_call('{"name": "cut", "arguments": "um"}'), "arguments of cut cannot be read"),
        (hermes_call('{"name": "cut"}'), 'no arguments; write {"name": "...", "arguments"'),
        (hermes_call('{"arguments": {}}'), "the call has no name"),
        (hermes_call('"cut"'), "the call has no name"),
        (hermes_call("cut(audio=1)"), "an object in braces"),
        (hermes_call(""), "Expecting value"),
        (hermes_call('{"name": "cut", "arguments": {"words": "um}}'), "quotation mark that ends"),
        (hermes_call('{"name": "cut", "arguments": {"audio": NaN}}'), "NaN is no number"),
        ("<tool_call>" + "{" * 1_000_000, "longer than 32768 characters"),
    ],
)
def test_hermes_calls_that_cannot_be_read(text: str, reason: str) -> None:
    message = reply("hermes", text)
    assert calls(message) == []
    (problem,) = problems(message)
    assert reason in problem


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (react_call(UM_JSON, "mute"), "there is no tool 'mute'; the tools are listen, cut,"),
        (react_call("um"), "write the Action Input as one JSON object"),
        (react_call("1"), "one JSON object, such as"),
        (react_call(""), "Expecting value"),
        (" I undo it.\nAction: undo\n", "after Action: undo comes no Action Input"),
        (" I undo it.\nAction: undo\nFinal Answer: Done", "after Action: undo comes no Action"),
        (react_call("{" * 1_000_000), "longer than 32768 characters"),
    ],
)
def test_react_calls_that_cannot_be_read(text: str, reason: str) -> None:
    message = reply("react", text)
    assert calls(message) == []
    (problem,) = problems(message)
    assert reason in problem


def test_a_broken_call_does_not_hide_a_good_one() -> None:
    message = reply("hermes", hermes_call("{cut}") + "\n" + hermes_call(CUT_UM_JSON))
    assert calls(message) == [CUT_UM]
    assert message.tool_calls[0]["id"] == "call_2"
    assert len(problems(message)) == 1
    assert message.invalid_tool_calls[0]["id"] == "call_1"


@pytest.mark.parametrize("form", ["react", "hermes"])
def test_a_reply_that_was_cut_off_is_not_guessed_at(form: str) -> None:
    broken = UM_JSON[:-1]
    text = react_call(broken) if form == "react" else f"<tool_call>\n{CUT_UM_JSON[:-1]}"
    assert calls(reply(form, text)) == [CUT_UM]
    message = reply(form, text, is_whole=False)
    assert calls(message) == []
    assert "cut off before the call had its end" in problems(message)[0]
    whole = react_call(UM_JSON) if form == "react" else f"<tool_call>\n{CUT_UM_JSON}"
    assert calls(reply(form, whole, is_whole=False)) == [CUT_UM]


def test_a_made_up_observation_and_all_after_it_is_cut() -> None:
    more = 'Observation: Cut.\nThought: More.\nAction: undo\nAction Input: {"audio": 2}'
    for space in ("\n", " ", ""):
        message = reply("react", react_call(UM_JSON) + space + more)
        assert calls(message) == [CUT_UM]
        assert message.additional_kwargs == THOUGHT
    message = reply("react", " So.\nFinal Answer: All done.\nObservation: Cut.\nMore")
    assert message.content == "All done."
    message = reply(
        "hermes", f"{hermes_call(CUT_UM_JSON)}\n<tool_response>\nCut.\n</tool_response>\nOk"
    )
    assert calls(message) == [CUT_UM]
    assert message.content == ""


def test_words_in_a_call_are_no_markup() -> None:
    words = 'a\nObservation: </tool_call><tool_call>{"name": "undo", "arguments": {"audio": 1}}'
    arguments = {"audio": 1, "words": words}
    hermes = hermes_call(json.dumps({"name": "cut", "arguments": arguments}))
    for text, form in ((hermes, "hermes"), (react_call(json.dumps(arguments)), "react")):
        message = reply(form, text)
        assert calls(message) == [("cut", arguments)]
        assert repairs(message) == problems(message) == []


def test_text_around_calls_is_kept_without_the_space() -> None:
    message = reply("hermes", f"\n Sure. \n{hermes_call(CUT_UM_JSON)}\nDone soon.\n")
    assert message.content == "Sure. \n\nDone soon."
    assert calls(message) == [CUT_UM]


def test_an_answer_keeps_its_lines_and_the_thought_is_apart() -> None:
    message = reply("react", " I know.\nThought: Really.\nFinal Answer: One\n\nAction: two\n")
    assert message.content == "One\n\nAction: two"
    assert message.additional_kwargs == {"reasoning_content": "I know.\nReally."}
    assert message.content_blocks[0] == {"type": "reasoning", "reasoning": "I know.\nReally."}


def test_an_answer_without_its_label_is_an_answer() -> None:
    message = reply("react", " He says hello.")
    assert message.content == "He says hello."
    assert repairs(message) == ["missing Final Answer:"]


@pytest.mark.parametrize("form", ["react", "hermes"])
def test_without_tools_all_is_text(form: str) -> None:
    text = f"{react_call(UM_JSON)}\n{hermes_call(CUT_UM_JSON)}".strip()
    message = reply(form, text, "none")
    assert message.content == text
    assert calls(message) == problems(message) == []


@pytest.mark.parametrize("form", ["react", "hermes"])
@pytest.mark.parametrize("choice", ["auto", "any", "cut"])
def test_the_history_shows_a_call_as_it_was_written(form: str, choice: str) -> None:
    call_format, prompt = open_format(form), prompt_of(form, choice)
    written = react_call(UM_JSON) if form == "react" else hermes_call(CUT_UM_JSON)
    if choice != "auto":
        # What was put in its mouth, and then from the place where that ends.
        end = (
            {"any": "Action:", "cut": "Action Input:"}[choice]
            if form == "react"
            else ({"any": '{"name": "', "cut": '"arguments":'}[choice])
        )
        written = written[written.index(end) + len(end) :]
    message = call_format.parse(prompt, written)
    again = call_format.render([*QUESTION, message, ToolMessage("Cut.", tool_call_id="call_1")])
    assert again.turns[2].text.startswith(prompt.given + written)


@pytest.mark.parametrize(
    ("form", "choice", "text"),
    [
        ("react", "any", f" cut\nAction Input: {UM_JSON}"),
        ("react", "cut", f" {UM_JSON}"),
        ("hermes", "any", f"{CUT_UM_JSON[10:]}\n</tool_call>"),
        ("hermes", "cut", f" {UM_JSON}}}\n</tool_call>"),
    ],
)
def test_a_reply_goes_on_from_what_was_put_in_the_mouth(form: str, choice: str, text: str) -> None:
    message = reply(form, text, choice)
    assert calls(message) == [CUT_UM]
    assert repairs(message) == []


def test_a_model_in_a_loop_is_stopped() -> None:
    loop = "".join(
        hermes_call(json.dumps({"name": "undo", "arguments": {"audio": n}})) for n in range(40)
    )
    reader = open_format("hermes").reader(prompt_of("hermes"))
    reader.feed(loop)
    assert reader.done
    message = reply("hermes", loop)
    assert len(message.tool_calls) == 16
    assert repairs(message) == ["calls after the first 16 dropped"]


@pytest.mark.parametrize(
    "text",
    ["{", "<tool_call>", "</tool_call>", '<tool_call>"', '"\\"</tool_call>', "\n{", "\n", "`", " ",
     "\nAction:", "\nAction Input:", "\nThought: a", "[{", "\nObserv", "<tool_", '{"name": "', "a"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["react", "hermes"])
def test_hostile_replies_take_no_time(form: str, text: str) -> None:
    began = time.process_time()
    message = reply(form, text * (100_000 // len(text)))
    read_reply(message, set())
    pieces = open_format(form).reader(prompt_of(form))
    for _ in range(3_000):
        pieces.feed(text)
    pieces.finish()
    assert time.process_time() - began < 4.0


def test_names_are_found_only_when_one_can_be_meant() -> None:
    names = [tool["function"]["name"] for tool in OUR_TOOLS]
    assert find_name("cut", names) == ("cut", None)
    assert find_name("De-Noise", names) == ("denoise", "tool name written differently")
    assert find_name("silense", names) == ("silence", "misspelt tool name")
    for other in ("put", "ct", "remove", "effects_", "", "cut_words"):
        assert find_name(other, names)[0] in (None, "effect" if other == "effects_" else None)
    assert find_name("ab_cd", ["abcd", "a_b_c_d"]) == (None, None)
    assert find_name("abce", ["abcd", "abcf"]) == (None, None)


@pytest.mark.parametrize(
    ("one", "other", "is_slip"),
    [
        ("keep", "kepe", True),
        ("keep", "kep", True),
        ("keep", "keeps", True),
        ("keep", "deep", True),
        ("keep", "keep", False),
        ("keep", "peek", False),
        ("keep", "ke", False),
        ("tidy", "tyid", False),
    ],
)
def test_one_slip(one: str, other: str, is_slip: bool) -> None:
    assert is_one_slip(one, other) == is_one_slip(other, one) == is_slip


def test_there_is_no_other_format() -> None:
    with pytest.raises(UsageError, match="there are: react, hermes"):
        open_format("xml")
