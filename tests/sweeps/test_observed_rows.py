"""Rows of a sweep from runs of ``ceilings observe``: every number of every observable and cure, in columns of the right kind."""

from __future__ import annotations

import pytest

from spectral_ceilings.sweeps.table_files import typed
from spectral_ceilings.sweeps.tables import columns_of, outcome_of, rows_of

from synthetic_observation import CURES, synthetic_observation


def test_every_number_is_a_row_with_what_its_run_cost() -> None:
    result = synthetic_observation()
    result["runs"][0]["ended"] = "a bond broke"
    columns = columns_of(["observe"])
    rows = list(rows_of("observe", "observed", result))
    wanted = [
        (name, cure, number["label"], number["value"], number["error"])
        for name, by_cure in result["observables"].items()
        for cure, measured in by_cure.items()
        for number in measured["numbers"]
    ]
    assert [
        tuple(row[key] for key in ("observable", "cure", "label", "value", "error")) for row in rows
    ] == wanted
    for row in rows:
        assert list(row) == list(columns)
        assert {name: typed(value, columns[name]) for name, value in row.items()} == row
        assert row["evaluations"] == CURES[row["cure"]][0]
        assert row["ended"] == ("a bond broke" if row["cure"] == "none" else "")
    assert outcome_of([("observed", result)]) == "contradicted"


def test_a_file_of_another_job_is_refused() -> None:
    with pytest.raises(ValueError, match="observe"):
        list(rows_of("observe", "observed", {"runs": [], "observables": {"torque": {"none": {}}}}))
