"""What the outer step of a multiple time step leaves of the conserved energy, against the fastest period of the model.

``python -m benchmarks.outer_step [MODEL [CURE [STRIDES]]]`` moves one water molecule at constant energy from four starts (2 ps
each, 0.5 fs) with ``mts-K:CURE`` for K in STRIDES, such as ``2,10``, and prints drift and root mean square change of the
conserved energy. By default some ten minutes of one core.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from ase.build import molecule

from spectral_ceilings.diagnostic import DynamicsSettings, fastest_period, load_calculator, run_dynamics
from spectral_ceilings.diagnostic.observables import measure_observables
from spectral_ceilings.diagnostic.records.words import with_error

_GIVEN = ("water-unconstrained", "grid-2-inversion", "2,4,6,8,10")


def energies(
    calculator: Any,
    atoms: Any,
    cure: str,
    stride: int,
    *,
    steps: int = 4000,
    seeds: int = 4,
    step: float = 0.5,
) -> tuple[list[float], list[float], float]:
    """Return by start drift and its error (meV/atom/ns), and the rms change of the conserved energy (meV/atom)."""
    drifts, errors, squares = [], [], []
    whole = steps // stride * stride
    for seed in range(seeds):
        settings = DynamicsSettings(
            ensemble="nve", steps=whole, equilibration=steps // 4 // stride * stride, sample_every=stride,
            time_step=step, seed=seed, cure=f"mts-{stride}:{cure}",
        )  # fmt: skip
        run = run_dynamics(atoms, calculator, settings)
        number = measure_observables(run, None, ["drift"])["drift"]["numbers"][0]
        drifts.append(number["value"])
        errors.append(number["error"])
        squares.append(float(np.var(run.conserved)))
    return drifts, errors, 1e3 * float(np.sqrt(np.mean(squares))) / len(atoms)


def main() -> int:
    """Print the table."""
    name, cure, strides = (*sys.argv[1:], *_GIVEN[len(sys.argv) - 1 :])
    calculator, atoms = load_calculator(name).calculator, molecule("H2O")
    period = fastest_period(calculator, atoms)
    print(f"{name}, mts-K:{cure}; fastest period {period:.2f} fs", flush=True)
    print("  K  outer step, fs  share of the period  rms change, meV/atom  drift by start, meV/atom/ns")
    for stride in map(int, strides.split(",")):
        drifts, errors, rms = energies(calculator, atoms, cure, stride)
        told = "; ".join(with_error(drift, error) for drift, error in zip(drifts, errors, strict=True))
        print(f"{stride:3d} {stride / 2:15.1f} {stride / 2 / period:20.2f} {rms:21.3f}  {told}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
