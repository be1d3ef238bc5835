"""The symmetry audit of any calculator: exact for fields of known spectrum, resumable, honest about what it cannot see."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.io import write
from matplotlib.figure import Figure
from outer_fields import THREE, WATER, Outside, named
from result_laws import check_refusals, check_result

from spectral_ceilings.diagnostic import from_callable
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.symmetry.audit import convergence_table, symmetry_audit
from spectral_ceilings.diagnostic.symmetry.breaking import at_rotations
from spectral_ceilings.diagnostic.symmetry.calculators import (
    AuditStructures,
    BackboneCalculator,
    load_calculator,
    read_structures,
)
from spectral_ceilings.diagnostic.symmetry.remedies import HBAR, measure_remedy, remedy_names
from spectral_ceilings.diagnostic.symmetry.report import render_symmetry_report
from spectral_ceilings.diagnostic.symmetry.result import SYMMETRY_COLUMNS, SymmetrySettings, symmetry_schema
from spectral_ceilings.diagnostic.symmetry.result_object import SymmetryAudit
from spectral_ceilings.diagnostic.symmetry.structure import character, measure_structure, sum_of_degrees
from spectral_ceilings.numerics.rotations import haar_rotations, so3_quadrature
from spectral_ceilings.numerics.wigner import wigner_d
from spectral_ceilings.theory.errors import InputError


@pytest.mark.parametrize("l", [1, 3, 4])
def test_characters_are_traces_of_wigner_matrices(l: int) -> None:
    rotations = haar_rotations(5, np.random.default_rng(l))
    angle = np.arccos(0.5 * (np.trace(rotations, axis1=1, axis2=2) - 1.0))
    traces = np.trace(wigner_d(l, rotations), axis1=1, axis2=2)
    # Round-off of arccos near its ends is sqrt(1e-16) times the distance from them; random angles stay away.
    assert np.allclose(character(l, angle), traces, rtol=0, atol=1e-10)


def test_the_sum_of_degrees_gives_a_function_of_low_band_back() -> None:
    rule, elsewhere = so3_quadrature(4), haar_rotations(7, np.random.default_rng(0))
    for l in (0, 1, 2):
        values, true = wigner_d(l, rule.rotations)[:, 0, -1], wigner_d(l, elsewhere)[:, 0, -1]
        assert np.allclose(sum_of_degrees(values, rule, 2, elsewhere), true, rtol=0, atol=1e-12)
    beyond = wigner_d(3, rule.rotations)[:, 0, -1]
    assert not np.allclose(
        sum_of_degrees(beyond, rule, 2, elsewhere), wigner_d(3, elsewhere)[:, 0, -1], atol=0.1
    )


def test_no_root_of_a_power_is_off_by_more_than_the_error() -> None:
    """A field of l = 1 with a tail at l = 4, measured up to l = 2: what is aliased is inside the bound given."""
    outside = Outside({1: 0.2, 4: 0.05})
    found = measure_structure(outside, WATER, 2, checks=64)
    # Y_l in integral normalisation has mean square 1 / 4 pi over directions.
    true = {0: None, 1: 0.2 / np.sqrt(4 * np.pi), 2: 0.0}
    # The error is a root mean square of 64 draws: its own standard error is below 20 %.
    error = 1.2 * found["energy_error"] * len(WATER) / 1e3
    for l in (1, 2):
        assert abs(found["energy_power"][l] ** 0.5 - true[l]) <= error
    assert error < 3 * 0.05 / np.sqrt(4 * np.pi)
    # The share left is that of the tail: 0.05^2 / (0.2^2 + 0.05^2), to the same 20 % of a root.
    assert found["energy_left"] == pytest.approx(0.0588, rel=0.5)
    better = measure_structure(outside, WATER, 4, checks=8, inversion=False)
    assert better["energy_left"] < 1e-20
    assert better["energy_power"][4] ** 0.5 == pytest.approx(0.05 / np.sqrt(4 * np.pi), rel=1e-10)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], Outside]:
    out, outside = tmp_path_factory.mktemp("symmetry") / "run", Outside({3: 0.1})
    return out, symmetry_audit(THREE, named(outside), SymmetrySettings(checks=4), out=out), outside


def test_the_degree_is_raised_until_nothing_is_left(run: tuple[Path, dict[str, Any], Outside]) -> None:
    _, result, _ = run
    quadrature = result["quadrature"]
    # Its energy has l = 3, its forces, turned back, too: the rule of l = 3 resolves both.
    assert [row["l_top"] for row in quadrature["tried"]] == [2, 3]
    assert quadrature["resolved"]
    assert quadrature["tried"][0]["energy_left"] > 0.5
    assert result["summary"]["energy_by_degree"][2] == pytest.approx(
        1e3 * 0.1 / np.sqrt(4 * np.pi) / 3, rel=1e-8
    )
    assert not result["verdict"]["held"]
    assert "(100 %) has l = 3" in result["verdict"]["sentence"]


def test_the_files_keep_to_their_schema(run: tuple[Path, dict[str, Any], Outside]) -> None:
    out, result, _ = run
    jsonschema.Draft202012Validator.check_schema(symmetry_schema())
    jsonschema.validate(json.loads((out / "result.json").read_text()), symmetry_schema())
    with (out / "symmetry.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == SYMMETRY_COLUMNS
    assert len(rows) == 3 * 2 * 4
    page = render_symmetry_report(result)
    assert "&lt;made&gt; here" in page
    assert "<made>" not in page
    head = page[: page.index("<main>")]
    assert "✗ Not symmetric" in head
    assert "To remove it, average over rotations" in head
    assert {path.name for path in (out / "figures").iterdir()} >= {
        "degrees.svg",
        "degrees-dark.png",
        "convergence-narrow.png",
    }


def test_it_goes_on_structure_by_structure(run: tuple[Path, dict[str, Any], Outside]) -> None:
    out, result, outside = run
    before = outside.calls
    lost = sorted(path for path in (out / "cells").iterdir() if path.name.startswith("structure=2"))
    assert len(lost) == 1
    lost[0].unlink()
    again = symmetry_audit(THREE, named(outside), SymmetrySettings(checks=4), out=out, resume=True)
    # The repeatability check (3) and one structure: 2 x 196 rotations, 4 checks and their neighbours, 2 shifts and none.
    assert outside.calls - before == 3 + 2 * 196 + 8 + 3
    assert again["structures"] == result["structures"]
    with pytest.raises(InputError, match="made with structures"):
        symmetry_audit(THREE, named(outside), SymmetrySettings(checks=4, structures=2), out=out, resume=True)


def test_intervals_hold_the_value_and_need_two_structures(run: tuple[Path, dict[str, Any], Outside]) -> None:
    one = run[1]["summary"]["force_rms"]
    assert one["low"] <= one["value"] <= one["high"]
    alone = symmetry_audit(THREE, named(Outside({1: 0.1})), SymmetrySettings(structures=1, l_top=1, checks=2))
    assert alone["summary"]["force_rms"]["low"] is None


def test_the_published_rules_are_in_the_table() -> None:
    table = convergence_table(Outside({1: 0.2}), WATER)
    assert sorted(row["evaluations"] for row in table) == [1, 2, 18, 36, 75, 150]
    alone = next(row for row in table if row["evaluations"] == 1)
    assert alone["energy_rms"] == 0.0
    # A linear field: its square has degree 2, which the rule of order 2 integrates; inversion changes its sign alone.
    exact = 1e3 * 0.2 / np.sqrt(4 * np.pi) / 3
    assert all(row["energy_rms"] == pytest.approx(exact, rel=1e-8) for row in table if row["order"] > 1)


def test_a_periodic_structure_turns_with_its_cell() -> None:
    copper = bulk("Cu", cubic=True)
    copper.rattle(0.05, seed=1)
    result = symmetry_audit(
        AuditStructures((copper,), "cell", "0" * 64),
        named(EMT()),
        SymmetrySettings(checks=2, l_top=1, inversion=False),
    )
    assert result["structures"][0]["periodic"]
    assert result["verdict"]["held"]
    # One line for a symmetric calculator: every number folds away, on paper too.
    page = render_symmetry_report(result)
    assert "✓ Symmetric" in page
    before = page[: page.index("<details")]
    assert "<table" not in before
    assert "<figure" not in before
    assert '<dl class="numbers">' not in page


def test_a_backbone_keeps_its_symmetry_to_rounding() -> None:
    calculator = BackboneCalculator(load_backbone("aspirin-xtb-l2"))
    frames = read_frames("aspirin-xtb").select([0])
    atoms = Atoms(numbers=frames.numbers, positions=frames.positions[0])
    energies, forces = at_rotations(calculator, atoms, haar_rotations(3, np.random.default_rng(0)))
    # float64 with Clebsch-Gordan coefficients and weights exact: rounding of energies of 1e4 eV, of forces of 1 eV/Å.
    assert np.ptp(energies) < 1e-9
    assert np.ptp(forces, axis=0).max() < 1e-9
    assert forces[0] == pytest.approx(load_backbone("aspirin-xtb-l2").forces(frames)[0], abs=1e-9)


def test_remedies_take_away_what_they_promise() -> None:
    outside = Outside({1: 0.2}, springs=20.0)
    settings = SymmetrySettings(steps=24)
    found = {name: measure_remedy(name, outside, WATER, settings, 2) for name in remedy_names()}
    assert [found[name]["evaluations"] for name in remedy_names()] == [1.0, 4.0, 18.0, 4.0, 1.0, 2.0]
    # A grid of degree 1 removes l = 1, all there is.
    for name in ("grid 1", "grid 2", "multiple time step"):
        assert found[name]["force_rms"] < 1e-6 * found["none"]["force_rms"]
        # A field that turns the molecule is gone, up to the finite differences of the test's forces; where it is taken out every
        # fourth step only, up to the square of the outer step times the fastest frequency: (2 fs / 20 fs)^2.
        limit = 1e-2 if name == "multiple time step" else 1e-3
        assert found[name]["momentum_drift"] < limit * found["none"]["momentum_drift"]
    assert 0.0 < found["random 4"]["force_rms"] < found["none"]["force_rms"]
    # A_1 is the mean of (1 + 2 cos a) / 3 over pairs of orientations, and a pair is at most twice the largest angle apart.
    for row in found.values():
        assert (1.0 + 2.0 * np.cos(2.0 * np.radians(row["turned"]))) / 3.0 <= row["alignment"] + 1e-12
        assert row["alignment"] <= 1.0 + 1e-12


def test_angular_momentum_is_counted_in_hbar() -> None:
    # hbar = 6.582e-16 eV s, and ASE's unit of time is 10.18 fs.
    assert pytest.approx(6.582119569e-16 / 1.018050571e-14, rel=1e-6) == HBAR


def test_structures_of_every_kind_are_read(tmp_path: Path) -> None:
    write(tmp_path / "mixed.xyz", [WATER, molecule("CH4"), bulk("Cu")], format="extxyz")
    found = read_structures(str(tmp_path / "mixed.xyz"))
    assert [len(one) for one in found.images] == [3, 5, 1]
    assert found.images[2].pbc.all()
    assert len(read_structures("aspirin-xtb")) == 1000
    (tmp_path / "none.xyz").write_text("no\n")
    with pytest.raises(InputError, match="structure 0 begins with 'no': expected its number of atoms"):
        read_structures(str(tmp_path / "none.xyz"))
    with pytest.raises(InputError, match="no file at"):
        read_structures(str(tmp_path / "absent.xyz"))


def test_calculators_by_name(tmp_path: Path) -> None:
    assert load_calculator("ase:emt").kind == "EMT"
    for source, said in (
        ("ase:foo", "expected ase:emt"),
        ("xtb:GFN1-xTB", "not installed"),
        ("nowhere.safetensors", "no backbone at"),
    ):
        with pytest.raises(InputError, match=said):
            load_calculator(source)
    file = tmp_path / "mine.py"
    file.write_text(
        "from ase.calculators.emt import EMT\n\ndef make():\n    return EMT()\n\ndef wrong():\n    return 7\n"
    )
    with pytest.raises(InputError, match="add --trust"):
        load_calculator(f"{file}:make")
    assert load_calculator(f"{file}:make", trust=True).source == "mine.py:make"
    with pytest.raises(InputError, match="returned int, expected an ASE calculator"):
        load_calculator(f"{file}:wrong", trust=True)


def test_what_cannot_be_is_said_before_long_work() -> None:
    cell = AuditStructures((bulk("Cu"),), "cell", "0" * 64)
    with pytest.raises(InputError, match="atomic number 29 is unknown"):
        symmetry_audit(cell, load_calculator("aspirin-xtb-unconstrained"))
    with pytest.raises(InputError, match="atomic number 29 is unknown"):
        symmetry_audit(
            AuditStructures((Atoms("Cu"),), "atom", "0" * 64), load_calculator("aspirin-xtb-unconstrained")
        )
    with pytest.raises(InputError, match="l_top is 0"):
        SymmetrySettings(l_top=0)
    with pytest.raises(InputError, match="parts has features"):
        SymmetrySettings(parts=("features",))
    with pytest.raises(InputError, match="tolerance is 0"):
        SymmetrySettings(tolerance=0.0)

    silent = from_callable(lambda frames: frames.positions, "1x1o")
    with pytest.raises(InputError, match="gives forces without energies"):
        BackboneCalculator(silent)


def test_a_symmetry_audit_is_a_result_object(
    run: tuple[Path, dict[str, Any], Outside], tmp_path: Path
) -> None:
    out, result, _ = run
    assert {**SymmetryAudit.load(out), "timings_s": 0} == {
        **result,
        "timings_s": 0,
    }  # a part was computed again above
    check_result(result, SymmetryAudit, tmp_path)
    changes = {
        "structures[0]": lambda c: c["structures"][0].pop("energy_rms"),
        "quadrature.l_top": lambda c: c["quadrature"].update(l_top=0),
    }
    check_refusals(result, SymmetryAudit, tmp_path, changes)
    assert result.held is False
    axes = Figure().subplots()
    result.plot("degrees", axes, quantity="energy")
    np.testing.assert_array_equal(axes.lines[0].get_ydata()[2], result["summary"]["energy_by_degree"][2])
    with pytest.raises(InputError, match="quantity is 'stress', expected one of energy, force"):
        result.plot("degrees", axes, quantity="stress")
    with pytest.raises(InputError, match=r"audit with parts=\('symmetry', 'remedies'\)"):
        result.plot("remedies", axes)
