"""The ratio over the cliff: its confidence set against the definition, solved by SciPy."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import t as student

from spectral_ceilings.diagnostic.recovery.cliff import cliff_ratio, cliff_table
from spectral_ceilings.diagnostic.recovery.error_sums import Cell, ErrorSums
from spectral_ceilings.diagnostic.recovery.hierarchy import Bootstrap

FRAMES = 100


def drawn(share: float, seed: int) -> ErrorSums:
    """Errors of a fit that brings back a share of the field and nothing of the backbone's own error."""
    rng = np.random.default_rng(seed)
    injected, error = rng.gamma(4.0, 0.25, (2, FRAMES))
    missed = injected * (1.0 - share + 0.05 * rng.normal(size=FRAMES))
    nothing = np.zeros(FRAMES)
    return ErrorSums(injected, missed, injected + error, missed + error, error, nothing, np.ones(FRAMES))


def cell(*shares: float) -> Cell:
    return [drawn(share, seed) for seed, share in enumerate(shares)], [1] * len(shares)


@pytest.mark.parametrize(("above", "kind"), [(0.3, "interval"), (0.001, "at least")])
def test_the_confidence_set_holds_the_ratios_that_the_data_do_not_reject(above: float, kind: str) -> None:
    cells = {0: cell(1.0, 0.9, above)}
    bootstrap = Bootstrap(FRAMES, 400, np.random.default_rng(5))
    table = cliff_table([cells], [0], 1)
    assert table is not None
    found = cliff_ratio(table, 1, bootstrap)
    sums = cells[0][0][1:]
    # rho of one atom: what was gained over what the oracle gains; the blank gain is zero here.
    top, bottom = (1.0 - (s.after - s.oracle).sum() / (s.before - s.oracle).sum() for s in sums if s)
    draws = [
        1.0 - bootstrap.totals(s.after - s.oracle) / bootstrap.totals(s.before - s.oracle) for s in sums if s
    ]
    blocks = bootstrap.blocks
    reach = student.ppf(0.975, blocks - 1) * np.sqrt(blocks / (blocks - 1))

    def rejected(r: float) -> float:
        return abs(top - r * bottom) - reach * np.std(draws[0] - r * draws[1])

    assert found.value == pytest.approx(top / bottom, rel=1e-12)
    assert found.kind == kind
    assert found.low is not None
    assert found.high is not None
    # The two roots of one quadratic equation: where |N - r D| leaves its reach. Both solvers are good to 1e-9 of r.
    if kind == "interval":
        assert rejected(found.value) < 0
        assert found.low == pytest.approx(brentq(rejected, 0.0, found.value), rel=1e-9)
        assert found.high == pytest.approx(brentq(rejected, found.value, 1e3), rel=1e-9)
    else:
        assert found.high < 0 < found.low
        assert found.low == pytest.approx(brentq(rejected, 0.0, 1e9), rel=1e-6)
        assert found.high == pytest.approx(brentq(rejected, -1e9, 0.0), rel=1e-6)


def test_there_is_no_step_where_no_polynomial_reaches() -> None:
    sums, counts = cell(1.0, 0.9)
    assert cliff_table([{0: ([*sums, None], [*counts, 0])}], [0], 1) is None
