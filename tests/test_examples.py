"""Every example runs as it stands, in a folder that holds `examples/`.

What they hear is kept for the whole run, as it is for a person who tries one after the other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_example_runs(script: Path, heard: Path, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    environment = {**os.environ, "QWEN_AUDIO_AGENT_CACHE": str(heard)}
    subprocess.run(
        [sys.executable, f"examples/{script.name}"], check=True, cwd=tmp_path, env=environment
    )
    assert script.read_text(encoding="utf-8").count("\n") < 40
