"""What `evaluate.py agent` counts: rows of instructions with their plans, and verdicts on calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from agent_recordings import Call, recordings, take

ROWS = Path(__file__).with_name("instructions.jsonl")
WRONG_EDIT_COSTS = 10

_ORDINALS = ("first", "second", "third", "fourth", "fifth")

Verdict = Literal["exact", "wrong edit", "refused"]


@dataclass(frozen=True)
class Row:
    """An instruction and what it must lead to.

    Attributes:
        say: the instruction.
        category: what it is an example of.
        after: an instruction that was followed before, so that there is something to undo.
        calls: the tool calls, without `audio` where Audio 1 is meant; `audio` and `other` are the
            numbers of recordings, and mean the newest audio made from them. None for a trap, which
            must be refused or asked back.
    """

    say: str
    category: str
    calls: tuple[Call, ...] | None
    after: str = ""


def read_rows(path: Path = ROWS) -> list[Row]:
    """The rows of a file of JSON lines: "say", "category", and "calls" or "refused".

    Raises:
        ValueError: a row has neither calls nor "refused", or both.
    """
    rows = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if ("calls" in row) == bool(row.get("refused")):
            raise ValueError(f'one of "calls" and "refused" is needed: {line}')
        calls = tuple((n, given) for n, given in row["calls"]) if "calls" in row else None
        rows.append(Row(row["say"], row["category"], calls, row.get("after", "")))
    return rows


def judge(row: Row, done: Sequence[Call], num_before: int = 0) -> Verdict:
    """The verdict on the calls that were done, the first `num_before` of them for `row.after`.

    Edits must be the ones wanted, each on the newest audio, in an order that comes to the same.
    Listening changes nothing: it is compared only where it is all that was wanted.
    """
    sounds = recordings()
    calls = [take((name, {"audio": 1} | given), sounds) for name, given in row.calls or ()]
    wanted = [call for call in _of_recordings(done[:num_before]) if call[0] != "listen"]
    num_before = len(wanted)
    wanted += [call for call in calls if call[0] != "listen"]
    edits = [call for call in _of_recordings(done) if call[0] != "listen"]
    if not _come_to_the_same(_numbered(_parted(edits)), _numbered(_parted(wanted))):
        return "wrong edit" if len(edits) > num_before else "refused"
    if edits or not calls:
        return "exact"
    return "exact" if list(done) == calls else "refused"


def score(verdicts: Sequence[Verdict]) -> float:
    """Rows that are exact, less nine for each wrong edit, of all rows; 1 is perfect.

    So a wrong edit takes ten points from a perfect score, and a refusal one.
    """
    points = verdicts.count("exact") - (WRONG_EDIT_COSTS - 1) * verdicts.count("wrong edit")
    return points / len(verdicts)


def _parted(calls: Sequence[Call]) -> list[Call]:
    """Calls with a fade in and a fade out as one call for each: both ways come to the same."""
    parted: list[Call] = []
    for name, given in calls:
        if name == "gain" and given.get("fade_in") and given.get("fade_out"):
            parted.append((name, given | {"fade_out": 0.0}))
            parted.append((name, given | {"db": 0.0, "fade_in": 0.0}))
        else:
            parted.append((name, given))
    return parted


def _of_recordings(done: Sequence[Call]) -> list[Call]:
    """Calls with the numbers of recordings; 0 stands for an audio that is not the newest."""
    newest = {number: number for number in range(1, len(recordings()) + 1)}
    made = len(newest)
    calls = []
    for name, given in done:
        named = {role: given[role] for role in ("audio", "other") if role in given}
        origin = {number: recording for recording, number in newest.items()}
        calls.append((name, given | {role: origin.get(n, 0) for role, n in named.items()}))
        if name != "listen":
            made += 1
            newest[calls[-1][1]["audio"]] = made
    return calls


def _numbered(calls: Sequence[Call]) -> list[Call]:
    """Calls with one name for one occurrence: the last of two is the second.

    Only of words that no call before has named, for what it did may have changed their count.
    """
    sounds = recordings()
    named: set[str] = set()
    numbered = []
    for name, given in calls:
        words = str(given.get("words") or given.get("before") or given.get("after") or "").lower()
        sound = sounds.get(f"audio-{given['audio']}")
        count = len(sound.find(words)) if sound and words and words not in named else 0
        which = given.get("which")
        if count == 1 and which in ("first", "last", "every"):
            which = "only"
        elif which == "last" and 1 < count <= len(_ORDINALS):
            which = _ORDINALS[count - 1]
        numbered.append((name, given | {"which": which} if "which" in given else given))
        named.add(words)
    return numbered


def _come_to_the_same(edits: Sequence[Call], wanted: Sequence[Call]) -> bool:
    """Whether edits are those wanted, and only those changed places that do not meet."""
    left = list(edits)
    order = []
    for call in wanted:
        if call not in left:
            return False
        order.append(edits.index(call))
        left.remove(call)
    return not left and all(
        here < there or edits[here] == edits[there] or _independent(edits[here], edits[there])
        for here, there in combinations(order, 2)
    )


def _independent(first: Call, second: Call) -> bool:
    """Whether two edits may change places: both by words, no word in common, nothing counted.

    A part before or after words may hold what the other counts, so only "only" and "every" may
    stand beside it.
    """
    if first[1]["audio"] != second[1]["audio"]:
        return True
    if {first[0], second[0]} - {"cut", "silence", "gain"}:
        return False
    texts = [_words(given) for _, given in (first, second)]
    timed = any(given.get(key) is not None for _, given in (first, second) for key in _TIMES)
    whole = all(given.get("part", "it") == "it" for _, given in (first, second))
    counted = any(given["which"] not in ("only", "every") for _, given in (first, second))
    return all(texts) and not texts[0] & texts[1] and not timed and (whole or not counted)


_TIMES = ("start", "end")


def _words(given: dict[str, Any]) -> set[str]:
    return set(f"{given.get('words') or ''} {given.get('to_words') or ''}".lower().split())
