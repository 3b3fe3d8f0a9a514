"""Tags that nobody sane wrote: read as far as they can be, in bounded time and memory, and told."""

from __future__ import annotations

import io
import resource
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.id3 import APIC, CHAP, CTOC, ID3, TIT2, TXXX

from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.audio.tags.files import read_tags
from qwen_audio_agent.audio.tags.flac import read_flac
from qwen_audio_agent.audio.tags.id3 import make_id3, read_id3, rendered
from qwen_audio_agent.audio.tags.mp4 import read_mp4
from qwen_audio_agent.audio.tags.ogg import read_ogg
from qwen_audio_agent.audio.tags.riff import read_riff
from qwen_audio_agent.audio.tags.values import MAX_BYTES, MAX_CHAPTERS, Tags
from qwen_audio_agent.audio.writing import AudioWriter
from qwen_audio_agent.errors import AudioFileError

RATE = 8_000
FRAMES = 60 * RATE


def syncsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def tag(body: bytes, version: int = 4, size: int | None = None, flags: int = 0) -> bytes:
    claimed = len(body) if size is None else size
    return b"ID3" + bytes((version, 0, flags)) + syncsafe(claimed) + body


def frame(name: bytes, data: bytes, size: int | None = None, flags: int = 0) -> bytes:
    claimed = len(data) if size is None else size
    return name + syncsafe(claimed) + bytes((0, flags)) + data


def written(id3: ID3) -> bytes:
    buffer = io.BytesIO()
    id3.save(buffer, padding=lambda _: 0)
    return buffer.getvalue()


def through(tags: Tags) -> ID3:
    """The tag that a file with these tags gets, read by mutagen."""
    id3 = ID3()
    id3.load(io.BytesIO(rendered(*make_id3(tags, FRAMES))), translate=False)
    return id3


@pytest.fixture
def mp3_with(tmp_path: Path) -> Callable[[bytes], AudioFile]:
    """A second of sound behind the bytes of a tag."""

    def make(tag_bytes: bytes) -> AudioFile:
        path = tmp_path / "a.mp3"
        with AudioWriter(path, RATE, 1) as writer:
            writer.write(np.random.default_rng(0).normal(0, 0.1, (1, RATE)).astype(np.float32))
        path.write_bytes(tag_bytes + path.read_bytes())
        return probe(path, tmp_path / "cache")

    return make


def test_a_picture_that_claims_200_mb_is_told_and_costs_nothing() -> None:
    body = frame(b"TIT2", b"\x03Talk") + frame(b"APIC", b"\x03image/png\0\3\0abc", 200 << 20)
    tags = read_id3(tag(body, size=(200 << 20) + 100), RATE, FRAMES)
    assert tags.texts() == {"title": "Talk"}
    assert tags.pictures == ()
    assert "cut off" in tags.notes[0]


def test_a_tag_that_really_is_huge_is_not_read(mp3_with: Callable[[bytes], AudioFile]) -> None:
    body = frame(b"APIC", bytes(MAX_BYTES))
    tags = read_tags(mp3_with(tag(body)))
    assert tags.fields == {} or "title" in tags.fields
    assert "are not read" in tags.notes[0]


def test_a_frame_that_unpacks_to_gigabytes_is_left_out() -> None:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 24)) for _ in range(40)) + packer.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bomb = frame(b"TXXX", syncsafe(100) + packed, flags=0x09)
    inner = b"c0\0" + struct.pack(">4I", 0, 1000, 0, 0) + bomb
    tags = read_id3(tag(bomb + frame(b"CHAP", inner) + frame(b"TIT2", b"\3T")), RATE, FRAMES)
    assert tags.texts() == {"title": "T"}
    assert len(tags.chapters) == 1
    assert any("TXXX" in note for note in tags.notes)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 200_000


