"""A lossy file keeps the peaks that its edit list promises."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from qwen_audio_agent.audio.bit_rates import bit_rate_of
from qwen_audio_agent.audio.files import AudioWriter, blocks, probe, read
from qwen_audio_agent.audio.levels import loudness_lufs, true_peak_dbtp
from qwen_audio_agent.editing import coded_peaks
from qwen_audio_agent.editing.edit_list import EditList, EffectCall
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.errors import EditError

NEEDS_AV = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="needs PyAV")


@pytest.fixture(scope="module")
def voice(interview: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice at 48 kHz in stereo, with some noise, so that a codec has something to change."""
    samples, sample_rate = soundfile.read(interview, dtype="float32")
    samples = soxr.resample(samples, sample_rate, 48_000)
    noise = np.random.default_rng(61).standard_normal((len(samples), 2))
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    soundfile.write(path, samples[:, None] * [1, 0.8] + 0.003 * noise, 48_000)
    return path


def normalized(voice: Path, cache: Path, lufs: float) -> tuple[EditList, Sources]:
    sources = Sources(cache)
    sources.add_file("a", probe(voice))
    whole = EditList.from_file("a", sources.files["a"])
    call = EffectCall("normalize", (("lufs", lufs),))
    return dataclasses.replace(whole, effects=(call,)), sources


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "opus", pytest.param("m4a", marks=NEEDS_AV)])
@pytest.mark.parametrize("lufs", [-16.0, -14.0])
def test_decoded_peaks_stay_below_the_ceiling(
    suffix: str, lufs: float, voice: Path, tmp_path: Path
) -> None:
    edit_list, sources = normalized(voice, tmp_path / "cache", lufs)
    path = tmp_path / f"out.{suffix}"
    render(edit_list, sources, path)
    assert true_peak_dbtp(blocks(probe(path))) <= -1
    assert loudness_lufs(blocks(probe(path))) == pytest.approx(lufs, abs=0.2)


@pytest.mark.parametrize("bit_rate", [64_000, 128_000, 192_000])
def test_an_mp3_of_an_mp3_is_as_loud_as_asked(bit_rate: int, voice: Path, tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "in.mp3", 48_000, 2, bit_rate=bit_rate) as writer:
        writer.write(read(probe(voice)).samples)
    edit_list, sources = normalized(tmp_path / "in.mp3", tmp_path / "cache", -16.0)
    render(edit_list, sources, tmp_path / "out.mp3")
    made = probe(tmp_path / "out.mp3")
    assert bit_rate_of(made) == pytest.approx(bit_rate, rel=1e-4)
    assert true_peak_dbtp(blocks(made)) <= -1
    assert loudness_lufs(blocks(made)) == pytest.approx(-16, abs=0.1)


def test_a_codec_that_needs_more_room_gets_it(
    voice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(coded_peaks._FIRST_HEADROOM_DB, "MPEG_LAYER_III", -1.0)
    edit_list, sources = normalized(voice, tmp_path / "cache", -10.0)
    render(edit_list, sources, tmp_path / "out.mp3")
    assert true_peak_dbtp(blocks(probe(tmp_path / "out.mp3"))) <= -1


def test_a_file_above_the_ceiling_never_appears(
    voice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(coded_peaks._FIRST_HEADROOM_DB, "MPEG_LAYER_III", -1.0)
    monkeypatch.setattr(coded_peaks, "_MOST_TRIES", 1)
    edit_list, sources = normalized(voice, tmp_path / "cache", -10.0)
    with pytest.raises(EditError, match="does not keep peaks below -1 dBTP"):
        render(edit_list, sources, tmp_path / "out.mp3")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_what_is_lossless_is_not_limited_again(suffix: str, voice: Path, tmp_path: Path) -> None:
    edit_list, sources = normalized(voice, tmp_path / "cache", -10.0)
    path = tmp_path / f"out.{suffix}"
    render(edit_list, sources, path)
    assert -1.2 < true_peak_dbtp(blocks(probe(path))) <= -1
