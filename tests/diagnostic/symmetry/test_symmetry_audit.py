"""The symmetry audit of any calculator: exact for fields of known spectrum, resumable, honest about what it cannot see."""

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
from ase.calculators.emt import EMT
from ase.io import write

from spectral_ceilings.diagnostic import from_callable
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.symmetry.audit import convergence_table, symmetry_audit
from spectral_ceilings.diagnostic.symmetry.breaking import at_rotations
from spectral_ceilings.diagnostic.symmetry.calculators import (
    BackboneCalculator,
    NamedCalculator,
    Structures,
    load_calculator,
    read_structures,
)
from spectral_ceilings.diagnostic.symmetry.remedies import HBAR, measure_remedy, remedy_names
from spectral_ceilings.diagnostic.symmetry.report import render_symmetry_report
from spectral_ceilings.diagnostic.symmetry.result import SYMMETRY_COLUMNS, SymmetrySettings, symmetry_schema
from spectral_ceilings.diagnostic.symmetry.structure import character, measure_structure, sum_of_degrees
from spectral_ceilings.numerics.harmonics import real_harmonics
from spectral_ceilings.numerics.rotations import haar_rotations, so3_quadrature
from spectral_ceilings.numerics.wigner import wigner_d
from spectral_ceilings.theory.errors import InputError

WATER = molecule("H2O")


class Outside(Calculator):
    """Springs, and an outer field: Y_l of the direction from the first atom to the second, for some l."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, sizes: dict[int, float], springs: float = 1.0) -> None:
        super().__init__()
        self.sizes, self.springs, self.calls = sizes, springs, 0

    def _energies(self, x: np.ndarray) -> np.ndarray:
        y = real_harmonics(max(self.sizes), x[:, 1] - x[:, 0], normalization="integral")
        total = sum(size * y[:, l * l + l] for l, size in self.sizes.items())
        squares = ((x[:, :, None] - x[:, None]) ** 2).sum(axis=3)
        return total + 0.5 * self.springs * ((np.sqrt(squares) - 1.2) ** 2).sum(axis=(1, 2))

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        x, h = self.atoms.positions, 1e-5
        steps = h * np.eye(x.size).reshape(-1, *x.shape)
        found = self._energies(np.concatenate([x[None], x + steps, x - steps]))
        forces = -(found[1 : x.size + 1] - found[x.size + 1 :]) / (2 * h)
        self.results = {"energy": float(found[0]), "forces": forces.reshape(x.shape)}


def named(calculator: Any) -> NamedCalculator:
    return NamedCalculator(calculator, "<made> here", type(calculator).__name__, None)


THREE = Structures(tuple(Atoms("OH2", WATER.positions * s) for s in (1.0, 1.1, 1.2)), "three", "0" * 64)


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
    assert {path.name for path in (out / "figures").iterdir()} >= {
        "degrees.svg",
        "degrees-dark.svg",
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
        Structures((copper,), "cell", "0" * 64),
        named(EMT()),
        SymmetrySettings(checks=2, l_top=1, inversion=False),
    )
    assert result["structures"][0]["periodic"]
    assert result["verdict"]["held"]


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
    with pytest.raises(InputError, match="ASE cannot read it"):
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
    cell = Structures((bulk("Cu"),), "cell", "0" * 64)
    with pytest.raises(InputError, match="is periodic and this model knows no cells"):
        symmetry_audit(cell, load_calculator("aspirin-xtb-unconstrained"))
    with pytest.raises(InputError, match="atomic number 29 is unknown"):
        symmetry_audit(
            Structures((Atoms("Cu"),), "atom", "0" * 64), load_calculator("aspirin-xtb-unconstrained")
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


class Pairs(Calculator):
    """Sum of 1 / r^2 over pairs, of positions in a number format, and what a subclass adds."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, dtype: Any = np.float64, chiral: float = 0.0, place: float = 0.0) -> None:
        super().__init__()
        self.dtype, self.chiral, self.place = dtype, chiral, place

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        x = self.atoms.positions.astype(self.dtype).astype(np.float64)
        d = x[:, None] - x[None]
        r, off = np.linalg.norm(d, axis=-1) + np.eye(len(x)), 1 - np.eye(len(x))
        forces = np.einsum("ij,ijk->ik", 2 * off / r**4, d)
        u, v, w = x[1:4] - x[0]
        triple = np.zeros_like(x)
        triple[1:4] = -np.cross(v, w), -np.cross(w, u), -np.cross(u, v)
        triple[0] = -triple.sum(axis=0)
        energy = 0.5 * (off / r**2).sum() + self.chiral * np.cross(u, v) @ w
        # The centre stays where it is under turns about it; without a force of its own, this breaks translations alone.
        centre = x.mean(axis=0) @ np.ones(3)
        self.results = {"energy": float(energy + self.place * centre),
                        "forces": forces + self.chiral * triple}  # fmt: skip


