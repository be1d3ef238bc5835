"""How much the neighbours leave at each l: laws of the power of their density, and what is said of crystals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from scipy.special import eval_legendre

from spectral_ceilings.diagnostic.frames.environments import environments_of, members_of
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.structures import StructuresInMemory
from spectral_ceilings.diagnostic.frames.surroundings import Surroundings, surroundings
from spectral_ceilings.diagnostic.measurement.near_symmetry import NEARLY_SYMMETRIC, neighbour_power
from spectral_ceilings.diagnostic.measurement.shortfalls import why_short
from tests.support.environment_sets import ethanol, lithium_fluoride, rattled, silicon


def around(frames: Frames) -> list[Surroundings]:
    structures = StructuresInMemory.of(frames)
    samples, _, _ = environments_of(structures, members_of(structures, None), 500, 0)
    return surroundings(structures.take(np.arange(len(frames))), samples, 5.0)


def test_one_neighbour_of_a_kind_has_the_same_power_at_every_l() -> None:
    # the addition theorem: sum over m of Y_lm^2 is 2l + 1 in every direction
    molecule = Atoms("LiHO", positions=[[0, 0, 0], [1.1, 0.3, -0.2], [-0.4, 1.7, 0.8]])
    (of_lithium,) = [each for each in around(rattled(molecule, 80, 0.1)) if 3 not in each.numbers]
    power = neighbour_power(of_lithium, 5.0, 6)
    assert list(power) == ["1", "2", "3", "4", "5", "6"]
    assert list(power.values()) == pytest.approx([1.0] * 6, rel=1e-12)  # sums of 160 terms of order one
    # of one kind they interfere, by Legendre's polynomial of the angle between them
    alike = Surroundings(
        of_lithium.starts, of_lithium.vectors, np.ones_like(of_lithium.numbers), of_lithium.marks
    )
    pairs = of_lithium.vectors.reshape(-1, 2, 3)
    r = np.linalg.norm(pairs, axis=2)
    f = 0.5 * (1.0 + np.cos(np.pi * r / 5.0))
    cosines = np.sum(pairs[:, 0] * pairs[:, 1], axis=1) / r.prod(axis=1)
    for l, value in neighbour_power(alike, 5.0, 6).items():
        crossed = 2.0 * np.sum(f.prod(axis=1) * eval_legendre(int(l), cosines)) / np.sum(f**2)
        assert value == pytest.approx(1.0 + crossed, rel=1e-12)


def test_what_a_site_forbids_is_the_square_of_the_displacements() -> None:
    for lattice in (silicon(), lithium_fluoride()):
        large, small, at_rest = (around(rattled(lattice, 40, size))[0] for size in (0.06, 0.03, 0.0))
        for l in ("1", "2"):
            powers = [neighbour_power(each, 4.5, 2)[l] for each in (large, small, at_rest)]
            # half the displacements, a quarter of the power, but for its fourth order: (l (l + 1) / 2) (0.06 / 2)^2 < 0.01
            assert powers[0] / powers[1] == pytest.approx(4.0, rel=0.05)
            assert powers[2] < 1e-20  # rounding of 1e-16 of sums of 30, squared


def test_crystals_are_nearly_symmetric_and_molecules_are_not() -> None:
    for lattice in (silicon(), lithium_fluoride()):
        for each in around(rattled(lattice, 40, 0.08)):
            assert max(neighbour_power(each, 5.0, 2).values()) < NEARLY_SYMMETRIC
    for each in around(rattled(ethanol(), 40, 0.06)):
        assert max(neighbour_power(each, 5.0, 2).values()) > NEARLY_SYMMETRIC
    # a site of T_d leaves l = 3 at rest: a model that holds it lacks nothing
    assert neighbour_power(around(rattled(silicon(), 40, 0.08))[0], 5.0, 3)["3"] > 1.0


def test_the_phrase_of_all_elements_tells_hidden_l_from_other_shortfalls() -> None:
    def entry(symbol: str, *power: float) -> Any:
        return {
            "element": symbol,
            "scope": f"element:{symbol}",
            "r2_ceiling": 0.05,
            "feature_rank": {},
            "causes": [{"cause": "features", "share": 1.0}],
            "neighbour_power": {str(l + 1): value for l, value in enumerate(power)},
        }

    hidden = "nearly symmetric sites, whose neighbours leave little but displacements to l = 1 and 2, in 2 of 3 elements"
    atoms = [entry("Li", 0.01, 0.02), entry("O", 0.01, 0.5), entry("F", 0.01, 0.02)]
    assert why_short(atoms) == f"{hidden}, the features themselves in 1 of 3 elements"
