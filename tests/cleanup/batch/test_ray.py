"""A batch on a real Ray of two workers, over filesystems of fsspec, one worker killed half-way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest
from pytest_socket import disable_socket, enable_socket

from qwen_audio_agent.cleanup.batch import Moment, Options, clean_up_all
from qwen_audio_agent.cleanup.batch.engines import open_engine
from qwen_audio_agent.errors import UsageError
from tests.cleanup.batch.conftest import Start, contents, ended, quick, write_faint

ROOT = Path(__file__).parent.parent.parent.parent

pytest.importorskip("ray", reason="needs the extra ray")
pytestmark = [
    pytest.mark.usefixtures("socket_enabled"),
    # Ray leaves sockets and files to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What dir:// is for all processes: a fake of a store that they share."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def cluster(shared: Path, heard: Path) -> Iterator[None]:
    """Two workers on this machine, for all tests of this module."""
    import ray

    environment = {
        "FSSPEC_DIR_PATH": str(shared),
        "FSSPEC_DIR_TARGET_PROTOCOL": "file",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "PYTHONPATH": str(ROOT),
    }
    enable_socket()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        from fsspec.config import conf, set_conf_env

        set_conf_env(conf)
        before = signal.getsignal(signal.SIGTERM)
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 * 1024 * 1024,
            log_to_driver=False,
        )
        yield
        ray.shutdown()
        signal.signal(signal.SIGTERM, before)
        conf.pop("dir", None)
    disable_socket(allow_unix_socket=True)


def workers() -> list[psutil.Process]:
    """The processes that work on an episode now."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "clean_up_episode" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_batch_on_ray_is_the_same_also_when_a_worker_is_killed(
    cluster: None, episodes: Path, heard: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    shutil.copytree(episodes, folder)
    for number, name in enumerate(("2023/d.wav", "e.flac")):
        write_faint(folder / name, seconds=40, seed=number)
    local, there = tmp_path / "local", tmp_path / "there"
    options = Options(heard_folder=heard)
    clean_up_all(f"{folder}/**", local, quick(), workers=2, options=options)
    begun, over = Event(), Event()
    killed = []

    def kill_one() -> None:
        begun.wait()
        while not over.is_set() and not killed:
            for process in workers()[:1]:
                os.kill(process.pid, signal.SIGKILL)
                killed.append(process.pid)
            time.sleep(0.01)

    thread = Thread(target=kill_one)
    thread.start()
    summary = clean_up_all(
        f"file://{folder}/**",
        f"file://{there}",
        quick(),
        engine="ray",
        options=options,
        progress=lambda _: begun.set(),
    )
    over.set()
    begun.set()
    thread.join()
    assert killed
    assert summary.num("done") == 6, summary
    ours, theirs = contents(local), contents(there)
    for name in ("summary.json", "summary.csv"):
        ours[name] = ours[name].replace(str(folder).encode(), f"file://{folder}".encode())
    assert theirs == ours
    assert not list(there.rglob(".*"))


def test_a_store_that_processes_share_is_read_and_written_and_gone_on_with(
    cluster: None, episodes: Path, heard: Path, shared: Path, tmp_path: Path
) -> None:
    options = Options(heard_folder=heard)
    for name in ("a.wav", "2023/c.ogg", "faint.wav"):
        (shared / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (shared / "in" / name).write_bytes((episodes / name).read_bytes())
    (shared / "in/bad.wav").write_text("no sound")
    moments: list[Moment] = []
    how = {"engine": "ray", "options": options, "progress": moments.append}
    summary = clean_up_all("dir://in/**", "dir://out", quick(), **how)
    assert {e.output: e.status for e in summary.entries} == {
        "2023/c.ogg": "done",
        "a.wav": "done",
        "bad.wav": "failed",
        "faint.wav": "done",
    }
    assert "'bad.wav' cannot be read as sound" in summary.entries[2].error
    clean_up_all(f"{episodes}/**", tmp_path / "local", quick(), workers=1, options=options)
    for name in ("2023/c.ogg", "a.wav", "faint.wav", "a.wav.plan.json"):
        assert (shared / "out" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
    assert json.loads((shared / "out/summary.json").read_text())["done"] == 3
    moments.clear()
    clean_up_all("dir://in/**", "dir://out", quick(), **how)
    assert {m.entry.output: m.was_done for m in moments if m.entry}["a.wav"]
    assert sum(m.was_done for m in moments) == 3
    with pytest.raises(UsageError, match="is the recording"):
        clean_up_all("dir://in/**", "dir://in", quick(), **how)


def test_the_command_starts_a_ray_of_its_own_and_stops_in_order(
    recipe: Path, start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in range(12):
        write_faint(folder / f"{name}.wav", seconds=10, seed=name)
    how = [folder, "-o", tmp_path / "out", "--recipe", recipe, "--engine", "ray", "--workers", 1]
    process = start(*how, RAY_TMPDIR=tempfile.gettempdir())
    assert process.stderr.readline().startswith("[1/12]")
    process.send_signal(signal.SIGTERM)
    status, _, err = ended(process)
    assert status == 143, err
    assert "of 12 episodes ended: give the same command again to go on" in err
    assert json.loads((tmp_path / "out/summary.json").read_text())["waiting"]
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'qwen-audio-agent\[ray\]'"):
        open_engine("ray")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError, match=r"pip install 'qwen-audio-agent\[ray\]'"):
        clean_up_all("s3://show/raw", "out", quick())
