import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.whisper.generation_whisper import _dynamic_time_warping, _median_filter

from qwen_audio_agent.model.ears.warping import attended, first_frames


@given(st.integers(1, 12), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_path_is_that_of_whisper(num_tokens, num_frames, seed):
    gain = np.random.default_rng(seed).normal(size=(num_tokens, num_frames))
    tokens, frames = _dynamic_time_warping(-gain)
    assert first_frames(gain).tolist() == [frames[tokens == t][0] for t in range(num_tokens)]


def test_tokens_begin_where_they_look():
    gain = np.zeros((3, 100))
    gain[0, :30] = gain[1, 30:70] = gain[2, 70:] = 1
    assert first_frames(gain).tolist() == [0, 30, 70]


def test_more_tokens_than_frames_share_them():
    assert sorted(first_frames(np.ones((5, 2))).tolist())[-1] <= 1


def test_attention_is_weighed_as_whisper_does():
    looks = torch.rand(2, 5, 50, generator=torch.Generator().manual_seed(3))
    cropped = looks[..., :40] / looks[..., :40].sum(-1, keepdim=True)
    spread = cropped.std(dim=-2, keepdim=True, unbiased=False)
    normal = (cropped - cropped.mean(dim=-2, keepdim=True)) / spread
    expected = _median_filter(normal, 7).mean(dim=0).numpy()
    found = attended(looks[..., :40].numpy(), 7)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_a_head_that_looks_nowhere_is_no_error():
    assert np.isfinite(attended(np.zeros((1, 3, 10), np.float32), 7)).all()
