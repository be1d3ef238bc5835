"""Finished runs side by side: what is read, grouped and said; every interval computed again from kept errors."""

import csv
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from matplotlib.figure import Figure
from result_laws import check_refusals, check_result
from saved_run import ELEMENTS, make_run

from spectral_ceilings.diagnostic.comparison.compare import compare, schema
from spectral_ceilings.diagnostic.comparison.report import (
    CSV_COLUMNS,
    banner,
    step_sentence,
    write_comparison,
)
from spectral_ceilings.diagnostic.comparison.result_object import Comparison
from spectral_ceilings.diagnostic.measurement.result import validate
from spectral_ceilings.diagnostic.measurement.saved_errors import SavedRun, intervals
from spectral_ceilings.diagnostic.pages.frame import OUTCOME_MARKS, STATES
from spectral_ceilings.diagnostic.recovery.bootstrap import share_of, sums_table
from spectral_ceilings.diagnostic.recovery.exact_tests import sign_flip
from spectral_ceilings.diagnostic.recovery.hierarchy import Bootstrap, interval
from spectral_ceilings.theory import InputError


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four backbones, the first with another seed too; L = 1; one measured on other frames; one that breaks the ceiling."""
    folder = tmp_path_factory.mktemp("runs")
    for k in range(4):
        make_run(folder / f"b{k}", backbone=k, shift=-0.01 * k)
    make_run(folder / "b0-again", backbone=0, seed=1)
    make_run(folder / "coarse", backbone=8, l_max=1)
    make_run(folder / "elsewhere", backbone=5, held_out=1)
    make_run(folder / "broken", backbone=6, above=0.6)
    return folder


def four(runs: Path) -> list[Path]:
    return [runs / f"b{k}" for k in range(4)]


def test_every_interval_is_computed_again_from_the_kept_errors(runs: Path) -> None:
    kept = json.loads((runs / "b1" / "result.json").read_text())
    validate(kept)
    assert intervals(runs / "b1") == {"recovery": kept["recovery"]}


def test_damaged_errors_are_named(runs: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    part = next((tmp_path / "run" / "cells").glob("*.safetensors"))
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="hash does not fit"):
        intervals(tmp_path / "run")
    part.unlink()
    with pytest.raises(InputError, match="missing or damaged"):
        intervals(tmp_path / "run")


def test_last_recovered_and_first_lost_against_theory(runs: Path) -> None:
    found = compare([runs / "b0", runs / "coarse"], draws=200)
    table = {(row["run"], row["degree"]): (row["last_recovered"], row["first_lost"]) for row in found["runs"]}
    assert table == {("b0", 1): (2, 3), ("b0", 2): (4, 5), ("coarse", 1): (1, 2), ("coarse", 2): (2, 3)}
    assert all(row["last_recovered"] == row["predicted_last"] for row in found["runs"])
    assert found["groups"] == []
    assert found["verdict"]["held"]


def test_a_run_that_breaks_the_ceiling_is_told(runs: Path) -> None:
    found = compare([runs / "b0", runs / "broken"], draws=200)
    assert not found["verdict"]["held"]
    assert "1 of 2 runs" in found["verdict"]["sentence"]
    assert "contradicts theory" in found["verdict"]["sentence"]


def test_four_backbones_are_a_group_and_another_seed_is_not_a_fifth(runs: Path) -> None:
    found = compare([*four(runs), runs / "b0-again"], draws=200)
    (group,) = found["groups"]
    assert group["runs"] == ["b0", "b1", "b2", "b3"]
    (seeds,) = found["seeds"]
    assert seeds["runs"] == ["b0", "b0-again"]
    assert seeds["seeds"] == [0, 1]
    assert all(value > 0 for value in seeds["range"])
    table = next(one for one in group["tables"] if one["degree"] == 2)
    assert (table["backbones"], table["atoms"], table["frames"], table["boundary"]) == (4, 6, "crossed", 4)
    # t_3(0.975) = 3.18245 in tables.
    assert table["factor"] == pytest.approx(3.18245 * (4 / 3) ** 0.5, abs=1e-5)
    step = table["step"]
    assert (
        step["sign_flip"]["p"] == step["sign_flip"]["smallest"] == step["sign_flip"]["wilcoxon_p"] == 1 / 16
    )
    assert step["contrast_eV2_A2"]["low"] > 0
    each = step["contrast_of_backbones_eV2_A2"]
    assert step["contrast_eV2_A2"]["value"] == pytest.approx(np.mean(each), rel=1e-13)
    assert [one["count"] for one in step["sign_flip_of_blocks"]] == [8] * 4
    for row in table["rows"]:
        assert row["r2"]["value"] == pytest.approx(np.mean(row["r2_of_backbones"]), rel=1e-12)
        assert sum(row["r2"]["share_of_variance"].values()) == pytest.approx(1.0)
    assert "no exact test over backbones gives a p below 1/16" in step_sentence(table)


def test_two_backbones_are_too_few_for_an_interval(runs: Path, tmp_path: Path) -> None:
    """Student's t with one degree of freedom once gave R2 = 1.000 (-6e54 to 1.000): both values say what there is."""
    found = compare([runs / "b0", runs / "b1"], draws=200)
    (group,) = found["groups"]
    for table in group["tables"]:
        figures = [row[kind] for row in table["rows"] for kind in ("r2", "rho")]
        for figure in [*figures, table["step"]["contrast_eV2_A2"]]:
            assert (figure["low"], figure["high"], figure["few"]) == (None, None, True)
            assert figure["value"] == pytest.approx(np.mean(figure["values"]), rel=1e-12)
        for row in table["rows"]:
            assert row["r2"]["values"] == row["r2_of_backbones"]
        sentence = step_sentence(table)
        assert "Two backbones are too few for an interval" in sentence
        assert "standard errors" not in sentence
    page = write_comparison(found, tmp_path / "out").read_text()
    assert "two are too few for an interval" in page
    three = compare([runs / f"b{k}" for k in range(3)], draws=200)["groups"][0]["tables"][0]
    assert not three["rows"][0]["r2"]["few"]
    assert three["rows"][0]["r2"]["low"] < three["rows"][0]["r2"]["value"]


