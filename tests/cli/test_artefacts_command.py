"""``ceilings artefacts`` as a user runs it: a calculator against itself, and what is refused before any work."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from spectral_ceilings.diagnostic.records.assets import shipped_schema

Run = Callable[..., Any]
ASKED = ("artefacts", "--reference", "ase:emt", "--structures", "bulk:Cu", "--out", "run")


def test_a_calculator_reproduces_itself(ceilings: Run) -> None:
    done = ceilings(*ASKED, "ase:emt", "--only", "phonons", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["verdict"]["outcome"] == "held"
    result = json.loads(Path("run/result.json").read_text(encoding="utf-8"))
    validate(result, shipped_schema("artefacts"))
    assert result["artefacts"]["phonons"]["ratio"] == 1.0
    assert Path("run/report.html").is_file()
    before = Path("run/result.json").read_bytes()
    assert "run" in ceilings(*ASKED, "ase:emt").sentence()  # an earlier result is not overwritten
    assert Path("run/result.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no model was given"),
        (("ase:emt", "--backbone", "ase:lj"), "which contradict"),
        (("ase:emt", "--repeat", "2x2"), "--repeat is '2x2'"),
        (("ase:emt", "--only", "sound"), "only has sound"),
        (("nowhere",), "nowhere"),
        (("ase:emt", "--steps", "0"), "steps"),
    ],
)
def test_what_cannot_be_is_one_sentence(ceilings: Run, words: tuple[str, ...], said: str) -> None:
    assert said in ceilings(*ASKED, *words).sentence()
    assert not Path("run/result.json").exists()
