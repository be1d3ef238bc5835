r"""The fixed benchmark of rotational symmetry: 115 orientations of ten structures, compared one with the next.

The definition is that of ml-peg's benchmark of rotational symmetry (https://github.com/ddmms/ml-peg/pull/847), so that numbers
compare: a seeded walk through orientations, 14 steps about random axes with angles from 1 to 40 degrees, then 100 uniformly
random ones. Each orientation is compared with the one before it:

.. math:: \Delta E_k = |E_{k+1} - E_k| / N, \qquad \Delta F_k = \overline{|F_{k+1} - F_k|},

with forces turned back into the first frame and the mean over their components. The mean and the maximum are over all pairs of
all structures.

What theory says of it. For R and the axis of S random, :math:`\langle (g(SR) - g(R))^2 \rangle = 2 \sum_l P_l (1 -
\chi_l(\omega) / (2l + 1))` with the angle :math:`\omega` of S: a spectrum gives what the benchmark finds in the mean square at
every angle, twice the variance for random steps. The benchmark gives no spectrum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk, graphene, molecule
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .breaking import at_rotations

Array = NDArray[np.float64]
#: Orientations, the first being the structure as it is given.
ORIENTATIONS = 115
#: Structures of the benchmark.
STRUCTURES = 10
#: What ``read_structures`` calls them.
BENCHMARK_NAME = "rotation-benchmark"
#: Angles of the first steps, degrees.
_ANGLES = (1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 40.0)
_RANDOM = 100
_SEED = 42


def walk() -> Array:
    """Return the orientations ``(115, 3, 3)``: the identity, then every step after the one before it."""
    axes = np.random.default_rng(_SEED).normal(size=(len(_ANGLES), 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    small = Rotation.from_rotvec(np.radians(_ANGLES)[:, None] * axes)
    # What scipy's Rotation.random draws from a seed: normalised quaternions of normal numbers.
    quaternions = np.random.RandomState(_SEED).normal(size=(_RANDOM, 4))
    turned = Rotation.identity()
    orientations = [turned.as_matrix()]
    for step in (*small, *Rotation.from_quat(quaternions)):
        turned = step * turned
        orientations.append(turned.as_matrix())
    return np.array(orientations)


def step_angles() -> Array:
    """Return the angles ``(114,)`` between successive orientations, degrees."""
    orientations = walk()
    steps = np.einsum("kij,klj->kil", orientations[1:], orientations[:-1])
    return np.asarray(np.degrees(Rotation.from_matrix(steps).magnitude()))


def benchmark_structures() -> tuple[Atoms, ...]:
    """Return the ten structures of the published benchmark: eight molecules, rattled diamond, graphene in a cell of 40 Å."""
    diamond: Any = bulk("C", "diamond", a=3.567)
    diamond.rattle(stdev=0.05, seed=42)
    sheet = graphene(formula="C2", a=2.46, thickness=0.0, vacuum=20.0)  # type: ignore[no-untyped-call]
    sheet.pbc = True
    names = ("H2O", "CH4", "NH3", "C2H4", "C2H2", "SO2", "CH3OH", "C6H6")
    structures = (*map(molecule, names), diamond, sheet)
    for structure in structures:
        structure.info.update(charge=0, spin=1)
    return structures


def measure_walk(calculator: Any, atoms: Atoms) -> dict[str, Any]:
    """Return the benchmark's numbers of one structure.

    Returns
    -------
    ``energy_mean``, ``energy_max`` in meV/atom, ``force_mean``, ``force_max`` in meV/Å, over the 114 pairs, and the pairs
    themselves, ``energy_steps`` and ``force_steps``.
    """
    energies, forces = at_rotations(calculator, atoms, walk(), about_origin=True)
    energy = 1e3 * np.abs(np.diff(energies)) / len(atoms)
    force = 1e3 * np.abs(np.diff(forces, axis=0)).mean(axis=(1, 2))
    return {
        "energy_mean": float(energy.mean()),
        "energy_max": float(energy.max()),
        "force_mean": float(force.mean()),
        "force_max": float(force.max()),
        "energy_steps": energy.tolist(),
        "force_steps": force.tolist(),
    }


def benchmark_summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what ``result.json`` holds of the benchmark: means and largest changes, overall and of each structure.

    Energies are in meV/atom (``total``: of the whole structure, eV), forces in meV/Å.

    Parameters
    ----------
    rows
        Of each structure: ``structure``, ``formula``, ``atoms`` and what :func:`measure_walk` gives.
    """
    angles = step_angles()
    energy = np.array([row["energy_steps"] for row in rows])
    force = np.array([row["force_steps"] for row in rows])
    atoms = np.array([row["atoms"] for row in rows])
    structure, step = divmod(int(force.argmax()), force.shape[1])
    per_structure = ("structure", "formula", "atoms", "energy_mean", "energy_max", "force_mean", "force_max")
    return {
        "orientations": ORIENTATIONS,
        "pairs": energy.size,
        "energy_mean": float(energy.mean()),
        "energy_max": float(energy.max()),
        "total_mean": float(1e-3 * (energy * atoms[:, None]).mean()),
        "total_max": float(1e-3 * (energy * atoms[:, None]).max()),
        "force_mean": float(force.mean()),
        "force_max": float(force.max()),
        "worst": {"structure": rows[structure]["structure"], "step": step, "angle": float(angles[step])},
        "structures": [{name: row[name] for name in per_structure} for row in rows],
        "steps": [
            {"angle": float(angle), "energy": float(e), "force": float(f)}
            for angle, e, f in zip(angles, energy.mean(axis=0), force.mean(axis=0), strict=True)
        ],
    }
