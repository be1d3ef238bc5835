"""ASE Atoms as structures: what ASE says of each of them is what is taken, in their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms

from spectral_ceilings.diagnostic import structures_from_ase
from spectral_ceilings.diagnostic.frames.ase_structures import data_from_ase
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.selection import Selection
from spectral_ceilings.theory.errors import InputError


def some() -> list[Atoms]:
    """Return copper, water and two more of each by turns, moved; water has no forces, the last of all nothing."""
    calculator: Any = EMT()
    images = []
    for seed in range(3):
        copper = bulk("Cu", cubic=True)
        copper.rattle(0.05, seed=seed)
        copper.calc = calculator  # one for all: it holds the results of the last that it was asked for
        copper.set_constraint(FixAtoms([0]))
        water = molecule("H2O")
        water.rattle(0.05, seed=seed)
        if seed < 2:
            water.calc = SinglePointCalculator(water, energy=float(seed))
        images += [copper, water]
    return images


def test_every_structure_is_what_ase_says_it_is() -> None:
    images = some()
    structures = structures_from_ase(images)
    assert (len(structures), len(structures.frames), structures.source) == (6, 2, "structures")
    seen = 0
    for part in structures.take([5, 0, 3, 4, 1, 2]):
        frames = part.frames
        for row, place in enumerate(part.indices):
            image = images[int(place)]
            assert np.array_equal(frames.numbers, image.numbers)
            assert np.array_equal(structures.numbers(int(place)), image.numbers)
            assert np.array_equal(frames.positions[row], image.positions)
            assert structures.periodic(int(place)) == image.pbc.any() == frames.periodic
            if image.pbc.any():
                assert frames.cells is not None
                assert frames.stress is not None
                assert np.array_equal(frames.cells[row], image.cell.array)
                # forces of the model, those on fixed atoms too
                assert np.array_equal(frames.forces[row], image.get_forces(apply_constraint=False))
                assert frames.forces[row, 0].any()
                assert np.array_equal(frames.stress[row], image.get_stress(apply_constraint=False))
                assert frames.energies is not None
                assert frames.energies[row] == image.get_potential_energy()
            else:
                assert np.isnan(frames.forces[row]).all()
                assert frames.energies is not None
                assert np.array_equal(
                    frames.energies[row], [0.0, 1.0, np.nan][int(place) // 2], equal_nan=True
                )
            seen += 1
    assert seen == 6


def test_the_hash_is_that_of_the_content_and_its_order() -> None:
    first = structures_from_ase(some()).sha256
    assert first == structures_from_ase(some(), source="other").sha256
    moved = some()
    moved[3].positions[0, 0] += 1e-12
    others = [structures_from_ase(images).sha256 for images in (moved, some()[::-1], some()[:-1])]
    assert len({first, *others}) == 4


def test_results_of_other_positions_are_not_taken() -> None:
    water = molecule("H2O")
    water.calc = SinglePointCalculator(water, forces=np.ones((3, 3)))
    assert np.isfinite(structures_from_ase([water]).frames[0].forces).all()
    water.positions[0, 0] += 0.1
    assert np.isnan(structures_from_ase([water]).frames[0].forces).all()


def test_a_selection_knows_what_is_periodic() -> None:
    structures = structures_from_ase(some())
    chosen = Selection.parse("periodic")
    picked = [chosen.atoms(k, structures.numbers(k), periodic=structures.periodic(k)).any() for k in range(6)]
    assert picked == [True, False] * 3


def test_what_info_says_can_be_selected_by() -> None:
    images = some()
    for k, image in enumerate(images):
        image.info = {
            "config_type": ["bulk", "gas"][k % 2],
            "step": np.int64(k),
            "dipole": np.ones(3),
            7: "no name",
        }
    images[0].info["relaxed"] = True
    structures = structures_from_ase(images)
    assert structures.names == {"config_type", "step", "relaxed", "energy"}
    assert structures.info(0) == {
        "config_type": "bulk", "step": 0, "relaxed": True, "energy": images[0].get_potential_energy()
    }  # fmt: skip
    # the last molecule has no energy
    assert structures.info(5) == {"config_type": "gas", "step": 5}
    assert structures.info(5, ["step", "relaxed"]) == {"step": 5}

    def picked(text: str) -> list[int]:
        chosen = Selection.parse(text)
        return [k for k in range(6) if chosen.atoms(k, structures.numbers(k), structures.info(k)).any()]

    assert picked("config_type == 'gas'") == [1, 3, 5]
    assert picked("step > 3 or relaxed") == [0, 4, 5]
    assert picked("energy > 0.5 and config_type == 'gas'") == [3]


def test_images_of_one_composition_keep_what_info_says_where_asked() -> None:
    copper = some()[::2]
    copper[1].info["config_type"] = "bulk"
    assert isinstance(data_from_ase(copper), Frames)
    kept = data_from_ase(copper, keep_info=True)
    assert not isinstance(kept, Frames)
    assert [len(part.frames) for part in kept.take(range(3))] == [3]


def test_images_of_one_composition_are_frames() -> None:
    copper = some()[::2]
    frames = data_from_ase(copper)
    assert isinstance(frames, Frames)
    assert frames.checks
    assert np.array_equal(frames.positions, [image.positions for image in copper])
    with pytest.raises(InputError, match="structure 0 has no forces"):
        data_from_ase(some()[1::2])


def flat() -> Atoms:
    return Atoms("Cu", cell=np.zeros((3, 3)), pbc=True)


def lost() -> Atoms:
    return Atoms("Cu", positions=[[np.nan, 0.0, 0.0]])


def endless() -> Atoms:
    water = molecule("H2O")
    water.calc = SinglePointCalculator(water, forces=np.full((3, 3), np.inf))
    return water


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([], "there are no structures"),
        (["CO"], "structure 0 is of the type str"),
        ([Atoms()], "structure 0 has no atoms"),
        ([flat()], "periodic cell vectors"),
        ([lost()], "structure 0 has positions or a cell that are not finite"),
        ([endless()], "structure 0: its calculator gives forces that are not finite"),
    ],
)
def test_what_is_no_structure_is_one_sentence(images: list[Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        structures_from_ase(images)
