"""Trajectories in several strained cells at several temperatures, and displacements of several amplitudes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from spectral_ceilings.diagnostic.generation.build import build_structure
from spectral_ceilings.diagnostic.generation.structure_run import generate_structures
from spectral_ceilings.diagnostic.generation.structure_settings import StructureSettings

COPPER = "bulk:Cu:2x1x1:cubic"


def made_with(**changed: Any) -> StructureSettings:
    few: dict[str, Any] = {"n_frames": 4, "seed": 5, "timestep_fs": 2.0, "spacing_fs": 10.0}
    return StructureSettings((COPPER,), "ase:emt", **{**few, **changed})


def stored(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return {key: archive[key] for key in archive.files}


class Killed(Exception):
    pass


def test_cells_are_strained_and_take_temperatures_in_turn_also_after_a_kill(tmp_path: Path) -> None:
    asked = made_with(
        kind="md", cells=3, temperatures=(50.0, 2000.0), n_frames=12, strain=0.03, equilibration_ps=0.1
    )
    made = generate_structures(asked, tmp_path / "whole.npz", EMT)
    data = stored(tmp_path / "whole.npz")
    cells = data["cells"]
    # frames of the cells alternate: cell 0, 1, 2, 0, ...
    assert np.array_equal(cells[:3], cells[3:6])
    assert len(np.unique(cells.round(9), axis=0)) == 3
    reference = bulk("Cu", cubic=True).cell.array * np.array([[2.0], [1.0], [1.0]])
    strains = np.linalg.inv(reference) @ cells[:3] - np.eye(3)
    np.testing.assert_allclose(strains, strains.transpose(0, 2, 1), atol=1e-12)  # a strain, no rotation
    assert 0.005 < np.abs(strains).max() < 0.15  # five standard deviations
    for row in (0, 5, 11):
        atoms = Atoms(numbers=data["numbers"], positions=data["positions"][row], cell=cells[row], pbc=True)
        atoms.calc = EMT()
        np.testing.assert_allclose(atoms.get_forces(), data["forces"][row], atol=1e-3)  # float32 positions
        np.testing.assert_allclose(atoms.get_stress(), data["stress"][row], atol=1e-4)
    rms = [float(np.sqrt((data["forces"][k::3] ** 2).mean())) for k in range(3)]
    assert rms[1] > 2 * max(
        rms[0], rms[2]
    )  # a harmonic crystal's forces go with the root of T: a factor of 6
    assert made.record["frames"] == 12
    assert "--temperature 50 --temperature 2000 --cells 3 --strain 0.03" in made.record["command"]
    assert len(made.record["structures"]) == 1

    def stop(stage: str, done: int, total: int) -> None:
        assert stage != "production" or total == 12
        if stage == "production" and done == 6:
            raise Killed

    with pytest.raises(Killed):
        generate_structures(asked, tmp_path / "killed.npz", EMT, progress=stop)
    generate_structures(asked, tmp_path / "killed.npz", EMT)
    assert (tmp_path / "whole.npz").read_bytes() == (tmp_path / "killed.npz").read_bytes()


def test_amplitudes_are_taken_in_turn(tmp_path: Path) -> None:
    made = generate_structures(made_with(amplitudes=(0.01, 0.3)), tmp_path / "two.npz", EMT)
    moved = stored(tmp_path / "two.npz")["positions"] - build_structure(COPPER).positions
    sizes = moved.std(axis=(1, 2))
    # 24 numbers each: the standard deviation of a sample is off by 1/sqrt(48) of it, 15 %
    assert np.all(np.abs(sizes / [0.01, 0.3, 0.01, 0.3] - 1) < 0.6)
    assert "--amplitude 0.01 --amplitude 0.3" in made.record["command"]


def test_records_of_one_cell_are_as_before(tmp_path: Path) -> None:
    made = generate_structures(made_with(n_frames=1), tmp_path / "one.npz", EMT)
    assert not {"cells", "temperatures", "amplitudes"} & set(made.record["settings"])
