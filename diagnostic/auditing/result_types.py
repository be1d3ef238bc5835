"""The types of an audit's result: what ``result.json`` holds, field by field; ``audit.schema.json`` says the same."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from ..records.outcomes import Outcome

Audited = Literal["given", "untrained"]


class AuditLayer(TypedDict):
    """A layer that was audited."""

    name: str
    irreps: str
    l_max: int


class AuditModel(TypedDict):
    """The backbone."""

    source: str
    sha256: str | None
    architecture: str
    trained: bool | None
    parameters: int | None
    force_mae_eV_A: float | None
    layers: list[AuditLayer]
    builder: dict[str, Any]  # whatever the model was built with
    approximation: NotRequired[str]  # what in the model is known to break rotations


class AuditData(TypedDict):
    """The frames, and the indices of those that were audited."""

    source: str
    sha256: str
    formula: str
    numbers: list[int]
    frames: list[int]


class FeatureShare(TypedDict):
    """Channels of one irrep of a layer: their share of its power and the root mean square of a component."""

    model: Audited
    layer: str
    l_out: int
    parity: Literal[1, -1]
    channels: int
    share: float
    rms: float


class EquivarianceRow(TypedDict):
    """How an irrep of a layer turns, shifts and inverts: errors relative to its size, and their power by l."""

    model: Audited
    frame: int
    layer: str
    l_out: int
    parity: Literal[1, -1]
    channels: int
    size: float
    rms: float
    largest: float
    bound: float
    inversion: float
    translation: float
    by_degree: list[float]
    rounding: NotRequired[float]  # measured, relative to the features


class ReadoutSpectrum(TypedDict):
    """The rotation spectrum of a random readout at an atom: power by l, and the power above the ceiling and at it."""

    model: Audited
    frame: int
    layer: str
    atom: int
    element: str
    readout: Literal["polynomial", "silu", "tanh"]
    degree: int | None
    ceiling: int | None
    route: Literal["network", "wigner"]
    rotations: int
    quadrature: int
    power: list[float]
    above: float | None
    at_ceiling: float | None
    error: float
    rounding: NotRequired[float]
    floor: NotRequired[float | None]
    site: NotRequired[str]
    site_deviation: NotRequired[float]
    site_l: NotRequired[int]
    forbidden: NotRequired[bool]
    carried: NotRequired[float]


class MovingNeighbour(TypedDict):
    """The neighbour whose direction was varied, with its distance and its clearance from other atoms (Å)."""

    centre: int
    neighbour: int
    distance: float
    clearance: float
    elements: NotRequired[list[str]]  # of centre and neighbour


class DirectionSpectrum(TypedDict):
    """The spectrum of one neighbour's direction in a quantity, and the l up to which theory lets it enter."""

    model: Audited
    graph: Literal["star", "full"]
    centre: int
    neighbour: int
    quantity: str
    l_out: int | None
    parity: Literal[1, -1] | None
    predicted: int | None
    measured: int
    open: bool
    l99: int | None
    l9999: int | None
    decay: float | None
    power: list[float]
    total: float
    error: float
    floor: NotRequired[float]


class AuditStatement(TypedDict):
    """One statement of theory with the worst number measured."""

    name: str
    held: bool | None
    outcome: NotRequired[Outcome]
    decides: NotRequired[bool]
    worst: float
    sentence: str


class AuditVerdict(TypedDict):
    """The verdict: of the statements that decide."""

    held: bool | None
    outcome: NotRequired[Outcome]
    sentence: str
    statements: list[AuditStatement]


class AuditResult(TypedDict):
    """The content of ``result.json``."""

    schema: str
    command: str
    model: AuditModel
    data: AuditData
    settings: dict[str, Any]  # AuditSettings.to_dict
    seed: int
    versions: dict[str, str]
    timings_s: dict[str, float]
    features: list[FeatureShare]
    equivariance: list[EquivarianceRow]
    readouts: list[ReadoutSpectrum]
    moving: MovingNeighbour | None
    directions: list[DirectionSpectrum]
    verdict: AuditVerdict
