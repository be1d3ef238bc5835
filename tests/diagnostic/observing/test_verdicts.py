"""Verdicts and their words: what decides, what is said of it, what predictions agree with, when a thermostat has settled."""

from __future__ import annotations

import copy
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.observing.comparing import comparison_of
from spectral_ceilings.diagnostic.observing.cures import cures_table
from spectral_ceilings.diagnostic.observing.deviations import Deviation, is_reserved
from spectral_ceilings.diagnostic.observing.notes import notes_on, reserved_drift, warmed
from spectral_ceilings.diagnostic.observing.sentences import (
    drift_words,
    outcome_words,
    summary,
    undecided_sentence,
)
from spectral_ceilings.diagnostic.observing.settings import ObserveSettings
from spectral_ceilings.diagnostic.observing.verdict import judged_cure, verdict
from spectral_ceilings.diagnostic.records.outcomes import HELD

from synthetic_observation import number, synthetic_observation


def judged(result: dict, **tolerances: float) -> dict:
    return verdict(
        result["observables"],
        result["runs"],
        result["comparison"],
        reference="grid-2-inversion",
        tolerances=tolerances,
    )


def with_outcome(result: dict, name: str, cure: str, outcome: str) -> dict:
    changed = copy.deepcopy(result)
    changed["observables"][name][cure]["outcome"] = outcome
    return changed


@pytest.mark.parametrize("outcome", ["held", "contradicted", "undecided"])
def test_the_bare_model_decides_and_no_cure_does(outcome):
    result = synthetic_observation()
    assert judged(with_outcome(result, "orientation", "none", outcome))["outcome"] == outcome
    assert judged(with_outcome(result, "orientation", "grid-2", outcome))["outcome"] == "held"
    assert judged_cure(("grid-2", "none")) == "none"
    assert judged_cure(("grid-2", "inversion")) == "grid-2"


def test_what_has_no_exact_answer_is_held_against_the_most_exact_cure_where_a_tolerance_is_given():
    result = synthetic_observation()

    def row(**tolerances):
        return next(s for s in judged(result, **tolerances)["statements"] if s["name"] == "rdf")

    # none differs by a root mean square of about .02 from the reference; noise .014
    assert row()["outcome"] == "nothing tested"
    assert row(rdf=0.1)["outcome"] == "held"
    assert row(rdf=1e-6)["outcome"] in ("contradicted", "undecided")
    assert "Against the run with grid-2-inversion" in row(rdf=0.1)["sentence"]


def trace(label: str, level: float, error: list[float] | None) -> dict:
    return {"label": label, "x_label": "time, ps", "y_label": "energy, meV/atom", "x": [0.0, 1.0, 2.0],
            "y": [level, level + 1.0, level], "error": error, "half_width": error, "expected": None}  # fmt: skip


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5), st.booleans())
def test_what_has_no_statistical_error_takes_part_in_no_verdict(levels, earlier):
    """Records of single runs, which earlier results hold with errors of zero, change neither verdict nor table."""
    result = synthetic_observation()
    for cure, row in result["observables"]["rdf"].items():
        row["curves"] = []
        bare = copy.deepcopy(result)
        row["curves"] = [
            trace(f"run {k + 1}", level * (cure == "none"), [0.0] * 3 if earlier else None)
            for k, level in enumerate(levels)
        ]
        row["numbers"].append(number("constant", levels[0], 0.0, expected=None))
    for row in bare["observables"]["rdf"].values():
        row["curves"] = []
    with_traces, without = judged(result, rdf=1e-3), judged(bare, rdf=1e-3)
    assert with_traces["statements"] == without["statements"]
    said = next(row["sentence"] for row in with_traces["statements"] if row["name"] == "rdf")
    assert "first peak OO differs by" in said
    entries = [
        {row["cure"]: row["errors"].get("rdf") for row in cures_table(each)["rows"]}
        for each in (result, bare)
    ]
    assert entries[0] == entries[1]


def test_a_run_that_ended_early_leaves_nothing_held():
    result = synthetic_observation()
    result["runs"][2]["ended"] = "a bond broke"
    said = judged(result)
    assert (said["outcome"], said["held"]) == ("undecided", None)
    assert said["statements"][0]["name"] == "runs"
    assert "a bond broke" in said["sentence"]


