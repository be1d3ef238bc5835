"""No wrong verdict on models of known answer; `python -m benchmarks.verdict_fuzz --models 500` draws more of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def fuzz() -> Iterator[ModuleType]:
    sys.path.insert(0, str(_ROOT))
    import benchmarks.verdict_fuzz

    yield benchmarks.verdict_fuzz
    sys.path.remove(str(_ROOT))
    for name in [name for name in sys.modules if name.split(".")[0] == "benchmarks"]:
        del sys.modules[name]


@pytest.mark.parametrize(("job", "models"), [("audit", 50), ("diagnose", 40), ("symmetry", 10)])
def test_no_verdict_is_wrong(fuzz: ModuleType, job: str, models: int) -> None:
    @settings(
        max_examples=models, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def every(data: Any) -> None:
        case = fuzz.draw(lambda options: data.draw(st.sampled_from(options)), job)
        result = fuzz.judge(case)
        assert not result.wrong, f"{result.wrong}: {case.words}: {result.sentence}"

    every()


def test_a_wrong_verdict_is_called_wrong(fuzz: ModuleType) -> None:
    """The judge itself: each outcome that is not allowed, a statement the wrong way round, a crash and a refusal."""

    def case(allowed: set[str], run: Any, **statements: bool) -> Any:
        return fuzz.Case("audit", "holds", "made up", frozenset(allowed), statements, run)

    def verdict(outcome: str, **held: bool | None) -> Any:
        statements = [{"name": name, "held": one} for name, one in held.items()]
        return lambda: {"outcome": outcome, "sentence": "", "statements": statements}

    def raises() -> Any:
        raise ZeroDivisionError

    assert fuzz.judge(case({"held"}, verdict("held"))).wrong == ""
    assert "contradicted" in fuzz.judge(case({"held"}, verdict("contradicted"))).wrong
    assert "held" in fuzz.judge(case({"contradicted"}, verdict("held"))).wrong
    assert "rotation" in fuzz.judge(case({"held"}, verdict("held", rotation=True), rotation=False)).wrong
    assert fuzz.judge(case({"held"}, verdict("held", rotation=None), rotation=False)).wrong == ""
    assert fuzz.judge(case({"held"}, raises)).wrong == "crashed"
    assert fuzz.main(["--models", "2", "--jobs", "audit", "--seed", "3"]) == 0


def test_deviations_of_the_known_term_are_what_a_quadrature_gives(fuzz: ModuleType) -> None:
    """P_l of a bond's angle with an axis has the mean square 1/(2l+1); what the fuzz expects is what is measured."""
    from ase import Atoms

    from benchmarks.verdict_models import Potential, rotation_deviation
    from spectral_ceilings.diagnostic import symmetry_breaking

    atoms = Atoms("CO2", [[0.0, 0, 0], [1.2, 0, 0], [-1.1, 0.3, 0]])
    atoms.positions -= atoms.positions.mean(axis=0)
    bond = atoms.get_distance(0, 1)
    for l in (1, 2, 3):
        measured = symmetry_breaking(Potential("rotation", 0.01, l), atoms, l_top=l + 1)
        energy, force = rotation_deviation(0.01, l, bond, 3)
        # powers are exact for a function of degree l; the pair terms, invariant, leave their rounding of 1e-15 eV
        assert measured.energy_rms == pytest.approx(energy, rel=1e-9)
        assert measured.force_rms == pytest.approx(force, rel=1e-9)
    assert np.isclose(rotation_deviation(1.0, 0, 1.0, 3)[1], 0.0)
