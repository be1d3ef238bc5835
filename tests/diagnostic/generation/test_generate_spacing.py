"""Autocorrelation, the spacing rule, and the reference orientation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic.frames.alignment import (
    centred,
    into_reference_orientation,
    kabsch_rotations,
)
from spectral_ceilings.diagnostic.generation.autocorrelation import (
    autocorrelation,
    choose_spacing,
    effective_samples,
)
from spectral_ceilings.theory.errors import InputError


@given(samples=st.integers(3, 40), seed=st.integers(0, 10**6))
def test_the_autocorrelation_is_its_definition(samples: int, seed: int) -> None:
    signal = np.random.default_rng(seed).normal(size=(samples, 2, 3))
    lag = samples - 1
    centred_signal = (signal - signal.mean(axis=0)).reshape(samples, -1)
    direct = [
        (centred_signal[: samples - k] * centred_signal[k:]).sum() / (samples - k) for k in range(lag + 1)
    ]
    # an FFT of 80 numbers of size 1 rounds by a few eps * log2(80); the division by C(0) > 1 keeps it
    np.testing.assert_allclose(autocorrelation(signal, lag), np.array(direct) / direct[0], rtol=0, atol=1e-13)


def test_an_ornstein_uhlenbeck_signal_decays_exponentially() -> None:
    """AR(1) with coefficient a: C(k) = a^k, N_eff = N (1 - a) / (1 + a) exactly; standard errors by Bartlett."""
    rng = np.random.default_rng(0)
    a, samples, copies = 0.8, 20_000, 30
    noise = rng.normal(size=(samples, copies))
    signal = np.empty_like(noise)
    signal[0] = noise[0] / np.sqrt(1 - a**2)
    for k in range(1, samples):
        signal[k] = a * signal[k - 1] + noise[k]
    correlation = autocorrelation(signal, 60)
    # Bartlett: var C(k) <= (1 + a^2) / (1 - a^2) / (N copies) = 4.6 / 6e5; five standard errors are 0.014
    np.testing.assert_allclose(correlation, a ** np.arange(61), rtol=0, atol=0.014)
    assert effective_samples(correlation, 1000) == pytest.approx(1000 * (1 - a) / (1 + a), rel=0.05)


def test_white_noise_has_as_many_independent_samples_as_samples() -> None:
    assert effective_samples(np.array([1.0, -0.1, 0.3, 0.2]), 500) == 500


def test_a_signal_too_short_or_constant_is_told() -> None:
    with pytest.raises(InputError, match="needs more than 5 samples"):
        autocorrelation(np.zeros((5, 3)), 5)
    with pytest.raises(InputError, match="does not vary"):
        autocorrelation(np.ones((9, 3)), 2)


CURVE = np.array([1.0, 0.05, -0.6, 0.3, 0.02, -0.25, 0.09, -0.08, 0.04])


@pytest.mark.parametrize(
    ("threshold", "longest", "steps", "capped", "wanted"),
    [
        (0.1, 100.0, 24, False, 12.0),  # lag 6: the early passage at lag 1 does not count
        (0.26, 100.0, 16, False, 8.0),  # lag 4
        (0.1, 8.0, 16, True, 12.0),  # capped at lag 4
        (0.01, 100.0, 32, True, None),  # never settles: the longest lag measured
        (0.01, 6.0, 12, True, None),
        (0.99, 100.0, 4, False, 2.0),  # never less than one lag
    ],
)
def test_the_spacing_is_the_lag_from_which_the_curve_stays_small(
    threshold: float, longest: float, steps: int, capped: bool, wanted: float | None
) -> None:
    spacing = choose_spacing(CURVE, steps_per_lag=4, timestep_fs=0.5, threshold=threshold, longest_fs=longest)
    assert (spacing.steps, spacing.capped, spacing.wanted_fs) == (steps, capped, wanted)
    assert spacing.fs == steps * 0.5
    assert spacing.residual == CURVE[steps // 4]
    assert spacing.envelope == np.abs(CURVE[steps // 4 :]).max()


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6))
def test_turned_frames_are_turned_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masses = rng.uniform(1, 16, 8)
    reference = centred(rng.normal(size=(8, 3)), masses)
    rotations = Rotation.random(5, random_state=seed).as_matrix()
    vectors = rng.normal(size=(5, 8, 3))
    moved = np.einsum("nij,aj->nai", rotations, reference) + rng.normal(size=(5, 1, 3))
    positions, turned = into_reference_orientation(
        moved, np.einsum("nij,naj->nai", rotations, vectors), reference, masses
    )
    # eps * condition of the covariance; eight random points are well conditioned but for rare draws
    np.testing.assert_allclose(positions, np.broadcast_to(reference, (5, 8, 3)), rtol=0, atol=1e-10)
    np.testing.assert_allclose(turned, vectors, rtol=0, atol=1e-10)


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6))
def test_the_best_rotation_is_that_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masses = rng.uniform(1, 16, 8)
    reference = centred(rng.normal(size=(8, 3)), masses)
    frame = centred(reference + rng.normal(0, 0.3, (8, 3)), masses)
    ours = kabsch_rotations(frame[None], reference, masses)[0]
    theirs, _ = Rotation.align_vectors(reference, frame, weights=masses)
    np.testing.assert_allclose(ours, theirs.as_matrix(), rtol=0, atol=1e-10)
    assert np.linalg.det(ours) == pytest.approx(1, abs=1e-12)


def test_a_mirror_image_is_turned_and_never_reflected() -> None:
    rng = np.random.default_rng(5)
    masses = rng.uniform(1, 16, 8)
    reference = centred(rng.normal(size=(8, 3)), masses)
    mirror = reference * [1, 1, -1]
    ours = kabsch_rotations(mirror[None], reference, masses)[0]
    theirs, _ = Rotation.align_vectors(reference, mirror, weights=masses)
    assert np.linalg.det(ours) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(ours, theirs.as_matrix(), rtol=0, atol=1e-10)
