"""What an audit collects while a frame is turned, rotation by rotation: spectra of readouts, errors of irreps.

Features arrive as tensors and stay on their device: what is read off them, the errors and their projections are made there. Only
the small coefficients of the spectra come back, when a result is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ...numerics.ring_spectrum import RingSpectrum
from ...numerics.rotations import SO3Quadrature
from ...numerics.wigner import wigner_d
from ..backbones.features import Features
from ..backbones.irreps import o3
from ..records.devices import placed
from .random_readouts import RandomReadout


@dataclass(frozen=True)
class BlockError:
    """Equivariance error of one irrep of one layer, over all atoms of a frame.

    Attributes
    ----------
    l, parity, channels
        The irrep.
    size
        Root mean square, over atoms and channels, of the norm of the features over their 2l+1 components.
    by_degree
        ``(l_top+1,)``: mean square error at each l divided by the mean square of the features; their sum is the
        squared relative error, root-mean-square over rotations.
    rms
        That relative error, counting what lies above l_top too.
    largest
        Largest error at a rotation of the quadrature, of any atom and channel, relative to `size`: a lower bound of the
        supremum, as any maximum over some rotations is.
    bound
        Upper bound of the same over all rotations, relative, without what lies above l_top.
    inversion
        Relative error under the inversion, (-1)^l or the opposite by parity, root-mean-square.
    translation
        Relative error under a shift of the molecule, root-mean-square.
    """

    l: int
    parity: int
    channels: int
    size: float
    by_degree: NDArray[np.float64]
    rms: float
    largest: float
    bound: float
    inversion: float
    translation: float


@dataclass(frozen=True)
class ReadoutSpectrum:
    """Rotation spectrum of random readouts of one atom's features, by one route.

    Attributes
    ----------
    layer, atom, readout
        What was read.
    route
        ``network`` or ``wigner``.
    power
        ``(l_top+1,)``: P_l over the mean square, averaged over the readouts drawn.
    error
        Root mean square of what the spectrum leaves of the function at independent random rotations, relative: no
        sqrt(P_l) is off by more (relative to the root of the mean square).
    """

    layer: str
    atom: int
    readout: RandomReadout
    route: str
    power: NDArray[np.float64]
    error: float

    def above(self, ceiling: int) -> float:
        """Power above a degree, relative to the total, of the degrees measured."""
        return float(self.power[ceiling + 1 :].sum())


def rotated_tensor(still: torch.Tensor, irreps: str, rotations: NDArray[np.float64]) -> torch.Tensor:
    """Return the features ``(atoms, dim)`` of one frame turned by each rotation, D(R) h(x): ``(rotations, atoms, dim)``.

    On the device of the features; the matrices D are made on the host, where they are few beside what they turn.
    """
    parsed = o3.Irreps(irreps)
    matrices = {ir.l: placed(wigner_d(ir.l, rotations), still.device) for _, ir in parsed}
    atoms, count = len(still), len(rotations)
    parts = []
    for (channels, ir), where in zip(parsed, parsed.slices(), strict=True):
        part = still[:, where].reshape(atoms * channels, ir.dim)
        parts.append((part @ matrices[ir.l].transpose(1, 2)).reshape(count, atoms, channels * ir.dim))
    return torch.cat(parts, dim=2)


class SpectrumMeter:
    """Collects the rotation spectrum of readouts by one route, rotation by rotation.

    Attributes
    ----------
    route
        ``network`` or ``wigner``.
    readouts
        (layer, atom, readout).
    atoms
        Atoms that are read.
    """

    def __init__(
        self, route: str, readouts: Sequence[tuple[str, int, RandomReadout]], quadrature: SO3Quadrature, l_top: int
    ) -> None:  # fmt: skip
        self.route, self.readouts, self.quadrature = route, readouts, quadrature
        self.atoms = sorted({atom for _, atom, _ in readouts})
        self._spectrum = RingSpectrum(quadrature, l_top)
        self._left = np.zeros(len(readouts))
        self._checked = 0

    def add(self, values: torch.Tensor | None) -> None:
        """Take in what :meth:`read` gave at the next rotations of the quadrature."""
        if values is not None:
            self._spectrum.add(values)

    def check(self, rotations: NDArray[np.float64], values: torch.Tensor | None) -> None:
        """Hold the spectrum against the function itself, as :meth:`read` gave it, at other rotations."""
        if values is None:
            return
        difference = values.cpu().numpy() - self._spectrum.interpolate(rotations)
        self._left += (difference**2).mean(axis=2).sum(axis=0)
        self._checked += len(rotations)

    def read(
        self, features: dict[str, torch.Tensor], atoms: Sequence[int] | None = None
    ) -> torch.Tensor | None:
        """Return the values of all readouts, ``(rotations, readouts, outputs)``; None where there are none.

        ``atoms`` are those that the features hold, None: all.
        """
        if not self.readouts:
            return None
        values = [
            readout(features[layer][:, atom if atoms is None else atoms.index(atom)])
            for layer, atom, readout in self.readouts
        ]
        return torch.stack(values, dim=1)

    def result(self) -> list[ReadoutSpectrum]:
        """Return the spectrum of every readout."""
        if not self.readouts:
            return []
        power, total = self._spectrum.power(), self._spectrum.total().mean(axis=1)
        return [
            ReadoutSpectrum(
                layer, atom, readout, self.route, power[:, k].mean(axis=1) / total[k],
                error=float(np.sqrt(self._left[k] / self._checked / total[k])),
            )
            for k, (layer, atom, readout) in enumerate(self.readouts)
        ]  # fmt: skip


class ErrorMeter:
    """Collects h(Rx) - D(R) h(x) of one layer, rotation by rotation."""

    def __init__(self, base: Features, quadrature: SO3Quadrature, l_top: int) -> None:
        self._base = base
        self._spectrum = RingSpectrum(quadrature, l_top)
        parsed = o3.Irreps(base.irreps)
        self._entries = [
            ((ir.l, ir.p), channels, where)
            for (channels, ir), where in zip(parsed, parsed.slices(), strict=True)
        ]
        #: Largest square norm of each irrep so far, on the device of the errors.
        self._largest: dict[tuple[int, int], torch.Tensor] = {}

    def largest(self, error: torch.Tensor) -> list[torch.Tensor]:
        """Return the largest square norm of every irrep among errors ``(rotations, atoms, dim)``."""
        return [
            error[:, :, where].reshape(len(error), -1, channels, 2 * kind[0] + 1).square().sum(dim=3).max()
            for kind, channels, where in self._entries
        ]

    def add(self, error: torch.Tensor, largest: Sequence[torch.Tensor]) -> None:
        """Take in the errors ``(rotations, atoms, dim)`` at the next rotations, and what :meth:`largest` gave of them."""
        self._spectrum.add(error)
        for (kind, _, _), most in zip(self._entries, largest, strict=True):
            before = self._largest.get(kind)
            self._largest[kind] = most if before is None else torch.maximum(before, most)

    def result(self, inverted: Features, shifted: Features) -> list[BlockError]:
        """Return the errors of every irrep; ``inverted`` and ``shifted`` are features of the moved frame."""
        # Rows of the spectrum are sorted into irreps by the class that knows the layout.
        power = list(replace(self._base, values=self._spectrum.power()).blocks())
        total = list(replace(self._base, values=self._spectrum.total()[None]).blocks())
        errors = []
        for block, by, whole, turned_over, moved in zip(
            self._base.blocks(), power, total, inverted.blocks(), shifted.blocks(), strict=True
        ):
            square = float((block.values**2).sum(axis=3).mean())  # of the norm over components
            unit = square if square > 0 else 1.0
            # for each l, the worst atom and channel: its norm bounds its supremum
            norms = np.sqrt(by.values.sum(axis=3))
            weights = 2 * np.arange(len(norms)) + 1
            errors.append(
                BlockError(
                    l=block.l,
                    parity=block.parity,
                    channels=block.channels,
                    size=float(np.sqrt(square)),
                    by_degree=by.values.sum(axis=3).mean(axis=(1, 2)) / unit,
                    rms=float(np.sqrt(whole.values.sum(axis=3).mean() / unit)),
                    largest=float(self._largest[block.l, block.parity].sqrt()) / float(np.sqrt(unit)),
                    bound=float((weights[:, None, None] * norms).sum(axis=0).max() / np.sqrt(unit)),
                    inversion=_relative(turned_over.values - block.parity * block.values, unit),
                    translation=_relative(moved.values - block.values, unit),
                )
            )
        return errors


def _relative(difference: NDArray[np.float64], unit: float) -> float:
    return float(np.sqrt((difference**2).sum(axis=3).mean() / unit))
