"""The page of a report: one file without scripts that needs no network; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

_HEIGHT = 90
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5d6672; --paper: #fbfaf7; --card: #fff;
  --line: #dcd9d0; --wave: #2f6f8f; --gone: #c2410c; --good: #2f7d4f; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e1; --soft: #9aa3ad; --paper: #14171a;
  --card: #1c2024; --line: #33383e; --wave: #6fb3d2; --gone: #f08a5d; --good: #6cc490;
  --bad: #f1867c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 60rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .6rem; }
.soft, figcaption, th { color: var(--soft); font-weight: 400; }
section, figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 1rem 1.2rem; margin: 0 0 1rem; overflow-x: auto; }
svg { display: block; width: 100%; height: 90px; }
svg .wave { fill: var(--wave); } svg .gone { fill: var(--gone); opacity: .28; }
svg .join { stroke: var(--gone); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; }
tr + tr td { border-top: 1px solid var(--line); }
code { font: .88em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
del { color: var(--gone); text-decoration-thickness: 2px; }
.clean { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
"""


def page(
    report: dict[str, Any], outline_before: Sequence[float], outline_after: Sequence[float]
) -> str:
    """The page of a report.

    Args:
        report: as `report.make_report` gives it.
        outline_before: peaks of the old audio, 0 to 1, at equal distances.
        outline_after: the same of the new one.
    """
    before, after = report["before"], report["after"]
    removed = before["duration"] - after["duration"]
    title = _text(report["title"])
    lead = f"{before['duration']:.2f} s, now {after['duration']:.2f} s"
    change = f"{abs(removed):.2f} s {'shorter' if removed >= 0 else 'longer'}"
    parts = [
        f"<h1>{title}</h1><p class=soft>{lead}, {change}. Written {_text(report['made'])}.</p>",
        _conversation(report["conversation"]),
        "<h2>Sound</h2>",
        _figure("before", before, outline_before, before["removed"], []),
        _figure("after", after, outline_after, [], after["joins"]),
        _levels(before, after),
        "<h2>Words</h2>",
        _words(report["words"]),
        "<h2>Edits</h2>",
        _steps(report["steps"]),
        "<h2>Files and settings</h2>",
        _facts(report),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def _text(value: object) -> str:
    """Any text from outside: escaped, and without characters that do not show."""
    shown = "".join(c if c.isprintable() or c == " " else "\ufffd" for c in str(value))
    return escape(shown)


def _conversation(turns: Iterable[dict[str, str]]) -> str:
    rows = "".join(
        f"<tr><th scope=row>{_text(turn['speaker'])}</th><td>{_text(turn['text'])}</td></tr>"
        for turn in turns
    )
    return f"<section><table>{rows}</table></section>" if rows else ""


def _figure(
    name: str,
    audio: dict[str, Any],
    outline: Sequence[float],
    gone: Iterable[Sequence[float]],
    joins: Sequence[float],
) -> str:
    """A waveform; what is gone is shaded, joins are lines."""
    width, middle = len(outline), _HEIGHT / 2
    scale = width / max(audio["duration"], 1e-9)
    loudest = max([*outline, 1e-6])
    heights = [max(peak / loudest * (middle - 2), 0.4) for peak in outline]
    upper = " ".join(f"{x},{middle - height:.1f}" for x, height in enumerate(heights))
    lower = " ".join(
        f"{x},{middle + height:.1f}" for x, height in reversed(list(enumerate(heights)))
    )
    shades = "".join(
        f'<rect class="gone" x="{start * scale:.2f}" y="0" '
        f'width="{max((end - start) * scale, 0.8):.2f}" height="{_HEIGHT}"/>'
        for start, end in gone
    )
    lines = "".join(
        f'<line class="join" x1="{at * scale:.2f}" x2="{at * scale:.2f}" y1="0" y2="{_HEIGHT}"/>'
        for at in joins
    )
    count = f", {len(joins)} join{'s' if len(joins) > 1 else ''}" if joins else ""
    caption = f"Audio {audio['audio']}, {name}: {audio['duration']:.2f} s{count}"
    return (
        f'<figure><svg viewBox="0 0 {width} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{_text(caption)}"><polygon class="wave" points="{upper} {lower}"/>'
        f"{shades}{lines}</svg><figcaption>{_text(caption)}</figcaption></figure>"
    )


def _levels(before: dict[str, Any], after: dict[str, Any]) -> str:
    rows = (
        ("Loudness", "loudness_lufs", "LUFS"),
        ("Speech", "speech_dbfs", "dBFS"),
        ("Noise floor", "noise_floor_dbfs", "dBFS"),
    )
    body = "".join(
        f"<tr><th scope=row>{name}</th><td>{before[key]:.1f} {unit}</td>"
        f"<td>{after[key]:.1f} {unit}</td></tr>"
        for name, key, unit in rows
    )
    head = "<tr><th></th><th scope=col>before</th><th scope=col>after</th></tr>"
    return f"<section><table>{head}{body}</table></section>"


def _words(words: Iterable[dict[str, Any]]) -> str:
    shown = []
    for word in words:
        times = f"{word['start']:.2f}-{word['end']:.2f} s"
        tag = "span" if word["kept"] else "del"
        shown.append(f'<{tag} title="{times}">{_text(word["text"])}</{tag}>')
    return f"<section>{' '.join(shown) or '<span class=soft>no words were heard</span>'}</section>"


def _steps(steps: Iterable[dict[str, Any]]) -> str:
    rows = "".join(_step(step) for step in steps)
    head = "<tr><th scope=col>Audio</th><th scope=col>edit</th><th scope=col>heard</th></tr>"
    return f"<section><table>{head}{rows}</table></section>" if rows else ""


def _step(step: dict[str, Any]) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in step["arguments"].items())
    heard = [_verdict(verdict) for verdict in step["verdicts"]]
    if step["unheard"]:
        heard.append(f"<span class=soft>{step['unheard']} more joins measured only</span>")
    if step["repairs"]:
        heard.append(f"<span class=soft>edges moved {step['repairs']} &times;</span>")
    if levels := step["levels"]:
        heard += [
            f"{_text(name.rpartition('_')[0].replace('_', ' '))} {old:.1f} &rarr; {new:.1f}"
            for name, (old, new) in levels.items()
        ]
    return (
        f"<tr><td>{step['given']} &rarr; {step['audio']}</td>"
        f"<td><code>{_text(step['tool'])}({_text(given)})</code><br>{_text(step['text'])}</td>"
        f"<td>{'<br>'.join(heard)}</td></tr>"
    )


