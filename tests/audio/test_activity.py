import json
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from qwen_audio_agent.audio.activity import active_spans, find_activity
from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.levels import ratio
from qwen_audio_agent.audio.resampling import resample
from qwen_audio_agent.audio.samples import Audio, Span


def talk(
    bursts: list[tuple[float, float]],
    seconds: float,
    sample_rate: int = 16_000,
    noise_db: float = -60,
) -> Audio:
    """Something with the pitch and the formants of a voice in each burst, and noise all along."""
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    pitch = np.cumsum(120 + 20 * np.sin(2 * np.pi * 3 * time)) / sample_rate
    voice = sum(
        np.sin(2 * np.pi * k * pitch) / (1 + ((120 * k - 700) / 500) ** 2) for k in range(1, 25)
    )
    inside = np.zeros(len(time))
    for start, end in bursts:
        inside[(time >= start) & (time < end)] = 1
    noise = rng.standard_normal(len(time)) * ratio(noise_db)
    return Audio((0.1 * voice * inside + noise).astype(np.float32)[None], sample_rate)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100, 96_000])
@pytest.mark.parametrize("noise_db", [-80, -60, -40])
def test_bursts_of_voice_are_found_at_any_rate_and_over_any_noise(
    sample_rate: int, noise_db: float
):
    bursts = [(0.5, 1.5), (2.2, 2.6), (4.0, 5.0)]
    audio = talk(bursts, 6, sample_rate, noise_db)
    found = [span.seconds(sample_rate) for span in active_spans(audio)]
    assert len(found) == 3
    for (start, end), (true_start, true_end) in zip(found, bursts, strict=True):
        assert true_start - 0.1 < start <= true_start + 0.03
        assert true_end - 0.03 <= end < true_end + 0.1


def test_a_very_quiet_recording_is_heard_like_a_loud_one():
    loud = talk([(0.5, 1.5), (3, 4)], 5)
    quiet = Audio(loud.samples * np.float32(ratio(-40)), 16_000)
    assert len(active_spans(quiet)) == 2


def test_speech_and_pauses_cover_the_recording_without_overlap():
    activity = find_activity(talk([(0, 1), (2, 2.5)], 3.33, 44_100))
    spans = sorted([*activity.speech, *activity.pauses])
    assert spans[0].start == 0
    assert spans[-1].end == activity.num_frames == round(3.33 * 44_100)
    assert all(a.end == b.start for a, b in pairwise(spans))


def test_blocks_of_any_size_give_what_the_whole_gives():
    audio = talk([(0.5, 1.5), (3, 4), (40, 41), (66, 67.5)], 70, 11_025)
    blocks = [audio.slice(Span(at, at + 3_333)) for at in range(0, audio.num_frames, 3_333)]
    whole = find_activity(audio)
    parts = find_activity(iter(blocks))
    assert len(whole.speech) == 4
    assert parts.speech == whole.speech
    assert np.allclose(parts.power, whole.power, rtol=1e-3, atol=1e-12)


def test_noise_that_rises_is_taken_for_speech_for_ten_seconds_at_most():
    before, after = talk([], 25, noise_db=-70).samples, talk([(20, 21)], 45, noise_db=-45).samples
    activity = find_activity(Audio(np.concatenate([before, after], axis=1), 16_000))
    starts = [span.start / 16_000 for span in activity.speech if span.num_frames > 8_000]
    assert starts[-1] == pytest.approx(45, abs=0.1)
    assert all(start < 35 for start in starts[:-1])


def test_the_quietest_place_is_the_quietest_pause_without_clicks():
    samples = talk([(0, 1), (2, 3), (4, 5), (6, 7)], 7, noise_db=-50).samples.copy()
    samples[:, 48_000:64_000] *= 0.3  # 3 to 4 s, the quietest pause
    samples[:, 56_000] = 0.05  # but a click in its middle
    span = find_activity(Audio(samples, 16_000)).quietest(0.3)
    start, end = span.seconds(16_000)
    assert end - start == pytest.approx(0.3)
    assert 3 < start < end < 3.5 or 3.5 < start < end < 4


