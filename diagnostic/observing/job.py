"""The job: observables of a model under every cure, predicted and measured, with a verdict on each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from ...theory._checks import counted
from ...theory.errors import InputError
from ..dynamics.cures import parse_cure
from ..dynamics.fingerprint import answer_of, check_same_answer
from ..dynamics.run import check_structure
from ..dynamics.trajectory import Trajectory
from ..observables.measure import measure_observables
from ..observables.settings import TOLERANCES, ObservableSettings
from ..orientation.field_calculator import FieldCalculator
from ..orientation.fields import parse_field
from ..orientation.molecules import Molecules, perceive_molecules
from ..records.files import write_whole
from ..records.parts import Parts
from ..records.plain import plain, to_json
from ..records.progress import Progress, silent
from ..records.versions import installed_versions
from ..symmetry.calculators import NamedCalculator
from .comparing import PREDICTED, comparison_of, why_none
from .cures import cures_table, most_exact
from .models import check_alike, comparison_of_models, read_models
from .notes import notes_on, reserved_drift, warmed
from .rehearsal import check_observables
from .result_object import OBSERVE_SCHEMA, Observation
from .runs import run_all, seconds_together, with_outer_steps
from .settings import ObserveSettings
from .subject import Observed, check_calculator
from .verdict import judged_cure, verdict

#: Observables that mean something only of molecules.
_OF_MOLECULES = ("orientation", "orientational-correlation")


def observe(
    model: NamedCalculator | Any,
    atoms: Observed | Atoms | Sequence[Atoms],
    settings: ObserveSettings | None = None,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    against: Sequence[str | Path] = (),
    command: str = "spectral_ceilings.diagnostic.observe(...)",
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
) -> Observation:
    """Run a model with every cure, measure its observables, predict them, and say which are wrong and what cures them.

    Parameters
    ----------
    model
        As ``load_calculator`` gives it, or an ASE calculator: eV, eV/Å.
    atoms
        The structure, several of them (runs start from the first, relaxation takes all), or what ``read_observed`` gives.
    settings
        What to measure, how long, under which cures.
    out
        Run directory to write: ``result.json``, ``runs/CURE/REPLICA/``, ``figures/``, ``report.html``; None: only return.
    resume
        Take up ``out``: runs go on from the step where they stopped, and end in the same trajectory to the last bit. ``steps``
        may be larger than before; what is measured of the runs is then measured again. The calculator must answer as the one that
        began.
    against
        Finished run directories of other models, with the same structure and settings: their cures come into one table with those
        of this model, ``comparison_of_models``.
    command
        The command that repeats this run; goes into the report.
    progress
        Called with (what, done, total).
    announce
        Called once with a sentence on how long the job will take, before it begins.

    Returns
    -------
    Observation
        A mapping with the content of ``result.json``, schema ``spectral-ceilings/observe/1``.

    Raises
    ------
    InputError
        A calculator without energies or forces, one that is not repeatable or ignores a cell, a structure without molecules
        where their orientation is asked for, a run directory of another job, or one in ``against`` that is not comparable.
    """
    settings, tell = settings or ObserveSettings(), progress or silent
    others = read_models(against, out)
    named = _named(model)
    observed = _observed(atoms)
    observed = _movable(observed, settings)
    molecules = _molecules(observed, settings)
    check_observables(observed.first, molecules, settings)
    calculator = named.calculator
    if settings.field is not None:
        calculator = FieldCalculator(calculator, parse_field(settings.field))
    seconds = check_calculator(calculator, observed)
    about, head = _recorded_job(named, observed, molecules, settings, command)
    asked = {**about, "version": head["versions"].get("spectral-ceilings")}
    check_alike(head, others)
    with Parts.open(None if out is None else Path(out), asked, resume, grows="settings.steps") as parts:
        _same_calculator(calculator, observed, parts)
        moving = any(name != "relaxation" for name in settings.asked(observed.periodic))
        if announce is not None and moving:
            announce(_estimate(calculator, observed, molecules, settings, seconds, head["structure"]))
        done = _observed_by(calculator, observed, molecules, settings, parts, tell, head=head, moving=moving)
        if others:
            place = None if out is None else Path(out)
            done["comparison_of_models"] = plain(
                comparison_of_models(done, others, place), "comparison_of_models"
            )
        if parts.run:
            tell("report", 0, 0)
            _write(done, parts.run.path)
    return done


def _estimate(
    calculator: Any, observed: Observed, molecules: Molecules | None, settings: ObserveSettings, seconds: float,
    structure: Mapping[str, Any],
) -> str:  # fmt: skip
    """Return how long the job will take, from the seconds of one evaluation."""
    further = 0
    if _wants_prediction(settings, settings.asked(observed.periodic)):
        from .predicting import evaluations_of

        further = 0 if why_none(structure, molecules, None, settings) else evaluations_of(settings)
    shared = seconds_together(observed.first, calculator, settings)
    return estimate_sentence(settings, seconds if shared is None else shared, shared is not None, further)


def _wants_prediction(settings: ObserveSettings, names: Iterable[str]) -> bool:
    return settings.predict and bool(set(names) & PREDICTED)


def _recorded_job(
    named: NamedCalculator,
    observed: Observed,
    molecules: Molecules | None,
    settings: ObserveSettings,
    command: str,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what decides the numbers, which a resumed run must have in common, and the head of the result."""
    versions = installed_versions("spectral-ceilings", "ase", "torch", "numpy", "scipy", "numba", "ipi",
                                  "tblite")  # fmt: skip
    used = observed.images if "relaxation" in settings.asked(observed.periodic) else observed.images[:1]
    about = {
        "model": {"source": named.source, "kind": named.kind, "sha256": named.sha256},
        "settings": settings.to_dict(),
        "structures": [_recorded(image) for image in used],
    }
    head = {
        "schema": OBSERVE_SCHEMA, "command": command, "model": about["model"], "structure": _structure(observed, molecules),
        "settings": about["settings"], "seed": settings.seed, "versions": versions,
    }  # fmt: skip
    return about, head


