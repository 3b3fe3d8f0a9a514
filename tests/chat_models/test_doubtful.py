"""What is said beside an order and may change what it means is asked back."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "sentence",
    [
        'Your old job: cut "monday"',
        'I need to leave that decision to you, cut "monday"',
        'cut "monday", it was damn clod',
        'cut "monday", it was damn cold',
        'Cut "monday". My co-host thinks that\'s a bad idea.',
        'My editor wrote: cut "monday". I disagree.',
        'She begged me not to. Cut "monday".',
        'Cut "monday", he asked me not to.',
        'Here is an example. Cut "monday".',
        'I have two options. Cut "monday".',
        'There are two ways. Cut "monday".',
        'Mute "damn cold", we did that last week already.',
        'Somebody else will do this. Cut "monday".',
        'I\'m going to do it myself. Cut "monday".',
        'I\'ll do the cutting. Cut "monday".',
        'I\'m just thinking out loud. Cut "monday".',
        'Legal says it has to stay. Cut "monday".',
        'Cut "monday", everyone loves that part.',
        'Cut "monday". My lawyer objects to that.',
        'Everybody is against it. Cut "monday".',
        'We voted no. Cut "monday".',
        'Waiting for the green light. Cut "monday".',
        'Subject to legal, cut "monday".',
        'Depending on length, cut "monday".',
        'Opposite day! Cut "monday".',
        'Cut "monday", I dare you.',
        'Cut "monday". I regret that already.',
        'My producer wants to hear it first. Cut "monday".',
        'Cut "monday". Or maybe the other bit, I\'m not sure.',
        'He told me to cut "monday". I said no.',
        'Once we have permission, cut "monday".',
        'Not yet, but soon: cut "monday".',
        'Cut "monday". On second thoughts I like it.',
        'I promised him I would never cut "monday".',
        'Cut "monday". Just kidding.',
        'Cut "hello", the old man says it.',
        'Cut "monday", plus a bit of air around.',
        'Cut "monday", including the breath.',
        'Pending approval, cut "monday".',
        'Cut "monday", weather permitting.',
        'Plan B: cut "monday".',
        'Draft: cut "monday".',
        'Cut "monday". Never!',
        'Cut "monday". No chance.',
        "Denoise it. I want the birds to stay.",
        "Denoise it. The birds should survive.",
        "Normalize it. The other file, that is.",
        "Remove the pauses. The long one is on purpose.",
        "Remove the pauses, the dramatic ones are deliberate.",
        "Make it 3 dB louder, the guest's voice I mean.",
        "Fade out over 3 seconds. The jingle of course.",
        'Cut "monday". Save it as a new file.',
        'Cut "monday". Ask me before you do it.',
        'Cut "monday". Show me first.',
        'Cut "monday". Hang on, the phone.',
        'Cut "monday", mtue it',
        'I was told to cut "monday".',
        'We haven\'t decided. Cut "monday".',
        'Cut "monday". I want it back.',
        'Theoretically, cut "monday".',
        'Assume the client agrees. Cut "monday".',
        'Cut "monday", as a last resort.',
        'I couldn\'t bring myself to cut "monday".',
        'Cut "monday", worst case.',
        'Worst case: cut "monday".',
        'Cut "monday", yeah right.',
        'Cut "monday", as if.',
        'The memo reads: cut "monday". I ignored it.',
    ],
)
def test_what_may_change_the_order_is_asked_back(chat, sentence):
    assert not chat.say(sentence)[0]


@pytest.mark.parametrize(
    "sentence",
    [
        'Cut "monday". I take that back.',
        'Cut "monday", we reconsidered.',
        'Cut "monday". We cancelled that.',
        'My boss demanded, cut "monday".',
        'He whispered, cut "monday".',
        'My lawyer forbids everything today. Cut "monday".',
        'Yesterday I dreamt this: cut "monday".',
        'Cut "monday" and zap the sneezes.',
        'Tame the plosives. Cut "monday".',
        'Cut "monday" and I quit.',
        "Turn it down by 6 dB then he shouts.",
        'Find every "you know", then fade out the last two.',
    ],
)
def test_what_takes_an_order_back_or_is_no_talk_is_asked_back(chat, sentence):
    assert not [name for name, _ in chat.say(sentence)[0] if name not in ("listen",)]


@pytest.mark.parametrize("words", ["for example", "decision", "i disagree"])
def test_words_of_an_order_do_not_make_it_doubtful(chat, words):
    assert "change what I shall do" not in chat.say(f"cut {words}")[1]
