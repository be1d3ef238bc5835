"""Does an adapter keep to the contract? Every part of it is tried on a few frames, and what is wrong is said in sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..frames.motions import supercell
from ..records.machine_errors import of_the_machine
from .backbone import Backbone
from .check_forces import check_forces
from .check_report import BackboneReport, Finding
from .check_symmetry import symmetry_findings
from .equivariance import EQUIVARIANCE_TOLERANCE, measure_equivariance
from .features import NO_SYMMETRY, Features, Layer
from .irreps import o3
from .unsymmetric import measure_unsymmetric, unsymmetric_findings

Array = NDArray[np.float64]
#: Frames that are looked at.
_FRAMES = 3
#: Features that only rounding may change: what float32 in another order of summation leaves, with room.
_SAME = EQUIVARIANCE_TOLERANCE


def check_backbone(backbone: Backbone, frames: Frames, *, seed: int = 0) -> BackboneReport:
    """Try every part of the contract of :class:`~.backbone.Backbone` on a few frames of a molecule or a crystal.

    For the author of an adapter, and for whoever wraps a model with ``from_module`` or ``from_callable``. A bad backbone is
    described and raises nothing.

    Parameters
    ----------
    backbone
        The adapter.
    frames
        Frames of one composition, Å; three of them are looked at. Best without symmetry, of at least three atoms.
    seed
        Draws rotations, shifts, permutations and directions.

    Returns
    -------
    A report whose findings are, as far as they can be made: ``layers``, ``elements``, ``features`` (shapes, float64, finite, not
    zero, frames left alone), ``repeatable``, ``rotation``, ``inversion``, ``translation``, ``permutation``,
    ``batch`` (a frame alone gives what it gives among others), ``one pass`` (``respond`` agrees with ``features``), ``forces``,
    ``force rotation``, ``force units``, ``energies``, ``force gradient``, ``cutoff``, ``edge filter``, ``untrained``; of periodic
    frames ``cell`` (atoms moved by cell vectors change nothing), ``supercell`` and ``stress``, too. Print it.

    Raises
    ------
    InputError
        ``frames`` are no frames.
    """
    if not isinstance(frames, Frames):
        raise InputError(f"frames are a {type(frames).__name__}, expected Frames, such as read_frames gives")
    few = frames.select(np.unique(np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).astype(int)))
    source = str(getattr(getattr(backbone, "info", None), "source", type(backbone).__name__))
    if not isinstance(backbone, Backbone):
        sentence = f"a {type(backbone).__name__} is no Backbone: derive from it, or wrap it with from_module or from_callable"
        return BackboneReport(source, (Finding("layers", False, sentence),))
    checker = _Checker(backbone, few, np.random.default_rng([seed, 23]))
    return BackboneReport(source, tuple(checker.run()))


def _failure(name: str, error: Exception) -> Finding:
    if isinstance(error, InputError):
        return Finding(name, False, str(error))
    reason = " ".join(str(error).split())[:200]
    return Finding(name, False, f"raised {type(error).__name__}{': ' if reason else ''}{reason}")


@dataclass
class _Checker:
    """Makes the findings one after another; those on features stop where the features themselves are wrong."""

    backbone: Backbone
    frames: Frames
    rng: np.random.Generator

    def run(self) -> list[Finding]:
        findings = self._made("layers", self._layers)
        if findings[-1].held is False:
            return findings
        self.layers: list[Layer] = self.backbone.layers()
        findings += self._made("elements", self._elements)
        self.names: list[str] = []
        findings += self._made("features", self._features)
        if self.names:
            self.base = self._at(self.frames)
            for name, check in (
                ("repeatable", self._repeatable),
                ("rotation", self._symmetry),
                ("supercell", self._supercell),
                ("permutation", self._permutation),
                ("batch", self._batch),
                ("one pass", self._one_pass),
                ("cutoff", self._cutoff),
                ("edge filter", self._edge_filter),
                ("untrained", self._untrained),
            ):
                findings += self._made(name, check)
        return [*findings, *self._made("forces", lambda: check_forces(self.backbone, self.frames, self.rng))]

    def _made(self, name: str, check: Callable[[], Finding | list[Finding]]) -> list[Finding]:
        try:
            made = check()
        except Exception as error:  # the adapter is a user's: it can fail in any way
            if of_the_machine(error):
                raise
            return [_failure(name, error)]
        return made if isinstance(made, list) else [made]

    def _at(self, frames: Frames) -> dict[str, Features]:
        return {name: self.backbone.features(frames, name) for name in self.names}

    def _moved(self, positions: Array) -> Frames:
        return replace(self.frames, positions=positions)

    def _layers(self) -> Finding:
        layers: Any = self.backbone.layers()
        if not isinstance(layers, list) or not layers or not all(isinstance(item, Layer) for item in layers):
            return Finding("layers", False, "layers() gives no list of Layer, expected at least one")
        names = [layer.name for layer in layers]
        if len(set(names)) < len(names):
            return Finding("layers", False, f"layers have names in common ({', '.join(names)}): number them")
        for layer in layers:
            if layer.declared and o3.Irreps(layer.irreps).dim == 0:
                return Finding("layers", False, f"layer {layer.name!r} has no irreps; declare those it has")
        top = max(layer.l_max for layer in layers)
        listing = "; ".join(f"{layer.name}: {layer.irreps or 'no symmetry declared'}" for layer in layers)
        if not all(layer.declared for layer in layers):
            return Finding("layers", None, f"{listing}: a layer without irreps {NO_SYMMETRY}", float(top))
        if top == 0:
            return Finding(
                "layers",
                None,
                f"every layer holds scalars only ({listing}): nothing with l > 0 can be read",
                0.0,
            )
        return Finding("layers", True, listing, float(top))

    def _elements(self) -> Finding:
        self.backbone.check_elements(self.frames)
        known = self.backbone.elements
        if known is None:
            return Finding(
                "elements", None, "the model names no elements: what it does with others cannot be told"
            )
        lacking = sorted(set(self.frames.symbols) - set(known))
        if lacking:
            sentence = f"elements lack {', '.join(lacking)} of the frames, and check_elements lets them pass"
            return Finding("elements", False, sentence)
        return Finding("elements", True, f"knows {', '.join(known)}")

    def _features(self) -> Finding:
        before = self.frames.positions.copy(), self.frames.numbers.copy()
        empty = []
        for layer in self.layers:
            given: Any = self.backbone.features(self.frames, layer.name)
            wrong = self._wrong(given, layer)
            if wrong:
                return Finding("features", False, f"layer {layer.name!r}: {wrong}")
            if not given.values.any():
                empty.append(layer.name)
        if not (
            np.array_equal(before[0], self.frames.positions)
            and np.array_equal(before[1], self.frames.numbers)
        ):
            return Finding(
                "features", False, "the model changes the frames that it is given: let it work on a copy"
            )
        self.names = [layer.name for layer in self.layers if layer.name not in empty]
        if empty:
            sentence = f"features of {', '.join(empty)} are all zero; check the weights, the input and pick="
            return Finding("features", False, sentence, 0.0)
        sentence = (
            f"float64, finite, {len(self.frames.numbers)} atoms in each frame, of the declared dimensions"
        )
        return Finding("features", True, sentence)

    def _wrong(self, given: Any, layer: Layer) -> str:
        if not isinstance(given, Features):
            return f"features() gives a {type(given).__name__}, expected Features"
        if not isinstance(given.values, np.ndarray) or given.values.dtype != np.float64:
            kind = getattr(given.values, "dtype", type(given.values).__name__)
            return f"values are {kind}, expected a float64 array: convert them with Features.of"
        dim = o3.Irreps(layer.irreps).dim if layer.declared else given.values.shape[-1]
        shape = (len(self.frames), len(self.frames.numbers), dim)
        if given.values.shape != shape:
            return f"values have shape {given.values.shape}, expected {shape} for {layer.irreps}"
        if (given.layer, o3.Irreps(given.irreps)) != (layer.name, o3.Irreps(layer.irreps)):
            return f"features are called {given.layer!r} of {given.irreps}, expected those of layers(), {layer.irreps}"
        if not np.isfinite(given.values).all():
            return "values are not finite, expected numbers; check the model"
        return ""

    def _difference(self, given: dict[str, Features], expected: dict[str, Array]) -> tuple[float, str]:
        """Return the largest relative difference over layers, and the layer."""
        worst, where = 0.0, self.names[0]
        for name, values in expected.items():
            size = float(np.linalg.norm(values)) or 1.0
            apart = float(np.linalg.norm(given[name].values - values)) / size
            if apart > worst:
                worst, where = apart, name
        return worst, where

    def _same(
        self, name: str, given: dict[str, Features], expected: dict[str, Array], good: str, bad: str
    ) -> Finding:
        apart, where = self._difference(given, expected)
        if apart <= _SAME:
            return Finding(name, True, f"{good} (to {apart:.0e})", apart)
        return Finding(name, False, f"layer {where!r}: {bad.format(apart=f'{apart:.1e}')}", apart)

    @property
    def _values(self) -> dict[str, Array]:
        return {name: features.values for name, features in self.base.items()}

    def _repeatable(self) -> Finding:
        good = "two calls give the same features"
        bad = (
            "two calls differ by {apart} of the features: the model is stochastic or keeps a state; put it in evaluation mode, "
            "without dropout"
        )
        return self._same("repeatable", self._at(self.frames), self._values, good, bad)

    def _symmetry(self) -> list[Finding]:
        """Take rotation, inversion and translation from one measurement, of the layer that is worst in each."""
        plain = [layer for layer in self.layers if layer.name in self.names and not layer.declared]
        if plain:
            return unsymmetric_findings(
                [measure_unsymmetric(self.backbone, self.frames, layer, self.rng) for layer in plain]
            )
        measured = [
            measure_equivariance(self.backbone, self.frames, [name], self.rng)[name] for name in self.names
        ]
        return symmetry_findings(measured, self.backbone.info.source, self.backbone.approximation)

    def _supercell(self) -> list[Finding]:
        if not self.frames.periodic:
            return []
        images = (2, 2, 2)
        repeated = supercell(self.frames.select([0]), images)
        count = len(repeated.numbers) // len(self.frames.numbers)
        expected = {name: np.tile(values[:1], (1, count, 1)) for name, values in self._values.items()}
        good = "atoms of a supercell have the features of the cell"
        bad = (
            "atoms of a supercell have other features than those of the cell (by {apart}): images beyond the nearest are left "
            "out, or features depend on the number of atoms"
        )
        return [self._same("supercell", self._at(repeated), expected, good, bad)]

    def _permutation(self) -> Finding:
        order = self.rng.permutation(len(self.frames.numbers))
        permuted = replace(
            self.frames,
            numbers=self.frames.numbers[order],
            positions=self.frames.positions[:, order],
            forces=self.frames.forces[:, order],
        )
        expected = {name: values[:, order] for name, values in self._values.items()}
        good = "features follow their atoms when the atoms are listed in another order"
        bad = (
            "features do not follow their atoms when these are listed in another order (by {apart}): rows are out of order, or "
            "the model depends on the order"
        )
        return self._same("permutation", self._at(permuted), expected, good, bad)

    def _batch(self) -> Finding:
        if len(self.frames) < 2:
            return Finding(
                "batch",
                None,
                "one frame was given: whether frames of a batch disturb one another cannot be told",
            )
        alone = self._at(self.frames.select([len(self.frames) - 1]))
        expected = {name: values[-1:] for name, values in self._values.items()}
        good = "a frame alone gives what it gives among others"
        bad = "a frame alone gives other features than among others (by {apart}): frames of a batch see one another"
        return self._same("batch", alone, expected, good, bad)

    def _one_pass(self) -> Finding:
        answer = self.backbone.respond(self.frames, self.names)
        if set(answer.features) != set(self.names):
            return Finding(
                "one pass",
                False,
                f"respond() gives layers {', '.join(answer.features)}, asked for {', '.join(self.names)}",
            )
        good = "respond() gives the features of every layer that features() gives"
        bad = (
            "respond() and features() differ by {apart}: a later layer overwrites what a hook saw, or one of the two is not "
            "overridden"
        )
        return self._same("one pass", answer.features, self._values, good, bad)

    def _cutoff(self) -> Finding:
        cutoff, atoms = self.backbone.cutoff, len(self.frames.numbers)
        if self.frames.periodic:
            sentence = (
                "frames of a molecule are needed to look at the cutoff: in a crystal no atom stands alone"
            )
            return Finding("cutoff", None, sentence, cutoff)
        if cutoff is None:
            return Finding(
                "cutoff", None, "the model names no cutoff: 5 Å is taken where neighbours are counted"
            )
        if atoms < 3:
            return Finding(
                "cutoff", None, "a molecule of three atoms or more is needed to look at the cutoff", cutoff
            )
        near, far = (self._at(self._moved(self._one_away(cutoff * times))) for times in (1.05, 3.0))
        expected = {name: features.values[:, :-1] for name, features in near.items()}
        given = {name: replace(features, values=features.values[:, :-1]) for name, features in far.items()}
        good = f"an atom beyond {cutoff:g} Å changes nothing at the others"
        bad = f"an atom moved beyond the cutoff of {cutoff:g} Å changes others by {{apart}}: the model sees further than it says"
        return self._same("cutoff", given, expected, good, bad)

    def _one_away(self, distance: float) -> Array:
        """Return positions with the last atom so far (Å) from the nearest other one, on a line through the centre."""
        positions = self.frames.positions.copy()
        rest = positions[:, :-1] - positions[:, :-1].mean(axis=1, keepdims=True)
        radius = np.linalg.norm(rest, axis=2)
        rim = rest[
            np.arange(len(rest)), radius.argmax(axis=1)
        ]  # the other atoms lie in the ball that it is on
        outwards = rim / radius.max(axis=1, keepdims=True)
        positions[:, -1] = positions[:, :-1].mean(axis=1) + rim + distance * outwards
        return positions

    def _edge_filter(self) -> Finding:
        if not self.backbone.can_filter_edges:
            sentence = "edges of the graph cannot be dropped: the audit measures the full graph only"
            return Finding("edge filter", None, sentence)
        asked: list[NDArray[np.int64]] = []

        def keep(edges: NDArray[np.int64]) -> NDArray[np.bool_]:
            asked.append(edges)
            return np.ones(edges.shape[1], dtype=bool)

        answer = self.backbone.respond(self.frames, self.names, edges=keep)
        if not asked:
            return Finding("edge filter", False, "the filter is never asked: edges are not dropped")
        largest = max((int(edges.max()) for edges in asked if edges.size), default=0)
        if any(edges.shape[0] != 2 for edges in asked) or largest >= len(self.frames.numbers):
            count = len(self.frames.numbers)
            sentence = (
                f"the filter is given atom {largest} of {count}: give indices within one frame, (2, edges)"
            )
            return Finding("edge filter", False, sentence)
        good, bad = (
            "a filter that keeps every edge changes nothing",
            "a filter that keeps every edge changes features by {apart}",
        )
        unfiltered = self.backbone.respond(self.frames, self.names).features
        expected = {name: features.values for name, features in unfiltered.items()}
        return self._same("edge filter", answer.features, expected, good, bad)

    def _untrained(self) -> Finding:
        if self.backbone.untrained is None:
            sentence = "the model cannot be rebuilt with random weights: that control is left out"
            return Finding("untrained", None, sentence)
        twin: Any = self.backbone.untrained(1)
        if not isinstance(twin, Backbone):
            return Finding(
                "untrained", False, f"untrained(1) gives a {type(twin).__name__}, expected a backbone"
            )
        if twin.layers() != self.layers:
            return Finding("untrained", False, "the untrained twin has other layers or irreps")
        values = {name: twin.features(self.frames, name) for name in self.names}
        apart, _ = self._difference(values, self._values)
        if apart <= _SAME:
            return Finding(
                "untrained", False, "the untrained twin gives the same features: it was not built anew", apart
            )
        if twin.info.trained:
            return Finding(
                "untrained",
                False,
                "the untrained twin says that it is trained: set info.trained to False",
                apart,
            )
        sentence = f"a twin with random weights has the same layers and other features (by {apart:.1g})"
        return Finding("untrained", True, sentence, apart)
