"""Files that people really have: right ones are accepted, wrong ones refused with the one declaration that mends them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.units import Bohr, Hartree, kcal, mol
from user_files import (
    breathing,
    copied,
    hopping_proton,
    in_units,
    lammps_dump,
    noble_pair,
    reordered,
    substitution,
    vibrating,
    weak_pair,
    write,
)

from spectral_ceilings.diagnostic.frames.copies import check_apart
from spectral_ceilings.diagnostic.frames.marks import marked_neighbours
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.frames.relabelled import check_same_labels
from spectral_ceilings.diagnostic.frames.site_symmetry import atom_site_symmetry
from spectral_ceilings.theory.errors import InputError

#: Force constants (eV/Å²) and lengths (Å): Huber and Herzberg, Constants of Diatomic Molecules (1979); Lennard-Jones
#: parameters of the noble gases: Hirschfelder, Curtiss and Bird, Molecular Theory of Gases and Liquids (1954).
RIGHT: dict[str, Callable[[], list[Atoms]]] = {
    "hopping proton": hopping_proton,
    "substitution": substitution,
    "Na2": lambda: weak_pair("Na2", 3.079, 1.07),
    "Li2": lambda: weak_pair("Li2", 2.673, 1.59),
    "Mg2": lambda: weak_pair("Mg2", 3.891, 0.119),
    "K2": lambda: weak_pair("K2", 3.905, 0.61),
    "Ar2": lambda: noble_pair("Ar2", 0.01032, 3.405),
    "He-Ne": lambda: noble_pair("HeNe", 0.0018, 2.70),
    "Xe2": lambda: noble_pair("Xe2", 0.0191, 4.10),
    "exact methane": lambda: breathing("CH4"),
    "exact ammonia": lambda: breathing("NH3"),
    "exact carbon dioxide": lambda: breathing("CO2"),
    "benzene": lambda: vibrating("C6H6"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_files_are_read_as_they_are(name: str, tmp_path: Path) -> None:
    made = RIGHT[name]()
    frames = read_frames(write(tmp_path / "data.xyz", made))
    assert len(frames) == len(made)
    assert not frames.overruled
    # extended XYZ has eight decimals
    np.testing.assert_allclose(frames.forces, [atoms.get_forces() for atoms in made], rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("energy", "force", "units", "force_units"),
    [
        (Hartree, Hartree / Bohr, "hartree", "hartree/bohr"),
        (kcal / mol, kcal / mol / Bohr, "kcal/mol", "kcal/mol/bohr"),
        (kcal / mol, kcal / mol, "kcal/mol", None),
        (Hartree, Hartree, "hartree", None),
    ],
)
@pytest.mark.parametrize("name", ["CH3CH2OH", "C6H6"])
def test_the_whole_declaration_is_named_and_then_accepted(
    energy: float, force: float, units: str, force_units: str | None, name: str, tmp_path: Path
) -> None:
    true = vibrating(name)
    path = write(tmp_path / "data.xyz", in_units(true, energy, force))
    said = f"declare units='{units}'" + (f", force_units='{force_units}'" if force_units else "")
    for declared in [None] + ([units] if force_units else []):
        with pytest.raises(InputError, match=said) as told:
            read_frames(path, units=declared)
        assert "accept_units=True" in str(told.value)
    frames = read_frames(path, units=units, force_units=force_units)
    # eight decimals of the file's unit
    np.testing.assert_allclose(
        frames.forces, [atoms.get_forces() for atoms in true], rtol=0, atol=1e-8 * max(1.0, force)
    )


@pytest.mark.parametrize("change", [0.0, 1e-8])
@pytest.mark.parametrize("shuffle", [False, True])
def test_copies_are_left_out_and_said(change: float, shuffle: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "data.xyz", copied(vibrating("CH3CH2OH", 20), 4, change, shuffle=shuffle))
    frames = read_frames(path)
    assert len(frames) == 20
    assert "60 of the 80 frames are copies of others and are left out" in frames.notes


def test_copies_and_exchanged_atoms_of_held_out_frames_are_refused(tmp_path: Path) -> None:
    """Ethanol's hydroxyl hydrogen is atom 3; 4 and 5 sit at C1, 6 to 8 at C0, and within one carbon they are alike."""
    data = read_frames(write(tmp_path / "data.xyz", vibrating("CH3CH2OH")))
    near = copied(vibrating("CH3CH2OH", 30), 2, 1e-8)[30:]
    with pytest.raises(InputError, match="30 of the 30 held-out frames"):
        check_apart(data, read_frames(write(tmp_path / "near.xyz", near)))
    other = vibrating("CH3CH2OH", 40, seed=5)
    check_apart(data, read_frames(write(tmp_path / "other.xyz", other)))
    for pair in ((3, 4), (4, 6), (7, 8)):
        order = list(range(9))
        order[pair[0]], order[pair[1]] = pair[1], pair[0]
        held_out = read_frames(write(tmp_path / "exchanged.xyz", reordered(other, order)))
        if pair == (7, 8):
            check_same_labels(data, held_out)
        else:
            words = rf"the like atoms {pair[0]} \(H\) and {pair[1]} \(H\) have exchanged their places"
            with pytest.raises(InputError, match=words):
                check_same_labels(data, held_out)


def test_types_are_no_elements(tmp_path: Path) -> None:
    path = lammps_dump(tmp_path / "data.lammpstrj", vibrating("CH3CH2OH"))
    with pytest.raises(InputError, match=r"types 1, 2, 3, which are types without elements.* H, He, Li"):
        read_frames(path)
    assert read_frames(path, elements="C,O,H").formula == "C2H6O"


def test_a_proton_that_hops_and_a_methyl_that_changes_sides_are_nobodys_marks(tmp_path: Path) -> None:
    proton = read_frames(write(tmp_path / "proton.xyz", hopping_proton()))
    assert {m.atom: m.neighbour for m in marked_neighbours(proton)}[2] is None
    methyl = read_frames(write(tmp_path / "methyl.xyz", substitution()))
    marks = {m.atom: m.neighbour for m in marked_neighbours(methyl)}
    assert marks[2] not in (0, 1)
    assert all(marks[h] == 2 for h in (3, 4, 5))


@pytest.mark.parametrize(
    ("name", "atom", "symbol"), [("CH4", 0, "Td"), ("NH3", 0, "C3v"), ("CO2", 0, "D∞h"), ("CH4", 1, "C3v")]
)
def test_frames_that_breathe_keep_the_group_of_their_sites(
    name: str, atom: int, symbol: str, tmp_path: Path
) -> None:
    frames = read_frames(write(tmp_path / "data.xyz", breathing(name, 10)))
    groups = {atom_site_symmetry(frames.numbers, x, atom).symbol for x in frames.positions}
    assert groups == {symbol}
