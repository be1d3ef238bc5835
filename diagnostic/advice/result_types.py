"""The shape of ``advice.json``."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Knob = Literal["degree", "radial", "order", "cutoff"]
#: A knob; ``none``: nothing that a knob holds was measured; ``nothing``: nothing is missing; ``undecided``: no single knob.
Named = Literal["degree", "radial", "order", "cutoff", "none", "nothing", "undecided"]


class KnobShares(TypedDict):
    """What one knob holds. Shares are parts of the squared force error that the base leaves."""

    knob: Knob
    gain: float
    low: float
    high: float
    unique: float
    unique_low: float
    unique_high: float
    of_target: float
    unique_of_target: float
    null_gain: float
    null_unique: float
    half_gain: float
    half_unique: float


class KnobCostRow(TypedDict):
    """What one step of a knob costs: ``factor`` times the multiplications of the network, and what it removes for that.

    ``per_cost`` is the share of the whole target that the knob holds, for each time that the network's own cost is added.
    """

    knob: Knob
    step: str
    before: int
    after: int
    factor: float
    per_cost: float | None


class LayerCeilingRow(TypedDict):
    """A step of a network: what it takes in and gives back, and the highest l that it can reach (None: no bound)."""

    name: str
    takes_in: str
    gives_back: str
    l_in: int
    l_out: int
    degree: int | None
    ceiling: int | None
    sees: int | None


class NetworkFacts(TypedDict):
    """Costs and ceilings of a network: the model, or where there is none, or none whose layers are known, an example.

    ``of`` says which in words; ``neighbours`` and ``farther_neighbours`` are means over the structures.
    """

    of: str
    neighbours: int
    farther_neighbours: int
    costs: list[KnobCostRow]
    ceilings: list[LayerCeilingRow]


class TogetherShares(TypedDict):
    """What all knobs hold together."""

    gain: float
    low: float
    high: float
    null_gain: float
    half_gain: float
    of_target: float


class NeedPoint(TypedDict):
    """What order 2 with degrees up to ``l`` leaves of the target: with the base's channels, and (``ample_``) with more radial
    channels and order 3.

    The latter are measured for the question ``need`` only.
    """

    l: int
    left: float
    low: float
    high: float
    rms_eV_A: float
    ample_left: float | None
    ample_low: float | None
    ample_high: float | None
    ample_rms_eV_A: float | None


class Choice(TypedDict):
    """The smallest l_max above which no single degree lowers the RMS error by more than ``tolerance``; None: there is none.

    ``excess`` is the part of the RMS error that the best of these degrees removes, with its interval.
    """

    l_max: int | None
    tolerance: float
    excess: float | None
    low: float | None
    high: float | None
    sentence: str


class PartShares(TypedDict):
    """Shares of the atoms of an element, or of one atom of a molecule."""

    element: str
    atom: int | None
    rms_eV_A: float
    left: float
    together: float
    gain: dict[str, float]
    unique: dict[str, float]


class AdviceTarget(TypedDict):
    """Sizes of the target and of what is left of it, root mean squares of a force component (eV/Å)."""

    rms_eV_A: float
    base_left: float
    base_left_low: float
    base_left_high: float
    base_rms_eV_A: float
    all_left: float
    all_rms_eV_A: float


class AdviceVerdict(TypedDict):
    """Which knob limits, in one word and in words; ``reliability``: how far such answers about models agreed with training."""

    knob: Named
    sentence: str
    limited_by_data: bool
    data_sentence: str
    reliability: str


class AdviceContent(TypedDict):
    """The content of ``advice.json``."""

    schema: str
    question: Literal["need", "limit"]
    model: dict[str, Any] | None
    data: dict[str, Any]
    settings: dict[str, Any]
    basis: dict[str, Any]
    target: AdviceTarget
    knobs: list[KnobShares]
    together: TogetherShares
    need: list[NeedPoint]
    choice: Choice | None
    forces_need: list[NeedPoint]
    elements: list[PartShares]
    atoms: list[PartShares]
    network: NetworkFacts
    verdict: AdviceVerdict
