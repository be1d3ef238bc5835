"""A multiple time step whose outer step is too long is said in the result; it ends nothing and decides nothing."""

from __future__ import annotations

import numpy as np
from ase import units
from ase.build import molecule

from benchmarks.springs import WATER, Springs
from spectral_ceilings.diagnostic import Observation, ObserveSettings, observe


def test_an_outer_step_beyond_half_the_fastest_period_is_said(tmp_path):
    water = molecule("H2O")
    settings = ObserveSettings(
        observables=("drift",), ensemble="nve", steps=800, equilibration=40, sample_every=40, predict=False,
        cures=("none", "mts-10:inversion", "mts-4:inversion"),
    )  # fmt: skip
    result = observe(Springs(water, WATER), water, settings, out=tmp_path / "run")
    rows = {row["cure"]: row["outer_step"] for row in result["runs"]}
    assert rows["none"] is None
    # the stiffest direction is a combination of springs: its angular rate is below the root of the sum of all
    least = 2 * np.pi / np.sqrt(Springs(water, WATER).squared_rates) / units.fs
    assert least < rows["mts-4:inversion"]["fastest_period"] < 2 * least
    assert rows["mts-4:inversion"]["sentence"] == ""
    (said,) = [row for row in result["verdict"]["statements"] if row["name"] == "outer step"]
    assert said["sentence"].startswith("The outer step of mts-10:inversion is 5 fs")
    assert not said["decides"]
    assert said["sentence"] in result["verdict"]["sentence"]
    assert said["sentence"] in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert Observation.load(tmp_path / "run")["runs"] == result["runs"]
