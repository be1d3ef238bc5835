"""Step three, measure: every fit of a diagnosis, as tables of recovery rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..records.run_directory import RunDirectory
from ..recovery.hierarchy import Bootstrap
from .cells import CellStore
from .checking import Checked
from .controls import run_controls
from .full_controls import full_control_names, run_full_controls
from .measurement import Measurement
from .network_run import network_names, run_networks
from .plateaus import direction_names, directions_measured, run_directions
from .preparing import Prepared
from .progress import RunProgress
from .result_types import AtomAnalysis, NetworkEntry, PlateauRow
from .settings import NETWORK
from .signals import Turns, named_seed
from .sources import BackboneOutputs, FeatureSource
from .tables import Control, RecoveryTable


@dataclass(frozen=True)
class Measured:
    """What a diagnosis measured.

    Attributes
    ----------
    tables
        The main tables, of fields of one pure l; they are held against the ceilings.
    further
        Tables of fields with a direction of their own, and of trained networks.
    controls
        Runs in which something essential is taken away.
    plateaus, networks
        Sections of the result of their own; None where they were not asked for.
    analysis
        What the features hold at every atom.
    bootstrap, bootstrap_seed
        The resamples behind every interval, and what their generator was made from.
    """

    tables: tuple[RecoveryTable, ...]
    further: tuple[RecoveryTable, ...]
    controls: tuple[Control, ...]
    plateaus: tuple[PlateauRow, ...] | None
    networks: tuple[NetworkEntry, ...] | None
    analysis: tuple[AtomAnalysis, ...]
    bootstrap: Bootstrap
    bootstrap_seed: list[int]


def measure(
    checked: Checked,
    prepared: Prepared,
    outputs: BackboneOutputs,
    *,
    untrained: FeatureSource | None = None,
    run: RunDirectory | None = None,
    progress: RunProgress | None = None,
) -> Measured:
    """Fit every readout that is asked for, with the controls.

    Parameters
    ----------
    checked, prepared
        What the steps before returned.
    outputs
        Features and residual of the backbone.
    untrained
        Features of the same architecture with random weights, for the control; None: that control is left out.
    run
        Where finished cells are kept, or None.
    progress
        Told of every finished cell.
    """
    progress = progress or RunProgress()
    settings = checked.settings
    shared = shared_by_fits(checked, prepared, outputs, CellStore(run, progress.finished))
    progress.expect(len(planned_cells(shared, untrained is not None)))
    tables = closed_form_tables(shared, outputs.features, progress)
    controls: list[Control] = []
    if settings.controls:
        with progress.part("controls", "controls"):
            controls += run_controls(
                shared, outputs.features, untrained, orientations=prepared.orientations.effective,
                has_forces=outputs.has_forces,
            )  # fmt: skip
    further: list[RecoveryTable] = []
    plateaus: list[PlateauRow] | None = None
    if directions_measured(shared):
        with progress.part("directions", "fields with a direction"):
            further, plateaus = run_directions(shared, outputs.features)
    networks: list[NetworkEntry] = []
    if NETWORK in settings.readouts:
        with progress.part("networks", "networks"):
            trained, networks = run_networks(shared, outputs.features)
            further = further + trained
    if settings.controls and settings.full_controls:
        with progress.part("full controls", "full controls"):
            more, entries = run_full_controls(shared, outputs.features)
            controls, networks = controls + more, networks + entries
    with progress.part("atoms"):
        analysis = _analysis(checked, outputs.features, run)
    return Measured(
        tables=tuple(tables), further=tuple(further), controls=tuple(controls),
        plateaus=None if plateaus is None else tuple(plateaus), networks=tuple(networks) or None,
        analysis=tuple(analysis), bootstrap=shared.bootstrap, bootstrap_seed=_bootstrap_seed(checked),
    )  # fmt: skip


def _bootstrap_seed(checked: Checked) -> list[int]:
    return named_seed(checked.settings.seed, "bootstrap")


def shared_by_fits(
    checked: Checked, prepared: Prepared, outputs: BackboneOutputs, cells: CellStore
) -> Measurement:
    """Return what every fit of a run shares."""
    settings, sample, l_max = checked.settings, checked.sample, checked.l_max
    rng = np.random.default_rng(_bootstrap_seed(checked))
    return Measurement(
        settings=settings, sample=sample, marks=sample.marks, injection=checked.injections[0], l_max=l_max,
        signals=prepared.signals, residual=outputs.residual, amplitude=prepared.amplitude, cells=cells,
        turns=Turns(sample.split, max(settings.l_top, l_max), settings.rotations, settings.seed),
        bootstrap=sample.bootstrap(settings.bootstrap, rng), compute=checked.compute,
        sites=prepared.sites, kind=checked.ceiling_kind,
    )  # fmt: skip


def closed_form_tables(
    shared: Measurement, source: FeatureSource, progress: RunProgress
) -> list[RecoveryTable]:
    """Fit the readouts in closed form of every degree: the free one of the leading injection, the equivariant one of all."""
    settings = shared.settings
    tables = []
    for degree in settings.degrees:
        for readout in settings.closed_forms(degree):
            name = f"{readout} readout"
            with progress.part(f"{name}, degree {degree}", f"{name} of degree {degree}"):
                if readout == "free":
                    cells = shared.free(source, degree)
                    with progress.part("intervals"):
                        tables.append(shared.table(cells, degree))
                    continue
                fitted = shared.equivariant(source, degree)
                for injection in settings.injections:
                    if shared.atoms(injection):
                        per_atom, common = fitted["own"][injection], fitted["shared"][injection]
                        with progress.part("intervals"):
                            tables.append(
                                shared.table(
                                    per_atom,
                                    degree,
                                    readout="equivariant",
                                    injection=injection,
                                    shared=common,
                                )
                            )
    return tables


def planned_cells(shared: Measurement, untrained: bool) -> set[str]:
    """Return the names of all cells of a run: their number is what a progress bar counts up to.

    Parameters
    ----------
    untrained
        Whether the control of the untrained backbone is run.
    """
    settings = shared.settings
    main = settings.main_degree
    names: set[str] = set()
    for degree in settings.degrees:
        for readout in settings.closed_forms(degree):
            if readout == "free":
                names |= {*shared.free_names("model", degree).values()}
            else:
                names |= {*shared.equivariant_names("model", degree).values()}
    if settings.controls:
        names |= {*shared.free_names("model", main, rotate=False).values()}
        labels = ("untrained",) * untrained + ("zero",) * ("free" in settings.readouts)
        labels += ("wigner",) * (settings.turned and shared.kind != "none")
        for label in labels:
            names |= {*shared.free_names(label, main).values()}
        if settings.full_controls:
            names |= full_control_names(shared)
    if directions_measured(shared):
        names |= direction_names(shared)
    if NETWORK in settings.readouts:
        names |= network_names(shared)
    return names


def _analysis(checked: Checked, source: FeatureSource, run: RunDirectory | None) -> Sequence[AtomAnalysis]:
    saved = run.load_cell("atoms") if run else None
    if saved is None:
        analysed = checked.sample.analyse(source.blocks(), checked.cutoff, checked.equivariance.precision)
        if not checked.layer.declared:
            for entry in analysed:
                (rank,) = entry["feature_rank"].values()
                entry["feature_rank"] = {"numbers": rank}
        saved = {"atoms": analysed}
        if run:
            run.save_cell("atoms", saved)
    atoms: Sequence[AtomAnalysis] = saved["atoms"]
    return atoms
