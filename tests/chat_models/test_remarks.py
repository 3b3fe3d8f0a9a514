"""Remarks, errands and headings that change no order, each beside what must not be passed over."""

from __future__ import annotations

import pytest


def _calls(chat, sentence):
    return [
        (name, {key: given[key] for key in ("words", "which", "fill", "value") if given.get(key)})
        for name, given in chat.say(sentence)[0]
    ]


CUT = ("cut", {"words": "monday"})


@pytest.mark.parametrize(
    "sentence",
    [
        'Cut "monday", doesnt fit the episode',
        'Cut "monday", doesn\'t add anything',
        'Cut "monday", makes no sense to a listener',
        'Cut "monday", annoys my neighbours',
        "cut monday, sponsor is picky",
        "cut monday, our lawyers are nervous",
        'cut "monday", the quote is unreadable like this',
        'cut "monday", my students get bored',
        'cut "monday", that\'s my quote for chapter 4',
        'cut "monday", lesson 3 is on another topic',
        'cut "monday", the board wants the date gone',
        'cut "monday". God bless',
        'cut "monday" so i can transcribe',
        'cut "monday" so my students can follow',
        'cut "monday", need to anonymise this',
        'need to anonymise this, cut "monday"',
        'I have to catch a train, cut "monday"',
        'Quiz time: cut "monday"',
        'Ticket #4471, please apply: cut "monday" and nothing else.',
        'Hi, new user here :) please cut "monday"',
        '"monday" has to go, please cut that one',
        'see where he says "monday"? cut that please',
        'You know the part where he says "monday"? Cut it.',
    ],
)
def test_a_remark_an_errand_or_a_heading_changes_nothing(chat, sentence):
    assert _calls(chat, sentence) == [CUT]


@pytest.mark.parametrize(
    "sentence",
    [
        'Cut "monday", totally up to the client',
        'Cut "monday", gets cut anyway if legal agrees',
        'Cut "monday", needs to be approved by legal',
        'Cut "monday", isn\'t that the second one',
        'Cut "monday", recorded again as "damn cold"',
        'Cut "monday", doesn\'t apply to the jingle',
        'cut "hello", doesn\'t matter which one',
        'cut "hello", belongs to the first part',
        'cut "monday", sounds like a mistake to do that',
        'cut "monday", got to check first',
        'I need to think about it, cut "monday"',
        'I need to ask my boss, cut "monday"',
        'I need to get approval first, cut "monday"',
        'got to present both versions, cut "monday"',
        'Not our job: cut "monday"',
        'Last week\'s task: cut "monday"',
        'If there is time: cut "monday"',
        'Request denied: cut "monday"',
        'example: cut "monday"',
        'The board wants the date kept, so cut "monday"',
        'cut "monday", "monday" is ok',
        'I need the second hello, so cut "hello"',
        '"monday" has to go, but don\'t cut it',
        "The weather is awful today, so please cut it",
        "I have cut the jingle already, so please normalise it",
        "We already muted the jingle, so now normalise it",
        "cut chapter 4",
        'see where it says "hello"? cut it',
    ],
)
def test_what_may_be_more_is_asked_back(chat, sentence):
    assert not chat.say(sentence)[0]


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("Take out the pauses please and after that the background hiss", ["tidy", "denoise"]),
        ("I would like a 3 second fade in and a 5 second fade out. God bless", ["gain"]),
        ("I need it gone from 1:30 to the end", ["cut"]),
        ("The part from 0:30 to 0:40: turn that part down by 10 dB", ["gain"]),
        ("stick a 2 sec fade out on it", ["gain"]),
        ('directly before "hello again", insert the jingle', ["insert"]),
        ("make the first 20 seconds louder, by 3 decibels", ["gain"]),
        ('put a beep over "weather" and another beep over "cold"', ["silence", "silence"]),
        ("What does he say? My hearing isn't what it was.", ["listen"]),
        ("delete from 0:30 till the end its just me packing up", ["cut"]),
        ("slow it down to 80 % for my A2 students", ["effect"]),
    ],
)
def test_other_forms_of_orders(chat, sentence, names):
    assert [name for name, _ in chat.say(sentence)[0]] == names
