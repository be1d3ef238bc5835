"""One model averaged over rotations by us, by i-PI's ``ffrotations`` and by metatomic's ``SymmetrizedCalculator``.

python -m benchmarks.averages_beside_others [MODEL]      MODEL: water-unconstrained, or any other that ``ceilings observe`` takes

A molecule of water that is bent out of its minimum. Each program's average is compared with ours over that program's own
rotations and weights, where only rounding may remain, and with our grid of the same exactness, where what is above it remains.
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np
from ase.build import molecule
from ase.calculators.calculator import Calculator, all_changes
from ipi.utils.mathtools import get_rotation_quadrature_legendre
from metatomic_ase import SymmetrizedCalculator
from numpy.typing import NDArray

from spectral_ceilings.diagnostic.dynamics.cures import parse_cure
from spectral_ceilings.diagnostic.dynamics.run import run_dynamics
from spectral_ceilings.diagnostic.dynamics.settings import DynamicsSettings
from spectral_ceilings.diagnostic.symmetry.averaged_calculator import AveragedCalculator
from spectral_ceilings.diagnostic.symmetry.breaking import evaluate
from spectral_ceilings.diagnostic.symmetry.calculators import load_calculator

Answer = tuple[float, NDArray[np.float64]]


class _Interface(Calculator):
    """What ``SymmetrizedCalculator`` asks of a calculator, made of any."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, base: Any) -> None:
        super().__init__()
        self.base = base

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        energy, force = evaluate(self.base, self.atoms)
        self.results = {"energy": energy, "forces": force}

    def compute_energy(self, structures: Any, forces: bool, *, per_atom: bool) -> dict[str, list[Any]]:
        answers = [evaluate(self.base, structure) for structure in structures]
        return {"energy": [energy for energy, _ in answers], "forces": [force for _, force in answers]}


def by_i_pi(model: Any, atoms: Any, cure: str) -> tuple[Answer, AveragedCalculator]:
    """Return energy (eV) and forces of a process of i-PI at the first structure, and our average over its rotations."""
    settings = DynamicsSettings(
        ensemble="nve", steps=1, sample_every=1, equilibration=0, driver="i-pi", cure=cure
    )
    run = run_dynamics(atoms, model, settings)
    asked = parse_cure(cure)
    same = AveragedCalculator(model, "grid", degree=asked.degree, inversion=asked.inversion)
    grid = get_rotation_quadrature_legendre(asked.degree // 2 + 1)
    same.rotations, same.weights = np.array([each[0] for each in grid]), np.array([each[1] for each in grid])
    same.weights /= same.weights.sum()
    return (float(run.potential[0]), run.forces[0]), same


def by_metatomic(model: Any, atoms: Any, degree: int, inversion: bool) -> tuple[Answer, AveragedCalculator]:
    """Return energy (eV) and forces of ``SymmetrizedCalculator``, and our average over its rotations."""
    theirs = SymmetrizedCalculator(
        _Interface(model), l_max=degree, include_inversion=inversion, batch_size=64
    )
    same = AveragedCalculator(model, "grid", degree=2)
    same.rotations, same.weights = theirs.quadrature_rotations, theirs.quadrature_weights
    moving = atoms.copy()
    moving.calc = theirs
    return (float(moving.get_potential_energy()), moving.get_forces()), same


def line(name: str, theirs: Answer, same: AveragedCalculator, ours: Answer, atoms: Any) -> str:
    """Return a row of the table."""
    energy, force = evaluate(same, atoms)
    return (
        f"| {name} | {len(same.rotations) * (2 if same.inversion else 1)} | {theirs[0]:.9f} | "
        f"{abs(theirs[0] - energy):.0e}, {np.abs(theirs[1] - force).max():.0e} | "
        f"{abs(theirs[0] - ours[0]):.0e}, {np.abs(theirs[1] - ours[1]).max():.0e} |"
    )


def main() -> int:
    """Print the table; fail where an average over the same rotations is another one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="water-unconstrained")
    model = load_calculator(parser.parse_args().model).calculator
    atoms = molecule("H2O")
    atoms.rattle(0.05, seed=1)
    bare = evaluate(model, atoms)
    print(f"without an average: {bare[0]:.9f} eV\n")
    print(
        "| average | rotations | energy (eV) | less ours over the same rotations (eV, eV/Å) | less our grid (eV, eV/Å) |"
    )
    print("| --- | ---: | --- | --- | --- |")
    worst = 0.0
    for degree in (2, 4):
        for inversion in (False, True):
            cure = f"grid-{degree}" + ("-inversion" if inversion else "")
            ours = evaluate(parse_cure(cure).calculator(model), atoms)
            for name, (theirs, same) in (
                (f"i-PI, `{cure}`", by_i_pi(model, atoms, cure)),
                (f"metatomic, l_max {degree}{', inversion' if inversion else ''}",
                 by_metatomic(model, atoms, degree, inversion)),
            ):  # fmt: skip
                print(line(name, theirs, same, ours, atoms))
                energy, force = evaluate(same, atoms)
                worst = max(worst, abs(theirs[0] - energy), float(np.abs(theirs[1] - force).max()))
    # i-PI's numbers pass through hartree and bohr, and terms are added up in another order: ten roundings of the energy
    bound = 10 * np.finfo(float).eps * max(1.0, abs(bare[0]))
    print(f"\nlargest difference over the same rotations: {worst:.1e}, of rounding at most {bound:.1e}")
    return 0 if math.isfinite(worst) and worst <= bound else 1


if __name__ == "__main__":
    raise SystemExit(main())
