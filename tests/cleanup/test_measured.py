"""What a report shows is measured on the way, and is what another reading would say."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import content_hash, probe
from qwen_audio_agent.cleanup.episode import apply_plan, plan_heard, plan_tracks
from qwen_audio_agent.cleanup.measured import ReportMeter, measure
from qwen_audio_agent.cleanup.plan import Plan, Proposal
from qwen_audio_agent.cleanup.recipe import Recipe
from qwen_audio_agent.cleanup.report import make_report
from qwen_audio_agent.editing import coded_peaks
from qwen_audio_agent.editing.edit_list import EditList
from qwen_audio_agent.editing.render import render
from qwen_audio_agent.editing.sources import Sources
from qwen_audio_agent.speech.hearing import Listener
from qwen_audio_agent.speech.words import Transcript
from tests.cleanup.episodes import KnowingEar
from tests.cleanup.reports import episode_of, noise_file, transcript_of

NEEDS_AV = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="needs PyAV")
LOUD = Recipe.from_data({"loudness": {"target": -16, "true_peak": -1}})
AS_IT_IS = Recipe.from_data({"loudness": {"target": "keep"}})
CUT = Proposal("a", "filler", "cut", 2.0, 2.5, "um", 0.9, "held")


def applied(folder, name, recipe, source=None):
    file = source or noise_file(folder)
    plan = Plan(episode_of(file), recipe, (CUT,))
    return apply_plan(plan, file, folder / name, measures=True)


@pytest.mark.parametrize("recipe", [LOUD, AS_IT_IS], ids=["loud", "as it is"])
@pytest.mark.parametrize(
    "name", ["a.wav", "a.flac", "a.mp3", "a.ogg", pytest.param("a.m4a", marks=NEEDS_AV)]
)
def test_a_result_is_measured_as_it_will_be_read(name, recipe, tmp_path):
    made = applied(tmp_path, name, recipe)
    path = tmp_path / name
    assert made.measured == {content_hash(path): measure(probe(path))}
    assert made.measured[content_hash(path)].duration == pytest.approx(19.5, abs=0.06)


def test_numbers_that_a_file_does_not_keep_are_read_back(tmp_path):
    quiet = 0.001 * np.random.default_rng(1).standard_normal(20 * 16_000)
    soundfile.write(tmp_path / "in.wav", quiet, 16_000, subtype="ULAW")
    made = applied(tmp_path, "a.wav", AS_IT_IS, probe(tmp_path / "in.wav"))
    path = tmp_path / "a.wav"
    assert made.output.subtype == "ULAW"
    assert made.measured == {content_hash(path): measure(probe(path))}


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("kept", ["FLOAT", "PCM_16"])
def test_what_a_file_rounds_is_measured_as_it_is_rounded(kept, subtype, tmp_path):
    quiet = 2e-5 * np.random.default_rng(2).standard_normal((40_000, 2))
    soundfile.write(tmp_path / "in.wav", quiet, 16_000, subtype=kept)
    sources = Sources(tmp_path / "cache")
    sources.add_file("a", probe(tmp_path / "in.wav"))
    whole, path = EditList.from_file("a", sources.files["a"]), tmp_path / "out.wav"
    meter = ReportMeter(16_000, 2, 40_000)
    render(whole, sources, path, subtype=subtype, open_meter=lambda: meter)
    assert meter.measured == measure(probe(path))


def test_a_meter_gets_no_more_at_once_than_a_reader_gives_it(tmp_path):
    noise_file(tmp_path, seconds=30.0)
    sources = Sources(tmp_path / "cache")
    sources.add_file("a", probe(tmp_path / "episode.wav"))
    lengths = []

    class Meter:
        def push(self, samples):
            lengths.append(samples.shape[1])

    whole = EditList.from_file("a", sources.files["a"])
    render(whole, sources, tmp_path / "out.wav", open_meter=Meter)
    assert sum(lengths) == whole.num_frames
    assert max(lengths) == 65_536


def test_what_was_written_again_is_measured_again(tmp_path, monkeypatch):
    monkeypatch.setitem(coded_peaks._FIRST_HEADROOM_DB, "MPEG_LAYER_III", -2.0)
    recipe = Recipe.from_data({"loudness": {"target": -10, "true_peak": -3}})
    made = applied(tmp_path, "a.mp3", recipe)
    (levels,) = made.measured.values()
    assert levels == measure(probe(tmp_path / "a.mp3"))
    assert levels.true_peak_dbtp <= -3


def test_nothing_is_measured_for_nobody(tmp_path):
    file = noise_file(tmp_path)
    assert apply_plan(Plan(episode_of(file), LOUD, (CUT,)), file, tmp_path / "a.wav").measured == {}


def test_a_plan_has_the_levels_of_its_recording(tmp_path):
    file = noise_file(tmp_path)
    planned = plan_heard(file, Recipe(), Transcript((), file.duration))
    assert planned.measured == {content_hash(file.path): measure(file)}
    assert planned.plan.episode.loudness_lufs == measure(file).loudness_lufs


def test_outlines_of_microphones_lie_over_each_other(tmp_path):
    files = [noise_file(tmp_path, "a.wav", 20.0), noise_file(tmp_path, "b.wav", 5.0)]
    planned = plan_tracks(files, AS_IT_IS, Listener(KnowingEar(()), None))
    first, second = (planned.measured[content_hash(file.path)] for file in files)
    assert len(first.columns) == len(second.columns)
    assert second == measure(files[1], 20.0)


def test_what_is_known_is_not_measured_again(tmp_path):
    file = noise_file(tmp_path)
    made = applied(tmp_path, "a.wav", LOUD, file)
    said = transcript_of(["so"], 20.0)
    plan = Plan(episode_of(file), LOUD, (CUT,))
    here = make_report(plan, said, [file], [tmp_path / "a.wav"])
    known = {content_hash(file.path): measure(file), **made.measured}
    assert make_report(plan, said, [file], [tmp_path / "a.wav"], measured=known) == here
    told = {name: replace(levels, loudness_lufs=-99.0) for name, levels in known.items()}
    (track,) = make_report(plan, said, [file], [tmp_path / "a.wav"], measured=told).tracks
    assert track.before.measured.loudness_lufs == track.after.measured.loudness_lufs == -99
    assert (track.before.coding, track.after.coding) == ("WAV PCM_16", "WAV PCM_16")