def ethanol() -> Structures:
    atoms = molecule("CH3CH2OH")
    atoms.rattle(0.05, seed=1)
    return Structures((atoms,), "ethanol", "0" * 64)


def statements(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    jsonschema.validate(result, symmetry_schema())
    return {one["name"]: one for one in result["verdict"]["statements"]}


def test_inversion_is_a_finding_of_its_own_and_decides_nothing_about_rotations() -> None:
    result = symmetry_audit(ethanol(), named(Pairs(chiral=1.0)), SymmetrySettings())
    said = statements(result)
    assert result["verdict"]["held"]
    assert said["rotation"]["held"]
    assert not said["inversion"]["held"]
    assert not said["inversion"]["decides"]
    # A triple product changes its sign: the energy by twice itself, whatever the orientation, which is 0o.
    x = ethanol().images[0].positions
    triple = abs(np.linalg.det(x[1:4] - x[0]))
    assert said["inversion"]["energy"] == pytest.approx(1e3 * 2 * triple / 9, rel=1e-10)
    row = result["structures"][0]
    assert row["inversion_energy_power"][0] == pytest.approx(triple**2, rel=1e-10)
    assert said["inversion"]["worst"] == "0o"
    # Roundings of energies of some 10 eV, in meV.
    assert max(said["rotation"]["energy"], said["rotation"]["force"]) < 1e-10
    assert "keeps rotational symmetry" in result["verdict"]["sentence"]
    assert "It breaks inversion" in result["verdict"]["sentence"]


def test_inversion_not_measured_is_not_spoken_of() -> None:
    result = symmetry_audit(ethanol(), named(Pairs(chiral=1.0)), SymmetrySettings(inversion=False))
    assert list(statements(result)) == ["rotation", "translation"]
    assert "inver" not in result["verdict"]["sentence"]


def test_translation_is_a_statement_that_decides() -> None:
    result = symmetry_audit(ethanol(), named(Pairs(place=0.5)), SymmetrySettings(l_top=2))
    said = statements(result)
    assert not result["verdict"]["held"]
    assert said["rotation"]["held"]
    assert not said["translation"]["held"]
    assert said["translation"]["force"] < 1e-9 < 1.0 < said["translation"]["energy"]


def test_rounding_is_named_early_and_a_fine_field_is_none() -> None:
    single = symmetry_audit(ethanol(), named(Pairs(np.float32)), SymmetrySettings())
    said = statements(single)["rotation"]
    assert [row["l_top"] for row in single["quadrature"]["tried"]] == [2]
    assert single["quadrature"]["resolved"]
    assert said["held"]
    assert said["rounding"]
    assert said["worst"] is None
    assert "rounding" in said["sentence"]
    # Positions of 1 to 4 Å in float32 are off by up to 2e-7 Å, at forces below 1e4 meV/Å and hundreds of terms.
    assert 1e-7 < said["force"] < 1e-1
    # A field of l = 5 leaves all of itself to the rules of l = 2 to 4 and is smooth: nothing stops there.
    fine = symmetry_audit(Structures((WATER,), "water", "0" * 64), named(Outside({5: 0.1})),
                          SymmetrySettings(inversion=False))  # fmt: skip
    assert [row["stopped"] for row in fine["quadrature"]["tried"]][:-1] == [None, None, None]
    assert not statements(fine)["rotation"]["held"]
    assert not statements(fine)["rotation"]["rounding"]
    assert statements(fine)["rotation"]["worst"] == "l = 5"


def test_what_is_far_below_the_tolerance_needs_no_larger_rule() -> None:
    # A field of l = 5 of 1e-8 eV: all of it is left by the rule of l = 2, and 1e-5 meV decides nothing at 0.1 meV.
    tiny = symmetry_audit(Structures((WATER,), "water", "0" * 64), named(Outside({5: 1e-6}, springs=1e-3)),
                          SymmetrySettings(inversion=False))  # fmt: skip
    assert [row["stopped"] for row in tiny["quadrature"]["tried"]] == ["tolerance"]
    assert tiny["verdict"]["held"]
