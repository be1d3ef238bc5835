"""The exact test bed of broken symmetry: closed forms against simulations of flexible water in fields of known l.

``python -m benchmarks.broken_symmetry_test_bed`` prints a table: observable, closed form, measured value, error, z.
Molecules that do not interact move under a harmonic potential of their own plus a `FieldCalculator`; the field depends
on the axis u alone, so that its closed forms hold for flexible molecules too. Errors are standard errors over the
molecules, which are independent.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from ase.build import molecule
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic import (
    ExponentialField,
    FieldCalculator,
    PlField,
    ToyField,
    energy_coefficients,
    perceive_molecules,
    predict_orientations,
)
from spectral_ceilings.theory import dipole_mean, exponential_grades

Array = NDArray[np.float64]
KT = units.kB * 300.0
#: Step (0.5 fs) and friction (0.02 / fs) in ASE's units.
STEP, FRICTION = 0.5 * units.fs, 0.02 / units.fs
#: eV/Å^2 of both bonds and of the distance between the hydrogens: vibrations near 3600 and 1700 / cm.
_SPRINGS = ((0, 1, 45.0), (0, 2, 45.0), (1, 2, 10.0))


@dataclass(frozen=True)
class Row:
    """One observable: its closed form, and what was measured with its standard error."""

    name: str
    exact: float
    measured: float
    error: float

    @property
    def z(self) -> float:
        """The miss in standard errors."""
        return (self.measured - self.exact) / self.error


class Bed:
    """Flexible water molecules far from each other, with a field on their axes."""

    def __init__(self, count: int, field: object, seed: int) -> None:
        self.rng, water = np.random.default_rng(seed), molecule("H2O")
        turns = Rotation.random(count, random_state=self.rng).as_matrix()
        places = 12.0 * np.stack(np.unravel_index(np.arange(count), (64, 64, 64)), axis=1)
        positions = np.einsum("nij,aj->nai", turns, water.positions) + places[:, None]
        self.atoms = Atoms(np.tile(water.numbers, count), positions.reshape(-1, 3))
        self.lengths = [float(water.get_distance(i, j)) for i, j, _ in _SPRINGS]
        self.masses = water.get_masses()[:, None]
        self.calculator = FieldCalculator(None, field, molecules=perceive_molecules(self.atoms))
        self.count = count
        self.momenta = self.rng.normal(size=(count, 3, 3)) * np.sqrt(self.masses * KT)

    @property
    def positions(self) -> Array:
        """``(molecules, 3, 3)``."""
        return self.atoms.positions.reshape(self.count, 3, 3)

    def springs(self) -> tuple[Array, Array]:
        """Return harmonic energies by molecule and forces."""
        r, energy, forces = self.positions, np.zeros(self.count), np.zeros((self.count, 3, 3))
        for (i, j, stiffness), length in zip(_SPRINGS, self.lengths, strict=True):
            d = r[:, j] - r[:, i]
            size = np.linalg.norm(d, axis=1)
            energy += 0.5 * stiffness * (size - length) ** 2
            pull = (stiffness * (size - length) / size)[:, None] * d
            forces[:, i] += pull
            forces[:, j] -= pull
        return energy, forces

    def field_forces(self, *, random: bool = False) -> Array:
        """Return the field's forces; of a freshly turned molecule, turned back, with ``random``."""
        if not random:
            return self.calculator.field_energy_and_forces(self.atoms)[1].reshape(self.count, 3, 3)
        turns = Rotation.random(self.count, random_state=self.rng).as_matrix()
        turned = self.atoms.copy()
        turned.positions = np.einsum("nij,naj->nai", turns, self.positions).reshape(-1, 3)
        forces = self.calculator.field_energy_and_forces(turned)[1].reshape(self.count, 3, 3)
        return np.einsum("nij,nai->naj", turns, forces)

    def move(self, forces: Array, *, thermostat: bool, random: bool = False) -> Array:
        """Make a step: BAOAB of B. Leimkuhler and C. Matthews, or velocity Verlet."""
        self.momenta += 0.5 * STEP * forces
        kept = np.exp(-FRICTION * STEP) if thermostat else 1.0
        r = self.positions + 0.5 * STEP * self.momenta / self.masses
        if thermostat:
            noise = self.rng.normal(size=self.momenta.shape) * np.sqrt(self.masses * KT * (1 - kept**2))
            self.momenta = kept * self.momenta + noise
        self.atoms.positions = (r + 0.5 * STEP * self.momenta / self.masses).reshape(-1, 3)
        forces = self.springs()[1] + self.field_forces(random=random)
        self.momenta += 0.5 * STEP * forces
        return forces

    def axes(self) -> Array:
        """Return u, ``(molecules, 3)``."""
        return self.calculator.molecules_of(self.atoms).axes(self.atoms.positions)[0]

    def torque(self) -> Array:
        """Return the squared torque of the field on each molecule, eV²."""
        r = self.positions
        return (np.cross(r - r[:, :1], self.field_forces()).sum(axis=1) ** 2).sum(axis=1)


