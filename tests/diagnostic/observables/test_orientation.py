"""Orientations: uniform ones of SciPy, those in a field against closed forms, what a cell leaves of isotropy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic.observables import ObservableSettings, measure_observables
from spectral_ceilings.diagnostic.observables.fields import axes_of
from spectral_ceilings.diagnostic.observables.lattice import (
    everything_vanishes,
    is_cubic,
    lattice_rotations,
    mean_vanishes,
)
from spectral_ceilings.diagnostic.observables.orientation import coefficients
from spectral_ceilings.theory import dipole_mean

from made_up_runs import made_up_run, molecules_of, waters


def uniform(records, count, seed=0):
    rotations = Rotation.random(records * count, rng=np.random.default_rng(seed)).as_matrix()
    return rotations.reshape(records, count, 3, 3)


def in_dipole_field(x, records, seed=0):
    """Rotations with the density exp(-x u_z) of their axis u = R e_z: cos theta by inversion, both other angles uniform."""
    rng = np.random.default_rng(seed)
    share = rng.random(records)
    cosine = -np.log(np.exp(x) * (1 - share) + np.exp(-x) * share) / x
    angles = np.stack(
        [rng.random(records) * 2 * np.pi, np.arccos(cosine), rng.random(records) * 2 * np.pi], axis=1
    )
    return Rotation.from_euler("ZYZ", angles).as_matrix().reshape(records, 1, 3, 3)


def measured(run, **settings):
    return measure_observables(run, molecules_of(run), ["orientation"], ObservableSettings(**settings))[
        "orientation"
    ]


def by_label(row):
    return {number["label"]: number for number in row["numbers"]}


def test_uniform_orientations_hold():
    row = measured(waters(uniform(6000, 1)))
    assert row["outcome"] == "held", row["sentence"]
    numbers = by_label(row)
    for l in range(1, 7):
        number = numbers[f"<P_{l}>"]
        # exactly 1 / sqrt((2l+1) N) for independent orientations; the error itself scatters by 1/sqrt(2 N / 5)
        assert number["error"] == pytest.approx(1 / np.sqrt((2 * l + 1) * 6000), rel=0.15)
        assert abs(number["value"]) < 4 * number["error"]
    (drawn,) = row["maps"]
    values, errors = np.array(drawn["values"]), np.array(drawn["error"])
    assert values.shape == (8, 12)
    assert np.abs(values / errors).max() < 4.5  # 96 normal numbers
    assert 0.7 < (values / errors).std() < 1.3


@pytest.mark.parametrize("x", [Fraction(1, 2), Fraction(2)])
def test_orientations_in_a_dipole_field_follow_the_closed_form(x):
    row = measured(waters(in_dipole_field(float(x), 12000)))
    numbers = by_label(row)
    for l in (1, 2, 3):
        number = numbers[f"<P_{l}>"]
        assert abs(number["value"] - float(dipole_mean(l, x))) < 4 * number["error"]
        # only D^l_00 is not zero, and its square is <P_l>²
        power = numbers[f"power at l = {l}"]
        assert abs(power["value"] - (2 * l + 1) * float(dipole_mean(l, x)) ** 2) < 4 * power["error"]
    assert row["outcome"] == "contradicted"
    (drawn,) = row["maps"]
    cosine, values, errors = (np.array(drawn[name], dtype=float) for name in ("cos_theta", "values", "error"))
    # -ln of the mean of exp(-x c) over a bin of width 1/4, against the uniform mean sinh(x)/x
    within = np.sinh(float(x) / 8) / (float(x) / 8) * np.exp(-float(x) * cosine)
    answer = -np.log(within / (np.sinh(float(x)) / float(x)))
    assert np.abs((values - answer[:, None]) / errors)[errors < 0.3].max() < 4.5
    # the root mean square over the sphere of p / p_0 - 1: sinh(2x) x / (2 sinh(x)²) - 1
    exact = np.sqrt(np.sinh(2 * float(x)) * float(x) / (2 * np.sinh(float(x)) ** 2) - 1)
    rms = numbers["rms of -ln p"]
    assert rms["value"] == pytest.approx(
        exact, abs=4 * rms["error"] + 0.02 * exact
    )  # 2 %: averaged over a bin


def test_coefficients_have_the_power_of_characters():
    run = waters(uniform(40, 1, seed=2))
    molecules = molecules_of(run)
    ((*powers,),) = coefficients([run], molecules, 0, [axes_of(run, molecules, 0)], 4)
    rotations = Rotation.from_matrix(uniform(40, 1, seed=2)[:, 0])
    angles = np.array([(rotations[i].inv() * rotations[j]).magnitude() for i in range(40) for j in range(40)])
    for l, power in enumerate(powers, start=1):
        # sum over m, m' of D(R) D(S) is the character of R^-1 S: 1 + 2 sum cos(k angle)
        character = 1 + 2 * sum(np.cos(k * angles) for k in range(1, l + 1))
        assert (power.mean(axis=0) ** 2).sum() == pytest.approx(character.mean(), abs=1e-10)


def test_linear_molecules_have_the_spectrum_of_their_axis():
    rng = np.random.default_rng(4)
    axis = rng.standard_normal((4000, 3)) * [1.0, 1.0, 2.0]
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    run = made_up_run([7, 7], np.stack([-0.55 * axis, 0.55 * axis], axis=1))
    numbers = by_label(measured(run))
    assert numbers["<P_2>"]["value"] == pytest.approx((1.5 * axis[:, 2] ** 2 - 0.5).mean(), abs=1e-12)
    quadrupole = (axis[:, :, None] * axis[:, None]).mean(axis=0) - np.eye(3) / 3
    molecules = molecules_of(run)
    ((_, power),) = coefficients([run], molecules, 0, [axes_of(run, molecules, 0)], 2)
    # sum_m <D^2_m0>² is the mean of P_2(u.v) over all pairs of axes, 3/2 |Q|²
    assert (power.mean(axis=0) ** 2).sum() == pytest.approx(1.5 * (quadrupole**2).sum(), abs=1e-12)
    assert numbers["power at l = 2"]["value"] > 10 * numbers["power at l = 2"]["error"]


CELLS = {
    "cubic": (np.eye(3) * 9.0, 24, (1, 2, 3, 5), True),
    "fcc": (np.array([[0.0, 5, 5], [5, 0, 5], [5, 5, 0]]), 24, (1, 2, 3, 5), True),
    "tetragonal": (np.diag([9.0, 9.0, 12.0]), 8, (1, 3, 5), False),
    "orthorhombic": (np.diag([9.0, 10.0, 12.0]), 4, (1, 3, 5), False),
    "hexagonal": (np.array([[9.0, 0, 0], [-4.5, 4.5 * np.sqrt(3), 0], [0, 0, 15]]), 12, (1, 3, 5), False),
    "triclinic": (np.array([[9.0, 0.3, 0.1], [2.0, 9.5, 0.4], [1.0, 2.2, 10.1]]), 1, (), False),
}


@pytest.mark.parametrize(("cell", "order", "zero", "cubic"), CELLS.values(), ids=CELLS)
def test_a_cell_keeps_the_zeros_of_its_rotations(cell, order, zero, cubic):
    group = lattice_rotations(cell)
    assert len(group) == order
    assert np.allclose(group @ group.transpose(0, 2, 1), np.eye(3), atol=1e-9)
    images = cell @ group.transpose(0, 2, 1) @ np.linalg.inv(cell)
    assert np.allclose(images, np.round(images), atol=1e-9)
    assert tuple(l for l in range(1, 7) if mean_vanishes(l, group)) == zero
    assert is_cubic(group) is cubic


def test_a_spectrum_vanishes_in_a_cubic_cell_where_no_cubic_harmonic_is():
    group = lattice_rotations(np.eye(3))
    assert [l for l in range(1, 12) if everything_vanishes(l, group)] == [1, 2, 3, 5, 7, 11]


def test_in_a_cubic_cell_l_4_and_6_are_not_judged():
    places = 4.0 * np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)])
    row = measured(waters(uniform(400, 8, seed=1), places, cell=8.0))
    assert {n["l"] for n in row["numbers"] if n["expected"] is None} == {4, 6, None}
    assert "l = 4, 6" in row["sentence"]


def test_what_does_not_turn_is_undecided():
    places = 4.0 * np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)])
    frozen = np.broadcast_to(uniform(1, 8, seed=3), (300, 8, 3, 3))
    shaken = frozen @ Rotation.from_rotvec(
        0.1 * np.random.default_rng(0).standard_normal((2400, 3))
    ).as_matrix().reshape(300, 8, 3, 3)
    row = measured(waters(shaken, places, cell=8.0))
    assert row["outcome"] == "undecided"
    assert "did not turn" in row["sentence"]


def test_constant_energy_does_not_sample_orientations():
    row = measured(waters(in_dipole_field(2.0, 3000), thermostat=False))
    assert row["outcome"] == "undecided"
    assert "constant energy" in row["sentence"]


def test_a_single_molecule_that_a_field_holds_is_contradicted():
    """10 ps are a hundred times (I/kT)^1/2 of water: without the field it would have turned."""
    held = Rotation.from_rotvec(0.2 * np.random.default_rng(0).standard_normal((2500, 3))).as_matrix()
    assert measured(waters(held.reshape(2500, 1, 3, 3)))["outcome"] == "contradicted"


def diffusing(size, equilibration, rng, records=200):
    """A run of rotational diffusion from one orientation: <u_z> is exp(-size²) to the power of the kicks so far."""
    turned, frames = Rotation.identity(), []
    for kick in Rotation.from_rotvec(size * rng.standard_normal((equilibration + records, 3))):
        turned = kick * turned
        frames.append(turned.as_matrix())
    return waters(np.array(frames[equilibration:])[:, None])


@pytest.mark.parametrize(
    ("size", "equilibration", "alike"), [(0.02, 1, True), (0.1, 1, True), (0.2, 200, False)]
)
def test_replicas_that_remember_their_common_start_are_undecided(size, equilibration, alike):
    """Twelve runs in nobody's field: what is left of the start is exp(-size²) per kick, in the last case exp(-8)."""
    rng = np.random.default_rng(5)
    runs = [diffusing(size, equilibration, rng) for _ in range(12)]
    row = measure_observables(runs, molecules_of(runs[0]), ["orientation"])["orientation"]
    assert ("start from one orientation" in row["sentence"]) is alike
    assert row["outcome"] in (("undecided",) if alike else ("undecided", "held"))


def test_a_short_run_is_undecided():
    steps = Rotation.from_rotvec(0.05 * np.random.default_rng(0).standard_normal((300, 3)))
    turned = [Rotation.identity()]
    for step in steps:
        turned.append(turned[-1] * step)
    rotations = np.array([rotation.as_matrix() for rotation in turned]).reshape(-1, 1, 3, 3)
    row = measured(waters(rotations))
    assert row["outcome"] == "undecided"


@pytest.mark.parametrize(
    "run", [made_up_run([18], np.zeros((50, 1, 3))), waters(uniform(2, 1))], ids=["no axis", "two records"]
)
def test_without_molecules_or_records_nothing_is_tested(run):
    row = measured(run)
    assert row["outcome"] == "nothing tested"
    assert measure_observables(run, None, ["orientation"])["orientation"]["outcome"] == "nothing tested"
