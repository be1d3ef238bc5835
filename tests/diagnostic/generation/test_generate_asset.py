"""The embedded default is what its sidecar says, and can be made again from its anchors."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import numpy as np
import pytest
from ase.data import atomic_masses

from spectral_ceilings.diagnostic.frames.alignment import into_reference_orientation, kabsch_rotations
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import EMBEDDED, embedded_path, read_frames
from spectral_ceilings.diagnostic.generation.dynamics import State, run_segment, xtb_calculator
from spectral_ceilings.diagnostic.generation.files import sidecar_of
from spectral_ceilings.diagnostic.generation.molecule import Molecule, broken_topology, molecule_from_smiles
from spectral_ceilings.diagnostic.generation.settings import GenerateSettings
from spectral_ceilings.diagnostic.records.files import sha256_of


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(sidecar_of(embedded_path()).read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def frames() -> Frames:
    return read_frames(EMBEDDED)


@pytest.fixture(scope="module")
def molecule(record: dict[str, Any]) -> Molecule:
    return Molecule(
        smiles=record["smiles"],
        numbers=np.array(record["numbers"]),
        positions=np.array(record["reference"]),
        bonds=np.array(record["bonds"]),
        charge=record["charge"],
        multiplicity=record["multiplicity"],
        relaxation=record["relaxation"],
    )


def test_the_sidecar_belongs_to_the_file(record: dict[str, Any], frames: Frames) -> None:
    path = embedded_path()
    assert record["sha256"] == sha256_of(path) == frames.sha256
    assert record["bytes"] == path.stat().st_size < 1_000_000
    assert record["frames"] == len(frames) == 1000
    assert record["numbers"] == frames.numbers.tolist()
    assert record["command"] == GenerateSettings(**record["settings"]).command("aspirin-xtb.npz")
    assert record["smiles"] == "CC(=O)Oc1ccccc1C(=O)O"
    assert frames.formula == "C9H8O4"
    rms = np.sqrt((frames.forces**2).mean())
    assert record["forces_rms"] == pytest.approx(rms, abs=1e-4)  # four decimals were written


def test_the_file_holds_compressed_float32_arrays_and_no_objects() -> None:
    with zipfile.ZipFile(embedded_path()) as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_DEFLATED}
    with np.load(embedded_path(), allow_pickle=False) as arrays:
        kinds = {key: values.dtype for key, values in arrays.items()}
    assert kinds == {
        "numbers": np.uint8,
        "positions": np.float32,
        "forces": np.float32,
        "energies": np.float64,
    }


def test_the_temperature_is_the_one_that_was_asked_for(record: dict[str, Any]) -> None:
    """The mean lies below the bath by at most 5 standard errors and the bias of the integrator.

    Velocities at full steps make the kinetic energy of a vibration omega too small by (omega dt)^2 / 4: 2% for
    the eight stretches of hydrogen (omega dt = 0.28), 0.5% for some twenty bends and stretches at 1,500 /cm, so
    0.4% over 63 degrees of freedom.
    """
    temperature = record["temperature"]
    allowed = 5 * temperature["standard_error_K"] + 0.004 * temperature["wanted_K"]
    assert abs(temperature["measured_K"] - temperature["wanted_K"]) < allowed


def test_the_spacing_follows_its_rule(record: dict[str, Any], frames: Frames) -> None:
    spacing = record["spacing"]
    settings = GenerateSettings(**record["settings"])
    curve = np.abs(spacing["pilot_C"])
    lag = round(spacing["fs"] / spacing["pilot_lag_fs"])
    assert not spacing["capped"]
    assert spacing["fs"] == spacing["wanted_fs"] <= settings.longest_spacing_fs
    assert curve[lag:].max() <= settings.threshold < curve[lag - 1]
    # what the rule promised holds for the frames that were stored: statistical error of C, 1 / sqrt(63 * 1000)
    stored = np.array(record["stored_autocorrelation"]["forces"]["C"])
    assert np.abs(stored[1:]).max() <= settings.threshold
    centred = frames.forces - frames.forces.mean(axis=0)
    # the record has four decimals, the stored forces seven digits
    assert (centred[1:] * centred[:-1]).sum() / 999 / ((centred**2).sum() / 1000) == pytest.approx(
        stored[1], abs=1e-4
    )


def test_frames_lie_in_the_reference_orientation(frames: Frames, molecule: Molecule) -> None:
    masses = atomic_masses[frames.numbers]
    centres = np.einsum("nai,a->ni", frames.positions, masses) / masses.sum()
    # float32 rounds positions up to 6 Å by 2.4e-7 Å, whose weighted mean is no larger
    assert np.abs(centres).max() < 2.4e-7
    turns = kabsch_rotations(frames.positions - centres[:, None], molecule.positions, masses)
    # a rotation by that rounding over a molecule of 2 Å; the smallest moment leaves a factor of some ten
    assert np.abs(turns - np.eye(3)).max() < 2.4e-6
    # the force of an isolated molecule sums to nothing: 21 roundings of 7 eV/Å in float32 are 5e-6
    assert np.abs(frames.forces.sum(axis=1)).max() < 5e-6


def test_no_bond_broke_or_formed(frames: Frames, molecule: Molecule) -> None:
    for positions in frames.positions:
        assert broken_topology(frames.numbers, molecule.bonds, positions) is None


def test_the_starting_geometry_comes_from_the_smiles(record: dict[str, Any], molecule: Molecule) -> None:
    pytest.importorskip("rdkit", reason="the extra 'generate' is not installed")
    made = molecule_from_smiles(record["smiles"], seed=record["settings"]["seed"])
    np.testing.assert_array_equal(made.numbers, molecule.numbers)
    np.testing.assert_array_equal(made.bonds, molecule.bonds)
    # MMFF stops at a gradient of 1e-4 kcal/mol/Å: along the softest torsion (0.1 kcal/mol/Å^2) that is 1e-3 Å,
    # and another processor may stop elsewhere within it
    np.testing.assert_allclose(made.positions, molecule.positions, rtol=0, atol=5e-3)


def test_energies_and_forces_are_those_of_gfn2_xtb(frames: Frames, molecule: Molecule) -> None:
    """Recomputed at the stored float32 positions from a cold start.

    Positions are rounded by 2.4e-7 Å, which a Hessian of row sum 300 eV/Å^2 turns into 1e-4 eV/Å; the trajectory's
    own forces carry what its self-consistency left (accuracy 1): at most 4.5e-4 eV/Å over 50 frames, 1e-6 eV in the
    energy, which is second order in it.
    """
    pytest.importorskip("tblite", reason="the extra 'generate' is not installed")
    assert frames.energies is not None
    for index in (0, 137, 500, 777, 999):
        atoms = frames.select([index]).to_ase()[0]
        atoms.calc = xtb_calculator(molecule)
        assert np.abs(atoms.get_forces() - frames.forces[index]).max() < 2e-3
        assert abs(atoms.get_potential_energy() - frames.energies[index]) < 1e-5


def test_frames_are_made_again_from_the_anchors(
    record: dict[str, Any], frames: Frames, molecule: Molecule
) -> None:
    """One segment from an anchor ends in the next stored frame.

    On one machine it does so to float32. Elsewhere self-consistency may stop an iteration earlier or later: asking
    ten times more of it moved the ends of four segments by at most 5.1e-5 Å, 2.1e-3 eV/Å and 1.2e-4 eV (a
    perturbation grows 2.5-fold over a segment). Ten times that is allowed; another stream of noise ends 0.1 Å away.
    """
    pytest.importorskip("tblite", reason="the extra 'generate' is not installed")
    settings = GenerateSettings(**record["settings"])
    masses = atomic_masses[molecule.numbers]
    assert frames.energies is not None
    for anchor in record["anchors"][::3]:
        following = anchor["frame"] + 1
        segment = run_segment(
            molecule,
            State(np.array(anchor["positions"]), np.array(anchor["momenta"])),
            settings.thermostat,
            stage="production",
            index=following,
            steps=record["spacing"]["steps"],
        )
        positions, forces = into_reference_orientation(
            segment.state.positions[None], segment.forces[None], molecule.positions, masses
        )
        assert np.abs(positions[0] - frames.positions[following]).max() < 5e-4
        assert np.abs(forces[0] - frames.forces[following]).max() < 2e-2
        assert abs(segment.energy - frames.energies[following]) < 1.2e-3
