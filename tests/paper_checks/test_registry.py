"""The registry is complete, strict, and reads back what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from spectral_ceilings.paper_checks.outcome import VERDICTS, Chart, Line, Outcome, Value
from spectral_ceilings.paper_checks.registry import (
    REGISTRIES,
    REGISTRY,
    choose,
    claims,
    paper,
    read_paper,
)
from spectral_ceilings.theory.errors import InputError


def test_every_claim_says_what_decides_it_and_what_would_refute_it() -> None:
    for claim in claims():
        for part in (claim.procedure, claim.criterion, claim.refuted_by, claim.statement, claim.paper_value):
            assert len(part) >= 5, claim.id
        assert claim.check.count(":") == 1


def test_theorems_and_the_cliff_must_hold() -> None:
    needed = {claim.id for claim in claims() if claim.must_hold}
    assert {"span-theorem", "multiplicity-one", "output-ceiling", "aspirin-cliff", "l3-backbone"} <= needed


def test_an_unknown_claim_is_named() -> None:
    with pytest.raises(InputError, match="no claim 'span'; known claims are span-theorem"):
        choose(["span"])


def test_every_paper_has_claims_of_its_own_and_a_head() -> None:
    ids = [claim.id for name in REGISTRIES for claim in claims(name)]
    assert len(set(ids)) == len(ids)
    for name in REGISTRIES:
        assert set(paper(name).head()) == {"name", "title", "arxiv"}
        assert paper(name).available.endswith(".")
    with pytest.raises(
        InputError,
        match="no paper 'scalar'; known papers are spectral-ceilings, scalar-pathway, broken-symmetry",
    ):
        paper("scalar")
    with pytest.raises(InputError, match="no claim 'scalar-cost'; it is a claim of --paper scalar-pathway"):
        choose(["scalar-cost"])
    with pytest.raises(InputError, match="no claim 'x' of --paper scalar-pathway; known claims are scalar-"):
        choose(["x"], "scalar-pathway")


def test_claims_come_in_the_order_of_the_registry() -> None:
    assert [c.id for c in choose(["output-ceiling", "span-theorem"])] == ["span-theorem", "output-ceiling"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('criterion = "', 'criterium = "'), "unknown field 'criterium'"),
        (("must_hold = true", 'must_hold = "true"'), "expected a bool"),
        (('id = "multiplicity-one"', 'id = "span-theorem"'), "each once"),
        (("claims/1", "claims/2"), "expected spectral-ceilings/claims/1"),
        (('where = "Lemma 2"\n', ""), "claim output-ceiling has no 'where'"),
        (("[[claim]]", "[[claim"), "not a readable registry"),
        (("arxiv = ", "number = "), "has arxiv None, expected a text"),
    ],
)
def test_a_changed_registry_is_refused_in_one_sentence(
    tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(REGISTRY.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        read_paper(path, "changed")


def test_an_outcome_survives_json() -> None:
    chart = Chart(
        "t", "l", "R²", "alt", lines=(Line("a", (0.0, 1.0), (1.0, None)),), marks=((4.0, "ceiling"),)
    )
    outcome = Outcome(
        VERDICTS[0], "found", values=(Value("rho(4)", 0.9, 0.8, 1.0, paper=0.913),), charts=(chart,)
    )
    assert Outcome.from_json(outcome.to_json()) == outcome


def test_what_cannot_be_checked_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        Outcome("cannot be checked here", "no")
    with pytest.raises(ValueError, match="expected one of"):
        Outcome("holds perhaps", "no")  # type: ignore[arg-type]
