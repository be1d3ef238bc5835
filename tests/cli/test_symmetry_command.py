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
        (("aspirin-xtb-unconstrained", "copper.xyz"), "atomic number 29 is unknown to the model"),
        (("ase:emt", "copper.xyz", "--parts", "features"), "has no features that rotate"),
        (("ase:emt", "copper.xyz", "--parts", "features,symmetry"), "which need separate runs"),
        (("ase:emt", "copper.xyz", "--l-top", "11"), "l_top is 11, expected 1 to 10"),
        (("ase:emt", "nothing.xyz"), "no file at nothing.xyz"),
        (("ase:nothing", "copper.xyz"), "is not a known calculator"),
        (("ase:tersoff", "copper.xyz"), "'ase:tersoff' takes parameters"),
        (("nowhere.models:make", "copper.xyz"), "no module 'nowhere' is installed here"),
        (("ase.calculators.emt:parameters", "copper.xyz"), "is dict and cannot be called"),
        (
            ("ase.calculators.tersoff:Tersoff", "copper.xyz"),
            "takes parameters, expected a function that takes nothing",
        ),
        (
            ("collections:OrderedDict", "copper.xyz"),
            "returned OrderedDict, expected an ASE calculator or a backbone",
        ),
        (
            ("aspirin-xtb-l2", "water.xyz", "--benchmark", "--parts", "readouts"),
            "--benchmark belongs to --parts symmetry",
        ),
        (("ase.calculators.emt:EMT", "copper.xyz", "--parts", "features"), "has no features that rotate"),
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


def test_a_callable_of_an_installed_package_needs_no_trust_and_the_benchmark_is_printed(
    ceilings: Run, files: Path
) -> None:
    options = ("--l-top", "1", "--no-inversion", "--frames", "1", "--benchmark")
    done = ceilings("audit", "ase.calculators.emt:EMT", "copper.xyz", *options, "--out", "run")
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert "228 pairs" in words
    assert "ΔF, meV/Å" in words
    measured = json.loads((files / "run" / "result.json").read_text())["fixed_benchmark"]
    # A crystal that is turned with its cell: rounding of float64.
    assert measured["force_max"] < 1e-9
    said = json.loads(ceilings("audit", "ase:emt", "copper.xyz", *options, "--json", "--out", "other").stdout)
    assert said["fixed_benchmark"]["pairs"] == 228


def test_a_backbone_with_the_benchmark_alone_is_an_audit_of_symmetry(ceilings: Run, files: Path) -> None:
    options = ("--l-top", "1", "--no-inversion", "--benchmark", "--out", "run")
    done = ceilings("audit", "aspirin-xtb-unconstrained", "water.xyz", *options)
    assert done.returncode == 1, done.stderr
    measured = json.loads((files / "run" / "result.json").read_text())["fixed_benchmark"]
    assert measured["pairs"] == 114
    assert measured["force_mean"] > 1.0


def test_what_the_users_module_raises_is_kept_with_its_traceback(
    ceilings: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "licensed_model.py").write_text("raise ValueError('no licence')\n")
    monkeypatch.syspath_prepend(str(files))
    done = ceilings("audit", "licensed_model:make", "copper.xyz", "--out", "run")
    assert done.returncode == 2
    assert "licensed_model.py raised ValueError: no licence (line 1" in done.stderr
    assert "ValueError: no licence" in (files / "run-traceback.txt").read_text()


@pytest.mark.parametrize("command", ["diagnose", "layers"])
def test_a_calculator_is_told_that_it_has_no_features(ceilings: Run, files: Path, command: str) -> None:
    out = ("--out", "run") if command == "diagnose" else ()
    said = ceilings(command, "--backbone", "tblite:GFN2-xTB", *out).sentence()
    assert "tblite:GFN2-xTB is a calculator: it has no features" in said
    assert "'ceilings audit tblite:GFN2-xTB --parts symmetry'" in said
