"""One step: a tool answers, what it made is listened to, bad joins are repaired, all is kept."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qwen_audio_agent.agent.events import Edited, Event, Heard
from qwen_audio_agent.agent.levels import compare_levels
from qwen_audio_agent.agent.outcome import Outcome, Place, Step
from qwen_audio_agent.agent.tools import Tool, find_tool
from qwen_audio_agent.agent.verify import MAX_HEARD, Check, clicking, listen_again
from qwen_audio_agent.agent.word_edges import Nudge
from qwen_audio_agent.audio.samples import frame_at
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.operations import soften
from qwen_audio_agent.errors import EditError, ToolError

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

MAX_REPAIRS = 3
_SOFTER = (0.010, 0.015)
"""Half lengths of crossfades in seconds that are tried where the ordinary one clicks."""


def perform(
    session: Session, name: str, arguments: Mapping[str, Any], call_id: str = ""
) -> Generator[Event, None, Step]:
    """Do one tool call, telling what happens; the finished step is the generator's return value.

    Args:
        session: it keeps the step if that makes a new audio.
        name: of the tool.
        arguments: what a model or a person wrote.
        call_id: of the model's tool call, if one asked.

    Raises:
        ToolError: the tool refuses; nothing is kept.
        SourceChangedError: a recording is not what it was; nothing is kept.
    """
    tool = find_tool(name)
    wish = tool.arguments.read(dict(arguments))
    try:
        with session.on_same_sources():
            outcome = tool.run(session, wish)
        step = Step(
            tool=name,
            arguments=wish.model_dump(mode="json", exclude_unset=True),
            given=wish.audio,
            text=outcome.text,
            places=outcome.places,
            call_id=call_id,
        )
        yield Edited(step)
        made = outcome.edit_list
        if made is None:
            return step
        if outcome.earlier is None:
            with session.on_same_sources():
                made, step = _checked(session, tool, outcome, made, step)
    except EditError as error:
        raise ToolError(str(error)) from error
    parent = step.given if outcome.earlier is None else session.entry(outcome.earlier).parent
    session.check_sources()
    step = session.keep(step, made, parent)
    yield Heard(step)
    return step


def finish(events: Generator[Event, None, Step]) -> Step:
    """Let a step happen without looking at what it tells."""
    while True:
        try:
            next(events)
        except StopIteration as done:
            step: Step = done.value
            return step


def _checked(
    session: Session, tool: Tool, outcome: Outcome, made: EditList, step: Step
) -> tuple[EditList, Step]:
    """Listen to what a tool made; while a join is bad, move its edges, `MAX_REPAIRS` times at most.

    What is kept is the best that was heard; what is still wrong with it is in its verdicts.
    """
    check = listen_again(session, step.given, made, outcome.places)
    best, kept, repairs = check, outcome, 0
    while check.nudges and outcome.redo and repairs < MAX_REPAIRS:
        repairs += 1
        outcome = outcome.redo(_moved(session, outcome.places, check.nudges))
        if outcome.edit_list is None:
            break
        check = listen_again(session, step.given, outcome.edit_list, outcome.places)
        if check.badness < best.badness:
            best, kept, made = check, outcome, outcome.edit_list
    made, best = soften_clicks(session, step, made, best, kept)
    return made, replace(
        step,
        text=kept.text,
        places=kept.places,
        verdicts=best.verdicts,
        unheard=best.unheard,
        levels=compare_levels(session, step.given, made) if tool.changes_levels else None,
        repairs=repairs,
    )


def soften_clicks(
    session: Session, step: Step, made: EditList, check: Check, outcome: Outcome
) -> tuple[EditList, Check]:
    """Longer crossfades where a join clicks, as far as an edit may change the sound."""
    before, softer = session.audio(step.given), made
    clicks = clicking(before, session.as_audio(made))[:MAX_HEARD]
    for half_length in _SOFTER:
        if not clicks:
            break
        for at in clicks:
            softer = soften(softer, at, frame_at(half_length, made.sample_rate))
        clicks = [at for at in clicking(before, session.as_audio(softer)) if at in clicks]
    if softer == made:
        return made, check
    heard = listen_again(session, step.given, softer, outcome.places)
    return (softer, heard) if heard.badness <= check.badness else (made, check)


def _moved(
    session: Session, places: tuple[Place, ...], nudges: tuple[Nudge, ...]
) -> tuple[Place, ...]:
    """The places with the edges moved that a check blames."""
    moved = list(places)
    for nudge in nudges:
        place = moved[nudge.place]
        length = session.audio(place.audio).num_frames
        moved[nudge.place] = place.moved(nudge.edge, nudge.frames, length)
    return tuple(moved)
