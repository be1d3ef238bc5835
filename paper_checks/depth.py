"""Claims about the depth of the backbone: over several seeds of each depth on two molecules, and on aspirin."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .backbones import curves, inputs_of, joint_verdict, shipped
from .context import Context
from .effort import BASE, standard
from .measures import atoms, cliff, interval, last_recovered, recovered, row, table_rows, value_of
from .outcome import Chart, Line, Outcome, Value, Verdict
from .trained import Change, at, at_the_ceiling, beyond, change, mean_line, source, table_of, trained

#: Backbones by their number of interaction layers.
BY_DEPTH = {2: f"{BASE}-depth2", 3: BASE, 4: f"{BASE}-depth4"}


def depth_cliff(context: Context) -> Outcome:
    """The cliff stays at d L at every depth, for the quadratic and for the cubic readout."""
    shipped(*BY_DEPTH.values())
    degrees = (2,) if context.quick else (2, 3)
    runs = [(depth, standard(context, name)) for depth, name in BY_DEPTH.items()]
    cases = [(depth, d, result, 2 * d) for depth, result in runs for d in degrees]
    backbones = trained("depth")
    stand = [cliff(result, b, degree=d)[0] for _, d, result, b in cases]
    broken = [recovered(row(result, b + 1, degree=d)) for _, d, result, b in cases]
    stand.append(at_the_ceiling(backbones) == len(backbones))
    broken.append(beyond(backbones) > 0)
    tables = {
        f"Degree {d}": [
            {"layers": depth, **table_rows([(BY_DEPTH[depth], r, 2 * d)], degree=d)[0]} for depth, r in runs
        ]
        for d in degrees
    }
    tables["Several seeds, degree 2"] = table_of(backbones, "layers")
    named = [(f"{depth} layers", result) for depth, result in runs]
    by_depth = {depth: [each for each in backbones if each.labels["layers"] == depth] for depth in BY_DEPTH}
    return Outcome(
        joint_verdict(stand, broken),
        f"Degree 2, {len(backbones)} backbones of {', '.join(map(str, BY_DEPTH))} layers on two molecules: "
        f"{at_the_ceiling(backbones)} recover up to l = 4 and not beyond. On aspirin, one each: "
        + "; ".join(
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
            Chart(
                "Cliff by depth over seeds, quadratic readout",
                "angular frequency l of the injected field",
                "R² on held-out frames",
                "R² against l by depth, means over seeds and two molecules with their ranges; the dotted line is the ceiling.",
                lines=tuple(mean_line(f"{depth} layers", group) for depth, group in by_depth.items()),
                marks=((4.5, "ceiling 4"),),
            ),
        ),
        inputs={**source("depth"), **inputs_of(named)},
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


def verdict_of(steps: Sequence[Change], total: Change) -> Verdict:
    """Return what the changes of height over backbones say of the claim: nothing where their interval holds zero."""
    if all(step.low is not None and step.low > 0.0 for step in steps):
        return "holds"
    if total.low is not None and total.low > 0.0:
        return "holds in direction, number differs"
    return "does not hold" if total.high is not None and total.high < 0.0 else "cannot be checked here"


def _reason(verdict: Verdict) -> str:
    """Say in which way the heights differ from the claim, and how sure that is over backbones."""
    return {
        "holds": "",
        "holds in direction, number differs": "Not every step is above zero beyond what the seeds explain.",
        "does not hold": "Here deeper backbones recover less below the ceiling, beyond what their seeds explain. The last "
        "layer but one is tapped, and the free readout keeps few channels. We do not know which layer the paper taps, how large "
        "its readout is or how long it trains.",
        "cannot be checked here": "Backbones of one depth differ among seeds as much as depths do: from the shallowest to the "
        "deepest the interval over backbones holds zero, and one backbone for each depth can show either sign.",
    }[verdict]


def depth_height(context: Context) -> Outcome:
    """Whether the recovery below the ceiling rises with depth: over seeds on two molecules, and on aspirin."""
    backbones = trained("depth")
    depths = sorted({int(each.labels["layers"]) for each in backbones})

    def moved(first: int, second: int, l: int) -> Change:
        return change(backbones, "layers", second, first, at(l))

    steps = [(a, b, l, moved(a, b, l)) for l in (3, 4) for a, b in pairwise(depths)]
    total = moved(depths[0], depths[-1], 4)
    verdict = verdict_of([step for _, _, l, step in steps if l == 4], total)
    by_depth = {depth: [each for each in backbones if each.labels["layers"] == depth] for depth in depths}
    heights = ", ".join(f"{np.mean([each.r2[4] for each in by_depth[depth]]):.3f}" for depth in depths)
    aspirin, runs = _on_aspirin(context)
    categories = tuple(f"l = {l}, {a} to {b} layers" for a, b, l, _ in steps)
    ends = [[step.mean, step.low, step.high] for _, _, _, step in steps]
    parts = [[end[k] for end in ends] for k in range(3)]
    return Outcome(
        verdict,
        f"R²(4) of the median atom over {len(backbones)} backbones: {heights} with {', '.join(map(str, depths))} layers; from "
        f"{depths[0]} to {depths[-1]} layers {total}. {aspirin[1]}",
        reason=_reason(verdict),
        values=(
            total.value(f"change of R2(4), {depths[0]} to {depths[-1]} layers"),
            *(step.value(f"change of R2({l}), {a} to {b} layers") for a, b, l, step in steps),
            aspirin[0],
        ),
        tables={"Backbones by depth": table_of(backbones, "layers")},
        charts=(
            Chart(
                "Change of R² by one more layer, paired over seeds",
                "change of R²",
                "",
                "Changes of R² below the ceiling from one depth to the next, with intervals over backbones.",
                kind="bars",
                lines=(Line("change", [float(k) for k in range(len(steps))], parts[0], parts[1], parts[2]),),
                categories=categories,
                marks=((0.0, ""),),
            ),
        ),
        inputs={**source("depth"), **inputs_of([(f"aspirin, {d} layers", runs[d]) for d in sorted(runs)])},
    )


def _on_aspirin(context: Context) -> tuple[tuple[Value, str], dict[int, dict[str, Any]]]:
    """Return the change from the shallowest to the deepest of the backbones on aspirin, one for each depth, and their runs."""
    shipped(*BY_DEPTH.values())
    runs = {depth: standard(context, name) for depth, name in BY_DEPTH.items()}
    depths = sorted(runs)
    total = paired_height(runs[depths[-1]], runs[depths[0]], 4, np.random.default_rng([context.seed, 7]))
    heights = ", ".join(f"{interval(row(runs[d], 4))} with {d}" for d in depths)
    sentence = (
        f"On aspirin, one backbone each: {heights} layers; an atom's R²(4) changes by {total[0]:+.3f} [{total[1]:+.3f}, "
        f"{total[2]:+.3f}] in the mean."
    )
    name = f"aspirin, one backbone each: change of R2(4), {depths[0]} to {depths[-1]} layers"
    return (Value(name, *total, note="mean over atoms, interval over atoms"), sentence), runs
