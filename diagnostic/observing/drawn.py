"""What the figures of observables share: colours and marks of cures and models, names as they are printed, arrays of a result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pages.figure_style import Palette

Result = Mapping[str, Any]
Array = NDArray[np.float64]
MARKERS, LINES = "os^Dvp", ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_SUBSCRIPT = str.maketrans("0123456789l", "₀₁₂₃₄₅₆₇₈₉ₗ")


def colours(result: Result, palette: Palette) -> dict[str, str]:
    """Return a colour for every cure of a result, the bare model in the ink of the page."""
    rest = [cure for cure in cures_of(result) if cure != "none"]
    return {"none": palette.ink, **{cure: _cycle(palette)[k % 5] for k, cure in enumerate(rest)}}


def colours_of_rows(rows: Sequence[Mapping[str, Any]], result: Result, palette: Palette) -> dict[str, str]:
    """Return a colour for every row of a table of cures: of its cure, or of its model where several are compared."""
    models = list(dict.fromkeys(str(row["model"]) for row in rows if "model" in row))
    if models:
        of_model = {name: (palette.ink, *_cycle(palette))[k % 6] for k, name in enumerate(models)}
        return {str(row["cure"]): of_model[str(row["model"])] for row in rows}
    by_cure = colours(result, palette)
    return {str(row["cure"]): by_cure[str(row["cure"])] for row in rows}


def table_of(result: Result) -> Mapping[str, Any]:
    """Return the table of cures: of all models where several are compared."""
    return result.get("comparison_of_models") or result.get("cures") or {"rows": []}


def cures_of(result: Result) -> list[str]:
    """Return the cures that were run, in their order."""
    return list(dict.fromkeys(str(run["cure"]) for run in result["runs"]))


def printed(text: object) -> str:
    """Return a text with ``<P_2>`` as it is printed, ⟨P₂⟩."""
    return re.sub(r"<P_(\d+|l)>", lambda read: f"⟨P{read[1].translate(_SUBSCRIPT)}⟩", str(text))


def in_figures(text: object) -> str:
    """Return a text as figures have it: as it is printed, and ``L_x`` with its index below."""
    return re.sub(r"\b([A-Z])_([xyz])\b", r"$\1_\2$", printed(text))


def as_array(values: Sequence[float | None]) -> Array:
    """Return numbers with NaN where there is none."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _cycle(palette: Palette) -> tuple[str, ...]:
    return (palette.degree_1, palette.degree_2, palette.degree_3, palette.degree_4, palette.muted)
