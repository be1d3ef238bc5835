"""The free readout: any polynomial of bounded degree of the features in the lab frame, fitted in closed form.

No symmetry is imposed on the coefficients, so nothing builds the collapse above the ceiling in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.features import Block
from ..injection.fields import l_slice
from ..injection.orientations import LabTargets, Orientations, Uses
from ..records.devices import halving
from ..recovery.error_sums import ErrorSums, frame_sums
from .compute import batches, tensor
from .lab_inputs import LabInputs
from .monomials import Monomials
from .reduction import fit_reduction
from .ridge import ridge_solutions

#: Largest number of coefficients of the free readout for each polynomial degree; it decides how many channels are kept.
COEFFICIENTS = {1: 600, 2: 600}
#: The same for every higher degree.
COEFFICIENTS_ABOVE = 1400


def coefficient_limit(degree: int) -> int:
    """Return the default limit on the number of coefficients of a free readout."""
    return COEFFICIENTS.get(degree, COEFFICIENTS_ABOVE)


def coefficient_count(
    blocks: Sequence[Block], degree: int, keep: Mapping[tuple[int, int], int] | None = None
) -> int:
    """Return the number of coefficients with ``keep[l, parity]`` channels (default: one of each natural irrep)."""
    natural = {(b.l, b.parity): b.channels for b in blocks if b.parity == (-1) ** b.l}
    kept = dict.fromkeys(natural, 1) if keep is None else keep
    n = sum(min(kept[kind], channels) * (2 * kind[0] + 1) for kind, channels in natural.items())
    return comb(n + degree, degree)


def channels_kept(
    blocks: Sequence[Block], degree: int, limit: int | None = None
) -> dict[tuple[int, int], int]:
    """Return how many combinations of each irrep of natural parity, (-1)^l, fit into the coefficient limit.

    The same number k for every l, the largest with C(n + d, d) <= limit, where n is the number of components.

    Raises
    ------
    InputError
        No irrep is of natural parity, or not even one channel of each fits.
    """
    limit = coefficient_limit(degree) if limit is None else limit
    available = {(b.l, b.parity): b.channels for b in blocks if b.parity == (-1) ** b.l}
    if not available:
        held = ", ".join(f"{b.channels}x{b.l}{'e' if b.parity > 0 else 'o'}" for b in blocks)
        raise InputError(
            f"the features ({held}) hold no irrep of the parity (-1)^l, and only those are read: tap a layer that has some"
        )

    def coefficients(k: int) -> int:
        return coefficient_count(blocks, degree, dict.fromkeys(available, k))

    if coefficients(1) > limit:
        raise InputError(
            f"a free readout of degree {degree} of these features has at least {coefficients(1)} coefficients, "
            f"more than the limit {limit}; leave this degree out or raise --coefficients"
        )
    k = 1
    while k < max(available.values()) and coefficients(k + 1) <= limit:
        k += 1
    return {kind: min(k, c) for kind, c in available.items()}


@dataclass(frozen=True)
class _Rows:
    """The rows of a regression on the device, one for each use of a frame."""

    features: torch.Tensor  # (components, uses), lab frame
    #: (uses, 1 + columns of all fields): the residual along the lab-fixed direction e, the injected fields, and those of
    #: unrelated uses, which have nothing to do with the features.
    known: torch.Tensor
    width: int  # columns of the injected fields

    @classmethod
    def of(
        cls,
        uses: Uses,
        features: NDArray[np.float64] | torch.Tensor,
        along: NDArray[np.float64] | torch.Tensor,
        values: torch.Tensor,
        null: bool,
        device: torch.device,
    ) -> _Rows:
        fields = tensor(values, device)
        others = [uses.of_unrelated(fields, draw) for draw in range(len(uses.unrelated) if null else 0)]
        known = torch.cat([tensor(along, device)[:, None], fields, *others], dim=1)
        return cls(tensor(features, device), known, fields.shape[1])


def fit_free(
    blocks: Sequence[Block],
    atom: int,
    signal: NDArray[np.float64],
    residual: NDArray[np.float64],
    orientations: Orientations,
    degree: int,
    amplitude: float,
    limit: int | None = None,
    device: str = "cpu",
) -> tuple[list[ErrorSums], int]:
    """Fit the fields (a . T) e of one pure l, every l at once, for one atom.

    As ``fit_free_targets`` with one target for each l and each of its 2l+1 polarisations a.

    Parameters
    ----------
    signal
        T of this atom, ``(frames, (l_top + 1)^2)``; it also leads the choice of channels.
    """
    l_top = int(np.sqrt(signal.shape[1])) - 1
    leading = {l: signal[:, l_slice(l)] for l in range(1, l_top + 1)}
    targets = LabTargets.of_signal(orientations, signal, device)
    return fit_free_targets(
        blocks,
        atom,
        targets,
        residual,
        orientations,
        degree,
        amplitude,
        leading=leading,
        limit=limit,
        device=device,
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
    device: str = "cpu",
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
        Largest number of coefficients (default: ``coefficient_limit(degree)``).
    device
        Where the Gram matrix, the solves and the predictions are computed.

    Returns
    -------
    One ErrorSums for each l, and the number of coefficients.
    """
    keep = channels_kept(blocks, degree, limit)
    lead = {l: values[:, None] for l, values in (leading or {}).items()}
    reduction = fit_reduction(blocks, [atom], orientations.split.training, keep, lead)
    reduced = reduction.apply(blocks, atom)
    inputs = LabInputs.turned(orientations, reduced, residual, device)
    return fit_lab(inputs, targets, orientations, degree, amplitude, device=device)