def test_the_file_holds_a_cliff_ratio_only_where_there_is_one(tmp_path: Path) -> None:
    """Where rho above the ceiling is not above zero the text says that there is no ratio, and the file holds none."""
    for number, above in enumerate((-0.05, -0.04, -0.06)):
        make_run(tmp_path / f"below{number}", backbone=number, above=above)
        make_run(tmp_path / f"over{number}", backbone=10 + number, above=0.3)
    below = compare([tmp_path / f"below{k}" for k in range(3)], draws=200)
    over = compare([tmp_path / f"over{k}" for k in range(3)], draws=200)
    two = compare([tmp_path / f"over{k}" for k in range(2)], draws=200)
    for found, kind in ((below, "no ratio"), (over, "interval"), (two, "too few")):
        jsonschema.Draft202012Validator(schema()).validate(found)
        for table in found["groups"][0]["tables"]:
            ratio, sentence = table["step"]["cliff_ratio"], step_sentence(table)
            assert ratio["kind"] == kind
            assert (ratio["value"] is None) is ("so there is none" in sentence) is (kind == "no ratio")
            assert (ratio["low"] is None) is (kind != "interval")
            assert (ratio["values"] == [None] * len(ratio["values"])) is (kind == "no ratio")


@pytest.mark.parametrize(
    ("others", "outcome", "held", "said"),
    [
        ({}, "held", True, "Theory held in all 2 runs"),
        ({"above": 0.6}, "contradicted", False, "1 of 2 runs contradicts theory (other: "),
        (
            {"below": 0.9},
            "falls short",
            False,
            "1 of 2 runs falls short of its ceiling, which does not contradict theory",
        ),
        ({"above": 0.1}, "undecided", None, "1 of 2 runs is undecided (other: "),
        ({"below": 0.775}, "undecided", None, "1 of 2 runs is undecided (other: "),
        ({"l_top": 2}, "nothing tested", None, ""),
    ],
)
def test_runs_of_every_outcome(
    tmp_path: Path, others: dict[str, Any], outcome: str, held: bool | None, said: str
) -> None:
    """A run that is undecided makes the whole undecided; nothing above a ceiling injected: nothing was held against theory."""
    make_run(tmp_path / "first", degrees=(2,), l_top=others.get("l_top", 6), controls=("untrained",))
    make_run(tmp_path / "other", backbone=1, degrees=(2,), frames=80, **others)
    found = compare([tmp_path / "first", tmp_path / "other"], draws=200)
    assert (found["verdict"]["outcome"], found["verdict"]["held"], found.held) == (outcome, held, held)
    assert said in found["verdict"]["sentence"]
    assert found["runs"][1]["outcome"] == outcome
    jsonschema.Draft202012Validator(schema()).validate(found)
    box = banner(found)
    assert box.state == STATES[outcome]
    assert "Controls were not run in other:" in box.remarks[0]
    page = write_comparison(found, tmp_path / "out").read_text()
    assert OUTCOME_MARKS[outcome][1] in page


