"""One step: a tool answers, what it made is listened to, bad joins are repaired, all is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qwen_audio_agent.agent.events import Edited, Event, Heard
from qwen_audio_agent.agent.levels import compare_levels
from qwen_audio_agent.agent.outcome import Outcome, Step
from qwen_audio_agent.agent.tools import Tool, find_tool
from qwen_audio_agent.agent.verify import Check, listen_again
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.rolls import roll_clicks
from qwen_audio_agent.editing.verify.finding import Nudge
from qwen_audio_agent.editing.verify.new_joins import Join, new_joins
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.errors import EditError, ToolError

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session

MAX_REPAIRS = 3


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


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a tool made once its joins were rolled and listened to."""

    edit_list: EditList
    text: str
    places: tuple[Place, ...]
    check: Check


def _checked(
    session: Session, tool: Tool, outcome: Outcome, made: EditList, step: Step
) -> tuple[EditList, Step]:
    """Listen to what a tool made; while a join is bad, move its edges, `MAX_REPAIRS` times at most.

    What is kept is the best that was heard; what is still wrong with it is in its verdicts.
    """
    draft = best = _draft(session, step.given, outcome, made)
    repairs = 0
    while draft.check.nudges and outcome.redo and repairs < MAX_REPAIRS:
        repairs += 1
        again = outcome.redo(_moved(session, draft.places, draft.check.nudges))
        if again.edit_list is None:
            break
        draft = _draft(session, step.given, again, again.edit_list)
        if draft.check.badness < best.check.badness:
            best = draft
    return best.edit_list, replace(
        step,
        text=best.text,
        places=best.places,
        verdicts=best.check.verdicts,
        unheard=best.check.unheard,
        levels=compare_levels(session, step.given, best.edit_list) if tool.changes_levels else None,
        repairs=repairs,
    )


def _draft(session: Session, given: int, outcome: Outcome, made: EditList) -> _Draft:
    """Roll the new joins that click, then listen to all of them."""
    before, places, text = session.audio(given), outcome.places, outcome.text
    joins = new_joins(before, session.as_audio(made), places, session.audio)
    frames = [join.frame for join in joins]
    made, rolls = roll_clicks(made, session.sources, frames, lambda: before.ordinary)
    if any(rolls.values()):
        places = _rolled(places, joins, rolls, made.sample_rate)
        text = outcome.redo(places).text if outcome.redo else text
    return _Draft(made, text, places, listen_again(session, given, made, places))


def _rolled(
    places: tuple[Place, ...], joins: list[Join], rolls: Mapping[int, int], sample_rate: int
) -> tuple[Place, ...]:
    """The places with the edges where their joins were rolled to.

    An edge that two joins share, such as the point of an insert, stays where it was asked for.
    """
    sides = [(join, side) for join in joins for side in (join.left, join.right) if side]
    shared = Counter((side.place, side.edge) for _, side in sides)
    moved = list(places)
    for join, side in sides:
        place = moved[side.place]
        if shared[side.place, side.edge] == 1 and not place.is_point and join.frame in rolls:
            frames = round(rolls[join.frame] * side.audio.sample_rate / sample_rate)
            moved[side.place] = place.rolled(side.edge, frames)
    return tuple(moved)


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
