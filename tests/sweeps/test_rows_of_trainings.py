"""A training is one row of the table, or one for each angular term that its labels hold."""

from __future__ import annotations

from typing import Any

from spectral_ceilings.sweeps.tables import TRAINING, rows_of


def test_every_angular_term_has_a_row() -> None:
    record: dict[str, Any] = {
        "architecture": "nequip", "parameters": 100, "force_mae_eV_A": 0.2, "builder": {"l_max": 1},
        "training": {"steps_done": 5},
    }  # fmt: skip
    (plain,) = rows_of("train", "training", record)
    assert list(plain) == list(TRAINING)
    assert plain["term_l"] is plain["learned"] is None
    terms = [
        {"l": l, "sign": s, "strength_eV": 1.0, "learned": 0.5, "low": 0.4, "high": 0.6}
        for l, s in ((3, 1), (5, -1))
    ]
    record["training"]["angular_terms"] = {"terms": terms}
    rows = list(rows_of("train", "training", record))
    assert [(row["term_l"], row["term_sign"]) for row in rows] == [(3, 1), (5, -1)]
    for row in rows:
        assert {name: row[name] for name in plain if not name.startswith(("term_", "learned"))} == {
            name: value for name, value in plain.items() if not name.startswith(("term_", "learned"))
        }
        assert (row["learned"], row["learned_low"], row["learned_high"]) == (0.5, 0.4, 0.6)
