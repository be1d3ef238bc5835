"""Structures: any sequence of molecules and crystals, compositions and sizes mixed, taken a few at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from .frames import Frames


@dataclass(frozen=True, eq=False)
class Part:
    """Structures of one composition, atom order and periodicity, with their places in the whole sequence.

    Attributes
    ----------
    indices : (N,) int array
        Place of each frame among the structures.
    frames
        The structures; positions in Å, energies in eV, forces in eV/Å (NaN where a structure has none).
    """

    indices: NDArray[np.int64]
    frames: Frames


class Structures(Protocol):
    """A sequence of structures; what is not asked for is not read.

    Attributes
    ----------
    source : str
        File name or registry name, never a path.
    sha256 : str
        SHA-256 of the source's bytes.
    units : str
        What was recognised or declared, in words.
    notes : tuple of str
        What was decided while reading, one sentence each.
    groups : (N,) int array
        Structures of one group stay in one part of a split: copies, neighbours in time, or what the user declared.
    """

    @property
    def source(self) -> str: ...  # noqa: D102  # said above
    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def units(self) -> str: ...  # noqa: D102
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def groups(self) -> NDArray[np.int64]: ...  # noqa: D102

    def __len__(self) -> int:
        """Return the number of structures."""
        ...

    def numbers(self, index: int) -> NDArray[np.int64]:
        """Return the atomic numbers of one structure, without reading its positions where the source allows that."""
        ...

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> list[Part]:
        """Return the structures at these places, joined where composition, atom order and periodicity agree.

        Within a part the order is that of ``indices``; the parts come in the order of their first structures.

        Raises
        ------
        InputError
            An index is outside the sequence, or a structure cannot be read.
        """
        ...


@dataclass(frozen=True, eq=False)
class StructuresInMemory:
    """Structures that are held in memory; see :class:`Structures`.

    Parameters
    ----------
    frames
        One element for each composition.
    source, sha256, units, notes
        As in ``Frames``.
    groups
        Empty: every structure is a group of its own.
    order : (N,) int array
        Where each structure stands in ``frames`` laid end to end, each once. Empty: in that order.
    said
        What else is known of each structure, such as ``{"config_type": "bulk"}``, in their order. Empty: nothing.
    """

    frames: tuple[Frames, ...]
    source: str
    sha256: str
    units: str
    notes: tuple[str, ...] = ()
    groups: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    order: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    said: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if not self.frames:
            raise InputError(f"{self.source}: it holds no structures, expected at least one")
        starts = np.concatenate([[0], np.cumsum([len(some) for some in self.frames])])
        object.__setattr__(self, "_starts", starts)
        if len(self.groups) == 0:
            object.__setattr__(self, "groups", np.arange(int(starts[-1])))
        if len(self.groups) != starts[-1]:
            raise InputError(
                f"{self.source}: groups has {len(self.groups)} entries for {starts[-1]} structures, expected one for each"
            )
        if len(self.order) and not np.array_equal(np.sort(self.order), np.arange(int(starts[-1]))):
            raise InputError(
                f"{self.source}: order has {len(self.order)} entries, expected each of 0 to {starts[-1] - 1} once"
            )
        if self.said and len(self.said) != starts[-1]:
            raise InputError(
                f"{self.source}: said has {len(self.said)} entries for {starts[-1]} structures, expected one for each"
            )

    @classmethod
    def of(cls, frames: Frames) -> StructuresInMemory:
        """Return frames of one composition as structures."""
        return cls((frames,), frames.source, frames.sha256, frames.units, frames.notes)

    def __len__(self) -> int:
        """Return the number of structures."""
        return len(self.groups)

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise InputError(f"{self.source}: structure {index} was asked for, it has 0 to {len(self) - 1}")
        starts: NDArray[np.int64] = self._starts  # type: ignore[attr-defined]
        along = int(self.order[index]) if len(self.order) else index
        k = int(np.searchsorted(starts, along, side="right")) - 1
        return k, along - int(starts[k])

    def numbers(self, index: int) -> NDArray[np.int64]:
        """Return the atomic numbers of one structure."""
        return self.frames[self._place(index)[0]].numbers

    def periodic(self, index: int) -> bool:
        """Return whether any direction of one structure is periodic."""
        return self.frames[self._place(index)[0]].periodic

    @property
    def names(self) -> frozenset[str]:
        """Names that ``info`` knows of any structure."""
        energy = {"energy"} if any(frames.energies is not None for frames in self.frames) else set()
        return frozenset(energy.union(*self.said))

    def info(self, index: int, names: Iterable[str] | None = None) -> dict[str, Any]:
        """Return what is known of one structure under these names; everything where none is given. ``energy`` is in eV."""
        k, within = self._place(index)
        energies = self.frames[k].energies
        known = dict(self.said[index]) if self.said else {}
        if energies is not None and np.isfinite(energies[within]):
            known["energy"] = float(energies[within])
        return known if names is None else {name: known[name] for name in names if name in known}

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> list[Part]:
        """Return the structures at these places, joined where composition, atom order and periodicity agree."""
        places: dict[int, list[tuple[int, int]]] = {}
        for index in np.asarray(indices, dtype=np.int64).tolist():
            k, within = self._place(index)
            places.setdefault(k, []).append((index, within))
        return [
            Part(
                np.array([index for index, _ in some]), self.frames[k].select([within for _, within in some])
            )
            for k, some in places.items()
        ]
