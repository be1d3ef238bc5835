"""What each cure leaves of an observable's error and what it costs: table, Pareto front, the cheapest that is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..records.plain import plain
from .deviations import Deviation, deviations, half_of, headline, is_reserved
from .guarantees import guarantee
from .sentences import drift_words, model_sentence, sufficient_sentence, undecided_sentence

Result = Mapping[str, Any]
#: Tolerances of observables that have no exact answer, in the unit of each.
_NONE: Mapping[str, float] = {}


def cures_table(result: Result) -> dict[str, Any] | None:
    """Return the table of cures of a result: errors, cost, drift, Pareto fronts, the smallest sufficient cure.

    Parameters
    ----------
    result
        The content of ``result.json``, or as much of it as there is: ``runs``, ``observables``, ``prediction``, ``settings``.

    Returns
    -------
    ``reference`` (the most exact cure), ``rows`` and ``sufficient`` as in the file; None where no run is there.

    Notes
    -----
    The error of an observable is its deviation from the isotropic answer where that is exact, else from the run of the most
    exact cure: ``value`` is the free energy in kT, or the number with the largest upper limit. Sufficient is a cure only if the
    intervals of all judged numbers lie within their tolerances (``reach``, the largest upper limit in units of its tolerance, is
    at most 1). A cure is on the front
    unless another costs no more and has a smaller error *beyond statistics*: their 95 % intervals do not overlap. So a tie
    within the errors stays on the front, and ``tied`` names the cheapest cure that it is not shown to be better than.
    """
    costs = _costs(result)
    if not costs:
        return None
    reference = most_exact(result["runs"])
    rows: list[dict[str, Any]] = []
    measured = {cure: _errors(result, cure, reference) for cure in costs}
    for cure, cost in costs.items():
        drift = _drift(result, cure)
        entries = {n: _entry(row, result["observables"][n][cure]) for n, row in measured[cure].items() if row}
        errors = {name: entry for name, entry in entries.items() if entry is not None}
        rows.append({"cure": cure, **cost, **drift, "errors": errors, "front": {}, "tied": {}})
    mark_fronts(rows)
    return dict(plain({"reference": reference, "rows": rows, "sufficient": _sufficient(result, rows)}))


def compare_cures(results: Mapping[str, Result]) -> dict[str, Any]:
    """Return one table of several results: training with augmentation beside averages of the plain model.

    Parameters
    ----------
    results
        Contents of ``result.json`` by the name of each model, of runs of one structure with the same settings. Deviations from
        a reference are those from the most exact cure of the same model, since models differ in what they would measure if they
        were isotropic.

    Returns
    -------
    ``rows`` whose ``cure`` is ``MODEL: CURE``, each with its ``model``, fronts over all of them; ``references``, the most
    exact row of each model; and ``sufficient``, by observable the cheapest of all that is enough, with a sentence.
    """
    rows, references = [], []
    for name, result in results.items():
        table = result.get("cures") or cures_table(result) or {"rows": [], "reference": None}
        references.append(f"{name}: {table['reference']}")
        for row in table["rows"]:
            rows.append({**row, "cure": f"{name}: {row['cure']}", "model": name, "front": {}, "tied": {}})
    mark_fronts(rows)
    chosen = smallest(rows)
    for name, choice in chosen.items():
        titles = (_title(result, name) for result in results.values() if name in result["observables"])
        row = next((row for row in rows if row["cure"] == choice["cure"]), None)
        choice["sentence"] = model_sentence(next(titles, name), name, row, len(results))
    return dict(plain({"reference": None, "references": references, "rows": rows, "sufficient": chosen}))


def mark_fronts(rows: Sequence[dict[str, Any]]) -> None:
    """Write into every row's ``front`` whether it is on the Pareto front of each observable, and ``tied`` with which cheaper.

    A number without a statistical error, and a run too short for one, neither leave the front nor drive another cure from it.
    """
    for name in dict.fromkeys(key for row in rows for key in row["errors"]):
        having = [row for row in rows if name in row["errors"]]
        for row in having:
            error, cost = row["errors"][name], row["evaluations"]
            cheaper = [other for other in having if other is not row and other["evaluations"] <= cost]
            row["front"][name] = not any(_smaller(other["errors"][name], error) for other in cheaper)
            ties = [other for other in cheaper if other["evaluations"] < cost
                    and not _smaller(error, other["errors"][name]) and not _smaller(other["errors"][name], error)]  # fmt: skip
            row["tied"][name] = min(ties, key=lambda other: other["evaluations"])["cure"] if ties else None


def _smaller(entry: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether an error is smaller than another beyond statistics."""
    told = all(each["enough"] and each["low"] < each["high"] for each in (entry, other))
    return bool(told and entry["high"] < other["low"])


def smallest(rows: Sequence[Mapping[str, Any]], scale: float = 1.0) -> dict[str, dict[str, Any]]:
    """Return for every observable the cheapest cure whose intervals all lie within the tolerances; None where none does.

    Parameters
    ----------
    rows
        Of a table of cures. The reference itself, whose error nothing tells, is not among the answers.
    scale
        Multiplies every tolerance.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(key for row in rows for key in row["errors"]):
        having = sorted((row for row in rows if name in row["errors"]), key=lambda row: row["evaluations"])
        if any(row["errors"][name]["reach"] is None for row in having):
            continue  # nobody said what matters
        row = next(
            (row for row in having if row["errors"][name]["enough"] and row["errors"][name]["reach"] <= scale), None
        )  # fmt: skip
        chosen[name] = {
            "cure": row["cure"] if row else None,
            "evaluations": row["evaluations"] if row else None,
            "error": row["errors"][name]["value"] if row else None,
        }
    return chosen


def most_exact(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the cure of the runs that is exact to the highest l: at every step, with inversion, without random rotations.

    A fresh random rotation at each step is right in the mean and heats, so it is the reference only where there is no other.
    """

    def rank(run: Mapping[str, Any]) -> tuple[bool, float, bool, float]:
        cure = str(run["cure"])
        every_step = not cure.startswith("mts-")
        exact = run.get("exact_to")
        return ("random" not in cure, float(exact or 0), bool(run.get("inversion")), float(every_step))

    return str(max(runs, key=rank)["cure"])


