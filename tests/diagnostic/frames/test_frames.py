"""Frames: their invariants, selection, and the way to ASE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.theory.errors import InputError


def water(frames: int = 4) -> Frames:
    rng = np.random.default_rng(0)
    base = np.array([[0.0, 0.0, 0.119], [0.0, 0.763, -0.477], [0.0, -0.763, -0.477]])
    return Frames(
        numbers=np.array([8, 1, 1]),
        positions=base + rng.normal(0, 0.02, (frames, 3, 3)),
        forces=rng.normal(0, 1, (frames, 3, 3)),
        energies=rng.normal(-10, 1, frames),
        source="water.npz",
        sha256="0" * 64,
        units="eV and Å, declared",
    )


def test_symbols_formula_and_length() -> None:
    frames = water()
    assert frames.symbols == ("O", "H", "H")
    assert frames.formula == "H2O"
    assert len(frames) == 4


@given(st.lists(st.integers(-4, 3), min_size=1, max_size=8))
def test_selecting_indexes_every_array_alike(indices: list[int]) -> None:
    frames = water()
    chosen = frames.select(indices)
    assert len(chosen) == len(indices)
    for row, index in enumerate(indices):
        np.testing.assert_array_equal(chosen.positions[row], frames.positions[index])
        np.testing.assert_array_equal(chosen.forces[row], frames.forces[index])
        assert chosen.energies is not None
        assert frames.energies is not None
        assert chosen.energies[row] == frames.energies[index]
    assert (chosen.source, chosen.sha256, chosen.units) == (frames.source, frames.sha256, frames.units)


def test_selecting_by_slice_and_mask() -> None:
    frames = water()
    np.testing.assert_array_equal(frames.select(slice(1, 3)).positions, frames.positions[1:3])
    mask = np.array([True, False, False, True])
    np.testing.assert_array_equal(frames.select(mask).forces, frames.forces[mask])


def test_selecting_what_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="it has 4"):
        water().select([4])
    with pytest.raises(InputError, match="no frames were selected"):
        water().select([])
    with pytest.raises(InputError, match="holds no frames"):
        water().select(slice(4, 9))


def test_ase_gives_back_the_same_numbers() -> None:
    frames = water()
    images = frames.to_ase()
    assert len(images) == len(frames)
    assert frames.energies is not None
    for index, atoms in enumerate(images):
        np.testing.assert_array_equal(atoms.numbers, frames.numbers)
        np.testing.assert_array_equal(atoms.positions, frames.positions[index])
        np.testing.assert_array_equal(atoms.get_forces(), frames.forces[index])
        assert atoms.get_potential_energy() == frames.energies[index]
        assert not atoms.pbc.any()
    assert "energy" not in replace(frames, energies=None).to_ase()[0].calc.results


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda f: {"numbers": f.numbers[:2]},
            r"positions have shape \(4, 3, 3\): expected \(frames, 2, 3\)",
        ),
        (lambda f: {"numbers": f.numbers[None]}, r"atomic numbers have shape \(1, 3\)"),
        (lambda f: {"numbers": np.array([], dtype=int)}, "not empty"),
        (lambda f: {"numbers": np.array([8, 1, 0])}, "0 is no atomic number"),
        (lambda f: {"numbers": np.array([8, 1, 119])}, "119 is no atomic number"),
        (lambda f: {"positions": f.positions.reshape(4, 9)}, r"positions have shape \(4, 9\)"),
        (lambda f: {"positions": f.positions[:0]}, "holds no frames"),
        (lambda f: {"forces": f.forces[:3]}, r"forces have shape \(3, 3, 3\): expected \(4, 3, 3\)"),
        (lambda f: {"energies": f.energies[:3]}, r"energies have shape \(3,\): expected \(4,\)"),
    ],
)
def test_shapes_that_do_not_belong_together_are_refused(
    change: Callable[[Frames], dict[str, Any]], words: str
) -> None:
    frames = water()
    with pytest.raises(InputError, match=words):
        replace(frames, **change(frames))
