"""Types without elements, labels, missing energies, constraints and files that are cut short."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.constraints import FixAtoms

from spectral_ceilings.diagnostic.frames.checks import check_distances
from spectral_ceilings.diagnostic.frames.elements import Elements
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.theory.errors import InputError


@pytest.fixture(scope="module")
def ethanol() -> Frames:
    return read_frames("ethanol-xtb").select(range(30))


def dump(
    frames: Frames, path: Path, *, elements: bool = False, steps: range | list[int] | None = None
) -> Path:
    """Write a LAMMPS dump, of types in the order C, O, H unless elements are asked for."""
    types = {"C": "1", "O": "2", "H": "3"}
    lines = []
    for n, step in enumerate(steps or range(0, 10 * len(frames), 10)):
        lines += ["ITEM: TIMESTEP", str(step), "ITEM: NUMBER OF ATOMS", str(len(frames.numbers))]
        lines += ["ITEM: BOX BOUNDS ff ff ff", *["-20 20"] * 3]
        lines += [f"ITEM: ATOMS id {'element' if elements else 'type'} x y z fx fy fz"]
        for k, symbol in enumerate(frames.symbols):
            numbers = " ".join(f"{v:.8f}" for v in (*frames.positions[n, k], *frames.forces[n, k]))
            lines.append(f"{k + 1} {symbol if elements else types[symbol]} {numbers}")
    path.write_text("\n".join(lines) + "\n")
    return path


def xyz(frames: Frames, path: Path, names: dict[int, str]) -> Path:
    """Write an extended XYZ with other names for some atoms."""
    assert frames.energies is not None
    lines = []
    for x, f, e in zip(frames.positions, frames.forces, frames.energies, strict=True):
        lines += [str(len(x)), f'Properties=species:S:1:pos:R:3:forces:R:3 energy={e:.9f} pbc="F F F"']
        for k, symbol in enumerate(frames.symbols):
            lines.append(" ".join([names.get(k, symbol), *(f"{v:.9f}" for v in (*x[k], *f[k]))]))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_dump_of_types_is_refused_until_elements_are_given(tmp_path: Path, ethanol: Frames) -> None:
    path = dump(ethanol, tmp_path / "a.lammpstrj")
    with pytest.raises(InputError, match=r"types 1, 2, 3.*they would be H, He, Li.*elements='C,H,O'"):
        read_frames(path)
    frames = read_frames(path, elements="C,O,H")
    assert np.array_equal(frames.numbers, ethanol.numbers)
    # eight decimals
    np.testing.assert_allclose(frames.forces, ethanol.forces, rtol=0, atol=0.51e-8)
    assert frames.energies is None
    assert frames.checks["energies"].startswith("there are no energies")
    with pytest.raises(InputError, match="names 2 types and an atom is 3"):
        read_frames(path, elements="C,O")


def test_hydrogen_declared_as_oxygen_is_told_and_nothing_that_is_right(
    tmp_path: Path, ethanol: Frames
) -> None:
    path = dump(ethanol, tmp_path / "a.lammpstrj")
    # the stiffness of this file's O-H speaks against it too; that of springs does not
    said = read_frames(path, elements="C,H,O", accept_units=True).checks["distances"]
    assert "the elements do not fit the distances: C0 has 3 neighbours among C, N and O" in said
    assert "do not fit" not in read_frames(path, elements="C,O,H").checks["distances"]


@pytest.mark.parametrize(
    "atoms",
    # nitrate and carbonate have the shortest bonds of an atom with three; the others have two that are cumulated, or triple
    [
        Atoms("NO3", [[0, 0, 0], [1.24, 0, 0], [-0.62, 1.0739, 0], [-0.62, -1.0739, 0]]),
        Atoms("CO3", [[0, 0, 0], [1.28, 0, 0], [-0.64, 1.1085, 0], [-0.64, -1.1085, 0]]),
        *(
            molecule(name)
            for name in ("CO2", "N2O", "HCN", "N2", "CO", "C6H6", "H2CO", "C2H2", "CH3NO2", "bicyclobutane")
        ),
    ],
    ids=str,
)
def test_short_bonds_of_real_molecules_fit_their_elements(atoms: Atoms) -> None:
    x = atoms.positions[None] + np.random.default_rng(0).normal(0, 0.03, (50, len(atoms), 3))
    frames = Frames(atoms.numbers, x, np.zeros_like(x), None, "a", "0" * 64, "eV and Å")
    assert "do not fit" not in check_distances(frames)


def test_a_dump_with_elements_needs_nothing(tmp_path: Path, ethanol: Frames) -> None:
    path = dump(ethanol, tmp_path / "a.dump.lammpstrj", elements=True)
    frames = read_frames(path)
    assert np.array_equal(frames.numbers, ethanol.numbers)
    assert frames.energies is None
    with pytest.raises(InputError, match="it names its elements"):
        read_frames(path, elements="C,O,H")


@pytest.mark.parametrize("suffix", ["npz", "xyz"])
def test_types_elsewhere_are_refused_too(tmp_path: Path, ethanol: Frames, suffix: str) -> None:
    kinds = {6: 1, 8: 2, 1: 3}
    types = [kinds[int(z)] for z in ethanol.numbers]
    path = tmp_path / f"types.{suffix}"
    if suffix == "npz":
        np.savez(
            path, numbers=types, positions=ethanol.positions, forces=ethanol.forces, energies=ethanol.energies
        )
    else:
        xyz(ethanol, path, {k: str(kind) for k, kind in enumerate(types)})
    with pytest.raises(InputError, match=r"types without elements.*elements='C,H,O'"):
        read_frames(path)
    assert np.array_equal(read_frames(path, elements="C,O,H").numbers, ethanol.numbers)


@pytest.mark.parametrize(
    ("label", "note"),
    [("D", "deuterium"), ("T", "tritium"), ("h", "read as H"), ("H1", "read as H"), ("H12", "read as H")],
)
def test_labels_that_can_only_mean_one_element_are_read(
    tmp_path: Path, ethanol: Frames, label: str, note: str
) -> None:
    frames = read_frames(xyz(ethanol, tmp_path / "a.xyz", {8: label}))
    assert np.array_equal(frames.numbers, ethanol.numbers)
    assert any(note in said for said in frames.notes)


@pytest.mark.parametrize(
    ("label", "words"),
    [("CA", "may be Ca or a name of C"), ("HW", "is no element"), ("Xx", "a dummy"), ("X", "a dummy"), ("Zz", "is no element")],
)  # fmt: skip
def test_labels_that_may_mean_several_are_refused_until_declared(
    tmp_path: Path, ethanol: Frames, label: str, words: str
) -> None:
    path = xyz(ethanol, tmp_path / "a.xyz", {0: label})
    with pytest.raises(InputError, match=words):
        read_frames(path)
    assert np.array_equal(read_frames(path, elements=f"{label}=C").numbers, ethanol.numbers)


@pytest.mark.parametrize("text", ["", "C,", "C,Zz", "CA=C,H", "C=Q", "1,2", "="])
def test_elements_that_cannot_be_read_are_told(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Elements.parse(text)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_energies_that_are_all_zero_are_missing(tmp_path: Path, ethanol: Frames, value: float) -> None:
    path = tmp_path / "a.npz"
    np.savez(
        path,
        numbers=ethanol.numbers,
        positions=ethanol.positions,
        forces=ethanol.forces,
        energies=np.full(30, value),
    )
    frames = read_frames(path)
    assert frames.energies is None
    assert any("taken as missing" in note for note in frames.notes)


def test_forces_that_a_constraint_struck_out_are_refused(tmp_path: Path, ethanol: Frames) -> None:
    images = ethanol.to_ase()
    for image in images:
        image.set_constraint(FixAtoms([0, 3]))
    ase.io.write(tmp_path / "raw.traj", images)
    frames = read_frames(tmp_path / "raw.traj")
    assert np.array_equal(frames.forces, ethanol.forces)
    assert any("constraints" in note for note in frames.notes)
    for image in images:
        image.arrays["forces"] = image.get_forces()  # ASE strikes out what is fixed
        image.calc = None
    ase.io.write(tmp_path / "struck.extxyz", images)
    with pytest.raises(
        InputError, match=r"on 2 of 9 atoms are zero in every frame \(0 \(C\), 3 \(H\)\).*constraint"
    ):
        read_frames(tmp_path / "struck.extxyz")


def test_a_file_that_is_cut_short_is_told(tmp_path: Path, ethanol: Frames) -> None:
    whole = dump(ethanol, tmp_path / "a.lammpstrj", elements=True).read_text().splitlines()
    (tmp_path / "cut.lammpstrj").write_text("\n".join(whole[:-3]) + "\n")
    with pytest.raises(
        InputError, match="its last frame, 29, has 6 atoms and the others 9: the file is cut short"
    ):
        read_frames(tmp_path / "cut.lammpstrj")
    lines = xyz(ethanol, tmp_path / "b.xyz", {}).read_text().splitlines()
    for keep in (3, 9, 10):
        (tmp_path / "cut.xyz").write_text("\n".join(lines[:-keep]) + "\n")
        with pytest.raises(InputError, match="cut short"):
            read_frames(tmp_path / "cut.xyz")


def test_gaps_in_the_steps_are_said(tmp_path: Path, ethanol: Frames) -> None:
    steps = [*range(0, 150, 10), *range(500, 650, 10)]
    frames = read_frames(dump(ethanol, tmp_path / "a.lammpstrj", elements=True, steps=steps))
    assert any(
        "its steps are 10 apart except in 1 places, the first between 140 and 500" in note
        for note in frames.notes
    )
    frames = read_frames(dump(ethanol, tmp_path / "b.lammpstrj", elements=True))
    assert not frames.notes
