from __future__ import annotations

import pytest

from qwen_audio_agent.chat_models.instructions import understand
from qwen_audio_agent.chat_models.named import Moment, Phrase
from qwen_audio_agent.chat_models.ordering import in_order
from qwen_audio_agent.errors import InstructionError


def ordered(sentence):
    return in_order(understand(sentence).steps)


def starts(sentence):
    return [step.action.passage.start for step in ordered(sentence)]


def test_later_times_are_cut_first_so_that_earlier_cuts_do_not_move_them():
    assert starts("cut 1 to 2 s, 5 to 6 s and 3 to 4 s") == [Moment(5.0), Moment(3.0), Moment(1.0)]


def test_the_order_stays_where_nothing_depends_on_it():
    sentence = 'denoise, cut "a", normalise to -16 LUFS'
    assert in_order(understand(sentence).steps) == understand(sentence).steps


def test_times_go_before_words_and_before_a_change_of_speed():
    assert starts('cut "a" and then cut 5 to 6 s')[0] == Moment(5.0)
    steps = ordered("speed up by 10 %, then mute 5 to 6 s")
    assert steps[0].action.passage.start == Moment(5.0)


def test_counted_occurrences_are_taken_out_from_the_last():
    assert starts('cut the first "a" and the third "a"') == [
        Phrase("a", "third"), Phrase("a", "first"),
    ]  # fmt: skip


def test_the_last_seconds_do_not_depend_on_the_first():
    assert starts("cut the first 3 s and the last 2 s") == [Moment(0.0), Moment(2.0, "end")]


def test_overlapping_stretches_are_asked_back():
    with pytest.raises(InstructionError, match="overlap"):
        ordered("cut 1 to 5 s and 4 to 8 s")
    with pytest.raises(InstructionError, match="overlap"):
        ordered("keep only 1 to 5 s and cut 2 to 3 s")
