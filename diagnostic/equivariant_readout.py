"""The equivariant readout: every Clebsch-Gordan product of bounded degree, closed-form ridge, shared by an element.

Also fitted for each atom on its own. It is what a free readout becomes when it is averaged over all rotations and
polarisations. Above the ceiling there is no product that reaches l: no path, and never a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..theory.errors import InputError
from .equivariant_polynomials import EquivariantPolynomials, kinds_of
from .error_sums import ErrorSums, frame_sums
from .features import Block
from .injection import l_slice
from .reduction import fit_reduction
from .ridge import ridge_solutions
from .splits import Split

#: Largest number of free coefficients for one l; degrees whose full list is longer work on fewer channels.
COEFFICIENTS = 1500


@dataclass(frozen=True)
class EquivariantFit:
    """What one element's readout of one l left on held-out frames.

    Attributes
    ----------
    coefficients
        Number of free coefficients, 0 where there is no path.
    shared
        For each injection, one ErrorSums for each atom under the readout shared by the element; empty where there
        is no path.
    own
        The same under a readout of each atom's own.
    """

    l: int
    coefficients: int
    shared: Mapping[str, Mapping[int, ErrorSums]]
    own: Mapping[str, Mapping[int, ErrorSums]]


def polynomials(kinds: Sequence[tuple[int, int, int]], degree: int, l: int) -> EquivariantPolynomials:
    """Return the polynomials with values in (l, natural parity), the parity of Y_l."""
    return EquivariantPolynomials(kinds, degree, l, (-1) ** l)


def channels_for(
    blocks: Sequence[Block], degree: int, l_top: int, limit: int = COEFFICIENTS
) -> dict[tuple[int, int], int] | None:
    """Return how many channels of each irrep to keep so that no l needs more than ``limit`` coefficients.

    None where all channels fit. Irreps of natural parity only where a reduction is needed: the others are products
    of a cross product, small in trained models, and every l is reached without them.

    Raises
    ------
    InputError
        Not even one channel of each irrep fits.
    """

    def longest(kinds: Sequence[tuple[int, int, int]]) -> int:
        return max(len(polynomials(kinds, degree, l)) for l in range(l_top + 1))

    full = kinds_of(blocks)
    # Degree 3 on all channels is far past any limit: do not list it to find out.
    if degree < 3 and longest(full) <= limit:
        return None
    natural = [(l, p, c) for l, p, c in full if p == (-1) ** l]
    best = 0
    for k in range(1, max(c for _, _, c in natural) + 1):
        if longest([(l, p, min(k, c)) for l, p, c in natural]) > limit:
            break
        best = k
    if best == 0:
        raise InputError(
            f"an equivariant readout of degree {degree} of these features has more than {limit} coefficients even with one "
            "channel for each irrep; lower the degree or raise the limit"
        )
    return {(l, p): min(best, c) for l, p, c in natural}


def fit_equivariant(
    blocks: Sequence[Block],
    atoms: Sequence[int],
    signals: Mapping[str, Mapping[int, NDArray[np.float64]]],
    split: Split,
    degree: int,
    amplitude: float,
    limit: int = COEFFICIENTS,
) -> list[EquivariantFit]:
    """Fit the readout shared by ``atoms`` (one element) and one for each atom, for every l and every injection.

    The target is T itself on all 2l+1 components. That is the average of the fit to
    amplitude * (a . T) e + F - F_backbone over polarisations a, directions e and rotations: the backbone's error,
    unrelated to a and e, averages out exactly.

    Parameters
    ----------
    signals
        ``signals[injection][atom]`` is ``(frames, (l_top + 1)^2)``; an injection may leave atoms out.
    """
    l_top = int(np.sqrt(next(iter(next(iter(signals.values())).values())).shape[1])) - 1
    boundary = degree * max(block.l for block in blocks)
    reach = min(l_top, boundary)
    keep = channels_for(blocks, degree, reach, limit)
    if keep is None:
        values: dict[int, list[NDArray[np.float64]]] = {i: [b.values[:, i] for b in blocks] for i in atoms}
        kinds = kinds_of(blocks)
    else:
        leading = signals["marked"] if signals.get("marked") else next(iter(signals.values()))
        present = [i for i in atoms if i in leading] or list(atoms)
        targets = {
            l: np.stack([leading[i][:, l_slice(l)] for i in present], axis=1)
            for l, _ in keep
            if 0 < l <= l_top and present[0] in leading
        }
        reduction = fit_reduction(blocks, present, split.training, keep, targets)
        values = {i: reduction.apply(blocks, i) for i in atoms}
        kinds = reduction.kinds
    fits = [
        _fit_one(polynomials(kinds, degree, l), values, l, signals, split, amplitude)
        for l in range(reach + 1)
    ]
    return fits + [EquivariantFit(l, 0, {}, {}) for l in range(reach + 1, l_top + 1)]


def _fit_one(
    basis: EquivariantPolynomials,
    values: Mapping[int, list[NDArray[np.float64]]],
    l: int,
    signals: Mapping[str, Mapping[int, NDArray[np.float64]]],
    split: Split,
    amplitude: float,
) -> EquivariantFit:
    size = len(basis)
    if size == 0:  # below the ceiling, but no product of the right parity
        return EquivariantFit(l, 0, {}, {})

    def design(atom: int, frames: NDArray[np.int64]) -> NDArray[np.float64]:
        return basis.evaluate([block[frames] for block in values[atom]]) / scale

    scale: NDArray[np.float64] | float = 1.0
    # One scale for each polynomial, from a few training frames: ridge strengths then mean the same for all of them.
    probe = split.training[:: max(1, len(split.training) // 50)]
    power = np.mean([np.mean(design(i, probe) ** 2, axis=(0, 1)) for i in values], axis=0)
    scale = np.sqrt(np.where(power > 0.0, power, 1.0))
    wanted = {
        name: {i: v[:, l_slice(l)] for i, v in of_atom.items() if i in values}
        for name, of_atom in signals.items()
    }
    grams = {atoms: np.zeros((size, size)) for atoms in {tuple(of_atom) for of_atom in wanted.values()}}
    cross = {name: np.zeros(size) for name in wanted}
    own: dict[tuple[str, int], list[NDArray[np.float64]]] = {}
    for atom in values:
        matrix = design(atom, split.training).reshape(-1, size)
        square = matrix.T @ matrix
        names = [name for name in wanted if atom in wanted[name]]
        right = [matrix.T @ wanted[name][atom][split.training].reshape(-1) for name in names]
        for atoms, gram in grams.items():
            if atom in atoms:
                gram += square
        for name, one in zip(names, right, strict=True):
            cross[name] += one
        if names:
            together = ridge_solutions(square, np.stack(right, axis=1))
            own.update({(name, atom): [w[:, k] for w in together] for k, name in enumerate(names)})
    shared: dict[str, list[NDArray[np.float64]]] = {}
    for atoms, gram in grams.items():
        names = [name for name in wanted if tuple(wanted[name]) == atoms and atoms]
        if names:
            together = ridge_solutions(gram, np.stack([cross[name] for name in names], axis=1))
            shared.update({name: [w[:, k] for w in together] for k, name in enumerate(names)})

    def missed(name: str, atom: int, matrix: NDArray[np.float64], w: NDArray[np.float64]) -> float:
        return float(np.sum((wanted[name][atom][split.validation] - matrix @ w) ** 2))

    validation = {i: design(i, split.validation) for i in values}
    best_own = {
        (name, i): min(ways, key=lambda w, name=name, i=i: missed(name, i, validation[i], w))  # type: ignore[misc]
        for (name, i), ways in own.items()
    }
    best_shared = {
        name: min(ways, key=lambda w, name=name: sum(missed(name, i, validation[i], w) for i in wanted[name]))  # type: ignore[misc]
        for name, ways in shared.items()
    }
    errors_own: dict[str, dict[int, ErrorSums]] = {name: {} for name in shared}
    errors_shared: dict[str, dict[int, ErrorSums]] = {name: {} for name in shared}
    for atom in values:
        matrix = design(atom, split.held_out)
        for name in shared:
            if atom not in wanted[name]:
                continue
            truth = amplitude * wanted[name][atom][split.held_out]
            for found, weights in ((errors_own, best_own[name, atom]), (errors_shared, best_shared[name])):
                found[name][atom] = _sums(truth, amplitude * (matrix @ weights))
    return EquivariantFit(l, size, errors_shared, errors_own)


def _sums(truth: NDArray[np.float64], prediction: NDArray[np.float64]) -> ErrorSums:
    """Averaged over a and e the backbone's error is the same before and after, so it drops out of every gain."""
    frames = len(truth)
    injected, missed = frame_sums(truth**2, frames), frame_sums((truth - prediction) ** 2, frames)
    count = frame_sums(np.ones_like(truth), frames)
    none = np.zeros_like(injected)
    return ErrorSums(injected, missed, before=injected, after=missed, oracle=none, blank=none, count=count)
