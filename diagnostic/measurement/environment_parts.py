"""What of a sample of environments can be used, how far its densities reach, and what its structures are called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...theory.errors import InputError
from ..frames.environments import FEWEST_ROWS, Environments
from ..frames.structure_checks import overlaps_of
from ..frames.structures import Part
from ..frames.surroundings import Surroundings
from ..injection.fields import DENSITY_CUTOFF

#: The density of neighbours reaches this far beyond a pool's typical nearest neighbour.
_BEYOND = 1.25


def without_overlaps(parts: Sequence[Part], source: str) -> tuple[list[Part], int]:
    """Leave out structures in which atoms or images overlap, and say how many: a model's features of them are no numbers."""
    left, last, count = [], "", 0
    for part in parts:
        overlapping = overlaps_of(part)
        kept = ~np.isin(part.indices, list(overlapping))
        if kept.all():
            left.append(part)
        elif kept.any():
            left.append(Part(part.indices[kept], part.frames.select(kept)))
        count += len(overlapping)
        last = next(iter(overlapping.values()), last)
    if not left:
        raise InputError(
            f"{source}: atoms overlap in each of its structures ({last}): check the unit of length, or give others"
        )
    return left, count


def usable(
    samples: Sequence[Environments], parts: Sequence[Part], around: Sequence[Surroundings], source: str
) -> tuple[list[Environments], list[Surroundings]]:
    """Leave out environments without forces or neighbours, and pools of which too little is left."""
    silent: set[int] = set()
    for part in parts:
        finite = np.isfinite(part.frames.forces).all(axis=(1, 2))
        silent |= set(part.indices[~finite].tolist())
    if len(silent) == sum(len(part.indices) for part in parts):
        raise InputError(
            f"{source}: none of its structures has forces; give some with forces, or name them with --forces-key"
        )
    kept, surroundings_kept = [], []
    alone = True
    for sampled, of_pool in zip(samples, around, strict=True):
        there = np.isfinite(of_pool.nearest())
        alone &= not there.any()
        rows = there & ~np.isin(sampled.structures, list(silent))
        left = sampled.keep(rows)
        counts = left.counts()
        if all(counts[name] >= least for name, least in zip(counts, FEWEST_ROWS, strict=True)):
            kept.append(left)
            surroundings_kept.append(of_pool.select(rows))
    if not kept:
        why = (
            "every atom asked for is isolated: none has a neighbour"
            if alone
            else "too few environments have forces and neighbours"
        )
        raise InputError(f"{source}: {why}; give structures with bonds or crystals")
    return kept, surroundings_kept


def density_cutoff(around: Surroundings, sampled: Environments, reach: float) -> float:
    """Return how far the density reaches: 3 Å, or 1.25 nearest-neighbour distances, and no farther than the model sees."""
    typical = float(np.median(around.nearest()[sampled.parts == 0]))
    return float(min(max(DENSITY_CUTOFF, _BEYOND * typical), reach))


def whole_shells(around: Surroundings, row: int) -> float:
    """Return a radius that cuts no shell of neighbours in two: in the last gap of 0.01 Å or more below the reach."""
    distances = around.distances[around.starts[row] : around.starts[row + 1]]
    gaps = np.flatnonzero(np.diff(distances) > 0.01)
    return float(np.inf) if not len(gaps) else float(distances[gaps[-1]] + 0.005)


def formula_of(parts: Sequence[Part]) -> tuple[str, int]:
    """Return the compositions in words, the most frequent first, and how many there are."""
    counts: dict[str, int] = {}
    for part in parts:
        counts[part.frames.formula] = counts.get(part.frames.formula, 0) + len(part.indices)
    names = sorted(counts, key=lambda name: (-counts[name], name))
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2} other compositions", len(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names), len(names)
