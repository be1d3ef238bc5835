"""The slower controls: shuffled targets, other seeds, other widths, other activations, for a few atoms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from ..backbones.features import Features
from ..injection.fields import InjectionName
from ..injection.orientations import LabTargets, Orientations
from ..readouts.free import channels_kept, fit_free
from ..recovery.bootstrap import Bootstrap
from ..recovery.error_sums import Cell
from .measurement import Measurement
from .network_run import Networks, control_kinds, few_atoms, one_cell
from .rows import molecule_rows, recovery_rows

#: Seeds beside the run's own whose rotations the readout is fitted on again.
SEEDS = 2
#: Limits of the number of coefficients.
WIDTHS = (60, 200, 1100)


def run_full_controls(
    measure: Measurement,
    features: Callable[[], Features],
    l_max: int,
    injection: InjectionName,
    bootstrap: Bootstrap,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return (controls in the form of ``result.json``, networks in the form of ``result["networks"]``)."""
    degree = measure.settings.main_degree
    atoms = few_atoms(measure, injection)
    if not atoms:
        return [], []
    part = replace(measure, marks=[mark for mark in measure.marks if mark.atom in atoms])
    elements = {mark.atom: mark.element for mark in part.marks}
    boundary = degree * l_max
    which = "atom " + ", ".join(str(i) for i in atoms)
    blocks = cache(lambda: list(features().blocks()))

    def rows(cells: Mapping[int, Cell]) -> list[dict[str, Any]]:
        return recovery_rows(
            cells, elements, bootstrap, injection=injection, readout="free", degree=degree, boundary=boundary
        )

    def heights(table: Sequence[Mapping[str, Any]]) -> dict[int, float]:
        return {int(row["l"]): float(row["r2"]) for row in molecule_rows(table)}

    def shuffled(atom: int, orientations: Orientations) -> LabTargets:
        true = LabTargets.of_signal(orientations, part.signal(injection)[atom])
        parts = (orientations.training, orientations.validation, orientations.held_out)
        moved = [
            values[uses.unrelated[0]]
            for values, uses in zip((true.training, true.validation, true.held_out), parts, strict=True)
        ]
        return replace(true, training=moved[0], validation=moved[1], held_out=moved[2])

    found = []
    own = rows(part.free(features, "model", degree, injection))
    table = rows(part.free(features, "model", degree, injection, direction="shuffled", targets=shuffled))
    worst = max((abs(r2) for l, r2 in heights(table).items() if l > 0), default=0.0)
    found.append(
        {
            "name": "shuffled targets",
            "title": "Shuffled targets",
            "sentence": f"The same fit ({which}) where every use of a frame is given the target of another frame in another "
            f"orientation: |R²| stays within {worst:.4f} at every l from 1 on. l = 0 is the same in every orientation.",
            "rows": table,
        }
    )
    spread: dict[int, list[float]] = {l: [r2] for l, r2 in heights(own).items()}
    for number in range(1, SEEDS + 1):
        other = replace(
            part, settings=replace(part.settings, seed=part.settings.seed + number), _orientations={}
        )
        table = rows(other.free(features, f"model/seed+{number}", degree, injection))
        for l, r2 in heights(table).items():
            spread[l].append(r2)
    widest = max(spread, key=lambda l: float(np.ptp(spread[l])))
    found.append(
        {
            "name": "readout seeds",
            "title": "Other seeds",
            "sentence": f"The rotations drawn anew {SEEDS} times ({which}): R² of the median atom moves by at most "
            f"{np.ptp(spread[widest]):.4f}, at l = {widest}; at l = {boundary} it is "
            + ", ".join(f"{r2:.4f}" for r2 in spread.get(boundary, []))
            + f" and at l = {boundary + 1} "
            + ", ".join(f"{r2:.4f}" for r2 in spread.get(boundary + 1, []))
            + ". Shown are the last ones.",
            "rows": table,
        }
    )
    said = []
    for limit in WIDTHS:
        kept = sum(
            channels * (2 * l + 1) for (l, _), channels in channels_kept(blocks(), degree, limit).items()
        )
        cells = {i: _width(part, blocks, i, injection, degree, limit) for i in part.atoms(injection)}
        table = rows(cells)
        at, count = heights(table), max(cell[1][0] for cell in cells.values())
        values = [f"{at[l]:.3f} at l = {l}" for l in (boundary, boundary + 1) if l in at]
        said.append(f"{count:,} coefficients of {kept} components give R² = {' and '.join(values)}")
    found.append(
        {
            "name": "width",
            "title": f"Width: {count:,} coefficients",
            "sentence": f"The free readout with fewer and with more coefficients ({which}): {'; '.join(said)}. Width moves the "
            "height below the ceiling, not its place.",
            "rows": table,
        }
    )
    networks = Networks(part, features, injection, l_max, bootstrap)
    entries = []
    for kind in control_kinds(degree):
        beside = (
            networks.closed_form(atoms[0], degree)
            if kind.total_degree == degree and not kind.shuffled
            else None
        )
        entries.append(networks.entry(atoms[0], kind, beside))
    found.append(_activation(entries, atoms[0], boundary))
    return found, entries


def _width(
    measure: Measurement,
    blocks: Callable[[], Any],
    atom: int,
    injection: InjectionName,
    degree: int,
    limit: int,
) -> Cell:
    def compute() -> Cell:
        sums, count = fit_free(
            blocks(), atom, measure.signal(injection)[atom], measure.residual()[:, atom], measure.orientations(True),
            degree, measure.amplitude, limit=limit,
        )  # fmt: skip
        return list(sums), [count] * len(sums)

    return one_cell(measure, f"model/free/degree={degree}/{injection}/limit={limit}/atom={atom}", compute)


def _activation(entries: Sequence[Mapping[str, Any]], atom: int, boundary: int) -> dict[str, Any]:
    """Say what other activations, depths and widths of a trained network give back on both sides of the ceiling."""
    said = []
    for entry in entries:
        at = {row["l"]: row["r2"] for row in entry["rows"]}
        shown = [l for l in (boundary, boundary + 1, max(at)) if l in at]
        values = ", ".join(f"{at[l]:.3f} at l = {l}" for l in dict.fromkeys(shown))
        ceiling = "no ceiling" if entry["ceiling"] is None else f"ceiling {entry['ceiling']}"
        said.append(f"{entry['name']} ({ceiling}): R² = {values}")
    return {
        "name": "activation",
        "title": "Trained networks: activation, depth, width",
        "sentence": f"Networks trained by Adam for atom {atom}. {'; '.join(said)}. A deeper polynomial has a higher ceiling, "
        "and an activation that is no polynomial has none: the limit is that of the polynomial, not of the features.",
        "rows": [],
    }
