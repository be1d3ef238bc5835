"""Claims on the scalar pathway: exact on real networks, and verdicts by their criteria on made-up records."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from spectral_ceilings.paper_checks import scalar_accuracy, scalar_artefacts, scalar_ceiling, scalar_records
from spectral_ceilings.paper_checks.context import Context
from spectral_ceilings.paper_checks.registry import claims
from spectral_ceilings.paper_checks.run import procedure
from spectral_ceilings.paper_checks.scalar_records import Paired, logarithm, paired

ARMS = {"plain": 1.0, "modules": 0.75, "control": 0.95}


def training(
    arm: str, seed: int, factor: float, *, architecture: str = "nequip", data: str = "silver"
) -> dict[str, Any]:
    noise = 1.0 + 0.01 * math.sin(7 * seed + len(arm) + len(data))
    return {
        "architecture": architecture, "data": data, "arm": arm, "seed": seed, "parameters": 100, "flops": 1000,
        "elementwise_operations": 10, "force_mae_eV_A": 0.1 * factor * noise, "energy_mae_eV_atom": 0.01 * factor * noise,
        "stress_mae_eV_A3": 0.001 * factor * noise,
    }  # fmt: skip


def recorded(monkeypatch: pytest.MonkeyPatch, **parts: list[dict[str, Any]]) -> None:
    every = {"trainings": [], "diagnoses": [], "artefacts": []} | parts
    content = {"schema": scalar_records.SCHEMA, "commands": ["ceilings sweep x.yaml"], **every}
    monkeypatch.setattr(scalar_records, "record", lambda: content)


def accuracy(monkeypatch: pytest.MonkeyPatch, factors: dict[str, float], seeds: int = 5) -> None:
    recorded(
        monkeypatch,
        trainings=[
            training(arm, seed, factor, data=data)
            for arm, factor in factors.items()
            for seed in range(seeds)
            for data in ("silver", "silicon")
        ],
    )


def test_every_claim_has_its_check_and_the_record_ships() -> None:
    for claim in claims("scalar-pathway"):
        assert callable(procedure(claim))
    content = scalar_records.record()
    assert {row["arm"] for row in content["trainings"]} == set(scalar_records.ARMS)
    for name in {(row["architecture"], row["data"], row["arm"]) for row in content["trainings"]}:
        rows = [r for r in content["trainings"] if (r["architecture"], r["data"], r["arm"]) == name]
        assert sorted(row["seed"] for row in rows) == list(range(5)), name


def test_pairs_are_those_of_one_seed_with_students_interval() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(size=6)
    moved = base + 0.3 + 0.1 * rng.normal(size=6)
    entries = [
        {"data": "a", "arm": arm, "seed": k, "x": float(value)}
        for arm, values in (("first", moved), ("second", base))
        for k, value in enumerate(values)
    ]
    each = paired(entries, lambda row: row["x"], "first", "second")
    told = ttest_1samp(moved - base, 0.0).confidence_interval(0.95)
    assert each is not None
    assert (each.mean, each.low, each.high) == pytest.approx(
        (np.mean(moved - base), told.low, told.high), rel=1e-12
    )
    entries.append(
        {"data": "b", "arm": "first", "seed": 0, "x": 1.0}
    )  # without its twin it counts for nothing
    assert paired(entries, lambda row: row["x"], "first", "second") == each
    assert paired([], lambda row: row["x"], "first", "second") is None


def test_a_reduction_is_that_of_the_geometric_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"data": data, "arm": arm, "seed": k, "x": value}
        for data, plain, modules in (("a", 1.0, 0.5), ("b", 100.0, 50.0))
        for arm, value in (("plain", plain), ("modules", modules))
        for k in range(3)
    ]
    each = scalar_accuracy.reduction(rows, "x")
    assert each is not None
    assert each.mean == pytest.approx(0.5, rel=1e-12)
    assert logarithm("x")({"x": 0.0}) is None


@pytest.mark.parametrize(
    ("factor", "seeds", "verdict"),
    [
        (0.755, 5, "holds"),
        (0.85, 5, "holds in direction, number differs"),
        (1.0, 5, "does not hold"),
        (1.2, 5, "does not hold"),
        (0.755, 2, "cannot be checked here"),
    ],
)
def test_forces_by_the_criterion(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, factor: float, seeds: int, verdict: str
) -> None:
    accuracy(monkeypatch, {"plain": 1.0, "modules": factor, "control": 1.0}, seeds)
    outcome = scalar_accuracy.forces(Context(tmp_path))
    assert outcome.verdict == verdict
    assert outcome.values[0].value == pytest.approx(1 - factor, abs=0.02)


@pytest.mark.parametrize(
    ("control", "verdict"), [(0.95, "holds"), (0.75, "does not hold"), (0.70, "does not hold")]
)
def test_size_explains_it_where_the_control_does_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, control: float, verdict: str
) -> None:
    accuracy(monkeypatch, ARMS | {"control": control})
    assert scalar_accuracy.beyond_size(Context(tmp_path)).verdict == verdict


@pytest.mark.parametrize(
    ("flops", "verdict"),
    [(1050, "holds"), (1120, "holds in direction, number differs"), (1300, "does not hold")],
)
def test_cost_is_the_ratio_of_operations(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flops: int, verdict: str
) -> None:
    recorded(
        monkeypatch, trainings=[training("plain", 0, 1.0), training("modules", 0, 1.0) | {"flops": flops}]
    )
    outcome = scalar_accuracy.cost(Context(tmp_path))
    assert outcome.verdict == verdict
    assert outcome.values[0].value == flops / 1000


@pytest.mark.parametrize(
    ("last", "verdict"),
    [(2, "holds"), (3, "does not hold"), (1, "cannot be checked here"), (None, "cannot be checked here")],
)
def test_where_trained_networks_stop(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, last: int | None, verdict: str
) -> None:
    rows = [
        {"architecture": "nequip", "data": "ethanol", "arm": arm, "seed": k, "boundary": 2, "last_recovered": 2,
         "r2": [1.0, 0.99, 0.9 + 0.001 * k, 0.0]}
        for arm in ARMS
        for k in range(3)
    ]  # fmt: skip
    rows[4]["last_recovered"] = last
    recorded(monkeypatch, diagnoses=rows)
    assert scalar_ceiling.measured(Context(tmp_path)).verdict == verdict
    assert scalar_ceiling.height(Context(tmp_path)).verdict == "does not hold"  # equal heights: within 0.05


@pytest.mark.parametrize(
    ("plain", "modules", "verdict"),
    [
        (-0.2, -0.05, "holds"),
        (-0.2, -0.3, "does not hold"),
        (0.2, 0.05, "does not hold"),
        (0.001, 0.0, "does not hold"),
    ],
)
def test_a_soft_wall_and_its_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plain: float, modules: float, verdict: str
) -> None:
    rows = [
        {
            "architecture": "nequip",
            "data": "silver",
            "arm": arm,
            "seed": k,
            "softening": value * (1 + 0.01 * k),
        }
        for arm, value in (("plain", plain), ("modules", modules))
        for k in range(5)
    ]
    recorded(monkeypatch, artefacts=rows)
    assert scalar_artefacts.repulsion(Context(tmp_path)).verdict == verdict
    assert scalar_artefacts.phonons(Context(tmp_path)).verdict == "cannot be checked here"


def test_data_sets_that_differ_in_sign_decide_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = [
        {"architecture": "nequip", "data": data, "arm": arm, "seed": k, "softening": value * (1 + 0.01 * k)}
        for data, value in (("silver", -0.2), ("silicon", 1.0))
        for arm in ("plain", "modules")
        for k in range(5)
    ]
    recorded(monkeypatch, artefacts=rows)
    outcome = scalar_artefacts.repulsion(Context(tmp_path))
    assert outcome.verdict == "cannot be checked here"
    assert "differ in sign" in outcome.reason


def test_an_interval_that_holds_zero_decides_nothing() -> None:
    wide, cure = Paired(-0.1, -0.3, 0.1, 5, ("a",)), Paired(-0.1, -0.2, -0.05, 5, ("a",))
    assert scalar_artefacts.verdict_of(wide, cure) == "cannot be checked here"
    assert scalar_artefacts.verdict_of(None, None) == "cannot be checked here"


def test_drift_within_its_error_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = [
        {"architecture": "nequip", "data": "silver", "arm": arm, "seed": k, "drift": 1.0 + k, "reference_drift": 1.0,
         "difference_error": 5.0}
        for arm in ("plain", "modules")
        for k in range(5)
    ]  # fmt: skip
    recorded(monkeypatch, artefacts=rows)
    assert scalar_artefacts.drift(Context(tmp_path)).verdict == "does not hold"
    for row in rows:
        row |= {"drift": (50.0 if row["arm"] == "plain" else 10.0) + row["seed"]}
    assert scalar_artefacts.drift(Context(tmp_path)).verdict == "holds"


@pytest.mark.skipif(find_spec("nequip") is None, reason="nequip is not installed")
def test_real_networks_keep_every_number_above_l_0(tmp_path: Path) -> None:
    outcome = scalar_ceiling.exact(Context(tmp_path, quick=True))
    assert outcome.verdict == "holds"
    (table,) = outcome.tables.values()
    for line in table:
        assert line["numbers with l > 0 changed"] == 0
        assert (line["numbers with l = 0 changed"] == 0) == (line["network"] == "plain")
