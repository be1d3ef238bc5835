"""``ceilings paper``: its exit status, and what it says on the two streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.paper_checks import claims
from spectral_ceilings.paper_checks.outcome import Outcome

from made_up_claims import MadeUp, claim, install


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    return install(monkeypatch)


def test_a_run_of_two_theorems_holds(ceilings: Callable[..., Any], tmp_path: Path) -> None:
    done = ceilings("paper", "--quick", "--only", "span-theorem, multiplicity-one", "--out", "run")
    assert done.returncode == 0, done.stderr
    assert "Of 2 claims 2 hold. Every claim that must hold, holds." in done.stdout
    assert "report: run/report.html" in done.stdout
    record = json.loads((tmp_path / "run" / "paper.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in record["claims"]] == ["span-theorem", "multiplicity-one"]
    assert record["command"] == "ceilings paper --quick --only 'span-theorem, multiplicity-one' --out run"
    assert record["quick"] is True


def test_a_claim_that_must_hold_and_does_not_is_status_1(
    made_up: MadeUp, ceilings: Callable[..., Any]
) -> None:
    assert ceilings("paper", "--out", "held").returncode == 0
    made_up.add(claim("first"), lambda _: Outcome("does not hold", "It is two."))
    done = ceilings("paper", "--out", "broken")
    assert done.returncode == 1
    assert "It is two." in done.stdout
    assert "Of those that must hold, first fails." in done.stdout
    assert ceilings("paper", "--out", "broken", "--only", "second").returncode == 0


def test_json_is_one_document_with_a_schema(made_up: MadeUp, ceilings: Callable[..., Any]) -> None:
    done = ceilings("paper", "--out", "run", "--json")
    record = json.loads(done.stdout)
    assert record["schema"] == "spectral-ceilings/paper-verdicts/1"  # another form than that of paper.json
    assert record["held"] is True
    assert record["verdicts"] == {
        "first": "holds",
        "second": "holds in direction, number differs",
        "third": "cannot be checked here",
    }
    assert Path(record["report"]).is_file()


def test_claims_are_listed_with_their_criteria(ceilings: Callable[..., Any], tmp_path: Path) -> None:
    done = ceilings("paper", "--list")
    assert done.returncode == 0
    for one in claims():
        assert f"{one.id}: {one.title}" in done.stdout.replace("\n", " ") or one.id in done.stdout
        assert f"criterion: {one.criterion}" in done.stdout
    listed = json.loads(ceilings("paper", "--list", "--json", "--only", "l3-backbone").stdout)
    assert listed["schema"] == "spectral-ceilings/claims/1"
    assert [one["id"] for one in listed["claims"]] == ["l3-backbone"]
    assert listed["claims"][0]["refuted_by"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "no --out was given"),
        (("--out", "run", "--only", "frist"), "no claim 'frist'"),
        (("--out", "run", "--only", ""), "no claim ''"),
        (
            ("--out", "run", "--data", "missing/rmd17"),
            "--data is 'missing/rmd17', expected embedded, rmd17, or a folder",
        ),
        (("--out", "run", "--seed", "-1"), "the seed is -1"),
        (("--out", "notes.txt"), "is a file"),
    ],
)
def test_wrong_input_is_one_sentence_before_anything_is_written(
    ceilings: Callable[..., Any], tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    done = ceilings("paper", *arguments)
    assert sentence in done.sentence()
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
