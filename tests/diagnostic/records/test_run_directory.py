"""A run directory never loses a finished part, never mixes two runs, and reads back what was written."""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.measurement import result as result_module
from spectral_ceilings.diagnostic.measurement.result import RECOVERY_COLUMNS
from spectral_ceilings.diagnostic.measurement.result_files import write_recovery_csv, write_result
from spectral_ceilings.diagnostic.records.plain import plain
from spectral_ceilings.diagnostic.records.run_directory import RunDirectory, settings_hash
from spectral_ceilings.theory.errors import InputError

from synthetic_result import synthetic_result

SETTINGS: dict[str, Any] = {"seed": 0, "degrees": [1, 2, 3], "interval": {"level": 0.95, "block": 10}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
cells = st.dictionaries(st.text(), json_values, max_size=4)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def same(left: Any, right: Any) -> bool:
    """Equal with types and float bits: 1 is not 1.0, 0.0 is not -0.0."""
    return json.dumps(left) == json.dumps(right)


# -------------------- making and resuming


def test_a_new_directory_records_its_settings_and_their_hash(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "a" / "run", SETTINGS)
    recorded = json.loads((run.path / "settings.json").read_text())
    assert recorded["settings"] == SETTINGS
    assert recorded["sha256"] == settings_hash(SETTINGS)
    assert not run.resumed


def test_an_existing_directory_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    run.save_cell("one", {"x": 1.5})
    run.close()
    before = snapshot(run.path)
    with pytest.raises(InputError, match=r"exists already.*--out.*--resume"):
        RunDirectory.create(run.path, SETTINGS)
    assert snapshot(run.path) == before


def test_resuming_with_the_same_settings_finds_the_cells(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", SETTINGS).save_cell("one", {"x": 0.1})
    reordered = {"interval": {"block": 10, "level": 0.95}, "degrees": (1, 2, 3), "seed": np.int64(0)}
    again = RunDirectory.create(tmp_path / "run", reordered, resume=True)
    assert again.resumed
    assert again.load_cell("one") == {"x": 0.1}


def test_resuming_a_directory_that_is_not_there_makes_it(tmp_path: Path) -> None:
    assert not RunDirectory.create(tmp_path / "run", SETTINGS, resume=True).resumed


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({**SETTINGS, "seed": 1}, r"seed = 0, this run asks for 1"),
        ({**SETTINGS, "interval": {"level": 0.99, "block": 10}}, r"interval\.level = 0\.95, .*for 0\.99"),
        ({**SETTINGS, "degrees": [1, 2]}, r"degrees = \[1, 2, 3\], this run asks for \[1, 2\]"),
        ({**SETTINGS, "extra": "x"}, r'extra = nothing, this run asks for "x"'),
        ({"seed": 0, "degrees": [1, 2, 3]}, r"interval = .*, this run asks for nothing"),
        ({**SETTINGS, "seed": False}, r"seed = 0, this run asks for false"),
        ({**SETTINGS, "seed": 9, "degrees": []}, r"seed = 0"),
    ],
)
def test_other_settings_are_refused_by_name(tmp_path: Path, changed: dict[str, Any], named: str) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    run.save_cell("one", {})
    run.close()
    before = snapshot(run.path)
    with pytest.raises(InputError, match=named):
        RunDirectory.create(run.path, changed, resume=True)
    assert snapshot(run.path) == before


def test_a_folder_of_other_things_is_not_taken_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"no settings\.json"):
        RunDirectory.create(tmp_path, SETTINGS, resume=True)
    assert snapshot(tmp_path) == {"thesis.tex": b"years of work"}


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    for resume in (False, True):
        with pytest.raises(InputError, match="is a file"):
            RunDirectory.create(tmp_path / "run", SETTINGS, resume=resume)
    with pytest.raises(InputError, match="cannot be made"):
        RunDirectory.create(tmp_path / "run" / "below", SETTINGS)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"schema": 1}', "\x00", '{"schema": "x", "sha256": "", "settings": {}}']
)
def test_damaged_settings_are_one_clear_error(tmp_path: Path, content: str) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    (run.path / "settings.json").write_text(content)
    with pytest.raises(InputError, match=r"settings\.json"):
        RunDirectory.create(run.path, SETTINGS, resume=True)


def test_settings_edited_by_hand_are_noticed(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    record = run.path / "settings.json"
    record.write_text(record.read_text().replace("0.95", "0.99"))
    edited = {**SETTINGS, "interval": {"level": 0.99, "block": 10}}
    with pytest.raises(InputError, match="was changed"):
        RunDirectory.create(run.path, edited, resume=True)


@given(left=cells, right=cells)
@settings(max_examples=100, deadline=None)
def test_settings_have_one_hash_exactly_when_they_are_the_same(
    left: dict[str, Any], right: dict[str, Any]
) -> None:
    equal = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert (settings_hash(left) == settings_hash(right)) is equal


# -------------------- cells


@given(key=st.text(max_size=300), cell=cells)
@settings(max_examples=150, deadline=None)
def test_a_cell_reads_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, key: str, cell: Any
) -> None:
    run = RunDirectory.create(tmp_path_factory.mktemp("cells") / "run", SETTINGS)
    assert run.load_cell(key) is None
    path = run.save_cell(key, cell)
    assert path.parent == run.path / "cells"
    assert len(path.name.encode()) < 200
    assert same(run.load_cell(key), cell)
    assert run.save_cell(key, cell) == path  # the same again changes nothing


