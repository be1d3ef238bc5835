"""Claims on what averages over rules leave: less from rule to rule, fast, nothing up to a degree; and on augmentation."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from .broken_records import ARMS, RULES, Row, rows, source
from .context import Context
from .outcome import Chart, Line, Outcome, Value, Verdict

CASES = ("molecule", "box", "ice")
#: meV of the energy of one molecule and of a test cell, by rule, in the paper.
PAPER = {"molecule": (2.82, 1.06, 0.084, 0.045, 0.015), "box": (5.09, 2.57, 0.56, 0.28, 0.16)}
#: Amplitude (eV) below which an energy of thousands of eV knows no orientation: a thousand roundings.
_ROUNDING = 1e-9


def by_rule(arm: str, case: str) -> list[Row]:
    """Return the rows of a case in the order of the rules."""
    every = {row["rule"]: row for row in rows("rules", arm=arm, case=case)}
    return [every[rule] for rule in RULES if rule in every]


def _cases() -> list[tuple[str, str, list[Row]]]:
    return [(arm, case, taken) for arm in ARMS for case in CASES if (taken := by_rule(arm, case))]


def _above(later: Row, before: Row) -> float:
    """Return by how many standard errors of both a rule's error is above that of the one before."""
    error = math.hypot(later["energy_error"], before["energy_error"])
    return float((later["energy"] - before["energy"]) / error) if error > 0.0 else 0.0


def _table() -> dict[str, list[dict[str, Any]]]:
    columns = ("rule", "evaluations", "energy", "energy_error", "force", "force_error")
    return {
        f"{arm} model, {case}: meV per structure and meV/Å": [
            {name: row[name] for name in columns} for row in taken
        ]
        for arm, case, taken in _cases()
    }


def fall(_: Context) -> Outcome:
    """Whether the error of the energy falls from rule to rule."""
    cases = _cases()
    steps = [pair for _, _, taken in cases for pair in pairwise(taken)]
    rising = [1 for before, later in steps if later["energy"] >= before["energy"]]
    beyond = [1 for before, later in steps if _above(later, before) > 2.0]
    tenfold = all(taken[-1]["energy"] <= 0.1 * taken[0]["energy"] for _, _, taken in cases)
    verdict: Verdict = "does not hold"
    if not rising:
        verdict = "holds"
    elif not beyond and tenfold:
        verdict = "holds in direction, number differs"
    elif not beyond:
        verdict = "cannot be checked here"
    values = [
        Value(
            f"{arm}, {case}, rule {row['rule']}", row["energy"], row["energy"] - 1.96 * row["energy_error"],
            row["energy"] + 1.96 * row["energy_error"], paper=PAPER[case][k] if case in PAPER else None, note="meV per structure",
        )
        for arm, case, taken in cases
        for k, row in enumerate(taken)
    ]  # fmt: skip
    lines = [
        Line(
            f"{arm}, {case}",
            [float(k) for k in range(len(taken))],
            [row["energy"] for row in taken],
            style="points",
        )
        for arm, case, taken in cases
    ]
    chart = Chart(
        "What each rule leaves", "rule", "error of the energy (meV)",
        "The error falls by orders of magnitude from no rule to 75 rotations.",
        lines=lines, marks=[(float(k), rule) for k, rule in enumerate(RULES)], log_y=True,
    )  # fmt: skip
    return Outcome(
        verdict,
        f"Of {len(steps)} steps from rule to rule {len(steps) - len(rising)} lower the error; {len(beyond)} raise it beyond "
        "twice the standard error.",
        reason="" if verdict == "holds" else "Some steps are within the errors of each other or rise.",
        values=values,
        tables=_table(),
        charts=[chart],
        inputs=source("rules"),
    )


def fast(_: Context) -> Outcome:
    """Whether rule 2i leaves little of what there is without a rule."""
    ratios = {}
    for arm, case, taken in _cases():
        each = {row["rule"]: row for row in taken}
        for kind in ("energy", "force"):
            ratios[arm, case, kind] = each["2i"][kind] / each["none"][kind]
    energies = [ratio for (_, _, kind), ratio in ratios.items() if kind == "energy"]
    worst = max(energies)
    verdict: Verdict = "does not hold"
    if worst <= 0.055:
        verdict = "holds"
    elif worst <= 0.25:
        verdict = "holds in direction, number differs"
    paper = {("molecule", "energy"): 0.016, ("box", "energy"): 0.055}
    return Outcome(
        verdict,
        f"36 evaluations leave {min(energies):.1%} to {worst:.1%} of the error of the energy.",
        reason="" if verdict == "holds" else "Our models break higher l more than the paper's does.",
        values=[Value(f"{arm}, {case}, {kind}: 2i over none", ratio, paper=paper.get((case, kind)))
                for (arm, case, kind), ratio in ratios.items()],
        inputs=source("rules"),
    )  # fmt: skip


