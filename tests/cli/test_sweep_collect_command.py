"""``ceilings sweep collect``: what it prints and writes, and its exit status."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_sweep import make_sweep

from spectral_ceilings.sweeps import collected_page

Command = Callable[..., Any]


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep with a diagnosis that failed. Its page has no figures: they are tested elsewhere, and take seconds."""
    make_sweep(tmp_path / "out", data=("ethanol",), l_max=(1,), seeds=(0, 1, 2), failing=1)
    monkeypatch.setattr(collected_page, "_drawings", lambda _made: {})
    return tmp_path / "out"


def test_it_prints_counts_contrasts_and_failures(ceilings: Command, sweep: Path) -> None:
    done = ceilings("sweep", "collect", "out")
    assert done.returncode == 2, done.stderr
    said = " ".join(done.stdout.split())
    assert "from features 8 to 16 (2 pairs of backbones, too few for an interval;" in said
    assert (
        "failed: diagnose data=ethanol l-max=1 features=16 seed=2: error: no <such> frames, nowhere" in said
    )
    assert f"report: {sweep / 'collected' / 'report.html'}" in said
    as_json = ceilings("sweep", "collect", "out", "--json")
    assert as_json.returncode == 2
    assert json.loads(as_json.stdout) == json.loads((sweep / "collected" / "collected.json").read_text())


def test_other_labels_can_number_replicates(ceilings: Command, sweep: Path) -> None:
    content = json.loads(
        ceilings("sweep", "collect", "out", "--replicates", "seed, features", "--json").stdout
    )
    assert {cliff["replicate"] for cliff in content["cliffs"]} == {"0, 8", "1, 8", "2, 8", "0, 16", "1, 16"}
    assert content["contrasts"] == []


def test_a_folder_without_a_plan_is_wrong_input(ceilings: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no directory of a sweep" in ceilings("sweep", "collect", "empty").sentence()
