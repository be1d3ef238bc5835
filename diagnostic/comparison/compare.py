"""Finished runs side by side: last recovered and first lost l against theory, backbones as clusters, molecules as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from ...theory.errors import InputError
from ..measurement.result import (
    MOLECULE,
    Result,
    Row,
    above_and_below,
    boundary,
    degree_outcome,
    main_injection,
    no_ceiling,
    outcome_of_result,
    select,
)
from ..measurement.result_types import DegreeVerdict, Outcome
from ..measurement.saved_errors import SavedRun
from ..measurement.verdict import outcome_of
from ..records.assets import shipped_schema
from ..records.outcomes import HELD
from ..recovery.hierarchy import Bootstrap
from ..report.first_screen import foreign, overruled
from .groups import group_rows
from .result_object import COMPARE_SCHEMA, Comparison
from .result_types import (
    BackboneGroup,
    ComparedRun,
    ComparisonResult,
    ComparisonVerdict,
    GroupTable,
    SeedSpread,
)


def compare(paths: Sequence[str | Path], *, draws: int = 2000, seed: int = 0) -> Comparison:
    """Compare finished runs of ``ceilings diagnose``.

    Parameters
    ----------
    paths
        Run directories, at least two.
    draws
        Resamples behind each interval over backbones.
    seed
        Seed of the resamples.

    Returns
    -------
    Comparison
        A mapping with the content of ``compare.json`` (schema ``spectral-ceilings/compare/1``): ``runs``, one entry for each run
        and degree; ``groups``, one for each set of backbones of the same architecture, features and training on the same
        molecule; ``seeds``, one for each backbone that was diagnosed with several seeds; ``verdict``.

    Raises
    ------
    InputError
        Fewer than two runs, the same one twice, a folder that is not a finished run, another schema, runs whose highest l
        or injection differ.
    """
    folders = [Path(path) for path in paths]
    if len(folders) < 2:
        raise InputError(f"{len(folders)} run was given, expected at least two run directories to compare")
    if not 100 <= draws <= 1_000_000:
        raise InputError(f"draws is {draws}, expected an integer from 100 to 1000000")
    resolved = [folder.resolve() for folder in folders]
    for folder in folders:
        if resolved.count(folder.resolve()) > 1:
            raise InputError(f"{str(folder)!r} was given twice; give each run once")
    runs = [SavedRun.read(folder) for folder in folders]
    _check_alike(runs)
    names = _names(folders)
    rows = [row for name, run in zip(names, runs, strict=True) for row in _run_rows(name, run)]
    groups, seeds = [], []
    for members in _grouped(range(len(runs)), lambda k: _replicate_key(runs[k])):
        distinct = _grouped(members, lambda k: runs[k].result["model"]["sha256"])
        if len(distinct) > 1:
            first = [same[0] for same in distinct]
            groups.append(_group([names[k] for k in first], [runs[k] for k in first], draws, seed))
        seeds += [
            _seed_spread([names[k] for k in same], [runs[k] for k in same])
            for same in distinct
            if len(same) > 1
        ]
    content: ComparisonResult = {
        "schema": COMPARE_SCHEMA,
        "seed": seed,
        "draws": draws,
        "runs": rows,
        "groups": groups,
        "seeds": seeds,
        "verdict": _verdict(names, runs, rows),
    }
    return Comparison(content)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``compare.json`` that the package ships."""
    return shipped_schema("compare")


def _check_alike(runs: Sequence[SavedRun]) -> None:
    for run in runs:
        if no_ceiling(run.result):
            raise InputError(
                f"no symmetry is declared of the features in {str(run.path)!r}, so there is no ceiling to compare with theory; "
                "compare runs that have one"
            )
    for what, of in (
        ("highest l (l_top)", lambda run: run.result["settings"]["l_top"]),
        ("leading injection", lambda run: main_injection(run.result)[0]),
        ("strength", lambda run: run.result["settings"]["strength"]),
    ):
        first = of(runs[0])
        for run in runs[1:]:
            if of(run) != first:
                raise InputError(
                    f"the {what} is {of(run)} in {str(run.path)!r} and {first} in {str(runs[0].path)!r}, expected the same; "
                    "diagnose them with the same settings"
                )


