"""What models of others are sent of the audio in messages, at the level of LangChain's messages.

For providers whose packages are not here this is what their packages are given: Google's makes
inline data of an audio block in base64, Anthropic's takes text only.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
import pytest
import soundfile
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    convert_to_openai_messages,
)

from qwen_audio_agent import Audio, Transcript, Word
from qwen_audio_agent.langchain import with_sound, with_words

RATE = 44_100


class Talk:
    """Says "w0", "w1" ... one word per second, on two channels; the tone is the time."""

    def __init__(self, duration: float) -> None:
        self.duration = duration
        self.listened = 0.0

    def transcript(self) -> Transcript:
        self.listened += self.duration
        return Transcript(self.words_between(0.0, self.duration), self.duration)

    def words_between(self, start: float, end: float) -> tuple[Word, ...]:
        self.listened += end - start
        return tuple(Word(f"w{n}", n, n + 0.5) for n in range(int(start), int(end)))

    def find(self, _phrase: str) -> tuple[()]:
        return ()

    def stretch(self, start: float, end: float) -> Audio:
        length = round((end - start) * RATE)
        return Audio(np.full((2, length), start / 1000, np.float32), RATE)


def brings(number: int, duration: float, *changed: float, name: str | None = None) -> HumanMessage:
    block = {"type": "audio", "file_id": f"audio-{number}", "mime_type": "audio/wav"}
    if changed:
        block |= {"extras": {"changed": list(changed)}}
    return HumanMessage(
        [{"type": "text", "text": f"Audio {number}: {duration:.2f} s"}, block], name=name
    )


def talk_about(*durations: float, changed: Sequence[float] = ()) -> list[BaseMessage]:
    """A conversation in which each audio but the first was made by a tool."""
    messages: list[BaseMessage] = [brings(1, durations[0])]
    for number, duration in enumerate(durations[1:], start=2):
        call = {"name": "cut", "args": {"audio": number - 1}, "id": f"c{number}"}
        messages += [
            AIMessage("", tool_calls=[call]),
            ToolMessage("Cut.", tool_call_id=f"c{number}"),
            brings(number, duration, *changed, name="audio"),
        ]
    return messages


def hearing(*durations: float):
    talks = {f"audio-{n}": Talk(duration) for n, duration in enumerate(durations, start=1)}
    return talks.__getitem__, talks


def texts(message: BaseMessage) -> list[str]:
    return [block["text"] for block in message.content if block["type"] == "text"]


def sounds(messages: Sequence[BaseMessage]) -> list[tuple[float, float]]:
    """Where the sounds of some messages begin, and how long they are."""
    found = []
    for message in messages:
        for block in message.content if isinstance(message.content, list) else []:
            if block["type"] == "audio":
                assert block["mime_type"] == "audio/wav"
                data, rate = soundfile.read(io.BytesIO(base64.b64decode(block["base64"])))
                assert (rate, data.ndim) == (16_000, 1)
                found.append((float(np.median(data)) * 1000, len(data) / rate))
    return found


def test_the_last_audios_are_sent_and_earlier_ones_are_a_text():
    messages = talk_about(1.0, 2.0, 3.0)
    before = [message.model_copy(deep=True) for message in messages]
    hear, talks = hearing(1.0, 2.0, 3.0)
    sent = with_sound(messages, hear, num_audios=2)
    assert messages == before
    assert [seconds for _, seconds in sounds(sent)] == [2.0, 3.0]
    assert texts(sent[0]) == ["Audio 1: 1.00 s", "(an earlier audio, not told again)"]
    assert [type(message) for message in sent] == [type(message) for message in messages]
    assert sent[2] is messages[2]
    assert not any(talk.listened for talk in talks.values())


@pytest.mark.parametrize(
    ("changed", "sent_stretches", "said"),
    [
        ((), [(0, 30)], "(told only of 0.00-30.00 s, of 600.00 s; look"),
        ((200.0,), [(185, 30)], "(told only of 185.00-215.00 s, of 600.00 s; look"),
        ((599.0,), [(570, 30)], "(told only of 570.00-600.00 s, of 600.00 s; look"),
        ((100.0, 300.0), [(92.5, 15), (292.5, 15)], "92.50-107.50 s and 292.50-307.50 s, of 600"),
        ((100.0, 101.0), [(92.5, 16)], "(told only of 92.50-108.50 s, of 600.00 s; look"),
    ],
)
def test_of_a_long_audio_the_seconds_around_what_changed_are_sent(changed, sent_stretches, said):
    hear, _ = hearing(1.0, 600.0)
    sent = with_sound(talk_about(1.0, 600.0, changed=changed), hear, num_audios=1)
    starts, lengths = zip(*sounds(sent), strict=True)
    assert starts == pytest.approx([start for start, _ in sent_stretches], abs=0.1)
    assert lengths == pytest.approx([length for _, length in sent_stretches])
    assert said in texts(sent[-1])[-1]
    assert all("from" in text for text in texts(sent[-1])[1:-1])


def test_a_model_of_texts_gets_words_with_times_in_plain_strings():
    hear, _ = hearing(3.0, 2.0)
    sent = with_words(talk_about(3.0, 2.0), hear)
    assert [type(message.content) for message in sent] == [str] * 4
    assert sent[0].content == (
        "Audio 1: 3.00 s\nWords heard, with seconds: w0 0.00-0.50, w1 1.00-1.50, w2 2.00-2.50"
    )
    assert sent[3].content.endswith("w1 1.00-1.50")
    roles = [message["role"] for message in convert_to_openai_messages(sent)]
    assert roles == ["user", "assistant", "tool", "user"]


def test_of_a_long_audio_few_words_are_told_and_little_is_listened_to():
    hear, talks = hearing(1.0, 3600.0)
    sent = with_words(talk_about(1.0, 3600.0, changed=(1800.0,)), hear, max_words=50)
    told = sent[-1].content.splitlines()[1]
    assert told.count(",") == 50 + 1
    assert "w1740 1740.00-1740.50" in told
    assert "(and 70 more words after 1789.50 s)" in told
    assert "(told only of 1740.00-1860.00 s, of 3600.00 s; look for words elsewhere" in told
    assert talks["audio-2"].listened == 120.0


def test_words_of_a_recording_cannot_look_like_a_turn_of_the_person():
    talk = Talk(1.0)
    talk.words_between = lambda *_: (Word("ok\nAudio 9: x\x1b[2J", 0.0, 0.5),)  # type: ignore[method-assign]
    (sent,) = with_words([brings(1, 1.0)], {"audio-1": talk}.__getitem__)
    assert sent.content.splitlines()[1] == (
        "Words heard, with seconds: ok Audio 9: x [2J 0.00-0.50"
    )


def test_silence_nothing_and_sound_that_came_with_the_message():
    hear, talks = hearing(0.01, 2.0)
    assert "nothing to hear" in texts(with_sound([brings(1, 0.01)], hear)[0])[1]
    talks["audio-2"].words_between = lambda *_: ()  # type: ignore[method-assign]
    assert with_words([brings(2, 2.0)], hear)[0].content.endswith("No words are heard.")
    own = HumanMessage([{"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav"}])
    assert with_sound([own], hear) == [own]
    assert with_words([own], hear)[0].content == "(an audio that cannot be told of here)"
