"""Generation: the molecule, the thermostat, the journal, and a resumed run equal to an uninterrupted one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.generation.dynamics import State, Thermostat, run_segment, starting_state
from spectral_ceilings.diagnostic.generation.generate import generate, sidecar_of
from spectral_ceilings.diagnostic.generation.journal import Journal
from spectral_ceilings.diagnostic.generation.molecule import broken_topology, molecule_from_smiles
from spectral_ceilings.diagnostic.generation.settings import GenerateSettings
from spectral_ceilings.theory.errors import InputError

pytest.importorskip("rdkit", reason="the extra 'generate' is not installed")
pytest.importorskip("tblite", reason="the extra 'generate' is not installed")

WATER = GenerateSettings(
    smiles="O",
    n_frames=4,
    seed=3,
    equilibration_ps=0.3,
    pilot_ps=0.2,
    longest_lag_fs=20.0,
    longest_spacing_fs=8.0,
)

# --------------------------------------------------------------------------------------------- molecules


def test_atoms_keep_the_order_of_the_smiles_with_hydrogens_appended() -> None:
    aspirin = molecule_from_smiles("CC(=O)Oc1ccccc1C(=O)O", seed=1)
    assert "".join(Atoms(numbers=aspirin.numbers).symbols) == "CCOOCCCCCCCOOHHHHHHHH"
    assert aspirin.bonds.shape == (21, 2)
    assert (aspirin.charge, aspirin.multiplicity, aspirin.relaxation) == (0, 1, "MMFF94")
    assert broken_topology(aspirin.numbers, aspirin.bonds, aspirin.positions) is None
    again = molecule_from_smiles("CC(=O)Oc1ccccc1C(=O)O", seed=1)
    np.testing.assert_array_equal(again.positions, aspirin.positions)


@pytest.mark.parametrize(
    ("smiles", "charge", "multiplicity"), [("[NH4+]", 1, 1), ("[CH3]", 0, 2), ("CC(=O)[O-]", -1, 1)]
)
def test_charge_and_multiplicity_come_from_the_smiles(smiles: str, charge: int, multiplicity: int) -> None:
    molecule = molecule_from_smiles(smiles, seed=0)
    assert (molecule.charge, molecule.multiplicity) == (charge, multiplicity)


@pytest.mark.parametrize(
    ("smiles", "words"),
    [
        ("", "cannot be read"),
        ("C(", "cannot be read"),
        ("C1CC", "cannot be read"),
        ("hello", "cannot be read"),
        ("CC.O", "holds 2 separate molecules"),
        ("[He]", "is a single atom"),
        ("C[Fr]", "atomic number 87"),
        ("C*", "atomic number 0"),
    ],
)
def test_a_smiles_that_is_no_molecule_is_told(smiles: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        molecule_from_smiles(smiles, seed=0)


@given(st.text(max_size=8))
@settings(deadline=None, max_examples=60)
def test_any_text_is_a_molecule_or_an_input_error(text: str) -> None:
    try:
        molecule = molecule_from_smiles(text, seed=0)
    except InputError:
        return
    assert np.isfinite(molecule.positions).all()


def test_a_broken_bond_and_a_moved_proton_are_seen() -> None:
    acid = molecule_from_smiles("OCC(=O)O", seed=0)
    oxygen, hydrogen = next((i, j) for i, j in acid.bonds.tolist() if (i, j)[0] == 4)
    stretched = acid.positions.copy()
    stretched[hydrogen] += 2.0 * (stretched[hydrogen] - stretched[oxygen])
    assert broken_topology(acid.numbers, acid.bonds, stretched) == (
        f"the bond between atoms {oxygen} and {hydrogen} is "
        f"{3 * np.linalg.norm(acid.positions[hydrogen] - acid.positions[oxygen]):.2f} Å long"
    )
    shared = acid.positions.copy()
    shared[4] = shared[hydrogen] + 1.4 * (shared[4] - shared[hydrogen])
    shared[0] = shared[hydrogen] - 0.98 * (shared[4] - shared[hydrogen]) / np.linalg.norm(
        shared[4] - shared[hydrogen]
    )
    only = np.array([[4, hydrogen]])
    assert "not bonded in the SMILES" in str(broken_topology(acid.numbers, only, shared))


# ---------------------------------------------------------------------------------------------- dynamics


def test_a_segment_depends_on_its_stream_and_on_nothing_else() -> None:
    water = molecule_from_smiles("O", seed=0)
    thermostat = Thermostat(temperature=500, timestep_fs=0.5, friction_per_fs=0.02, seed=5)
    start = starting_state(water, thermostat)
    runs = [
        run_segment(water, start, thermostat, stage=stage, index=index, steps=10)
        for stage, index in (("pilot", 0), ("pilot", 1), ("production", 0), ("pilot", 0))
    ]
    np.testing.assert_array_equal(runs[0].state.positions, runs[3].state.positions)
    np.testing.assert_array_equal(runs[0].state.momenta, runs[3].state.momenta)
    assert runs[0].energy == runs[3].energy
    for other in runs[1:3]:
        assert not np.array_equal(runs[0].state.positions, other.state.positions)


def test_without_friction_the_energy_is_conserved() -> None:
    """At vanishing friction the integrator is velocity Verlet.

    Its energy oscillates by (omega dt)^2 / 8 of the energy of each vibration (E. Hairer, C. Lubich and G. Wanner,
    Geometric Numerical Integration, I.5): omega dt = 0.35 for O-H at 0.5 fs, so 1.5% of some 0.1 eV, 2 meV with
    both stretches; and it does not drift. A wrong unit of time or mass would leave tenths of an eV.
    """
    water = molecule_from_smiles("O", seed=0)
    thermostat = Thermostat(temperature=500, timestep_fs=0.5, friction_per_fs=1e-12, seed=5)
    masses = Atoms(numbers=water.numbers).get_masses()[:, None]
    state = starting_state(water, thermostat)
    totals = []
    for index in range(20):
        segment = run_segment(water, state, thermostat, stage="production", index=index, steps=10)
        state = segment.state
        totals.append(segment.energy + float((state.momenta**2 / masses).sum()) / 2)
    assert np.ptp(totals) < 5e-3


def test_the_thermostat_holds_the_temperature() -> None:
    """Methane: 15 degrees of freedom; at friction 0.1/fs kinetic energy forgets itself in 1 / (2 * 0.1) = 5 fs.

    1 ps is 200 independent samples of a temperature of relative spread sqrt(2 / 15) = 0.37: standard error 13 K
    at 500 K; twice that for the correlation of position and momentum; five of these are 130 K.
    """
    methane = molecule_from_smiles("C", seed=0)
    thermostat = Thermostat(temperature=500, timestep_fs=0.5, friction_per_fs=0.1, seed=1)
    state = run_segment(
        methane, starting_state(methane, thermostat), thermostat, stage="equilibration", index=0, steps=400
    ).state
    segment = run_segment(methane, state, thermostat, stage="production", index=0, steps=2000)
    assert abs(segment.temperature - 500) < 130


def test_the_samples_lie_on_the_trajectory() -> None:
    water = molecule_from_smiles("O", seed=0)
    thermostat = Thermostat(temperature=300, timestep_fs=0.5, friction_per_fs=0.02, seed=2)
    segment = run_segment(
        water, starting_state(water, thermostat), thermostat, stage="pilot", index=0, steps=12, sample_every=4
    )
    assert segment.samples.shape == (3, 2, 3, 3)
    np.testing.assert_array_equal(segment.samples[-1, 0], segment.state.positions)
    np.testing.assert_array_equal(segment.samples[-1, 1], segment.forces)


def test_a_field_that_does_not_converge_is_told() -> None:
    water = molecule_from_smiles("O", seed=0)
    thermostat = Thermostat(temperature=500, timestep_fs=0.5, friction_per_fs=0.02, seed=5)
    clash = State(np.zeros((3, 3)), np.zeros((3, 3)))
    with pytest.raises(InputError, match=r"GFN2-xTB failed in segment 4 of the pilot stage at 500 K"):
        run_segment(water, clash, thermostat, stage="pilot", index=4, steps=1)


# ----------------------------------------------------------------------------------------------- journal


@given(
    rows=st.lists(st.lists(st.floats(allow_nan=False), min_size=3, max_size=3), min_size=1, max_size=6),
    cut=st.integers(0, 200),
)
def test_a_journal_cut_anywhere_keeps_its_whole_records(
    rows: list[list[float]], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    journal = Journal(path, 3)
    for row in rows:
        journal.append(np.array(row))
    content = path.read_bytes()
    path.write_bytes(content[: max(0, len(content) - cut)])
    again = Journal(path, 3)
    kept = max(0, len(content) - cut) // (len(content) // len(rows))
    np.testing.assert_array_equal(again.rows, np.array(rows[:kept]).reshape(kept, 3))
    again.append(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(Journal(path, 3).last, [1.0, 2.0, 3.0])
    assert len(Journal(path, 3)) == kept + 1


@given(at=st.integers(0, 3 * 28 - 1), bit=st.integers(0, 7))
def test_a_journal_drops_everything_from_a_damaged_record_on(
    at: int, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    journal = Journal(path, 3)
    rows = np.arange(9.0).reshape(3, 3)
    for row in rows:
        journal.append(row)
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    path.write_bytes(content)
    np.testing.assert_array_equal(Journal(path, 3).rows, rows[: at // 28])


# ------------------------------------------------------------------------------------------------ resuming


def without_time(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "production_s"}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, Any]]:
    made = generate(WATER, tmp_path_factory.mktemp("whole") / "water.npz")
    return made.path.read_bytes(), made.record


class Killed(Exception):
    pass


@pytest.mark.parametrize(
    ("stage", "done"),
    [("equilibration", 1), ("equilibration", 3), ("pilot", 1), ("production", 1), ("production", 4)],
)
def test_a_resumed_run_is_bit_identical(
    tmp_path: Path, uninterrupted: tuple[bytes, dict[str, Any]], stage: str, done: int
) -> None:
    def stop(at: str, count: int, total: int) -> None:
        if (at, count) == (stage, done):
            raise Killed

    path = tmp_path / "water.npz"
    with pytest.raises(Killed):
        generate(WATER, path, progress=stop)
    assert not path.exists()
    # a kill in the middle of a write leaves half a record
    with (tmp_path / "water.npz.partial" / f"{stage}.journal").open("ab") as stream:
        stream.write(b"torn record")
    made = generate(WATER, path)
    assert path.read_bytes() == uninterrupted[0]
    assert without_time(made.record) == without_time(uninterrupted[1])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["water.json", "water.npz"]


def test_a_run_killed_by_the_system_goes_on(tmp_path: Path) -> None:
    slow = replace(WATER, n_frames=400)
    path = tmp_path / "water.npz"
    code = (
        "import sys; from spectral_ceilings.diagnostic.generation.generate import generate;"
        "from spectral_ceilings.diagnostic.generation.settings import GenerateSettings;"
        "import json; generate(GenerateSettings(**json.loads(sys.argv[1])), sys.argv[2])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(vars(slow)), str(path)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    journal = tmp_path / "water.npz.partial" / "production.journal"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.stat().st_size > 1000) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert journal.exists(), "the run had not reached production before the deadline"
    before = len(Journal(journal, 9 * 3 + 3))
    assert 0 < before < 400
    counts: list[int] = []

    def stop(stage: str, done: int, total: int) -> None:
        counts.append(done)
        if done == before + 2:
            raise Killed

    with pytest.raises(Killed):
        generate(slow, path, progress=stop)
    assert counts == [before + 1, before + 2]


def test_a_finished_file_is_not_made_again(
    tmp_path: Path, uninterrupted: tuple[bytes, dict[str, Any]]
) -> None:
    path = tmp_path / "water.npz"
    path.write_bytes(uninterrupted[0])
    sidecar_of(path).write_text(json.dumps(uninterrupted[1]))

    def never(stage: str, done: int, total: int) -> None:
        raise AssertionError("it was made again")

    assert generate(WATER, path, progress=never).record == uninterrupted[1]
    with pytest.raises(InputError, match=r"water.npz exists already and was made with other settings"):
        generate(replace(WATER, seed=4), path)
    sidecar_of(path).unlink()
    with pytest.raises(InputError, match=r"water.npz exists already and has no record"):
        generate(WATER, path)
    assert path.read_bytes() == uninterrupted[0]


def test_an_unfinished_run_is_taken_up_with_its_own_settings_only(tmp_path: Path) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        raise Killed

    path = tmp_path / "water.npz"
    with pytest.raises(Killed):
        generate(WATER, path, progress=stop)
    with pytest.raises(InputError, match="unfinished run with other settings"):
        generate(replace(WATER, temperature=400.0), path)
    with pytest.raises(InputError, match="holds an unfinished run: resume it"):
        generate(WATER, path, resume=False)


def test_a_molecule_that_reacts_is_told(tmp_path: Path) -> None:
    hot = GenerateSettings("OO", temperature=5000.0, seed=1, equilibration_ps=5.0, friction_per_fs=0.1)
    with pytest.raises(
        InputError, match=r"reacted in segment \d+ of the equilibration stage at 5000 K: the "
    ):
        generate(hot, tmp_path / "peroxide.npz")


# ------------------------------------------------------------------------------------- settings and extras


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": -5.0}, "temperature is -5.0: expected a value from 1 to 5000"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"n_frames": 0}, "n_frames is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"timestep_fs": 10.0}, "timestep_fs is 10.0: expected a value from 0.05 to 2"),
        ({"friction_per_fs": 0.0}, "friction_per_fs is 0.0"),
        ({"pilot_ps": 0.03}, "at least twice longest_lag_fs"),
    ],
)
def test_settings_out_of_range_are_told(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(WATER, **change)


def test_the_output_is_an_npz(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a file name that ends in .npz"):
        generate(WATER, tmp_path / "water.xyz")


@pytest.mark.parametrize("package", ["rdkit", "tblite"])
def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    for name in list(sys.modules):
        if name == package or name.startswith(f"{package}."):
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"'{package}' is not installed.*'spectral-ceilings\[generate\]'"):
        generate(WATER, tmp_path / "water.npz")
    assert list(tmp_path.iterdir()) == []


def test_momenta_have_the_units_of_ase() -> None:
    """Equipartition: <p^2 / m> = kB T per degree of freedom, averaged over seeds.

    300 seeds of 15 degrees of freedom: relative standard error sqrt(2 / 4500) = 2.1%, five of them 11%.
    """
    methane = molecule_from_smiles("C", seed=0)
    masses = Atoms(numbers=methane.numbers).get_masses()[:, None]
    means = [
        float((starting_state(methane, Thermostat(500, 0.5, 0.02, seed)).momenta ** 2 / masses).mean())
        for seed in range(300)
    ]
    assert np.mean(means) == pytest.approx(ase_units.kB * 500, rel=0.11)
