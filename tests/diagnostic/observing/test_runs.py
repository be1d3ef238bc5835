"""The runs of a job: folders that every file system takes, rows that say what a run was, one sentence for each early end."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT

from benchmarks.springs import WATER, Springs
from spectral_ceilings.diagnostic import FieldCalculator, observe
from spectral_ceilings.diagnostic.dynamics import read_trajectory
from spectral_ceilings.diagnostic.observing.runs import ended_sentence, folder_of, key_of, run_all
from spectral_ceilings.diagnostic.observing.settings import ObserveSettings
from spectral_ceilings.diagnostic.records.parts import Parts
from spectral_ceilings.diagnostic.records.progress import silent

SETTINGS = ObserveSettings(
    steps=20, equilibration=4, sample_every=2, cures=("none", "mts-2:inversion"), replicas=2
)


class Counting(EMT):
    """EMT that counts what it is asked."""

    calls = 0

    def calculate(self, *given):
        type(self).calls += 1
        super().calculate(*given)


def test_a_cure_is_a_folder_on_every_file_system():
    names = {folder_of(cure, 1).as_posix() for cure in ("none", "mts-10:grid-2", "grid-2-inversion")}
    assert names == {"runs/none/1", "runs/mts-10_grid-2/1", "runs/grid-2-inversion/1"}


def test_runs_are_kept_and_taken_up_by_their_length(tmp_path):
    atoms, folder = molecule("H2O"), tmp_path / "job"
    with Parts.open(folder, {"a": 1}, resume=False) as parts:
        rows, trajectories = run_all(atoms, Counting(), SETTINGS, parts, silent)
    assert [(row["cure"], row["replica"]) for row in rows] == [
        ("none", 0), ("none", 1), ("mts-2:inversion", 0), ("mts-2:inversion", 1),
    ]  # fmt: skip
    for row in rows:
        kept = read_trajectory(folder / row["folder"])
        made = trajectories[row["cure"]][row["replica"]]
        assert np.array_equal(kept.positions, made.positions)
        assert (row["steps"], row["records"], row["time_ps"], row["ended"]) == (20, 11, 0.01, "")
    # replicas are other runs, and begin alike under every cure
    first, second = trajectories["none"]
    assert not np.array_equal(first.positions[-1], second.positions[-1])
    Counting.calls = 0
    with Parts.open(folder, {"a": 1}, resume=True) as parts:
        again, _ = run_all(atoms, Counting(), SETTINGS, parts, silent)
        assert again == rows
        assert Counting.calls == 0  # every run was there
        longer = ObserveSettings(**{**SETTINGS.__dict__, "steps": 24})
        grown, _ = run_all(atoms, Counting(), longer, parts, silent)
    assert Counting.calls > 0
    assert [row["records"] for row in grown] == [13] * 4
    assert key_of(longer, "none", 0) != key_of(SETTINGS, "none", 0)


@pytest.mark.parametrize("ends", [("", ""), ("the atoms flew apart", ""), ("a", "b")])
def test_every_early_end_is_a_sentence(ends):
    runs = [{"cure": "none", "replica": k, "ended": end} for k, end in enumerate(ends)]
    said = ended_sentence(runs)
    early = [k for k, end in enumerate(ends) if end]
    if len(early) > 1:
        assert said == f"{len(early)} of 2 runs with cure none ended early, the first of them: {ends[0]}."
    else:
        assert said == "".join(f"The run with cure none, replica {k} ended early: {ends[k]}." for k in early)


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows, _ = run_all(molecule("H2O"), EMT(), SETTINGS, Parts(None), silent)
    assert [row["folder"] for row in rows] == [None] * 4
    assert not list(Path().iterdir())


@pytest.mark.parametrize(("ensemble", "steps", "shapes"), [("nvt", 40, 3), ("nvt", 20, 4), ("nve", 40, 3)])
def test_the_announced_evaluations_of_the_prediction_are_those_that_it_takes(ensemble, steps, shapes):
    """Before any run: of as many shapes as there will be records, none where nothing will be predicted."""
    water, said = molecule("H2O"), []
    settings = ObserveSettings(
        observables=("torque",), ensemble=ensemble, steps=steps, equilibration=10, shapes=shapes, l_top=2, sample_every=10
    )  # fmt: skip
    result = observe(
        FieldCalculator(Springs(water, WATER), "P1:0.001"), water, settings, announce=said.append
    )
    predicted = result["prediction"]
    told = re.search(r"([\d,]+) of the prediction", said[0])
    assert (int(told[1].replace(",", "")) if told else 0) == (predicted["evaluations"] if predicted else 0)
    assert (predicted is None) == (ensemble == "nve")
