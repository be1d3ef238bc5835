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


class TogetherShares(TypedDict):
    """What all knobs hold together."""

    gain: float
    low: float
    high: float
    null_gain: float
    half_gain: float
    of_target: float


class NeedPoint(TypedDict):
    """What order 2 with degrees up to ``l`` leaves of the target."""

    l: int
    left: float
    low: float
    high: float
    rms_eV_A: float


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
    """Which knob limits, in one word and in words."""

    knob: Named
    sentence: str
    limited_by_data: bool
    data_sentence: str


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
    elements: list[PartShares]
    atoms: list[PartShares]
    verdict: AdviceVerdict
