"""Structures by name, moved with a calculator: what is stored is what the calculator says, also after a kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.io import read, write
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.generation.build import FAMILIES, build_structure
from spectral_ceilings.diagnostic.generation.potentials import potential
from spectral_ceilings.diagnostic.generation.structure_run import generate_structures
from spectral_ceilings.diagnostic.generation.structure_settings import KINDS, StructureSettings
from spectral_ceilings.theory import InputError

COPPER = "bulk:Cu:2x1x1:cubic"


def made_with(**changed: Any) -> StructureSettings:
    few: dict[str, Any] = {
        "structures": (COPPER,), "calculator": "ase:emt", "n_frames": 4, "seed": 5, "timestep_fs": 2.0, "spacing_fs": 10.0,
        "equilibration_ps": 0.2,
    }  # fmt: skip
    return StructureSettings(**{**few, **changed})


def stored(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return {key: archive[key] for key in archive.files}


class Killed(Exception):
    pass


# --- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bulk:Si:2x2x2", lambda: bulk("Si") * (2, 2, 2)),
        (
            "bulk:LiF:rocksalt:a=4.03:2x2x2:cubic",
            lambda: bulk("LiF", "rocksalt", a=4.03, cubic=True) * (2, 2, 2),
        ),
        (
            "bulk:LiF:2x2x2:cubic:a=4.03:rocksalt",
            lambda: bulk("LiF", "rocksalt", a=4.03, cubic=True) * (2, 2, 2),
        ),
        ("bulk:Ti:orthorhombic", lambda: bulk("Ti", orthorhombic=True)),
        ("bulk:ZnO:wurtzite:a=3.25:c=5.2", lambda: bulk("ZnO", "wurtzite", a=3.25, c=5.2)),
        ("molecule:CH3CH2OH", lambda: molecule("CH3CH2OH")),
    ],
)
def test_names_are_those_of_ase(name: str, expected: Any) -> None:
    ours, theirs = build_structure(name), expected()
    assert np.array_equal(ours.numbers, theirs.numbers)
    assert np.array_equal(ours.positions, theirs.positions)
    assert np.array_equal(ours.cell.array, theirs.cell.array)
    assert np.array_equal(ours.pbc, theirs.pbc)


@settings(max_examples=150, deadline=None)
@given(
    family=st.sampled_from((*FAMILIES, "")),
    parts=st.lists(
        st.one_of(
            st.sampled_from(["Si", "LiF", "H2O", "fcc", "cubic", "a=4.0", "c=0", "2x2x2", "0x1x1", "99x99x99", "16", "-1"]),
            st.text(max_size=6),
        ),
        max_size=4,
    ),
)  # fmt: skip
def test_any_text_is_a_structure_or_one_sentence(family: str, parts: list[str]) -> None:
    if family == "smiles":
        parts = parts[:1]
    text = ":".join([family, *parts] if family else parts)
    try:
        atoms = build_structure(text)
    except InputError:
        return
    assert 1 <= len(atoms) <= 10_000
    assert np.isfinite(atoms.positions).all()


def test_a_box_has_the_density_and_whole_molecules_that_keep_apart() -> None:
    box = build_structure("box:H2O:16", density=0.9, seed=3)
    grams = box.get_masses().sum() / units.kg * 1e3
    cm3 = box.get_volume() / (units.m / 1e2) ** 3
    assert grams / cm3 == pytest.approx(0.9, rel=1e-12)  # a handful of roundings
    single = molecule("H2O")
    for k in range(16):
        part = box[3 * k : 3 * k + 3]
        # a rotation and a shift by at most 8 Å keep distances to some roundings of 8 Å
        np.testing.assert_allclose(part.get_all_distances(), single.get_all_distances(), atol=1e-13)
    distances = box.get_all_distances(mic=True)
    of = np.arange(48) // 3
    assert distances[of[:, None] != of[None]].min() >= 1.2
    again = build_structure("box:H2O:16", density=0.9, seed=3)
    assert np.array_equal(box.positions, again.positions)
    assert not np.allclose(box.positions, build_structure("box:H2O:16", density=0.9, seed=4).positions)
    with pytest.raises(InputError, match="16 molecules of H2O do not fit"):
        build_structure("box:H2O:16", density=20.0)


def test_a_file_gives_its_last_structure_without_what_it_says_of_forces(tmp_path: Path) -> None:
    atoms = bulk("Cu", cubic=True)
    write(tmp_path / "cu.xyz", [bulk("Ag"), atoms], format="extxyz")
    ours = build_structure(str(tmp_path / "cu.xyz"))
    np.testing.assert_allclose(ours.positions, atoms.positions, atol=1e-8)  # eight decimals are written
    with pytest.raises(InputError, match="is no structure and no file"):
        build_structure(str(tmp_path / "absent.xyz"))
    (tmp_path / "bad.xyz").write_text("not a structure")
    with pytest.raises(InputError, match=r"bad\.xyz cannot be read as a structure"):
        build_structure(str(tmp_path / "bad.xyz"))


# --- frames --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_stored_is_what_the_calculator_says(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "cu.npz"
    made = generate_structures(made_with(kind=kind), path, EMT)
    frames = stored(path)
    assert frames["positions"].shape == (4, 8, 3)
    assert frames["pbc"].tolist() == [True, True, True]
    for k in range(4):
        atoms = Atoms(
            numbers=frames["numbers"],
            positions=frames["positions"][k].astype(float),
            cell=frames["cells"][k],
            pbc=True,
        )
        atoms.calc = EMT()
        # positions below 16 Å are rounded to 1e-6 Å in float32; EMT's force constants are below 20 eV/Å², and 8 atoms move
        np.testing.assert_allclose(atoms.get_forces(), frames["forces"][k], atol=2e-4)
        assert atoms.get_potential_energy() == pytest.approx(frames["energies"][k], abs=2e-4)
        np.testing.assert_allclose(atoms.get_stress(), frames["stress"][k], atol=1e-5)
    assert made.record["frames"] == 4
    assert made.record["structures"][0]["stress"] is True
    assert made.record["command"].startswith(
        f"ceilings data generate --structure {COPPER} --calculator ase:emt --kind {kind}"
    )


def test_rattled_and_strained_frames_have_the_widths_that_were_asked_for(tmp_path: Path) -> None:
    start = build_structure(COPPER)
    generate_structures(made_with(n_frames=200, amplitude=0.05), tmp_path / "rattled.npz", EMT)
    frames = stored(tmp_path / "rattled.npz")
    moved = frames["positions"] - start.positions
    # 4,800 normal numbers: their deviation is known to 1 %; five times that
    assert moved.std() == pytest.approx(0.05, rel=0.05)
    assert np.array_equal(frames["cells"], np.repeat(start.cell.array[None], 200, axis=0))
    generate_structures(
        made_with(n_frames=200, kind="strain", amplitude=0.0, strain=0.03), tmp_path / "strained.npz", EMT
    )
    frames = stored(tmp_path / "strained.npz")
    strains = np.linalg.inv(start.cell.array) @ frames["cells"] - np.eye(3)
    np.testing.assert_allclose(
        strains, strains.transpose(0, 2, 1), atol=1e-14
    )  # products of numbers below 10
    six = strains[:, [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    assert six.std(axis=0) == pytest.approx(
        np.full(6, 0.03), rel=0.25
    )  # 200 numbers: 5 % each, five times that
    np.testing.assert_allclose(frames["positions"], start.positions @ (np.eye(3) + strains), atol=1e-6)


def test_dynamics_heats_a_crystal_to_its_bath(tmp_path: Path) -> None:
    """Equipartition in a harmonic crystal: the mean potential energy above the minimum is that of the temperature."""
    generate_structures(
        made_with(kind="md", n_frames=100, temperature=300.0, timestep_fs=5.0, spacing_fs=100.0, friction_per_fs=0.01),
        tmp_path / "md.npz", EMT,
    )  # fmt: skip
    start = build_structure(COPPER)
    start.calc = EMT()
    above = stored(tmp_path / "md.npz")["energies"] - start.get_potential_energy()
    expected = 1.5 * 8 * units.kB * 300.0
    # 24 modes of deviation kT / sqrt 2 each; about 50 independent frames: 4 % of the mean, and anharmonicity of some per cent
    assert above.mean() == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_killed_goes_on_to_the_same_bytes(kind: str, tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.npz", tmp_path / "cut.npz"
    generate_structures(made_with(kind=kind), whole, EMT)

    def kill_at(step: int):
        calls = [0]

        def tell(*_: Any) -> None:
            calls[0] += 1
            if calls[0] == step:
                raise Killed

        return tell

    for step in (1, 2):
        with pytest.raises(Killed):
            generate_structures(made_with(kind=kind), path, EMT, progress=kill_at(step))
    with pytest.raises(InputError, match="unfinished run with other settings"):
        generate_structures(made_with(kind=kind, seed=6), path, EMT)
    with pytest.raises(InputError, match="holds an unfinished run: resume it"):
        generate_structures(made_with(kind=kind), path, EMT, resume=False)
    made = generate_structures(made_with(kind=kind), path, EMT)
    assert path.read_bytes() == whole.read_bytes()
    assert not path.with_name("cut.npz.partial").exists()
    again = generate_structures(made_with(kind=kind), path, EMT)
    assert again.record == json.loads(made.sidecar.read_text(encoding="utf-8"))
    with pytest.raises(InputError, match="made with other settings"):
        generate_structures(made_with(kind=kind, seed=6), path, EMT)


def test_several_compositions_go_into_an_extended_xyz(tmp_path: Path) -> None:
    several = made_with(structures=(COPPER, "bulk:Ag", "molecule:CO"), n_frames=2)
    with pytest.raises(InputError, match="differ in composition or periodicity and do not fit into one npz"):
        generate_structures(several, tmp_path / "mixed.npz", EMT)
    assert not list(tmp_path.iterdir())
    made = generate_structures(several, tmp_path / "mixed.extxyz", EMT)
    images = read(tmp_path / "mixed.extxyz", ":")
    assert [image.get_chemical_formula() for image in images] == ["Cu8"] * 2 + ["Ag"] * 2 + ["CO"] * 2
    for image in images:
        written = image.get_potential_energy(), image.get_forces()
        fresh = Atoms(numbers=image.numbers, positions=image.positions, cell=image.cell, pbc=image.pbc)
        fresh.calc = EMT()
        # eight decimals of positions, force constants below 200 eV/Å²
        assert fresh.get_potential_energy() == pytest.approx(written[0], abs=1e-5)
        np.testing.assert_allclose(fresh.get_forces(), written[1], atol=1e-5)
    assert [part["stress"] for part in made.record["structures"]] == [True, True, False]


def test_a_calculator_that_fails_is_named(tmp_path: Path) -> None:
    class Broken(Calculator):
        implemented_properties = ["energy", "forces"]  # noqa: RUF012

        def calculate(self, *arguments: Any, **options: Any) -> None:
            raise RuntimeError("no convergence")

    class Infinite(Calculator):
        implemented_properties = ["energy", "forces"]  # noqa: RUF012

        def calculate(self, atoms: Any = None, *arguments: Any, **options: Any) -> None:
            self.results = {"energy": np.nan, "forces": np.zeros((len(atoms), 3))}

    class Colliding(Calculator):
        implemented_properties = ["energy", "forces"]  # noqa: RUF012

        def calculate(self, atoms: Any = None, *arguments: Any, **options: Any) -> None:
            self.results = {"energy": 1.0, "forces": np.full((len(atoms), 3), 1e5)}

    broken = r"failed for bulk:Cu:2x1x1:cubic at frame 0 \(no convergence\)"
    with pytest.raises(InputError, match=broken):
        generate_structures(made_with(), tmp_path / "a.npz", Broken)
    with pytest.raises(InputError, match="gives numbers that are not finite for frame 0"):
        generate_structures(made_with(), tmp_path / "b.npz", Infinite)
    with pytest.raises(InputError, match=r"a force of .* acts in bulk:Cu:2x1x1:cubic: atoms have met"):
        generate_structures(made_with(), tmp_path / "c.npz", Colliding)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "melt"}, "kind is 'melt'"),
        ({"n_frames": 0}, "n_frames is 0"),
        ({"amplitude": 0.0}, "amplitude is 0"),
        ({"strain": 3.0}, "strain is 3.0"),
        ({"structures": ()}, "no structure is given"),
        ({"cells": 2}, "several cells belong to kind md"),
        ({"kind": "md", "cells": 9}, "cells is 9 for 4 frames"),
        ({"kind": "md", "temperatures": (300.0, 900.0)}, "2 temperatures are given for cells = 1"),
        ({"kind": "md", "cells": 2, "temperatures": (300.0, -1.0)}, "temperature is -1.0"),
        ({"amplitudes": (0.1, 0.0)}, "amplitude is 0"),
    ],
)
def test_bad_settings_are_one_sentence(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        made_with(**wrong)


# --- potentials ----------------------------------------------------------------------------------------


def test_stillinger_and_weber_have_the_cohesive_energy_that_they_published() -> None:
    """Phys. Rev. B 31, 5262: in the diamond lattice at its best, the potential is -2 epsilon per atom, epsilon = 2.1683 eV."""
    silicon = bulk("Si", cubic=True, a=5.431)
    silicon.calc = potential("matscipy:stillinger-weber")
    # the lattice constant is given to four digits; a square of a miss of 1e-4 in length
    assert silicon.get_potential_energy() / 8 == pytest.approx(-2 * 2.1683, rel=1e-5)


def test_potentials_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected matscipy:stillinger-weber"):
        potential("matscipy:magic")
    with pytest.raises(InputError, match=r"no file absent.tersoff of Tersoff parameters"):
        potential("ase:tersoff:absent.tersoff")
    (tmp_path / "bad.tersoff").write_text("Si Si Si 1 2 3\n")
    with pytest.raises(InputError, match="is no file of Tersoff parameters"):
        potential(f"ase:tersoff:{tmp_path / 'bad.tersoff'}")


@pytest.mark.filterwarnings("ignore:'where' used:UserWarning")  # matscipy's, where the branch is not taken
def test_silicon_of_tersoff_is_as_published_and_its_forces_and_stress_are_slopes() -> None:
    """Phys. Rev. B 39, 5566, Table III: 4.63 eV of each atom, 5.432 Å."""
    lengths = np.linspace(5.40, 5.46, 7)
    energies = []
    for length in lengths:
        silicon = bulk("Si", cubic=True, a=length)
        silicon.calc = potential("matscipy:tersoff")
        energies.append(silicon.get_potential_energy() / 8)
    curve = np.polyfit(lengths - 5.43, energies, 3)
    best = np.roots(np.polyder(curve))
    best = float(best[np.argmin(np.abs(best))].real) + 5.43
    assert best == pytest.approx(5.432, abs=5e-4)  # published digits
    assert min(energies) == pytest.approx(-4.63, abs=5e-3)
    silicon = bulk("Si", cubic=True, a=5.3) * (2, 2, 1)
    silicon.rattle(0.1, seed=3)
    silicon.calc = potential("matscipy:tersoff")
    # third derivatives of 1e3 eV/Å³ times h²/6, and roundings of 300 eV, 1e-13, over h
    np.testing.assert_allclose(
        silicon.get_forces()[:4], calculate_numerical_forces(silicon, eps=1e-4, iatoms=range(4)), atol=1e-5
    )
    np.testing.assert_allclose(silicon.get_stress(), calculate_numerical_stress(silicon, eps=1e-5), atol=1e-6)


@pytest.mark.filterwarnings("ignore:'where' used:UserWarning")  # matscipy's, where the branch is not taken
def test_tersoff_of_ase_reads_the_file_of_lammps(tmp_path: Path) -> None:
    """Parameters of Si(C), J. Tersoff, Phys. Rev. B 39, 5566: cohesive energy 4.63 eV at 5.432 Å."""
    line = (
        "Si Si Si 3.0 1.0 0.0 100390 16.217 -0.59825 0.78734 1.1e-6 1.7322 471.18 2.85 0.15 2.4799 1830.8\n"
    )
    (tmp_path / "si.tersoff").write_text(line)
    silicon = bulk("Si", cubic=True, a=5.432)
    silicon.calc = potential(f"ase:tersoff:{tmp_path / 'si.tersoff'}")
    theirs = bulk("Si", cubic=True, a=5.432)
    theirs.calc = potential("matscipy:tersoff")
    # four digits of the parameters are published, which both round
    assert silicon.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), rel=1e-3)
    assert silicon.get_potential_energy() / 8 == pytest.approx(-4.63, abs=0.01)
