"""Sound on the way: nothing of it is left, not even by a process that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.scratch import scratch_folder

ROOT = Path(__file__).parent.parent.parent
# A fork leaves the folder of its parent alone, and a second process that of the first.
PROBE = """
import os, sys
from qwen_audio_agent.audio.files import probe
probe(sys.argv[1])
if os.fork() == 0:
    sys.exit()
os.wait()
print(*os.listdir(os.environ["TMPDIR"]), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return folder


def test_it_is_there_while_its_block_lasts_and_takes_all_if_asked_to(temporary: Path) -> None:
    with scratch_folder() as folder, scratch_folder() as other:
        assert folder != other
        assert folder.is_dir()
        assert other.is_dir()
        assert tempfile.gettempdir() == str(temporary)
    with scratch_folder(takes_all=True) as folder:
        assert tempfile.gettempdir() == str(folder)
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_the_copies_of_a_killed_process_are_removed_by_the_next(
    temporary: Path, tmp_path: Path
) -> None:
    talk = tmp_path / "talk.mp3"
    soundfile.write(talk, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)

    def start() -> tuple[subprocess.Popen[str], set[str]]:
        how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen([sys.executable, "-c", PROBE, str(talk)], **how)
        return process, set(process.stdout.readline().split())

    (killed, first), (other, both) = start(), start()
    with killed, other:
        assert len(first) == 2
        assert first < both
        killed.kill()
        killed.wait()
        with start()[0] as last:
            there = {path.name for path in temporary.iterdir()}
            assert not first & there
            assert both - first < there
            last.communicate()
        other.communicate()
    assert list(temporary.iterdir()) == []
