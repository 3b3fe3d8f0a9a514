"""The ways to take silence out that `benchmark.py cleanup` compares; each is its own process.

All are told to leave `GAP_S` of a silence that is longer than `LEAST_S`, and to call silent what
is below `THRESHOLD_DB`, where they ask. pydub, auto-editor and we leave half of it on either side;
sox leaves all of it behind the speech, and ffmpeg half of it before the speech that follows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import soundfile

GAP_S = 0.3
LEAST_S = 0.5
THRESHOLD_DB = -40
BLOCK = 1 << 19
AUTO_EDITOR = "auto-editor==23.32.1"
# Its own requirements ask for what is not there any more; these run it.
AUTO_EDITOR_NEEDS = ("numpy<2", "Pillow<11", "av", "ae-ffmpeg")


def limit(source: str, out: str) -> None:
    """Decode and encode all of it, as integers, and bring it to the disk."""
    with (
        soundfile.SoundFile(source) as reader,
        soundfile.SoundFile(out, "w", reader.samplerate, reader.channels, reader.subtype) as writer,
    ):
        while len(block := reader.read(BLOCK, dtype="int32")):
            writer.write(block)
    with Path(out).open("rb+") as written:
        os.fsync(written.fileno())


def ours_silence(source: str, out: str) -> None:
    """Silence alone, from the signal alone: nothing is heard."""
    from qwen_audio_agent.audio.files import probe
    from qwen_audio_agent.cleanup.episode import apply_plan, plan_heard
    from qwen_audio_agent.cleanup.recipe import Ends, Fillers, Pauses, Recipe
    from qwen_audio_agent.speech.words import Transcript

    pauses = Pauses(longer_than=LEAST_S, to=GAP_S)
    ends = Ends(head=GAP_S / 2, tail=GAP_S / 2)
    recipe = Recipe(fillers=Fillers(policy="keep"), pauses=pauses, ends=ends)
    file = probe(Path(source))
    planned = plan_heard(file, recipe, Transcript((), file.duration))
    apply_plan(planned.plan, file, out)


def ours_edits(source: str, out: str) -> None:
    """Everything of the recipe "podcast" but its effects; the words are known."""
    _ours(source, out, effects=False)


def ours_whole(source: str, out: str) -> None:
    """Everything of the recipe "podcast", and the page to listen to; the words are known."""
    _ours(source, out, effects=True)


def _ours(source: str, out: str, *, effects: bool) -> None:
    import episodes
    from evaluate_cleanup import known_words, silent

    from qwen_audio_agent.audio.files import probe
    from qwen_audio_agent.cleanup.episode import apply_plan, plan_heard
    from qwen_audio_agent.cleanup.recipe import load_recipe
    from qwen_audio_agent.cleanup.report import make_report, write_report

    recipe = load_recipe("podcast")
    file = probe(Path(source))
    words = known_words(episodes.read_truth(Path(source)))
    planned = plan_heard(file, recipe if effects else silent(recipe), words)
    applied = apply_plan(planned.plan, file, out, measures=effects)
    if applied.measured:
        report = make_report(
            planned.plan,
            planned.transcript,
            [file],
            [Path(out)],
            measured={**planned.measured, **applied.measured},
        )
        write_report(report, Path(out).with_suffix(".html"))


def pydub(source: str, out: str) -> None:
    """split_on_silence and a join, as its documentation shows."""
    from pydub import AudioSegment
    from pydub.silence import split_on_silence

    parts = split_on_silence(
        AudioSegment.from_file(source),
        min_silence_len=round(1000 * LEAST_S),
        silence_thresh=THRESHOLD_DB,
        keep_silence=round(500 * GAP_S),
    )
    result = parts[0]
    for part in parts[1:]:
        result = result.append(part, crossfade=0)
    result.export(out, format=Path(out).suffix[1:])


def ffmpeg_command(source: str, out: str) -> list[str]:
    """The filter silenceremove, which leaves as much of a silence as it needs to know it by."""
    silence = (
        f"silenceremove=start_periods=1:start_threshold={THRESHOLD_DB}dB:start_silence={GAP_S / 2}"
        f":stop_periods=-1:stop_duration={GAP_S}:stop_threshold={THRESHOLD_DB}dB:detection=rms"
    )
    coding = ["-c:a", "pcm_s24le"] if out.endswith(".wav") else []
    return ["ffmpeg", "-v", "error", "-y", "-i", source, "-af", silence, *coding, out]


def sox_command(source: str, out: str) -> list[str]:
    """The effect silence, which leaves as much of a silence as it needs to know it by."""
    limits = [str(GAP_S), f"{THRESHOLD_DB}d"]
    return ["sox", "-D", source, out, "silence", "-l", "1", "0.02", limits[1], "-1", *limits]


def auto_editor_command(python: Path, source: str, out: str) -> list[str]:
    """The program in a virtual environment of its own.

    It keeps the levels of a file by its name where temporary files lie: none of another run.
    """
    temporary = tempfile.mkdtemp(dir=Path(out).parent)
    threshold = 10 ** (THRESHOLD_DB / 20)
    options = ["--edit", f"audio:threshold={threshold:g}", "--margin", f"{GAP_S / 2}s"]
    command = [str(python), "-m", "auto_editor", source, *options, "--no-open", "-o", out]
    return ["env", f"TMPDIR={temporary}", *command]


def install_auto_editor(folder: Path) -> Path:
    """Its last version that is Python, in a virtual environment that can be thrown away."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", AUTO_EDITOR], check=True)
    subprocess.run([*pip, *AUTO_EDITOR_NEEDS], check=True)
    return python


PYTHON: dict[str, Callable[[str, str], None]] = {
    "limit": limit,
    "ours, silence": ours_silence,
    "ours, edits": ours_edits,
    "ours, whole": ours_whole,
    "ours, whole to ogg": ours_whole,
    "ours, whole to mp3": ours_whole,
    "ours, whole of mp3 to mp3": ours_whole,
    "pydub": pydub,
}
PROGRAMS = {"ffmpeg": ffmpeg_command, "sox": sox_command}


if __name__ == "__main__":
    _, way, recording, output = sys.argv
    PYTHON[way](recording, output)
