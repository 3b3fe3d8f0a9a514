import subprocess
import sys

import pytest

from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech import ears
from qwen_audio_agent.speech.ears import ear_names, open_ear, weights_variable
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


@pytest.mark.parametrize("name", ["whisper", "qwen3-asr"])
def test_an_ear_without_weights_says_what_it_needs(name, monkeypatch):
    monkeypatch.delenv(weights_variable(name), raising=False)
    with pytest.raises(HearingError) as told:
        open_ear(name)
    for part in (f"{name}:", weights_variable(name), "pip install 'qwen-audio-agent[qwen]'"):
        assert part in str(told.value)
    assert "\n" not in str(told.value)


def test_an_ear_that_takes_nothing_refuses_what_it_is_given():
    with pytest.raises(HearingError, match="'pocketsphinx' takes nothing after its name, not 'x'"):
        open_ear("pocketsphinx:x")


def test_the_name_of_a_variable_is_that_of_the_ear():
    assert weights_variable("qwen3-asr") == "QWEN_AUDIO_AGENT_QWEN3_ASR"


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.ears import open_ear
assert open_ear().name == "pocketsphinx"
assert "transformers" not in sys.modules
for name in ("whisper", "qwen3-asr"):
    try:
        open_ear(f"{name}:weights")
    except HearingError as error:
        print(error)
"""


def test_without_torch_the_other_ears_open_and_a_network_names_the_extra(monkeypatch):
    for name in ("whisper", "qwen3-asr"):
        monkeypatch.delenv(weights_variable(name), raising=False)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        f"the ear '{name}' needs the module 'torch'; "
        "install it with: pip install 'qwen-audio-agent[qwen]'"
        for name in ("whisper", "qwen3-asr")
    ]


def test_naming_the_ears_imports_none_of_them():
    program = (
        "import sys; from qwen_audio_agent.speech.ears import ear_names; ear_names(); "
        "sys.exit('pocketsphinx' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
