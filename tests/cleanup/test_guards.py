from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qwen_audio_agent.audio.activity import Activity
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.cleanup.guards import check_music, guarded, share_concern
from qwen_audio_agent.cleanup.plan import Episode, Plan, Proposal
from qwen_audio_agent.cleanup.recipe import Guards, Recipe
from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.speech.words import Word

SPEAKING = Activity(1000, 20_000, (Span(0, 20_000),), np.ones(2000, np.float32))
SILENT = Activity(1000, 20_000, (), np.zeros(2000, np.float32))


def cut(number, start, end, words="", kind="filler", confidence=0.9):
    return Proposal(f"{kind}-{number}", kind, "cut", start, end, words, confidence)


def on(proposals):
    return [p.id for p in proposals if p.on]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("not", "negation"),
        ("twenty", "number"),
        ("sarah", "name"),
        ("not sarah", "negation and a name"),
    ],
)
def test_what_would_take_a_meaning_away_is_asked_about(words, why):
    (asked,) = guarded([cut(1, 1, 2, words, "repeat")], Guards(), SPEAKING)
    assert not asked.on
    assert asked.concern == f"a {why} would go with it"


@pytest.mark.parametrize(
    ("said", "repeat", "is_cut"),
    [
        ("We we went home", "We", True),
        ("So the The the bridge", "The", True),
        ("We went so We went home and we stayed", "We went", True),
        ("Duran Duran sang", "Duran", False),
        ("So mister Miyazaki said", "mister Miyazaki", False),
        ("Sarah said sarah", "Sarah", False),
    ],
)
def test_a_capital_that_begins_a_sentence_makes_no_name(said, repeat, is_cut):
    words = [Word(text, i, i + 1) for i, text in enumerate(said.split())]
    (found,) = guarded([cut(1, 1, 2, repeat, "repeat")], Guards(), SPEAKING, words)
    assert found.on == is_cut


def test_a_recipe_may_allow_it():
    allowed = Guards(protect=("name",))
    assert on(guarded([cut(1, 1, 2, "not", "repeat")], allowed, SPEAKING)) == ["repeat-1"]


def test_fillers_and_pauses_mean_nothing():
    assert on(guarded([cut(1, 1, 2, "no")], Guards(), SPEAKING)) == ["filler-1"]


def test_of_two_cuts_with_a_shred_between_the_less_sure_one_stays_undone():
    near = [cut(1, 1, 2, confidence=0.6), cut(2, 2.1, 3, confidence=0.9), cut(3, 5, 6)]
    found = guarded(near, Guards(), SPEAKING)
    assert on(found) == ["filler-2", "filler-3"]
    assert found[0].concern.startswith("less than 0.15 s of speech would stay")


def test_a_chain_of_near_cuts_keeps_those_that_can_be_made_together():
    chain = [cut(i, 1 + 0.3 * i, 1.2 + 0.3 * i, confidence=0.5 + i / 10) for i in range(4)]
    made = [p for p in guarded(chain, Guards(), SPEAKING) if p.on]
    assert [p.id for p in made] == ["filler-1", "filler-3"]


@pytest.mark.parametrize("between", [0.0, 0.2])
def test_cuts_that_touch_or_lie_apart_are_both_made(between):
    pair = [cut(1, 1, 2), cut(2, 2 + between, 3)]
    assert len(on(guarded(pair, Guards(), SPEAKING))) == 2


def test_silence_between_two_cuts_is_no_shred_of_speech():
    assert len(on(guarded([cut(1, 1, 2), cut(2, 2.1, 3)], Guards(), SILENT))) == 2


def test_too_large_a_share_is_a_concern():
    plan = Plan(Episode("a.wav", "", 1000, 1, 10_000), Recipe(), (cut(1, 0, 4.1),))
    assert "41% of the episode would go" in share_concern(plan)
    assert share_concern(replace(plan, proposals=(cut(1, 0, 3.9),))) == ""


class TestMusicOfAPlan:
    @staticmethod
    def plan(**music):
        recipe = Recipe.from_data({"music": {name: str(path) for name, path in music.items()}})
        return Plan(Episode("a.wav", "", 1000, 1, 10_000), recipe)

    def test_may_lie_beside_it(self, tmp_path):
        inside = {"intro": tmp_path / "a.wav", "bed": tmp_path / "b" / "c" / ".." / "d.wav"}
        check_music(self.plan(**inside), tmp_path, Recipe())

    @pytest.mark.parametrize("name", ["intro", "outro", "bed"])
    @pytest.mark.parametrize("path", ["/etc/hostname", "{}/../secret.wav", "{}2/a.wav", "{}/link"])
    def test_may_not_lie_elsewhere(self, name, path, tmp_path):
        folder = tmp_path / "plan"
        folder.mkdir()
        (tmp_path / "secret.wav").write_bytes(b"")
        (folder / "link").symlink_to(tmp_path / "secret.wav")
        named = path.format(folder)
        with pytest.raises(UsageError, match=f"for its {name}: give --recipe") as caught:
            check_music(self.plan(**{name: named}), folder, Recipe())
        assert repr(str(Path(named))) in str(caught.value)

    def test_may_lie_where_the_recipe_of_the_person_says(self, tmp_path):
        recipe = self.plan(outro="/music/theme.wav").recipe
        check_music(self.plan(intro="/music/theme.wav"), tmp_path, recipe)
        with pytest.raises(UsageError, match="other"):
            check_music(self.plan(intro="/music/other.wav"), tmp_path, recipe)
