import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qwen_audio_agent.audio.files import AudioWriter, probe, read
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.errors import AudioFileError, HearingError
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Listener

SHORT = "alpha bravo 0.5 charlie"
MINUTE = "alpha bravo charlie 1 delta echo 1 " * 20  # 94 s


@pytest.fixture
def write(tmp_path, tone_ears):
    """Write what is said in tones to a file; gives the file."""

    def write_speech(text, name="speech.wav", pause=0.1):
        samples = tone_ears.speak(text, pause)
        with AudioWriter(tmp_path / name, tone_ears.SAMPLE_RATE, 1, subtype="PCM_16") as writer:
            writer.write(samples)
        return probe(tmp_path / name)

    return write_speech


@pytest.fixture
def ear(tone_ears):
    return tone_ears.ToneEar()


def said(text):
    return " ".join(item for item in text.split() if item.isalpha())


def test_a_short_recording_is_heard_as_one(write, ear):
    heard = Listener(ear, None).transcribe(write(SHORT))
    assert heard.text == said(SHORT)
    assert heard.ear == "tone"
    assert heard.words[2].start == pytest.approx(1.5, abs=0.02)
    assert ear.num_calls == 1


def test_a_long_recording_is_heard_whole_with_the_right_times(write, ear):
    file = write(MINUTE)
    heard = Listener(ear, None, num_workers=1).transcribe(file)
    assert ear.num_calls >= 4
    assert heard.text == said(MINUTE)
    assert heard.duration == file.duration
    for i, word in enumerate(heard.words):
        block, place = divmod(i, 5)
        expected = block * 4.5 + place * 0.5 + (1.0 if place > 2 else 0.0)
        assert (word.start, word.end) == pytest.approx((expected, expected + 0.4), abs=0.02)


def test_no_more_of_a_long_recording_is_heard_than_is_asked_for(write, ear):
    file = write(MINUTE)
    listener = Listener(ear, None, num_workers=1)
    assert listener.remembered(file).words == ()
    parts = [Span.from_seconds(at, at + 1, file.sample_rate) for at in (1, 85)]
    heard = listener.transcribe(file, *parts)
    assert ear.num_calls == 2
    assert heard.duration == file.duration
    assert listener.remembered(file) == heard
    whole = listener.transcribe(file)
    assert [word for word in whole.words if word in heard.words] == list(heard.words)
    assert 0 < len(heard.words) < len(whole.words)
    assert listener.remembered(file) == whole


def test_speech_without_any_pause_is_heard_whole(write, ear):
    text = "alpha bravo charlie delta echo " * 20
    heard = Listener(ear, None).transcribe(write(text, pause=0.05))
    assert ear.num_calls == 2
    assert heard.text == said(text)


def test_worker_processes_hear_what_this_process_hears(write, ear):
    file = write(MINUTE)
    alone = Listener(ear, None, num_workers=1).transcribe(file)
    num_calls = ear.num_calls
    assert Listener(ear, None, num_workers=2).transcribe(file) == alone
    assert ear.num_calls == num_calls


def test_an_ear_with_settings_of_its_own_listens_in_this_process(write, tone_ears):
    ear = tone_ears.ToneEar(version="1;mine")
    assert Listener(ear, None, num_workers=2).transcribe(write(MINUTE)).text == said(MINUTE)
    assert ear.num_calls >= 4


def test_a_second_question_costs_nothing_even_in_another_process(write, ear, tmp_path):
    file = write(MINUTE)
    first = Listener(ear, tmp_path / "cache", num_workers=1)
    heard, found = first.transcribe(file), first.find(file, "delta echo")
    num_calls = ear.num_calls
    again = Listener(ear, tmp_path / "cache", num_workers=1)
    assert again.transcribe(file) == heard
    assert again.find(file, "Delta, echo!") == found
    assert ear.num_calls == num_calls


