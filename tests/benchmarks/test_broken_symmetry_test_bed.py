"""A short run of the test bed: simulations agree with closed forms, and a wrong closed form is seen."""

import numpy as np

from benchmarks.broken_symmetry_test_bed import KT, Bed, rows, sampled
from spectral_ceilings.diagnostic import PlField
from spectral_ceilings.theory import dipole_mean


def test_closed_forms_stand_in_a_short_run():
    table = rows(count=100, steps=400, seed=3)
    assert len(table) >= 12
    # Fifteen normal numbers, of which one in 10^5 is beyond 4.5 each
    assert [row for row in table if abs(row.z) > 4.5] == []


def test_a_field_of_the_other_sign_is_seen():
    value, error = sampled(PlField(1, 0.03), 100, 400, 0, {"u": lambda bed: bed.axes()[:, 2]})["u"]
    exact = float(dipole_mean(1, 0.03 / KT))
    assert abs(value - exact) < 4.5 * error
    assert abs(value + exact) > 4.5 * error


def test_molecules_start_in_all_orientations():
    axes = Bed(1000, PlField(1, 0.1), 0).axes()
    assert np.abs(axes.mean(axis=0)).max() < 4.5 / np.sqrt(3 * 1000)
