"""Normal equations of all structures, part by part, made in batches: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from ase import Atoms
from numpy.typing import NDArray

from ..readouts.compute import available_cores, resident
from ..records.devices import full_products, placed
from ..records.progress import Progress, silent
from .density import Floats, Integers

#: Atoms of a batch: what a batch's gradients need stays below some 100 MB.
BATCH_ATOMS = 210
#: Blocks of columns of a Gram matrix: what lies below the diagonal blocks is not computed.
_BLOCKS = 8


class Columns(Protocol):
    """What structures become columns by."""

    @property
    def groups(self) -> NDArray[np.str_]:
        """Name of the group of every column."""
        ...

    def rows(self, batch: Sequence[Atoms]) -> Floats:
        """Return the columns for a batch of structures, ``(3 atoms, columns)``, in 1/Å."""
        ...


@dataclass(eq=False)
class Part:
    """Normal equations of some structures, on a device: Gram matrix of the columns, their products with the targets, power of the
    targets.

    ``gram`` is filled in its upper triangle until :meth:`closed`.
    """

    gram: torch.Tensor
    products: torch.Tensor
    power: torch.Tensor
    rows: int = 0

    @classmethod
    def empty(cls, columns: int, targets: int, device: str | torch.device = "cpu") -> Part:
        """Return equations of no structure."""
        none = torch.zeros(columns, columns, dtype=torch.float64, device=device)
        return cls(none, none.new_zeros(columns, targets), none.new_zeros(targets))

    def add(self, columns: Floats, targets: Floats) -> None:
        """Add rows."""
        x, t = placed(columns, self.gram.device), placed(targets, self.gram.device)
        step = max(64, -(-x.shape[1] // _BLOCKS))
        with full_products():
            for start in range(0, x.shape[1], step):
                self.gram[start : start + step, start:].addmm_(x[:, start : start + step].T, x[:, start:])
            self.products.addmm_(x.T, t)
        self.power += t.square().sum(dim=0)
        self.rows += len(x)

    def closed(self) -> Part:
        """Fill the lower triangle of the Gram matrix; return these equations."""
        self.gram = self.gram.triu() + self.gram.triu(1).T
        return self

    def __add__(self, other: Part) -> Part:
        """Return the equations of both."""
        return Part(
            self.gram + other.gram,
            self.products + other.products,
            self.power + other.power,
            self.rows + other.rows,
        )


@dataclass(eq=False)
class Equations:
    """Equations of the first and the second half of training, of validation, and the rows that judge.

    Attributes
    ----------
    first, second, validation
        Equations of the parts.
    columns : (3 atoms, columns) array
        Rows of the held-out structures (1/Å).
    targets : (3 atoms, targets) array
        Their targets (eV/Å); the first is the measured one, the others are null targets.
    block, number, atom : (atoms,) int arrays
        For every held-out atom its block, its atomic number and its place within its structure.
    """

    first: Part
    second: Part
    validation: Part
    columns: Floats
    targets: Floats
    block: Integers
    number: Integers
    atom: Integers

    @cached_property
    def held(self) -> torch.Tensor:
        """``columns`` on the device of the equations, or on the host where a card has little room for them."""
        return resident([self.columns], self.first.gram.device)[0]

    def by_block(self, of_atoms: Floats) -> Floats:
        """Return values of the held-out atoms, ``(atoms, ...)``, summed over each block: ``(blocks, ...)``."""
        blocks, place = np.unique(self.block, return_inverse=True)
        sums = np.zeros((len(blocks), *of_atoms.shape[1:]))
        np.add.at(sums, place, of_atoms)
        return sums

    def power(self, target: int) -> Floats:
        """Return the power of one target on every held-out atom, (eV/Å)²."""
        power: Floats = np.sum(self.targets[:, target].reshape(-1, 3) ** 2, axis=1)
        return power


@dataclass(frozen=True, eq=False)
class Dealt:
    """Blocks of structures dealt to the parts.

    Attributes
    ----------
    part : (structures,) array of str
        ``first``, ``second``, ``validation`` or ``held_out``.
    block : (structures,) int array
        Block of each structure; a block lies in one part.
    """

    part: NDArray[np.str_]
    block: Integers = field(repr=False)

    def count(self, *parts: str) -> int:
        """Return the number of structures in these parts."""
        return int(np.isin(self.part, parts).sum())


def equations(
    structures: Sequence[Atoms],
    targets: Floats,
    dealt: Dealt,
    design: Columns,
    progress: Progress | None = None,
    device: str | torch.device = "cpu",
) -> Equations:
    """Go through all structures once.

    Parameters
    ----------
    structures
        Structures; positions in Å.
    targets : (3 atoms, targets) array
        All atoms of all structures in their order.
    dealt
        The part of each structure.
    design
        What the columns are.
    progress
        Called with (what, structures done, structures).
    device
        Where the Gram matrices are summed, and later the fits made. Densities are made on the CPU.
    """
    tell = progress or silent
    begin = 3 * np.concatenate([[0], np.cumsum([len(atoms) for atoms in structures])])
    parts = {
        name: Part.empty(len(design.groups), targets.shape[1], device)
        for name in ("first", "second", "validation")
    }
    chosen: list[int] = np.flatnonzero(dealt.part == "held_out").tolist()
    sizes = [len(structures[k]) for k in chosen]
    held = np.empty((3 * sum(sizes), len(design.groups)))
    place = dict(zip(chosen, 3 * np.concatenate([[0], np.cumsum(sizes)]), strict=False))
    done = 0
    for batch, rows in _in_order(
        list(_batches(structures)), lambda some: [structures[k] for k in some], design
    ):
        start = 0
        for k in batch:
            size = 3 * len(structures[k])
            mine, target = rows[start : start + size], targets[begin[k] : begin[k + 1]]
            start += size
            if dealt.part[k] == "held_out":
                held[place[k] : place[k] + size] = mine
            else:
                parts[str(dealt.part[k])].add(mine, target)
        done += len(batch)
        tell("densities", done, len(structures))
    return Equations(
        **{name: part.closed() for name, part in parts.items()},
        columns=held,
        targets=np.concatenate([targets[begin[k] : begin[k + 1]] for k in chosen]),
        block=np.repeat(dealt.block[chosen], sizes),
        number=np.concatenate([structures[k].numbers for k in chosen]).astype(np.int64),
        atom=np.concatenate([np.arange(size) for size in sizes]),
    )


def _batches(structures: Sequence[Atoms]) -> Iterator[list[int]]:
    batch: list[int] = []
    atoms = 0
    for k, structure in enumerate(structures):
        if batch and atoms + len(structure) > BATCH_ATOMS:
            yield batch
            batch, atoms = [], 0
        batch.append(k)
        atoms += len(structure)
    if batch:
        yield batch


def _in_order(
    batches: list[list[int]], taken: Callable[[list[int]], list[Atoms]], design: Columns
) -> Iterator[tuple[list[int], Floats]]:
    """Yield every batch with its rows, some batches ahead on other cores."""
    workers = available_cores()
    if workers == 1:
        for batch in batches:
            yield batch, design.rows(taken(batch))
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting = [(batch, pool.submit(design.rows, taken(batch))) for batch in batches[: workers + 1]]
        for k in range(len(batches)):
            batch, rows = waiting.pop(0)
            if k + workers + 1 < len(batches):
                following = batches[k + workers + 1]
                waiting.append((following, pool.submit(design.rows, taken(following))))
            yield batch, rows.result()
