"""Extended XYZ read lazily: what is taken is what ``ase.io.read`` gives, names of labels are recognised, damage is said."""

from __future__ import annotations

import os
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structure_files import assert_same, bent, copper, small_file, structures

from spectral_ceilings.diagnostic.frames.elements import Elements
from spectral_ceilings.diagnostic.frames.extxyz import ExtxyzImages
from spectral_ceilings.diagnostic.frames.file_structures import FileStructures
from spectral_ceilings.diagnostic.frames.images import results_of
from spectral_ceilings.diagnostic.frames.reading_structures import read_structures
from spectral_ceilings.theory.errors import InputError

SLOW = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)


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


def test_a_stress_of_eight_numbers_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "cut.xyz"
    small_file(path)
    comment = path.read_text().split("\n")[1]
    path.write_text(path.read_text().replace('stress="', 'stress="x', 1))
    assert 'stress="' in comment
    with pytest.raises(InputError, match=r"cut\.xyz: .*structure 0.*9-long numerical vector"):
        read_structures(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"4\nLat", b"5\nLat", "the number of atoms of structure 0 may be wrong"),
        (b"4\nLat", b"3\nLat", "structure 1 begins with 'Cu .*': expected its number of atoms"),
        (b"4\nLat", b"-4\nLat", "structure 0 has -4 atoms"),
        (b"4\nLat", b"four\nLat", "structure 0 begins with 'four'"),
        (b"Cu", b"C\xff", "structure 0 is not UTF-8 text"),
        (b"species:", b"s\tecies:", "structure 0 declares no column of elements"),
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
