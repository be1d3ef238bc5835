r"""Any calculator with a field on the axes of the molecules added: a force field whose broken symmetry is known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..symmetry.batch_calculator import ATOMS_AT_ONCE
from ..symmetry.batches import batched
from .fields import Field, parse_field
from .molecules import Molecules, perceive_molecules

Array = NDArray[np.float64]


class FieldCalculator(Calculator):
    r"""An ASE calculator: another one's energy plus :math:`\sum_m V(u_m)` over the axes of molecules.

    Forces are analytic; those of the field sum to zero for each molecule. The stress is that of the wrapped calculator plus the
    symmetric part of the field's virial, which is the derivative of the energy with respect to a symmetric strain.

    Parameters
    ----------
    base
        Any ASE calculator; None: the field alone.
    field
        ``PlField``, ``ExponentialField``, ``ToyField``, any object with ``energies`` and ``gradients``, or a text such as
        ``P2:0.01``.
    molecules
        What ``perceive_molecules`` returns; None: perceived in the first structure, and again when the elements or the periodic
        directions change, so that a bond that breaks later stays a bond.
    kind
        The kind of molecules that feel the field; None: all that have an axis.

    Raises
    ------
    InputError
        On the first structure: no molecule has an axis.

    Examples
    --------
    >>> from ase.build import molecule
    >>> from spectral_ceilings.diagnostic import PlField
    >>> water = molecule("H2O")
    >>> water.calc = FieldCalculator(None, PlField(1, 0.01))
    >>> round(water.get_potential_energy(), 6)  # the hydrogens lie below the oxygen
    -0.01
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012 - ASE's interface

    def __init__(
        self, base: Any, field: Field | str, *, molecules: Molecules | None = None, kind: int | None = None
    ) -> None:
        super().__init__()
        self.base = base
        self.field: Field = parse_field(field) if isinstance(field, str) else field
        self.kind = kind
        self._given = molecules
        self._known: tuple[bytes, Molecules] | None = None
        if base is not None:
            names = list(getattr(base, "implemented_properties", []))
            if names and "stress" not in names:
                self.implemented_properties = ["energy", "free_energy", "forces"]
            if batched(base) is not None:
                self.evaluate = self._evaluate
        if base is None or hasattr(base, "many"):
            self.many = self._many

    @property
    def atoms_at_once(self) -> int:
        """Atoms in a batch, about."""
        return int(getattr(self.base, "atoms_at_once", ATOMS_AT_ONCE))

    def molecules_of(self, atoms: Atoms) -> Molecules:
        """Return the molecules that feel the field in a structure."""
        if self._given is not None:
            return self._given
        asked = atoms.numbers.tobytes() + np.asarray(atoms.pbc).tobytes()
        if self._known is None or self._known[0] != asked:
            perceived = perceive_molecules(atoms)
            if not any(perceived.has_axis(kind) for kind in range(len(perceived.references))):
                raise InputError(
                    f"no molecule has an axis for the field: the structure holds {perceived.describe()}"
                )
            self._known = (asked, perceived)
        return self._known[1]

    def field_energy_and_forces(self, atoms: Atoms) -> tuple[float, Array, Array]:
        """Return energy (eV), forces (eV/Å) and virial, minus the sum of r_a F_a (eV), of the field alone."""
        energies, forces, virials = self._fields(
            self.molecules_of(atoms), atoms.positions[None], np.asarray(atoms.cell), atoms.pbc
        )
        return float(energies[0]), forces[0], virials[0]

    def _fields(
        self, molecules: Molecules, positions: Array, cell: Array, pbc: Any
    ) -> tuple[Array, Array, Array]:
        """Return energies ``(structures,)``, forces and virials of structures ``(structures, atoms, 3)`` of one cell."""
        kinds = range(len(molecules.references)) if self.kind is None else (self.kind,)
        count = len(positions)
        energies, forces, virials = np.zeros(count), np.zeros(positions.shape), np.zeros((count, 3, 3))
        for kind in kinds:
            if self.kind is None and not molecules.has_axis(kind):
                continue
            whole = molecules.unwrapped(positions, cell, pbc, kind=kind)
            if not molecules.has_axis(kind):
                raise InputError(
                    f"molecules of kind {kind} have no axis: the structure holds {molecules.describe()}"
                )
            reference = molecules.references[kind]
            axes = reference.axes(whole)
            pulls = reference.forces(whole, np.asarray(self.field.gradients(axes)))
            energies += np.asarray(self.field.energies(axes)).sum(axis=1)
            forces[:, molecules.members(kind)] += pulls
            virials -= np.einsum("smai,smaj->sij", whole, pulls)
        return energies, forces, virials

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy", "forces"),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Add the field to what the wrapped calculator gives."""
        super().calculate(atoms, properties, system_changes)
        structure = cast(Atoms, self.atoms)
        energy, forces, virial = self.field_energy_and_forces(structure)
        results: dict[str, Any] = {"energy": energy, "forces": forces}
        if self.base is not None:
            copy: Atoms = structure.copy()
            copy.calc = self.base
            results = {
                "energy": energy + float(copy.get_potential_energy()),
                "forces": forces + np.asarray(copy.get_forces()),
            }
        if "stress" in properties:
            if not structure.cell.rank == 3:
                raise PropertyNotImplementedError("a structure without a cell has no stress")
            stress = full_3x3_to_voigt_6_stress(0.5 * (virial + virial.T) / structure.get_volume())
            results["stress"] = stress if self.base is None else stress + np.asarray(copy.get_stress())
        results["free_energy"] = results["energy"]
        self.results = results

    def _many(self, structures: Sequence[Atoms]) -> tuple[Array, Array]:
        """Return energies and forces of structures of one composition, the wrapped calculator's in one batch."""
        first = structures[0]
        if not np.any(first.pbc):
            positions = np.stack([structure.positions for structure in structures])
            added = self._fields(self.molecules_of(first), positions, np.asarray(first.cell), first.pbc)[:2]
        else:  # a turned structure has a turned cell
            each = [self.field_energy_and_forces(structure) for structure in structures]
            added = np.array([energy for energy, _, _ in each]), np.array([force for _, force, _ in each])
        if self.base is None:
            return added
        energies, forces = self.base.many(structures)
        return np.asarray(energies) + added[0], np.asarray(forces) + added[1]

    def _evaluate(self, numbers: NDArray[np.int64], positions: Array) -> tuple[Array, Array]:
        """Return energies ``(structures,)`` and forces of molecules without a cell at positions ``(structures, atoms, 3)``."""
        energies, forces = self.base.evaluate(numbers, positions)
        first = Atoms(numbers, positions[0])
        added = self._fields(self.molecules_of(first), positions, np.asarray(first.cell), first.pbc)[:2]
        return np.asarray(energies) + added[0], np.asarray(forces) + added[1]
