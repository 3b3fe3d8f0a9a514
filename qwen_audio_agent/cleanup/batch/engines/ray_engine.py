"""Jobs as tasks of a Ray cluster, which begins a job anew where its process or its machine dies.

The cluster is the one that this process is connected to, the one that RAY_ADDRESS names, or else
one of this machine for as long as the batch lasts. Its machines need this package, and must see the
recordings and the output folder under the names that they have here: by URLs, or on a shared disk.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.util import find_spec
from typing import Any, Final

from qwen_audio_agent.cleanup.batch.engines import Ended, Happened
from qwen_audio_agent.cleanup.batch.entry import Entry
from qwen_audio_agent.cleanup.batch.jobs import Job, Settings, smallest_last
from qwen_audio_agent.cleanup.batch.work import do_job
from qwen_audio_agent.errors import UsageError

_RETRIES: Final = 3
_LOOK_EVERY_S: Final = 1.0
_STORE_BYTES: Final = 100 * 1024 * 1024  # nothing but entries goes through it


def check() -> None:
    """See that Ray is there.

    Raises:
        UsageError: it is not installed; says what to install.
    """
    try:
        is_there = find_spec("ray") is not None
    except ValueError:
        is_there = False
    if not is_there:
        raise UsageError("--engine ray needs Ray: pip install 'qwen-audio-agent[ray]'")


def run(
    jobs: Sequence[Job], settings: Settings, before: Mapping[str, Entry], num_workers: int
) -> Generator[Happened, None, None]:
    """Do jobs; see `engines.Engine`. Of a cluster that runs already, all cores are used."""
    import ray

    settings = replace(settings, hearing_workers=1)
    with _connected(num_workers) as is_own:
        task = ray.remote(num_cpus=1, max_retries=_RETRIES)(clean_up_episode)
        waiting = {}
        for number in smallest_last(jobs):
            entry = before.get(jobs[number].output)
            known = entry.to_json() if entry else None
            waiting[task.remote(asdict(jobs[number]), asdict(settings), known)] = number
        try:
            while waiting:
                ready, _ = ray.wait(list(waiting), timeout=_LOOK_EVERY_S)
                for reference in ready:
                    number = waiting.pop(reference)
                    yield _ended(number, jobs[number], settings, reference)
        finally:
            # Our own connection takes its tasks along when it closes. To cancel one that is just
            # ending can abort the whole process (Ray 2.60: "Tried to complete task that was not
            # pending"), so that is left to where it must be, and no job begins meanwhile.
            for reference in () if is_own else reversed(waiting):
                ray.cancel(reference, force=True)


def clean_up_episode(
    job: dict[str, Any], settings: dict[str, Any], before: dict[str, Any] | None
) -> tuple[dict[str, Any], bool]:
    """What runs in the cluster: `work.do_job` with plain data."""
    entry, was_done = do_job(
        Job(**job), Settings(**settings), Entry.from_json(before), lambda _done: None
    )
    return entry.to_json(), was_done


def _ended(number: int, job: Job, settings: Settings, reference: Any) -> Ended:
    import ray

    failed = Entry(job.given, job.output, "failed", recipe_sha256=settings.recipe_sha256)
    try:
        data, was_done = ray.get(reference)
    except ray.exceptions.RayError as error:
        first = (str(error).strip().splitlines() or [""])[0][:300]
        told = f"Ray gave it up, {type(error).__name__}: {first}"
        return Ended(number, replace(failed, error=told), was_done=False)
    return Ended(number, Entry.from_json(data) or failed, was_done)


@contextmanager
def _connected(num_workers: int) -> Iterator[bool]:
    """A cluster, and whether the connection is our own.

    When the block ends, one that was started here is gone with all its processes, and in one of
    others the tasks of our own connection end.

    Raises:
        UsageError: the one that RAY_ADDRESS names cannot be reached.
    """
    import ray

    if ray.is_initialized():
        yield False
        return
    # What people record is nobody's statistics.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    how: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not os.environ.get("RAY_ADDRESS"):
        how |= {"address": "local", "num_cpus": num_workers, "include_dashboard": False}
        how |= {"object_store_memory": _STORE_BYTES}
    with _own_signals():
        try:
            ray.init(**how)
        except (OSError, RuntimeError, ValueError) as error:
            raise UsageError(f"no Ray cluster can be had: {error}") from None
    try:
        yield True
    finally:
        ray.shutdown()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray puts a handler of its own in the place of ours, which would end the batch in disorder."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if is_main and before is not None:
            signal.signal(signal.SIGTERM, before)
