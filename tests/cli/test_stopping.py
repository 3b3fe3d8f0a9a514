"""What a command that was told to stop reports."""

from __future__ import annotations

import os
import signal

import pytest

from qwen_audio_agent.cli.stopping import exit_status, stopped_by_signals


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_the_signal_is_known_also_when_a_library_raises_anew(name: str) -> None:
    number = getattr(signal, name)
    with stopped_by_signals():
        with pytest.raises(KeyboardInterrupt) as stop:
            os.kill(os.getpid(), number)
        assert exit_status(stop.value) == 128 + number
        assert exit_status(KeyboardInterrupt()) == 128 + number
    with stopped_by_signals():
        assert exit_status(KeyboardInterrupt()) == 130
