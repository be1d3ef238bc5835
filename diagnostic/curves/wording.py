"""What the atoms and pools of learning curves are called, and what grows along a curve, for sentences, figures and tables."""

from __future__ import annotations

from collections.abc import Mapping

from .plan import LAYERS, NEIGHBOUR
from .result_types import CurveAtom, LearningCurvesResult


def pooled(result: LearningCurvesResult) -> bool:
    """Return whether the curves are of environments pooled by element or selection."""
    return "environments" in result["data"]


def label_of(atom: CurveAtom) -> str:
    """Return how a sentence calls an atom, ``C7``, or a pool, ``Si``."""
    if "scope" in atom:
        return atom["scope"].partition(":")[2]
    return f"{atom['element']}{atom['index']}"


def words_of(of_pools: bool) -> dict[str, str]:
    """Return the words for what limits and for what a point is trained on."""
    words = {"features": "features", "coefficients": "coefficients", "nothing": "nothing"}
    if of_pools:
        return words | {"frames": "structures", "rows": "environments", "who": "element"}
    return words | {"frames": "frames", "rows": "frames", "who": "atom"}


def most_features(heights: Mapping[str, object]) -> str:
    """Return the last step of the features; a pool has no marked neighbour whose features could be added."""
    return NEIGHBOUR if NEIGHBOUR in heights else LAYERS
