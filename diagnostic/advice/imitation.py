r"""How much of a given field of forces energies of a bound order and degree can imitate on these frames, in closed form.

The energy is a linear combination of all invariants of order 1 and 2 (and 3) of the neighbour density with l <= L, coefficients
for each element of the centre, as in one layer of a body-ordered model; its forces are fitted by ridge regression, the strength
chosen by validation frames, and judged on frames that nothing was chosen on:

.. math:: R^2 = 1 - \frac{|F - \hat F|^2}{|F|^2} .

A term P_l(cos theta) with l > L is not in that space. Where angles are not uniform a part of it is imitated all the same, and
that part is what a trained model of the bound L is held against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..frames.frames import Frames
from ..frames.structures import Structures
from ..records.progress import Progress
from .density import Floats, Integers, channels_of, density_power, expand
from .equations import equations
from .fits import fit_columns
from .invariants import cubic, cubic_by_degree, linear, on_atoms, quadratic
from .sample import deal, take_sample
from .settings import AdviceSettings
from .shares import RESAMPLES, TAIL

#: No column is scaled up from less than this part of the largest one: rare distances would tower.
LEAST_SCALE = 1e-3
#: Structures that channels and scales are taken from.
_CHOSEN_FROM = 60


@dataclass(frozen=True)
class Imitated:
    """Part of the power of one target that invariants with l <= ``l_max`` hold on held-out frames, with its 95 % interval."""

    target: int
    l_max: int
    order: int
    r2: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class _Invariants:
    """Columns of order 1, 2 and, with ``cubic_channels``, 3, each scaled to unit power; by element."""

    channels: dict[int, Floats]
    cutoff: float
    radial: int
    l_max: int
    count: int
    cubic_channels: int
    scale: Floats

    @property
    def kinds(self) -> list[tuple[int, int]]:
        """Order and highest l of every column."""
        pairs = self.count * (self.count + 1) // 2
        each = [(1, 0)] * self.count + [(2, l) for l in range(self.l_max + 1) for _ in range(pairs)]
        if self.cubic_channels:
            counts = cubic_by_degree(self.l_max, self.cubic_channels)
            each += [(3, l) for l, count in enumerate(counts) for _ in range(count)]
        return each * len(self.channels)

    @property
    def groups(self) -> NDArray[np.str_]:
        """One name for each column."""
        return np.array([str(order) for order, _ in self.kinds])

    def rows(self, batch: Sequence[Atoms]) -> Floats:
        """Return the columns for a batch, ``(3 atoms, columns)``."""
        atoms = sum(len(structure) for structure in batch)
        densities = expand(batch, self.channels, [self.count] * (self.l_max + 1), self.cutoff, self.radial)
        blocks = []
        for z in self.channels:
            density = densities[z]
            parts = [
                linear(density, slice(0, self.count)),
                quadratic(density, range(self.l_max + 1), np.triu_indices(self.count)),
            ]
            if self.cubic_channels:
                parts.append(cubic(density, self.l_max, self.cubic_channels))
            blocks.append(on_atoms(np.concatenate(parts, axis=-1), density.atom, atoms))
        columns = np.concatenate(blocks, axis=-1).reshape(3 * atoms, -1)
        return columns / self.scale


def imitate(
    data: Frames | Structures,
    targets: Floats,
    cutoff: float,
    *,
    l_top: int = 6,
    channels: int = 12,
    radial: int = 10,
    cubic_channels: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Imitated]:
    """Return for every target and every L = 0..l_top how much of it invariants with l <= L hold on held-out frames.

    Parameters
    ----------
    data
        Frames or structures that the targets belong to.
    targets : (3 atoms, targets) array
        Fields of forces, of all atoms of all structures in their order (any one unit).
    cutoff
        Cutoff of the density (Å): that of the model.
    l_top
        Largest L.
    channels, radial
        Density channels of each element of a centre, at most, and radial functions of each element of a neighbour.
    cubic_channels
        Channels of the invariants of order 3; 0: none of these.
    seed
        Deals the structures to training, validation and held-out blocks.
    progress
        Called with (what, done, total).

    Raises
    ------
    InputError
        featomic is not installed, or fewer than 40 structures with forces.
    """
    settings = AdviceSettings(structures=max(40, len(data)), atoms=10**9, seed=seed)
    sample = take_sample(data, None, settings)
    dealt = deal(sample, seed)
    form = _form(sample.structures, _places(dealt.part), cutoff, radial, l_top, channels, cubic_channels)
    chosen = _rows_of(sample.indices, sample.structures, targets, len(data))
    rows = equations(sample.structures, chosen, dealt, form, progress)
    training = rows.first + rows.second
    kinds = np.array(form.kinds)
    power = np.stack([rows.by_block(rows.power(k)) for k in range(chosen.shape[1])], axis=1)
    rng = np.random.default_rng([seed, 5])
    counts = rng.multinomial(len(power), np.full(len(power), 1 / len(power)), size=RESAMPLES)
    out = []
    for order in (2, 3) if cubic_channels else (2,):
        for l_max in range(l_top + 1):
            which = np.flatnonzero((kinds[:, 1] <= l_max) & (kinds[:, 0] <= order))
            left = fit_columns(training, rows, which).by_block
            drawn = 1 - (counts @ left) / (counts @ power)
            low, high = np.quantile(drawn, [TAIL, 1 - TAIL], axis=0)
            r2 = 1 - left.sum(axis=0) / power.sum(axis=0)
            out += [
                Imitated(k, l_max, order, float(r2[k]), float(low[k]), float(high[k]))
                for k in range(chosen.shape[1])
            ]
    return out


def _places(part: NDArray[np.str_]) -> Integers:
    training = np.flatnonzero(np.isin(part, ["first", "second"]))
    places: Integers = np.linspace(0, len(training) - 1, min(_CHOSEN_FROM, len(training))).astype(np.int64)
    return training[places]


def _form(
    structures: Sequence[Atoms], few: Integers, cutoff: float, radial: int, l_top: int, channels: int, cubic_channels: int
) -> _Invariants:  # fmt: skip
    batch = [structures[k] for k in few]
    species = sorted({int(z) for atoms in structures for z in atoms.numbers})
    power = density_power(batch, species, cutoff, radial, l_top)
    axes = {z: channels_of(of_z) for z, of_z in power.items()}
    count = min(channels, *(of_z.shape[1] for of_z in axes.values()))
    form = _Invariants(axes, cutoff, radial, l_top, count, min(cubic_channels, count), np.ones(1))
    size = np.sqrt(np.mean(form.rows(batch) ** 2, axis=0))
    scale = np.maximum(size, LEAST_SCALE * size.max())
    return _Invariants(axes, cutoff, radial, l_top, count, form.cubic_channels, scale)


def _rows_of(indices: Integers, structures: Sequence[Atoms], targets: Floats, whole: int) -> Floats:
    """Return the rows of the structures that were taken; all of them, where none was left out."""
    if len(indices) == whole:
        return targets
    sizes = {len(atoms) for atoms in structures}
    (size,) = sizes  # structures left out of mixed data would need the sizes of those
    return targets.reshape(whole, 3 * size, -1)[indices].reshape(len(indices) * 3 * size, -1)
