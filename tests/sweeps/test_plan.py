"""Cells, their labels, what they need, and their keys: the same work has the same key, other work another."""

from pathlib import Path
from typing import Any

import pytest
from quick_jobs import QuickJobs

from spectral_ceilings.cli import choices
from spectral_ceilings.cli.cells import JOBS, CommandLines
from spectral_ceilings.sweeps.definition import read_definition
from spectral_ceilings.sweeps.plan import Cell, cells_of, read_plan, write_plan
from spectral_ceilings.theory.errors import InputError

COMMANDS = CommandLines()


def cells(*stages: dict[str, Any], jobs: Any = COMMANDS) -> list[Cell]:
    return list(cells_of(read_definition({"stages": list(stages)}), jobs))


TRAIN = {
    "job": "train",
    "grid": {"l-max": [1, 2], "seed": [0, 1]},
    "options": {"steps": 10, "data": "aspirin-xtb"},
}


def test_a_diagnosis_of_each_training() -> None:
    made = cells(
        TRAIN,
        {"job": "diagnose", "after": "train", "options": {"backbone": "{train}", "data": "{train.data}"}},
    )
    trained, diagnosed = made[:4], made[4:]
    assert [cell.labels for cell in diagnosed] == [cell.labels for cell in trained]
    assert [cell.needs for cell in diagnosed] == [(cell.key,) for cell in trained]
    assert [cell.options["backbone"] for cell in diagnosed] == [f"cell:{cell.key}" for cell in trained]
    place = Path("/somewhere")
    command = diagnosed[0].command(place)
    assert command[:3] == [
        "diagnose",
        "--backbone",
        str(place / "cells" / trained[0].key[:2] / trained[0].key / "out"),
    ]
    assert len({cell.key for cell in made}) == 8


def test_two_needed_stages_meet_where_their_labels_agree() -> None:
    made = cells(
        TRAIN,
        {"name": "other", "job": "train", "grid": {"seed": [0, 1], "features": [4, 8]}},
        {"name": "both", "job": "empty", "after": ["train", "other"]},
    )
    both = [cell for cell in made if cell.stage == "both"]
    assert len(both) == 2 * 2 * 2  # l-max x features x the seed that they share
    assert all(len(cell.needs) == 2 for cell in both)


def test_a_label_of_both_is_told_apart() -> None:
    made = cells(
        TRAIN,
        {"job": "diagnose", "after": "train", "options": {"backbone": "{train}"}, "grid": {"seed": [7]}},
    )
    assert made[-1].labels == {"l-max": 2, "seed": 1, "diagnose.seed": 7}
    assert made[-1].options["seed"] == 7


def test_a_label_that_is_no_option_has_to_be_used() -> None:
    stage = {"job": "train", "grid": {"molecule": ["aspirin"]}, "options": {"data": "{molecule}-xtb"}}
    assert cells(stage)[0].options == {"data": "aspirin-xtb"}
    with pytest.raises(InputError, match="has no option 'molecule'"):
        cells({**stage, "options": {}})


#: Some value that each option takes.
VALUES = (
    "7", "0.125", "1", "7,8", "atom", *choices.INJECTIONS, *choices.READOUTS, *choices.DIRECTIONS, *choices.PARTS, *choices.KINDS,
    *choices.ARCHITECTURES, *choices.KNOWN_ARCHITECTURES, *choices.SCALAR_PATHWAY, "torque", "nve", "i-pi", "extxyz", "P2:0.01",
    "inversion", "torque=0.5", "cuda:1",
)  # fmt: skip

#: What a command does not run without.
NEEDED = {"artefacts": ["--reference", "ase:emt", "--structures", "bulk:Ag"]}


def with_option(job: str, name: str, value: Any) -> dict[str, Any] | None:
    """Return what a job is keyed by with one option; None where the value is refused."""
    try:
        return COMMANDS.settings(job, NEEDED.get(job, []) + COMMANDS.arguments(job, {name: value}))
    except InputError:
        return None


