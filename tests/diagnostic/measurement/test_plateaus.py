"""Fields along the bond, tangential and solid: their exact grades, and the plateaus that a ceiling leaves of them."""

from typing import get_args

import numpy as np
import pytest

from spectral_ceilings.diagnostic.backbones.features import Block
from spectral_ceilings.diagnostic.frames.marks import marked_neighbours
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.injection.orientations import Orientations
from spectral_ceilings.diagnostic.injection.plateau_fields import (
    directional_targets,
    directional_values,
    grade_couplings,
    lowest_degree,
    vector_field,
)
from spectral_ceilings.diagnostic.measurement.plateaus import plateau_rows, weight_errors
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
from spectral_ceilings.diagnostic.measurement.tables import recovery_table
from spectral_ceilings.diagnostic.readouts.free import fit_free, fit_free_targets
from spectral_ceilings.diagnostic.recovery.hierarchy import Bootstrap
from spectral_ceilings.numerics import gauss_product_directions, real_harmonics
from spectral_ceilings.theory import Ceiling, InputError
from spectral_ceilings.theory.plateaus import Direction, grade_weights, predicted_recovery

from single_directions import single_direction

DIRECTIONS = ("radial", "gradient", "solid")
FIELDS = [(d, l) for d in DIRECTIONS for l in range(lowest_degree(d), 7)]
EPS = np.finfo(float).eps


@pytest.mark.parametrize(("direction", "l"), FIELDS)
def test_the_weights_of_the_grades_are_the_exact_ones_and_the_amplitude_is_one(
    direction: Direction, l: int
) -> None:
    couplings = grade_couplings(direction, l)
    rows = len(next(iter(couplings.values())))
    found = {k: float(np.sum(matrix**2)) / rows for k, matrix in couplings.items()}
    exact = grade_weights(direction, l)
    # Sums of at most (2l+3)(2l+5) < 300 products of quadrature sums of about 200 terms of order one.
    assert found == pytest.approx({k: float(w) for k, w in exact.items()}, abs=500 * EPS)
    # Along any axis: mean square 1 over the sphere, averaged over polarisations.
    sphere = gauss_product_directions(2 * l + 4)
    signal = real_harmonics(l + 1, sphere.directions)
    weights = sphere.weights / sphere.weights.sum()
    for axis in range(3):
        values = directional_values(direction, l, signal, axis)
        assert weights @ np.mean(values**2, axis=1) == pytest.approx(1.0, abs=500 * EPS)


def test_a_radial_field_is_the_harmonic_times_the_direction() -> None:
    vectors = np.random.default_rng(0).normal(size=(20, 3))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for l in range(6):
        expected = np.sqrt(3.0) * real_harmonics(l, vectors)[:, l * l :, None] * unit[:, None]
        # Harmonics up to degree 6 are good to (2l+1)^2 eps.
        np.testing.assert_allclose(vector_field("radial", l, vectors), expected, atol=13**2 * 8 * EPS)


def jacobian(direction: Direction, l: int, vectors: np.ndarray, step: float) -> np.ndarray:
    """Central differences: error step^2 / 6 times a third derivative, and round-off eps / step."""
    return np.stack(
        [
            (vector_field(direction, l, vectors + shift) - vector_field(direction, l, vectors - shift))
            / (2 * step)
            for shift in step * np.eye(3)
        ],
        axis=-1,
    )


@pytest.mark.parametrize("l", [1, 2, 4])
def test_gradient_and_solid_fields_are_conservative_and_the_radial_one_is_not(l: int) -> None:
    vectors = np.random.default_rng(1).normal(size=(10, 3))
    vectors *= 1.5 / np.linalg.norm(vectors, axis=1, keepdims=True)
    curl = {}
    for direction in DIRECTIONS:
        gradients = jacobian(direction, l, vectors, 1e-4)
        size = np.abs(gradients).max()
        curl[direction] = np.abs(gradients - gradients.transpose(0, 1, 3, 2)).max() / size
    # A third derivative of degree-5 harmonics is below (l+1)^3 = 125 times the field: 125 * 1e-8 / 6.
    assert curl["gradient"] < 1e-6
    assert curl["solid"] < 1e-6
    assert curl["radial"] > 0.1


def test_the_solid_field_is_the_gradient_of_a_solid_harmonic() -> None:
    vectors = np.random.default_rng(2).normal(size=(10, 3))
    for l in range(5):
        degree = l + 1

        def potential(x: np.ndarray, degree: int = degree) -> np.ndarray:
            return real_harmonics(degree, x)[:, degree**2 :] * (np.linalg.norm(x, axis=1) ** degree)[:, None]

        step = 1e-4 * np.eye(3)
        slopes = np.stack([(potential(vectors + s) - potential(vectors - s)) / 2e-4 for s in step], axis=-1)
        # |grad (r^L Y_L)|^2 = L (2L+1) r^{2L-2}, a third of it along each axis, over 2L+1 polarisations.
        expected = slopes * np.sqrt(3.0 / (degree * (2 * degree + 1)))
        np.testing.assert_allclose(
            vector_field("solid", l, vectors), expected, atol=1e-5 * np.abs(expected).max()
        )


