"""Figures of the theory: what is drawn is what the theory says."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from spectral_ceilings.diagnostic.calibration.theory_figures import (
    draw_multiplicity_triangle,
    draw_reach_map,
    plot_multiplicities,
    plot_reach,
)
from spectral_ceilings.theory import formal_multiplicities, minimal_pairs


def _texts(figure: Figure) -> dict[tuple[int, int], str]:
    (axes,) = figure.axes
    return {
        (round(text.get_position()[0]), round(text.get_position()[1])): text.get_text() for text in axes.texts
    }


@pytest.mark.parametrize("l_max", [1, 2, 3])
def test_the_triangle_holds_every_multiplicity(l_max: int) -> None:
    figure = draw_multiplicity_triangle(l_max, 4)
    expected = {(l, d): str(n) for d in range(1, 5) for l, n in enumerate(formal_multiplicities(d, l_max))}
    assert _texts(figure) == expected
    frames = [
        patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle) and not patch.get_fill()
    ]
    assert [(round(f.get_x() + 0.5), round(f.get_y() + 0.5)) for f in frames] == [
        (d * l_max, d) for d in range(1, 5)
    ]


def test_the_map_holds_every_ceiling_and_rings_the_minimal_pairs() -> None:
    figure = draw_reach_map(8, 6)
    assert _texts(figure) == {(d, n): str(d * n) for d in range(1, 9) for n in range(1, 7)}
    (axes,) = figure.axes
    rings = {
        (int(line.get_xdata()[0]), int(line.get_ydata()[0]))
        for line in axes.lines
        if line.get_marker() == "o"
    }
    within = {pair for fold in (3, 5, 8, 12) for pair in minimal_pairs(fold) if pair[0] <= 8 and pair[1] <= 6}
    assert rings == within
    stairs = {line.get_label(): line for line in axes.lines if line.get_marker() != "o"}
    assert set(stairs) == {"$C_{3}$", "$C_{5}$", "$C_{8}$", "$C_{12}$"}
    five = stairs["$C_{5}$"]
    for x, y in zip(five.get_xdata()[::2], five.get_ydata()[::2], strict=True):
        degree, below = round(x + 0.5), round(y - 0.5)
        assert degree * below < 5 <= degree * (below + 1)


def test_the_same_is_drawn_on_given_axes() -> None:
    for given, whole in (
        (plot_multiplicities(2, 4, Figure().subplots()), draw_multiplicity_triangle(2, 4)),
        (plot_reach(8, 6, ax=Figure().subplots()), draw_reach_map(8, 6)),
    ):
        assert _texts(given.figure) == _texts(whole)
        assert given.figure.axes == [given]
        assert len(given.patches) == len(whole.axes[0].patches)
