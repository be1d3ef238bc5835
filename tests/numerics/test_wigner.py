"""Wigner D matrices: the laws of a representation, and e3nn."""

# The degree of a harmonic is called l.

import numpy as np
import pytest
import torch
from e3nn import o3

from spectral_ceilings.numerics import (
    haar_rotations,
    harmonics_error_bound,
    real_harmonics,
    wigner_d,
    wigner_d_all,
)
from spectral_ceilings.theory.errors import InputError

L_TOP = 60
EPS = np.finfo(np.float64).eps


def tolerance(l):
    """Each degree is a projection of R x D_{l-1}: l factors R, each off by a few eps, over sums of 2l+1
    terms."""
    return 4 * (l + 1) * np.sqrt(2 * l + 1) * EPS


@pytest.fixture(scope="module")
def rotations():
    random = haar_rotations(20, np.random.default_rng(0))
    c, s = np.cos(1e-4), np.sin(1e-4)
    special = [
        np.eye(3),
        np.diag([-1.0, -1.0, 1.0]),
        np.diag([1.0, -1.0, -1.0]),
        [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
        [[1, 0, 0], [0, c, -s], [0, s, c]],
        [[1, 0, 0], [0, -c, s], [0, -s, -c]],
    ]
    return np.concatenate([random, np.array(special)])


@pytest.fixture(scope="module")
def matrices(rotations):
    return wigner_d_all(L_TOP, rotations)


def test_degree_one_is_the_rotation(rotations, matrices):
    assert (matrices[1] == rotations).all()
    assert (matrices[0] == 1).all()


def test_orthogonal(matrices):
    for l, d in enumerate(matrices):
        assert abs(d @ np.swapaxes(d, -1, -2) - np.eye(2 * l + 1)).max() < tolerance(l), l


def test_group_law(rotations, matrices):
    other = haar_rotations(len(rotations), np.random.default_rng(1))
    of_product = wigner_d_all(L_TOP, rotations @ other)
    for l, (a, b, ab) in enumerate(zip(matrices, wigner_d_all(L_TOP, other), of_product, strict=True)):
        assert abs(a @ b - ab).max() < tolerance(l), l


def test_harmonics_turn_with_the_matrices(rotations, matrices):
    points = np.random.default_rng(2).standard_normal((len(rotations), 3))
    before = real_harmonics(L_TOP, points)
    after = real_harmonics(L_TOP, np.einsum("nij,nj->ni", rotations, points))
    for l, d in enumerate(matrices):
        part = slice(l * l, (l + 1) ** 2)
        turned = np.einsum("nij,nj->ni", d, before[:, part])
        # both sides carry the harmonics' error; D Y adds its own times |Y| = sqrt(2l+1), and R r is rounded
        allowed = np.sqrt(2 * l + 1) * (tolerance(l) + 2 * harmonics_error_bound(l)[l])
        assert abs(turned - after[:, part]).max() < allowed, l


def test_inverse_is_transpose(rotations):
    forward, back = wigner_d(7, rotations), wigner_d(7, np.swapaxes(rotations, -1, -2))
    assert abs(np.swapaxes(forward, -1, -2) - back).max() < tolerance(7)


def test_agree_with_e3nn(rotations, matrices):
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        angles = o3.matrix_to_angles(torch.from_numpy(rotations[:20]))
        for l in range(12):
            expected = o3.wigner_D(l, *angles).numpy()
            # e3nn goes through angles (arccos: loss near 0 and pi, none among these 20)
            assert abs(matrices[l][:20] - expected).max() < 1e-13 * (l + 1)
    finally:
        torch.set_default_dtype(before)


def test_trace_is_the_character(rotations, matrices):
    """Trace D_l = sin((2l+1) w/2) / sin(w/2) = 1 + 2 sum_k cos(k w), w the angle of the rotation."""
    cosine = (np.trace(rotations, axis1=-2, axis2=-1) - 1) / 2
    angle = np.arccos(cosine.clip(-1, 1))[:20]
    for l in range(0, L_TOP + 1, 6):
        character = 1 + 2 * np.cos(np.arange(1, l + 1)[:, None] * angle).sum(axis=0)
        # arccos loses eps / sin w; the character's slope is at most l (l+1) (2l+1) / 3
        slope = (l + 1) ** 3 * 4 * EPS / np.sin(angle).min()
        assert abs(np.trace(matrices[l][:20], axis1=-2, axis2=-1) - character).max() < slope + (
            2 * l + 1
        ) * tolerance(l)


def test_batch_shape_is_kept():
    rotations = haar_rotations(6, np.random.default_rng(3)).reshape(2, 3, 3, 3)
    assert wigner_d(2, rotations).shape == (2, 3, 5, 5)
    assert wigner_d(2, rotations[0, 0]).shape == (5, 5)
    assert [d.shape for d in wigner_d_all(0, rotations)] == [(2, 3, 1, 1)]


@pytest.mark.parametrize(
    ("l", "rotations", "message"),
    [
        (61, np.eye(3), "l = 61"),
        (-1, np.eye(3), "l = -1"),
        (2, np.eye(2), r"shape \(2, 2\)"),
        (2, 2 * np.eye(3), "R\\^T R"),
        (2, np.full((3, 3), np.nan), "R\\^T R"),
        (2, -np.eye(3), "determinant -1"),
        (2, "none", "not numbers"),
    ],
)
def test_wrong_input_is_named(l, rotations, message):
    with pytest.raises(InputError, match=message):
        wigner_d(l, rotations)
