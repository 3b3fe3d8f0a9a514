"""The tool that reads what the actors of a game say, on a game of three lines made here."""

from __future__ import annotations

import io
import struct

import episode_games
import numpy as np
import pytest
import soundfile

RATE = 11_025
LINES = {"02000AP1": "Hmmm,", "02000AP2": "that is a tough one.", "020032J1": "Ahhh!"}


def spoken(seconds):
    """Quiet, a voice, and quiet, as mp3."""
    time = np.arange(round(seconds * RATE)) / RATE
    voice = 0.3 * sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 12))
    quiet = np.zeros(RATE // 10)
    coded = io.BytesIO()
    soundfile.write(coded, np.concatenate([quiet, voice, quiet]), RATE, format="MP3")
    return coded.getvalue()


def told(number, text):
    """An entry of a dialogue, filled up to a multiple of four."""
    entry = struct.pack(">hhB", 0, number, len(text)) + text.encode("ascii")
    return entry + bytes(-len(entry) % 4)


@pytest.fixture
def game(tmp_path, monkeypatch):
    hero, other = told(0x32, "Ahhh!*03"), told(0x0A, "Hmmm,*01that is a tough one.*02")
    head = struct.pack(">5h", 0, 0, 2, 1, 1).ljust(22, b"\0")
    head += struct.pack(">3H", 32 + len(hero), 0, 0).ljust(10, b"\0")
    files = {"JIM1.DOG": bytes(20) + head + hero + other}
    files |= {f"{name}.SB": spoken(0.5) for name in LINES}
    at = 15 + 21 * len(files)
    table, data = struct.pack(">4s6s3sH", b"QTBL", b"CEM10", bytes(3), len(files)), b""
    for name, content in files.items():
        table += struct.pack(">12sBII", name.encode("ascii"), 1, at + len(data), len(content))
        data += content
    path = tmp_path / "queen.1c"
    path.write_bytes(table + data)
    monkeypatch.setattr(episode_games, "GAME", path)
    episode_games._lines.cache_clear()
    yield
    episode_games._lines.cache_clear()


@pytest.mark.usefixtures("game")
def test_each_line_has_its_text_and_its_sound():
    lines = episode_games._lines()
    assert [line.text for line in lines["JIM"]] == ["Hmmm,", "that is a tough one."]
    assert [line.text for line in lines[episode_games.HERO]] == ["Ahhh!"]
    assert episode_games.characters() == []


@pytest.mark.usefixtures("game")
def test_a_filler_is_told_from_words_and_cries_are_neither():
    made = episode_games.material("JIM")
    assert [w.kind for piece in made.fillers for w in piece.words] == ["filler"]
    assert made.fillers[0].duration == pytest.approx(0.55, abs=0.1)
    assert episode_games.material(episode_games.HERO).sentences == ()


def test_a_game_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(episode_games, "GAME", tmp_path / "none")
    episode_games._lines.cache_clear()
    with pytest.raises(SystemExit, match="flight-of-the-amazon-queen"):
        episode_games.characters()
