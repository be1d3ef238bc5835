"""Unit mistakes are refused on real data of two levels of theory; sound data pass."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import units as ase_units

from spectral_ceilings.diagnostic.frames.checks import check_distances, check_forces, check_frames
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import EMBEDDED, read_frames
from spectral_ceilings.diagnostic.frames.stiffness import bond_stiffness
from spectral_ceilings.diagnostic.frames.units import ENERGY, LENGTH, parse_units
from spectral_ceilings.theory.errors import InputError

KCAL = ase_units.kcal / ase_units.mol
#: Every ratio of two units of energy by which forces can be off.
FACTORS = sorted({a / b for a in ENERGY.values() for b in ENERGY.values() if a != b})


FOLDER = Path(
    os.environ.get("SPECTRAL_CEILINGS_RMD17") or Path(__file__).parents[4] / "shared" / "data" / "rmd17"
)
needs_rmd17 = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="no rMD17 files: set SPECTRAL_CEILINGS_RMD17 to the folder of the upstream npz files",
)
MOLECULES = {
    "aspirin": "C9H8O4",
    "benzene": "C6H6",
    "ethanol": "C2H6O",
    "malonaldehyde": "C3H4O2",
    "toluene": "C7H8",
}


def rmd17_file(molecule: str) -> Path:
    return FOLDER / f"rmd17_{molecule}_train_01.npz"


# ---------------------------------------------------------------------------- real data, PBE and GFN2-xTB


@needs_rmd17
@pytest.mark.parametrize("molecule", MOLECULES)
def test_rmd17_passes_in_its_unit_and_in_no_other(molecule: str) -> None:
    path = rmd17_file(molecule)
    frames = read_frames(path)
    assert (len(frames), frames.formula) == (1000, MOLECULES[molecule])
    assert frames.units == "kcal/mol and Å, as in every file of rMD17"
    with np.load(path) as raw:
        np.testing.assert_array_equal(frames.forces, raw["forces"] * KCAL)
    for wrong in set(ENERGY) - {"kcal/mol"}:
        with pytest.raises(InputError, match=rf"they look like kcal/mol read as {wrong}"):
            read_frames(path, units=wrong)
    for length in set(LENGTH) - {"Å"}:
        with pytest.raises(InputError, match=rf"they look like Å read as {length}"):
            read_frames(path, units=f"kcal/mol,{length}")


@needs_rmd17
@pytest.mark.parametrize("molecule", MOLECULES)
def test_rmd17_converted_to_ev_is_refused_as_kcal_per_mol(molecule: str, tmp_path: Path) -> None:
    with np.load(rmd17_file(molecule)) as raw:
        arrays = dict(raw)
    arrays |= {key: arrays[key] * KCAL for key in ("forces", "energies")}
    path = tmp_path / "converted.npz"
    np.savez(path, **arrays)
    with pytest.raises(
        InputError, match=r"out of physical range.*eV read as kcal/mol, so declare units='eV'"
    ):
        read_frames(path)
    assert read_frames(path, units="eV").units == "eV and Å, declared"


@needs_rmd17
@pytest.mark.parametrize("molecule", MOLECULES)
@pytest.mark.parametrize("count", [2, 3, 5, 20])
def test_few_frames_of_rmd17_tell_ev_from_kcal(molecule: str, count: int) -> None:
    frames = read_frames(rmd17_file(molecule))
    rng = np.random.default_rng(count)
    for _ in range(20):
        few = frames.select(rng.choice(1000, count, replace=False))
        check_forces(few)
        for factor in (KCAL, 1 / KCAL):
            with pytest.raises(InputError, match="out of physical range"):
                check_forces(replace(few, forces=few.forces * factor))


@pytest.mark.parametrize("factor", FACTORS)
def test_xtb_frames_pass_and_are_refused_in_every_wrong_unit(factor: float) -> None:
    frames = read_frames(EMBEDDED)
    check_frames(frames)
    assert frames.energies is not None
    wrong = replace(frames, forces=frames.forces * factor, energies=frames.energies * factor)
    with pytest.raises(InputError, match="force magnitudes are out of physical range"):
        check_frames(wrong)


@pytest.mark.parametrize("factor", [ase_units.Bohr, 1 / ase_units.Bohr, 0.1, 10.0])
def test_xtb_frames_are_refused_in_a_wrong_length(factor: float) -> None:
    frames = read_frames(EMBEDDED)
    with pytest.raises(InputError, match="from their nearest neighbour"):
        check_distances(replace(frames, positions=frames.positions * factor))


def test_only_a_wild_single_frame_is_refused() -> None:
    frame = read_frames(EMBEDDED).select([0])
    assert "too little motion" in check_forces(frame)
    with pytest.raises(InputError, match=r"the force RMS is .* out of physical range"):
        check_forces(replace(frame, forces=frame.forces / KCAL))


# ----------------------------------------------------------------------------------- against known constants


def diatomic(numbers: tuple[int, int], length: float, constant: float, frames: int = 30) -> Frames:
    """A harmonic diatomic of known force constant, tumbling in space."""
    rng = np.random.default_rng(1)
    stretch = rng.normal(0, 0.03, frames)
    axis = rng.normal(size=(frames, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    half = 0.5 * (length + stretch)[:, None] * axis
    pull = constant * stretch[:, None] * axis
    return Frames(
        numbers=np.array(numbers),
        positions=np.stack([half, -half], axis=1),
        forces=np.stack([-pull, pull], axis=1),
        energies=None,
        source="diatomic",
        sha256="",
        units="eV and Å, declared",
    )


#: Bond length (Å) and harmonic force constant (mdyn/Å) of gas-phase diatomics: from omega_e and the reduced mass,
#: K. P. Huber and G. Herzberg, Constants of Diatomic Molecules (1979), k = mu omega_e^2.
DIATOMICS = {
    (1, 1): (0.741, 5.75),
    (1, 9): (0.917, 9.66),
    (1, 17): (1.275, 5.16),
    (7, 7): (1.098, 22.94),
    (6, 8): (1.128, 19.02),
    (8, 8): (1.208, 11.77),
    (9, 9): (1.412, 4.70),
    (17, 17): (1.988, 3.23),
}
#: 1 mdyn/Å = 100 N/m in eV/Å².
MDYN = 100 * ase_units.J / ase_units.m**2


@pytest.mark.parametrize("pair", DIATOMICS)
def test_real_force_constants_are_measured_and_accepted(pair: tuple[int, int]) -> None:
    length, constant = DIATOMICS[pair]
    frames = diatomic(pair, length, constant * MDYN)
    stiffness = bond_stiffness(frames)
    assert stiffness is not None
    # the data are exactly linear: only rounding of r - mean(r), eps * 1 Å / 0.03 Å, remains
    assert stiffness.value == pytest.approx(constant * MDYN, rel=1e-12)
    check_frames(frames)
    with pytest.raises(InputError, match="out of physical range"):
        check_frames(replace(frames, forces=frames.forces / KCAL))


def test_motionless_bonds_tell_nothing() -> None:
    frames = diatomic((1, 1), 0.741, 36.0)
    still = replace(frames, positions=np.repeat(frames.positions[:1], len(frames), axis=0))
    assert bond_stiffness(still) is None
    assert bond_stiffness(frames.select([0])) is None


def test_units_are_parsed_in_any_spelling() -> None:
    for text, expected in (
        ("kcal/mol", "kcal/mol and Å"),
        ("KCAL/MOL, Ang", "kcal/mol and Å"),
        ("Hartree,Bohr", "hartree and bohr"),
        ("ev", "eV and Å"),
    ):
        assert str(parse_units(text)) == expected
    for text in ("", "kcal", "eV,Å,Å", "Å", "eV,kcal/mol", "bohr,hartree"):
        with pytest.raises(InputError, match="expected an energy"):
            parse_units(text)
    # CODATA: 1 eV = 23.060548 kcal/mol = 96.485332 kJ/mol, 1 hartree = 27.211386 eV, to the digits given
    assert 1 / parse_units("kcal/mol").force_factor == pytest.approx(23.060548, abs=1e-5)
    assert 1 / parse_units("kJ/mol").force_factor == pytest.approx(96.485332, abs=1e-5)
    assert parse_units("hartree,bohr").force_factor == pytest.approx(27.211386 / 0.529177211, abs=1e-4)
