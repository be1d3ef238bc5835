"""How far advice agreed with training: what every answer about a model says of itself."""

from __future__ import annotations

import json
from functools import cache

from ..records.assets import assets

#: From ``python -m benchmarks.advice_study ... collect``.
RECORD = "advice-study.json"


@cache
def reliability() -> str:
    """Return how the predictions of the shipped study fared, in a sentence or two."""
    record = json.loads((assets() / RECORD).read_text(encoding="utf-8"))
    ranks = {entry["predictor"]: entry for entry in record["correlations"]}
    gain, unique = ranks["gain"], ranks["unique"]
    words = [
        f"{entry['all']:.2f} ({entry['interval'][0]:.2f} to {entry['interval'][1]:.2f}) for the {name}"
        for name, entry in (("gain", gain), ("unique part", unique))
    ]
    verdict = (
        "take it for what the errors are made of, not for a forecast of what a change of the architecture removes"
        if min(gain["interval"][0], unique["interval"][0]) <= 0
        else "larger shares went with larger improvements"
    )
    return (
        f"Held against training, over {gain['pairs']} changes of {gain['models']} small models the rank correlation with "
        f"what a change removed was {' and '.join(words)}: {verdict}."
    )
