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
    fits, _ = fit_free(list(features.blocks()), 0, signal, noise, orientations, 2, 1.0)
    # Fitting 55 coefficients on 3000 rows to a target of variance 2 that they cannot explain costs at most 2 * 55 / 3000, and
    # what is so predicted meets the 1250 held-out uses by chance: three standard deviations of twice a mean product.
    cost = 2 * 55 / 3000
    chance = 3 * 2 * np.sqrt(2 * cost / 1250)
    for l, sums in enumerate(fits):
        gain = (sums.before.sum() - sums.after.sum()) / sums.count.sum()
        best = (sums.before.sum() - sums.oracle.sum()) / sums.count.sum()
        # The injection has unit power. On 250 x 5 held-out uses its mean product with noise of unit variance has the
        # standard deviation 1 / sqrt(1250 (2l+1)) and enters twice; the fit itself costs 55 coefficients / 3000 rows.
        assert best == pytest.approx(1.0, abs=4 * 2 / np.sqrt(1250 * (2 * l + 1)) + 55 / 3000)
        assert gain / best == pytest.approx(1.0 if l <= 4 else 0.0, abs=cost + chance)


def test_an_error_of_the_backbone_that_the_features_explain_does_not_count_as_missed() -> None:
    """The residual is three times the direction itself: a readout of l <= 2 learns it, whatever is injected."""
    features, signal, split, _ = single_direction(2, L_TOP, 450, 10)
    error = (
        3.0 * signal[:, 1:4]
    )  # along the vector: it turns with the frame; each component has mean square 9
    orientations = Orientations.draw(split, L_TOP, np.random.default_rng(11))
    fits, _ = fit_free(list(features.blocks()), 0, signal, error, orientations, 2, 1.0)
    bootstrap = Bootstrap(len(fits[0].injected), 200, np.random.default_rng(12))
    for l, sums in enumerate(fits):
        recovered = recovery([sums], bootstrap)
        # 9 in mean. (3 Y_1)^2 has the standard deviation 9 sqrt(4 / 5): four standard errors of 1250 uses are 0.9, and what
        # the injection adds is at least minus its chance product with the error, bounded below by 0.25.
        assert recovered.gain > 9.0 - 0.9 - 0.25, l
        if l <= 4:
            # The ridge alone, as in the test without an error; rho compares two fits that both leave nothing.
            assert recovered.r2.value > 0.998, l
            assert recovered.rho.value == pytest.approx(1.0, abs=0.002), l
            continue
        # 55 coefficients on 3000 rows cost at most 55 / 3000 of the injection; what they predict meets the held-out uses by
        # chance: four standard deviations of twice a mean product over 1250 (2l+1) values.
        products = 1250 * (2 * l + 1)
        cost = 55 / 3000 + 4 * 2 * np.sqrt(55 / 3000 / products)
        assert recovered.r2.value == pytest.approx(0.0, abs=cost), l
        # rho also holds twice the mean product of the injection, of unit power, with the error, of power 9.
        assert recovered.rho.value == pytest.approx(0.0, abs=cost + 4 * 2 * 3 / np.sqrt(products)), l


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
    for strength, weights in zip(
        (1e-3, 2.0),
        ridge_solutions(torch.from_numpy(x.T @ x), torch.from_numpy(x.T @ y), (1e-3, 2.0)),
        strict=True,
    ):
        penalty = np.sqrt(strength * np.trace(x.T @ x) / 7)
        expected = lstsq(np.vstack([x, penalty * np.eye(7)]), np.vstack([y, np.zeros((7, 3))]))[0]
        # X^T X has a condition number below 10: tens of eps, and room for weights near zero.
        np.testing.assert_allclose(weights, expected, rtol=1e-10)


def test_too_many_coefficients_are_refused_with_their_number() -> None:
    features, *_ = single_direction(4, 4, 30, 0)
    with pytest.raises(InputError, match="at least 3276 coefficients"):
        channels_kept(list(features.blocks()), 3, 1400)
