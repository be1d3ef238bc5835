r"""Energies against the work of the forces: the one number that ties their units together.

Between two frames a and b, in a common orientation, the work :math:`W = -\frac12 (F_a + F_b) \cdot (x_b - x_a)` is the
energy difference dE up to third order in the distance. The error of that rule is in W, not in dE, and is as often
positive as negative; so W is regressed on dE (not dE on W, whose slope noise would pull to 0) over each frame's nearest
neighbours, weighted with :math:`d^{-6}` because the error grows as :math:`d^3`. The standard error counts every pair with
both of its frames (a sandwich over frames), and tells how much the spacing of the frames allows one to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_masses
from numpy.typing import NDArray

from .alignment import into_reference_orientation
from .frames import Frames

#: Neighbours of each frame.
_NEIGHBOURS = 8
#: Frames that are compared, at most and at least.
_MOST, _FEWEST = 1000, 20
#: What the slope may miss 1 by in any case: what anharmonicity leaves (at most 3 % in rMD17 and GFN2-xTB frames,
#: 9 % in the peptide's) and forces that are not quite converged.
_SLACK = 0.06
#: Below this relative uncertainty W / dE differs from 0, and what it excludes is excluded: energies that are too large
#: by a factor give a W / dE that is too small by it, together with its error.
_USELESS = 1.0


@dataclass(frozen=True)
class Work:
    """Work of the forces over rise of the energy.

    Attributes
    ----------
    slope : float
        dE / W; 1 where energies and forces have one unit.
    spread : float
        Relative uncertainty of the slope: three standard errors, up to six of few frames.
    """

    slope: float
    spread: float

    @property
    def tolerance(self) -> float:
        """What W / dE may miss 1 by where it is near 1."""
        return _SLACK + self.spread

    @property
    def decides(self) -> bool:
        """Whether the slope is known well enough."""
        return self.spread < _USELESS

    @property
    def agrees(self) -> bool:
        """Whether a slope of 1 is within the noise."""
        inverse = 1 / self.slope
        return abs(inverse - 1) <= _SLACK + self.spread * abs(inverse)

    def scaled(self, factor: float) -> Work:
        """The same with energies / forces multiplied by ``factor``; the uncertainty is relative."""
        return Work(self.slope * factor, self.spread)


def energy_against_work(frames: Frames) -> Work | None:
    """Measure dE / W between neighbouring frames.

    Returns
    -------
    Work or None
        None if there are no energies, fewer than 20 frames, or energies or positions do not vary.
    """
    if frames.energies is None or len(frames) < _FEWEST:
        return None
    few = slice(0, _MOST)
    energies = frames.energies[few]
    positions, forces = into_reference_orientation(
        frames.positions[few], frames.forces[few], frames.positions[0], atomic_masses[frames.numbers]
    )
    first, second, apart = _neighbours(positions.reshape(len(positions), -1))
    moved = apart > 1e-4
    if moved.sum() < _FEWEST:
        return None
    first, second, apart = first[moved], second[moved], apart[moved]
    work = np.empty(len(first))
    for start in range(0, len(first), 1000):
        part = slice(start, start + 1000)
        a, b = first[part], second[part]
        work[part] = -0.5 * ((forces[a] + forces[b]) * (positions[b] - positions[a])).sum(axis=(1, 2))
    rise = energies[second] - energies[first]
    weights = (apart**2 + (np.median(apart) / 4) ** 2) ** -3.0
    weights /= weights.max()
    total = float((weights * rise**2).sum())
    if total == 0 or not work.any():
        return None
    inverse = float((weights * rise * work).sum()) / total
    pull = weights * rise * (work - inverse * rise)
    by_frame = np.bincount(first, pull, len(positions)) + np.bincount(second, pull, len(positions))
    error = float(np.sqrt((by_frame**2).sum())) / total
    if inverse == 0:
        return None
    # relative to the slope, which may be off by a unit; with few frames the error itself is uncertain
    spread = (3 + min(3.0, 100 / len(positions))) * error / abs(inverse)
    return Work(1 / inverse, spread)


def _neighbours(
    flat: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Each frame with its nearest others, and their distances."""
    flat = flat - flat.mean(axis=0)
    squares = (flat**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2 * flat @ flat.T
    np.fill_diagonal(apart, np.inf)
    count = min(_NEIGHBOURS, len(flat) - 1)
    near = np.argpartition(apart, count - 1, axis=1)[:, :count]
    first = np.repeat(np.arange(len(flat)), count)
    second = near.ravel()
    return first, second, np.linalg.norm(flat[first] - flat[second], axis=1)
