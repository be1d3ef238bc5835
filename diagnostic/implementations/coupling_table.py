"""A coupling table: equivariant multilinear maps as one array, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...numerics import haar_rotations, wigner_d_all
from ...theory import InputError, Irrep, parse_irreps

Claim = Literal["chains", "basis"]

#: Seed of the rotations on which equivariance is checked: any will do, it is fixed for the same digits in every run.
_SEED = 20


@dataclass(frozen=True)
class CouplingTable:
    r"""Paths of an implementation that couple :math:`\nu` factors to one irrep.

    Attributes
    ----------
    variant
        Which table of the package, as its users call it.
    factors
        Irreps of each factor as e3nn writes them, one copy of each irrep: components stand in this order.
    output
        The irrep (l, p) of the output.
    values
        Shape (2l+1, dim V_1, ..., dim V_nu, paths), real, in the basis of e3nn's real harmonics (m = -l..l).
    symmetric
        Whether all factors are the same variable, so that only the symmetric part counts: a polynomial.
    claims
        What the paths are meant to be: "chains" for every coupling chain, "basis" for as many as there are
        independent ones, None for neither.
    """

    variant: str
    factors: tuple[str, ...]
    output: tuple[int, int]
    values: NDArray[np.float64] = field(repr=False)
    symmetric: bool = True
    claims: Claim | None = None

    def __post_init__(self) -> None:
        shape = (
            2 * self.output[0] + 1,
            *(sum(2 * term.l + 1 for term in terms) for terms in self.irreps),
        )
        if self.values.ndim != len(shape) + 1 or self.values.shape[:-1] != shape:
            raise InputError(
                f"{self.variant}: a table of shape {self.values.shape} does not couple {' x '.join(self.factors)} to "
                f"l = {self.output[0]}: give ({', '.join(map(str, shape))}, paths)"
            )
        if not np.isfinite(self.values).all():
            raise InputError(f"{self.variant}: the table holds a value that is no finite number")

    @property
    def irreps(self) -> tuple[tuple[Irrep, ...], ...]:
        """The irreps of each factor."""
        return tuple(parse_irreps(text) for text in self.factors)

    @property
    def paths(self) -> int:
        """Number of paths, each with a weight of its own in the implementation."""
        return int(self.values.shape[-1])


def degrees(terms: tuple[Irrep, ...]) -> list[tuple[int, int]]:
    """Return (l, m) of every component of the irreps, in order."""
    return [(term.l, m) for term in terms for _ in range(term.copies) for m in range(-term.l, term.l + 1)]


def _representation(
    terms: tuple[Irrep, ...], matrices: list[NDArray[np.float64]], reflected: bool
) -> NDArray[np.float64]:
    size = sum(2 * term.l + 1 for term in terms)
    block = np.zeros((size, size))
    start = 0
    for term in terms:
        stop = start + 2 * term.l + 1
        block[start:stop, start:stop] = matrices[term.l] * (term.parity if reflected else 1)
        start = stop
    return block


def equivariance_errors(table: CouplingTable) -> NDArray[np.float64]:
    r"""Return for every path how far it is from equivariant, relative to its largest entry.

    With D the representation of an element g of O(3), the largest entry of
    :math:`T(D x_1, \dots, D x_\nu) - D^l T(x_1, \dots, x_\nu)` over a random rotation and a random reflected one. A
    linear map that commutes with two random elements commutes with the group that they generate, which is all of O(3)
    with probability one.

    Returns
    -------
    ndarray, shape (paths,)
        0 for a path that is zero.
    """
    top = max(table.output[0], *(term.l for terms in table.irreps for term in terms))
    errors = np.zeros(table.paths)
    rotations = haar_rotations(2, np.random.default_rng(_SEED))
    matrices = wigner_d_all(top, rotations)
    l, parity = table.output
    for number, reflected in enumerate((False, True)):
        drawn = [matrix[number] for matrix in matrices]
        turned = table.values
        for axis, terms in enumerate(table.irreps, start=1):
            block = _representation(terms, drawn, reflected)
            turned = np.moveaxis(np.tensordot(turned, block, axes=(axis, 0)), -1, axis)
        expected = np.tensordot(drawn[l] * (parity if reflected else 1), table.values, axes=(1, 0))
        difference = np.abs(turned - expected).reshape(-1, table.paths).max(axis=0)
        errors = np.maximum(errors, difference)
    largest = np.abs(table.values).reshape(-1, table.paths).max(axis=0)
    relative: NDArray[np.float64] = np.divide(errors, largest, out=np.zeros_like(errors), where=largest > 0)
    return relative


def equivariance_tolerance(table: CouplingTable) -> float:
    r"""Bound on the rounding errors of `equivariance_errors` for a table in double precision.

    A row of D has at most 2L+1 entries other than zero and norm 1, so each of the :math:`\nu + 1` contractions can
    enlarge the largest entry by :math:`\sqrt{2L+1}` and adds (2L+1) roundings; each D carries :math:`(2L+1)^2`
    roundings, and the table as many as its own coefficients were made with, taken as :math:`(2L+1)^2` again.
    """
    top = 2 * max(table.output[0], *(term.l for terms in table.irreps for term in terms)) + 1
    contractions = len(table.factors) + 1
    return float(contractions * (top + 2 * top**2) * top ** (contractions / 2) * np.finfo(np.float64).eps)


def single_tolerance(table: CouplingTable) -> float:
    r"""Bound on `equivariance_errors` for a table whose coefficients are right in single precision.

    The check itself is in double precision, so that only the entries count: a product of :math:`\nu - 1` rounded
    couplings and a norm is off by at most :math:`2(\nu + 1)` units, and the contractions enlarge that as above.
    """
    top = 2 * max(table.output[0], *(term.l for terms in table.irreps for term in terms)) + 1
    contractions = len(table.factors) + 1
    return float(2 * contractions * top ** (contractions / 2) * np.finfo(np.float32).eps)
