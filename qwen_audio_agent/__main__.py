"""`python -m qwen_audio_agent` is the command `qwen-audio-agent`."""

import sys

from qwen_audio_agent.cli import main

sys.exit(main())
