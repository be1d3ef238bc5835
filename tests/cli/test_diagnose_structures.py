"""``ceilings diagnose`` of crystals and mixed sets: its options, what it prints, and the one sentence of what cannot be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.io
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from user_files import vibrating, with_results

Run = Callable[..., Any]
MODEL = """from tests.support.environment_sets import density_backbone


def densities():
    return density_backbone(4)
"""
QUICK = ("--degrees", "1", "--l-top", "3", "--bootstrap", "100", "--no-controls", "--workers", "1")


def copper(count: int) -> list[Atoms]:
    images = []
    for seed in range(count):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        held = with_results(atoms.numbers, atoms.positions, atoms.get_potential_energy(), atoms.get_forces())
        held.set_cell(atoms.cell)
        held.pbc = True
        held.calc.atoms = held.copy()
        images.append(held)
    return images


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, files of ethanol, of copper and ethanol, and of copper that is hot or cold."""
    path = tmp_path_factory.mktemp("files")
    (path / "mine.py").write_text(MODEL)
    ethanol = vibrating("CH3CH2OH", 100)
    ase.io.write(path / "ethanol.xyz", ethanol)
    ase.io.write(path / "mixed.xyz", [*copper(60), *ethanol])
    told = copper(80)
    for k, image in enumerate(told):
        image.info["config_type"] = "cold" if k % 2 else "hot"
    ase.io.write(path / "told.xyz", told)
    return path


def pools(out: Path) -> dict[str, int]:
    """Return the number of environments of every scope."""
    entries = json.loads((out / "result.json").read_text())["data"]["environments"]
    return {entry["scope"]: sum(entry["rows"].values()) for entry in entries}


def test_a_mixed_set_is_measured_by_element_and_the_sample_is_as_large_as_asked(
    ceilings: Run, folder: Path, tmp_path: Path
) -> None:
    ask = ("diagnose", f"{folder / 'mine.py'}:densities", folder / "mixed.xyz", "--trust", *QUICK)
    done = ceilings(*ask, "--environments", "120", "--out", "run")
    assert done.returncode in (0, 1), done.stderr
    counts = pools(tmp_path / "run")
    assert set(counts) == {f"element:{symbol}" for symbol in ("Cu", "H", "C", "O")}
    # one O in each ethanol, 100 of them; the others have at least 120
    assert counts["element:O"] <= 100
    assert max(counts.values()) <= 120
    assert "median element and every element" in " ".join(done.stdout.split())
    chosen = (
        "--select",
        "element == 'O'",
        "--select",
        "periodic and atom < 3",
        "--out",
        "selected",
        "--json",
    )
    done = ceilings(*ask, *chosen)
    assert done.returncode in (0, 1), done.stderr
    assert set(pools(tmp_path / "selected")) == {"select:element == 'O'", "select:periodic and atom < 3"}
    assert set(json.loads(done.stdout)) == {"report", "verdict"}


def test_one_molecule_is_measured_by_element_where_asked(ceilings: Run, folder: Path, tmp_path: Path) -> None:
    ask = ("diagnose", f"{folder / 'mine.py'}:densities", folder / "ethanol.xyz", "--trust", *QUICK)
    done = ceilings(*ask, "--by", "element", "--select", "element != 'H'", "--out", "run")
    assert done.returncode in (0, 1), done.stderr
    assert set(pools(tmp_path / "run")) == {"element:C", "element:O"}
    done = ceilings(*ask, "--by", "atom", "--atoms", "2", "--out", "atom")
    assert done.returncode in (0, 1), done.stderr
    result = json.loads((tmp_path / "atom" / "result.json").read_text())
    assert "environments" not in result["data"]
    assert {row["scope"] for row in result["recovery"]} == {"molecule", "element:O", "atom:2"}


def test_structures_of_one_composition_are_selected_by_what_the_file_says(
    ceilings: Run, folder: Path, tmp_path: Path
) -> None:
    ask = ("diagnose", f"{folder / 'mine.py'}:densities", folder / "told.xyz", "--trust", *QUICK)
    done = ceilings(*ask, "--select", "config_type == 'hot'", "--out", "run")
    assert done.returncode in (0, 1), done.stderr
    assert pools(tmp_path / "run") == {"element:Cu": 40 * 4}


