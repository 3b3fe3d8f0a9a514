import pytest

from qwen_audio_agent.cleanup.recipe import SHIPPED, Recipe, load_recipe
from qwen_audio_agent.errors import UsageError


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_recipes_load_and_say_what_they_are_for(name):
    assert load_recipe(name).description


def test_what_is_left_out_is_as_by_default():
    assert Recipe.from_data({"pauses": {"to": 0.3}}).pauses.longer_than == 0.8


def test_plain_data_there_and_back():
    recipe = load_recipe("podcast")
    assert Recipe.from_data(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"filers": {}}, "there is no filers; there is description, fillers, repeats"),
        ({"fillers": {"polcy": "cut"}}, "there is no fillers.polcy; there is policy"),
        ({"fillers": {"policy": "shorter"}}, "fillers.policy is 'shorter': .*'attenuate', 'mute'"),
        ({"pauses": {"to": 2}}, "pauses: to is 2 and longer_than 0.8"),
        ({"pauses": {"to": float("nan")}}, "pauses.to is nan: .* finite"),
        ({"loudness": {"target": -3}}, "loudness.target is -3: .* -5"),
        (
            {"loudness": {"target": "loud"}},
            "loudness.target is 'loud': input should be a valid number or 'auto' or 'keep'",
        ),
        (
            {"loudness": {"true_peak": -3}},
            'loudness: true_peak needs a target: with "keep" nothing',
        ),
        ({"loudness": {"target": -50}}, "equal to -40 or 'auto' or 'keep'"),
        ({"fillers": {"phrases": "you know"}}, r"phrases is 'you know': .* a list in \[ \]"),
        ({"fillers": {"phrases": [3]}}, "fillers.phrases.0 is 3: "),
        ({"pauses": {"longer_than": "0.8"}}, "longer_than is '0.8': .* a valid number"),
        ({"pauses": {"longer_than": True}}, "longer_than is True: .* a valid number"),
        ({"sound": {"hum": "yes"}}, "sound.hum is 'yes': input should be true or false"),
        ({"guards": {"protect": ["verbs"]}}, "guards.protect.0 is 'verbs'"),
        ({"sound": 3}, "sound is a section with keys"),
        ([], "it is a section with keys"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_the_choices(data, message):
    with pytest.raises(UsageError, match=message):
        Recipe.from_data(data)


def test_a_file_is_read_and_its_music_lies_beside_it(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[music]\nintro = "jingle.wav"\n[fillers]\nphrases = ["you know"]\n')
    recipe = load_recipe(path)
    assert recipe.music.intro == str(tmp_path / "jingle.wav")
    assert recipe.fillers.phrases == ("you know",)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a = ", "is no TOML"), (b"\xff\xfe", "is no TOML"), (b"x" * (1 << 21), "too large")],
)
def test_a_file_that_is_no_recipe(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        load_recipe(path)


@pytest.mark.parametrize("name", ["podcasts", "/nowhere/x.toml", "a\0b", "."])
def test_a_recipe_that_is_not_there(name):
    with pytest.raises(UsageError, match="give a TOML file, or podcast, interview, audiobook"):
        load_recipe(name)


def test_the_loudness_of_one_channel_is_lower():
    loudness = load_recipe("podcast").loudness
    assert (loudness.for_channels(1), loudness.for_channels(2)) == (-19.0, -16.0)
    assert Recipe().loudness.for_channels(2) is None
