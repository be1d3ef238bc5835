"""The points of the learning curves of an atom or a pool of environments: one fit each, computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np

from ..backbones.features import Block
from ..backbones.irreps import o3
from ..frames.marks import Mark
from ..frames.splits import Split
from ..records.parts import Parts
from ..records.progress import Progress
from ..recovery.bootstrap import recovery
from .checking import Plan, signal_of
from .fits import (
    MOST,
    Fit,
    few_enough,
    fit_equivariant_at,
    fit_free_at,
    joined,
    leading_channels,
    natural,
    of_atoms,
    product_channels,
    thinned,
    without_parity,
)
from .plan import BOTH, LAYERS, NEIGHBOUR
from .result_types import CurvePoint, Panel, Role

#: Fewest training rows of a point.
_FEWEST = 10


@dataclass(frozen=True)
class Step:
    """The place of a point: its panel, its series there, and the step on it, with training rows and their rotations."""

    panel: Panel
    series: str
    step: float
    label: str
    frames: int
    rotations: int
    structures: int | None = None


class Curves:
    """Computes points, each once."""

    def __init__(
        self,
        plan: Plan,
        blocks: Callable[[str], list[Block]],
        parts: Parts,
        progress: Progress,
        device: str = "cpu",
    ) -> None:
        self.plan, self.settings, self.sample, self.l = plan, plan.settings, plan.sample, plan.l
        self.blocks, self.parts, self.progress, self.device = blocks, parts, progress, device
        self.points: list[CurvePoint] = []
        self._bootstrap = self.sample.bootstrap(
            self.settings.bootstrap, np.random.default_rng([self.settings.seed, 5])
        )
        self.signal = cache(lambda mark: signal_of(plan, mark))

    def split(self, mark: Mark) -> Split:
        """Return the rows of the three parts."""
        return self.sample.split_of(mark.atom, self.plan.injection)

    def _point(self, mark: Mark, step: Step, compute: Callable[[], Fit]) -> CurvePoint:
        key = f"curve/{step.panel}/{step.series}/{step.label}/atom={mark.atom}"
        known = next((point for point in self.points if point.get("key") == key), None)
        if known is not None:
            return known

        def measure() -> CurvePoint:
            fit = compute()
            sums = self.sample.kept(mark.atom, self.plan.injection, fit.sums)
            r2 = recovery([sums], self._bootstrap).r2
            training = None if np.isnan(fit.training) else fit.training
            point: CurvePoint = {
                "key": key, "atom": mark.atom, "panel": step.panel, "series": step.series, "step": step.step,
                "label": step.label, "coefficients": fit.coefficients, "frames": step.frames,
                "rotations": step.rotations, "r2": fit.r2, "r2_low": r2.low, "r2_high": r2.high,
                "r2_training": training,
            }  # fmt: skip
            if step.structures is not None:
                point["structures"] = step.structures
            return point

        point = cast(CurvePoint, self.parts.get(key, measure))
        self.points.append(point)
        self.progress(f"{self._what(mark)}, {step.panel}", len(self.points), 0)
        return point

    def _what(self, mark: Mark) -> str:
        return self.sample.label(mark.atom) if self.plan.pooled else f"atom {mark.atom}"

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of the features after the channels; a pool has no marked neighbour."""
        return (BOTH, LAYERS) if self.plan.pooled else (BOTH, LAYERS, NEIGHBOUR)

    def _tapped(self, mark: Mark) -> list[Block]:
        """Return the atom's features of the chosen layer."""
        return of_atoms(self.blocks(self.plan.layer.name), [mark.atom])

    def features(self, mark: Mark, steps: Sequence[str]) -> dict[str, float]:
        """Fit the equivariant readout to more and more features; return R2 by step."""
        signal, split = self.signal(mark), self.split(mark)

        def few(blocks: Sequence[Block]) -> list[Block]:
            return few_enough(blocks, split.training, signal, self.settings.degree, self.l)

        def chosen(step: str) -> list[Block]:
            if step == BOTH:
                return few(self._tapped(mark))
            atoms = [mark.atom] if step == LAYERS else [mark.atom, int(mark.neighbour or 0)]
            if step in (LAYERS, NEIGHBOUR):
                return few(joined([of_atoms(self.blocks(name), atoms) for name in self.plan.layers]))
            blocks = natural(self._tapped(mark))
            return (
                few(blocks) if step == "all" else leading_channels(blocks, int(step), split.training, signal)
            )

        order = [*map(str, self.settings.channels), "all", BOTH, LAYERS, NEIGHBOUR]
        heights = {}
        for step in steps:
            point = self._point(
                mark, self._step("features", "equivariant", float(order.index(step)), step, mark, split, 0),
                lambda step=step: self._equivariant(chosen(step), mark, split),  # type: ignore[misc]
            )  # fmt: skip
            heights[step] = float(point["r2"])
        return heights

    def roles(self) -> dict[int, Role]:
        """Return which atoms are drawn, and as what; unless they are named, every atom is fitted to find them."""
        if self.settings.atoms is not None:
            return dict.fromkeys(self.settings.atoms, "chosen")
        height = {mark.atom: self.features(mark, (BOTH, LAYERS))[BOTH] for mark in self.plan.marks}
        order = sorted(height, key=lambda atom: height[atom])
        if len(order) == 1:
            return {order[0]: "chosen" if self.plan.pooled else "median"}
        picks: dict[int, Role] = {order[-1]: "best", order[(len(order) - 1) // 2]: "median"}
        if self.plan.pooled and len(order) == 2:
            return {order[1]: "best", order[0]: "worst"}
        picks.setdefault(order[0], "worst")
        return picks

    def draw(self, mark: Mark) -> None:
        """Compute every curve of one atom."""
        # Features are asked for where a point is missing only: a run that is taken up does not run the network again.
        tapped = cache(lambda: self._tapped(mark))
        free = cache(lambda: without_parity(tapped()))
        channels = [str(k) for k in self.settings.channels if k < self._channels]
        self.features(mark, [*channels, "all", *self.steps])
        self._draw_coefficients(mark, free)
        self._draw_frames(mark, tapped, free)

    def _step(
        self, panel: Panel, series: str, step: float, label: str, mark: Mark, split: Split, rotations: int
    ) -> Step:
        """Return the place of a point that is fitted to the training rows of a split."""
        of_row = self.sample.structures_of(mark.atom)
        structures = None if of_row is None else len(np.unique(of_row[split.training]))
        return Step(panel, series, step, label, len(split.training), rotations, structures)

    @property
    def _channels(self) -> int:
        """Largest number of channels of an irrep of the layer."""
        return max(int(mul) for mul, _ in o3.Irreps(self.plan.layer.irreps))

    def _equivariant(self, blocks: Sequence[Block], mark: Mark, split: Split) -> Fit:
        return fit_equivariant_at(
            blocks, self.signal(mark), split, self.settings.degree, self.l, device=self.device
        )

    def _free(self, blocks: Sequence[Block], mark: Mark, split: Split, limit: int, rotations: int) -> Fit:
        return fit_free_at(
            blocks, self.signal(mark), split, self.settings.degree, self.l, limit=limit, rotations=rotations,
            rng=np.random.default_rng([self.settings.seed, 7]), device=self.device,
        )  # fmt: skip

    def _draw_coefficients(self, mark: Mark, free: Callable[[], list[Block]]) -> None:
        s, split = self.settings, self.split(mark)
        for limit in s.coefficients:
            step = self._step("coefficients", "free", float(limit), f"up to {limit}", mark, split, s.most_rotations)  # fmt: skip
            self._point(mark, step, lambda limit=limit: self._free(free(), mark, split, limit, s.most_rotations))  # type: ignore[misc]  # fmt: skip
        if s.degree != 2 or self.l != 2 * self.plan.layer.l_max:
            return

        def products(count: int) -> Fit:
            blocks = [product_channels(free()[-1], count, split, self.signal(mark))]
            return self._free(blocks, mark, split, MOST, s.most_rotations)

        for count in (*s.channels, 12):
            series = "free, channels by the equivariant fit"
            label = f"{count} channels"
            step = self._step("coefficients", series, float(count), label, mark, split, s.most_rotations)
            self._point(mark, step, lambda count=count: products(count))  # type: ignore[misc]

    def _draw_frames(
        self, mark: Mark, tapped: Callable[[], list[Block]], free: Callable[[], list[Block]]
    ) -> None:
        s, split, signal = self.settings, self.split(mark), self.signal(mark)
        of_row = self.sample.structures_of(mark.atom)
        rows = len(split.training)
        total = rows if of_row is None else len(np.unique(of_row[split.training]))
        fewest = -(-_FEWEST * total // rows)  # frames or structures that hold ten rows
        middle = sorted(s.coefficients)[len(s.coefficients) // 2]
        few = cache(lambda: few_enough(tapped(), split.training, signal, s.degree, self.l))
        what = "frames" if of_row is None else "structures"
        for count in [*(max(fewest, round(part * total)) for part in s.frames), total]:
            part, label = thinned(split, count, of_row), f"{count} {what}"
            step = self._step("frames", "free, frames", float(count), label, mark, part, s.most_rotations)
            self._point(mark, step, lambda part=part: self._free(free(), mark, part, middle, s.most_rotations))  # type: ignore[misc]  # fmt: skip
            step = self._step("frames", "equivariant, frames", float(count), label, mark, part, 0)
            self._point(mark, step, lambda part=part: self._equivariant(few(), mark, part))  # type: ignore[misc]  # fmt: skip
        for rotations in [*s.rotations, s.most_rotations]:
            label = f"{rotations} rotations"
            step = self._step("frames", "free, rotations", float(rotations), label, mark, split, rotations)
            self._point(mark, step, lambda rotations=rotations: self._free(free(), mark, split, middle, rotations))  # type: ignore[misc]  # fmt: skip
