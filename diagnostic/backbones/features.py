"""Per-atom equivariant features and the layers that give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...numerics.wigner import wigner_d
from ...theory.errors import InputError
from .irreps import o3


def natural_irreps(irreps: str, *, joined: bool = False) -> str:
    """Return irreps with every parity replaced by that of Y_l, entry by entry; ``joined`` counts neighbours of one l together.

    Examples
    --------
    >>> natural_irreps("8x0e+4x1e+4x1o+2x2o")
    '8x0e+4x1o+4x1o+2x2e'
    """
    entries = o3.Irreps([(mul, (ir.l, (-1) ** ir.l)) for mul, ir in o3.Irreps(irreps)])
    return str(entries.simplify() if joined else entries).replace(" ", "")


def _without_empty_entries(irreps: str) -> str:
    """Return irreps without entries of no channel, such as 0x2e: they hold no component, and their l is no l of the features."""
    entries = o3.Irreps(irreps)
    return (
        irreps
        if all(mul for mul, _ in entries)
        else str(entries.remove_zero_multiplicities()).replace(" ", "")
    )


#: What a layer without irreps can be used for.
NO_SYMMETRY = (
    "declares no symmetry: only the diagnosis that runs the network on every turned frame can measure it (ceilings diagnose "
    "--turned, in Python DiagnoseSettings(turned=True))"
)


@dataclass(frozen=True)
class IrrepSlice:
    """Where one entry of the irreps of a layer stands in its features: ``values[..., start:stop]``.

    These are ``channels`` channels of degree ``l`` and ``parity`` ("e" or "o"), channel by channel, 2l+1 numbers each.
    """

    start: int
    stop: int
    l: int
    parity: str
    channels: int


@dataclass(frozen=True)
class Layer:
    """One layer of a backbone whose per-atom features can be tapped.

    Attributes
    ----------
    name
        The name to give to ``--layer``.
    irreps
        O(3) irreps of the features, in e3nn's notation; entries without channels (0x2e) are left out. Empty: no symmetry is
        declared, the features are numbers that may change with the orientation in any way.
    """

    name: str
    irreps: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "irreps", _without_empty_entries(self.irreps))

    @property
    def l_max(self) -> int:
        """Highest l among the features."""
        return max((ir.l for _, ir in o3.Irreps(self.irreps)), default=0)

    def channels(self) -> dict[tuple[int, str], int]:
        """Return the number of channels of each l and parity ("e" or "o"), in ascending order."""
        counts: dict[tuple[int, str], int] = {}
        for mul, ir in o3.Irreps(self.irreps):
            key = (int(ir.l), "e" if ir.p == 1 else "o")
            counts[key] = counts.get(key, 0) + int(mul)
        return dict(sorted(counts.items()))

    @property
    def slices(self) -> list[IrrepSlice]:
        """Where every entry of the irreps stands in the last axis of the features, in order."""
        parsed = o3.Irreps(self.irreps)
        return [
            IrrepSlice(where.start, where.stop, int(ir.l), "e" if ir.p == 1 else "o", int(mul))
            for (mul, ir), where in zip(parsed, parsed.slices(), strict=True)
        ]

    @property
    def declared(self) -> bool:
        """Whether the features are declared to turn with the frame, by irreps."""
        return bool(self.irreps)

    def without_parity(self) -> Layer:
        """Return the layer with every irrep of the parity of Y_l; see :meth:`Features.without_parity`."""
        return replace(self, irreps=natural_irreps(self.irreps))

    @property
    def usable(self) -> bool:
        """Whether a degree-bounded readout of this layer can reach any l > 0."""
        return self.l_max > 0

    @property
    def why(self) -> str:
        """One sentence: what this layer can be used for."""
        if not self.declared:
            return NO_SYMMETRY
        if self.usable:
            return f"carries features up to l = {self.l_max}"
        return "carries scalars (l = 0) only: every polynomial of them is a scalar, so nothing with l > 0 can be read out"


@dataclass(frozen=True)
class Block:
    """All channels of one irrep: ``values[frame, atom, channel, m]``."""

    l: int
    parity: int
    values: NDArray[np.float64]

    @property
    def channels(self) -> int:
        """Number of channels (the multiplicity of the irrep)."""
        return int(self.values.shape[2])


@dataclass(frozen=True)
class Features:
    """Features of every atom of every frame, of one layer.

    Attributes
    ----------
    values
        ``(frames, atoms, dim)``, float64, in e3nn's layout (irrep by irrep, channel-major).
    irreps
        O(3) irreps of the last axis; empty where no symmetry is declared.
    layer
        The layer they were tapped at.
    precision
        Unit roundoff of the number format that the model gave them in (2.2e-16 for float64, 1.2e-7 for float32): what
        the values can show at best. Tables inside a model can be rounded more coarsely, which only a measurement shows.
    """

    values: NDArray[np.float64]
    irreps: str
    layer: str
    precision: float = float(np.finfo(np.float64).eps)

    def __post_init__(self) -> None:
        object.__setattr__(self, "irreps", _without_empty_entries(self.irreps))
        dim = o3.Irreps(self.irreps).dim if self.irreps else self.values.shape[-1]
        if self.values.ndim != 3 or self.values.shape[2] != dim:
            raise InputError(
                f"features of layer {self.layer!r} have shape {self.values.shape}, expected (frames, atoms, {dim}) "
                f"for irreps {self.irreps}; declare the irreps that the layer really has"
            )

    @classmethod
    def of(cls, values: NDArray[np.floating[Any]], layer: Layer) -> Features:
        """Return features from an array of any floating type, ``(frames, atoms, dim)``, whose precision is kept."""
        precision = float(np.finfo(values.dtype).eps)
        return cls(np.asarray(values, dtype=np.float64), layer.irreps, layer.name, precision)

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def l_max(self) -> int:
        """Highest l among the features."""
        return Layer(self.layer, self.irreps).l_max

    def relabelled(self, irreps: str) -> Features:
        """Return the same numbers under other irreps of the same degrees, such as those of the measured parity.

        Raises
        ------
        InputError
            The degrees are not those of the features, entry by entry.
        """
        if natural_irreps(irreps, joined=True) != natural_irreps(self.irreps, joined=True):
            raise InputError(
                f"features of irreps {self.irreps} cannot be called {irreps}: they differ in l; change parities only"
            )
        return replace(self, irreps=irreps)

    def without_parity(self) -> Features:
        """Return the same numbers with every irrep of l declared of the parity of Y_l, (-1)^l.

        Under proper rotations, 1e and 1o turn alike: as features of SO(3) all blocks of one l are one block, and readouts of
        the vectors in space (which are 1o) take all of them. This is right where inversion is no symmetry of the model, or
        where its declared parities are not those that it has; see :attr:`.equivariance.Equivariance.parity`.
        """
        return replace(self, irreps=natural_irreps(self.irreps))

    def select(self, frames: Sequence[int] | NDArray[np.int64] | slice) -> Features:
        """Return the features of the given frames."""
        return replace(self, values=self.values[frames])

    def blocks(self) -> Iterator[Block]:
        """Yield one block for each irrep (l, parity), channels of equal irreps joined; one of l = 0 where none is declared."""
        if not self.irreps:
            yield Block(0, 1, self.values[..., None])
            return
        irreps = o3.Irreps(self.irreps)
        parts: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
        for (mul, ir), where in zip(irreps, irreps.slices(), strict=True):
            part = self.values[:, :, where].reshape(*self.values.shape[:2], mul, ir.dim)
            parts.setdefault((ir.l, ir.p), []).append(part)
        for (degree, parity), arrays in sorted(parts.items()):
            yield Block(degree, parity, np.concatenate(arrays, axis=2))

    def by_degree(self) -> dict[tuple[int, str], NDArray[np.float64]]:
        """Return the features cut by degree and parity: descriptors of one l.

        Returns
        -------
        By ``(l, parity)`` in ascending order, parity "e" or "o": ``(frames, atoms, channels, 2l+1)``, with m = -l, ..., l in
        e3nn's order. Entries of equal irreps are joined in their order.

        Raises
        ------
        InputError
            No symmetry is declared of the features.

        Examples
        --------
        >>> cut = Features(np.zeros((5, 3, 14)), "2x0e+4x1o", "layer").by_degree()
        >>> {key: part.shape for key, part in cut.items()}
        {(0, 'e'): (5, 3, 2, 1), (1, 'o'): (5, 3, 4, 3)}
        """
        if not self.irreps:
            raise InputError(f"layer {self.layer!r} {NO_SYMMETRY}; there is no l to cut its features by")
        blocks = {(block.l, "e" if block.parity == 1 else "o"): block.values for block in self.blocks()}
        return dict(sorted(blocks.items()))

    def rotated(self, rotations: NDArray[np.float64]) -> Features:
        """Return the features of the rotated frames, exactly, without running the network again.

        Equivariance, h(R x) = D(R) h(x), with real Wigner matrices D in e3nn's convention.

        Parameters
        ----------
        rotations
            ``(frames, 3, 3)``, one proper rotation for each frame.

        Raises
        ------
        InputError
            No symmetry is declared of the features, so that nothing says how they turn.
        """
        if not self.irreps:
            raise InputError(f"layer {self.layer!r} {NO_SYMMETRY}")
        irreps = o3.Irreps(self.irreps)
        matrices = {ir.l: wigner_d(ir.l, rotations) for _, ir in irreps}
        out = np.empty_like(self.values)
        for (mul, ir), where in zip(irreps, irreps.slices(), strict=True):
            part = self.values[:, :, where].reshape(*self.values.shape[:2], mul, ir.dim)
            turned = np.einsum("nij,nacj->naci", matrices[ir.l], part, optimize=True)
            out[:, :, where] = turned.reshape(*self.values.shape[:2], mul * ir.dim)
        return replace(self, values=out)