@given(
    st.lists(st.sampled_from(["held", "contradicted", "undecided", "nothing tested"]), min_size=1, max_size=4)
)
def test_held_belongs_to_the_outcome(outcomes):
    result = synthetic_observation(("none",))
    for name, outcome in zip(result["observables"], outcomes, strict=False):
        result["observables"][name]["none"]["outcome"] = outcome
    said = judged(result)
    assert said["held"] == HELD[said["outcome"]]
    assert all(row["held"] == HELD[row["outcome"]] for row in said["statements"])


@pytest.mark.parametrize("name", ["orientation", "torque", "drift", "temperature", "msd"])
def test_no_word_says_that_theory_fails(name):
    kind, words = outcome_words(name, {"outcome": "contradicted"})
    assert kind == "broken"
    assert "theory" not in words
    assert "contradict" not in words


def test_a_summary_names_each_observable_in_its_group():
    outcomes = {"a": "held", "b": "contradicted", "c": "held"}
    statements = [{"name": name, "outcome": outcome} for name, outcome in outcomes.items()]
    statements.append({"name": "prediction", "outcome": "held", "decides": False})
    said = summary(statements, {"a": "First", "b": "Second", "c": "Third"})
    assert said == "Outside the tolerance: second. Within tolerance: first, third."


def deviation(value: float, half: float, tolerance: float) -> Deviation:
    return Deviation(
        "x", "", None, value, half / 2, max(0.0, value - half), value + half, tolerance, "isotropic"
    )


@given(st.floats(0, 1), st.floats(1e-3, 1), st.floats(1e-2, 1))
def test_the_run_that_would_decide_does(value, half, tolerance):
    """Errors shrink with the root of the time; then the interval is on one side, at the deviation as it is or at zero."""
    row = deviation(value, half, tolerance)
    if row.longer is None:
        assert value == tolerance
        return
    shrunk = half / math.sqrt(row.longer) if row.longer > 0 else 0.0
    slack = 1e-9
    stays = value + shrunk <= tolerance + slack or value - shrunk >= tolerance - slack
    zero = row.low == 0 and shrunk <= tolerance + slack
    assert stays or zero


def entry(**fields):
    return {"longer": 3.0, "enough": True, "sampled": True, "least": 0.0} | fields


@pytest.mark.parametrize(("fields", "words"), [
    ({}, "longer runs (about 3 times) would decide, first for none"),
    ({"longer": 31179.0}, "longer runs of this kind cannot decide it (more than 100 times), but the prediction from energies"),
    ({"enough": False}, "too short to tell an error"),
    ({"enough": False, "sampled": False}, "these runs do not sample it, for the reason"),
    ({"least": 2.0}, "all are off by more than the tolerance"),
])  # fmt: skip
def test_advice_on_longer_runs(fields, words):
    said = undecided_sentence("Torque", "torque", [{"cure": "none", "errors": {"torque": entry(**fields)}}])
    assert words in said
    assert "31,179" not in said


@pytest.mark.parametrize(("drift", "error", "tolerance", "words"), [
    (14.0, 0.4, 20.0, "drift 14.0 ± 0.8 meV/atom/ns"),
    (8800.0, 30.0, 20.0, "more than the 20 that is tolerated"),
    (-19.9, 1.0, 20.0, "not shown to be within the tolerated 20"),
    (14.0, 0.4, None, "drift 14.0 ± 0.8 meV/atom/ns"),
])  # fmt: skip
def test_the_drift_of_a_cure_is_said_and_held_against_its_tolerance(drift, error, tolerance, words):
    row = {"drift": drift, "drift_error": error, "errors": {}}
    said = drift_words(row, tolerance)
    assert said.endswith(words) or words in said
    assert ("tolerated" in said) == (tolerance is not None and abs(drift) + 1.96 * error > tolerance)
    assert drift_words({"drift": None, "drift_error": None, "errors": {}}, tolerance) == ""
    settling = row | {
        "errors": {"drift": {"value": abs(drift), "high": abs(drift) + error, "sampled": False}}
    }
    assert drift_words(settling, tolerance).endswith("while the thermostat settles, so that it is not judged")


def test_relaxed_energies_are_not_decided_by_longer_runs():
    said = undecided_sentence(
        "Relaxed energies", "relaxation", [{"cure": "none", "errors": {"relaxation": entry()}}]
    )
    assert said.endswith("; a closer relaxation would decide.")


