"""A calibration row: everything agrees, and each way of disagreeing is named."""

import dataclasses

import numpy as np
import pytest

from spectral_ceilings.numerics import calibrate_pair, calibration
from spectral_ceilings.numerics.calibration import CalibrationRow
from spectral_ceilings.theory.errors import InputError


@pytest.mark.parametrize(("degree", "l_max"), [(1, 1), (2, 2), (3, 2), (2, 3), (5, 1), (1, 5)])
def test_every_measurement_agrees(degree, l_max):
    row = calibrate_pair(degree, l_max)
    assert row.agrees, row.disagreements
    assert row.dimension == (degree * l_max + 1) ** 2
    assert {row.rank_float, row.rank_structured, *row.rank_mod_p.values()} == {row.dimension}
    assert row.gap > 1e6
    assert 0 < row.smallest_amplitude < 1e-6
    assert CalibrationRow.from_dict(row.to_dict()) == row


def test_five_fold_field_needs_ceiling_five():
    """C5 fails at (2, 2) and is exact at (2, 3), (3, 2), (5, 1), (1, 5)."""
    assert calibrate_pair(2, 2).cyclic_exact["5"] == 0
    assert abs(calibrate_pair(2, 2).cyclic_projection["5"]) < 1e-12
    for pair in [(2, 3), (3, 2), (5, 1), (1, 5)]:
        row = calibrate_pair(*pair)
        assert row.cyclic_exact["5"] == 1
        assert row.cyclic_projection["5"] == pytest.approx(1, abs=1e-12)


def test_a_row_has_its_own_random_stream():
    first, second = calibrate_pair(2, 2, seed=3), calibrate_pair(2, 2, seed=3)
    assert first == second
    assert first.singular_values != calibrate_pair(2, 2, seed=4).singular_values


def test_above_the_dense_limit_the_structured_rank_goes_on():
    row = calibrate_pair(7, 7)
    assert row.rank_structured == 2500
    assert row.rank_float is row.rank_mod_p is row.gap is row.leakage is None
    assert row.agrees


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("span_rank", {"rank": 24}, "rank in float64 is 24, theory says 25"),
        ("exact_span_rank", {"ranks": (25, 24)}, "rank mod 8388587 is 24"),
        ("structured_span_rank", {"block_ranks": (5, 4, 3, 2, 0)}, "structured rank is 23"),
        ("structured_span_rank", {"cyclic": {5: 1}}, "C_5 field mod p is 1, theory says 0"),
        ("span_profile", {"leakage": 0.1}, "leakage is 1.0e-01"),
        ("span_profile", {"dimensions": (1, 3, 5, 7, 9, 1)}, "dimension inside H_5 is 1, theory says 0"),
    ],
)
def test_each_disagreement_is_named(monkeypatch, name, change, message):
    honest = getattr(calibration, name)
    monkeypatch.setattr(calibration, name, lambda *a, **k: dataclasses.replace(honest(*a, **k), **change))
    if name == "structured_span_rank" and "cyclic" in change:
        orders = (5,)
        monkeypatch.setattr(calibration, "CYCLIC_ORDERS", orders)
    row = calibrate_pair(2, 2)
    assert not row.agrees
    assert any(message in sentence for sentence in row.disagreements), row.disagreements


def test_a_wrong_projection_is_named(monkeypatch):
    monkeypatch.setattr(calibration, "cyclic_projections", lambda *_: np.full(12, 0.5))
    assert (
        "degree 1, l_max 1: the projected C_1 field is 0.500000, theory says 1"
        in calibrate_pair(1, 1).disagreements
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1), "degree is 0"),
        ((1, 0), "l_max is 0"),
        ((2, 257), "calibration goes to 512"),
        ((1, 1, -1), "seed is -1"),
    ],
)
def test_wrong_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        calibrate_pair(*arguments)
