"""The free readout: any polynomial of bounded degree of the features in the lab frame, fitted in closed form.

No symmetry is imposed on the coefficients, so nothing builds the collapse above the ceiling in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import comb

import numpy as np
from numpy.typing import NDArray

from ..theory.errors import InputError
from .error_sums import ErrorSums, frame_sums
from .features import Block
from .injection import l_slice
from .orientations import LabTargets, Orientations, Uses
from .reduction import fit_reduction
from .ridge import ridge_solutions

#: Largest number of coefficients of the free readout, by degree; it decides how many channels are kept.
COEFFICIENTS = {1: 600, 2: 600, 3: 1400}


def monomials(features: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """Return all monomials of degree <= ``degree`` of ``features`` ``(samples, n)``: ``(samples, C(n + d, d))``."""
    samples, n = features.shape
    parts = [np.ones((samples, 1)), features]
    for order in range(2, degree + 1):
        index = np.array(list(combinations_with_replacement(range(n), order)))
        product = features[:, index[:, 0]]
        for column in range(1, order):
            product = product * features[:, index[:, column]]
        parts.append(product)
    return np.concatenate(parts, axis=1)


def channels_kept(
    blocks: Sequence[Block], degree: int, limit: int | None = None
) -> dict[tuple[int, int], int]:
    """Return how many combinations of each irrep of natural parity, (-1)^l, fit into the coefficient limit.

    The same number k for every l, the largest with C(n + d, d) <= limit, where n is the number of components.

    Raises
    ------
    InputError
        Not even one channel of each irrep fits.
    """
    limit = COEFFICIENTS[degree] if limit is None else limit
    available = {(b.l, b.parity): b.channels for b in blocks if b.parity == (-1) ** b.l}

    def coefficients(k: int) -> int:
        n = sum(min(k, c) * (2 * kind[0] + 1) for kind, c in available.items())
        return comb(n + degree, degree)

    if coefficients(1) > limit:
        raise InputError(
            f"a free readout of degree {degree} of these features has at least {coefficients(1)} coefficients, "
            f"more than the limit {limit}; leave this degree out or raise the limit"
        )
    k = 1
    while k < max(available.values()) and coefficients(k + 1) <= limit:
        k += 1
    return {kind: min(k, c) for kind, c in available.items()}


@dataclass(frozen=True)
class _Rows:
    """The rows of a regression, one for each use of a frame."""

    features: NDArray[np.float64]  # (uses, components), lab frame
    signal: NDArray[np.float64]  # (uses, columns of the targets)
    residual: NDArray[np.float64]  # (uses,), along the lab-fixed direction e
    unrelated: list[NDArray[np.float64]]  # signals of other uses: what has nothing to do with the features

    @classmethod
    def of(
        cls,
        uses: Uses,
        reduced: Sequence[NDArray[np.float64]],
        values: NDArray[np.float64],
        residual: NDArray[np.float64],
    ) -> _Rows:
        features = np.concatenate([uses.turn(block).reshape(len(uses), -1) for block in reduced], axis=1)
        return cls(features, values, uses.along(residual), [values[order] for order in uses.unrelated])


def fit_free(
    blocks: Sequence[Block],
    atom: int,
    signal: NDArray[np.float64],
    residual: NDArray[np.float64],
    orientations: Orientations,
    degree: int,
    amplitude: float,
    limit: int | None = None,
) -> tuple[list[ErrorSums], int]:
    """Fit the fields (a . T) e of pure grade l, every l at once, for one atom.

    As ``fit_free_targets`` with one target for each l and each of its 2l+1 polarisations a.

    Parameters
    ----------
    signal
        T of this atom, ``(frames, (l_top + 1)^2)``; it also leads the choice of channels.
    """
    l_top = int(np.sqrt(signal.shape[1])) - 1
    leading = {l: signal[:, l_slice(l)] for l in range(1, l_top + 1)}
    targets = LabTargets.of_signal(orientations, signal)
    return fit_free_targets(
        blocks, atom, targets, residual, orientations, degree, amplitude, leading=leading, limit=limit
    )


def fit_free_targets(
    blocks: Sequence[Block],
    atom: int,
    targets: LabTargets,
    residual: NDArray[np.float64],
    orientations: Orientations,
    degree: int,
    amplitude: float,
    *,
    leading: Mapping[int, NDArray[np.float64]] | None = None,
    limit: int | None = None,
) -> tuple[list[ErrorSums], int]:
    """Fit all targets at once for one atom and return what is left on held-out frames.

    The target of each column is amplitude * column + e . (F - F_backbone). The Gram matrix is shared by all targets
    and ridge strengths; for each l the validation frames choose the strength.

    Parameters
    ----------
    blocks
        Features of all frames.
    atom
        Index of the atom.
    targets
        The injected fields at every use, in the lab frame.
    residual
        F - F_backbone of this atom, ``(frames, 3)``, eV/Å.
    orientations
        The uses of the frames, each with its own rotation.
    degree
        Polynomial degree.
    amplitude
        Root mean square of the injected field per unit of a target, eV/Å.
    leading
        For some l > 0, an equivariant signal ``(frames, 2 l + 1)`` of natural parity: its linear fit is the first
        channel kept of that l.
    limit
        Largest number of coefficients (default: COEFFICIENTS of this degree).

    Returns
    -------
    One ErrorSums for each l, and the number of coefficients.
    """
    keep = channels_kept(blocks, degree, limit)
    lead = {l: values[:, None] for l, values in (leading or {}).items()}
    reduction = fit_reduction(blocks, [atom], orientations.split.training, keep, lead)
    reduced = reduction.apply(blocks, atom)
    training, validation, held_out = (
        _Rows.of(uses, reduced, values, residual)
        for uses, values in (
            (orientations.training, targets.training),
            (orientations.validation, targets.validation),
            (orientations.held_out, targets.held_out),
        )
    )
    design = monomials(training.features, degree)
    centre = design.mean(axis=0)
    centre[0] = 0.0  # the constant stays
    scale = np.sqrt(np.mean((design - centre) ** 2, axis=0))
    scale[scale == 0.0] = 1.0

    def columns(part: _Rows) -> NDArray[np.float64]:
        return np.asarray((monomials(part.features, degree) - centre) / scale)

    design = (design - centre) / scale
    gram = design.T @ design
    width = targets.training.shape[1]
    known = np.concatenate([training.signal, training.residual[:, None], *training.unrelated], axis=1)
    cross = design.T @ known
    solutions = ridge_solutions(gram, cross)
    validation_columns, held_out_columns = columns(validation), columns(held_out)
    on_validation = [validation_columns @ w for w in solutions]
    on_held_out = [held_out_columns @ w for w in solutions]
    frames_held_out = len(orientations.split.held_out)

    def best(truth: NDArray[np.float64], where: slice) -> int:
        wanted = amplitude * truth + validation.residual[:, None]
        return int(
            np.argmin([np.sum((wanted - _predict(p, where, width, amplitude)) ** 2) for p in on_validation])
        )

    found = []
    for where, can_be_null in zip(targets.columns, targets.null, strict=True):
        chosen = best(validation.signal[:, where], where)
        prediction = _predict(on_held_out[chosen], where, width, amplitude)
        field = amplitude * held_out.signal[:, where]
        brought_back = amplitude * on_held_out[chosen][:, where]
        error = np.repeat(held_out.residual[:, None], field.shape[1], axis=1)
        corrected = error - on_held_out[chosen][:, width : width + 1]
        target = field + held_out.residual[:, None]
        oracle = _oracle(training.signal[:, where], cross, solutions[chosen], where, width, amplitude, on_held_out[chosen],
                         held_out.signal[:, where], training.residual)  # fmt: skip
        null = []
        for draw, truth in enumerate(held_out.unrelated if amplitude > 0.0 and can_be_null else []):
            start = width + 1 + draw * width
            shifted = slice(start + where.start, start + where.stop)
            k = best(validation.unrelated[draw][:, where], shifted)
            wanted = truth[:, where]
            null.append(1.0 - float(np.sum((wanted - on_held_out[k][:, shifted]) ** 2) / np.sum(wanted**2)))
        found.append(
            ErrorSums(
                injected=frame_sums(field**2, frames_held_out),
                missed=frame_sums((field - brought_back) ** 2, frames_held_out),
                before=frame_sums(target**2, frames_held_out),
                after=frame_sums((target - prediction) ** 2, frames_held_out),
                oracle=frame_sums((target - oracle) ** 2, frames_held_out),
                blank=frame_sums(error**2 - corrected**2, frames_held_out),
                count=frame_sums(np.ones_like(field), frames_held_out),
                null=tuple(null),
            )
        )
    return found, design.shape[1]


def _predict(solved: NDArray[np.float64], where: slice, width: int, amplitude: float) -> NDArray[np.float64]:
    """Prediction of amplitude * T + residual: the fit is linear in its target, so the two parts add up."""
    return amplitude * solved[:, where] + solved[:, width : width + 1]


def _oracle(
    signal: NDArray[np.float64],
    cross: NDArray[np.float64],
    solution: NDArray[np.float64],
    where: slice,
    width: int,
    amplitude: float,
    solved: NDArray[np.float64],
    truth: NDArray[np.float64],
    residual: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Prediction of the fit that has T itself among its features (bordered normal equations, T unpenalised).

    With G the penalised Gram matrix and B = X^T T, the coefficients of T solve
    (T^T T - B^T G^-1 B) c = T^T y - B^T G^-1 X^T y, and those of X follow.
    """
    border = cross[:, where]
    schur = signal.T @ signal - border.T @ solution[:, where]
    target_solution = amplitude * solution[:, where] + solution[:, width : width + 1]
    right = amplitude * (signal.T @ signal) + (signal.T @ residual)[:, None] - border.T @ target_solution
    coefficients = np.linalg.lstsq(schur, right, rcond=None)[0]
    plain = _predict(solved, where, width, amplitude)
    return np.asarray(plain + (truth - solved[:, where]) @ coefficients)
