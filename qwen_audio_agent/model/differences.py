"""How the weights of a checkpoint differ from those that the network has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedModel

from qwen_audio_agent.model.downloads import shown
from qwen_audio_agent.model.shards import Shard, StoredTensor


@dataclass(frozen=True, slots=True)
class Misshapen:
    """A weight of another shape than the network's."""

    name: str
    stored: tuple[int, ...]
    expected: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyDifferences:
    """How the weights of a checkpoint differ from those of the network.

    Attributes:
        missing: keys that only the network has.
        surplus: keys that only the checkpoint has.
        misshapen: keys of both.
    """

    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    misshapen: tuple[Misshapen, ...] = ()

    def problems(self) -> list[str]:
        """A line for each kind that there is."""
        lines = []
        if self.missing:
            count = in_words(len(self.missing), "is missing", "are missing")
            lines.append(f"{count}, such as {shown(self.missing[0])}: is the download complete?")
        if self.surplus:
            count = in_words(len(self.surplus), "has", "have")
            lines.append(
                f"{count} no place in the network, such as {shown(self.surplus[0])}: is it the "
                "checkpoint of another model?"
            )
        if self.misshapen:
            first = self.misshapen[0]
            count = in_words(len(self.misshapen), "does", "do")
            lines.append(
                f"{count} not fit the sizes in config.json, such as {shown(first.name)}: "
                f"{list(first.stored)}, not {list(first.expected)}"
            )
        return lines


def differences(network: PreTrainedModel, shards: Sequence[Shard]) -> KeyDifferences:
    """How the weights in files differ from those of a network, which may be on the meta device."""
    stored: dict[str, StoredTensor] = {}
    for shard in shards:
        stored.update(shard.tensors)
    expected = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    ignored = network._keys_to_ignore_on_load_unexpected or ()
    return KeyDifferences(
        tuple(key for key in expected if key not in stored),
        tuple(
            key
            for key in stored
            if key not in expected and not any(re.search(pattern, key) for pattern in ignored)
        ),
        tuple(
            Misshapen(key, stored[key].shape, shape)
            for key, shape in expected.items()
            if key in stored and stored[key].shape != shape
        ),
    )


def in_words(number: int, one: str, several: str) -> str:
    """A number of weights with the verb that agrees with it."""
    return f"1 weight {one}" if number == 1 else f"{number:,} weights {several}"
