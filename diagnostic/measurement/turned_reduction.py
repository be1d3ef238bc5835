"""Fewer numbers for each atom, so that a free readout of features of turned frames has few enough coefficients.

Features of declared irreps keep the combinations of channels that the readout of exactly turned features keeps, so that both
have the same numbers where a model is exactly equivariant. Numbers of which no symmetry is declared are reduced to principal
components of all of them together. Either is a linear map: a polynomial of what it keeps is one of the same degree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.features import Block, Features, Layer
from ..backbones.irreps import o3
from ..readouts.free import channels_kept, coefficient_limit
from ..readouts.reduction import Reduction
from .limits import free_limit

Array = NDArray[np.float64]
#: Components with less than this share of the largest variance are rounding: they are scaled by it and no more.
_LEAST_VARIANCE = 1e-12


@dataclass(frozen=True)
class Needs:
    """What readouts of one layer are fitted with: how many coefficients they may have, and which components they keep.

    Attributes
    ----------
    layer
        The layer, with the irreps that readouts use.
    numbers
        Numbers for each atom.
    asked
        Largest number of coefficients that was asked for; None: chosen by degree.
    uses
        Uses of training frames.
    """

    layer: Layer
    numbers: int
    asked: int | None
    uses: int

    @property
    def blocks(self) -> list[Block]:
        """The blocks of the layer, without frames."""
        dim = o3.Irreps(self.layer.irreps).dim if self.layer.declared else self.numbers
        return list(Features(np.empty((0, 1, dim)), self.layer.irreps, self.layer.name).blocks())

    def limit(self, degree: int) -> int:
        """Return the largest number of coefficients of a free readout; InputError where there are too few uses."""
        if self.layer.declared:
            return free_limit(self.blocks, degree, self.asked, self.uses)
        limit = coefficient_limit(degree) if self.asked is None else self.asked
        limit = min(limit, self.uses // 2)
        if limit <= degree:
            raise InputError(
                f"a free readout of degree {degree} needs at least {degree + 1} coefficients, and {self.uses} uses of training "
                f"frames allow {limit}, half as many as there are; give more frames, --rotations or --coefficients"
            )
        return limit

    def kept(self, degree: int, limit: int | None = None) -> dict[tuple[int, int], int]:
        """Return how many combinations are kept of each irrep; of plain numbers, how many components, under (0, 1)."""
        limit = self.limit(degree) if limit is None else limit
        if self.layer.declared:
            return channels_kept(self.blocks, degree, limit)
        count = 1
        while count < self.numbers and comb(count + 1 + degree, degree) <= limit:
            count += 1
        return {(0, 1): count}

    def most(self, wanted: Sequence[tuple[int, int | None]]) -> dict[tuple[int, int], int]:
        """Return the most that any of several readouts (degree, limit) keeps."""
        most: dict[tuple[int, int], int] = {}
        for degree, limit in wanted:
            for kind, count in self.kept(degree, limit).items():
                most[kind] = max(count, most.get(kind, 0))
        return most


@dataclass(frozen=True)
class AtomReduction:
    """The linear map of one atom, in the most generous form that a run needs; readouts with less keep the first columns.

    Attributes
    ----------
    mixes
        (l, parity) -> centre ``(channels, 2l + 1)`` and combinations ``(channels, kept)``.
    """

    mixes: Mapping[tuple[int, int], tuple[Array, Array]]

    def apply(self, blocks: Sequence[Block], atom: int) -> Array:
        """Return what is kept of one atom, ``(components, uses)``, irrep by irrep and channel by channel."""
        parts = Reduction(self.mixes).apply(blocks, atom)
        return np.concatenate([part.reshape(len(part), -1).T for part in parts])

    def rows(self, kept: Mapping[tuple[int, int], int]) -> NDArray[np.int64]:
        """Return which of the components a readout keeps that has ``kept`` combinations of each irrep."""
        chosen, start = [], 0
        for (l, parity), (_, mix) in self.mixes.items():
            width = 2 * l + 1
            chosen.append(np.arange(start, start + width * min(kept.get((l, parity), 0), mix.shape[1])))
            start += width * mix.shape[1]
        return np.concatenate(chosen)

    def to_arrays(self, atom: int) -> dict[str, Array]:
        """Return named arrays that :meth:`of_arrays` restores."""
        out: dict[str, Array] = {}
        for (l, parity), (centre, mix) in self.mixes.items():
            out[f"{atom}/{l}/{parity}/centre"], out[f"{atom}/{l}/{parity}/mix"] = centre, mix
        return out

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array], atom: int) -> AtomReduction:
        """Restore the map of an atom."""
        mixes = {}
        for name, centre in arrays.items():
            index, l, parity, what = name.split("/")
            if int(index) == atom and what == "centre":
                mixes[int(l), int(parity)] = (centre, arrays[f"{atom}/{l}/{parity}/mix"])
        return cls(dict(sorted(mixes.items())))


def principal_components(values: Array, keep: int) -> AtomReduction:
    """Return the map of plain numbers ``(uses, numbers)`` onto their first principal components, of unit variance each."""
    centre = values.mean(axis=0)
    inside = values - centre
    variances, vectors = np.linalg.eigh(inside.T @ inside / max(1, len(values) - 1))
    variances, vectors = variances[::-1][:keep], vectors[:, ::-1][:, :keep]
    if not variances[0] > 0.0:  # the same number at every use: there is nothing to read
        return AtomReduction({(0, 1): (centre[:, None], np.zeros((values.shape[1], 1)))})
    scale = np.sqrt(np.maximum(variances, _LEAST_VARIANCE * variances[0]))
    return AtomReduction({(0, 1): (centre[:, None], vectors / scale)})
