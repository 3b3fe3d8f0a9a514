"""Recordings of twelve seconds with all that their kind of tags can say, made by other programs."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC, CueSheet, CueSheetTrack, CueSheetTrackIndex
from mutagen.flac import Picture as FlacPicture
from mutagen.id3 import (
    APIC,
    CHAP,
    COMM,
    CTOC,
    ID3,
    SYLT,
    TALB,
    TCON,
    TDRC,
    TIT2,
    TPE1,
    TRCK,
    TXXX,
    WXXX,
)
from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis

RATE: Final = 16_000
SECONDS: Final = 12
TITLE: Final = "Gespräch über 采访 🎙"
STARTS: Final = (0.0, 2.125, 6.5, 9.75)
CHAPTERS: Final = ("Anfang", "Zweitens – Äpfel", "第三章", "Ende")
PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300
JPEG: Final = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 200 + b"\xff\xd9"


def clicks() -> Any:
    """Faint noise with a click at the beginning of each chapter."""
    sound = np.random.default_rng(0).normal(0, 0.002, (SECONDS * RATE, 1))
    for start in STARTS:
        sound[round(start * RATE)] = 0.9
    return sound


def _mp3(path: Path) -> None:
    soundfile.write(path, clicks(), RATE, format="MP3")
    tags = ID3()
    for kind, text in ((TIT2, TITLE), (TPE1, "Zoë"), (TALB, "Reihe"), (TCON, "Speech")):
        tags.add(kind(encoding=1, text=[text]))
    tags.add(TRCK(encoding=0, text=["3/12"]))
    tags.add(TDRC(encoding=0, text=["2024-05-17"]))
    tags.add(COMM(encoding=3, lang="deu", desc="", text=["Eine Anmerkung"]))
    tags.add(TXXX(encoding=3, desc="EPISODE", text=["42"]))
    tags.add(TXXX(encoding=3, desc="replaygain_track_gain", text=["-6.2 dB"]))
    tags.add(COMM(encoding=0, lang="eng", desc="iTunNORM", text=[" 0000"]))
    tags.add(APIC(encoding=3, mime="image/png", type=3, desc="front", data=PNG))
    tags.add(SYLT(encoding=3, lang="deu", format=2, type=1, desc="", text=lines_ms()))
    for number, (start, end, title) in enumerate(spans()):
        inner = [
            TIT2(encoding=1, text=[title]),
            WXXX(encoding=0, desc="link", url=f"https://example.org/{number}"),
            APIC(encoding=3, mime="image/jpeg", type=0, desc="", data=JPEG[: 500 + number]),
        ]
        times = {"start_time": round(start * 1000), "end_time": round(end * 1000)}
        tags.add(CHAP(element_id=f"c{number}", sub_frames=inner, **times))
    parts = [TIT2(encoding=3, text=["Teil"])]
    tags.add(CTOC(element_id="toc", flags=3, child_element_ids=["c0", "part"], sub_frames=[]))
    tags.add(
        CTOC(element_id="part", flags=1, child_element_ids=["c1", "c2", "c3"], sub_frames=parts)
    )
    tags.save(path)


def _comments() -> list[tuple[str, str]]:
    pairs = [
        ("TITLE", TITLE),
        ("ARTIST", "Zoë"),
        ("ARTIST", "Noch jemand"),
        ("ALBUM", "Reihe"),
        ("DATE", "2024-05-17"),
        ("TRACKNUMBER", "3/12"),
        ("COMMENT", "Eine Anmerkung"),
        ("EPISODE", "42"),
        ("REPLAYGAIN_TRACK_GAIN", "-6.2 dB"),
        ("R128_TRACK_GAIN", "-1000"),
        ("LYRICS", "\n".join(f"[00:{ms / 1000:05.2f}]{text}" for text, ms in lines_ms())),
    ]
    for number, (start, _, title) in enumerate(spans(), 1):
        pairs.append((f"CHAPTER{number:03}", f"00:00:{start:06.3f}"))
        pairs.append((f"CHAPTER{number:03}NAME", title))
    return pairs


def _picture() -> Any:
    picture = FlacPicture()
    picture.type, picture.mime, picture.desc, picture.data = 3, "image/png", "front", PNG
    picture.width = picture.height = 600
    return picture


def _flac(path: Path) -> None:
    soundfile.write(path, clicks(), RATE)
    flac = FLAC(path)
    if flac.tags is None:
        flac.add_tags()
    flac.tags[:] = _comments()
    flac.add_picture(_picture())
    sheet = CueSheet.__new__(CueSheet)
    sheet.tracks, sheet.media_catalog_number = [], b"1234567890123"
    sheet.lead_in_samples, sheet.compact_disc = 0, False
    for number, start in enumerate(STARTS, 1):
        track = CueSheetTrack(number, round(start * RATE))
        track.indexes.append(CueSheetTrackIndex(1, 0))
        sheet.tracks.append(track)
    sheet.tracks.append(CueSheetTrack(255, SECONDS * RATE))
    flac.cuesheet = sheet
    flac.save()


def _ogg(path: Path) -> None:
    is_opus = path.suffix == ".opus"
    subtype = "OPUS" if is_opus else "VORBIS"
    with soundfile.SoundFile(path, "w", RATE, 1, subtype, format="OGG") as file:
        for start in range(0, SECONDS * RATE, RATE):
            file.write(clicks()[start : start + RATE])
    ogg = (OggOpus if is_opus else OggVorbis)(path)
    picture = base64.b64encode(_picture().write()).decode()
    ogg.tags[:] = [*_comments(), ("METADATA_BLOCK_PICTURE", picture)]
    ogg.save()


def _m4a(path: Path) -> None:
    sound = clicks().T.astype(np.float32)
    with av.open(path, "w", format="ipod") as container:
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": round(start * 1000),
                    "end": round(end * 1000),
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": title},
                }
                for number, (start, end, title) in enumerate(spans(), 1)
            ]
        )
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        stream.codec_context.open()
        for start in range(0, sound.shape[1], 1024):
            block = np.ascontiguousarray(sound[:, start : start + 1024])
            frame = av.AudioFrame.from_ndarray(block, "fltp", "mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    mp4 = MP4(path)
    if mp4.tags is None:
        mp4.add_tags()
    free = "----:com.apple.iTunes:"
    mp4.tags.update(
        {
            "\xa9nam": [TITLE],
            "\xa9ART": ["Zoë"],
            "\xa9alb": ["Reihe"],
            "\xa9day": ["2024-05-17"],
            "\xa9gen": ["Speech"],
            "\xa9cmt": ["Eine Anmerkung"],
            "trkn": [(3, 12)],
            "pcst": True,
            f"{free}EPISODE": [MP4FreeForm(b"42")],
            f"{free}iTunNORM": [MP4FreeForm(b" 0000")],
            f"{free}iTunSMPB": [MP4FreeForm(b" 0000 0840 0100")],
            f"{free}replaygain_track_gain": [MP4FreeForm(b"-6.2 dB")],
            "covr": [MP4Cover(PNG, MP4Cover.FORMAT_PNG)],
        }
    )
    mp4.save()


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a RIFF file."""
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def bext() -> bytes:
    """Broadcast data of version 2 that begin an hour after midnight."""
    head = b"Eine Beschreibung".ljust(256, b"\0") + b"Studio".ljust(32, b"\0") + bytes(32)
    head += b"2024-05-17" + b"12:00:00" + struct.pack("<QH", 3600 * RATE, 2) + bytes(64)
    return head + struct.pack("<5h", -2300, 700, -100, -1800, -2000) + bytes(180) + b"A=PCM\r\n"


