"""Fits against least squares, shares by hand, and what a verdict names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spectral_ceilings.diagnostic.advice.equations import Equations, Part
from spectral_ceilings.diagnostic.advice.fits import STRENGTHS, fit_columns, fit_knobs, knob_subsets
from spectral_ceilings.diagnostic.advice.need import choose, need_curve
from spectral_ceilings.diagnostic.advice.settings import KNOBS, Basis
from spectral_ceilings.diagnostic.advice.shares import Null, Shares, null_band, shares_of
from spectral_ceilings.diagnostic.advice.verdict import Subject, named, verdict_of

GROUPS = np.repeat(["base", *KNOBS], 3)
BASIS = Basis((1,), 2, 6, 5.0, 7.0, 2, 4, 3)


def part(columns: np.ndarray, targets: np.ndarray) -> Part:
    out = Part.empty(columns.shape[1], targets.shape[1])
    for k in range(0, len(columns), 7):  # in pieces
        out.add(np.ascontiguousarray(columns[k : k + 7]), targets[k : k + 7])
    return out.closed()


def made(seed: int = 0, noise: float = 0.1) -> tuple[Equations, dict[str, np.ndarray]]:
    """Return equations of 15 columns and 2 targets: the first holds base and degree, the second nothing."""
    rng = np.random.default_rng(seed)
    weights = np.where(np.isin(GROUPS, ["base", "degree"]), 1.0, 0.0) * rng.normal(size=15)
    sizes = {"first": 150, "second": 150, "validation": 90, "held": 120}
    raw = {}
    for name, rows in sizes.items():
        columns = rng.normal(size=(rows, 15))
        targets = np.stack([columns @ weights + noise * rng.normal(size=rows), rng.normal(size=rows)], axis=1)
        raw[name], raw[f"{name} targets"] = columns, targets
    equations = Equations(
        *(part(raw[name], raw[f"{name} targets"]) for name in ("first", "second", "validation")),
        columns=raw["held"], targets=raw["held targets"], block=np.repeat(np.arange(10), 4), number=np.ones(40, dtype=int),
        atom=np.zeros(40, dtype=int),
    )  # fmt: skip
    return equations, raw


def test_parts_hold_the_sums() -> None:
    equations, raw = made()
    both = equations.first + equations.second
    columns = np.concatenate([raw["first"], raw["second"]])
    # sums of 300 products of order one
    assert np.allclose(both.gram, columns.T @ columns, rtol=0, atol=1e-10)
    assert np.allclose(both.gram, both.gram.T, rtol=0, atol=0)
    assert both.rows == 300


def test_a_fit_is_ridge_regression_with_the_best_strength_of_validation() -> None:
    equations, raw = made()
    chosen = np.flatnonzero(np.isin(GROUPS, ["base", "degree"]))
    columns = np.concatenate([raw["first"], raw["second"]])[:, chosen]
    targets = np.concatenate([raw["first targets"], raw["second targets"]])
    fit = fit_columns(equations.first + equations.second, equations, chosen)
    for k in range(2):
        tried = {}
        for strength in STRENGTHS:  # by least squares of the stacked system, which is another algorithm
            stacked = np.vstack([columns, np.sqrt(strength * len(columns)) * np.eye(len(chosen))])
            w = np.linalg.lstsq(stacked, np.concatenate([targets[:, k], np.zeros(len(chosen))]), rcond=None)[
                0
            ]
            error = np.sum((raw["validation targets"][:, k] - raw["validation"][:, chosen] @ w) ** 2)
            tried[strength] = (error, w)
        best = min(tried, key=lambda strength: tried[strength][0])
        assert fit.strengths[k] == best
        left = (raw["held targets"][:, k] - raw["held"][:, chosen] @ tried[best][1]) ** 2
        # normal equations square the condition number, which is about 2
        assert np.allclose(fit.by_block[:, k], left.reshape(10, -1).sum(axis=1), rtol=1e-8)
    assert np.allclose(fit.by_atom.reshape(10, -1).sum(axis=1), fit.by_block[:, 0], rtol=1e-12)


def test_the_planted_knob_holds_everything_and_the_null_target_nothing() -> None:
    equations, _ = made()
    fits = fit_knobs(equations, GROUPS)
    assert set(fits) == set(knob_subsets())
    power = np.sum(equations.targets[:, 0].reshape(-1, 3) ** 2, axis=1).reshape(10, -1).sum(axis=1)
    shares = shares_of(
        {name: fit.by_block[:, 0] for name, fit in fits.items()}, power, np.random.default_rng(0)
    )
    null = null_band({name: fit.by_block for name, fit in fits.items()})
    assert shares.gain[0] > 0.9
    assert shares.unique[0] > 0.9
    assert np.abs(shares.gain[1:]).max() < 0.2  # 3 of 300 coefficients fit noise: some percent
    # a null target of 120 held-out values: 12 more coefficients explain about 12/300 less than nothing
    assert abs(null.all_gain) < 0.2
    assert named(shares, null, Subject(False, 0.0, 1.0)) == "degree"
    half = fit_knobs(equations, GROUPS, like=fits)
    assert half["all"].by_block[:, 0].sum() != fits["all"].by_block[:, 0].sum()


def shares(unique: list[float], spread: float = 0.001, together: float = 0.5) -> Shares:
    rng = np.random.default_rng(1)
    gain = np.array(unique) + 0.2
    return Shares(
        0.5, gain, np.array(unique), together, np.full(2000, 0.5), gain + spread * rng.normal(size=(2000, 4)),
        np.array(unique) + spread * rng.normal(size=(2000, 4)), together + spread * rng.normal(size=2000),
    )  # fmt: skip


NULL = Null(np.full(4, 0.01), np.full(4, 0.01), 0.01)
SUBJECT = Subject(True, 0.001, 0.1)


@pytest.mark.parametrize("winner", range(4))
def test_the_largest_unique_part_names_the_knob(winner: int) -> None:
    unique = [0.05] * 4
    unique[winner] = 0.2
    verdict = verdict_of(shares(unique), shares(unique), NULL, BASIS, SUBJECT)
    assert verdict["knob"] == KNOBS[winner]
    assert "10 % that nothing else can" in verdict["sentence"]  # .2 of the half that the base leaves
    assert "first." in verdict["sentence"]
    assert verdict["reliability"].startswith("Held against training, over ")
    assert not verdict["limited_by_data"]


def test_a_degree_is_named_as_the_practitioner_says_it() -> None:
    verdict = verdict_of(shares([0.38, 0.1, 0.1, 0.1]), shares([0.38, 0.1, 0.1, 0.1]), NULL, BASIS, SUBJECT)
    assert verdict["sentence"] == (
        "Degrees above l = 2 hold 29 % of this model's squared force error, 19 % that nothing else can: raise l_max first."
    )


def test_a_unique_part_above_the_gain_is_not_part_of_it() -> None:
    part = shares([0.1, 0.0, 0.0, 0.0])
    part.gain[0] = 0.08
    said = verdict_of(part, part, NULL, BASIS, SUBJECT)["sentence"]
    assert said.startswith(
        "Degrees above l = 2 hold 5 % of this model's squared force error, all of which nothing else can:"
    )


def test_near_ties_and_small_parts_are_undecided() -> None:
    assert named(shares([0.2, 0.199, 0.1, 0.0], spread=0.02), NULL, SUBJECT) == "undecided"
    assert named(shares([0.009, 0.001, 0.0, 0.0]), NULL, SUBJECT) == "undecided"  # within the null band


def test_an_error_that_the_base_explains_asks_for_training_first() -> None:
    part = replace(shares([0.1, 0.0, 0.0, 0.0]), left=0.04)
    said = verdict_of(part, part, NULL, BASIS, SUBJECT)["sentence"]
    assert "explains 96 % of this model's squared force error" in said
    assert "train on data like these" in said
    assert "degrees above l = 2 hold 30 % of the rest, 10 % that nothing else can: raise l_max first." in said
    of_forces = verdict_of(part, part, NULL, BASIS, Subject(False, 0.001, 0.1))["sentence"]
    assert "train" not in of_forces


def test_nothing_and_none_are_told_apart() -> None:
    assert named(shares([0.2, 0, 0, 0]), NULL, Subject(True, 0.1, 0.05)) == "nothing"
    assert named(shares([0.2, 0, 0, 0], together=0.005), NULL, SUBJECT) == "none"
    for subject, words in ((Subject(True, 0.1, 0.05), "Nothing is missing"), (SUBJECT, "No knob")):
        said = verdict_of(
            shares([0.2, 0, 0, 0], together=0.005), shares([0.2, 0, 0, 0]), NULL, BASIS, subject
        )
        assert said["sentence"].startswith(words)


def test_data_are_said_to_limit_where_half_of_them_leave_much_more() -> None:
    unique = [0.2, 0.0, 0.0, 0.0]
    verdict = verdict_of(shares(unique, together=0.8), shares(unique, together=0.6), NULL, BASIS, SUBJECT)
    assert verdict["limited_by_data"]
    assert "left 20 %" in verdict["data_sentence"]  # (1 - .6) of the half that the base leaves


def curve(values: list[float]) -> list[np.ndarray]:
    return [np.full(10, value) for value in values]


def test_the_choice_is_the_last_degree_that_pays() -> None:
    counts = np.ones((2000, 10))
    choice = choose(curve([1.0, 0.5, 0.25, 0.24, 0.23, 0.22]), counts, 0.1)
    assert choice["l_max"] == 2
    assert choice["excess"] == pytest.approx(1 - np.sqrt(0.23 / 0.24), rel=0.2)
    # a degree that pays late counts: in a crystal of cubic sites l = 4 follows an l = 3 that holds little
    assert choose(curve([1.0, 0.5, 0.5, 0.5, 0.2, 0.2, 0.2]), counts, 0.1)["l_max"] == 4
    assert choose(curve([1.0, 0.5, 0.25, 0.1]), counts, 0.1)["l_max"] is None


def test_the_curve_has_a_point_for_each_degree() -> None:
    points, choice = need_curve(curve([1.0, 0.5]), [], np.full(10, 2.0), 60, 0.1, np.random.default_rng(0))
    assert choice is None
    assert [point["left"] for point in points] == [0.5, 0.25]
    assert points[0]["rms_eV_A"] == pytest.approx(np.sqrt(10 / 60))
    assert points[0]["ample_left"] is None
    points, choice = need_curve(
        curve([1.0, 0.5]), curve([0.5, 0.49]), np.full(10, 2.0), 60, 0.1, np.random.default_rng(0)
    )
    assert choice is not None
    assert choice["l_max"] == 0
    assert points[1]["ample_left"] == pytest.approx(0.245)
