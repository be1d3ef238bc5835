"""Recovery with intervals, from sums of squared errors over blocks of held-out frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .error_sums import ErrorSums, pool

#: Level of every interval.
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A value with a percentile-bootstrap interval."""

    value: float
    low: float
    high: float


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


class Bootstrap:
    """Resamples of blocks of frames and of atoms, drawn once and used for every statistic.

    A cluster bootstrap: frames near in time stay together in a block, and where a figure speaks for several atoms
    these are resampled too (blocks and atoms are crossed, so both are resampled independently).
    """

    def __init__(self, blocks: int, draws: int, rng: np.random.Generator) -> None:
        self.draws = draws
        self._counts = rng.multinomial(blocks, np.full(blocks, 1.0 / blocks), size=draws).T.astype(np.float64)
        self._seed = int(rng.integers(2**63))

    def totals(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return resampled sums ``(atoms, draws)`` of ``(atoms, blocks)``."""
        return np.asarray(values @ self._counts)

    def atoms(self, count: int) -> NDArray[np.int64]:
        """Return resampled atoms ``(count, draws)``."""
        return np.random.default_rng([self._seed, count]).integers(count, size=(count, self.draws))


def _stack(sums: Sequence[ErrorSums], name: str) -> NDArray[np.float64]:
    return np.stack([getattr(one, name) for one in sums])


def _interval(value: float, draws: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(low), float(high))


def _ratio(
    sums: Sequence[ErrorSums],
    bootstrap: Bootstrap,
    parts: Callable[[Callable[[str], NDArray[np.float64]]], tuple[NDArray[np.float64], NDArray[np.float64]]],
    combine: str,
) -> Interval:
    """Return a ratio of sums with its interval: the median over atoms, or the ratio of the pooled sums."""
    top, bottom = parts(lambda name: _stack(sums, name).sum(axis=1, keepdims=True))
    tops, bottoms = parts(lambda name: bootstrap.totals(_stack(sums, name)))
    if len(sums) > 1:
        which = bootstrap.atoms(len(sums))
        tops, bottoms = np.take_along_axis(tops, which, axis=0), np.take_along_axis(bottoms, which, axis=0)
    if combine == "median":
        return _interval(float(np.median(top / bottom)), np.median(tops / bottoms, axis=0))
    return _interval(float(top.sum() / bottom.sum()), tops.sum(axis=0) / bottoms.sum(axis=0))


def recovery(
    sums: Sequence[ErrorSums], bootstrap: Bootstrap, *, combine: str = "median", null: Sequence[float] = ()
) -> Recovery:
    """Return the recovery of one atom or of several.

    Parameters
    ----------
    sums
        One ErrorSums for each atom.
    combine
        ``median``: the median over atoms of each atom's own figure; ``pooled``: one figure from the summed errors.
    null
        R2 of fits on unrelated targets, of atoms with the same readout at the same l.
    """

    def gains(get: Callable[[str], NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        start = get("before") - get("blank")
        return start - get("after"), start - get("oracle")

    r2 = _ratio(sums, bootstrap, lambda get: (get("injected") - get("missed"), get("injected")), combine)
    rho = _ratio(sums, bootstrap, gains, combine)
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
