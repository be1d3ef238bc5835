"""The trained readout: a network with activation z -> z^d, fitted by Adam to lab-frame features of turned frames.

It stands beside the closed form of the same degree on the same features. The closed form is the best polynomial of
that degree up to its ridge, so where both find nothing nothing can be represented, and where the network alone falls
short it has not learned. Two layers of squares are a polynomial of degree 4; with SiLU or tanh the network is no
polynomial and has no ceiling.

The target of every polarisation is the injected field alone, without the backbone's own error: what a network makes
of a target is not linear in it, so the share that the injection caused could not be taken apart afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ..backbones.features import Block
from ..injection.fields import l_slice
from ..injection.orientations import LabTargets, Orientations
from ..recovery.error_sums import ErrorSums, frame_sums
from .compute import tensor
from .free import channels_kept, fit_free, fit_lab
from .lab_inputs import LabInputs
from .polynomial_network import Activation
from .polynomial_network_training import NetworkTraining, fit_network
from .reduction import fit_reduction

#: Coefficients of the closed form beside the network; they decide how many channels of each irrep both are given.
COEFFICIENTS = 1100
#: Training of a run's networks: batches and steps that bring the squares within a few thousandths of the closed form.
TRAINING = NetworkTraining(steps=1500, batch=512, learning_rate=0.01)

Reading = Literal["recovered", "not learned", "not representable", "no ceiling"]


@dataclass(frozen=True)
class NetworkKind:
    """A network to train.

    Attributes
    ----------
    name
        What tables call it.
    activation, degree, width, depth
        As for :class:`~spectral_ceilings.diagnostic.readouts.polynomial_network.PolynomialNetwork`; degree is that of one layer.
    shuffled
        Whether the targets are those of other uses: then there is nothing to learn.
    seed
        Of the initial weights and the order of samples.
    """

    name: str
    activation: Activation = "power"
    degree: int = 2
    width: int = 512
    depth: int = 1
    shuffled: bool = False
    seed: int = 0

    @property
    def total_degree(self) -> int | None:
        """Degree of the whole as a polynomial; None where it is none."""
        return self.degree**self.depth if self.activation in ("power", "product") else None


@dataclass(frozen=True)
class NetworkResult:
    """What a network, and the closed form on the same features, left on held-out frames: one entry for each l."""

    kind: NetworkKind
    sums: list[ErrorSums]
    closed_form: list[ErrorSums] | None
    parameters: int
    best_step: int
    seconds: float


@dataclass(frozen=True)
class LabFeatures:
    """Reduced features and signals of one atom at every use, in the lab frame, for all networks of that atom."""

    blocks: Sequence[Block]
    atom: int
    signal: NDArray[np.float64]
    orientations: Orientations
    limit: int
    inputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    targets: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    device: str = "cpu"

    @classmethod
    def given(
        cls,
        made: LabInputs,
        atom: int,
        signal: NDArray[np.float64],
        orientations: Orientations,
        device: str = "cpu",
    ) -> LabFeatures:
        """Take features that are known at every use, whatever made them; their residuals are not looked at."""
        lab = LabTargets.of_signal(orientations, signal, device)
        targets = lab.training, lab.validation, lab.held_out
        inputs = [tensor(part, device).T.contiguous() for part in made.features]
        return cls(
            (), atom, signal, orientations, 0, (inputs[0], inputs[1], inputs[2]), targets, device
        )  # fmt: skip

    @classmethod
    def of(
        cls,
        blocks: Sequence[Block],
        atom: int,
        signal: NDArray[np.float64],
        orientations: Orientations,
        *,
        limit: int = COEFFICIENTS,
        device: str = "cpu",
    ) -> LabFeatures:
        """Reduce the channels as the quadratic free readout does and turn them.

        Parameters
        ----------
        blocks
            Features of all frames.
        signal
            T of the atom, ``(frames, (l_top + 1)^2)``.
        limit
            Coefficients of the quadratic closed form that the same channels would have.
        device
            Where features and signals are turned, and networks trained.
        """
        l_top = int(np.sqrt(signal.shape[1])) - 1
        keep = channels_kept(blocks, 2, limit)
        lead = {l: signal[:, None, l_slice(l)] for l in range(1, l_top + 1)}
        reduction = fit_reduction(blocks, [atom], orientations.split.training, keep, lead)
        nothing = np.zeros((len(signal), 3))
        made = LabInputs.turned(orientations, reduction.apply(blocks, atom), nothing, device)
        return replace(cls.given(made, atom, signal, orientations, device), blocks=blocks, limit=limit)

    def closed_form(self, degree: int) -> list[ErrorSums]:
        """Return the fit of every monomial of the same channels up to ``degree``, without the backbone's error."""
        if not self.blocks:
            features = self.inputs[0].T, self.inputs[1].T, self.inputs[2].T
            zeros = tuple(part.new_zeros(len(part)) for part in self.inputs)
            made = LabInputs(features, (zeros[0], zeros[1], zeros[2]))
            targets = LabTargets.of_signal(self.orientations, self.signal, self.device)
            return fit_lab(made, targets, self.orientations, degree, 1.0, device=self.device)[0]
        kept = channels_kept(self.blocks, 2, self.limit)
        components = sum(channels * (2 * l + 1) for (l, _), channels in kept.items())
        no_residual = np.zeros((len(self.signal), 3))
        sums, _ = fit_free(
            self.blocks, self.atom, self.signal, no_residual, self.orientations, degree, 1.0,
            limit=comb(components + degree, degree), device=self.device,
        )  # fmt: skip
        return sums


