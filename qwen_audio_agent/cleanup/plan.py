"""The plan of a clean-up: every change as data, for a person or a model to look at and to alter.

A plan says what would go, why, and how sure that is, before anything is done. It is JSON; what
`apply` does is decided by it alone, so a cut that is switched off, or a time that is moved, in a
text editor or on the page of the report, is what happens.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from qwen_audio_agent.audio.formats import shown
from qwen_audio_agent.audio.samples import Span
from qwen_audio_agent.cleanup.recipe import Policy, Recipe
from qwen_audio_agent.errors import UsageError

FORMAT: Final = "qwen-audio-agent clean-up plan, version 1"

Kind = Literal["filler", "phrase", "repeat", "false start", "pause", "end", "breath", "mouth"]
"""What was found: `phrase` is a filler that the recipe names, `end` dead air at head or tail."""

CUTTING: Final = ("cut", "shorten")
_MAX_BYTES: Final = 64 << 20
_MAX_PROPOSALS: Final = 100_000
_MAX_TRACKS: Final = 32
_MAX_NUMBER: Final = 2.0**53  # JSON has integers that no float can hold
_ID: Final = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change that is proposed.

    Attributes:
        id: short name, alone in its plan.
        kind: what was found.
        action: what is done to it; `shorten` is a cut of a part.
        start: seconds of the source at which it begins; of a pause, only what goes.
        end: seconds at which it ends.
        words: what is said there, as far as it was heard.
        confidence: that it is what `kind` says, 0 to 1.
        reason: on what evidence.
        on: whether it is done.
        concern: why somebody should look at it first; empty if nobody need.
        gain_db: how much quieter it becomes, if that is the action.
        track: of several microphones, the number of the one that alone is changed, from 1; 0 for
            all. What goes, goes from all.
    """

    id: str
    kind: Kind
    action: Policy
    start: float
    end: float
    words: str = ""
    confidence: float = 1.0
    reason: str = ""
    on: bool = True
    concern: str = ""
    gain_db: float = 0.0
    track: int = 0

    @property
    def duration(self) -> float:
        """Seconds of the source that it lies on."""
        return self.end - self.start

    @property
    def removes(self) -> bool:
        """Whether time goes with it."""
        return self.action in CUTTING

    def span(self, sample_rate: int) -> Span:
        """Its frames at a rate in Hz."""
        return Span.from_seconds(self.start, self.end, sample_rate)


@dataclass(frozen=True, slots=True)
class Episode:
    """The recording that a plan is for, and what was measured in it.

    Attributes:
        name: of the file.
        sha256: of its content.
        sample_rate: in Hz.
        num_channels: of the file.
        num_frames: of the file.
        loudness_lufs: of the whole, by ITU-R BS.1770; None for silence.
        noise_floor_dbfs: where nobody speaks; None for digital silence.
        hum_hz: frequency of the mains that hums in it; None for none.
        hum_harmonics: number of the highest tone of that hum.
        num_clipped: stretches in which the sound was cut off at full scale.
        is_spoken: whether a word was heard in it; a room alone is not made as loud as a voice.
    """

    name: str
    sha256: str
    sample_rate: int
    num_channels: int
    num_frames: int
    loudness_lufs: float | None = None
    noise_floor_dbfs: float | None = None
    hum_hz: float | None = None
    hum_harmonics: int = 0
    num_clipped: int = 0
    is_spoken: bool = True

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.num_frames / self.sample_rate