@example(keys=["atom:C", "atom:c", "atom-c", "Å", "A\u030a"])
@given(keys=st.lists(st.text(max_size=20), unique=True, min_size=2, max_size=8))
@settings(max_examples=60, deadline=None)
def test_keys_never_share_a_file_on_any_file_system(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str]
) -> None:
    run = RunDirectory.create(tmp_path_factory.mktemp("keys") / "run", SETTINGS)
    names = {run.cell_path(key).name.casefold() for key in keys}
    assert len(names) == len(keys)
    for number, key in enumerate(keys):
        run.save_cell(key, {"number": number})
    assert [run.load_cell(key) for key in keys] == [{"number": number} for number in range(len(keys))]


@pytest.mark.parametrize("key", ["../../escape", "/etc/passwd", "a\x00b", "..", "", "CON", "\udcff"])
def test_no_key_leaves_the_directory(tmp_path: Path, key: str) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    assert run.save_cell(key, {}).resolve().parent == (run.path / "cells").resolve()
    assert run.load_cell(key) == {}


def test_a_recorded_cell_is_never_replaced_by_another(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    run.save_cell("one", {"x": 1})
    with pytest.raises(FileExistsError, match="recorded already"):
        run.save_cell("one", {"x": 2})
    assert run.load_cell("one") == {"x": 1}


def test_a_write_that_was_cut_short_leaves_no_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            run.save_cell("one", {"x": 1})
    assert run.load_cell("one") is None
    # A kill that Python does not see leaves a half-written temporary file: it counts for nothing.
    (run.path / "cells" / f".{run.cell_path('one').name}.x1y2.tmp").write_text('{"schema": "spectral-ceil')
    again = RunDirectory.create(run.path, SETTINGS, resume=True)
    assert again.load_cell("one") is None
    again.save_cell("one", {"x": 1})
    assert again.load_cell("one") == {"x": 1}


@given(cut=st.integers(min_value=0))
@settings(max_examples=60, deadline=None)
def test_a_truncated_cell_is_an_error_that_says_what_to_do(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    run = RunDirectory.create(tmp_path_factory.mktemp("cut") / "run", SETTINGS)
    path = run.save_cell("one", {"x": 0.1, "name": "Å"})
    whole = path.read_bytes()
    path.write_bytes(whole[: cut % (len(whole) - 1)])  # the last byte is the newline after the object
    with pytest.raises(InputError, match=r"damaged.*delete this file.*--resume"):
        run.load_cell("one")


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"null", b"[]", b'{"schema": "spectral-ceilings/cell/1", "key": "one"}']
)
def test_a_foreign_cell_is_an_error(tmp_path: Path, content: bytes) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    run.save_cell("one", {}).write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        run.load_cell("one")


def test_a_cell_under_another_keys_name_is_an_error(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    run.save_cell("one", {"x": 1}).rename(run.cell_path("two"))
    with pytest.raises(InputError, match="another part"):
        run.load_cell("two")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float32("nan"), np.array([1.0, np.nan])])
def test_numbers_that_json_does_not_have_are_refused_by_place(tmp_path: Path, bad: object) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    with pytest.raises(ValueError, match=r"cell\.rows\[0\]\.r2"):
        run.save_cell("one", {"rows": [{"r2": bad}]})
    assert run.load_cell("one") is None


def test_numpy_values_become_plain_numbers() -> None:
    mixed = {"a": np.float64(0.1), "b": np.int32(3), "c": np.bool_(True), "d": np.arange(3), "e": (1, 2)}
    assert same(plain(mixed), {"a": 0.1, "b": 3, "c": True, "d": [0, 1, 2], "e": [1, 2]})
    with pytest.raises(TypeError, match="keys of a result are strings"):
        plain({1: 2})
    with pytest.raises(TypeError, match="Path"):
        plain({"path": Path()})


# -------------------- result and table


def test_the_result_reads_back_bit_for_bit(tmp_path: Path) -> None:
    result = synthetic_result()
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    path = write_result(result, run.path)
    assert path.name == "result.json"
    assert same(json.loads(path.read_text(encoding="utf-8")), result)


