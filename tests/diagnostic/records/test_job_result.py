"""A result object: still the mapping of its JSON file; its rows, frames and files keep to the schema and say what is wrong."""

import builtins
import copy
import json
import pickle
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.records.violation import first_violation
from spectral_ceilings.diagnostic.report.result_object import Diagnosis
from spectral_ceilings.theory import InputError

from synthetic_result import synthetic_result


@pytest.fixture
def diagnosis() -> Diagnosis:
    return Diagnosis(synthetic_result())


def test_it_is_the_mapping_that_it_was(diagnosis: Diagnosis) -> None:
    assert isinstance(diagnosis, Mapping)
    assert diagnosis == synthetic_result()
    assert json.loads(json.dumps(diagnosis)) == synthetic_result()
    assert diagnosis["verdict"]["held"] is diagnosis.held is True
    for again in (copy.deepcopy(diagnosis), pickle.loads(pickle.dumps(diagnosis))):
        assert again == diagnosis
        assert isinstance(again, Diagnosis)


def test_rows_are_those_whose_fields_have_the_values(diagnosis: Diagnosis) -> None:
    every = diagnosis["recovery"]
    assert diagnosis.rows() == every
    assert diagnosis.rows("recovery", readout="free", degree=2, scope="molecule") == [
        row for row in every if (row["readout"], row["degree"], row["scope"]) == ("free", 2, "molecule")
    ]
    assert diagnosis.rows(l=range(3, 6), readout=["free"]) == [
        row for row in every if row["l"] in (3, 4, 5) and row["readout"] == "free"
    ]
    assert diagnosis.rows(readout="none of them") == []
    assert diagnosis.rows("atoms", low=True) == [one for one in diagnosis["atoms"] if one["low"] is True]
    assert diagnosis.rows("atoms", low=1) == []  # a judgement is no number
    assert diagnosis.rows("plateaus", anything=1) == []  # none were measured
    diagnosis.rows()[0]["r2"] = 7.0
    assert diagnosis["recovery"][0]["r2"] != 7.0


def test_controls_are_one_table_with_their_names(diagnosis: Diagnosis) -> None:
    rows = diagnosis.rows("controls", control="untrained")
    assert [{k: v for k, v in row.items() if k != "control"} for row in rows] == diagnosis["controls"][0][
        "rows"
    ]
    assert len(diagnosis.rows("controls")) == sum(len(one["rows"]) for one in diagnosis["controls"])


def test_a_typo_is_told_with_the_names_that_there_are(diagnosis: Diagnosis) -> None:
    with pytest.raises(
        InputError, match=r"'readot' is no field of the table 'recovery', expected some of .*readout"
    ):
        diagnosis.rows(readot="free")
    with pytest.raises(
        InputError, match="'recover' is no table of a Diagnosis, expected one of recovery, atoms"
    ):
        diagnosis.rows("recover")
    with pytest.raises(InputError, match=r"no plot 'clif' of a Diagnosis, expected one of cliff, .*molecule"):
        diagnosis.plot("clif")


def test_the_data_frame_has_the_rows_and_their_types(diagnosis: Diagnosis) -> None:
    frame = diagnosis.to_dataframe(readout="equivariant", scope="molecule")
    rows = diagnosis.rows(readout="equivariant", scope="molecule")
    assert list(frame.columns) == list(diagnosis["recovery"][0])
    assert frame["l"].tolist() == [row["l"] for row in rows]
    assert pandas.api.types.is_float_dtype(frame["r2"])
    assert frame["r2"].isna().tolist() == [row["verdict"] == "no path" for row in rows]
    empty = diagnosis.to_dataframe(readout="none of them")
    assert (len(empty), list(empty.columns)) == (0, list(frame.columns))


def test_without_pandas_one_sentence_names_the_extra(
    diagnosis: Diagnosis, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"spectral-ceilings\[dataframe\]"):
        diagnosis.to_dataframe()


def test_a_representation_is_short_and_never_fails(diagnosis: Diagnosis) -> None:
    text = repr(diagnosis)
    assert diagnosis["verdict"]["sentence"] in text
    assert "held" in text
    assert "l = 2 x 2 = 4" in text
    assert len(text) < 600
    wrong = synthetic_result()
    wrong["verdict"] |= {"held": False, "sentence": "No. " * 500}
    long = repr(Diagnosis(wrong))
    assert long.startswith("<Diagnosis, falls short: No. No.")
    content = synthetic_result()
    assert (
        Diagnosis(
            content | {"recovery": [row for row in content["recovery"] if row["readout"] != "free"]}
        ).held
        is None
    )
    assert len(long) < 700
    assert repr(Diagnosis()) == "<Diagnosis without all of its fields: >"
    assert (
        Diagnosis({"schema": "x"})._repr_html_()
        == "<pre>&lt;Diagnosis without all of its fields: schema&gt;</pre>"
    )


