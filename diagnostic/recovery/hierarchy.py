r"""Intervals that stay honest when a level has few members: backbones, blocks of frames, atoms.

A figure is computed from sums :math:`S_{bak}` over backbone b, atom a and block k of held-out frames. Every level is resampled
on its own with the others whole (a cluster bootstrap), which gives its variance :math:`V_i` and its own interval. A bootstrap
over n members misses a factor (n - 1)/n of the variance and knows it with n - 1 degrees of freedom only, so a level's
half-width is

.. math:: h_i = t_{n_i - 1} \sqrt{\frac{n_i}{n_i - 1} V_i},

with Student's t. For n = 4 backbones that is 3.18 * sqrt(4/3) = 3.67 times the bootstrap's standard error where a percentile
bootstrap takes 1.96 (few clusters: A. C. Cameron, J. B. Gelbach and D. L. Miller, Rev. Econ. Stat. 90, 414 (2008)). Where a
figure is the median over atoms, the level of atoms is the percentile interval of the resampled median: order statistics
of the atoms, whatever their distribution; with fewer than six atoms that is their range and covers 1 - 2^(1 - n) only.

The levels add in quadrature, each side for itself, :math:`h = (\sum_i h_i^2)^{1/2}`: for independent normal parts this covers at
least as often as it says (K. S. Banerjee, Sankhya 22, 65 (1960); for unequal sides G. Y. Zou and A. Donner, Stat. Med. 27,
1693 (2008)). With one level it is that level's own interval.

R2 and rho are shares: their intervals are made for the logarithm of what was missed, 1 - R2, and turned back, so that
no interval reaches past 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm as normal
from scipy.stats import t as student

from ...theory.errors import InputError
from .error_sums import block_starts

#: Level of every interval.
LEVEL = 0.95

LevelName = Literal["backbones", "blocks", "atoms"]
Array = NDArray[np.float64]
#: Sums by name; each is one array ``(atoms, frames)`` for each backbone.
Table = Mapping[str, Sequence[Array]]
#: Takes a function that gives sums by name, ``(backbones, atoms, draws)``; returns ``(..., backbones, draws)``.
Statistic = Callable[[Callable[[str], Array]], Array]


@dataclass(frozen=True)
class Level:
    """One level of the hierarchy: its members, its part of the variance, and how far its own interval reaches.

    The variance and the two reaches are on the scale that the interval is made on, log(1 - share) for a share.
    """

    name: LevelName
    members: int
    freedom: int
    variance: float = 0.0
    below: float = 0.0
    above: float = 0.0


@dataclass(frozen=True)
class Interval:
    """A value with its interval, and the levels that the interval is made of."""

    value: float
    low: float
    high: float
    levels: tuple[Level, ...] = field(default=(), compare=False)

    @property
    def share(self) -> dict[str, float]:
        """The part of the variance that each level has."""
        total = sum(level.variance for level in self.levels)
        return {level.name: level.variance / total if total > 0.0 else 0.0 for level in self.levels}


class Bootstrap:
    """Resamples of blocks of frames, of atoms and of backbones, drawn once and used for every statistic.

    Parameters
    ----------
    frames
        Number of held-out frames; neighbours in time stay together in a block.
    draws
        Number of resamples.
    rng
        Source of the resamples.
    clusters
        Whether sums are already those of clusters, one entry for each (groups of structures that were held out together): then
        each is resampled by itself. An atom, or a pool of environments, may be missing from some of them.
    """

    def __init__(self, frames: int, draws: int, rng: np.random.Generator, *, clusters: bool = False) -> None:
        self.frames, self.draws, self.clusters = frames, draws, clusters
        self._starts = self.starts(frames)
        self.blocks = len(self._starts)
        self._counts = _counts(self.blocks, draws, rng)
        self._seed = int(rng.integers(2**63))

    def starts(self, frames: int) -> NDArray[np.int64]:
        """Return the first frame of every block that is resampled whole."""
        return np.arange(frames) if self.clusters else block_starts(frames)

    def members(self, table: Table) -> int:
        """Return how many blocks an interval rests on: of clusters, those in which the rarest atom is there."""
        if not self.clusters:
            return self.blocks
        there = np.sum([np.abs(np.stack(arrays)).sum(axis=0) > 0.0 for arrays in table.values()], axis=0)
        counts = np.count_nonzero(there, axis=-1)
        return int(counts.min()) if counts.min() > 0 else self.blocks

    def totals(self, values: Array) -> Array:
        """Return resampled sums ``(..., draws)`` of ``(..., frames)``."""
        return np.asarray(np.add.reduceat(values, self._starts, axis=-1) @ self._counts)

    def nested_totals(self, values: Sequence[Array]) -> Array:
        """Return resampled sums ``(backbones, atoms, draws)``, the blocks of every backbone drawn on their own."""
        totals = []
        for number, array in enumerate(values):
            starts = self.starts(array.shape[-1])
            counts = _counts(len(starts), self.draws, np.random.default_rng([self._seed, number, 2]))
            totals.append(np.add.reduceat(array, starts, axis=-1) @ counts)
        return np.stack(totals)

    def atoms(self, count: int) -> NDArray[np.int64]:
        """Return resampled atoms ``(count, draws)``."""
        return np.random.default_rng([self._seed, count]).integers(count, size=(count, self.draws))

    def backbones(self, count: int) -> Array:
        """Return how often each backbone is drawn, ``(count, draws)``."""
        return _counts(count, self.draws, np.random.default_rng([self._seed, count, 1]))


def _counts(members: int, draws: int, rng: np.random.Generator) -> Array:
    return rng.multinomial(members, np.full(members, 1.0 / members), size=draws).T.astype(np.float64)


def resample(
    statistic: Statistic, table: Table, bootstrap: Bootstrap, *, crossed: bool = True
) -> tuple[Array, list[tuple[Level, Array]]]:
    """Return a statistic, averaged over backbones, with its resamples level by level.

    Parameters
    ----------
    statistic
        Returns ``(..., backbones, draws)`` from sums ``(backbones, atoms, draws)``.
    table
        Sums by name, one array ``(atoms, frames)`` for each backbone.
    crossed
        Whether all backbones were measured on the same held-out frames: then these are resampled together. Otherwise
        frames are nested in backbones. Atoms are always the same.

    Returns
    -------
    The statistic ``(...)``, and for each level with more than one member the level (its variance still 0) and the
    resampled statistic ``(..., draws)``.
    """
    whole = {
        name: np.stack([array.sum(axis=-1) for array in arrays])[..., None] for name, arrays in table.items()
    }
    each = statistic(lambda name: whole[name])[..., 0]
    backbones, atoms = next(iter(whole.values())).shape[:2]
    resampled: list[tuple[Level, Array]] = []
    if backbones > 1:
        draws = np.asarray(each @ bootstrap.backbones(backbones)) / backbones
        resampled.append((Level("backbones", backbones, backbones - 1), draws))
    counts = {len(bootstrap.starts(arrays[0].shape[-1])) for arrays in table.values()}
    if crossed or backbones == 1:
        blocks = bootstrap.members(table)
        freedom = blocks - 1

        def turned(name: str) -> Array:
            return bootstrap.totals(np.stack(table[name]))
    else:
        blocks = min(counts)
        freedom = backbones * (blocks - 1)

        def turned(name: str) -> Array:
            return bootstrap.nested_totals(table[name])

    if blocks > 1:
        level = Level("blocks", blocks, freedom)
        resampled.append((level, statistic(turned).mean(axis=-2)))
    if atoms > 1:
        which = bootstrap.atoms(atoms)
        draws = statistic(lambda name: whole[name][:, which, 0]).mean(axis=-2)
        resampled.append((Level("atoms", atoms, atoms - 1), draws))
    if not resampled:
        raise InputError(
            "an interval needs at least two blocks of ten held-out frames, or several atoms or backbones; give more frames"
        )
    return each.mean(axis=-1), resampled


def quantile(freedom: int) -> float:
    """Return Student's t for a two-sided interval at LEVEL."""
    return float(student.ppf((1 + LEVEL) / 2, freedom))


