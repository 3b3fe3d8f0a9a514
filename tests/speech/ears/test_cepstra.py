import numpy as np
import pocketsphinx
import pytest

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.resampling import to_16k_mono
from qwen_audio_agent.speech.ears.cepstra import cepstra, features


@pytest.fixture(scope="module")
def samples(interview):
    return to_16k_mono(read(probe(interview))).samples[0, :48000]


def test_cepstra_are_those_of_pocketsphinx(samples, tmp_path):
    decoder = pocketsphinx.Decoder(
        mfclogdir=str(tmp_path), lm=None, keyphrase="hello", loglevel="FATAL"
    )
    decoder.start_utt()
    decoder.process_raw((samples * 32768).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    (dumped,) = tmp_path.iterdir()
    theirs = np.frombuffer(dumped.read_bytes()[4:], ">f4").reshape(-1, 13)
    quantised = (samples * 32768).astype("<i2").astype(np.float32) / 32768
    ours = cepstra(quantised)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_features_do_not_change_with_the_level(samples):
    quiet = features(cepstra(samples * 0.5))
    np.testing.assert_allclose(quiet, features(cepstra(samples)), atol=0.3)


@pytest.mark.parametrize("num_frames", [1, 409, 410, 570, 571])
def test_short_and_silent_sound_has_finite_features(num_frames):
    rows = features(cepstra(np.zeros(num_frames, np.float32)))
    assert rows.shape == (3, max(1, 1 + -(-(num_frames - 410) // 160)), 13)
    assert np.isfinite(rows).all()
