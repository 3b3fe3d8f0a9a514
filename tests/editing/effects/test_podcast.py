"""The whole chain on a recording, from file to file."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import blocks, probe
from qwen_audio_agent.audio.hum import find_hum
from qwen_audio_agent.audio.levels import loudness_lufs, noise_floor_dbfs, true_peak_dbtp
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.effects.podcast import podcast_effects
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources


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


@pytest.mark.parametrize("suffix", ["flac", "mp3"])
def test_noise_and_hum_go_and_the_loudness_is_right(
    suffix: str, recorded: Path, tmp_path: Path
) -> None:
    sources = Sources(tmp_path / "cache")
    sources.add_file("a", probe(recorded))
    loudness = loudness_lufs(blocks(probe(recorded)))
    edit_list = dataclasses.replace(
        EditList.from_file("a", sources.files["a"]),
        effects=podcast_effects(loudness_lufs=loudness),
    )
    render(edit_list, sources, tmp_path / f"out.{suffix}")
    made = probe(tmp_path / f"out.{suffix}")
    assert loudness_lufs(blocks(made)) == pytest.approx(-16, abs=0.2)
    assert true_peak_dbtp(blocks(made)) <= -1
    assert find_hum(blocks(made)) is None
    louder = -16 - loudness
    assert noise_floor_dbfs(blocks(made)) < noise_floor_dbfs(blocks(probe(recorded))) + louder - 6


LONG = """
import sys, dataclasses
from pathlib import Path
from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.effects.podcast import podcast_effects
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
source, output = map(Path, sys.argv[1:])
sources = Sources(output.parent / "cache")
sources.add_file("a", probe(source))
whole = EditList.from_file("a", sources.files["a"])
render(dataclasses.replace(whole, effects=podcast_effects()), sources, output)
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
