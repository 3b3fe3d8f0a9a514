import json
import threading
from itertools import pairwise

import numpy as np
import psutil
import pytest

from qwen_audio_agent.audio.files import probe, read
from qwen_audio_agent.audio.samples import Audio, Span
from qwen_audio_agent.errors import HearingError
from qwen_audio_agent.speech.ears.pocketsphinx import PocketSphinxEar


@pytest.fixture(scope="module")
def ear():
    return PocketSphinxEar()


@pytest.fixture(scope="module")
def quilter(golden_data):
    return read(probe(golden_data / "audio" / "1272-128104-0000.flac"))


@pytest.fixture(scope="module")
def shelley(golden_data):
    return read(probe(golden_data / "audio" / "1089_134686_000007_000004.wav"))


@pytest.fixture(scope="module")
def quilter_heard(ear, quilter):
    return ear.listen(quilter)


@pytest.fixture(scope="module")
def shelley_heard(ear, shelley):
    return ear.listen(shelley)


def test_careful_reading_is_heard_with_times_and_gaps(quilter_heard, quilter):
    assert "of the middle classes and" in quilter_heard.text
    assert quilter_heard.duration == quilter.duration
    edges = [t for word in quilter_heard.words for t in (word.start, word.end)]
    assert edges == sorted(edges)
    assert quilter_heard.gaps[0].start == 0.0
    assert quilter_heard.gaps[0].end == pytest.approx(0.53, abs=0.05)


def test_the_published_times_of_middle_classes_are_met(ear, quilter, quilter_heard):
    (match,) = ear.find(quilter, "Middle classes!", quilter_heard)
    assert match.start == pytest.approx(2.33, abs=0.03)
    assert match.end == pytest.approx(3.26, abs=0.03)
    assert not match.doubtful


def test_a_name_that_was_misheard_is_found_by_its_sounds(ear, quilter, quilter_heard):
    assert "quilter" not in quilter_heard.text
    (match,) = ear.find(quilter, "Mr. Quilter", quilter_heard)
    assert match.start == pytest.approx(0.53, abs=0.05)
    assert match.end == pytest.approx(1.29, abs=0.05)
    assert not match.doubtful


@pytest.mark.parametrize("phrase", ["unicorn", "the dinner plate", "telephone number"])
def test_what_is_not_said_is_not_found(ear, quilter, quilter_heard, phrase):
    assert all(match.doubtful for match in ear.find(quilter, phrase, quilter_heard))


def test_words_in_and_out_of_the_dictionary_are_found_at_another_rate(ear, shelley, shelley_heard):
    (wandering,) = ear.find(shelley, "companionless", shelley_heard)
    assert wandering.start == pytest.approx(6.28, abs=0.06)
    assert wandering.end == pytest.approx(7.15, abs=0.06)
    (poet,) = ear.find(shelley, "Shelley’s", shelley_heard)
    assert poet.start == pytest.approx(3.79, abs=0.06)
    assert poet.end == pytest.approx(4.33, abs=0.06)


def test_all_places_of_a_repeated_phrase_are_found(ear, shelley, shelley_heard):
    matches = [m for m in ear.find(shelley, "the words", shelley_heard) if not m.doubtful]
    assert sorted(round(match.end, 1) for match in matches) == [2.8, 3.7]


def test_known_words_are_aligned_in_order_and_none_overlaps(ear, quilter):
    said = ["mister", "quilter", "is", "the", "apostle", "of", "the", "middle", "classes", "and"]
    words = ear.align(quilter.slice(Span.from_seconds(0.0, 3.44, quilter.sample_rate)), said)
    assert [word.text for word in words] == said
    assert words[1].start == pytest.approx(0.79, abs=0.05)
    assert words[8].end == pytest.approx(3.26, abs=0.03)
    assert all(a.end <= b.start for a, b in pairwise(words))


def test_words_that_do_not_fit_into_the_sound_are_refused(ear, quilter):
    moment = quilter.slice(Span.from_seconds(1.0, 1.2, quilter.sample_rate))
    with pytest.raises(HearingError, match=r"12 words do not fit into 0\.20 s"):
        ear.align(moment, ["apostle"] * 12)
    assert ear.align(moment, []) == ()


@pytest.mark.parametrize("num_frames", [0, 1, 800, 1600, 4000])
def test_nothing_is_heard_in_little_or_no_sound(ear, num_frames):
    audio = Audio(np.zeros((2, num_frames), np.float32), 16000)
    assert ear.listen(audio).words == ()
    assert all(match.doubtful for match in ear.find(audio, "hello there"))


def test_broken_samples_are_survived(ear):
    samples = np.random.default_rng(0).normal(0, 0.1, (1, 16000)).astype(np.float32)
    samples[0, 5000:5100] = np.nan
    samples[0, 6000] = np.inf
    assert ear.listen(Audio(samples, 16000)).duration == 1.0


def test_two_threads_hear_what_one_hears(ear, quilter):
    spans = [Span.from_seconds(start, start + 1.0, 16000) for start in (2.3, 4.1)]
    moments = [quilter.slice(span) for span in spans]
    expected = [ear.listen(moment) for moment in moments]
    heard = {}
    threads = [
        threading.Thread(target=lambda i: heard.update({i: ear.listen(moments[i])}), args=(i,))
        for i in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [heard[0], heard[1]] == expected


def test_a_filler_between_pauses_is_told_from_words(ear, interview):
    audio = read(probe(interview))
    heard = ear.listen(audio.slice(Span.from_seconds(2.0, 5.3, audio.sample_rate)))
    (filler,) = [word for word in heard.words if word.kind == "filler"]
    assert filler.start == pytest.approx(3.56 - 2.0, abs=0.1)
    assert filler.end == pytest.approx(4.03 - 2.0, abs=0.1)


def test_read_speech_has_no_fillers(quilter_heard, shelley_heard):
    assert {word.kind for word in quilter_heard.words + shelley_heard.words} == {"word"}


def test_hand_labels_are_met_where_the_words_are_known(ear, speech_data):
    errors = []
    for record in _records(speech_data):
        if record["kind"] == "read" and record["labels"] == "hand":
            audio = read(probe(speech_data / record["file"]))
            truth = [(word["text"], word["start"], word["end"]) for word in record["words"]]
            words = ear.align(audio, [text for text, _, _ in truth])
            for word, (_, start, end) in zip(words, truth, strict=True):
                errors += [abs(word.start - start), abs(word.end - end)]
    assert len(errors) == 68
    assert np.mean(errors) < 0.025
    assert np.mean(np.array(errors) <= 0.05) >= 0.9


def _records(folder):
    truth = json.loads((folder / "truth.json").read_text())
    return truth if isinstance(truth, list) else truth["recordings"]


def test_it_gives_its_memory_back_and_hears_the_same_again(ear, quilter, quilter_heard):
    ear.find(quilter, "middle classes", quilter_heard)
    loaded = psutil.Process().memory_info().rss
    ear.unload()
    assert psutil.Process().memory_info().rss < loaded - 100 * 2**20
    assert ear.listen(quilter) == quilter_heard
