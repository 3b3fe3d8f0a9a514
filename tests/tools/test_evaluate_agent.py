from __future__ import annotations

import json

import evaluate_agent
import pytest
from agent_recordings import recordings, take
from agent_scene import Scene
from agent_score import Row, judge, read_rows, score
from langchain_core.messages import AIMessage

from qwen_audio_agent.chat_models.scripted import ScriptedChatModel
from qwen_audio_agent.errors import ToolError

SECRET = ("cut", {"words": "secret"})
MONDAY = ("cut", {"words": "monday"})


TRAP = Row("say so", "test", None)


def row(*calls):
    return Row("say so", "test", tuple(calls))


def done(*calls):
    """What a scene records when a model makes these calls, one after the other."""
    messages = [
        AIMessage("", tool_calls=[{"name": name, "args": given, "id": str(index)}])
        for index, (name, given) in enumerate(calls)
    ]
    scene = Scene(lambda _: ScriptedChatModel(messages=[*messages, AIMessage("Done.")]))
    scene.say("whatever")
    return scene.done


def test_the_wanted_edit_is_exact():
    assert judge(row(SECRET), done(("cut", {"audio": 1, "words": "secret"}))) == "exact"


@pytest.mark.parametrize(
    "given",
    [
        {"which": "only", "words": "secret", "audio": 1},
        {"audio": "Audio 1", "words": "secret", "part": "it"},
        {"words": "secret", "audio": 1, "start": None},
    ],
)
def test_defaults_and_another_order_of_arguments_are_the_same_plan(given):
    assert judge(row(SECRET), done(("cut", given))) == "exact"


def test_times_count_by_their_value_and_an_edge_left_out_is_the_end_of_the_audio():
    wanted = row(("cut", {"start": 110, "end": 120}))
    for given in ({"start": "1:50"}, {"start": 110.0, "end": "120 s"}):
        assert judge(wanted, done(("cut", {"audio": 1} | given))) == "exact"
    assert judge(wanted, done(("cut", {"audio": 1, "start": 109}))) == "wrong edit"
    louder = row(("gain", {"db": 3}))
    assert judge(louder, done(("gain", {"audio": 1, "db": 3, "end": 120}))) == "exact"


@pytest.mark.parametrize(
    "call",
    [
        ("cut", {"audio": 1, "words": "monday"}),
        ("silence", {"audio": 1, "words": "secret"}),
        ("cut", {"audio": 1, "words": "secret", "part": "after"}),
        ("denoise", {"audio": 1}),
    ],
)
def test_any_other_edit_is_wrong(call):
    assert judge(row(SECRET), done(call)) == "wrong edit"


def test_an_edit_too_few_or_too_many_is_wrong():
    both = (("cut", {"audio": 1, "words": "secret"}), ("cut", {"audio": 3, "words": "monday"}))
    assert judge(row(SECRET, MONDAY), done(*both)) == "exact"
    assert judge(row(SECRET, MONDAY), done(both[0])) == "wrong edit"
    assert judge(row(SECRET), done(*both)) == "wrong edit"


def test_an_edit_of_an_audio_that_is_not_the_newest_is_wrong():
    lost = (("cut", {"audio": 1, "words": "secret"}), ("cut", {"audio": 1, "words": "monday"}))
    assert judge(row(SECRET, MONDAY), done(*lost)) == "wrong edit"


def test_no_edit_is_a_refusal_where_one_was_wanted_and_right_where_none_was():
    assert judge(row(SECRET), done()) == "refused"
    assert judge(row(SECRET), done(("listen", {"audio": 1}))) == "refused"
    assert judge(TRAP, done()) == "exact"
    assert judge(TRAP, done(("listen", {"audio": 1}))) == "exact"


def test_an_edit_where_none_was_wanted_is_wrong():
    assert judge(TRAP, done(("cut", {"audio": 1, "words": "secret"}))) == "wrong edit"


