"""Structures of any kind: what can be used is taken, and whatever cannot be used is counted or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structure_files import bent, copper, structures

from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.frames.reading_any import one_composition, read_data
from spectral_ceilings.diagnostic.frames.reading_structures import read_structures
from spectral_ceilings.theory.errors import InputError

SLOW = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)


@SLOW
@given(st.lists(structures(), min_size=1, max_size=4))
def test_any_structures_are_read_or_refused_in_one_sentence(tmp_path: Path, made: list[Atoms]) -> None:
    path = tmp_path / "any.traj"
    ase.io.write(path, made)
    said = ""
    try:
        read = read_structures(path)
    except InputError as error:
        said = str(error)
    if said:
        assert said.startswith("any.traj: ")
        assert said.endswith(".")
        assert "\n" not in said
        return
    kept = set(read.places.tolist())
    left = [place for places in read.left_out.values() for place in places.tolist()]
    assert sorted([*kept, *left]) == list(range(len(made)))
    for part in read.take(range(len(read))):
        assert np.isfinite(part.frames.forces).all()
        for k, index in enumerate(part.indices):
            image = made[int(read.places[index])]
            np.testing.assert_array_equal(part.frames.positions[k], image.positions)
            np.testing.assert_array_equal(part.frames.numbers, image.numbers)
            assert part.frames.pbc == tuple(image.pbc.tolist())


@pytest.mark.parametrize("name", ["a.traj", "a.db", "a.extxyz", "a.json"])
def test_crystals_come_back_with_cells_energies_and_stress(name: str, tmp_path: Path) -> None:
    made = copper()
    if name == "a.db":
        with connect(tmp_path / name) as base:
            for atoms in made:
                base.write(atoms)
    else:
        ase.io.write(tmp_path / name, made)
    frames = read_data(tmp_path / name)
    # eight decimals of an extended XYZ; sixteen digits of JSON; the others are exact
    atol = 0.51e-8 if name.endswith("xyz") else 1e-15
    np.testing.assert_allclose(frames.positions, [atoms.positions for atoms in made], rtol=0, atol=atol)
    np.testing.assert_allclose(frames.stress, [atoms.get_stress() for atoms in made], rtol=0, atol=atol)
    np.testing.assert_allclose(frames.cells, [atoms.cell.array for atoms in made], rtol=0, atol=atol)
    np.testing.assert_allclose(
        frames.energies, [atoms.get_potential_energy() for atoms in made], rtol=0, atol=atol
    )
    assert frames.pbc == (True, True, True)
    assert frames.units == "eV and Å, as ASE has them"


def test_stress_from_a_virial_has_the_sign_of_a_derivative(tmp_path: Path) -> None:
    """Stress is dE / d strain / V by finite differences of EMT, and -virial / V."""
    atoms = copper(1)[0]
    volume, step = atoms.get_volume(), 1e-4
    energies = []
    for sign in (1, -1):
        strained = Atoms(
            atoms.numbers, cell=atoms.cell.array, pbc=True, scaled_positions=atoms.get_scaled_positions()
        )
        strained.set_cell(atoms.cell.array * np.array([1 + sign * step, 1, 1]), scale_atoms=True)
        strained.calc = EMT()
        energies.append(strained.get_potential_energy())
    derivative = (energies[0] - energies[1]) / (2 * step)
    plain = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    plain.arrays["forces"] = atoms.get_forces()
    full = -volume * atoms.get_stress(voigt=False)
    plain.info["REF_virial"] = full.ravel()
    ase.io.write(tmp_path / "virial.extxyz", [plain, plain])
    stress = read_structures(tmp_path / "virial.extxyz").take([0])[0].frames.stress
    assert stress is not None
    np.testing.assert_allclose(stress[0], atoms.get_stress(), rtol=0, atol=1e-9)
    # the error of a central difference of step 1e-4 is of order 1e-8 times a third derivative of some 1e3 eV
    np.testing.assert_allclose(stress[0, 0] * volume, derivative, rtol=0, atol=1e-4)


def test_units_scale_cells_and_stress(tmp_path: Path) -> None:
    from ase.units import Bohr, Hartree

    made = copper(3)
    for atoms in made:
        results = dict(atoms.calc.results)
        results |= {"energy": results["energy"] / Hartree, "forces": results["forces"] / Hartree * Bohr}
        results["stress"] = results["stress"] / Hartree * Bohr**3
        atoms.positions /= Bohr
        atoms.set_cell(atoms.cell.array / Bohr)
        calculator: Any = SinglePointCalculator
        atoms.calc = calculator(atoms, **results)
    ase.io.write(tmp_path / "au.traj", made)
    true = copper(3)
    frames = read_structures(tmp_path / "au.traj", units="hartree,bohr").take(range(3))[0].frames
    for name, values in (
        ("cells", [atoms.cell.array for atoms in true]),
        ("positions", [atoms.positions for atoms in true]),
        ("stress", [atoms.get_stress() for atoms in true]),
        ("forces", [atoms.get_forces() for atoms in true]),
        ("energies", [atoms.get_potential_energy() for atoms in true]),
    ):
        # some ten roundings of numbers of order 10
        np.testing.assert_allclose(getattr(frames, name), values, rtol=1e-13, atol=1e-13)
    with pytest.raises(InputError, match=r"nearest neighbour, read as eV and Å.*so declare units='eV,bohr'"):
        read_structures(tmp_path / "au.traj")


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    water = bent(12)
    water[3].calc.results["forces"][1, 2] = np.nan
    water[5].calc = None
    lone = Atoms("O", cell=[15, 15, 15], pbc=True)
    flat = copper(1)[0]
    results = flat.calc.results
    flat.cell[2] = flat.cell[0]
    calculator: Any = SinglePointCalculator
    flat.calc = calculator(flat, **results)
    ase.io.write(tmp_path / "a.extxyz", [Atoms("H"), *water, lone, *copper(3), flat, water[0]])
    read = read_structures(tmp_path / "a.extxyz")
    assert {why: places.tolist() for why, places in read.left_out.items()} == {
        "isolated atoms": [0, 13],
        "structures without forces": [6],
        "structures whose periodic cell is flat or too small": [17],
        "structures with numbers that are not finite": [4],
        "copies of others": [18],
    }
    assert read.places.tolist() == [1, 2, 3, 5, *range(7, 13), 14, 15, 16]
    assert "2 of the 19 structures are left out: isolated atoms (the first is structure 0)" in read.notes
    # without these the water stands alone, and is Frames
    frames = read_data(tmp_path / "a.extxyz", select="formula == 'H2O'")
    assert (len(frames), frames.formula) == (10, "H2O")
    with pytest.raises(
        InputError, match=r"ceilings train takes frames of one: select it, .*formula == 'H2O'"
    ):
        one_composition(read_data(tmp_path / "a.extxyz"), "ceilings train")


def test_nothing_but_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    water = bent(3)
    for atoms in water:
        atoms.calc.results["forces"][0] = np.inf
    ase.io.write(tmp_path / "a.traj", [Atoms("H"), *water])
    with pytest.raises(
        InputError, match="no structure that can be used, only 1 isolated atoms, 3 structures with numbers"
    ):
        read_structures(tmp_path / "a.traj")


def test_a_molecule_across_a_wall_leaves_its_box_whole(tmp_path: Path) -> None:
    made, boxed = bent(20), []
    calculator: Any = SinglePointCalculator
    for atoms in made:
        box = Atoms(atoms.numbers, atoms.positions + np.array([0.1, 9.9, 0.05]), cell=[10, 10, 10], pbc=True)
        box.wrap()
        box.calc = calculator(box, **atoms.calc.results)
        boxed.append(box)
    ase.io.write(tmp_path / "a.traj", boxed)
    frames = read_data(tmp_path / "a.traj", isolated=True)
    assert frames.cells is None
    for x, atoms in zip(frames.positions, made, strict=True):
        # positions near 10 are wrapped and unwrapped with 2e-15 each
        np.testing.assert_allclose(x - x[0], atoms.positions - atoms.positions[0], rtol=0, atol=1e-14)
    for box in boxed:
        results = box.calc.results
        box.set_cell([5, 10, 10])
        box.calc = calculator(box, **results)
    ase.io.write(tmp_path / "a.traj", boxed)
    with pytest.raises(
        InputError, match=r"structure 0: an image of it comes as near as 3\.\d\d Å: expected at least 6 Å"
    ):
        read_data(tmp_path / "a.traj", isolated=True)
    ase.io.write(tmp_path / "cu.traj", copper())
    with pytest.raises(InputError, match=r"an image of it comes as near as 2\.\d\d"):
        read_data(tmp_path / "cu.traj", isolated=True)


def test_groups_keep_neighbours_in_time_together(tmp_path: Path) -> None:
    water = bent(65)
    for k, atoms in enumerate(water):
        atoms.info["config_type"] = "cold" if k % 2 else "hot"
    ase.io.write(tmp_path / "a.extxyz", [*water[:2], *copper(3), *water[2:]])
    read = read_structures(tmp_path / "a.extxyz")
    # 65 frames of water make blocks of 65 // 20 = 3, a short run one of what it has; of the 3 crystals each is a block
    assert np.unique(read.groups, return_counts=True)[1].tolist() == [2, 1, 1, 1, *[3] * 21]
    ase.io.write(tmp_path / "a.extxyz", [*water[:25], *copper(3)])
    named = read_structures(tmp_path / "a.extxyz", group_key="config_type")
    assert np.unique(named.groups[:25]).size == 2
    assert np.unique(named.groups).size == 2 + 3
    with pytest.raises(InputError, match=r"group_key='kind' is not in it: .* it has config_type, energy"):
        read_structures(tmp_path / "a.extxyz", group_key="kind")


def test_copies_that_moved_or_were_wrapped_are_found(tmp_path: Path) -> None:
    made = copper(4)
    moved = made[1].copy()
    moved.positions += [5.0, 0.3, -7.0]
    moved.wrap()
    moved.calc = made[1].calc
    # the calculator knows the structure that it was made for
    calculator: Any = SinglePointCalculator
    moved.calc = calculator(moved, **made[1].calc.results)
    ase.io.write(tmp_path / "a.traj", [*made, moved, *bent(2)])
    read = read_structures(tmp_path / "a.traj")
    assert read.left_out["copies of others"].tolist() == [4]


def test_a_poscar_has_no_forces_and_is_read_to_be_looked_at(tmp_path: Path) -> None:
    made = copper(1)
    ase.io.write(tmp_path / "POSCAR", made[0], format="vasp")
    with pytest.raises(InputError, match="POSCAR: frame 0 has no forces"):
        read_structures(tmp_path / "POSCAR")
    everything = read_structures(tmp_path / "POSCAR", everything=True)
    part = everything.take([0])[0]
    expected = ase.io.read(tmp_path / "POSCAR")
    np.testing.assert_array_equal(part.frames.positions[0], expected.positions)
    assert np.isnan(part.frames.forces).all()
    assert part.frames.cells is not None
    np.testing.assert_array_equal(part.frames.cells[0], expected.cell.array)


def test_a_dump_in_a_box_is_periodic(tmp_path: Path) -> None:
    lines = []
    for step, atoms in enumerate(copper(4, 2)):
        lines += [
            "ITEM: TIMESTEP",
            str(step),
            "ITEM: NUMBER OF ATOMS",
            str(len(atoms)),
            "ITEM: BOX BOUNDS pp pp pp",
        ]
        lines += [f"0.0 {float(atoms.cell[0, 0])!r}"] * 3 + ["ITEM: ATOMS id type x y z fx fy fz"]
        lines += [
            " ".join([str(k + 1), "1", *(repr(float(v)) for v in (*x, *f))])
            for k, (x, f) in enumerate(zip(atoms.positions, atoms.get_forces(), strict=True))
        ]
    (tmp_path / "a.lammpstrj").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="elements='C'"):
        read_data(tmp_path / "a.lammpstrj")
    frames = read_data(tmp_path / "a.lammpstrj", elements="Cu")
    assert (frames.formula, frames.pbc, frames.energies) == ("Cu32", (True, True, True), None)
    np.testing.assert_allclose(frames.forces, [a.get_forces() for a in copper(4, 2)], rtol=0, atol=1e-15)


@pytest.mark.parametrize("scale", [1e-4, 0.05])
def test_cells_too_small_for_their_atoms_are_refused_before_neighbours_are_listed(
    scale: float, tmp_path: Path
) -> None:
    made = copper(3)
    calculator: Any = SinglePointCalculator
    for atoms in made:
        results = atoms.calc.results
        atoms.set_cell(atoms.cell.array * scale, scale_atoms=True)
        atoms.calc = calculator(atoms, **results)
    ase.io.write(tmp_path / "a.traj", made)
    with pytest.raises(
        InputError, match=r"only 3 structures whose periodic cell .*: check the unit of length"
    ):
        read_data(tmp_path / "a.traj")
    with pytest.raises(InputError, match=r"cell of frame 0 is far too small for its 4 atoms"):
        read_frames(tmp_path / "a.traj")


@SLOW
@given(made=structures(), name=st.sampled_from(["XDATCAR", "POSCAR", "a.json", "a.gen"]))
def test_files_without_forces_are_what_ase_reads(tmp_path: Path, made: Atoms, name: str) -> None:
    path = tmp_path / name
    made.pbc = True
    if abs(np.linalg.det(made.cell.array)) < 1e-2:
        made.set_cell(3 * np.eye(3))
    ase.io.write(path, [made, made] if name in {"XDATCAR", "a.json"} else made)
    expected = ase.io.read(path, index=":")
    read = read_structures(path, everything=True)
    assert len(read) == len(expected)
    for part in read.take(range(len(read))):
        for k, index in enumerate(part.indices):
            np.testing.assert_array_equal(part.frames.positions[k], expected[index].positions)
            np.testing.assert_array_equal(part.frames.numbers, expected[index].numbers)
            assert part.frames.cells is not None
            np.testing.assert_array_equal(part.frames.cells[k], expected[index].cell.array)
