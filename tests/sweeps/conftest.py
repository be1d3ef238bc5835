"""Sweeps of commands that take milliseconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.sweeps.run_sweep import sweep
from spectral_ceilings.sweeps.sweep_result import SweepResult

SUPPORT = Path(__file__).parents[1] / "support"
JOBS = "quick_jobs:QuickJobs"


@pytest.fixture(autouse=True)
def workers_see_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., SweepResult]:
    """Return what runs stages in ``tmp_path/sweep``."""

    def do(*stages: dict[str, Any], out: Path | None = None, **settings: Any) -> SweepResult:
        return sweep(
            {"stages": list(stages)}, out or tmp_path / "sweep", jobs=JOBS, **{"workers": 1, **settings}
        )

    return do
