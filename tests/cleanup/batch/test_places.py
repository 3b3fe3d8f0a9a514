"""Files that are put whole where fsspec reaches, and the ledger beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry as registered

from qwen_audio_agent.cleanup.batch.entry import Entry
from qwen_audio_agent.cleanup.batch.ledger import Ledger
from qwen_audio_agent.cleanup.batch.places import (
    clear_hidden,
    deliver,
    fetch_beside,
    fetched,
    sha256_at,
)
from qwen_audio_agent.cleanup.batch.recordings import find_recordings
from qwen_audio_agent.errors import AudioFileError, DiskError, UsageError


class Store(MemoryFileSystem):
    """A store of objects, as s3:// is one: nothing in it is ever renamed."""

    protocol = ("s3",)

    def mv(self, *_paths: str, **_how: object) -> None:
        raise AssertionError("a rename is a copy and a deletion here")


class Full(MemoryFileSystem):
    """A filesystem that takes half of a file."""

    protocol = ("full",)

    def put_file(self, lpath: str, rpath: str, **_how: object) -> None:
        self.pipe_file(rpath, Path(lpath).read_bytes()[:2])
        raise OSError(28, "No space left on device")


@pytest.fixture(autouse=True)
def filesystems() -> Iterator[None]:
    fsspec.register_implementation("s3", Store, clobber=True)
    fsspec.register_implementation("full", Full, clobber=True)
    yield
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    for name in ("s3", "full"):
        registered.pop(name)


@pytest.mark.parametrize("url", ["memory://out", "s3://out"])
def test_files_are_put_whole_and_replaced(tmp_path: Path, url: str) -> None:
    source = tmp_path / "a.wav"
    for content in (b"first", b"second, longer"):
        source.write_bytes(content)
        deliver(source, f"{url}/x/a.wav")
        (tmp_path / "copy").mkdir(exist_ok=True)
        assert fetched(f"{url}/x/a.wav", tmp_path / "copy").read_bytes() == content
    assert [name for name in MemoryFileSystem.store if "qwen-audio-agent" in name] == []
    assert sha256_at(f"{url}/x/b.wav") is None
    assert len(sha256_at(f"{url}/x/a.wav") or "") == 64


def test_subtitles_are_fetched_by_all_of_their_names(tmp_path: Path) -> None:
    names = ["a.en.srt", "a.srt", "a.wav.vtt", "b.srt", "a.old.srt", "a.txt"]
    for name in names:
        MemoryFileSystem().pipe_file(f"/in/{name}", name.encode())
    fetch_beside("memory://in/a.wav", tmp_path / "a.wav", (".srt", ".vtt"))
    assert sorted(path.name for path in tmp_path.iterdir()) == names[:3]
    fetch_beside("memory://nowhere/a.wav", tmp_path / "a.wav", (".srt", ".vtt"))


def test_what_does_not_fit_leaves_what_was_there(tmp_path: Path) -> None:
    source = tmp_path / "a.wav"
    source.write_bytes(b"new sound")
    MemoryFileSystem().pipe_file("/out/a.wav", b"earlier")
    with pytest.raises(DiskError, match=r"'full:/+out/a\.wav' cannot be written: No space left"):
        deliver(source, "full://out/a.wav")
    assert {name: f.getvalue() for name, f in MemoryFileSystem.store.items()} == {
        "/out/a.wav": b"earlier"
    }


def test_remnants_are_removed_and_nothing_else() -> None:
    for name in (".qwen-audio-agent-1f.part", ".other.part", "a.wav"):
        MemoryFileSystem().pipe_file(f"/out/{name}", b"x")
    clear_hidden("memory://out")
    assert sorted(MemoryFileSystem.store) == ["/out/.other.part", "/out/a.wav"]
    clear_hidden("memory://nowhere")


def test_recordings_are_found_there() -> None:
    for name in ("a.mp3", "b.txt", ".c.mp3", "x/d.wav"):
        MemoryFileSystem().pipe_file(f"/in/{name}", b"12345")
    found = {r.place: r.size for r in find_recordings("memory://in")}
    assert found == {"memory:///in/a.mp3": 5}
    found = {r.place: r.size for r in find_recordings("memory://in/**")}
    assert found == {"memory:///in/a.mp3": 5, "memory:///in/x/d.wav": 5}
    (bad,) = find_recordings("memory://in/nowhere.wav")
    assert not bad.was_searched
    with pytest.raises(AudioFileError, match="there is no such file"):
        fetched(bad.place, Path())
    with pytest.raises(UsageError, match="stands for no recordings"):
        list(find_recordings("memory://in/*.ogg"))
    with pytest.raises(UsageError, match="cannot be reached"):
        list(find_recordings("nothing://in/*.ogg"))


@pytest.mark.parametrize("kind", ["here", "memory"])
def test_a_ledger_keeps_whole_lines_alone(tmp_path: Path, kind: str) -> None:
    folder = str(tmp_path / "out") if kind == "here" else "memory://out"
    entry = Entry("in/a\udcff.mp3", "a.mp3", "done", counts={"pause": 2}, reports=("a.json",))
    with Ledger(folder) as ledger:
        ledger.plan(["a.mp3", "b.mp3"])
        ledger.note(entry)
    torn = b'{"type":"entry","input":"in/b.mp3","output":"b.mp3","sta'
    strange = b'{"type":"entry","output":7}\n[1]\nno JSON\n\xff\n{"type":"later"}\n'
    if kind == "here":
        with (tmp_path / "out/batch.jsonl").open("ab") as file:
            file.write(strange + torn)
    else:
        MemoryFileSystem().pipe_file(
            "/out/batch.jsonl", MemoryFileSystem().cat_file("/out/batch.jsonl") + strange + torn
        )
    with Ledger(folder) as again:
        assert again.entries == {"a.mp3": entry}
        assert again.outputs == {"a.mp3", "b.mp3"}
        again.note(Entry("in/b.mp3", "b.mp3", "failed", "no sound"))
    assert list(Ledger(folder).entries) == ["a.mp3", "b.mp3"]