def test_ten_thousand_chapters_are_carried_over() -> None:
    id3 = ID3()
    for number in range(10_000):
        times = {"start_time": 5 * number, "end_time": 5 * number + 5}
        inner = [TIT2(encoding=3, text=[f"Chapter {number}"])]
        id3.add(CHAP(element_id=f"c{number}", sub_frames=inner, **times))
    began = time.process_time()
    tags = read_id3(written(id3), RATE, FRAMES)
    assert len(tags.chapters) == 10_000
    result = through(tags)
    assert len(result.getall("CHAP")) == 10_000
    # A table counts its entries in a byte: the first is one of tables.
    tables = {table.element_id: table for table in result.getall("CTOC")}
    listed = [
        key for child in tables["toc"].child_element_ids for key in tables[child].child_element_ids
    ]
    assert listed == [f"c{number}" for number in range(10_000)]
    assert time.process_time() - began < 60


def test_more_chapters_than_that_are_cut_and_told() -> None:
    one = b"".join(
        frame(b"CHAP", b"%d\0" % number + struct.pack(">4I", number, number + 1, 0, 0))
        for number in range(MAX_CHAPTERS + 5)
    )
    tags = read_id3(tag(one), RATE, FRAMES)
    assert len(tags.chapters) == MAX_CHAPTERS
    assert "only the first" in tags.notes[0]


