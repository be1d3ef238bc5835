"""The types of a diagnosis' result: what ``result.json`` holds, field by field, so that a type checker sees a wrong name.

The JSON Schema ``result.schema.json`` says the same to other programs. Lengths are in Å, forces in eV/Å.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from ...theory.plateaus import Direction
from ..injection.names import InjectionName
from ..records.outcomes import Outcome as Outcome
from .ceiling_types import CeilingKind as CeilingKind
from .ceiling_types import Leak as Leak
from .structure_types import EnvironmentColumns, StructureEntry

Readout = Literal["free", "equivariant", "network"]
RowVerdict = Literal["recovered", "not recovered", "undecided", "no path", "nothing to hold"]
#: What a run says of theory; see the verdicts in the documentation of a report.


class RecoveryRow(TypedDict):
    """One row of the recovery table, and one line of ``recovery.csv``: what was recovered at one l.

    ``r2``, ``rho``, ``gain`` ((eV/Å)^2), ``null_high`` and ``coefficients`` are None where theory leaves no polynomial.
    """

    injection: InjectionName
    direction: Direction
    readout: Readout
    degree: int
    scope: str
    l: int
    predicted: float
    r2: float | None
    r2_low: float | None
    r2_high: float | None
    rho: float | None
    rho_low: float | None
    rho_high: float | None
    gain: float | None
    null_high: float | None
    coefficients: int | None
    verdict: RowVerdict


class ControlEntry(TypedDict):
    """A run in which something essential is taken away, with a sentence on what it shows."""

    name: str
    title: str
    sentence: str
    rows: list[RecoveryRow]


class FeatureRank(TypedDict):
    """Channels of one irrep at an atom: their number, the rank and effective rank of their covariance, RMS of a component."""

    channels: int
    rank: int
    effective: float
    rms: float


class LikeNeighbourEntry(TypedDict):
    """The bonded neighbour of the mark's element that the features mix most with the mark.

    ``r2_difference`` and ``r2_sum`` are held-out R2 of the linear equivariant fit to Y(mark) - Y(neighbour) and to their sum.
    Where the two are nearly exchanged by the surroundings, the sum is seen and the difference is not. Y(mark) is half the
    sum plus half the difference, and so is the error of its fit: ``share`` is the error of the difference beyond that of the
    sum, as a part of both together: 1 where all that is missed is the difference, 0 where it is missed no more than the sum.
    """

    neighbour: int
    r2_difference: float
    r2_sum: float
    share: float


class MarkFit(TypedDict):
    """Held-out R2 of the linear fit to the direction of the mark, and the neighbour that is mixed with it."""

    mark_r2: float | None
    like_neighbour: LikeNeighbourEntry | None


class AtomAnalysis(MarkFit):
    """What decides how much a readout of an atom's features can recover."""

    neighbours: float
    cutoff_A: float
    feature_rank: dict[str, FeatureRank]
    neighbour_power: NotRequired[
        dict[str, float]
    ]  # of pools, by l from 1 to L, relative to random directions


Cause = Literal["readout", "like neighbour", "features"]


class CauseShare(TypedDict):
    """The share of what is missing at the ceiling that one cause accounts for."""

    cause: Cause
    share: float


class AtomExplanation(TypedDict):
    """Recovery of an atom at the ceiling, and why it is low."""

    r2_ceiling: float | None
    low: bool
    reason: str | None
    causes: list[CauseShare]


class AtomEntry(AtomAnalysis, AtomExplanation):
    """An entry of ``atoms``: the atom, its mark, what its features hold, and its recovery at the ceiling."""

    index: int
    element: str
    marked_neighbour: int | None
    why: str
    scope: NotRequired[str]  # of a pool of environments, which stands in the place of an atom


class DegreeVerdict(TypedDict):
    """One readout degree against its ceiling, with the l that decide: recovered above it, short of it, left open, not held."""

    degree: int
    boundary: int
    sentence: str
    held: bool | None
    outcome: Outcome
    above: list[int]
    short: list[int]
    undecided: list[int]
    nothing_to_hold: list[int]


class Verdict(TypedDict):
    """The verdict of a run."""

    held: bool | None
    outcome: Outcome
    sentence: str
    per_degree: list[DegreeVerdict]


class Purity(TypedDict):
    """The power of an injected field outside its l, or at a wrong l where it has a direction that rotates along."""

    injection: InjectionName
    l: int
    power_elsewhere: float
    direction: NotRequired[Direction]


class SiteEntry(TypedDict):
    """An atom whose site's exact symmetry, in every frame, leaves nothing to hold at some l."""

    atom: int
    element: str
    site: str
    injection: InjectionName
    degree: int
    nothing_to_hold: list[int]


class ForceError(TypedDict):
    """The error of the backbone's forces on the held-out frames of this run, beside the recorded one.

    ``mae_eV_A`` is the mean absolute error of a component; ``relative`` the RMS error over the RMS of the forces. All None
    where the backbone gives no forces. ``foreign``: whether the frames are none that the backbone knows; None: not known.
    """

    mae_eV_A: float | None
    rms_eV_A: float | None
    relative: float | None
    recorded_mae_eV_A: float | None
    foreign: bool | None
    sentence: str