def augmentation(_: Context) -> Outcome:
    """Whether the augmented model depends less on orientation than the plain one."""
    values, signs = [], []
    force: list[tuple[float, float]] = []
    for case in CASES:
        plain, augmented = ({row["rule"]: row for row in by_rule(arm, case)}.get("none") for arm in ARMS)
        if plain is None or augmented is None:
            continue
        for what in ("energy", "force"):
            ratio = math.log(plain[what] / augmented[what])
            error = math.hypot(*(row[f"{what}_error"] / row[what] for row in (plain, augmented)))
            low, middle, high = (math.exp(ratio + width * error) for width in (-1.96, 0.0, 1.96))
            values.append(Value(f"{case}, {what}: plain over augmented", middle, low, high))
            signs.append(ratio / error)
            if what == "force":
                force.append((ratio, error))
    mean = sum(ratio for ratio, _ in force) / max(1, len(force))
    spread = math.hypot(*(error for _, error in force)) / max(1, len(force))
    verdict: Verdict = "cannot be checked here"
    if signs and min(signs) > 2.0:
        verdict = "holds"
    elif signs and min(signs) < -2.0:
        verdict = "does not hold"
    elif mean > 2.0 * spread > 0.0:
        verdict = "holds in direction, number differs"
    told = [
        f"of the {what} " + ", ".join(f"{value.name.partition(',')[0]} {value.value:.2f}" for value in values[k::2])
        for k, what in enumerate(("energy", "force"))
    ]  # fmt: skip
    return Outcome(
        verdict,
        f"Error, plain over augmented: {'; '.join(told)}.",
        reason=""
        if verdict == "holds"
        else "In some case the two models differ by less than twice the standard error.",
        values=values,
        inputs=source("rules"),
    )


def exact(_: Context) -> Outcome:
    """Whether grids and inversion remove exactly what they must: the averaged energy itself, projected ever more exactly."""
    from ase.build import molecule

    from ..diagnostic.symmetry.averaged_calculator import AveragedCalculator
    from ..diagnostic.symmetry.breaking import evaluate, turned
    from ..diagnostic.symmetry.calculators import load_calculator

    model = load_calculator("water-unconstrained").calculator
    both = AveragedCalculator(model, "grid", degree=2, inversion=True)
    ends = [evaluate(both, turned(molecule("H2O"), np.eye(3), invert=invert))[0] for invert in (False, True)]
    difference = abs(ends[0] - ends[1])
    values, table, removed, left = [], [], difference, 0.0
    for name in ("2", "3"):
        by_grid = sorted(rows("exact", rule=name), key=lambda row: int(row["projected_to"]))
        degree = int(by_grid[-1]["exact_to"])
        sizes = by_grid[-1]["amplitudes"]
        removed = max(removed, *sizes[:degree])
        left = max(left, *sizes[degree:]) if name == "2" else left
        values += [
            Value(f"rule {name}, l = {l}: amplitude", size, expected=0.0 if l <= degree else None, note="eV")
            for l, size in enumerate(sizes, start=1)
        ]
        table += [
            {"rule": name, "projection exact to l": row["projected_to"], "evaluations": row["evaluations"]}
            | {f"l = {l}": size for l, size in enumerate(row["amplitudes"], start=1)}
            for row in by_grid
        ]
    holds = removed < _ROUNDING < left
    return Outcome(
        "holds" if holds else "does not hold",
        f"Where the rules are exact the largest amplitude is {removed:.0e} eV; rule 2 leaves {left:.0e} eV at l = 3 or 4.",
        reason=""
        if holds
        else "An amplitude is beyond rounding where the rule is exact, or nothing is left above.",
        values=[*values, Value("2i: a structure against its inverse", difference, expected=0.0, note="eV")],
        tables={"Amplitudes of the averaged energy (eV), by the grid that projects it": table},
        inputs={"model": "water-unconstrained", "structure": "H2O of ase.build"} | source("exact"),
    )
