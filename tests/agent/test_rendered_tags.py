"""A podcast goes through a session: what its file says about it comes out at the new times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from mutagen.id3 import APIC, CHAP, COMM, CTOC, ID3, TIT2, TLEN, TPE1, TXXX, WXXX

from qwen_audio_agent.agent.session import Session

RATE = 44_100
COVER = b"\x89PNG" + bytes(range(256)) * 40


@pytest.fixture
def podcast(tmp_path: Path) -> Path:
    """20 s in four chapters of 5 s, with what podcast tools write."""
    path = tmp_path / "talk.mp3"
    noise = np.random.default_rng(0).normal(0, 0.1, (20 * RATE, 1))
    soundfile.write(path, noise, RATE, format="MP3")
    tags = ID3()
    tags.add(TIT2(encoding=1, text=["Gespräch über 采访"]))
    tags.add(TPE1(encoding=3, text=["Zoë"]))
    tags.add(TLEN(encoding=0, text=["20000"]))
    tags.add(COMM(encoding=3, lang="deu", desc="notes", text=["Anmerkung"]))
    tags.add(TXXX(encoding=3, desc="EPISODE", text=["42"]))
    tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=COVER))
    for number in range(4):
        inner = [
            TIT2(encoding=1, text=[f"Kapitel {number} – Äpfel"]),
            WXXX(encoding=0, desc="link", url=f"https://example.org/{number}"),
            APIC(encoding=3, mime="image/png", type=0, desc="", data=COVER[:100] * (number + 1)),
        ]
        start = 5000 * number
        key = f"c{number}"
        tags.add(CHAP(element_id=key, start_time=start, end_time=start + 5000, sub_frames=inner))
    children = [f"c{number}" for number in range(4)]
    tags.add(CTOC(element_id="toc", flags=3, child_element_ids=children, sub_frames=[]))
    tags.save(path)
    return path


def test_chapters_cover_and_texts_of_an_mp3_are_there_after_a_cut(
    podcast: Path, tmp_path: Path
) -> None:
    with Session.create(tmp_path / "session", [podcast]) as session:
        session.call("cut", audio=1, start=4.0, end=12.0)
        written = session.render(session.latest, tmp_path / "out.mp3")
        joins = session.audio(session.latest).time_map.stretches

    tags = ID3(tmp_path / "out.mp3")
    assert tags["TIT2"].text == ["Gespräch über 采访"]
    assert tags["TPE1"].text == ["Zoë"]
    assert tags["APIC:"].data == COVER
    assert tags["COMM:notes:deu"].text == ["Anmerkung"]
    assert tags["TXXX:EPISODE"].text == ["42"]
    assert tags["TLEN"].text == [str(written.num_frames * 1000 // RATE)]
    assert tags["CTOC:toc"].child_element_ids == ["c0", "c2", "c3"]
    # What lies behind the cut moved by as much as was cut, which the time map knows to the frame.
    gone = joins[1].source_start - joins[1].start
    times = {f.element_id: (f.start_time, f.end_time) for f in tags.getall("CHAP")}
    third = round((15 * RATE - gone) * 1000 / RATE)
    join = round(joins[1].start * 1000 / RATE)
    end = round((20 * RATE - gone) * 1000 / RATE)
    assert times == {"c0": (0, join), "c2": (join, third), "c3": (third, end)}
    third_chapter = tags["CHAP:c3"].sub_frames
    assert third_chapter["TIT2"].text == ["Kapitel 3 – Äpfel"]
    assert third_chapter["WXXX:link"].url == "https://example.org/3"
    assert third_chapter["APIC:"].data == COVER[:100] * 4
    assert tags["CHAP:c0"].start_offset == tags["CHAP:c3"].end_offset == 0xFFFFFFFF
    assert written.notes == ()