class Tags(HTMLParser):
    """Collects tags and text, and that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_notebook_form_is_escaped_and_takes_the_colours_of_the_page(diagnosis: Diagnosis) -> None:
    diagnosis["verdict"]["sentence"] = "<script>alert(1)</script> & so on"
    text = diagnosis._repr_html_()
    parsed = Tags(text)
    assert not parsed.open
    assert "script" not in parsed.seen
    assert diagnosis["verdict"]["sentence"] in parsed.text
    assert "no path" in parsed.text
    assert "#" not in text.replace("&#", "")  # no colour of its own, which one of light and dark would hide
    assert len(text) < len(json.dumps(diagnosis)) / 5  # a summary


def test_what_is_saved_is_loaded_again_from_file_and_folder(diagnosis: Diagnosis, tmp_path: Path) -> None:
    path = diagnosis.save(tmp_path / "run")
    assert path == tmp_path / "run" / "result.json"
    for place in (path, tmp_path / "run", str(path)):
        again = Diagnosis.load(place)
        assert again == diagnosis
        assert type(again) is Diagnosis
    assert diagnosis.save(tmp_path / "other.json") == tmp_path / "other.json"


def test_an_earlier_result_is_never_destroyed(diagnosis: Diagnosis, tmp_path: Path) -> None:
    path = diagnosis.save(tmp_path)
    before = path.read_bytes()
    assert diagnosis.save(tmp_path) == path  # the same once more
    other = Diagnosis(synthetic_result(seed=1))
    with pytest.raises(InputError, match="holds another result"):
        other.save(tmp_path)
    assert path.read_bytes() == before
    other.save(tmp_path, overwrite=True)
    assert Diagnosis.load(tmp_path) == other
    path.write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        other.save(tmp_path)
    assert path.read_text() == "{"
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        other.save(tmp_path / "file" / "result.json")


def test_what_does_not_meet_the_schema_is_neither_saved_nor_loaded(
    diagnosis: Diagnosis, tmp_path: Path
) -> None:
    path = diagnosis.save(tmp_path)
    for change, sentence in (
        (
            lambda c: c["recovery"][3].update(r2="high"),
            r'recovery\[3\]\.r2 is "high", expected a number or null',
        ),
        (lambda c: c["verdict"].pop("held"), "verdict lacks the field 'held'"),
        (
            lambda c: c["recovery"][0].update(more=1),
            r"recovery\[0\] has the field 'more', expected only injection",
        ),
        (
            lambda c: c["recovery"][0].update(r2_low=2.0, r2_high=1.0),
            r"recovery\[0\]: r2_low = 2.0 lies above r2_high",
        ),
        (
            lambda c: c.update(schema="spectral-ceilings/audit/1"),
            "has the schema 'spectral-ceilings/audit/1', expected",
        ),
        (lambda c: c.pop("schema"), "lacks the field 'schema'"),
    ):
        content = synthetic_result()
        change(content)
        with pytest.raises(InputError, match=sentence):
            Diagnosis(content).save(tmp_path / "new")
        path.write_text(json.dumps(content))
        with pytest.raises(InputError, match=sentence) as told:
            Diagnosis.load(tmp_path)
        assert str(path) in str(told.value)
    assert not (tmp_path / "new").exists()
    for text in ("", "[]", "3", "{", "null", '"schema"'):
        path.write_text(text)
        with pytest.raises(InputError, match=r"result\.json"):
            Diagnosis.load(tmp_path)
    with pytest.raises(InputError, match="there is no file"):
        Diagnosis.load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="there is no file"):
        Diagnosis.load(tmp_path / "empty")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside a content, some of its rows."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:2]):
            found += places(inner, (*path, number))
    return found


CONTENT = synthetic_result(degrees=(1,))
PLACES = places(CONTENT)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=2), st.none(), max_size=2),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), st.sampled_from(["set", "remove", "add"]), VALUES)
def test_a_sentence_is_given_exactly_where_the_validator_refuses(
    path: tuple, change: str, value: Any
) -> None:
    content = copy.deepcopy(CONTENT)
    inner = content
    for part in path[:-1]:
        inner = inner[part]
    if change == "set":
        inner[path[-1]] = value
    elif change == "remove":
        del inner[path[-1]]
    elif isinstance(inner, dict):
        inner["a field that nobody knows"] = value
    sentence = first_violation(content, Diagnosis.schema())
    assert (sentence is None) == jsonschema.Draft202012Validator(Diagnosis.schema()).is_valid(content)
    assert sentence is None or (len(sentence) < 500 and "\n" not in sentence)


def test_of_alternatives_the_one_that_was_meant_is_told() -> None:
    inner = {"type": "object", "properties": {"r2": {"type": ["number", "null"]}}, "required": ["r2"]}
    schema = {"type": "object", "properties": {"fit": {"anyOf": [{"type": "null"}, inner]}}}
    assert first_violation({"fit": {"r2": "high"}}, schema) == 'fit.r2 is "high", expected a number or null'
    assert first_violation({"fit": {"r2": 0.5}}, schema) is None