@pytest.mark.parametrize("outcome", ["held", "contradicted"])
def test_a_drift_while_the_thermostat_settles_is_said_to_be_undecided(outcome):
    clause = "outside the tolerance, drift is 9" if outcome == "contradicted" else "drift is 9"
    row = {"outcome": outcome, "sentence": f"Drift of the conserved quantity: {clause}."}
    reserved = reserved_drift(row, ObserveSettings(steps=100, equilibration=10))
    assert reserved["outcome"] == "undecided"
    assert reserved["sentence"].startswith(
        "Drift of the conserved quantity: undecided, drift is 9. The thermostat"
    )


def test_a_cure_whose_drift_is_not_tolerated_says_so():
    sentence = cures_table(synthetic_observation())["sufficient"]["orientation"]["sentence"]
    assert "a new random rotation at every evaluation is enough" in sentence
    assert "more than the 20 that is tolerated: enough for this observable, not for the energy" in sentence


def test_what_a_run_does_not_sample_is_neither_sufficient_nor_short():
    result = synthetic_observation(("none", "grid-2"))
    for row in result["observables"]["orientation"].values():
        row["outcome"] = "undecided"
        for each in row["numbers"]:
            each["outcome"] = "held" if each["tolerance"] is not None else "nothing tested"
    assert all(is_reserved(row) for row in result["observables"]["orientation"].values())
    choice = cures_table(result)["sufficient"]["orientation"]
    assert choice["cure"] is None
    assert "do not sample it" in choice["sentence"]


def compared(value: float, predicted: float, half: float, tolerance: float) -> bool | None:
    row = number("<P_1>", value, half / 2, l=1, tolerance=tolerance) | {"half_width": half}
    prediction = {"legendre": [predicted], "legendre_first": [predicted], "legendre_error": None}
    observables = {"orientation": {"none": {"outcome": "undecided", "numbers": [row]}}}
    return comparison_of(prediction, observables, "none")[0]["agrees"]


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(1e-3, 1), st.floats(1e-3, 1))
def test_a_prediction_agrees_within_errors_or_a_twentieth_of_what_is_tolerated(
    value, predicted, half, tolerance
):
    assert compared(value, predicted, half, tolerance) == (
        abs(value - predicted) <= max(half, tolerance / 20)
    )


@pytest.mark.parametrize("why", ["a short power", "the start alone"])
def test_a_prediction_is_not_held_against_a_run_that_does_not_sample_orientations(why):
    row = number("<P_4>", -0.08, 0.02, l=1, tolerance=0.05) | {"half_width": 0.04, "outcome": "undecided"}
    power = number("power at l = 6", 0.0, 0.5, l=6, tolerance=0.03) | {
        "half_width": 7.0,
        "outcome": "undecided",
    }
    observables = {"orientation": {"none": {"outcome": "undecided", "numbers": [row, power]}}}
    prediction = {"legendre": [0.004], "legendre_first": [0.0], "legendre_error": None}
    assert comparison_of(prediction, observables, "none")[0]["agrees"] is False
    if why == "a short power":
        power["enough"] = False
    else:
        row["outcome"] = power["outcome"] = "contradicted"
    assert comparison_of(prediction, observables, "none")[0]["agrees"] is None


def test_a_prediction_of_the_bare_model_alone():
    assert comparison_of({"legendre": []}, {}, "grid-2") == []


def test_a_thermostat_needs_four_relaxation_times():
    assert warmed(ObserveSettings())
    assert warmed(ObserveSettings(equilibration=800))
    assert not warmed(ObserveSettings(equilibration=790))
    assert "--equilibration 800" in notes_on(ObserveSettings(equilibration=50))[0]
    for quiet in (
        ObserveSettings(equilibration=50, ensemble="nve"),
        ObserveSettings(equilibration=50, observables=("relaxation",)),
    ):
        assert notes_on(quiet) == []


@pytest.mark.parametrize("outcome", ["held", "contradicted"])
def test_the_slope_of_a_transient_is_undecided(outcome):
    row = {"outcome": outcome, "sentence": "Drift: outside the tolerance, drift is 2060."}
    for short in (ObserveSettings(equilibration=50), ObserveSettings(steps=200)):
        made = reserved_drift(row, short)
        assert made["outcome"] == "undecided"
        assert "outside the tolerance" not in made["sentence"]
        assert "at least 800" in made["sentence"]
    assert reserved_drift(row, ObserveSettings()) is row
    assert reserved_drift(row, ObserveSettings(steps=200, ensemble="nve")) is row