def sampled(
    field: object, count: int, steps: int, seed: int, functions: dict[str, Callable[[Bed], Array]]
) -> dict[str, tuple[float, float]]:
    """Return means and standard errors over molecules at 300 K, after a fifth of the steps."""
    bed = Bed(count, field, seed)
    forces, sums, records = (
        bed.springs()[1] + bed.field_forces(),
        {name: np.zeros(count) for name in functions},
        0,
    )
    for step in range(steps + steps // 5):
        forces = bed.move(forces, thermostat=True)
        if step >= steps // 5 and step % 10 == 0:
            records += 1
            for name, function in functions.items():
                sums[name] += function(bed)
    return {
        name: (float((s / records).mean()), float((s / records).std(ddof=1) / np.sqrt(count)))
        for name, s in sums.items()
    }


def drift(field: object, count: int, steps: int, seed: int, *, random: bool) -> tuple[float, float, float]:
    """Return the change of the energy per molecule at constant energy, its error, and what the force power predicts, eV."""
    bed = Bed(count, field, seed)
    forces = bed.springs()[1] + bed.field_forces()
    for _ in range(400):
        forces = bed.move(forces, thermostat=True)
    forces = bed.springs()[1] + bed.field_forces(random=random)

    def energy() -> Array:
        kinetic = 0.5 * (bed.momenta**2 / bed.masses).sum(axis=(1, 2))
        turned = 0.0 if random else np.asarray(bed.calculator.field.energies(bed.axes()))
        return kinetic + bed.springs()[0] + turned

    power, before = 0.0, energy()
    for _ in range(steps):
        delta = forces - bed.springs()[1]
        power += 0.5 * STEP**2 * float((delta**2 / bed.masses).sum(axis=(1, 2)).mean())
        forces = bed.move(forces, thermostat=False, random=random)
    change = energy() - before
    return float(change.mean()), float(change.std(ddof=1) / np.sqrt(count)), power


def canonical(energy: Callable[[float], float], function: Callable[[float], float]) -> float:
    """Return the mean of a function of t = u_z under exp(-energy / kT), by SciPy's quadrature."""
    above = quad(lambda t: function(t) * np.exp(-energy(t) / KT), -1, 1, epsabs=1e-12)[0]
    return float(above / quad(lambda t: np.exp(-energy(t) / KT), -1, 1, epsabs=1e-12)[0])


def rows(*, count: int = 400, steps: int = 6000, seed: int = 0) -> list[Row]:
    """Return the table."""
    p1 = lambda bed: bed.axes()[:, 2]  # noqa: E731
    p2 = lambda bed: 1.5 * bed.axes()[:, 2] ** 2 - 0.5  # noqa: E731
    centre = lambda bed: bed.momenta.sum(axis=1)[:, 2] ** 2 / bed.masses.sum() / units.kB  # noqa: E731
    low = lambda bed: (bed.axes()[:, 2] < -0.5).astype(float)  # noqa: E731
    out = []

    def add(label: str, measured: dict[str, tuple[float, float]], exact: dict[str, float]) -> None:
        out.extend(Row(f"{label}: {name}", value, *measured[name]) for name, value in exact.items())

    c = 0.03
    measured = sampled(
        PlField(1, c),
        count,
        steps,
        seed,
        {"<P_1>": p1, "<P_2>": p2, "<torque^2>": Bed.torque, "T": centre, "share u_z < -1/2": low},
    )
    langevin = [float(dipole_mean(l, c / KT)) for l in (1, 2)]
    add(
        "c P_1",
        measured,
        {
            "<P_1>": langevin[0],
            "<P_2>": langevin[1],
            "<torque^2>": -KT * c * 2 * langevin[0],
            "T": 300.0,
            "share u_z < -1/2": canonical(lambda t: c * t, lambda t: float(t < -0.5)),
        },
    )
    c = 0.02
    measured = sampled(
        PlField(2, c), count, steps, seed + 1, {"<P_1>": p1, "<P_2>": p2, "<torque^2>": Bed.torque}
    )
    mean = canonical(lambda t: c * (1.5 * t * t - 0.5), lambda t: 1.5 * t * t - 0.5)
    add("c P_2", measured, {"<P_1>": 0.0, "<P_2>": mean, "<torque^2>": -KT * c * 6 * mean})
    c = 0.02
    measured = sampled(
        ExponentialField(1.0, c), count, steps, seed + 2, {"<P_1>": p1, "<torque^2>": Bed.torque}
    )
    add(
        "c exp u_z",
        measured,
        {
            "<P_1>": canonical(lambda t: c * np.exp(t), lambda t: t),
            "<torque^2>": canonical(lambda t: c * np.exp(t), lambda t: (1 - t * t) * c**2 * np.exp(2 * t)),
        },
    )
    field = ToyField(0.008)
    measured = sampled(field, count, steps, seed + 3, {"<P_1>": p1, "<P_2>": p2, "<torque^2>": Bed.torque})
    water = molecule("H2O")
    coefficients = energy_coefficients(
        FieldCalculator(None, field), water, 6, molecules=perceive_molecules(water)
    )
    predicted = predict_orientations(coefficients, 300.0)
    add(
        "toy field",
        measured,
        {
            "<P_1>": predicted.legendre[0],
            "<P_2>": predicted.legendre[1],
            "<torque^2>": predicted.canonical_torque,
        },
    )
    torque = Bed(10 * count, field, seed + 4).torque()
    haar = sum(l * (l + 1) * float(exponential_grades(l, [1, 0.5, 2], 0.008).evalf(30)) for l in range(1, 12))
    out.append(
        Row(
            "toy field: torque^2, all orientations alike",
            haar,
            float(torque.mean()),
            float(torque.std() / np.sqrt(10 * count)),
        )
    )
    heated, error, power = drift(PlField(2, 0.1), 2 * count, steps // 8, seed + 5, random=True)
    out.append(Row("c P_2, random rotation each step: heating", power, heated, error))
    kept, error, _ = drift(PlField(2, 0.1), count, steps // 8, seed + 6, random=False)
    out.append(Row("c P_2, constant energy: drift", 0.0, kept, error))
    return out


def main() -> int:
    """Print the table; exit status 1 where an observable misses its closed form by more than four errors."""
    table = rows()
    print(f"{'observable':46s} {'closed form':>12s} {'measured':>12s} {'error':>10s} {'z':>6s}")
    for row in table:
        print(f"{row.name:46s} {row.exact:12.5g} {row.measured:12.5g} {row.error:10.2g} {row.z:6.2f}")
    return int(max(abs(row.z) for row in table) > 4.0)


if __name__ == "__main__":
    sys.exit(main())
