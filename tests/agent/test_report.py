"""The report says what was done, and nothing from outside can do anything in it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from qwen_audio_agent.agent.report import write_report


class Page(HTMLParser):
    """Collects tags, and complains about those that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "rect", "line", "polygon"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture
def edited(start):
    session = start("alpha bravo charlie delta")
    session.say(HumanMessage("Cut <script>alert(1)</script> & go"))
    session.call("cut", audio=1, words="bravo")
    session.call("gain", audio=2, db=-6)
    session.say(AIMessage("Done."))
    return session


def test_the_page_is_whole_and_loads_nothing_from_anywhere(edited, tmp_path):
    output = edited.render(3, tmp_path / "out.wav").path
    html, _ = write_report(edited, 3, tmp_path / "report", output)
    text = html.read_text()
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?:|url\(|@import| on\w+=", text)
    assert "Cut &lt;script&gt;alert(1)&lt;/script&gt; &amp; go" in text
    assert sum(tag == "svg" for tag, _ in page.tags) == 2
    assert re.search(r"<del title=\"0\.\d\d-0\.\d\d s\">bravo</del>", text)
    assert "prefers-color-scheme: dark" in text


def test_the_json_says_the_same_as_the_session(edited, tmp_path):
    output = edited.render(3, tmp_path / "out.wav").path
    _, path = write_report(edited, 3, tmp_path / "report", output)
    report = json.loads(path.read_text())
    assert report["steps"] == json.loads(json.dumps([s.to_json() for s in edited.steps]))
    ((start, end),) = report["before"]["removed"]
    assert (start, end) == pytest.approx((0.65, 0.95), abs=0.03)
    assert report["after"]["joins"] == pytest.approx([0.65], abs=0.03)
    assert [word["text"] for word in report["words"] if not word["kept"]] == ["bravo"]
    change = report["after"]["loudness_lufs"] - report["before"]["loudness_lufs"]
    assert change == pytest.approx(-6, abs=0.3)
    assert report["conversation"][1] == {"speaker": "agent", "text": "Done."}
    assert len(report["output"]["sha256"]) == 64
    assert report["recordings"][0]["format"] == "WAV PCM_16"


def test_names_with_markup_and_control_characters_are_shown_as_text(start, record, tmp_path):
    session = start("alpha")
    session.add_audio(record("<b onload=x>\x1b[31m", "bravo charlie"))
    session.call("cut", audio=2, words="bravo")
    html, _ = write_report(session, 3, tmp_path / "report")
    text = html.read_text()
    assert "&lt;b onload=x&gt;" in text
    assert "<b onload" not in text
    assert "\x1b" not in text