def fit_lab(
    inputs: LabInputs,
    targets: LabTargets,
    orientations: Orientations,
    degree: int,
    amplitude: float,
    *,
    device: str = "cpu",
) -> tuple[list[ErrorSums], int]:
    """Fit as :func:`fit_free_targets` does, to features that are given at every use, whatever made them."""
    null = amplitude > 0.0 and any(targets.null)
    uses = orientations.training, orientations.validation, orientations.held_out
    values = targets.training, targets.validation, targets.held_out
    training, validation, held_out = (
        _Rows.of(of, features, along, fields, null, torch.device(device))
        for of, features, along, fields in zip(uses, inputs.features, inputs.residuals, values, strict=True)
    )
    basis = Monomials.of(len(training.features), degree)
    fit = _Fit.of(basis, training)
    strengths = _chosen_strengths(_errors_by_strength(basis, fit, validation, amplitude), targets)
    scored = _Scored.of(basis, fit, strengths, training, held_out, amplitude)
    frames = len(orientations.split.held_out)
    sums = [
        scored.error_sums(columns, frames, null=can_be_null)
        for columns, can_be_null in zip(targets.columns, targets.null, strict=True)
    ]
    return sums, basis.count


@dataclass(frozen=True)
class _Fit:
    """The normal equations of standardised monomials and their solutions, one for each strength."""

    centre: torch.Tensor  # (monomials,)
    scale: torch.Tensor
    cross: torch.Tensor  # (monomials, known)
    solutions: list[torch.Tensor]

    @classmethod
    def of(cls, basis: Monomials, rows: _Rows) -> _Fit:
        """Accumulate the moments of raw monomials and standardise them afterwards.

        With the constant among the monomials, sum (x - c)(y - c') = sum x y - N c c'. The subtraction costs the digits
        of c^2 / variance, few for features that turn, against a ridge of 1e-7 of the diagonal. A column whose variance
        is round-off of its square is a constant: it is left out.
        """
        features, known = rows.features, rows.known
        samples = features.shape[1]
        moments: list[torch.Tensor] = []
        cross = torch.zeros(basis.count, known.shape[1], dtype=torch.float64, device=features.device)

        def moments_of(batch: slice) -> list[torch.Tensor]:
            values = basis.evaluate(features[:, batch])
            part = basis.moments(values)
            cross.addmm_(
                values, known[batch]
            )  # last, in place: a batch that runs out of memory leaves it as it was
            return part

        for _, part in halving(moments_of, batches(samples, basis.count, features.device)):
            moments = [a.add_(b) for a, b in zip(moments, part, strict=True)] if moments else part
        gram = basis.gram(moments)
        centre = gram[0] / samples
        square = gram.diagonal() / samples
        centre[0] = 0.0  # the constant stays
        variance = square - centre**2
        # Round-off of a sum of N terms: below N eps of the mean square; 1e-12 covers the 1e4 to 1e5 rows of a fit.
        scale = torch.where(variance > 1e-12 * square, variance.clamp(min=0.0).sqrt(), torch.inf)
        gram -= samples * torch.outer(centre, centre)
        gram[0, 1:] = gram[1:, 0] = 0.0  # centred columns are orthogonal to the constant
        gram /= torch.outer(scale, scale)
        cross = (cross - torch.outer(centre, cross[0])) / scale[:, None]
        return cls(centre, scale, cross, ridge_solutions(gram, cross))

    def on_raw(self, weights: torch.Tensor) -> torch.Tensor:
        """Return the coefficients of raw monomials that stand for ``weights`` of standardised ones."""
        raw = weights / self.scale[:, None]
        raw[0] -= self.centre @ raw
        return raw


