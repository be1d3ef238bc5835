"""Closed-form ridge regression from Gram matrices, for many right-hand sides and several strengths at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

#: Ridge strengths tried, relative to the mean diagonal of the Gram matrix; the validation frames choose.
STRENGTHS = (1e-7, 1e-5, 1e-3, 1e-1, 1e1)


def ridge_solutions(
    gram: NDArray[np.float64], cross: NDArray[np.float64], strengths: Sequence[float] = STRENGTHS
) -> list[NDArray[np.float64]]:
    """Return the coefficients W of each strength s: (G + s t I) W = X^T Y with t the mean diagonal of G.

    Parameters
    ----------
    gram
        ``(features, features)``, G = X^T X of standardised columns.
    cross
        ``(features, targets)``, X^T Y.

    Notes
    -----
    float64: with columns of equal norm the condition number of the smallest strength is at most
    ``features / 1e-7``, so that at least six digits of W survive.
    """
    mean = float(np.trace(gram)) / max(1, len(gram)) or 1.0
    out = []
    for strength in strengths:
        shifted = gram + strength * mean * np.eye(len(gram))
        out.append(
            np.asarray(
                cho_solve(cho_factor(shifted, lower=True, overwrite_a=True, check_finite=False), cross)
            )
        )
    return out