def test_power_by_grade_on_a_molecule_is_that_of_theory_by_quadrature_on_all_rotations() -> None:
    frames = read_frames("aspirin-xtb").select(np.arange(2))
    marks = [mark for mark in marked_neighbours(frames) if mark.neighbour is not None][:4]
    found = weight_errors(frames, 6, DIRECTIONS, marks)
    assert {(one["direction"], one["l"]) for one in found} == {(d, l) for d, l in FIELDS if l < 6}
    # Sums over about 1,500 rotations of products of matrix elements of order one.
    assert max(one["power_elsewhere"] for one in found) < 1500 * EPS


def test_a_sum_over_neighbours_has_other_weights() -> None:
    """The measurement can fail: two harmonics of different grade added up do not have the weights of one direction."""
    sphere = gauss_product_directions(16)
    signal = real_harmonics(7, sphere.directions)
    signal[:, 16:25] = 0.0  # a signal whose part of grade 4 is missing, as cancelling neighbours can make it
    values = directional_values("radial", 3, signal)
    weights = sphere.weights / sphere.weights.sum()
    assert weights @ np.mean(values**2, axis=1) == pytest.approx(
        float(grade_weights("radial", 3)[2]), abs=1e-12
    )


def fitted(noise: float) -> tuple[dict, int, int, list]:
    """Fit directions and pure grades on harmonics of one direction, with noise that turns with the molecule."""
    features, signal, split, residual = single_direction(2, 6, 450, 3)
    rng = np.random.default_rng(4)
    blocks = [
        Block(b.l, b.parity, b.values + noise * rng.normal(size=b.values.shape)) for b in features.blocks()
    ]
    turns = Orientations.draw(split, 6, np.random.default_rng(5), times=(20, 5, 20), null_draws=0)
    targets = directional_targets(DIRECTIONS, 6, signal, turns)
    lead = {l: signal[:, l * l : (l + 1) ** 2] for l in (1, 2)}
    sums, count = fit_free_targets(blocks, 0, targets, residual, turns, 2, 1.0, leading=lead)
    pure, _ = fit_free(blocks, 0, signal, residual, turns, 2, 1.0)
    cells, start = {}, 0
    for direction in DIRECTIONS:
        lowest = lowest_degree(direction)
        part = sums[start : start + 6 - lowest]
        start += 6 - lowest
        cells[direction] = {0: ([None] * lowest + list(part), [0] * lowest + [count] * len(part))}
    return cells, count, 20 * len(split.training), pure


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_measured_plateaus_are_those_predicted(noise: float) -> None:
    """Without noise the ideal fractions; with noise in the features those with the measured grades folded in."""
    cells, count, uses, pure = fitted(noise)
    bootstrap = Bootstrap(len(pure[0].injected), 200, np.random.default_rng(6))
    seen = 0
    for direction in DIRECTIONS:
        table = recovery_table(
            cells[direction], {0: "C"}, bootstrap, injection="marked", readout="free", ceiling=Ceiling(2, 2),
            direction=direction,
        )  # fmt: skip
        found = plateau_rows({0: (pure, [count] * 7)}, table.rows, bootstrap, 4, uses)
        for row in found:
            if row["scope"] != "atom:0":
                continue
            seen += 1
            ideal = float(predicted_recovery(direction, row["l"], 4))
            assert row["predicted"] == ideal
            assert row["noise"] == pytest.approx((1 - ideal) * count / uses)
            # 5,000 independent held-out directions: the share of power on one side of the ceiling varies by about
            # 0.5 / sqrt(5,000) = 0.007; the fit itself costs up to `noise`, and a ridge less.
            assert -row["noise"] - 0.028 < row["r2"] - row["folded"] < 0.028, (direction, row["l"])
            if noise == 0.0:
                assert row["folded"] == pytest.approx(ideal, abs=0.01)
            elif 0 < row["l"] <= 3:
                assert row["folded"] < ideal - 0.005  # what the noise takes is in the prediction
            assert row["folded_low"] <= row["folded"] <= row["folded_high"]
    assert seen == 6 + 5 + 6


def test_settings_refuse_what_cannot_be_predicted() -> None:
    for wrong, words in (
        ({"directions": ("radial",)}, "directions must include fixed"),
        ({"directions": ("fixed", "sideways")}, "expected one of fixed, radial"),
        ({"directions": ("fixed", "radial"), "readouts": ("equivariant",)}, "needs readout free"),
        ({"directions": ("fixed", "solid"), "injections": ("density",)}, "needs injection marked"),
        ({"readouts": ("network",)}, "network also needs free or equivariant"),
    ):
        with pytest.raises(InputError, match=words):
            DiagnoseSettings(**wrong)
    assert set(get_args(Direction)) == {"fixed", *DIRECTIONS}
    with pytest.raises(InputError, match="gradient of a constant"):
        grade_couplings("gradient", 0)
