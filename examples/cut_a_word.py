"""Cut a word by name, hear that the join is clean, and write the result."""

import shutil
from pathlib import Path

from qwen_audio_agent import Session

shutil.rmtree("cut.session", ignore_errors=True)
with Session.create("cut.session", ["examples/interview.flac"]) as session:
    step = session.call("cut", audio=1, words="old wooden gate")
    print(step.text, step.verdict_text)
    session.render(session.latest, Path("without.flac"))
