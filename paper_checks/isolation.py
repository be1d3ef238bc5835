"""The isolation controls that the paper's authors promised to the referee."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from .backbones import inputs_of
from .context import Context
from .effort import MAIN, main_run, run
from .measures import interval, row
from .outcome import Outcome, Value, Verdict


def zero_injection(context: Context) -> Outcome:
    """What the readout takes of the backbone's own error when nothing is injected, and the null band."""
    result = main_run(context)
    control = next(c for c in result["controls"] if c["name"] == "zero injection")
    shares = [float(x) for x in re.findall(r"-?\d+\.\d+", control["sentence"])]
    share = shares[0] / 100.0
    nulls = [
        abs(float(entry["null_high"]))
        for l in range(1, 9)
        if (entry := row(result, l)) and entry["null_high"] is not None
    ]
    small, narrow = abs(share) < 0.05, max(nulls) < 0.02
    verdict: Verdict = (
        "holds"
        if small and narrow
        else "does not hold"
        if not small
        else "holds in direction, number differs"
    )
    return Outcome(
        verdict,
        f"{control['sentence']} The upper end of the null band of R² is at most {max(nulls):.4f} for l = 1 to 8.",
        values=(
            Value(
                "share of the error's power, median atom",
                share,
                shares[1] / 100,
                shares[2] / 100,
                expected=0.0,
                note="range over atoms",
            ),
            Value("largest upper end of the null band", max(nulls), expected=0.0),
        ),
        inputs=inputs_of([(MAIN, result)]),
    )


def readout_seeds(context: Context) -> Outcome:
    """Spread of R2(4) and R2(5) over seeds of the readout's random rotations."""
    count = 3 if context.quick else 5
    results = []
    for seed in range(count):
        # The data split follows the seed of the backbone's training where it can, so that only the readout changes.
        other = replace(context, seed=context.seed + seed)
        results.append((f"seed {context.seed + seed}", run(other, MAIN, l_top=6)))
    inside = [float(row(r, 4)["r2"]) for _, r in results]  # type: ignore[index]
    outside = [float(row(r, 5)["r2"]) for _, r in results]  # type: ignore[index]
    spread = float(np.std(inside, ddof=1))
    below = max(outside) < 0.05
    verdict: Verdict = (
        "holds"
        if spread < 0.02 and below
        else "does not hold"
        if spread >= 0.1
        else "holds in direction, number differs"
    )
    return Outcome(
        verdict,
        f"R²(4) over {count} seeds: mean {np.mean(inside):.3f}, standard deviation {spread:.4f}; R²(5) at most "
        f"{max(outside):.4f}.",
        values=(
            Value("standard deviation of R2(4) over seeds", spread),
            Value(
                "mean R2(4) over seeds",
                float(np.mean(inside)),
                min(inside),
                max(inside),
                note="range over seeds",
            ),
            Value("largest R2(5) over seeds", max(outside), expected=0.0),
        ),
        tables={
            "Seeds": [
                {"seed": n, "R2(4)": interval(row(r, 4)), "R2(5)": interval(row(r, 5))} for n, r in results
            ]
        },
        inputs=inputs_of(results),
    )
