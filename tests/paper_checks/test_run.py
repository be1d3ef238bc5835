"""The runner keeps what is finished, computes again what has changed, and says what failed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from matplotlib.figure import Figure
from result_laws import check_refusals, check_result

import spectral_ceilings.paper_checks as package
from spectral_ceilings.diagnostic.records import files
from spectral_ceilings.paper_checks import PaperResult, check_paper
from spectral_ceilings.paper_checks import run as runner
from spectral_ceilings.paper_checks.context import Context, check_data
from spectral_ceilings.paper_checks.outcome import Outcome
from spectral_ceilings.paper_checks.registry import Claim
from spectral_ceilings.paper_checks.run import run_claims
from spectral_ceilings.theory.errors import InputError

from made_up_claims import MadeUp, claim, everything, install

SCHEMA = json.loads((Path(package.__file__).parent / "paper.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    return install(monkeypatch)


def breaks(made: MadeUp, name: str = "first", *, must_hold: bool = True) -> None:
    made.add(claim(name, must_hold=must_hold), lambda _: Outcome("does not hold", "It is two."))


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_each_claim_is_a_file_and_the_run_is_one(made_up: MadeUp, tmp_path: Path) -> None:
    made_up.add(made_up.claims[0], lambda _: everything())
    found = check_paper(tmp_path / "run").checked
    assert [one.outcome.verdict for one in found] == [
        "holds",
        "holds in direction, number differs",
        "cannot be checked here",
    ]
    assert found[2].outcome.reason == "the package unobtainium is not installed; install it"
    names = {path.relative_to(tmp_path / "run").as_posix() for path in (tmp_path / "run").rglob("*.*")}
    figures = {f"figures/first-{k}.svg" for k in range(1, 5)}
    claims = {f"claims/{name}.json" for name in ("first", "second", "third")}
    assert names == {"run.json", "paper.json", "report.md", "report.html"} | claims | figures
    for one in found:
        record = read(tmp_path / "run" / "claims" / f"{one.claim.id}.json")
        restored = Outcome.from_json(record["outcome"])
        assert json.dumps(restored.to_json()) == json.dumps(one.outcome.to_json())
        assert record["claim"] == one.claim.to_dict()


def test_the_run_is_a_result_object(made_up: MadeUp, tmp_path: Path) -> None:
    made_up.add(made_up.claims[0], lambda _: everything())
    result = check_paper(tmp_path / "run")
    check_result(result, PaperResult, tmp_path)
    assert PaperResult.load(tmp_path / "run") == result
    assert PaperResult.load(tmp_path / "run").checked == result.checked
    assert [row["verdict"] for row in result.rows()] == [one.outcome.verdict for one in result.checked]
    assert {row["claim"] for row in result.rows("values")} == {
        one["id"] for one in result["claims"] if one["outcome"]["values"]
    }
    assert result.plots == ("first",)
    assert [result.plot("first", Figure().subplots(), chart=k).get_title(loc="left") for k in range(4)] == [
        chart.title for chart in everything().charts
    ]
    with pytest.raises(InputError, match="chart is 4, expected 0 to 3 for the claim first"):
        result.plot("first", Figure().subplots(), chart=4)
    with pytest.raises(InputError, match="'second' cannot be drawn: the claim has no chart"):
        result.plot("second", Figure().subplots())
    changes = {
        "claims[0].outcome.verdict": lambda c: c["claims"][0]["outcome"].update(verdict="true"),
        "claims[1] lacks the field 'criterion'": lambda c: c["claims"][1].pop("criterion"),
    }
    check_refusals(result, PaperResult, tmp_path, changes)


def test_paper_json_has_the_form_of_its_schema(made_up: MadeUp, tmp_path: Path) -> None:
    made_up.add(made_up.claims[0], lambda _: everything())
    check_paper(tmp_path / "run")
    record = read(tmp_path / "run" / "paper.json")
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    validator.validate(record)
    assert record["held"] is True
    # The schema is no formality: a verdict of other words, a lost criterion, and an open claim without reason are noticed.
    for path, value in (
        (("outcome", "verdict"), "holds perhaps"),
        (("criterion",), ""),
        (("outcome", "values", 0, "low"), "0.8"),
        (("outcome", "charts", 0, "kind"), "pie"),
    ):
        wrong = json.loads(json.dumps(record))
        part: Any = wrong["claims"][0]
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
        assert not validator.is_valid(wrong), path
    record["claims"][2]["outcome"]["reason"] = ""
    assert not validator.is_valid(record)


def test_a_second_run_takes_up_what_is_unchanged(made_up: MadeUp, tmp_path: Path) -> None:
    first = check_paper(tmp_path / "run").checked
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    again = check_paper(tmp_path / "run").checked
    assert made_up.ran == ["first", "second", "third"]
    assert [one.reused for one in first] == [False] * 3
    assert [one.reused for one in again] == [True] * 3
    assert (tmp_path / "run" / "report.html").read_text(encoding="utf-8").replace(
        "; taken from an earlier run", ""
    ) == page


def test_a_changed_criterion_is_measured_again(made_up: MadeUp, tmp_path: Path) -> None:
    check_paper(tmp_path / "run")
    changed = replace(made_up.claims[1], criterion="It is nearly one.")
    made_up.claims = (made_up.claims[0], changed, made_up.claims[2])
    again = check_paper(tmp_path / "run").checked
    assert [one.reused for one in again] == [True, False, True]


@pytest.mark.parametrize("change", ["sources", "versions"])
def test_changed_sources_or_packages_are_measured_again(
    made_up: MadeUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    check_paper(tmp_path / "run")
    if change == "sources":
        monkeypatch.setattr(runner, "package_digest", lambda: "other")
    else:
        monkeypatch.setattr(runner, "versions", lambda: {"torch": "0"})
    assert not any(one.reused for one in check_paper(tmp_path / "run").checked)


@pytest.mark.parametrize("changes", [{"seed": 1}, {"quick": True}, {"data": "rmd17"}])
def test_other_settings_do_not_share_results(
    made_up: MadeUp, tmp_path: Path, changes: dict[str, Any]
) -> None:
    context = Context(tmp_path)
    one: Claim = made_up.claims[0]
    assert runner.inputs_hash(one, context) == runner.inputs_hash(one, Context(tmp_path / "elsewhere"))
    assert runner.inputs_hash(one, context) != runner.inputs_hash(one, replace(context, **changes))
    assert runner.inputs_hash(one, context) != runner.inputs_hash(made_up.claims[1], context)


def test_changed_frames_in_a_folder_are_measured_again(made_up: MadeUp, tmp_path: Path) -> None:
    folder = tmp_path / "rmd17"
    folder.mkdir()
    frames = folder / "rmd17_aspirin_train_01.npz"
    frames.write_bytes(b"one")
    check_paper(tmp_path / "run", data=str(folder), only=["first"])
    frames.write_bytes(b"two")
    assert not check_paper(tmp_path / "run", data=str(folder), only=["first"]).checked[0].reused


def test_a_killed_run_goes_on_where_it_was(made_up: MadeUp, tmp_path: Path) -> None:
    def killed(_: Context) -> Outcome:
        raise KeyboardInterrupt

    working = made_up.module.second
    made_up.module.second = killed
    with pytest.raises(KeyboardInterrupt):
        check_paper(tmp_path / "run")
    assert not (tmp_path / "run" / "report.html").exists()
    made_up.module.second = working
    found = check_paper(tmp_path / "run").checked
    assert [one.reused for one in found] == [True, False, False]
    assert made_up.ran == ["first", "second", "third"]


def test_a_claim_is_written_whole_or_not_at_all(
    made_up: MadeUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = Context(tmp_path)
    run_claims(context, ["first"])
    path = tmp_path / "claims" / "first.json"
    before = path.read_bytes()
    breaks(made_up)
    made_up.claims = (replace(made_up.claims[0], criterion="Another."),)

    def full_disk(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(files.os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space left"):
        run_claims(context, ["first"])
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["first.json"]


@pytest.mark.parametrize(
    "content", ["", "{", '{"schema": "other/1"}', "[]", '{"schema": "spectral-ceilings/paper-claim/1"}']
)
def test_a_damaged_result_is_measured_again(made_up: MadeUp, tmp_path: Path, content: str) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "first.json").write_text(content, encoding="utf-8")
    assert not run_claims(Context(tmp_path), ["first"])[0].reused


def test_only_a_claim_that_must_hold_fails_the_run(made_up: MadeUp, tmp_path: Path) -> None:
    breaks(made_up, "second", must_hold=False)
    assert not any(one.failed for one in check_paper(tmp_path / "one").checked)
    assert read(tmp_path / "one" / "paper.json")["held"] is True
    breaks(made_up, "first")
    assert [one.claim.id for one in check_paper(tmp_path / "two").checked if one.failed] == ["first"]
    record = read(tmp_path / "two" / "paper.json")
    assert record["held"] is False
    assert record["summary"].endswith("Of those that must hold, first fails.")
    assert "✗ A claim that must hold fails" in (tmp_path / "two" / "report.html").read_text(encoding="utf-8")


def test_a_mistake_in_a_check_is_no_verdict(made_up: MadeUp, tmp_path: Path) -> None:
    """Only wrong or missing input means 'cannot be checked'; a bug stops the run."""

    def bug(_: Context) -> Outcome:
        raise ZeroDivisionError

    made_up.add(claim("first"), bug)
    with pytest.raises(ZeroDivisionError):
        run_claims(Context(tmp_path), ["first"])
    assert not (tmp_path / "claims" / "first.json").exists()


def test_progress_is_told_before_each_claim(made_up: MadeUp, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    run_claims(Context(tmp_path), progress=lambda *what: told.append(what))
    assert told == [("The claim first", 0, 3), ("The claim second", 1, 3), ("The claim third", 2, 3)]


def test_a_check_that_does_not_exist_is_named_before_anything_runs(made_up: MadeUp, tmp_path: Path) -> None:
    made_up.claims = (*made_up.claims, claim("fourth"))
    with pytest.raises(
        InputError, match="claim fourth names the check 'made_up:fourth', which does not exist"
    ):
        check_paper(tmp_path)
    assert made_up.ran == []


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"only": ["frist"]}, "no claim 'frist'; known claims are first, second, third"),
        ({"seed": -1}, "the seed is -1, expected zero or more"),
        (
            {"data": "nowhere"},
            "--data is 'nowhere', expected embedded, rmd17, or a folder that holds rmd17_aspirin_train_01",
        ),
    ],
)
def test_wrong_input_leaves_nothing_behind(
    made_up: MadeUp, tmp_path: Path, asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        check_paper(tmp_path / "run", **asked)
    assert not (tmp_path / "run").exists()
    assert made_up.ran == []


def test_a_directory_that_holds_something_else_is_left_alone(made_up: MadeUp, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="is no run of 'ceilings paper'"):
        check_paper(tmp_path)
    with pytest.raises(InputError, match="is a file; give a directory"):
        check_paper(tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"seed": 1}, "holds a run with seed 0, not 1"),
        ({"quick": True}, "holds a run with quick False, not True"),
        ({"data": "rmd17"}, "holds a run with data 'embedded', not 'rmd17'"),
    ],
)
def test_a_directory_is_of_one_run(
    made_up: MadeUp, tmp_path: Path, asked: dict[str, Any], sentence: str
) -> None:
    check_paper(tmp_path / "run", only=["first"])
    with pytest.raises(InputError, match=sentence):
        check_paper(tmp_path / "run", **asked)
    # Another claim of the same run is welcome.
    assert [one.reused for one in check_paper(tmp_path / "run").checked] == [True, False, False]


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_mark_is_told(made_up: MadeUp, tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        check_paper(tmp_path)


def test_data_is_known_by_name_or_by_its_files(tmp_path: Path) -> None:
    assert check_data("embedded") == "embedded"
    (tmp_path / "rmd17_aspirin_train_01.npz").touch()
    (tmp_path / "rmd17_ethanol_train_01.npz").touch()
    assert check_data(str(tmp_path)) == str(tmp_path)
    context = Context(tmp_path, data=str(tmp_path))
    assert context.molecules() == ("aspirin", "ethanol")
    training, held_out = context.source("ethanol")
    assert (Path(training).name, Path(str(held_out)).name) == (
        "rmd17_ethanol_train_01.npz",
        "rmd17_ethanol_test_01.npz",
    )
    assert Context(tmp_path, data="rmd17").source("aspirin") == (
        "rmd17:aspirin:train:01",
        "rmd17:aspirin:test:01",
    )
    assert set(Context(tmp_path).molecules()) <= set(Context(tmp_path, data="rmd17").molecules())