def test_learning_curves_of_a_mixed_set_are_by_element_and_taken_up(
    ceilings: Run, folder: Path, tmp_path: Path
) -> None:
    ask = ("learning-curve", f"{folder / 'mine.py'}:densities", folder / "mixed.xyz", "--trust", "--degree", "1",
           "--environments", "120", "--select", "element == 'O'", "--out", "run")  # fmt: skip
    done = ceilings(*ask)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "held-out environments" in said
    assert "O (chosen)" in said
    result = json.loads((tmp_path / "run" / "curves.json").read_text())
    assert [atom["scope"] for atom in result["atoms"]] == ["element:O"]
    again = ceilings(*ask, "--resume", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == result
    assert "exists already" in ceilings(*ask).sentence()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--by", "atom"), "leave --by atom out"),
        (("--atoms", "0"), "choose atoms with select"),
        (("--select", "elemnt == 'O'"), "the name elemnt is not known"),
        (("--select", "element == 'Au'"), "no atom is selected by"),
        (("--environments", "20"), "expected an integer from 100 to 1000000"),
        (("--forces-key", "nothere"), "nothere"),
    ],
)
def test_what_no_learning_curve_can_be_drawn_of_is_one_sentence(
    words: tuple[str, ...], sentence: str, ceilings: Run, folder: Path, tmp_path: Path
) -> None:
    model = f"{folder / 'mine.py'}:densities"
    said = ceilings("learning-curve", model, folder / "mixed.xyz", "--trust", "--out", "run", *words)
    assert sentence in said.sentence()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("data", "words", "sentence"),
    [
        ("mixed.xyz", ("--by", "elements"), "did you mean element?"),
        ("mixed.xyz", ("--by", "atom"), "leave --by atom out"),
        ("ethanol.xyz", ("--by", "atom", "--select", "element == 'C'"), "leave one of them out"),
        ("mixed.xyz", ("--environments", "20"), "expected an integer from 100 to 1000000"),
        ("mixed.xyz", ("--environments", "many"), "--environments"),
        ("mixed.xyz", ("--select", "element = 'O'"), "cannot be read: expected comparisons joined by and"),
        ("mixed.xyz", ("--select", "elemnt == 'O'"), "the name elemnt is not known"),
        ("mixed.xyz", ("--select", "element == 'Au'"), "no atom is selected by"),
        ("mixed.xyz", ("--select", "element == 'O'", "--select", "atom == 0"), "expected one element"),
        ("mixed.xyz", ("--atoms", "0"), "choose atoms with select"),
        ("mixed.xyz", ("--turned",), "turned runs the network on turned frames of one molecule"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    data: str, words: tuple[str, ...], sentence: str, ceilings: Run, folder: Path, tmp_path: Path
) -> None:
    model = f"{folder / 'mine.py'}:densities"
    said = ceilings("diagnose", model, folder / data, "--trust", "--out", "run", *words).sentence()
    assert sentence in said
    assert not (tmp_path / "run").exists()


def test_structures_in_which_atoms_overlap_are_left_out_of_a_mixed_set(
    ceilings: Run, folder: Path, tmp_path: Path
) -> None:
    """A model's features of coincident atoms are no numbers; a training does not go on with them."""
    made = [*copper(60), *vibrating("CH3CH2OH", 100)]
    for k, (first, second) in ((2, (0, 1)), (70, (3, 5))):
        results = made[k].calc.results
        made[k].positions[second] = made[k].positions[first] + made[k].cell.array[0]
        made[k].calc = SinglePointCalculator(made[k], **results)
    ase.io.write(tmp_path / "overlapping.xyz", made)
    model = f"{folder / 'mine.py'}:densities"
    done = ceilings("diagnose", model, "overlapping.xyz", "--trust", *QUICK, "--out", "run")
    assert done.returncode in (0, 1), done.stderr
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert "2 structures in which atoms overlap are left out" in result["data"]["note"]
    said = ceilings("train", "--data", "overlapping.xyz", "--out", "trained").sentence()
    assert "lie on the same point in structure 2; leave them out" in said
    assert '--select "structure != 2"' in said
    assert not (tmp_path / "trained").exists()
