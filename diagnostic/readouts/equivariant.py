"""The equivariant readout: every Clebsch-Gordan product of bounded degree, closed-form ridge, shared by an element.

Also fitted for each atom on its own. It is what a free readout becomes when it is averaged over all rotations and
polarisations. Above the ceiling there is no product that reaches l: no path, and never a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.features import Block
from ..frames.splits import Split
from ..injection.fields import l_slice
from ..recovery.error_sums import ErrorSums, frame_sums
from .compute import tensor
from .equivariant_polynomials import EquivariantPolynomials, kinds_of
from .reduction import fit_reduction
from .ridge import gram_matrix, ridge_solutions

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


@cache
def polynomials(kinds: tuple[tuple[int, int, int], ...], degree: int, l: int) -> EquivariantPolynomials:
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
    best = _channels(tuple(kinds_of(blocks)), degree, l_top, limit)
    if best is None:
        return None
    return {(b.l, b.parity): min(best, b.channels) for b in blocks if b.parity == (-1) ** b.l}


@cache
def _channels(kinds: tuple[tuple[int, int, int], ...], degree: int, l_top: int, limit: int) -> int | None:
    def longest(kinds: Sequence[tuple[int, int, int]]) -> int:
        return max(len(EquivariantPolynomials(kinds, degree, l, (-1) ** l)) for l in range(l_top + 1))

    # Degree 3 on all channels is far past any limit: do not list it to find out.
    if degree < 3 and longest(kinds) <= limit:
        return None
    natural = [(l, p, c) for l, p, c in kinds if p == (-1) ** l]
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
    return best


def fit_equivariant(
    blocks: Sequence[Block],
    atoms: Sequence[int],
    signals: Mapping[str, Mapping[int, NDArray[np.float64]]],
    split: Split,
    degree: int,
    amplitude: float,
    limit: int = COEFFICIENTS,
    device: str = "cpu",
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
    tasks = equivariant_tasks(blocks, atoms, signals, split, degree, amplitude, limit, device)
    return [task() for task in tasks]


def equivariant_tasks(
    blocks: Sequence[Block],
    atoms: Sequence[int],
    signals: Mapping[str, Mapping[int, NDArray[np.float64]]],
    split: Split,
    degree: int,
    amplitude: float,
    limit: int = COEFFICIENTS,
    device: str = "cpu",
) -> list[Callable[[], EquivariantFit]]:
    """Return the fits of ``fit_equivariant``, one for each l, to be computed in any order."""
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

    def fit(l: int) -> EquivariantFit:
        if l > reach:
            return EquivariantFit(l, 0, {}, {})
        return _fit_one(polynomials(tuple(kinds), degree, l), values, l, signals, split, amplitude, device)

    return [partial(fit, l) for l in range(l_top + 1)]


def _fit_one(
    basis: EquivariantPolynomials,
    values: Mapping[int, list[NDArray[np.float64]]],
    l: int,
    signals: Mapping[str, Mapping[int, NDArray[np.float64]]],
    split: Split,
    amplitude: float,
    device: str,
) -> EquivariantFit:
    size = len(basis)
    if size == 0:  # below the ceiling, but no product of the right parity
        return EquivariantFit(l, 0, {}, {})

    def design(atom: int, frames: NDArray[np.int64]) -> torch.Tensor:
        return basis.columns([tensor(block[frames], device) for block in values[atom]]).reshape(-1, size)

    wanted = {
        name: {i: v[:, l_slice(l)] for i, v in of_atom.items() if i in values}
        for name, of_atom in signals.items()
    }
    names_of = {i: [name for name in wanted if i in wanted[name]] for i in values}
    # One scale for each polynomial, from a few training frames: ridge strengths then mean the same for all of them.
    probe = split.training[:: max(1, len(split.training) // 50)]
    power = torch.stack([design(i, probe).square_().mean(dim=0) for i in values]).mean(dim=0)
    scale = torch.where(power > 0.0, power, 1.0).sqrt()

    grams: dict[tuple[int, ...], torch.Tensor] = {}
    crosses: dict[str, torch.Tensor] = {}
    own: dict[int, list[torch.Tensor]] = {}
    for atom, names in names_of.items():
        if not names:
            continue
        matrix = design(atom, split.training)
        square = gram_matrix(matrix).div_(scale[:, None]).div_(scale)
        fields = np.stack([wanted[name][atom][split.training].reshape(-1) for name in names], axis=1)
        right = (matrix.T @ tensor(fields, device)) / scale[:, None]
        del matrix
        for members in {tuple(wanted[name]) for name in names}:
            grams[members] = grams[members].add_(square) if members in grams else square.clone()
        for k, name in enumerate(names):
            crosses[name] = crosses[name] + right[:, k] if name in crosses else right[:, k]
        own[atom] = ridge_solutions(square, right)
    shared: dict[str, torch.Tensor] = {}
    for members, gram in grams.items():
        together = [name for name in crosses if tuple(wanted[name]) == members]
        solved = ridge_solutions(gram, torch.stack([crosses[name] for name in together], dim=1))
        shared |= {name: torch.stack([w[:, k] for w in solved], dim=1) for k, name in enumerate(together)}

    validating = len(split.validation) * (2 * l + 1)
    judged = np.concatenate([split.validation, split.held_out])
    errors_own: dict[str, dict[int, ErrorSums]] = {name: {} for name in shared}
    predictions: dict[str, dict[int, NDArray[np.float64]]] = {name: {} for name in shared}
    missed: dict[str, NDArray[np.float64]] = {name: np.zeros(shared[name].shape[1]) for name in shared}
    for atom, ways in own.items():
        columns = [torch.stack([w[:, k] for w in ways], dim=1) for k in range(len(names_of[atom]))]
        both = torch.cat([*columns, *(shared[name] for name in names_of[atom])], dim=1) / scale[:, None]
        found = (design(atom, judged) @ both).cpu().numpy()
        at, behind = 0, len(ways) * len(columns)
        for name in names_of[atom]:
            truth = wanted[name][atom][judged].reshape(-1, 1)
            mine = found[:, at : at + len(ways)]
            ours = found[:, behind : behind + shared[name].shape[1]]
            at, behind = at + len(ways), behind + ours.shape[1]
            best = int(np.sum((truth - mine)[:validating] ** 2, axis=0).argmin())
            missed[name] += np.sum((truth - ours)[:validating] ** 2, axis=0)
            errors_own[name][atom] = _sums(
                amplitude * truth[validating:], amplitude * mine[validating:, best], len(split.held_out)
            )
            predictions[name][atom] = ours[validating:]
    errors_shared: dict[str, dict[int, ErrorSums]] = {name: {} for name in shared}
    for name, of_atom in predictions.items():
        best = int(missed[name].argmin())
        for atom, ours in of_atom.items():
            truth = wanted[name][atom][split.held_out].reshape(-1, 1)
            errors_shared[name][atom] = _sums(
                amplitude * truth, amplitude * ours[:, best], len(split.held_out)
            )
    return EquivariantFit(l, size, errors_shared, errors_own)


def _sums(truth: NDArray[np.float64], prediction: NDArray[np.float64], frames: int) -> ErrorSums:
    """Averaged over a and e the backbone's error is the same before and after, so it drops out of every gain."""
    injected, missed = frame_sums(truth**2, frames), frame_sums((truth[:, 0] - prediction) ** 2, frames)
    count = frame_sums(np.ones_like(truth), frames)
    none = np.zeros_like(injected)
    return ErrorSums(injected, missed, before=injected, after=missed, oracle=none, blank=none, count=count)
