"""One atom, one l: how well a readout gives the marked signal back, for a choice of features, coefficients and frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.features import Block
from ..frames.splits import Split, evenly_spaced
from ..injection.fields import l_slice
from ..injection.orientations import Orientations
from ..readouts.compute import resident
from ..readouts.equivariant_polynomials import EquivariantPolynomials, kinds_of
from ..readouts.free import fit_free
from ..readouts.reduction import fit_reduction
from ..readouts.ridge import ridge_solutions
from ..records.devices import halving, placed
from ..recovery.error_sums import ErrorSums, frame_sums

_Part = TypeVar("_Part")

#: Ridge strengths of the equivariant fits: their columns are few and clean, so weaker ones than the default are worth it.
STRENGTHS = (1e-11, 1e-9, 1e-7, 1e-5, 1e-3)
#: Most coefficients of one fit: the normal equations of 6,000 take 0.3 GB.
MOST = 6000
#: Most of them where channels have to be combined to stay below: a large model has far more.
REDUCED = 3000


@dataclass(frozen=True)
class Fit:
    """What one fit left on held-out frames.

    Attributes
    ----------
    sums
        Of the held-out frames.
    training
        R2 on the training frames: far above that of the held-out ones, more frames would help.
    coefficients
        Number of free coefficients.
    """

    sums: ErrorSums
    training: float
    coefficients: int

    @property
    def r2(self) -> float:
        """Share of the signal's power that came back on held-out frames."""
        return 1.0 - float(self.sums.missed.sum() / self.sums.injected.sum())


def of_atoms(blocks: Sequence[Block], atoms: Sequence[int]) -> list[Block]:
    """Return the features of several atoms as channels of one: ``values[frame, 0, channel, m]``.

    They turn together, so a polynomial of them has the ceiling of one atom's features.
    """
    return [
        replace(block, values=np.concatenate([block.values[:, [i]] for i in atoms], axis=2))
        for block in blocks
    ]


def joined(parts: Sequence[Sequence[Block]]) -> list[Block]:
    """Return the features of several layers as one list of blocks, channels of equal irreps joined."""
    by_irrep: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    for block in (block for part in parts for block in part):
        by_irrep.setdefault((block.l, block.parity), []).append(block.values)
    return [Block(l, p, np.concatenate(values, axis=2)) for (l, p), values in sorted(by_irrep.items())]


