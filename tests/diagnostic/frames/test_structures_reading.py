"""Structures of any kind: what is taken is what ``ase.io.read`` gives, and whatever cannot be used is counted or refused."""

from __future__ import annotations

import os
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

from spectral_ceilings.diagnostic.frames.elements import Elements
from spectral_ceilings.diagnostic.frames.extxyz import ExtxyzImages
from spectral_ceilings.diagnostic.frames.file_structures import FileStructures
from spectral_ceilings.diagnostic.frames.images import results_of
from spectral_ceilings.diagnostic.frames.reading_any import one_composition, read_data
from spectral_ceilings.diagnostic.frames.reading_structures import read_structures
from spectral_ceilings.theory.errors import InputError

SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
numbers = st.integers(-30, 30).map(lambda k: k / 7) | st.floats(-8, 8, width=32)
words = st.sampled_from(["bulk", "slab 1", "T", "3.5", "a=b", "ü", "[1]", "x'y"])


@st.composite
def structures(draw: st.DrawFn) -> Atoms:
    """Any structure: tiny and skewed cells, one atom, coincident atoms, atoms outside the cell, 0 to 3 periodic directions."""
    count = draw(st.integers(1, 5))
    z = draw(st.lists(st.sampled_from([1, 6, 8, 29, 79]), min_size=count, max_size=count))
    x = np.array(draw(st.lists(numbers, min_size=3 * count, max_size=3 * count))).reshape(count, 3)
    if draw(st.booleans()) and count > 1:
        x[1] = x[0]
    atoms = Atoms(numbers=z, positions=x)
    if draw(st.booleans()):
        cell = np.array(draw(st.lists(numbers, min_size=9, max_size=9))).reshape(3, 3)
        atoms.set_cell(cell * draw(st.sampled_from([0.1, 1.0, 5.0])))
        atoms.pbc = draw(st.lists(st.booleans(), min_size=3, max_size=3))
    if draw(st.booleans()):
        atoms.info["config_type"] = draw(words)
    results: dict[str, Any] = {}
    forces = np.array(draw(st.lists(numbers, min_size=3 * count, max_size=3 * count))).reshape(count, 3)
    where = draw(st.integers(0, 3))
    if where == 1:
        results["forces"] = forces
    elif where == 2:
        atoms.arrays["REF_forces"] = forces
    if draw(st.booleans()):
        results["energy"] = draw(numbers)
    if draw(st.booleans()):
        results["stress"] = np.arange(6) / 7
    if results:
        calculator: Any = SinglePointCalculator
        atoms.calc = calculator(atoms, **results)
    return atoms


def assert_same(image: Atoms, other: Atoms) -> None:
    assert image.numbers.tolist() == other.numbers.tolist()
    assert image.pbc.tolist() == other.pbc.tolist()
    for a, b in (
        (dict(image.arrays, **results_of(image)), dict(other.arrays, **results_of(other))),
        (image.info | {"cell": image.cell.array}, other.info | {"cell": other.cell.array}),
    ):
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])


@SLOW
@given(st.lists(structures(), min_size=1, max_size=4))
def test_a_lazy_xyz_gives_what_ase_gives(tmp_path: Path, made: list[Atoms]) -> None:
    path = tmp_path / "any.xyz"
    ase.io.write(path, made, format="extxyz")
    expected = ase.io.read(path, index=":")
    images = ExtxyzImages(path, "any.xyz", Elements.parse(None))
    table = images.table
    assert len(table) == len(expected)
    for k, image in enumerate(expected):
        assert_same(images.image(k), image)
        # the table, made without parsing numbers of atoms
        assert table.compositions[table.which[k]].tolist() == image.numbers.tolist()
        assert table.pbc[k].tolist() == image.pbc.tolist()
        np.testing.assert_array_equal(table.cells[k], image.cell.array)
        of_atoms, whole = table.kinds[table.kind[k]]
        held = set(results_of(image))
        assert ("forces" in of_atoms, "REF_forces" in of_atoms) == (
            "forces" in held,
            "REF_forces" in image.arrays,
        )
        assert {"energy", "stress", "config_type"} & whole == ({"energy", "stress"} & held) | {
            "config_type"
        } & set(image.info)
        assert images.said(k, ["config_type"]) == {
            key: value for key, value in image.info.items() if key == "config_type"
        }


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


