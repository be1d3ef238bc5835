"""What single backbones of a sweep recover: R2 against l of every diagnosis, grouped into settings of several seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .table_files import text_of

#: Labels that number replicates of one setting.
REPLICATES = ("seed",)
#: Scope of the rows of a diagnosis over all its atoms or pools.
_ALL = "molecule"


@dataclass(frozen=True)
class Cliff:
    """What the readout of one degree recovers of one backbone: R2 of the median atom against l.

    Attributes
    ----------
    key
        Of the cell.
    labels
        Of the cell, without those of replicates.
    replicate
        Labels of replicates, such as the seed, as text.
    formula
        What was diagnosed.
    readout, degree, boundary
        The readout, its degree, and the highest l that theory lets it recover.
    r2
        By l, None where theory leaves no polynomial or l was not injected.
    last_recovered
        The highest l that the run judged as recovered.
    force_mae
        Error of the backbone's forces, eV/Å.
    cost
        Processor seconds of the training that the cell needed, wall seconds where those are not known; None without training.
    """

    key: str
    labels: Mapping[str, Any]
    replicate: str
    formula: str
    readout: str
    degree: int
    boundary: int | None
    r2: tuple[float | None, ...]
    last_recovered: int | None
    force_mae: float | None
    cost: float | None = None

    @property
    def setting(self) -> str:
        """The labels as text: equal for replicates."""
        return setting_text(self.labels)

    def height(self, top: int | None = None) -> float | None:
        """Return the mean of R2(l) over l = 1 to ``top`` (None: to the ceiling); None where one of them was not measured."""
        edge = self.boundary if top is None else top
        if edge is None or edge < 1 or edge >= len(self.r2):
            return None
        values = [value for value in self.r2[1 : edge + 1] if value is not None]
        return sum(values) / edge if len(values) == edge else None


def setting_text(labels: Mapping[str, Any]) -> str:
    """Return labels as ``data ethanol, l-max 2``."""
    return ", ".join(f"{name} {text_of(value)}" for name, value in labels.items())


def cliffs_of(
    key: str, labels: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], *, replicates: Sequence[str] = REPLICATES,
    cost: float | None = None,
) -> list[Cliff]:  # fmt: skip
    """Return the cliffs of a diagnosis, one for each degree, by its rows in the table of a sweep.

    Taken are the first injection and direction of the run, and the free readout where it was fitted, else the first.
    """
    pooled = [row for row in rows if row.get("scope") == _ALL]
    if not pooled:
        return []
    first = pooled[0]
    kinds = {row["readout"] for row in pooled}
    readout = "free" if "free" in kinds else first["readout"]
    chosen = [
        row
        for row in pooled
        if (row["injection"], row["direction"], row["readout"])
        == (first["injection"], first["direction"], readout)
    ]
    shared = {name: value for name, value in labels.items() if name not in replicates}
    replicate = ", ".join(text_of(labels[name]) for name in replicates if name in labels)
    cliffs = []
    for degree in sorted({int(row["degree"]) for row in chosen}):
        by_l = {int(row["l"]): row for row in chosen if int(row["degree"]) == degree}
        values = tuple(by_l[l]["r2"] if l in by_l else None for l in range(max(by_l) + 1))
        recovered = [l for l, row in by_l.items() if row["verdict"] == "recovered"]
        cliffs.append(
            Cliff(key, shared, replicate, str(first["formula"]), readout, degree, first_of(by_l.values(), "boundary"), values,
                  max(recovered, default=None), first["force_mae_eV_A"], cost)
        )  # fmt: skip
    return cliffs


def first_of(rows: Iterable[Mapping[str, Any]], name: str) -> Any:
    """Return the first value of a column that is there."""
    return next((row[name] for row in rows if row[name] is not None), None)


def by_setting(cliffs: Iterable[Cliff]) -> dict[str, list[Cliff]]:
    """Return the cliffs of each setting, in the order of the plan."""
    groups: dict[str, list[Cliff]] = {}
    for cliff in cliffs:
        groups.setdefault(cliff.setting, []).append(cliff)
    return groups


def factors_of(cliffs: Iterable[Cliff]) -> dict[str, list[Any]]:
    """Return the labels that take several values, with these values: numbers in order of size, others as they appear."""
    values: dict[str, list[Any]] = {}
    for cliff in cliffs:
        for name, value in cliff.labels.items():
            known = values.setdefault(name, [])
            if not any(text_of(value) == text_of(other) for other in known):
                known.append(value)
    return {name: in_order(known) for name, known in values.items() if len(known) > 1}


def in_order(values: list[Any]) -> list[Any]:
    """Return numbers in order of size, anything else as it is."""
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return sorted(values) if numbers else values
