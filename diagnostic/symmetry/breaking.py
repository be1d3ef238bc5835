r"""How far a calculator's energies and forces depend on the orientation of a structure that stands alone.

Let E(R) be the energy of the structure turned by R and F(R) the forces there turned back, :math:`R^T F(R x)`. For an
invariant model both are constant. What is not constant is measured in full by the spectra

.. math:: P_l[E] = (2l+1) \sum_{mm'} \Big| \int E(R) D^l_{mm'}(R)\, dR \Big|^2,

and the same for every component of the forces turned back: l = 0 is the rotational average, the sum over l >= 1 the variance
about it. A mean absolute deviation, as in M. F. Langer, S. N. Pozdnyakov and M. Ceriotti, "Probing the effects of broken
symmetries in machine learning" (arXiv 2406.17747), is given beside it.

Inversion is another symmetry and counts in none of these. The odd part of a function on O(3), half of :math:`g(R) - g(-R)`, is
zero for a model that keeps it; its power by l says in which irrep l (odd) it is broken. A triple product, exact under rotations,
is all 0o.

Quadratures. The product rule of degree 2n - 2 is theirs: n Gauss-Legendre nodes times (2n - 1)^2 equal steps, 1, 18, 75, ...
rotations, twice as many with inversion. A rule of degree q gives P_l exactly for functions of band B with B + l <= q. For
others the part that a rule of this size cannot see is bounded by what it leaves unexplained: the power found in l <= l_top and
the mean square must add up, and their difference is given as ``unresolved``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculatorError
from numpy.typing import NDArray

from ...numerics.rotations import SO3Quadrature, so3_quadrature
from ...numerics.spectrum import RotationSpectrum
from ...theory.errors import InputError
from ..records.devices import halving, slices
from .answers import check_untouched, numbers_of
from .batches import batch_size, batched, evaluate_together, turned_positions

Array = NDArray[np.float64]


def evaluate(calculator: Any, atoms: Atoms) -> tuple[float, Array]:
    """Return energy (eV) and forces (eV/Å) of a structure, computed afresh.

    Raises
    ------
    InputError
        The calculator gives no energy or no forces, what it gives is no real number, has another shape or is not finite, or it
        changes the structure that it is given.
    """
    copy: Atoms = atoms.copy()
    copy.calc = calculator
    kind = type(calculator).__name__
    names = list(getattr(calculator, "implemented_properties", []))
    for needed in ("energy", "forces"):
        if names and needed not in names:
            raise InputError(
                f"{kind} gives {', '.join(names) or 'nothing'} and no {needed}; give a calculator with both"
            )
    if hasattr(calculator, "reset"):
        calculator.reset()
    try:
        given = copy.get_potential_energy(), copy.get_forces()
    except NotImplementedError as error:
        raise InputError(
            f"{type(calculator).__name__} gives no energy or no forces ({error}); give a calculator with both"
        ) from error
    except CalculatorError as error:  # ASE's own: a program or a parameter is missing, or the program failed
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise InputError(
            f"{kind} cannot evaluate the structure ({reason}); set it up in a function and give FILE.py:FUNCTION"
        ) from error
    check_untouched(kind, atoms, copy)
    energy = numbers_of(given[0], (), f"{kind} gave an energy", "eV")
    forces = numbers_of(given[1], (len(atoms), 3), f"{kind} gave forces", "a row for each atom, eV/Å")
    return float(energy), forces


def turned(atoms: Atoms, rotation: Array, *, invert: bool = False, about_origin: bool = False) -> Atoms:
    """Return the structure turned about its centre of positions, its cell turned with it; inverted first if asked.

    Parameters
    ----------
    rotation
        ``(3, 3)``, proper.
    about_origin
        Turn a molecule about the origin instead, as periodic structures always are.
    """
    moved: Atoms = atoms.copy()
    matrix = -rotation if invert else rotation
    if atoms.cell.rank:
        # Fractional coordinates stay: the cell and the positions turn about the origin alike.
        moved.set_cell(np.asarray(atoms.cell) @ matrix.T, scale_atoms=False)
    moved.positions = turned_positions(
        atoms.positions, matrix, about_origin=about_origin or bool(atoms.cell.rank)
    )
    return moved


def at_rotations(
    calculator: Any, atoms: Atoms, rotations: Array, *, invert: bool = False, about_origin: bool = False
) -> tuple[Array, Array]:
    """Return energies ``(rotations,)`` and forces turned back ``(rotations, atoms, 3)`` of a structure turned by each.

    A calculator with ``evaluate(numbers, positions)`` of molecules, or with ``many(structures)``, each of which returns energies
    and forces, is given a batch at a time.
    """
    signed = -rotations if invert else rotations
    if batched(calculator) is not None and not (atoms.cell.rank or atoms.pbc.any()):
        positions = turned_positions(atoms.positions, signed, about_origin=about_origin)
        numbers = np.asarray(atoms.numbers, dtype=np.int64)
        energies, forces = evaluate_together(calculator, numbers, positions)
        return energies, np.matmul(forces, signed)
    many = getattr(calculator, "many", None)
    kind, size = type(calculator).__name__, batch_size(calculator, len(atoms))
    answers: list[tuple[Any, Any]] = []

    def run(part: slice) -> list[tuple[Any, Any]]:
        batch = [
            turned(atoms, rotation, invert=invert, about_origin=about_origin) for rotation in rotations[part]
        ]
        if many is None:
            return [evaluate(calculator, structure) for structure in batch]
        values = many(batch)
        energy = numbers_of(values[0], (len(batch),), f"{kind} gave energies", "one for each structure, eV")
        shape = (len(batch), len(atoms), 3)
        force = numbers_of(values[1], shape, f"{kind} gave forces", "a row for each atom, eV/Å")
        return list(zip(energy, force, strict=True))

    for _, some in halving(run, slices(len(rotations), size)):
        answers += some
    # Row vectors: (R^T f)^T = f^T R.
    return np.array([energy for energy, _ in answers]), np.matmul([force for _, force in answers], signed)


def check_repeatable(calculator: Any, atoms: Atoms) -> None:
    """Raise InputError where two evaluations of one structure differ: orientation could not be told from chance.

    Another structure is evaluated in between, so that a calculator which keeps a state between calls is found too.
    """
    first = evaluate(calculator, atoms)
    evaluate(calculator, turned(atoms, so3_quadrature(1).rotations[-1]))
    again = evaluate(calculator, atoms)
    scale = max(1.0, abs(first[0]))
    size = float(np.sqrt(np.mean(first[1] ** 2))) + 1e-12
    energy, force = abs(again[0] - first[0]), float(np.abs(again[1] - first[1]).max())
    # A thousand roundings of the coarsest number that calculators use, float32, relative to the sizes at hand.
    if energy > 1e-4 * scale or force > 1e-4 * max(size, 1.0):
        raise InputError(
            f"{type(calculator).__name__} gave two answers for one structure (energies differ by {energy:.1e} eV, forces by "
            f"{force:.1e} eV/Å): it is stochastic or keeps a state; give one that depends on the structure alone"
        )


@dataclass(frozen=True)
class Orientations:
    """Energies and forces turned back of one structure at every rotation of a quadrature.

    Attributes
    ----------
    quadrature
        Rotations and weights.
    energies
        ``(rotations,)``, eV.
    forces
        ``(rotations, atoms, 3)``, eV/Å, turned back.
    inverted_energies, inverted_forces
        The same for the inverted structure, or None.
    """

    quadrature: SO3Quadrature
    energies: Array
    forces: Array
    inverted_energies: Array | None = None
    inverted_forces: Array | None = None


def over_orientations(
    calculator: Any, atoms: Atoms, quadrature: SO3Quadrature, *, inversion: bool = False
) -> Orientations:
    """Evaluate a structure at every rotation of a quadrature, and inverted too if asked."""
    signs = (False, True) if inversion else (False,)
    evaluated = [at_rotations(calculator, atoms, quadrature.rotations, invert=invert) for invert in signs]
    return Orientations(quadrature, *evaluated[0], *(evaluated[1] if inversion else (None, None)))


@dataclass(frozen=True)
class SymmetryBreaking:
    """How far one structure's energy and forces depend on its orientation.

    Attributes
    ----------
    energy_mean
        Average over proper rotations, eV.
    energy_mad, energy_rms
        Mean absolute and root mean square deviation from it, meV per atom.
    force_mad, force_rms
        The same for components of the forces turned back, meV/Å.
    energy_power
        ``(l_top + 1,)``: power of the energy by l, eV^2; l = 0 is that of the average.
    force_power
        ``(l_top + 1,)``: mean over components of the power by l, (eV/Å)^2.
    energy_unresolved, force_unresolved
        Share of the variance that lies in no l <= l_top: what a larger rule would resolve; None where there is no variance.
    inversion_energy, inversion_force
        Root mean square difference between a structure and its inverted self, over orientations; meV per atom and meV/Å;
        None where it was not measured.
    inversion_energy_power, inversion_force_power
        ``(l_top + 1,)``: power by l of half that difference, eV^2 and (eV/Å)^2; None likewise.
    worst_rotation
        ``(3, 3)``: the orientation whose energy is farthest from the average.
    worst_energy
        That deviation, meV per atom.
    evaluations
        Number of energy evaluations.
    """

    energy_mean: float
    energy_mad: float
    energy_rms: float
    force_mad: float
    force_rms: float
    energy_power: tuple[float, ...]
    force_power: tuple[float, ...]
    energy_unresolved: float | None
    force_unresolved: float | None
    inversion_energy: float | None
    inversion_force: float | None
    inversion_energy_power: tuple[float, ...] | None
    inversion_force_power: tuple[float, ...] | None
    worst_rotation: tuple[tuple[float, ...], ...]
    worst_energy: float
    evaluations: int

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def summarise(evaluated: Orientations, l_top: int, *, improper: bool = False) -> SymmetryBreaking:
    """Return mean, deviations and spectra of what was evaluated.

    Parameters
    ----------
    improper
        Whether the mean and the deviations are over O(3), inverted orientations too, as Langer, Pozdnyakov and Ceriotti give
        them; otherwise over proper rotations alone. Spectra are of proper rotations.

    Raises
    ------
    InputError
        ``l_top`` is above half the degree of the quadrature: the spectrum would be aliased by its own top.
    """
    quadrature = evaluated.quadrature
    if 2 * l_top > quadrature.degree:
        raise InputError(
            f"l_top is {l_top} for a quadrature exact to degree {quadrature.degree}, expected at most "
            f"{quadrature.degree // 2}; take a larger quadrature"
        )
    weights = quadrature.weights
    atoms = evaluated.forces.shape[1]
    energies, forces = [evaluated.energies], [evaluated.forces]
    evaluations = len(weights)
    apart: list[float | None] = [None, None]
    odd: list[tuple[float, ...] | None] = [None, None]
    if evaluated.inverted_energies is not None and evaluated.inverted_forces is not None:
        evaluations *= 2
        differences = (
            evaluated.energies - evaluated.inverted_energies,
            evaluated.forces - evaluated.inverted_forces,
        )
        scales = 1e3 / atoms, 1e3
        apart = [s * _root_mean_square(d, weights) for s, d in zip(scales, differences, strict=True)]
        odd = [tuple(map(float, 0.25 * power)) for power in _power(*differences, quadrature, l_top)]
        if improper:
            energies.append(evaluated.inverted_energies)
            forces.append(evaluated.inverted_forces)
    share = weights / len(energies)
    mean = float(sum(share @ e for e in energies))
    force_mean = sum(np.einsum("q,qai->ai", share, f) for f in forces)
    off = [e - mean for e in energies]
    force_off = [f - force_mean for f in forces]

    def moment(parts: list[Array], power: int) -> float:
        return float(sum(np.einsum("q,q...->...", share, np.abs(p) ** power).mean() for p in parts))

    # The mean is taken off first: it is a million times what is looked for, and l = 0 is put back as a number.
    energy_power, force_power = _power(off[0], force_off[0], quadrature, l_top)
    left = [float(weights @ off[0] ** 2), float(np.einsum("q,qai->ai", weights, force_off[0] ** 2).mean())]
    unresolved = [
        max(0.0, 1.0 - float(p.sum()) / total) if total > 0.0 else None
        for p, total in zip((energy_power, force_power), left, strict=True)
    ]
    worst = int(np.argmax(np.abs(off[0])))
    return SymmetryBreaking(
        energy_mean=mean,
        energy_mad=1e3 * moment(off, 1) / atoms,
        energy_rms=1e3 * float(np.sqrt(moment(off, 2))) / atoms,
        force_mad=1e3 * moment(force_off, 1),
        force_rms=1e3 * float(np.sqrt(moment(force_off, 2))),
        energy_power=(mean**2, *map(float, energy_power[1:])),
        force_power=(float(np.mean(force_mean**2)), *map(float, force_power[1:])),
        energy_unresolved=unresolved[0],
        force_unresolved=unresolved[1],
        inversion_energy=apart[0],
        inversion_force=apart[1],
        inversion_energy_power=odd[0],
        inversion_force_power=odd[1],
        worst_rotation=tuple(tuple(map(float, line)) for line in quadrature.rotations[worst]),
        worst_energy=1e3 * float(np.abs(off[0][worst])) / atoms,
        evaluations=evaluations,
    )


def _power(energies: Array, forces: Array, quadrature: SO3Quadrature, l_top: int) -> tuple[Array, Array]:
    """Return the power by l of energies, and of forces in the mean over components."""
    spectrum = RotationSpectrum(quadrature, l_top)
    spectrum.add(np.concatenate([energies[:, None], forces.reshape(len(energies), -1)], axis=1))
    power = spectrum.power()
    return power[:, 0], power[:, 1:].mean(axis=1)


def _root_mean_square(values: Array, weights: Array) -> float:
    return float(np.sqrt(np.einsum("q,q...->...", weights, values**2).mean()))


def symmetry_breaking(
    calculator: Any, atoms: Atoms, *, l_top: int = 4, degree: int | None = None, inversion: bool = True
) -> SymmetryBreaking:
    """Measure one structure.

    Parameters
    ----------
    calculator
        Any ASE calculator with energy and forces; it must depend on the structure alone.
    l_top
        Highest l of the spectra.
    degree
        Degree of the quadrature; default: 2 * l_top.
    inversion
        Whether to evaluate the inverted structures too.

    Raises
    ------
    InputError
        No energy or forces, answers that change from call to call, or a quadrature too small for ``l_top``.
    """
    quadrature = so3_quadrature(2 * l_top if degree is None else degree)
    if 2 * l_top > quadrature.degree:
        raise InputError(f"degree is {quadrature.degree} for l_top {l_top}, expected at least {2 * l_top}")
    check_repeatable(calculator, atoms)
    return summarise(over_orientations(calculator, atoms, quadrature, inversion=inversion), l_top)


def rule_of_order(order: int) -> SO3Quadrature:
    """Return Langer, Pozdnyakov and Ceriotti's rule of n Gauss-Legendre nodes and (2n - 1)^2 steps: degree 2n - 2.

    Raises
    ------
    InputError
        ``order`` is below 1.
    """
    if order < 1:
        raise InputError(f"the order of the rule is {order}, expected an integer of at least 1")
    return so3_quadrature(2 * order - 2)


def convergence(
    calculator: Any, atoms: Atoms, orders: Sequence[int] = (2, 3, 4), *, inversion: bool = True
) -> list[dict[str, float]]:
    """Return the deviations found with rules of growing order, and their number of evaluations.

    The estimate of a rule is exact for the mean square where the band of E is at most (degree) / 2. With ``inversion`` the
    deviations are over O(3).
    """
    rows = []
    for order in orders:
        rule = rule_of_order(order)
        breaking = summarise(
            over_orientations(calculator, atoms, rule, inversion=inversion),
            rule.degree // 2,
            improper=inversion,
        )
        rows.append(
            {
                "order": order,
                "evaluations": breaking.evaluations,
                "energy_rms": breaking.energy_rms,
                "energy_mad": breaking.energy_mad,
                "force_rms": breaking.force_rms,
                "force_mad": breaking.force_mad,
            }
        )
    return rows
