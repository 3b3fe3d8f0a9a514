import pytest
import torch
from transformers import LogitsProcessorList, Qwen2Config, Qwen2ForCausalLM

from qwen_audio_agent.model.timestamps import (
    RisingTimes,
    TimedText,
    TimeTokens,
    parse_answer,
    parse_transcript,
)

FEW = TimeTokens(first=40, num=31, step=0.1)


def times(text):
    return [(word.text, word.start, word.end) for word in parse_transcript(text)]


def test_words_and_times_take_turns_and_silence_is_no_word():
    text = "<|0.00|><|sil|><|0.54|>面<|0.86|>条<|1.17|>机<|1.46|><|sil|><|2.01|>"
    assert times(text) == [("面", 0.54, 0.86), ("条", 0.86, 1.17), ("机", 1.17, 1.46)]


def test_the_prompt_may_stand_before_the_answer_and_gives_the_first_start():
    answer = "the<|0.21|> middle<|0.60|><|sil|><|0.75|> classes<|1.30|>"
    prompt = "<|startoftranscript|><|en|><|transcribe|><|en|><|timestamps|><|0.00|>"
    assert times(answer) == times(prompt + answer)
    assert times(answer)[0] == ("the", 0.0, 0.21)
    assert parse_transcript(answer, start=0.1)[0].start == 0.1


def test_what_is_missing_is_none():
    assert times("<|0.10|>middle classes<|0.90|>we") == [
        ("middle", 0.1, None),
        ("classes", None, 0.9),
        ("we", 0.9, None),
    ]
    assert times("") == []
    assert times("<|0.00|><|sil|><|3.00|>") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("the middle classes", "no time"),
        ("<|0.00|>a<|en|><|0.50|>", "no word and no time"),
        ("<|0.00|>a<|x.50|>", "no word and no time"),
        ("<|0.00|>a<|123.50|>", "no word and no time"),
        ("<|0.00|>a<|endoftext|>", "no word and no time"),
    ],
)
def test_a_transcript_of_another_form_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_transcript(text)


@pytest.mark.parametrize(
    ("answer", "places"),
    [
        (
            'The word "middle classes" starts at <|2.33|> seconds and ends at <|3.26|> seconds.',
            [("middle classes", 2.33, 3.26)],
        ),
        ("It starts at <|2.33|> seconds. It ends at <|3.26|>.", [("", 2.33, 3.26)]),
        ("From <|1.00|> to <|2.00|> seconds.", [("", 1.0, 2.0)]),
        ("between <|1.00|>s and <|2.00|>s", [("", 1.0, 2.0)]),
        ("“um” starts at <|1.00|> seconds.", [("um", 1.0, None)]),
        (
            '"a" starts at <|1.00|> and "b" starts at <|2.50|> and ends at <|2.70|>.',
            [("a", 1.0, None), ("b", 2.5, 2.7)],
        ),
        ("It is not said.", []),
    ],
)
def test_an_answer_says_where_something_is(answer, places):
    assert parse_answer(answer) == tuple(TimedText(*place) for place in places)


@pytest.mark.parametrize(
    "answer",
    ["It ends at <|3.26|> seconds.", "<|1.00|>", "starts at <|now|>", "It starts at <|1|>."],
)
def test_an_answer_of_another_form_is_refused(answer):
    with pytest.raises(ValueError, match="time"):
        parse_answer(answer)


def test_ids_of_times_are_those_of_qwen_audio():
    assert TimeTokens().id_of(0.0) == 151_871
    assert TimeTokens().id_of(2.33) == 151_871 + 233
    assert TimeTokens().id_of(30.0) == TimeTokens().id_of(99.0) == 151_871 + 3000


def test_each_row_has_its_own_earliest_and_latest_time():
    rising = RisingTimes([1.0, 2.0], tokens=FEW)
    ids = torch.tensor([[1, FEW.id_of(0.3), 7], [2, 3, FEW.id_of(1.5)]])
    scores = rising(ids, torch.zeros(2, 80))
    allowed = [set((row > -1).nonzero().flatten().tolist()) for row in scores]
    words = {*range(40), *range(71, 80)}
    assert allowed[0] == words | set(range(FEW.id_of(0.3), FEW.id_of(1.0) + 1))
    assert allowed[1] == words | set(range(FEW.id_of(1.5), FEW.id_of(2.0) + 1))


def test_beams_share_the_clip_and_times_of_the_prompt_do_not_count():
    rising = RisingTimes([1.0, 2.0], prompt_length=1, tokens=FEW)
    ids = torch.full((4, 1), FEW.id_of(0.9))
    scores = rising(ids, torch.zeros(4, 80))
    latest = [int((row[:71] > -1).nonzero().max()) for row in scores]
    assert latest == [FEW.id_of(1.0)] * 2 + [FEW.id_of(2.0)] * 2
    assert (scores[:, FEW.first] == 0).all()


def generated(num_beams, *processors):
    """What a random model writes about two clips, each token as likely as the others."""
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=80,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        bos_token_id=0,
        eos_token_id=None,
        pad_token_id=0,
    )
    written = Qwen2ForCausalLM(config).generate(
        torch.tensor([[1, 2], [3, 4]]),
        attention_mask=torch.ones(2, 2, dtype=torch.long),
        logits_processor=LogitsProcessorList(processors),
        do_sample=True,
        num_beams=num_beams,
        max_new_tokens=40,
    )
    return [
        [i for i in row[2:] if FEW.first <= i < FEW.first + FEW.num] for row in written.tolist()
    ]


@pytest.mark.parametrize("num_beams", [1, 3])
def test_a_model_that_generates_never_goes_back_in_time(num_beams):
    assert any(row != sorted(row) for row in generated(num_beams))
    rows = generated(num_beams, RisingTimes([1.0, 2.5], prompt_length=2, tokens=FEW))
    for row, duration in zip(rows, (1.0, 2.5), strict=True):
        assert len(row) > 1
        assert row == sorted(row)
        assert row[-1] <= FEW.id_of(duration)