def _same_calculator(calculator: Any, observed: Observed, parts: Parts) -> None:
    """Raise InputError where a job goes on with a calculator that answers otherwise than the one that began it."""
    if parts.run is None:
        return
    kept = parts.get(
        "calculator",
        lambda: {name: value.tolist() for name, value in answer_of(calculator, observed.first).items()},
    )
    check_same_answer(kept, calculator, observed.first, parts.run.path)


def _observed_by(
    calculator: Any, observed: Observed, molecules: Molecules | None, settings: ObserveSettings, parts: Parts, tell: Progress,
    *, head: Mapping[str, Any], moving: bool,
) -> Observation:  # fmt: skip
    """Run every cure, measure, predict, compare and judge; ``moving``: something else than relaxation is asked for."""
    rows, trajectories = run_all(observed.first, calculator, settings, parts, tell) if moving else ([], {})
    rows = with_outer_steps(rows, calculator, observed.first, settings, parts)
    observables = _measured(trajectories, observed, molecules, calculator, settings, parts, tell)
    reference = most_exact(rows) if rows else None
    result: dict[str, Any] = {**head, "runs": rows, "observables": observables, "notes": notes_on(settings)}
    result |= _theory(result, trajectories, reference, molecules, calculator, settings, parts, tell)
    result["timings_s"] = parts.timings
    return Observation(plain(result, "result"))


def estimate_sentence(
    settings: ObserveSettings, seconds: float, together: bool = False, prediction: int = 0
) -> str:
    """Return how long runs and prediction will take, from the seconds of one evaluation, or of one in a batch of all replicas.

    ``prediction`` is the number of its evaluations.
    """
    each = settings.steps + settings.equilibration
    evaluations = settings.replicas * each * sum(parse_cure(cure).evaluations for cure in settings.cures)
    count = len(settings.cures) * settings.replicas
    total = (evaluations + prediction) * seconds
    took = (
        f"{total:.0f} s"
        if total < 90
        else f"{total / 60:.0f} min"
        if total < 5400
        else f"{total / 3600:.1f} h"
    )
    return (
        f"about {took}: {counted(count, 'run')} of {each:,} steps, {evaluations:,.0f} evaluations of "
        f"{1e3 * seconds:.2g} ms{f', {settings.replicas} replicas together' if together else ''}"
        f"{f', and {prediction:,} of the prediction' if prediction else ''}"
    )


def _theory(
    result: Mapping[str, Any], trajectories: Mapping[str, list[Trajectory]], reference: str | None,
    molecules: Molecules | None, calculator: Any, settings: ObserveSettings, parts: Parts, tell: Progress,
) -> dict[str, Any]:  # fmt: skip
    """Return what is computed from measured rows: prediction, comparison, cures, verdict."""
    observables = result["observables"]
    wanted = _wants_prediction(settings, observables)
    reason = why_none(result["structure"], molecules, trajectories, settings) if wanted else ""
    prediction: dict[str, Any] | None = None
    if wanted and not reason:
        from .predicting import predict

        assert molecules is not None and reference is not None  # noqa: PT018
        recorded = any(len(run.times) for run in trajectories[reference])
        shapes_from = trajectories[reference if recorded else judged_cure(list(trajectories))]
        tell("prediction", 0, settings.shapes)
        try:
            prediction = parts.get(
                f"prediction/{settings.steps} steps",
                lambda: predict(shapes_from, molecules, calculator, settings, tell),
            )
        except InputError as error:  # a field of many kT, say: what was measured stands all the same
            reason = f"No prediction is made: {error}."
    comparison = comparison_of(prediction, observables, judged_cure(settings.cures))
    cures = cures_table({**result, "prediction": prediction, "comparison": comparison})
    return {
        "prediction": prediction,
        "comparison": comparison,
        "cures": cures,
        "verdict": verdict(
            observables, result["runs"], comparison, reference=reference, tolerances=settings.tolerances,
            no_prediction=reason,
        ),
    }  # fmt: skip