def _names(folders: Sequence[Path]) -> list[str]:
    """Return short names of the runs: the last part of the path, with the parent where that is not unique."""
    last = [folder.resolve().name for folder in folders]
    return [
        name if last.count(name) == 1 else "/".join(folder.resolve().parts[-2:])
        for name, folder in zip(last, folders, strict=True)
    ]


def _grouped(members: Sequence[int], key: Any) -> list[list[int]]:
    groups: dict[Any, list[int]] = {}
    for k in members:
        groups.setdefault(key(k), []).append(k)
    return list(groups.values())


def _training(result: Result) -> str:
    """Return how a backbone was trained, without what differs between replicates."""
    record = (result["model"]["training"] or {}).get("training") or {}
    return repr(sorted((name, value) for name, value in record.items() if name != "seed"))


def _replicate_key(run: SavedRun) -> tuple[Any, ...]:
    """Return what backbones share that are replicates of each other."""
    result = run.result
    model, settings = result["model"], result["settings"]
    return (
        tuple(result["data"]["numbers"]),
        # of environments: the same pools of the same kinds of structures
        None if run.scopes is None else (result["data"]["formula"], tuple(sorted(run.scopes.items()))),
        model["architecture"],
        model["layer"],
        model["irreps"],
        model["parameters"],
        model["trained"],
        _training(result),
        tuple(settings["degrees"]),
        tuple(settings["readouts"]),
    )


def judged_readout(result: Result) -> Literal["free", "equivariant"]:
    """Return the readout that a run holds against theory."""
    return "free" if "free" in result["settings"]["readouts"] else "equivariant"


def _run_rows(name: str, run: SavedRun) -> list[ComparedRun]:
    result = run.result
    model, data = result["model"], result["data"]
    injection, direction = main_injection(result)
    readout = judged_readout(result)
    run_rows: list[ComparedRun] = []
    for entry in result["verdict"]["per_degree"]:
        degree, edge = int(entry["degree"]), boundary(result, int(entry["degree"]))
        rows = select(
            result["recovery"],
            injection=injection,
            direction=direction,
            readout=readout,
            degree=degree,
            scope=MOLECULE,
        )
        by_l = {int(row["l"]): row for row in rows}
        recovered = [l for l, row in by_l.items() if row["verdict"] == "recovered"]
        lost = [l for l, row in by_l.items() if row["verdict"] in ("not recovered", "no path")]
        at_ceiling, above = _at(by_l, edge), _at(by_l, edge + 1)
        run_rows.append(
            {
                "run": name,
                "formula": data["formula"],
                "by": data.get("by", "atom"),
                "architecture": model["architecture"],
                "trained": model["trained"],
                "layer": model["layer"],
                "l_max": model["l_max"],
                "layers": len(model["layers"]),
                "parameters": model["parameters"],
                "force_mae_eV_A": model["force_mae_eV_A"],
                "frames_held_out": data["splits"]["held_out"],
                "readout": readout,
                "degree": degree,
                "predicted_last": edge,
                "predicted_first_lost": edge + 1,
                "last_recovered": max(recovered, default=None),
                "first_lost": min(lost, default=None),
                "r2_ceiling": at_ceiling[0],
                "r2_ceiling_low": at_ceiling[1],
                "r2_ceiling_high": at_ceiling[2],
                "r2_above": above[0],
                "r2_above_low": above[1],
                "r2_above_high": above[2],
                "held": HELD[degree_outcome(result, entry)],
                "outcome": degree_outcome(result, entry),
                "r2": [row["r2"] for row in rows],
                "sentence": entry["sentence"],
                "controls": [str(control["name"]) for control in result["controls"]],
                "warnings": [*foreign(result), *overruled(result)],
            }
        )
    return run_rows


def _at(by_l: Mapping[int, Row], l: int) -> tuple[float | None, float | None, float | None]:
    """Return R2 at one l and the ends of its interval."""
    row = by_l.get(l)
    return (None, None, None) if row is None else (row["r2"], row["r2_low"], row["r2_high"])


