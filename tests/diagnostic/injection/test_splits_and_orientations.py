"""Splits partition the frames; orientations pair no frame with itself in the null."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.frames.splits import BLOCK, split_frames
from spectral_ceilings.diagnostic.injection.orientations import Orientations
from spectral_ceilings.numerics import haar_directions, real_harmonics
from spectral_ceilings.theory import InputError


@given(st.integers(3 * BLOCK, 3000), st.integers(0, 10), st.booleans())
def test_a_split_is_a_partition_in_blocks(frames: int, seed: int, with_held_out: bool) -> None:
    split = split_frames(frames, seed, with_held_out=with_held_out)
    parts = [split.training, split.validation, split.held_out]
    assert sorted(np.concatenate(parts).tolist()) == list(range(frames))
    assert len(split.training) > 0
    assert len(split.validation) > 0
    assert (len(split.held_out) > 0) == with_held_out
    again = split_frames(frames, seed, with_held_out=with_held_out)
    assert all(
        np.array_equal(getattr(split, k), getattr(again, k)) for k in ("training", "validation", "held_out")
    )


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(InputError, match="29 frames are too few"):
        split_frames(29, 0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_the_null_never_pairs_a_frame_with_itself(seed: int) -> None:
    split = split_frames(60, seed)
    drawn = Orientations.draw(split, 1, np.random.default_rng(seed), times=(3, 2, 2))
    for uses in (drawn.training, drawn.validation, drawn.held_out):
        for order in uses.unrelated:
            assert sorted(order.tolist()) == list(range(len(uses)))
            assert not np.any(uses.frames == uses.frames[order])


def test_a_turned_signal_is_the_signal_of_the_turned_direction() -> None:
    directions = haar_directions(60, np.random.default_rng(0))
    drawn = Orientations.draw(split_frames(60, 0), 5, np.random.default_rng(1))
    uses = drawn.training
    turned = np.einsum("nij,nj->ni", uses.rotations, directions[uses.frames])
    signal = torch.from_numpy(real_harmonics(5, directions))
    np.testing.assert_allclose(uses.turn_signal(signal), real_harmonics(5, turned), atol=1e-12 * 11)
    np.testing.assert_allclose(uses.along(torch.from_numpy(directions)), turned[:, 2], atol=1e-14)
    block = torch.from_numpy(real_harmonics(2, directions)[:, None, 4:9])
    np.testing.assert_allclose(uses.turn(block)[:, 0], real_harmonics(2, turned)[:, 4:9], atol=1e-13)
