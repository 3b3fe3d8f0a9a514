"""Sound as the network takes it: clips of up to 30 s at 16 kHz, and their log-mel spectrogram."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.resampling import to_16k_mono
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.errors import AudioFileError

SAMPLE_RATE: Final = 16_000
HOP: Final = 160
WINDOW: Final = 400
NUM_MELS: Final = 80
LONGEST_SECONDS: Final = 30.0
MAX_SAMPLES: Final = int(LONGEST_SECONDS) * SAMPLE_RATE
MAX_FRAMES: Final = MAX_SAMPLES // HOP
MIN_SAMPLES: Final = 3 * HOP
TOKENS_PER_SECOND: Final = 25


@dataclass(frozen=True, slots=True)
class ClipLengths:
    """How long a clip is on its way through the network.

    Attributes:
        conv_frames: frames after the convolutions, 50 per second.
        num_tokens: places that its sound takes in a prompt, 25 per second.
    """

    conv_frames: int
    num_tokens: int

    @property
    def span(self) -> int:
        """Places in a prompt with the opening and the closing token."""
        return self.num_tokens + 2


def clip_lengths(num_samples: int) -> ClipLengths:
    """The lengths of a clip of `num_samples` at 16 kHz; what is over 30 s does not count.

    Source: QwenLM/Qwen-Audio, audio.py, at 0b0e882e.
    """
    mel_frames = min(num_samples, MAX_SAMPLES) // HOP
    conv_frames = (mel_frames + 1) // 2
    return ClipLengths(conv_frames, conv_frames // 2)


@dataclass(frozen=True)
class AudioClip:
    """One audio of a prompt.

    Attributes:
        samples: float32 (num_samples,) in [-1, 1] at 16 kHz, one channel, read-only.
        path: where it came from, to be named in a prompt's text; "" if it has no file.
    """

    samples: npt.NDArray[np.float32]
    path: str = ""

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise TypeError("a clip needs float32 samples of one channel")
        if not np.isfinite(self.samples).all():
            raise ValueError("a clip's samples must be finite")
        self.samples.setflags(write=False)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def lengths(self) -> ClipLengths:
        """Its lengths in the network."""
        return clip_lengths(len(self.samples))

    @cached_property
    def key(self) -> str:
        """Decided by the samples alone; equal sounds have equal keys."""
        return hashlib.sha256(self.samples.tobytes()).hexdigest()

    def mel(self) -> Tensor:
        """Log-mel, padded with silence to 30 s: float32 (80, 3000)."""
        return log_mel(self.samples)


def clip_of(
    audio: Audio,
    path: str = "",
    *,
    cut_at_limit: bool = False,
    longest_seconds: float = LONGEST_SECONDS,
) -> AudioClip:
    """A clip from sound of any rate and number of channels.

    Args:
        audio: the sound.
        path: what names it in a prompt's text.
        cut_at_limit: drop what is too long, as the original code does without a word.
        longest_seconds: what the model hears at once.

    Raises:
        AudioFileError: it is shorter than 30 ms, or longer than what the model hears at once.
    """
    samples = to_16k_mono(audio).samples[0]
    clip = AudioClip(np.ascontiguousarray(samples, dtype=np.float32), path)
    named = f"'{path}'" if path else "this audio"
    if len(clip.samples) < MIN_SAMPLES:
        raise AudioFileError(
            f"{named} is {clip.seconds:.3f} s long; the model hears nothing under 0.03 s"
        )
    if clip.seconds > longest_seconds:
        if not cut_at_limit:
            raise _too_long(named, clip.seconds, longest_seconds)
        clip = AudioClip(clip.samples[: int(longest_seconds * SAMPLE_RATE)].copy(), path)
    return clip


def read_clip(
    path: str | Path,
    start: float = 0.0,
    end: float | None = None,
    *,
    cut_at_limit: bool = False,
    longest_seconds: float = LONGEST_SECONDS,
) -> AudioClip:
    """A clip from a file.

    Args:
        path: a recording of any format that the package reads.
        start: seconds.
        end: seconds; the end of the recording if None.
        cut_at_limit: as `clip_of`.
        longest_seconds: as `clip_of`.

    Raises:
        AudioFileError: the file cannot be read, or the clip is too short or too long.
    """
    file = probe(Path(path))
    first = min(round(start * file.sample_rate), file.num_frames)
    last = file.num_frames if end is None else min(round(end * file.sample_rate), file.num_frames)
    # Hours need not come into memory to be refused.
    most = round((longest_seconds + 1.0) * file.sample_rate)
    if last - first > most:
        if not cut_at_limit:
            raise _too_long(f"'{path}'", (last - first) / file.sample_rate, longest_seconds)
        last = first + most
    audio = read(file, Span(first, max(last, first)))
    return clip_of(audio, str(path), cut_at_limit=cut_at_limit, longest_seconds=longest_seconds)


def _too_long(named: str, seconds: float, longest_seconds: float) -> AudioFileError:
    return AudioFileError(
        f"{named} is {seconds:.1f} s long and the model hears {longest_seconds:.0f} s at once; "
        "give it a part, or transcribe it, which goes through it in parts"
    )


def log_mel(samples: npt.NDArray[np.float32]) -> Tensor:
    """The log-mel spectrogram of a clip, padded with silence to 30 s.

    Args:
        samples: float32 (num_samples,) in [-1, 1] at 16 kHz; what is over 30 s is left out.

    Returns:
        float32 (80, 3000), log10 power in a range of 8, about -1.5 to 1.5.

    Source: the front end of Whisper (openai/whisper, audio.py), with the filters of
        librosa.filters.mel(sr=16000, n_fft=400, n_mels=80).
    """
    sound = torch.from_numpy(np.array(samples[:MAX_SAMPLES]))
    # Frames that touch no sound are equal: only the others are computed.
    sounding = min(len(sound) // HOP + 3, MAX_FRAMES)
    # On the CPU and in float32, whatever is torch's default while a model is made or used.
    padded = sound.new_zeros(min(sounding * HOP + WINDOW, MAX_SAMPLES))
    padded[: len(sound)] = sound
    window = torch.hann_window(WINDOW, dtype=sound.dtype, device=sound.device)
    spectrum = torch.stft(
        padded, WINDOW, HOP, window=window, center=True, pad_mode="reflect", return_complex=True,
    )[:, :sounding]  # (201, sounding)  # fmt: skip
    power = _mel_filters() @ spectrum.abs().square()
    logs = power.clamp(min=1e-10).log10()
    whole = sound.new_full((NUM_MELS, MAX_FRAMES), -10.0)
    whole[:, :sounding] = logs
    return (torch.maximum(whole, logs.max() - 8.0) + 4.0) / 4.0


@cache
def _mel_filters() -> Tensor:
    """Slaney's triangles from 0 to 8 kHz: float32 (80, 201)."""
    from librosa.filters import mel

    filters: npt.NDArray[np.float32] = mel(sr=SAMPLE_RATE, n_fft=WINDOW, n_mels=NUM_MELS)
    return torch.from_numpy(filters)