@dataclass(frozen=True, slots=True)
class Plan:
    """What a clean-up would do.

    Attributes:
        episode: the recording.
        recipe: by which the changes were proposed, and the sound is made.
        proposals: in order of time; they may overlap.
        ear: who heard the words.
        program: which version of this package made it.
        others: the further microphones of the same conversation, if there are several.
        proposed: stands for what was proposed at first, however the plan is altered then; by
            default that is what it holds.
    """

    episode: Episode
    recipe: Recipe
    proposals: tuple[Proposal, ...] = ()
    ear: str = ""
    program: str = field(default="", compare=False)
    others: tuple[Episode, ...] = ()
    proposed: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.proposed:
            object.__setattr__(self, "proposed", self._digest())

    @property
    def is_edited(self) -> bool:
        """Whether it is not as it was proposed: something was switched, moved or set otherwise."""
        return self._digest() != self.proposed

    def is_like(self, other: Plan) -> bool:
        """Whether both do the same, however much of an episode may go."""
        return self.allowing(1) == other.allowing(1)

    def allowing(self, max_share: float) -> Plan:
        """The same plan, by which so much of the episode may go, 0 to 1."""
        return replace(self, recipe=self.recipe.allowing(max_share))

    def _digest(self) -> str:
        """Of what a person may alter, apart from how much may go."""
        # A key that a later version adds, and leaves at its default, alters nothing.
        recipe = self.recipe.allowing(1).model_dump(mode="json", exclude_defaults=True)
        data = json.dumps([recipe, [asdict(proposal) for proposal in self.proposals]])
        return hashlib.sha256(data.encode()).hexdigest()

    @property
    def tracks(self) -> tuple[Episode, ...]:
        """The recordings that are cut alike, one but for several microphones."""
        return (self.episode, *self.others)

    @property
    def active(self) -> Iterator[Proposal]:
        """The proposals that are switched on and do something."""
        return (p for p in self.proposals if p.on and p.action != "keep")

    @property
    def removed(self) -> float:
        """Seconds that go; where cuts overlap they count once."""
        total, reached = 0.0, 0.0
        for proposal in sorted((p for p in self.active if p.removes), key=lambda p: p.start):
            total += max(0.0, proposal.end - max(proposal.start, reached))
            reached = max(reached, proposal.end)
        return total

    def switched(self, **switches: bool) -> Plan:
        """The same plan with proposals switched on or off, by id.

        Raises:
            UsageError: there is no such proposal.
        """
        unknown = sorted(switches.keys() - {p.id for p in self.proposals})
        if unknown:
            raise UsageError(f"the plan has no proposal {unknown[0][:40]!r}")
        changed = (replace(p, on=switches.get(p.id, p.on)) for p in self.proposals)
        return replace(self, proposals=tuple(changed))

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` takes it back."""
        return {
            "format": FORMAT,
            "program": self.program,
            "ear": self.ear,
            "proposed": self.proposed,
            "episode": asdict(self.episode),
            "others": [asdict(other) for other in self.others],
            "recipe": self.recipe.to_json(),
            "proposals": [asdict(proposal) for proposal in self.proposals],
        }

    def to_text(self) -> str:
        """The JSON of a plan as it stands in a file: a proposal a line."""
        data = self.to_json()
        lines = ",\n  ".join(json.dumps(p, ensure_ascii=False) for p in data.pop("proposals"))
        head = json.dumps(data, ensure_ascii=False, indent=1)
        return f'{head[:-2]},\n "proposals": [\n  {lines}\n ]\n}}\n'

    @classmethod
    def from_json(cls, data: object) -> Plan:
        """Read outside data.

        Raises:
            UsageError: says what is wrong, and where.
        """
        fields = _object(data, "a plan")
        if fields.get("format") != FORMAT:
            raise UsageError(f'a plan has "format": "{FORMAT}", not {fields.get("format")!r:.60}')
        items = fields.get("proposals", [])
        if not isinstance(items, list) or len(items) > _MAX_PROPOSALS:
            raise UsageError(f"proposals is a list of at most {_MAX_PROPOSALS:,}")
        episode = _episode(fields.get("episode"))
        others = fields.get("others", [])
        if not isinstance(others, list) or len(others) >= _MAX_TRACKS:
            raise UsageError(f"others is a list of fewer than {_MAX_TRACKS} episodes")
        tracks = (episode, *map(_episode, others))
        longest = max(track.duration for track in tracks)
        found = tuple(_proposal(item, i, longest) for i, item in enumerate(items, 1))
        if any(p.track > len(tracks) or (p.track and p.removes) for p in found):
            raise UsageError("a track is one of the plan, and what goes, goes from all: track 0")
        if len({proposal.id for proposal in found}) < len(found):
            raise UsageError("two proposals have the same id: give each its own")
        recipe = Recipe.from_data(fields.get("recipe", {}), "the recipe of the plan")
        # What says nothing of how it was proposed counts as edited.
        texts = {"ear": "", "program": "", "proposed": "unknown"}
        about = {name: str(fields.get(name) or text)[:200] for name, text in texts.items()}
        ordered = sorted(found, key=lambda p: (p.start, p.end))
        return cls(episode, recipe, tuple(ordered), others=tracks[1:], **about)


def read_plan(path: Path) -> Plan:
    """Read a plan from a file; paths of music are from the folder that it lies in.

    What it names is not to be trusted: see `guards.check_music`.

    Raises:
        UsageError: it cannot be read, or is no plan; says what is wrong, and where.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise UsageError(f"{shown(path)} is too large for a plan")
        plan = Plan.from_json(json.loads(text))
        return replace(plan, recipe=plan.recipe.with_music_beside(path.parent))
    except OSError as error:
        raise UsageError(f"{shown(path)} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{shown(path)} is no JSON: {error}") from None
    except UsageError as error:
        raise UsageError(f"{shown(path)}: {error}") from None


def _object(data: object, what: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise UsageError(f"{what} is an object with named fields, not {data!r:.40}")
    return data


def _checked(fields: dict[str, Any], kind: type[Episode | Proposal], what: str) -> dict[str, Any]:
    """The fields of a dataclass, each of its type."""
    types: dict[str, str] = {f.name: str(f.type) for f in dataclasses.fields(kind)}
    unknown = sorted(map(str, fields.keys() - types.keys()))
    if unknown:
        raise UsageError(f"{what} has no field {unknown[0][:40]!r}; it has {', '.join(types)}")
    for name, value in fields.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_number = is_number and abs(value) <= _MAX_NUMBER
        fits = {
            "bool": isinstance(value, bool),
            "int": is_number and isinstance(value, int) and value >= 0,
            "float": is_number,
            "float | None": value is None or is_number,
        }.get(types[name], isinstance(value, str))
        if not fits:
            raise UsageError(f"{name} of {what} cannot be {value!r:.40}")
    return fields


def _episode(data: object) -> Episode:
    fields = _checked(_object(data, "an episode"), Episode, "the episode")
    try:
        episode = Episode(**fields)
    except TypeError:
        raise UsageError(
            "the episode of a plan needs name, sha256, sample_rate, num_channels and num_frames"
        ) from None
    if min(episode.sample_rate, episode.num_channels, episode.num_frames) < 1:
        raise UsageError("the episode of a plan has a rate, channels and frames of at least 1")
    return episode


def _proposal(data: object, number: int, duration: float) -> Proposal:
    what = f"proposal {number}"
    fields = _checked(_object(data, what), Proposal, what)
    for name, choices in (("kind", get_args(Kind)), ("action", get_args(Policy))):
        if fields.get(name) not in choices:
            given = repr(fields.get(name))[:40]
            raise UsageError(f"{name} of {what} is {given}: give {', '.join(choices)}")
    try:
        proposal = Proposal(**fields)
    except TypeError:
        raise UsageError(f"{what} needs id, kind, action, start and end") from None
    if not _ID.fullmatch(proposal.id):
        raise UsageError(f"the id of {what} is up to 40 of a-z, 0-9 and -, not {proposal.id!r:.40}")
    if not 0 <= proposal.start < proposal.end <= duration + 1e-6:
        raise UsageError(
            f"{what} ({proposal.id}) goes from {proposal.start:g} to {proposal.end:g} s: "
            f"give start < end, within 0 to {duration:.2f}"
        )
    if not (0 <= proposal.confidence <= 1 and -60 <= proposal.gain_db <= 0):
        raise UsageError(
            f"{what} ({proposal.id}) has a confidence of 0 to 1, a gain_db of -60 to 0"
        )
    return proposal
