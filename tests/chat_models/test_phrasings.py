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
        ("tail 4 secs off it", ("cut", {"start": 116, "end": 120})),
        ("crop the jingle till its just the first 3 secs", ("keep", {"audio": 2, "end": 3})),
        ("jingle's way too loud. down 4 db", ("gain", {"audio": 2, "db": -4})),
        ("drag every silence over 2 secs down to 1 sec", ("tidy", {"longer_than": 2, "to": 1})),
        ("40 to 42 seconds, a bleep there", ("silence", {"start": 40, "fill": "bleep"})),
        ("audiobook clean-up on this one", ("tidy", {"what": "audiobook"})),
        ("denoise at 0.6", ("denoise", {"strength": 0.6})),
        ("whats the jingle saying again?", ("listen", {"audio": 2})),
        ("morning! lose monday, job done", ("cut", {"words": "monday"})),
        (
            "keep good morning through to weather",
            ("keep", {"words": "good morning", "to_words": "weather"}),
        ),
        ("I should be most grateful if you would cut monday", ("cut", {"words": "monday"})),
        ("If I may bother you again, please cut monday", ("cut", {"words": "monday"})),
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
    ("sentence", "call"),
    [
        (
            "Please cut monday, as the hall is closed that day.",
            ("cut", {"words": "monday"}),
        ),
        (
            "Bleep the old man, which is what our lawyer advised, for he worries a lot.",
            ("silence", {"words": "the old man", "fill": "bleep"}),
        ),
        (
            'I cannot understand why he says "damn" at all, so please mute "damn cold".',
            ("silence", {"words": "damn cold"}),
        ),
        (
            "My sister thinks the last hello is unnecessary, so would you cut it?",
            None,
        ),
        (
            "I think the last hello is unnecessary, so would you cut it?",
            ("cut", {"words": "hello", "which": "last"}),
        ),
        (
            "The final five seconds were recorded in the car; please cut them.",
            ("cut", {"start": 115, "end": 120}),
        ),
        (
            "The jingle hurts my ears, so could you turn it down by 5 dB?",
            ("gain", {"audio": 2, "db": -5}),
        ),
        (
            "It sounds lovely, doesn't it? Just cut monday so that nobody is confused.",
            ("cut", {"words": "monday"}),
        ),
    ],
)
def test_reasons_and_remarks_change_nothing(chat, sentence, call):
    calls = _calls(chat, sentence)
    if call is None:
        assert not calls
        return
    ((called, arguments),) = calls
    assert called == call[0]
    assert {key: arguments.get(key) for key in call[1]} == call[1]


def test_a_scope_with_a_colon_is_that_of_every_step(chat):
    calls = [args["audio"] for _, args in chat.say("on the jingle: denoise, then deess")[0]]
    assert calls == [2, 3]


@pytest.mark.parametrize(
    "sentence",
    [
        "If the client agrees, cut monday",
        "Cut monday, unless he minds",
        "My boss told me that I should cut monday, but I have not decided",
        "Cut monday, as long as it is not needed",
        "I want to keep monday, so cut it if you must",
        "He should lose the um, so what do you think?",
        "The second hello is too loud, or maybe the first, so cut it",
        "cut half a second at 0:30",
        'Instead of cutting "monday", delete it',
        "To be or not to be, cut it",
        'To cut "monday", cut the second hello and a half',
        'cut "monday", crossfading over 50 ms',
    ],
)
def test_what_is_not_clear_is_asked_back(chat, sentence):
    assert not chat.say(sentence)[0]
