"""Angular momentum, torque, drift, temperature: against ASE, rigid rotors, known noise."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from scipy.spatial.transform import Rotation
from scipy.stats import binom

from spectral_ceilings.diagnostic.observables import ObservableSettings, measure_observables
from spectral_ceilings.diagnostic.observables.energies import slope
from spectral_ceilings.diagnostic.observables.rotation import angular_momenta, torques

from made_up_runs import WATER, made_up_run, molecules_of, waters


def rotor(records=200):
    """A water that spins about its axis with 0.02 rad/fs while its centre moves."""
    angles = 0.1 * np.arange(records)
    turns = Rotation.from_rotvec(angles[:, None] * np.array([0.0, 0.0, 1.0])).as_matrix()
    positions = np.einsum("rij,aj->rai", turns, WATER) + 0.3 * np.arange(records)[:, None, None] + 5.0
    spin = np.cross([0.0, 0.0, 0.02], np.einsum("rij,aj->rai", turns, WATER))
    return made_up_run([8, 1, 1], positions, velocities=spin + 0.06, thermostat=False)


def test_a_free_rotor_keeps_its_angular_momentum():
    row = measure_observables(rotor(), None, ["angular-momentum"])["angular-momentum"]
    assert row["outcome"] == "held"
    numbers = {number["label"]: number for number in row["numbers"]}
    inertia = 2 * 1.008 * 0.757**2
    hbar = units._hbar / units._e * 1e15 * units.fs**2
    assert numbers["|L|"]["value"] == pytest.approx(inertia * 0.02 / hbar, rel=1e-9)
    assert numbers["rms change of L"]["value"] < 1e-10


def test_angular_momentum_is_that_of_ase():
    run = made_up_run([8, 1, 1], np.random.default_rng(0).standard_normal((4, 3, 3)))
    for record, momentum in enumerate(angular_momenta(run)):
        atoms = Atoms(run.numbers, run.positions[record])
        atoms.set_masses(run.masses)
        atoms.set_velocities(run.velocities[record] / units.fs)
        assert momentum == pytest.approx(
            atoms.get_angular_momentum() / (units._hbar / units._e * 1e15 * units.fs), rel=1e-10, abs=1e-12
        )


def test_a_torque_changes_it():
    run = made_up_run([8, 1, 1], np.broadcast_to(WATER, (50, 3, 3)), thermostat=False,
                      velocities=np.linspace(0, 1, 50)[:, None, None] * np.cross([0, 0, 0.02], WATER))  # fmt: skip
    row = measure_observables(run, None, ["angular-momentum"])["angular-momentum"]
    assert row["outcome"] == "contradicted"
    rate = next(number for number in row["numbers"] if number["label"] == "rate of L_z")
    hbar = units._hbar / units._e * 1e15 * units.fs**2
    assert rate["value"] == pytest.approx(2 * 1.008 * 0.757**2 * 0.02 / hbar / (49 * 0.005), rel=1e-9)


def test_the_change_in_any_run_decides_and_three_runs_give_it_an_error():
    """Rates r_k of a momentum that grows in time: mean square r_k^2 mean(t^2), exactly; the error is that of independent runs."""
    rates = np.array([1.0, 2.0, 4.0])
    runs = [
        made_up_run([8, 1, 1], np.broadcast_to(WATER, (50, 3, 3)), thermostat=False,
                    velocities=rate * np.linspace(0, 1, 50)[:, None, None] * np.cross([0, 0, 0.02], WATER))
        for rate in rates
    ]  # fmt: skip
    rows = [
        measure_observables(runs[:count], None, ["angular-momentum"])["angular-momentum"] for count in (1, 3)
    ]
    alone, three = (row["numbers"][0] for row in rows)
    assert (alone["error"], alone["half_width"]) == (None, None)
    assert "± " not in rows[0]["sentence"]
    squares = (alone["value"] * rates) ** 2
    assert three["value"] ** 2 == pytest.approx(squares.mean(), rel=1e-12)
    # of a square root, to first order
    assert three["error"] == pytest.approx(squares.std(ddof=1) / np.sqrt(3) / 2 / three["value"], rel=1e-12)
    assert (
        three["value"] < three["half_width"]
    )  # an interval that holds zero, and yet no isotropic model does this
    assert [row["outcome"] for row in rows] == ["contradicted", "contradicted"]


def test_central_forces_have_no_torque_and_a_field_has_its_own():
    rng = np.random.default_rng(1)
    positions = rng.standard_normal((400, 5, 3))
    strengths = np.triu(rng.standard_normal((5, 5)), 1)
    vectors = positions[:, :, None] - positions[:, None]
    central = ((strengths + strengths.T)[None, :, :, None] * vectors).sum(axis=2)
    run = made_up_run([1] * 5, positions, forces=central)
    row = measure_observables(run, None, ["torque"])["torque"]
    assert row["outcome"] == "held"
    assert row["numbers"][0]["value"] < 1e-12
    field = rng.standard_normal(5)[:, None] * np.array([0.0, 0.0, 1.0])
    pushed = made_up_run([1] * 5, positions, forces=central + field)
    centred = positions - positions.mean(axis=1, keepdims=True)
    assert torques(pushed) == pytest.approx(np.cross(centred, field).sum(axis=1), abs=1e-12)
    broken = measure_observables(pushed, None, ["torque"])["torque"]
    assert broken["outcome"] == "contradicted"
    square = (torques(pushed) ** 2).sum(axis=1)
    assert broken["numbers"][0]["value"] == pytest.approx(np.sqrt(square.mean()), rel=1e-12)


def test_no_torque_at_the_orientation_of_the_start_shows_nothing_of_others():
    """A field has no torque where the body rests in it: only a body that turned is within its tolerance."""
    frozen = np.broadcast_to(np.eye(3), (300, 1, 3, 3))
    turning = Rotation.random(300, rng=np.random.default_rng(3)).as_matrix()[:, None]
    still = waters(frozen, forces=np.zeros((300, 3, 3)))
    row = measure_observables(still, None, ["torque"])["torque"]
    assert row["outcome"] == "undecided"
    assert "did not turn" in row["sentence"]
    turned = waters(turning, forces=np.zeros((300, 3, 3)))
    assert measure_observables(turned, None, ["torque"])["torque"]["outcome"] == "held"
    pulled = waters(frozen, forces=np.broadcast_to([[0.0, 1, 0], [0, 0, 0], [0, 0, 0]], (300, 3, 3)))
    assert measure_observables(pulled, None, ["torque"])["torque"]["outcome"] == "contradicted"


@pytest.mark.parametrize("name", ["torque", "angular-momentum"])
def test_a_single_atom_has_no_torque_to_be_within_a_tolerance(name):
    atom = made_up_run([18], np.zeros((50, 1, 3)), thermostat=False)
    row = measure_observables(atom, None, [name])[name]
    assert row["outcome"] == "nothing tested"
    assert "single atom" in row["sentence"]


@pytest.mark.parametrize("kind", ["noise", "walk", "both"])
def test_intervals_of_a_slope_cover_for_noise_and_for_a_random_walk(kind):
    rng = np.random.default_rng(7)
    covered, trials = 0, 200
    times = np.arange(800.0)
    for _ in range(trials):
        series = 0.01 * times
        if kind != "walk":
            series = series + rng.standard_normal(800)
        if kind != "noise":
            series = series + 0.1 * np.cumsum(rng.standard_normal(800))
        estimate = slope(times, series)
        covered += abs(estimate.value - 0.01) <= estimate.half_width()
    # at least 90 %: the ratio of walk and noise is estimated too, which is known to cost a few per cent
    assert covered >= binom.ppf(1e-3, trials, 0.90)


def test_an_exact_line_has_its_slope_without_error():
    estimate = slope(np.arange(100.0), 3.0 + 0.25 * np.arange(100.0))
    assert estimate.value == pytest.approx(0.25, rel=1e-12)
    assert estimate.error < 1e-12


def test_drift_is_given_per_atom_and_nanosecond():
    conserved = 1e-6 * 5.0 * np.arange(100)  # 1e-6 eV/fs of three atoms
    run = made_up_run([8, 1, 1], np.broadcast_to(WATER, (100, 3, 3)), conserved=conserved)
    row = measure_observables(run, None, ["drift"])["drift"]
    assert row["numbers"][0]["value"] == pytest.approx(1e-6 * 1e3 * 1e6 / 3, rel=1e-9)
    assert row["outcome"] == "contradicted"


@pytest.mark.parametrize("at_rest", [False, True])
def test_maxwell_velocities_have_their_temperature(at_rest):
    run = waters(np.broadcast_to(np.eye(3), (1500, 2, 3, 3)), temperature=250.0)
    velocities = run.velocities
    if at_rest:
        centre = np.einsum("a,rax->rx", run.masses / run.masses.sum(), velocities)
        velocities = velocities - centre[:, None]
    still = made_up_run(run.numbers, run.positions, velocities=velocities)
    settings = ObservableSettings(temperature=250.0, tolerances={"temperature": 30.0})
    row = measure_observables(still, None, ["temperature"], settings)["temperature"]
    assert row["outcome"] == "held", row["sentence"]
    number = row["numbers"][0]
    freedom = 15 if at_rest else 18
    # var of K is f (kT)²/2: T scatters by sqrt(2/f) T, over 1500 independent records
    assert number["error"] == pytest.approx(250 * np.sqrt(2 / freedom / 1500), rel=0.2)
    assert number["value"] == pytest.approx(250, abs=4 * number["error"])
    unknown = measure_observables(still, None, ["temperature", "potential"])
    assert {row["outcome"] for row in unknown.values()} == {"nothing tested"}


@pytest.mark.parametrize("name", ["temperature", "potential"])
def test_a_run_too_short_for_an_error_gives_none(name):
    """Three records have one degree of freedom of Student's t at most: 300 ± 1,400 K would be no error."""
    drifting = np.linspace(1.0, 2.0, 3)[:, None, None] * np.ones((3, 3, 3))
    run = made_up_run(
        [8, 1, 1], np.tile(WATER, (3, 1, 1)), velocities=1e-3 * drifting, potential=np.arange(3.0)
    )
    sentence = measure_observables(run, None, [name])[name]["sentence"]
    assert "too short for an error" in sentence
    assert "±" not in sentence


def test_a_wrong_temperature_is_contradicted():
    run = waters(np.broadcast_to(np.eye(3), (1500, 4, 3, 3)), temperature=350.0)
    settings = ObservableSettings(temperature=300.0)
    assert (
        measure_observables(run, molecules_of(run), ["temperature"], settings)["temperature"]["outcome"]
        == "contradicted"
    )