def _errors_by_strength(basis: Monomials, fit: _Fit, rows: _Rows, amplitude: float) -> NDArray[np.float64]:
    """Return |amplitude * field + residual - prediction|^2, ``(strengths, columns of all fields)``."""
    raw = fit.on_raw(torch.cat(fit.solutions, dim=1))
    wide = rows.known.shape[1]
    total = torch.zeros(len(fit.solutions), wide - 1, dtype=torch.float64, device=raw.device)

    def squares(batch: slice) -> torch.Tensor:
        solved = (basis.evaluate(rows.features[:, batch]).T @ raw).reshape(-1, len(fit.solutions), wide)
        left = rows.known[batch][:, None] - solved
        # The fit is linear in its target: what is left of amplitude * field and of the residual adds up.
        return (amplitude * left[:, :, 1:] + left[:, :, :1]).square_().sum(dim=0)

    for _, part in halving(squares, batches(rows.features.shape[1], basis.count, raw.device)):
        total += part
    return total.cpu().numpy()


def _chosen_strengths(errors: NDArray[np.float64], targets: LabTargets) -> NDArray[np.int64]:
    """Return which strength the validation frames choose for each column of all fields, one for all columns of an l."""
    width = targets.training.shape[1]
    chosen = np.zeros(errors.shape[1], dtype=np.int64)
    for start in range(0, errors.shape[1], width):  # the injected fields, then those of each unrelated draw
        for columns in targets.columns:
            shifted = slice(start + columns.start, start + columns.stop)
            chosen[shifted] = int(errors[:, shifted].sum(axis=1).argmin())
    return chosen


