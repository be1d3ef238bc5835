"""Exact tests of a mean against zero: no normality, and a smallest p-value that is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

from ...theory.errors import InputError

#: Up to so many values every pattern of signs is counted; beyond, a random sample of patterns is.
COUNTED = 16
#: Patterns in the sample.
SAMPLED = 9_999


@dataclass(frozen=True)
class SignFlip:
    """One-sided test that values scatter symmetrically around zero, against a mean above zero.

    Attributes
    ----------
    p
        Share of the patterns of signs whose mean is at least the observed one; the observed pattern is among them.
    smallest
        The smallest p that so many values can give: 1 / 2^n where every pattern is counted.
    wilcoxon
        p of Wilcoxon's exact signed-rank test of the same question; None where not every pattern is counted.
    count
        Number of values.
    """

    p: float
    smallest: float
    wilcoxon: float | None
    count: int


def sign_flip(values: Sequence[float], seed: int = 0) -> SignFlip:
    """Test whether the mean of the values lies above zero by flipping their signs.

    Raises
    ------
    InputError
        No value, or one that is not finite.
    """
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or not len(given) or not np.isfinite(given).all():
        raise InputError(
            f"a sign-flip test was given {len(given)} values, expected at least one, all of them finite"
        )
    n = len(given)
    if n <= COUNTED:
        signs = 1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
        means = signs @ given / n
        # Patterns that give the same mean differ by rounding: n products and sums of it.
        slack = 4 * n * np.finfo(float).eps * np.abs(given).max()
        p = float(np.mean(means >= means[0] - slack))
        ranks = float(wilcoxon(given, alternative="greater", method="exact").pvalue) if given.any() else 1.0
        return SignFlip(p, 0.5**n, ranks, n)
    rng = np.random.default_rng([seed, n])
    signs = rng.integers(0, 2, size=(SAMPLED, n)) * 2.0 - 1.0
    reached = int(np.count_nonzero(signs @ given >= given.sum()))
    return SignFlip((1 + reached) / (1 + SAMPLED), 1 / (1 + SAMPLED), None, n)