def test_the_content_counts_and_not_the_name(write, ear, tmp_path):
    listener = Listener(ear, tmp_path / "cache")
    file = write(SHORT)
    listener.transcribe(file)
    shutil.copy(file.path, tmp_path / "copy.wav")
    assert listener.transcribe(probe(tmp_path / "copy.wav")).text == said(SHORT)
    assert ear.num_calls == 1
    assert listener.transcribe(write("echo alpha 0.5 delta")).text == "echo alpha delta"


def test_another_version_of_the_ear_listens_anew(write, tone_ears, tmp_path):
    file = write(SHORT)
    Listener(tone_ears.ToneEar(), tmp_path).transcribe(file)
    newer = tone_ears.ToneEar(version="2")
    Listener(newer, tmp_path).transcribe(file)
    assert newer.num_calls == 1


@pytest.mark.parametrize("damage", ["", "{", '{"words": 3}', "[1]", '"x"'])
def test_a_damaged_entry_is_heard_again(write, ear, tmp_path, damage):
    file = write(SHORT)
    heard = Listener(ear, tmp_path / "cache").transcribe(file)
    for path in (tmp_path / "cache").rglob("*.json"):
        path.write_text(damage)
    assert Listener(ear, tmp_path / "cache").transcribe(file) == heard
    assert ear.num_calls == 2


def test_what_was_heard_before_a_failure_is_not_heard_again(write, ear, tmp_path):
    file = write(MINUTE + "impossible 1 " + MINUTE)
    listener = Listener(ear, tmp_path / "cache", num_workers=1)
    with pytest.raises(HearingError, match="impossible to hear"):
        listener.transcribe(file)
    first = ear.num_calls
    with pytest.raises(HearingError, match="impossible to hear"):
        Listener(ear, tmp_path / "cache", num_workers=1).transcribe(file)
    assert ear.num_calls == first + 1 > 4


def test_progress_rises_from_nothing_to_everything(write, ear):
    file = write(MINUTE)
    shown = []
    listener = Listener(ear, None, shown.append, num_workers=1)
    listener.transcribe(file)
    assert shown[0] == 0
    assert shown[-1] == 1
    assert shown == sorted(shown)
    assert len(shown) >= 5
    shown.clear()
    listener.transcribe(file)
    assert shown == []
    listener.find(file, "echo")
    assert shown == sorted(shown)
    assert shown[-1] == 1


def test_a_phrase_is_found_everywhere_once_and_best_first(write, ear):
    file = write(MINUTE)
    found = Listener(ear, None, num_workers=2).find(file, "charlie delta")
    assert not any(match.doubtful for match in found)
    assert [match.start for match in found] == pytest.approx(
        [block * 4.5 + 1.0 for block in range(20)], abs=0.02
    )


def test_a_phrase_across_the_border_of_two_stretches_is_found(write, ear):
    text = "alpha " * 20 + "0.3 bravo 3 charlie 0.3 " + "alpha " * 40
    listener = Listener(ear, None, num_workers=1)
    (found,) = (
        match for match in listener.find(write(text), "bravo charlie") if not match.doubtful
    )
    assert (found.start, found.end) == pytest.approx((10.3, 14.2), abs=0.02)


def test_what_is_not_there_is_not_found(write, ear):
    listener = Listener(ear, None)
    assert listener.find(write(SHORT), "zulu yankee") == ()
    assert listener.find(write(SHORT), "?!") == ()


def test_a_sound_in_memory_is_heard_and_remembered(write, ear, tmp_path):
    audio = read(write(SHORT))
    listener = Listener(ear, tmp_path / "cache")
    assert listener.listen(audio).text == said(SHORT)
    assert listener.listen(Audio(audio.samples.copy(), audio.sample_rate)).text == said(SHORT)
    assert [match.text for match in listener.find_in(audio, "bravo")] == ["bravo"]
    assert ear.num_calls == 2
    assert not (tmp_path / "cache").exists()
    assert listener.listen(audio.slice(Span(0, 4000))).text == "alpha"


def test_a_long_sound_in_memory_is_heard_in_stretches(write, ear):
    assert Listener(ear, None, num_workers=2).listen(read(write(MINUTE))).text == said(MINUTE)
    assert ear.num_calls >= 4


