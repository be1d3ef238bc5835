"""The points of the learning curves of an atom: one fit each, computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..backbones.features import Block
from ..backbones.irreps import o3
from ..frames.marks import Mark
from ..frames.splits import Split
from ..injection.fields import signals
from ..records.parts import Parts
from ..records.progress import Progress
from ..recovery.bootstrap import recovery
from ..recovery.hierarchy import Bootstrap
from .fits import (
    MOST,
    Fit,
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
from .plan import BOTH, LAYERS, NEIGHBOUR, Plan
from .result_types import CurvePoint, Panel, Role


@dataclass(frozen=True)
class Step:
    """The place of a point: its panel, its series there, and the step on it, with training frames and their rotations."""

    panel: Panel
    series: str
    step: float
    label: str
    frames: int
    rotations: int


class Curves:
    """Computes points, each once."""

    def __init__(
        self,
        plan: Plan,
        blocks: Callable[[str], list[Block]],
        parts: Parts,
        progress: Progress,
    ) -> None:
        self.plan, self.settings, self.data, self.l = plan, plan.settings, plan.data, plan.l
        self.blocks, self.parts, self.progress = blocks, parts, progress
        self.points: list[CurvePoint] = []
        self._bootstrap = Bootstrap(
            len(self.data.split.held_out),
            self.settings.bootstrap,
            np.random.default_rng([self.settings.seed, 5]),
        )

    def signal(self, mark: Mark) -> NDArray[np.float64]:
        """Return T of the atom towards its marked neighbour, ``(frames, (l + 1)^2)``."""
        positions = self.data.frames.positions
        return signals(positions.shape[1], positions, self.l, "marked", [mark])[:, 0]

    def _point(self, mark: Mark, step: Step, compute: Callable[[], Fit]) -> CurvePoint:
        key = f"curve/{step.panel}/{step.series}/{step.label}/atom={mark.atom}"
        known = next((point for point in self.points if point.get("key") == key), None)
        if known is not None:
            return known

        def measure() -> CurvePoint:
            fit = compute()
            r2 = recovery([fit.sums], self._bootstrap).r2
            training = None if np.isnan(fit.training) else fit.training
            return {
                "key": key, "atom": mark.atom, "panel": step.panel, "series": step.series, "step": step.step,
                "label": step.label, "coefficients": fit.coefficients, "frames": step.frames,
                "rotations": step.rotations, "r2": fit.r2, "r2_low": r2.low, "r2_high": r2.high,
                "r2_training": training,
            }  # fmt: skip

        point = cast(CurvePoint, self.parts.get(key, measure))
        self.points.append(point)
        self.progress(f"atom {mark.atom}, {step.panel}", len(self.points), 0)
        return point

    def _tapped(self, mark: Mark) -> list[Block]:
        """Return the atom's features of the chosen layer."""
        return of_atoms(self.blocks(self.plan.layer.name), [mark.atom])

    def features(self, mark: Mark, steps: Sequence[str]) -> dict[str, float]:
        """Fit the equivariant readout to more and more features; return R2 by step."""
        signal, split = self.signal(mark), self.data.split

        def chosen(step: str) -> list[Block]:
            if step == BOTH:
                return self._tapped(mark)
            atoms = [mark.atom] if step == LAYERS else [mark.atom, int(mark.neighbour or 0)]
            if step in (LAYERS, NEIGHBOUR):
                return joined([of_atoms(self.blocks(name), atoms) for name in self.plan.layers])
            blocks = natural(self._tapped(mark))
            return blocks if step == "all" else leading_channels(blocks, int(step), split.training, signal)

        order = [*map(str, self.settings.channels), "all", BOTH, LAYERS, NEIGHBOUR]
        heights = {}
        for step in steps:
            point = self._point(
                mark, Step("features", "equivariant", float(order.index(step)), step, len(split.training), 0),
                lambda step=step: fit_equivariant_at(chosen(step), signal, split, self.settings.degree, self.l),  # type: ignore[misc]
            )  # fmt: skip
            heights[step] = float(point["r2"])
        return heights

    def roles(self) -> dict[int, Role]:
        """Return which atoms are drawn, and as what; unless they are named, every atom is fitted to find them."""
        if self.settings.atoms is not None:
            return dict.fromkeys(self.settings.atoms, "chosen")
        height = {mark.atom: self.features(mark, (BOTH, LAYERS))[BOTH] for mark in self.plan.marks}
        order = sorted(height, key=lambda atom: height[atom])
        picks: dict[int, Role] = {order[-1]: "best", order[(len(order) - 1) // 2]: "median"}
        picks.setdefault(order[0], "worst")
        return picks

    def draw(self, mark: Mark) -> None:
        """Compute every curve of one atom."""
        # Features are asked for where a point is missing only: a run that is taken up does not run the network again.
        tapped = cache(lambda: self._tapped(mark))
        free = cache(lambda: without_parity(tapped()))
        channels = [str(k) for k in self.settings.channels if k < self._channels]
        self.features(mark, [*channels, "all", BOTH, LAYERS, NEIGHBOUR])
        self._draw_coefficients(mark, free)
        self._draw_frames(mark, tapped, free)

    @property
    def _channels(self) -> int:
        """Largest number of channels of an irrep of the layer."""
        return max(int(mul) for mul, _ in o3.Irreps(self.plan.layer.irreps))

    def _free(self, blocks: Sequence[Block], mark: Mark, split: Split, limit: int, rotations: int) -> Fit:
        return fit_free_at(
            blocks, self.signal(mark), split, self.settings.degree, self.l, limit=limit, rotations=rotations,
            rng=np.random.default_rng([self.settings.seed, 7]),
        )  # fmt: skip

    def _draw_coefficients(self, mark: Mark, free: Callable[[], list[Block]]) -> None:
        s, split = self.settings, self.data.split
        total = len(split.training)
        for limit in s.coefficients:
            step = Step("coefficients", "free", float(limit), f"up to {limit}", total, s.most_rotations)
            self._point(mark, step, lambda limit=limit: self._free(free(), mark, split, limit, s.most_rotations))  # type: ignore[misc]  # fmt: skip
        if s.degree != 2 or self.l != 2 * self.plan.layer.l_max:
            return

        def products(count: int) -> Fit:
            blocks = [product_channels(free()[-1], count, split, self.signal(mark))]
            return self._free(blocks, mark, split, MOST, s.most_rotations)

        for count in (*s.channels, 12):
            series = "free, channels by the equivariant fit"
            step = Step("coefficients", series, float(count), f"{count} channels", total, s.most_rotations)
            self._point(mark, step, lambda count=count: products(count))  # type: ignore[misc]

    def _draw_frames(
        self, mark: Mark, tapped: Callable[[], list[Block]], free: Callable[[], list[Block]]
    ) -> None:
        s, split, signal = self.settings, self.data.split, self.signal(mark)
        total = len(split.training)
        middle = sorted(s.coefficients)[len(s.coefficients) // 2]
        for count in [*(max(10, round(part * total)) for part in s.frames), total]:
            part, label = thinned(split, count), f"{count} frames"
            step = Step("frames", "free, frames", float(count), label, count, s.most_rotations)
            self._point(mark, step, lambda part=part: self._free(free(), mark, part, middle, s.most_rotations))  # type: ignore[misc]  # fmt: skip
            step = Step("frames", "equivariant, frames", float(count), label, count, 0)
            self._point(mark, step, lambda part=part: fit_equivariant_at(tapped(), signal, part, s.degree, self.l))  # type: ignore[misc]  # fmt: skip
        for rotations in [*s.rotations, s.most_rotations]:
            label = f"{rotations} rotations"
            step = Step("frames", "free, rotations", float(rotations), label, total, rotations)
            self._point(mark, step, lambda rotations=rotations: self._free(free(), mark, split, middle, rotations))  # type: ignore[misc]  # fmt: skip
