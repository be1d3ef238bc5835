"""The types of a comparison's result: what ``compare.json`` holds, field by field; ``compare.schema.json`` says the same."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from ..records.outcomes import Outcome


class ComparedRun(TypedDict):
    """A run and a readout degree: where it should stop, where it stopped, R2 at the ceiling and one above."""

    run: str
    formula: str
    by: NotRequired[Literal["atom", "element"]]
    architecture: str
    trained: bool | None
    layer: str | int
    l_max: int
    layers: int
    parameters: int | None
    force_mae_eV_A: float | None
    frames_held_out: int
    readout: Literal["free", "equivariant"]
    degree: int
    predicted_last: int
    predicted_first_lost: int
    last_recovered: int | None
    first_lost: int | None
    r2_ceiling: float | None
    r2_ceiling_low: float | None
    r2_ceiling_high: float | None
    r2_above: float | None
    r2_above_low: float | None
    r2_above_high: float | None
    held: bool | None
    outcome: NotRequired[Outcome]
    controls: NotRequired[list[str]]
    warnings: NotRequired[list[str]]
    r2: list[float | None]
    sentence: str


class Spread(TypedDict):
    """A mean over backbones with its interval, and the share of its variance that each factor makes."""

    value: float
    low: float | None
    high: float | None
    values: NotRequired[list[float]]
    few: NotRequired[bool]
    share_of_variance: dict[str, float]


class GroupRow(TypedDict):
    """R2 and rho of a group of backbones at one l."""

    l: int
    r2: Spread
    rho: Spread
    r2_of_backbones: NotRequired[list[float]]


class GroupRatio(TypedDict):
    """rho(C) / rho(C + 1) of a group; a confidence set that may be open."""

    kind: Literal["interval", "at least", "unbounded", "no ratio", "too few"]
    value: NotRequired[float | None]
    values: NotRequired[list[float | None]]
    low: NotRequired[float | None]
    high: NotRequired[float | None]


class SignFlip(TypedDict):
    """The exact test of the step at the ceiling over signs; ``smallest`` is the least p that so many signs can give."""

    p: float
    smallest: float
    wilcoxon_p: NotRequired[float]
    count: int


class GroupStep(TypedDict):
    """The step from the ceiling to the l above it."""

    l: int
    contrast_eV2_A2: Spread
    contrast_of_backbones_eV2_A2: list[float]
    cliff_ratio: GroupRatio
    sign_flip: SignFlip
    sign_flip_of_blocks: list[SignFlip]


class GroupTable(TypedDict):
    """What a group of backbones shows with one readout degree."""

    readout: Literal["free", "equivariant"]
    degree: int
    boundary: int
    backbones: int
    atoms: int
    frames: Literal["crossed", "nested"]
    blocks: NotRequired[Literal["frames", "structures"]]
    factor: float
    percentile_factor: float
    smallest_p: float
    rows: list[GroupRow]
    step: GroupStep | None


class BackboneGroup(TypedDict):
    """Runs that differ in their backbone alone."""

    runs: list[str]
    formula: str
    architecture: str
    l_max: int
    layer: str
    tables: list[GroupTable]


class SeedSpread(TypedDict):
    """Runs that differ in the seed of the diagnosis alone: R2 by l of each, and its range."""

    runs: list[str]
    seeds: list[int]
    readout: Literal["free", "equivariant"]
    degree: int
    r2: list[list[float | None]]
    range: list[float | None]


class ComparisonVerdict(TypedDict):
    """The verdict over all runs."""

    held: bool | None
    outcome: NotRequired[Outcome]
    sentence: str


class ComparisonResult(TypedDict):
    """The content of ``compare.json``."""

    schema: str
    seed: int
    draws: int
    runs: list[ComparedRun]
    groups: list[BackboneGroup]
    seeds: list[SeedSpread]
    verdict: ComparisonVerdict