def test_the_table_reads_back_bit_for_bit(tmp_path: Path) -> None:
    rows = synthetic_result()["recovery"]
    write_result(synthetic_result(), RunDirectory.create(tmp_path / "run", SETTINGS).path)
    with (tmp_path / "run" / "recovery.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert list(read[0]) == list(RECOVERY_COLUMNS)
    assert len(read) == len(rows)
    for text, row in zip(read, rows, strict=True):
        for name, value in row.items():
            if value is None:
                assert text[name] == ""
            else:
                assert type(value)(text[name]) == value


@given(value=st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=60, deadline=None)
def test_every_float_survives_the_table(tmp_path_factory: pytest.TempPathFactory, value: float) -> None:
    row = synthetic_result()["recovery"][0] | {"r2": value}
    path = write_recovery_csv([row], tmp_path_factory.mktemp("csv") / "recovery.csv")
    with path.open(encoding="utf-8", newline="") as file:
        read = next(csv.DictReader(file))["r2"]
    assert float(read).hex() == value.hex()


def test_a_row_with_other_columns_is_refused(tmp_path: Path) -> None:
    row = dict(synthetic_result()["recovery"][0])
    row["colour"] = "blue"
    with pytest.raises(ValueError, match=r"recovery\[0\].*colour"):
        write_recovery_csv([row], tmp_path / "recovery.csv")
    assert not (tmp_path / "recovery.csv").exists()


def test_a_result_with_nan_is_refused_and_the_old_one_kept(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", SETTINGS)
    write_result(synthetic_result(), run.path)
    before = snapshot(run.path)
    broken = synthetic_result()
    broken["recovery"][3]["rho"] = math.nan
    with pytest.raises(ValueError, match=r"result\.recovery\[3\]\.rho is nan"):
        write_result(broken, run.path)
    assert snapshot(run.path) == before


# -------------------- schema


@pytest.mark.parametrize("l_max", [1, 2, 3])
def test_a_result_meets_the_schema(l_max: int) -> None:
    result_module.validate(synthetic_result(l_max))


def test_the_schema_lists_the_columns_of_the_table() -> None:
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(result_module.schema())
    row = result_module.schema()["$defs"]["row"]
    assert tuple(row["required"]) == RECOVERY_COLUMNS
    assert tuple(row["properties"]) == RECOVERY_COLUMNS
    assert result_module.schema()["properties"]["schema"]["const"] == result_module.RESULT_SCHEMA


def _no_path(result: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = next(r for r in result["recovery"] if r["verdict"] == "no path")
    return row


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.pop("seed"),
        lambda r: r["recovery"][0].pop("rho"),
        lambda r: r["recovery"][0].update(extra=1),
        lambda r: r["recovery"][0].update(verdict="maybe"),
        lambda r: r["recovery"][0].update(scope="atom"),
        lambda r: r["recovery"][0].update(degree=1.5),
        lambda r: _no_path(r).update(r2=0.0),
        lambda r: _no_path(r).update(null_high=0.1),
        lambda r: _no_path(r).update(predicted=1),
        lambda r: r["model"].update(sha256="abc"),
        lambda r: r["data"].update(numbers=[0]),
        lambda r: r.update(schema="spectral-ceilings/diagnose/2"),
    ],
)
def test_a_spoiled_result_does_not_meet_the_schema(spoil: Any) -> None:
    import jsonschema

    result = synthetic_result()
    spoil(result)
    with pytest.raises(jsonschema.ValidationError):
        result_module.validate(result)


def test_intervals_in_order_and_no_row_twice() -> None:
    result = synthetic_result()
    result["controls"][0]["rows"][2]["r2_low"] = 2.0
    with pytest.raises(ValueError, match=r"controls\[0\]\.rows\[2\]: r2_low"):
        result_module.validate(result)
    result = synthetic_result()
    result["recovery"].append(result["recovery"][5])
    with pytest.raises(ValueError, match="a second row"):
        result_module.validate(result)


def test_one_number_may_grow_when_a_run_is_taken_up(tmp_path):
    folder = tmp_path / "run"

    def opened(steps, **changes):
        asked = {"model": "m", "settings": {"steps": steps, "seed": 0, **changes}}
        return RunDirectory.create(folder, asked, resume=True, grows="settings.steps")

    run = opened(10)
    run.save_cell("a", {"x": 1})
    run.close()
    longer = opened(20)
    longer.close()  # it computed nothing, so nothing is recorded of it
    opened(10).close()
    longer = opened(20)
    longer.save_cell("b", {"x": 2})
    assert longer.load_cell("a") == {"x": 1}
    longer.close()
    with pytest.raises(InputError, match=r"settings\.steps = 20, this run asks for 10"):
        opened(10)
    with pytest.raises(InputError, match=r"settings\.seed = 0, this run asks for 1"):
        opened(30, seed=1)
    with pytest.raises(InputError, match=r"settings\.steps = 20, this run asks for true"):
        opened(True)
    with pytest.raises(InputError, match=r"settings\.steps"):
        RunDirectory.create(folder, {"model": "m", "settings": {"steps": 30, "seed": 0}}, resume=True)