def test_a_question_wants_to_be_listened_to_and_nothing_edited():
    question = row(("listen", {"words": "secret"}))
    assert judge(question, done(("listen", {"audio": 1, "words": "secret"}))) == "exact"
    assert judge(question, done()) == "refused"
    assert judge(question, done(("cut", {"audio": 1, "words": "secret"}))) == "wrong edit"


def test_edits_that_do_not_meet_may_change_places_and_others_may_not():
    swapped = done(
        ("cut", {"audio": 1, "words": "monday"}), ("cut", {"audio": 3, "words": "secret"})
    )
    assert judge(row(SECRET, MONDAY), swapped) == "exact"
    times = [("cut", {"start": 5, "end": 6}), ("cut", {"start": 1, "end": 2})]
    shifted = done(
        *((name, {"audio": a} | g) for a, (name, g) in zip((1, 3), times[::-1], strict=True))
    )
    assert judge(row(*times), shifted) == "wrong edit"
    effects = [("denoise", {}), ("effect", {"name": "compress"})]
    turned = done(
        *((name, {"audio": a} | g) for a, (name, g) in zip((1, 3), effects[::-1], strict=True))
    )
    assert judge(row(*effects), turned) == "wrong edit"


@pytest.mark.parametrize(
    "call",
    [
        ("cut", {"audio": 1, "words": "zebra"}),
        ("cut", {"audio": 1, "words": "hello"}),
        ("cut", {"audio": 1, "start": 100, "end": 130}),
        ("cut", {"audio": 9, "words": "secret"}),
        ("cut", {"audio": 1, "sound": "secret"}),
        ("explode", {"audio": 1}),
    ],
)
def test_what_the_tools_refuse_is_no_edit(call):
    with pytest.raises(ToolError):
        take(call, recordings())
    assert judge(TRAP, done(call)) == "exact"


def test_a_wrong_edit_costs_as_much_as_ten_refusals():
    perfect = ["exact"] * 100
    assert score(perfect) == 1
    assert score([*perfect[1:], "wrong edit"]) == score([*perfect[10:], *["refused"] * 10])


def test_a_row_is_a_plan_or_a_trap(tmp_path):
    file = tmp_path / "rows.jsonl"
    for wrong in ({}, {"calls": [["undo", {}]], "refused": True}):
        file.write_text(json.dumps({"say": "x", "category": "y"} | wrong))
        with pytest.raises(ValueError, match='one of "calls" and "refused"'):
            read_rows(file)


def test_the_script_prints_table_and_failures(tmp_path, capsys):
    rows = [
        {"say": 'cut "secret"', "category": "words", "calls": [SECRET]},
        {"say": 'cut "monday"', "category": "words", "calls": [SECRET]},
        {"say": "make it pretty", "category": "traps", "refused": True},
        {"say": "make it prettier", "category": "levels", "calls": [["denoise", {}]]},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    assert evaluate_agent.main(["--rows", str(file), "--json", "--failures"]) == 0
    printed = json.loads(capsys.readouterr().out)
    table = {line["category"]: line for line in printed["table"]}
    assert (table["words"]["exact"], table["words"]["wrong edit"]) == (1, 1)
    assert (table["all"]["exact"], table["all"]["refused"]) == (2, 1)
    assert [failure["say"] for failure in printed["failures"]] == [rows[1]["say"], rows[3]["say"]]
    assert evaluate_agent.main(["--rows", str(file)]) == 0
    assert "| all traps | 1 | 1 |" in capsys.readouterr().out


def test_any_chat_model_can_be_evaluated(tmp_path):
    script = tmp_path / "script.json"
    script.write_text('[{"content": "no"}]')
    make = evaluate_agent.model_maker(f"scripted:{script}")
    assert evaluate_agent.run_row(row(SECRET), make).verdict == "refused"
    make = evaluate_agent.model_maker("qwen_audio_agent.chat_models.offline:OfflineChatModel")
    assert make(str)._llm_type == "qwen-audio-agent-offline"
    for nothing in ("no_such_module:model", "json:no_such_model"):
        with pytest.raises(SystemExit, match="no chat model at"):
            evaluate_agent.model_maker(nothing)
