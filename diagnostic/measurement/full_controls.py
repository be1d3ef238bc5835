"""The slower controls: shuffled targets, other seeds, other widths, other activations, for a few atoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..injection.orientations import LabTargets, Orientations
from ..readouts.free import channels_kept, fit_free
from ..recovery.error_sums import Cell
from .measurement import Measurement, Targets
from .network_run import Networks, control_kinds, few_atoms
from .result_types import NetworkEntry
from .sources import FeatureSource
from .tables import Control, RecoveryTable
from .turned import TurnedSource
from .verdict import MINIMUM

#: Seeds beside the run's own whose rotations the readout is fitted on again.
SEEDS = 2
#: Limits of the number of coefficients.
WIDTHS = (60, 200, 1100)


def run_full_controls(
    measure: Measurement, source: FeatureSource
) -> tuple[list[Control], list[NetworkEntry]]:
    """Run the slower controls at the main degree for a few atoms; return them, and the networks that were trained."""
    atoms = few_atoms(measure)
    if not atoms:
        return [], []
    degree, part = measure.settings.main_degree, measure.only(atoms)
    networks, entries = Networks(part, source), []
    for kind in control_kinds(degree):
        has_closed_form = kind.total_degree == degree and not kind.shuffled
        closed = networks.closed_form(atoms[0], degree) if has_closed_form else None
        entries.append(networks.entry(atoms[0], kind, closed))
    controls = [_shuffled(part, source), _seeds(part, source), _widths(part, source)]
    bound = measure.kind != "none"
    return [*controls, _activation(entries, atoms[0], measure.ceiling(degree).boundary, bound)], entries


def full_control_names(measure: Measurement) -> set[str]:
    """Return the names of all cells that :func:`run_full_controls` makes."""
    atoms = few_atoms(measure)
    if not atoms:
        return set()
    degree, part = measure.settings.main_degree, measure.only(atoms)
    names = {*part.free_names("model", degree).values()}
    names |= {*part.free_names("model", degree, what="shuffled").values()}
    for number in range(1, SEEDS + 1):
        names |= {*part.free_names(_seed_label(number), degree).values()}
    names |= {_width_name(part, atom, degree, limit) for limit in WIDTHS for atom in atoms}
    for kind in control_kinds(degree):
        names.add(Networks.cell_name(part.injection, atoms[0], kind))
    return names | {Networks.closed_form_name(part.injection, atoms[0], degree)}


def _which(part: Measurement) -> str:
    if part.sample.names is not None:
        return ", ".join(part.sample.label(i) for i in part.atoms())
    return "atom " + ", ".join(str(i) for i in part.atoms())


def _shuffled(part: Measurement, source: FeatureSource) -> Control:
    degree = part.settings.main_degree
    table = part.table(part.free(source, degree, what="shuffled", targets=_shuffled_targets(part)), degree)
    worst = max((abs(r2) for l, r2 in table.heights().items() if l > 0), default=0.0)
    return Control(
        "shuffled targets",
        "Shuffled targets",
        f"The same fit ({_which(part)}) where every use of a frame is given the target of another frame in another "
        f"orientation: |R²| stays within {worst:.4f} at every l from 1 on. l = 0 is the same in every orientation.",
        table,
    )


def _shuffled_targets(part: Measurement) -> Targets:
    def targets(atom: int, orientations: Orientations) -> LabTargets:
        true = LabTargets.of_signal(orientations, part.signal()[atom], part.compute.device)
        uses = (orientations.training, orientations.validation, orientations.held_out)
        moved = [
            use.of_unrelated(values, 0)
            for values, use in zip((true.training, true.validation, true.held_out), uses, strict=True)
        ]
        return replace(true, training=moved[0], validation=moved[1], held_out=moved[2])

    return targets


def _seed_label(number: int) -> str:
    return f"model/seed+{number}"


def _seeds(part: Measurement, source: FeatureSource) -> Control:
    degree, seed = part.settings.main_degree, part.settings.seed
    boundary = part.ceiling(degree).boundary
    table = part.table(part.free(source, degree), degree)
    spread: dict[int, list[float]] = {l: [r2] for l, r2 in table.heights().items()}
    for number in range(1, SEEDS + 1):
        cells = part.with_seed(seed + number).free(source.named(_seed_label(number)), degree)
        table = part.table(cells, degree)
        for l, r2 in table.heights().items():
            spread[l].append(r2)
    widest = max(spread, key=lambda l: float(np.ptp(spread[l])))
    return Control(
        "readout seeds",
        "Other seeds",
        f"The rotations drawn again {SEEDS} times ({_which(part)}): R² of the median {part.sample.what[:-1]} moves by at most "
        f"{np.ptp(spread[widest]):.4f}, at l = {widest}"
        + "".join(
            f"; at l = {l} it is {', '.join(f'{r2:.4f}' for r2 in spread[l])}"
            for l in (boundary, boundary + 1)
            if l in spread
        )
        + ". Shown are the last ones.",
        table,
    )


def _widths(part: Measurement, source: FeatureSource) -> Control:
    degree = part.settings.main_degree
    boundary = part.ceiling(degree).boundary
    table: RecoveryTable | None = None
    said, count = [], 0
    above: list[float] = []
    for limit in WIDTHS:
        if isinstance(source, TurnedSource):
            kept = source.components(degree, limit)
        else:
            kept = sum(
                channels * (2 * l + 1)
                for (l, _), channels in channels_kept(source.blocks(), degree, limit).items()
            )
        cells = {i: _width_cell(part, source, i, degree, limit) for i in part.atoms()}
        table = part.table(cells, degree)
        at, count = table.heights(), max(cell[1][0] for cell in cells.values())
        near = (boundary, boundary + 1) if part.kind != "none" else range(1, len(at))
        values = [f"{at[l]:.3f} at l = {l}" for l in near if l in at]
        said.append(
            f"{count:,} coefficients of {kept} components give "
            + (
                f"R² = {' and '.join(values) if len(values) < 3 else ', '.join(values)}"
                if values
                else "no R² at the ceiling, which was not reached"
            )
        )
        above += [at[boundary + 1]] if boundary + 1 in at else []
    shown = (
        " Width moves the height below the ceiling, not its place."
        if above and max(above) <= MINIMUM
        else ""
        if not above or part.kind != "exact"
        else " Above the ceiling something is recovered that theory excludes: look for an error first."
    )
    return Control(
        "width",
        f"Width: {count:,} coefficients",
        f"The free readout with fewer and with more coefficients ({_which(part)}): {'; '.join(said)}.{shown}",
        table,
    )


def _width_name(part: Measurement, atom: int, degree: int, limit: int) -> str:
    return f"model/free/degree={degree}/{part.injection}/limit={limit}/atom={atom}"


def _width_cell(part: Measurement, source: FeatureSource, atom: int, degree: int, limit: int) -> Cell:
    def compute() -> Cell:
        if isinstance(source, TurnedSource):
            return source.fit(part.turns.orientations(), part.signal(), degree, part.amplitude, limit=limit)(
                atom
            )
        sums, count = fit_free(
            source.blocks(), atom, part.signal()[atom], part.residual()[:, atom], part.orientations(atom), degree,
            part.amplitude, limit=limit,
        )  # fmt: skip
        return part.kept(atom, None, sums), [count] * len(sums)

    return part.cells.cell(_width_name(part, atom, degree, limit), compute)


def _activation(entries: Sequence[NetworkEntry], atom: int, boundary: int, bound: bool) -> Control:
    """Say what other activations, depths and widths of a trained network recover on both sides of the ceiling."""
    said = []
    for entry in entries:
        at = {row["l"]: row["r2"] for row in entry["rows"]}
        shown = [l for l in (boundary, boundary + 1, max(at)) if l in at] if bound else sorted(at)[1:]
        values = ", ".join(f"{at[l]:.3f} at l = {l}" for l in dict.fromkeys(shown))
        ceiling = "no ceiling" if entry["ceiling"] is None else f"ceiling {entry['ceiling']}"
        said.append(f"{entry['name']} ({ceiling}): R² = {values}")
    return Control(
        "activation",
        "Trained networks: activation, depth, width",
        f"Networks trained by Adam for atom {atom}. {'; '.join(said)}."
        + (
            " A deeper polynomial has a higher ceiling, and an activation that is no polynomial has none: the limit is that of "
            "the polynomial, not of the features."
            if bound
            else ""
        ),
        None,
    )