def _costs(result: Result) -> dict[str, dict[str, float | int | bool | None]]:
    """Return evaluations and seconds of a step, what is exact, by cure; means over replicas."""
    by_cure: dict[str, list[Mapping[str, Any]]] = {}
    for run in result["runs"]:
        by_cure.setdefault(str(run["cure"]), []).append(run)
    costs: dict[str, dict[str, float | int | bool | None]] = {}
    for cure, runs in by_cure.items():
        times = [run["seconds"] / run["steps"] for run in runs if run.get("seconds") and run.get("steps")]
        costs[cure] = {
            "evaluations": float(runs[0]["evaluations"]),
            "seconds_per_step": float(np.mean(times)) if times else None,
            "exact_to": runs[0].get("exact_to"),
            "inversion": bool(runs[0].get("inversion")),
        }
    return costs


def _drift(result: Result, cure: str) -> dict[str, float | None]:
    numbers = result["observables"].get("drift", {}).get(cure, {}).get("numbers") or []
    if not numbers:
        return {"drift": None, "drift_error": None, "drift_half_width": None}
    return {
        "drift": numbers[0]["value"],
        "drift_error": numbers[0]["error"],
        "drift_half_width": half_of(numbers[0]),
    }


def _drift_tolerance(result: Result) -> float | None:
    """Return the drift that does not matter, meV/atom/ns."""
    for measured in (result["observables"].get("drift") or {}).values():
        if measured["numbers"]:
            tolerance = measured["numbers"][0]["tolerance"]
            return None if tolerance is None else float(tolerance)
    return None


def _errors(result: Result, cure: str, reference: str) -> dict[str, list[Deviation]]:
    """Return the deviations of every observable under a cure."""
    tolerances = (result.get("settings") or {}).get("tolerances") or _NONE
    errors = {}
    for name, by_cure in result["observables"].items():
        if cure not in by_cure:
            continue
        partner = by_cure.get(reference) if cure != reference else None
        errors[name] = deviations(by_cure[cure], partner, reference, tolerances.get(name))
    return errors


def _entry(rows: Sequence[Deviation], measured: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the entry of an observable: its headline, and how far the intervals reach in units of the tolerances."""
    row = headline(measured, rows)
    if row is None:
        return None
    limits = [(each, max(each.tolerance, 1e-300)) for each in rows if each.tolerance is not None]
    reach = max((each.high / limit for each, limit in limits), default=None)
    deciding = max(limits, key=lambda pair: pair[0].high / pair[1])[0] if limits else row
    return {
        "label": row.label,
        "l": row.l,
        "value": row.value,
        "error": row.error,
        "low": row.low,
        "high": row.high,
        "unit": row.unit,
        "against": row.against,
        "tolerance": deciding.tolerance,
        "deciding": deciding.label,
        "reach": reach,
        "least": max((each.low / limit for each, limit in limits), default=None),
        "longer": _longer(rows),
        "enough": all(each.reliable for each in rows) and not is_reserved(measured),
        "sampled": not is_reserved(measured),
    }


def _longer(rows: Sequence[Deviation]) -> float | None:
    """Return times as long a run that would decide: one deviation that is too large, or all of them small enough."""
    told = [row for row in rows if row.longer is not None]
    large = [
        row.longer for row in told if row.tolerance is not None and row.value > row.tolerance and row.low > 0
    ]
    every = [row.longer for row in told]
    times = [each for each in (large or every) if each is not None]
    return (min(times) if large else max(times)) if times else None


def _sufficient(result: Result, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    chosen = smallest(rows)
    for name, choice in chosen.items():
        having = sorted((row for row in rows if name in row["errors"]), key=lambda row: row["evaluations"])
        row = next((row for row in having if row["cure"] == choice["cure"]), None)
        title = _title(result, name)
        if row is None:
            choice |= {"guarantee": None, "left": None, "sentence": undecided_sentence(title, name, having)}
            continue
        promise = guarantee(row, result.get("prediction"))
        undecided = [other["cure"] for other in having if other["evaluations"] < row["evaluations"]
                     and not _is_short(other["errors"][name])]  # fmt: skip
        drift = "" if name == "drift" else drift_words(row, _drift_tolerance(result))
        sentence = sufficient_sentence(title, row, row["errors"][name], promise.sentence, undecided, drift)
        choice |= {"guarantee": promise.sentence, "left": promise.left, "sentence": sentence}
    return chosen


def _is_short(entry: Mapping[str, Any]) -> bool:
    """Whether a cure is shown not to be enough."""
    return bool(entry["enough"] and entry["least"] > 1)


def _title(result: Result, name: str) -> str:
    by_cure = result["observables"].get(name) or {}
    first = next(iter(by_cure.values()), None)
    return str(first["title"]) if first and first.get("title") else name
