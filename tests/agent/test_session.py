"""A session keeps everything, gives it back, and never lets two processes in."""

from __future__ import annotations

import numpy as np
import soundfile


def test_a_cut_word_is_gone_and_the_rest_is_kept_bit_for_bit(start, said, tmp_path):
    session = start("alpha bravo charlie delta")
    step = session.call("cut", audio=1, words="bravo")
    assert step.audio == 2
    assert said(session, 2) == "alpha charlie delta"
    file = session.render(2, tmp_path / "out.wav")
    before, _ = soundfile.read(tmp_path / "talk1.wav", dtype="int16")
    after, _ = soundfile.read(file.path, dtype="int16")
    assert file.subtype == "PCM_16"
    removed = len(before) - len(after)
    same_head = int(np.argmax(before[: len(after)] != after))
    same_tail = int(np.argmax(before[::-1][: len(after)] != after[::-1]))
    assert removed > 0
    assert len(after) - same_head - same_tail < 0.02 * 16_000
