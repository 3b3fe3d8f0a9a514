"""The tables of contents of an ID3 tag: which chapters there are, in which order, in which part.

A table (CTOC) names chapters and further tables. Source: ID3v2 Chapter Frame Addendum 1.0, 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from mutagen.id3 import CTOC, ID3, CTOCFlags

_MOST_CHILDREN: Final = 255  # they are counted in one byte


def update_contents(id3: ID3, alive: Sequence[str], fresh: Sequence[str]) -> None:
    """Take the chapters that are gone out of the tables, and tables that are then empty.

    Chapters that no table knows yet are put into the uppermost one. If there is no table, one is
    made.

    Tables that contain each other in a circle are cut open. Where chapters stood in order of time
    in a table that is said to be ordered, they do so again.

    Args:
        id3: is changed.
        alive: the element ids of its chapters, in order of their new starts.
        fresh: those of them that were not in the tag before.
    """
    tables: dict[str, CTOC] = {table.element_id: table for table in id3.getall("CTOC")}
    places = {key: place for place, key in enumerate(alive)}
    top = [table for table in tables.values() if table.flags & CTOCFlags.TOP_LEVEL]
    if top:
        room = max(0, _MOST_CHILDREN - len(top[0].child_element_ids))
        top[0].child_element_ids = [*top[0].child_element_ids, *fresh[:room]]
    useful = _leading_to(tables, places)
    for key, table in tables.items():
        if key not in useful:
            del id3[table.HashKey]
            continue
        kept = [child for child in table.child_element_ids if child in useful or child in places]
        if table.flags & CTOCFlags.ORDERED and all(child in places for child in kept):
            kept.sort(key=places.__getitem__)
        table.child_element_ids = list(dict.fromkeys(kept))
    _open_circles({key: tables[key] for key in useful})
    if alive and not useful:
        _add_contents(id3, alive)


def _add_contents(id3: ID3, alive: Sequence[str]) -> None:
    """Add a table of all chapters, in order; of more than 255, a table of tables."""
    parts = [alive[at : at + _MOST_CHILDREN] for at in range(0, len(alive), _MOST_CHILDREN)]
    ordered = CTOCFlags.ORDERED
    if len(parts) == 1:
        id3.add(_table("toc", ordered | CTOCFlags.TOP_LEVEL, parts[0]))
        return
    names = [f"toc{number}" for number in range(1, len(parts) + 1)]
    id3.add(_table("toc", ordered | CTOCFlags.TOP_LEVEL, names))
    for name, part in zip(names, parts, strict=True):
        id3.add(_table(name, ordered, part))


def _table(key: str, flags: int, children: Sequence[str]) -> CTOC:
    return CTOC(element_id=key, flags=flags, child_element_ids=list(children), sub_frames=[])


def _leading_to(tables: dict[str, CTOC], alive: Iterable[str]) -> set[str]:
    """The tables through which a chapter that is there can be reached."""
    parents: dict[str, list[str]] = {}
    for key, table in tables.items():
        for child in table.child_element_ids:
            parents.setdefault(child, []).append(key)
    useful: set[str] = set()
    waiting = list(alive)
    while waiting:
        for parent in parents.pop(waiting.pop(), ()):
            if parent not in useful:
                useful.add(parent)
                waiting.append(parent)
    return useful


def _open_circles(tables: dict[str, CTOC]) -> None:
    """Take out of each table what contains the table itself."""
    done: set[str] = set()
    top = [key for key, table in tables.items() if table.flags & CTOCFlags.TOP_LEVEL]
    for root in (*top, *tables):
        if root in done:
            continue
        inside = {root}
        path = [(root, iter(list(tables[root].child_element_ids)))]
        while path:
            key, children = path[-1]
            child = next(children, None)
            if child is None:
                path.pop()
                inside.discard(key)
                done.add(key)
            elif child in inside:
                table = tables[key]
                table.child_element_ids = [c for c in table.child_element_ids if c != child]
            elif child in tables and child not in done:
                inside.add(child)
                path.append((child, iter(list(tables[child].child_element_ids))))
