import json
import os
import stat
import sys
from pathlib import Path

import pytest

from qwen_audio_agent.speech.cache import HeardCache, default_cache_folder, key_of

KEY = key_of("some", "question")


def entry(folder):
    (path,) = folder.rglob("*.json")
    return path


def test_what_was_put_is_there_for_the_next_process(tmp_path):
    HeardCache(tmp_path).put(KEY, {"words": [1, "ä"]})
    assert HeardCache(tmp_path).get(KEY) == {"words": [1, "ä"]}


def test_what_was_not_put_is_none(tmp_path):
    assert HeardCache(tmp_path).get(KEY) is None
    assert HeardCache(None).get(KEY) is None


def test_without_a_folder_memory_keeps_it():
    cache = HeardCache(None)
    cache.put(KEY, [1])
    assert cache.get(KEY) == [1]


def test_memory_keeps_the_latest_entries_only():
    cache = HeardCache(None)
    cache.put(KEY, 1)
    for i in range(2000):
        cache.put(str(i), i)
    assert cache.get(KEY) is None
    assert cache.get("1999") == 1999


def test_what_is_for_memory_only_is_not_written(tmp_path):
    HeardCache(tmp_path).put(KEY, 1, on_disk=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b'{"words": [', b"\xff\xfe\x00", b"[" * 100_000])
def test_a_damaged_entry_is_as_good_as_none_and_can_be_replaced(tmp_path, damage):
    HeardCache(tmp_path).put(KEY, {"a": 1})
    entry(tmp_path).write_bytes(damage)
    cache = HeardCache(tmp_path)
    assert cache.get(KEY) is None
    cache.put(KEY, {"a": 2})
    assert HeardCache(tmp_path).get(KEY) == {"a": 2}


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    HeardCache(tmp_path).put(KEY, 1)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_process_was_writing_is_removed_but_not_what_is_written_now(tmp_path):
    HeardCache(tmp_path).put(KEY, 1)
    old, new = (entry(tmp_path).parent / f"{name}.part" for name in ("old", "new"))
    for part in (old, new):
        part.touch()
    os.utime(old, (0, 0))
    HeardCache(tmp_path).put(KEY, 2)
    assert not old.exists()
    assert new.exists()


def test_a_folder_that_cannot_be_written_costs_only_the_saved_work(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    cache = HeardCache(tmp_path / "file")
    cache.put(KEY, 1)
    assert cache.get(KEY) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_nobody_else_can_read_what_was_said(tmp_path):
    HeardCache(tmp_path).put(KEY, 1)
    modes = [path.stat().st_mode for path in tmp_path.rglob("*")]
    assert modes
    assert not any(stat.S_IMODE(mode) & 0o077 for mode in modes)


def test_the_entries_unused_for_longest_make_room(tmp_path):
    big = "x" * 1000
    first = HeardCache(tmp_path)
    for i in range(20):
        first.put(key_of(i), big)
    for age, path in enumerate(sorted(tmp_path.rglob("*.json"))):
        os.utime(path, (age, age))
    assert HeardCache(tmp_path).get(key_of(3)) == big  # used just now, so it stays
    HeardCache(tmp_path, max_bytes=8000).put(key_of("new"), big)
    kept = [json.loads(path.read_text()) for path in tmp_path.rglob("*.json")]
    assert 4 <= len(kept) <= 8
    assert HeardCache(tmp_path).get(key_of(3)) == big
    assert HeardCache(tmp_path).get(key_of("new")) == big


def test_keys_differ_when_anything_differs():
    assert len({key_of("a", "b"), key_of("ab"), key_of("a", ["b"]), key_of("a", None)}) == 4
    assert key_of("a", 1) == key_of("a", 1)


def test_the_variable_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("QWEN_AUDIO_AGENT_CACHE", str(tmp_path))
    assert default_cache_folder() == tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="about Linux")
def test_without_the_variable_it_is_the_folder_for_caches(tmp_path, monkeypatch):
    monkeypatch.delenv("QWEN_AUDIO_AGENT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / "qwen-audio-agent"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache_folder() == Path.home() / ".cache" / "qwen-audio-agent"
