"""How often the intervals of the package cover the truth, in a model whose truth is known.

``python -m spectral_ceilings.diagnostic.recovery.coverage`` prints the table; ``--trials``, ``--draws`` and ``--seed`` change it.

The share of the injected power that is missed at atom a, under backbone b, in frame f is lognormal,

    log m = mean + B_b + A_a + F_f + E_baf,

with normal parts of given standard deviations; F and E are autoregressive from frame to frame, with correlation phi
between neighbours. The injected power of a frame is gamma distributed. The figure is 1 - (missed / injected), the median
over atoms or of the pooled sums, averaged over backbones; its value in the population is known in closed form.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from .bootstrap import Combine, share_of
from .error_sums import block_starts
from .hierarchy import Bootstrap, interval

#: Mean of log m: what is missed is about 5 % of the power.
MEAN = -3.0


@dataclass(frozen=True)
class Design:
    """A situation: how many backbones, atoms and frames, and how they vary.

    Attributes
    ----------
    backbone, atom, frame, noise
        Standard deviations of B, A, F and E.
    phi
        Correlation of F and of E between neighbouring frames.
    crossed
        Whether all backbones are measured on the same frames.
    """

    backbones: int = 1
    atoms: int = 1
    frames: int = 300
    backbone: float = 0.0
    atom: float = 0.0
    frame: float = 0.3
    noise: float = 0.5
    phi: float = 0.3
    combine: Combine = "median"
    crossed: bool = True

    def __post_init__(self) -> None:
        for name, low in (("backbones", 1), ("atoms", 1), ("frames", 20)):
            if getattr(self, name) < low:
                raise InputError(f"{name} is {getattr(self, name)}, expected at least {low}")
        if not 0.0 <= self.phi < 1.0:
            raise InputError(f"phi is {self.phi}, expected a correlation from 0 to below 1")

    @property
    def truth(self) -> float:
        """The figure in the population."""
        spread = self.backbone**2 + self.frame**2 + self.noise**2
        if self.combine == "pooled":
            spread += self.atom**2
        return float(1.0 - np.exp(MEAN + spread / 2))

    def draw(self, rng: np.random.Generator) -> dict[str, list[NDArray[np.float64]]]:
        """Draw one study: the sums of every frame, by name, one array ``(atoms, frames)`` for each backbone."""
        atoms = self.atom * rng.normal(size=(self.atoms, 1))
        frames = self._series(rng, ())
        power = rng.gamma(2.0, 0.5, size=(self.atoms, self.frames))
        injected, missed = [], []
        for shift in self.backbone * rng.normal(size=self.backbones):
            if not self.crossed:
                frames = self._series(rng, ())
                power = rng.gamma(2.0, 0.5, size=(self.atoms, self.frames))
            log_missed = (
                MEAN + shift + atoms + self.frame * frames + self.noise * self._series(rng, (self.atoms,))
            )
            injected.append(power)
            missed.append(power * np.exp(log_missed))
        return {"injected": injected, "missed": missed}

    def _series(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return a stationary autoregressive series of unit variance, ``(*shape, frames)``."""
        series = rng.normal(size=(*shape, self.frames))
        if self.phi > 0.0:
            fresh = np.sqrt(1.0 - self.phi**2)
            for k in range(1, self.frames):
                series[..., k] = self.phi * series[..., k - 1] + fresh * series[..., k]
        return series


@dataclass(frozen=True)
class Coverage:
    """How often intervals covered: ``hits`` of ``trials``, the same for a percentile bootstrap, and median widths."""

    hits: int
    trials: int
    percentile_hits: int
    width: float
    percentile_width: float

    @property
    def share(self) -> float:
        """The share of trials in which the interval covered the truth."""
        return self.hits / self.trials

    @property
    def error(self) -> float:
        """Standard error of ``share``."""
        return float(np.sqrt(self.share * (1.0 - self.share) / self.trials))


