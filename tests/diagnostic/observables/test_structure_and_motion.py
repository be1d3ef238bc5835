"""g(r), correlations, displacement, spectra, relaxation: against ASE, brute force, and processes with exact answers."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.cell import Cell
from ase.geometry import find_mic
from ase.geometry.rdf import get_rdf
from jsonschema import Draft202012Validator
from scipy.signal import welch
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic.observables import (
    OBSERVABLES,
    ObservableSettings,
    measure_observables,
    relaxed_energies,
)
from spectral_ceilings.diagnostic.observables.correlations import pair_correlations, time_correlation
from spectral_ceilings.diagnostic.observables.distances import radial_distributions
from spectral_ceilings.diagnostic.observables.fields import centres
from spectral_ceilings.diagnostic.observables.motion import displacements
from spectral_ceilings.diagnostic.observables.origins import correlated, displaced, groups_of
from spectral_ceilings.diagnostic.observables.spectra import power_spectrum
from spectral_ceilings.theory.errors import InputError

from made_up_runs import ENERGY, made_up_run, molecules_of, waters

TRICLINIC = np.array([[9.0, 0.3, 0.1], [2.0, 9.5, 0.4], [1.0, 2.2, 10.1]])


def ideal_gas(records=200, atoms=40, cell=TRICLINIC, seed=0):
    rng = np.random.default_rng(seed)
    return made_up_run([18] * atoms, rng.random((records, atoms, 3)) @ cell, cell=cell)


@pytest.mark.parametrize("pair", [(8, 8), (8, 1)])
def test_g_of_r_is_that_of_ase(pair):
    rng = np.random.default_rng(2)
    numbers = [8] * 10 + [1] * 20
    run = made_up_run(numbers, rng.random((3, 30, 3)) @ TRICLINIC + 40.0, cell=TRICLINIC)
    r, (g,) = radial_distributions(run, [pair], 4.0, 40)
    for positions, of_record in zip(run.positions, g, strict=True):
        atoms = Atoms(numbers, positions, cell=TRICLINIC, pbc=True)
        theirs, distances = get_rdf(atoms, 4.0, 40, elements=pair)
        if pair[0] == pair[1]:  # ASE divides by N where independent atoms give N - 1
            theirs = theirs * 10 / 9
        # the same counts, and a volume each: rounding
        assert of_record == pytest.approx(theirs, rel=1e-12)
        assert r == pytest.approx(distances, abs=1e-12)


@pytest.mark.parametrize("cell", [TRICLINIC, np.diag([9.0, 11.0, 10.0])])
def test_g_of_r_of_every_pair_is_that_of_freud(cell):
    freud = pytest.importorskip("freud")
    rng = np.random.default_rng(7)
    numbers = np.array([8] * 12 + [1] * 24)
    run = made_up_run(numbers, rng.random((5, 36, 3)) @ cell - 20.0, cell=cell)
    pairs, reach, bins = [(8, 8), (8, 1), (1, 1)], 4.1, 41
    r, every = radial_distributions(run, pairs, reach, bins)
    standard, turn = Cell(cell).standard_form()
    box = freud.box.Box.from_matrix(standard.array.T)
    for pair, ours in zip(pairs, every, strict=True):
        like = pair[0] == pair[1]
        counter = freud.density.RDF(bins, reach, normalization_mode="finite_size" if like else "exact")
        for positions, of_record in zip(run.positions, ours, strict=True):
            points = box.wrap(positions @ turn.T)
            of_a, of_b = (points[numbers == number] for number in pair)
            counter.compute((box, of_b), None if like else of_a, reset=True)
            # freud rounds distances to float32, so that a pair within 1e-6 Å of an edge may change its bin; here none does
            assert of_record == pytest.approx(counter.rdf, rel=1e-5, abs=1e-6)
    assert r == pytest.approx(counter.bin_centers, abs=1e-6)


def test_an_ideal_gas_has_g_one():
    row = measure_observables(ideal_gas(), None, ["rdf"])["rdf"]
    (drawn,) = row["curves"]
    x, y, error = (np.array(drawn[name]) for name in ("x", "y", "error"))
    assert np.abs((y - 1) / error)[x > 1].max() < 4.5
    assert row["outcome"] == "nothing tested"


def test_pairs_that_are_not_there_are_refused():
    for text in ("O-H", "Ar", "Ar-Xx"):
        with pytest.raises(InputError, match="Ar"):
            measure_observables(ideal_gas(2), None, ["rdf"], ObservableSettings(pairs=(text,)))


def test_time_correlations_are_those_of_all_pairs_of_times():
    axes = np.random.default_rng(1).standard_normal((30, 3, 3))
    axes /= np.linalg.norm(axes, axis=2, keepdims=True)
    for l, polynomial in ((1, lambda x: x), (2, lambda x: 1.5 * x**2 - 0.5)):
        direct = [
            polynomial((axes[:21] * axes[lag : lag + 21]).sum(axis=2)).mean(axis=1) for lag in range(10)
        ]
        assert time_correlation(axes, l, 9) == pytest.approx(np.array(direct).T, abs=1e-12)


def test_correlations_and_displacements_are_those_of_tidynamics():
    """An independent code, which takes every origin that a lag leaves: for a signal of zeros at both ends that is the same."""
    tidynamics = pytest.importorskip("tidynamics")
    signal = np.zeros((900, 2))
    signal[100:800] = np.random.default_rng(9).standard_normal((700, 2))
    lags, counts = 90, 900 - np.arange(91)
    ours = correlated(signal, lags)
    count, length = groups_of(900, lags)
    assert (count, length) == (270, 3)
    theirs = tidynamics.acf(signal)[: lags + 1]
    # theirs divides by the origins of each lag, ours by those of the longest; 1e-13: a transform of 900 numbers
    assert ours.sum(axis=0) * length == pytest.approx(theirs * counts, abs=1e-10)
    walk_ = np.zeros((900, 2))
    walk_[:] = signal.cumsum(axis=0)
    mean = displaced(walk_, 5)
    direct = [((walk_[lag : lag + 895] - walk_[:895]) ** 2).sum(axis=1) for lag in range(6)]
    grouped = np.array(direct)[:, : (895 // 3) * 3].reshape(6, -1, 3).mean(axis=2).T
    assert mean == pytest.approx(grouped, abs=1e-9)


def test_pair_correlations_are_those_of_nearest_images():
    rng = np.random.default_rng(3)
    run = ideal_gas(2, 7)
    axes = rng.standard_normal((2, 7, 3))
    axes /= np.linalg.norm(axes, axis=2, keepdims=True)
    counts, along, across = pair_correlations(axes, run.positions, run, 4.0, 8)
    for record in range(2):
        direct = np.zeros((3, 8))
        for i in range(7):
            for j in range(i + 1, 7):
                vector, distance = find_mic(
                    run.positions[record, j] - run.positions[record, i], TRICLINIC, pbc=True
                )
                if distance < 4.0:
                    a, b = axes[record, i], axes[record, j]
                    product = (a @ vector) * (b @ vector) / distance**2
                    direct[:, int(distance / 0.5)] += [1, product, (a @ b - product) / 2]
        assert np.stack([counts[record], along[record], across[record]]) == pytest.approx(direct, abs=1e-9)


def test_displacements_are_those_of_all_pairs_of_times():
    places = np.random.default_rng(4).standard_normal((25, 3, 3)).cumsum(axis=0)
    ours = displacements(places, 5)
    for lag in range(6):
        step = places[lag : lag + 20] - places[:20]
        tensor = np.einsum("rbi,rbj->ij", step, step) / (step.shape[0] * 3)
        direct = tensor[[0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]]
        assert ours[:, lag].mean(axis=0) == pytest.approx(direct, abs=1e-10)


def walk(scale=(1.0, 1.0, 1.0), records=1600, atoms=60, cell=30.0):
    rng = np.random.default_rng(6)
    start = rng.random((atoms, 3)) * 30.0
    steps = 0.3 * rng.standard_normal((records, atoms, 3)) * np.array(scale)
    return made_up_run([18] * atoms, start + steps.cumsum(axis=0), cell=cell)


def test_a_random_walk_has_its_diffusion_coefficient():
    settings = ObservableSettings(tolerances={"msd": 0.3})  # eight stretches know a direction to 15 %
    row = measure_observables(walk(), None, ["msd"], settings)["msd"]
    number = row["numbers"][0]
    # 0.09 Å² in a direction every 5 fs: D = 0.09 / (2 * 0.005 ps), less 1/60 for the centre of mass that is taken off
    exact = 0.09 / 0.01 * 59 / 60
    assert number["value"] == pytest.approx(exact, abs=4 * number["error"])
    assert number["error"] < 0.05 * exact
    assert row["outcome"] == "held", row["sentence"]
    drawn = row["curves"][0]
    assert drawn["y"][1] == pytest.approx(3 * 0.09 * 59 / 60, rel=0.01)  # 96,000 steps: 0.5 %


def test_unequal_directions_are_contradicted_in_a_cube_and_not_judged_elsewhere():
    broken = measure_observables(walk((1.0, 1.0, 1.4)), None, ["msd"])["msd"]
    assert broken["outcome"] == "contradicted"
    numbers = {number["label"]: number for number in broken["numbers"]}
    exact = 1.96 / (3.96 / 3) - 1
    assert numbers["anisotropy zz"]["value"] == pytest.approx(
        exact, abs=4 * numbers["anisotropy zz"]["error"]
    )
    long = measure_observables(walk((1.0, 1.0, 1.4), cell=np.diag([30.0, 30.0, 40.0])), None, ["msd"])["msd"]
    assert long["outcome"] == "nothing tested"
    assert "isotropy does not make directions equal" in long["sentence"]


def test_a_molecule_across_the_border_has_its_centre():
    places = np.array([[0.05, 0.05, 0.05], [5.0, 5.0, 5.0]])
    whole = waters(np.broadcast_to(np.eye(3), (4, 2, 3, 3)), places, cell=10.0)
    folded = made_up_run(whole.numbers, whole.positions % 10.0, cell=10.0)
    difference = centres(folded, molecules_of(folded), 0) - centres(whole, molecules_of(whole), 0)
    assert difference == pytest.approx(10.0 * np.round(difference / 10.0), abs=1e-9)
    assert np.ptp(difference, axis=0) == pytest.approx(0, abs=1e-9)


def test_a_power_spectrum_is_that_of_welch_and_keeps_the_mean_square():
    rng = np.random.default_rng(8)
    signal = rng.standard_normal((1024, 3))
    wave, stretches = power_spectrum(signal, np.array([1.0, 2.0, 0.5]), 2.0, 128)
    _, theirs = welch(signal, 0.5, "hann", 128, noverlap=0, detrend=False, axis=0)
    assert np.trapezoid(np.mean(stretches, axis=0), wave) == pytest.approx(
        np.trapezoid(theirs @ [1.0, 2.0, 0.5], np.linspace(0, 0.25, 65)), rel=1e-9
    )
    # white noise: sum w_c <x_c²> = 3.5; 8 stretches of 128 records with a Hann window: 1/sqrt(1024) * 1.4 * sqrt(2)
    assert np.trapezoid(np.mean(stretches, axis=0), wave) == pytest.approx(3.5, rel=4 * 0.062)


def test_a_harmonic_oscillator_has_its_line():
    wave_number = 1500.0
    omega = 2 * np.pi * wave_number * 2.99792458e-5  # rad/fs
    times = 5.0 * np.arange(4000)
    velocities = np.zeros((4000, 2, 3))
    velocities[:, 0, 0] = 0.01 * np.cos(omega * times)
    velocities[:, 1, 0] = -velocities[:, 0, 0]
    run = made_up_run([7, 7], np.zeros((4000, 2, 3)) + [[[0, 0, 0]], [[1.1, 0, 0]]][0], velocities=velocities)
    row = measure_observables(run, None, ["spectrum"])["spectrum"]
    drawn = row["curves"][0]
    x, y = np.array(drawn["x"]), np.array(drawn["y"])
    assert x[y.argmax()] == pytest.approx(wave_number, abs=x[1])
    kelvin = 2 * 14.007 * ENERGY * 0.5e-4 / (6 * 8.617333262e-5)
    assert np.trapezoid(y, x) == pytest.approx(kelvin, rel=0.01)  # a sharp line within a Hann window
    assert "record more often" in row["sentence"]


def test_an_axis_that_turns_has_its_line():
    angle = 2 * np.pi * 200.0 * 2.99792458e-5 * 5.0 * np.arange(4000)
    turns = Rotation.from_rotvec(angle[:, None] * [1.0, 0.0, 0.0]).as_matrix().reshape(-1, 1, 3, 3)
    run = waters(turns)
    row = measure_observables(run, molecules_of(run), ["spectrum"])["spectrum"]
    drawn = next(curve for curve in row["curves"] if curve["label"] == "axes")
    x, y = np.array(drawn["x"]), np.array(drawn["y"])
    assert x[y.argmax()] == pytest.approx(200.0, abs=x[1])
    # |du/dt|² = omega²; 1/ps²
    assert np.trapezoid(y, x) == pytest.approx((2 * np.pi * 200.0 * 2.99792458e-2) ** 2, rel=0.02)


class Slanted(EMT):
    """A calculator whose energy depends on how the cell lies in space: an isotropic one does not."""

    def calculate(self, *arguments, **options):
        super().calculate(*arguments, **options)
        self.results["energy"] += 0.1 * self.atoms.cell.array[0, 2] / np.linalg.norm(self.atoms.cell.array[0])


def test_a_spectrum_of_a_short_run_names_no_peak():
    positions = np.zeros((80, 2, 3)) + np.array([[[0.0, 0, 0], [0, 0, 1.1]]])
    short = measure_observables(made_up_run([7, 7], positions), None, ["spectrum"])["spectrum"]["sentence"]
    assert "too short for peaks" in short
    assert "the highest" not in short
    long = np.repeat(positions, 100, axis=0)
    assert (
        "the highest at"
        in measure_observables(made_up_run([7, 7], long), None, ["spectrum"])["spectrum"]["sentence"]
    )


def test_an_observable_without_a_record_keeps_its_title():
    run = made_up_run([7, 7], np.zeros((0, 2, 3)))
    rows = measure_observables(run, None)
    assert rows["rdf"]["sentence"] == "Radial distribution: nothing tested, no run has a record."
    whole = measure_observables(made_up_run([7, 7], np.zeros((3, 2, 3)) + np.eye(2, 3)), None)
    assert {name: row["title"] for name, row in rows.items()} == {
        name: row["title"] for name, row in whole.items()
    }


def test_relaxed_energies_of_turned_starts():
    gold = bulk("Au", cubic=True)
    gold.rattle(0.05, seed=1)
    settings = ObservableSettings(turns=3)
    row = relaxed_energies({"gold": gold, "again": gold}, EMT(), settings)
    assert row["outcome"] == "held", row["sentence"]
    assert row["numbers"][2]["value"] == pytest.approx(0, abs=1e-9)
    assert relaxed_energies({"gold": gold}, Slanted(), settings)["outcome"] == "contradicted"
    stopped = relaxed_energies({"gold": gold}, EMT(), ObservableSettings(turns=2, relax_steps=1, force=1e-5))
    assert stopped["outcome"] == "undecided"
    assert "did not relax" in stopped["sentence"]


SCHEMA = json.loads((files("spectral_ceilings.diagnostic") / "schemas" / "observe.schema.json").read_text())


@pytest.mark.parametrize("records", [1, 400])
@pytest.mark.parametrize("cell", [0.0, 12.0])
def test_every_observable_of_every_run_is_a_row_of_the_schema(records, cell):
    rotations = Rotation.random(2 * records, rng=np.random.default_rng(0)).as_matrix()
    run = waters(rotations.reshape(records, 2, 3, 3), cell=cell)
    told = []
    rows = measure_observables(
        [run, run],
        molecules_of(run),
        OBSERVABLES,
        progress=lambda what, done, total: told.append((what, done, total)),
    )
    assert tuple(rows) == OBSERVABLES
    assert told == [(name, index, len(OBSERVABLES)) for index, name in enumerate(OBSERVABLES)]
    validator = Draft202012Validator({"$ref": "#/$defs/measured", "$defs": SCHEMA["$defs"]})
    for name, row in rows.items():
        assert row["name"] == name
        validator.validate(json.loads(json.dumps(row, allow_nan=False)))
        if records == 1:
            assert row["outcome"] == "nothing tested"


def test_wrong_input_is_named():
    run = waters(np.broadcast_to(np.eye(3), (3, 1, 3, 3)))
    with pytest.raises(InputError, match="did you mean torque"):
        measure_observables(run, None, ["torqe"])
    with pytest.raises(InputError, match="no observable"):
        measure_observables(run, None, [])
    with pytest.raises(InputError, match="no trajectory"):
        measure_observables([], None)
    with pytest.raises(InputError, match="run 2 has other atoms"):
        measure_observables([run, ideal_gas(2)], None)
    with pytest.raises(InputError, match="potential of run 1"):
        measure_observables(made_up_run([18], np.zeros((1, 1, 3)), potential=np.array([np.nan])), None)
    for options in ({"l_max": 0}, {"tolerances": {"rdf": 1.0}}, {"tolerances": {"torque": -1.0}}):
        with pytest.raises(InputError):
            ObservableSettings(**options)
    assert relaxed_energies({}, EMT())["outcome"] == "nothing tested"
    assert ObservableSettings(tolerances={"torque": 0.5}).to_dict()["tolerances"]["torque"] == 0.5
