"""Structures of several compositions: what is taken is what was asked for, in its order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.structures import StructuresInMemory
from spectral_ceilings.theory.errors import InputError


def frames(numbers, count, start, **more):
    positions = start + np.arange(count * len(numbers) * 3, dtype=float).reshape(count, len(numbers), 3)
    return Frames(np.array(numbers), positions, np.zeros_like(positions), None, "a", "0" * 64, "eV", **more)


@pytest.fixture
def mixed():
    crystal = frames([3, 9], 2, 100.0, cells=np.tile(4 * np.eye(3), (2, 1, 1)), pbc=(True, True, True))
    return StructuresInMemory((frames([1], 3, 0.0), crystal, frames([6, 1], 4, 200.0)), "a", "0" * 64, "eV")


@given(indices=st.lists(st.integers(0, 8), min_size=1, max_size=20))
def test_take_gives_each_structure_that_was_asked_for(indices):
    crystal = frames([3, 9], 2, 100.0, cells=np.tile(4 * np.eye(3), (2, 1, 1)), pbc=(True, True, True))
    all_frames = (frames([1], 3, 0.0), crystal, frames([6, 1], 4, 200.0))
    mixed = StructuresInMemory(all_frames, "a", "0" * 64, "eV")
    positions = [x for some in all_frames for x in some.positions]
    parts = mixed.take(indices)
    assert sorted(k for part in parts for k in part.indices.tolist()) == sorted(indices)
    for part in parts:
        for index, x in zip(part.indices, part.frames.positions, strict=True):
            np.testing.assert_array_equal(x, positions[index])
            np.testing.assert_array_equal(part.frames.numbers, mixed.numbers(int(index)))


def test_periodicity_is_kept(mixed):
    assert [part.frames.pbc for part in mixed.take([3, 0])] == [(True, True, True), (False, False, False)]


@pytest.mark.parametrize("index", [-1, 9])
def test_an_index_outside_is_one_sentence(mixed, index):
    with pytest.raises(InputError, match=f"structure {index} was asked for, it has 0 to 8"):
        mixed.take([index])
