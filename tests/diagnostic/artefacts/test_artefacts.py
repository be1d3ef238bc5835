"""Artefacts of models that are wrong by a known amount: found, with that amount; a model that is the reference has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.phonons import Phonons

from spectral_ceilings.diagnostic.artefacts.frequencies import compare_frequencies, frequencies
from spectral_ceilings.diagnostic.artefacts.job import measure_artefacts
from spectral_ceilings.diagnostic.artefacts.report import render_artefact_report
from spectral_ceilings.diagnostic.artefacts.result_object import Artefacts
from spectral_ceilings.diagnostic.artefacts.runs import compare_drift, compare_liquid, drift, peak_and_onset
from spectral_ceilings.diagnostic.artefacts.settings import ArtefactSettings, decided
from spectral_ceilings.diagnostic.artefacts.subject import (
    Coverage,
    Subject,
    covered,
    read_subject,
    relaxed,
    shortest_distance,
)
from spectral_ceilings.diagnostic.dynamics.every_step import run_trajectory
from spectral_ceilings.diagnostic.dynamics.movers import thermal_momenta
from spectral_ceilings.diagnostic.symmetry.calculators import AuditStructures, NamedCalculator
from spectral_ceilings.theory import InputError


class Changed(Calculator):
    """EMT whose energy and lengths are scaled, with a force along the velocity that is no gradient."""

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, scale: float = 1.0, swirl: float = 0.0, length: float = 1.0) -> None:
        super().__init__()
        self.scale, self.swirl, self.length, self.inner = scale, swirl, length, EMT()

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        bare = self.atoms.copy()
        bare.calc = self.inner
        bare.set_cell(bare.cell / self.length)
        bare.positions /= self.length
        forces = self.scale / self.length * bare.get_forces()
        momenta = self.atoms.get_momenta()
        forces += self.swirl * momenta / self.atoms.get_masses()[:, None]
        self.results = {"energy": self.scale * bare.get_potential_energy(), "forces": forces}
        if bare.pbc.all():
            self.results["stress"] = self.scale / self.length**3 * bare.get_stress()


def named(calculator: Any) -> NamedCalculator:
    return NamedCalculator(calculator, type(calculator).__name__, type(calculator).__name__, None)


def silver() -> Subject:
    cell = bulk("Ag", cubic=True)
    hot = []
    for seed in range(20):
        atoms = cell * (2, 1, 1)
        atoms.rattle(0.2, seed=seed)
        hot.append(atoms)
    return Subject(cell, "bulk:Ag:cubic", covered(AuditStructures(tuple(hot), "hot", "0" * 64)))


SILVER = silver()
AG = relaxed(bulk("Ag", cubic=True), EMT(), cell=True)
QUICK = ArtefactSettings(repeat=(1, 1, 2), steps=200, liquid_temperature=9000.0, time_step=2.0)


def test_the_reference_reproduces_itself_without_any_difference(tmp_path: Path) -> None:
    result = measure_artefacts(named(EMT()), named(EMT()), SILVER, QUICK, out=tmp_path / "run")
    measured = result["artefacts"]
    assert [row["verdict"] for row in result.rows()] == ["reproduced"] * 4
    assert result["verdict"]["outcome"] == "held"
    assert result.held is True
    assert {row["softening"] for row in result.rows("walls")} == {0.0}
    assert (measured["phonons"]["ratio"], measured["phonons"]["error"]) == (1.0, 0.0)
    assert (measured["drift"]["difference"], measured["drift"]["error"]) == (0.0, 0.0)
    assert measured["liquid"]["molten"]
    assert measured["liquid"]["peak"] == {"difference": 0.0, "error": 0.0, "verdict": "reproduced"}
    jsonschema.validate(dict(result), Artefacts.schema())
    assert Artefacts.load(tmp_path / "run") == result
    page = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert "Reproduced: repulsion, frequencies, drift, liquid." in page
    assert {path.stem for path in (tmp_path / "run/figures").glob("*.svg")} == set(measured)
    assert len(result.rows("modes")) == 12 * 2


def test_a_wall_that_is_scaled_is_softened_by_that_much_and_named() -> None:
    result = measure_artefacts(
        named(Changed(scale=0.7)),
        named(EMT()),
        SILVER,
        ArtefactSettings(only=("repulsion",), repeat=(1, 1, 2)),
    )
    walls = result.rows("walls")
    # both are derivatives of the same energy, roundings apart; the volume's is a difference of 1e-3
    assert all(row["softening"] == pytest.approx(-0.3, abs=1e-9) for row in walls)
    assert {row["scan"] for row in walls} == {"dimer Ag-Ag", "approach Ag-Ag", "compressed cell"}
    row = result["artefacts"]["repulsion"]
    assert row["verdict"] == "differs"
    assert "30.0 % (too soft; " in row["sentence"]
    assert "beyond the tolerance" in row["sentence"]
    assert result["verdict"]["outcome"] == "falls short"
    assert "<table" in render_artefact_report(result)


def test_walls_and_forces_are_slopes_of_the_reference() -> None:
    """The wall of the dimer is that of EMT along its bond, and the pressure that of its stress."""
    result = measure_artefacts(
        named(EMT()), named(EMT()), SILVER, ArtefactSettings(only=("repulsion",), repeat=(1, 1, 2))
    )
    for wall in result.rows("walls", scan="dimer Ag-Ag"):
        energies = []
        for x in (wall["x"] - 1e-4, wall["x"] + 1e-4):
            pair = Atoms("Ag2", [[0, 0, 0], [0, 0, x]])
            pair.calc = EMT()
            energies.append(pair.get_potential_energy())
        # third derivatives of at most 1e4 eV/Å³ times h²/6
        assert wall["reference"] == pytest.approx((energies[0] - energies[1]) / 2e-4, abs=1e-4)
    for wall in result.rows("walls", scan="compressed cell"):
        crystal = AG.copy()
        crystal.set_cell(AG.cell.array * (4 * wall["x"] / AG.get_volume()) ** (1 / 3), scale_atoms=True)
        crystal.calc = EMT()
        # a difference over 1e-3 of the volume: 1e-6 of it
        assert wall["reference"] == pytest.approx(-crystal.get_stress()[:3].mean(), rel=1e-4)


def test_what_the_data_do_not_hold_is_not_blamed_on_the_model() -> None:
    nothing = Coverage("cold", "0" * 64, 1, {"Ag-Ag": 2.8}, 30.0, False)
    subject = Subject(SILVER.atoms, SILVER.source, nothing)
    result = measure_artefacts(
        named(Changed(0.5)), named(EMT()), subject, ArtefactSettings(only=("repulsion",))
    )
    row = result["artefacts"]["repulsion"]
    assert row["verdict"] == "beyond the data"
    assert row["softening"] is None
    assert row["softening_all"] == pytest.approx(-0.5, abs=1e-9)
    assert "the data have no pairs below 2.80 Å (Ag-Ag)" in row["sentence"]
    assert result["verdict"]["outcome"] == "nothing tested"


def test_frequencies_are_those_of_ase_and_scale_with_the_root_of_force_constants(tmp_path: Path) -> None:
    points, ours = frequencies(AG, EMT(), (2, 1, 1), 0.01)
    assert np.array_equal(points, [[0, 0, 0], [0.5, 0, 0]])
    theirs = Phonons(AG, EMT(), supercell=(2, 1, 1), delta=0.01, name=str(tmp_path / "cache"))
    theirs.run()
    theirs.read(acoustic=True)
    # 1 eV = h 241.798925 THz (CODATA 2018)
    expected = np.sort(theirs.band_structure(points, verbose=False), axis=1) * 241.798925
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-4)
    settings = ArtefactSettings(repeat=(2, 1, 1))
    row = compare_frequencies(AG, Changed(0.81), EMT(), settings)
    assert row["ratio"] == pytest.approx(0.9, abs=1e-9)  # the same displacements, roundings of forces
    assert row["verdict"] == "differs"
    assert "lower by 10.0 %" in row["sentence"]
    assert row["lengths"]["model"] == pytest.approx(row["lengths"]["reference"], abs=2e-3)
    own = compare_frequencies(AG, Changed(0.81), EMT(), ArtefactSettings(repeat=(2, 1, 1), geometry="own"))
    assert own["ratio"] == pytest.approx(0.9, abs=2e-3)  # the two relaxations stop at forces below 0.005 eV/Å
    assert not any(tmp_path.glob("*.json"))


def test_frequencies_of_a_molecule_have_six_that_vanish() -> None:
    water = relaxed(Atoms("N2", [[0, 0, 0], [0, 0, 1.1]]), EMT(), cell=False)
    _, values = frequencies(water, EMT(), (1, 1, 1), 0.01)
    assert values.shape == (1, 6)
    assert np.abs(values[0, :5]).max() < 0.1 * values[0, 5]
    # one bond: the square of the frequency is k over the reduced mass
    energies = []
    length = water.get_distance(0, 1)
    for x in (-0.01, 0.0, 0.01):
        pair = Atoms("N2", [[0, 0, 0], [0, 0, length + x]])
        pair.calc = EMT()
        energies.append(pair.get_potential_energy())
    stiffness = (energies[0] - 2 * energies[1] + energies[2]) / 1e-4
    expected = np.sqrt(stiffness / 7.0035) / (2 * np.pi) * 98.2269  # sqrt(eV/u)/Å in THz
    assert values[0, 5] == pytest.approx(expected, rel=1e-2)  # fourth derivatives times h²/12


def test_a_drift_and_its_interval_are_those_of_a_line_with_noise_or_a_random_walk() -> None:
    times = np.arange(2001.0)
    value, error = drift(times, 3e-4 * times + 7)
    assert value == pytest.approx(3e-4, rel=1e-9)
    assert error < 1e-9
    rng = np.random.default_rng(0)
    for walk in (False, True):
        inside = 0
        for _ in range(200):
            noise = rng.standard_normal(2001)
            value, error = drift(times, 3e-4 * times + (noise.cumsum() if walk else noise))
            inside += abs(value - 3e-4) <= error
        # 95 % of 200 are 190, with a standard deviation of 3
        assert inside >= 178, walk


def test_forces_that_are_no_gradient_drift_and_an_explosion_is_one_sentence() -> None:
    cell = AG * (1, 1, 2)
    settings = ArtefactSettings(steps=400, time_step=2.0)
    row = compare_drift(cell, Changed(swirl=5e-3), EMT(), settings)
    assert row["verdict"] == "differs"
    assert row["difference"] > 0
    # the power of a force b v is 2 b K/m of each atom: K = 3/2 k T at 300 K, b = 5e-3 u/ASE time; within a factor of two
    power = 2 * 5e-3 / 107.8682 * 1.5 * 8.617e-5 * 300 * 98.2269e-3 * 1e9
    assert 0.5 < row["difference"] / power < 2.5
    broken = compare_drift(cell, Changed(scale=-50.0), EMT(), settings)
    assert broken["verdict"] == "differs"
    assert "exploded, the atoms flew apart" in broken["sentence"]
    undecided = compare_drift(cell, EMT(), Changed(scale=-50.0), settings)
    assert undecided["verdict"] == "undecided"


def test_runs_repeat_with_their_seed_and_hold_their_temperature() -> None:
    start = AG * (2, 1, 1)
    start.set_momenta(thermal_momenta(start, 600.0, np.random.default_rng(3)))
    np.testing.assert_allclose(start.get_momenta().sum(axis=0), 0.0, atol=1e-10)
    runs = [
        run_trajectory(start, EMT(), steps=40, time_step=2.0, temperature=600.0, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(runs[0].total, runs[1].total)
    assert not np.array_equal(runs[0].total, runs[2].total)
    assert len(runs[0].total) == 41
    assert runs[0].positions.shape == (2, 8, 3)
    free = run_trajectory(start, EMT(), steps=100, time_step=1.0)
    # velocity Verlet: relative error (omega h)²/8 of the thermal energy, omega at most 2 pi 5 THz: 1e-4
    assert np.ptp(free.total) < 1e-3 * free.kinetic[0]
    assert np.ptp(free.kinetic) > 0.1 * free.kinetic[0]


def test_the_first_peak_and_its_onset() -> None:
    r = np.arange(0.025, 6, 0.05)
    g = 2.5 * np.exp(-((r - 2.93) ** 2) / (2 * 0.2**2)) + 4 * np.exp(-((r - 4.9) ** 2) / (2 * 0.2**2))
    peak, onset = peak_and_onset(r, g)
    assert peak == pytest.approx(2.93, abs=0.005)  # a parabola through five points of a Gaussian of 0.2 Å
    assert onset == pytest.approx(
        2.93 - 0.2 * np.sqrt(2 * np.log(5)), abs=0.01
    )  # linear within a bin of 0.05 Å


def test_neighbours_that_come_too_close_are_seen_in_the_liquid() -> None:
    cell = AG * (2, 1, 1)
    settings = ArtefactSettings(steps=200, time_step=4.0, liquid_temperature=6000.0)
    row = compare_liquid(cell, Changed(length=0.9), EMT(), settings, None)
    assert row["molten"]
    assert row["verdict"] == "differs"
    # lengths that are a tenth shorter, in the same volume: at most a tenth of 2.2 Å, and not none
    assert -0.3 < row["onset"]["difference"] < -0.05
    cold = compare_liquid(cell, EMT(), EMT(), ArtefactSettings(steps=100, liquid_temperature=10.0), None)
    assert cold["verdict"] == "undecided"
    assert "did not melt" in cold["sentence"]


def test_a_file_gives_its_calmest_structure_and_says_what_it_covers(tmp_path: Path) -> None:
    from ase.io import write

    images = []
    for amplitude in (0.3, 0.01, 0.2):
        atoms = bulk("Ag", cubic=True)
        atoms.rattle(amplitude, seed=1)
        images.append(atoms)
    write(tmp_path / "ag.xyz", images, format="extxyz")
    subject = read_subject(str(tmp_path / "ag.xyz"), EMT())
    np.testing.assert_allclose(subject.atoms.positions, images[1].positions, atol=1e-6)
    assert subject.coverage is not None
    assert subject.coverage.shortest["Ag-Ag"] == pytest.approx(min(map(shortest_distance, images)), abs=1e-6)
    assert subject.coverage.smallest_volume == pytest.approx(images[0].get_volume() / 4)
    plain = read_subject("bulk:Ag:cubic", EMT())
    assert plain.coverage is None


def test_verdicts_of_intervals() -> None:
    assert decided(0.05, 0.04, 0.1) == "reproduced"
    assert decided(0.05, 0.06, 0.1) == "undecided"
    assert decided(-0.2, 0.05, 0.1) == "differs"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"only": ("phonon",)}, "only has phonon, expected some of repulsion"),
        ({"only": ()}, "only has nothing"),
        ({"geometry": "mine"}, "geometry is 'mine'"),
        ({"repeat": (0, 1, 1)}, "repeat is"),
        ({"steps": 5}, "steps is 5, expected 100"),
        ({"temperature": -1.0}, "temperature is -1.0"),
    ],
)
def test_bad_settings_are_one_sentence(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ArtefactSettings(**wrong)


def test_a_surface_is_refused(tmp_path: Path) -> None:
    from ase.build import fcc111
    from ase.io import write

    slab = fcc111("Ag", (1, 1, 2), vacuum=5.0)
    slab.info.clear()
    write(tmp_path / "slab.xyz", slab, format="extxyz")
    with pytest.raises(InputError, match="is periodic in some directions only"):
        read_subject(str(tmp_path / "slab.xyz"), EMT())
