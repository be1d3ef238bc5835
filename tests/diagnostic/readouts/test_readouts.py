"""On harmonics of a single direction both readouts must meet the theorem: R2 = 1 up to dL and nothing above."""

from math import comb

import numpy as np
import pytest
import torch
from scipy.linalg import lstsq

from spectral_ceilings.diagnostic.frames.splits import split_frames
from spectral_ceilings.diagnostic.injection.orientations import Orientations
from spectral_ceilings.diagnostic.readouts.equivariant import fit_equivariant
from spectral_ceilings.diagnostic.readouts.free import channels_kept, fit_free
from spectral_ceilings.diagnostic.readouts.ridge import ridge_solutions
from spectral_ceilings.diagnostic.recovery.bootstrap import Bootstrap, recovery
from spectral_ceilings.theory import InputError

from single_directions import single_direction

CASES = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2)]
L_TOP = 8


def r2(sums) -> float:
    return 1.0 - float(sums.missed.sum() / sums.injected.sum())


@pytest.mark.parametrize(("degree", "l_max"), CASES)
def test_the_free_readout_meets_the_span_theorem(degree: int, l_max: int) -> None:
    features, signal, split, residual = single_direction(l_max, L_TOP, 450, 3)
    orientations = Orientations.draw(split, L_TOP, np.random.default_rng(4), times=(20, 5, 5))
    found, coefficients = fit_free(list(features.blocks()), 0, signal, residual, orientations, degree, 1.0)
    # The one scalar, Y_00, is constant: centred it vanishes and is left out.
    assert coefficients == comb((l_max + 1) ** 2 - 1 + degree, degree)
    for l, sums in enumerate(found):
        if l <= degree * l_max:
            # Exact but for the ridge: the smallest strength 1e-7 on Gram eigenvalues spread over at most 1e4.
            assert r2(sums) > 0.998, l
        else:
            # 3,000 training rows and at most 816 coefficients: the validation frames choose a ridge that keeps the
            # noise of a fit to nothing below a few per cent.
            assert -0.05 < r2(sums) < 0.02, l
            assert all(value < 0.05 for value in sums.null)


@pytest.mark.parametrize(("degree", "l_max"), CASES)
def test_the_equivariant_readout_meets_it_with_no_path_above(degree: int, l_max: int) -> None:
    features, signal, split, _ = single_direction(l_max, L_TOP, 120, 5)
    fits = fit_equivariant(list(features.blocks()), [0], {"marked": {0: signal}}, split, degree, 1.0)
    assert [fit.l for fit in fits] == list(range(L_TOP + 1))
    for fit in fits:
        if fit.l <= degree * l_max:
            assert r2(fit.own["marked"][0]) > 1.0 - 1e-9
            assert r2(fit.shared["marked"][0]) > 1.0 - 1e-9
        else:
            assert fit.coefficients == 0
            assert not fit.own
            assert not fit.shared


def test_the_oracle_bounds_the_gain_and_recovers_everything() -> None:
    features, signal, split, _ = single_direction(2, L_TOP, 450, 6)
    noise = np.random.default_rng(7).normal(size=(450, 3))
    orientations = Orientations.draw(split, L_TOP, np.random.default_rng(8))
    found, _ = fit_free(list(features.blocks()), 0, signal, noise, orientations, 2, 1.0)
    for l, sums in enumerate(found):
        gain = (sums.before.sum() - sums.after.sum()) / sums.count.sum()
        best = (sums.before.sum() - sums.oracle.sum()) / sums.count.sum()
        # The injection has unit power. On 250 x 5 held-out uses its mean product with noise of unit variance has the
        # standard deviation 1 / sqrt(1250 (2l+1)) and enters twice; the fit itself costs 55 coefficients / 3000 rows.
        assert best == pytest.approx(1.0, abs=4 * 2 / np.sqrt(1250 * (2 * l + 1)) + 55 / 3000)
        assert gain / best == pytest.approx(1.0 if l <= 4 else 0.0, abs=0.05)


def test_an_error_of_the_backbone_that_the_features_explain_does_not_count_as_missed() -> None:
    """The residual is three times the direction itself: a readout of l <= 2 learns it, whatever is injected."""
    features, signal, split, _ = single_direction(2, L_TOP, 450, 10)
    error = 3.0 * signal[:, 1:4]  # sqrt(3) times the unit vector: it turns with the frame
    orientations = Orientations.draw(split, L_TOP, np.random.default_rng(11))
    found, _ = fit_free(list(features.blocks()), 0, signal, error, orientations, 2, 1.0)
    bootstrap = Bootstrap(len(found[0].injected), 200, np.random.default_rng(12))
    for l, sums in enumerate(found):
        expected = 1.0 if l <= 4 else 0.0
        one = recovery([sums], bootstrap)
        # As in the test without an error; the raw gain holds the error's power as well, mean square 9.
        assert one.r2.value == pytest.approx(expected, abs=0.05), l
        assert one.rho.value == pytest.approx(expected, abs=0.1), l
        assert one.gain > 5.0, l


def test_without_rotations_repeated_orientations_hide_the_cliff() -> None:
    """Directions within a few degrees of one another: a quadratic of l <= 2 imitates l = 5 there."""
    rng = np.random.default_rng(9)
    from spectral_ceilings.diagnostic.backbones.features import Features
    from spectral_ceilings.numerics import real_harmonics

    directions = np.array([0.2, 0.4, 0.9]) + 0.08 * rng.normal(size=(400, 3))
    features = Features(real_harmonics(2, directions)[:, None, :], "1x0e+1x1o+1x2e", "directions")
    signal, residual, split = real_harmonics(6, directions), np.zeros((400, 3)), split_frames(400, 0)
    blocks = list(features.blocks())
    still = Orientations.draw(split, 6, np.random.default_rng(1), rotate=False)
    turned = Orientations.draw(split, 6, np.random.default_rng(1))
    hidden, _ = fit_free(blocks, 0, signal, residual, still, 2, 1.0)
    shown, _ = fit_free(blocks, 0, signal, residual, turned, 2, 1.0)
    assert r2(hidden[5]) > 0.8
    assert r2(shown[5]) < 0.05


def test_ridge_agrees_with_least_squares_on_the_augmented_system() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(60, 7)), rng.normal(size=(60, 3))
    for strength, found in zip(
        (1e-3, 2.0),
        ridge_solutions(torch.from_numpy(x.T @ x), torch.from_numpy(x.T @ y), (1e-3, 2.0)),
        strict=True,
    ):
        penalty = np.sqrt(strength * np.trace(x.T @ x) / 7)
        expected = lstsq(np.vstack([x, penalty * np.eye(7)]), np.vstack([y, np.zeros((7, 3))]))[0]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_too_many_coefficients_are_refused_with_their_number() -> None:
    features, *_ = single_direction(4, 4, 30, 0)
    with pytest.raises(InputError, match="at least 3276 coefficients"):
        channels_kept(list(features.blocks()), 3, 1400)
