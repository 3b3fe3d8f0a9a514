"""The log-mel spectrogram, whatever torch's defaults are."""

from __future__ import annotations

import pytest
import torch

from tests.model.tiny import noise


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_it_is_float32_on_the_cpu(dtype: torch.dtype) -> None:
    wanted = noise(1.0).mel()
    torch.set_default_dtype(dtype)
    try:
        with torch.device("meta"):
            found = noise(1.0).mel()
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, wanted)
