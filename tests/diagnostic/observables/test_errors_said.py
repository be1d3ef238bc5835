"""Every number, curve and sentence of every observable has an error that is one, or says that it has none."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic.observables import OBSERVABLES, measure_observables

from made_up_runs import made_up_run, molecules_of, waters

#: Numbers that hold of the runs themselves, or of a relaxation: they may have no statistical error.
WITHOUT = ("rms change of L", "spread of ", "first peak")


def turned(records, count, seed):
    rng = np.random.default_rng(seed)
    return Rotation.random(records * count, rng=rng).as_matrix().reshape(records, count, 3, 3)


def isolated(records, seed, **options):
    return waters(turned(records, 1, seed), seed=seed, **options)


def liquid(records, seed):
    places = np.stack(np.meshgrid(*[[1.5, 4.5, 7.5]] * 3), axis=-1).reshape(-1, 3)
    return waters(turned(records, 27, seed), places, cell=9.0, seed=seed)


RUNS = {
    "a molecule": lambda: [isolated(400, 0)],
    "replicas": lambda: [isolated(200, seed) for seed in range(4)],
    "constant energy": lambda: [isolated(200, seed, thermostat=False) for seed in range(2)],
    "three records": lambda: [isolated(3, 0)],
    "one record of each": lambda: [isolated(1, seed) for seed in range(3)],
    "a liquid": lambda: [liquid(70, seed) for seed in range(2)],
    "nothing moves": lambda: [
        made_up_run([8, 1, 1], np.broadcast_to(isolated(1, 0).positions[0], (80, 3, 3)), potential=np.zeros(80),
                    forces=np.zeros((80, 3, 3)), velocities=np.zeros((80, 3, 3)), conserved=np.zeros(80))
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_an_error_is_positive_or_there_is_none(name):
    runs = RUNS[name]()
    rows = measure_observables(
        runs, molecules_of(runs[0]), OBSERVABLES, structures={"dimer": Atoms("Cu2", [[0, 0, 0], [0, 0, 2.4]])},
        calculator=EMT(),
    )  # fmt: skip
    assert set(rows) == set(OBSERVABLES)
    for row in rows.values():
        for number in row["numbers"]:
            assert np.isfinite(number["value"])
            assert (number["error"] is None) == (number["half_width"] is None)
            if number["error"] is None:
                assert name == "nothing moves" or number["label"].startswith(WITHOUT) or not number["enough"]
            else:
                assert 0 < number["error"] <= number["half_width"] < np.inf
        for curve in row["curves"]:
            shape = np.shape(curve["y"])
            assert shape == np.shape(curve["x"])
            if curve["error"] is not None:
                assert np.shape(curve["error"]) == np.shape(curve["half_width"]) == shape
                assert (np.array(curve["half_width"]) >= np.array(curve["error"])).all()
        assert not re.search(r"± 0(?![.\d])|\de[+-]?\d|\bnan\b|\binf\b", row["sentence"]), row["sentence"]
