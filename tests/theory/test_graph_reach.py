"""Bounds of several layers on stars and chains, the third side, and the share that a third side gives back."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.special import eval_legendre, roots_legendre
from sympy.physics.quantum.cg import CG

from spectral_ceilings.theory import (
    InputError,
    PairTerm,
    PolynomialLayer,
    TorsionTerm,
    composed_input_bounds,
    crossover_share,
    input_ceiling,
    reach_on_graph,
    third_side,
    torsion_share,
    unnatural_input_bound,
)


def test_one_layer_on_a_star_is_the_input_ceiling() -> None:
    for nu, l_max in product(range(1, 7), range(5)):
        reach = reach_on_graph("star", nu, l_max)
        assert reach.bound == reach.at_centre == input_ceiling(nu, l_max).boundary
        assert reach.through_leaves == 0


def test_layers_with_nothing_cut_off_compose() -> None:
    for nu, l_max, layers in product(range(1, 4), range(1, 4), range(1, 4)):
        composed = composed_input_bounds([PolynomialLayer(nu, l_max)] * layers)[-1]
        assert reach_on_graph("star", nu, l_max, layers).bound == composed


@pytest.mark.parametrize(("l_max", "hidden", "highest"), [(1, 2, 3), (1, 1, 2), (2, 4, 6)])
def test_what_was_measured_on_leaf_energies_of_mace(l_max: int, hidden: int, highest: int) -> None:
    """Where the harmonic power of two layers of correlation 2 ends; MACE keeps messages up to L, so its centre sees L."""
    reach = reach_on_graph("star", 2, l_max, 2, hidden_l_max=hidden, message_l_max=l_max)
    assert (reach.bound, reach.at_centre, reach.through_leaves) == (highest, l_max, highest)


def test_bounds_grow_with_every_knob() -> None:
    for graph, nu, l_max, layers, hidden in product(
        ("star", "chain"), (1, 2, 3), (1, 2), (1, 2, 3), (0, 1, 2)
    ):
        cuts = {"hidden_l_max": hidden, "message_l_max": l_max}
        bound = reach_on_graph(graph, nu, l_max, layers, **cuts).bound
        assert bound is not None
        for larger in (
            reach_on_graph(graph, nu + 1, l_max, layers, **cuts),
            reach_on_graph(graph, nu, l_max + 1, layers, hidden_l_max=hidden, message_l_max=l_max + 1),
            reach_on_graph(graph, nu, l_max, layers + 1, **cuts),
            reach_on_graph(graph, nu, l_max, layers, hidden_l_max=hidden + 1, message_l_max=l_max),
            reach_on_graph(graph, nu, l_max, layers),
        ):
            assert larger.bound is not None
            assert bound <= larger.bound


def test_torsions_take_two_layers_with_products_and_three_without() -> None:
    """One layer sees no torsion at all; sums of messages (nu = 1) join both ends at an end atom only, after three layers."""
    for nu, l_max in product((1, 2, 3, 4), (1, 2, 3)):
        assert reach_on_graph("chain", nu, l_max, steps="gates").bound == 0
        assert reach_on_graph("chain", nu, l_max, 2).bound == (
            0 if nu == 1 else reach_on_graph("chain", nu, l_max, 2).at_centre
        )
    assert reach_on_graph("chain", 2, 3, 2, hidden_l_max=2, message_l_max=3).bound == 2
    third = reach_on_graph("chain", 1, 2, 3, hidden_l_max=2, message_l_max=2)
    assert (third.bound, third.at_centre, third.through_leaves) == (2, 0, 2)
    assert reach_on_graph("chain", 1, 2, 2, steps="gates").bound == 0
    assert reach_on_graph("chain", 1, 2, 3, steps="gates").bound is None


def test_where_there_is_no_bound_the_reason_is_given() -> None:
    for arguments, word in (
        (("all-edges", 2, 2, 1, "polynomial"), "distance"),
        (("star", 2, 2, 1, "activated-readout"), "readout"),
        (("star", 1, 2, 2, "gates"), "gates"),
    ):
        *settings, steps = arguments
        reach = reach_on_graph(*settings, steps=steps)
        assert (reach.bound, reach.at_centre, reach.through_leaves, reach.needs) == (None, None, None, ())
        assert word in reach.explanation
        assert reach.explanation.startswith("No bound: ")
    # What sees no angle is a constant, and a function of a constant is another.
    assert reach_on_graph("star", 1, 2, steps="gates").bound == 0
    text = reach_on_graph("star", 2, 2).explanation
    assert "At most l = 2" in text
    assert "cutoff below every distance" in text
    assert "polynomial" in text


def test_unnatural_parity() -> None:
    assert [unnatural_input_bound(3, l_max, 0) for l_max in (0, 1, 2, 3)] == [0, 1, 2, 3]
    assert unnatural_input_bound(2, 1, 2) == 0  # two vectors couple to l = 2 in natural parity only
    for nu, l_max, l_out in product(range(1, 6), range(1, 4), range(4)):
        if l_out <= nu * l_max:
            assert unnatural_input_bound(nu, l_max, l_out) <= input_ceiling(nu, l_max, l_out).boundary


def test_the_third_side_is_seen_where_atoms_are_close() -> None:
    angles = np.linspace(0.01, np.pi - 0.01, 400)
    for first, second, cutoff in ((1, 1, 1), (1, 2, 2), (Fraction(3, 2), 2, 3), (1, 1, 3)):
        j, k = (
            np.array([float(first), 0.0]),
            float(second) * np.stack([np.cos(angles), np.sin(angles)], axis=-1),
        )
        seen = np.linalg.norm(j - k, axis=-1) < float(cutoff)
        side = third_side(first, second, cutoff)
        assert np.array_equal(seen, np.cos(angles) > float(side.cosine))
        assert side.always == bool(seen.all())
        assert side.never == (not seen.any())
    assert third_side(1, 1, 1).seen_share == Fraction(1, 4)
    # Both neighbours are seen, so the cutoff is at least the longer distance: always seen if the other is short enough.
    assert third_side(1, 1, 2).always


@pytest.mark.parametrize("cosine", [Fraction(-1, 2), Fraction(0), Fraction(1, 3), Fraction(9, 10)])
def test_the_crossover_is_the_best_polynomial_by_least_squares(cosine: Fraction) -> None:
    """Against NumPy's least squares on Gauss-Legendre nodes of [-1, t], exact to degree 59: rounding alone, below 1e-9."""
    nodes, weights = roots_legendre(30)
    t = float(cosine)
    points, weights = (t + 1) * (nodes + 1) / 2 - 1, weights * (t + 1) / 2
    for l, bound in product(range(1, 9), range(5)):
        target = eval_legendre(l, points) * np.sqrt(weights)
        columns = (
            np.stack([eval_legendre(n, points) for n in range(bound + 1)], axis=-1)
            * np.sqrt(weights)[:, None]
        )
        residual = target - columns @ np.linalg.lstsq(columns, target, rcond=None)[0]
        expected = 1 - (2 * l + 1) / 2 * float(residual @ residual)
        assert abs(float(crossover_share(PairTerm(l), bound, cosine)) - expected) < 1e-9


