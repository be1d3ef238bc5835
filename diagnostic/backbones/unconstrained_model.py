"""A small model without rotational symmetry: message passing on Cartesian neighbour vectors, energies with exact forces.

It is what the symmetry measurements need as a counterpart: it learns an approximate symmetry from data, more of it with
rotational augmentation, and has none by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...theory.errors import InputError
from ..frames.frames import Frames
from ..records.devices import choose_device, halving, slices
from ..records.gradients import leave_gradient
from ..records.progress import Progress

Array = NDArray[np.float64]
#: Radial functions of a message, and neighbours that its sum is scaled for.
_RADIAL, NEIGHBOURS = 8, 16.0


@dataclass(frozen=True)
class UnconstrainedSettings:
    """Size and training of the model.

    Attributes
    ----------
    numbers
        Atomic numbers that it knows.
    width
        Channels of every layer.
    rounds
        Message-passing rounds.
    cutoff
        Å; a cosine of the distance fades every message to zero there.
    augment
        Whether every training frame is turned by a new Haar-random rotation whenever it is used.
    steps, batch_size, learning_rate, seed
        Of Adam with a cosine schedule.
    """

    numbers: tuple[int, ...]
    width: int = 64
    rounds: int = 2
    cutoff: float = 5.0
    augment: bool = False
    steps: int = 2000
    batch_size: int = 10
    learning_rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("width", "rounds", "steps", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name} is {value!r}, expected an integer >= 1")
        if not self.cutoff > 0.0:
            raise InputError(f"cutoff is {self.cutoff} Å, expected a positive length")

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {**asdict(self), "numbers": list(self.numbers)}


class UnconstrainedNetwork(torch.nn.Module):
    """Energies of structures from their positions; of several sizes and with cells by :mod:`.unconstrained_graph`.

    A message from j to i is a multilayer perceptron of the direction of r_ij times radial functions, and of the features of
    both atoms; translations and permutations of like atoms are kept, rotations are not.
    """

    def __init__(self, settings: UnconstrainedSettings) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(settings.seed)
        width = settings.width
        self.settings = settings
        self.embed = torch.nn.Embedding(len(settings.numbers), width)
        self.messages = torch.nn.ModuleList(
            _perceptron(2 * width + 4 * _RADIAL, width, width) for _ in range(settings.rounds)
        )
        self.updates = torch.nn.ModuleList(
            _perceptron(2 * width, width, width) for _ in range(settings.rounds)
        )
        self.readout = _perceptron(width, width, 1)
        #: Energy of an atom in the mean (eV), and the size of forces (eV/Å).
        self.shift, self.scale = 0.0, 1.0
        #: Energy of an atom by element (eV), in the order of the settings; empty: ``shift`` for all.
        self.shifts: tuple[float, ...] = ()
        for parameter in self.parameters():
            with torch.no_grad():
                bound = 1.0 / np.sqrt(parameter.shape[-1])
                parameter.copy_((2.0 * torch.rand(parameter.shape, generator=generator) - 1.0) * bound)
        self.double()

    def types(self, numbers: Sequence[int] | NDArray[np.int64]) -> torch.Tensor:
        """Return the index of every atom's element; InputError for one that the model does not know."""
        known = {z: k for k, z in enumerate(self.settings.numbers)}
        for z in numbers:
            if int(z) not in known:
                raise InputError(
                    f"atomic number {int(z)} is unknown to the model, which has {', '.join(map(str, known))}"
                )
        return torch.tensor([known[int(z)] for z in numbers], device=self.embed.weight.device)

    def inputs(
        self, positions: Array, numbers: Sequence[int] | NDArray[np.int64]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return positions ``(frames, atoms, 3)`` and types where the network is, for the other methods."""
        return torch.tensor(positions, device=self.embed.weight.device), self.types(numbers)

    def references(self, types: torch.Tensor) -> torch.Tensor:
        """Return the reference energy of every atom, eV."""
        shifts = self.shifts or (self.shift,) * len(self.settings.numbers)
        return torch.tensor(shifts, dtype=self.embed.weight.dtype, device=self.embed.weight.device)[types]

    def features(self, positions: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        """Return the features of every atom after the last round, ``(frames, atoms, width)``; see :meth:`rounds`."""
        return self.rounds(positions, types)[-1]

    def rounds(self, positions: torch.Tensor, types: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of every atom after each round, ``(frames, atoms, width)``.

        Parameters
        ----------
        positions
            ``(frames, atoms, 3)``, Å.
        types
            ``(atoms,)``, from :meth:`types`.
        """
        atoms = positions.shape[1]
        off = ~torch.eye(atoms, dtype=torch.bool, device=positions.device)
        vectors = positions[:, None] - positions[:, :, None]  # (frames, i, j, 3), from i to j
        distances = torch.sqrt((vectors**2).sum(-1) + (~off) * 1.0)
        fade = torch.where(off, faded(distances, self.settings.cutoff), 0.0)
        inputs = edge_inputs(vectors, distances, self.settings.cutoff)
        state = self.embed(types).expand(len(positions), -1, -1)
        states: list[torch.Tensor] = []
        for message, update in zip(self.messages, self.updates, strict=True):
            pair = torch.cat(
                [
                    inputs,
                    state[:, :, None].expand(-1, -1, atoms, -1),
                    state[:, None].expand(-1, atoms, -1, -1),
                ],
                dim=-1,
            )
            gathered = (message(pair) * fade[..., None]).sum(dim=2) / NEIGHBOURS**0.5
            state = state + update(torch.cat([state, gathered], dim=-1))
            states.append(state)
        return states

    def energy(self, positions: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        """Return the energies ``(frames,)``, eV, of positions ``(frames, atoms, 3)``, Å, and types ``(atoms,)``."""
        each = self.readout(self.features(positions, types))[..., 0]
        whole = each.sum(dim=1) * self.scale
        if self.shifts:
            return cast(torch.Tensor, whole + self.references(types).sum())
        return cast(torch.Tensor, whole + self.shift * positions.shape[1])

    def forces(
        self, positions: torch.Tensor, types: torch.Tensor, *, create_graph: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return energies ``(frames,)`` (eV) and forces ``(frames, atoms, 3)``, minus their gradient (eV/Å).

        Parameters
        ----------
        positions
            ``(frames, atoms, 3)``, Å.
        types
            ``(atoms,)``, from :meth:`types`.
        create_graph
            Whether the forces can be differentiated further, as training needs.
        """
        moved = positions.detach().requires_grad_(True)
        energy = self.energy(moved, types)
        (gradient,) = torch.autograd.grad(energy.sum(), moved, create_graph=create_graph)
        return energy, -gradient


def faded(distances: torch.Tensor, cutoff: float) -> torch.Tensor:
    """Return the factor of a message by its distance (Å): a cosine from 1 to 0 at the cutoff, and 0 beyond."""
    return torch.where(distances < cutoff, 0.5 * (1.0 + torch.cos(torch.pi * distances / cutoff)), 0.0)


def edge_inputs(vectors: torch.Tensor, distances: torch.Tensor, cutoff: float) -> torch.Tensor:
    """Return what a message knows of its pair, ``(..., 32)``: Bessel functions of the distance, and the direction times them.

    A plain vector alone is a poor coordinate for bond lengths, which matter at the scale of 0.01 Å.
    """
    orders = torch.arange(1, _RADIAL + 1, dtype=vectors.dtype, device=vectors.device) * torch.pi / cutoff
    radial = torch.sin(distances[..., None] * orders) / distances[..., None]
    unit = vectors / distances[..., None]
    return torch.cat([radial, (unit[..., None] * radial[..., None, :]).flatten(-2)], dim=-1)


def _perceptron(inputs: int, hidden: int, outputs: int) -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, hidden), torch.nn.SiLU(), torch.nn.Linear(hidden, outputs)
    )


class Descent:
    """Adam on every parameter of a network: a cosine schedule to a hundredth of the rate, gradients clipped at a norm of 10."""

    def __init__(self, network: torch.nn.Module, settings: UnconstrainedSettings) -> None:
        self.network = network
        self.optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, settings.steps, eta_min=settings.learning_rate / 100
        )

    def step(self, loss: Callable[[slice], torch.Tensor], count: int) -> None:
        """Go one step down the gradient of a loss of ``count`` structures, which is the sum of those of its parts."""
        leave_gradient(loss, self.network.parameters(), [slice(0, count)])
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimizer.step()
        self.schedule.step()


def train_unconstrained(
    frames: Frames, settings: UnconstrainedSettings, progress: Progress | None = None, device: str = "cpu"
) -> UnconstrainedNetwork:
    """Train on the forces and energies of frames, all of which are used; return the network in float64.

    Parameters
    ----------
    frames
        Frames with energies, eV and eV/Å.
    progress
        Called with ("training", step, steps).
    device
        Where it is trained; the network stays there.

    Raises
    ------
    InputError
        The frames have no energies or an element that the settings leave out.
    """
    if frames.energies is None:
        raise InputError(
            f"{frames.source} has no energies, expected energies and forces; give frames with both"
        )
    where = choose_device(device)
    network = UnconstrainedNetwork(settings).to(where)
    types = network.types(frames.numbers)
    rng = np.random.default_rng([settings.seed, 17])
    atoms = len(frames.numbers)
    network.scale = float(np.sqrt(np.mean(frames.forces**2)))
    network.float()
    descent = Descent(network, settings)
    centre = float(frames.energies.mean())
    for step in range(settings.steps):
        chosen = rng.integers(len(frames), size=min(settings.batch_size, len(frames)))
        positions, forces = frames.positions[chosen], frames.forces[chosen]
        if settings.augment:
            turns = haar_rotations(len(chosen), rng)
            positions, forces = (np.einsum("nij,naj->nai", turns, v) for v in (positions, forces))
        # The mean energy is put in at the end: float32 cannot hold thousands of eV to a meV.
        given = [
            torch.tensor(values, dtype=torch.float32, device=where)
            for values in (positions, forces, frames.energies[chosen] - centre)
        ]

        def loss(rows: slice, given: Sequence[torch.Tensor] = given) -> torch.Tensor:
            some, force, reference = (values[rows] for values in given)
            energy, predicted = network.forces(some, types, create_graph=True)
            force_loss = ((predicted - force) ** 2).mean()
            energy_loss = (((energy - reference) / network.scale) ** 2).mean()
            return (force_loss + 0.1 * energy_loss / atoms) * (len(some) / len(given[0]))

        descent.step(loss, len(chosen))
        if progress:
            progress("training", step + 1, settings.steps)
    network.double()
    network.shift = centre / atoms
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def force_mae(network: UnconstrainedNetwork, frames: Frames) -> float:
    """Return the mean absolute error of the force components, eV/Å."""
    types = network.types(frames.numbers)
    total = torch.zeros((), dtype=torch.float64, device=types.device)

    def missed(rows: slice) -> torch.Tensor:
        _, predicted = network.forces(torch.tensor(frames.positions[rows], device=types.device), types)
        return (predicted - torch.tensor(frames.forces[rows], device=types.device)).abs().sum()

    for _, part in halving(missed, slices(len(frames), 50)):
        total += part
    return float(total) / frames.forces.size
