"""The page in Chromium, as a person uses it: sound plays, switches switch, and nothing gets out."""

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from qwen_audio_agent.cleanup.plan import Plan, read_plan
from qwen_audio_agent.cleanup.report import make_report, write_report
from tests.cleanup.reports import hostile

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def plan_and_page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    plan, transcript, file = hostile(folder)
    report = make_report(plan, transcript, [file])
    return plan, write_report(report, folder / "an episode's #report?.html")[0]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A page that is open, and all that was said and asked for on it."""

    def __init__(self, browser, path: Path, **how):
        self.page = browser.new_page(**how)
        self.said, self.asked = [], []
        self.page.on("console", lambda m: self.said.append(m.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def time_moves(self):
        """Whether the player comes to its third tenth of a second, and what it complains of."""
        # The page's policy refuses scripts that wait in it; asking again is not of the page.
        for _ in range(200):
            if self.page.evaluate("document.getElementById('player').currentTime") > 0.3:
                return self.page.evaluate("document.getElementById('player').error") is None
            self.page.wait_for_timeout(50)
        return False

    def exported(self):
        """The plan, by the button and by the text area."""
        with self.page.expect_download() as download:
            self.page.click("#save")
        if not self.page.is_visible("#plan-text"):
            self.page.click("#export summary")
        expect(self.page.locator("#plan-text")).not_to_have_value("")
        text = self.page.input_value("#plan-text")
        assert Path(download.value.path()).read_bytes() == text.encode()
        name = download.value.suggested_filename
        assert name.startswith("an episode's")
        assert name.endswith("report_.plan.json")
        return download.value.path(), text


@pytest.fixture
def visit(browser, plan_and_page):
    visit = Visit(browser, plan_and_page[1])
    yield visit
    assert visit.page.evaluate("window.attacked") is None
    assert visit.said == []
    others = [url for url in visit.asked if not url.startswith(("data:", "blob:"))]
    assert others == [plan_and_page[1].as_uri()]
    visit.page.close()


@pytest.mark.parametrize("side", ["before", "after"])
def test_snippets_play(visit, side):
    visit.page.click(f"#p-cut-1 button:text('{side}')")
    assert visit.time_moves()
    assert visit.page.evaluate("document.getElementById('player').duration") > 2.5


def test_the_plan_that_nobody_touched_is_the_same_to_the_byte(visit, plan_and_page):
    path, text = visit.exported()
    assert text == plan_and_page[0].to_text()
    assert read_plan(path) == plan_and_page[0]


def test_a_switch_is_in_the_plan_and_in_the_sum(visit, plan_and_page):
    plan, _ = plan_and_page
    page = visit.page
    page.uncheck("#p-cut-1 input")
    page.check("#p-cut-4 input")
    expected = plan.switched(**{"cut-1": False, "cut-4": True})
    _, text = visit.exported()
    assert text == expected.to_text()
    assert Plan.from_json(json.loads(text)) == expected
    assert f"0:0{expected.removed:.1f} would go" in page.inner_text("#sum")
    assert "kept" in page.get_attribute("#p-cut-1", "class").split()
    marked = page.locator("#transcript [data-p='cut-4']")
    assert marked.get_attribute("role") == "deletion"
    page.check("#p-cut-1 input")
    page.uncheck("#p-cut-4 input")
    assert page.input_value("#plan-text") == plan.to_text()


def test_a_class_is_switched_but_for_what_has_a_concern(visit, plan_and_page):
    visit.page.uncheck("#classes [data-kind=filler] input")
    _, text = visit.exported()
    off = {"cut-1": False, "cut-3": False}
    assert Plan.from_json(json.loads(text)) == plan_and_page[0].switched(**off)
    visit.page.check("#classes [data-kind=filler] input")
    again = json.loads(visit.page.input_value("#plan-text"))
    assert Plan.from_json(again) == plan_and_page[0].switched(**{"cut-1": False})


def test_the_keyboard_goes_on_plays_and_switches(visit, plan_and_page):
    page = visit.page
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.id") == "p-cut-2"
    page.keyboard.press("x")
    assert not page.is_checked("#p-cut-2 input")
    page.keyboard.press("Space")
    assert visit.time_moves()
    page.keyboard.press("Space")
    assert page.evaluate("document.getElementById('player').paused")
    page.keyboard.press("a")
    assert visit.time_moves()
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "p-cut-1"
    _, text = visit.exported()
    assert Plan.from_json(json.loads(text)) == plan_and_page[0].switched(**{"cut-2": False})


def test_space_plays_before_and_then_after(visit):
    visit.page.keyboard.press("Space")
    visit.page.wait_for_selector("#p-cut-1 [data-side='0'].playing")
    visit.page.evaluate("document.getElementById('player').playbackRate = 8")
    visit.page.wait_for_selector("#p-cut-1 [data-side='1'].playing")


def test_what_only_is_told_has_no_switch(visit):
    assert visit.page.is_disabled("#p-told-1 input")
    for _ in range(9):
        visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("x")
    assert not visit.page.is_checked("#p-told-1 input")


def test_filters_leave_what_they_name(visit):
    page = visit.page
    page.select_option("#kind", "filler")
    assert page.locator("#rows li:visible").count() == 3
    page.check("#only-concerns")
    shown = page.locator("#rows li:visible")
    assert [shown.nth(i).get_attribute("id") for i in range(shown.count())] == [
        "p-cut-1",
        "p-cut-4",
    ]
    page.select_option("#kind", "")
    page.uncheck("#only-concerns")
    page.check("#only-sound")
    assert page.locator("#rows li:visible").count() == 7
    page.click("#transcript [data-p=cut-3]")
    assert page.evaluate("document.activeElement.id") == "p-cut-3"


def test_every_control_has_a_name(visit):
    nameless = visit.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, [role=img]")]
        .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() ||
          e.labels?.[0]?.textContent.trim())).map((e) => e.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(browser, plan_and_page, scheme):
    """WCAG 2.2, 1.4.3: a contrast of 4.5."""
    visit = Visit(browser, plan_and_page[1], color_scheme=scheme)
    names = [
        "ink",
        "soft",
        "paper",
        "card",
        "gone",
        "muted",
        "quieter",
        "doubt",
        "doubt-paper",
        "pick",
        "wave",
    ]
    style = "getComputedStyle(document.documentElement)"
    colours = {
        name: visit.page.evaluate(f"{style}.getPropertyValue('--{name}').trim()") for name in names
    }

    def light(colour):
        digits = colour.removeprefix("#")
        digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    def contrast(a, b):
        low, high = sorted((light(colours[a]), light(colours[b])))
        return (high + 0.05) / (low + 0.05)

    weak = [
        (text, behind, round(contrast(text, behind), 2))
        for text in ("ink", "soft", "gone", "muted", "quieter", "doubt", "wave")
        for behind in ("paper", "card", "pick", "doubt-paper")
        if contrast(text, behind) < 4.5
    ]
    assert weak == []
    visit.page.close()


def test_a_narrow_screen_does_not_scroll_sideways(browser, plan_and_page):
    visit = Visit(browser, plan_and_page[1], viewport={"width": 360, "height": 700})
    widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    scrolled, shown = visit.page.evaluate(widths)
    assert scrolled <= shown
    visit.page.close()


def test_without_scripts_the_page_is_read(browser, plan_and_page):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(plan_and_page[1].as_uri())
    assert page.is_visible("#rows li:last-child")
    assert page.is_hidden("#p-cut-1 button")
    assert "runs no scripts" in page.inner_text("noscript")
    context.close()
