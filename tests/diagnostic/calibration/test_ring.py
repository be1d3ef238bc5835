"""The ring of five neighbours: what is blind, what is beyond the ceiling, and that couplings say exactly what fits find."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.calibration.ring import (
    axial,
    reachable_fraction,
    reachable_vectors,
    reduced,
    ring_cluster,
    ring_theory,
    turned,
)
from spectral_ceilings.diagnostic.calibration.ring_cell import RingCell, RingSettings, calibrate_ring
from spectral_ceilings.diagnostic.calibration.ring_features import _TensorProduct, ring_features
from spectral_ceilings.numerics import haar_rotations, real_harmonics, wigner_d
from spectral_ceilings.theory.errors import InputError

SMALL = {"features": "e3nn", "samples": 2500, "held_out": 2500, "width": 128, "steps": 600}


def all_monomials(columns, degree):
    """Every monomial of degree <= d by repeated outer products: no list of products that could forget one."""
    out = ones = np.ones((len(columns), 1))
    every = np.concatenate([ones, columns], axis=1)
    for _ in range(degree):
        out = np.einsum("ni,nj->nij", out, every).reshape(len(columns), -1)
    return out


@pytest.mark.parametrize(("degree", "l_max"), [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2)])
def test_couplings_span_all_monomials_of_the_features(degree, l_max):
    """Rank over random rotations of all monomials, which know nothing of couplings, and of both sets together."""
    rng = np.random.default_rng(0)
    vectors = {l: np.linalg.qr(rng.normal(size=(2 * l + 1, 2)))[0].T for l in range(1, l_max + 1)}
    rotations = haar_rotations(400, rng)
    span = reachable_vectors(vectors, degree, degree * l_max)
    predicted = turned(span, rotations)
    # Couplings have complex factors for odd a + b + l in some conventions; here all are real, so that dimensions add up.
    monomials = all_monomials(turned(vectors, rotations), degree)
    dimension = sum((2 * l + 1) * len(basis) for l, basis in span.items())
    assert predicted.shape[1] == dimension < 400
    both = np.concatenate([monomials / np.linalg.norm(monomials, axis=0), predicted], axis=1)
    assert np.linalg.matrix_rank(predicted) == dimension
    assert np.linalg.matrix_rank(monomials) == dimension
    assert np.linalg.matrix_rank(both) == dimension


def test_the_reachable_share_is_what_least_squares_on_all_monomials_finds():
    """Two vectors reach a part of the field only: the share, not just 0 or 1."""
    rng = np.random.default_rng(1)
    vectors = {1: np.linalg.qr(rng.normal(size=(3, 2)))[0].T}
    target = rng.normal(size=7)
    target /= np.linalg.norm(target)
    share = reachable_fraction(vectors, 3, target)
    assert 0.05 < share < 0.95
    rotations = haar_rotations(6000, rng)
    columns, wanted = all_monomials(turned(vectors, rotations), 3), wigner_d(3, rotations) @ target
    found = columns @ np.linalg.lstsq(columns, wanted, rcond=1e-10)[0]
    fitted = 1 - np.sum((wanted - found) ** 2) / np.sum(wanted**2)
    # 84 independent functions of 6,000 rotations: in-sample excess 84 / 6000 of what is left, and as much of scatter.
    assert share - 0.014 < fitted < share + 0.028


@pytest.mark.parametrize("fold", [3, 5, 6])
def test_the_target_is_the_field_of_the_ring(fold):
    cluster = ring_cluster(fold)
    ring = cluster.positions[cluster.kinds == 1]
    total = real_harmonics(fold, ring)[:, fold * fold :].sum(axis=0)
    target = cluster.target
    assert np.linalg.norm(target) == pytest.approx(1.0, abs=1e-14)
    # Turned by one n-th of a turn about y it comes back; by half of that it changes sign.
    for part, sign in ((1.0, 1.0), (0.5, -1.0)):
        angle = 2 * np.pi * part / fold
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        assert wigner_d(fold, turn) @ target == pytest.approx(sign * target, abs=1e-12)
    # For an odd ring the harmonics of degree n of the plane have no other part.
    assert abs(total @ target) / np.linalg.norm(total) == pytest.approx(1.0, abs=1e-12) or fold % 2 == 0


@pytest.mark.parametrize("kind", ["e3nn", "nequip"])
def test_features_of_the_ring_alone_are_blind_below_its_order_trained_or_not(kind):
    for trained_for in (None, 2) if kind == "e3nn" else (None,):
        alone = reduced(dict(ring_features(kind, 3, breaking=False, trained_for=trained_for, steps=5)))
        assert axial(alone)
        assert all(len(rows) <= 1 for rows in alone.values())
        assert reachable_fraction(alone, 5, ring_cluster().target) == 0.0
    broken = reduced(dict(ring_features(kind, 3, breaking=True)))
    assert not axial(broken)
    assert reachable_fraction(broken, 1, ring_cluster().target) == 0.0
    assert reachable_fraction(broken, 2, ring_cluster().target) == pytest.approx(1.0, abs=1e-10)


def test_features_turn_with_the_cluster():
    cluster = ring_cluster()
    turn = haar_rotations(1, np.random.default_rng(2))[0]
    moved = type(cluster)(cluster.positions @ turn.T, cluster.kinds, cluster.fold)
    given, found = (_TensorProduct(one, 3, 0) for one in (cluster, moved))
    h, g = given().detach().numpy(), found().detach().numpy()
    start = 0
    for l in [0, 1, 2, 3] * 2:
        block = slice(start, start + 8 * (2 * l + 1))
        expected = h[block].reshape(8, -1) @ wigner_d(l, turn).T
        # e3nn's couplings are good to float64; sums of eight atoms and products of two features.
        assert g[block].reshape(8, -1) == pytest.approx(expected, abs=1e-12 * np.abs(h).max())
        start = block.stop


def test_training_changes_the_features_and_repeats():
    plain, trained = (dict(ring_features("e3nn", 2, trained_for=n, steps=5)) for n in (None, 2))
    ring_features.cache_clear()
    again = dict(ring_features("e3nn", 2, trained_for=2, steps=5))
    assert all(np.array_equal(trained[l], again[l]) for l in trained)
    assert not np.allclose(plain[2], trained[2])


@pytest.mark.parametrize(
    ("degree", "l_max", "breaking", "status"),
    [
        (2, 2, True, "not representable"),
        (2, 3, True, "learned"),
        (2, 3, False, "blind"),
        (1, 5, False, "learned"),
    ],
)
def test_a_readout_of_the_centre_is_on_the_side_of_theory(degree, l_max, breaking, status):
    cell = calibrate_ring(RingSettings(degree=degree, l_max=l_max, breaking=breaking, **SMALL))
    assert cell.theory == ring_theory(degree, l_max, 5, breaking) == round(cell.reachable)
    assert cell.status == status
    assert cell.r2 <= cell.largest_possible + 1e-12
    # The excess of p functions fitted to N orientations, p / N in the mean: three times that.
    assert abs(cell.closed_form - cell.theory) < 3 * cell.columns / 2500 * (1 - cell.theory) + 1e-9
    assert RingCell.from_dict(cell.to_dict()) == cell


def test_without_a_ceiling_only_blindness_is_left():
    broken, alone = (
        calibrate_ring(
            RingSettings(degree=2, l_max=2, breaking=b, activation="silu", **{**SMALL, "width": 256})
        )
        for b in (True, False)
    )
    assert broken.theory is None
    assert broken.r2 > 0.5  # so few steps learn a part of it; a polynomial of this degree would have none
    assert alone.theory == 0
    assert alone.r2 < 0.05
    assert alone.status == "blind"


@pytest.mark.parametrize(
    ("degree", "l_max", "fold", "breaking", "expected"),
    [(2, 2, 5, True, 0), (2, 3, 5, True, 1), (5, 4, 5, False, 0), (1, 5, 5, False, 1), (1, 2, 3, True, 0)],
)
def test_theory_of_the_ring(degree, l_max, fold, breaking, expected):
    assert ring_theory(degree, l_max, fold, breaking) == expected


@settings(max_examples=40, deadline=None)
@given(st.integers(-3, 12) | st.floats() | st.booleans() | st.none())
def test_any_number_of_neighbours_gives_a_ring_or_one_sentence(fold):
    sentence = ""
    try:
        assert len(ring_cluster(fold).positions) == fold + 4
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"degree": 6}, "degree of the ring calibration is 6"),
        ({"l_max": True}, "l_max of the ring calibration is True"),
        ({"fold": 9}, "fold of the ring is 9: give an integer from 2 to 8"),
        ({"steps": 0}, "steps of the training is 0"),
    ],
)
def test_a_wrong_setting_is_named(wrong, message):
    with pytest.raises(InputError, match=message):
        RingSettings(**wrong)
    with pytest.raises(InputError, match="features 'painn' are unknown: give nequip or e3nn"):
        ring_features("painn", 2)
