"""Ridge fits of base and knobs: strength by validation, errors on held-out structures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from .density import Floats, Integers
from .equations import Equations, Part
from .settings import KNOBS

#: Strengths that are tried, relative to the unit power of a column.
STRENGTHS = tuple(10.0**k for k in range(-8, 0))


def knob_subsets() -> dict[str, tuple[str, ...]]:
    """Return the groups of columns of every fit by its name: base, all, +knob (with the base), -knob (all but the knob)."""
    subsets: dict[str, tuple[str, ...]] = {"base": ("base",), "all": ("base", *KNOBS)}
    for knob in KNOBS:
        subsets[f"+{knob}"] = ("base", knob)
        subsets[f"-{knob}"] = tuple(group for group in subsets["all"] if group != knob)
    return subsets


@dataclass(frozen=True, eq=False)
class Fit:
    """What one set of columns leaves.

    Attributes
    ----------
    by_atom : (held-out atoms,) array
        Squared force error of the measured target (eV²/Å²).
    by_block : (blocks, targets) array
        Squared error of each target, null targets included.
    strength
        Ridge of the measured target.
    """

    by_atom: Floats
    by_block: Floats
    strength: float


def fit_all(
    equations: Equations, columns: Mapping[str, NDArray[np.bool_]], *, half: bool = False
) -> dict[str, Fit]:
    """Fit each of the named sets of columns to every target.

    Ridge regression: w minimises |X w - t|^2 + s rows |w|^2 over the training rows, s from ``STRENGTHS`` by the error of the
    validation rows, target by target.

    Parameters
    ----------
    equations
        Training, validation and held-out rows.
    columns
        For each name the columns of the fit.
    half
        Train on the first half only.
    """
    training = equations.first if half else equations.first + equations.second
    blocks, place = np.unique(equations.block, return_inverse=True)
    return {
        name: _fit(training, equations, np.flatnonzero(chosen), place, len(blocks))
        for name, chosen in columns.items()
    }


def _fit(training: Part, equations: Equations, chosen: Integers, place: Integers, blocks: int) -> Fit:
    at = np.ix_(chosen, chosen)
    gram, products = training.gram[at], training.products[chosen]
    other, other_products = equations.validation.gram[at], equations.validation.products[chosen]
    errors, solutions = [], []
    diagonal = np.diag_indices_from(gram)
    kept = gram[diagonal].copy()
    for strength in STRENGTHS:
        ridged = gram.copy()
        ridged[diagonal] = kept + strength * training.rows
        factor = cho_factor(ridged, lower=True, overwrite_a=True, check_finite=False)
        w = cho_solve(factor, products, check_finite=False)
        solutions.append(w)
        errors.append(
            equations.validation.power
            - 2 * np.sum(w * other_products, axis=0)
            + np.sum(w * (other @ w), axis=0)
        )
    best = np.argmin(errors, axis=0)
    w = np.stack([solutions[k][:, target] for target, k in enumerate(best)], axis=1)
    spread = np.zeros((equations.columns.shape[1], w.shape[1]))
    spread[chosen] = w
    left = (equations.targets - equations.columns @ spread) ** 2
    of_atoms = left.reshape(-1, 3, left.shape[1]).sum(axis=1)
    by_block = np.zeros((blocks, left.shape[1]))
    np.add.at(by_block, place, of_atoms)
    return Fit(of_atoms[:, 0], by_block, STRENGTHS[best[0]])
