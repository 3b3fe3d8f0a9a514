"""A whole episode tidied by a recipe, as one step of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qwen_audio_agent.agent.outcome import Outcome
from qwen_audio_agent.agent.places import Listened
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.verify.place import Place
from qwen_audio_agent.errors import ToolError

if TYPE_CHECKING:
    from qwen_audio_agent.agent.session import Session
    from qwen_audio_agent.audio.audio_file import AudioFile


def tidy_episode(session: Session, where: Listened, name: str) -> Outcome:
    """| A |um| B | .... | C |  ->  | A | B | . | C |.

    Args:
        session: that the audio belongs to.
        where: the audio.
        name: of a recipe that comes with the package.

    Raises:
        ToolError: more of it would go than the recipe allows.
    """
    # These bring the detectors, which a session without a clean-up does not wait for.
    from qwen_audio_agent.cleanup.applying import programme
    from qwen_audio_agent.cleanup.episode import plan_heard
    from qwen_audio_agent.cleanup.recipe import load_recipe
    from qwen_audio_agent.cleanup.sound import with_sound

    source, file = _recording(session, where)
    recipe = load_recipe(name)
    planned = plan_heard(file, recipe, where.audio.transcript())
    if planned.concern:
        raise ToolError(f"{planned.concern[0].upper()}{planned.concern[1:]}.")
    plan = planned.plan
    made = programme(plan, session.sources, source)
    made = with_sound(made, recipe, plan.episode, session.sources)
    places = tuple(
        Place(where.number, p.span(file.sample_rate), file.sample_rate, p.words or None)
        for p in plan.active
        if p.removes
    )
    done = f"Cleaned up as {name}: {len(places)} cuts, {plan.removed:.2f} s in all"
    asked = sum(1 for p in plan.proposals if p.concern and not p.on)
    left = f"; {asked} doubtful places are as they were" if asked else ""
    return Outcome(f"{done}{left}.", made, places)


def _recording(session: Session, where: Listened) -> tuple[str, AudioFile]:
    """The id and the file of what an audio sounds like: its recording, or it is rendered."""
    edit_list, sources = where.audio.edit_list, session.sources
    for source, file in sources.files.items():
        if edit_list == EditList.from_file(source, file):
            return source, file
    source = sources.add_list(edit_list)
    return source, sources.open(source, edit_list.sample_rate, edit_list.num_channels)
