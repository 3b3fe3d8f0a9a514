import subprocess
import sys

import pytest

from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech import ears
from qwen_audio_agent.speech.ears import ear_names, open_ear
from qwen_audio_agent.speech.ears.pocketsphinx import PocketSphinxEar


def test_pocketsphinx_is_built_in():
    assert "pocketsphinx" in ear_names()
    assert isinstance(open_ear("pocketsphinx"), PocketSphinxEar)


def test_auto_takes_the_best_ear_that_opens(tone_ears, monkeypatch):
    assert open_ear().name == "pocketsphinx"
    monkeypatch.setattr(tone_ears.ToneEar, "rank", 99)
    assert open_ear("auto").name == "tone"


def test_an_ear_says_what_it_is_good_for():
    ear = open_ear()
    assert ear.name in ear_names()
    assert ear.description
    assert "\n" not in ear.description


def test_a_plugin_is_found_by_its_entry_point_but_cannot_replace_what_is_built_in(tone_ears):
    assert set(ear_names()) >= {"tone", "lacking", "astray", "pocketsphinx"}
    assert isinstance(open_ear("tone"), tone_ears.ToneEar)
    assert isinstance(open_ear("pocketsphinx"), PocketSphinxEar)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(HearingError, match=r"no ear 'wisper'; choose one of: auto, .*pocketsphinx"):
        open_ear("wisper")


@pytest.mark.usefixtures("tone_ears")
def test_a_missing_package_is_named_with_the_command_that_installs_it():
    with pytest.raises(HearingError, match=r"pip install a_package_that_nobody_has$"):
        open_ear("lacking")


def test_an_extra_of_the_same_name_is_what_to_install(tone_ears, monkeypatch):
    monkeypatch.setitem(ears._BUILT_IN, "media", "lacking_ear:Ear")
    with pytest.raises(HearingError, match=r"pip install 'qwen-audio-agent\[media\]'$"):
        open_ear("media")


@pytest.mark.usefixtures("tone_ears")
def test_an_entry_point_that_leads_nowhere_is_an_error_of_one_line():
    with pytest.raises(HearingError, match=r"'astray' is not usable at tone_ears:NoSuchEar") as e:
        open_ear("astray")
    assert "\n" not in str(e.value)


def test_if_no_ear_opens_the_reasons_are_given(tone_ears, monkeypatch):
    monkeypatch.setattr(ears, "_BUILT_IN", {"pocketsphinx": "lacking_ear:Ear"})
    monkeypatch.setattr(tone_ears, "ToneEar", None)
    with pytest.raises(HearingError, match=r"no ear can be opened: .*a_package_that_nobody_has"):
        open_ear()


def test_naming_the_ears_imports_none_of_them():
    program = (
        "import sys; from qwen_audio_agent.speech.ears import ear_names; ear_names(); "
        "sys.exit('pocketsphinx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
