"""What every result object keeps to: its file, its tables, its plots, its two representations."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from matplotlib.figure import Figure
from typed_results import departures

from spectral_ceilings.diagnostic import Audit, Comparison, Diagnosis, LearningCurves, SymmetryAudit
from spectral_ceilings.diagnostic.auditing.result_types import AuditResult
from spectral_ceilings.diagnostic.comparison.result_types import ComparisonResult
from spectral_ceilings.diagnostic.curves.result_types import LearningCurvesResult
from spectral_ceilings.diagnostic.measurement.result_types import DiagnosisResult
from spectral_ceilings.diagnostic.records.job_result import JobResult
from spectral_ceilings.diagnostic.symmetry.result_types import SymmetryResult
from spectral_ceilings.theory import InputError

#: What each job's result holds, field by field.
TYPES: dict[type[JobResult], Any] = {
    Audit: AuditResult,
    Comparison: ComparisonResult,
    Diagnosis: DiagnosisResult,
    LearningCurves: LearningCurvesResult,
    SymmetryAudit: SymmetryResult,
}


def check_result(result: Any, kind: type[JobResult], folder: Path) -> None:
    """Check a real result of a job: schema, file, tables, plots on given axes, representations."""
    assert type(result) is kind
    if kind in TYPES:
        assert not list(departures(dict(result), TYPES[kind]))
    jsonschema.Draft202012Validator.check_schema(kind.schema())
    jsonschema.Draft202012Validator(kind.schema()).validate(json.loads(json.dumps(result)))
    path = result.save(folder / "saved")
    assert path.name == kind.file_name
    assert kind.load(folder / "saved") == kind.load(path) == result
    for table in kind.table_names:
        rows = result.rows(table)
        assert len(result.to_dataframe(table)) == len(rows)
        for field, value in (rows[0] if rows else {}).items():
            if not isinstance(value, (list, dict)):
                assert rows[0] in result.rows(table, **{field: value})
    with pytest.raises(InputError, match="no field of the table"):
        result.rows(no_such_field=1)
    assert result.plots
    for name in result.plots:
        axes = Figure(figsize=(5, 4), layout="constrained").subplots()
        assert result.plot(name, axes) is axes
        assert axes.figure.axes == [axes]
        assert axes.lines or axes.patches or axes.collections or axes.texts
        axes.figure.savefig(io.BytesIO(), format="svg")
    with pytest.raises(InputError, match=result.plots[0]):
        result.plot("no such plot")
    assert repr(result).startswith(f"<{kind.__name__}, ")
    assert len(repr(result)) < 900
    assert "without all of its fields" not in repr(result)
    assert result._repr_html_().startswith("<div")


def check_refusals(
    result: Mapping[str, Any],
    kind: type[JobResult],
    folder: Path,
    changes: Mapping[str, Callable[[dict[str, Any]], object]],
) -> None:
    """Check that a file changed in one place is refused with a sentence that names the place."""
    for place, change in {**changes, "schema": lambda content: content.update(schema="another/1")}.items():
        content = copy.deepcopy(dict(result))
        change(content)
        path = folder / kind.file_name
        path.write_text(json.dumps(content))
        with pytest.raises(InputError) as told:
            kind.load(path)
        assert place in str(told.value)
        assert str(path) in str(told.value)
        with pytest.raises(InputError, match=r"schema|expected|lacks"):
            kind(content).save(folder / "elsewhere")