def copper(count: int = 6, size: int = 1) -> list[Atoms]:
    from ase.build import bulk

    made = []
    for k in range(count):
        atoms = bulk("Cu", cubic=True).repeat((size, size, size))
        atoms.rattle(0.05, seed=k)
        atoms.calc = EMT()
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(),
            "stress": atoms.get_stress(),
        }
        calculator: Any = SinglePointCalculator
        atoms.calc = calculator(atoms, **results)
        made.append(atoms)
    return made


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


def bent(count: int, seed: int = 0) -> list[Atoms]:
    """Waters whose two bonds are springs of 45 eV/Å²."""
    rng, made = np.random.default_rng(seed), []
    for _ in range(count):
        x = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]) + 0.03 * rng.standard_normal((3, 3))
        f, energy = np.zeros((3, 3)), 0.0
        for h in (1, 2):
            d = x[h] - x[0]
            r = float(np.linalg.norm(d))
            energy += 22.5 * (r - 0.96) ** 2
            f[h] = -45 * (r - 0.96) * d / r
            f[0] -= f[h]
        atoms = Atoms("OHH", x)
        calculator: Any = SinglePointCalculator
        atoms.calc = calculator(atoms, energy=energy, forces=f)
        made.append(atoms)
    return made


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
        "structures whose periodic cell is flat": [17],
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


@pytest.mark.parametrize(
    ("of_atoms", "whole", "keys"),
    [
        ({"REF_forces"}, {"REF_energy", "energy"}, ("REF_forces", "REF_energy")),
        ({"dft_forces"}, {"dft_energy", "dft_virial"}, ("dft_forces", "dft_energy", "dft_virial")),
        ({"force"}, {"total_energy"}, ("force", "total_energy")),
        ({"forces", "REF_forces"}, {"energy", "free_energy"}, ("forces", "energy")),
        ({"forces", "MACE_forces"}, {"MACE_energy", "free_energy"}, ("forces", "free_energy")),
    ],
)
def test_names_of_labels_are_recognised(
    of_atoms: set[str], whole: set[str], keys: tuple[str, ...], tmp_path: Path
) -> None:
    made = []
    for k, atoms in enumerate(copper(3)):
        plain = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
        for name in of_atoms:
            plain.arrays[name] = atoms.get_forces() * (1 if name == keys[0] else 0.5)
        for name in whole:
            plain.info[name] = np.eye(3).ravel() * k if "virial" in name else float(k) + (name == keys[1])
        made.append(plain)
    ase.io.write(tmp_path / "a.extxyz", made)
    read = read_structures(tmp_path / "a.extxyz")
    assert (read.keys.forces, read.keys.energy) == keys[:2]
    assert read.keys.stress == (keys[2] if len(keys) > 2 else None)
    frames = read.take([0, 1, 2])[0].frames
    # eight decimals
    np.testing.assert_allclose(frames.forces, [a.get_forces() for a in copper(3)], rtol=0, atol=0.51e-8)
    assert frames.energies is not None
    assert frames.energies.tolist() == [1.0, 2.0, 3.0]


def test_several_names_of_forces_must_be_chosen_from(tmp_path: Path) -> None:
    atoms = copper(1)[0]
    plain = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    plain.arrays |= {"REF_forces": atoms.get_forces(), "dft_forces": atoms.get_forces()}
    ase.io.write(tmp_path / "a.extxyz", [plain])
    with pytest.raises(InputError, match=r"several of its names may be the forces: REF_forces, dft_forces"):
        read_structures(tmp_path / "a.extxyz")
    assert read_structures(tmp_path / "a.extxyz", forces_key="dft_forces").keys.forces == "dft_forces"
    with pytest.raises(InputError, match=r"forces_key='f' is not in it: .* it has REF_forces, dft_forces\."):
        read_structures(tmp_path / "a.extxyz", forces_key="f")


def small_file(path: Path) -> list[Atoms]:
    made: list[Atoms] = [*copper(3), *bent(3)]
    ase.io.write(path, made, format="extxyz")
    return made