class Checks(TypedDict):
    """What was checked before anything was fitted."""

    equivariance_error: float
    equivariance_tolerance: float
    inversion_error: float  # relative, with the declared parities
    parity: Literal["declared", "other", "none"]  # what the inversion does to the features, measured
    parity_sentence: str
    purity: list[Purity]
    orientations: dict[str, Any]  # IsotropyReport.to_dict, of the frames' room
    sites: list[SiteEntry]
    force_error: ForceError
    leak: NotRequired[list[Leak]]


class LayerEntry(TypedDict):
    """A layer of the backbone."""

    name: str
    irreps: str
    l_max: int
    usable: bool
    why: str


class ModelEntry(TypedDict):
    """The backbone and the layer that was tapped."""

    source: str
    sha256: str | None
    architecture: str
    layer: str
    irreps: str
    trained: bool | None  # None: not known
    parameters: int | None
    l_max: int
    force_mae_eV_A: float | None
    builder: dict[str, Any]  # whatever the model was built with
    training: dict[str, Any] | None  # its training record
    layers: list[LayerEntry]


class ReadingNotes(TypedDict, total=False):
    """What was decided while the files were read: checks in words, what was overruled, copies that were left out."""

    checks: dict[str, str]
    overruled: dict[str, str]
    copies_left_out: int
    notes: list[str]
    held_out_file: dict[str, Any]  # the same of held-out frames from a file of their own, and its source


class EnvironmentsEntry(TypedDict):
    """The environments of one pool: how many, of how many structures, and how far the density injection reaches (Å)."""

    scope: str
    element: str
    rows: dict[str, int]
    structures: dict[str, int]
    marked: int
    cutoff: float


class DataEntry(ReadingNotes):
    """The frames, their split and their scales."""

    source: str
    sha256: str
    units: str
    formula: str
    numbers: list[int]
    splits: dict[str, int]
    force_rms_eV_A: float
    residual_rms_eV_A: float
    amplitude_eV_A: float
    note: str
    depiction: NotRequired[dict[str, Any]]  # of one molecule
    by: NotRequired[Literal["element"]]
    structures: NotRequired[int]
    environments: NotRequired[list[EnvironmentsEntry]]


class CeilingEntry(TypedDict):
    """The ceiling of the main degree; where ``kind`` is "none", ``l_max`` and ``boundary`` bound nothing."""

    degree: int
    l_max: int
    boundary: int
    explanation: str
    kind: NotRequired[CeilingKind]  # a result of an earlier version lacks it, and is exact


class NullTest(TypedDict):
    """p-value of the molecule's R2 at one l against the null draws; ``p_holm`` is adjusted over the l of a table."""

    injection: InjectionName
    direction: Direction
    readout: Readout
    degree: int
    l: int
    p: float
    draws: int
    smallest: float
    p_holm: float


class Statistics(TypedDict):
    """What the intervals of a run are made of."""

    level: float
    frames: int
    blocks: int
    draws: int
    null: list[NullTest]


class CliffRatio(TypedDict):
    """rho(C) / rho(C + 1) of the median atom with its confidence set; see :class:`~..recovery.hierarchy.Ratio`.

    ``kind`` is ``no path`` where theory leaves no polynomial above the ceiling, and ``no ratio`` where one of the two is not
    above zero; then there is no number.
    """

    injection: InjectionName
    direction: Direction
    readout: Readout
    degree: int
    boundary: int
    kind: Literal["interval", "at least", "unbounded", "no ratio", "no path"]
    value: float | None
    low: float | None
    high: float | None


class PlateauRow(TypedDict):
    """A field with power at two values of l: predicted and measured R2."""

    injection: InjectionName
    direction: Direction
    readout: Readout
    degree: int
    scope: str
    l: int
    ideal: str
    predicted: float
    folded: float
    folded_low: float
    folded_high: float
    noise: float
    r2: float | None
    r2_low: float | None
    r2_high: float | None


class NetworkRow(TypedDict):
    """What one trained network recovered at one l, beside the closed form of the same features."""

    l: int
    r2: float
    r2_low: float
    r2_high: float
    closed_form: float | None
    reading: str


class NetworkEntry(TypedDict):
    """One network of ``networks``."""

    atom: int
    name: str
    activation: str
    degree: int | None
    depth: int
    width: int
    seed: int
    shuffled: bool
    parameters: int
    ceiling: int | None
    rows: list[NetworkRow]


class DiagnosisResult(TypedDict):
    """The content of ``result.json``."""

    schema: str
    command: str
    model: ModelEntry
    data: DataEntry
    ceiling: CeilingEntry
    settings: dict[str, Any]  # DiagnoseSettings.to_dict
    seed: int
    versions: dict[str, str]
    timings_s: dict[str, float]
    recovery: list[RecoveryRow]
    cliff_ratios: list[CliffRatio]
    atoms: list[AtomEntry]
    controls: list[ControlEntry]
    statistics: Statistics
    checks: Checks
    verdict: Verdict
    method: NotRequired[
        Literal["wigner", "turned"]
    ]  # what was turned: features, or the frames that the network saw
    plateaus: NotRequired[list[PlateauRow]]
    networks: NotRequired[list[NetworkEntry]]
    structures: NotRequired[list[StructureEntry]]
    environments: NotRequired[EnvironmentColumns]
