"""The main job: what a backbone's features give back of an injected angular frequency, against the ceiling."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..theory.ceiling import output_ceiling
from ..theory.errors import InputError
from .backbones.backbone import Backbone
from .backbones.equivariance import EQUIVARIANCE_TOLERANCE, check_equivariance
from .backbones.features import Features
from .backbones.irreps import o3
from .frames.frames import Frames
from .frames.isotropy import isotropy
from .frames.marks import Mark, marked_neighbours
from .injection.fields import DENSITY_CUTOFF, InjectionName, impurity
from .measurement.arrange import arrange
from .measurement.atoms import analyse_atoms, atoms_of_result
from .measurement.controls import run_controls
from .measurement.further import measure_further
from .measurement.limits import check_readouts
from .measurement.measurement import Cell, Measurement
from .measurement.null_band import statistics
from .measurement.result import RESULT_SCHEMA
from .measurement.result_files import write_result
from .measurement.rows import frames_in, molecule_rows, recovery_rows
from .measurement.saved_errors import write_errors
from .measurement.settings import DiagnoseSettings
from .measurement.verdict import judge, overall
from .readouts.compute import Compute
from .records.run_directory import RunDirectory
from .records.versions import installed_versions
from .recovery.bootstrap import Bootstrap
from .report.depiction import depict
from .report.figures import write_figures
from .report.report import write_report

#: Power of an injection outside its grade, relative; float64 leaves about 1e-30.
PURITY_TOLERANCE = 1e-12


def diagnose(
    frames: Frames,
    backbone: Backbone,
    settings: DiagnoseSettings | None = None,
    *,
    held_out: Frames | None = None,
    untrained: Callable[[int], Backbone] | None = None,
    out: Path | None = None,
    resume: bool = False,
    command: str = "spectral_ceilings.diagnostic.diagnose(...)",
    progress: Callable[[str, int, int], None] | None = None,
    compute: Compute | None = None,
) -> dict[str, Any]:
    """Measure what is recovered of an injected field of pure grade l, for every l, and hold it against the ceiling.

    Parameters
    ----------
    frames
        Frames of one molecule, Å and eV/Å.
    backbone
        The frozen model.
    settings
        What to measure; None: the defaults.
    held_out
        Frames from a file of their own that nothing is chosen on.
    untrained
        Builds the same architecture with random weights from a seed, for the control; None: that control is left out.
    out
        Run directory to write; None: only return the result.
    resume
        Take up ``out`` where an earlier run of the same settings stopped.
    command
        The command that repeats this run; goes into the report.
    progress
        Called with (what, done, total).
    compute
        Device and workers; None: one worker on the CPU.

    Returns
    -------
    The content of ``result.json`` (schema ``spectral-ceilings/diagnose/1``).

    Raises
    ------
    InputError
        Before any long work: unknown elements, a layer of scalars, features that are not equivariant, too few
        frames, atoms out of range, a run directory that exists.
    """
    settings = settings or DiagnoseSettings()
    clock = _Clock()
    backbone.check_elements(frames)
    layer = backbone.choose_layer(settings.layer)
    data = arrange(frames, backbone, settings, held_out)
    none = Features(np.empty((0, 1, o3.Irreps(layer.irreps).dim)), layer.irreps, layer.name)
    compute = check_readouts(list(none.blocks()), settings, len(data.split.training), compute or Compute())
    numbers = data.frames.numbers
    wanted = range(len(numbers)) if settings.atoms is None else settings.atoms
    for atom in wanted:
        if not 0 <= atom < len(numbers):
            raise InputError(
                f"atom {atom} is not in the molecule, expected indices from 0 to {len(numbers) - 1}"
            )
    marks = [mark for mark in marked_neighbours(frames) if mark.atom in wanted]
    backbone.to(compute.device)
    with clock.time("features"):
        error = _check_equivariance(data.frames, backbone, layer.name, settings.seed)
    degree = settings.main_degree
    report = progress or (lambda _what, _done, _total: None)

    @cache
    def features() -> Features:
        with clock.time("features"):
            report("features", 0, 1)
            return backbone.features(data.frames, layer.name)

    @cache
    def residual() -> NDArray[np.float64]:
        with clock.time("backbone forces"):
            report("forces of the backbone", 0, 1)
            return data.frames.forces - backbone.forces(data.frames)

    force_rms = float(np.sqrt(np.mean(data.frames.forces[data.split.training] ** 2)))
    tick = _Ticker(report)
    amplitude = settings.strength * force_rms
    measure = Measurement(
        data.frames, data.split, residual, marks, settings, amplitude, layer.l_max, tick=tick, compute=compute
    )
    injections = [name for name in settings.injections if measure.atoms(name)]
    if not injections:
        what = "marked" if "density" not in settings.injections else "seen by the density injection"
        raise InputError(
            f"no atom asked for has a neighbour that can be {what}; give other --atoms or another --injection"
        )
    run = _open_run(out, resume, settings, backbone, frames, held_out, layer.name)
    measure.run = run
    elements = {mark.atom: mark.element for mark in marks}
    saved = run.load_cell("checks") if run else None
    if saved is None:
        report("purity of the injections", 0, 1)
        with clock.time("purity"):
            purity = _purity(data.frames, marks, injections, measure)
        held = residual()[data.split.held_out]
        saved = {"purity": purity, "residual_rms": float(np.sqrt(np.mean(held**2)))}
        if run:
            run.save_cell("checks", saved)

    recovered: list[dict[str, Any]] = []
    bootstrap: Bootstrap | None = None
    pure: dict[int, Cell] | None = None
    for d in settings.degrees:
        boundary = d * layer.l_max
        for readout in settings.closed_forms(d):
            with clock.time(f"{readout} readout, degree {d}"):
                tick.what = f"{readout} readout of degree {d}"
                tables: list[tuple[str, dict[int, Cell], dict[int, Cell] | None]]
                if readout == "free":
                    tables = [(injections[0], measure.free(features, "model", d, injections[0]), None)]
                    pure = tables[0][1] if d == degree else pure
                else:
                    own = measure.equivariant(features, "model", d)
                    tables = [(name, own["own"][name], own["shared"][name]) for name in injections]
            with clock.time("intervals"):
                for name, cells, shared in tables:
                    if bootstrap is None:
                        bootstrap = Bootstrap(
                            frames_in(cells), settings.bootstrap, measure.generator("bootstrap")
                        )
                    recovered += recovery_rows(cells, elements, bootstrap, injection=name, readout=readout, degree=d,
                                               boundary=boundary, shared=shared)  # fmt: skip
    assert bootstrap is not None
    controls: list[dict[str, Any]] = []
    if settings.controls:
        with clock.time("controls"):
            tick.what = "controls"
            controls = run_controls(measure, features, layer, injections[0], bootstrap, recovered, untrained)
    further = measure_further(measure, features, layer, injections[0], bootstrap, pure, clock.time)
    analysis = run.load_cell("atoms") if run else None
    if analysis is None:
        blocks = list(features().blocks())
        reach, first = backbone.cutoff or DENSITY_CUTOFF, frames.positions[0]
        analysis = {"atoms": analyse_atoms(data.frames, data.split, blocks, marks, reach, first)}
        if run:
            run.save_cell("atoms", analysis)
    judged = "free" if "free" in settings.readouts else "equivariant"
    verdicts = [
        judge(molecule_rows(recovered, injection=injections[0], readout=judged, degree=d), d, d * layer.l_max)
        for d in settings.degrees
    ]
    result = {
        "schema": RESULT_SCHEMA,
        "command": command,
        "model": _model(backbone, layer.name),
        "data": {
            "source": frames.source,
            "sha256": frames.sha256,
            "units": frames.units,
            "formula": frames.formula,
            "numbers": numbers.tolist(),
            "splits": data.split.counts(),
            "force_rms_eV_A": force_rms,
            "residual_rms_eV_A": saved["residual_rms"],
            "amplitude_eV_A": measure.amplitude,
            "note": data.note,
            "depiction": depict(numbers, frames.positions[0]),
        },
        "ceiling": {
            "degree": degree,
            "l_max": layer.l_max,
            "boundary": degree * layer.l_max,
            "explanation": output_ceiling(layer.irreps, degree).explanation,
        },
        "settings": settings.to_dict(),
        "seed": settings.seed,
        "versions": _versions(),
        "timings_s": clock.seconds,
        "recovery": recovered + further.rows,
        "atoms": atoms_of_result(
            marks,
            analysis["atoms"],
            recovered,
            injection=injections[0],
            degree=degree,
            l_max=layer.l_max,
            numbers=numbers.tolist(),
        ),
        "controls": controls + further.controls,
        "statistics": statistics(bootstrap, recovered),
        "checks": {
            "equivariance_error": error,
            "equivariance_tolerance": EQUIVARIANCE_TOLERANCE,
            "purity": saved["purity"] + further.purity,
            "orientations": isotropy(data.frames).to_dict(),
        },
        "verdict": overall(verdicts, degree, judged, layer.name, backbone.info, settings.l_top),
        **further.sections,
    }
    if run:
        report("report", 0, 1)
        held = data.frames.positions[data.split.held_out]
        write_errors(run, result, bootstrap, measure.seed_of("bootstrap"), elements, held)
        write_result(result, run.path)
        write_figures(result, run.path)
        write_report(result, run.path)
    return result


def _open_run(
    out: Path | None,
    resume: bool,
    settings: DiagnoseSettings,
    backbone: Backbone,
    frames: Frames,
    held_out: Frames | None,
    layer: str,
) -> RunDirectory | None:
    if out is None:
        return None
    asked = {
        **settings.to_dict(),
        "layer": layer,
        "backbone_sha256": backbone.info.sha256,
        "data_sha256": frames.sha256,
        "held_out_sha256": held_out.sha256 if held_out else None,
        "version": _versions()["spectral-ceilings"],
    }
    return RunDirectory.create(out, asked, resume)


def _check_equivariance(frames: Frames, backbone: Backbone, layer: str, seed: int) -> float:
    """Return the equivariance error of a few frames' features; InputError where it is too large."""
    few = frames.select(np.arange(min(3, len(frames))))
    measured = check_equivariance(backbone, few, [layer], np.random.default_rng([seed, 11]))[layer]
    return max(measured.rotation, measured.translation)


