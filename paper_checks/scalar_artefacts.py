"""Claims on four artefacts of the plain scalar path, on recorded networks, each against the calculator of its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..diagnostic.recovery.replicates import interval, paired_sample
from .context import Context
from .outcome import Outcome, Value, Verdict
from .scalar_records import Paired, Row, paired, rows, source

#: A mean deviation within this of zero is none: of a force or a phonon relative to the calculator's, or an onset in Å.
_NONE = 0.02
_FEW = "The interval over seeds holds zero, or a number was measured for too few networks: more of them, or longer runs, decide."


def _deviation(entries: Sequence[Row], key: str) -> Paired | None:
    """Return the mean deviation of plain networks over data sets for each seed, with its interval over seeds."""
    by: dict[int, dict[str, float]] = {}
    for row in entries:
        if row["arm"] == "plain" and row.get(key) is not None:
            by.setdefault(row["seed"], {})[row["data"]] = float(row[key])
    names = sorted({name for sets in by.values() for name in sets})
    means = [float(np.mean(list(sets.values()))) for sets in by.values() if len(sets) == len(names)]
    if not means:
        return None
    mean, low, high = interval([paired_sample(means)])
    return Paired(mean, low, high, len(means), tuple(names))


def verdict_of(deviation: Paired | None, change: Paired | None) -> Verdict:
    """Return the verdict of the criterion: plain networks deviate downwards, and the modules bring them nearer."""
    if deviation is None or deviation.low is None or deviation.high is None:
        return "cannot be checked here"
    if deviation.low > 0.0 or max(abs(deviation.low), abs(deviation.high)) < _NONE:
        return "does not hold"
    if change is None or change.low is None or change.high is None:
        return "cannot be checked here"
    if change.low > 0.0:
        return "does not hold"
    return "holds" if deviation.high < 0.0 and change.high < 0.0 else "cannot be checked here"


def opposed(entries: Sequence[Row], key: str) -> list[str]:
    """Return what plain networks do on each data set, where two of them deviate to opposite sides beyond their intervals."""
    each = {
        data: _deviation([row for row in entries if row["data"] == data], key)
        for data in sorted({row["data"] for row in entries})
    }
    known = {data: single for data, single in each.items() if single is not None and single.known}
    below = [data for data, single in known.items() if (single.high or 0.0) < 0.0]
    above = [data for data, single in known.items() if (single.low or 0.0) > 0.0]
    return [f"{data} {_text(single)}" for data, single in known.items()] if below and above else []


def _text(each: Paired | None, digits: int = 3) -> str:
    if each is None:
        return "not measured"
    ends = "" if each.low is None else f" [{each.low:+.{digits}f}, {each.high:+.{digits}f}]"
    return f"{each.mean:+.{digits}f}{ends}, {each.seeds} seeds"


def _table(entries: Sequence[Row], keys: dict[str, str]) -> list[dict[str, Any]]:
    table = []
    for data, arm in sorted({(row["data"], row["arm"]) for row in entries}):
        some = [row for row in entries if (row["data"], row["arm"]) == (data, arm)]
        line: dict[str, Any] = {"data": data, "network": arm}
        for key, name in keys.items():
            values = [float(row[key]) for row in some if row.get(key) is not None]
            line[name] = (
                f"{np.mean(values):.3g} [{min(values):.3g}, {max(values):.3g}] ({len(values)})"
                if values
                else ""
            )
        table.append(line)
    return table


def _outcome(key: str, name: str, sentence: str) -> Outcome:
    entries = [row for row in rows("artefacts") if row.get(key) is not None]
    deviation = _deviation(entries, key)
    change = paired(entries, lambda row: abs(float(row[key])), "modules", "plain")
    verdict, sides = verdict_of(deviation, change), opposed(entries, key)
    reason = {"holds": "", "cannot be checked here": _FEW}.get(
        verdict, "Small networks, trained for minutes, on the data sets of the recorded sweep."
    )
    if sides:
        verdict = "cannot be checked here"
        reason = f"Data sets differ in sign, so that their mean says nothing: {'; '.join(sides)}."
    values = tuple(
        Value(words, each.mean, each.low, each.high, note=f"{each.seeds} seeds, {', '.join(each.settings)}")
        for words, each in (
            (f"{name}, plain networks", deviation),
            ("change of its size by the modules", change),
        )
        if each is not None
    )
    return Outcome(
        verdict,
        f"{sentence}: plain networks {_text(deviation)}; its size with the modules less that of the plain twin {_text(change)}.",
        reason=reason,
        values=values,
        tables={"By data set, means over seeds with their range and number": _table(entries, {key: name})},
        inputs=source("artefacts"),
    )


def repulsion(_: Context) -> Outcome:
    """Whether the wall is too soft in plain networks, and less so with the modules."""
    return _outcome(
        "softening",
        "relative error of the wall",
        "Error of the repulsive force over that of the calculator (below zero: soft)",
    )


def phonons(_: Context) -> Outcome:
    """Whether the highest phonons are red-shifted in plain networks, and less so with the modules."""
    return _outcome(
        "phonon_shift",
        "relative shift of the highest phonons",
        "Shift of the highest third of the phonons (below zero: red)",
    )


def liquid(_: Context) -> Outcome:
    """Whether first neighbours of the liquid are too close in plain networks, and less so with the modules."""
    return _outcome(
        "onset", "onset of g(r) (Å)", "Onset of g(r) less that of the calculator, Å (below zero: too close)"
    )


def drift(_: Context) -> Outcome:
    """Whether plain networks drift more in NVE than the calculator, and networks with the modules less."""
    entries = [row for row in rows("artefacts") if row.get("drift") is not None]
    beyond = [row | {"excess": abs(row["drift"]) - abs(row["reference_drift"])} for row in entries]
    more = _deviation(beyond, "excess")
    change = paired(entries, lambda row: abs(float(row["drift"])), "modules", "plain")
    resolved = [
        row
        for row in entries
        if row["arm"] == "plain" and abs(row["drift"] - row["reference_drift"]) > 2 * row["difference_error"]
    ]
    verdict: Verdict = "cannot be checked here"
    if entries and not resolved:
        verdict = "does not hold"
    elif more and change and (more.low or 0.0) > 0.0 and change.high is not None and change.high < 0.0:
        verdict = "holds"
    count = sum(row["arm"] == "plain" for row in entries)
    return Outcome(
        verdict,
        f"Of {count} plain networks {len(resolved)} drift otherwise than the calculator beyond twice the error; size of "
        f"the drift with the modules less that of the plain twin, meV/atom/ns: {_text(change, 1)}.",
        reason={"holds": "", "cannot be checked here": _FEW}.get(
            verdict,
            "Forces are the gradient of the energy: in runs this short nothing drifts beyond the calculator's own.",
        ),
        values=tuple(
            Value(words, each.mean, each.low, each.high, note="meV/atom/ns")
            for words, each in (
                ("drift of plain networks beyond the calculator's", more),
                ("change by the modules", change),
            )
            if each is not None
        ),
        tables={
            "By data set, meV/atom/ns": _table(
                entries,
                {
                    "drift": "drift",
                    "reference_drift": "of the calculator",
                    "difference_error": "error of the difference",
                },
            )
        },
        inputs=source("artefacts"),
    )
