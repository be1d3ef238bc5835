"""Forces of invariants, held against featomic's own power spectrum and finite differences of the definition."""

from __future__ import annotations

import featomic
import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule
from e3nn import o3
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic.advice.density import (
    channels_of,
    density_power,
    expand,
    shell_functions,
)
from spectral_ceilings.diagnostic.advice.invariants import (
    channel_triples,
    cubic,
    cubic_by_degree,
    cubic_count,
    even_triples,
    linear,
    on_atoms,
    quadratic,
)

CUTOFF, RADIAL, L_MAX = 3.5, 3, 2


def rattled(atoms: Atoms, seed: int = 0) -> Atoms:
    atoms = atoms.copy()
    atoms.positions += np.random.default_rng(seed).normal(scale=0.05, size=atoms.positions.shape)
    return atoms


ETHANOL = rattled(molecule("CH3CH2OH"))
SILICON = rattled(bulk("Si", cubic=True), 1)


def identity(atoms: Atoms) -> dict[int, np.ndarray]:
    species = sorted(set(atoms.numbers.tolist()))
    return {z: np.eye(RADIAL * len(species)) for z in species}


def densities(atoms: Atoms) -> dict[int, object]:
    return expand([atoms], identity(atoms), [99] * (L_MAX + 1), CUTOFF, RADIAL)


@pytest.mark.parametrize("atoms", [ETHANOL, SILICON], ids=["ethanol", "silicon"])
def test_order_two_is_the_power_spectrum_of_featomic(atoms: Atoms) -> None:
    soap = featomic.SoapPowerSpectrum(
        cutoff={"radius": CUTOFF, "smoothing": {"type": "ShiftedCosine", "width": 0.5}},
        density={"type": "Gaussian", "width": 0.3},
        basis={"type": "TensorProduct", "max_angular": L_MAX, "radial": {"type": "Gto", "max_radial": RADIAL - 1}},
    ).compute([atoms], gradients=["positions"])  # fmt: skip
    species = sorted(set(atoms.numbers.tolist()))
    z = species[-1]
    of_z = densities(atoms)[z]
    total = 0
    for a, first in enumerate(species):
        for b, second in enumerate(species[a:], start=a):
            at = soap.keys.position([z, first, second])
            if at is None:
                continue
            block = soap.block(at)
            gradient = block.gradient("positions")
            for k, (l, n, m) in enumerate(block.properties.values.tolist()):
                pair = np.array([a * RADIAL + n]), np.array([b * RADIAL + m])
                ours = on_atoms(quadratic(of_z, [l], pair), of_z.atom, len(atoms))[:, :, 0]
                theirs = np.zeros_like(ours)
                np.add.at(theirs, gradient.samples.values[:, 2], gradient.values[:, :, k])
                # featomic's factor is (-1)^l / sqrt(2l+1), and sqrt(2) more for two elements, whose pair stands for both orders
                factor = (-1.0) ** l * (np.sqrt(2.0) if first != second else 1.0)
                scale = max(1e-12, float(np.abs(theirs).max()))
                # both are sums of some hundred products of order one in float64
                assert np.abs(-ours * factor - theirs).max() <= 1e-10 * scale
                total += 1
    assert total > 10


def energies(atoms: Atoms, z: int, channels: int) -> np.ndarray:
    """B of order 3 by its definition, summed over the centres."""
    of_z = densities(atoms)[z]
    out = []
    for degrees in even_triples(L_MAX):
        symbol = o3.wigner_3j(*degrees, dtype=torch.float64).numpy()
        c = [of_z.values[l] for l in degrees]
        for i, j, k in zip(*channel_triples(degrees, channels), strict=True):
            out.append(np.einsum("abc,na,nb,nc->", symbol, c[0][:, :, i], c[1][:, :, j], c[2][:, :, k]))
    return np.array(out)


