"""Exact tests against SciPy's, and p-values against null draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test, wilcoxon

from spectral_ceilings.diagnostic.measurement.null_band import holm, null_p
from spectral_ceilings.diagnostic.recovery.exact_tests import SAMPLED, sign_flip
from spectral_ceilings.theory import InputError


@pytest.mark.parametrize(
    "values", [[0.3, 0.1, 0.2, 0.4], [0.3, -0.1, 0.2, 0.4], [-1.0, 2.0, 0.5, -0.25, 3.0, 0.1, 0.7]]
)
def test_the_sign_flip_test_is_that_of_scipy(values: list[float]) -> None:
    found = sign_flip(values)
    exact = permutation_test(
        (np.array(values),),
        np.mean,
        permutation_type="samples",
        alternative="greater",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert found.p == exact.pvalue
    assert found.wilcoxon == wilcoxon(values, alternative="greater", method="exact").pvalue
    assert found.smallest == 0.5 ** len(values)


def test_four_backbones_give_no_less_than_one_in_sixteen() -> None:
    assert sign_flip([5.0, 6.0, 7.0, 8.0]).p == 1 / 16
    assert sign_flip([5.0, 6.0, 7.0, 8.0]).wilcoxon == 1 / 16


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9))
def test_a_p_value_is_a_count_of_patterns(values: list[float]) -> None:
    p = sign_flip(values).p
    assert p * 2 ** len(values) == round(p * 2 ** len(values))
    assert 0.5 ** len(values) <= p <= 1.0
    # Every pattern has its opposite: both sides together count the observed one and ties twice.
    assert p + sign_flip([-v for v in values]).p >= 1.0


def test_equal_sizes_with_rounding_count_as_equal() -> None:
    assert (
        sign_flip([0.1, 0.2, -0.3]).p == 5 / 8
    )  # sums 0.6, 0.4, 0.2, and 0 twice: 0.1 + 0.2 is not 0.3 in binary


def test_many_values_are_sampled() -> None:
    found = sign_flip(np.linspace(0.1, 1.0, 40).tolist())
    assert found.p == found.smallest == 1 / (1 + SAMPLED)
    assert found.wilcoxon is None
    balanced = sign_flip([1.0, -1.0] * 20)
    assert 0.5 < balanced.p < 0.65  # P(40 fair signs sum to >= 0) = 0.5627


@pytest.mark.parametrize("values", [[], [np.nan, 1.0], [np.inf]])
def test_what_is_no_sample_is_refused(values: list[float]) -> None:
    with pytest.raises(InputError, match="sign-flip"):
        sign_flip(values)


def test_a_p_value_against_null_draws_is_never_zero() -> None:
    assert null_p(1.0, [0.0, 0.1, -0.1]) == (0.25, 0.25)
    assert null_p(0.05, [0.0, 0.1, -0.1]) == (0.5, 0.25)
    assert null_p(0.1, [0.1]) == (1.0, 0.5)


@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=12))
def test_holm_lies_between_the_p_value_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, q in zip(p_values, adjusted, strict=True):
        assert p <= q <= min(1.0, len(p_values) * p)
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()
