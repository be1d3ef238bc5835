r"""Molecules of a structure, perceived from its bonds, with a frame and an axis that turn with each of them.

The frame of a molecule is a rotation R that carries body coordinates to space; its rows, as given, are the body axes x, y, z in
space, so that R is the transpose.

- Bent molecules of three atoms with two like ends, such as water: z is the bisector from the middle atom to the ends,
  x the normal of the plane, :math:`r_1 \times r_2`, and y completes them. z is the axis of the dipole.
- Linear molecules (all of two atoms): an axis from the first atom to the last, and no frame: nothing tells the turn about it.
- Others: the rotation that fits a reference shape best, in the square weighted by masses: W. Kabsch, Acta Cryst. A 32, 922
  (1976); for small displacements the frame of C. Eckart, Phys. Rev. 47, 552 (1935). The reference is the first molecule of its
  kind, the body axes are the principal axes of its inertia, z that of the smallest moment. The signs of z and x are such that the
  first atom off the plane through the centre has a positive coordinate. In a symmetric top the axes of equal moments are fixed by
  the atoms too, so that it has a frame as well: atoms are labelled.
- Single atoms, and networks bonded to their own image, have neither.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike, NDArray

from ...theory.errors import InputError
from .bonds import Connected, Graph, connected_atoms, matching, nearest_images, spanning_tree
from .shapes import Reference, reference_of

Array = NDArray[np.float64]
_NO_CELL = ((0.0,) * 3,) * 3


@dataclass(frozen=True)
class Molecules:
    """Which atoms make a molecule, which molecules are alike, and how each of them is oriented.

    Attributes
    ----------
    groups
        Atom indices of each molecule. Like molecules list their atoms in matching order.
    formulas
        In Hill's order, such as ``H2O``.
    kinds
        Molecules of the same graph share a kind, 0, 1, ... in the order of appearance. Mirror images have the same graph.
    references
        By kind: what defines axis and frame.
    """

    groups: tuple[tuple[int, ...], ...]
    formulas: tuple[str, ...]
    kinds: tuple[int, ...]
    references: tuple[Reference, ...]

    def __len__(self) -> int:
        return len(self.groups)

    def members(self, kind: int = 0) -> NDArray[np.int64]:
        """Return the atom indices of the molecules of a kind, ``(molecules, atoms of one)``.

        Raises
        ------
        InputError
            There is no such kind.
        """
        if kind not in range(len(self.references)):
            raise InputError(f"kind is {kind!r}, expected 0 to {len(self.references) - 1}: {self.describe()}")
        return self._members[kind]

    @cached_property
    def _members(self) -> tuple[NDArray[np.int64], ...]:
        """Atom indices by kind, which cannot be written to: dynamics asks for them at every step."""
        arrays = []
        for kind in range(len(self.references)):
            pairs = zip(self.groups, self.kinds, strict=True)
            arrays.append(np.array([group for group, of in pairs if of == kind], dtype=np.int64))
            arrays[-1].flags.writeable = False
        return tuple(arrays)

    @cached_property
    def _atoms(self) -> int:
        """Atoms that a structure with these molecules holds."""
        return 1 + max(max(group) for group in self.groups)

    def kind_of(self, formula: str) -> int:
        """Return the first kind with a formula.

        Raises
        ------
        InputError
            No molecule has it; the formulas that there are are named.
        """
        for name, kind in zip(self.formulas, self.kinds, strict=True):
            if name == formula:
                return kind
        raise InputError(f"no molecule has the formula {formula!r}: the structure holds {self.describe()}")

    def has_axis(self, kind: int = 0) -> bool:
        """Whether molecules of a kind have an axis: all but single atoms and endless networks."""
        return self.references[kind].shape in ("linear", "bent", "general")

    def has_frame(self, kind: int = 0) -> bool:
        """Whether molecules of a kind have a frame: those with an axis that are not linear."""
        return self.references[kind].shape in ("bent", "general")

    def describe(self) -> str:
        """Return the counts in words, such as ``16 H2O, 2 Na (single atoms: no axis)``."""
        why = {"atom": " (single atoms: no axis)", "endless": " (bonded to its own image: no axis)",
               "linear": " (linear: an axis and no frame)", "bent": "", "general": ""}  # fmt: skip
        names = {kind: name for name, kind in zip(self.formulas, self.kinds, strict=True)}
        return ", ".join(
            f"{count} {names[kind]}{why[self.references[kind].shape]}"
            for kind, count in sorted(Counter(self.kinds).items())
        )

    def unwrapped(self, positions: ArrayLike, cell: ArrayLike, pbc: Any, *, kind: int = 0) -> Array:
        """Return the positions of molecules of a kind, each whole, ``(records, molecules, atoms of one, 3)``.

        Parameters
        ----------
        positions
            ``(records, atoms, 3)`` or ``(atoms, 3)``, Å, wrapped into the cell or not.
        cell
            ``(3, 3)``, Å; zeros where there is none.
        pbc
            Periodic directions, three truth values or one.
        """
        given = np.asarray(positions, dtype=np.float64)
        if given.ndim == 2:
            given = given[None]
        count = self._atoms
        if given.ndim != 3 or given.shape[2] != 3 or given.shape[1] < count:
            raise InputError(
                f"positions have shape {given.shape}, expected (records, {count}, 3): these molecules hold {count} atoms"
            )
        periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), (3,))
        whole = np.array(given[:, self.members(kind)])
        for known, new in self.references[kind].tree:
            step = nearest_images(whole[:, :, new] - whole[:, :, known], np.asarray(cell), periodic)
            whole[:, :, new] = whole[:, :, known] + step
        return whole

    def axes(
        self, positions: ArrayLike, cell: ArrayLike = _NO_CELL, pbc: Any = False, *, kind: int = 0
    ) -> Array:
        """Return the unit vectors of the axes, ``(records, molecules of the kind, 3)``; z of the frame where there is one.

        Raises
        ------
        InputError
            Molecules of this kind have no axis, or one of them has collapsed so that it has none at that record.
        """
        if not self.has_axis(kind):
            raise InputError(f"molecules of kind {kind} have no axis: the structure holds {self.describe()}")
        whole = self.unwrapped(positions, cell, pbc, kind=kind)
        return self.references[kind].axes(whole)

    def frames(
        self,
        positions: ArrayLike,
        cell: ArrayLike = _NO_CELL,
        pbc: Any = False,
        masses: ArrayLike | None = None,
        *,
        kind: int = 0,
    ) -> Array:
        """Return the frames, ``(records, molecules of the kind, 3, 3)``: rows are the body axes x, y, z in space.

        Parameters
        ----------
        positions, cell, pbc
            As for ``unwrapped``.
        masses
            ``(atoms,)``, weights of the best fit; None: those of the structure in which the molecules were perceived.

        Raises
        ------
        InputError
            Molecules of this kind have no frame.
        """
        if not self.has_frame(kind):
            raise InputError(f"molecules of kind {kind} have no frame: the structure holds {self.describe()}")
        whole = self.unwrapped(positions, cell, pbc, kind=kind)
        weights = None if masses is None else np.asarray(masses, dtype=np.float64)[self.members(kind)[0]]
        return self.references[kind].frames(whole, weights)


def perceive_molecules(atoms: Atoms) -> Molecules:
    """Return the molecules of a structure, of a cluster, a liquid or a crystal of them.

    Atoms are bonded up to 1.25 times the sum of their covalent radii, at the nearest image.

    Raises
    ------
    InputError
        There are no atoms, a position is not finite, or the cell is so small that a bond has no nearest image.

    Examples
    --------
    >>> from ase.build import molecule
    >>> dimer = molecule("H2O") + molecule("H2O")
    >>> dimer.positions[3:] += [0.0, 0.0, 3.0]
    >>> perceive_molecules(dimer).formulas
    ('H2O', 'H2O')
    """
    if not len(atoms):
        raise InputError("the structure has no atoms: give one with molecules")
    if not np.isfinite(atoms.positions).all():
        raise InputError("a position of the structure is not finite: give finite positions")
    groups: list[tuple[int, ...]] = []
    kinds: list[int] = []
    graphs: list[tuple[Graph, bool]] = []
    references: list[Reference] = []
    for connected in connected_atoms(atoms):
        orders = [
            matching(graph, connected.graph) if endless == connected.endless else None
            for graph, endless in graphs
        ]
        kind = next((k for k, order in enumerate(orders) if order is not None), len(graphs))
        if kind == len(graphs):
            graphs.append((connected.graph, connected.endless))
            references.append(_first_of_kind(atoms, connected))
            orders.append(tuple(range(len(connected.atoms))))
        groups.append(tuple(connected.atoms[k] for k in orders[kind] or ()))
        kinds.append(kind)
    names = tuple(atoms[list(group)].get_chemical_formula(mode="hill") for group in groups)
    return Molecules(tuple(groups), names, tuple(kinds), tuple(references))


def _first_of_kind(atoms: Atoms, connected: Connected) -> Reference:
    tree, members = spanning_tree(connected.graph), connected.atoms
    positions = np.array(atoms.positions[list(members)])
    for known, new in tree:
        step = nearest_images(positions[new] - positions[known], np.asarray(atoms.cell), atoms.pbc)
        _check_width(atoms, float(np.linalg.norm(step)))
        positions[new] = positions[known] + step
    masses = np.asarray(atoms.get_masses())[list(members)]
    return reference_of(connected.graph, positions, masses, tree, connected.endless)


def _check_width(atoms: Atoms, length: float) -> None:
    """Raise InputError where a bond is not shorter than half of the distance between faces of the cell."""
    periodic = np.asarray(atoms.pbc)
    if not periodic.any():
        return
    inverse = np.linalg.inv(np.asarray(atoms.cell.complete()))
    widths = 1.0 / np.linalg.norm(inverse, axis=0)[periodic]
    if length >= 0.5 * widths.min():
        raise InputError(
            f"a bond of {length:.2f} Å is as long as half of the cell, whose faces are {widths.min():.2f} Å apart: "
            "repeat the cell first"
        )
