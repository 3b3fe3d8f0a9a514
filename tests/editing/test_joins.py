from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.editing.joins import best_cut, quietest

RATE = 16_000


def speech_like(dips: tuple[int, ...] = (), num_frames: int = 16_000) -> Audio:
    """Noise that is 40 dB quieter for 10 ms around each dip."""
    sound = np.random.default_rng(4).normal(0.0, 0.1, num_frames)
    for dip in dips:
        sound[dip - 80 : dip + 80] *= 0.01
    return Audio(np.asarray(sound[None], np.float32), RATE)


def window(frame: int, reach: int = 480) -> Span:
    return Span(frame - reach, frame + reach)


def test_both_edges_go_to_the_quiet_places_between_the_words() -> None:
    audio = speech_like((4200, 9800))

    cut = best_cut(audio.slice, Span(4000, 10_000), (window(4000), window(10_000)))

    assert cut.start == pytest.approx(4200, abs=30)
    assert cut.end == pytest.approx(9800, abs=30)


def test_of_two_quiet_places_the_nearer_one_is_taken() -> None:
    audio = speech_like((3920, 4460, 10_000))

    cut = best_cut(audio.slice, Span(4000, 10_000), (window(4000), window(10_000)))

    assert cut.start == pytest.approx(3920, abs=40)


def vowel() -> Audio:
    time = np.arange(16_000) / RATE
    buzz = sum(np.sin(2 * np.pi * 125 * k * time + k) / k for k in range(1, 12))
    return Audio(np.asarray(0.1 * buzz[None], np.float32), RATE)


def test_in_a_vowel_whole_periods_are_cut_so_that_the_wave_goes_on() -> None:
    cut = best_cut(vowel().slice, Span(5000, 9050), (window(5000), window(9050)))

    period = RATE // 125
    assert min(cut.num_frames % period, -cut.num_frames % period) <= 1


def test_the_wave_is_near_zero_at_the_join() -> None:
    audio = vowel()
    cut = best_cut(audio.slice, Span(5000, 9050), (window(5000), window(9050)))

    here = audio.samples[0, [cut.start, cut.end]]
    assert np.abs(here).max() < np.abs(audio.samples).mean()


def test_a_change_of_timbre_is_avoided() -> None:
    rng = np.random.default_rng(0)
    hiss, hum = rng.normal(0, 0.1, 16_000), vowel().samples[0].astype(np.float64)
    hum *= np.sqrt(np.mean(hiss**2) / np.mean(hum**2))
    sound = np.where(np.arange(16_000) < 9900, hum, hiss)
    audio = Audio(np.asarray(sound[None], np.float32), RATE)

    cut = best_cut(audio.slice, Span(5000, 10_000), (window(5000), window(10_000)))

    assert cut.end < 9900


@given(
    st.integers(0, 15_000),
    st.integers(1, 8000),
    st.tuples(*[st.integers(0, 900)] * 4),
    st.booleans(),
)
def test_edges_never_leave_their_windows(
    start: int, length: int, reaches: tuple[int, int, int, int], is_length_known: bool
) -> None:
    audio = speech_like()
    end = min(start + length, 16_000)
    first = Span(max(start - reaches[0], 0), min(start + reaches[1], end))
    second = Span(max(end - reaches[2], start), min(end + reaches[3], 16_000))

    cut = best_cut(
        audio.slice, Span(start, end), (first, second), 16_000 if is_length_known else None
    )

    assert first.start <= cut.start <= first.end
    assert second.start <= cut.end <= second.end
    assert cut.num_frames > 0


def test_a_window_of_one_frame_is_kept() -> None:
    audio = speech_like((4100,))

    cut = best_cut(audio.slice, Span(4000, 9000), (Span(4000, 4000), Span(9000, 9000)))

    assert cut == Span(4000, 9000)


def test_nothing_is_read_beyond_what_is_allowed() -> None:
    audio = speech_like(num_frames=10_000)
    read: list[Span] = []

    def reading(span: Span) -> Audio:
        read.append(span)
        return audio.slice(span)

    best_cut(reading, Span(100, 9800), (window(100, 90), Span(9700, 9990)), 10_000)
    best_cut(reading, Span(100, 9800), (window(100, 90), Span(9700, 9990)))

    assert max(span.end for span in read[: len(read) // 2]) <= 10_000
    assert max(span.end for span in read[len(read) // 2 :]) <= 9990
    assert max(span.num_frames for span in read) < 1000


def test_a_cut_at_the_very_start_stays_there_and_ends_where_it_is_quiet() -> None:
    audio = speech_like((6100,))

    cut = best_cut(audio.slice, Span(0, 6000), (Span(0, 0), window(6000)), 16_000)

    assert cut.start == 0
    assert cut.end == pytest.approx(6100, abs=40)


def test_sound_is_parted_at_the_quietest_place() -> None:
    assert quietest(speech_like((5200,)).slice, window(5000)) == pytest.approx(5200, abs=40)


@pytest.mark.parametrize("frame", [0, 16_000])
def test_the_ends_of_the_sound_are_places_too(frame: int) -> None:
    assert quietest(speech_like().slice, Span(frame, frame), 16_000) == frame


def test_stereo_and_silence_can_be_searched() -> None:
    silent: NDArray[np.float32] = np.zeros((2, 16_000), np.float32)

    cut = best_cut(Audio(silent, RATE).slice, Span(4000, 9000), (window(4000), window(9000)))

    assert cut == Span(4000, 9000)
