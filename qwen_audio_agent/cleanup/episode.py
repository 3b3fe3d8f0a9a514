"""The whole way of one episode: listen, measure, propose, and, where it is agreed, do it.

planned = plan_episode(file, recipe, listener)         nothing is changed yet
again = hear_again(planned.plan, [file], listener)     what is not clean at its joins is left in
apply_plan(again.plan, file, "episode-clean.mp3")      the file appears whole or not at all
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from qwen_audio_agent.audio.files import AudioFile, content_hash, probe, same_file
from qwen_audio_agent.audio.formats import container_for, shown
from qwen_audio_agent.audio.scratch import scratch_folder
from qwen_audio_agent.audio.whole_file import write_whole
from qwen_audio_agent.cleanup.applying import programme
from qwen_audio_agent.cleanup.detection import propose
from qwen_audio_agent.cleanup.guards import guarded, share_concern
from qwen_audio_agent.cleanup.hearing_again import Again, hear_again
from qwen_audio_agent.cleanup.kept_files import keep_other
from qwen_audio_agent.cleanup.measured import Measured, ReportMeter
from qwen_audio_agent.cleanup.plan import Episode, Plan
from qwen_audio_agent.cleanup.recipe import Recipe, load_recipe
from qwen_audio_agent.cleanup.sound import with_sound
from qwen_audio_agent.cleanup.survey import Survey, survey
from qwen_audio_agent.cleanup.tracks import check_tracks, propose_for_tracks
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.render import check_rendering, render
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.editing.subtitle_files import find_subtitles, retimed_file
from qwen_audio_agent.editing.tagging import tags_for
from qwen_audio_agent.editing.time_map import TimeMap
from qwen_audio_agent.errors import AudioFileError, EditError, SourceChangedError
from qwen_audio_agent.speech.cache import default_cache_folder
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.words import Transcript

SUBTITLES = (".srt", ".vtt")
"""How the names of files end that are re-timed where they lie beside a recording."""
_PROGRAM = f"qwen-audio-agent {version('qwen-audio-agent')}"


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what was heard on the way to it.

    Attributes:
        file: the recording.
        plan: what would be done to it.
        transcript: what is said in it.
        concern: why the plan should not be applied as it stands; empty if it may.
        measured: levels by the SHA-256 of the recordings, for `make_report`; none where the plan
            was there before.
    """

    file: AudioFile
    plan: Plan
    transcript: Transcript
    concern: str
    measured: Mapping[str, Measured] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a plan.

    Attributes:
        output: the file that was written.
        source: id of the recording in the edit list and the time map.
        edit_list: what it was made from, with its effects.
        time_map: from the frames of the recording to those of the output, and back.
        beside: subtitles that lay beside the recording, re-timed and written beside the output.
        notes: what of the tags and subtitles could not be taken over.
        again: what was heard of the joins before it was written; None if nobody listened.
        measured: levels by the SHA-256 of the output, for `make_report`; none if nobody asked.
    """

    output: AudioFile
    source: str
    edit_list: EditList
    time_map: TimeMap
    beside: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    again: Again | None = None
    measured: Mapping[str, Measured] = field(default_factory=dict)


def check_result(file: AudioFile, output: Path, recipe: Recipe) -> None:
    """Refuse what could not be made at the end, before anybody listens to an hour for it.

    Args:
        file: the recording.
        output: the new file.
        recipe: names the music, which is opened here.

    Raises:
        AudioFileError: the format does not hold such sound, the output cannot be written, or a file
            of the music cannot be read.
        DiskError: the disk is full.
    """
    check_rendering(output, file)
    for name, path in recipe.music.files.items():
        try:
            probe(Path(path))
        except AudioFileError as error:
            raise AudioFileError(f"music.{name} of the recipe: {error}") from None


def plan_episode(file: AudioFile, recipe: Recipe, listener: Listener) -> Planned:
    """Listen to a recording, and propose what a recipe asks for; nothing is changed.

    Raises:
        HearingError: the ear cannot listen.
        AudioFileError: the recording cannot be read.
    """
    return plan_heard(file, recipe, listener.transcribe(file))


def plan_heard(file: AudioFile, recipe: Recipe, transcript: Transcript) -> Planned:
    """As `plan_episode`, where it is known already what is said.

    Raises:
        AudioFileError: the recording cannot be read.
    """
    found = survey(file, transcript)
    proposals = guarded(propose(found, recipe), recipe.guards, found.activity, transcript.words)
    plan = Plan(found.episode, recipe, tuple(proposals), transcript.ear, _PROGRAM)
    return Planned(file, plan, transcript, share_concern(plan), _levels([found]))


def plan_tracks(files: Sequence[AudioFile], recipe: Recipe, listener: Listener) -> Planned:
    """As `plan_episode`, for several microphones of one conversation, which are cut alike.

    Raises:
        UsageError: their rates differ.
        HearingError: the ear cannot listen.
        AudioFileError: a recording cannot be read.
    """
    check_tracks(files)
    longest = max(file.duration for file in files)
    surveys = [survey(file, listener.transcribe(file), longest) for file in files]
    proposals = propose_for_tracks(surveys, recipe)
    first, *others = [found.episode for found in surveys]
    plan = Plan(first, recipe, proposals, listener.ear.name, _PROGRAM, tuple(others))
    heard = surveys[0].transcript
    return Planned(files[0], plan, heard, share_concern(plan), _levels(surveys))


def _levels(surveys: Sequence[Survey]) -> dict[str, Measured]:
    return {found.episode.sha256: found.measured for found in surveys}


def apply_plan(  # noqa: PLR0913 - all that can be asked of a result
    plan: Plan,
    file: AudioFile,
    output: str | Path,
    *,
    cache_folder: Path | None = None,
    progress: Callable[[float], None] | None = None,
    track: int = 1,
    subtitles: str = "",
    measures: bool = False,
) -> Applied:
    """Do what a plan says, and write the result; `hear_again` says before whether it is clean.

    Args:
        plan: what to do; what is switched off is left out.
        file: the recording that the plan was made for.
        output: the new file, in the format that its suffix says.
        cache_folder: for sound on the way; a temporary one by default.
        progress: told how much is written, 0 to 1.
        track: which of the plan's recordings `file` is, from 1.
        subtitles: what the names of the subtitles begin with, before their dot; by default that of
            the output without its suffix, or with it where those would be the recording's own.
        measures: measure the output, too, while it is written.

    Raises:
        SourceChangedError: the plan was made for another recording.
        EditError: nothing would be left, or `output` is the recording itself.
        AudioFileError: the recording cannot be read, or the output not be written.
        DiskError: the disk is full, or takes nothing.
    """
    episode = plan.tracks[track - 1]
    check_recording(episode, file)
    source = f"s{episode.sha256[:16]}"
    with scratch_folder() as folder:
        sources = Sources(cache_folder or folder, check=lambda: check_recording(episode, file))
        sources.add_file(source, file)
        edit_list = programme(plan, sources, source, track)
        edit_list = with_sound(edit_list, plan.recipe, episode, sources, track)
        # A long intro or bed is no reason to call the episode by its name.
        tags = tags_for(edit_list, sources, container_for(Path(output)), source)
        meters: list[ReportMeter] = []

        def open_meter() -> ReportMeter:
            shape = (edit_list.sample_rate, edit_list.num_channels, edit_list.num_frames)
            meters.append(ReportMeter(*shape))
            return meters[-1]

        written = render(
            edit_list,
            sources,
            Path(output),
            tags=tags,
            progress=progress,
            open_meter=open_meter if measures else None,
        )
    measured = {content_hash(written.path): meters[-1].measured} if meters else {}
    time_map = TimeMap.of(edit_list, sources.lists)
    beside, notes = _retimed_beside(file.path, Path(output), subtitles, time_map, source)
    notes = [*written.notes, *notes]
    return Applied(written, source, edit_list, time_map, beside, tuple(notes), measured=measured)


def clean_up(
    path: str | Path,
    output: str | Path,
    recipe: Recipe | str | Path = "podcast",
    *,
    listener: Listener | None = None,
    cache_folder: Path | None = None,
    allow_any_share: bool = False,
    verify: bool = True,
) -> tuple[Planned, Applied]:
    """Clean a recording up by a recipe, without asking anybody.

    Proposals that a person should look at first are left out, and cuts that are not clean when they
    are heard again. `plan_episode`, `hear_again` and `apply_plan` are the same in three steps, with
    time to look at the plan in between.

    Args:
        path: the recording.
        output: the new file, in the format that its suffix says.
        recipe: the name of one that comes with the package, or a TOML file.
        listener: who listens; by default the best ear at hand, with a cache for what it heard.
        cache_folder: for sound on the way; a temporary one by default.
        allow_any_share: apply the plan also where more of the episode goes than the recipe allows.
        verify: hear every join again before it is written.

    Returns:
        The plan that was applied, and what became of it.

    Raises:
        UsageError: the recipe holds a mistake.
        EditError: more would go than the recipe allows, or `output` is the recording itself.
        HearingError: the ear cannot listen.
        AudioFileError: the recording cannot be read, or the output not be written.
        DiskError: the disk is full, or takes nothing.
    """
    chosen = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    listener = listener or Listener(open_ear(), default_cache_folder(), keeps_sounds=True)
    file = probe(Path(path), cache_folder)
    check_result(file, Path(output), chosen)
    planned = plan_episode(file, chosen, listener)
    if planned.concern and not allow_any_share:
        raise EditError(f"{shown(file.path)}: {planned.concern}")
    if not verify:
        return planned, apply_plan(planned.plan, file, output, cache_folder=cache_folder)
    again = hear_again(planned.plan, [file], listener, cache_folder=cache_folder)
    applied = apply_plan(again.plan, file, output, cache_folder=cache_folder)
    return replace(planned, plan=again.plan), replace(applied, again=again)


def subtitles_of(recording: Path) -> tuple[Path, ...]:
    """The subtitles that lie beside a recording under its name."""
    # A .txt or .json of that name may be anything; `retime` takes those when it is told to.
    found = find_subtitles(recording)
    return tuple(path for path in found if path.suffix.lower() in SUBTITLES)


def subtitles_beside(
    recording: Path, output: Path, stem: str = ""
) -> tuple[tuple[Path, Path], ...]:
    """Each file of subtitles that has a recording's name, and where it is re-timed to.

    Args:
        recording: it is not written over the subtitles of this one.
        output: what the re-timed ones belong to.
        stem: what their names begin with, see `apply_plan`.
    """
    found = subtitles_of(recording)
    for name in [stem] if stem else [output.stem, output.name]:
        targets = [output.with_name(_renamed(path, recording, output, name)) for path in found]
        if not any(same_file(path, target) for path in found for target in targets):
            break
    return tuple(zip(found, targets, strict=True))


def _renamed(subtitles: Path, recording: Path, output: Path, stem: str) -> str:
    """`out.en.srt` of `talk.en.srt`, and `out.mp3.srt` of `talk.wav.srt`."""
    if recording.suffix and subtitles.name.startswith(f"{recording.name}."):
        return output.name + subtitles.name.removeprefix(recording.name)
    return stem + subtitles.name.removeprefix(recording.stem)


def _retimed_beside(
    recording: Path, output: Path, stem: str, time_map: TimeMap, source: str
) -> tuple[tuple[Path, ...], list[str]]:
    """Re-time the subtitles that have a recording's name; one that is broken fails nothing."""
    written: list[Path] = []
    notes: list[str] = []
    pairs = subtitles_beside(recording, output, stem)
    usual = subtitles_beside(recording, output, output.stem)
    for (path, target), (_, first) in zip(pairs, usual, strict=True):
        if target in written:
            notes.append(f"{shown(path)} is not re-timed: {target.name!r} is that of others")
            continue
        try:
            text = retimed_file(path, time_map, source)
        except EditError as error:
            notes.append(f"{shown(path)} is not re-timed: {error}")
            continue
        if copy := keep_other(target, text):
            notes.append(f"{shown(copy)} holds the subtitles that were there")
        write_whole(target, text)
        written.append(target)
        if target != first:
            notes.append(f"re-timed subtitles are called {target.name!r}: {first.name!r} is taken")
    return tuple(written), notes


def check_recording(episode: Episode, file: AudioFile) -> None:
    """See that a plan was made for this recording.

    Raises:
        SourceChangedError: it was made for another, or the file has changed.
    """
    shape = (file.sample_rate, file.num_channels, file.num_frames)
    planned = (episode.sample_rate, episode.num_channels, episode.num_frames)
    if content_hash(file.path) != episode.sha256 or shape != planned:
        raise SourceChangedError(
            f"{shown(file.path)} is not the recording that the plan was made for "
            f"({episode.name}): make a new plan"
        )
