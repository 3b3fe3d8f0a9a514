import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import blocks, probe
from qwen_audio_agent.audio.levels import loudness_lufs
from qwen_audio_agent.cleanup.episode import apply_plan, clean_up, plan_episode
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.errors import AudioFileError

RATE = 16000
KEPT = {name: {"policy": "keep"} for name in ("fillers", "repeats", "pauses", "ends")}


def tone(folder, name, hz, seconds, rate=44100):
    path = folder / name
    t = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.2 * np.sin(2 * np.pi * hz * t), rate)
    return str(path)


def level_of(sound, hz):
    """Amplitude of a tone, in dB."""
    t = np.arange(len(sound)) / RATE
    return 20 * np.log10(2 * abs(sound @ np.exp(-2j * np.pi * hz * t)) / len(sound) + 1e-9)


def test_intro_and_outro_lie_around_the_episode(made, tmp_path):
    episode = made().room(0.5).speech("we went home").room(0.5)
    intro, outro = (tone(tmp_path, f"{hz}.wav", hz, 2.0) for hz in (700, 1100))
    music = {"intro": intro, "outro": outro, "crossfade": 0.5}
    recipe = Recipe.from_data({**KEPT, "music": music})
    file = episode.file()
    plan = plan_episode(file, recipe, episode.listener()).plan
    applied = apply_plan(plan, file, tmp_path / "out.wav")
    sound, _ = soundfile.read(tmp_path / "out.wav")
    assert len(sound) / RATE == pytest.approx(file.duration + 4.0 - 2 * 0.5, abs=0.001)
    assert level_of(sound[:RATE], 700) == pytest.approx(-14, abs=0.5)
    assert level_of(sound[-RATE:], 1100) == pytest.approx(-14, abs=0.5)
    (start,) = applied.time_map.to_programme(applied.source, RATE)
    assert start / RATE == pytest.approx(1.0 + 2.0 - 0.5, abs=0.001)
    before, _ = soundfile.read(file.path)
    assert np.abs(sound[start : start + 800] - before[RATE : RATE + 800]).max() < 1e-4


def test_a_bed_goes_down_while_somebody_speaks(made, tmp_path):
    episode = made().room(4.0).speech("one two three four five six seven eight").room(4.0)
    bed = tone(tmp_path, "bed.wav", 3000, 20.0)
    recipe = Recipe.from_data({**KEPT, "music": {"bed": bed, "bed_db": -4, "duck_db": -14}})
    file = episode.file()
    plan = plan_episode(file, recipe, episode.listener()).plan
    apply_plan(plan, file, tmp_path / "out.wav")
    sound, _ = soundfile.read(tmp_path / "out.wav")
    assert len(sound) == file.num_frames
    before, _ = soundfile.read(file.path)
    music = sound - before
    alone = level_of(music[round(2.5 * RATE) : 3 * RATE], 3000)
    under = level_of(music[5 * RATE : round(5.5 * RATE)], 3000)
    assert alone - under == pytest.approx(14, abs=1.0)


def test_the_loudness_is_that_of_the_whole_with_its_music(made, tmp_path):
    episode = made().room(0.5).speech("one two three four five six " * 3).room(0.5)
    recipe = Recipe.from_data(
        {**KEPT, "music": {"intro": tone(tmp_path, "i.wav", 700, 3.0)}, "loudness": {"target": -20}}
    )
    clean_up(episode.written(), tmp_path / "out.wav", recipe, listener=episode.listener())
    assert loudness_lufs(blocks(probe(tmp_path / "out.wav"))) == pytest.approx(-20, abs=0.2)


def test_music_that_is_not_there_is_told(made, tmp_path):
    episode = made().room(1.0).speech("we went home").room(1.0)
    recipe = Recipe.from_data({**KEPT, "music": {"intro": str(tmp_path / "nowhere.wav")}})
    with pytest.raises(AudioFileError, match=r"nowhere\.wav"):
        clean_up(episode.written(), tmp_path / "out.wav", recipe, listener=episode.listener())
    assert not (tmp_path / "out.wav").exists()
