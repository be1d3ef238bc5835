"""Recovery, its intervals, and the verdicts."""

from typing import Any

import numpy as np
import pytest

from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.measurement.assembling import gaps
from spectral_ceilings.diagnostic.measurement.verdict import judge, overall, verdict_of
from spectral_ceilings.diagnostic.recovery.bootstrap import Bootstrap, Interval, Recovery, recovery
from spectral_ceilings.diagnostic.recovery.error_sums import ErrorSums, block_starts, frame_sums, pool
from spectral_ceilings.diagnostic.recovery.hierarchy import quantile
from spectral_ceilings.theory import Ceiling, InputError


def sums(share: float, frames: int = 300, noise: float = 0.0, seed: int = 0) -> ErrorSums:
    rng = np.random.default_rng(seed)
    injected = np.full(frames, 8.0)
    missed = (
        ((1 - share) * injected * np.exp(noise * rng.normal(size=frames))).astype(np.float32).astype(float)
    )
    return ErrorSums(
        injected,
        missed,
        injected + 1,
        (missed + 1).astype(np.float32).astype(float),
        np.ones(frames),
        np.zeros(frames),
        np.full(frames, 5.0),
        (0.01, -0.01),
    )


def test_a_constant_share_has_an_interval_of_no_width() -> None:
    found = recovery([sums(0.875)], Bootstrap(300, 200, np.random.default_rng(0)))
    # The logarithm and its inverse round: a few units in the last place.
    close = pytest.approx(0.875, rel=1e-14)
    assert found.r2 == Interval(0.875, close, close)
    assert found.rho == Interval(0.875, close, close)
    assert found.gain == pytest.approx(0.875 * 8 / 5, rel=1e-15)


def test_nothing_missed_is_a_recovery_of_one() -> None:
    found = recovery([sums(1.0)], Bootstrap(300, 200, np.random.default_rng(0)))
    assert found.r2 == Interval(1.0, 1.0, 1.0)


def test_the_median_and_the_pooled_figure_of_several_atoms() -> None:
    atoms = [sums(0.125), sums(0.75), sums(0.875)]
    bootstrap = Bootstrap(300, 500, np.random.default_rng(0))
    assert recovery(atoms, bootstrap).r2.value == 0.75
    assert recovery(atoms, bootstrap, combine="pooled").r2.value == pytest.approx(1.75 / 3, rel=1e-15)
    # One atom in three differs: it must show. (One resample in four has its median at an end.)
    assert recovery(atoms, bootstrap).r2.low == pytest.approx(0.125, rel=1e-12)
    assert recovery(atoms, bootstrap).r2.high == pytest.approx(0.875, rel=1e-12)


def test_the_interval_of_a_median_over_atoms_is_made_of_order_statistics() -> None:
    """Without noise only the atoms vary: the ends are figures of atoms, at the ranks that the binomial gives."""
    shares = 1.0 - 2.0 ** -np.arange(1, 22)
    found = recovery([sums(float(share)) for share in shares], Bootstrap(300, 4000, np.random.default_rng(0)))
    assert found.r2.value == shares[10]
    ranks = [int(np.argmin(abs(shares - end))) for end in (found.r2.low, found.r2.high)]
    assert [abs(shares[k] - end) < 1e-12 for k, end in zip(ranks, (found.r2.low, found.r2.high), strict=True)]
    # P(Binomial(21, 1/2) <= 5) = 0.0133 and P(<= 4) = 0.0036: between them 2.5 % lies at rank 5 or 6.
    assert ranks[0] in (5, 6)
    assert ranks[1] in (14, 15)


def test_one_atom_has_the_t_interval_of_the_logarithm_of_what_it_missed() -> None:
    """Against the delta method: the standard error of log(missed / injected) over blocks of equal power."""
    one = sums(0.7, 100, 0.3, 5)
    found = recovery([one], Bootstrap(100, 100_000, np.random.default_rng(1)))
    blocks = np.add.reduceat(one.missed, block_starts(100))
    assert len(blocks) == 10
    error = blocks.std(ddof=1) / np.sqrt(10) / blocks.mean()
    centre, half = np.log(1 - found.r2.value), quantile(9) * error
    # A bootstrap of 100,000 draws knows a standard error to 0.2 %; the second order of the logarithm is error^2 = 0.1 %.
    assert 1 - found.r2.low == pytest.approx(np.exp(centre + half), abs=0.01 * half)
    assert 1 - found.r2.high == pytest.approx(np.exp(centre - half), abs=0.01 * half)


def test_too_few_frames_for_any_interval_are_refused() -> None:
    with pytest.raises(InputError, match="at least two blocks"):
        recovery([sums(0.5, 12)], Bootstrap(12, 100, np.random.default_rng(0)))


def test_sums_are_restored_exactly_and_damage_is_named() -> None:
    one = sums(0.5, noise=0.2)
    data, arrays = one.to_saved()
    assert set(arrays) == {"missed", "after"}  # the others hold one value only
    again = ErrorSums.from_saved(data, arrays)
    for name in ("injected", "missed", "before", "after", "oracle", "blank", "count"):
        assert getattr(again, name).tolist() == getattr(one, name).tolist()
    assert again.null == one.null
    twins = ErrorSums(one.missed, one.missed, one.missed, one.missed, *(np.zeros(300),) * 2, np.ones(300))
    data, arrays = twins.to_saved()
    assert list(arrays) == ["injected"]
    assert ErrorSums.from_saved(data, arrays).after.tolist() == one.missed.tolist()
    with pytest.raises(InputError, match="damaged"):
        ErrorSums.from_saved(data, {})
    with pytest.raises(InputError, match="damaged"):
        ErrorSums.from_saved({**data, "frames": 299}, arrays)
    with pytest.raises(ValueError, match="single precision"):
        ErrorSums(*(np.array([0.1, 0.2]),) * 7).to_saved()


