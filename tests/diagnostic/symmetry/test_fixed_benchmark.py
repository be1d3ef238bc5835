"""The fixed benchmark of rotational symmetry: its walk, its measures on fields of known change, its place in an audit."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones
from outer_fields import WATER, Outside, named
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre

from spectral_ceilings.diagnostic.symmetry.audit import symmetry_audit
from spectral_ceilings.diagnostic.symmetry.calculators import AuditStructures, read_structures
from spectral_ceilings.diagnostic.symmetry.fixed_benchmark import (
    benchmark_structures,
    benchmark_summary,
    measure_walk,
    step_angles,
    walk,
)
from spectral_ceilings.diagnostic.symmetry.report import render_symmetry_report
from spectral_ceilings.diagnostic.symmetry.result import SymmetrySettings, symmetry_schema

FIELD = np.array([0.3, -0.1, 0.2])  # eV/Å for a unit charge


class Uniform(Calculator):
    """Charges in a uniform field of the laboratory: E = -sum q b . x, so forces are q b whatever the orientation."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = (),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        charges = self.atoms.numbers - self.atoms.numbers.mean()
        self.results = {
            "energy": float(-(charges @ self.atoms.positions) @ FIELD),
            "forces": np.outer(charges, FIELD),
        }


def test_the_walk_is_the_published_one() -> None:
    """Made again from SciPy's own random rotations, step after step."""
    orientations = walk()
    assert orientations.shape == (115, 3, 3)
    assert orientations[0] == pytest.approx(np.eye(3), abs=0)
    angles = [1, 1, 1, 1, 1, 2, 3, 5, 7, 10, 14, 20, 28, 40]
    # arccos near 1 loses half the digits of a rotation by 1 degree at most; scipy takes arcsin there.
    assert step_angles()[:14] == pytest.approx(angles, abs=1e-10)
    steps = Rotation.random(100, random_state=42).as_matrix()
    for k in range(100):
        # A hundred products of matrices of rounding 1e-16.
        assert orientations[15 + k] == pytest.approx(steps[k] @ orientations[14 + k], abs=1e-14)
    assert np.linalg.det(orientations) == pytest.approx(np.ones(115), abs=1e-12)


def test_a_field_that_is_known_changes_as_it_must() -> None:
    """Energies -p . R^T b and forces q R^T b turned back: every pair in closed form."""
    charges = WATER.numbers - WATER.numbers.mean()
    dipole = charges @ WATER.positions
    turned_field = np.einsum("kji,j->ki", walk(), FIELD)
    energy = 1e3 * np.abs(np.diff(turned_field @ dipole)) / 3
    force = 1e3 * np.abs(np.diff(np.einsum("a,ki->kai", charges, turned_field), axis=0)).mean(axis=(1, 2))
    measured = measure_walk(Uniform(), WATER)
    # float64 on energies of 1 eV.
    assert measured["energy_steps"] == pytest.approx(energy, abs=1e-10)
    assert measured["force_steps"] == pytest.approx(force, abs=1e-10)
    assert measured["energy_max"] == pytest.approx(energy.max(), abs=1e-10)
    assert measured["force_mean"] == pytest.approx(force.mean(), abs=1e-10)
    # No pair can change by more than the field turned over.
    assert measured["energy_max"] <= 2e3 * np.linalg.norm(dipole) * np.linalg.norm(FIELD) / 3
    summary = benchmark_summary([{"structure": 7, "formula": "H2O", "atoms": 3, **measured}])
    assert summary["total_max"] == pytest.approx(3e-3 * energy.max(), rel=1e-10)
    assert summary["worst"]["step"] == int(force.argmax())
    assert summary["pairs"] == 114


@pytest.mark.parametrize("l", [1, 2, 3])
def test_the_spectrum_says_what_the_walk_finds(l: int) -> None:
    """<(g(SR) - g(R))^2> = 2 P_l (1 - chi_l / (2l + 1)) over orientations R and axes of S; for a field about the polar axis y

    the factor of a given S is the Legendre polynomial of its element yy, whose mean over axes is chi_l / (2l + 1).
    """
    rng = np.random.default_rng(l)
    squares = []
    for rotation in Rotation.random(40, random_state=rng).as_matrix():
        turned = Atoms("OH2", WATER.positions @ rotation.T)
        steps = measure_walk(Outside({l: 1.0}), turned)["energy_steps"]
        squares.append((np.array(steps) * 3e-3) ** 2)
    steps_yy = np.einsum("kj,kj->k", walk()[1:, 1], walk()[:-1, 1])
    power = 1.0 / (4.0 * np.pi)  # mean square of Y_l in integral normalisation
    predicted = 2.0 * power * (1.0 - eval_legendre(l, steps_yy))
    mean, error = np.mean(squares, axis=0), np.std(squares, axis=0) / np.sqrt(len(squares))
    # 114 standard scores of about unit size: their mean square is 1 with a deviation of sqrt(2 / 114), tails from small samples.
    assert np.mean(((mean - predicted) / error) ** 2) < 2.0
    assert mean.sum() == pytest.approx(predicted.sum(), rel=0.1)


