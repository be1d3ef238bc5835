"""What limits the height below the ceiling: a learning curve in features, in coefficients, and in frames and rotations.

The ceiling says which l can be given back at all; how much of it comes back depends on the features. For a few atoms
(one that is given back well, a median one and a bad one) the same marked signal of degree l is fitted with more and
more of one thing, everything else as it is:

- features: channels of the tapped layer, its irreps of unnatural parity (a product of two is natural), the features
  of the backbone's other layers, and those of the marked neighbour. The degree stays, so the ceiling stays;
- coefficients of the free readout, against the equivariant readout of the same features, which is what the free one
  becomes with all of them;
- training frames, and Haar-random rotations of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.equivariance import check_equivariance
from ..backbones.features import Block
from ..backbones.irreps import o3
from ..frames.frames import Frames
from ..frames.marks import Mark, marked_neighbours
from ..injection.fields import signals
from ..measurement.arrange import Data, arrange
from ..measurement.settings import DiagnoseSettings
from ..records.progress import Progress, silent
from ..records.run_directory import RunDirectory
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
from .result_object import CURVES_SCHEMA, LearningCurves

#: Where less than this is missing of R2 = 1, and no gain is larger, there is nothing to improve.
WORTH = 0.02
#: What limits an atom that leaves nothing to improve.
NOTHING = "nothing"
#: Names of the steps of the features, after the numbers of channels.
BOTH, LAYERS, NEIGHBOUR = "both parities", "all layers", "and the neighbour's"


@dataclass(frozen=True)
class LearningCurveSettings:
    """Settings of ``learning_curves``.

    Attributes
    ----------
    degree
        Degree of the readouts, 1 or 2: the equivariant polynomials of degree 3 of all features are too many.
    l
        Degree of the signal; None: the ceiling, the hardest that can be given back.
    layer
        Name of the layer; None: the last one with l > 0.
    atoms
        Atoms whose curves are drawn; None: the best, the median and the worst of all marked atoms.
    channels, coefficients, frames, rotations
        The steps of each curve; frames are fractions of the training frames.
    every_atom
        Fit all features, the neighbour's too, for every atom (seconds for each) and not for the drawn ones only.
    limit_frames
        Use at most this many frames; None: all.
    seed
        Of the split and the rotations.
    """

    degree: int = 2
    l: int | None = None
    layer: str | None = None
    atoms: tuple[int, ...] | None = None
    channels: tuple[int, ...] = (1, 2, 4, 8)
    coefficients: tuple[int, ...] = (60, 200, 420, 1100, 2300)
    frames: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5)
    rotations: tuple[int, ...] = (1, 2, 5, 10)
    most_rotations: int = 20
    every_atom: bool = False
    limit_frames: int | None = None
    bootstrap: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.degree not in (1, 2):
            raise InputError(f"degree is {self.degree!r}, expected 1 or 2")
        for name in ("channels", "coefficients", "rotations"):
            values = getattr(self, name)
            if not values or any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in values):
                raise InputError(f"{name} are {values!r}, expected integers of at least 1")
        if not self.frames or not all(0.0 < v < 1.0 for v in self.frames):
            raise InputError(
                f"frames are {self.frames!r}, expected fractions of the training frames between 0 and 1"
            )


def learning_curves(
    frames: Frames,
    backbone: Backbone,
    settings: LearningCurveSettings | None = None,
    *,
    held_out: Frames | None = None,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> LearningCurves:
    """Measure R2 on held-out frames along each curve and say what limits each atom.

    Parameters
    ----------
    frames, backbone, held_out
        As for ``diagnose``.
    out
        Run directory: finished points are kept in it; None: nothing is written.
    resume
        Take up ``out`` where an earlier run of the same settings stopped.
    progress
        Called with (what, points done, 0): the number of points is not known before.

    Returns
    -------
    LearningCurves
        A mapping ``{schema, model, data, settings, degree, boundary, l, atoms, points}``, the content of ``curves.json``. A
        point is ``{atom, panel, series, step, label, coefficients, frames, rotations, r2, r2_low, r2_high, r2_training}``, an
        atom ``{index, element, neighbour, role, heights, limited_by, sentence}``.

    Raises
    ------
    InputError
        Unknown elements, a layer of scalars, features that are not equivariant, too few frames, no marked atom, an l above
        the ceiling.
    """
    settings = settings or LearningCurveSettings()
    backbone.check_elements(frames)
    layer = backbone.choose_layer(settings.layer)
    boundary = settings.degree * layer.l_max
    l = boundary if settings.l is None else settings.l
    if not 0 < l <= boundary:
        raise InputError(
            f"l is {l}, expected 1 to {boundary}, the ceiling of degree {settings.degree} at {layer.name}"
        )
    data = arrange(
        frames, backbone, DiagnoseSettings(seed=settings.seed, frames=settings.limit_frames), held_out
    )
    marks = [mark for mark in marked_neighbours(frames) if mark.neighbour is not None]
    known = {mark.atom for mark in marks}
    for atom in settings.atoms or ():
        if atom not in known:
            raise InputError(f"atom {atom} has no marked neighbour, expected some of {sorted(known)}")
    if not marks:
        raise InputError(
            "no atom has a neighbour that chemistry tells from its others: there is no marked signal"
        )
    if not resume:  # what is resumed has passed
        few = frames.select(slice(0, 3))
        check_equivariance(backbone, few, [layer.name], np.random.default_rng([settings.seed, 11]))
    usable = [one.name for one in backbone.layers() if one.usable and one.l_max <= layer.l_max]
    run = None
    if out is not None:
        asked = {
            **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(settings).items()},
            "job": CURVES_SCHEMA, "layer": layer.name, "l": l, "backbone_sha256": backbone.info.sha256,
            "data_sha256": frames.sha256, "held_out_sha256": held_out.sha256 if held_out else None,
        }  # fmt: skip
        run = RunDirectory.create(out, asked, resume)

    tell = progress or silent

    @cache
    def blocks(name: str) -> list[Block]:
        tell(f"features of {name}", 0, 0)
        return list(backbone.features(data.frames, name).blocks())

    irreps = [(mul, ir.l) for mul, ir in o3.Irreps(layer.irreps)]
    curves = _Curves(settings, data, blocks, layer.name, usable, l, run, tell)
    curves.channels, curves.l_max = max(mul for mul, _ in irreps), layer.l_max

    roles = curves.roles(marks)
    atoms = []
    for mark in marks:
        role = roles.get(mark.atom)
        if role is not None:
            curves.draw(mark)
        elif settings.every_atom:
            curves.features(mark, (BOTH, LAYERS, NEIGHBOUR))
        atoms.append(_atom(mark, role, [p for p in curves.points if p["atom"] == mark.atom]))
    result = {
        "schema": CURVES_SCHEMA,
        "model": {"source": backbone.info.source, "sha256": backbone.info.sha256, "layer": layer.name,
                  "irreps": layer.irreps, "layers": usable},
        "data": {"source": frames.source, "sha256": frames.sha256, "formula": frames.formula,
                 "splits": data.split.counts(), "note": data.note},
        "settings": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(settings).items()},
        "degree": settings.degree,
        "boundary": boundary,
        "l": l,
        "atoms": atoms,
        "points": sorted(curves.points, key=lambda p: (p["atom"], p["panel"], p["series"], p["step"])),
    }  # fmt: skip
    return LearningCurves(result)


class _Curves:
    """Computes points, each once."""

    def __init__(
        self,
        settings: LearningCurveSettings,
        data: Data,
        blocks: Callable[[str], list[Block]],
        layer: str,
        layers: Sequence[str],
        l: int,
        run: RunDirectory | None,
        progress: Progress,
    ) -> None:
        self.settings, self.data, self.blocks, self.layer, self.layers = settings, data, blocks, layer, layers
        self.l, self.run, self.progress = l, run, progress
        self.points: list[dict[str, Any]] = []
        self.channels, self.l_max = 0, 0
        self._bootstrap = Bootstrap(
            len(data.split.held_out), settings.bootstrap, np.random.default_rng([settings.seed, 5])
        )

    def signal(self, mark: Mark) -> NDArray[np.float64]:
        positions = self.data.frames.positions
        return signals(positions.shape[1], positions, self.l, "marked", [mark])[:, 0]

    def _point(
        self, mark: Mark, panel: str, series: str, step: float, label: str, frames: int, rotations: int,
        compute: Callable[[], Fit],
    ) -> dict[str, Any]:  # fmt: skip
        key = f"curve/{panel}/{series}/{label}/atom={mark.atom}"
        found = next((p for p in self.points if p["key"] == key), None)
        if found is not None:
            return found
        saved = self.run.load_cell(key) if self.run else None
        if saved is None:
            fit = compute()
            r2 = recovery([fit.sums], self._bootstrap).r2
            training = None if np.isnan(fit.training) else fit.training
            saved = {
                "key": key, "atom": mark.atom, "panel": panel, "series": series, "step": step, "label": label,
                "coefficients": fit.coefficients, "frames": frames, "rotations": rotations,
                "r2": fit.r2, "r2_low": r2.low, "r2_high": r2.high, "r2_training": training,
            }  # fmt: skip
            if self.run:
                self.run.save_cell(key, saved)
        self.points.append(saved)
        self.progress(f"atom {mark.atom}, {panel}", len(self.points), 0)
        return saved

    def _own(self, mark: Mark) -> list[Block]:
        return of_atoms(self.blocks(self.layer), [mark.atom])

    def features(self, mark: Mark, steps: Sequence[str]) -> dict[str, float]:
        """Fit the equivariant readout to more and more features; return R2 by step."""
        signal, split = self.signal(mark), self.data.split

        def chosen(step: str) -> list[Block]:
            if step == BOTH:
                return self._own(mark)
            atoms = [mark.atom] if step == LAYERS else [mark.atom, int(mark.neighbour or 0)]
            if step in (LAYERS, NEIGHBOUR):
                return joined([of_atoms(self.blocks(name), atoms) for name in self.layers])
            own = natural(self._own(mark))
            return own if step == "all" else leading_channels(own, int(step), split.training, signal)

        order = [*map(str, self.settings.channels), "all", BOTH, LAYERS, NEIGHBOUR]
        found = {}
        for step in steps:
            point = self._point(
                mark, "features", "equivariant", float(order.index(step)), step, len(split.training), 0,
                lambda step=step: fit_equivariant_at(chosen(step), signal, split, self.settings.degree, self.l),  # type: ignore[misc]
            )  # fmt: skip
            found[step] = float(point["r2"])
        return found

    def roles(self, marks: Sequence[Mark]) -> dict[int, str]:
        """Return which atoms are drawn, and as what; unless they are named, every atom is fitted to find them."""
        if self.settings.atoms is not None:
            return dict.fromkeys(self.settings.atoms, "chosen")
        height = {mark.atom: self.features(mark, (BOTH, LAYERS))[BOTH] for mark in marks}
        order = sorted(height, key=lambda atom: height[atom])
        picks = {order[-1]: "best", order[(len(order) - 1) // 2]: "median"}
        picks.setdefault(order[0], "worst")
        return picks

    def draw(self, mark: Mark) -> None:
        """Compute every curve of one atom."""
        s, split, signal = self.settings, self.data.split, self.signal(mark)
        # Features are asked for where a point is missing only: a run that is taken up does not run the network again.
        own = cache(lambda: self._own(mark))
        channels = [str(k) for k in s.channels if k < self.channels]
        self.features(mark, [*channels, "all", BOTH, LAYERS, NEIGHBOUR])
        free = cache(lambda: without_parity(own()))

        def fit(limit: int, count: int, rotations: int) -> Fit:
            rng = np.random.default_rng([s.seed, 7])
            part = thinned(split, count)
            return fit_free_at(
                free(), signal, part, s.degree, self.l, limit=limit, rotations=rotations, rng=rng
            )

        def products(count: int) -> Fit:
            chosen = [product_channels(free()[-1], count, split, signal)]
            return fit_free_at(chosen, signal, split, s.degree, self.l, limit=MOST, rotations=s.most_rotations,
                               rng=np.random.default_rng([s.seed, 7]))  # fmt: skip

        total = len(split.training)
        middle = sorted(s.coefficients)[len(s.coefficients) // 2]
        for limit in s.coefficients:
            self._point(mark, "coefficients", "free", float(limit), f"up to {limit}", total, s.most_rotations,
                        lambda limit=limit: fit(limit, total, s.most_rotations))  # type: ignore[misc]  # fmt: skip
        if s.degree == 2 and self.l == 2 * self.l_max:
            for count in (*s.channels, 12):
                self._point(mark, "coefficients", "free, channels by the equivariant fit", float(count),
                            f"{count} channels", total, s.most_rotations,
                            lambda count=count: products(count))  # type: ignore[misc]  # fmt: skip
        counts = [max(10, round(part * total)) for part in s.frames]
        for count in [*counts, total]:
            part = thinned(split, count)
            self._point(mark, "frames", "free, frames", float(count), f"{count} frames", count, s.most_rotations,
                        lambda count=count: fit(middle, count, s.most_rotations))  # type: ignore[misc]  # fmt: skip
            self._point(mark, "frames", "equivariant, frames", float(count), f"{count} frames", count, 0,
                        lambda part=part: fit_equivariant_at(own(), signal, part, s.degree, self.l))  # type: ignore[misc]  # fmt: skip
        for rotations in [*s.rotations, s.most_rotations]:
            self._point(mark, "frames", "free, rotations", float(rotations), f"{rotations} rotations", total, rotations,
                        lambda rotations=rotations: fit(middle, total, rotations))  # type: ignore[misc]  # fmt: skip


def limit_of(gains: Mapping[str, float], reached: float) -> str:
    """Return what limits an atom: what still gains most, or ``nothing`` where R2 is near one and no gain is worth it.

    Parameters
    ----------
    gains
        What R2 gains by more features, coefficients, frames.
    reached
        The R2 that is reached with what there is.
    """
    limited = max(gains, key=lambda key: gains[key])
    return NOTHING if gains[limited] < WORTH and reached >= 1.0 - WORTH else limited


def _atom(mark: Mark, role: str | None, points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Say what limits an atom: what each curve still gains at its end."""
    at = {(p["panel"], p["series"], p["label"]): p["r2"] for p in points}
    heights = {p["label"]: p["r2"] for p in points if p["panel"] == "features"}
    found: dict[str, Any] = {
        "index": mark.atom, "element": mark.element, "neighbour": mark.neighbour, "role": role, "heights": heights,
        "limited_by": None, "sentence": None,
    }  # fmt: skip
    if role is None:
        return found
    name = f"{mark.element}{mark.atom}"
    own, everything = heights[BOTH], heights[NEIGHBOUR]
    last = {
        series: [p for p in sorted(points, key=lambda p: p["step"]) if p["series"] == series][-2:]
        for series in ("equivariant, frames", "free, frames", "free, rotations")
    }
    frames = last["equivariant, frames"][-1]["r2"] - last["equivariant, frames"][0]["r2"]
    free = max(r2 for (panel, _, _), r2 in at.items() if panel == "coefficients")
    gains = {"features": everything - own, "coefficients": own - free, "frames": frames}
    found["limited_by"] = limited = limit_of(gains, min(own, free))
    found["gains"] = gains
    verdict = "leaves nothing to improve" if limited == NOTHING else f"is limited by its {limited}"
    found["sentence"] = (
        f"{name} ({role}) {verdict}: the equivariant readout of its own features gives back {own:.3f}; "
        f"with all layers and the neighbour's features {everything:.3f}; the free readout with its most coefficients "
        f"{free:.3f}; the last doubling of the training frames changed it by {frames:+.3f}."
    )
    return found