def test_the_crossover_goes_from_the_star_to_everything() -> None:
    cosines = [Fraction(k, 10) for k in range(-10, 11)]
    for l, bound in product(range(1, 7), range(5)):
        shares = [crossover_share(PairTerm(l), bound, cosine) for cosine in cosines]
        assert shares == sorted(shares, reverse=True)
        assert shares[0] == 1
        assert shares[-1] == (1 if l <= bound else 0)
        assert crossover_share(PairTerm(l), bound, 2) == shares[-1]


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InputError, match="graph = 'ring' is unknown: give one of star, all-edges, chain"):
        reach_on_graph("ring", 2, 2)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="steps = 'odd' is unknown"):
        reach_on_graph("star", 2, 2, steps="odd")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="layers = 0 is too small"):
        reach_on_graph("star", 2, 2, 0)
    with pytest.raises(InputError, match="hidden_l_max = -1"):
        reach_on_graph("star", 2, 2, hidden_l_max=-1)
    with pytest.raises(InputError, match="give fewer layers"):
        reach_on_graph("star", 4, 3, 9)
    with pytest.raises(InputError, match=r"first = 1\.0 is no length"):
        third_side(1.0, 1, 2)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="beyond the cutoff"):
        third_side(1, 3, 2)
    with pytest.raises(InputError, match="no exact number"):
        crossover_share(PairTerm(2), 1, 0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no pair term"):
        crossover_share("pair", 1, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("l", "l_max"), [(1, 1), (1, 2), (2, 2), (2, 3), (3, 3)])
def test_two_layers_make_the_whole_torsion_by_couplings_of_sympy(l: int, l_max: int) -> None:
    """Weights a_m of Y_lm(u) Y_lm(v)* that couplings along the inner bond allow, with SymPy's Clebsch-Gordan coefficients.

    Up to l' = l the part |m| = l alone is among their sums; without features above l' = l - 1 the bound gives 0 and no message
    holds |m| = l.
    """
    rows = []
    for hidden, p, q in product(range(l + 1), range(l_max + 1), range(l_max + 1)):
        if (
            (l + p + hidden) % 2 == 0
            and (hidden + q + l) % 2 == 0
            and abs(l - p) <= hidden <= l + p
            and abs(l - q) <= hidden
        ):
            rows.append(
                [
                    float(CG(l, m, p, 0, hidden, m).doit() * CG(hidden, m, q, 0, l, m).doit())
                    if m <= hidden
                    else 0.0
                    for m in range(l + 1)
                ]
            )
    target = np.eye(l + 1)[l]
    residual = target - np.array(rows).T @ np.linalg.lstsq(np.array(rows).T, target, rcond=None)[0]
    assert np.max(np.abs(residual)) < 1e-10  # entries of at most 1, and well-conditioned sums of less than 20
    assert torsion_share(TorsionTerm(l), 2, l_max, 2, hidden_l_max=l) == 1
    assert torsion_share(TorsionTerm(l), 2, l_max, 2, hidden_l_max=l - 1) == 0
    assert torsion_share(TorsionTerm(l), 2, l_max, 1) == 0
    assert torsion_share(TorsionTerm(l_max + 1), 3, l_max, 2) in (None, 0)


def test_what_is_not_known_of_a_torsion_is_left_open() -> None:
    assert torsion_share(TorsionTerm(2), 4, 1, 2, hidden_l_max=2) is None
    assert torsion_share(TorsionTerm(2), 1, 2, 3, hidden_l_max=2) is None
    assert torsion_share(TorsionTerm(3), 1, 2, 3, hidden_l_max=2) == 0
    with pytest.raises(InputError, match="no torsion"):
        torsion_share(PairTerm(2), 2, 2)  # type: ignore[arg-type]
