import tomllib

import pytest

from qwen_audio_agent.agent.recipes import recipe_from, recipe_text
from qwen_audio_agent.agent.session import Session
from qwen_audio_agent.cleanup.recipe import Recipe, load_recipe
from qwen_audio_agent.errors import SessionError


@pytest.fixture
def session(tmp_path, interview):
    with Session.create(tmp_path / "s", [interview]) as session:
        yield session


def test_what_fits_any_episode_becomes_a_recipe(session):
    session.call("tidy", audio=1, what="pauses", longer_than=1.0, to=0.6)
    session.call("cut", audio=2, start=1.0, end=1.5)
    session.call("effect", audio=3, name="normalize", value=-18)
    recipe, left_out = recipe_from(session)
    assert (recipe.pauses.policy, recipe.pauses.longer_than, recipe.pauses.to) == (
        "shorten",
        1,
        0.6,
    )
    assert recipe.loudness.target == -18
    assert recipe.fillers.policy == recipe.repeats.policy == recipe.ends.policy == "keep"
    assert left_out == ("cut(start=1.0, end=1.5)",)
    text = recipe_text(recipe, left_out)
    assert text.startswith("# not taken over: cut(start=1.0, end=1.5)\n")
    assert Recipe.from_data(tomllib.loads(text)) == recipe


def test_the_usual_loudness_stays_that_of_each_episode(session):
    session.call("effect", audio=1, name="normalize")
    recipe, _ = recipe_from(session)
    assert recipe.loudness.target == "auto"
    assert recipe.loudness.for_channels(1) == -19


def test_what_was_undone_is_not_in_it(session):
    session.call("effect", audio=1, name="highpass", value=90)
    session.call("effect", audio=2, name="normalize", value=-18)
    session.undo()
    recipe, _ = recipe_from(session)
    assert recipe.sound.highpass_hz == 90
    assert recipe.loudness.target == "keep"


def test_a_session_that_did_nothing_of_the_kind_says_so(session):
    session.call("cut", audio=1, start=1.0, end=1.5)
    with pytest.raises(SessionError, match="did nothing that fits another episode"):
        recipe_from(session)


def test_hostile_words_stay_in_their_comment():
    text = recipe_text(Recipe(), ['cut(words="x\n[sound]\ndenoise = 1")'])
    assert tomllib.loads(text)["sound"]["denoise"] == 0


def test_a_whole_episode_is_one_step_that_can_be_done_again(session, tmp_path):
    step = session.call("tidy", audio=1, what="podcast")
    assert step.text.startswith("Cleaned up as podcast: ")
    assert len(step.places) >= 2
    assert session.audio(step.audio).duration < session.audio(1).duration - 1
    recipe, left_out = recipe_from(session)
    assert (recipe.pauses, recipe.sound) == (
        load_recipe("podcast").pauses,
        load_recipe("podcast").sound,
    )
    assert left_out == ()
    again = session.call("tidy", audio=step.audio, what="audiobook")
    assert again.text.startswith("Cleaned up as audiobook: 0 cuts")
