"""An hour of audio and 20 calls: the state stays small, silent, and the memory bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is told on Linux")
@pytest.mark.parametrize("kind", ["hears", pytest.param("reads", marks=pytest.mark.slow)])
def test_an_hour_is_edited_in_little_memory_and_state(tmp_path: Path, kind: str) -> None:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    code = "from tests.langchain.one_hour import tell; import sys, pathlib; "
    code += "tell(pathlib.Path(sys.argv[1]), sys.argv[2])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), kind],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    cost = json.loads(done.stdout)
    assert cost["num_steps"] == 20
    assert cost["state_bytes"] < 40_000
    assert not cost["has_sound"]
    assert cost["mib"] < 400
