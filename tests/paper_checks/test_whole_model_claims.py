"""The claims of our own about whole models: what is measured decides them, and a page keeps them apart from the paper's."""

from pathlib import Path

import pytest

from spectral_ceilings.diagnostic.whole_models.settings import KINDS
from spectral_ceilings.paper_checks import whole_models
from spectral_ceilings.paper_checks.context import Context
from spectral_ceilings.paper_checks.page import _verdict_tables
from spectral_ceilings.paper_checks.registry import claims, read_registry
from spectral_ceilings.paper_checks.run import Checked
from spectral_ceilings.theory.errors import InputError

from invented_cells import invented_cell


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(whole_models, "calibrate_model", invented_cell)
    monkeypatch.setattr(whole_models, "installed", lambda name: KINDS[name].package != "mace")
    return Context(tmp_path, quick=True)


def test_what_theory_says_holds(context: Context) -> None:
    outcome = whole_models.star(context)
    assert outcome.verdict == "holds"
    assert {row["model"].split(",")[0] for row in outcome.tables["Every term"]} == {"NequIP", "Allegro"}
    assert whole_models.crossover(context).verdict == "holds"


@pytest.mark.parametrize("changes", [{"trained": 0.5}, {"closed_form": 0.5}])
def test_a_number_above_its_share_refutes(
    context: Context, monkeypatch: pytest.MonkeyPatch, changes: dict[str, float]
) -> None:
    monkeypatch.setattr(whole_models, "calibrate_model", lambda cell: invented_cell(cell, **changes))
    assert whole_models.star(context).verdict == "does not hold"
    assert whole_models.crossover(context).verdict == "does not hold"


def test_without_a_package_it_cannot_be_checked(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_models, "installed", lambda name: False)
    for check in (whole_models.star, whole_models.crossover):
        assert check(context).verdict == "cannot be checked here"
        assert "pip install" in check(context).reason


def test_our_claims_stand_in_a_table_of_their_own(context: Context) -> None:
    ours = [claim for claim in claims() if claim.ours]
    assert {claim.id for claim in ours} >= {"whole-models-star", "third-side"}
    outcome = whole_models.star(context)
    checked = [Checked(claim, outcome, 0.1, False, 0.0) for claim in (claims()[0], *ours)]
    tables = [part for part in _verdict_tables(checked) if hasattr(part, "rows")]
    assert [len(table.rows) for table in tables] == [1, len(ours)]


def test_a_claim_of_an_unknown_origin_is_refused(tmp_path: Path) -> None:
    from spectral_ceilings.paper_checks.registry import REGISTRY

    path = tmp_path / "claims.toml"
    path.write_text(
        REGISTRY.read_text(encoding="utf-8").replace('origin = "ours"', 'origin = "theirs"'), encoding="utf-8"
    )
    with pytest.raises(InputError, match="origin is 'theirs', expected one of paper, ours"):
        read_registry(path)
