"""Every kind of file through a cut into every kind of file: what it says comes out, re-timed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.audio.tags.files import read_tags
from qwen_audio_agent.audio.tags.values import Chapter
from qwen_audio_agent.editing import operations
from qwen_audio_agent.editing.edit_list import EditList, EffectCall
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
from tests.editing.tags.conftest import CHAPTERS, PNG, RATE, STARTS, TITLE, WRITERS, lines_ms

CUT = Span(round(2.0 * RATE), round(7.0 * RATE))
"""All of the second chapter and the beginning of the third."""
AFTER = [(0, CHAPTERS[0]), (2000, CHAPTERS[2]), (4750, CHAPTERS[3])]
"""What is left: (milliseconds, title)."""
KINDS = list(WRITERS)


def edited(source: Path, out: Path, *, whole: bool = False) -> AudioFile:
    """What comes of a recording after the cut."""
    file = probe(source, out.parent / "cache")
    sources = Sources(out.parent / "cache")
    sources.add_file("talk", file)
    edit_list = EditList.from_file("talk", file)
    return render(edit_list if whole else operations.cut(edit_list, CUT), sources, out)


@pytest.mark.parametrize("target", [*KINDS, ".aiff"])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_cover_and_chapters_survive_a_cut(
    tagged: dict[str, Path], tmp_path: Path, kind: str, target: str
) -> None:
    written = edited(tagged[kind], tmp_path / f"out{target}")

    file = probe(written.path, tmp_path / "cache")
    tags = read_tags(file)
    texts = tags.texts()
    assert texts["title"] == TITLE
    assert (texts["artist"], texts["comment"]) == ("Zoë", "Eine Anmerkung")
    if kind != ".wav":
        assert (texts["album"], texts["date"]) == ("Reihe", "2024-05-17")
        assert texts["tracknumber"] == "3/12"
        assert [(p.data, p.mime, p.kind) for p in tags.pictures] == [(PNG, "image/png", 3)]
    starts = [(chapter.start * 1000 / RATE, chapter.title) for chapter in tags.chapters]
    assert starts == AFTER
    assert tags.chapters[-1].end == pytest.approx(file.num_frames, abs=RATE // 1000 + 1)
    assert any("loudness" in note for note in written.notes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_a_chapter_is_where_its_click_is_heard(
    tagged: dict[str, Path], tmp_path: Path, kind: str, target: str
) -> None:
    """No encoder's delay shifts a chapter: measured at the click of the last one."""
    written = edited(tagged[kind], tmp_path / f"out{target}")

    file = probe(written.path, tmp_path / "cache")
    last = read_tags(file).chapters[-1].start
    around = np.abs(read(file, Span(last - 800, last + 800)).samples[0])
    assert abs(int(np.argmax(around)) - 800) <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_recording_keeps_its_times_and_its_loudness(
    tagged: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    written = edited(tagged[kind], tmp_path / f"out{kind}", whole=True)

    before = read_tags(probe(tagged[kind], tmp_path / "cache"))
    after = read_tags(probe(written.path, tmp_path / "cache"))
    assert written.notes == ()
    assert [replace(c, key="") for c in after.chapters] == [
        replace(c, key="") for c in before.chapters
    ]
    assert (after.fields, after.pictures, after.timed) == (
        before.fields,
        before.pictures,
        before.timed,
    )
    assert b"-6.2 dB" in written.path.read_bytes() or kind == ".wav"


@pytest.mark.parametrize(
    ("kind", "target", "left_out"),
    [
        (".mp3", ".flac", "FLAC files have no place for TXXX:EPISODE: left out"),
        (".mp3", ".m4a", "MP4 files have no place for TXXX:EPISODE: left out"),
        (".mp3", ".wav", None),
        (".m4a", ".mp3", "MP3 files have no place for pcst, EPISODE: left out"),
        (".flac", ".mp3", "MP3 files have no place for EPISODE, its cue sheet: left out"),
        (".flac", ".ogg", "OGG files have no place for its cue sheet: left out"),
        (".ogg", ".flac", None),
        (".wav", ".mp3", "MP3 files have no place for bext, iXML, note of a marker: left out"),
        (".wav", ".wav", None),
    ],
)
def test_it_is_said_by_name_what_is_left_out(
    tagged: dict[str, Path], tmp_path: Path, kind: str, target: str, left_out: str | None
) -> None:
    notes = edited(tagged[kind], tmp_path / f"out{target}").notes
    assert [note for note in notes if "no place for" in note and "chapters" not in note] == (
        [left_out] if left_out else []
    )
    assert f"chapters whose sound went entirely are left out: {CHAPTERS[1]}" in notes


def test_an_ape_tag_of_an_mp3_is_named_also_beside_an_id3_tag(
    tagged: dict[str, Path], tmp_path: Path
) -> None:
    path = Path(shutil.copy(tagged[".mp3"], tmp_path / "in.mp3"))
    ape = APEv2()
    ape["MP3GAIN_UNDO"], ape["Mood"] = "+002,+002,N", "calm"
    ape.save(path)
    notes = edited(path, tmp_path / "out.mp3").notes
    (about,) = [note for note in notes if "APE" in note]
    assert about == (
        "its APE tag (Mood, MP3GAIN_UNDO) is not carried over: only ID3 is read in mp3 files"
    )


@pytest.mark.parametrize("target", [".mp4", ".wav"])
@pytest.mark.parametrize("kind", [".mp4", ".mkv"])
def test_it_is_said_that_a_video_loses_its_picture(tmp_path: Path, kind: str, target: str) -> None:
    path = tmp_path / f"film{kind}"
    with av.open(path, "w") as film:
        pictures = film.add_stream("mpeg4", rate=10, width=32, height=32, pix_fmt="yuv420p")
        sound = film.add_stream("aac", rate=RATE, layout="mono")
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = RATE
        for stream, shown in ((pictures, picture), (sound, frame)):
            film.mux(stream.encode(shown))
            film.mux(stream.encode(None))
    written = edited(path, tmp_path / f"out{target}", whole=True)
    assert written.notes == ("its moving picture is left out: only the sound is written",)


@pytest.mark.parametrize("kind", [".mp3", ".flac", ".wav"])
def test_the_same_render_is_the_same_bytes(
    tagged: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    first = edited(tagged[kind], tmp_path / f"a{kind}")
    second = edited(tagged[kind], tmp_path / f"b{kind}")
    assert first.path.read_bytes() == second.path.read_bytes()


def test_an_mp3_keeps_every_frame(tagged: dict[str, Path], tmp_path: Path) -> None:
    edited(tagged[".mp3"], tmp_path / "out.mp3")

    tags = ID3(tmp_path / "out.mp3")
    assert tags["TXXX:EPISODE"].text == ["42"]
    assert tags["APIC:front"].data == PNG
    assert not [key for key in tags if "replaygain" in key or "iTunNORM" in key]
    assert tags["CTOC:toc"].child_element_ids == ["c0", "part"]
    assert tags["CTOC:part"].child_element_ids == ["c2", "c3"]
    assert tags["CTOC:part"].sub_frames["TIT2"].text == ["Teil"]
    inner = tags["CHAP:c3"].sub_frames
    assert inner["WXXX:link"].url == "https://example.org/3"
    assert len(inner["APIC:"].data) == 503
    assert tags["CHAP:c2"].end_time == tags["CHAP:c3"].start_time == 4750
    kept = [(text, ms) for text, ms in lines_ms() if ms < 2000 or ms + 750 > 7000]
    moved = [(text, ms if ms < 2000 else max(2000, ms - 5000)) for text, ms in kept]
    assert tags["SYLT::deu"].text == moved


def test_comments_that_nobody_knows_stay_in_flac_ogg_and_opus(
    tagged: dict[str, Path], tmp_path: Path
) -> None:
    for kind, reader in ((".flac", FLAC), (".ogg", OggVorbis), (".opus", OggOpus)):
        edited(tagged[kind], tmp_path / f"out{kind}")
        comments = reader(tmp_path / f"out{kind}").tags
        assert comments["EPISODE"] == ["42"]
        assert comments["ARTIST"] == ["Zoë", "Noch jemand"]
        assert "REPLAYGAIN_TRACK_GAIN" not in comments
        assert "R128_TRACK_GAIN" not in comments
        assert comments["CHAPTER002"] == ["00:00:02.000"]
        assert comments["CHAPTER002NAME"] == [CHAPTERS[2]]
        assert "CHAPTER004" not in comments
        assert "[00:01.50]Zeile 2\n[00:02.00]Zeile 9\n[00:02.50]Zeile 10" in comments["LYRICS"][0]


def test_a_cue_sheet_of_a_flac_file_is_retimed(tagged: dict[str, Path], tmp_path: Path) -> None:
    written = edited(tagged[".flac"], tmp_path / "out.flac")

    flac = FLAC(tmp_path / "out.flac")
    assert flac.pictures[0].data == PNG
    assert (flac.pictures[0].width, flac.pictures[0].desc) == (600, "front")
    assert flac.cuesheet.media_catalog_number == b"1234567890123"
    tracks = [(track.track_number, track.start_offset) for track in flac.cuesheet.tracks]
    starts = [ms * RATE // 1000 for ms, _ in AFTER]
    assert tracks == [(1, starts[0]), (3, starts[1]), (4, starts[2]), (255, written.num_frames)]


def test_an_m4a_file_keeps_its_list_and_both_kinds_of_chapters(
    tagged: dict[str, Path], tmp_path: Path
) -> None:
    edited(tagged[".m4a"], tmp_path / "out.m4a")

    mp4 = MP4(tmp_path / "out.m4a")
    free = "----:com.apple.iTunes:"
    assert mp4.tags[f"{free}EPISODE"] == [b"42"]
    assert mp4.tags["pcst"] is True
    for stale in ("iTunNORM", "iTunSMPB", "replaygain_track_gain"):
        assert f"{free}{stale}" not in mp4.tags
    assert bytes(mp4.tags["covr"][0]) == PNG
    assert [(round(c.start * 1000), c.title) for c in mp4.chapters] == AFTER
    with av.open(tmp_path / "out.m4a") as container:
        assert [stream.type for stream in container.streams].count("audio") == 1
        assert len(container.chapters()) == len(AFTER)


def test_a_wav_file_keeps_its_chunks(tagged: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    file = probe(tagged[".wav"])
    sources = Sources(tmp_path / "cache")
    sources.add_file("talk", file)
    cut = operations.cut(EditList.from_file("talk", file), Span(0, RATE))
    render(cut, sources, out)

    content = out.read_bytes()
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    assert soundfile.info(out).frames == file.num_frames - RATE
    at = content.index(b"bext") + 8
    bext = content[at:]
    assert bext.startswith(b"Eine Beschreibung\0")
    # The clock of the recording began at an hour; the first second is gone.
    assert int.from_bytes(bext[338:346], "little") == 3601 * RATE
    assert bext[412:422] == b"\xff\x7f" * 5
    assert b"<BWFXML/>" in content
    assert b"a note\0" in content
    assert b"id3 " not in content


@pytest.mark.parametrize("kind", KINDS)
def test_other_programs_see_each_chapter_of_a_wav_file_once(
    tagged: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    written = edited(tagged[kind], tmp_path / "out.wav")
    with av.open(written.path) as container:
        found = container.chapters()
    starts = [(round(c["start"] * c["time_base"] * 1000), c["metadata"]["title"]) for c in found]
    assert sorted(starts) == AFTER


def test_markers_beside_the_chapters_of_a_tag_are_seen_once(
    tagged: dict[str, Path], tmp_path: Path
) -> None:
    both = edited(tagged[".flac"], tmp_path / "both.wav", whole=True)
    tags = read_tags(probe(both.path))
    marker = Chapter(round(1.5 * RATE), round(2.125 * RATE), "Marke", key="cue:9")
    chapters = tuple(sorted((*tags.chapters, marker), key=lambda chapter: chapter.start))
    sources = Sources(tmp_path / "cache")
    sources.add_file("talk", both)
    edit_list = EditList.from_file("talk", both)
    render(edit_list, sources, tmp_path / "out.wav", tags=replace(tags, chapters=chapters))
    with av.open(tmp_path / "out.wav") as container:
        titles = [chapter["metadata"]["title"] for chapter in container.chapters()]
    assert sorted(titles) == sorted((*CHAPTERS, "Marke"))


def test_a_wav_file_takes_the_whole_tag_of_an_mp3(tagged: dict[str, Path], tmp_path: Path) -> None:
    edited(tagged[".mp3"], tmp_path / "out.wav")

    tags = WAVE(tmp_path / "out.wav").tags
    assert tags["TXXX:EPISODE"].text == ["42"]
    assert tags["CTOC:part"].child_element_ids == ["c2", "c3"]
    assert soundfile.SoundFile(tmp_path / "out.wav").title == TITLE
    # Once more: the markers that were written for other programs do not become chapters.
    again = edited(tmp_path / "out.wav", tmp_path / "again.wav", whole=True)
    assert len(read_tags(probe(again.path)).chapters) == len(AFTER)


def test_a_tempo_moves_chapters_with_the_sound(tagged: dict[str, Path], tmp_path: Path) -> None:
    file = probe(tagged[".mp3"], tmp_path / "cache")
    sources = Sources(tmp_path / "cache")
    sources.add_file("talk", file)
    faster = replace(
        EditList.from_file("talk", file), effects=(EffectCall("tempo", (("factor", 1.25),)),)
    )
    render(faster, sources, tmp_path / "out.mp3")

    times = [frame.start_time for frame in ID3(tmp_path / "out.mp3").getall("CHAP")]
    assert times == [round(start * 1000 / 1.25) for start in STARTS]
