"""Edit without any model: spans of frames, exact, rendered in constant memory."""

import tempfile
from pathlib import Path

from qwen_audio_agent import EditList, Span, probe
from qwen_audio_agent.editing.operations import cut, fade
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources

recording = probe(Path("examples/interview.flac"))
rate = recording.sample_rate
programme = EditList.from_file("interview", recording)
programme = cut(programme, Span.from_seconds(1.78, 2.96, rate))
programme = fade(programme, fade_in=rate // 10, fade_out=rate // 2)
with tempfile.TemporaryDirectory() as cache:
    sources = Sources(Path(cache))
    sources.add_file("interview", recording)
    written = render(programme, sources, Path("by_hand.flac"))
print(f"{recording.duration:.2f} s -> {written.duration:.2f} s")
