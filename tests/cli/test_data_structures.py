"""``ceilings data inspect`` and ``check`` of crystals, boxes and mixed sets; options of reading in the other commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

from spectral_ceilings.diagnostic.frames.reading import read_frames

Run = Callable[..., tuple[int, str, str]]


def single(atoms: Atoms, **results: Any) -> Atoms:
    calculator: Any = SinglePointCalculator
    atoms.calc = calculator(atoms, **results)
    return atoms


def copper(count: int = 4) -> list[Atoms]:
    made = []
    for k in range(count):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.05, seed=k)
        atoms.calc = EMT()
        made.append(
            single(
                atoms,
                energy=atoms.get_potential_energy(),
                forces=atoms.get_forces(),
                stress=atoms.get_stress(),
            )
        )
    return made


def ethanol(count: int = 40) -> list[Atoms]:
    return read_frames("ethanol-xtb").select(range(count)).to_ase()


def test_a_mixed_file_is_described_and_judged(run: Run, tmp_path: Path) -> None:
    crystals, molecules = copper(), ethanol()
    forces = molecules[2].calc.results["forces"]
    single(molecules[2], energy=-1.0, forces=forces + np.array([0.1, 0, 0]))
    near = molecules[3].copy()
    near.positions[8] = near.positions[7] + [0.1, 0, 0]
    single(near, energy=-1.0, forces=forces)
    path = tmp_path / "mixed.traj"
    ase.io.write(path, [Atoms("Cu"), *crystals, *molecules, near, molecules[0]])
    code, out, _ = run("check", str(path), "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["structures"] == {"total": 47, "ok": 43, "doubtful": 2, "unusable": 2, "looked_at": 45}
    judged = {row["structure"]: (row["verdict"], row["why"]) for row in answer["judged"]}
    assert set(judged) == {0, 7, 45, 46}
    assert judged[0] == ("unusable", "an isolated atom has no environment")
    # 0.1 eV/Å on each of nine atoms, beside what GFN2-xTB leaves
    assert judged[7][0] == "doubtful"
    assert judged[7][1].startswith("its forces add up to 100 meV/Å for each atom")
    assert judged[45][0] == "unusable"
    assert "are 0.100 Å apart" in judged[45][1]
    assert judged[46] == ("doubtful", "it is a copy of an earlier one")
    code, out, _ = run("check", str(path))
    assert code == 0
    assert "structures  43 ok, 2 doubtful, 2 unusable" in out
    code, out, _ = run("inspect", str(path), "--json")
    assert code == 0
    facts = json.loads(out)
    assert facts["compositions"]["most_frequent"] == [
        {"formula": "C2H6O", "count": 42},
        {"formula": "Cu4", "count": 4},
        {"formula": "Cu", "count": 1},
    ]
    assert facts["cells"]["periodic"] == 4
    assert facts["cells"]["volume_A3"] == pytest.approx([crystals[0].get_volume()] * 2, rel=1e-12)
    assert facts["cells"]["nearest_image_A"] == pytest.approx([3.61, 3.61], rel=1e-12)
    nearest = {row["pair"]: row["nearest"] for row in facts["nearest_A"]}
    expected = min((d := atoms.get_all_distances(mic=True))[d > 0].min() for atoms in crystals)
    assert nearest["Cu-Cu"] == pytest.approx(expected, rel=1e-12)
    assert facts["labels"]["stress"] == {"name": "stress", "count": 4}
    assert facts["left_out"] == {"isolated atoms": 1, "copies of others": 1}
    code, out, _ = run("inspect", str(path))
    assert code == 0
    for words in ("mixed.traj", "C2H6O", "Cu-Cu", "left out   1 isolated atoms"):
        assert words in out


def test_what_cannot_be_read_as_a_crystal_is_counted(run: Run, tmp_path: Path) -> None:
    """A flat cell, one far too small, numbers that are not finite and no forces, beside four crystals."""
    made = [*copper(), *copper(4)]
    for k, atoms in enumerate(made):
        results = dict(atoms.calc.results)
        if k == 4:
            atoms.cell[2] = atoms.cell[1]
        elif k == 5:
            atoms.set_cell(atoms.cell.array * 1e-3, scale_atoms=True)
        elif k == 6:
            results["forces"] = results["forces"] * np.nan
        single(atoms, **({} if k == 7 else results))
    path = tmp_path / "odd.traj"
    ase.io.write(path, made)
    code, out, _ = run("inspect", str(path), "--json")
    assert code == 0
    facts = json.loads(out)
    assert facts["left_out"] == {
        "structures without forces": 1,
        "structures whose periodic cell is flat or too small": 2,
        "structures with numbers that are not finite": 1,
    }
    assert (facts["structures"], facts["looked_at"]) == (8, 5)
    code, out, _ = run("check", str(path), "--json")
    assert code == 0
    answer = json.loads(out)
    assert len([note for note in answer["notes"] if "are left out" in note]) == 3


def test_a_part_of_a_file_is_selected(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mixed.traj"
    ase.io.write(path, [*copper(), *ethanol()])
    code, out, _ = run("check", str(path), "--select", "element == 'O' and structure < 34")
    assert code == 0
    assert "30 frames of C2H6O" in out
    code, _, err = run("check", str(path), "--select", "element == O")
    assert code == 2
    assert "the name O is not known" in err
    code, _, err = run("check", str(path), "--select", "formula == 'H2O'")
    assert code == 2
    assert "holds for none of its 44 structures" in err


def test_names_of_labels_are_options(run: Run, tmp_path: Path) -> None:
    made = []
    for image in ethanol():
        plain = Atoms(image.numbers, image.positions)
        plain.arrays |= {"a_forces": image.get_forces()}
        plain.info["b"] = image.get_potential_energy()
        made.append(plain)
    path = tmp_path / "names.extxyz"
    ase.io.write(path, made)
    code, _, err = run("check", str(path))
    assert code == 2
    assert "it has a_forces, b" in err
    code, out, _ = run("check", str(path), "--forces-key", "a_forces", "--energy-key", "b")
    assert code == 0
    assert "energies change by" in out


def test_a_box_is_used_or_dropped(run: Run, tmp_path: Path) -> None:
    made = ethanol()
    for image in made:
        results = image.calc.results
        image.set_cell([20, 20, 20])
        image.pbc = True
        single(image, **results)
    path = tmp_path / "box.traj"
    ase.io.write(path, made)
    code, out, _ = run("inspect", str(path), "--json")
    assert code == 0
    assert json.loads(out)["cells"]["periodic"] == 40
    code, out, _ = run("check", str(path), "--isolated")
    assert code == 0
    assert "cells are dropped" in out
    assert "Badger's rule" in out


def test_a_molecule_with_numbers_that_are_not_finite_is_described_and_refused(
    run: Run, tmp_path: Path
) -> None:
    made = ethanol()
    forces = made[3].calc.results["forces"].copy()
    forces[2, 1] = np.nan
    single(made[3], energy=-1.0, forces=forces)
    path = tmp_path / "one.xyz"
    ase.io.write(path, made)
    code, out, _ = run("inspect", str(path), "--json")
    assert code == 0
    facts = json.loads(out)
    assert facts["left_out"] == {"structures with numbers that are not finite": 1}
    code, _, err = run("check", str(path))
    assert code == 2
    assert "1 of the 1080 numbers in its forces are not finite, the first in frame 3, atom 2" in err


def test_a_text_file_without_its_last_line_break_says_so(run: Run, tmp_path: Path) -> None:
    """A number that was cut short is a number."""
    for name, made in (("crystal.xyz", copper()), ("molecule.xyz", ethanol())):
        path = tmp_path / name
        ase.io.write(path, made, format="extxyz")
        code, out, _ = run("inspect", str(path), "--json")
        assert (code, json.loads(out)["notes"]) == (0, [])
        path.write_bytes(path.read_bytes()[:-3])
        code, out, _ = run("inspect", str(path), "--json")
        assert code == 0
        assert any("its last line has no line break" in note for note in json.loads(out)["notes"])