def _verdict(verdict: dict[str, Any]) -> str:
    mark = "clean" if verdict["kind"] == "clean" else "bad"
    detail = f" ({_text(verdict['detail'])})" if verdict["detail"] else ""
    return (
        f"{verdict['at']:.2f} s <q>{_text(verdict['heard'])}</q> "
        f'<span class="{mark}">{_text(verdict["kind"])}</span>{detail}'
    )


def _facts(report: dict[str, Any]) -> str:
    rows = [
        (
            recording["name"],
            (
                f"{recording['duration']:.2f} s, {recording['sample_rate']} Hz, "
                f"{recording['num_channels']} channels, {recording['format']}"
            ),
            f"sha256 {recording['sha256']}",
        )
        for recording in report["recordings"]
    ]
    if report["output"]:
        rows.append(("output", report["output"]["path"], f"sha256 {report['output']['sha256']}"))
    ear = report["ear"]
    rows.append(("ear", f"{ear['name']} {ear['version']}", ear["description"]))
    rows.append(("program", report["program"], f"Python {report['python']}"))
    body = "".join(
        f"<tr><th scope=row>{_text(name)}</th><td>{_text(what)}<br>"
        f"<code class=soft>{_text(more)}</code></td></tr>"
        for name, what, more in rows
    )
    return f"<section><table>{body}</table></section>"
