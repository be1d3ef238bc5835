"""What the sweeps of the scalar pathway measured, as it ships with the package: errors, costs, cliffs, artefacts of each network.

``assets/scalar-pathway.json`` is what ``benchmarks/record_scalar_pathway.py`` gathers from the sweeps in ``examples``: numbers,
no weights. Its commands make them again, training and all. An arm is ``plain``, ``modules`` (all three) or ``control`` (plain
scalars of as many parameters at their places); networks of one seed share data, split, order of batches and initial weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..diagnostic.recovery.replicates import interval, paired_sample
from .recorded import read_record

SCHEMA = "spectral-ceilings/scalar-pathway/1"
ARMS = ("plain", "modules", "control")
Row = dict[str, Any]


@cache
def record() -> Row:
    """Return the whole record.

    Raises
    ------
    InputError
        It does not ship with this package.
    """
    return read_record("scalar-pathway.json", SCHEMA, "run the sweeps of the scalar pathway")


def rows(part: str) -> list[Row]:
    """Return the rows of ``trainings``, ``diagnoses`` or ``artefacts``."""
    return list(record()[part])


def source(part: str) -> dict[str, Any]:
    """Return what a claim was measured on: how many networks, and the commands that make them again."""
    return {f"recorded {part}": f"{len(rows(part))}; again with: {'; '.join(record()['commands'])}"}


@dataclass(frozen=True)
class Paired:
    """A difference of two arms, in mean over settings for each seed, with its 95 % interval over seeds.

    Attributes
    ----------
    mean, low, high
        The mean and the ends of its interval; None with fewer than three seeds.
    seeds, settings
        How many seeds have every setting, and the settings.
    """

    mean: float
    low: float | None
    high: float | None
    seeds: int
    settings: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return self.low is not None and self.high is not None

    def map(self, f: Callable[[float], float]) -> Paired:
        """Return it on another scale; ``f`` is monotonic."""
        ends = None if self.low is None or self.high is None else sorted((f(self.low), f(self.high)))
        low, high = (None, None) if ends is None else ends
        return Paired(f(self.mean), low, high, self.seeds, self.settings)


def paired(
    entries: Sequence[Row],
    value: Callable[[Row], float | None],
    first: str,
    second: str,
    *,
    setting: str = "data",
) -> Paired | None:
    """Return value(first arm) - value(second arm), paired by seed; None where no seed has both arms in a setting.

    The mean over settings is taken for each seed, then a Student interval over seeds: settings are those that were asked for,
    seeds are the sample. A seed that lacks a setting which others have is left out.
    """
    table: dict[int, dict[str, dict[str, float]]] = {}
    for entry in entries:
        number = value(entry)
        if number is not None and math.isfinite(number):
            table.setdefault(entry["seed"], {}).setdefault(entry[setting], {})[entry["arm"]] = number
    differences = {
        seed: {
            name: arms[first] - arms[second] for name, arms in by.items() if first in arms and second in arms
        }
        for seed, by in table.items()
    }
    names = sorted({name for by in differences.values() for name in by})
    whole = {seed: by for seed, by in differences.items() if by and len(by) == len(names)}
    if not whole:
        return None
    means = [sum(by.values()) / len(by) for _, by in sorted(whole.items())]
    mean, low, high = interval([paired_sample(means)])
    return Paired(mean, low, high, len(means), tuple(names))


def logarithm(key: str) -> Callable[[Row], float | None]:
    """Return the logarithm of a positive number of a row, None where it has none."""
    return lambda row: math.log(row[key]) if row.get(key) else None
