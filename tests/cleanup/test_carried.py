"""What a file has beside its sound goes along, at the times at which it is heard then."""

import shutil

import mutagen.id3
import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.cleanup.episode import apply_plan, plan_episode
from qwen_audio_agent.cleanup.recipe import load_recipe
from tests.cleanup.episodes import without_sound

PLAIN = without_sound(load_recipe("podcast"))


@pytest.fixture
def tagged(made):
    """An mp3 with two chapters, a cover, and subtitles beside it; the ear that knows its words."""
    episode = made(rate=44100).room(4.0).speech("we went").room(3.0)
    second = episode.at
    episode.speech("home again").room(3.0)
    wav = episode.written()
    sound, rate = soundfile.read(wav)
    path = wav.with_suffix(".mp3")
    soundfile.write(path, sound, rate, format="MP3")
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.TIT2(encoding=3, text="Épisode 12"))
    tags.add(mutagen.id3.APIC(encoding=3, mime="image/png", type=3, data=b"\x89PNG\r\n\x1a\n" * 9))
    tags.add(mutagen.id3.CTOC(element_id="toc", flags=3, child_element_ids=["a", "b"]))
    for name, start, end in (("a", 0, second), ("b", second, episode.at)):
        times = {"start_time": round(1000 * start), "end_time": round(1000 * end)}
        title = mutagen.id3.TIT2(encoding=3, text=f"Part {name}")
        tags.add(mutagen.id3.CHAP(element_id=name, **times, sub_frames=[title]))
    tags.save(path)
    cues = "1\n00:00:04,000 --> 00:00:04,700\nwe went\n\n2\n{} --> {}\nhome again\n"
    at, end = (f"00:00:{time:06.3f}".replace(".", ",") for time in (second, second + 0.7))
    path.with_suffix(".srt").write_text(cues.format(at, end), encoding="utf-8")
    return path, second, episode.listener()


def test_tags_cover_chapters_and_subtitles_are_kept_at_their_new_times(tagged, tmp_path):
    path, second, listener = tagged
    file = probe(path)
    plan = plan_episode(file, PLAIN, listener).plan
    applied = apply_plan(plan, file, tmp_path / "clean.mp3")
    tags = mutagen.id3.ID3(tmp_path / "clean.mp3")
    assert str(tags["TIT2"]) == "Épisode 12"
    assert tags.getall("APIC")[0].data.startswith(b"\x89PNG")
    chapters = {frame.element_id: frame for frame in tags.getall("CHAP")}
    gone = sum(p.duration for p in plan.active if p.removes and p.end <= second)
    assert chapters["b"].start_time == pytest.approx(1000 * (second - gone), abs=1)
    assert chapters["b"].sub_frames["TIT2"].text == ["Part b"]
    assert applied.beside == (tmp_path / "clean.srt",)
    assert "home again" in (tmp_path / "clean.srt").read_text(encoding="utf-8")
    sound = np.abs(read(probe(tmp_path / "clean.mp3")).samples[0])
    at = round((second - gone) * 44100)
    assert sound[at + 441 : at + 8820].max() > 0.05 > 0.01 > sound[at - 8820 : at - 441].max()


def test_broken_subtitles_are_told_of_and_fail_nothing(tagged, tmp_path):
    path, _, listener = tagged
    path.with_suffix(".srt").write_bytes(b"\x00\xff nothing")
    file = probe(path)
    plan = plan_episode(file, PLAIN, listener).plan
    applied = apply_plan(plan, file, tmp_path / "clean.mp3")
    assert applied.beside == ()
    assert any("episode.srt" in note for note in applied.notes)
    assert (tmp_path / "clean.mp3").exists()


def test_a_long_intro_gives_the_episode_neither_tags_nor_chapters(tagged, tmp_path):
    path, _, listener = tagged
    jingle = tmp_path / "jingle.mp3"
    soundfile.write(jingle, 0.1 * np.random.default_rng(1).standard_normal(44100 * 15), 44100)
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.TIT2(encoding=3, text="Jingle"))
    tags.add(mutagen.id3.TPE1(encoding=3, text="A band"))
    tags.add(mutagen.id3.CTOC(element_id="toc", flags=3, child_element_ids=["j"]))
    title = mutagen.id3.TIT2(encoding=3, text="Jingle")
    tags.add(mutagen.id3.CHAP(element_id="j", start_time=0, end_time=15000, sub_frames=[title]))
    tags.save(jingle)
    music = PLAIN.music.model_copy(update={"intro": str(jingle)})
    file = probe(path)
    plan = plan_episode(file, PLAIN.model_copy(update={"music": music}), listener).plan
    apply_plan(plan, file, tmp_path / "clean.mp3")
    written = mutagen.id3.ID3(tmp_path / "clean.mp3")
    assert str(written["TIT2"]) == "Épisode 12"
    assert "TPE1" not in written
    assert written.getall("APIC")[0].data.startswith(b"\x89PNG")
    chapters = {frame.element_id: frame for frame in written.getall("CHAP")}
    assert chapters.keys() == {"a", "b"}
    assert chapters["b"].start_time > 15000


def test_subtitles_of_a_language_and_of_the_whole_name_are_retimed(tagged, tmp_path):
    path, _, listener = tagged
    for end in (".en.srt", ".mp3.srt", ".mp3.de.srt"):
        shutil.copy(path.with_suffix(".srt"), path.with_name(f"{path.stem}{end}"))
    file = probe(path)
    plan = plan_episode(file, PLAIN, listener).plan
    applied = apply_plan(plan, file, tmp_path / "clean.flac")
    names = [".en.srt", ".flac.de.srt", ".flac.srt", ".srt"]
    assert sorted(path.name for path in applied.beside) == [f"clean{name}" for name in names]
    assert applied.notes == ()
    applied = apply_plan(plan, file, tmp_path / "episode.flac")
    names = [".flac.de.srt", ".flac.en.srt", ".flac.srt"]
    assert sorted(path.name for path in applied.beside) == [f"episode{name}" for name in names]
    told = "episode.srt' is not re-timed: 'episode.flac.srt' is that of others"
    assert any(told in note for note in applied.notes)
