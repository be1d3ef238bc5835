"""Rank profile by l, leakage and C_n fields, by quadrature."""

import numpy as np
import pytest

from spectral_ceilings.numerics import cyclic_projections, projection, span_profile
from spectral_ceilings.theory.errors import InputError


@pytest.mark.parametrize(("degree", "l_max"), [(1, 1), (1, 4), (2, 2), (3, 2), (2, 3), (6, 1), (4, 4)])
def test_every_degree_is_whole_or_absent(degree, l_max):
    profile = span_profile(degree, l_max, np.random.default_rng(0))
    top = degree * l_max
    assert profile.dimensions == (*(2 * k + 1 for k in range(top + 1)), 0, 0, 0, 0)
    assert profile.leakage <= profile.leakage_bound < 1e-10
    assert profile.agrees


def test_a_missing_feature_degree_leaves_holes(monkeypatch):
    """The check can fail: with features of degree 2 alone, odd degrees are absent."""
    honest = projection.product_matrix

    def only_degree_two(directions, degree, l_max, n_columns, rng):
        matrix = np.ones((len(directions), n_columns))
        for _ in range(degree):
            features = projection.real_harmonics(2, directions)[:, 4:]
            matrix *= features @ rng.standard_normal((5, n_columns))
        return matrix, honest(directions, degree, l_max, n_columns, rng)[1]

    monkeypatch.setattr(projection, "product_matrix", only_degree_two)
    profile = span_profile(2, 2, np.random.default_rng(0))
    assert profile.dimensions[:6] == (1, 0, 5, 0, 9, 0)
    assert not profile.agrees


@pytest.mark.parametrize(("degree", "l_max"), [(1, 1), (2, 2), (2, 3), (3, 2), (5, 1), (1, 5), (4, 3)])
def test_cyclic_fields_are_in_the_span_from_n_to_the_boundary(degree, l_max):
    """C_5 at (2, 2) is 0; at (2, 3), (3, 2), (5, 1), (1, 5) it is 1. Rounding: an inner product of unit vectors."""
    fractions = cyclic_projections(degree, l_max, np.random.default_rng(0))
    assert abs(fractions - (np.arange(1, 13) <= degree * l_max)).max() < 1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: span_profile(2, 2, rng, extra=0), "extra is 0"),
        (lambda rng: span_profile(0, 2, rng), "degree is 0"),
        (lambda rng: span_profile(9, 11, rng), "to l = 103"),
        (lambda rng: cyclic_projections(2, 2, rng, []), "cyclic orders"),
        (lambda rng: cyclic_projections(2, 2, rng, [0]), "cyclic orders"),
        (lambda rng: cyclic_projections(2, 0, rng), "l_max is 0"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call(np.random.default_rng(0))
