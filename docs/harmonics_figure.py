"""Draws the picture of the glossary: l = 1, 2, 4 around a bond. ``python docs/harmonics_figure.py`` writes it again.

One file serves light and dark pages: the background is transparent, and the colours have contrast on both.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("svg")

import numpy as np
from matplotlib.figure import Figure

from spectral_ceilings.numerics import real_harmonics

POSITIVE, NEGATIVE, INK = "#2f8fd0", "#e07b24", "#7b8794"
PATH = Path(__file__).parent / "figures" / "harmonics_around_a_bond.svg"


def lobes(l: int, angles: np.ndarray) -> np.ndarray:
    """Return the harmonic Y_l0 that is symmetric about the bond, 1 along it, at angles from the bond."""
    # The polar axis of real harmonics is y: the column m = 0 is P_l(cos angle) times its value at the pole.
    directions = np.stack([np.sin(angles), np.cos(angles), np.zeros_like(angles)], axis=1)
    return real_harmonics(l, directions)[:, l * l + l] / np.sqrt(2 * l + 1)


def draw() -> Figure:
    """Return the picture: a bond upwards, and the size and sign of the harmonic in every direction."""
    figure = Figure(figsize=(7.2, 2.9))
    angles = np.linspace(0.0, 2.0 * np.pi, 181)
    for place, (l, words) in enumerate(
        ((1, "which side"), (2, "along or across"), (4, "four nodes from pole to pole"))
    ):
        axes = figure.add_axes((place / 3, 0.0, 1 / 3, 0.86))
        values = lobes(l, angles)
        for sign, colour in ((1, POSITIVE), (-1, NEGATIVE)):
            size = np.where(sign * values > 0, np.abs(values), 0.0)
            axes.fill(size * np.sin(angles), size * np.cos(angles), color=colour, alpha=0.75, linewidth=0)
        axes.plot([0, 0], [0, 1.28], color=INK, linewidth=2.5, zorder=0)
        axes.plot([0, 0], [0, 1.28], linestyle="none", marker="o", markersize=8, color=INK)
        axes.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.5), aspect="equal")
        axes.set_axis_off()
        axes.set_title(f"l = {l}: {words}", color=INK, fontsize=10)
    return figure


if __name__ == "__main__":
    with matplotlib.rc_context({"svg.hashsalt": "spectral-ceilings", "svg.fonttype": "path"}):
        draw().savefig(PATH, transparent=True, metadata={"Date": None, "Creator": None, "Format": None})
