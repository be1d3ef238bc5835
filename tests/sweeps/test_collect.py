"""``collect``: one table from the cells of a sweep, the same bytes whatever happened on the way, and a page."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from made_sweep import cell, end, finish, make_sweep, train_record, write_made_plan
from pyarrow import parquet

from spectral_ceilings.sweeps.collected import Collected
from spectral_ceilings.sweeps.collected_page import banner
from spectral_ceilings.sweeps.gather import collect
from spectral_ceilings.sweeps.store import Store
from spectral_ceilings.theory.errors import InputError

#: Files whose bytes depend on nothing but the work.
STEADY = ("table.csv", "table.parquet", "collected.json")


class Parsed(HTMLParser):
    """What a page holds: texts, identifiers, links, and the labels of its drawings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.labels: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        self.labels += [given.get("aria-label") or ""] if tag == "svg" else []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweeps") / "first"
    make_sweep(folder, data=("ethanol",), failing=1)
    return folder


@pytest.fixture(scope="module")
def made(root: Path) -> Collected:
    return collect(root)


@pytest.fixture(scope="module")
def page(made: Collected) -> Parsed:
    return Parsed(made.page.read_text(encoding="utf-8"))


def test_the_table_has_a_row_for_each_row_of_each_result(root: Path, made: Collected) -> None:
    rows = rows_of(made.table)
    assert made.rows == len(rows)
    for stored in Store(root):
        mine = [row for row in rows if row["key"] == stored.key]
        assert {(row["stage"], row["job"], row["state"]) for row in mine} == {
            (stored.stage, stored.job, stored.state)
        }
        assert all(row[name] == str(value) for row in mine for name, value in stored.labels.items())
        if stored.job == "train" or stored.state == "failed":
            assert len(mine) == 1
            continue
        recovery = rows_of(stored.out / "recovery.csv")
        assert [{name: row[name] for name in recovery[0]} for row in mine] == recovery
        assert {row["outcome"] for row in mine} == {"held"}
        assert {row["boundary"] for row in mine} == {str(2 * stored.labels["l-max"])}


def test_counts_outcomes_and_failures(made: Collected) -> None:
    assert made.counts == {"train": {"done": 12}, "diagnose": {"done": 11, "failed": 1}}
    assert (made.count("done"), made.count()) == (23, 24)
    assert made.outcomes == {"held": 11}
    (failed,) = made.failed
    assert (failed.exit_status, failed.error) == (2, "error: no <such> frames, nowhere")
    assert (made.out / failed.log).read_text() == "the log\n"


def test_costs_stand_in_their_own_table(root: Path, made: Collected) -> None:
    rows = rows_of(made.files["cells.csv"])
    assert len(rows) == 24
    assert {row["host"] for row in rows} == {"node1"}
    assert rows[0]["cpu_s"] == "80.0"
    for name in STEADY:
        content = made.files[name].read_bytes()
        assert b"node1" not in content
        assert str(root).encode() not in content
    assert {cliff.cost for cliff in made.cliffs} == {
        10.0 * l * w + s for l in (1, 2) for w in (8, 16) for s in range(3)
    } - {322.0}