def test_blocks_of_frames() -> None:
    assert block_starts(25).tolist() == [0, 12]
    assert block_starts(7).tolist() == [0]
    assert np.diff(block_starts(1000)).tolist() == [50] * 19
    for frames in range(10, 450):
        sizes = np.diff([*block_starts(frames), frames])
        assert sizes.min() >= 10
        assert sizes.max() - sizes.min() <= 1
    assert frame_sums(np.arange(4.0)[:, None] * np.ones((4, 2)), 2).tolist() == [2.0, 10.0]
    assert pool([sums(0.5), sums(0.5)]).injected.sum() == 2 * 300 * 8


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
    assert judge(rows(yes, yes, yes, no, no), Ceiling(1, 2))["held"]
    above = judge(rows(yes, yes, yes, yes, no), Ceiling(1, 2))
    assert not above["held"]
    assert "l = 3 above its ceiling 2: this contradicts theory" in above["sentence"]
    short = judge(rows(yes, yes, no, no, no), Ceiling(1, 2))
    assert not short["held"]
    assert "falls short at l = 2" in short["sentence"]
    assert not judge(rows(yes, yes, yes, "undecided", no), Ceiling(1, 2))["held"]
    assert "not reached" in judge(rows(yes, yes), Ceiling(2, 2))["sentence"]
    assert judge(rows(yes, yes, yes, "no path"), Ceiling(1, 2))["held"]


@pytest.mark.parametrize(
    ("verdicts", "options", "outcome", "held"),
    [
        ("yyynn", {}, "held", True),
        ("yyyyn", {}, "contradicted", False),
        ("yynnn", {}, "falls short", False),
        ("yyy?n", {}, "undecided", None),
        (
            "yy?nn",
            {},
            "undecided",
            None,
        ),  # an interval too wide below the ceiling is no failure of the features
        (
            "yyn?n",
            {},
            "undecided",
            None,
        ),  # while something above is open nobody can say that they only fall short
        ("yy?yn", {}, "contradicted", False),
        ("yyy", {}, "nothing tested", None),
        ("yyypp", {"free": False}, "nothing tested", None),
        ("yhynn", {}, "held", True),
        ("yhhnn", {}, "nothing tested", None),
        ("yhhyn", {}, "contradicted", False),  # no site's symmetry takes the ceiling away
        ("ynynn", {"unreachable": [1]}, "held", True),
        ("yyynn", {"unreachable": [1]}, "contradicted", False),
        ("ynynn", {"open_to": [1]}, "held", True),
        ("yyynn", {"open_to": [1]}, "held", True),
    ],
)
def test_outcomes_against_the_ceiling(
    verdicts: str, options: dict[str, Any], outcome: str, held: bool | None
) -> None:
    words = {"y": "recovered", "n": "not recovered", "?": "undecided", "p": "no path", "h": "nothing to hold"}
    found = judge(rows(*(words[one] for one in verdicts)), Ceiling(1, 2), **options)
    assert (found["outcome"], found["held"]) == (outcome, held)


def test_several_degrees_have_one_outcome_and_a_sentence_of_it() -> None:
    yes, no, wide = "recovered", "not recovered", "undecided"
    info = BackboneInfo("f", "function", trained=None)
    linear = {
        "held": judge(rows(yes, yes, no, no), Ceiling(1, 1)),
        "contradicted": judge(rows(yes, yes, yes, no), Ceiling(1, 1)),
        "falls short": judge(
            rows(yes, no, no, no), Ceiling(1, 1), why_short="the features 1o are zero at every atom measured"
        ),
        "undecided": judge(rows(yes, yes, wide, no), Ceiling(1, 1)),
    }
    quadratic = judge(rows(yes, yes, yes, no), Ceiling(2, 1))
    starts = {
        "held": "Quadratic readouts of this backbone (features) recover",
        "contradicted": "Theory is contradicted for this backbone (features): the linear readout",
        "falls short": "This backbone (features) falls short of its ceiling: the linear readout",
        "undecided": "Undecided for this backbone (features): the linear readout",
    }
    for outcome, one in linear.items():
        verdict = overall([one, quadratic], 2, "free", "features", info, 3)
        assert (verdict["outcome"], verdict["held"]) == (outcome, one["held"])
        assert verdict["sentence"].startswith(starts[outcome])
        assert "trained" not in verdict["sentence"]
    assert "l = 1 (the features 1o are zero at every atom measured)" in linear["falls short"]["sentence"]


def test_what_products_of_these_irreps_never_reach() -> None:
    """No l = 1 from even degrees alone; 1e x 1e gives 1e, of the other parity than a vector; SO(3) with all reaches all."""
    assert gaps("8x0e+8x2e", 1, 2) == ([1], [])
    assert gaps("4x0e+4x1e", 2, 2) == ([], [1])
    assert gaps("4x0e+4x1o+4x2e", 3, 6) == ([], [])
    assert gaps("1x2e", 2, 4) == ([1, 3], [])  # the square of one channel is symmetric
