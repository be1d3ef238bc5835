"""The shipped crystals, box and mixed set are what their records say: the calculator gives their forces again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from spectral_ceilings.diagnostic.generation.dynamics import one_thread
from spectral_ceilings.diagnostic.generation.potentials import is_potential, potential
from spectral_ceilings.diagnostic.generation.structure_settings import StructureSettings
from spectral_ceilings.diagnostic.records.assets import shipped_structures
from spectral_ceilings.diagnostic.records.files import sha256_of
from spectral_ceilings.diagnostic.symmetry.calculators import load_calculator

NAMES = sorted(shipped_structures())


def record_of(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return record


def images_of(path: Path) -> list[tuple[Atoms, float, np.ndarray, np.ndarray | None]]:
    """Return every structure with its energy, forces and stress."""
    if path.suffix == ".extxyz":
        images = read(path, ":")
        return [
            (image, image.get_potential_energy(), image.get_forces(), image.calc.results.get("stress"))
            for image in images
        ]
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files}
    return [
        (
            Atoms(numbers=arrays["numbers"], positions=positions.astype(float), cell=cell, pbc=arrays["pbc"]),
            energy, forces, stress,
        )
        for positions, cell, energy, forces, stress in zip(
            arrays["positions"], arrays["cells"], arrays["energies"], arrays["forces"], arrays["stress"], strict=True
        )
    ]  # fmt: skip


def test_these_sets_ship() -> None:
    assert NAMES == ["ag-emt", "lif-xtb", "mixed-xtb", "si-rattled", "water-box-xtb"]


@pytest.mark.parametrize("name", NAMES)
def test_the_record_belongs_to_the_file(name: str) -> None:
    path = shipped_structures()[name]
    record = record_of(path)
    assert record["sha256"] == sha256_of(path)
    assert record["bytes"] == path.stat().st_size < 400_000
    arguments = {**record["settings"], "structures": tuple(record["settings"]["structures"])}
    assert record["command"] == StructureSettings(**arguments).command(path.name)
    images = images_of(path)
    assert len(images) == record["frames"] >= 60
    every = np.concatenate([forces.ravel() for _, _, forces, _ in images])
    assert np.sqrt((every**2).mean()) == pytest.approx(
        record["forces_rms"], abs=1e-4
    )  # four decimals were written
    assert {part["formula"] for part in record["structures"]} == {
        re.sub(r"(?<=[A-Za-z])1(?!\d)", "", image.get_chemical_formula(mode="hill")) for image, *_ in images
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_calculator_gives_the_same_again(name: str) -> None:
    path = shipped_structures()[name]
    source = record_of(path)["settings"]["calculator"]
    images = images_of(path)
    for image, energy, forces, stress in (images[0], images[-1]):
        again = Atoms(numbers=image.numbers, positions=image.positions, cell=image.cell, pbc=image.pbc)
        with one_thread():
            again.calc = potential(source) if is_potential(source) else load_calculator(source).calculator
        # Coordinates are rounded to 1e-6 Å in float32, force constants stay below 100 eV/Å² (O-H: 50), and the field of xTB
        # is converged to 1e-6 Hartree of each atom.
        np.testing.assert_allclose(again.get_forces(), forces, atol=1e-3)
        assert again.get_potential_energy() == pytest.approx(energy, abs=1e-3)
        if stress is not None:
            np.testing.assert_allclose(again.get_stress(), stress, atol=1e-4)
