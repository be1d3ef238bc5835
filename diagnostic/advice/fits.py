"""Ridge fits of base and knobs: strength by validation, errors on held-out structures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..records.devices import full_products, halving, placed
from .density import Floats, Integers
from .equations import Equations, Part
from .settings import KNOBS

#: Strengths that are tried, relative to the unit power of a column.
STRENGTHS = tuple(10.0**k for k in range(-8, -1))


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
    strengths : (targets,) array
        Ridge of each target.
    """

    by_atom: Floats
    by_block: Floats
    strengths: Floats


def fit_knobs(
    equations: Equations, groups: NDArray[np.str_], *, like: Mapping[str, Fit] | None = None
) -> dict[str, Fit]:
    """Fit every set of columns of ``knob_subsets`` to every target.

    Ridge regression: w minimises |X w - t|^2 + s rows |w|^2 over the training rows, s from ``STRENGTHS`` by the error of the
    validation rows, target by target. All columns without one knob have the strength of all columns.

    Parameters
    ----------
    equations
        Training, validation and held-out rows.
    groups
        Group of every column.
    like
        Fits of the same targets: train on the first half only, with their strengths.
    """
    training = equations.first + equations.second if like is None else equations.first
    fits: dict[str, Fit] = {}
    for name, chosen in knob_subsets().items():
        columns = np.flatnonzero(np.isin(groups, chosen))
        same = like[name] if like is not None else fits["all"] if name.startswith("-") else None
        fits[name] = fit_columns(training, equations, columns, None if same is None else same.strengths)
    return fits


def fit_columns(
    training: Part, equations: Equations, chosen: Integers, strengths: Floats | None = None
) -> Fit:
    """Fit these columns to every target, with the given strengths, or with those that validation chooses.

    On the device of the equations, in float64; it is asked for numbers when all strengths have been tried.
    """
    at = placed(chosen, training.gram.device)
    gram, products = training.gram[at][:, at], training.products[at]
    failures: list[torch.Tensor] = []
    with full_products():
        if strengths is None:
            strengths, w = _validated(gram, products, training.rows, equations.validation, at, failures)
        else:
            w = torch.empty_like(products)
            for strength in np.unique(strengths):
                mine = placed(np.flatnonzero(strengths == strength), at.device)
                w[:, mine] = _solved(gram, products[:, mine], strength * training.rows, failures)
    if bool(torch.stack(failures).any()):
        raise np.linalg.LinAlgError("the normal equations of the advice have no Cholesky factor")
    held = equations.held
    spread = w.new_zeros(held.shape[1], w.shape[1])
    spread[at] = w
    parts = halving(lambda rows: held[rows].to(spread.device) @ spread, [slice(0, len(held))])
    predicted = torch.cat([part for _, part in parts]).cpu().numpy()
    left = (equations.targets - predicted) ** 2
    of_atoms = left.reshape(-1, 3, left.shape[1]).sum(axis=1)
    return Fit(of_atoms[:, 0], equations.by_block(of_atoms), strengths)


def _validated(
    gram: torch.Tensor,
    products: torch.Tensor,
    rows: int,
    validation: Part,
    chosen: torch.Tensor,
    failures: list[torch.Tensor],
) -> tuple[Floats, torch.Tensor]:
    """Return for each target the strength with the least error on the validation rows, and its coefficients."""
    other, other_products = validation.gram[chosen][:, chosen], validation.products[chosen]
    errors, solutions = [], []
    for strength in STRENGTHS:
        w = _solved(gram, products, strength * rows, failures)
        solutions.append(w)
        errors.append(validation.power - 2 * (w * other_products).sum(dim=0) + (w * (other @ w)).sum(dim=0))
    best = torch.stack(errors).argmin(dim=0)
    w = torch.stack(solutions)[best, :, torch.arange(products.shape[1], device=best.device)].T
    return np.array(STRENGTHS)[best.cpu().numpy()], w


def _solved(
    gram: torch.Tensor, products: torch.Tensor, ridge: float, failures: list[torch.Tensor]
) -> torch.Tensor:
    ridged = gram.clone()
    ridged.diagonal().add_(ridge)
    factor, failed = torch.linalg.cholesky_ex(ridged)
    failures.append(failed)
    return torch.cholesky_solve(products, factor)
