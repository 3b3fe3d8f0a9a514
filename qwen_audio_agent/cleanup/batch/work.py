"""One episode of a batch, from the recording to the output and its entry; runs in any process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Final

from qwen_audio_agent.audio.files import content_hash, probe
from qwen_audio_agent.audio.scratch import scratch_folder
from qwen_audio_agent.audio.sound_stream import check_regular
from qwen_audio_agent.audio.writing import check_output
from qwen_audio_agent.cleanup.batch.entry import Entry
from qwen_audio_agent.cleanup.batch.jobs import Job, Settings
from qwen_audio_agent.cleanup.batch.places import (
    deliver,
    exists,
    fetch_beside,
    fetched,
    join,
    keep_at,
    sha256_at,
)
from qwen_audio_agent.cleanup.episode import (
    SUBTITLES,
    Planned,
    apply_plan,
    check_result,
    plan_episode,
    subtitles_of,
)
from qwen_audio_agent.cleanup.hearing_again import Again, hear_again
from qwen_audio_agent.cleanup.kept_files import is_edited, is_other
from qwen_audio_agent.cleanup.plan import Plan
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.cleanup.report import make_report, write_report
from qwen_audio_agent.errors import EditError, QwenAudioAgentError
from qwen_audio_agent.speech.cache import key_of
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Listener

Tell = Callable[[float], None]

_PLAN: Final = ".plan.json"

# The shares of the time that go by until it is heard what is said, until the joins are heard again,
# and until the sound is made.
_LISTENED, _VERIFIED, _APPLIED = 0.7, 0.85, 0.95


def do_job(job: Job, settings: Settings, before: Entry | None, tell: Tell) -> tuple[Entry, bool]:
    """Clean one episode up, unless that was done before.

    Args:
        job: which.
        settings: how.
        before: what the ledger says of the same output.
        tell: told how much is done, 0 to 1.

    Returns:
        What it came to, be it done or failed; and whether it was done before.
    """
    entry = Entry(job.given, job.output, recipe_sha256=settings.recipe_sha256)
    scratch = None
    try:
        with scratch_folder(takes_all=True) as scratch:
            return _Episode(job, settings, scratch, tell).done(entry, before)
    except (QwenAudioAgentError, OSError) as error:
        text = str(error)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the others are done
        text = f"this is a mistake of the program, {type(error).__name__}: {error}"
    if scratch:
        text = text.replace(f"{scratch}/", "")
    return replace(entry, status="failed", error=" ".join(text.split())), False


class _Episode:
    """One episode on its way; `scratch` is for sound in between."""

    def __init__(self, job: Job, settings: Settings, scratch: Path, tell: Tell) -> None:
        self._job = job
        self._settings = settings
        self._scratch = scratch
        self._tell = tell
        self._new = scratch / "new" / PurePosixPath(job.output).name

    def done(self, entry: Entry, before: Entry | None) -> tuple[Entry, bool]:
        """Do it; the output is put in its place last."""
        path = fetched(self._job.input, self._scratch)
        check_regular(path)
        self._new.parent.mkdir()
        check_output(self._new)
        fetch_beside(self._job.input, path, SUBTITLES)
        ear = open_ear(self._settings.ear)
        entry = replace(
            entry,
            input_sha256=content_hash(path),
            subtitles_sha256=_subtitles_hash(path),
            program=f"qwen-audio-agent {version('qwen-audio-agent')}",
            ear=f"{ear.name} {ear.version}",
        )
        target = join(self._settings.folder, self._job.output)
        if before and self._is_done(before, entry):
            return replace(before, input=entry.input), True
        heard, workers = Path(self._settings.heard_folder), self._settings.hearing_workers
        told = self._between(0.0, _LISTENED)
        listener = Listener(ear, heard, told, workers, keeps_sounds=True)
        file = probe(path, self._scratch)
        recipe = Recipe.from_data(self._settings.recipe)
        check_result(file, self._new, recipe)
        planned = plan_episode(file, recipe, listener)
        entry = self._applied(planned, entry, listener)
        deliver(self._new, target)
        return entry, False

    def _is_done(self, before: Entry, entry: Entry) -> bool:
        """Whether all that an earlier batch made of the same is still there."""
        places = [join(self._settings.folder, name) for name in (before.output, *before.reports)]
        return (
            before.status == "done"
            and before.comes_from_the_same(entry)
            and all(map(exists, places))
            and sha256_at(places[0]) == before.output_sha256
        )

    def _applied(self, planned: Planned, entry: Entry, listener: Listener) -> Entry:
        """Make the output, not yet in its place, and what is written on it."""
        if planned.concern:
            names, kept = self._delivered(self._reports(planned), planned.plan)
            raise EditError("; ".join([f"{planned.concern}; see {names[1]}", *kept]))
        again = hear_again(
            planned.plan,
            [planned.file],
            listener,
            cache_folder=self._scratch,
            progress=self._between(_LISTENED, _VERIFIED),
        )
        plan = again.plan
        applied = apply_plan(
            plan,
            planned.file,
            self._new,
            cache_folder=self._scratch,
            progress=self._between(_VERIFIED, _APPLIED),
            subtitles=self._job.subtitles,
            measures=True,
        )
        (levels,) = applied.measured.values()
        known = {**planned.measured, **applied.measured}
        reports = self._reports(replace(planned, plan=plan, measured=known), [self._new], again)
        names, kept = self._delivered([*applied.beside, *reports], plan)
        notes = [*planned.file.notes, *applied.notes, *again.notes, *kept]
        return replace(
            entry,
            status="done",
            input_sha256=plan.episode.sha256,
            seconds_before=round(plan.episode.duration, 3),
            seconds_after=round(levels.duration, 3),
            seconds_removed=round(plan.removed, 3),
            counts=dict(sorted(Counter(p.kind for p in plan.active).items())),
            lufs_before=plan.episode.loudness_lufs,
            lufs_after=levels.loudness_lufs,
            output_sha256=content_hash(self._new),
            reports=tuple(names),
            notes=tuple(" ".join(note.split()) for note in notes),
        )

    def _between(self, first: float, last: float) -> Tell:
        """Tells how much is done of a part of the whole, from its first share to its last."""
        return lambda done: self._tell(first + (last - first) * done)

    def _reports(
        self, planned: Planned, outputs: Sequence[Path] = (), again: Again | None = None
    ) -> tuple[Path, Path, Path]:
        """The plan, which `cleanup --apply` takes too, the page to listen to, and its data."""
        path = self._scratch / f"{self._new.name}{_PLAN}"
        path.write_text(planned.plan.to_text(), "utf-8", "backslashreplace")
        report = make_report(
            planned.plan,
            planned.transcript,
            [planned.file],
            outputs,
            progress=self._between(_APPLIED, 1.0),
            measured=planned.measured,
        )
        report = replace(report, again=again)
        return path, *write_report(report, self._scratch / f"{self._new.name}.html")

    def _delivered(self, files: Iterable[Path], plan: Plan) -> tuple[list[str], list[str]]:
        """Put reports, and what else was made, beside the output.

        Returns:
            Their names below its folder; and notes on files of people that were there.
        """
        folder = PurePosixPath(self._job.output).parent
        names, notes = [], []
        for file in files:
            names.append(str(folder / file.name))
            place = join(self._settings.folder, names[-1])
            kept = keep_at(place, self._is_lost(file, plan), self._scratch / "there")
            if kept:
                what = "edited plan" if file.name.endswith(_PLAN) else file.name
                notes.append(f"the {what} that was there is kept as {folder / kept}")
            deliver(file, place)
        return names, notes

    def _is_lost(self, file: Path, plan: Plan) -> Callable[[Path], bool]:
        """Whether something that is there may not be written over by a file."""
        if file.name.endswith(_PLAN):
            return lambda there: is_edited(there, plan)
        return lambda there: is_other(there, file.read_bytes())


def _subtitles_hash(recording: Path) -> str:
    found = {path.name: sha256_at(str(path)) for path in subtitles_of(recording)}
    return key_of(found) if found else ""
