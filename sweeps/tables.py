"""What the results of a cell become in the table of a sweep: the columns of each job, and its rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from ..diagnostic.auditing.result import spectra_rows
from ..diagnostic.symmetry.result import symmetry_rows

#: What a column holds. Every column may have empty fields.
Kind = Literal["text", "integer", "number", "boolean"]
Row = Mapping[str, Any]

#: Columns of the rows of ``ceilings diagnose``: those of recovery.csv, after what was diagnosed.
RECOVERY: Mapping[str, Kind] = {
    "architecture": "text", "formula": "text", "layer": "text", "l_max": "integer", "parameters": "integer",
    "force_mae_eV_A": "number", "injection": "text", "direction": "text", "readout": "text", "degree": "integer",
    "boundary": "integer", "scope": "text", "l": "integer", "predicted": "number", "r2": "number", "r2_low": "number",
    "r2_high": "number", "rho": "number", "rho_low": "number", "rho_high": "number", "gain": "number", "null_high": "number",
    "coefficients": "integer", "verdict": "text",
}  # fmt: skip
#: Columns of ``ceilings train``: one row, or one for each angular term in the labels.
TRAINING: Mapping[str, Kind] = {
    "architecture": "text", "formula": "text", "l_max": "integer", "parameters": "integer", "steps_done": "integer",
    "best_step": "integer", "validation_force_mae_eV_A": "number", "force_mae_eV_A": "number", "frames_held_out": "integer",
    "force_rmse_eV_A": "number", "energy_mae_eV_atom": "number", "energy_rmse_eV_atom": "number", "stress_mae_eV_A3": "number",
    "stress_rmse_eV_A3": "number",
    "term_l": "integer", "term_sign": "integer", "learned": "number", "learned_low": "number", "learned_high": "number",
}  # fmt: skip
#: Columns of ``ceilings audit``: those of spectra.csv, and those of symmetry.csv where the symmetry was audited.
SPECTRA: Mapping[str, Kind] = {
    "part": "text", "model": "text", "quantity": "text", "route": "text", "readout": "text", "irrep": "text", "graph": "text",
    "frame": "integer", "atom": "integer", "bound": "integer", "l": "integer", "power": "number",
}  # fmt: skip
SYMMETRY: Mapping[str, Kind] = {
    "structure": "integer", "formula": "text", "quantity": "text", "l": "integer", "power": "number", "rms": "number",
    "error": "number",
}  # fmt: skip
#: Columns of the points of ``ceilings learning-curve``.
POINTS: Mapping[str, Kind] = {
    "formula": "text", "degree": "integer", "boundary": "integer", "l": "integer", "atom": "integer", "panel": "text",
    "series": "text", "step": "number", "label": "text", "coefficients": "integer", "frames": "integer", "rotations": "integer",
    "r2": "number", "r2_low": "number", "r2_high": "number", "r2_training": "number",
}  # fmt: skip
#: Columns of the knobs of ``ceilings advise``.
KNOBS: Mapping[str, Kind] = {
    "question": "text", "named": "text", "limited_by_data": "boolean", "knob": "text", "gain": "number", "low": "number",
    "high": "number", "unique": "number", "unique_low": "number", "unique_high": "number", "of_target": "number",
    "unique_of_target": "number", "null_gain": "number", "null_unique": "number",
}  # fmt: skip
#: Columns of the choices of ``ceilings advise`` without data.
CHOICES: Mapping[str, Kind] = {
    "degree": "integer", "l_max": "integer", "boundary": "integer", "share": "text", "feature_multiplications": "integer",
    "product_multiplications": "integer", "polynomial_multiplications": "integer",
}  # fmt: skip
#: Columns of the claims of ``ceilings paper``.
CLAIMS: Mapping[str, Kind] = {
    "claim": "text", "title": "text", "verdict": "text", "must_hold": "boolean", "sentence": "text", "reason": "text",
}  # fmt: skip

#: Columns of ``ceilings artefacts``: one row for each artefact that was asked for.
ARTEFACTS: Mapping[str, Kind] = {
    "artefact": "text", "verdict": "text", "sentence": "text", "softening": "number", "ratio": "number",
    "drift_difference": "number", "drift_error": "number", "peak_difference": "number", "onset_difference": "number",
}  # fmt: skip
#: Columns of ``ceilings observe``: one row for each number of an observable and cure.
OBSERVED: Mapping[str, Kind] = {
    "observable": "text", "cure": "text", "evaluations": "number", "label": "text", "l": "integer", "value": "number",
    "error": "number", "independent": "number", "expected": "number", "tolerance": "number", "unit": "text", "outcome": "text",
    "time_ps": "number", "ended": "text",
}  # fmt: skip


def _recovery_rows(result: Row) -> Iterator[Row]:
    model = result["model"]
    head = {name: model.get(name) for name in ("architecture", "l_max", "parameters", "force_mae_eV_A")}
    head |= {"formula": result["data"]["formula"], "layer": str(model["layer"])}
    edges = {int(entry["degree"]): entry["boundary"] for entry in result["verdict"].get("per_degree", [])}
    for row in result["recovery"]:
        yield {**head, "boundary": edges.get(int(row["degree"])), **row}


def _training_rows(record: Row) -> Iterator[Row]:
    training = record["training"]
    head = {
        "architecture": record["architecture"],
        "formula": training.get("data", {}).get("formula"),
        "l_max": record.get("builder", {}).get("l_max"),
        "parameters": record["parameters"],
        "steps_done": training.get("steps_done"),
        "best_step": training.get("best_step"),
        "validation_force_mae_eV_A": training.get("validation_force_mae_eV_A"),
        "force_mae_eV_A": record["force_mae_eV_A"],
        **{
            name: value
            for name, value in (training.get("held_out_errors") or {}).items()
            if name not in ("frames", "force_mae_eV_A")
        },
        "frames_held_out": training.get("held_out", {}).get("frames"),
    }
    terms = training.get("angular_terms", {}).get("terms", [])
    yield from (
        {
            **head,
            **{f"term_{name}": term[name] for name in ("l", "sign")},
            **{
                f"learned{end}": term[name]
                for end, name in (("", "learned"), ("_low", "low"), ("_high", "high"))
            },
        }
        for term in terms
    )
    if not terms:
        yield head


def _point_rows(result: Row) -> Iterator[Row]:
    head = {
        "formula": result["data"]["formula"],
        **{name: result[name] for name in ("degree", "boundary", "l")},
    }
    yield from ({**head, **row} for row in result["points"])


def _knob_rows(result: Row) -> Iterator[Row]:
    verdict = result["verdict"]
    head = {
        "question": result["question"],
        "named": verdict["knob"],
        "limited_by_data": verdict["limited_by_data"],
    }
    yield from ({**head, **row} for row in result["knobs"])


def _choice_rows(result: Row) -> Iterator[Row]:
    yield from ({name: choice[name] for name in CHOICES} for choice in result["choices"])


def _claim_rows(result: Row) -> Iterator[Row]:
    for claim in result["claims"]:
        yield {
            **claim,
            "claim": claim["id"],
            **{name: claim["outcome"][name] for name in ("verdict", "sentence", "reason")},
        }


def _artefact_rows(result: Row) -> Iterator[Row]:
    measured = result["artefacts"]
    liquid = measured.get("liquid", {})
    numbers = {
        "repulsion": {"softening": measured.get("repulsion", {}).get("softening")},
        "phonons": {"ratio": measured.get("phonons", {}).get("ratio")},
        "drift": {f"drift_{name}": measured.get("drift", {}).get(name) for name in ("difference", "error")},
        "liquid": {
            f"{name}_difference": (liquid.get(name) or {}).get("difference") for name in ("peak", "onset")
        },
    }
    for statement in result["verdict"]["statements"]:
        yield {"artefact": statement["name"], **statement, **numbers.get(statement["name"], {})}


def _observed_rows(result: Row) -> Iterator[Row]:
    runs: dict[str, Row] = {run["cure"]: run for run in reversed(result["runs"])}
    for observable, by_cure in result["observables"].items():
        for cure, measured in by_cure.items():
            run = runs.get(cure, {})
            head = {"observable": observable, "cure": cure, "outcome": measured["outcome"]}
            head |= {name: run.get(name) for name in ("evaluations", "time_ps", "ended")}
            yield from ({**head, **number} for number in measured["numbers"])


#: For each job: the file of its run directory, the name of its table, the columns, and how its rows are read.
_TABLES: Mapping[str, tuple[tuple[str, str, Mapping[str, Kind], Callable[[Row], Iterable[Row]]], ...]] = {
    "diagnose": (("result.json", "recovery", RECOVERY, _recovery_rows),),
    "train": (("backbone.json", "training", TRAINING, _training_rows),),
    "audit": (
        ("result.json", "spectra", SPECTRA, spectra_rows),
        ("result.json", "symmetry", SYMMETRY, symmetry_rows),
    ),
    "learning-curve": (("curves.json", "points", POINTS, _point_rows),),
    "advise": (
        ("advice.json", "knobs", KNOBS, _knob_rows),
        ("choices.json", "choices", CHOICES, _choice_rows),
    ),
    "artefacts": (("result.json", "artefacts", ARTEFACTS, _artefact_rows),),
    "observe": (("result.json", "observed", OBSERVED, _observed_rows),),
    "paper": (("paper.json", "claims", CLAIMS, _claim_rows),),
}


def columns_of(jobs: Iterable[str]) -> dict[str, Kind]:
    """Return the columns of the results of these jobs together, in a fixed order, with what they hold."""
    wanted = set(jobs)
    return {
        name: kind
        for job, tables in _TABLES.items()
        if job in wanted
        for _, _, columns, _ in tables
        for name, kind in columns.items()
    }


def read_results(job: str, out: Path) -> list[tuple[str, Row]]:
    """Return the results in a run directory as (name of the table, content of the JSON file); empty where there is none.

    Raises
    ------
    ValueError
        A file cannot be read, or holds no JSON object.
    """
    results: list[tuple[str, Row]] = []
    for file_name, name, _, _ in _TABLES.get(job, ()):
        path = out / file_name
        # with --layer all: a directory for each layer
        for file in [path] if path.is_file() else sorted(out.glob(f"*/{file_name}")):
            try:
                content = json.loads(file.read_text(encoding="utf-8"))
            except OSError as error:
                raise ValueError(f"{file_name} cannot be read ({error.strerror or error})") from error
            if not isinstance(content, dict):
                raise ValueError(f"{file_name} holds no JSON object")
            if job != "audit" or ("structures" in content) == (name == "symmetry"):
                results.append((name, content))
    return results


def rows_of(job: str, name: str, result: Row) -> Iterator[dict[str, Any]]:
    """Yield the rows of a result with the columns of its table, None where a row has no value.

    Raises
    ------
    ValueError
        The result lacks what its job writes.
    """
    for _, table, columns, read in _TABLES[job]:
        if table == name:
            try:
                yield from ({column: row.get(column) for column in columns} for row in read(result))
            except (KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"the result of {job!r} lacks {error}") from error
            return


def outcome_of(results: Iterable[tuple[str, Row]]) -> str | None:
    """Return what the verdict of a run says of theory, None where the job judges nothing."""
    for _, result in results:
        verdict = result.get("verdict")
        if isinstance(verdict, dict) and "outcome" in verdict:
            return str(verdict["outcome"])
    return None
