"""The sound of the podcast recipe on a recording, from file to file."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.activity import find_activity
from qwen_audio_agent.audio.files import blocks, probe
from qwen_audio_agent.audio.hops import hops_of
from qwen_audio_agent.audio.hum import find_hum
from qwen_audio_agent.audio.levels import loudness_lufs, noise_floor_dbfs, true_peak_dbtp
from qwen_audio_agent.cleanup.plan import Episode
from qwen_audio_agent.cleanup.recipe import load_recipe
from qwen_audio_agent.cleanup.sound import chain, with_sound
from qwen_audio_agent.cleanup.survey import survey
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.speech.held_vowels import find_held_vowels
from qwen_audio_agent.speech.words import Transcript, Word


def test_what_repairs_comes_before_what_shapes() -> None:
    episode = Episode("a.wav", "", 44_100, 2, 441_000, -25.0, None, 50.0, 7)
    recipe = load_recipe("podcast")
    sound = recipe.sound.model_copy(update={"declick": True})
    calls = chain(recipe.model_copy(update={"sound": sound}), episode)
    names = ["declick", "hum", "highpass", "denoise", "deess", "compress"]
    assert [call.name for call in calls] == names
    assert dict(calls[1].settings) == {"frequency_hz": 50.0, "num_harmonics": 7}
    assert dict(calls[-1].settings)["threshold_db"] == -22.0
    assert dict(calls[-2].settings) == {"reduction_db": recipe.sound.deess, "lufs": -25.0}
    *_, deess, _ = chain(recipe, replace(episode, loudness_lufs=-80.0))
    assert dict(deess.settings)["lufs"] == -70.0
    *_, deess, _ = chain(recipe, replace(episode, loudness_lufs=None))
    assert "lufs" not in dict(deess.settings)


def test_a_room_in_which_nobody_speaks_is_not_made_as_loud_as_a_voice(tmp_path: Path) -> None:
    noise = 0.001 * np.random.default_rng(3).standard_normal((5 * 16_000, 2))
    soundfile.write(tmp_path / "room.wav", noise, 16_000, subtype="FLOAT")
    file = probe(tmp_path / "room.wav")
    sources = Sources(tmp_path / "cache")
    sources.add_file("a", file)
    whole = EditList.from_file("a", file)
    recipe = load_recipe("podcast")
    names = {}
    for said in ((), (Word("he", 1.0, 1.2),)):
        episode = survey(file, Transcript(said, file.duration)).episode
        made = with_sound(whole, recipe, episode, sources)
        names[bool(said)] = [call.name for call in made.effects]
    assert names[True] == [*names[False], "normalize"]


@pytest.fixture
def recorded(speech_data: Path, tmp_path: Path) -> Path:
    names = ("quilter", "shelley", "lj050")
    parts = [soundfile.read(speech_data / f"{name}.flac", dtype="float32")[0] for name in names]
    voice = 0.3 * np.concatenate(parts)
    time = np.arange(len(voice)) / 16000
    noise = 0.001 * np.random.default_rng(81).standard_normal((2, len(voice)))
    hum = 0.004 * (np.sin(2 * np.pi * 50 * time) + np.sin(2 * np.pi * 150 * time))
    soundfile.write(tmp_path / "in.wav", (voice + noise + hum).T, 16000)
    return tmp_path / "in.wav"


def test_one_reading_measures_what_each_meter_does(recorded: Path) -> None:
    file = probe(recorded)
    surveyed = survey(file, Transcript((), file.duration))
    episode, hum = surveyed.episode, find_hum(blocks(file))
    assert hum is not None
    assert episode.loudness_lufs == round(loudness_lufs(blocks(file)), 2)
    assert episode.noise_floor_dbfs == round(noise_floor_dbfs(blocks(file)), 2)
    assert (episode.hum_hz, episode.hum_harmonics) == (
        round(hum.frequency_hz, 2),
        hum.num_harmonics,
    )
    activity = find_activity(blocks(file))
    assert surveyed.activity.speech == activity.speech
    np.testing.assert_array_equal(surveyed.activity.power, activity.power)
    assert surveyed.held == tuple(find_held_vowels(hops_of(blocks(file)), 0.02))


@pytest.mark.parametrize("suffix", ["flac", "mp3"])
def test_noise_and_hum_go_and_the_loudness_is_right(
    suffix: str, recorded: Path, tmp_path: Path
) -> None:
    file = probe(recorded)
    sources = Sources(tmp_path / "cache")
    sources.add_file("a", file)
    episode = survey(file, Transcript((Word("he", 1.0, 1.2),), file.duration)).episode
    assert episode.loudness_lufs is not None
    whole = EditList.from_file("a", sources.files["a"])
    edit_list = with_sound(whole, load_recipe("podcast"), episode, sources)
    render(edit_list, sources, tmp_path / f"out.{suffix}")
    made = probe(tmp_path / f"out.{suffix}")
    assert loudness_lufs(blocks(made)) == pytest.approx(-16, abs=0.2)
    assert true_peak_dbtp(blocks(made)) <= -1
    assert find_hum(blocks(made)) is None
    louder = -16 - episode.loudness_lufs
    assert noise_floor_dbfs(blocks(made)) < noise_floor_dbfs(blocks(probe(recorded))) + louder - 6


LONG = """
import sys
from dataclasses import replace
from pathlib import Path
from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.cleanup.plan import Episode
from qwen_audio_agent.cleanup.recipe import load_recipe
from qwen_audio_agent.cleanup.sound import with_sound
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
source, output = map(Path, sys.argv[1:])
sources = Sources(output.parent / "cache")
file = probe(source)
sources.add_file("a", file)
whole = EditList.from_file("a", sources.files["a"])
episode = Episode("in.wav", "", file.sample_rate, 2, file.num_frames, None, None, 50.0, 10)
render(with_sound(whole, load_recipe("podcast"), episode, sources), sources, output)
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.slow
def test_memory_stays_below_400_mib(tmp_path: Path) -> None:
    rng = np.random.default_rng(82)
    block = np.rint(3000 * rng.standard_normal((44_100 * 60, 2))).astype(np.int16)
    with soundfile.SoundFile(tmp_path / "in.wav", "w", 44_100, 2, "PCM_16") as file:
        for _ in range(30):
            file.write(block)
    command = [sys.executable, "-c", LONG, str(tmp_path / "in.wav"), str(tmp_path / "out.flac")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 400
