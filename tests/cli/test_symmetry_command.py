"""``ceilings audit`` of calculators and ``ceilings train`` of a model without symmetry."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write

from spectral_ceilings.diagnostic.symmetry.result import symmetry_schema

Run = Callable[..., Any]

CALCULATORS = """
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT


class Energies(Calculator):
    implemented_properties = ["energy"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 1.0}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    copper = bulk("Cu", cubic=True)
    copper.rattle(0.05, seed=1)
    write(tmp_path / "copper.xyz", [copper, copper * (2, 1, 1)], format="extxyz")
    write(tmp_path / "water.xyz", molecule("H2O"), format="extxyz")
    (tmp_path / "mine.py").write_text(CALCULATORS)
    return tmp_path


def test_a_symmetric_calculator_gives_status_0_and_goes_on(ceilings: Run, files: Path) -> None:
    options = ("copper.xyz", "--l-top", "1", "--no-inversion", "--out", "run")
    done = ceilings("audit", "ase:emt", *options, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["schema"] == "spectral-ceilings/symmetry/1"
    assert said["verdict"]["held"]
    jsonschema.validate(json.loads((files / "run" / "result.json").read_text()), symmetry_schema())
    assert "--resume" in ceilings("audit", "ase:emt", *options).sentence()
    again = ceilings("audit", "ase:emt", *options, "--resume")
    assert again.returncode == 0
    assert "F_rot, meV/Å" not in again.stdout  # one sentence, no table of roundings
    assert "EMT keeps rotational symmetry" in " ".join(again.stdout.split())


def test_a_model_without_symmetry_gives_status_1(ceilings: Run, files: Path) -> None:
    done = ceilings("audit", "aspirin-xtb-unconstrained", "water.xyz", "--l-top", "1", "--out", "run")
    assert done.returncode == 1, done.stderr
    assert "F_rot, meV/Å" in done.stdout
    assert "A model without symmetry does not keep" in " ".join(done.stdout.split())
    assert (files / "run" / "report.html").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mine.py:EMT", "copper.xyz"), "add --trust"),
        (("mine.py:Energies", "copper.xyz", "--trust"), "Energies gives energy and no forces"),
        (("aspirin-xtb-unconstrained", "copper.xyz"), "is periodic and this model knows no cells"),
        (("ase:emt", "copper.xyz", "--parts", "features"), "has no features that rotate"),
        (("ase:emt", "copper.xyz", "--parts", "features,symmetry"), "which need separate runs"),
        (("ase:emt", "copper.xyz", "--l-top", "11"), "l_top is 11, expected 1 to 10"),
        (("ase:emt", "nothing.xyz"), "no file at nothing.xyz"),
        (("ase:nothing", "copper.xyz"), "is not a known calculator"),
        (("ase:emt", "water.xyz", "--frames", "0"), "structures is 0, expected at least 1"),
    ],
)
def test_wrong_use_is_told_in_one_sentence(
    ceilings: Run, files: Path, words: tuple[str, ...], said: str
) -> None:
    done = ceilings("audit", *words, "--out", "run")
    assert said in done.sentence()
    assert not (files / "run").exists()


def test_a_python_file_gives_a_calculator(ceilings: Run, files: Path) -> None:
    done = ceilings(
        "audit", "mine.py:EMT", "copper.xyz", "--trust", "--l-top", "1", "--frames", "1", "--out", "run"
    )
    assert done.returncode == 0, done.stderr


def test_a_model_without_symmetry_is_trained_and_audited(ceilings: Run, tmp_path: Path) -> None:
    small = (
        "--architecture",
        "unconstrained",
        "--augment",
        "--steps",
        "2",
        "--batch-size",
        "2",
        "--out",
        "model",
    )
    done = ceilings("train", *small, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["frames"] == {"training": 600, "validation": 100, "held_out": 300}
    assert "exists already" in ceilings("train", *small).sentence()
    write(tmp_path / "water.xyz", Atoms(molecule("H2O")), format="extxyz")
    options = ("--l-top", "1", "--no-inversion", "--tolerance", "1e9", "--out", "run")
    assert ceilings("audit", "model", "water.xyz", *options).returncode == 0
    assert "--augment teaches rotations" in ceilings("train", "--augment", "--out", "other").sentence()
