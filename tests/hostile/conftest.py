"""Small recordings of every kind, to be damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

try:
    import av
except ImportError:  # an optional part: what only it reads is left out
    av = None

_BY_LIBSNDFILE = [
    ("mono.wav", 8_000, 1, "WAV", "PCM_16"),
    ("deep.wav", 16_000, 2, "WAVEX", "PCM_24"),
    ("float.wav", 8_000, 2, "WAV", "FLOAT"),
    ("double.wav", 8_000, 1, "WAV", "DOUBLE"),
    ("blocks.wav", 8_000, 1, "WAV", "IMA_ADPCM"),
    ("large.wav", 8_000, 1, "RF64", "PCM_16"),
    ("stereo.flac", 16_000, 2, "FLAC", "PCM_16"),
    ("vorbis.ogg", 16_000, 1, "OGG", "VORBIS"),
    ("mono.opus", 48_000, 1, "OGG", "OPUS"),
    ("mono.mp3", 16_000, 1, "MP3", "MPEG_LAYER_III"),
    ("stereo.mp3", 44_100, 2, "MP3", "MPEG_LAYER_III"),
    ("stereo.aiff", 8_000, 2, "AIFF", "PCM_16"),
    ("mono.au", 8_000, 1, "AU", "PCM_16"),
    ("mono.caf", 8_000, 1, "CAF", "PCM_16"),
    ("alac.caf", 8_000, 1, "CAF", "ALAC_16"),
    ("mono.w64", 8_000, 1, "W64", "PCM_16"),
    ("mono.voc", 8_000, 1, "VOC", "PCM_16"),
]
_BY_FFMPEG = [
    ("aac.m4a", "aac", "fltp"),
    ("alac.m4a", "alac", "s16p"),
    ("aac.mp4", "aac", "fltp"),
    ("pcm.mov", "pcm_s16le", "s16"),
    ("opus.webm", "libopus", "flt"),
    ("pcm.mka", "pcm_s16le", "s16"),
    ("mp2.ts", "mp2", "s16"),
    ("pcm.avi", "pcm_s16le", "s16"),
    ("aac.flv", "aac", "fltp"),
    ("aac.aac", "aac", "fltp"),
    ("ac3.ac3", "ac3", "fltp"),
    ("mono.wv", "wavpack", "s16p"),
    ("mono.tta", "tta", "s16"),
]


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of intact recordings, 0.3 s each, in all formats at hand."""
    folder = tmp_path_factory.mktemp("seeds")
    for name, rate, num_channels, container, subtype in _BY_LIBSNDFILE:
        sound = _sound(round(0.3 * rate), num_channels)
        soundfile.write(folder / name, sound.T, rate, subtype, format=container)
    if av is not None:
        for name, codec, sample_format in _BY_FFMPEG:
            _encode(folder / name, codec, sample_format)
    return folder


@pytest.fixture
def encode() -> Callable[..., Path]:
    """Makes a recording with FFmpeg: encode(path, codec, sample format, title="...")."""
    pytest.importorskip("av", reason="needs the media extra (PyAV)")
    return _encode


def _encode(path: Path, codec: str, sample_format: str, **tags: str) -> Path:
    sound = _sound(14_400, 1)
    if sample_format.startswith("s16"):
        sound = (sound * 2**15).astype(np.int16)
    with av.open(str(path), "w") as container:
        container.metadata.update(tags)
        stream = container.add_stream(codec, rate=48_000, layout="mono")
        stream.format = sample_format
        for start in range(0, sound.shape[1], 960):
            block = np.ascontiguousarray(sound[:, start : start + 960])
            frame = av.AudioFrame.from_ndarray(block, sample_format, "mono")
            frame.sample_rate, frame.pts = 48_000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _sound(num_frames: int, num_channels: int) -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal((num_channels, num_frames))
    tone = 0.3 * np.sin(0.1 * np.arange(num_frames))
    return (tone + 0.02 * noise).astype(np.float32)