def test_a_symmetric_model_shows_rounding_alone() -> None:
    for structure in (molecule("CH4"), bulk("Ar", cubic=True)):
        structure.rattle(0.05, seed=0)
        measured = measure_walk(LennardJones(sigma=2.0, rc=6.0), structure)
        # Rounding of float64 relative to steep pair energies of at most 1e4 eV, in meV.
        assert measured["energy_max"] < 1e-6
        assert measured["force_max"] < 1e-6


def test_the_published_structures_are_ten() -> None:
    images = benchmark_structures()
    assert [image.get_chemical_formula() for image in images] == [
        "H2O", "CH4", "H3N", "C2H4", "C2H2", "O2S", "CH4O", "C6H6", "C2", "C2",
    ]  # fmt: skip
    assert [bool(image.pbc.all()) for image in images] == [False] * 8 + [True] * 2
    assert all(image.info == {"charge": 0, "spin": 1} for image in images)
    assert images[9].cell[2, 2] == pytest.approx(40.0)
    read = read_structures("rotation-benchmark")
    assert len(read) == 10
    assert read.sha256 == read_structures("rotation-benchmark").sha256


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], AuditStructures, Outside]:
    out, outside = tmp_path_factory.mktemp("benchmark") / "run", Outside({1: 0.2})
    images = tuple(Atoms("OH2", WATER.positions * (1 + 0.01 * k)) for k in range(12))
    structures = AuditStructures(images, "twelve", "0" * 64)
    settings = SymmetrySettings(structures=1, l_top=1, checks=2, benchmark=True)
    return out, symmetry_audit(structures, named(outside), settings, out=out), structures, outside


def test_an_audit_holds_it_beside_the_spectrum(
    run: tuple[Path, dict[str, Any], AuditStructures, Outside],
) -> None:
    out, result, structures, _ = run
    jsonschema.validate(json.loads((out / "result.json").read_text()), symmetry_schema())
    measured = result["fixed_benchmark"]
    assert measured["pairs"] == 1140
    assert [row["structure"] for row in measured["structures"]][::9] == [
        0,
        11,
    ]  # ten of twelve, spread evenly
    first = measure_walk(Outside({1: 0.2}), structures.images[0])
    assert measured["structures"][0]["force_max"] == pytest.approx(first["force_max"], rel=1e-9)
    assert measured["energy_max"] == max(row["energy_max"] for row in measured["structures"])
    page = render_symmetry_report(result)
    assert "1,140 pairs of 10 structures" in page
    assert 'id="benchmark"' in page
    assert result.rows("benchmark") == measured["structures"]


def test_it_is_not_measured_unless_asked_for_and_goes_on_where_it_stopped(
    run: tuple[Path, dict[str, Any], AuditStructures, Outside],
) -> None:
    out, result, structures, outside = run
    lost = [path for path in (out / "cells").iterdir() if path.name.startswith("benchmark=11")]
    assert len(lost) == 1
    lost[0].unlink()
    before = outside.calls
    settings = SymmetrySettings(structures=1, l_top=1, checks=2, benchmark=True)
    again = symmetry_audit(structures, named(outside), settings, out=out, resume=True)
    assert outside.calls - before == 3 + 115  # the repeatability check, and one structure's orientations
    assert again["fixed_benchmark"] == result["fixed_benchmark"]
    plain = symmetry_audit(structures, named(outside), SymmetrySettings(structures=1, l_top=1, checks=2))
    assert plain["fixed_benchmark"] is None
    assert "fixed benchmark" not in render_symmetry_report(plain)
    assert plain.rows("benchmark") == []
    with (out / "symmetry.csv").open(newline="") as stream:
        assert {row["structure"] for row in csv.DictReader(stream)} == {"0"}
