r"""Means of correlated records with honest errors: blocks whose length follows from the record's autocorrelation time.

Of a stationary series x with variance s² and autocorrelation rho(k), the mean of N records has the variance

.. math:: \mathrm{var}\,\bar x = \frac{2 \tau}{N} s^2 (1 + O(\tau / N)), \qquad \tau = \tfrac12 + \sum_{k \ge 1} \rho(k),

so that a run holds :math:`N / 2 \tau` independent records. :math:`\tau` is summed up to the first W with :math:`W \ge 5 \tau(W)`
(A. D. Sokal, in *Functional Integration*, NATO ASI 361, 131 (1997)), with the correction for the mean that was subtracted (U.
Wolff, Comput. Phys. Commun. 156, 143 (2004)). The error is that of the means of blocks of :math:`B \ge 10 \tau` records (H.
Flyvbjerg and H. G. Petersen, J. Chem. Phys. 91, 461 (1989)); blocks are doubled as long as neighbours among them are still
correlated, which a slow part below a fast one would hide from the window.

:math:`\tau` itself is only estimated, with the relative variance :math:`\delta^2 = 2 (2 W + 1) / N`, ten over the number of
independent records; of its inverse the mean is too large by :math:`1 + \delta^2`. The square of the error carries that factor:
without it, a run of 20 to 40 autocorrelation times that looks long enough because its :math:`\tau` came out small would be too
sure. Blocks that are whole replicas need none.

Replicas (runs from independent starts) share one mean, one :math:`\tau` and one set of blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from ...theory.errors import InputError
from ..generation.autocorrelation import lagged_products

Array = NDArray[np.float64]
#: The window of the sum over lags ends at the first lag of at least so many autocorrelation times.
_WINDOW = 5.0
#: Records of a block, in autocorrelation times.
_BLOCK = 10.0
#: Below so many independent records (20 autocorrelation times) an autocorrelation time cannot be told.
ENOUGH = 10.0
#: Relative variance of an estimated autocorrelation time, times the number of independent records: 2 (2 W + 1) / N, W = 5 tau.
_SCATTER = 2 * _WINDOW
#: Blocks are doubled while the correlation of neighbours exceeds so many of its standard errors, and so many blocks are left.
_CORRELATED, _FEWEST = 1.645, 8
#: Columns whose autocorrelations are computed at a time: bounds the memory.
_CHUNK = 64


@dataclass(frozen=True)
class Estimate:
    """A mean with its statistical error.

    Attributes
    ----------
    value
        Mean over all records.
    error
        One standard error of it; where ``enough`` is false the spread of the records, as if there were a single one.
    independent
        Number of independent records, N / (2 tau).
    tau
        Integrated autocorrelation time in records; 1/2 without correlation.
    blocks
        Blocks that the error comes from; intervals are those of Student's t with one degree of freedom less.
    enough
        Whether the run is long enough for an error: three blocks of ten autocorrelation times, which a single run of thirty has,
        or of replicas three and twenty such times in all.
    """

    value: float
    error: float
    independent: float
    tau: float
    blocks: int
    enough: bool

    def half_width(self, confidence: float = 0.95, numbers: int = 1) -> float:
        """Return the half width of the interval, simultaneous over ``numbers`` (Bonferroni).

        Examples
        --------
        >>> round(Estimate(0.0, 1.0, 1e6, 0.5, 10**6, True).half_width(), 3)
        1.96
        """
        if self.error == 0:
            return 0.0
        level = 1 - (1 - confidence) / (2 * max(1, numbers))
        return float(student.ppf(level, max(1, self.blocks - 1))) * self.error

    def scaled(self, factor: float) -> Estimate:
        """Return the estimate of ``factor`` times the quantity."""
        return Estimate(
            factor * self.value,
            abs(factor) * self.error,
            self.independent,
            self.tau,
            self.blocks,
            self.enough,
        )


def exact(value: float, records: int = 1) -> Estimate:
    """Return a number that has no statistical error, because it holds of the trajectory itself."""
    return Estimate(float(value), 0.0, float(records), 0.5, max(2, records), True)


def as_replicas(series: object) -> list[Array]:
    """Return a series, or a sequence of series, as a list of arrays (records, columns).

    Raises
    ------
    InputError
        For no record at all, or a value that is not finite.
    """
    given: Sequence[Any] = series if isinstance(series, list | tuple) else [series]
    replicas = [np.asarray(one_run, dtype=np.float64) for one_run in given]
    replicas = [run.reshape(len(run), -1) for run in replicas if run.ndim and len(run)]
    if not replicas:
        raise InputError("a mean needs at least one record, and there is none: lengthen the run.")
    if not all(np.isfinite(run).all() for run in replicas):
        raise InputError("a series holds values that are not finite: end the run before it explodes.")
    return replicas


def correlation_time(replicas: Sequence[Array]) -> Array:
    """Return the integrated autocorrelation time (records) of every column, at least 1/2.

    The autocovariance is averaged over replicas about their common mean, so that what differs between replicas counts as slow.
    """
    total = sum(len(run) for run in replicas)
    columns = replicas[0].shape[1]
    mean = sum(run.sum(axis=0) for run in replicas) / total
    longest = max(len(run) for run in replicas)
    counts = np.sum([np.maximum(len(run) - np.arange(longest), 0) for run in replicas], axis=0)
    taus = np.empty(columns)
    for start in range(0, columns, _CHUNK):
        part = slice(start, min(columns, start + _CHUNK))
        products = np.zeros((longest, part.stop - start))
        for run in replicas:
            products[: len(run)] += lagged_products(run[:, part] - mean[part])
        taus[part] = _windowed(products / counts[:, None], total)
    return taus


def _windowed(covariance: Array, total: int) -> Array:
    """Return tau of autocovariances (lags, columns) of ``total`` records."""
    variance = covariance[0]
    safe = np.where(variance > 0, variance, 1.0)
    sums = 0.5 + np.cumsum(covariance[1:] / safe, axis=0)
    if not len(sums):
        return np.full(len(variance), 0.5)
    lags = np.arange(1, len(sums) + 1)[:, None]
    closed = lags >= _WINDOW * np.maximum(sums, 0.5)
    ends = np.where(closed.any(axis=0), closed.argmax(axis=0), len(sums) - 1)
    tau = sums[ends, np.arange(len(variance))]
    # the subtracted mean lowers every covariance by 2 tau s² / N
    tau = tau * (1 + (2 * (ends + 1) + 1) / total)
    return np.where(variance > 0, np.clip(tau, 0.5, total / 2), 0.5)


def block_means(replicas: Sequence[Array], length: float) -> tuple[Array, Array]:
    """Return the means (blocks, columns) of blocks of about ``length`` records or more, and their weights, which sum to 1.

    Every record counts once; no block reaches over two replicas.
    """
    means, weights = [], []
    total = sum(len(run) for run in replicas)
    for run in replicas:
        count = max(1, int(len(run) // max(1.0, length)))
        edges = np.linspace(0, len(run), count + 1).astype(int)
        means.append(np.add.reduceat(run, edges[:-1], axis=0) / np.diff(edges)[:, None])
        weights.append(np.diff(edges) / total)
    return np.concatenate(means), np.concatenate(weights)


def _block_error(replicas: Sequence[Array], tau: float) -> tuple[float, float, int]:
    r"""Return the standard error of the mean of one column, the autocorrelation time that it amounts to, and the blocks.

    The means of blocks of B records miss what is correlated across their borders: for an exponential decay, B times their
    variance is :math:`2 \tau s^2 (1 - x)` with :math:`x = (\tau - 1/4\tau) / B`; with n blocks about their own mean, the
    estimate is low by :math:`(1 - x (n+1)/n) / (1 - x/n)`.
    """
    length = max(1.0, float(np.ceil(_BLOCK * tau))) if tau > 0.5 else 1.0
    while True:
        means, weights = block_means(replicas, length)
        count = len(means)
        if count < 2:
            return float("inf"), tau, count
        deviations = means[:, 0] - weights @ means[:, 0]
        variance = float((weights**2 * deviations**2).sum()) * count / (count - 1)
        neighbours = float((deviations[1:] * deviations[:-1]).sum())
        spread = float((deviations**2).sum())
        coupled = spread > 0 and neighbours / spread > _CORRELATED / np.sqrt(count)
        # blocks that are whole replicas are independent and grow no longer
        if not coupled or count < 2 * _FEWEST or count <= len(replicas):
            break
        length *= 2
        tau = max(tau, length / _BLOCK)
    missed = (tau - 0.25 / tau) / length if len(replicas) < count else 0.0
    factor = (1 - missed / count) / (1 - missed * (count + 1) / count)
    return float(np.sqrt(variance * max(factor, 1.0))), tau, count


def blocked_columns(series: object) -> list[Estimate]:
    """Return the mean of every column of (records, columns), or of a list of such (replicas), with its error.

    Examples
    --------
    >>> [round(estimate.value, 3) for estimate in blocked_columns(np.array([[1.0, 2.0], [3.0, 2.0]]))]
    [2.0, 2.0]
    """
    replicas = as_replicas(series)
    total = sum(len(run) for run in replicas)
    taus = correlation_time(replicas)
    mean = sum(run.sum(axis=0) for run in replicas) / total
    estimates = []
    for column, tau in enumerate(taus):
        runs = [run[:, column : column + 1] for run in replicas]
        spread = float(np.sqrt(sum(((run - mean[column]) ** 2).sum() for run in runs) / max(1, total - 1)))
        size = float(max(np.abs(run).max() for run in runs))
        if total > 1 and spread <= 4 * np.finfo(np.float64).eps * size:  # constant but for rounding
            estimates.append(Estimate(float(mean[column]), spread, float(total), 0.5, total, True))
            continue
        error, longer, blocks = _block_error(runs, float(tau))
        independent = total / (2 * longer)
        enough = blocks >= 3 and (independent >= ENOUGH or len(replicas) >= ENOUGH)
        estimates.append(
            Estimate(
                float(mean[column]),
                error * (1.0 if blocks <= len(replicas) else float(np.sqrt(1 + _SCATTER / independent)))
                if enough
                else max(spread, error if np.isfinite(error) else 0.0),
                independent,
                longer,
                max(blocks, 1),
                enough,
            )
        )
    return estimates


def blocked(series: object) -> Estimate:
    """Return the mean of a series (records,), or of a list of such (replicas), with its error by blocking.

    Raises
    ------
    InputError
        For no record, for values that are not finite, or for several columns: use ``blocked_columns``.

    Examples
    --------
    >>> blocked(np.array([1.0, 1.0, 1.0])).error
    0.0
    """
    estimates = blocked_columns(series)
    if len(estimates) != 1:
        raise InputError(f"a series of {len(estimates)} columns was given, expected (records,)")
    return estimates[0]


def squared_norm(means: Array) -> tuple[float, float]:
    r"""Return :math:`|E x|^2` from independent block means x (blocks, columns) without the bias of finite sampling, and its
    error.

    :math:`S = \sum_{b \ne b'} x_b \cdot x_{b'} / n(n-1)` is unbiased, because blocks are independent; with
    :math:`h(x, x') = x \cdot x'` its variance is :math:`[4 (n-2) \zeta_1 + 2 \zeta_2] / n(n-1)`, :math:`\zeta_1` the variance of
    :math:`E[h | x]` and :math:`\zeta_2` that of h (W. Hoeffding, Ann. Math. Stat. 19, 293 (1948)). Both are estimated from the
    matrix of products.

    Raises
    ------
    InputError
        For fewer than three blocks.
    """
    count = len(means)
    if count < 3:
        raise InputError(f"{count} blocks were given, and a squared mean needs 3 to lose its bias")
    total = means.sum(axis=0)
    squares = (means**2).sum(axis=1)
    pairs = count * (count - 1)
    value = float((total @ total - squares.sum()) / pairs)
    # sum over pairs of h²: through the smaller of the two Gram matrices
    gram = means @ means.T if count <= means.shape[1] else means.T @ means
    second = float(((gram**2).sum() - (squares**2).sum()) / pairs)
    spread = max(0.0, second - value**2)
    rows = (means @ total - squares) / (count - 1)
    # a block moves the others' rows too, so that rows differ by (n-2)/(n-1) of what they should
    first = max(0.0, float(rows.var(ddof=1)) * ((count - 1) / (count - 2)) ** 2 - spread / (count - 1))
    return value, float(np.sqrt((4 * (count - 2) * first + 2 * spread) / pairs))
