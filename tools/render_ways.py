"""The ways to render many cuts that `benchmark.py render` compares; each is its own process."""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import soundfile

SAMPLE_RATE = 44_100
BLOCK = 1 << 19
CROSSFADE_MS = 10
Kept = list[list[int]]


def limit(source: str, kept: Kept, out: str) -> None:
    """Copy what is kept, as integers, and bring it to the disk, as we do."""
    with (
        soundfile.SoundFile(source) as reader,
        soundfile.SoundFile(out, "w", reader.samplerate, reader.channels, reader.subtype) as writer,
    ):
        for start, end in kept:
            reader.seek(start)
            for at in range(start, end, BLOCK):
                writer.write(reader.read(min(BLOCK, end - at), dtype="int16"))
    with Path(out).open("rb+") as written:
        os.fsync(written.fileno())


def ours(source: str, kept: Kept, out: str) -> None:
    """An edit list with all the cuts, rendered."""
    from qwen_audio_agent.audio.files import probe
    from qwen_audio_agent.audio.samples import Span
    from qwen_audio_agent.editing.edit_list import EditList
    from qwen_audio_agent.editing.operations import cut
    from qwen_audio_agent.editing.render import render
    from qwen_audio_agent.editing.sources import Sources

    file = probe(Path(source))
    gone = [Span(start, end) for (_, start), (end, _) in itertools.pairwise(kept)]
    edit_list = cut(EditList.from_file("s1", file), *gone)
    with tempfile.TemporaryDirectory() as cache:
        sources = Sources(Path(cache))
        sources.add_file("s1", file)
        render(edit_list, sources, Path(out))


def pydub(source: str, kept: Kept, out: str) -> None:
    """AudioSegment slices appended with a crossfade, as its documentation shows."""
    from pydub import AudioSegment

    segment = AudioSegment.from_file(source)
    ms = [[round(1000 * f / SAMPLE_RATE) for f in span] for span in kept]
    result = segment[ms[0][0] : ms[0][1]]
    for start, end in ms[1:]:
        result = result.append(segment[start:end], crossfade=CROSSFADE_MS)
    result.export(out, format=Path(out).suffix[1:])


def ffmpeg_command(source: str, kept: Kept, out: str) -> list[str]:
    """The concat demuxer: the way that is advised for many cuts (no fades)."""
    script = Path(out).with_suffix(".txt")
    lines = ["ffconcat version 1.0"]
    for start, end in kept:
        lines += [
            f"file '{source}'",
            f"inpoint {start / SAMPLE_RATE}",
            f"outpoint {end / SAMPLE_RATE}",
        ]
    script.write_text("\n".join(lines))
    return [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-y",
        "-f",
        "concat",
        "-safe",
        "0",
        "-i",
        str(script),
        out,
    ]


def sox_command(source: str, kept: Kept, out: str) -> list[str]:
    """One trim effect with every edge (no fades)."""
    edges = [f"={edge}s" for span in kept for edge in span]
    return ["sox", source, out, "trim", *edges]


PYTHON: dict[str, Callable[[str, Kept, str], None]] = {"limit": limit, "ours": ours, "pydub": pydub}
PROGRAMS = {"sox": sox_command, "ffmpeg": ffmpeg_command}


if __name__ == "__main__":
    _, way, recording, spans_file, output = sys.argv
    PYTHON[way](recording, json.loads(Path(spans_file).read_text()), output)
