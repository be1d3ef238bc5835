r"""Which resonance feeds the energy at which outer step: the harmonic limit, exactly, beside molecules at 300 K.

``python -m benchmarks.outer_step_resonances [MODEL [CURE [FIRST,LAST,STEP]]]`` prints, for outer steps H (fs) of one water
molecule

- the periods T of its vibrations, relaxed under the cure, and where sums of their angular rates are :math:`2 \pi / H`,
  :math:`H = 1 / \sum_i (n_i / T_i)`: two quanta are the resonances of a harmonic molecule, three those of the next order;
- the growth of the fastest growing motion, :math:`\ln |\lambda| / H`, from the eigenvalues of one outer step of the harmonic
  molecule: exact motion under the bare forces, then one kick by the correction; the largest of twelve orientations;
- the root mean square change of the conserved energy of eight molecules from 300 K in 1 ps at constant energy, ``mts-10:CURE``.

A quarter of an hour of one core.
"""

from __future__ import annotations

import sys
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from ase import units
from ase.build import molecule
from ase.optimize import BFGS
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic import DynamicsSettings, load_calculator, parse_cure, run_copies

Array = NDArray[np.float64]
_GIVEN = ("water-unconstrained", "grid-2-inversion", "2.2,5.6,0.1")
#: Inner steps of an outer one, replicas, orientations; a displacement (Å).
_STRIDE, _REPLICAS, _ORIENTATIONS, _SHIFT = 10, 8, 12, 0.005


def hessian(calculator: Any, atoms: Any) -> Array:
    """Return the Hessian over the roots of the masses, from differences of forces (ASE's units)."""
    roots = np.sqrt(np.repeat(atoms.get_masses(), 3))
    rows = []
    for k in range(len(roots)):
        pair = []
        for sign in (1, -1):
            moved = atoms.copy()
            shift = np.zeros(len(roots))
            shift[k] = sign * _SHIFT
            moved.positions = atoms.positions + shift.reshape(-1, 3)
            moved.calc = calculator
            pair.append(moved.get_forces().ravel())
        rows.append((pair[1] - pair[0]) / (2 * _SHIFT))
    square = np.array(rows) / np.outer(roots, roots)
    return np.asarray((square + square.T) / 2)


def periods(square: Array, count: int = 3) -> Array:
    """Return the periods of the fastest vibrations (fs), the slowest of them first."""
    return np.asarray(2 * np.pi / np.sqrt(np.linalg.eigvalsh(square)[-count:]) / units.fs)


def growth(bare: Array, cured: Array, outer: float, count: int = 3) -> float:
    """Return the growth (1/ps) of the fastest growing motion of the vibrations under an outer step (fs); 0: all are stable."""
    values, vectors = np.linalg.eigh(bare)
    values, vectors = values[-count:], vectors[:, -count:]
    nothing, one = np.zeros((count, count)), np.eye(count)
    motion = expm(outer * units.fs * np.block([[nothing, one], [-np.diag(values), nothing]]))
    kick = np.block([[one, nothing], [-outer * units.fs * vectors.T @ (cured - bare) @ vectors, one]])
    largest = float(np.abs(np.linalg.eigvals(motion @ kick)).max())
    return max(0.0, 1e3 * float(np.log(largest)) / outer) if largest > 1 + 1e-9 else 0.0


def sums(of: Array, quanta: int, shortest: float, longest: float) -> list[tuple[float, str]]:
    """Return outer steps (fs) between two bounds at which a sum of so many angular rates is 2 pi / H, with the modes' numbers."""
    every = [
        (1 / float(np.sum(1 / of[list(modes)])), " + ".join(str(mode + 1) for mode in modes))
        for modes in combinations_with_replacement(range(len(of)), quanta)
    ]
    return sorted(pair for pair in every if shortest <= pair[0] <= longest)


def wander(calculator: Any, atoms: Any, cure: str, outer: float) -> float:
    """Return the rms change of the conserved energy (meV/atom) in 1 ps from starts at 300 K, over the starts."""
    steps = round(1000 / outer) * _STRIDE
    runs = run_copies(atoms, calculator, [
        DynamicsSettings(ensemble="nve", steps=steps, equilibration=steps // 4 // _STRIDE * _STRIDE, sample_every=_STRIDE,
                         time_step=outer / _STRIDE, seed=seed, cure=f"mts-{_STRIDE}:{cure}")
        for seed in range(_REPLICAS)
    ])  # fmt: skip
    squares = [float(((run.conserved - run.conserved[0]) ** 2).mean()) for run in runs]
    return 1e3 * float(np.sqrt(np.mean(squares))) / len(atoms)


def main() -> int:
    """Print the table."""
    name, cure, span = (*sys.argv[1:], *_GIVEN[len(sys.argv) - 1 :])
    first, last, step = map(float, span.split(","))
    calculator, atoms = load_calculator(name).calculator, molecule("H2O")
    averaged: Any = parse_cure(cure).calculator(calculator)
    atoms.calc = averaged
    BFGS(atoms, logfile=None).run(fmax=1e-4)
    pairs = []
    for rotation in Rotation.random(_ORIENTATIONS, rng=np.random.default_rng(0)):
        turned = atoms.copy()
        turned.positions = atoms.positions @ rotation.as_matrix().T
        pairs.append((hessian(calculator, turned), hessian(averaged, turned)))
    of = np.mean([periods(cured) for _, cured in pairs], axis=0)
    print(f"{name}, mts-{_STRIDE}:{cure}; periods {', '.join(f'{t:.2f}' for t in of)} fs")
    for quanta in (2, 3):
        told = ", ".join(f"{outer:.2f} fs ({modes})" for outer, modes in sums(of, quanta, first, last))
        print(f"sums of {quanta}: {told}")
    print(f"{'H, fs':>6s} {'growth, 1/ps':>13s} {'rms change in 1 ps, meV/atom':>29s}", flush=True)
    for outer in np.arange(first, last + step / 2, step):
        largest = max(growth(bare, cured, float(outer)) for bare, cured in pairs)
        print(
            f"{outer:6.2f} {largest:13.2f} {wander(calculator, atoms, cure, float(outer)):29.2f}", flush=True
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
