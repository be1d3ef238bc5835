"""``ceilings audit``: one run of the embedded default, and every wrong use told in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_one_part_of_the_embedded_default(ceilings: Run, tmp_path: Path) -> None:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    options = ("--parts", "features", "--no-untrained")
    done = ceilings("audit", "aspirin-xtb-l2", "aspirin-xtb", "--out", "run", "--json", *options)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["schema"] == "spectral-ceilings/audit/1"
    # features alone are held against nothing, and status 0 says so
    assert said["verdict"]["statements"] == []
    assert (said["verdict"]["held"], said["verdict"]["outcome"]) == (None, "nothing tested")
    assert done.stderr.endswith(
        "Nothing was held against theory; status 0 says only that the run is complete.\n"
    )
    assert (tmp_path / "run" / "report.html").is_file()
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["command"].startswith("ceilings audit aspirin-xtb-l2 aspirin-xtb")
    assert {row["layer"] for row in result["features"]} == {"layer0", "layer1", "layer2"}
    # again into the same folder, without and with --resume
    assert (
        "--resume" in ceilings("audit", "aspirin-xtb-l2", "aspirin-xtb", "--out", "run", *options).sentence()
    )
    again = ceilings("audit", "aspirin-xtb-l2", "aspirin-xtb", "--out", "run", "--resume", *options)
    assert again.returncode == 0
    assert "report: run/report.html" in again.stdout
    assert again.stderr.splitlines()[-1].startswith("Nothing was held against theory")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--parts", "spectrum"), "'spectrum' is none of features, readouts, directions, symmetry, remedies"),
        (("--degrees", "one"), "'one' is not an integer; give integers separated by commas"),
        (("--atoms", "0,99"), "atom 99 is not in the molecule"),
        (("--layer", "conv9"), "no layer 'conv9'"),
        (("--centre", "40"), "centre 40 is not in the molecule"),
        (("--l-top", "1"), "l_top is 1, expected 2 to 40"),
    ],
)
def test_wrong_use_is_told_before_anything_is_written(
    ceilings: Run, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    done = ceilings("audit", "aspirin-xtb-l2", "aspirin-xtb", "--out", "run", *options)
    assert words in done.sentence()
    assert not (tmp_path / "run").exists()


def test_absent_models_and_structures_are_told(ceilings: Run) -> None:
    assert "no backbone at nowhere" in ceilings("audit", "nowhere", "aspirin-xtb", "--out", "run").sentence()
    assert (
        "there is no file 'nothing.xyz'"
        in ceilings("audit", "aspirin-xtb-l2", "nothing.xyz", "--out", "run").sentence()
    )
