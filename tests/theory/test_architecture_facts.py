"""What is said of architectures agrees with the exact counts."""

from __future__ import annotations

import pytest

from spectral_ceilings.theory import (
    ARCHITECTURES,
    InputError,
    advise,
    architecture_advice,
    architecture_ceiling,
    architecture_facts,
    layer_steps,
    matrix_product_paths,
    output_ceiling,
)


def test_every_architecture_has_facts_and_steps() -> None:
    for name in ARCHITECTURES:
        facts = architecture_facts(name)
        assert facts.name == name
        assert facts.source.startswith("arXiv ")
        assert layer_steps(name)


@pytest.mark.parametrize(("name", "irreps"), [("tensornet", "4x0e+4x1o+4x2e"), ("painn", "4x0e+4x1o")])
@pytest.mark.parametrize("degree", [1, 2, 3])
def test_ceilings_are_those_of_the_irreps(name: str, irreps: str, degree: int) -> None:
    ceiling = output_ceiling(irreps, degree)
    assert architecture_ceiling(name, degree) == max(ceiling.reachable)  # type: ignore[arg-type]


def test_the_number_of_paths_is_the_one_computed() -> None:
    facts = architecture_facts("tensornet")
    assert f"the {len(matrix_product_paths())} paths" in facts.products
    assert f"{len(matrix_product_paths('SO(3)'))} paths" in facts.lost


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("l", [1, 3, 5, 8])
def test_advice_reaches_the_target_and_less_does_not(name: str, l: int) -> None:
    pairs = advise(l, channels=2)
    advised = architecture_advice(name, pairs)  # type: ignore[arg-type]
    assert advised.degree * advised.l_max >= l
    assert (advised.degree - 1) * advised.l_max < l
    assert advised.sentence.startswith(architecture_facts(name).written)  # type: ignore[arg-type]
    assert ("grid" in advised.sentence) == (name in ("equiformer-v2", "escn", "esen", "uma"))


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="'schnet' is unknown"):
        architecture_facts("schnet")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="l_max of UMA is a parameter"):
        architecture_ceiling("uma", 2)
    with pytest.raises(InputError, match="whose features end at l = 2"):
        architecture_ceiling("tensornet", 2, 3)
    with pytest.raises(InputError, match="no choice is given"):
        architecture_advice("painn", [])