def _wav(path: Path) -> None:
    soundfile.write(path, clicks(), RATE)
    info = b"".join(
        chunk(name, text.encode() + b"\0")
        for name, text in ((b"INAM", TITLE), (b"IART", "Zoë"), (b"ICMT", "Eine Anmerkung"))
    )
    points, labels = b"", b""
    for number, (start, _, title) in enumerate(spans(), 7):
        at = round(start * RATE)
        points += struct.pack("<II4sIII", number, at, b"data", 0, 0, at)
        labels += chunk(b"labl", struct.pack("<I", number) + title.encode() + b"\0")
        if number == 8:
            labels += chunk(b"note", struct.pack("<I", number) + b"a note\0")
    added = chunk(b"LIST", b"INFO" + info) + chunk(b"cue ", struct.pack("<I", 4) + points)
    added += chunk(b"LIST", b"adtl" + labels) + chunk(b"bext", bext())
    added += chunk(b"iXML", b"<BWFXML/>")
    content = path.read_bytes() + added
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])


def spans() -> list[tuple[float, float, str]]:
    """(start, end, title) of the chapters in seconds."""
    return list(zip(STARTS, (*STARTS[1:], float(SECONDS)), CHAPTERS, strict=True))


def lines_ms() -> list[tuple[str, int]]:
    """A line every 0.75 s: (text, milliseconds)."""
    return [(f"Zeile {ms // 750}", ms) for ms in range(0, SECONDS * 1000, 750)]


WRITERS: Final[dict[str, Callable[[Path], None]]] = {
    ".mp3": _mp3,
    ".flac": _flac,
    ".ogg": _ogg,
    ".opus": _ogg,
    ".m4a": _m4a,
    ".wav": _wav,
}


@pytest.fixture(scope="session")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A recording of each kind by its suffix; they are only read."""
    folder = tmp_path_factory.mktemp("tagged")
    for suffix, write in WRITERS.items():
        write(folder / f"talk{suffix}")
    return {suffix: folder / f"talk{suffix}" for suffix in WRITERS}
