"""Damages small recordings, and reads each to its end as the program would; a process of its own.

    python damaged_sound.py SEEDS WORK FIRST COUNT

File number N of the same SEEDS is always damaged alike. Each is announced on stdout before it is
read, and told with what became of it after: a crash, a hang or a file that swells stops the process
at the announced one.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from qwen_audio_agent.audio.files import AudioWriter, open_reader, probe
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.errors import AudioFileError

SECONDS = 20
"""For one file; they take hundredths."""
MAX_FILE = 64 << 20
"""Bytes that a file may grow to: no seed holds a hundredth of that."""
MAX_MEMORY = 512 << 20
"""Bytes of address space beyond what the imports take."""

Damage = Callable[[random.Random, bytearray, list[bytes]], bytes]

EXTREMES = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
EXTREMES += [1_000_000_000, 36_000 * 44_100, (1 << 32) - 36, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]
MARKS = b"RIFF riff RF64 ds64 WAVE fmt  fact data LIST FORM COMM SSND .snd caff desc kuki pakt"
MARKS += b" fLaC OggS OpusHead OpusTags vorbis Xing Info LAME ftyp moov mvhd trak mdhd stsd mp4a"
MARKS += b" esds stts stsc stsz stco mdat udta meta"


def flip(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    for _ in range(rng.choice((1, 4, 16, 200))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def flip_header(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    for _ in range(rng.choice((1, 2, 8))):
        data[rng.randrange(min(200, len(data)))] = rng.randrange(256)
    return bytes(data)


def truncate(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    return bytes(data[: rng.choice((rng.randrange(100), rng.randrange(len(data))))])


def splice(rng: random.Random, data: bytearray, seeds: list[bytes]) -> bytes:
    other = rng.choice([*seeds, bytes(data)])
    at, start = rng.randrange(len(data)), rng.randrange(len(other))
    return bytes(data[:at]) + other[start : start + rng.randrange(4000)] + bytes(data[at:])


def repeat(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    at = rng.randrange(len(data))
    return bytes(data[:at]) + bytes(data[at : at + rng.randrange(1, 64)]) * 500 + bytes(data[at:])


def remove(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    at = rng.randrange(len(data))
    return bytes(data[:at]) + bytes(data[at + rng.choice((1, 2, 4, 100, 2000)) :])


def extreme(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    """A number of the header becomes 0, the largest, 10 hours, 1e9 Hz, 4 GB ..."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        _put_extreme(rng, data, rng.randrange(min(400, len(data))))
    return bytes(data)


def extreme_field(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    """As `extreme`, beside a chunk's name: sizes, lengths, rates, channels, counts."""
    marks = [at for name in _marks() if (at := data.find(name)) >= 0]
    for _ in range(rng.choice((1, 1, 2))):
        _put_extreme(rng, data, max(0, rng.choice(marks or [0]) + 2 * rng.randrange(-4, 20)))
    return bytes(data)


def _marks() -> list[bytes]:
    return [mark.ljust(4) for mark in MARKS.split()]


def _put_extreme(rng: random.Random, data: bytearray, at: int) -> None:
    width = rng.choice((1, 2, 4, 8))
    number = rng.choice(EXTREMES) % (1 << 8 * width)
    written = number.to_bytes(width, rng.choice(("big", "little")))
    data[at : at + width] = written


def tag(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    """An ID3 tag of any claimed size before the sound, or an APE tag behind it."""
    content = rng.randbytes(rng.choice((0, 10, 3000)))
    if rng.random() < 0.3:
        footer = rng.choice(EXTREMES) % (1 << 32)
        ape = b"APETAGEX\xd0\7\0\0" + footer.to_bytes(4, "little") + rng.randbytes(16)
        return bytes(data) + content + ape
    size = rng.choice([len(content), len(data), *EXTREMES]) % (1 << 28)
    sync_safe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + rng.choice((b"\3\0\0", b"\4\0\x10")) + sync_safe + content + bytes(data)


def nest(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    """A thousand boxes, each in the one before, behind the first one."""
    depth = rng.choice((3, 1000))
    name = rng.choice((b"LIST", b"RIFF", b"moov", b"udta", b"trak", b"meta", b"FORM"))
    big = name.islower()
    boxes = b""
    for level in range(depth, 0, -1):
        size = (level * 8).to_bytes(4, "big" if big else "little")
        boxes += size + name if big else name + size
    at = rng.choice((0, 12, 36, len(data)))
    return bytes(data[:at]) + boxes + bytes(data[at:])


def join(rng: random.Random, data: bytearray, seeds: list[bytes]) -> bytes:
    return bytes(data) + rng.choice(seeds)


def text(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    return rng.choice((b"", b"\0", b"This is not sound.\n" * 50, bytes(5000), rng.randbytes(5000)))


def beginning_only(rng: random.Random, data: bytearray, _: list[bytes]) -> bytes:
    """The first bytes are those of a format, the others are none."""
    return bytes(data[: rng.randrange(4, 64)]) + rng.randbytes(3000)


def untouched(_: random.Random, data: bytearray, __: list[bytes]) -> bytes:
    """Only its name may be wrong."""
    return bytes(data)


DAMAGES: tuple[Damage, ...] = (
    flip, flip_header, flip_header, truncate, splice, repeat, remove, extreme, extreme, extreme,
    extreme_field, extreme_field, extreme_field, tag, nest, join, text, beginning_only, untouched,
)  # fmt: skip


def damaged(number: int, seeds: list[Path]) -> tuple[str, bytes, str]:
    """What was done, the content and the suffix of file `number`."""
    rng = random.Random(number)
    seed, kind = rng.choice(seeds), rng.choice(DAMAGES)
    content = kind(rng, bytearray(seed.read_bytes()), [path.read_bytes() for path in seeds])
    suffix = rng.choice(seeds).suffix if rng.random() < 0.15 or kind is untouched else seed.suffix
    return f"{number}: {kind.__name__} {seed.name} as {suffix}", content, suffix


def read_to_its_end(path: Path, work: Path) -> str:
    """What the program does with a recording: look at it, read it all by block, write a copy."""
    try:
        file = probe(path, work / "cache")
        copy = work / "copy.wav"
        with (
            open_reader(file) as reader,
            AudioWriter(copy, file.sample_rate, file.num_channels, subtype="FLOAT") as writer,
        ):
            for start in range(0, file.num_frames, 65536):
                writer.write(reader.read(Span(start, min(start + 65536, file.num_frames))))
        written = probe(copy)
    except AudioFileError as error:
        in_one_line = "\n" not in str(error) and len(str(error)) < 600
        return f"{'refused' if in_one_line else 'wordy'}: {error}"
    assert written.num_frames == file.num_frames
    return f"read: {file.num_frames} frames, {file.num_channels} channels, {file.sample_rate} Hz"


def limit() -> None:
    """Hard ends: the system stops a process that takes too much, whatever it does about it."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MAX_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE, MAX_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def tell(**told: str) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main(seed_folder: str, work_folder: str, first: int, count: int) -> None:
    seeds = sorted(Path(seed_folder).iterdir())
    limit()
    for number in range(first, first + count):
        what, content, suffix = damaged(number, seeds)
        tell(file=what)
        work = Path(work_folder) / str(number)
        work.mkdir()
        path = work / f"sound{suffix}"
        path.write_bytes(content)
        signal.alarm(SECONDS)
        try:
            became = read_to_its_end(path, work)
        except BaseException as error:  # noqa: BLE001 - to be told, whatever it is
            became = f"{type(error).__name__}: {error}"
        signal.alarm(0)
        shutil.rmtree(work)
        tell(file=what, became=became)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
