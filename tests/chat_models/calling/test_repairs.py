"""Each small repair of JSON, and what looks like it but could mean something else."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qwen_audio_agent.chat_models.calling.repairs import read_json
from qwen_audio_agent.chat_models.calling.strict_json import UnreadableError, read_strictly

REPAIRED: list[tuple[str, str, Any]] = [
    ("single quotes", "{'words': 'um', 'audio': 1}", {"words": "um", "audio": 1}),
    ("single quotes", "{'words': 'it's 5\" wide'}", {"words": "it's 5\" wide"}),
    ("trailing comma", '{"audio": 1,}', {"audio": 1}),
    ("trailing comma", '{"x": [1, 2, ], "audio": 1}', {"x": [1, 2], "audio": 1}),
    ("missing closing brace", '{"audio": 1, "words": "um"', {"audio": 1, "words": "um"}),
    ("missing closing brace", '{"a": {"b": [true', {"a": {"b": [True]}}),
    ("markdown fence", '```json\n{"audio": 1}\n```', {"audio": 1}),
    ("markdown fence", '```\n{"audio": 1}', {"audio": 1}),
    ("trailing text", '{"audio": 1} # the first one', {"audio": 1}),
    ("trailing text", '{"audio": 1}}', {"audio": 1}),
    (
        "unescaped inner quotes",
        '{"words": "he said "yes", twice"}',
        {"words": 'he said "yes", twice'},
    ),
    ("unescaped inner quotes", '{"words": ""um"", "audio": 1}', {"words": '"um"', "audio": 1}),
    ("wrong escape", r'{"words": "don\'t"}', {"words": "don't"}),
    ("unescaped line end", '{"words": "a\nb"}', {"words": "a\nb"}),
    ("Python words", '{"a": True, "b": None}', {"a": True, "b": None}),
]


@pytest.mark.parametrize(("name", "text", "value"), REPAIRED)
def test_a_repair_is_made_and_named(name: str, text: str, value: Any) -> None:
    with pytest.raises(UnreadableError):
        read_strictly(text)
    reading = read_json(text)
    assert reading.values == [value]
    assert name in reading.repairs


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"words": "you know', "quotation mark that ends the string"),
        ('{"start": 1.2', "the end of the number"),
        ('{"audio": 1,', "a name in quotation marks"),
        ('{"audio":', "a value"),
        ("{", "the rest and }"),
        ("{audio: 1}", "a name in quotation marks"),
        ('{"audio": 1.}', "the end of the number"),
        ('{"audio": 01}', "the end of the number"),
        ('{"audio": +1}', "a value"),
        ('{"start": 1.0 s}', "needs ,"),
        ('{"audio": one}', "a value"),
        ('{"audio": 1 "words": "um"}', "needs ,"),
        ('{"words": "\\x"}', "a known escape"),
        ('{"words": "\x00"}', "no control characters"),
        ("cut(audio=1)", "an object in braces"),
        ('audio {"audio": 1}', "an object in braces"),
        ("", "Expecting value"),
        ('{"audio": NaN}', "NaN is no number"),
        ('{"audio": Infinity,}', "Infinity is no number"),
        ("{'audio': -Infinity}", "-Infinity is no number"),
        ('{"audio": 1e999}', "not finite"),
        ("{'audio': 1e999}", "not finite"),
        ('{"audio": 99999999999999999999}', "more than 64 bits"),
        ("{'audio': " + "9" * 5000 + "}", "more than 64 bits"),
        ('{"audio": 1, "audio": 2}', "'audio' is given twice"),
        ("{'audio': 1, 'audio': 2}", "'audio' is given twice"),
        ("[" * 17 + "]" * 17, "deeper than 16"),
        ("[" * 5000, "deeper than 16"),
        ('{"a":' * 40 + "1" + "}" * 40, "deeper than 16"),
    ],
)
def test_what_could_mean_two_things_or_harm_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=r"^[^\n]*$") as error:
        read_json(text)
    assert reason in str(error.value)


def test_no_brace_is_added_to_what_was_cut_off() -> None:
    text = '{"audio": 1, "words": "um"'
    assert read_json(text).values
    with pytest.raises(UnreadableError, match="the rest and }"):
        read_json(text, is_whole=False)
    assert read_json('{"audio": 1,}', is_whole=False).repairs == ["trailing comma"]


def test_values_one_after_another_are_all_read() -> None:
    assert read_json('{"audio": 1}\n{"audio": 2}').values == [{"audio": 1}, {"audio": 2}]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False,
    allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.dictionaries(st.text(), json_values))
def test_strict_json_is_never_repaired(value: dict[str, Any]) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        reading = read_json(text)
        assert reading.values == [value]
        assert reading.repairs == []


@given(st.dictionaries(st.text(min_size=1), json_values, min_size=1))
def test_a_trailing_comma_or_brace_changes_no_value(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    assert read_json(text[:-1] + ", }").values == [value]
    assert read_json(text + " // so").values == [value]
    if text[-2] in '"}]':
        assert read_json(text[:-1]).values == [value]


@given(st.text(alphabet="{}[]\"':,\\`\n 1-.eutrTN/#" + "\x00\u2028", max_size=60))
@example("{'" * 20)
@example('{"\\u12')
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UnreadableError):
        json.dumps(read_json(text).values, allow_nan=False)


@pytest.mark.parametrize(
    "text",
    ["{", "[", '{"a":', "{'a':'", '"', "'", '{"', '" ', '",', '","', "```", "\\", "{,", " ",
     '{"a":1}', '", "a', "'\n", '{"\\u0041', "{'a': \"b\", "],
)  # fmt: skip
@pytest.mark.parametrize("start", ["", '{"a": "', "{'a': '", "```"])
def test_hostile_text_takes_no_time(start: str, text: str) -> None:
    began = time.process_time()
    for length in (32_000, 1_000_000):
        hostile = (start + text * (length // len(text)))[:length]
        with contextlib.suppress(UnreadableError):
            read_json(hostile)
    assert time.process_time() - began < 2.0
