"""The sweeps of angular terms that ship: balanced signs in every setting; and the table that is made from their records."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.angular_terms import rows_of, table
from spectral_ceilings.sweeps.definition import read_definition

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["sweep-angular-terms.yaml", "sweep-angular-terms-mace.yaml"])
def test_every_setting_of_the_sweeps_has_balanced_orthogonal_signs(name: str) -> None:
    settings: dict[tuple[Any, ...], list[list[int]]] = defaultdict(list)
    for stage in read_definition(EXAMPLES / name).stages:
        for cell in stage.combinations:
            signed = [int(piece) for piece in cell["angular-term"].split(",")]
            rest = tuple(sorted((key, value) for key, value in cell.items() if key != "angular-term"))
            settings[stage.name, rest, tuple(abs(term) for term in signed)].append(
                [np.sign(t) for t in signed]
            )
    for signs in settings.values():
        columns = np.array(signs)
        np.testing.assert_array_equal(columns.sum(axis=0), 0)
        np.testing.assert_array_equal(columns.T @ columns, len(columns) * np.eye(columns.shape[1]))


def record(seed: int, signs: tuple[int, int], learned: tuple[float, float]) -> dict[str, Any]:
    terms = [
        {"l": l, "sign": sign, "learned": value}
        for l, sign, value in zip((3, 5), signs, learned, strict=True)
    ]
    return {
        "builder": {"l_max": 1, "max_ell": 2, "r_max": 1.7, "num_layers": 1},
        "training": {
            "training": {"seed": seed, "steps": 20},
            "data": {"source": "lif-xtb"},
            "angular_terms": {"cutoff_A": 1.7, "terms": terms},
            "log": [{"step": 10, "learned": [0.1, 0.2]}, {"step": 20, "learned": list(learned)}],
            "seconds": 2.0,
            "held_out_force_mae_eV_A": 0.1,
        },
    }


def test_the_table_averages_over_signs_and_then_over_seeds() -> None:
    signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    loaded = [
        record(seed, s, (0.5 + 0.1 * seed + 0.2 * s[0], 0.9 + 0.1 * s[0] * s[1]))
        for seed in (0, 1)
        for s in signs
    ]
    loaded += [record(2, signs[0], (0.0, 0.0))]  # a seed whose other signs are missing does not count
    low, high = rows_of(loaded)
    assert (low.l, low.seeds, low.trainings, low.seconds) == (3, 2, 8, 16.0)
    assert low.setting.l_max == 2  # the degree of MACE's edges
    assert low.learned == pytest.approx(0.55, abs=1e-12)
    assert low.spread == pytest.approx(0.1 / np.sqrt(2) / np.sqrt(2), abs=1e-12)
    assert high.learned == pytest.approx(0.9, abs=1e-12)
    assert [step for step, _ in low.curve] == [10, 20]
    assert low.curve[1][1] == pytest.approx(0.55, abs=1e-12)
    assert table([low, high]).count("\n") == 3
