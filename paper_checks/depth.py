"""Claims about the depth of the backbone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from .backbones import curves, inputs_of, joint_verdict, shipped
from .context import Context
from .effort import BASE, standard
from .measures import atoms, cliff, interval, last_recovered, recovered, row, table_rows, value_of
from .outcome import Chart, Line, Outcome, Value, Verdict

#: Backbones by their number of interaction layers.
BY_DEPTH = {2: f"{BASE}-depth2", 3: BASE, 4: f"{BASE}-depth4"}


def depth_cliff(context: Context) -> Outcome:
    """The cliff stays at d L at every depth, for the quadratic and for the cubic readout."""
    shipped(*BY_DEPTH.values())
    degrees = (2,) if context.quick else (2, 3)
    runs = [(depth, standard(context, name)) for depth, name in BY_DEPTH.items()]
    cases = [(depth, d, result, 2 * d) for depth, result in runs for d in degrees]
    stand = [cliff(result, b, degree=d)[0] for _, d, result, b in cases]
    broken = [recovered(row(result, b + 1, degree=d)) for _, d, result, b in cases]
    tables = {
        f"Degree {d}": [
            {"layers": depth, **table_rows([(BY_DEPTH[depth], r, 2 * d)], degree=d)[0]} for depth, r in runs
        ]
        for d in degrees
    }
    named = [(f"{depth} layers", result) for depth, result in runs]
    return Outcome(
        joint_verdict(stand, broken),
        "; ".join(
            f"degree {d}, {depth} layers: last recovered l = {last_recovered(result, degree=d)}, predicted {b}"
            for depth, d, result, b in cases
        )
        + ".",
        reason="The quick run leaves out the cubic readout." if context.quick else "",
        values=tuple(
            value_of(row(result, b + 1, degree=d), f"R2({b + 1}), degree {d}, {depth} layers", expected=0.0)
            for depth, d, result, b in cases
        ),
        tables=tables,
        charts=(
            curves(
                named,
                "Cliff by depth, quadratic readout",
                "R² against l, one line each; the dotted line is the ceiling.",
                [4],
            ),
        ),
        inputs=inputs_of(named),
    )


def paired_height(
    deep: dict[str, Any], shallow: dict[str, Any], l: int, rng: np.random.Generator, draws: int = 2000
) -> tuple[float, float, float]:
    """Return the mean over atoms of the difference of R2(l) of two runs, with a bootstrap interval over atoms."""
    first = {i: entry["r2"] for i, _, entry in atoms(deep, l)}
    second = {i: entry["r2"] for i, _, entry in atoms(shallow, l)}
    both = np.array([first[i] - second[i] for i in first if i in second])
    drawn = both[rng.integers(len(both), size=(draws, len(both)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(both.mean()), float(low), float(high)


def _reason(verdict: Verdict, total: tuple[float, float, float]) -> str:
    """Say in which way the heights differ from the claim."""
    if verdict == "holds":
        return ""
    if total[2] < 0.0:
        return (
            "Here a deeper layer recovers less below the ceiling. One backbone for each depth was trained, the last layer but "
            "one is tapped, and the free readout keeps few channels. We do not know which layer the paper taps or how large its "
            "readout is."
        )
    return "One backbone for each depth was trained, and the differences are not all in the direction of the claim."


def depth_height(context: Context) -> Outcome:
    """Whether the recovery below the ceiling rises with depth."""
    shipped(*BY_DEPTH.values())
    runs = {depth: standard(context, name) for depth, name in BY_DEPTH.items()}
    rng = np.random.default_rng([context.seed, 7])
    depths = sorted(runs)
    steps = [(a, b, l, paired_height(runs[b], runs[a], l, rng)) for l in (3, 4) for a, b in pairwise(depths)]
    total = paired_height(runs[depths[-1]], runs[depths[0]], 4, rng)
    verdict: Verdict = "does not hold"
    if all(gain[1] > 0.0 for _, _, l, gain in steps if l == 4):
        verdict = "holds"
    elif total[0] > 0.0:
        verdict = "holds in direction, number differs"
    at = {depth: {l: row(result, l) for l in (3, 4)} for depth, result in runs.items()}
    heights = ", ".join(f"{interval(at[d][4])} with {d}" for d in depths)
    parts = [[step[3][k] for step in steps] for k in range(3)]
    categories = tuple(f"l = {l}, {a} to {b} layers" for a, b, l, _ in steps)
    return Outcome(
        verdict,
        f"R²(4) of the median atom: {heights} layers. From {depths[0]} to {depths[-1]} layers an atom's R²(4) changes by "
        f"{total[0]:+.3f} [{total[1]:+.3f}, {total[2]:+.3f}] in the mean.",
        reason=_reason(verdict, total),
        values=(
            Value(
                f"change of R2(4), {depths[0]} to {depths[-1]} layers",
                *total,
                note="mean over atoms, interval over atoms",
            ),
            *(value_of(at[d][l], f"R2({l}), {d} layers") for d in depths for l in (3, 4)),
        ),
        charts=(
            Chart(
                "Change of R² by one more layer, paired over atoms",
                "change of R²",
                "",
                "Changes of R² below the ceiling from one depth to the next, with intervals over atoms.",
                kind="bars",
                lines=(
                    Line(
                        "change",
                        [float(k) for k in range(len(steps))],
                        parts[0],
                        parts[1],
                        parts[2],
                    ),
                ),
                categories=categories,
                marks=((0.0, ""),),
            ),
        ),
        inputs=inputs_of([(f"{d} layers", runs[d]) for d in depths]),
    )