@dataclass(frozen=True)
class _Scored:
    """A fit at its chosen strengths, and what it predicts on held-out uses, on the host.

    Only the chosen strength of each column is predicted, and the residual at every strength.
    """

    cross: torch.Tensor  # of the fit, (monomials, known)
    solutions: list[torch.Tensor]
    strengths: NDArray[np.int64]  # (columns of all fields,)
    predicted: NDArray[np.float64]  # (uses, columns of all fields), in units of the amplitude
    learned: NDArray[np.float64]  # (uses, strengths): the residual, eV/Å
    known: NDArray[np.float64]  # (uses, 1 + columns of all fields), held-out
    width: int  # columns of the injected fields
    moments: NDArray[
        np.float64
    ]  # (1 + width, 1 + width): sums over training uses of the residual and the injected fields
    amplitude: float

    @classmethod
    def of(
        cls,
        basis: Monomials,
        fit: _Fit,
        strengths: NDArray[np.int64],
        training: _Rows,
        held_out: _Rows,
        amplitude: float,
    ) -> _Scored:
        weights = [fit.solutions[k][:, 1 + column] for column, k in enumerate(strengths)]
        weights += [solution[:, 0] for solution in fit.solutions]
        raw = fit.on_raw(torch.stack(weights, dim=1))
        samples = batches(held_out.features.shape[1], basis.count, raw.device)
        parts = halving(lambda batch: basis.evaluate(held_out.features[:, batch]).T @ raw, samples)
        values = torch.cat([part for _, part in parts]).cpu().numpy()
        split, injected = len(strengths), training.known[:, : 1 + training.width]
        return cls(
            fit.cross.cpu(), [solution.cpu() for solution in fit.solutions], strengths, values[:, :split],
            values[:, split:], held_out.known.cpu().numpy(), held_out.width, (injected.T @ injected).cpu().numpy(),
            amplitude,
        )  # fmt: skip

    def error_sums(self, columns: slice, frames: int, *, null: bool) -> ErrorSums:
        """Return what is left of the targets of one l, over the uses of ``frames`` held-out frames."""
        strength = int(self.strengths[columns.start])
        injected, predicted = self.known[:, 1:][:, columns], self.predicted[:, columns]
        error, learned = self.known[:, :1], self.learned[:, strength : strength + 1]
        field, recovered = self.amplitude * injected, self.amplitude * predicted
        target, prediction = field + error, recovered + learned
        with_truth = prediction + (injected - predicted) @ self._oracle(strength, columns)
        blank = np.repeat(error**2 - (error - learned) ** 2, field.shape[1], axis=1)
        return ErrorSums(
            injected=frame_sums(field**2, frames),
            missed=frame_sums((field - recovered) ** 2, frames),
            before=frame_sums(target**2, frames),
            after=frame_sums((target - prediction) ** 2, frames),
            oracle=frame_sums((target - with_truth) ** 2, frames),
            blank=frame_sums(blank, frames),
            count=frame_sums(np.ones_like(field), frames),
            null=self._null(columns) if null else (),
        )

    def _null(self, columns: slice) -> tuple[float, ...]:
        """Return R2 on the fields of unrelated uses, one value for each draw."""
        values = []
        for start in range(self.width, self.predicted.shape[1], self.width):
            shifted = slice(start + columns.start, start + columns.stop)
            truth = self.known[:, 1:][:, shifted]
            total = float(np.sum(truth**2))  # 0 where the symmetry of a site leaves nothing to inject
            missed = float(np.sum((truth - self.predicted[:, shifted]) ** 2))
            values.append(1.0 - missed / total if total > 0.0 else 0.0)
        return tuple(values)

    def _oracle(self, strength: int, columns: slice) -> NDArray[np.float64]:
        """Return what the fields T themselves get when they are among the features (unpenalised), ``(fields, targets)``.

        Bordered normal equations: with G the penalised Gram matrix and B = X^T T, the coefficients c of T solve
        (T^T T - B^T G^-1 B) c = T^T y - B^T G^-1 X^T y. Those of X follow: the prediction of X alone plus
        (T - X G^-1 B) c.
        """
        shifted = slice(1 + columns.start, 1 + columns.stop)
        on_border = (
            self.cross[:, shifted].T @ self.solutions[strength][:, [0, *range(shifted.start, shifted.stop)]]
        )
        projected = on_border.numpy()
        schur = self.moments[shifted, shifted] - projected[:, 1:]
        right = self.amplitude * schur + (self.moments[shifted, 0] - projected[:, 0])[:, None]
        return np.asarray(np.linalg.lstsq(schur, right, rcond=None)[0])
