"""Arguments of every public function: integers of any library count, and what is wrong gets one sentence."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

from spectral_ceilings import theory
from spectral_ceilings.theory import InputError, SignedRoot, parse_irreps

_TERMS = parse_irreps("2x0e+1x1o")

#: A call for each function with integer arguments, and a value for which it is quick.
_CALLS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "Ceiling, degree": (lambda n: theory.Ceiling(n, 2), 2),
    "Ceiling, l_max": (lambda n: theory.Ceiling(2, n), 2),
    "output_ceiling": (lambda n: theory.output_ceiling("2x0e+1x1o", n), 2),
    "OutputCeiling.paths": (lambda n: theory.output_ceiling("2x0e+1x1o", 2).paths(n), 2),
    "span": (lambda n: theory.span(n, n), 2),
    "span_of_degrees": (lambda n: theory.span_of_degrees([n], n), 2),
    "stretched_witness, l": (lambda n: theory.stretched_witness(n, 2), 3),
    "stretched_witness, l_max": (lambda n: theory.stretched_witness(3, n), 2),
    "chain_witness": (lambda n: theory.chain_witness((1, n), (n,)), 1),
    "build_certificate": (lambda n: theory.build_certificate(n, n).to_dict(), 2),
    "build_certificates": (lambda n: [c.to_dict() for c in theory.build_certificates(n, n)], 1),
    "triangle": (lambda n: theory.triangle(n, n, n), 2),
    "product_allowed": (lambda n: theory.product_allowed(n, n, n), 2),
    "product_degrees": (lambda n: theory.product_degrees(n, n), 2),
    "clebsch_gordan": (lambda n: theory.clebsch_gordan(n, n, 2, -1, n, 1), 2),
    "zero_coupling": (lambda n: theory.zero_coupling(n, n, n), 2),
    "stretched_coefficient": (lambda n: theory.stretched_coefficient(n, n), 2),
    "product_coefficient": (lambda n: theory.product_coefficient(n, n, n), 2),
    "highest_weight_norm": (lambda n: theory.highest_weight_norm(n), 40),
    "gaunt": (lambda n: theory.gaunt(n, 0, n, 0, n, 0), 2),
    "gaunt, order": (lambda n: theory.gaunt(2, n, 2, 0, 2, -1), 1),
    "real_gaunt": (lambda n: theory.real_gaunt(n, 0, n, 0, n, 0), 2),
    "real_wigner_3j": (lambda n: theory.real_wigner_3j(1, 0, 1, n, 1, 0), 1),
    "real_harmonic": (lambda n: theory.real_harmonic(n, n), 40),
    "complex_harmonic": (lambda n: theory.complex_harmonic(n, n), 3),
    "polynomial_multiplicities": (lambda n: theory.polynomial_multiplicities(_TERMS, n), 2),
    "readout_multiplicities": (lambda n: theory.readout_multiplicities("2x0e+1x1o", n), 2),
    "formal_multiplicities": (lambda n: theory.formal_multiplicities(n, n, n), 2),
    "realised_multiplicities": (lambda n: theory.realised_multiplicities(n, n), 2),
    "relation_multiplicities": (lambda n: theory.relation_multiplicities(n, n), 2),
    "boundary_multiplicity": (lambda n: theory.boundary_multiplicity(n, 200), 99),
    "boundary_multiplicity, channels": (lambda n: theory.boundary_multiplicity(50, n), 200),
    "feature_irreps": (lambda n: theory.feature_irreps(n, n), 2),
    "tensor_product_cost": (lambda n: theory.tensor_product_cost(n, n, n, n), 30),
    "harmonics_cost": (lambda n: theory.harmonics_cost(n), 200),
    "coupling_cost": (lambda n: theory.coupling_cost(n, n, n), 30),
    "feature_cost": (lambda n: theory.feature_cost(n, n, n), 30),
    "polynomial_cost": (lambda n: theory.polynomial_cost(n, n, n), 5),
    "advise": (lambda n: theory.advise(n, channels=n), 3),
    "advise, weights": (lambda n: theory.advise({n: n}, share=1), 5),
    "input_ceiling": (lambda n: theory.input_ceiling(n, n, n), 2),
    "PolynomialLayer": (lambda n: theory.PolynomialLayer(n, n), 2),
    "polynomial_layers": (lambda n: theory.polynomial_layers("mace", n), 2),
    "architecture_ceiling": (lambda n: theory.architecture_ceiling("hegnn", n, n), 2),
    "cartesian_irreps": (lambda n: theory.cartesian_irreps(n), 40),
    "scalarised_multiplicities": (lambda n: theory.scalarised_multiplicities("3x0e+4x1o+2x2e", n), 4),
    "deep_input_ceiling": (lambda n: theory.deep_input_ceiling(n, n, n, n), 2),
    "layer_factors": (lambda n: theory.layer_factors(n, n), 3),
    "attaining_energy": (lambda n: theory.attaining_energy(n, n, n), 2),
    "mean_series": (lambda n: theory.mean_series({n: n}, n, n), 3),
    "torque_series": (lambda n: theory.torque_series({n: n}, n), 3),
    "grade_weights": (lambda n: theory.grade_weights("radial", n), 2),
    "predicted_recovery": (lambda n: theory.predicted_recovery("radial", n, n), 2),
    "minimal_pairs": (lambda n: theory.minimal_pairs(n), 6),
    "reaches": (lambda n: theory.reaches("C5", n, n), 3),
    "invariant_table": (lambda n: theory.invariant_table("O", n), 6),
    "PointGroup.invariants": (lambda n: theory.point_group("O").invariants(n), 6),
    "invariant_table, parity": (lambda n: theory.invariant_table("Td", 4, n), 1),
    "site_invariants": (lambda n: theory.site_invariants("Td", n), 4),
    "allowed_degrees": (lambda n: theory.allowed_degrees("Td", n), 4),
    "highest_weight_square": (lambda n: theory.highest_weight_square(n), 40),
    "stretched_square": (lambda n: theory.stretched_square(n, n), 40),
    "witness_square": (lambda n: theory.witness_square(n, n, n), 10),
    "chain_square": (lambda n: theory.chain_square(n, n), 10),
}


@pytest.mark.parametrize("name", _CALLS)
def test_integers_of_other_libraries_are_integers(name: str) -> None:
    """Values are chosen so that fixed-width arithmetic would overflow where there is any."""
    call, value = _CALLS[name]
    expected = call(value)
    for kind in (np.int64, np.int32, np.uint8, sp.Integer):
        result = call(kind(value))
        assert result == expected
        assert repr(result) == repr(expected)  # no NumPy scalar is handed on


@pytest.mark.parametrize("name", _CALLS)
@pytest.mark.parametrize(
    "wrong", [1.0, 1.5, float("nan"), 1 + 0j, None, True, np.float64(1), np.bool_(True)], ids=repr
)
def test_what_is_no_integer_is_refused_in_one_sentence(name: str, wrong: Any) -> None:
    if wrong is None and name.endswith("parity"):
        return  # the natural one
    with pytest.raises(InputError) as caught:
        _CALLS[name][0](wrong)
    assert "give" in str(caught.value)
    assert repr(wrong) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in _CALLS if name != "advise"])  # where text is a point group
def test_text_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="'1'"):
        _CALLS[name][0]("1")


def test_roots_take_exact_numbers_only() -> None:
    assert SignedRoot.of(np.int64(2**40)).square == 2**80
    assert SignedRoot.root(sp.Rational(1, 2)) == SignedRoot(1, Fraction(1, 2))
    for wrong in (0.5, float("nan"), 1j, "1/2", None):
        for make in (SignedRoot.of, SignedRoot.root, lambda square: SignedRoot(1, square)):
            with pytest.raises(InputError, match="is not exact"):
                make(wrong)  # type: ignore[arg-type]


def test_weights_and_shares_are_exact() -> None:
    assert theory.advise({np.int64(2): np.int32(3)}) == theory.advise({2: 3})
    for wrong in (0.5, float("nan"), "1/2", None, True):
        with pytest.raises(InputError, match="share = "):
            theory.advise(2, share=wrong)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="weight of l = 2"):
            theory.advise({2: wrong})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.polynomial_multiplicities("2x0e", 2), "terms = '2x0e' are no irreps"),  # type: ignore[arg-type]
        (lambda: theory.span_of_degrees("12", 2), "degrees = '12' is not a set"),  # type: ignore[arg-type]
        (lambda: theory.span_of_degrees(3, 2), "degrees = 3 is not a set"),  # type: ignore[arg-type]
        (lambda: theory.chain_witness((1, 1), ()), "2 factors with 0 results"),
        (lambda: theory.output_ceiling("1x1o", 2).paths(1, 2), "parity = 2 is none"),
        (lambda: theory.highest_weight_square(sp.Symbol("x", negative=True)), "x is no natural number"),
    ],
)
def test_wrong_collections_are_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
