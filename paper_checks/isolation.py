"""The isolation controls that the paper's authors promised to the referee."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np

from .backbones import inputs_of
from .context import Context
from .effort import MAIN, run
from .measures import atoms, interval, row
from .outcome import Chart, Line, Outcome, Value, Verdict


def zero_injection(context: Context) -> Outcome:
    """What the readout takes of the backbone's own error when nothing is injected, and the null band."""
    result = run(context, MAIN, controls=True, l_top=6)
    control = next(c for c in result["controls"] if c["name"] == "zero injection")
    shares = [float(x) for x in re.findall(r"-?\d+\.\d+", control["sentence"])]
    share = shares[0] / 100.0
    nulls = [
        abs(float(one["null_high"]))
        for l in range(1, 7)
        if (one := row(result, l)) and one["null_high"] is not None
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
        f"{control['sentence']} The upper end of the null band of R² is at most {max(nulls):.4f} for l = 1 to 6.",
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


def contrasts(result: dict[str, Any]) -> list[tuple[str, float]]:
    """Return Delta(4) - Delta(5), the contrast of raw gains in (eV/Å)^2, of every atom."""
    above = {i: one for i, _, one in atoms(result, 5)}
    return [(f"{element}{i}", float(one["gain"] - above[i]["gain"])) for i, element, one in atoms(result, 4)]


def full_distribution(context: Context) -> Outcome:
    """The raw-gain contrast over all atoms and held-out frames, none left out."""
    result = run(context, MAIN, l_top=6)
    found = sorted(contrasts(result), key=lambda one: one[1])
    values = np.array([value for _, value in found])
    rng = np.random.default_rng([context.seed, 31])
    drawn = values[rng.integers(len(values), size=(2000, len(values)))].mean(axis=1)
    low, high = (float(x) for x in np.quantile(drawn, [0.025, 0.975]))
    positive = int((values > 0.0).sum())
    verdict: Verdict = "does not hold"
    if low > 0.0:
        verdict = "holds" if positive == len(values) else "holds in direction, number differs"
    return Outcome(
        verdict,
        f"Delta(4) - Delta(5) is {values.mean():.4f} [{low:.4f}, {high:.4f}] (eV/Å)² in the mean over atoms; it is positive for "
        f"{positive} of {len(values)} atoms, with nothing left out and no threshold.",
        values=(
            Value("Delta(4) - Delta(5), mean over atoms, (eV/Å)²", float(values.mean()), low, high),
            Value("share of atoms with a positive contrast", positive / len(values), expected=1.0),
        ),
        charts=(
            Chart(
                "Raw-gain contrast of each atom",
                "Delta(4) - Delta(5), (eV/Å)²",
                "",
                "Every atom's contrast lies right of zero.",
                kind="bars",
                lines=(Line("contrast", [float(k) for k in range(len(found))], values.tolist()),),
                categories=tuple(name for name, _ in found),
                marks=((0.0, ""),),
            ),
        ),
        inputs=inputs_of([(MAIN, result)]),
    )
