import numpy as np
import pytest
import soundfile

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.cleanup.episode import apply_plan, plan_tracks
from qwen_audio_agent.cleanup.recipe import Music, load_recipe
from qwen_audio_agent.errors import UsageError
from qwen_audio_agent.speech.hearing import Listener
from tests.cleanup.episodes import KnowingEar, Made, without_sound

PLAIN = without_sound(load_recipe("podcast"))


class TwoEars(KnowingEar):
    """Knows the words of each track by how the track begins."""

    def __init__(self, tracks):
        super().__init__(())
        self._known = {self._key(probe(t.written(name))): t.words for name, t in tracks.items()}

    @staticmethod
    def _key(file):
        from qwen_audio_agent.audio.files import read

        return read(file).samples[0, :200].tobytes()

    def listen(self, audio):
        self.words = tuple(self._known[audio.samples[0, :200].tobytes()])
        return super().listen(audio)


def recorded(folder):
    """Host and guest: an um alone, an um while the other speaks, a long pause of both."""
    host, guest = Made(folder), Made(folder)
    guest.random = np.random.default_rng(9)
    host.room(0.5).speech("we went").say("um", 0.4, "filler").room(0.3).speech("home")
    guest.room(host.at)
    guest.say("um", 0.4, "filler")
    host.say("long", 0.5)
    host.room(3.0)
    guest.room(max(0.0, host.at - guest.at))
    guest.speech("and then there was light")
    host.room(guest.at - host.at)
    for track in (host, guest):
        track.room(0.5)
    return {"host.wav": host, "guest.wav": guest}


@pytest.fixture
def conversation(tmp_path):
    tracks = recorded(tmp_path)
    files = [probe(track.written(name)) for name, track in tracks.items()]
    return files, Listener(TwoEars(tracks), None, num_workers=1)


def test_all_tracks_are_cut_alike(conversation, tmp_path):
    files, listener = conversation
    plan = plan_tracks(files, PLAIN, listener).plan
    fillers = [p for p in plan.proposals if p.kind == "filler"]
    assert [(p.action, p.track) for p in fillers] == [("cut", 0), ("mute", 2)]
    assert "another speaks" in fillers[1].reason
    assert any(p.kind == "pause" and p.on for p in plan.proposals)
    lengths = set()
    for track, file in enumerate(files, 1):
        applied = apply_plan(plan, file, tmp_path / f"out{track}.wav", track=track)
        lengths.add(applied.output.num_frames)
    assert len(lengths) == 1
    assert lengths.pop() / files[0].sample_rate == pytest.approx(files[0].duration - plan.removed)


def test_what_one_says_by_mistake_while_another_speaks_is_muted_on_its_own_track(
    conversation, tmp_path
):
    files, listener = conversation
    plan = plan_tracks(files, PLAIN, listener).plan
    muted = next(p for p in plan.proposals if p.action == "mute")
    level = {}
    for track, file in enumerate(files, 1):
        applied = apply_plan(plan, file, tmp_path / f"out{track}.wav", track=track)
        sound, rate = soundfile.read(tmp_path / f"out{track}.wav")
        middle = round((muted.start + muted.end) / 2 * rate)
        (at,) = applied.time_map.to_programme(applied.source, middle) or (None,)
        if track == 2:  # the room of another place is heard there
            at = round(
                middle
                - sum(p.duration for p in plan.active if p.removes and p.end < muted.start) * rate
            )
        level[track] = 10 * np.log10(np.square(sound[at - 800 : at + 800]).mean())
    assert level[1] > -40
    assert level[2] < -60


def test_tracks_of_another_rate_are_refused(tmp_path):
    files = [Made(tmp_path, rate=r).room(1.0).file(name=f"{r}.wav") for r in (16000, 44100)]
    with pytest.raises(UsageError, match="need the same rate"):
        plan_tracks(files, PLAIN, Listener(KnowingEar(()), None))


def test_music_sounds_on_the_first_track_alone_and_all_are_as_long(conversation, tmp_path):
    files, listener = conversation
    rate = files[0].sample_rate
    time = np.arange(2 * rate) / rate
    names = {}
    for name in ("intro", "outro", "bed"):
        names[name] = str(tmp_path / f"{name}.wav")
        soundfile.write(names[name], 0.3 * np.sin(2 * np.pi * 700 * time), rate)
    recipe = PLAIN.model_copy(update={"music": Music(**names, crossfade=0.3)})
    plan = plan_tracks(files, recipe, listener).plan
    made = []
    for track, file in enumerate(files, 1):
        apply_plan(plan, file, tmp_path / f"out{track}.wav", track=track)
        made.append(soundfile.read(tmp_path / f"out{track}.wav")[0])
    assert len(made[0]) == len(made[1])
    ends = slice(round(0.2 * rate), round(1.2 * rate)), slice(-rate, -round(0.2 * rate))
    for end in ends:
        assert np.sqrt(np.square(made[0][end]).mean()) > 0.1
        assert np.abs(made[1][end]).max() == 0