def fit_network_readout(
    lab: LabFeatures,
    kind: NetworkKind,
    *,
    training: NetworkTraining = TRAINING,
    closed_form: bool = False,
) -> NetworkResult:
    """Train one network on every l of the signal at once and return what it leaves on held-out frames.

    Parameters
    ----------
    lab
        Features and signals.
    kind
        The network. With ``shuffled`` the targets of training and validation are those of other frames and orientations.
    training
        Optimiser, steps and so on.
    closed_form
        Whether to fit the closed form of the same degree and features beside it.
    """
    uses = lab.orientations
    targets = list(lab.targets)
    if kind.shuffled:
        targets[0] = uses.training.of_unrelated(targets[0], 0)
        targets[1] = uses.validation.of_unrelated(targets[1], 0)
    fit = fit_network(
        lab.inputs[0], targets[0], degree=kind.degree, activation=kind.activation, width=kind.width,
        depth=kind.depth, validation=(lab.inputs[1], targets[1]), training=training, seed=kind.seed,
        device=lab.device,
    )  # fmt: skip
    held_out, frames = lab.targets[2].cpu().numpy(), len(uses.split.held_out)
    predicted = fit.predict(lab.inputs[2])
    sums = []
    for l in range(int(np.sqrt(held_out.shape[1]))):
        truth = held_out[:, l_slice(l)]
        injected = frame_sums(truth**2, frames)
        missed = frame_sums((truth - predicted[:, l_slice(l)]) ** 2, frames)
        zero, count = np.zeros_like(injected), frame_sums(np.ones_like(truth), frames)
        sums.append(ErrorSums(injected, missed, injected, missed, oracle=zero, blank=zero, count=count))
    polynomial = lab.closed_form(kind.total_degree) if closed_form and kind.total_degree else None
    return NetworkResult(kind, sums, polynomial, fit.network.parameter_count, fit.best_step, fit.seconds)


def reading(kind: NetworkKind, l: int, l_max: int, r2: float, closed_form: float | None) -> Reading:
    """Say why a network gave back what it did: an l above its ceiling cannot be represented.

    Below the ceiling, a network that is a tenth or more behind the closed form has not learned what could be learned.
    """
    if kind.total_degree is None:
        return "no ceiling"
    if l > kind.total_degree * l_max:
        return "not representable"
    return "not learned" if closed_form is not None and r2 < closed_form - 0.1 else "recovered"
