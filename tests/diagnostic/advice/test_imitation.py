"""The closed form holds what is in its space, not what is above it, and nothing of forces that are no field of the positions."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_ceilings.diagnostic.advice.imitation import imitate
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.injection.angular_terms import angular_fields

pytest.importorskip("featomic", reason="the extra 'advise' is not installed")

CUTOFF = 1.7


@pytest.fixture(scope="module")
def ethanol() -> Frames:
    frames = read_frames("ethanol-xtb")
    return frames.select(range(0, len(frames), max(1, len(frames) // 160)))


def test_terms_are_held_from_their_degree_on_and_noise_never(ethanol: Frames) -> None:
    degrees = (1, 2, 3)
    fields = angular_fields(ethanol, degrees, CUTOFF).forces
    noise = np.random.default_rng(0).normal(size=(1, *fields.shape[1:]))
    targets = np.concatenate([fields, noise]).reshape(4, -1).T
    rows = imitate(ethanol, targets, CUTOFF, l_top=3, channels=8)
    r2 = {(row.target, row.l_max): row.r2 for row in rows}
    assert len(r2) == len(rows) == 4 * 4
    for k, l in enumerate(degrees):
        # invariants of order 2 with l <= L hold sum over pairs of g(r_ij, r_ik) P_l exactly; 8 channels resolve f to a per cent
        assert r2[k, l] > 0.99
        assert r2[k, l] > r2[k, l - 1]
        assert r2[k, 0] < 0.95  # radial functions alone
    # a fit to noise judged on other frames holds nothing: below zero by its overfit, or ridged away
    assert max(r2[3, l] for l in range(4)) < 0.02
    for row in rows:
        assert row.low <= row.r2 <= row.high
        assert row.order == 2


def test_order_3_reaches_what_order_2_does_not(ethanol: Frames) -> None:
    """Products of angles around one atom, as squares of sums of P_1: order 4 in the density, partly held by order 3."""
    fields = angular_fields(ethanol, [2], CUTOFF)
    # the gradient of E^2 / 2 is E times that of E: a field of higher order
    target = (fields.energies[0][:, None, None] * fields.forces[0]).reshape(-1, 1)
    rows = imitate(ethanol, target, CUTOFF, l_top=1, channels=6, cubic_channels=4)
    assert {row.order for row in rows} == {2, 3}
    best = {order: max(row.r2 for row in rows if row.order == order) for order in (2, 3)}
    assert best[3] > best[2]
