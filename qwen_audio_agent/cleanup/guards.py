"""What must not happen by itself: proposals that a person should look at are switched off, and
music that nobody asked for is refused.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from qwen_audio_agent.audio.activity import Activity
from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.cleanup.plan import Plan, Proposal
from qwen_audio_agent.cleanup.recipe import Guards, Recipe
from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.speech.meaning import meanings
from qwen_audio_agent.speech.words import Word

_MEANT = ("repeat", "false start", "phrase")


def guarded(
    proposals: Iterable[Proposal], guards: Guards, activity: Activity, words: Iterable[Word] = ()
) -> list[Proposal]:
    """Switch off what would take a meaning away, or leave a shred of speech between two cuts.

    Args:
        proposals: in order of time.
        guards: of the recipe.
        activity: where somebody speaks.
        words: of the whole recording: one that is written small anywhere is no name where it has a
            capital, but begins a sentence there.
    """
    small = frozenset(word.text for word in words if word.text.islower())
    return _apart([_meaningful(p, guards, small) for p in proposals], guards.least_kept, activity)


def share_concern(plan: Plan) -> str:
    """Why a plan should not be applied as it stands; empty if it may."""
    share, most = plan.removed / plan.episode.duration, plan.recipe.guards.max_share
    if share <= most:
        return ""
    return (
        f"{share:.0%} of the episode would go, and the recipe's guards.max_share is {most:.0%}: "
        "look at the report, switch cuts off, or allow more"
    )


def check_music(plan: Plan, folder: Path, own: Recipe) -> None:
    """Refuse music that a plan alone names, unless it lies in the folder of the plan.

    A plan may come from anybody, and what is to be heard in a result nobody reads there.

    Args:
        plan: that was read from a file.
        folder: that the file lies in.
        own: the recipe that the person names; its music may lie anywhere.

    Raises:
        UsageError: says which file, and how it may be used.
    """
    for name, path in plan.recipe.music.files.items():
        if path not in own.music.files.values() and not _is_inside(path, folder):
            raise UsageError(
                f"the plan takes {shown(Path(path))} for its {name}: give --recipe with the recipe "
                f"that names it, or put it into the folder of the plan"
            )


def _is_inside(path: str, folder: Path) -> bool:
    """Whether a path leads into a folder, by its name and by the links on it as well."""
    # What the name says first: nothing outside, such as a share of the network, is even looked at.
    if not Path(os.path.normpath(path)).is_relative_to(os.path.normpath(folder.absolute())):
        return False
    try:
        return Path(path).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def _meaningful(proposal: Proposal, guards: Guards, small: frozenset[str]) -> Proposal:
    """A repeat keeps its second try, but "twenty twenty" and "no no" may be meant."""
    if not (proposal.on and proposal.removes and proposal.kind in _MEANT):
        return proposal
    words = proposal.words.split()
    meant = meanings(words, begins_sentence=bool(words) and words[0].lower() in small)
    lost = [m for m in guards.protect if m in meant]
    if not lost:
        return proposal
    return replace(proposal, on=False, concern=f"a {' and a '.join(lost)} would go with it")


def _apart(proposals: list[Proposal], least: float, activity: Activity) -> list[Proposal]:
    """Of cuts with a shred of speech between them, the surest are made."""
    changed = list(proposals)
    cuts = [i for i, p in enumerate(changed) if p.on and p.removes]
    made: list[int] = []  # in order of time, as the proposals are
    for i in sorted(cuts, key=lambda i: -changed[i].confidence):
        at = bisect_right(made, i)
        for other in made[max(0, at - 1) : at + 1]:
            first, second = sorted((i, other))
            if _shred(changed[first], changed[second], least, activity):
                away = abs(changed[other].start - changed[i].start)
                concern = f"less than {least:g} s of speech would stay to the cut {away:.2f} s away"
                changed[i] = replace(changed[i], on=False, concern=concern)
                break
        else:
            made.insert(at, i)
    return changed


def _shred(first: Proposal, second: Proposal, least: float, activity: Activity) -> bool:
    """Whether what stays between two cuts is shorter than a syllable, and is speech."""
    start, end = first.end, second.start
    if not 0 < end - start < least:
        return False
    rate = activity.sample_rate
    index = bisect_right(activity.speech, start * rate, key=lambda span: span.end)
    return index < len(activity.speech) and activity.speech[index].start < end * rate
