"""The checks of theorems and of cost say what is true, and can say otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spectral_ceilings.numerics.rotations import so3_quadrature
from spectral_ceilings.paper_checks import cost, theorems
from spectral_ceilings.paper_checks.context import Context


def test_the_span_theorem_and_the_multiplicities_hold(tmp_path: Path) -> None:
    context = Context(tmp_path, quick=True)
    assert theorems.span_theorem(context).verdict == "holds"
    assert theorems.multiplicity_one(context).verdict == "holds"


def test_a_rank_that_disagrees_is_a_theorem_that_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = theorems.calibrate_pair

    def wrong(degree: int, l_max: int, seed: int) -> object:
        row = honest(degree, l_max, seed)
        object.__setattr__(row, "disagreements", ("the rank is 8, theory says 9",))
        return row

    monkeypatch.setattr(theorems, "calibrate_pair", wrong)
    outcome = theorems.span_theorem(Context(tmp_path, quick=True))
    assert (outcome.verdict, outcome.sentence) == ("does not hold", "the rank is 8, theory says 9")


def test_a_polynomial_of_features_ends_at_its_ceiling_and_a_wrong_declaration_does_not() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4, 8))  # 1x1o + 1x2e
    quadrature = so3_quadrature(2 * 4 + 3)
    shares = theorems.readout_spectrum(features, "1x1o+1x2e", 2, quadrature, 7, rng)
    assert shares[5:].sum() < theorems.FLOOR
    assert shares[4] > theorems.PRESENT
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    # The same numbers declared as 1x3o + 1x0e reach l = 6: the instrument sees what the irreps are.
    assert (
        theorems.readout_spectrum(features, "1x0e+1x3o", 2, so3_quadrature(15), 7, rng)[6] > theorems.PRESENT
    )


def test_exact_counts_of_couplings() -> None:
    # L = 1 by hand: 000, 011, 101, 110, 111; 1 + 9 + 9 + 9 + 27 multiplications.
    assert cost.coupling_work(1) == cost.Work(1, 5, 55)
    assert cost.coupling_work(0) == cost.Work(0, 1, 1)


def test_the_exponent_of_a_power_law_is_found() -> None:
    x = np.arange(1, 6)
    rng = np.random.default_rng(1)
    samples = x**3.0 * np.exp(0.01 * rng.normal(size=(9, 5)))
    value, low, high = cost.exponent(x.tolist(), samples, rng)
    assert low <= value <= high
    # Five points over a factor of five: the slope's error is at most noise / spread of log x = .01 / .58 x a few.
    assert value == pytest.approx(3.0, abs=0.06)