def _purity(
    frames: Frames, marks: Sequence[Mark], injections: Sequence[InjectionName], measure: Measurement
) -> list[dict[str, Any]]:
    """Return the power of every injection outside its grade; InputError where one is not pure."""
    found = []
    for name in injections:
        where = [m for m in marks if m.atom in measure.atoms(name)]
        shares = impurity(frames, measure.settings.l_top, name, where, measure.generator(f"purity/{name}"))
        for l, share in enumerate(shares):
            if not share <= PURITY_TOLERANCE:
                raise InputError(
                    f"the {name} injection of degree {l} has {share:.1e} of its power in other grades, expected at most "
                    f"{PURITY_TOLERANCE:.0e}; two atoms nearly coincide or l is too high for float64: lower --l-top"
                )
            found.append({"injection": name, "l": l, "power_elsewhere": share})
    return found


def _model(backbone: Backbone, layer: str) -> dict[str, Any]:
    info = backbone.info
    layers = backbone.layers()
    chosen = next(one for one in layers if one.name == layer)
    training = dict(info.training or {})
    training.pop("split", None)
    return {
        "source": info.source,
        "sha256": info.sha256,
        "architecture": info.architecture,
        "layer": layer,
        "irreps": chosen.irreps,
        "trained": info.trained,
        "parameters": info.parameters,
        "l_max": chosen.l_max,
        "force_mae_eV_A": info.force_mae,
        "builder": info.builder,
        "training": training or None,
        "layers": [
            {"name": one.name, "irreps": one.irreps, "l_max": one.l_max, "usable": one.usable, "why": one.why}
            for one in layers
        ],
    }


def _versions() -> dict[str, str]:
    return installed_versions(
        "spectral-ceilings", "torch", "e3nn", "nequip", "numpy", "scipy", "numba", "ase"
    )


class _Clock:
    """Seconds by part; time spent in an inner part is not counted in the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner = [0.0]

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        self._inner.append(0.0)
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            own = spent - self._inner.pop()
            self._inner[-1] += spent
            self.seconds[name] = round(self.seconds.get(name, 0.0) + own, 3)


class _Ticker:
    """Counts finished cells of the part that is being computed."""

    def __init__(self, report: Callable[[str, int, int], None]) -> None:
        self._report, self._done, self.what = report, 0, ""

    def __call__(self, _name: str) -> None:
        self._done += 1
        self._report(self.what, self._done, 0)
