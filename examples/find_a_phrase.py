"""Where is a phrase said? Times in seconds, with a probability, best first."""

from pathlib import Path

from qwen_audio_agent import Listener, open_ear, probe

recording = probe(Path("examples/interview.flac"))
listener = Listener(open_ear("auto"), cache_folder=None)
print(listener.transcribe(recording).text)
for match in listener.find(recording, "every morning"):
    doubt = " (doubtful)" if match.doubtful else ""
    print(f"{match.start:.2f} to {match.end:.2f} s: {match.probability:.2f}{doubt}")