def natural(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks of natural parity, (-1)^l."""
    return [block for block in blocks if block.parity == (-1) ** block.l]


def without_parity(blocks: Sequence[Block]) -> list[Block]:
    """Return blocks that count every irrep as of natural parity.

    A readout that is free of symmetry and sees rotations only need not know of inversions.
    """
    return joined([[replace(block, parity=(-1) ** block.l)] for block in blocks])


def leading_channels(
    blocks: Sequence[Block], count: int, training: NDArray[np.int64], signal: NDArray[np.float64]
) -> list[Block]:
    """Return ``count`` combinations of the channels of each irrep, the one that fits the signal best first.

    Parameters
    ----------
    blocks
        Features of one atom, ``values[frame, 0, channel, m]``.
    count
        Channels kept of each irrep, at most those there are.
    training
        Indices of the frames to choose on.
    signal
        T of the atom, ``(frames, (l_top + 1)^2)``.

    Returns
    -------
    Blocks of the same irreps, ``values[frame, 0, combination, m]``.
    """
    l_top = int(np.sqrt(signal.shape[1])) - 1
    keep = {(b.l, b.parity): min(count, b.channels) for b in blocks}
    targets = {l: signal[:, None, l_slice(l)] for l in range(1, l_top + 1)}
    reduction = fit_reduction(blocks, [0], training, keep, targets)
    values = reduction.apply(blocks, 0)
    return [
        Block(l, p, combined[:, None]) for (l, p, _), combined in zip(reduction.kinds, values, strict=True)
    ]


def product_channels(block: Block, count: int, split: Split, signal: NDArray[np.float64]) -> Block:
    """Return the ``count`` combinations of channels of l whose squares give most of the signal at 2 l.

    The best sum over a, b of Q_ab (h_a h_b)_{2l} (ridge) is a quadratic form; in channels of unit covariance its leading
    eigenvectors are the combinations. Chosen on training frames.

    Parameters
    ----------
    block
        The channels of l of one atom, ``values[frame, 0, channel, m]``.
    count
        Combinations to return.
    split
        Only its training frames are used.
    signal
        T of the atom, ``(frames, (l_top + 1)^2)`` with l_top of at least 2 l.

    Returns
    -------
    A block of the same irrep, ``values[frame, 0, combination, m]``.
    """
    basis = EquivariantPolynomials([(block.l, block.parity, block.channels)], 2, 2 * block.l, 1)
    flat = block.values[split.training, 0].transpose(0, 2, 1).reshape(-1, block.channels)
    scale = np.sqrt(np.mean(flat**2, axis=0))
    scale[scale == 0.0] = 1.0
    values = block.values[:, 0] / scale[:, None]
    matrix = basis.evaluate([values[split.training]]).reshape(-1, len(basis))
    truth = signal[split.training, l_slice(2 * block.l)].reshape(-1, 1)
    gram, cross = torch.from_numpy(matrix.T @ matrix), torch.from_numpy(matrix.T @ truth)
    weights = ridge_solutions(gram, cross, (1e-7,))[0].numpy()[:, 0]
    form = np.zeros((block.channels, block.channels))
    form[np.triu_indices(block.channels)] = weights
    form = (form + form.T) / 2.0
    covariance = (flat / scale).T @ (flat / scale) / len(flat)
    powers, axes = np.linalg.eigh(covariance)
    root = (axes * np.sqrt(np.maximum(powers, 1e-9))) @ axes.T
    strength, vectors = np.linalg.eigh(root @ form @ root)
    leading = vectors[:, np.argsort(-np.abs(strength))[:count]]
    mix = np.linalg.solve(root, leading)
    return replace(block, values=np.einsum("ncm,ck->nkm", values, mix)[:, None])


def fit_equivariant_at(
    blocks: Sequence[Block],
    signal: NDArray[np.float64],
    split: Split,
    degree: int,
    l: int,
    *,
    device: str = "cpu",
) -> Fit:
    """Fit every equivariant polynomial of one atom's features to the signal at l, closed-form ridge.

    Parameters
    ----------
    blocks
        Features, ``values[frame, 0, channel, m]``.
    signal
        T of the atom, ``(frames, (l_top + 1)^2)``.
    split
        Training frames are fitted, validation frames choose the ridge strength, held-out frames give the sums.
    degree, l
        Of the polynomials, and of the signal that they are fitted to.
    device
        Where polynomials, Gram matrix, solves and predictions are computed, in float64.

    Raises
    ------
    InputError
        There is no polynomial that reaches l, or there are more than ``MOST``.
    """
    basis = EquivariantPolynomials(kinds_of(blocks), degree, l, (-1) ** l)
    size = len(basis)
    if not 0 < size <= MOST:
        raise InputError(
            f"there are {size} equivariant polynomials of degree {degree} that reach l = {l}, expected 1 to {MOST}; "
            "choose another l or degree, or fewer channels"
        )
    truth = signal[:, l_slice(l)]

    features = resident([block.values[:, 0] for block in blocks], device)

    def each(run: Callable[[torch.Tensor, torch.Tensor], _Part], frames: NDArray[np.int64]) -> list[_Part]:
        """Return what is made of the polynomials and the truth of some frames, of as many at a time as memory holds."""
        wanted = placed(np.ascontiguousarray(truth[frames]), device)

        def part(rows: slice) -> _Part:
            chosen = placed(frames[rows], features[0].device)
            columns = basis.columns([block[chosen].to(device) for block in features]).reshape(-1, size)
            return run(columns, wanted[rows].reshape(-1))

        return [made for _, made in halving(part, [slice(0, len(frames))])]

    sums = each(lambda x, t: (x.T @ x, x.T @ t, t.square().sum()), split.training)
    gram, cross, power = (sum(parts[1:], parts[0]) for parts in zip(*sums, strict=True))
    scale = (gram.diagonal() / (len(split.training) * truth.shape[1])).sqrt()
    scale = torch.where(scale == 0.0, 1.0, scale)
    solutions = torch.cat(
        ridge_solutions(gram / torch.outer(scale, scale), (cross / scale)[:, None], STRENGTHS), dim=1
    )
    weights = solutions / scale[:, None]
    missed_by = each(lambda x, t: (t[:, None] - x @ weights).square_().sum(dim=0), split.validation)
    best = weights[:, sum(missed_by[1:], missed_by[0]).argmin()]
    held_out = truth[split.held_out]
    predicted = torch.cat(each(lambda x, _: x @ best, split.held_out)).cpu().numpy().reshape(held_out.shape)
    injected, missed = (frame_sums(x**2, len(held_out)) for x in (held_out, held_out - predicted))
    left = each(lambda x, t: (t - x @ best).square_().sum(), split.training)
    training = 1.0 - float(sum(left[1:], left[0]) / power)
    zero = np.zeros_like(injected)
    count = np.full_like(injected, held_out.shape[1])
    return Fit(ErrorSums(injected, missed, injected, missed, zero, zero, count), training, size)


def fit_free_at(
    blocks: Sequence[Block],
    signal: NDArray[np.float64],
    split: Split,
    degree: int,
    l: int,
    *,
    limit: int,
    rotations: int,
    rng: np.random.Generator,
    device: str = "cpu",
) -> Fit:
    """Fit the free readout of one atom's features to the signal at l, without a force error in the target.

    Parameters
    ----------
    blocks
        Features, ``values[frame, 0, channel, m]``.
    signal
        T of the atom, ``(frames, (l_top + 1)^2)``.
    limit
        Largest number of coefficients; it decides how many channels are kept.
    rotations
        Haar-random rotations of each training frame.
    rng
        Draws them.
    device
        Where the Gram matrix, the solves and the predictions are computed.
    """
    times = (rotations, 5, 5)
    orientations = Orientations.draw(split, max(l, *(b.l for b in blocks)), rng, times=times, null_draws=0)
    upto = signal[:, : (l + 1) ** 2]
    no_residual = np.zeros((len(signal), 3))
    sums, coefficients = fit_free(
        blocks, 0, upto, no_residual, orientations, degree, 1.0, limit=limit, device=device
    )
    return Fit(sums[l], float("nan"), coefficients)


def thinned(split: Split, count: int, structures: NDArray[np.int64] | None = None) -> Split:
    """Return the split with the rows of ``count`` of its training structures, spread evenly over them.

    Parameters
    ----------
    structures
        ``(rows,)``: the structure of each row, which is kept whole or left out; None: each row is a frame of its own.
    """
    if structures is None:
        return replace(split, training=split.training[evenly_spaced(len(split.training), count)])
    there = np.unique(structures[split.training])
    kept = there[evenly_spaced(len(there), count)]
    return replace(split, training=split.training[np.isin(structures[split.training], kept)])


def few_enough(
    blocks: Sequence[Block],
    training: NDArray[np.int64],
    signal: NDArray[np.float64],
    degree: int,
    l: int,
) -> list[Block]:
    """Return the blocks, or the leading channels of each irrep where they have more than ``MOST`` polynomials.

    As many channels are kept, the same number of every irrep, as give at most ``REDUCED`` polynomials.
    """

    def polynomials(count: int) -> int:
        kinds = [(b.l, b.parity, min(count, b.channels)) for b in blocks]
        return len(EquivariantPolynomials(kinds, degree, l, (-1) ** l))

    channels = max(block.channels for block in blocks)
    count = most = 1
    while count < channels and polynomials(count + 1) <= MOST:
        count += 1
        most = count if polynomials(count) <= REDUCED else most
    return list(blocks) if count == channels else leading_channels(blocks, most, training, signal)
