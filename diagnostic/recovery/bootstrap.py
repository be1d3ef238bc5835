"""Recovery with intervals, from sums of squared errors over held-out frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .error_sums import ErrorSums, pool
from .hierarchy import LEVEL, Bootstrap, Interval, Statistic, interval

__all__ = ["LEVEL", "Bootstrap", "Combine", "Interval", "Recovery", "recovery", "share_of", "sums_table"]

#: How several atoms become one figure: the median of their own figures, or one figure of the summed errors.
Combine = Literal["median", "pooled"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recovery:
    """What was recovered at one l.

    Attributes
    ----------
    r2
        R2_inj = 1 - |dF - (p[F'] - p[F])|^2 / |dF|^2, with p[F'] and p[F] the predictions of the same fit with and
        without the injection.
    rho
        Recovery fraction: the raw gain over that of the oracle, the same fit with T among its features; from both the
        gain at zero injection is taken off.
    gain
        Raw gain, MSE without the readout minus MSE with it, (eV/Å)^2.
    null_high
        Upper 97.5 % point of the R2 of the same fit on unrelated targets; None where no null was drawn.
    """

    r2: Interval
    rho: Interval
    gain: float
    null_high: float | None


#: The sums that R2 and rho are made of.
NAMES = ("injected", "missed", "before", "after", "oracle", "blank", "count")


def sums_table(backbones: Sequence[Sequence[ErrorSums]]) -> dict[str, list[Array]]:
    """Return the sums by name: one array ``(atoms, frames)`` for each backbone."""
    return {
        name: [np.stack([getattr(sums, name) for sums in atoms]) for atoms in backbones] for name in NAMES
    }


def _ratio(top: Array, bottom: Array) -> Array:
    """Return top / bottom, and 0 where both stand for nothing: of a field that symmetry makes zero nothing is recovered."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0.0)


def share_of(kind: Literal["r2", "rho"], combine: Combine) -> Statistic:
    """Return the statistic R2 or rho of the atoms of each backbone."""

    def r2(get: Callable[[str], Array]) -> tuple[Array, Array]:
        return get("injected") - get("missed"), get("injected")

    def rho(get: Callable[[str], Array]) -> tuple[Array, Array]:
        start = get("before") - get("blank")
        return start - get("after"), start - get("oracle")

    parts = r2 if kind == "r2" else rho

    def statistic(get: Callable[[str], Array]) -> Array:
        top, bottom = parts(get)
        if combine == "median":
            return np.asarray(np.median(_ratio(top, bottom), axis=1))
        return _ratio(top.sum(axis=1), bottom.sum(axis=1))

    return statistic


def recovery(
    sums: Sequence[ErrorSums],
    bootstrap: Bootstrap,
    *,
    combine: Combine = "median",
    null: Sequence[float] = (),
) -> Recovery:
    """Return the recovery of one atom or of several, under one backbone.

    Parameters
    ----------
    sums
        One ErrorSums for each atom.
    combine
        ``median``: the median over atoms of each atom's own figure; ``pooled``: one figure from the summed errors.
    null
        R2 of fits on unrelated targets, of atoms with the same readout at the same l.
    """
    table = sums_table([sums])
    r2 = interval(share_of("r2", combine), table, bootstrap, share=True, median=combine == "median")
    rho = interval(share_of("rho", combine), table, bootstrap, share=True, median=combine == "median")
    total = pool(sums)
    gain = float((total.before.sum() - total.after.sum()) / total.count.sum())
    null_high = None
    if len(null):
        values = np.asarray(null, dtype=np.float64)
        if combine == "median" and len(sums) > 1:
            picks = values[
                np.random.default_rng([len(values), len(sums)]).integers(len(values), size=(len(sums), 2000))
            ]
            values = np.median(picks, axis=0)
        null_high = float(np.quantile(values, (1 + LEVEL) / 2))
    return Recovery(r2, rho, gain, null_high)
