"""The equivariant readout: every Clebsch-Gordan product of bounded degree, closed-form ridge, shared by an element.

Also fitted for each atom on its own. It is what a free readout becomes when it is averaged over all rotations and
polarisations. Above the ceiling there is no product that reaches l: no path, and never a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.features import Block
from ..frames.splits import Split
from ..injection.fields import l_slice
from ..records.devices import halving, placed
from ..recovery.error_sums import ErrorSums, frame_sums
from .compute import resident, tensor
from .equivariant_polynomials import EquivariantPolynomials, kinds_of
from .reduction import fit_reduction
from .ridge import RidgeAttempts, gram_matrix, succeeded

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
    blocks
        Features of all frames, one block for each irrep: ``(frames, atoms, channels, 2 l + 1)``.
    atoms
        Indices of the atoms, all of one element.
    signals
        T in the molecule's frame, without a unit: ``signals[injection][atom]`` is ``(frames, (l_top + 1)^2)``; an
        injection may leave atoms out.
    split
        Training, validation and held-out frames.
    degree
        Polynomial degree, 1 to 3.
    amplitude
        Root mean square of the injected field per unit of T, eV/Å.
    limit
        Largest number of coefficients for one l; longer lists work on fewer channels.
    device
        Where the products, Gram matrices and solves are computed.

    Returns
    -------
    One fit for each l from 0 to l_top. Above the ceiling, degree times the highest l of the features, it has no
    coefficients and no sums.

    Raises
    ------
    InputError
        Not even one channel of each irrep fits into ``limit``, or features or signals are not finite.
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
        arrays: dict[int, list[NDArray[np.float64]]] = {i: [b.values[:, i] for b in blocks] for i in atoms}
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
        arrays = {i: reduction.apply(blocks, i) for i in atoms}
        kinds = reduction.kinds
    # Sent once, for every l.
    values = {i: resident(blocks_of_atom, device) for i, blocks_of_atom in arrays.items()}

    def fit(l: int) -> EquivariantFit:
        if l > reach:
            return EquivariantFit(l, 0, {}, {})
        fields = {
            name: {atom: signal[:, l_slice(l)] for atom, signal in by_atom.items() if atom in values}
            for name, by_atom in signals.items()
        }
        basis = polynomials(tuple(kinds), degree, l)
        return _Regression(basis, values, fields, split, device).fit(amplitude)

    return [partial(fit, l) for l in range(l_top + 1)]


@dataclass(frozen=True)
class _Solutions:
    """Coefficients of scaled polynomials, at every ridge strength.

    Attributes
    ----------
    scale
        ``(polynomials,)``, what each polynomial is divided by.
    shared
        For each injection, ``(polynomials, strengths)``: the readout that the element shares.
    single
        For each atom, one ``(polynomials, injections of the atom)`` for each strength: the atom's own readout.
    """

    scale: torch.Tensor
    shared: Mapping[str, torch.Tensor]
    single: Mapping[int, list[torch.Tensor]]


@dataclass(frozen=True)
class _Regression:
    """The readouts of one l: equivariant polynomials of each atom's features against the fields injected at the atom.

    Attributes
    ----------
    basis
        The polynomials with values in (l, natural parity).
    values
        For each atom, one tensor ``(frames, channels, 2 l' + 1)`` for each block of features.
    fields
        ``fields[injection][atom]`` is ``(frames, 2 l + 1)``; an injection may leave atoms out.
    """

    basis: EquivariantPolynomials
    values: Mapping[int, list[torch.Tensor]]
    fields: Mapping[str, Mapping[int, NDArray[np.float64]]]
    split: Split
    device: str

    def fit(self, amplitude: float) -> EquivariantFit:
        """Solve on the training frames, choose strengths on the validation frames, score on the held-out ones."""
        if not len(self.basis):  # below the ceiling, but no product of the right parity
            return EquivariantFit(self.basis.l, 0, {}, {})
        shared, per_atom = self._score(self._solve(), amplitude)
        return EquivariantFit(self.basis.l, len(self.basis), shared, per_atom)

    def _injections(self, atom: int) -> list[str]:
        return [name for name, by_atom in self.fields.items() if atom in by_atom]

    def _design(self, atom: int, frames: NDArray[np.int64]) -> torch.Tensor:
        """Return the values of all polynomials, ``(frames (2 l + 1), polynomials)``."""
        values = self.values[atom]
        chosen = placed(frames, values[0].device)
        return self.basis.columns([block[chosen].to(self.device) for block in values]).reshape(
            -1, len(self.basis)
        )

    def _scale(self) -> torch.Tensor:
        """Return one scale for each polynomial, from a few training frames: ridge strengths then mean the same for all."""
        training = self.split.training
        probe = training[:: max(1, len(training) // 50)]

        def power_of(atom: int) -> torch.Tensor:
            parts = halving(
                lambda part: self._design(atom, probe[part]).square_().sum(dim=0), [slice(0, len(probe))]
            )
            return _total(part for _, part in parts) / (len(probe) * (2 * self.basis.l + 1))

        power = torch.stack([power_of(atom) for atom in self.values]).mean(dim=0)
        return torch.where(power > 0.0, power, 1.0).sqrt()

    def _moments(self, atom: int, scale: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return X^T X and X^T Y of one atom's training frames, with one column of Y for each injection of the atom."""
        training = self.split.training
        targets = np.stack([self.fields[name][atom][training] for name in self._injections(atom)], axis=2)
        fields = tensor(targets, self.device)

        def moments(part: slice) -> tuple[torch.Tensor, torch.Tensor]:
            design = self._design(atom, training[part])
            return gram_matrix(design), design.T @ fields[part].reshape(len(design), -1)

        grams, crosses = [], []
        for _, (gram, cross) in halving(moments, [slice(0, len(training))]):
            grams.append(gram)
            crosses.append(cross)
            if len(grams) > 1:  # two at a time: no more is held than needed
                grams, crosses = [_total(grams)], [_total(crosses)]
        return grams[0].div_(scale[:, None]).div_(scale), crosses[0] / scale[:, None]

    def _solve(self) -> _Solutions:
        """Fit every atom, and the element as the sum of its atoms' normal equations.

        Injections into the same atoms share one Gram matrix.
        """
        scale = self._scale()
        grams: dict[tuple[int, ...], torch.Tensor] = {}
        crosses: dict[str, torch.Tensor] = {}
        single: dict[int, RidgeAttempts] = {}
        for atom in self.values:
            names = self._injections(atom)
            if not names:
                continue
            gram, cross = self._moments(atom, scale)
            for members in {tuple(self.fields[name]) for name in names}:
                grams[members] = grams[members].add_(gram) if members in grams else gram.clone()
            for k, name in enumerate(names):
                crosses[name] = crosses[name] + cross[:, k] if name in crosses else cross[:, k]
            single[atom] = RidgeAttempts.of(gram, cross)
        named = [[name for name in crosses if tuple(self.fields[name]) == members] for members in grams]
        of_element = [
            RidgeAttempts.of(gram, torch.stack([crosses[name] for name in names], dim=1))
            for gram, names in zip(grams.values(), named, strict=True)
        ]
        solved = succeeded([*single.values(), *of_element])  # the device is asked once for all atoms
        shared = {
            name: torch.stack([weights[:, k] for weights in solutions], dim=1)
            for names, solutions in zip(named, solved[len(single) :], strict=True)
            for k, name in enumerate(names)
        }
        return _Solutions(scale, shared, dict(zip(single, solved, strict=False)))

    def _predict(
        self, atom: int, frames: NDArray[np.int64], solutions: _Solutions
    ) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
        """Yield each injection of an atom with what the shared and the atom's own readout predict.

        Both are ``(frames (2 l + 1), strengths)``.
        """
        names, single = self._injections(atom), solutions.single[atom]
        weights = [torch.stack([w[:, k] for w in single], dim=1) for k in range(len(names))]
        weights += [solutions.shared[name] for name in names]
        scaled = torch.cat(weights, dim=1) / solutions.scale[:, None]
        products = halving(lambda part: self._design(atom, frames[part]) @ scaled, [slice(0, len(frames))])
        predicted = torch.cat([part for _, part in products]).cpu().numpy()
        ends = np.cumsum([columns.shape[1] for columns in weights])
        parts = np.split(predicted, ends[:-1], axis=1)
        yield from zip(names, parts[len(names) :], parts[: len(names)], strict=True)

    def _score(
        self, solutions: _Solutions, amplitude: float
    ) -> tuple[dict[str, dict[int, ErrorSums]], dict[str, dict[int, ErrorSums]]]:
        """Return the error sums of the shared and of the atoms' own readouts, ``[injection][atom]``.

        An atom's own readout takes the strength that is best on its validation frames, the shared one that which is
        best on those of all atoms.
        """
        frames = np.concatenate([self.split.validation, self.split.held_out])
        validation, held_out = len(self.split.validation) * (2 * self.basis.l + 1), len(self.split.held_out)
        per_atom: dict[str, dict[int, ErrorSums]] = {name: {} for name in solutions.shared}
        together: dict[str, dict[int, NDArray[np.float64]]] = {name: {} for name in solutions.shared}
        missed = {name: np.zeros(weights.shape[1]) for name, weights in solutions.shared.items()}
        for atom in solutions.single:
            for name, by_shared, by_own in self._predict(atom, frames, solutions):
                truth = self.fields[name][atom][frames].reshape(-1, 1)
                missed[name] += np.sum((truth - by_shared)[:validation] ** 2, axis=0)
                together[name][atom] = by_shared[validation:]
                best = int(np.sum((truth - by_own)[:validation] ** 2, axis=0).argmin())
                per_atom[name][atom] = _sums(
                    amplitude * truth[validation:], amplitude * by_own[validation:, best], held_out
                )
        shared: dict[str, dict[int, ErrorSums]] = {name: {} for name in solutions.shared}
        for name, by_atom in together.items():
            best = int(missed[name].argmin())
            for atom, predicted in by_atom.items():
                truth = self.fields[name][atom][self.split.held_out].reshape(-1, 1)
                shared[name][atom] = _sums(amplitude * truth, amplitude * predicted[:, best], held_out)
        return shared, per_atom


def _total(parts: Iterable[torch.Tensor]) -> torch.Tensor:
    """Return the sum of tensors, written into the first."""
    first, *others = parts
    for other in others:
        first += other
    return first


def _sums(truth: NDArray[np.float64], prediction: NDArray[np.float64], frames: int) -> ErrorSums:
    """Averaged over a and e the backbone's error is the same before and after, so it drops out of every gain."""
    injected, missed = frame_sums(truth**2, frames), frame_sums((truth[:, 0] - prediction) ** 2, frames)
    count = frame_sums(np.ones_like(truth), frames)
    none = np.zeros_like(injected)
    return ErrorSums(injected, missed, before=injected, after=missed, oracle=none, blank=none, count=count)
