r"""What rounding leaves of the symmetry of a model's features, energies and forces, measured by turning the molecule.

Turned back, the features of the turned molecule, :math:`D(R)^{-1} h(Rx)`, are those at rest but for what breaks the symmetry and
for rounding. The first is smooth in R: between rotations :data:`NEARBY` apart it changes by the share l * NEARBY of itself.
Rounding is drawn anew at each, however near they are. So the difference of two nearby ones is :math:`\sqrt 2` of one rounding,
whatever number format the model computes in, and whatever it says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...numerics.rotations import haar_rotations
from ..backbones.backbone import Backbone
from ..backbones.features import Features
from ..frames.frames import Frames
from ..frames.motions import turned

Array = NDArray[np.float64]
#: Angle (radian) between orientations whose difference is called rounding. Positions of 1 Å move by a thousand roundings of
#: float32, and functions of l <= 100 by 1 % of themselves.
NEARBY = 1e-4
#: Pairs of nearby rotations.
_PAIRS = 8
#: Relative rounding from which on an irrep is empty. Below, one that is smaller than a thousandth of the largest irrep of its
#: layer and has a thousand times the relative rounding of the best is what is left of a sum that cancels.
EMPTY, _UNEVEN, _SMALL = 0.1, 1e3, 1e-3


def nearby(rotations: Array, rng: np.random.Generator) -> Array:
    """Return rotations turned further by :data:`NEARBY` about random axes."""
    axes = rng.normal(size=(len(rotations), 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    turns: Array = Rotation.from_rotvec(NEARBY * axes).as_matrix()
    return turns @ rotations


@dataclass(frozen=True)
class BlockRounding:
    """Rounding of one irrep of a layer.

    Attributes
    ----------
    relative
        Root mean square over atoms and channels, relative to that of the features; 1 where there is nothing but rounding.
    size
        Root mean square, over atoms and channels, of the norm of the features over their components.
    absolute
        Norm of the rounding over channels and components, of the atom where it is largest, in the features' own unit.
    """

    relative: float
    size: float
    absolute: float


@dataclass(frozen=True)
class Rounding:
    """Rounding of a model at one frame.

    Attributes
    ----------
    blocks
        By layer, and there by (l, parity) of the irrep.
    energy, forces
        Of the energy (eV), and of the norm of all forces (eV/Å); 0 where there are none.
    """

    blocks: Mapping[str, Mapping[tuple[int, int], BlockRounding]]
    energy: float
    forces: float

    def counts(self, layer: str) -> dict[tuple[int, int], float]:
        """Relative rounding of the irreps of a layer that hold more than rounding.

        An irrep that is empty by symmetry, or nearly, is a sum that cancels: its rounding, relative to what is left, is larger
        than that of the others by orders of magnitude.
        """
        blocks = self.blocks[layer]
        least = min((block.relative for block in blocks.values()), default=0.0)
        largest = max((block.size for block in blocks.values()), default=0.0)
        return {
            key: irrep.relative
            for key, irrep in blocks.items()
            if irrep.relative <= EMPTY
            and (irrep.relative <= _UNEVEN * least or irrep.size > _SMALL * largest)
        }

    def of_layer(self, layer: str) -> float:
        """Largest relative rounding among the irreps of a layer that count."""
        return max(self.counts(layer).values(), default=1.0)

    def of(self, quantity: str, l: int | None, parity: int | None) -> float:
        """Absolute rounding of a layer's irrep, of the ``energy`` or of the ``forces``."""
        if l is None or parity is None:
            return self.energy if quantity == "energy" else self.forces
        return self.blocks[quantity][l, parity].absolute


def measure_rounding(
    backbone: Backbone,
    frame: Frames,
    layers: Sequence[str],
    rng: np.random.Generator,
    *,
    forces: bool = False,
) -> Rounding:
    """Measure the rounding of layers at the first of some frames, over eight pairs of nearby rotations.

    Parameters
    ----------
    layers
        Names of layers.
    rng
        Draws the rotations.
    forces
        Whether to measure the energy and the forces too.
    """
    first = haar_rotations(_PAIRS, rng)
    rotations = np.concatenate([first, nearby(first, rng)])
    moved = at_rotations(frame, rotations)
    answer = backbone.respond(moved, layers, forces=forces)
    back = np.swapaxes(rotations, 1, 2)
    energy = pulled = 0.0
    if answer.energies is not None:
        energy = _of_pairs(answer.energies[:, None], np.abs(answer.energies).max())
    if answer.forces is not None:
        pulls = np.einsum("nij,naj->nai", back, answer.forces).reshape(len(back), -1)
        pulled = _of_pairs(pulls, float(np.linalg.norm(pulls, axis=1).max()))
    blocks = {name: _blocks(features.rotated(back)) for name, features in answer.features.items()}
    return Rounding(blocks, energy, pulled)


def at_rotations(frame: Frames, rotations: Array) -> Frames:
    """Return the first of some frames turned to each rotation, ``(n, 3, 3)``, with its cell; without energies and stress."""
    return turned(replace(frame.select([0]), energies=None, stress=None), rotations)


def _of_pairs(values: Array, size: float) -> float:
    """Return the root mean square norm of one rounding of values, ``(2 pairs, n)``; no less than a rounding of float64."""
    differences = values[:_PAIRS] - values[_PAIRS:]
    measured = float(np.sqrt(0.5 * (differences**2).sum(axis=1).mean()))
    return max(measured, float(np.finfo(np.float64).eps) * size)


def _blocks(features: Features) -> dict[tuple[int, int], BlockRounding]:
    blocks = {}
    for block in features.blocks():
        square = (block.values**2).sum(axis=3)  # (rotations, atoms, channels)
        differences = ((block.values[:_PAIRS] - block.values[_PAIRS:]) ** 2).sum(axis=3)
        size = float(np.sqrt(square.mean()))
        least = features.precision * size
        relative = float(np.sqrt(0.5 * differences.mean())) / size if size > 0.0 else 1.0
        largest = float(np.sqrt(0.5 * differences.sum(axis=2).mean(axis=0).max()))
        blocks[block.l, block.parity] = BlockRounding(
            min(1.0, max(relative, features.precision)),
            size,
            max(largest, least * float(np.sqrt(block.channels))),
        )
    return blocks