def _measured(
    trajectories: Mapping[str, list[Trajectory]], observed: Observed, molecules: Molecules | None, calculator: Any,
    settings: ObserveSettings, parts: Parts, tell: Progress,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Return name -> cure -> measured."""
    names = settings.asked(observed.periodic)
    moving = tuple(name for name in names if name != "relaxation")
    how = ObservableSettings(
        temperature=settings.temperature if settings.ensemble == "nvt" and warmed(settings) else None,
        tolerances={name: value for name, value in settings.tolerances.items() if name in TOLERANCES},
        seed=settings.seed,
    )
    by_name: dict[str, dict[str, Any]] = {name: {} for name in names}
    images = {f"structure {k}": image for k, image in enumerate(observed.images)}
    for done, cure in enumerate(settings.cures):
        tell("observables", done, len(settings.cures))
        runs = trajectories.get(cure) or [_still(observed)]
        if moving:
            rows = parts.get(
                f"observables/{cure}/{settings.steps} steps",
                partial(measure_observables, runs, molecules, moving, how),
            )
            for name in moving:
                by_name[name][cure] = reserved_drift(rows[name], settings) if name == "drift" else rows[name]
        known = parse_cure(cure)
        if "relaxation" in names and known.kind != "random" and not known.multiple:
            averaged = known.calculator(calculator, settings.seed)
            relax = partial(
                measure_observables,
                runs,
                molecules,
                ("relaxation",),
                how,
                structures=images,
                calculator=averaged,
            )
            by_name["relaxation"][cure] = parts.get(f"relaxation/{cure}", relax)["relaxation"]
    return by_name


def _still(observed: Observed) -> Trajectory:
    """Return a trajectory without records: relaxation needs none."""
    atoms = observed.first
    empty, frames = np.zeros(0), np.zeros((0, len(atoms), 3))
    return Trajectory(
        np.asarray(atoms.numbers, dtype=np.int64), np.asarray(atoms.get_masses()), np.asarray(atoms.cell), np.asarray(atoms.pbc),
        empty, frames, frames, frames, empty, empty, empty,
    )  # fmt: skip


def _named(model: Any) -> NamedCalculator:
    if isinstance(model, NamedCalculator):
        return model
    kind = type(model).__name__
    return NamedCalculator(model, kind, kind, None)


def _observed(atoms: Observed | Atoms | Sequence[Atoms]) -> Observed:
    if isinstance(atoms, Observed):
        return atoms
    images = (atoms,) if isinstance(atoms, Atoms) else tuple(atoms)
    if not images or not all(isinstance(image, Atoms) for image in images):
        raise InputError("no structure was given; give ASE's Atoms, or several of them")
    first: Any = images[0]
    return Observed(images, first.get_chemical_formula(mode="hill"))


def _molecules(observed: Observed, settings: ObserveSettings) -> Molecules | None:
    """Return the molecules; None where a crystal has none and nobody asks for their orientation."""
    try:
        return perceive_molecules(observed.first)
    except InputError:
        if set(settings.observables) & set(_OF_MOLECULES) or settings.field is not None:
            raise
        return None


def _movable(observed: Observed, settings: ObserveSettings) -> Observed:
    """Return the structures, which can all be moved; at rest where replicas would be one run: with the same velocities."""
    for image in observed.images:
        check_structure(image)
    if settings.replicas == 1:
        return observed
    still: Any = observed.first.copy()  # type: ignore[no-untyped-call]
    still.set_momenta(np.zeros((len(still), 3)))
    return replace(observed, images=(still, *observed.images[1:]))


def _recorded(atoms: Atoms) -> dict[str, Any]:
    given = {"masses": atoms.arrays["masses"].tolist()} if "masses" in atoms.arrays else {}
    return {"numbers": atoms.numbers.tolist(), "positions": atoms.positions.tolist(), "cell": atoms.cell.array.tolist(),
            "pbc": atoms.pbc.tolist(), **given}  # fmt: skip


def _structure(observed: Observed, molecules: Molecules | None) -> dict[str, Any]:
    first: Any = observed.first
    kinds: dict[int, dict[str, Any]] = {}
    for formula, kind in zip(molecules.formulas, molecules.kinds, strict=True) if molecules else ():
        row = kinds.setdefault(kind, {"formula": formula, "count": 0, "kind": kind})
        row["count"] += 1
    return {
        "source": observed.source,
        "formula": first.get_chemical_formula(mode="hill"),
        "atoms": len(first),
        "structures": len(observed.images),
        "periodic": observed.periodic,
        "cell": first.cell.array.tolist(),
        "molecules": list(kinds.values()),
    }


def _write(result: Observation, folder: Path) -> None:
    from .figures import write_observing_figures
    from .report import write_observing_report

    write_whole(folder / "result.json", to_json(result, "result"))
    write_observing_figures(result, folder)
    write_observing_report(result, folder)
