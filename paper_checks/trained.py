"""Sweeps of trained backbones whose collected results ship with the package: claims on L, width and depth over several seeds.

Each asset is what ``ceilings sweep`` and ``ceilings sweep collect`` gave with a file in ``examples``: labels, ceiling and R2 by l
of every diagnosis, no weights. The claims read these numbers; the command in the asset makes them again, training and all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..diagnostic.recovery.replicates import Sample, interval, paired_sample
from .outcome import Line, Value

_ASSETS = Path(__file__).parent / "assets"
SCHEMA = "spectral-ceilings/trained/1"


@dataclass(frozen=True)
class Trained:
    """A trained and diagnosed backbone of a sweep.

    Attributes
    ----------
    labels
        What was varied, the seed too.
    molecule
        Formula of what it was trained and diagnosed on.
    boundary
        The ceiling of the quadratic readout, 2 L.
    last_recovered
        The highest l that the diagnosis judged as recovered.
    r2
        R2 by l, of the median atom on held-out frames.
    """

    labels: Mapping[str, Any]
    molecule: str
    boundary: int
    last_recovered: int | None
    r2: tuple[float, ...]


@cache
def sweep_record(name: str) -> dict[str, Any]:
    """Return the record ``sweep-NAME.json``: ``{schema, command, versions, cells}``."""
    record: dict[str, Any] = json.loads((_ASSETS / f"sweep-{name}.json").read_text(encoding="utf-8"))
    assert record["schema"] == SCHEMA
    return record


@cache
def trained(name: str) -> tuple[Trained, ...]:
    """Return the backbones of a sweep, ``depth`` or ``nequip``, in the order of its plan."""
    return tuple(
        Trained(cell["labels"], cell["formula"], cell["boundary"], cell["last_recovered"], tuple(cell["r2"]))
        for cell in sweep_record(name)["cells"]
    )


def at_the_ceiling(backbones: Sequence[Trained]) -> int:
    """Return how many backbones recover up to their ceiling and not beyond."""
    return sum(each.last_recovered == each.boundary for each in backbones)


def beyond(backbones: Sequence[Trained]) -> int:
    """Return how many backbones recover an l above their ceiling."""
    return sum((each.last_recovered or 0) > each.boundary for each in backbones)


def at(l: int) -> Callable[[Trained], float]:
    """Return the measure R2(l)."""
    return lambda backbone: backbone.r2[l]


@dataclass(frozen=True)
class Change:
    """What a change of one label does over backbones: the mean with its interval, and how many pairs rise of how many."""

    mean: float
    low: float | None
    high: float | None
    rising: int
    pairs: int

    def __str__(self) -> str:
        ends = "" if self.low is None or self.high is None else f" [{self.low:+.3f}, {self.high:+.3f}]"
        return f"{self.mean:+.3f}{ends}, above zero in {self.rising} of {self.pairs} pairs"

    def value(self, name: str) -> Value:
        """Return the change as a measured number."""
        note = f"{self.pairs} pairs of backbones, {self.rising} above zero; interval over seeds"
        return Value(name, self.mean, self.low, self.high, note=note)


def change(
    backbones: Sequence[Trained], label: str, value: Any, against: Any, measure: Callable[[Trained], float]
) -> Change:
    """Return what one value of a label does against another, over backbones that agree in all other labels, seed included.

    The mean weighs every setting equally; the interval is over seeds.
    """
    samples: dict[str, list[float]] = {}
    lower = {_others(each, label): each for each in backbones if each.labels[label] == against}
    for each in backbones:
        other = lower.get(_others(each, label))
        if each.labels[label] == value and other is not None:
            samples.setdefault(_others(each, label, "seed"), []).append(measure(each) - measure(other))
    made: list[Sample] = [paired_sample(differences) for differences in samples.values()]
    return Change(
        *interval(made), sum(sample.positive or 0 for sample in made), sum(sample.count for sample in made)
    )


def _others(backbone: Trained, *without: str) -> str:
    return json.dumps(
        {name: value for name, value in backbone.labels.items() if name not in without}, sort_keys=True
    )


def mean_line(label: str, backbones: Sequence[Trained]) -> Line:
    """Return R2 against l, the mean over backbones with their range."""
    top = min(len(each.r2) for each in backbones)
    values = [[each.r2[l] for each in backbones] for l in range(1, top)]
    return Line(
        label,
        [float(l) for l in range(1, top)],
        [sum(column) / len(column) for column in values],
        [min(column) for column in values],
        [max(column) for column in values],
    )


def table_of(backbones: Sequence[Trained], label: str) -> list[dict[str, Any]]:
    """Return a table of settings: a row for each value of a label and each molecule."""
    rows = []
    groups: dict[tuple[Any, str], list[Trained]] = {}
    for each in backbones:
        groups.setdefault((each.labels[label], each.molecule), []).append(each)
    for (value, molecule), group in groups.items():
        edge = group[0].boundary
        inside, outside = ([each.r2[l] for each in group] for l in (edge, edge + 1))
        rows.append(
            {
                label: value,
                "molecule": molecule,
                "backbones": len(group),
                "predicted cliff": f"{edge}/{edge + 1}",
                "last recovered l": ", ".join(sorted({str(each.last_recovered) for each in group})),
                "R2 at the boundary": _spread(inside),
                "R2 above it": _spread(outside),
            }
        )
    return rows


def _spread(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.3f} [{min(values):.3f}, {max(values):.3f}]"


def source(name: str) -> dict[str, Any]:
    """Return what a claim was measured on: the sweep, and the command that makes it again."""
    record = sweep_record(name)
    return {f"sweep {name}": f"{len(record['cells'])} backbones, recorded; again with: {record['command']}"}