@pytest.mark.parametrize(("atoms", "z"), [(ETHANOL, 6), (SILICON, 14)], ids=["ethanol", "silicon"])
def test_order_three_is_the_derivative_of_its_definition(atoms: Atoms, z: int) -> None:
    channels, step = 3, 1e-4
    of_z = densities(atoms)[z]
    forces = on_atoms(cubic(of_z, L_MAX, channels), of_z.atom, len(atoms))
    assert forces.shape[-1] == cubic_count(L_MAX, channels) == sum(cubic_by_degree(L_MAX, channels))
    for atom, axis in ((0, 0), (2, 1)):
        moved = []
        for sign in (1, -1):
            shifted = atoms.copy()
            shifted.positions[atom, axis] += sign * step
            moved.append(energies(shifted, z, channels))
        numeric = -(moved[0] - moved[1]) / (2 * step)
        # central differences: step squared times third derivatives, which are some 100 times B at widths of .3 Å
        assert np.allclose(forces[atom, axis], numeric, rtol=0, atol=1e-4 * np.abs(forces).max())


def rows(atoms: Atoms) -> np.ndarray:
    out = []
    for of_z in densities(atoms).values():
        pairs = np.triu_indices(of_z.channels)
        parts = [linear(of_z, slice(None)), quadratic(of_z, range(L_MAX + 1), pairs), cubic(of_z, L_MAX, 2)]
        out.append(on_atoms(np.concatenate(parts, axis=-1), of_z.atom, len(atoms)))
    return np.concatenate(out, axis=-1)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_forces_turn_with_the_structure(seed: int) -> None:
    turn = Rotation.random(random_state=seed).as_matrix()
    if seed % 2:
        turn = -turn  # improper: invariants of natural parity do not change
    for atoms in (ETHANOL, SILICON):
        turned = atoms.copy()
        turned.positions = atoms.positions @ turn.T
        turned.set_cell(np.asarray(atoms.cell) @ turn.T)
        expected = np.einsum("xy,ayf->axf", turn, rows(atoms))
        assert np.allclose(rows(turned), expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_forces_of_a_crystal_are_those_of_its_supercell() -> None:
    twice = SILICON.repeat((2, 1, 1))
    small, large = rows(SILICON), rows(twice)
    atol = 1e-9 * np.abs(small).max()
    assert np.allclose(large[: len(SILICON)], small, rtol=0, atol=atol)
    assert np.allclose(large[len(SILICON) :], small, rtol=0, atol=atol)


def test_internal_forces_add_up_to_nothing() -> None:
    for atoms in (ETHANOL, SILICON):
        assert np.abs(rows(atoms).sum(axis=0)).max() <= 1e-10 * np.abs(rows(atoms)).max()


def test_channels_are_orthonormal_and_fall_in_power() -> None:
    power = density_power([ETHANOL], [1, 6, 8], CUTOFF, RADIAL, L_MAX)
    for of_z in power.values():
        axes = channels_of(of_z)
        assert np.allclose(axes.T @ axes, np.eye(axes.shape[1]), atol=1e-12)
        size = np.diag(axes.T @ of_z @ axes)
        assert np.all(np.diff(size) <= 1e-12 * size[0])


def test_the_shell_sees_nothing_within_the_cutoff() -> None:
    functions = shell_functions(4.0, 6.0, 12, 2)
    channels = {1: np.zeros((24, functions.shape[1])), 2: np.zeros((24, functions.shape[1]))}
    channels[1][12:] = functions  # a centre of H sees neighbours of He
    size = {}
    for r in (1.5, 2.5, 3.5, 5.0):
        pair = Atoms("HHe", [[0, 0, 0], [0, 0, r]])
        of_h = expand([pair], channels, [99] * 3, 6.0, 12)[1]
        size[r] = float(sum((part**2).sum() for part in of_h.values))
    # the functions keep 99 % of their power beyond the cutoff, all distances together
    assert max(size[r] for r in (1.5, 2.5, 3.5)) < 0.01 * size[5.0]