def test_the_same_sweep_in_another_order_elsewhere_gives_the_same_bytes(
    root: Path, made: Collected, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    make_sweep(other, data=("ethanol",), failing=1, order=5)
    again = collect(other, page=False)
    for name in STEADY:
        assert again.files[name].read_bytes() == made.files[name].read_bytes(), name


def test_collecting_again_and_on_the_way_changes_nothing(root: Path, made: Collected, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    before = {name: made.files[name].read_bytes() for name in STEADY}
    lost = [stored.key for stored in Store(copy) if stored.stage == "diagnose"][:4]
    cells = {stored.key: stored.cell for stored in Store(copy)}
    for key in lost:
        shutil.rmtree(Store(copy).folder(key))
    half = collect(copy, page=False)
    assert half.counts["diagnose"] == {"open": 4, "done": 7, "failed": 1}
    assert banner(half).remarks[-1] == "4 of 24 cells are not finished: the page shows what there is."
    assert [row["state"] for row in rows_of(half.table) if row["key"] in lost] == ["open"] * 4
    for key in reversed(lost):
        finish(copy, cells[key])
    for _ in range(2):
        assert {name: collect(copy, page=False).files[name].read_bytes() for name in STEADY} == before


def test_parquet_and_csv_agree(made: Collected) -> None:
    read = parquet.read_table(made.files["table.parquet"]).to_pylist()
    rows = rows_of(made.table)
    assert len(read) == len(rows)
    for first, second in zip(read, rows, strict=True):
        assert list(first) == list(second)
        for name, value in first.items():
            assert second[name] == ("" if value is None else str(value))
    frame = made.to_dataframe()
    assert list(frame.columns) == list(rows[0])
    assert frame["l-max"].dtype == "int64"


def test_the_contrasts_see_what_was_put_in(made: Collected) -> None:
    """Twice the features lower the share that is missed by 0.01.

    The errors are drawn log-normal of spread 0.3, whose mean is exp(0.3^2 / 2), so R2 rises by 0.01 exp(0.045) in expectation.
    """
    wide = [c for c in made.contrasts if c.factor == "features" and c.quantity == "height" and not c.setting]
    assert [(c.value, c.against, c.settings, c.count, c.positive) for c in wide] == [(16, 8, 2, 5, 5)]
    assert wide[0].low is not None
    assert wide[0].high is not None
    assert wide[0].low <= 0.01 * math.exp(0.045) <= wide[0].high
    content = json.loads(made.files["collected.json"].read_text(encoding="utf-8"))
    assert len(content["contrasts"]) == len(made.contrasts)
    assert [cliff["last_recovered"] for cliff in content["cliffs"]] == [
        2 * c.labels["l-max"] for c in made.cliffs
    ]


def test_the_summary_meets_its_schema(made: Collected) -> None:
    schema = json.loads(
        resources.files("spectral_ceilings.sweeps")
        .joinpath("schemas/collected.schema.json")
        .read_text("utf-8")
    )
    Draft202012Validator.check_schema(schema)
    content = json.loads(made.files["collected.json"].read_text(encoding="utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(content)) == []
    assert schema["properties"]["schema"]["const"] == content["schema"] == schema["$id"]
    broken = {**content, "cliffs": [{**content["cliffs"][0], "wall_s": 1.0}]}
    assert not Draft202012Validator(schema).is_valid(broken)


def test_the_page_tells_the_verdict_and_the_failure(page: Parsed) -> None:
    assert "Of 11 runs that were held against theory: 11 held." in page.text
    assert "1 of 24 cells failed" in page.text
    assert "11 of 11 backbones recover up to their ceiling and not beyond; none" in page.text
    assert "error: no <such> frames, nowhere" in page.text
    assert "ceilings sweep retry" in page.text


def test_the_page_s_drawings_have_words_and_its_links_lead_somewhere(made: Collected, page: Parsed) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert {"figure-cliffs", "figure-contrasts", "figure-costs", "table-settings"} <= set(page.ids)
    assert len(page.labels) == 6
    assert all(len(label) > 30 for label in page.labels)
    for link in page.links:
        assert link.startswith("#") or (made.page.parent / link).is_file(), link
    assert len([link for link in page.links if link.endswith("out/report.html")]) == 11
    assert len([link for link in page.links if link.endswith("log.txt")]) == 1


def test_odd_labels_stay_apart_and_show_as_they_are(tmp_path: Path) -> None:
    """Names of columns, commas, quotes, unicode, lists and missing labels."""
    cells = [
        cell("first, stage", "empty", {"key": "a,b", "layer": 'x"y', "größe": [1, 2]}),
        cell("first, stage", "empty", {"key": "<b>&", "größe": None}),
        cell("train", "train", {"layer": 3, "parameters": 0.5}),
    ]
    write_made_plan(tmp_path, cells)
    for one_cell in cells:
        folder = Store(tmp_path).folder(one_cell.key) / "out"
        folder.mkdir(parents=True)
        (folder / "backbone.json").write_text(json.dumps(train_record(2, 8, 0.1)))
        end(tmp_path, one_cell)
    made = collect(tmp_path)
    rows = rows_of(made.table)
    assert [row["grid:key"] for row in rows] == ["a,b", "<b>&", ""]
    assert [row["layer"] for row in rows] == ['x"y', "", "3"]
    assert [row["grid:parameters"] for row in rows] == ["", "", "0.5"]
    assert [row["größe"] for row in rows] == ["[1, 2]", "", ""]
    assert rows[2]["parameters"] == "16000"
    assert (
        "No cell of this sweep was held against theory." in Parsed(made.page.read_text(encoding="utf-8")).text
    )
    assert not (made.page.parent / "cliffs.png").exists()


def test_a_result_that_cannot_be_read_is_told_and_stops_nothing(tmp_path: Path) -> None:
    cells = [cell("train", "train", {"seed": seed}) for seed in range(4)]
    write_made_plan(tmp_path, cells)
    contents = ['{"architecture": "nequip"}', "[]", "{", None]
    for one_cell, content in zip(cells, contents, strict=True):
        folder = Store(tmp_path).folder(one_cell.key) / "out"
        folder.mkdir(parents=True)
        if content is not None:
            (folder / "backbone.json").write_text(content)
        end(tmp_path, one_cell)
    made = collect(tmp_path)
    errors = [failed.error for failed in made.failed]
    assert errors[0] == "the result of 'train' lacks 'training'"
    assert errors[1] == "backbone.json holds no JSON object"
    assert "Expecting property name" in errors[2]
    assert errors[3] == "its directory holds no result"
    assert made.rows == 4
    assert (
        "The results of 4 finished cells could not be read."
        in Parsed(made.page.read_text(encoding="utf-8")).text
    )


def test_a_folder_that_is_no_sweep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"plan\.jsonl"):
        collect(tmp_path)
    assert not list(tmp_path.iterdir())


def read_job(tmp_path: Path, job: str, name: str, content: dict[str, Any]) -> list[dict[str, str]]:
    made = cell(job, job, {})
    write_made_plan(tmp_path, [made])
    folder = Store(tmp_path).folder(made.key) / "out"
    folder.mkdir(parents=True)
    (folder / name).write_text(json.dumps(content))
    end(tmp_path, made)
    result = collect(tmp_path, page=False)
    assert not result.failed
    return rows_of(result.table)


def test_a_sweep_of_papers_has_a_row_for_each_claim(tmp_path: Path) -> None:
    outcome = {"verdict": "holds", "sentence": "It does.", "reason": ""}
    claims = [
        {"id": name, "title": name, "must_hold": True, "seconds": 3.0, "outcome": outcome} for name in "ab"
    ]
    rows = read_job(tmp_path, "paper", "paper.json", {"claims": claims, "held": True})
    assert [(row["claim"], row["verdict"], row["must_hold"]) for row in rows] == [
        ("a", "holds", "true"),
        ("b", "holds", "true"),
    ]


def test_a_sweep_of_advice_has_a_row_for_each_knob(tmp_path: Path) -> None:
    content = {
        "question": "need",
        "verdict": {"knob": "order", "limited_by_data": False},
        "knobs": [{"knob": "degree", "gain": 0.1}, {"knob": "order", "gain": 0.4}],
    }
    rows = read_job(tmp_path, "advise", "advice.json", content)
    assert [(row["knob"], row["gain"], row["named"]) for row in rows] == [
        ("degree", "0.1", "order"),
        ("order", "0.4", "order"),
    ]