def test_what_qualifies_a_run_stands_over_the_comparison(runs: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "foreign", backbone=1, controls=("untrained",))
    path = tmp_path / "foreign" / "result.json"
    content = json.loads(path.read_text())
    content["checks"]["force_error"] = {
        "foreign": True,
        "sentence": "The backbone does not know these frames.",
    }
    content["data"]["overruled"] = {"slope": "energies fall by 3 times the work."}
    path.write_text(json.dumps(content))
    said = banner(compare([runs / "b0", tmp_path / "foreign"], draws=200)).remarks
    assert said[0] == "foreign: The backbone does not know these frames."
    assert said[1] == "foreign: Overruled for drawn, slope: energies fall by 3 times the work."
    assert said[2].startswith("Controls were not run in b0:")


def test_frames_of_their_own_make_the_design_nested(runs: Path) -> None:
    found = compare([runs / "b0", runs / "elsewhere"], draws=200)
    (group,) = found["groups"]
    assert {one["frames"] for one in group["tables"]} == {"nested"}


def test_one_backbone_has_the_interval_of_its_own_run(runs: Path) -> None:
    """The hierarchy with one backbone is the single interval, to the last digit, crossed or nested."""
    run = SavedRun.read(runs / "b2")
    entry = next(one for one in run.errors["tables"] if one["degree"] == 2)
    cells = run.cells(entry["cells"])
    rows = {
        row["l"]: row for row in run.result["recovery"] if row["scope"] == "molecule" and row["degree"] == 2
    }
    for l in (2, 4, 5):
        table = sums_table([[cells[atom][0][l] for atom in ELEMENTS]])  # type: ignore[misc]
        for crossed in (True, False):
            found = interval(
                share_of("r2", "median"), table, run.bootstrap(), share=True, median=True, crossed=crossed
            )
            assert (found.value, found.low, found.high) == tuple(
                rows[l][f"r2{end}"] for end in ("", "_low", "_high")
            )


