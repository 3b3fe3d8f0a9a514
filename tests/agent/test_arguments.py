"""Arguments are read as people and small models write them, and refused with what is allowed."""

from __future__ import annotations

import pytest

from qwen_audio_agent.agent.arguments import Stretch, read_milliseconds, read_number
from qwen_audio_agent.agent.tools import TOOLS, find_tool
from qwen_audio_agent.errors import ToolError


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1.0 s", 1.0), ("2", 2.0), ("0:05", 5.0), ("1:02", 62.0), ("1:02:03.5", 3723.5),
        ("<|2.34|>", 2.34), ("3,5", 3.5), ("250ms", 0.25), ("2 minutes", 120.0), (".5", 0.5),
        ("-16 LUFS", -16.0), ("+3 dB", 3.0), ("50 %", 0.5), ("8 kHz", 8000.0), ("4:1", 4.0),
        ("1.25x", 1.25), (7, 7), (1.5, 1.5),
    ],
)  # fmt: skip
def test_a_number_may_be_written_as_a_clock_or_with_its_unit(written, seconds):
    assert read_number(written) == pytest.approx(seconds)


@pytest.mark.parametrize("written", ["soon", "", "1 2", "five", "1.0 parsecs", "--3", "0x10"])
def test_what_is_no_number_is_left_for_the_schema_to_refuse(written):
    assert read_number(written) == written


def test_milliseconds_may_be_written_in_seconds():
    assert read_milliseconds("10 ms") == pytest.approx(10)
    assert read_milliseconds("0.1 s") == pytest.approx(100)
    assert read_milliseconds("10") == pytest.approx(10)


@pytest.mark.parametrize("written", [2, "2", "Audio 2", "audio-2", "Audio_2", "#2"])
def test_an_audio_may_be_named_as_in_the_conversation(written):
    assert Stretch.read({"audio": written}).audio == 2


@pytest.mark.parametrize("nothing", [None, "", "None", "null"])
def test_what_small_models_write_for_nothing_is_nothing(nothing):
    wish = Stretch.read({"audio": 1, "words": nothing, "start": nothing})
    assert wish.words is None
    assert wish.start is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "'audio' is missing; the arguments are audio, words"),
        ({"audio": 1, "word": "x"}, "There is no argument 'word'; the arguments are audio, words"),
        ({"audio": 1, "which": "sixth"}, "which is 'sixth'.*'only', 'first'.*or 'every'"),
        ({"audio": 1, "start": "soon"}, "start is 'soon'.*valid number"),
        ({"audio": 1, "start": float("nan")}, "start is 'nan'.*finite"),
        ({"audio": "second"}, "audio is 'second'.*valid integer"),
        ({"audio": 1, "words": "x" * 3000}, "words is 'x{80}'.*at most 2000"),
        ("cut it", "valid dictionary"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line_with_what_is_allowed(given, message):
    with pytest.raises(ToolError, match=message) as error:
        Stretch.read(given)
    assert "\n" not in str(error.value)


def test_there_are_twelve_tools_with_flat_schemas_of_plain_types():
    assert len(TOOLS) == 12
    for tool in TOOLS.values():
        schema = tool.arguments.model_json_schema()
        assert schema["required"][0] == "audio"
        for name, entry in schema["properties"].items():
            assert entry["type"] in ("integer", "number", "string"), (tool.name, name)
            assert "anyOf" not in entry
            assert "$ref" not in entry
            assert entry["description"]
        assert 20 < len(tool.description) < 200


def test_an_unknown_tool_is_refused_with_the_names_of_all():
    with pytest.raises(ToolError, match="no tool 'trim'; the tools are listen, cut, keep"):
        find_tool("trim")
