"""The command cleanup: propose what could go of an episode, and do it when it is agreed."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qwen_audio_agent.audio.files import AudioFile, probe, same_file
from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.audio.whole_file import check_writable, write_whole
from qwen_audio_agent.audio.writing import check_output
from qwen_audio_agent.cleanup.episode import (
    Applied,
    Planned,
    apply_plan,
    check_recording,
    check_result,
    plan_episode,
    plan_tracks,
    subtitles_beside,
)
from qwen_audio_agent.cleanup.guards import check_music, share_concern
from qwen_audio_agent.cleanup.hearing_again import Again, hear_again
from qwen_audio_agent.cleanup.kept_files import keep_edited
from qwen_audio_agent.cleanup.plan import Plan, read_plan
from qwen_audio_agent.cleanup.recipe import Recipe, load_recipe
from qwen_audio_agent.cli.ears import about_ear, named_ear
from qwen_audio_agent.cli.one_line import json_line, one_line, tell
from qwen_audio_agent.cli.progress import Progress
from qwen_audio_agent.editing.subtitle_files import find_subtitles
from qwen_audio_agent.errors import EditError, SourceChangedError, UsageError
from qwen_audio_agent.speech import subtitles
from qwen_audio_agent.speech.cache import default_cache_folder
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.words import Transcript

DONE = 0
_DEFAULT_RECIPE = "podcast"
_TRANSCRIPTS = {".srt": "to_srt", ".vtt": "to_vtt", ".txt": "to_text", ".textgrid": "to_textgrid"}


def cleanup(arguments: argparse.Namespace) -> int:
    """Plan the clean-up of an episode; write the plan, and with `--apply` the result."""
    sources = [Path(name) for name in arguments.tracks or [arguments.audio] if name]
    if not sources or (arguments.tracks and arguments.audio):
        raise UsageError("name one recording, or the microphones of a conversation after --tracks")
    outputs = _outputs(arguments, sources)
    if arguments.transcript:
        beside = map(subtitles_beside, sources, outputs)
        others = [path for pairs in beside for pair in pairs for path in pair]
        others += [path for source in sources for path in find_subtitles(source)]
        _check_transcript(Path(arguments.transcript), [*sources, *outputs, *others])
    desk = _Desk(arguments, outputs[0])
    files = [desk.opened(source) for source in sources]
    planned = desk.planned(files, outputs)
    plan = planned.plan
    for line in summary(plan):
        desk.remark(line)
    if not desk.applies:
        desk.write_plan(plan)
        look = desk.report(planned, files) or desk.plan_path
        desk.remark(_would_cut(plan, planned.concern or f"--apply, or look: {look}"))
        desk.result(plan, [])
        return DONE
    if planned.concern:
        raise EditError(f"{planned.concern} with --max-share {_needed_share(plan):.2f}")
    desk.apply(planned, files, outputs)
    return DONE


class _Desk:
    """Where one clean-up is worked on: what was asked for, who listens, and who is told."""

    def __init__(self, arguments: argparse.Namespace, output: Path) -> None:
        self._arguments = arguments
        self.plan_path = output.with_name(f"{output.stem}.plan.json")
        self.report_path = output.with_name(f"{output.stem}.html")
        self.applies = arguments.apply is not None or arguments.yes
        self._shows = not (arguments.quiet or arguments.json)
        self._given = read_plan(Path(arguments.apply)) if arguments.apply else None
        self._recipe = load_recipe(arguments.recipe or _DEFAULT_RECIPE)
        self._listener: Listener | None = None

    def remark(self, line: str) -> None:
        """Tell a person a line."""
        if self._shows:
            tell(one_line(line))

    def opened(self, source: Path) -> AudioFile:
        """A recording; that it is cut off is told before anybody listens."""
        with self._progress("decoding") as progress:
            file = probe(source, None, progress)
        for note in file.notes:
            self.remark(f"{shown(source)}: {note}")
        return file

    def planned(self, files: Sequence[AudioFile], outputs: Sequence[Path]) -> Planned:
        """The plan that was given, or that lies beside the output, or else a new one."""
        share = self._arguments.max_share
        plan = self._given or self._beside(files)
        if plan is not None:
            _check(plan, files)
            folder = Path(self._arguments.apply or self.plan_path).parent
            check_music(plan, folder, self._recipe)
        for file, output in zip(files, outputs, strict=True):
            check_result(file, output, plan.recipe if plan else self._recipe)
        if plan is None:
            self.remark(about_ear(self.listener.ear))
            recipe = self._recipe if share is None else self._recipe.allowing(share)
            if len(files) > 1:
                return plan_tracks(files, recipe, self.listener)
            return plan_episode(files[0], recipe, self.listener)
        self._tell_unused(plan)
        plan = plan if share is None else plan.allowing(share)
        return Planned(files[0], plan, self.listener.remembered(files[0]), share_concern(plan))

    def _tell_unused(self, plan: Plan) -> None:
        """Say which options a plan that is there already leaves nothing to do for."""
        if self._arguments.recipe and plan.recipe.allowing(1) != self._recipe.allowing(1):
            self.remark("not used    --recipe, for the plan has its own; leave --apply PLAN out")
        if self._arguments.ear != "auto" and plan.ear not in ("", self.listener.ear.name):
            self.remark(f"not used    --ear for the plan, which {plan.ear} heard; remove it first")

    def apply(self, planned: Planned, files: Sequence[AudioFile], outputs: Sequence[Path]) -> None:
        """Write what the plan makes of each recording, the plan, and the transcript."""
        again = self._heard_again(planned.plan, files)
        plan = again.plan if again else planned.plan
        levels = dict(planned.measured)
        for track, (file, output) in enumerate(zip(files, outputs, strict=True), 1):
            with self._progress("writing") as progress:
                measures = not self._arguments.no_report
                applied = apply_plan(
                    plan, file, output, progress=progress, track=track, measures=measures
                )
            # Of a recording that nothing changed its own stay, for its outline may be longer.
            levels = {**applied.measured, **levels}
            for line in (*(f"wrote       {path}" for path in applied.beside), *applied.notes):
                self.remark(line)
            if track == 1 and self._arguments.transcript:
                transcript = self.listener.transcribe(file)
                _write_transcript(Path(self._arguments.transcript), applied, transcript)
        self.write_plan(plan)
        planned = replace(planned, plan=plan, measured=levels)
        report = self.report(planned, files, outputs, again)
        whole = _clock(plan.episode.duration)
        if again:
            self.remark(f"heard again {again.text}")
            for line in again.notes:
                self.remark(f"            {line}")
        self.remark(f"cut         {_clock(plan.removed)} of {whole} ({_share(plan):.1%})")
        for output in outputs:
            self.remark(f"wrote       {output}")
        if report:
            self.remark(f"report      {report}")
        self.result(plan, outputs, again)

    def _heard_again(self, plan: Plan, files: Sequence[AudioFile]) -> Again | None:
        """What the plan would make, heard at its joins, unless nobody wants it."""
        if self._arguments.no_verify:
            return None
        listener = Listener(self.listener.ear, default_cache_folder(), keeps_sounds=True)
        with self._progress("hearing again") as progress:
            return hear_again(plan, files, listener, progress=progress)

    def report(
        self,
        planned: Planned,
        files: Sequence[AudioFile],
        outputs: Sequence[Path] = (),
        again: Again | None = None,
    ) -> Path | None:
        """Write the page to listen to and to decide on, unless nobody wants it."""
        if self._arguments.no_report:
            return None
        from qwen_audio_agent.cleanup.report import make_report, write_report

        copies: list[Path] = []
        with self._progress("reporting") as progress:
            report = make_report(
                planned.plan,
                planned.transcript,
                files,
                outputs,
                progress=progress,
                measured=planned.measured,
            )
            write_report(replace(report, again=again), self.report_path, copies.append)
        for copy in copies:
            self.remark(f"kept        {copy}, the file that was there")
        for track in report.tracks:
            if track.missed:
                self.remark(f"loudness    {track.missed}")
        return self.report_path

    def result(self, plan: Plan, outputs: Sequence[Path], again: Again | None = None) -> None:
        """The last line of `--json`."""
        if not self._arguments.json:
            return
        result: dict[str, Any] = {
            "type": "result",
            "outputs": [str(output) for output in outputs],
            "plan": str(self.plan_path),
            "report": None if self._arguments.no_report else str(self.report_path),
            "removed": round(plan.removed, 3),
            "duration": round(plan.episode.duration, 3),
            "counts": Counter(proposal.kind for proposal in plan.active),
            "concern": share_concern(plan),
            "heard_again": again.to_json() if again else None,
        }
        sys.stdout.write(json_line(result) + "\n")

    @property
    def listener(self) -> Listener:
        if self._listener is None:
            ear, progress = named_ear(self._arguments.ear), self._progress("listening")
            self._listener = Listener(ear, default_cache_folder(), progress)
        return self._listener

    def write_plan(self, plan: Plan) -> None:
        """Write the plan beside the output; one there that somebody edited is kept."""
        kept = keep_edited(self.plan_path, plan)
        if kept:
            self.remark(f"kept        {kept}, the edited plan that was there")
        write_whole(self.plan_path, plan.to_text())

    def _beside(self, files: Sequence[AudioFile]) -> Plan | None:
        """An earlier plan beside the output, if it is for these recordings and this recipe.

        What would be done is what `--apply` does, so a plan that somebody edited stands there too.
        """
        if not self.plan_path.is_file():
            return None
        plan = read_plan(self.plan_path)
        if not (self.applies or plan.is_edited):
            return None
        other = self._other(plan, files)
        if other:
            self.remark(f"new plan    {self.plan_path} is for another {other}")
            return None
        edited = " as it was edited; remove it for a new one" if plan.is_edited else ""
        self.remark(f"plan from   {self.plan_path}{edited}")
        return plan

    def _other(self, plan: Plan, files: Sequence[AudioFile]) -> str:
        """What a plan was made for in place of what is asked for; empty if it fits."""
        if self._arguments.recipe and plan.recipe.allowing(1) != self._recipe.allowing(1):
            return "recipe"
        try:
            _check(plan, files)
        except (SourceChangedError, UsageError):
            return "recording"
        return ""

    def _progress(self, title: str) -> Progress:
        return Progress(title, enabled=self._shows)


def summary(plan: Plan) -> Iterator[str]:
    """What a plan is about, in lines for a person."""
    episode, counts = plan.episode, Counter(p.kind for p in plan.active)
    facts = [_count(kind, number, plan.recipe) for kind, number in sorted(counts.items())]
    facts = facts or ["nothing to cut"]
    if episode.hum_hz:
        facts.append(f"hum at {episode.hum_hz:g} Hz")
    if episode.num_clipped:
        plural = "" if episode.num_clipped == 1 else "s"
        facts.append(f"{episode.num_clipped} place{plural} cut off at full scale")
    lufs = episode.loudness_lufs
    facts.append("silence" if lufs is None else f"{lufs:.1f} LUFS")
    if not all(track.is_spoken for track in plan.tracks):
        where = "" if len(plan.tracks) == 1 else " on a microphone"
        facts.append(f"nobody speaks{where}, so its loudness stays")
    yield f"plan        {', '.join(facts)}"
    asked = sum(1 for p in plan.proposals if p.concern and not p.on)
    if asked:
        yield f"asks        {asked} more to look at, left as they are"


def _would_cut(plan: Plan, then: str) -> str:
    gone, whole = _clock(plan.removed), _clock(plan.episode.duration)
    return f"would cut   {gone} of {whole} ({_share(plan):.1%})   -> {then}"


def _count(kind: str, number: int, recipe: Recipe) -> str:
    """`41 fillers`, `96 pauses over 0.8 s`."""
    plural = "" if number == 1 else "s"
    if kind == "pause":
        return f"{number} pause{plural} over {recipe.pauses.longer_than:g} s"
    if kind == "end":
        return f"dead air at {number} end{plural}"
    return f"{number} {'mouth noise' if kind == 'mouth' else kind}{plural}"


def _share(plan: Plan) -> float:
    return plan.removed / plan.episode.duration


def _needed_share(plan: Plan) -> float:
    return min(1.0, int(_share(plan) * 100 + 1) / 100)


def _clock(seconds: float) -> str:
    """`1:02:14`, or `6:41`."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _outputs(arguments: argparse.Namespace, sources: Sequence[Path]) -> list[Path]:
    """The files to write: one, or for several microphones one each in a folder."""
    if not arguments.output:
        example = f"{sources[0].stem}-clean{sources[0].suffix}" if len(sources) == 1 else "clean/"
        raise UsageError(f"say where the result goes: -o {example}")
    output = Path(arguments.output)
    if not arguments.tracks:
        outputs = [output]
    elif output.is_dir():
        outputs = [output / source.name for source in sources]
    else:
        raise UsageError(f"{shown(output)} is no folder, and --tracks writes several files")
    if len({path.name for path in outputs}) < len(outputs):
        raise UsageError("two tracks have the same file name: rename one")
    for path in outputs:
        if any(same_file(path, source) for source in sources):
            raise EditError(f"{shown(path)} is the recording itself: give another name")
        check_output(path)
    return outputs


def _check(plan: Plan, files: Sequence[AudioFile]) -> None:
    if len(plan.tracks) != len(files):
        raise UsageError(f"the plan is for {len(plan.tracks)} recordings, not for {len(files)}")
    for episode, file in zip(plan.tracks, files, strict=True):
        check_recording(episode, file)


def _check_transcript(path: Path, others: Sequence[Path]) -> None:
    """See, before anything is made, that a transcript can be written, and over no other file."""
    if path.suffix.lower() not in _TRANSCRIPTS:
        known = ", ".join(_TRANSCRIPTS)
        raise UsageError(f"--transcript writes {known}: {str(path)[:80]!r} ends in none of them")
    for other in others:
        if same_file(path, other) or path.resolve() == other.resolve():
            raise UsageError(f"--transcript would write over {shown(other)}: give another name")
    check_writable(path)


def _write_transcript(path: Path, applied: Applied, transcript: Transcript) -> None:
    """The words of the result, from those of the recording."""
    words = applied.time_map.retime({applied.source: transcript})
    write_whole(path, getattr(subtitles, _TRANSCRIPTS[path.suffix.lower()])(words))
