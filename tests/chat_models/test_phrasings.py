"""Families of phrasings: what people say in other words than the grammar first knew."""

from __future__ import annotations

import pytest

_UNSAID = ("audio", "which", "part", "fill", "crossfade_ms", "db")
_DEFAULTS = {1, "only", "it", "room", 10, 0, None}


def _calls(chat, sentence):
    calls, _ = chat.say(sentence)
    return [
        (name, {k: v for k, v in given.items() if not (k in _UNSAID and v in _DEFAULTS)})
        for name, given in calls
    ]


@pytest.mark.parametrize(
    ("sentence", "call"),
    [
        ("Beginning at 0:40, take out four seconds.", ("cut", {"start": 40, "end": 44})),
        ("Between 0:35 and 0:50 delete everything", ("cut", {"start": 35, "end": 50})),
        ("mute the two words that come after the pause", ("silence", {"words": "hello again"})),
        ("During 5 to 9 s lower the volume by 2 dB", ("gain", {"db": -2, "start": 5, "end": 9})),
        ("From 5 to 9 s, silence the recording", ("silence", {"start": 5, "end": 9})),
        (
            "Take the noise out of Audio 2 at 60 % strength",
            ("denoise", {"audio": 2, "strength": 0.6}),
        ),
        ("slow her down to 90 % of her usual pace", ("effect", {"name": "tempo", "value": 0.9})),
        (
            "no gap may exceed 0.9 s; trim the ones that do to that",
            ("tidy", {"what": "pauses", "longer_than": 0.9, "to": 0.9}),
        ),
        ("remove the hesitation noises, um and uh", ("tidy", {"what": "fillers"})),
        (
            "put Audio 2 at the end of Audio 1, blending them over 40 ms",
            ("insert", {"other": 2, "crossfade_ms": 40}),
        ),
        ('Instead of bleeping "monday", cut it', ("cut", {"words": "monday"})),
        ("To protect his privacy, bleep the old man", ("silence", {"words": "the old man"})),
        ("tidy it up for a podcast", ("tidy", {"what": "podcast"})),
        ("run the audiobook clean-up on it", ("tidy", {"what": "audiobook"})),
        ("give this the interview treatment", ("tidy", {"what": "interview"})),
    ],
)
def test_one_order(chat, sentence, call):
    name, given = call
    ((called, arguments),) = _calls(chat, sentence)
    assert called == name
    assert {key: arguments.get(key) for key in given} == given


@pytest.mark.parametrize(
    "sentence",
    [
        "Fade in over 1 s and out over 3 s",
        "a one second fade in and a three second fade out",
        "Apply a fade out of 3 s and a fade in of 1 s",
    ],
)
def test_a_fade_at_each_end_is_one_edit(chat, sentence):
    ((name, given),) = _calls(chat, sentence)
    assert (name, given["fade_in"], given["fade_out"]) == ("gain", 1, 3)


@pytest.mark.parametrize(
    "sentence",
    [
        "cut half a second at 0:30",
        'Instead of cutting "monday", delete it',
        "To be or not to be, cut it",
        'To cut "monday", cut the second hello and a half',
        'cut "monday", crossfading over 50 ms',
    ],
)
def test_what_is_not_clear_is_asked_back(chat, sentence):
    assert not chat.say(sentence)[0]