def test_what_is_written(runs: Path, tmp_path: Path) -> None:
    found = compare([*four(runs), runs / "coarse"], draws=200)
    page = write_comparison(found, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "compare.json").read_text()) == found
    jsonschema.Draft202012Validator(schema()).validate(found)
    with (tmp_path / "out" / "compare.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert len(table) == len(found["runs"]) == 10
    assert tuple(table[0]) == CSV_COLUMNS
    assert [float(row["r2_ceiling"]) for row in table] == [row["r2_ceiling"] for row in found["runs"]]
    assert (tmp_path / "out" / "compare.png").stat().st_size > 10_000
    html = page.read_text()
    assert "4 backbones of L = 2" in html
    assert str(tmp_path) not in html
    with pytest.raises(InputError, match="exists already"):
        write_comparison(found, tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "other/1"}, "has the schema 'other/1'"),
        ({"settings": {"l_top": 9, "strength": 0.5}}, "highest l"),
    ],
)
def test_runs_that_cannot_be_compared(runs: Path, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    make_run(tmp_path / "run", backbone=1, degrees=(1,))
    path = tmp_path / "run" / "result.json"
    content = json.loads(path.read_text())
    content |= {k: ({**content[k], **v} if isinstance(v, dict) else v) for k, v in change.items()}
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=said):
        compare([runs / "b0", tmp_path / "run"])


def test_folders_that_are_no_runs(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least two"):
        compare([runs / "b0"])
    with pytest.raises(InputError, match="given twice"):
        compare([runs / "b0", runs / "b0"])
    with pytest.raises(InputError, match="is not a run directory"):
        compare([runs / "b0", tmp_path / "nowhere"])
    with pytest.raises(InputError, match=r"not a finished run directory .result\.json is missing"):
        compare([runs / "b0", tmp_path])
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        compare([runs / "b0", tmp_path])
    (tmp_path / "result.json").write_text('{"schema": "spectral-ceilings/diagnose/1"}')
    with pytest.raises(InputError, match="kept no errors frame by frame"):
        compare([runs / "b0", tmp_path])


def test_several_backbones_resampled_on_the_same_frames() -> None:
    """Crossed: a block level of all backbones at once; nested: blocks of each, with as many more degrees of freedom."""
    rng = np.random.default_rng(0)
    table = {"injected": [np.ones((1, 100))] * 3, "missed": [rng.gamma(2.0, 0.1, (1, 100)) for _ in range(3)]}
    bootstrap = Bootstrap(100, 500, rng)
    levels = {
        crossed: {
            level.name: (level.members, level.freedom)
            for level in interval(
                share_of("r2", "median"), table, bootstrap, share=True, crossed=crossed
            ).levels
        }
        for crossed in (True, False)
    }
    assert levels[True] == {"backbones": (3, 2), "blocks": (10, 9)}
    assert levels[False] == {"backbones": (3, 2), "blocks": (10, 27)}
    assert sign_flip([1.0, 2.0, 3.0]).p == 1 / 8


def test_a_comparison_is_a_result_object(runs: Path, tmp_path: Path) -> None:
    found = compare([*four(runs), runs / "b0-again", runs / "coarse"], draws=200)
    check_result(found, Comparison, tmp_path)
    changes = {
        "runs[0] lacks the field 'held'": lambda c: c["runs"][0].pop("held"),
        "groups[0].tables[0].rows[0]": lambda c: c["groups"][0]["tables"][0]["rows"][0].pop("l"),
    }
    check_refusals(found, Comparison, tmp_path, changes)
    rows = found.rows("groups", degree=2, l=4)
    entry = next(one for one in found["groups"][0]["tables"] if one["degree"] == 2)["rows"][4]
    assert [(row["r2"], row["r2_low"], row["rho_high"]) for row in rows] == [
        (entry["r2"]["value"], entry["r2"]["low"], entry["rho"]["high"])
    ]
    assert found.held
    assert compare([runs / "b0", runs / "broken"], draws=200).held is False


def test_the_plot_of_a_comparison_has_the_numbers_of_each_run(runs: Path) -> None:
    found = compare([runs / "b0", runs / "coarse"], draws=200)
    axes = Figure().subplots()
    found.plot("recovery", axes, degree=1)
    drawn = {line.get_label(): tuple(line.get_ydata()) for line in axes.lines}
    for row in found.rows(degree=1):
        assert drawn[f"{row['run']} (L = {row['l_max']})"] == tuple(row["r2"])
    with pytest.raises(InputError, match="no readout of degree 3 was compared, expected one of 1, 2"):
        found.plot("recovery", axes, degree=3)
