"""Runs by element side by side: their blocks are clusters of structures, and only the same pools are held against each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from spectral_ceilings.diagnostic.backbones.hooked import HookedBackbone
from spectral_ceilings.diagnostic.comparison.compare import compare, schema
from spectral_ceilings.diagnostic.comparison.report import write_comparison
from spectral_ceilings.diagnostic.diagnosis import diagnose
from spectral_ceilings.diagnostic.measurement.saved_errors import SavedRun
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
from spectral_ceilings.diagnostic.recovery.exact_tests import sign_flip
from tests.support.environment_sets import density_backbone, ethanol, mixed, rattled, silicon

SETTINGS = DiagnoseSettings(
    degrees=(1,),
    l_top=4,
    environments=150,
    bootstrap=100,
    controls=False,
    coefficients=60,
    readouts=("free",),
)


def model(seed: int) -> HookedBackbone:
    """Return a model with a hash of its own, as a file of weights has."""
    backbone = density_backbone(4, seed=seed)
    backbone.info = replace(backbone.info, sha256=f"{seed:064x}")
    return backbone


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models of one kind on silicon and ethanol, and one of them on silicon alone."""
    folder = tmp_path_factory.mktemp("runs")
    sets = rattled(silicon(1), 60, 0.08), rattled(ethanol(), 60, 0.06, 2)
    for seed in range(2):
        diagnose(mixed(*sets), model(seed), SETTINGS, out=folder / f"seed{seed}")
    diagnose(sets[0], model(2), SETTINGS, out=folder / "silicon")
    return [folder / name for name in ("seed0", "seed1", "silicon")]


def test_blocks_of_pools_are_clusters_of_structures(runs: list[Path]) -> None:
    compared: Any = compare(runs[:2], draws=200)
    jsonschema.validate(dict(compared), schema())
    (group,) = compared["groups"]
    assert group["runs"] == ["seed0", "seed1"]
    (table,) = group["tables"]
    assert table["blocks"] == "structures"
    assert (table["atoms"], table["frames"], table["boundary"]) == (4, "crossed", 2)
    saved = SavedRun.read(runs[0])
    clusters = int(saved.errors["frames"])
    assert clusters < 30  # as blocks of frames they would be one or two
    assert [test["count"] for test in table["step"]["sign_flip_of_blocks"]] == [clusters] * 2
    # the gain of each cluster from the sums that the run kept, by hand
    (entry,) = [
        entry
        for entry in saved.errors["tables"]
        if (entry["place"], entry["injection"]) == ("recovery", "density")
    ]
    cells = saved.cells(entry["cells"])
    gains = []
    for l in (2, 3):
        sums: list[Any] = [parts[l] for parts, _ in cells.values()]
        lowered = sum(part.before - part.after for part in sums)
        gains.append(lowered / sum(part.count for part in sums))
    assert table["step"]["sign_flip_of_blocks"][0]["p"] == sign_flip((gains[0] - gains[1]).tolist(), 0).p
    for row in table["rows"]:
        assert row["r2"]["value"] == pytest.approx(np.mean(row["r2_of_backbones"]), rel=1e-12)


def test_runs_of_other_pools_are_no_replicates(runs: list[Path], tmp_path: Path) -> None:
    compared: Any = compare(runs, draws=200)
    assert [group["runs"] for group in compared["groups"]] == [["seed0", "seed1"]]
    write_comparison(compared, tmp_path / "page")
    page = (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
    assert "over clusters of structures of single backbones" in page
    assert "blocks of frames" not in page
