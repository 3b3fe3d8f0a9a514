from pathlib import Path

import pytest


@pytest.fixture
def tone_ears(monkeypatch):
    """The plugin of `plugin/`, installed for one test; gives its module."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "plugin"))
    import tone_ears

    return tone_ears