def interval(
    statistic: Statistic,
    table: Table,
    bootstrap: Bootstrap,
    *,
    share: bool,
    median: bool = False,
    crossed: bool = True,
) -> Interval:
    """Return a statistic, averaged over backbones, with its interval.

    Parameters
    ----------
    share
        Whether the statistic is a share of a whole, R2 or rho: then the interval is made for log(1 - share), as long as
        the share and its resamples lie below 1.
    median
        Whether the statistic is a median over atoms.
    statistic, table, bootstrap, crossed
        As for ``resample``.
    """
    value, parts = resample(statistic, table, bootstrap, crossed=crossed)
    share = share and float(value) < 1.0 and all(float(draws.max()) < 1.0 for _, draws in parts)
    centre = float(np.log1p(-value)) if share else float(value)
    levels = []
    for level, draws in parts:
        scaled = np.log1p(-draws) if share else draws
        variance = float(scaled.var()) * level.members / (level.members - 1)
        if median and level.name == "atoms":
            low, high = np.quantile(scaled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            below, above = max(centre - float(low), 0.0), max(float(high) - centre, 0.0)
        else:
            below = above = quantile(level.freedom) * float(np.sqrt(variance))
        levels.append(replace(level, variance=variance, below=below, above=above))
    low = centre - float(np.sqrt(sum(level.below**2 for level in levels)))
    high = centre + float(np.sqrt(sum(level.above**2 for level in levels)))
    if share:  # what was missed becomes what was recovered, and the ends change places
        low, high = float(-np.expm1(high)), float(-np.expm1(low))
    # Rounding must not leave the value outside.
    return Interval(float(value), min(low, float(value)), max(high, float(value)), tuple(levels))


@dataclass(frozen=True)
class Ratio:
    """A ratio with its confidence set (E. C. Fieller, J. R. Stat. Soc. B 16, 175 (1954)).

    Attributes
    ----------
    value
        Numerator over denominator; None where that is zero.
    kind
        ``interval``: the set is low <= ratio <= high. ``at least``: the denominator is not told from zero and the numerator
        is; the set is ratio >= low or ratio <= high, with high < 0 < low, so its size is at least min(low, -high).
        ``unbounded``: neither is told from zero, nothing is known.
    low, high
        As above; None where there is no such end.
    """

    value: float | None
    kind: Literal["interval", "at least", "unbounded"]
    low: float | None
    high: float | None


def ratio(
    statistic: Statistic,
    table: Table,
    bootstrap: Bootstrap,
    *,
    median: bool = False,
    crossed: bool = True,
) -> Ratio:
    r"""Return the ratio of two statistics, ``(2, backbones, draws)``, with all values that the data do not reject.

    r is kept where \|N - r D\| is within its own half-width of zero; the variances and the covariance of N and D are those of
    the resamples, level by level, with Student's t as in ``interval`` (for the atoms of a median the normal quantile).
    """
    value, parts = resample(statistic, table, bootstrap, crossed=crossed)
    top, bottom = (float(x) for x in value)
    spread = np.zeros((2, 2))
    for level, draws in parts:
        few = quantile(level.freedom) ** 2 * level.members / (level.members - 1)
        if median and level.name == "atoms":
            few = float(normal.ppf((1 + LEVEL) / 2)) ** 2
        spread += few * np.cov(draws, bias=True)
    best = top / bottom if bottom != 0.0 else None
    # r^2 (D^2 - s_DD) - 2 r (N D - s_ND) + N^2 - s_NN <= 0
    a, b, c = bottom**2 - spread[1, 1], top * bottom - spread[0, 1], top**2 - spread[0, 0]
    root = float(np.sqrt(max(b**2 - a * c, 0.0)))
    if a > 0.0:
        return Ratio(best, "interval", float((b - root) / a), float((b + root) / a))
    if a < 0.0 < c:
        ends = sorted((float((b - root) / a), float((b + root) / a)))
        return Ratio(best, "at least", ends[1], ends[0])
    return Ratio(best, "unbounded", None, None)
