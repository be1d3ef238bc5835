"""What a user may write, and what is said where it is wrong."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.sweeps.definition import nearest, read_definition, sweep_schema
from spectral_ceilings.theory.errors import InputError


def stage(**keys: Any) -> dict[str, Any]:
    return {"stages": [{"job": "train", **keys}]}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(sweep_schema())


def test_a_grid_a_zip_and_a_list_multiply() -> None:
    definition = read_definition(
        stage(grid={"a": [1, 2], "b": [3, 4]}, zip={"c": [5, 6], "d": [7, 8]}, list=[{"e": 9}, {"f": 10}])
    )
    cells = definition.stages[0].combinations
    assert len(cells) == 2 * 2 * 2 * 2
    assert {(c["c"], c["d"]) for c in cells} == {(5, 7), (6, 8)}
    assert sum("e" in c for c in cells) == sum("f" in c for c in cells) == 8


def test_what_is_excluded_is_left_out() -> None:
    cells = (
        read_definition(stage(grid={"a": [1, 2], "b": [3, 4]}, exclude=[{"a": 2, "b": 3}]))
        .stages[0]
        .combinations
    )
    assert [tuple(c.values()) for c in cells] == [(1, 3), (1, 4), (2, 4)]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (stage(gird={"a": [1]}), "stages[1] has no key 'gird'; did you mean 'grid'?"),
        ({"stage": []}, "has no key 'stage'; did you mean 'stages'?"),
        ({"name": "x"}, "lacks the key 'stages'"),
        (stage(slurm={"memroy": "8GB"}), "stages[1].slurm has no key 'memroy'; did you mean 'memory'?"),
        ({"stages": []}, "stages is []"),
        (stage(grid={"a": []}), "grid.a is []"),
        (stage(grid={"a": 1}), "grid.a is 1"),
        (stage(slurm={"time": "soon"}), "time is \"soon\""),
        (stage(zip={"a": [1, 2], "b": [1]}), "differ in number (a 2, b 1)"),
        (stage(grid={"a": [1]}, options={"a": 2}), "'a' is given twice"),
        (stage(grid={"a": [1, 1]}), "has a value twice"),
        (stage(grid={"a": [1]}, exclude=[{"a": 1}]), "exclude leaves no cell"),
        (stage(grid={"seed": [1]}, exclude=[{"sead": 1}]), "exclude names 'sead'; did you mean 'seed'?"),
        (stage(after="trian"), "comes after 'trian'; did you mean 'train'?"),
        ({"stages": [{"job": "train"}, {"job": "train"}]}, "two stages named 'train'"),
        ({"stages": [{"name": "a", "job": "train", "after": "b"}, {"name": "b", "job": "train", "after": "a"}]},
         "the stages a, b need one another in a circle"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(data: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_definition(data)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stages: [", "line 2 is not YAML"),
        ("stages:\n  - job: train\n    job: audit\n", "line 2: the key 'job' stands there twice"),
        ("- 1\n", "is no mapping"),
        ("", "is no mapping"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text + "\n" if text == "stages: [" else text)
    with pytest.raises(InputError) as caught:
        read_definition(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_told_apart_from_a_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="status, retry and collect"):
        read_definition(tmp_path / "statsu")


def test_times_and_numbers_mean_what_they_look_like(tmp_path: Path) -> None:
    path = tmp_path / "sizes.yaml"
    path.write_text(
        "stages:\n - job: train\n   slurm: {time: 2:00:00}\n   grid: {a: [1e-3, 0.5, 010, 7], b: [no, 2026-11-26]}\n"
    )
    (only,) = read_definition(path).stages
    assert only.slurm == {"time": "2:00:00"}
    assert [c["a"] for c in only.combinations[::2]] == [0.001, 0.5, "010", 7]
    assert [c["b"] for c in only.combinations[:2]] == [False, "2026-11-26"]
    assert read_definition(path).name == "sizes"


scalars = st.one_of(
    st.integers(-5, 5), st.booleans(), st.text("abcx-:{} #'\"ü", max_size=6), st.floats(-1, 1)
)
names = st.text("abcdefgh", min_size=1, max_size=4)
grids = st.dictionaries(
    names, st.lists(scalars, min_size=1, max_size=3, unique_by=json.dumps), min_size=1, max_size=3
)


@given(grids)
def test_yaml_and_a_mapping_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, grid: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("yaml") / "s.yaml"
    data = stage(grid=grid)
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
    (read,), (taken,) = read_definition(path).stages, read_definition(data).stages
    assert read == taken
    size = 1
    for values in grid.values():
        size *= len(values)
    assert len(read.combinations) == size


json_values = st.recursive(
    st.none() | scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.just("stages"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["stages", "name", "slurm", "out", "workers", "x"]), json_values))
def test_anything_is_read_or_refused_in_one_sentence(data: dict[str, Any]) -> None:
    try:
        read_definition(data)
    except InputError as error:
        sentence = str(error)
    else:
        jsonschema.validate(data, sweep_schema())
        return
    assert "\n" not in sentence
    assert len(sentence) < 1000


def test_the_nearest_is_named_with_either_dash() -> None:
    assert nearest("l_maxx", ["l-max", "layers"]) == "did you mean 'l-max'?"
    assert nearest("zzz", ["a", "b"]) == "expected one of a, b"
