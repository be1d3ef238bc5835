"""The types of learning curves: what ``curves.json`` holds, field by field; ``curves.schema.json`` says the same."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from ..measurement.result_types import EnvironmentsEntry

Limit = Literal["features", "coefficients", "frames", "nothing"]
Role = Literal["best", "median", "worst", "chosen"]
Panel = Literal["features", "coefficients", "frames"]


class CurvePoint(TypedDict):
    """One fit: its place on the curves, its size, and R2 at l with an interval of 95 %."""

    key: NotRequired[str]
    atom: int
    panel: Panel
    series: str
    step: float
    label: str
    coefficients: int
    frames: int
    rotations: int
    r2: float
    r2_low: float
    r2_high: float
    r2_training: float | None
    structures: NotRequired[int]


class CurveGains(TypedDict):
    """What R2 still gains at the end of each curve."""

    features: float
    coefficients: float
    frames: float


class CurveAtom(TypedDict):
    """An atom or a pool, R2 of the equivariant readout by its features, and what limits it where its curves are drawn.

    Pools of environments have a ``scope``, such as ``element:Si``, and ``index`` numbers them.
    """

    index: int
    scope: NotRequired[str]
    element: str
    neighbour: int | None
    role: Role | None
    heights: dict[str, float]
    limited_by: Limit | None
    gains: NotRequired[CurveGains]
    sentence: str | None


class CurveModel(TypedDict):
    """The backbone, the layer that was tapped first, and all layers that were read; irreps have the measured parities."""

    source: str
    sha256: str | None
    layer: str
    irreps: str
    layers: list[str]
    parity_sentence: NotRequired[str]


class CurveData(TypedDict):
    """The frames, or the structures with the environments of every pool, and their splits."""

    source: str
    sha256: str
    formula: str
    splits: dict[str, int]
    note: str
    by: NotRequired[str]
    structures: NotRequired[int]
    environments: NotRequired[list[EnvironmentsEntry]]


class LearningCurvesResult(TypedDict):
    """The content of ``curves.json``."""

    schema: str
    model: CurveModel
    data: CurveData
    settings: dict[str, Any]  # LearningCurveSettings as a mapping
    degree: int
    boundary: int
    l: int
    injection: NotRequired[str]
    atoms: list[CurveAtom]
    points: list[CurvePoint]
