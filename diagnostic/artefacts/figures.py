"""The figures of the artefacts: walls, phonons, energies, radial distributions, each of model and reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..pages.axes import Layout
from ..pages.figure_files import Drawing, write_drawings
from ..pages.figure_style import Palette

Result = Mapping[str, Any]
#: Energies (eV) up to which walls are drawn.
_HIGHEST = 12.0


def repulsion_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw the walls against the distance: solid the model, dashed the reference; a line where the data end."""
    colours = (palette.degree_1, palette.degree_2, palette.degree_3, palette.degree_4)
    data = result["data"]
    scans = [scan for scan in result["artefacts"]["repulsion"]["scans"] if scan["unit"] == "Å" and scan["x"]]
    for scan, colour in zip(scans, colours * 3, strict=False):
        x = np.array(scan["x"])
        keep = np.array(scan["reference"]) < _HIGHEST
        axes.plot(x[keep], np.array(scan["reference"])[keep], color=colour, lw=1.2, ls="--")
        axes.plot(x[keep], np.array(scan["model"])[keep], color=colour, lw=1.6, label=scan["name"])
    for distance in (data or {}).get("shortest", {}).values():
        axes.axvline(distance, color=palette.muted, lw=0.8, ls=":")
    axes.set_ylim(-1.0, _HIGHEST)
    axes.set_xlabel("distance, Å")
    axes.set_ylabel("energy, eV")
    axes.legend(frameon=False, fontsize=8)


def phonons_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw every frequency of the model against that of the reference."""
    row = result["artefacts"]["phonons"]
    x, y = (np.array(row[name]).ravel() for name in ("reference", "model"))
    top = 1.05 * max(x.max(), y.max())
    axes.plot([0, top], [0, top], color=palette.muted, lw=0.8)
    axes.plot(x, y, "o", ms=3.5, color=palette.degree_1)
    axes.set_xlabel("reference, THz")
    axes.set_ylabel("model, THz")


def drift_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw the total energy of both runs against time."""
    row = result["artefacts"]["drift"]
    for name, colour, width in (("reference", palette.muted, 1.2), ("model", palette.degree_1, 1.2)):
        axes.plot(
            np.array(row[name]["times"]) / 1e3, row[name]["energies"], color=colour, lw=width, label=name
        )
    axes.set_xlabel("time, ps")
    axes.set_ylabel("energy, meV/atom")
    axes.legend(frameon=False, fontsize=8)


def liquid_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw g(r) of both runs."""
    row = result["artefacts"]["liquid"]
    for name, colour in (("reference", palette.muted), ("model", palette.degree_1)):
        axes.plot(row[name]["r"], row[name]["g"], color=colour, lw=1.5, label=name)
    axes.set_xlabel("distance, Å")
    axes.set_ylabel("g(r)")
    axes.legend(frameon=False, fontsize=8)


#: The panel of each artefact.
PANELS: Mapping[str, Callable[..., None]] = {
    "repulsion": repulsion_panel,
    "phonons": phonons_panel,
    "drift": drift_panel,
    "liquid": liquid_panel,
}


def _draw(name: str, result: Result, palette: Palette, layout: Layout) -> Figure:
    figure = Figure(figsize=(5.2, 3.2) if layout == "wide" else (3.6, 2.9), layout="constrained")
    FigureCanvasAgg(figure)
    PANELS[name](figure.add_subplot(), result, palette)
    return figure


def drawable(result: Result, name: str) -> bool:
    """Whether a result holds the curves of an artefact."""
    needed = {"repulsion": "scans", "phonons": "model", "drift": "model", "liquid": "model"}[name]
    return needed in result["artefacts"].get(name, {})


def artefact_drawings(result: Result) -> list[Drawing]:
    """Return the figures of what was measured."""
    return [Drawing(name, partial(_draw, name, result)) for name in PANELS if drawable(result, name)]


def write_artefact_figures(result: Result, directory: Path) -> list[Path]:
    """Write the figures into ``<directory>/figures``: PNG in light, dark and narrow form, and SVG."""
    return write_drawings(artefact_drawings(result), directory)
