"""Several models in one table and on one front, and which directories are refused; the result object draws the page's panels."""

from __future__ import annotations

import json

import pytest
from result_laws import check_result

from spectral_ceilings.diagnostic import Observation
from spectral_ceilings.diagnostic.observing.cures import cures_table
from spectral_ceilings.diagnostic.observing.models import check_alike, comparison_of_models, read_models
from spectral_ceilings.diagnostic.observing.report import render_observing_report
from spectral_ceilings.theory.errors import InputError

from synthetic_observation import synthetic_observation


@pytest.fixture(scope="module")
def plain():
    made = synthetic_observation(("none", "inversion", "grid-2-inversion"))
    made["cures"] = cures_table(made)
    return Observation(made)


@pytest.fixture(scope="module")
def augmented():
    made = synthetic_observation(("none", "grid-2"), seed=3)
    # an augmented model whose bare run is as good as a grid
    made["observables"]["orientation"]["none"] = made["observables"]["orientation"]["grid-2"]
    made["cures"] = cures_table(made)
    return Observation(made)


@pytest.fixture
def compared(plain, augmented, tmp_path):
    made = Observation(dict(plain))
    made["comparison_of_models"] = comparison_of_models(plain, {"augmented": augmented}, tmp_path / "plain")
    made["notes"] = ["A note."]
    return made


def test_the_cheapest_of_all_models_is_named(compared):
    choice = compared["comparison_of_models"]["sufficient"]["orientation"]
    assert choice["cure"] == "augmented: none"
    assert "Of 2 models the cheapest" in choice["sentence"]
    assert "cost 1x" in choice["sentence"]
    fronts = {row["cure"]: row["front"]["orientation"] for row in compared["comparison_of_models"]["rows"]}
    assert fronts["augmented: none"]
    assert not fronts["plain: none"]
    assert compared["comparison_of_models"]["references"] == ["plain: grid-2-inversion", "augmented: grid-2"]


def test_the_page_has_the_cures_of_all_models_in_one_table(compared):
    page = render_observing_report(compared)
    table = page[page.index('id="table-cures"') :]
    table = table[: table.index("</table>")]
    for row in compared["comparison_of_models"]["rows"]:
        assert row["cure"] in table
    assert "A note." in page


def test_the_result_keeps_the_laws_of_results(compared, tmp_path):
    check_result(compared, Observation, tmp_path)
    assert {row["model"] for row in compared.rows("models")} == {"plain", "augmented"}
    with pytest.raises(InputError, match="no map 'grid-9'"):
        compared.plot("map", cure="grid-9")


def test_directories_are_read_by_their_names(plain, augmented, tmp_path):
    plain.save(tmp_path / "a" / "run")
    augmented.save(tmp_path / "b" / "other")
    assert read_models([tmp_path / "a" / "run", tmp_path / "b" / "other"]) == {
        "run": plain,
        "other": augmented,
    }
    made = comparison_of_models(plain, {"run": augmented}, tmp_path / "run")
    assert [row["name"] for row in made["models"]] == ["run (this run)", "run"]
    augmented.save(tmp_path / "b" / "run")
    for given, out, words in (
        ([tmp_path / "a" / "run", tmp_path / "b" / "run"], None, "two runs"),
        ([tmp_path / "a" / "run"], tmp_path / "a" / "run", "directory of this run"),
        ([tmp_path / "nowhere"], None, "nowhere"),
        ([tmp_path / "a"], None, "result.json"),
    ):
        with pytest.raises(InputError, match=words):
            read_models(given, out)


@pytest.mark.parametrize(("part", "name", "value"), [
    ("structure", "formula", "CO2"), ("structure", "periodic", True), ("settings", "temperature", 350.0),
    ("settings", "ensemble", "nve"), ("settings", "tolerances", {}), ("settings", "field", "P2:0.01"),
])  # fmt: skip
def test_runs_that_differ_in_what_decides_are_refused(plain, part, name, value):
    check_alike(plain, {"other": plain})
    other = json.loads(json.dumps(plain))
    other[part][name] = value
    with pytest.raises(InputError, match=f"'other' cannot be compared with: .*{name}"):
        check_alike(plain, {"other": other})