def test_no_sound_at_all_is_no_words(ear):
    import numpy as np

    nothing = Audio(np.zeros((2, 0), np.float32), 8000)
    heard = Listener(ear, None).listen(nothing)
    assert (heard.words, heard.duration) == ((), 0.0)


def test_words_are_aligned_once(write, ear):
    audio = read(write(SHORT))
    listener = Listener(ear, None)
    words = listener.align(audio, ["alpha", "bravo", "charlie"])
    assert listener.align(audio, ["alpha", "bravo", "charlie"]) == words
    assert [word.text for word in words] == ["alpha", "bravo", "charlie"]
    assert ear.num_calls == 1
    with pytest.raises(HearingError, match="not said here"):
        listener.align(audio, ["alpha"])


def test_a_recording_can_be_asked_what_is_said(write, ear):
    file = write(SHORT)
    recording = Listener(ear, None).recording(file)
    assert recording.duration == file.duration
    assert recording.transcript().text == said(SHORT)
    assert recording.find("charlie")[0].text == "charlie"


def test_a_recording_that_is_gone_is_an_error_of_the_file(write, ear):
    file = write(SHORT)
    file.path.unlink()
    with pytest.raises(AudioFileError):
        Listener(ear, None).transcribe(file)


def test_no_workers_at_all_is_a_wrong_call(ear):
    with pytest.raises(ValueError, match="at least 1 worker"):
        Listener(ear, None, num_workers=0)


@pytest.mark.parametrize(("word", "message"), [("impossible", "impossible"), ("deadly", "code 7")])
def test_a_worker_that_fails_or_dies_is_one_error_and_leaves_nobody_behind(
    write, ear, word, message
):
    file = write(f"{MINUTE} {word} 1 {MINUTE}")
    before = children()
    with pytest.raises(HearingError, match=message) as raised:
        Listener(ear, None, num_workers=2).transcribe(file)
    assert "\n" not in str(raised.value)
    assert children() <= before


def children():
    """The processes that were started here and are not buried yet; other tests may have some."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {number for task in tasks for number in task.read_text().split()}


PROGRAM = """
import sys
from pathlib import Path
from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.speech.ears import open_ear
from qwen_audio_agent.speech.hearing import Listener

def show(done):
    print(done, flush=True)

listener = Listener(open_ear("tone"), Path(sys.argv[2]), show, num_workers=2)
listener.transcribe(probe(Path(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups of this kind")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_at_any_moment_no_process_stays_and_the_rest_is_heard_later(
    write, ear, tmp_path, how
):
    file = write("slowly bravo charlie 1 delta echo 1 " * 30)
    cache = tmp_path / "cache"
    path = os.pathsep.join([str(Path(__file__).parent / "plugin"), *filter(None, sys.path)])
    (tmp_path / "program.py").write_text(PROGRAM)  # without a guard for being run again
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py"), str(file.path), str(cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )
    with process:
        while float(process.stdout.readline()) == 0.0:
            pass
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
        else:
            process.kill()
        _, errors = process.communicate()
    assert process.returncode == -how
    assert errors.count("Traceback") == (how == signal.SIGINT)
    while _alive(process.pid):
        time.sleep(0.05)
    kept = [json.loads(entry.read_text()) for entry in cache.rglob("*.json")]
    assert sum("words" in entry for entry in kept) >= 1
    again = Listener(ear, cache, num_workers=1)
    assert len(again.transcribe(file).words) == 150
    assert 0 < ear.num_calls < len(again._stretches(again._of_file(file)))


def _alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_person_is_heard_and_found_with_the_ear_at_hand(speech_data, tmp_path):
    file = probe(speech_data / "quilter.flac")
    recording = Listener(open_ear(), tmp_path).recording(file)
    heard = recording.transcript()
    assert "middle classes" in heard.text
    (found,) = recording.find("Middle Classes!")
    assert (found.start, found.end) == pytest.approx((2.33, 3.26), abs=0.03)
    again = Listener(open_ear(), tmp_path).recording(file)
    assert again.transcript() == heard
