"""Cleaning up many episodes: each once, side by side, and after a kill only what is not done yet.

    inputs -> jobs -> engine (processes, or Ray) -> entries -> ledger -> summary

`running.clean_up_all` is the whole way. One episode is one job; what it came to is one entry, one
line of the ledger in the output folder.
"""

from qwen_audio_agent.cleanup.batch.entry import Entry
from qwen_audio_agent.cleanup.batch.running import Moment, Options, clean_up_all
from qwen_audio_agent.cleanup.batch.summary import Summary

__all__ = ["Entry", "Moment", "Options", "Summary", "clean_up_all"]
