"""File names in a sentence: found where they may be, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from qwen_audio_agent.agent.mentions import find_mentioned, names_in


def test_bare_and_quoted_names_are_seen_once_in_order() -> None:
    sentence = 'Insert jingle.wav before "hello", then "my tune.MP3" and jingle.wav again.'
    assert list(names_in(sentence)) == ["jingle.wav", "my tune.MP3"]


def test_words_and_times_are_not_file_names() -> None:
    assert list(names_in('Cut "middle classes" from 1.5 s to 2.wave, e.g. the mp3')) == []


def test_a_file_in_an_allowed_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "音 乐.flac").touch()
    assert find_mentioned('add "音 乐.flac" at the end', [tmp_path]) == [tmp_path / "音 乐.flac"]


def test_a_name_that_leads_out_of_the_folders_is_not_opened(tmp_path: Path) -> None:
    inside, outside = tmp_path / "work", tmp_path / "secret.wav"
    inside.mkdir()
    outside.touch()
    (inside / "link.wav").symlink_to(outside)
    for name in ("../secret.wav", str(outside), "link.wav", "a" * 250 + ".wav"):
        assert find_mentioned(f'insert "{name}" at the end', [inside]) == []


def test_a_folder_or_a_device_is_not_a_recording(tmp_path: Path) -> None:
    (tmp_path / "album.wav").mkdir()
    assert find_mentioned("insert album.wav at the end", [tmp_path]) == []