@SLOW
@given(st.data())
def test_a_cut_or_damaged_xyz_is_one_sentence_or_what_ase_reads(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "cut.xyz"
    if not (tmp_path / "whole.xyz").exists():
        small_file(tmp_path / "whole.xyz")
    content = bytearray((tmp_path / "whole.xyz").read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(1, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    said = ""
    try:
        read = read_structures(path)
        read.take(range(len(read)))
    except InputError as error:
        said = str(error)
    if said:
        assert said.startswith("cut.xyz: ")
        assert said.endswith(".")
        assert "\n" not in said
        return
    try:
        expected = ase.io.read(path, index=":")
    except Exception:  # a structure that is left out need not be readable
        assert read.left_out
        return
    assert len(expected) == len(read.table)
    for place in read.places:
        assert_same(read.images.image(int(place)), expected[int(place)])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"4\nLat", b"5\nLat", "the number of atoms of structure 0 may be wrong"),
        (b"4\nLat", b"3\nLat", "structure 1 begins with 'Cu .*': expected its number of atoms"),
        (b"4\nLat", b"-4\nLat", "structure 0 has -4 atoms"),
        (b"4\nLat", b"four\nLat", "structure 0 begins with 'four'"),
        (b"Cu", b"C\xff", "structure 0 is not UTF-8 text"),
        (b"Cu", b"Qq", "the label 'Qq' is no element"),
        (b'Lattice="3.61 0.0', b'Lattice="3.61', "the cell of structure 0 is .*: expected 9 numbers"),
    ],
)
def test_what_is_wrong_with_an_xyz_is_said(old: bytes, new: bytes, words: str, tmp_path: Path) -> None:
    small_file(tmp_path / "a.xyz")
    content = (tmp_path / "a.xyz").read_bytes()
    assert old in content
    (tmp_path / "a.xyz").write_bytes(content.replace(old, new, 1))
    with pytest.raises(InputError, match=words):
        read_structures(tmp_path / "a.xyz")


def test_labels_and_types_are_read_lazily_too(tmp_path: Path) -> None:
    water = bent(4)
    ase.io.write(tmp_path / "a.xyz", [*water, *copper(2)], format="extxyz")
    text = (tmp_path / "a.xyz").read_text()
    (tmp_path / "b.xyz").write_text(text.replace("O ", "OW ").replace("H ", "HW "))
    read = read_structures(tmp_path / "b.xyz", elements="OW=O,HW=H")
    plain = read_structures(tmp_path / "a.xyz")
    for a, b in zip(read.take(range(len(read))), plain.take(range(len(plain))), strict=True):
        np.testing.assert_array_equal(a.frames.numbers, b.frames.numbers)
        np.testing.assert_array_equal(a.frames.positions, b.frames.positions)


def test_groups_keep_neighbours_in_time_together(tmp_path: Path) -> None:
    water = bent(65)
    for k, atoms in enumerate(water):
        atoms.info["config_type"] = "cold" if k % 2 else "hot"
    ase.io.write(tmp_path / "a.extxyz", [*water[:25], *copper(3), *water[25:]])
    read = read_structures(tmp_path / "a.extxyz")
    # 65 frames of water make blocks of 65 // 20 = 3 or a few more, those of each run; of the 3 crystals each is a block
    assert np.unique(read.groups, return_counts=True)[1].tolist() == [4, *[3] * 7, 1, 1, 1, 4, *[3] * 12]
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


def test_a_vasp_run_keeps_its_forces_and_stress(tmp_path: Path) -> None:
    """ASE's own example of an OUTCAR-like trajectory is too large to ship; XDATCAR and POSCAR have no forces, which is said."""
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


def test_structures_are_read_when_they_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ase.io.write(tmp_path / "a.extxyz", bent(120))
    read = read_structures(tmp_path / "a.extxyz", everything=True)
    parsed = []
    image = ExtxyzImages.image
    monkeypatch.setattr(ExtxyzImages, "image", lambda self, k: parsed.append(k) or image(self, k))
    assert isinstance(read, FileStructures)
    read.take([7, 100, 3])
    assert [read.numbers(k).tolist() for k in (0, 119)] == [[8, 1, 1]] * 2
    assert parsed == [7, 100, 3]


def test_a_file_that_changed_since_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.extxyz"
    ase.io.write(path, [*bent(3), *copper(2)])
    read = read_structures(path)
    ase.io.write(path, [*copper(2), *bent(3)])
    os.utime(path)
    with pytest.raises(InputError, match=r"changed|cannot read structure"):
        read.take(range(len(read)))