def test_overlapping_and_reversed_chapters_come_out_in_order() -> None:
    spans = [(5000, 1000), (0, 50_000), (2000, 2000), (70_000, 80_000), (0xFFFFFFFF, 0)]
    id3 = ID3()
    for number, (start, end) in enumerate(spans):
        id3.add(CHAP(element_id=f"c{number}", start_time=start, end_time=end, sub_frames=[]))
    tags = read_id3(written(id3), RATE, FRAMES)
    seconds = [(c.start // RATE, c.end // RATE, c.key) for c in tags.chapters]
    assert seconds == [(0, 50, "c1"), (2, 5, "c2"), (5, 60, "c0")]
    assert tags.notes == ("2 chapters lie behind the end of the sound",)


def test_tables_of_contents_in_a_circle_are_opened() -> None:
    id3 = ID3()
    id3.add(CHAP(element_id="c", start_time=0, end_time=9000, sub_frames=[]))
    for key, children in (("a", ["b", "a", "c"]), ("b", ["a", "nobody"]), ("lost", ["lost"])):
        flags = 3 if key == "a" else 1
        id3.add(CTOC(element_id=key, flags=flags, child_element_ids=children, sub_frames=[]))
    result = through(read_id3(written(id3), RATE, FRAMES))
    tables = {table.element_id: table.child_element_ids for table in result.getall("CTOC")}
    assert tables == {"a": ["b", "c"], "b": []} or tables == {"a": ["c"], "b": []}


def test_tables_as_deep_as_they_come_are_read() -> None:
    id3 = ID3()
    id3.add(CHAP(element_id="c", start_time=0, end_time=9000, sub_frames=[]))
    for number in range(5000):
        children = [f"t{number + 1}"] if number < 4999 else ["c"]
        id3.add(CTOC(element_id=f"t{number}", flags=2, child_element_ids=children, sub_frames=[]))
    result = through(read_id3(written(id3), RATE, FRAMES))
    assert len(result.getall("CTOC")) == 5000


def test_chapters_within_chapters_without_end_are_left_out() -> None:
    inner = b""
    for _ in range(20_000):
        inner = frame(b"CHAP", b"c\0" + bytes(16) + inner)[: 1 << 20]
    tags = read_id3(tag(inner), RATE, FRAMES)
    assert len(tags.chapters) <= 1


@pytest.mark.parametrize("version", [2, 3, 4])
def test_wrong_encodings_and_nuls_become_clean_text(version: int) -> None:
    def made(name: bytes, data: bytes) -> bytes:
        if version == 2:
            return name[:3].replace(b"TIT", b"TT2") + len(data).to_bytes(3, "big") + data
        size = syncsafe(len(data)) if version == 4 else len(data).to_bytes(4, "big")
        return name + size + bytes(2) + data

    body = made(b"TIT2", b"\x01\xff\xfeA\x00\x00\xd8B\x00") + made(b"TPE1", b"\x03a\x1b[31m\x07b")
    body += made(b"TALB", b"\x09\xff\xfe\xfd") + made(b"COMM", b"\x03xx")
    tags = read_id3(tag(body, version), RATE, FRAMES)
    for text in tags.texts().values():
        assert all(letter.isprintable() or letter in "\n\t" for letter in text)
    through(tags)


def test_a_tag_of_another_time_keeps_its_frames() -> None:
    """Version 2.2, with escaped bytes, and 2.3 with an extended header."""
    old = b"TT2\0\0\x05\0Talk" + b"PIC\0\0\x0a\0PNG\3\0\xff\x00\xd8a"
    tags = read_id3(tag(old, 2, flags=0x80), RATE, FRAMES)
    assert tags.texts() == {"title": "Talk"}
    assert tags.pictures == () or tags.pictures[0].data.startswith(b"\xff\xd8")
    body = struct.pack(">IHI", 6, 0, 0) + b"TIT2\0\0\0\x05\0\0\0Talk"
    assert read_id3(tag(body, 3, flags=0x40), RATE, FRAMES).texts() == {"title": "Talk"}


def good_tag() -> bytes:
    id3 = ID3()
    id3.add(TIT2(encoding=1, text=["Über 采访"]))
    id3.add(TXXX(encoding=3, desc="a", text=["b", "c"]))
    id3.add(APIC(encoding=3, mime="image/png", type=3, desc="x", data=b"abc\xff\x00" * 9))
    for number in range(3):
        inner = [TIT2(encoding=1, text=[f"{number}"])]
        times = {"start_time": 1000 * number, "end_time": 1000 * number + 1000}
        id3.add(CHAP(element_id=f"c{number}", sub_frames=inner, **times))
    id3.add(CTOC(element_id="toc", flags=3, child_element_ids=["c0", "c1", "c2"], sub_frames=[]))
    return written(id3)


@settings(max_examples=300)
@given(st.data())
def test_any_damage_to_an_id3_tag_is_survived(data: st.DataObject) -> None:
    content = bytearray(good_tag())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(3, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    tags = read_id3(
        bytes(content[:end]) if data.draw(st.booleans()) else bytes(content), RATE, FRAMES
    )
    through(tags)


@pytest.mark.parametrize(
    ("start", "read"),
    [
        (b"fLaC", lambda file: read_flac(file, RATE, FRAMES)),
        (
            b"OggS\0\2" + bytes(20) + b"\1\x1e\x01vorbis" + bytes(23),
            lambda f: read_ogg(f, RATE, FRAMES),
        ),
        (b"RIFF\0\0\0\0WAVE", lambda file: read_riff(file, RATE, FRAMES)),
        (b"\0\0\0\x08ftyp", lambda file: read_mp4(file, RATE, FRAMES)),
    ],
    ids=["flac", "ogg", "wav", "mp4"],
)
@settings(max_examples=150)
@given(tail=st.binary(max_size=300))
def test_any_bytes_are_survived(
    start: bytes, read: Callable[[io.BytesIO], object], tail: bytes
) -> None:
    read(io.BytesIO(start + tail))


def test_blocks_comments_and_atoms_that_claim_too_much_are_told() -> None:
    flac = b"fLaC" + b"\x84\xff\xff\xff" + b"\0\0\0\0\xff\xff\xff\xff"
    assert "cut off" in read_flac(io.BytesIO(flac), RATE, FRAMES).notes[0]
    pairs = struct.pack("<II", 0, 5) + struct.pack("<I", 4) + b"A=bc" + struct.pack("<I", 1 << 31)
    whole = b"fLaC\x84" + len(pairs).to_bytes(3, "big") + pairs
    tags = read_flac(io.BytesIO(whole), RATE, FRAMES)
    assert tags.native == {"VORBIS": (("A", "bc"),)}
    assert "only 1 of its 5 comments" in tags.notes[0]


def test_tags_that_cannot_be_written_leave_no_file(tmp_path: Path) -> None:
    """The old file stays, no half of a new one, and one line says why."""
    path = tmp_path / "a.flac"
    path.write_bytes(b"what was there")
    broken = Tags(RATE, native={"VORBIS": (("no=name", "text"),)})
    message = (
        r"^the tags of '.*a\.flac' cannot be written \(.*\); write it with other tags, or none$"
    )
    writer = AudioWriter(path, RATE, 1, tags=broken)
    with pytest.raises(AudioFileError, match=message), writer:
        writer.write(np.zeros((1, RATE), np.float32))
    assert path.read_bytes() == b"what was there"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.flac"]
