"""What goes of a pause in which something is cut anyway, and what is left of it."""

from __future__ import annotations

import pytest

from qwen_audio_agent.cleanup.holes import Hole


@pytest.mark.parametrize(
    ("gone", "cut"),
    [
        ((), [(0.25, 1.75)]),
        (((1.6, 2.0),), [(0.25, 1.35)]),  # a filler at the end: quiet is kept before it
        (((0.0, 0.4),), [(0.65, 1.75)]),
        (((0.1, 0.4),), [(0.55, 1.75)]),
        (((0.8, 1.2),), [(0.25, 0.8), (1.2, 1.75)]),
        (((0.0, 0.3), (0.4, 0.7), (1.5, 2.0)), [(0.85, 1.25)]),
        (((0.0, 1.6),), []),
    ],
)
def test_as_much_quiet_stays_on_both_sides_whatever_is_cut_between(
    gone: tuple[tuple[float, float], ...], cut: list[tuple[float, float]]
) -> None:
    hole = Hole(0.0, 2.0, gone)
    found = list(hole.without_middle(0.25, 0.25))
    assert found == [pytest.approx(span) for span in cut]
    stays = hole.quiet - sum(end - start for start, end in found)
    assert stays == pytest.approx(min(0.5, hole.quiet))


def test_no_sliver_stays_beside_what_is_cut() -> None:
    assert list(Hole(0.0, 2.0, ((0.0, 0.3), (0.52, 0.9))).without_middle(0.25, 0.25)) == [
        pytest.approx((0.9, 1.75))
    ]
    assert list(Hole(0.0, 2.0, ((1.2, 1.48), (1.7, 2.0))).without_middle(0.25, 0.25)) == [
        pytest.approx((0.25, 1.2))
    ]