@pytest.mark.parametrize("job", JOBS)
def test_every_option_of_every_job_enters_the_key(job: str) -> None:
    """An option that is read but does not change the key would give another setting's result."""
    plain = COMMANDS.settings(job, NEEDED.get(job, []))
    parameters = COMMANDS._named(job)
    assert len(parameters) > 3
    for name, parameter in parameters.items():
        tried = (True, False) if parameter.is_flag else VALUES
        changed = [settings for value in tried if (settings := with_option(job, name, value)) is not None]
        assert any(settings != plain for settings in changed), (
            f"no value of --{name} changes what {job} is keyed by"
        )


def test_a_plan_is_made_where_there_is_no_card() -> None:
    assert with_option("train", "device", "cuda:7") is not None  # a node of a cluster may have it
    assert with_option("train", "device", "nonsense") is None


def test_the_content_of_a_file_enters_the_key_and_its_place_does_not(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in ("a.xyz", "b.xyz", "c.xyz"))
    first.write_text("one")
    second.write_text("one")
    other.write_text("two")
    keys = [cells({"job": "train", "options": {"data": str(path)}})[0].key for path in (first, second, other)]
    assert keys[0] == keys[1] != keys[2]


def test_the_relative_path_of_a_file_is_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.xyz").write_text("one")
    monkeypatch.chdir(tmp_path)
    (cell,) = cells({"job": "train", "options": {"data": "a.xyz"}})
    assert str(tmp_path / "a.xyz") in cell.arguments


def test_a_default_that_is_written_out_is_the_same_work() -> None:
    (plain,), (written,) = (
        cells({"job": "train", "options": options}) for options in ({}, {"steps": 4000, "l_max": 2})
    )
    assert plain.key == written.key
    with pytest.raises(InputError, match="the same work"):
        cells({"job": "train", "list": [{"steps": 4000}, {}]})


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        ({"job": "trian"}, "runs 'trian'; did you mean 'train'?"),
        ({"job": "train", "options": {"lmax": 2}}, "'train' has no option 'lmax'; did you mean 'l-max'?"),
        ({"job": "train", "options": {"out": "x"}}, "is set by the sweep itself"),
        ({"job": "train", "options": {"steps": "many"}}, "Invalid value for '--steps'"),
        ({"job": "train", "options": {"steps": [1, 2]}}, "takes one value, 2 are given; a grid varies it"),
        ({"job": "train", "options": {"parity": "yes"}}, "expected true or false"),
        ({"job": "train", "options": {"data": "./not-there.xyz"}}, "there is no file './not-there.xyz'"),
        ({"job": "train", "options": {"data": "{nothing}"}}, "{nothing} refers to nothing"),
        ({"job": "train", "options": {"architecture": "nequipp"}}, "did you mean nequip?"),
        ({"job": "train", "options": {"data": "a", "structures": "b"}}, "are the same option"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(stage: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        cells(stage)
    assert sentence in str(caught.value)


def test_a_label_that_the_needed_stage_lacks() -> None:
    with pytest.raises(
        InputError, match=r"\{train.sed\} is no label or option of 'train'; did you mean 'seed'?"
    ):
        cells(TRAIN, {"job": "diagnose", "after": "train", "options": {"data": "{train.sed}"}})


def test_a_written_plan_is_read_back(tmp_path: Path) -> None:
    definition = read_definition({"name": "n", "stages": [{"job": "count", "grid": {"number": [1, 2]}}]})
    made = list(cells_of(definition, QuickJobs()))
    assert write_plan(tmp_path / "plan.jsonl", definition, iter(made)) == 2
    plan = read_plan(tmp_path)
    assert list(plan) == made
    assert plan.head["name"] == "n"


def test_a_folder_without_a_plan_is_none_of_a_sweep(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no directory of a sweep"):
        read_plan(tmp_path)
    (tmp_path / "plan.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="cannot be read as the plan"):
        read_plan(tmp_path)


def test_a_brace_that_is_meant_as_one_is_written_twice() -> None:
    (cell,) = cells({"job": "diagnose", "options": {"select": "element in '{{O}}'"}})
    assert cell.options["select"] == "element in '{O}'"


def test_the_content_of_a_python_file_enters_the_key_of_what_it_builds(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    keys = []
    for text in ("def build(): ...", "def build(): pass"):
        path.write_text(text)
        (cell,) = cells({"job": "diagnose", "options": {"backbone": f"{path}:build", "trust": True}})
        assert f"{path}:build" in cell.arguments
        keys.append(cell.key)
    assert keys[0] != keys[1]
