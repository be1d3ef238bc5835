"""``ceilings observe`` as a user runs it: isotropic and tilted water, kill and resume, and what is refused before any work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import units
from ase.build import molecule
from ase.calculators.emt import EMT
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import validate

from spectral_ceilings.cli.observe import tolerances_of
from spectral_ceilings.diagnostic.dynamics.storage import read_trajectory
from spectral_ceilings.diagnostic.records.assets import shipped_schema
from spectral_ceilings.theory.errors import InputError

Run = Callable[..., Any]
SPRINGS = '''
import time
import numpy as np
from ase.calculators.calculator import Calculator, all_changes

class Springs(Calculator):
    """Water of three springs; ``tilt`` (eV/Å) pulls O up and H down, ``wait`` (s) passes at every evaluation."""
    implemented_properties = ["energy", "forces"]

    def __init__(self, tilt=0.0, wait=0.0, stiff=1.0, nan_after=0, **more):
        super().__init__(**more)
        self.tilt, self.wait, self.stiff, self.nan_after, self.count = tilt, wait, stiff, nan_after, 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        time.sleep(self.wait)
        self.count += 1
        places, forces, energy = self.atoms.positions, np.zeros((3, 3)), 0.0
        for i, j, rest, k in ((0, 1, 0.97, 50.0), (0, 2, 0.97, 50.0), (1, 2, 1.53, 20.0)):
            step = places[i] - places[j]
            length = np.linalg.norm(step)
            energy += 0.5 * self.stiff * k * (length - rest) ** 2
            pull = self.stiff * k * (length - rest) * step / length
            forces[i] -= pull
            forces[j] += pull
        energy += self.tilt * (places[0, 2] - 0.5 * (places[1, 2] + places[2, 2]))
        forces[:, 2] -= self.tilt * np.array([1.0, -0.5, -0.5])
        if self.nan_after and self.count > self.nan_after:
            forces[:] = np.nan
        self.results = {"energy": float(energy), "forces": forces}

def water(): return Springs()
def tilted(): return Springs(0.5)
def slow(): return Springs(wait=0.004)
def torn(): return Springs(stiff=-0.02)
def weighed(): return Springs(stiff=float(np.loadtxt("stiff.txt")))
def nan(): return Springs(nan_after=60)
'''
SHORT = ("--trust", "--steps", 200, "--equilibration", 50, "--sample-every", 5, "--no-predict")


@pytest.fixture
def springs(tmp_path: Path) -> str:
    (tmp_path / "springs.py").write_text(SPRINGS, encoding="utf-8")
    return "springs.py"


def test_torque_tells_an_isotropic_from_a_tilted_water_and_a_grid_cures_it(
    ceilings: Run, springs: str
) -> None:
    asked = (
        "molecule:H2O",
        *[2000 if word == 200 else word for word in SHORT],  # until it has turned
        "--observables",
        "torque,drift",
        "--ensemble",
        "nve",
        "--tolerance",
        "drift=1e6",
    )
    whole = ceilings("observe", f"{springs}:water", *asked, "--out", "whole", "--json")
    statements = {row["name"]: row for row in json.loads(whole.stdout)["verdict"]["statements"]}
    assert statements["torque"]["outcome"] == "held"
    tilted = ceilings("observe", f"{springs}:tilted", *asked, "--cures", "none,grid-1", "--out", "tilted")
    assert tilted.returncode == 1, tilted.stderr
    assert "about" in tilted.stderr  # the estimate comes before the work
    result = json.loads(Path("tilted/result.json").read_text(encoding="utf-8"))
    validate(result, shipped_schema("observe"))
    assert result["verdict"]["outcome"] == "contradicted"
    torque = result["observables"]["torque"]
    # A force 0.5 eV/Å on an arm of some 0.6 Å; the grid removes l = 1 exactly, and rounding is left.
    assert torque["none"]["numbers"][0]["value"] > 0.01
    assert torque["grid-1"]["numbers"][0]["value"] < 1e-9
    assert torque["grid-1"]["outcome"] == "held"
    assert result["cures"]["reference"] == "grid-1"
    assert [run["evaluations"] for run in result["runs"]] == [1.0, 4.0]
    assert Path("tilted/report.html").is_file()
    before = Path("tilted/result.json").read_bytes()
    assert "tilted" in ceilings("observe", f"{springs}:tilted", *asked, "--out", "tilted").sentence()
    other = ceilings(
        "observe", f"{springs}:water", *asked, "--cures", "none,grid-1", "--out", "tilted", "--resume"
    )
    assert "model.source" in other.sentence()
    longer = ceilings(
        "observe", f"{springs}:tilted", *asked, "--cures", "none", "--out", "tilted", "--resume"
    )
    assert "cures" in longer.sentence()
    assert Path("tilted/result.json").read_bytes() == before


def test_a_killed_run_goes_on_to_the_same_trajectory(ceilings: Run, springs: str, tmp_path: Path) -> None:
    asked = ["observe", "molecule:H2O", *map(str, SHORT), "--observables", "torque", "--out"]
    command = [
        sys.executable,
        "-c",
        "from spectral_ceilings.cli.app import main; main()",
        asked[0],
        f"{springs}:slow",
        *asked[1:],
        "killed",
    ]
    started = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = tmp_path / "killed" / "runs" / "none" / "0" / "state.npz"
    limit = time.monotonic() + 60
    while time.monotonic() < limit and started.poll() is None:
        if state.exists() and int(np.load(state)["records"]) > 5:
            break
        time.sleep(0.02)
    os.kill(started.pid, signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed" / "result.json").exists()
    done = ceilings(asked[0], f"{springs}:slow", *asked[1:], "killed", "--resume")
    assert done.returncode == 0, done.stderr
    ceilings(asked[0], f"{springs}:slow", *asked[1:], "whole")
    first, second = (read_trajectory(Path(name) / "runs" / "none" / "0") for name in ("killed", "whole"))
    for name in ("times", "positions", "velocities", "forces", "potential", "kinetic", "conserved"):
        assert (getattr(first, name) == getattr(second, name)).all(), name
    rows = [json.loads(Path(name, "result.json").read_text())["observables"] for name in ("killed", "whole")]
    assert rows[0] == rows[1]


def test_units_of_a_file_are_declared_as_for_every_command(ceilings: Run, tmp_path: Path) -> None:
    frames = []
    for seed in range(4):
        water = molecule("H2O")
        water.rattle(0.02, seed=seed)
        water.calc = EMT()
        frames.append((water.positions, water.get_potential_energy(), water.get_forces()))
    positions, energies, forces = (np.array(each) for each in zip(*frames, strict=True))
    np.savez(
        tmp_path / "w.npz", numbers=water.numbers, positions=positions / units.Bohr, energies=energies / units.Hartree,
        forces=forces / units.Hartree * units.Bohr,
    )  # fmt: skip
    asked = ("observe", "ase:emt", "w.npz", "--observables", "drift", *SHORT[1:], "--out", "run")
    assert "--units" in ceilings(*asked).sentence()
    assert ceilings(*asked, "--units", "Ha,bohr").returncode in (0, 1)
    run = read_trajectory(tmp_path / "run/runs/none/0")
    assert np.abs(np.linalg.norm(run.positions[:, 1:] - run.positions[:, :1], axis=2) - 0.97).max() < 0.4


def test_a_finished_job_is_made_longer_and_the_calculator_has_to_be_the_same(
    ceilings: Run, springs: str
) -> None:
    asked = ("molecule:H2O", *SHORT, "--observables", "torque,temperature", "--seed", 3, "--out")
    longer = [300 if word == 200 else word for word in asked]
    model = f"{springs}:weighed"
    Path("stiff.txt").write_text("1.0", encoding="utf-8")
    ceilings("observe", model, *asked, "grown")
    short = json.loads(Path("grown/result.json").read_text(encoding="utf-8"))
    assert short["runs"][0]["steps"] == 200
    # the same words and the same file of code, and another answer
    Path("stiff.txt").write_text("1.001", encoding="utf-8")
    for words in (asked, longer):
        refused = ceilings("observe", model, *words, "grown", "--resume")
        assert "another calculator: at its first structure" in refused.sentence()
    assert json.loads(Path("grown/settings.json").read_text())["settings"]["settings"]["steps"] == 200
    Path("stiff.txt").write_text("1.0", encoding="utf-8")
    ceilings("observe", model, *longer, "grown", "--resume")
    ceilings("observe", model, *longer, "whole")
    for field in ("positions", "velocities", "forces", "conserved"):
        grown, whole = (
            getattr(read_trajectory(Path(name) / "runs/none/0"), field) for name in ("grown", "whole")
        )
        assert len(grown) == 61
        assert (grown == whole).all(), field
    results = [json.loads(Path(name, "result.json").read_text()) for name in ("grown", "whole")]
    assert results[0]["observables"] == results[1]["observables"] != short["observables"]
    assert results[0]["settings"]["steps"] == results[0]["runs"][0]["steps"] == 300
    shorter = ceilings("observe", model, *asked, "grown", "--resume")
    assert "settings.steps = 300, this run asks for 200" in shorter.sentence()


@pytest.mark.parametrize(("function", "said"), [("torn", "broke"), ("nan", "no longer finite")])
def test_a_run_that_ends_early_is_said_and_kept(
    ceilings: Run, springs: str, function: str, said: str
) -> None:
    done = ceilings(
        "observe", f"{springs}:{function}", "molecule:H2O", *SHORT, "--observables", "torque", "--out", "run"
    )
    assert done.returncode == 1, done.stderr
    result = json.loads(Path("run/result.json").read_text(encoding="utf-8"))
    validate(result, shipped_schema("observe"))
    assert said in result["runs"][0]["ended"] or "apart" in result["runs"][0]["ended"]
    assert result["verdict"]["statements"][0]["name"] == "runs"
    assert "ended early" in done.stdout
    assert len(read_trajectory("run/runs/none/0").times) == result["runs"][0]["records"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ase:emt",), "no structure was given"),
        ((), "no model was given"),
        (("ase:emt", "bulk:Cu", "--observables", "sound"), "'sound' is none of orientation"),
        (("ase:emt", "bulk:Cu", "--cures", "grid"), "cure is 'grid'"),
        (("ase:emt", "bulk:Cu", "--cures", "none,none"), "'none' twice"),
        (("ase:emt", "bulk:Cu", "--cures", "none,,grid-2"), "empty value"),
        (("ase:emt", "bulk:Cu", "--cures", "mts-7:grid-2"), "multiple of 7"),
        (("ase:emt", "bulk:Cu", "--tolerance", "drift"), "NAME=VALUE"),
        (("ase:emt", "bulk:Cu", "--tolerance", "sound=1"), "tolerances has 'sound'"),
        (("ase:emt", "bulk:Cu", "--field", "Q2:0.1"), "the field 'Q2:0.1' is unknown"),
        (("ase:emt", "bulk:Cu", "--steps", 0), "steps is 0"),
        (("ase:emt", "bulk:Cu", "--steps", 5), "sample_every is 10, more than the 5 steps"),
        (("ase:emt", "bulk:Cu", "--temperature", "-3"), "temperature is -3"),
        (("ase:emt", "bulk:Cu", "--temperature", "nan"), "temperature is nan"),
        (("ase:emt", "bulk:Cu", "--against", "nowhere"), "nowhere"),
        (("ase:emt", "bulk:Cu", "--driver", "lammps"), "'lammps' is none of ase, i-pi"),
        (("ase:emt", "molecule:Nowhere"), "Nowhere"),
        (("ase:emt", "molecule:H2O", "--observables", "msd,rdf"), "rdf: g(r) needs a density"),
        (("ase:emt", "bulk:Cu:cubic", "--observables", "torque"), "torque: forces of periodic images"),
        (("ase:emt", "molecule:H2O", "--observables", "spectrum", "--steps", 300), "spectra need 64 records"),
    ],
)
def test_what_cannot_be_is_one_sentence(ceilings: Run, words: tuple[Any, ...], said: str) -> None:
    assert said in ceilings("observe", *words, "--out", "run").sentence()
    assert not Path("run").exists()


@settings(max_examples=50)
@given(text=st.text(max_size=12))
def test_a_tolerance_is_read_or_refused_in_one_sentence(text: str) -> None:
    name, equals, number = text.partition("=")
    try:
        wanted = {name.strip(): float(number)} if equals else None
    except ValueError:
        wanted = None
    if wanted is None or not 0.0 <= wanted[name.strip()] < float("inf"):
        with pytest.raises(InputError, match="NAME=VALUE"):
            tolerances_of([text])
    else:
        assert tolerances_of([text]) == wanted


@given(value=st.floats(0, 1e6))
def test_a_tolerance_keeps_its_bits(value: float) -> None:
    assert tolerances_of([f"drift={value!r}"]) == {"drift": value}
