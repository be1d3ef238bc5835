"""Mistakes with files of structures, in every command that takes data: one sentence, exit status 2, earlier results untouched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")

MODEL = """from tests.support.environment_sets import density_backbone


def densities():
    return density_backbone(2)
"""
COMMANDS: dict[str, tuple[str, ...]] = {
    "diagnose": ("diagnose", "mine.py:densities", "--trust", "--out", "run", "--data"),
    "audit": ("audit", "mine.py:densities", "--trust", "--out", "run", "--data"),
    "learning-curve": ("learning-curve", "mine.py:densities", "--trust", "--out", "run", "--data"),
    "train": ("train", "--steps", "1", "--out", "run", "--data"),
    "check": ("data", "check"),
}


def held(atoms: Atoms, **results: Any) -> Atoms:
    """Return a copy that carries results."""
    copy = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    calculator: Any = SinglePointCalculator
    copy.calc = calculator(copy, **results)
    return copy


def copper(count: int = 12) -> list[Atoms]:
    """Copper that moves a little, with springs to its sites."""
    rng, made = np.random.default_rng(0), []
    for _ in range(count):
        atoms = bulk("Cu", cubic=True)
        moved = 0.05 * rng.normal(size=(4, 3))
        atoms.positions += moved
        made.append(held(atoms, forces=-5.0 * moved, energy=2.5 * float((moved**2).sum())))
    return made


def plain(atoms: Atoms) -> Atoms:
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)


def not_finite(atoms: Atoms) -> Atoms:
    return held(atoms, energy=0.1, forces=np.full((4, 3), np.nan))


def without_cell(atoms: Atoms) -> Atoms:
    wrong = held(atoms, **atoms.calc.results)
    wrong.calc.atoms.cell[:] = 0
    wrong.cell[:] = 0
    return wrong


def coincident(atoms: Atoms) -> Atoms:
    wrong = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    wrong.positions[2] = wrong.positions[0] + wrong.cell.array[1]
    return held(wrong, **atoms.calc.results)


FILES: dict[Callable[[Atoms], Atoms], str] = {
    plain: "has no forces (it has positions alone): expected an array named 'forces', so give a file that has them",
    not_finite: "only 12 structures with numbers that are not finite",
    without_cell: "only 12 structures whose periodic cell is flat or too small",
    coincident: "the atoms 0 (Cu) and 2 (Cu) of structure 0 lie on the same point",
}
OPTIONS: dict[tuple[str, ...], str] = {
    ("--forces-key", "nothere"): "--forces-key nothere is not in it: expected a name with one value for each atom",
    ("--energy-key", "nothere"): "--energy-key nothere is not in it",
    ("--stress-key", "nothere"): "--stress-key nothere is not in it",
    ("--elements", "C,H,O"): "its atoms have labels such as 'Cu': expected types 1, 2, 3 for --elements C,H,O",
    ("--elements", "Xx"): "'Xx' is no element",
    ("--units", "parsec"): "expected an energy",
    ("--force-units", "stone"): "--force-units stone is no unit of force",
    ("--select", "elemnt == 'Cu'"): "the name elemnt is not known: expected structure, atom, element",
    ("--select", "element = 'Cu'"): "cannot be read: expected comparisons joined by and, or, not",
    ("--select", "element == 'Au'"): "element == 'Au'",
    ("--isolated",): "an image of it comes as near as 2.",
}  # fmt: skip


def prepare(folder: Path, command: str) -> tuple[str, ...]:
    """Write the model, and an earlier result that nothing may touch."""
    (folder / "mine.py").write_text(MODEL)
    return COMMANDS[command]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("spoil", FILES, ids=lambda spoil: spoil.__name__)
def test_files_that_cannot_be_used(
    command: str, spoil: Callable[[Atoms], Atoms], ceilings: Callable[..., Any], tmp_path: Path
) -> None:
    ask = prepare(tmp_path, command)
    ase.io.write(tmp_path / "bad.traj", [spoil(atoms) for atoms in copper()])
    said = ceilings(*ask, "bad.traj").sentence()
    assert said.startswith("error: bad.traj: ")
    assert FILES[spoil] in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "name",
    ["a.xyz", "a.traj", "a.db", "vasprun.xml", "OUTCAR", "XDATCAR", "POSCAR", "a.lammpstrj", "a.npz", "a.h5"],
)
@pytest.mark.parametrize("content", [b"", b"this is no structure\n" * 9])
def test_files_of_nothing_and_of_something_else(
    command: str, name: str, content: bytes, ceilings: Callable[..., Any], tmp_path: Path
) -> None:
    ask = prepare(tmp_path, command)
    (tmp_path / name).write_bytes(content)
    said = ceilings(*ask, name).sentence()
    assert said.startswith(f"error: {name}: ")
    assert "expected" in said or "copy or write it again" in said
    assert "traceback" not in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("words", OPTIONS, ids=" ".join)
def test_options_that_do_not_fit_the_file_and_results_that_stay(
    command: str, words: tuple[str, ...], ceilings: Callable[..., Any], tmp_path: Path
) -> None:
    ask = prepare(tmp_path, command)
    ase.io.write(tmp_path / "copper.xyz", copper(), format="extxyz")
    earlier = {}
    if "--out" in ask:
        (tmp_path / "run").mkdir()
        for name in ("settings.json", "result.json", "curves.json"):
            (tmp_path / "run" / name).write_text('{"precious": 1}')
        earlier = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
        ask = (*ask[:-1], "--resume", ask[-1])
    assert OPTIONS[words] in ceilings(*ask, "copper.xyz", *words).sentence()
    if earlier:
        assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == earlier


@pytest.mark.parametrize("command", ["audit", "train"])
def test_a_mixed_file_in_which_atoms_overlap_is_refused_with_the_structure(
    command: str, ceilings: Callable[..., Any], tmp_path: Path
) -> None:
    ask = prepare(tmp_path, command)
    larger = [held(atoms * (2, 1, 1), energy=0.0, forces=np.full((8, 3), 0.1)) for atoms in copper()]
    made = [plain(copper()[1]), *copper(), *larger]
    made[1] = coincident(made[1])
    ase.io.write(tmp_path / "mixed.traj", made)
    said = ceilings(*ask, "mixed.traj").sentence()
    assert "the atoms 0 (Cu) and 2 (Cu) lie on the same point in structure 1; leave them out" in said
    assert '--select "structure != 1"' in said
    assert not (tmp_path / "run").exists()
