"""The job: four artefacts of a model against the calculator of its data, each with its verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..dynamics.every_step import Moving
from ..records.files import write_whole
from ..records.outcomes import HELD, overall
from ..records.parts import Parts
from ..records.plain import plain, to_json
from ..records.progress import Progress, silent
from ..records.versions import installed_versions
from ..symmetry.calculators import NamedCalculator
from .frequencies import compare_frequencies
from .repulsion import compare_repulsion
from .result_object import ARTEFACTS_SCHEMA, Artefacts
from .runs import compare_drift, compare_liquid
from .settings import OUTCOMES, ArtefactSettings
from .subject import Subject, relaxed, shortest_distance


def measure_artefacts(
    model: NamedCalculator,
    reference: NamedCalculator,
    subject: Subject,
    settings: ArtefactSettings | None = None,
    *,
    out: Path | None = None,
    resume: bool = False,
    command: str = "spectral_ceilings.diagnostic.measure_artefacts(...)",
    progress: Progress | None = None,
) -> Artefacts:
    """Measure repulsion, frequencies, drift and the structure of a liquid of a model against the reference of its data.

    Parameters
    ----------
    model, reference
        Calculators, as ``load_calculator`` gives them; the reference is the one that the model was trained on.
    subject
        The structure, as ``read_subject`` gives it; it is relaxed with the reference first, its volume too where there is stress.
    settings
        What to measure and what counts as reproduced.
    out
        Run directory to write: ``result.json``, ``figures/``, ``report.html``; None: only return.
    resume
        Take up ``out`` artefact by artefact.
    command
        The command that repeats this run; goes into the report.
    progress
        Called with (what, done, total).

    Returns
    -------
    Artefacts
        A mapping with the content of ``result.json``, schema ``spectral-ceilings/artefacts/1``.

    Raises
    ------
    InputError
        A calculator without energies or forces, or one that does not know the structure.
    """
    settings = settings or ArtefactSettings()
    tell = progress or silent
    versions = installed_versions("spectral-ceilings", "ase", "torch", "e3nn", "nequip", "mace-torch", "nequip-allegro",
                                  "numpy", "scipy", "tblite", "matscipy")  # fmt: skip
    coverage = None if subject.coverage is None else asdict(subject.coverage)
    about = {
        "model": {"source": model.source, "kind": model.kind, "sha256": model.sha256},
        "reference": {"source": reference.source, "kind": reference.kind, "sha256": reference.sha256},
        "settings": settings.to_dict(),
        "data": coverage,
        "structure": {"source": subject.source, "numbers": subject.atoms.numbers.tolist(),
                      "positions": subject.atoms.positions.tolist(), "cell": subject.atoms.cell.array.tolist()},
    }  # fmt: skip
    parts = Parts.open(out, {**about, "version": versions.get("spectral-ceilings")}, resume)
    tell("relaxing", 0, len(settings.only))
    unit = _relaxed(subject, reference, parts)
    cell = unit * settings.repeat if subject.periodic else unit.copy()
    measured = _measured((unit, cell), (model, reference), subject, settings, parts, tell)
    result: dict[str, Any] = {
        "schema": ARTEFACTS_SCHEMA,
        "command": command,
        **about,
        "structure": {"source": subject.source, "formula": unit.get_chemical_formula(mode="hill"), "atoms": len(unit),
                      "atoms_in_runs": len(cell), "periodic": subject.periodic, "shortest_distance": shortest_distance(cell),
                      "cell": unit.cell.array.tolist()},
        "seed": settings.seed,
        "versions": versions,
        "timings_s": parts.timings,
        "artefacts": measured,
        "verdict": verdict(measured),
    }  # fmt: skip
    result = plain(result, "result")
    if parts.run:
        tell("report", 0, 0)
        _write(result, parts.run.path)
    return Artefacts(result)


def _measured(
    cells: tuple[Moving, Moving], calculators: tuple[NamedCalculator, NamedCalculator], subject: Subject,
    settings: ArtefactSettings, parts: Parts, tell: Progress,
) -> dict[str, Any]:  # fmt: skip
    """Return the row of every artefact that was asked for; ``cells`` are the relaxed unit cell and its repeats."""
    unit, cell = cells
    ours, truth = (named.calculator for named in calculators)
    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "repulsion": lambda: compare_repulsion(unit, cell, ours, truth, settings, subject.coverage),
        "phonons": lambda: compare_frequencies(unit, ours, truth, settings),
        "drift": lambda: compare_drift(cell, ours, truth, settings),
        "liquid": lambda: compare_liquid(cell, ours, truth, settings, subject.coverage),
    }
    measured = {}
    for done, name in enumerate(name for name in measures if name in settings.only):
        tell(name, done, len(settings.only))
        if name == "liquid" and not subject.periodic:
            sentence = "Liquid: a molecule without a cell has none: not measured."
            measured[name] = {"verdict": "not measured", "sentence": sentence}
            continue
        measured[name] = parts.get(name, measures[name])
    return measured


def verdict(measured: dict[str, Any]) -> dict[str, Any]:
    """Return ``{held, outcome, sentence, statements}``: differing falls short, what is beyond the data tests nothing."""
    statements: list[dict[str, Any]] = [
        {"name": name, "verdict": row["verdict"], "held": HELD[OUTCOMES[row["verdict"]]],
         "outcome": OUTCOMES[row["verdict"]], "sentence": row["sentence"]}
        for name, row in measured.items()
    ]  # fmt: skip
    outcome = overall(statement["outcome"] for statement in statements)
    return {
        "held": HELD[outcome],
        "outcome": outcome,
        "sentence": " ".join(statement["sentence"] for statement in statements),
        "statements": statements,
    }


def _relaxed(subject: Subject, reference: NamedCalculator, parts: Parts) -> Moving:
    def relax() -> dict[str, Any]:
        minimum = relaxed(subject.atoms, reference.calculator, cell=True)
        return {"positions": minimum.positions.tolist(), "cell": minimum.cell.array.tolist()}

    kept = parts.get("relaxed", relax)
    unit: Moving = subject.atoms.copy()
    unit.set_cell(kept["cell"])
    unit.positions = kept["positions"]
    return unit


def _write(result: dict[str, Any], folder: Path) -> None:
    from .figures import write_artefact_figures
    from .report import write_artefact_report

    write_whole(folder / "result.json", to_json(result, "result"))
    write_artefact_figures(result, folder)
    write_artefact_report(result, folder)
