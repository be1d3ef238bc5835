"""Recovery, its intervals, and the verdicts."""

import numpy as np
import pytest

from spectral_ceilings.diagnostic.error_sums import ErrorSums, block_of_frame, block_sums, pool
from spectral_ceilings.diagnostic.recovery import Bootstrap, Interval, Recovery, recovery
from spectral_ceilings.diagnostic.verdict import judge, verdict_of
from spectral_ceilings.theory import InputError


def sums(share: float, blocks: int = 30, noise: float = 0.0, seed: int = 0) -> ErrorSums:
    rng = np.random.default_rng(seed)
    injected = np.full(blocks, 10.0)
    missed = (1 - share) * injected * np.exp(noise * rng.normal(size=blocks))
    return ErrorSums(
        injected,
        missed,
        injected + 1,
        missed + 1,
        np.ones(blocks),
        np.zeros(blocks),
        np.full(blocks, 5.0),
        (0.01, -0.01),
    )


def test_a_constant_share_has_an_interval_of_no_width() -> None:
    found = recovery([sums(0.9)], Bootstrap(30, 200, np.random.default_rng(0)))
    assert found.r2 == Interval(pytest.approx(0.9), pytest.approx(0.9), pytest.approx(0.9))
    assert found.rho.value == pytest.approx(0.9)
    assert found.gain == pytest.approx(0.9 * 10 / 5)


def test_the_median_and_the_pooled_figure_of_several_atoms() -> None:
    atoms = [sums(0.1), sums(0.8), sums(0.9)]
    bootstrap = Bootstrap(30, 500, np.random.default_rng(0))
    assert recovery(atoms, bootstrap).r2.value == pytest.approx(0.8)
    assert recovery(atoms, bootstrap, combine="pooled").r2.value == pytest.approx(0.6)
    assert recovery(atoms, bootstrap).r2.low == pytest.approx(0.1)  # one atom in three differs: it must show


def test_the_interval_of_a_median_is_made_of_medians() -> None:
    shares = [0.1, 0.5, 0.8, 0.9, 0.95]
    found = recovery([sums(share) for share in shares], Bootstrap(30, 500, np.random.default_rng(0)))
    assert found.r2.value == pytest.approx(0.8)
    assert min(abs(found.r2.low - share) for share in shares) < 1e-12
    assert min(abs(found.r2.high - share) for share in shares) < 1e-12
    assert found.r2.low < 0.8 < found.r2.high


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Independent lognormal blocks: R2 of the population is 1 - 0.3 exp(noise^2 / 2)."""
    noise, truth, hits, trials = 0.3, 1 - 0.3 * np.exp(0.3**2 / 2), 0, 300
    for seed in range(trials):
        found = recovery([sums(0.7, 60, noise, seed)], Bootstrap(60, 400, np.random.default_rng(seed)))
        hits += found.r2.low <= truth <= found.r2.high
    # 95 % nominal; three standard deviations of 300 trials are 3.8 %.
    assert hits / trials > 0.95 - 0.038


def test_sums_survive_json_and_damage_is_named() -> None:
    one = sums(0.5, noise=0.2)
    again = ErrorSums.from_json(one.to_json())
    assert again.missed.tolist() == one.missed.tolist()
    assert again.null == one.null
    with pytest.raises(InputError, match="damaged"):
        ErrorSums.from_json({"injected": [1.0]})


def test_blocks_of_frames() -> None:
    assert block_of_frame(25).tolist() == [0] * 10 + [1] * 15
    assert block_of_frame(7).tolist() == [0] * 7
    assert block_sums(np.arange(4.0)[:, None] * np.ones((4, 2)), np.array([0, 0, 1, 1])).tolist() == [
        2.0,
        10.0,
    ]
    assert pool([sums(0.5), sums(0.5)]).injected.sum() == 600.0


def of(low: float, high: float, null: float | None = 0.01) -> Recovery:
    one = Interval((low + high) / 2, low, high)
    return Recovery(one, one, 0.0, null)


def test_verdicts_of_one_l() -> None:
    assert verdict_of(of(0.8, 0.9)) == "recovered"
    assert verdict_of(of(-0.01, 0.01)) == "not recovered"
    assert verdict_of(of(-0.5, -0.1)) == "not recovered"
    assert verdict_of(of(0.05, 0.3)) == "undecided"
    assert verdict_of(of(0.2, 0.3, null=0.25)) == "undecided"


def rows(*verdicts: str) -> list[dict[str, object]]:
    return [{"l": l, "verdict": verdict} for l, verdict in enumerate(verdicts)]


def test_the_verdict_against_the_ceiling() -> None:
    yes, no = "recovered", "not recovered"
    assert judge(rows(yes, yes, yes, no, no), 1, 2)["held"]
    above = judge(rows(yes, yes, yes, yes, no), 1, 2)
    assert not above["held"]
    assert "l = 3 above its ceiling 2: this contradicts theory" in above["sentence"]
    short = judge(rows(yes, yes, no, no, no), 1, 2)
    assert not short["held"]
    assert "falls short at l = 2" in short["sentence"]
    assert not judge(rows(yes, yes, yes, "undecided", no), 1, 2)["held"]
    assert "not reached" in judge(rows(yes, yes), 2, 4)["sentence"]
    assert judge(rows(yes, yes, yes, "no path"), 1, 2)["held"]
