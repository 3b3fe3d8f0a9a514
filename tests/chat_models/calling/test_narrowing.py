from __future__ import annotations

from qwen_audio_agent.chat_models.calling import narrow, narrow_plainly

AUDIOS = {1: 2.0, 3: 3.456}
OWN = {"type": "web_search_20250305", "name": "web_search"}


def tool(**properties):
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": "cut", "parameters": parameters}}


def properties(narrowed):
    return narrowed["function"]["parameters"]["properties"]


def test_audios_become_a_choice_and_times_end_with_the_longest():
    (cut,) = narrow([tool(audio={"type": "integer"}, end={"type": "number"})], AUDIOS)
    assert properties(cut)["audio"]["enum"] == [1, 3]
    assert properties(cut)["end"] == {
        "type": "number", "minimum": 0, "maximum": 3.46, "multipleOf": 0.01
    }  # fmt: skip


def test_plainly_there_are_bounds_that_the_descriptions_say():
    (cut,) = narrow_plainly([tool(audio={"type": "integer", "description": "number"})], AUDIOS)
    assert properties(cut)["audio"] == {
        "type": "integer", "minimum": 1, "maximum": 3, "description": "number (1 to 3)"
    }  # fmt: skip


def test_tools_that_a_provider_runs_and_arguments_of_others_stay_as_they_are():
    other = tool(audio={"type": "string"}, when={"type": "number"})
    for narrowed in (narrow([OWN, other], AUDIOS), narrow_plainly([OWN, other], AUDIOS)):
        assert narrowed == [OWN, other]
