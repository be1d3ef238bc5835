"""Differences between backbones that were trained from several seeds: their mean, and an interval over seeds.

Within a setting (a molecule, a size of the network) the differences are a sample over seeds. The mean over settings weighs each
equally, m = sum_g m_g / G, with the variance sum_g v_g / G^2 of independent samples, v_g the squared standard error of m_g, and
the degrees of freedom of Welch (1947) and Satterthwaite (1946): the settings are those that were asked for and no sample, the
seeds are. The interval is Student's of 95 %; it takes differences to be about normal, which few seeds cannot show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

#: With fewer differences in a setting there is no interval from it alone.
FEWEST = 3
LEVEL = 0.95


@dataclass(frozen=True)
class Sample:
    """Differences in one setting: their mean, the square of its standard error with its degrees of freedom, and the range."""

    mean: float
    variance: float | None
    freedom: float
    count: int
    least: float
    most: float
    positive: int | None


def paired_sample(differences: Sequence[float]) -> Sample:
    """Return the sample of paired differences: s^2 / n with n - 1 degrees of freedom."""
    values = np.array(differences, dtype=float)
    n = len(values)
    variance = float(values.var(ddof=1)) / n if n > 1 else None
    return Sample(
        float(values.mean()),
        variance,
        n - 1,
        n,
        float(values.min()),
        float(values.max()),
        int((values > 0.0).sum()),
    )


def unpaired_sample(first: Sequence[float], second: Sequence[float]) -> Sample:
    """Return the difference of two means after Welch: s_1^2 / n_1 + s_2^2 / n_2 with Satterthwaite's degrees of freedom."""
    a, b = np.array(first, dtype=float), np.array(second, dtype=float)
    mean = float(a.mean() - b.mean())
    span = (float(a.min() - b.max()), float(a.max() - b.min()))
    if min(len(a), len(b)) < 2:
        return Sample(mean, None, 0.0, len(a) + len(b), *span, None)
    parts = [float(each.var(ddof=1)) / len(each) for each in (a, b)]
    freedom = _freedom(parts, [len(a) - 1, len(b) - 1])
    return Sample(mean, sum(parts), freedom, len(a) + len(b), *span, None)


def _freedom(variances: Sequence[float], freedoms: Sequence[float]) -> float:
    """Return the degrees of freedom of a sum of variances, after Welch and Satterthwaite."""
    total = sum(variances)
    if total == 0.0:
        return float(sum(freedoms))
    return total**2 / sum(
        variance**2 / freedom for variance, freedom in zip(variances, freedoms, strict=True)
    )


def interval(samples: Sequence[Sample]) -> tuple[float, float | None, float | None]:
    """Return the mean over settings, each counted once, and the ends of its interval over backbones, or None.

    One setting has an interval from ``FEWEST`` differences on, several from as many degrees of freedom as two.
    """
    mean = float(np.mean([sample.mean for sample in samples]))
    known = [sample for sample in samples if sample.variance is not None]
    if len(known) < len(samples) or sum(sample.freedom for sample in known) < FEWEST - 1:
        return mean, None, None
    variances = [float(sample.variance or 0.0) / len(samples) ** 2 for sample in known]
    freedom = _freedom(variances, [sample.freedom for sample in known])
    reach = float(student.ppf((1 + LEVEL) / 2, freedom)) * float(np.sqrt(sum(variances)))
    return mean, mean - reach, mean + reach