def coverage(design: Design, trials: int, *, draws: int = 500, seed: int = 0) -> Coverage:
    """Return how often the 95 % interval covers the truth, beside a percentile bootstrap of all levels at once."""
    hits = percentile_hits = 0
    widths, percentile_widths = [], []
    statistic = share_of("r2", design.combine)
    for trial in range(trials):
        rng = np.random.default_rng([seed, trial])
        table = design.draw(rng)
        bootstrap = Bootstrap(design.frames, draws, rng)
        estimate = interval(
            statistic, table, bootstrap, share=True, median=design.combine == "median", crossed=design.crossed
        )
        hits += estimate.low <= design.truth <= estimate.high
        widths.append(estimate.high - estimate.low)
        low, high = _percentile(design, table, bootstrap)
        percentile_hits += low <= design.truth <= high
        percentile_widths.append(high - low)
    return Coverage(
        hits, trials, percentile_hits, float(np.median(widths)), float(np.median(percentile_widths))
    )


def _percentile(
    design: Design, table: dict[str, list[NDArray[np.float64]]], bootstrap: Bootstrap
) -> tuple[float, float]:
    """Return the plain percentile interval, backbones, blocks and atoms resampled together."""
    if design.crossed:
        sums = {name: bootstrap.totals(np.stack(arrays)) for name, arrays in table.items()}
    else:
        sums = {name: bootstrap.nested_totals(arrays) for name, arrays in table.items()}
    which = bootstrap.atoms(design.atoms)[None]
    picked = {name: np.take_along_axis(values, which, axis=1) for name, values in sums.items()}
    figures = share_of("r2", design.combine)(lambda name: picked[name])
    draws = (figures * bootstrap.backbones(design.backbones)).sum(axis=0) / design.backbones
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


#: The situations of the table: one backbone; then 2, 4 and 8, crossed and nested.
DESIGNS: tuple[Design, ...] = (
    Design(frames=90),
    Design(frames=300),
    Design(frames=1000),
    Design(frames=1000, phi=0.6),
    Design(atoms=8, atom=0.5),
    Design(atoms=20, atom=0.5),
    Design(atoms=20, atom=0.5, combine="pooled"),
    *(Design(backbones=n, atoms=12, atom=0.5, backbone=0.3) for n in (2, 4, 8)),
    *(Design(backbones=n, backbone=0.3) for n in (2, 4, 8)),
    Design(backbones=4, atoms=12, atom=0.5, backbone=0.1),
    Design(backbones=4, atoms=12, atom=0.5, backbone=0.3, phi=0.6),
    Design(backbones=4, atoms=12, atom=0.5, backbone=0.3, crossed=False),
)


def table(
    designs: Sequence[Design], trials: int, *, draws: int = 500, seed: int = 0
) -> list[dict[str, object]]:
    """Return one row for each design, JSON-ready."""
    rows = []
    for design in designs:
        studies = coverage(design, trials, draws=draws, seed=seed)
        rows.append(
            {
                **asdict(design),
                "blocks": len(block_starts(design.frames)),
                "trials": trials,
                "covered": studies.share,
                "standard_error": studies.error,
                "width": studies.width,
                "percentile_covered": studies.percentile_hits / trials,
                "percentile_width": studies.percentile_width,
            }
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of coverage."""
    parser = argparse.ArgumentParser(
        prog="python -m spectral_ceilings.diagnostic.recovery.coverage",
        description="Simulate how often the 95 % intervals cover the truth.",
    )
    parser.add_argument("--trials", type=int, default=2000, help="studies simulated for each row (2000)")
    parser.add_argument("--draws", type=int, default=500, help="resamples behind each interval (500)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object for each row")
    given = parser.parse_args(arguments)
    if given.trials < 1 or given.draws < 2:
        parser.error("--trials and --draws are positive, --draws at least 2")
    if not given.json:
        print(
            "backbones  atoms  frames  SD: b    a     phi  figure  frames   | 95 % covers          | percentile"
        )
    for design in DESIGNS:
        row = table([design], given.trials, draws=given.draws, seed=given.seed)[0]
        if given.json:
            print(json.dumps(row), flush=True)
            continue
        where = "crossed" if design.crossed else "nested"
        print(
            f"{design.backbones:9d}  {design.atoms:5d}  {design.frames:6d}  {design.backbone:5.2f} {design.atom:5.2f}  "
            f"{design.phi:4.1f}  {design.combine:6s}  {where:7s}  | {row['covered']:.3f} ± {row['standard_error']:.3f}, "
            f"width {row['width']:.3f} | {row['percentile_covered']:.3f}, {row['percentile_width']:.3f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
