"""The first screen follows the numbers: each state of a run, what qualifies it, and what it tells a reader to do."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.measurement.result import judged_rows
from spectral_ceilings.diagnostic.measurement.verdict import judge, overall
from spectral_ceilings.diagnostic.report import atoms, contents, subject
from spectral_ceilings.diagnostic.report.first_screen import advice, banner, findings, state_of
from spectral_ceilings.diagnostic.report.report import render_report
from spectral_ceilings.theory import Ceiling

from synthetic_result import synthetic_result


@pytest.fixture
def result() -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(synthetic_result())
    return made


def changed(result: dict[str, Any], l: int, verdict: str) -> dict[str, Any]:
    """Return the result with another verdict of the quadratic free readout at one l, judged again."""
    for row in result["recovery"]:
        if (row["readout"], row["degree"], row["scope"], row["l"]) == ("free", 2, "molecule", l):
            row["verdict"] = verdict
    return judged(result)


def judged(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result with the verdict that its rows give."""
    verdicts = [judge(list(judged_rows(result)[degree]), Ceiling(degree, 2)) for degree in (1, 2, 3)]
    info = BackboneInfo("runs/demo", "nequip", trained=True)
    result["verdict"] = overall(verdicts, 2, "free", "layer1", info, 8)
    return result


def test_a_run_that_held_is_green_and_says_what_it_found(result: dict[str, Any]) -> None:
    assert banner(result).classes.startswith("verdict held")
    assert not banner(result).remarks
    assert (
        "ℓ = 4, the free readout recovers 96 %; of the next finer one, ℓ = 5, nothing." in findings(result)[0]
    )
    assert "training will not help" in advice(result)[0]


def test_without_controls_it_is_not_plainly_green_and_says_what_was_not_tested(
    result: dict[str, Any],
) -> None:
    result["controls"] = []
    box = banner(result)
    assert "qualified" in box.classes
    assert box.title == "✓ Theory held, without controls"
    for words in ("untrained backbone", "random rotations", "nothing is injected"):
        assert words in box.remarks[0]
    assert "with the controls" in advice(result)[0]


def test_a_control_that_is_missing_is_named_in_its_section(result: dict[str, Any]) -> None:
    result["controls"] = [control for control in result["controls"] if control["name"] != "untrained"]
    section = next(part for part in contents.sections_of(result, {}) if part.anchor == "controls")
    words = " ".join(str(part) for part in section.parts)
    assert "Not run, and not tested: an untrained backbone" in words
    assert "frames as they are stored" not in words
    assert "Not run" not in str(contents.sections_of(synthetic_result(), {})[3].parts)


@pytest.mark.parametrize(
    ("l", "verdict", "state", "said", "do"),
    [
        (
            5,
            "recovered",
            "failed",
            "Something above a ceiling is recovered, at ℓ = 5,",
            "Look for the error first",
        ),
        (6, "undecided", "undecided", "At ℓ = 6 the intervals are too wide", "Use more frames"),
        (3, "undecided", "undecided", "At ℓ = 3 the intervals are too wide", "Use more frames"),
        (3, "not recovered", "short", "At ℓ = 3 these features recover less", "which atoms are low"),
    ],
)
def test_what_did_not_hold_is_told_apart(
    result: dict[str, Any], l: int, verdict: str, state: str, said: str, do: str
) -> None:
    changed(result, l, verdict)
    assert state_of(result) == state
    assert said in findings(result)[0]
    assert do in advice(result)[0]


def test_a_contradiction_is_not_softened_by_what_is_open(result: dict[str, Any]) -> None:
    assert state_of(changed(changed(result, 6, "undecided"), 5, "recovered")) == "failed"


def test_the_equivariant_readout_alone_holds_nothing_against_theory(result: dict[str, Any]) -> None:
    result["recovery"] = [row for row in result["recovery"] if row["readout"] == "equivariant"]
    assert state_of(result) == "unjudged"
    assert "symmetry leaves it no term at all" in findings(result)[0]
    assert "Fit the free readout" in advice(result)[0]


def test_a_ceiling_that_nothing_was_injected_above_is_not_tested(result: dict[str, Any]) -> None:
    result["recovery"] = [row for row in result["recovery"] if row["l"] <= 2]
    assert state_of(result) == "unjudged"
    assert "up to ℓ = 5" in advice(result)[0]


@pytest.mark.parametrize(
    ("measured", "caption"),
    [
        (21, "18 of 21 atoms have a neighbour"),
        (2, "2 of the molecule’s 21 atoms were measured. Each of them has a neighbour"),
        (1, "1 of the molecule’s 21 atoms were measured. The one has a neighbour"),
    ],
)
def test_the_atoms_of_a_part_are_not_called_all(result: dict[str, Any], measured: int, caption: str) -> None:
    result["atoms"] = result["atoms"][:measured]
    table = atoms.atoms_table(result)
    assert table.caption.startswith(caption)
    assert len(table.rows) == measured
    every = [atom for atom in result["atoms"] if atom["marked_neighbour"] is not None]
    result["atoms"], result["data"]["numbers"] = every, [6] * len(every)
    assert (
        atoms.atoms_table(result).caption
        == "Every atom has a neighbour that chemistry tells from its others."
    )


def test_frames_that_the_backbone_does_not_know_stand_in_the_box(result: dict[str, Any]) -> None:
    sentence = (
        "The backbone does not know these frames: on these frames its forces miss by 1.7 eV/Å on average."
    )
    result["checks"]["force_error"] = {
        "mae_eV_A": 1.7, "rms_eV_A": 2.0, "relative": 1.1, "recorded_mae_eV_A": 0.05, "foreign": True, "sentence": sentence,
    }  # fmt: skip
    box = banner(result)
    assert box.remarks == [sentence]
    assert "qualified" in box.classes
    assert "check the units" in advice(result)[0]
    shown = dict(subject._force_errors(result))
    assert shown["Force error on these frames (MAE)"] == "1700.0 meV/Å; in RMS 110 % of the forces"
    result["checks"]["force_error"] |= {"mae_eV_A": None, "rms_eV_A": None, "relative": None, "foreign": None}
    assert subject._force_errors(result) == [("Force error", "the model gives no forces")]
    assert not banner(result).remarks


def test_checks_that_were_overruled_are_shown(result: dict[str, Any]) -> None:
    result["data"]["overruled"] = {"energy slope": "the energies fall by 3 times the work of the forces"}
    said = f"Overruled for {result['data']['source']}, energy slope: the energies fall by 3 times the work of the forces."
    assert banner(result).remarks == [said]
    assert ("Overruled", said) in [(name, str(value)) for name, value in subject.data_facts(result).entries]


def test_a_backbone_of_unknown_training_is_called_neither(result: dict[str, Any]) -> None:
    result["model"]["trained"] = None
    page = render_report(result)
    assert "What readouts of a NequIP model recover" in page
    assert dict(subject.model_facts(result)[0].entries)["Model"] == "NequIP"  # type: ignore[union-attr]
