"""Ceilings: values, refusals, and explanations that say what is and what is not claimed."""

from __future__ import annotations

import pytest

from spectral_ceilings.theory import Ceiling, InputError, output_ceiling, readout_multiplicities, span


@pytest.mark.parametrize("degree", range(1, 6))
@pytest.mark.parametrize("l_max", range(6))
def test_a_ceiling_agrees_with_the_span(degree: int, l_max: int) -> None:
    ceiling = Ceiling(degree, l_max)
    assert ceiling.boundary == degree * l_max
    assert ceiling.reachable == span(degree, l_max).reachable
    assert ceiling.dimension == span(degree, l_max).dimension == sum(2 * l + 1 for l in ceiling.reachable)


@pytest.mark.parametrize(
    "wrong", [(0, 2), (-1, 2), (2, -1), (1.0, 2), (2, "2"), (True, 2), (2, False), (None, 2)]
)
def test_wrong_arguments_are_named(wrong: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"(degree|l_max) = .* integer of at least"):
        Ceiling(*wrong)


@pytest.mark.parametrize("ceiling", [Ceiling(2, 2), output_ceiling("16x0e+16x1o+16x2e", 2)])
def test_the_explanation_is_one_paragraph_with_scope(ceiling: Ceiling) -> None:
    text = ceiling.explanation
    assert "\n" not in text
    assert "4" in text
    assert "Not claimed" in text
    assert "  " not in text


def test_the_explanation_fits_the_small_cases() -> None:
    assert "only l = 0 is reached" in Ceiling(3, 0).explanation
    assert "a single one of them" in Ceiling(1, 3).explanation


def test_an_output_ceiling_counts_paths() -> None:
    ceiling = output_ceiling("32x0e + 32x1o + 32x2e", 2)
    assert (ceiling.degree, ceiling.l_max, ceiling.boundary) == (2, 2, 4)
    assert ceiling.irreps == "32x0e+32x1o+32x2e"
    assert ceiling.multiplicities == readout_multiplicities(ceiling.irreps, 2)
    assert ceiling.reachable == (0, 1, 2, 3, 4)
    assert ceiling.paths(4) == 32 * 33 // 2
    assert ceiling.paths(4, -1) == ceiling.paths(5) == 0


def test_an_output_ceiling_sees_gaps_in_the_degrees() -> None:
    # One channel of degree 3: the product is symmetric, so only even degrees occur in second order.
    assert output_ceiling("3o", 2).reachable == (0, 2, 3, 4, 6)
    # Two channels: antisymmetric products reach the odd degrees as well, with even (unnatural) parity.
    two = output_ceiling("2x3o", 2)
    assert two.reachable == tuple(range(7))
    assert two.paths(5) == 0
    assert two.paths(5, 1) == 1


def test_ceilings_compare_and_hash_by_their_arguments() -> None:
    assert Ceiling(2, 2) == Ceiling(2, 2) != Ceiling(2, 3)
    assert len({output_ceiling("1o", 2), output_ceiling("1x1o", 2)}) == 1
