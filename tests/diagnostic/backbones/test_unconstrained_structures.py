"""A model without symmetry on structures of any size: cells, images, mixed batches, reference energies, augmentation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule

from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.backbones.unconstrained_backbone import UnconstrainedBackbone
from spectral_ceilings.diagnostic.backbones.unconstrained_graph import (
    graph_forces,
    graph_of,
    graphs_of,
    joined,
)
from spectral_ceilings.diagnostic.backbones.unconstrained_model import (
    UnconstrainedNetwork,
    UnconstrainedSettings,
)
from spectral_ceilings.diagnostic.backbones.unconstrained_training import (
    reference_energies,
    structure_errors,
    train_on_structures,
)
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.symmetry.breaking import turned
from spectral_ceilings.diagnostic.symmetry.unconstrained_calculator import UnconstrainedCalculator
from spectral_ceilings.numerics.rotations import haar_rotations
from spectral_ceilings.theory.errors import InputError

SETTINGS = UnconstrainedSettings(numbers=(1, 6, 8), width=16, rounds=2, cutoff=4.0, seed=3)
NETWORK = UnconstrainedNetwork(SETTINGS)
NETWORK.shifts = (-1.0, -2.0, -3.0)
CALCULATOR = UnconstrainedCalculator(NETWORK)
BOX = read_frames("water-box-xtb").select([0, 50])


def box(k: int = 0) -> Atoms:
    assert BOX.cells is not None
    return Atoms(numbers=BOX.numbers, positions=BOX.positions[k], cell=BOX.cells[k], pbc=True)


def forces_of(atoms: Atoms) -> tuple[float, np.ndarray]:
    energies, forces = CALCULATOR.many([atoms])
    return float(energies[0]), forces[0]


def test_molecules_as_graphs_are_molecules_as_before() -> None:
    """Sums in another order: rounding of float64 on energies of ten and forces of one."""
    aspirin = read_frames("aspirin-xtb").select([0, 1])
    energies, forces = CALCULATOR.evaluate(aspirin.numbers, aspirin.positions)
    energy, force = graph_forces(NETWORK, joined(graphs_of(NETWORK, aspirin)))
    assert np.allclose(energy.detach().numpy(), energies, rtol=0, atol=1e-11)
    assert np.allclose(force.detach().numpy().reshape(forces.shape), forces, rtol=0, atol=1e-11)


def test_a_batch_of_mixed_sizes_is_its_parts() -> None:
    water = molecule("H2O")
    parts = [
        graph_of(NETWORK, BOX.numbers, box().positions, np.asarray(box().cell), (True, True, True)),
        graph_of(NETWORK, water.numbers, water.positions),
    ]
    energies, forces = graph_forces(NETWORK, joined(parts))
    apart = [graph_forces(NETWORK, part) for part in parts]
    assert np.allclose(
        energies.detach(), torch.cat([energy for energy, _ in apart]).detach(), rtol=0, atol=1e-10
    )
    assert np.allclose(forces.detach(), torch.cat([force for _, force in apart]).detach(), rtol=0, atol=1e-11)


def test_a_repeated_cell_has_so_many_times_the_energy_and_the_same_forces() -> None:
    energy, forces = forces_of(box())
    twice, repeated = forces_of(box().repeat((2, 1, 1)))
    # Rounding of energies of a hundred eV.
    assert twice == pytest.approx(2 * energy, abs=1e-10)
    assert np.allclose(repeated, np.concatenate([forces, forces]), rtol=0, atol=1e-11)


def test_a_cell_smaller_than_the_cutoff_meets_its_own_images() -> None:
    # Carbon on the fcc net of 2.5 Å: 12 + 6 neighbours, nine of each two being images of the same atom.
    primitive = bulk("C", "fcc", a=3.0)
    big = primitive.repeat((3, 3, 3))
    assert forces_of(big)[0] == pytest.approx(27 * forces_of(primitive)[0], abs=1e-10)


def test_forces_are_minus_the_gradient_also_across_the_border() -> None:
    atoms, h = box(), 1e-4
    _, forces = forces_of(atoms)
    ends = []
    for sign in (1, -1):
        moved = box()
        moved.positions[7, 2] += sign * h
        ends.append(forces_of(moved)[0])
    # h^2 times a third derivative of 10 eV/Å^3, and rounding of 1e-12 / h.
    assert -(ends[0] - ends[1]) / (2 * h) == pytest.approx(forces[7, 2], abs=1e-6)


def test_atoms_outside_the_cell_are_those_inside() -> None:
    atoms = box()
    energy, forces = forces_of(atoms)
    atoms.positions[3] += 2 * np.asarray(atoms.cell)[0] - np.asarray(atoms.cell)[2]
    again, same = forces_of(atoms)
    assert again == pytest.approx(energy, abs=1e-10)
    assert np.allclose(same, forces, rtol=0, atol=1e-10)


def test_turned_graphs_are_graphs_of_turned_structures() -> None:
    rotations = haar_rotations(2, np.random.default_rng(1))
    graph = joined(graphs_of(NETWORK, BOX)).turned(rotations)
    energies, forces = graph_forces(NETWORK, graph)
    expected = CALCULATOR.many([turned(box(k), rotations[k]) for k in (0, 1)])
    assert np.allclose(energies.detach(), expected[0], rtol=0, atol=1e-10)
    assert np.allclose(forces.detach().reshape(2, -1, 3), expected[1], rtol=0, atol=1e-10)
    # and this says something: the model is not invariant
    assert np.abs(expected[0] - CALCULATOR.many([box(0), box(1)])[0]).max() > 1e-6


def test_the_backbone_gives_periodic_forces_and_features() -> None:
    backbone = UnconstrainedBackbone(NETWORK, BackboneInfo("mine", "unconstrained", trained=False))
    energies, forces = backbone.energies_and_forces(BOX)
    expected = CALCULATOR.many([box(0), box(1)])
    assert np.allclose(energies, expected[0], rtol=0, atol=1e-10)
    assert np.allclose(forces, expected[1], rtol=0, atol=1e-11)
    assert backbone.features(BOX, "round1").values.shape == (2, 48, 16)


def _labelled(atoms: list[Atoms], energies: np.ndarray, forces: np.ndarray) -> Frames:
    return Frames(
        numbers=np.asarray(atoms[0].numbers, dtype=np.int64), positions=np.stack([a.positions for a in atoms]),
        forces=forces, energies=energies, source="made", sha256="0" * 64, units="eV, Å",
        cells=np.stack([np.asarray(a.cell) for a in atoms]) if atoms[0].pbc.all() else None,
        pbc=tuple(bool(p) for p in atoms[0].pbc),
    )  # fmt: skip


def test_reference_energies_are_exact_for_free_atoms() -> None:
    per_element = {1: -13.0, 6: -1000.0, 8: -2000.0}
    parts = []
    for name in ("H2O", "CO2", "CH4"):
        atoms = [molecule(name)] * 3
        energy = sum(per_element[int(z)] for z in atoms[0].numbers)
        parts.append(_labelled(atoms, np.full(3, energy), np.zeros((3, len(atoms[0]), 3))))
    # Condition numbers of ten on thousands of eV.
    assert reference_energies(parts, (1, 6, 8)) == pytest.approx([-13.0, -1000.0, -2000.0], abs=1e-8)
    with pytest.raises(InputError, match="has no energies"):
        reference_energies([replace(parts[0], energies=None)], (1, 6, 8))


def test_it_learns_molecules_and_boxes_together() -> None:
    """Forces are better than none on both, and the same seed gives the same network."""
    rng = np.random.default_rng(0)
    waters, labels = [], []
    for _ in range(20):
        water = molecule("H2O")
        bonds = water.positions[1:] - water.positions[0]
        stretched = bonds * (1 + 0.05 * rng.standard_normal((2, 1)))
        water.positions[1:] = water.positions[0] + stretched
        unit = stretched / np.linalg.norm(stretched, axis=1, keepdims=True)
        pull = -20.0 * (np.linalg.norm(stretched, axis=1) - 0.97)[:, None] * unit
        waters.append(water)
        labels.append(np.concatenate([-pull.sum(axis=0, keepdims=True), pull]))
    forces = np.array(labels)
    assert BOX.energies is not None
    energies = np.full(20, BOX.energies.mean() / 16)  # that of a molecule of the box
    parts = [_labelled(waters, energies, forces), BOX]
    settings = UnconstrainedSettings(
        numbers=(1, 8), width=16, rounds=1, cutoff=4.0, steps=250, batch_size=4, learning_rate=0.01
    )
    network = train_on_structures(parts, settings)
    few = replace(settings, steps=5, augment=True)
    first, again = (train_on_structures(parts, few) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    for frames in parts:
        row = structure_errors(network, frames)
        # A quarter is gone within 250 steps; a network that learns one of the two leaves the other as it was.
        assert row["force_mae_eV_A"] < 0.75 * float(np.abs(frames.forces).mean())
        assert row["structures"] == len(frames)