def _group(names: Sequence[str], runs: Sequence[SavedRun], draws: int, seed: int) -> BackboneGroup:
    """Return the figures of several backbones of one molecule."""
    crossed = len({run.errors["held_out_sha256"] for run in runs}) == 1
    result = runs[0].result
    injection, direction = main_injection(result)
    tables: list[GroupTable] = []
    for readout in result["settings"]["readouts"]:
        for degree in result["settings"]["degrees"]:
            edge = boundary(result, int(degree))
            wanted = {
                "injection": injection, "direction": direction, "readout": readout, "degree": degree, "place": "recovery",
            }  # fmt: skip
            cells = []
            for run in runs:
                entry = next(
                    (
                        table
                        for table in run.errors["tables"]
                        if all(table[k] == v for k, v in wanted.items())
                    ),
                    None,
                )
                if entry is not None:
                    cells.append(run.cells(entry["cells"]))
            if len(cells) < len(runs):
                continue
            # Every table sees the same resamples.
            bootstrap = Bootstrap(
                int(runs[0].errors["frames"]),
                draws,
                np.random.default_rng(seed),
                clusters=runs[0].scopes is not None,
            )
            estimates = group_rows(cells, edge, bootstrap, crossed=crossed, seed=seed)
            table = {"readout": readout, "degree": degree, "boundary": edge, **estimates}
            tables.append(cast(GroupTable, table))
    model = result["model"]
    return {
        "runs": list(names),
        "formula": result["data"]["formula"],
        "architecture": model["architecture"],
        "l_max": model["l_max"],
        "layer": model["layer"],
        "tables": tables,
    }


def _seed_spread(names: Sequence[str], runs: Sequence[SavedRun]) -> SeedSpread:
    """Return how the molecule's R2 of one backbone scatters over runs with other seeds of rotations and resamples."""
    result = runs[0].result
    injection, direction = main_injection(result)
    readout, degree = judged_readout(result), int(result["ceiling"]["degree"])
    values = [
        [
            row["r2"]
            for row in select(
                run.result["recovery"], injection=injection, direction=direction, readout=readout, degree=degree,
                scope=MOLECULE,
            )
        ]
        for run in runs
    ]  # fmt: skip
    spread = [
        None if any(v is None for v in at) else float(max(at) - min(at)) for at in zip(*values, strict=True)
    ]
    return {
        "runs": list(names),
        "seeds": [run.result["seed"] for run in runs],
        "readout": readout,
        "degree": degree,
        "r2": values,
        "range": spread,
    }


#: What is said of runs that did not hold: of one, of several.
_SAID: Mapping[Outcome, tuple[str, str]] = {
    "contradicted": ("contradicts theory", "contradict theory"),
    "falls short": (
        "falls short of its ceiling, which does not contradict theory",
        "fall short of their ceilings, which does not contradict theory",
    ),
    "undecided": ("is undecided", "are undecided"),
    "nothing tested": ("held nothing against theory", "held nothing against theory"),
}


def _verdict(
    names: Sequence[str], runs: Sequence[SavedRun], rows: Sequence[ComparedRun]
) -> ComparisonVerdict:
    """Return the verdict of all runs: that of all their degrees together, and one sentence."""
    outcome = outcome_of([entry for run in runs for entry in _entries(run.result)])
    of_run = {name: outcome_of_result(run.result) for name, run in zip(names, runs, strict=True)}
    said = []
    for kind, words in _SAID.items():
        these = [name for name in names if of_run[name] == kind]
        if these:
            which = "; ".join(
                f"{row['run']}: {row['sentence']}"
                for row in rows
                if row["run"] in these and row["outcome"] == kind
            )
            said.append(f"{len(these)} of {len(names)} runs {words[len(these) > 1]} ({which}).")
    held = [name for name in names if of_run[name] == "held"]
    if len(held) == len(names):
        said.append(
            f"Theory held in all {len(names)} runs: nothing above a ceiling was recovered, and everything up to it."
        )
    elif held:
        said.append(f"Theory held in {'the other' if len(held) == 1 else f'the other {len(held)}'}.")
    return {"held": HELD[outcome], "outcome": outcome, "sentence": " ".join(said)}


def _entries(result: Result) -> list[DegreeVerdict]:
    """Return the verdicts of a run by degree, those of a version that did not name the outcome too."""
    above, unclear, _ = above_and_below(result)
    return [
        entry
        if "outcome" in entry
        else {**entry, "outcome": degree_outcome(result, entry), "above": above, "undecided": unclear}
        for entry in result["verdict"]["per_degree"]
    ]
