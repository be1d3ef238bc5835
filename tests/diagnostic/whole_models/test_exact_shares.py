"""Exact shares against least squares on sampled configurations, and where theory says that it has none."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss
from scipy.special import eval_legendre

from spectral_ceilings.diagnostic.whole_models.cell import TermRow
from spectral_ceilings.diagnostic.whole_models.exact import interval_share, predicted
from spectral_ceilings.diagnostic.whole_models.graphs import GraphLayout
from spectral_ceilings.diagnostic.whole_models.settings import ModelSettings
from spectral_ceilings.theory import PairTerm, TorsionTerm, best_share

STAR, ALL, CHAIN = GraphLayout("star"), GraphLayout("all"), GraphLayout("chain")


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
@pytest.mark.parametrize("l", [1, 3, 5, 8])
def test_the_share_on_an_interval_is_that_of_weighted_least_squares(l, degree):
    nodes, weights = leggauss(20)  # exact for polynomials up to degree 39 on the interval
    x, w = (nodes - 1.0) / 2.0, weights / 2.0
    y = eval_legendre(l, x)
    columns = np.vander(x, degree + 1)
    root = np.sqrt(w)
    fit = columns @ np.linalg.lstsq(root[:, None] * columns, root * y, rcond=None)[0]
    spread = w @ (y - w @ y) ** 2
    # a Vandermonde matrix of degree 4 on an interval of length 1 has a condition below 1e4
    assert float(interval_share(l, degree, Fraction(-1), Fraction(0))) == pytest.approx(
        1.0 - w @ (y - fit) ** 2 / spread, abs=1e-10
    )


def test_on_the_whole_interval_legendre_polynomials_are_orthogonal():
    for l in range(1, 9):
        for degree in range(9):
            assert interval_share(l, degree, Fraction(-1), Fraction(1)) == (1 if l <= degree else 0)


def test_mace_on_a_star_has_the_share_of_theory():
    for l in range(1, 9):
        prediction = predicted(PairTerm(l), ModelSettings("mace", 1, 4), STAR)
        assert prediction.share == best_share(PairTerm(l), correlation=4, l_max=1, neighbours=3, alike=True)
    assert predicted(PairTerm(2), ModelSettings("mace", 1, 4), STAR).share == Fraction(3, 13)


@pytest.mark.parametrize(
    ("settings", "layout", "term", "share"),
    [
        (ModelSettings("nequip", 3), STAR, PairTerm(1), 0),
        (ModelSettings("nequip", 3, layers=2), STAR, PairTerm(1), None),
        (ModelSettings("sevennet", 2), STAR, PairTerm(2), 0),
        (ModelSettings("allegro", 2), STAR, PairTerm(8), None),
        (ModelSettings("allegro-linear", 2), STAR, PairTerm(2), 1),
        (ModelSettings("allegro-linear", 2), STAR, PairTerm(3), 0),
        (ModelSettings("allegro-linear", 2, layers=2), STAR, PairTerm(3), None),
        (ModelSettings("mace-silu", 2, 2), STAR, PairTerm(3), None),
        (ModelSettings("mace", 2, 2), ALL, PairTerm(3), None),
        (ModelSettings("mace", 3, 4), CHAIN, TorsionTerm(1), 0),
        (ModelSettings("nequip", 3, layers=2), CHAIN, TorsionTerm(1), 0),
        (ModelSettings("nequip", 3, layers=3), CHAIN, TorsionTerm(1), None),
        (ModelSettings("allegro", 3, layers=3), CHAIN, TorsionTerm(1), 0),
        (ModelSettings("mace", 3, 4), GraphLayout("chain-all"), TorsionTerm(1), None),
        (
            ModelSettings("mace", 2, 2, cutoff=1.3),
            GraphLayout("cutoff", cutoff=1.3),
            PairTerm(4),
            Fraction(3, 4),
        ),
        (ModelSettings("mace", 2, 2, cutoff=1.7), GraphLayout("cutoff", cutoff=1.7), PairTerm(4), None),
        (ModelSettings("mace", 2, 2, cutoff=2.5), GraphLayout("cutoff", cutoff=2.5), PairTerm(4), None),
    ],
)
def test_every_setting_has_a_share_or_a_reason(settings, layout, term, share):
    prediction = predicted(term, settings, layout)
    assert prediction.share == share
    assert prediction.reason


def row(share, closed, trained, error=0.001):
    return TermRow("pair(3)", share, "because", closed, error, 3, trained, error, 0.002)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (row("0", 0.0, 0.0), "agrees"),
        (row("0", -0.2, -0.1), "agrees"),
        (row("0", 0.0, 0.004), "agrees"),  # four standard errors
        (row("0", 0.0, 0.006), "contradicted"),
        (row("0", 0.006, 0.0), "contradicted"),
        (row("3/13", 0.231, 0.230), "agrees"),
        (row("3/13", 0.231, 0.1), "not learned"),
        (row("1", 1.0, 0.999), "agrees"),
        (row("1", 1.0, 0.9), "not learned"),
        (row("1", 0.9, 0.9), "undecided"),
        (row(None, 1.0, 0.999), "no bound"),
        (row(None, 1.0, 0.5), "not learned"),
        (row(None, 0.1, 0.9), "no bound"),
    ],
)
def test_the_verdict_follows_from_the_numbers(given, verdict):
    assert given.verdict == verdict
