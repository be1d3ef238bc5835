"""Audits of crystals and of structures of several kinds: the laws are those of molecules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from environment_sets import density_backbone, ethanol, lithium_fluoride, mixed, rattled, silicon

from spectral_ceilings.diagnostic import AuditSettings, audit
from spectral_ceilings.diagnostic.auditing.direction_spectrum import minimum_distances
from spectral_ceilings.diagnostic.auditing.moving import moving_in
from spectral_ceilings.diagnostic.auditing.report import render_audit_report
from spectral_ceilings.diagnostic.auditing.rounding import at_rotations
from spectral_ceilings.diagnostic.auditing.sites import layer_site
from spectral_ceilings.diagnostic.auditing.subjects import subjects_of
from spectral_ceilings.numerics.rotations import haar_rotations
from spectral_ceilings.theory import InputError

#: Only the moving neighbour matters: roundings of sums over some hundred neighbours.
ROUNDING = 1e-12


def test_structures_are_looked_at_once_for_every_element_and_hold_their_ceilings() -> None:
    data = mixed(
        rattled(silicon(1), 2, 0.08), rattled(lithium_fluoride(1), 2, 0.08, 1), rattled(ethanol(), 2, 0.06, 2)
    )
    backbone = density_backbone(channels=2, cutoff=3.5)
    result = audit(
        data, backbone, AuditSettings(parts=("features", "readouts"), degrees=(1,), untrained=False)
    )
    assert result["data"]["frames"] == [0, 2, 4]
    read = {(row["frame"], row["element"]) for row in result["readouts"]}
    assert read == {(0, "Si"), (2, "Li"), (2, "F"), (4, "H"), (4, "C"), (4, "O")}
    assert result.held
    assert sum(row["share"] for row in result["features"]) == pytest.approx(1.0, abs=1e-12)
    page = render_audit_report(result)
    assert "in 3 structures" in page


def test_atoms_of_structures_have_no_numbers_and_more_structures_are_of_other_compositions() -> None:
    data = mixed(rattled(silicon(1), 2, 0.08), rattled(bulk("Si"), 2, 0.08, 1))
    assert [subject.number for subject in subjects_of(data, AuditSettings())] == [0]
    more = subjects_of(data, AuditSettings(frames=5))
    assert [(subject.number, len(subject.frame.numbers)) for subject in more] == [(0, 8), (2, 2)]
    with pytest.raises(InputError, match="no numbering in common"):
        subjects_of(data, AuditSettings(atoms=(0,)))


def test_a_cell_turns_with_its_atoms() -> None:
    crystal = rattled(lithium_fluoride(1), 1, 0.1)
    rotations = haar_rotations(3, np.random.default_rng(0))
    moved = at_rotations(crystal, rotations)
    assert moved.cells is not None
    for k in range(3):
        there = minimum_distances(moved.select([k]), 5.0)
        assert np.allclose(there, minimum_distances(crystal, 5.0), atol=1e-12)


@pytest.mark.parametrize("atoms", [silicon(1), bulk("Si")])
def test_in_a_crystal_one_atom_moves_alone(atoms: object) -> None:
    """Features that are densities have, as functions of one neighbour's direction, the power of their own l alone."""
    crystal = rattled(atoms, 1, 0.05)  # type: ignore[arg-type]
    backbone = density_backbone(channels=1, cutoff=3.0)
    moving = moving_in(crystal, backbone.cutoff, None, None)
    assert moving.pair.distance < 3.0
    assert {moving.centre, moving.neighbour} <= set(range(len(crystal.numbers)))
    assert moving.elements == ("Si", "Si")
    settings = AuditSettings(parts=("directions",), l_top=3, untrained=False)
    result = audit(crystal, backbone, settings)
    rows = [row for row in result["directions"] if row["l_out"]]
    assert {row["l_out"] for row in rows} == {1, 2}
    for row in rows:
        # A constant stands for all other neighbours; the moving one adds its l, and nothing else does.
        beside = [power for l, power in enumerate(row["power"]) if l not in (0, row["l_out"])]
        assert max(beside) < ROUNDING**2
        assert row["power"][row["l_out"]] > 1e-6
        assert row["error"] < ROUNDING
    assert result["moving"]["elements"] == ["Si", "Si"]


def test_what_asks_for_too_many_atoms_is_refused() -> None:
    with pytest.raises(InputError, match="more than 1,000 atoms"):
        moving_in(rattled(lithium_fluoride(1), 1, 0.05), 20.0, None, None)
    with pytest.raises(InputError, match="centre 9 is not in the molecule"):
        moving_in(rattled(lithium_fluoride(1), 1, 0.05), 3.0, 9, None)


def test_the_site_of_a_perfect_crystal_is_that_of_its_space_group() -> None:
    backbone = density_backbone(channels=1, cutoff=4.0)
    perfect = rattled(silicon(1), 1, 0.0)
    assert layer_site(backbone, perfect, "features", 0).symbol == "Td"
    assert layer_site(backbone, rattled(lithium_fluoride(1), 1, 0.0), "features", 0).symbol == "Oh"
    moved = replace(perfect, positions=perfect.positions + np.array([20.0, -3.0, 0.1]))
    assert layer_site(backbone, moved, "features", 5).symbol == "Td"
    assert layer_site(backbone, rattled(silicon(1), 1, 0.1), "features", 0).symbol == "C1"
