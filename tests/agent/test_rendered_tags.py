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


def write_faint(path: Path, seconds: int) -> None:
    """Noise that is too faint to be listened to."""
    noise = np.random.default_rng(seconds).normal(0, 1e-4, (seconds * RATE, 1))
    soundfile.write(path, noise, RATE)


@pytest.fixture
def podcast(tmp_path: Path) -> Path:
    """20 s in four chapters of 5 s, with what podcast tools write."""
    path = tmp_path / "talk.mp3"
    write_faint(path, 20)
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
    told = "chapters whose sound went entirely are left out: Kapitel 1 – Äpfel"
    assert written.notes == (told,)


def test_a_jingle_before_a_talk_moves_its_chapters_and_does_not_lend_it_its_tags(
    podcast: Path, tmp_path: Path
) -> None:
    jingle = tmp_path / "jingle.wav"
    write_faint(jingle, 2)
    with Session.create(tmp_path / "session", [podcast, jingle]) as session:
        session.call("insert", audio=1, other=2, at=0.0)
        session.render(session.latest, tmp_path / "out.mp3")
    tags = ID3(tmp_path / "out.mp3")
    assert tags["TIT2"].text == ["Gespräch über 采访"]
    assert [tags[f"CHAP:c{i}"].start_time for i in range(4)] == [2000, 7000, 12_000, 17_000]


def test_two_talks_that_are_joined_have_the_chapters_of_both(podcast: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp3"
    write_faint(other, 4)
    tags = ID3()
    inner = [TIT2(encoding=3, text=["Von anderswo"])]
    tags.add(CHAP(element_id="c0", start_time=1000, end_time=4000, sub_frames=inner))
    tags.save(other)
    with Session.create(tmp_path / "session", [podcast, other]) as session:
        session.call("insert", audio=1, other=2, at=20.0)
        session.render(session.latest, tmp_path / "out.mp3")
    written = ID3(tmp_path / "out.mp3")
    assert sorted(frame.start_time for frame in written.getall("CHAP"))[-2:] == [15_000, 21_000]
    (last,) = (frame for frame in written.getall("CHAP") if frame.start_time == 21_000)
    assert last.sub_frames["TIT2"].text == ["Von anderswo"]
    assert last.element_id in written["CTOC:toc"].child_element_ids
