"""The page of a report: one file that needs no network, and in which no text from outside can act.

Every text is escaped by the template, what lies in the page as data cannot end its element, and a
policy in the page lets only the script and the style run that came with this package.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from qwen_audio_agent.cleanup.guards import share_concern
from qwen_audio_agent.cleanup.marked_words import contexts, paragraphs, state_of
from qwen_audio_agent.cleanup.measured import Measured
from qwen_audio_agent.cleanup.report import Report, Track, versions

_WIDTH, _HEIGHT = 1000, 100
_LOUDEST, _FAINTEST = -5.0, -50.0  # LUFS at top and bottom of the curves


def page(report: Report, plan_name: str) -> str:
    """The page of a report, as HTML; a plan that is saved there gets the name `plan_name`."""
    style, script = _text_of("report.css"), _text_of("report.js")
    environment = Environment(
        loader=FunctionLoader(_text_of),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clock=clock, level=_level)
    plan, words = report.plan, report.transcript.words
    columns = _columns(report)
    return environment.get_template("report.html.jinja").render(
        report=report,
        plan=plan,
        style=Markup(style),  # noqa: S704 - files of this package
        script=Markup(script),  # noqa: S704
        policy=_policy(style, script),
        versions=versions(),
        concern=share_concern(plan),
        rows=list(zip(plan.proposals, contexts(plan, words), strict=True)),
        paragraphs=paragraphs(plan, words),
        state_of=state_of,
        settings=list(_settings(report)),
        tracks=list(zip(report.tracks, plan.tracks, strict=True)),
        charts=[(track, _chart(track)) for track in report.tracks],
        wave=_wave(columns),
        data=_page_data(report, columns, plan_name),
        plan_text=_data(plan.to_text()),
        num_without=sum(p.id not in report.snippets and p.action != "keep" for p in plan.proposals),
    )


def clock(seconds: float, digits: int = 1) -> str:
    """A time as it is read: 4:05.2, or 1:04:05.2."""
    ticks = round(seconds * 10**digits)
    whole, rest = divmod(ticks, 10**digits)
    hours, minutes = whole // 3600, whole // 60 % 60
    parts = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    fraction = f".{rest:0{digits}}" if digits else ""
    return f"{parts}:{whole % 60:02}{fraction}"


def _text_of(name: str) -> str:
    return resources.files(__package__).joinpath("page", name).read_text("utf-8")


def _visible(value: object) -> object:
    """Texts without characters that do not show, or that turn the direction of writing."""
    if isinstance(value, Markup):
        return value
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in str(value))


def _data(text: str) -> Markup:
    """JSON that may stand in a script element: without "<" it can neither end it nor open one."""
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - that is what makes it safe


def _policy(style: str, script: str) -> str:
    return (
        "default-src 'none'; "
        f"script-src '{_hash_of(script)}'; style-src '{_hash_of(style)}'; "
        "media-src data:; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash_of(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _level(value: float | None, unit: str) -> str:
    return "silence" if value is None else f"{value:.1f} {unit}".replace("-", "\N{MINUS SIGN}")


def _page_data(report: Report, columns: bytes, plan_name: str) -> Markup:
    """What the script needs beside the plan."""
    plan = report.plan
    data = {
        "duration": report.duration,
        "mostSeconds": plan.recipe.guards.max_share * plan.episode.duration,
        "columns": base64.b64encode(columns).decode(),
        "fileName": plan_name,
        "snippets": {
            name: [base64.b64encode(sound).decode() for sound in (s.before, s.after)]
            for name, s in report.snippets.items()
        },
    }
    return _data(json.dumps(data, ensure_ascii=False))


def _settings(report: Report) -> Iterator[tuple[str, str]]:
    """The recipe, a section after the other."""
    for name, section in report.plan.recipe.to_json().items():
        if isinstance(section, dict):
            yield name, ", ".join(f"{key} {_setting(value)}" for key, value in section.items())
        elif section:
            yield name, str(section)


def _setting(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _columns(report: Report) -> bytes:
    """The outline of all recordings together."""
    outlines = [np.frombuffer(t.before.measured.columns, np.uint8) for t in report.tracks]
    length = min(map(len, outlines))  # Rates that differ may make a column more.
    loudest: NDArray[np.uint8] = np.max([columns[:length] for columns in outlines], axis=0)
    return loudest.tobytes()


def _wave(columns: bytes) -> str:
    """An outline as a polygon; where it has more columns than there is room, their mean counts."""
    # A byte of an outline stands for a level from -60 dBFS to full scale.
    swings = 10 ** ((np.frombuffer(columns, np.uint8) / 255 - 1) * 3)
    width = min(len(swings), _WIDTH)
    starts = np.arange(width) * len(swings) // width
    means = np.add.reduceat(swings, starts) / np.diff([*starts, len(swings)])
    heights = np.maximum(means / means.max() * (_HEIGHT / 2 - 2), 0.4)
    places = np.arange(width) * _WIDTH / width
    upper = [f"{x:.0f},{50 - h:.1f}" for x, h in zip(places, heights, strict=True)]
    lower = [f"{x:.0f},{50 + h:.1f}" for x, h in zip(places, heights, strict=True)]
    return " ".join([*upper, *reversed(lower)])


def _chart(track: Track) -> dict[str, Any]:
    """The curves of a recording in an area of 1000 by 100."""
    seconds = track.before.measured.duration
    return {
        "before": list(_curve(track.before.measured, seconds)),
        "after": list(_curve(track.after.measured, seconds)) if track.after else [],
        "target": None if track.target_lufs is None else _curve_y(track.target_lufs),
        "lines": [_curve_y(level) for level in (-20.0, -35.0)],
    }


def _curve(measured: Measured, seconds: float) -> Iterator[str]:
    """Lines of the short-term loudness, broken where there is silence."""
    points: list[str] = []
    for time, level in measured.curve:
        if level is not None and level > _FAINTEST:
            points.append(f"{time * _WIDTH / seconds:.1f},{_curve_y(level):.1f}")
        elif points:
            yield " ".join(points)
            points = []
    if points:
        yield " ".join(points)


def _curve_y(level: float) -> float:
    share = (_LOUDEST - level) / (_LOUDEST - _FAINTEST)
    return round(min(max(share, 0.0), 1.0) * _HEIGHT, 1)
