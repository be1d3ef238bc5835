"""Closed-form ridge regression from Gram matrices, for many right-hand sides and several strengths at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ...theory.errors import InputError

#: Ridge strengths tried, relative to the mean diagonal of the Gram matrix; the validation frames choose.
STRENGTHS = (1e-7, 1e-5, 1e-3, 1e-1, 1e1)
#: Blocks of columns of a Gram matrix: what lies below the diagonal blocks is not computed.
_BLOCKS = 8


def gram_matrix(design: torch.Tensor) -> torch.Tensor:
    """Return X^T X of ``(rows, columns)``, from its upper blocks of columns: little over half of the products."""
    columns = design.shape[1]
    step = max(64, -(-columns // _BLOCKS))
    out = torch.empty(columns, columns, dtype=design.dtype, device=design.device)
    for start in range(0, columns, step):
        end = min(start + step, columns)
        part = design[:, start:end].T @ design[:, start:]
        out[start:end, start:] = part
        out[start:, start:end] = part.T
    return out


@dataclass(frozen=True)
class RidgeAttempts:
    """Solutions of several strengths, and which of them failed; the device has not been asked yet."""

    solved: list[torch.Tensor]
    failed: torch.Tensor  # (strengths,), 0 where a Cholesky factor exists

    @classmethod
    def of(
        cls, gram: torch.Tensor, cross: torch.Tensor, strengths: Sequence[float] = STRENGTHS
    ) -> RidgeAttempts:
        """Solve (G + s t I) W = X^T Y for every strength s, t the mean diagonal of G; see :func:`ridge_solutions`."""
        mean = gram.diagonal().mean()
        mean = torch.where(mean == 0.0, 1.0, mean)
        solved, failures = [], []
        for strength in strengths:
            shifted = gram.clone()
            shifted.diagonal().add_(strength * mean)
            factor, failed = torch.linalg.cholesky_ex(shifted)
            solved.append(torch.cholesky_solve(cross, factor))
            failures.append(failed)
        return cls(solved, torch.stack(failures))


def succeeded(attempts: Sequence[RidgeAttempts]) -> list[list[torch.Tensor]]:
    """Return the solutions that exist of every fit; InputError where a fit has none.

    The device is asked once for all fits: each question makes the CPU wait until all that was begun is done.
    """
    if not attempts:
        return []
    failed = torch.stack([attempt.failed for attempt in attempts]).tolist()
    kept = [
        [weights for weights, bad in zip(attempt.solved, flags, strict=True) if not bad]
        for attempt, flags in zip(attempts, failed, strict=True)
    ]
    if not all(kept):
        raise InputError("the features or targets of a readout are not finite; check the backbone's features")
    return kept


def ridge_solutions(
    gram: torch.Tensor, cross: torch.Tensor, strengths: Sequence[float] = STRENGTHS
) -> list[torch.Tensor]:
    """Return the coefficients W of each strength s: (G + s t I) W = X^T Y with t the mean diagonal of G.

    Parameters
    ----------
    gram
        ``(features, features)``, G = X^T X of standardised columns, float64.
    cross
        ``(features, targets)``, X^T Y.

    Raises
    ------
    InputError
        The matrix is not finite.

    Notes
    -----
    With columns of equal norm the condition number of the smallest strength is at most ``features / 1e-7``, so that at
    least six digits of W survive in float64. A strength too small for the round-off in G, so that no Cholesky factor
    exists, is left out.
    """
    return succeeded([RidgeAttempts.of(gram, cross, strengths)])[0]
