"""What a change of one setting does, with the interval over backbones: paired where the same seeds were trained with both.

A difference is taken between backbones that share every other label; how such differences make an interval is told in
``diagnostic.recovery.replicates``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from ..diagnostic.recovery.replicates import Sample, interval, paired_sample, unpaired_sample
from .cliffs import Cliff, factors_of
from .table_files import text_of

Quantity = Literal["height", "last recovered l", "force MAE"]
QUANTITIES: tuple[Quantity, ...] = ("height", "last recovered l", "force MAE")


@dataclass(frozen=True)
class Contrast:
    """A quantity with one value of a label minus that with another.

    Attributes
    ----------
    factor, value, against
        The label and its two values.
    degree
        Degree of the readout.
    quantity
        ``height``: the mean of R2(l) over l from 1 to the lower of both ceilings; ``last recovered l``; ``force MAE`` in eV/Å.
    setting
        The other labels as text; empty: the mean over all settings.
    settings, count
        How many settings, and how many differences (of unpaired samples: backbones).
    paired
        Whether differences are between backbones of the same seed.
    mean, low, high
        The difference with the ends of its interval; the ends are None where there are too few backbones for one.
    least, most
        The smallest and the largest difference; of unpaired samples between any two backbones of a setting.
    positive
        How many differences are above zero; None where samples are not paired.
    """

    factor: str
    value: Any
    against: Any
    degree: int
    quantity: Quantity
    setting: str
    settings: int
    count: int
    paired: bool
    mean: float
    low: float | None
    high: float | None
    least: float
    most: float
    positive: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return the contrast as JSON-ready data."""
        return asdict(self)


def contrasts(cliffs: Sequence[Cliff]) -> list[Contrast]:
    """Return every contrast of the sweep: of each label its neighbouring values, and the last against the first.

    For each quantity the mean over settings comes first, then every setting where there are several.
    """
    every: list[Contrast] = []
    for factor, values in factors_of(cliffs).items():
        pairs = [(b, a) for a, b in pairwise(values)]
        if len(values) > 2:
            pairs.append((values[-1], values[0]))
        for degree in sorted({cliff.degree for cliff in cliffs}):
            chosen = [cliff for cliff in cliffs if cliff.degree == degree]
            for value, against in pairs:
                for quantity in QUANTITIES:
                    every += _contrast(chosen, factor, value, against, quantity)
    return every


def _contrast(
    cliffs: Sequence[Cliff], factor: str, value: Any, against: Any, quantity: Quantity
) -> list[Contrast]:
    upper, lower = (_settings(cliffs, factor, wanted) for wanted in (value, against))
    samples: dict[str, Sample] = {}
    paired = True
    for setting in (name for name in upper if name in lower):
        sample, both = _sample(upper[setting], lower[setting], quantity)
        if sample is not None:
            samples[setting] = sample
            paired = paired and both
    if not samples:
        return []

    def made(setting: str, taken: Sequence[Sample]) -> Contrast:
        mean, low, high = interval(taken)
        return Contrast(
            factor, value, against, cliffs[0].degree, quantity, setting, len(taken), sum(s.count for s in taken), paired,
            mean, low, high, min(s.least for s in taken), max(s.most for s in taken),
            sum(s.positive or 0 for s in taken) if paired else None,
        )  # fmt: skip

    if len(samples) == 1:
        return [made(setting, [sample]) for setting, sample in samples.items()]
    return [
        made("", list(samples.values())),
        *(made(setting, [sample]) for setting, sample in samples.items()),
    ]


def _settings(cliffs: Iterable[Cliff], factor: str, value: Any) -> dict[str, list[Cliff]]:
    """Return the cliffs with one value of a label, by their other labels."""
    groups: dict[str, list[Cliff]] = {}
    for cliff in cliffs:
        if factor in cliff.labels and text_of(cliff.labels[factor]) == text_of(value):
            rest = {name: each for name, each in cliff.labels.items() if name != factor}
            groups.setdefault(", ".join(f"{name} {text_of(each)}" for name, each in rest.items()), []).append(
                cliff
            )
    return groups


def _sample(upper: Sequence[Cliff], lower: Sequence[Cliff], quantity: Quantity) -> tuple[Sample | None, bool]:
    """Return the differences in one setting, and whether they are paired; None where the quantity was not measured."""
    measure = _measure(quantity, upper, lower)
    first, second = (
        {cliff.replicate: number for cliff in each if (number := measure(cliff)) is not None}
        for each in (upper, lower)
    )
    if not first or not second:
        return None, True
    both = [name for name in first if name in second]
    if len(both) >= 2 or len(both) == len(first) == len(second):
        return paired_sample([first[name] - second[name] for name in both]), True
    return unpaired_sample(list(first.values()), list(second.values())), False


def _measure(
    quantity: Quantity, upper: Sequence[Cliff], lower: Sequence[Cliff]
) -> Callable[[Cliff], float | None]:
    if quantity == "height":
        edges = [cliff.boundary for cliff in (*upper, *lower) if cliff.boundary is not None]
        top = min(edges, default=0)
        return lambda cliff: cliff.height(top)
    if quantity == "force MAE":
        return lambda cliff: cliff.force_mae
    return lambda cliff: None if cliff.last_recovered is None else float(cliff.last_recovered)


def over_settings(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """Return of each contrast the mean over settings, or the one setting that there is."""
    whole = {
        (c.factor, text_of(c.value), text_of(c.against), c.degree, c.quantity)
        for c in contrasts
        if not c.setting
    }
    return [
        c
        for c in contrasts
        if not c.setting
        or (c.factor, text_of(c.value), text_of(c.against), c.degree, c.quantity) not in whole
    ]


def leading(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """Return the contrasts that are told first: of the first labels the last value against the first, in height.

    Of several degrees degree 2 is taken, or the highest there is.
    """
    degrees = {c.degree for c in contrasts}
    wanted = 2 if 2 in degrees else max(degrees, default=0)
    chosen = {c.factor: c for c in over_settings(contrasts) if c.quantity == "height" and c.degree == wanted}
    return list(chosen.values())[:3]
