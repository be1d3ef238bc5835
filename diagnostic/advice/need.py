"""What the forces need: the curve of what is left against l, and the l_max that it asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .density import Floats
from .result_types import Choice, NeedPoint
from .shares import RESAMPLES, TAIL


def need_curve(
    usual: Sequence[Floats],
    ample: Sequence[Floats],
    power: Floats,
    components: int,
    tolerance: float,
    rng: np.random.Generator,
) -> tuple[list[NeedPoint], Choice | None]:
    """Return the curve and the choice of l_max; without the fits with ample radial channels there is no choice.

    Parameters
    ----------
    usual, ample
        For each l from 0 the squared error of held-out blocks, ``(blocks,)``, of order 2 with degrees up to l: with the channels
        of the base, and with more radial channels and order 3 up to that l and the base's L.
    power : (blocks,) array
        Power of the target.
    components
        Number of held-out force components.
    tolerance
        Part of the RMS error that degrees above the choice may remove.
    rng
        Draws the resampled blocks.
    """
    counts = rng.multinomial(len(power), np.full(len(power), 1 / len(power)), size=RESAMPLES).astype(
        np.float64
    )
    whole = np.maximum(counts @ power, np.finfo(float).tiny)

    def left(error: Floats) -> tuple[float, float, float, float]:
        low, high = np.quantile((counts @ error) / whole, [TAIL, 1 - TAIL])
        total = float(error.sum())
        return (
            total / max(float(power.sum()), np.finfo(float).tiny),
            float(low),
            float(high),
            float(np.sqrt(total / components)),
        )

    points: list[NeedPoint] = []
    for l, error in enumerate(usual):
        part, low, high, rms = left(error)
        wide = left(ample[l]) if ample else (None,) * 4
        points.append({
            "l": l, "left": part, "low": low, "high": high, "rms_eV_A": rms,
            "ample_left": wide[0], "ample_low": wide[1], "ample_high": wide[2], "ample_rms_eV_A": wide[3],
        })  # fmt: skip
    return points, choose(ample, counts, tolerance) if ample else None


def choose(ample: Sequence[Floats], counts: Floats, tolerance: float) -> Choice:
    """Return the smallest l_max above which no single degree more lowers the RMS error by more than the part ``tolerance``.

    The interval is that of the largest of these steps, over the resampled blocks.
    """
    sums = np.maximum(np.stack([counts @ error for error in ample]), np.finfo(float).tiny)
    totals = np.maximum([float(error.sum()) for error in ample], np.finfo(float).tiny)
    steps, drawn = 1 - np.sqrt(totals[1:] / totals[:-1]), 1 - np.sqrt(sums[1:] / sums[:-1])
    top = len(ample) - 1
    l = next((l for l in range(top) if steps[l:].max() <= tolerance), None)
    if l is None:
        sentence = (
            f"No l_max below {top} is enough: with more radial channels and order 3, degree {top} still lowers the RMS error by "
            f"more than {100 * tolerance:.2g} %; give a larger --top."
        )
        return {
            "l_max": None,
            "tolerance": tolerance,
            "excess": None,
            "low": None,
            "high": None,
            "sentence": sentence,
        }
    excess = float(steps[l:].max())
    low, high = (float(q) for q in np.quantile(drawn[l:].max(axis=0), [TAIL, 1 - TAIL]))
    sentence = (
        f"Choose l_max = {l}: beside more radial channels and order 3, no further degree up to {top} lowers the RMS error by "
        f"more than {100 * max(0.0, excess):.2g} % ({100 * max(0.0, low):.2g} to {100 * max(0.0, high):.2g} %)."
    )
    return {
        "l_max": l,
        "tolerance": tolerance,
        "excess": excess,
        "low": low,
        "high": high,
        "sentence": sentence,
    }
