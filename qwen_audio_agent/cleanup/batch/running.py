"""A batch from end to end: find the recordings, do what is not done yet, sum it up."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qwen_audio_agent.audio.formats import container_for
from qwen_audio_agent.cleanup.batch.engines import Ended, Happened, Share, open_engine
from qwen_audio_agent.cleanup.batch.entry import Entry
from qwen_audio_agent.cleanup.batch.jobs import Job, Settings, plan_jobs, recipe_hash, sendable
from qwen_audio_agent.cleanup.batch.ledger import Ledger
from qwen_audio_agent.cleanup.batch.places import clear_hidden, is_url, join
from qwen_audio_agent.cleanup.batch.summary import Summary
from qwen_audio_agent.cleanup.recipe import Recipe, load_recipe
from qwen_audio_agent.errors import AudioFileError, UsageError
from qwen_audio_agent.speech.cache import default_cache_folder
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import num_cores


@dataclass(frozen=True, slots=True)
class Options:
    """What is seldom asked for.

    Attributes:
        ear: who listens, as `speech.ears.open_ear` takes it.
        suffix: such as ".flac", of all outputs; "" keeps that of each recording.
        heard_folder: where it is kept what was heard; the cache of this person by default.
    """

    ear: str = "auto"
    suffix: str = ""
    heard_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a batch is.

    Attributes:
        share: of all the work, 0 to 1.
        num_ended: episodes that are done or failed.
        num_jobs: all episodes.
        entry: the one that has just ended; None where only the share has grown.
        was_done: whether that was done by an earlier batch.
    """

    share: float
    num_ended: int
    num_jobs: int
    entry: Entry | None = None
    was_done: bool = False


def clean_up_all(
    inputs: str | Path | Iterable[str | Path],
    output_folder: str | Path,
    recipe: Recipe | str | Path = "podcast",
    *,
    workers: int | None = None,
    engine: str = "local",
    progress: Callable[[Moment], None] | None = None,
    options: Options = Options(),
) -> Summary:
    """Clean many episodes up by one recipe; what was done before is not done again.

    An episode that fails does not stop the others. The output folder gets the outputs, under the
    names of the recordings below the folder that all of them share, and beside them the ledger
    (batch.jsonl), summary.json and summary.csv.

    Args:
        inputs: recordings, folders or patterns, see `recordings.find_recordings`.
        output_folder: a folder of this machine, or a URL that fsspec reaches.
        recipe: the name of one that comes with the package, or a TOML file.
        workers: how many episodes are worked on at a time; by default one for each core.
        engine: "local", or "ray" for a Ray cluster.
        progress: told whenever an episode goes on or ends.
        options: what is seldom asked for.

    Raises:
        UsageError: wrong use, told before anything is done: no recordings, two outputs of one name,
            an output that is a recording, a mistake in the recipe, an extra that is not installed.
        HearingError: the ear cannot listen at all.
        AudioFileError: a summary that is in the output folder cannot be read.
        DiskError: the output folder takes nothing more.
        KeyboardInterrupt: stopped; what is done is kept, and nothing is left half.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"at least 1 worker is needed, not {workers}")
    run = open_engine(engine)
    chosen = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    open_ear(options.ear)
    place = _place_of(output_folder)
    _check_suffix(options.suffix)
    ledger = Ledger(place)
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    jobs = plan_jobs(map(str, given), place, options.suffix, ledger.outputs)
    num_workers = workers or num_cores()
    settings = Settings(
        folder=place,
        recipe=sendable(chosen),
        recipe_sha256=recipe_hash(chosen),
        ear=options.ear,
        heard_folder=str((options.heard_folder or default_cache_folder()).absolute()),
        hearing_workers=max(1, num_workers // len(jobs)),
    )
    with ledger:
        ledger.plan(job.output for job in jobs)
        events = run(jobs, settings, ledger.entries, num_workers)
        return _followed(events, jobs, ledger, place, progress)


def _followed(
    events: Generator[Happened, None, None],
    jobs: Sequence[Job],
    ledger: Ledger,
    place: str,
    progress: Callable[[Moment], None] | None,
) -> Summary:
    """Note what happens; the summary is written however it ends."""
    entries = [Entry(job.given, job.output) for job in jobs]
    shares = [0.0] * len(jobs)
    weights = [max(1, job.size) for job in jobs]
    num_ended = 0
    ended: tuple[Entry | None, bool]
    try:
        with closing(events):
            for event in events:
                match event:
                    case Ended(number, entry, was_done):
                        if not was_done:
                            ledger.note(entry)
                        entries[number], shares[number] = entry, 1.0
                        num_ended += 1
                        ended = (entry, was_done)
                    case Share(number, done):
                        shares[number] = done
                        ended = (None, False)
                if progress:
                    total = sum(s * w for s, w in zip(shares, weights, strict=True))
                    progress(Moment(total / sum(weights), num_ended, len(jobs), *ended))
    except KeyboardInterrupt as stop:
        stop.add_note(
            f"{num_ended} of {len(jobs)} episodes ended: give the same command again to go on"
        )
        raise
    finally:
        _clear(jobs, place)
        summary = Summary(place, tuple(entries)).write()
    return summary


def _clear(jobs: Sequence[Job], place: str) -> None:
    """Remove what was not finished."""
    for folder in {str(PurePosixPath(job.output).parent) for job in jobs}:
        clear_hidden(place if folder == "." else join(place, folder))


def _place_of(folder: str | Path) -> str:
    if is_url(str(folder)):
        return str(folder).rstrip("/")
    if not str(folder) or "\0" in str(folder):
        raise UsageError("the output folder needs a name, without null characters")
    return os.path.abspath(folder)  # noqa: PTH100 - links stay as they are


def _check_suffix(suffix: str) -> None:
    if suffix:
        try:
            container_for(Path(f"output{suffix}"))
        except AudioFileError:
            raise UsageError(f"{suffix!r} is no format that can be written, such as flac") from None
