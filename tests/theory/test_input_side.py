"""The input-side bound against explicit equivariant polynomials, expanded exactly.

Degree l of a direction r = (x, y, z) is carried by the binary form Q^l, Q = w u^2 + 2 z u v - w' v^2, w = x + iy, w' = x - iy:
the discriminant of Q is r^2 = 1, and SL(2) acts on (u, v) as rotations act on r. Couplings of forms are
transvectants, with integer coefficients only. A function on the sphere is a polynomial in w, w', z with w w'
= 1 - z^2 used up; its monomials w^p z^q and w'^p z^q are of harmonic degree p + q at most, and the highest
such degree that occurs is the highest harmonic degree.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from math import comb, perm
from random import Random

import numpy as np
import pytest
from scipy.special import spherical_in

from spectral_ceilings.numerics import gauss_product_directions, real_harmonics
from spectral_ceilings.theory import (
    ARCHITECTURES,
    Ceiling,
    InputError,
    PolynomialLayer,
    composed_input_bounds,
    input_ceiling,
    layer_steps,
    output_ceiling,
    polynomial_layers,
    unnatural_input_bound,
)

# (signed power of w, power of z) -> coefficient; negative powers stand for w'.
Function = dict[tuple[int, int], int]
# Coefficients of u^(n-i) v^i.
Form = list[Function]


def _times(f: Function, g: Function) -> Function:
    result: defaultdict[tuple[int, int], int] = defaultdict(int)
    for (p, q), a in f.items():
        for (s, t), b in g.items():
            cancelled = min(abs(p), abs(s)) if p * s < 0 else 0
            for k in range(cancelled + 1):  # (1 - z^2)^cancelled
                result[p + s, q + t + 2 * k] += a * b * comb(cancelled, k) * (-1) ** k
    return {key: value for key, value in result.items() if value}


def _add(f: Function, g: Function, factor: int = 1) -> Function:
    result = dict(f)
    for key, value in g.items():
        result[key] = result.get(key, 0) + factor * value
    return {key: value for key, value in result.items() if value}


def _form_product(f: Form, g: Form) -> Form:
    result: Form = [{} for _ in range(len(f) + len(g) - 1)]
    for i, a in enumerate(f):
        for j, b in enumerate(g):
            result[i + j] = _add(result[i + j], _times(a, b))
    return result


def _power(form: Form, exponent: int) -> Form:
    result: Form = [{(0, 0): 1}]
    for _ in range(exponent):
        result = _form_product(result, form)
    return result


def _derivative(f: Form, in_u: int, in_v: int) -> Form:
    n = len(f) - 1
    result: Form = []
    for i in range(in_v, n - in_u + 1):
        factor = perm(n - i, in_u) * perm(i, in_v)
        result.append({key: factor * value for key, value in f[i].items()})
    return result


def _couple(f: Form, g: Form, c: int) -> Form:
    """The transvectant of forms of degree a and b onto degree c."""
    k = (len(f) - 1) // 2 + (len(g) - 1) // 2 - c
    result: Form = [{} for _ in range(2 * c + 1)]
    for i in range(k + 1):
        term = _form_product(_derivative(f, k - i, i), _derivative(g, i, k - i))
        result = [_add(x, y, (-1) ** i * comb(k, i)) for x, y in zip(result, term, strict=True)]
    return result


def _highest_degree(
    correlation: int, l_max: int, l_out: int, seed: int, *, natural: bool | None = None
) -> int:
    """Highest harmonic degree of one direction in a random equivariant polynomial of the given output degree.

    With `natural` the output has the parity (-1)^l_out of O(3), with False the other one; otherwise all couplings of SO(3) are
    added up.
    """
    random = Random(seed)
    moving: Form = [{(1, 0): 1}, {(0, 1): 2}, {(-1, 0): -1}]

    def constant() -> Form:
        return [{(0, 0): random.randint(1, 9)} for _ in range(3)]

    others = [constant() for _ in range(2 * l_max + 2)]
    # One radial channel for each factor: A_n,l = R_n Q^l + sum over the other neighbours.
    channels: list[list[Form]] = []
    for _ in range(correlation):
        row = []
        for degree in range(l_max + 1):
            total: Form = [{} for _ in range(2 * degree + 1)]
            for neighbour in [moving, *others]:
                weight = random.randint(1, 9)
                total = [_add(x, y, weight) for x, y in zip(total, _power(neighbour, degree), strict=True)]
            row.append(total)
        channels.append(row)
    # All products of at most `correlation` factors (A_n,0 is a constant plus a constant), all chains of
    # couplings, random coefficients.
    # (degree, parity) -> form; the parity of a product of harmonics is that of the sum of their degrees.
    partial: dict[tuple[int, int], Form] = {
        (degree, degree % 2): form for degree, form in enumerate(channels[0])
    }
    for n, row in enumerate(channels[1:], start=2):
        following: dict[tuple[int, int], Form] = {}
        for ((a, parity), left), (b, right) in product(partial.items(), enumerate(row)):
            for c in range(abs(a - b), a + b + 1):
                if c <= l_out + (correlation - n) * l_max:
                    weight = random.randint(1, 9)
                    coupled = _couple(left, right, c)
                    key = (c, (parity + b) % 2)
                    old = following.get(key, [{} for _ in range(2 * c + 1)])
                    following[key] = [_add(x, y, weight) for x, y in zip(old, coupled, strict=True)]
        partial = following
    outputs = [
        form
        for (c, p), form in partial.items()
        if c == l_out and (natural is None or (p == l_out % 2) == natural)
    ]
    return max((abs(p) + q for form in outputs for component in form for p, q in component), default=0)


@pytest.mark.parametrize(
    ("correlation", "l_max", "l_out"),
    [
        (1, 2, 0), (1, 2, 1), (1, 2, 2), (2, 1, 0), (2, 1, 1), (2, 1, 2), (2, 2, 0), (2, 2, 1), (2, 2, 2), (2, 2, 3), (2, 3, 0),
        (2, 3, 2), (3, 1, 0), (3, 1, 1), (3, 1, 2), (3, 1, 3), (3, 2, 0), (3, 2, 1), (3, 2, 2),
        (4, 1, 0), (4, 1, 1), (4, 1, 2), (5, 1, 0),
    ],
)  # fmt: skip
def test_explicit_polynomials_attain_the_bound_exactly(correlation: int, l_max: int, l_out: int) -> None:
    expected = input_ceiling(correlation, l_max, l_out).boundary
    assert _highest_degree(correlation, l_max, l_out, seed=7) == expected
    # Natural parity alone, as in O(3)-equivariant models, does not lower it.
    assert _highest_degree(correlation, l_max, l_out, seed=8, natural=True) == expected


@pytest.mark.parametrize(
    ("correlation", "l_max", "l_out"),
    [(1, 2, 1), (2, 1, 0), (2, 1, 1), (2, 1, 2), (2, 2, 1), (2, 2, 3), (3, 1, 0), (3, 1, 1),
     (3, 1, 2), (3, 2, 0), (3, 2, 1), (4, 1, 0)],
)  # fmt: skip
def test_explicit_polynomials_of_unnatural_parity_attain_their_smaller_bound(
    correlation: int, l_max: int, l_out: int
) -> None:
    expected = unnatural_input_bound(correlation, l_max, l_out)
    assert _highest_degree(correlation, l_max, l_out, seed=9, natural=False) == expected


@pytest.mark.parametrize(
    ("l_max", "correlation", "l_out", "expected"),
    [(2, 2, 0, 2), (2, 3, 0, 2), (3, 3, 0, 3), (1, 3, 0, 1), (2, 2, 2, 2), (2, 3, 2, 4), (1, 3, 1, 2), (1, 4, 0, 2), (2, 4, 0, 4),
     (1, 4, 1, 2), (3, 2, 2, 3), (1, 1, 0, 0), (2, 1, 0, 0)],
)  # fmt: skip
def test_the_bounds_measured_on_mace(l_max: int, correlation: int, l_out: int, expected: int) -> None:
    """Where the harmonic power of an untrained MACE ends (float64, star graph, by quadrature)."""
    assert input_ceiling(correlation, l_max, l_out).boundary == expected


def test_symmetry_halves_what_an_invariant_sees() -> None:
    for correlation, l_max in product(range(1, 9), range(6)):
        ceiling = input_ceiling(correlation, l_max)
        assert ceiling.boundary == l_max * (correlation // 2)
        assert ceiling.without_symmetry == correlation * l_max


def test_the_bound_grows_with_every_argument() -> None:
    for nu, l_max in product(range(1, 6), range(1, 5)):
        values = [input_ceiling(nu, l_max, l_out).boundary for l_out in range(nu * l_max + 1)]
        assert values == sorted(values)
        assert values[-1] == nu * l_max


def test_the_explanation_names_the_numbers() -> None:
    text = input_ceiling(3, 2).explanation
    assert "\n" not in text
    assert "at most l = 2" in text
    assert "would be 6" in text
    assert "1 factor from" in text
    assert "2 factors left" in text
    assert "sees at most l = 4" in input_ceiling(3, 2, 2).explanation
    assert "has no partner" in input_ceiling(1, 2).explanation


def test_layers_compose() -> None:
    """N_1 = nu, N_(t+1) = nu (N_t + 1) factors of degree L; an invariant sees L floor(N/2)."""
    assert composed_input_bounds([PolynomialLayer(1, 2)]) == (0,)
    assert composed_input_bounds([PolynomialLayer(1, 2)] * 3) == (0, 2, 2)
    assert composed_input_bounds([PolynomialLayer(2, 1), PolynomialLayer(3, 2)]) == (1, 6)
    assert composed_input_bounds([PolynomialLayer(1, 1)] * 3, l_out=2) == (0, 2, 2)
    for nu, l_max, l_out in product(range(1, 4), range(3), range(4)):
        if l_out > nu * l_max:
            continue
        factors, expected = 0, []
        for _ in range(3):
            factors = nu * (factors + 1)
            expected.append(max(min(k * l_max, (factors - k) * l_max + l_out) for k in range(factors + 1)))
        assert composed_input_bounds([PolynomialLayer(nu, l_max)] * 3, l_out) == tuple(expected)
        assert expected[0] == input_ceiling(nu, l_max, l_out).boundary
        if not l_out:
            assert expected[-1] == l_max * (
                factors // 2
            )  # half of what was claimed here without equivariance


def _two_layer_leaf_energy(l_max: int, l_hidden: int, seed: int) -> int:
    """Highest degree of the moving direction in the energy of another leaf after two layers of correlation 2.

    The centre multiplies its summed harmonics with themselves to hidden features of degree <= l_hidden; the leaf couples
    these with the harmonics of its own edge and multiplies two such messages to an invariant.
    """
    random = Random(seed)
    moving: Form = [{(1, 0): 1}, {(0, 1): 2}, {(-1, 0): -1}]
    leaf, other = ([{(0, 0): random.randint(1, 9)} for _ in range(3)] for _ in range(2))

    def combined(terms: list[Form]) -> Form:
        total: Form = [{} for _ in terms[0]]
        for term in terms:
            weight = random.randint(1, 9)
            total = [_add(x, y, weight) for x, y in zip(total, term, strict=True)]
        return total

    summed = [combined([_power(part, l) for part in (moving, leaf, other)]) for l in range(l_max + 1)]
    hidden = {}
    for c in range(min(l_hidden, 2 * l_max) + 1):
        pairs = [(a, b) for a, b in product(range(l_max + 1), repeat=2) if abs(a - b) <= c <= a + b]
        hidden[c] = combined([_couple(summed[a], summed[b], c) for a, b in pairs])
    messages = {}
    for c in range(l_max + 1 + max(hidden)):
        pairs = [(a, b) for a, b in product(hidden, range(l_max + 1)) if abs(a - b) <= c <= a + b]
        if pairs:
            messages[c] = combined([_couple(hidden[a], _power(leaf, b), c) for a, b in pairs])
    energy = combined([_couple(message, message, 0) for message in messages.values()])
    return max(abs(p) + q for component in energy for p, q in component)


@pytest.mark.parametrize(("l_max", "l_hidden", "highest"), [(1, 2, 3), (1, 1, 2), (2, 4, 6)])
def test_two_layers_attain_the_bound_of_a_star_graph_and_a_low_hidden_degree_lowers_it(
    l_max: int, l_hidden: int, highest: int
) -> None:
    """The degrees that were measured on a real MACE with two layers of correlation 2, here exactly."""
    bound = composed_input_bounds([PolynomialLayer(2, l_max)] * 2)[-1]
    assert _two_layer_leaf_energy(l_max, l_hidden, seed=3) == highest
    assert highest <= bound
    assert (highest == bound) == (l_hidden == 2 * l_max)


def test_an_edge_to_a_third_atom_lifts_every_bound() -> None:
    """One layer, messages added up, l_max = 0: polynomial in each edge's harmonics, and every degree is there.

    The neighbour r moves on the unit sphere about the centre, the third atom stands at s = 2 (0, 1, 0). A radial function
    exp(-d^2) of their distance, d^2 = 5 - 4 y, is e^(4y - 5): its degrees are those of modified spherical Bessel functions,
    exp(4 y) = sum (2l+1) i_l(4) P_l(y), all of them positive (DLMF 10.60.9).
    """
    assert composed_input_bounds([PolynomialLayer(1, 0)]) == (0,)
    grid = gauss_product_directions(40)
    radial = np.exp(-np.sum((grid.directions - [0.0, 2.0, 0.0]) ** 2, axis=1))
    coefficients = real_harmonics(8, grid.directions).T @ (grid.weights * radial)
    for l in range(9):
        power = float(np.sum(coefficients[l * l : (l + 1) ** 2] ** 2))
        expected = (2 * l + 1) * (np.exp(-5.0) * spherical_in(l, 4.0)) ** 2
        # The quadrature leaves out degrees above 32, below 1e-20; sums of 41 * 21 terms of at most 1.
        assert abs(power - expected) < 1e-12
        assert power > 1e-9


def test_each_statement_about_energies_gives_its_conditions() -> None:
    """That energies see little of a direction and that they see everything are both true, each somewhere."""
    bounded = input_ceiling(2, 2).explanation
    assert "star graph" in bounded
    assert "edge to a third atom" in bounded
    assert "non-polynomial" in bounded
    for text in (Ceiling(2, 2).explanation, output_ceiling("1x0e+1x1o", 2).explanation):
        assert "edge to a third atom" in text
        assert "input_ceiling" in text
    assert "any graph" not in (composed_input_bounds.__doc__ or "")


@pytest.mark.parametrize(
    "arguments", [(0, 2, 0), (2, -1, 0), (2, 2, -1), (2, 2, 5), (2.0, 2, 0), (2, True, 0)]
)
def test_wrong_arguments_are_named(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match=r"correlation = |l_max = |l_out = "):
        input_ceiling(*arguments)


def test_wrong_layers_are_refused() -> None:
    with pytest.raises(InputError, match="no layer"):
        composed_input_bounds([])
    with pytest.raises(InputError, match="layer 3 is none"):
        composed_input_bounds([3])  # type: ignore[list-item]
    with pytest.raises(InputError, match="l_out = 3 cannot be put out"):
        composed_input_bounds([PolynomialLayer(1, 1)], 3)
    with pytest.raises(InputError, match=r"l_out = 0\.5 is not an integer"):
        composed_input_bounds([PolynomialLayer(1, 1)], 0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="beyond what is counted"):
        composed_input_bounds([PolynomialLayer(9, 9)] * 9)
    with pytest.raises(InputError, match="correlation = 0"):
        PolynomialLayer(0, 2)
    with pytest.raises(InputError, match="'schnet' is unknown"):
        layer_steps("schnet")  # type: ignore[arg-type]


def test_polynomial_steps_of_the_architectures() -> None:
    assert {name: polynomial_layers(name, 3) for name in ARCHITECTURES} == {
        **dict.fromkeys(ARCHITECTURES, 0),
        "nequip": 1,
        "mace": 3,
        "allegro": 1,
    }
    for name in ARCHITECTURES:
        for step in layer_steps(name):
            # What is not polynomial has no degree, and what always is has one.
            assert step.degree != 0 or not step.polynomial
            assert step.polynomial <= step.first_layer_polynomial
            assert step.why.endswith(".")


def test_steps_are_named_once() -> None:
    for name in ARCHITECTURES:
        modules = [step.module for step in layer_steps(name)]
        assert len(set(modules)) == len(modules)
    variants = {step.module: step.first_layer_polynomial for step in layer_steps("mace") if step.variant}
    assert all(variants.values())
    assert "RealAgnosticResidualInteractionBlock" not in variants


def test_the_module_names_of_mace_are_those_of_the_package() -> None:
    blocks = pytest.importorskip(
        "mace.modules.blocks", reason="mace-torch is not installed: it needs an environment of its own"
    )
    known = vars(blocks)
    assert [
        step.module for step in layer_steps("mace") if step.module not in known and step.module != "Linear"
    ] == []


def test_the_module_names_of_nequip_are_those_of_the_package() -> None:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    from nequip.nn import convnetlayer, interaction_block, mlp

    found = vars(convnetlayer) | vars(interaction_block) | vars(mlp)
    assert [step.module for step in layer_steps("nequip") if step.module not in found] == []
