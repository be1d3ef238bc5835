"""The types of a symmetry audit's result: what ``result.json`` holds, field by field; ``symmetry.schema.json`` says the same.

Energies of a structure are in eV, those of the summary in meV/atom; forces in eV/Å and meV/Å likewise.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from ..records.outcomes import Outcome


class SymmetryCalculator(TypedDict):
    """The calculator that was turned around."""

    source: str
    kind: str
    sha256: str | None


class SymmetryData(TypedDict):
    """The structures."""

    source: str
    sha256: str
    structures: int


class TriedQuadrature(TypedDict):
    """A rule that was tried on the first structure: what it left of the variance, and why no larger one was needed."""

    l_top: int
    degree: int
    evaluations: int
    energy_left: float
    force_left: float
    stopped: NotRequired[Literal["rounding", "share", "tolerance"] | None]


class Quadrature(TypedDict):
    """The rule that was used: exact for products of functions up to l_top."""

    automatic: bool
    l_top: int
    degree: int
    rotations: int
    resolved: bool
    tried: list[TriedQuadrature]


class CoefficientMatrix(TypedDict):
    """Coefficients of the energy at one l, eV: real and imaginary parts by m and m'."""

    re: list[list[float]]
    im: list[list[float]]


class SymmetryStructure(TypedDict):
    """How one structure's energy and forces depend on its orientation; powers by l, errors that no root of them exceeds."""

    structure: int
    formula: str
    atoms: int
    periodic: bool
    energy_mean: float
    energy_mad: float
    energy_rms: float
    force_mad: float
    force_rms: float
    energy_power: list[float]
    force_power: list[float]
    energy_unresolved: float
    force_unresolved: float
    inversion_energy: float | None
    inversion_force: float | None
    inversion_energy_power: NotRequired[list[float] | None]
    inversion_force_power: NotRequired[list[float] | None]
    worst_rotation: list[list[float]]
    worst_energy: float
    evaluations: int
    energy_deviation: NotRequired[float]
    force_deviation: NotRequired[float]
    energy_rounding: NotRequired[float]
    force_rounding: NotRequired[float]
    translation_energy: NotRequired[float]
    translation_force: NotRequired[float]
    energy_error: float
    force_error: float
    energy_left: float
    force_left: float
    force_size: float
    energy_coefficients: NotRequired[list[CoefficientMatrix]]


class SymmetryEstimate(TypedDict):
    """A mean over structures with its bootstrap interval; no interval of one structure."""

    value: float
    low: float | None
    high: float | None


class WorstOrientation(TypedDict):
    """The orientation with the most wrong energy, meV/atom."""

    structure: int
    worst_energy: float
    worst_rotation: list[list[float]]


class SymmetrySummary(TypedDict):
    """E_rot, F_rot and the changes under shifts and inversion, over structures: meV/atom and meV/Å."""

    energy_mad: SymmetryEstimate
    energy_rms: SymmetryEstimate
    force_mad: SymmetryEstimate
    force_rms: SymmetryEstimate
    inversion_energy: SymmetryEstimate | None
    inversion_force: SymmetryEstimate | None
    translation_energy: NotRequired[SymmetryEstimate]
    translation_force: NotRequired[SymmetryEstimate]
    energy_rounding: NotRequired[SymmetryEstimate]
    force_rounding: NotRequired[SymmetryEstimate]
    worst: WorstOrientation
    energy_by_degree: list[float]
    force_by_degree: list[float]
    inversion_energy_by_degree: NotRequired[list[float]]
    inversion_force_by_degree: NotRequired[list[float]]
    energy_error: float
    force_error: float


class ConvergenceRow(TypedDict):
    """What a rule of a given order finds on the first structure."""

    order: int
    inversion: bool
    evaluations: int
    energy_rms: float
    energy_mad: float
    force_rms: float
    force_mad: float


class RemedyRow(TypedDict):
    """What an average over rotations leaves, what it costs, and how a trajectory with it behaves."""

    name: str
    evaluations: float
    energy_rms: float | None
    force_rms: float | None
    energy_by_degree: list[float] | None
    force_by_degree: list[float] | None
    energy_drift: float
    energy_spread: float
    momentum_drift: float
    turned: float
    alignment: float


class BenchmarkStructure(TypedDict):
    """Mean and largest changes of one structure over 114 pairs of orientations: meV/atom and meV/Å."""

    structure: int
    formula: str
    atoms: int
    energy_mean: float
    energy_max: float
    force_mean: float
    force_max: float


class BenchmarkStep(TypedDict):
    """The mean change over structures at one step of the walk, and the step's angle in degrees."""

    angle: float
    energy: float
    force: float


class BenchmarkWorst(TypedDict):
    """The pair of orientations whose forces differ most."""

    structure: int
    step: int
    angle: float


class FixedBenchmark(TypedDict):
    """Changes between 115 successive orientations of ten structures: energies in meV/atom (``total``: eV), forces in meV/Å."""

    orientations: int
    pairs: int
    energy_mean: float
    energy_max: float
    total_mean: float
    total_max: float
    force_mean: float
    force_max: float
    worst: BenchmarkWorst
    structures: list[BenchmarkStructure]
    steps: list[BenchmarkStep]


class SymmetryStatement(TypedDict):
    """One statement: the energy's miss (meV/atom), that of the forces (meV/Å), and the irrep that holds most of it."""

    name: Literal["rotation", "translation", "inversion"]
    held: bool | None
    outcome: NotRequired[Outcome]
    decides: bool
    energy: float
    force: float
    worst: str | None
    rounding: bool
    sentence: str


class SymmetryVerdict(TypedDict):
    """The verdict: of the statements that decide."""

    held: bool | None
    outcome: NotRequired[Outcome]
    sentence: str
    statements: NotRequired[list[SymmetryStatement]]


class SymmetryResult(TypedDict):
    """The content of ``result.json``."""

    schema: str
    command: str
    calculator: SymmetryCalculator
    data: SymmetryData
    settings: dict[str, Any]  # SymmetrySettings.to_dict
    seed: int
    versions: dict[str, str]
    timings_s: dict[str, float]
    quadrature: Quadrature
    structures: list[SymmetryStructure]
    summary: SymmetrySummary
    convergence: list[ConvergenceRow]
    remedies: list[RemedyRow]
    fixed_benchmark: NotRequired[FixedBenchmark | None]
    verdict: SymmetryVerdict
