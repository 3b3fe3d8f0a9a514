"""Which recordings a batch takes, and what their outputs are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwen_audio_agent.cleanup.batch.jobs import plan_jobs, recipe_hash, sendable
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("in/a.mp3", "in/b.MP3", "in/notes.txt", "in/.hidden.mp3", "in/x/a.mp3"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")
    for name in ("in/x/y/c.wav", "in/[1].wav", "in/.secret/d.wav", "out/old.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outputs(*inputs: str, out: str = "out", suffix: str = "", earlier: tuple[str, ...] = ()):
    return [job.output for job in plan_jobs(inputs, str(Path(out).absolute()), suffix, earlier)]


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        (["in/*.mp3"], ["a.mp3"]),
        (["in/a.mp3", "in/b.MP3"], ["a.mp3", "b.MP3"]),
        (["in"], ["[1].wav", "a.mp3", "b.MP3"]),
        (["in/**"], ["[1].wav", "a.mp3", "b.MP3", "x/a.mp3", "x/y/c.wav"]),
        (["in/**/*.mp3"], ["a.mp3", "x/a.mp3"]),
        (["in/a.mp3", "in/x/a.mp3"], ["a.mp3", "x/a.mp3"]),
        (["in/*/a.mp3", "in/x/y"], ["x/a.mp3", "x/y/c.wav"]),
        (["in/[1].wav"], ["[1].wav"]),
        (["in/x/../a.mp3", "in/a.mp3", "./in/*.mp3"], ["a.mp3"]),
        (["in/notes.txt", "in/nowhere.wav"], ["notes.txt", "nowhere.wav"]),
    ],
)
def test_files_folders_and_patterns(folder: Path, inputs: list[str], found: list[str]) -> None:
    assert outputs(*inputs) == found


def test_a_format_renames_all(folder: Path) -> None:
    assert outputs("in/**/*.mp3", suffix=".flac") == ["a.flac", "x/a.flac"]


def test_outputs_in_the_folder_of_the_inputs_are_not_taken_for_recordings(folder: Path) -> None:
    (folder / "in/out").mkdir()
    (folder / "in/out/a.mp3").write_bytes(b"sound")
    assert outputs("in/**/*.mp3", out="in/out") == ["a.mp3", "x/a.mp3"]
    (folder / "in/a.flac").write_bytes(b"sound")
    found = outputs("in", out="in", suffix=".w64", earlier=("a.flac",))
    assert found == ["[1].w64", "a.w64", "b.w64"]
    found = outputs("in/a.mp3", "in/a.flac", out="in", suffix=".w64", earlier=("a.flac",))
    assert found == ["a.w64"]
    with pytest.raises(UsageError, match="no recordings, but those in the output folder"):
        outputs("in/out", out="in/out", earlier=("a.mp3",))


def test_an_empty_folder_that_a_shell_named_is_passed_over(folder: Path) -> None:
    (folder / "in/out").mkdir()
    assert outputs("in/a.mp3", "in/out", out="in/out") == ["a.mp3"]


@pytest.mark.parametrize(
    ("inputs", "how", "told"),
    [
        (["in/*.xyz"], {}, "'in/.*xyz' stands for no recordings"),
        ([""], {}, "not empty"),
        (["in/*/../*.mp3"], {}, "a pattern has no .. behind"),
        (["in/a.mp3"], {"out": "in"}, "'a.mp3' in the output folder is the recording 'in/a.mp3'"),
        (["in/a.mp3", "in/a.wav"], {"suffix": ".ogg"}, "would both become 'a.ogg'"),
        (["in/a.mp3", "in/A.mp3"], {}, "would both become"),
    ],
)
def test_what_clashes_is_refused(folder: Path, inputs: list[str], how: dict, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        outputs(*inputs, **how)


def test_subtitles_get_names_that_are_no_others(folder: Path) -> None:
    def stems(*inputs: str, out: str, suffix: str = "") -> list[str]:
        jobs = plan_jobs(inputs, str(folder / out), suffix, ())
        return [job.subtitles for job in jobs]

    assert stems("in/a.mp3", "in/x/a.mp3", out="out") == ["", ""]
    assert stems("in/a.mp3", "in/A.wav", out="out") == ["A.wav", "a.mp3"]
    assert stems("in/a.mp3", "in/b.MP3", out="in", suffix=".wav") == ["a.wav", "b.wav"]
    assert stems("in/a.mp3", "in/b.MP3", out="in/x", suffix=".wav") == ["", ""]


def test_links_keep_their_names_and_lead_nowhere(folder: Path) -> None:
    (folder / "in/link.wav").symlink_to(folder / "in/x/y/c.wav")
    assert outputs("in/*.wav") == ["[1].wav", "link.wav"]
    (folder / "in/loop").symlink_to(folder / "in")
    assert outputs("in/**/c.wav") == ["x/y/c.wav"]
    (folder / "out/a.mp3").symlink_to(folder / "in/a.mp3")
    with pytest.raises(UsageError, match=r"is the recording 'in/a\.mp3'"):
        outputs("in/a.mp3")
    (folder / "out/a.mp3").unlink()
    (folder / "out/x").symlink_to(folder)
    with pytest.raises(UsageError, match="is a link out of the output folder"):
        outputs("in/**/*.mp3", "in/b.MP3", out="out")


def test_a_recipe_is_known_by_what_it_says_and_by_its_sounds(tmp_path: Path) -> None:
    jingle = tmp_path / "jingle.wav"
    jingle.write_bytes(b"one")
    recipe = Recipe.from_data({"music": {"intro": str(jingle)}})
    first = recipe_hash(recipe)
    assert first == recipe_hash(recipe) != recipe_hash(Recipe())
    jingle.write_bytes(b"two")
    assert recipe_hash(recipe) != first


def test_sounds_of_a_recipe_are_found_from_other_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = Recipe.from_data({"music": {"bed": "music/bed.wav", "bed_db": -20}})
    sent = Recipe.from_data(sendable(recipe))
    assert sent.music.bed == str(tmp_path / "music/bed.wav")
    assert (sent.music.intro, sent.music.bed_db) == ("", -20)
    assert sendable(Recipe()) == Recipe().to_json()