def test_where_no_pause_is_long_enough_the_longest_is_given():
    activity = find_activity(talk([(0, 1), (1.5, 2.5), (2.9, 4)], 4))
    start, end = activity.quietest(2).seconds(16_000)
    assert 0.95 < start < end < 1.55


def test_digital_silence_is_neither_speech_nor_room_tone():
    silence = np.zeros((1, 32_000), np.float32)
    assert find_activity(Audio(silence, 16_000)).speech == ()
    assert find_activity(Audio(silence, 16_000)).quietest(0.5) is None
    voice = talk([(0.5, 1.5)], 2).samples
    activity = find_activity(Audio(np.concatenate([silence, voice, silence], axis=1), 16_000))
    assert len(activity.speech) == 1
    start, end = activity.quietest(0.3).seconds(16_000)
    assert 2 <= start < end <= 4


@pytest.mark.parametrize("num_frames", [0, 1, 100, 1_000])
def test_a_sound_too_short_to_judge_is_no_speech(num_frames: int):
    activity = find_activity(Audio(np.zeros((2, num_frames), np.float32), 48_000))
    assert (activity.speech, activity.num_frames) == ((), num_frames)
    assert sum(span.num_frames for span in activity.pauses) == num_frames


@pytest.mark.parametrize(
    ("noise_db", "sample_rate", "most_missed", "most_false"),
    [(None, 16_000, 0.02, 0.13), (None, 44_100, 0.02, 0.13), (-20, 16_000, 0.06, 0.09)],
)
def test_hand_and_aligner_labels_of_real_speech_are_met(
    speech_data, noise_db, sample_rate: int, most_missed: float, most_false: float
):
    """Frames of 10 ms; 30 ms around the edges of words and gaps below 0.15 s do not count."""
    truth = json.loads((speech_data / "truth.json").read_text())
    recordings = truth["recordings"] if isinstance(truth, dict) else truth
    missed = spoken = false = silent = 0
    for recording in recordings:
        if not recording["words"]:
            continue
        audio = read(probe(speech_data / recording["file"]))
        samples = audio.samples
        if noise_db is not None:
            noise = np.random.default_rng(0).standard_normal(samples.shape).astype(np.float32)
            level = np.sqrt(np.mean(samples**2))
            samples = samples + noise * level * np.float32(ratio(noise_db))
        audio = resample(Audio(samples, audio.sample_rate), sample_rate)
        heard = np.zeros(round(audio.duration * 100) + 1, bool)
        for span in active_spans(audio):
            start, end = span.seconds(sample_rate)
            heard[round(start * 100) : round(end * 100)] = True
        is_speech, counts = labelled(recording["words"], len(heard))
        missed += (is_speech & counts & ~heard).sum()
        spoken += (is_speech & counts).sum()
        false += (~is_speech & counts & heard).sum()
        silent += (~is_speech & counts).sum()
    assert spoken > 3_000
    assert missed / spoken < most_missed
    assert false / silent < most_false


def labelled(words, num_hops: int):
    """Which hops are speech, and which count."""
    is_speech = np.zeros(num_hops, bool)
    counts = np.ones(num_hops, bool)
    end = -1.0
    for word in words:
        start = word["start"] if word["start"] - end >= 0.15 else end
        counts[max(0, int((start - 0.05) * 100)) : int((word["end"] + 0.05) * 100) + 1] = False
        is_speech[int(max(0, start) * 100) : int(word["end"] * 100)] = True
        end = word["end"]
    inner = is_speech.copy()
    for shift in range(1, 4):
        inner[shift:] &= is_speech[:-shift]
        inner[:-shift] &= is_speech[shift:]
    return is_speech, counts | inner


def test_of_a_long_recording_only_the_powers_are_kept():
    noise = np.random.default_rng(0).normal(0, 0.01, (1, 160_000)).astype(np.float32)
    tracemalloc.start()
    try:
        activity = find_activity(Audio(noise, 16_000) for _ in range(90))  # a quarter of an hour
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(activity.power) == pytest.approx(90_000, abs=1)
    assert kept < 1e6  # with the bands it would be 7e6
    assert peak < 20e6
