"""Measured and predicted numbers side by side, or why nothing is predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..dynamics.trajectory import Trajectory
from ..orientation.molecules import Molecules
from .deviations import is_reserved
from .settings import ObserveSettings

#: Observables that are predicted.
PREDICTED = {"orientation", "torque"}
#: A difference of this share of what is tolerated does not matter; forces of a calculator that converges its charges carry noise.
_NEGLIGIBLE = 0.05
#: Half width of a 95 % interval in standard errors of the prediction: Student's t with three degrees of freedom.
_STUDENT = 3.18
#: An observable that was not measured.
_NOTHING: Mapping[str, Any] = {"numbers": (), "outcome": None}


def why_none(
    structure: Mapping[str, Any],
    molecules: Molecules | None,
    trajectories: Mapping[str, Sequence[Trajectory]] | None,
    settings: ObserveSettings,
) -> str:
    """Return in one sentence why nothing is predicted; empty: something is. ``trajectories`` None: before any run."""
    if structure["periodic"]:
        return "No prediction is made: it is one of an isolated molecule, and the structure is periodic."
    if molecules is None or len(molecules) != 1 or not molecules.has_frame(0):
        return "No prediction is made: it is one of a single molecule that has a frame of its own (not linear, not an atom)."
    if settings.ensemble == "nve":
        return "No prediction is made: a run at constant energy does not sample the canonical distribution."
    if trajectories is not None and not any(len(run.times) for runs in trajectories.values() for run in runs):
        return "No prediction is made: no run has a record to take shapes from."
    return ""


def comparison_of(
    prediction: Mapping[str, Any] | None,
    observables: Mapping[str, Mapping[str, Mapping[str, Any]]],
    cure: str,
) -> list[dict[str, Any]]:
    """Return measured and predicted numbers of the bare model side by side.

    They agree where they differ by less than the 95 % intervals of both together, or by less than a twentieth of what is
    tolerated; None where the run is too short to tell, or where what the prediction's l do not hold could change the answer.
    Where a run is too short for some number on orientations it is for all of them: they are functions of the same axis; and
    what only holds of the orientation of the start is not compared.
    """
    if prediction is None or cure != "none":
        return []
    rows: list[dict[str, Any]] = []
    orientation = observables.get("orientation", {}).get(cure) or _NOTHING
    long = _told(orientation)
    for number in orientation["numbers"]:
        l = number["l"]
        if str(number["label"]).startswith("<P_") and l is not None and l <= len(prediction["legendre"]):
            errors = prediction["legendre_error"]
            rows.append(
                _compared(
                    "orientation", {**number, "enough": long},
                    prediction["legendre"][l - 1], prediction["legendre_first"][l - 1],
                    None if errors is None else errors[l - 1],
                    (prediction.get("legendre_unresolved") or [0.0] * l)[l - 1],
                )
            )  # fmt: skip
    torque = observables.get("torque", {}).get(cure) or _NOTHING
    for number in torque["numbers"]:
        if number["label"] == "rms torque":
            squares = prediction["canonical_torque"], prediction["haar_torque"]
            rms, first = (float(np.sqrt(max(0.0, square))) for square in squares)
            spread = prediction["canonical_torque_error"]
            above = float(np.hypot(rms, np.sqrt(prediction.get("torque_unresolved") or 0.0))) - rms
            error = spread / (2 * rms) if spread is not None and rms else None
            told = number.get("enough", True) and not is_reserved(torque)
            rows.append(_compared("torque", {**number, "enough": told}, rms, first, error, above))
    return rows


def _told(measured: Mapping[str, Any]) -> bool:
    """Whether a run samples an observable: long enough for every number, and not only at the start."""
    return all(number.get("enough", True) for number in measured["numbers"]) and not is_reserved(measured)


def _compared(
    observable: str,
    number: Mapping[str, Any],
    predicted: float,
    first: float,
    error: float | None,
    unresolved: float = 0.0,
) -> dict[str, Any]:
    width = number.get("half_width")
    agrees: bool | None = None
    if number.get("enough", True) and width is not None:
        reach = max(
            float(np.hypot(width, _STUDENT * (error or 0.0))), _NEGLIGIBLE * (number["tolerance"] or 0.0)
        )
        apart = abs(number["value"] - predicted)
        if (apart + unresolved <= reach) == (apart - unresolved <= reach):
            agrees = bool(apart <= reach)
    return {
        "observable": observable,
        "label": number["label"],
        "l": number["l"],
        "measured": number["value"],
        "error": number["error"],
        "predicted": predicted,
        "predicted_first": first,
        "predicted_error": error,
        "unresolved": unresolved,
        "agrees": agrees,
    }
