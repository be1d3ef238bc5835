"""Claims on broken symmetry: the exact one on the shipped model, and verdicts by their criteria on made-up records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.paper_checks import broken_records, broken_rules, broken_runs
from spectral_ceilings.paper_checks.context import Context
from spectral_ceilings.paper_checks.registry import claims
from spectral_ceilings.paper_checks.run import procedure
from spectral_ceilings.theory.errors import InputError

#: The part of the record that a check of dynamics reads.
MEASURED_BY = {
    "broken_runs:torque": "gas", "broken_runs:random_drift": "liquid", "broken_runs:multiple_time_step": "gas",
    "broken_runs:gas_orientation": "orientation", "broken_runs:prediction": "orientation", "broken_runs:bulk": "liquid",
    "broken_runs:ice": "ice", "broken_rules:exact": "exact",
}  # fmt: skip


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(out=tmp_path, paper="broken-symmetry")


def recorded(monkeypatch: pytest.MonkeyPatch, **parts: list[dict[str, Any]]) -> None:
    content = {"schema": broken_records.SCHEMA, "commands": ["python -m benchmarks.x"], **parts}
    monkeypatch.setattr(broken_records, "record", lambda: content)


def ladder(energies: tuple[float, ...], error: float = 0.001) -> list[dict[str, Any]]:
    return [
        {"arm": arm, "case": case, "rule": rule, "evaluations": 1, "energy": energy, "energy_error": error,
         "force": energy, "force_error": error}
        for arm in broken_records.ARMS
        for case in broken_rules.CASES
        for rule, energy in zip(broken_records.RULES, energies, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("removed", "left", "verdict"),
    [(1e-10, 1e-4, "holds"), (1e-8, 1e-4, "does not hold"), (1e-10, 1e-10, "does not hold")],
)
def test_exact_is_what_the_most_exact_projection_shows(
    monkeypatch: pytest.MonkeyPatch, context: Context, removed: float, left: float, verdict: str
) -> None:
    made = [
        {"rule": rule, "exact_to": degree, "projected_to": grid, "evaluations": 1,
         "amplitudes": [size] * degree + [left] * (4 - degree)}
        for rule, degree in (("2", 2), ("3", 4))
        for grid, size in ((20, removed), (8, 1e-5))
    ]  # fmt: skip
    recorded(monkeypatch, exact=made)
    assert broken_rules.exact(context).verdict == verdict


def test_every_claim_has_its_check_and_the_record_ships() -> None:
    for claim in claims("broken-symmetry"):
        assert callable(procedure(claim))
    assert {row["rule"] for row in broken_records.rows("rules", arm="plain", case="box")} == {
        *broken_records.RULES,
        "by l",
    }


def test_every_claim_is_decided_on_the_record_that_ships(context: Context) -> None:
    for claim in claims("broken-symmetry"):
        part = MEASURED_BY.get(claim.check, "rules")
        if part not in broken_records.record():  # not measured yet: the run says so
            with pytest.raises(InputError, match="is not in the record"):
                procedure(claim)(context)
            continue
        outcome = procedure(claim)(context)
        assert not (claim.must_hold and outcome.verdict == "does not hold"), claim.id
        assert outcome.sentence
        assert outcome.values


@pytest.mark.parametrize(
    ("energies", "verdict"),
    [
        ((5.0, 2.0, 0.5, 0.2, 0.1), "holds"),
        ((5.0, 2.0, 0.5, 0.501, 0.1), "holds in direction, number differs"),
        ((5.0, 2.0, 0.5, 0.6, 0.1), "does not hold"),
        ((5.0, 2.0, 1.9, 1.901, 1.0), "cannot be checked here"),
    ],
)
def test_rules_fall_by_the_criterion(
    monkeypatch: pytest.MonkeyPatch, context: Context, energies: tuple[float, ...], verdict: str
) -> None:
    recorded(monkeypatch, rules=ladder(energies))
    assert broken_rules.fall(context).verdict == verdict


@pytest.mark.parametrize(
    ("left", "verdict"),
    [(0.05, "holds"), (0.2, "holds in direction, number differs"), (0.3, "does not hold")],
)
def test_fast_is_what_rule_2i_leaves(
    monkeypatch: pytest.MonkeyPatch, context: Context, left: float, verdict: str
) -> None:
    recorded(monkeypatch, rules=ladder((1.0, 0.5, 0.4, left, 0.01)))
    assert broken_rules.fast(context).verdict == verdict


def turning(measured: float, predicted: float, error: float = 0.001) -> dict[str, Any]:
    numbers = {"measured": measured, "error": error, "predicted": predicted, "first": predicted}
    told = {"spread": 0.1, "highest": 0.2, "lowest": -0.2}
    head = {"arm": "plain", "rule": "none", "beta_rms": 0.1, "free_energy": told}
    return head | {key: [value] * 24 for key, value in numbers.items()}


@pytest.mark.parametrize(
    ("measured", "predicted", "verdict"),
    [
        (0.1, 0.1005, "holds"),  # within noise
        (0.1, 0.095, "holds"),  # beyond noise, a twentieth
        (0.1, 0.07, "holds in direction, number differs"),
        (0.1, 0.0, "does not hold"),
        (0.1, -0.1, "does not hold"),
    ],
)
def test_prediction_is_held_against_noise(
    monkeypatch: pytest.MonkeyPatch, context: Context, measured: float, predicted: float, verdict: str
) -> None:
    recorded(monkeypatch, orientation=[turning(measured, predicted)])
    assert broken_runs.prediction(context).verdict == verdict


def test_a_flat_distribution_is_not_visible(monkeypatch: pytest.MonkeyPatch, context: Context) -> None:
    recorded(monkeypatch, orientation=[turning(0.0005, 0.0)])
    assert broken_runs.gas_orientation(context).verdict == "does not hold"
    recorded(monkeypatch, orientation=[turning(0.1, 0.0)])
    assert broken_runs.gas_orientation(context).verdict == "holds"


@pytest.mark.parametrize(
    ("mean", "error", "outcome", "verdict"),
    [
        (0.01, 0.01, "held", "holds"),
        (0.5, 0.01, "contradicted", "does not hold"),
        (0.1, 0.2, "held", "cannot be checked here"),
        (0.01, 0.01, "undecided", "cannot be checked here"),
        (0.5, 0.01, "undecided", "cannot be checked here"),
    ],
)
def test_the_bulk_is_decided_only_with_small_errors_of_molecules_that_turned(
    monkeypatch: pytest.MonkeyPatch, context: Context, mean: float, error: float, outcome: str, verdict: str
) -> None:
    row = {
        "arm": "plain",
        "cure": "none",
        "outcomes": {"orientation": [outcome, ""]},
        "measured": [mean] * 24,
        "error": [error] * 24,
        "g_peak": 3.0,
        "g_position": 2.8,
    }
    recorded(monkeypatch, liquid=[row])
    assert broken_runs.bulk(context).verdict == verdict


@pytest.mark.parametrize(
    ("still", "moved", "verdict"),
    [
        ((15.0, 18.0), (38_000.0, 3_000.0), "holds"),
        ((15.0, 18.0), (300.0, 50.0), "holds in direction, number differs"),
        ((-3.0, 3.0), (200.0, 2_800.0), "cannot be checked here"),
        ((15.0, 1.0), (5.0, 2.0), "does not hold"),
        ((15.0, 18.0), (-38_000.0, 3_000.0), "does not hold"),
    ],
)
def test_heating_is_decided_by_intervals(
    monkeypatch: pytest.MonkeyPatch,
    context: Context,
    still: tuple[float, float],
    moved: tuple[float, float],
    verdict: str,
) -> None:
    made = [
        {"arm": arm, "cure": cure, "numbers": {"drift": list(drift)}}
        for arm in broken_records.ARMS
        for cure, drift in (("none", still), ("random", moved))
    ]
    recorded(monkeypatch, liquid=made, gas=[])
    assert broken_runs.random_drift(context).verdict == verdict
    recorded(monkeypatch, liquid=made[:2], gas=[])
    assert broken_runs.random_drift(context).verdict == "cannot be checked here"


@pytest.mark.parametrize(
    ("energies", "forces", "error", "verdict"),
    [
        ((2.0, 1.5, 1.2), (2.0, 1.5, 1.2), 0.01, "holds"),
        ((1.5, 1.2, 1.1), (1.2, 1.3, 1.7), 0.1, "holds in direction, number differs"),
        ((1.5, 1.2, 1.1), (1.2, 1.3, 1.7), 0.9, "cannot be checked here"),
        ((0.5, 1.2, 1.1), (1.2, 1.3, 1.7), 0.01, "does not hold"),
    ],
)
def test_augmentation_is_decided_by_its_errors(
    monkeypatch: pytest.MonkeyPatch,
    context: Context,
    energies: tuple[float, ...],
    forces: tuple[float, ...],
    error: float,
    verdict: str,
) -> None:
    made = [
        {"arm": arm, "case": case, "rule": "none", "evaluations": 1, "energy": energy if arm == "plain" else 1.0,
         "force": force if arm == "plain" else 1.0, "energy_error": error, "force_error": error}
        for case, energy, force in zip(broken_rules.CASES, energies, forces, strict=True)
        for arm in broken_records.ARMS
    ]  # fmt: skip
    recorded(monkeypatch, rules=made)
    assert broken_rules.augmentation(context).verdict == verdict
