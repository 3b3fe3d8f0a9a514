"""The report as it is written: whole, escaped, and the same as JSON."""

import json
import re
import shutil
import subprocess
import time
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources

import pytest

from qwen_audio_agent.audio.files import content_hash, probe
from qwen_audio_agent.cleanup.episode import apply_plan
from qwen_audio_agent.cleanup.hearing_again import Again, BadJoin
from qwen_audio_agent.cleanup.plan import Plan, Proposal
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.cleanup.report import make_report, write_report
from qwen_audio_agent.cleanup.report_page import clock
from qwen_audio_agent.errors import DiskError
from tests.cleanup.reports import (
    ATTACK,
    RATE,
    TRICKS,
    episode_of,
    hostile,
    noise_file,
    transcript_of,
)

VOID = ("meta", "br", "input", "img", "link")


class Page(HTMLParser):
    """Collects tags and texts of scripts, and complains about tags that are not closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.scripts = [], [], {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            name = self.tags[-1][1].get("id", "")
            self.scripts[name] = self.scripts.get(name, "") + data


def small_plan(file, recipe=None, **more):
    proposals = (
        Proposal("filler-1", "filler", "cut", 2.0, 2.5, "um", 0.9, "held"),
        Proposal("pause-1", "pause", "shorten", 5.0, 7.5),
        Proposal("breath-1", "breath", "attenuate", 8.0, 8.2, gain_db=-8.0),
    )
    return Plan(episode_of(file), recipe or Recipe(), proposals, **more)


def test_a_hostile_page_is_whole_and_has_no_tag_of_another(tmp_path):
    plan, transcript, file = hostile(tmp_path)
    html, _ = write_report(make_report(plan, transcript, [file]), tmp_path / "report.html")
    text = html.read_text("utf-8")
    page = Page(text)
    assert page.open == []
    names = [tag for tag, _ in page.tags]
    assert names.count("script") == 3
    assert not {"img", "iframe", "object", "link", "base", "form"} & set(names)
    attributes = {name for _, attrs in page.tags for name in attrs}
    assert not {"style", "src", "srcdoc"} & attributes
    assert not [name for name in attributes if name.startswith("on")]
    assert all(attrs["href"].startswith("#") for _, attrs in page.tags if "href" in attrs)
    assert "{{ 7*7 }}" in text
    assert "\x1b" not in text
    assert "\u202e" not in text.split('id="data"')[0]


def test_the_policy_lets_the_two_own_texts_run_and_nothing_else(tmp_path):
    plan, transcript, file = hostile(tmp_path)
    html, _ = write_report(make_report(plan, transcript, [file]), tmp_path / "report.html")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html.read_text("utf-8"))[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.replace("&#39;", "'").split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["media-src"] == "data:"
    assert "unsafe" not in policy
    for name in ("script-src", "style-src"):
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/=]{44}'", rules[name])


def test_the_same_plan_is_the_same_page(tmp_path):
    plan, transcript, file = hostile(tmp_path)
    first = write_report(make_report(plan, transcript, [file]), tmp_path / "report.html")
    time.sleep(1.1)  # whatever follows from the clock differs then
    (tmp_path / "again").mkdir()
    again = write_report(make_report(plan, transcript, [file]), tmp_path / "again" / "report.html")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_the_plan_in_the_page_is_the_plan(tmp_path):
    plan, transcript, file = hostile(tmp_path)
    html, data = write_report(make_report(plan, transcript, [file]), tmp_path / "report.html")
    scripts = Page(html.read_text("utf-8")).scripts
    assert Plan.from_json(json.loads(scripts["plan"])) == plan
    assert "<" not in scripts["plan"]
    assert "<" not in scripts["data"]
    assert json.loads(scripts["data"])["fileName"] == "report.plan.json"
    assert set(json.loads(scripts["data"])["snippets"]) == {
        p.id for p in plan.proposals if p.action != "keep"
    }
    report = json.loads(data.read_text("utf-8"))
    assert Plan.from_json(report["plan"]) == plan
    states = {word["text"]: word["state"] for word in report["words"]}
    assert states[TRICKS[0]] == "gone"
    assert states[ATTACK] == "kept"
    assert states["um"] == "muted"
    assert report["without_snippet"] == ["told-1"]
    assert report["tracks"][0]["after"] is None


def test_what_was_heard_again_is_told(tmp_path):
    plan, transcript, file = hostile(tmp_path)
    bad = BadJoin(("cut-3",), "clipped word left", 3.0, "by 90 ms")
    report = make_report(plan, transcript, [file])
    assert report.to_json()["heard_again"] is None
    again = Again(plan, num_joins=5, num_heard=2, taken_back=(bad,))
    html, data = write_report(replace(report, again=again), tmp_path / "report.html")
    told = "Heard again: 2 of 5 joins, the others measured: 5 clean; 1 taken back."
    assert told in html.read_text("utf-8")
    found = json.loads(data.read_text("utf-8"))["heard_again"]
    assert (found["joins"], found["heard"], found["clean"], found["told"]) == (5, 2, 5, [])
    assert found["taken_back"][0]["proposals"] == ["cut-3"]


def test_a_report_of_what_was_made_has_its_levels(tmp_path):
    file = noise_file(tmp_path)
    recipe = Recipe.from_data({"loudness": {"target": -16, "true_peak": -1}})
    plan = small_plan(file, recipe)
    out = tmp_path / "out.wav"
    apply_plan(plan, file, out)
    report = make_report(plan, transcript_of(["so", "um"], 20.0), [file], [out])
    (track,) = report.tracks
    assert track.after.measured.loudness_lufs == pytest.approx(-16, abs=0.2)
    assert track.after.measured.true_peak_dbtp <= -0.9
    assert track.target_lufs == -16
    assert track.after.measured.duration == pytest.approx(17.0, abs=0.01)
    assert track.after.sha256 == content_hash(out)
    said = report.to_json()
    assert said["removed"] == 3.0
    assert said["plan_sha256"] == report.plan_sha256
    assert [(c["kind"], c["removed"], c["altered"]) for c in said["classes"]] == [
        ("filler", 0.5, 0.0),
        ("pause", 2.5, 0.0),
        ("breath", 0.0, 0.2),
    ]
    curve = said["tracks"][0]["before"]["short_term_lufs"]
    assert len(curve) == 171
    assert curve[0][0] == 1.5
    html, _ = write_report(report, tmp_path / "report.html")
    assert "out.wav" in html.read_text("utf-8")


def test_silence_and_a_moment_have_reports_too(tmp_path):
    import numpy as np
    import soundfile

    for name, num_frames in (("silence.wav", RATE * 4), ("moment.wav", 5)):
        soundfile.write(tmp_path / name, np.zeros(num_frames), RATE)
        file = probe(tmp_path / name)
        plan = Plan(episode_of(file), Recipe())
        report = make_report(plan, transcript_of([], file.duration), [file])
        assert report.tracks[0].before.measured.loudness_lufs is None
        html, _ = write_report(report, tmp_path / "report.html")
        text = html.read_text("utf-8")
        assert Page(text).open == []
        assert "Nothing was found" in text
        assert "silence" in text


def test_several_microphones_share_a_page(tmp_path):
    files = [noise_file(tmp_path, "host.wav"), noise_file(tmp_path, "guest.wav", 22.0)]
    plan = small_plan(files[0], others=(episode_of(files[1]),))
    own = Proposal("breath-2", "breath", "attenuate", 21.0, 21.3, gain_db=-8.0, track=2)
    plan = replace(plan, proposals=(*plan.proposals, own))
    report = make_report(plan, transcript_of(["so", "um"], 20.0), files)
    html, _ = write_report(report, tmp_path / "report.html")
    text = html.read_text("utf-8")
    assert Page(text).open == []
    assert report.duration == 22.0
    assert set(report.snippets) == {p.id for p in plan.proposals}
    assert "track 2" in text
    assert text.count("guest.wav") >= 2
    assert len(report.to_json()["tracks"]) == 2


def test_a_page_of_many_changes_stays_within_bounds(tmp_path):
    file = noise_file(tmp_path, seconds=200.0)
    cuts = tuple(
        Proposal(f"f-{i}", "filler", "cut", i / 10, i / 10 + 0.05, "um", 0.9) for i in range(1990)
    )
    plan = Plan(episode_of(file), Recipe(), cuts)
    words = transcript_of(["word"] * 190, 200.0)
    report = make_report(plan, words, [file], max_snippet_bytes=200_000)
    html, _ = write_report(report, tmp_path / "report.html")
    assert 5 < len(report.snippets) < 30
    assert sum(s.page_bytes for s in report.snippets.values()) <= 200_000
    assert html.stat().st_size < 3_500_000
    assert f"{1990 - len(report.snippets)} of these have no sound here" in html.read_text("utf-8")


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path):
    file = noise_file(tmp_path)
    report = make_report(small_plan(file), transcript_of(["so"], 20.0), [file])
    with pytest.raises(DiskError):
        write_report(report, tmp_path / "missing" / "report.html")
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0:00.0"), (59.96, "1:00.0"), (245.2, "4:05.2"), (3845.24, "1:04:05.2")],
)
def test_times_are_told_as_on_a_clock(seconds, text):
    assert clock(seconds) == text


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node to parse the script")
def test_the_script_parses():
    script = resources.files("qwen_audio_agent.cleanup").joinpath("page", "report.js")
    subprocess.run(["node", "--check", str(script)], check=True)


def test_that_the_loudness_was_missed_is_told(tmp_path):
    file = noise_file(tmp_path, seconds=3.0)
    for target in (-10.0, -30.0, "keep"):
        plan = Plan(episode_of(file), Recipe.from_data({"loudness": {"target": target}}))
        heard = transcript_of([], file.duration)
        (track,) = make_report(plan, heard, [file], [file.path], 0).tracks
        loudness = track.after.measured.loudness_lufs
        told = "" if target == "keep" else f"{loudness} LUFS, and the recipe asks for {target:g}"
        assert re.sub(r"^(-\d+\.\d) ", f"{loudness} ", track.missed) == told
        (planned,) = make_report(plan, heard, [file], (), 0).tracks
        assert planned.missed == ""
    exact = Recipe.from_data({"loudness": {"target": loudness}})
    (track,) = make_report(Plan(episode_of(file), exact), heard, [file], [file.path], 0).tracks
    assert track.missed == ""
