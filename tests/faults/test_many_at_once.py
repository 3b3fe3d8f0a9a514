"""Many sessions at once, in threads, in tasks and in processes: each as if it were alone."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile

from qwen_audio_agent.agent.planner import Planner
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.chat_models.scripted import read_script
from qwen_audio_agent.speech.cache import HeardCache, key_of
from tests.faults.conftest import ROOT, write_faint, write_script

KINDS = [
    pytest.param(8, id="8"),
    pytest.param(32, id="32", marks=pytest.mark.slow),
]


@dataclass(frozen=True)
class Job:
    """A session of its own, with the output that it renders, as plain values to be compared."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    sound: bytes


def by_times(folder: Path, source: Path, script: Path) -> Job:
    """What a scripted planner makes of a recording that is too faint to be listened to."""
    with Session.create(folder, [source]) as session:
        list(Planner(session, read_script(script)).run("do it"))
        return told(session)


def told(session: Session) -> Job:
    output = session.folder / "out.wav"
    session.render(session.latest, output)
    ids = tuple(session.entry(number).edit_list.id for number in session.numbers)
    texts = tuple(step.text + step.verdict_text for step in session.steps)
    return Job(ids, texts, output.read_bytes())


def by_words(folder: Path, source: Path, heard: Path) -> Job:
    """What the real ear finds, cuts and listens to again."""
    with Session.create(folder, [source], hearing_cache=heard, num_workers=1) as session:
        session.call("cut", audio=1, words="with the old wooden gate")
        return told(session)


def opening_of(interview: Path, folder: Path) -> Path:
    """Its first seconds, which are heard sooner than the whole."""
    sound, rate = soundfile.read(interview, dtype="int16")
    soundfile.write(folder / "opening.wav", sound[: 4 * rate], rate)
    return folder / "opening.wav"


@pytest.mark.parametrize("num_sessions", KINDS)
def test_sessions_in_threads_and_in_tasks_are_as_if_alone(
    tmp_path: Path, num_sessions: int
) -> None:
    source = write_faint(tmp_path / "talk.wav", 3)
    script = write_script(tmp_path / "script.json")
    alone = by_times(tmp_path / "alone", source, script)
    assert len(alone.ids) == 5

    with ThreadPoolExecutor(num_sessions) as threads:
        folders = [tmp_path / f"thread {number}" for number in range(num_sessions)]
        done = list(threads.map(lambda folder: by_times(folder, source, script), folders))
    assert done == [alone] * num_sessions

    async def in_tasks() -> list[Job]:
        folders = [tmp_path / f"task {number}" for number in range(num_sessions)]
        tasks = (asyncio.to_thread(by_times, folder, source, script) for folder in folders)
        return await asyncio.gather(*tasks)

    assert asyncio.run(in_tasks()) == [alone] * num_sessions


@pytest.mark.parametrize("num_sessions", [2, pytest.param(32, marks=pytest.mark.slow)])
def test_sessions_that_share_the_ear_and_what_it_heard_are_as_if_alone(
    tmp_path: Path, interview: Path, num_sessions: int
) -> None:
    opening = opening_of(interview, tmp_path)
    alone = by_words(tmp_path / "alone", opening, tmp_path / "heard alone")
    assert "wooden gate" in alone.texts[0]

    def work(number: int) -> Job:
        return by_words(tmp_path / str(number), opening, tmp_path / "heard by all")

    with ThreadPoolExecutor(num_sessions) as threads:
        done = list(threads.map(work, range(num_sessions)))
    assert done == [alone] * num_sessions
    heard = tmp_path / "heard by all" / "heard"
    assert [path for path in heard.rglob("*") if path.is_file() and path.suffix != ".json"] == []


IN_A_PROCESS = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.faults.test_many_at_once import by_words
job = by_words(Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
print(json.dumps([job.ids, job.texts, job.sound.hex()]))
"""


@pytest.mark.parametrize("num_processes", [pytest.param(8, marks=pytest.mark.slow)])
def test_processes_that_share_what_was_heard_are_as_if_alone(
    tmp_path: Path, interview: Path, num_processes: int
) -> None:
    opening = opening_of(interview, tmp_path)
    alone = by_words(tmp_path / "alone", opening, tmp_path / "heard alone")
    code = [sys.executable, "-c", IN_A_PROCESS, str(ROOT)]
    heard = tmp_path / "heard by all"
    processes = [
        subprocess.Popen([*code, tmp_path / str(number), opening, heard], stdout=subprocess.PIPE)
        for number in range(num_processes)
    ]
    for process in processes:
        out, _ = process.communicate()
        assert process.returncode == 0
        ids, texts, sound = json.loads(out)
        assert Job(tuple(ids), tuple(texts), bytes.fromhex(sound)) == alone


@pytest.mark.parametrize("max_bytes", [100_000_000, 10_000])
def test_a_cache_that_many_write_gives_whole_answers_or_none(
    tmp_path: Path, max_bytes: int
) -> None:
    """Also while it is so full that entries are removed under those who read them."""
    answers = {key_of(number): [number] * 300 for number in range(25)}

    def work(shared: HeardCache) -> list[str]:
        wrong: list[str] = []
        for key, answer in [*answers.items()] * 2:
            own = HeardCache(tmp_path, max_bytes)
            found = [shared.get(key), own.get(key)]
            wrong += [str(kept)[:40] for kept in found if kept not in (None, answer)]
            own.put(key, answer)
        return wrong

    shared = HeardCache(tmp_path, max_bytes)
    with ThreadPoolExecutor(8) as threads:
        assert [wrong for wrongs in threads.map(work, [shared] * 8) for wrong in wrongs] == []


def test_a_memory_that_many_use_at_once_forgets_in_order(tmp_path: Path) -> None:
    shared = HeardCache(None)

    def work(first: int) -> bool:
        for number in range(first, first + 3000):
            shared.put(str(number), number)
            if shared.get(str(number - 50)) not in (None, number - 50):
                return False
        return True

    run: Callable[[int], bool] = work
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(run, range(0, 8000, 1000)))
