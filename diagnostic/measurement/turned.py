"""Features of turned frames: the network is run on every one of them, where its features do not turn by Wigner matrices.

Every use of a frame, with its own rotation, is one run. Of what the network gives, only the reduced features of the measured
atoms are kept, and the error of its forces along the direction that is injected. A run directory keeps them in pieces while the
run lasts, so that a run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.features import Block, Features, Layer
from ..frames import motions
from ..frames.frames import Frames
from ..injection.fields import l_slice
from ..injection.orientations import LabTargets, Orientations, Uses
from ..readouts.compute import available_memory
from ..readouts.free import fit_lab
from ..readouts.lab_inputs import LabInputs
from ..readouts.reduction import fit_reduction
from ..records.run_directory import RunDirectory
from ..recovery.error_sums import Cell
from .progress import RunProgress
from .saved_arrays import load_arrays, save_arrays
from .sources import FeatureSource, blocks_of
from .turned_reduction import AtomReduction, Needs, principal_components

Array = NDArray[np.float64]
#: Frames given to the network at once hold about so many atoms.
_ATOMS_AT_ONCE = 1000
#: Fewest turned frames that principal components are fitted to, where there are so many.
_FITTED_TO = 1000
#: Seconds between two words on how far the network is.
_PATIENCE = 10.0
#: Keys of what a run keeps while it lasts begin with this word.
KEPT = "turned"


@dataclass(frozen=True)
class LabRun:
    """What is kept of a network that was run at every use of the frames.

    Attributes
    ----------
    reductions
        By atom.
    features
        By atom: ``(components, uses)`` of the training, validation and held-out uses in turn.
    residuals
        By atom, likewise ``(uses,)``: F - F_backbone along the lab-fixed direction, eV/Å; empty where they were not asked for.
    """

    reductions: Mapping[int, AtomReduction]
    features: Mapping[int, tuple[Array, Array, Array]]
    residuals: Mapping[int, tuple[Array, Array, Array]]


class TurnedSource(FeatureSource):
    """Features of one backbone, run on every turned frame.

    Parameters
    ----------
    label
        Names the backbone in the names of the cells.
    backbone
        Gives the backbone when it is first needed.
    frames, layer
        The frames of the run, and the layer that is tapped, with the irreps that readouts use.
    needs
        What readouts keep.
    wanted
        (degree, limit of coefficients) of every free readout of the run; a limit of None is that of the degree.
    progress
        Told how far the network is.
    run
        Where finished pieces are kept, or None.
    errors_of
        The source whose residual counts: that of the backbone itself for its untrained twin; None: this one's own.
    """

    def __init__(
        self,
        label: str,
        backbone: Callable[[], Backbone],
        frames: Frames,
        layer: Layer,
        needs: Needs,
        wanted: Sequence[tuple[int, int | None]],
        progress: RunProgress,
        run: RunDirectory | None = None,
        errors_of: TurnedSource | None = None,
    ) -> None:
        def make() -> Sequence[Block]:
            with progress.part("features", "features of the frames as they are"):
                return blocks_of(self.backbone(), frames, layer)

        super().__init__(label, make)
        self.needs, self.frames, self.layer = needs, frames, layer
        self._origin, self._build, self._errors_of = label, backbone, errors_of
        self._wanted, self._progress, self._run = tuple(wanted), progress, run
        self._shared: dict[str, Backbone] = {}
        self._runs: dict[int, tuple[Orientations, LabRun]] = {}

    def named(self, label: str) -> TurnedSource:
        """Return the same features under another label, for fits whose cells must not be mistaken for those of this one."""
        twin = copy.copy(self)
        twin.label = label
        return twin

    def backbone(self) -> Backbone:
        """Return the backbone, built once."""
        if "backbone" not in self._shared:
            self._shared["backbone"] = self._build()
        return self._shared["backbone"]

    def exact(self) -> FeatureSource:
        """Return the features of the frames as they are, to be turned by Wigner matrices."""
        return FeatureSource("wigner", self.blocks)

    def components(self, degree: int, limit: int | None = None) -> int:
        """Return how many components a readout of this degree keeps of an atom at most."""
        return sum(count * (2 * l + 1) for (l, _), count in self.needs.kept(degree, limit).items())

    def inputs(
        self,
        orientations: Orientations,
        signal: Mapping[int, Array],
        atom: int,
        degree: int,
        limit: int | None = None,
    ) -> LabInputs:
        """Return what a free readout of one atom is fitted to; ``signal`` holds T of every atom of the measurement."""
        made = self._lab(orientations, signal)
        errors = made if self._errors_of is None else self._errors_of._lab(orientations, signal)
        rows = made.reductions[atom].rows(self.needs.kept(degree, limit))
        training, validation, held_out = made.features[atom]
        return LabInputs((training[rows], validation[rows], held_out[rows]), errors.residuals[atom])

    def fit(
        self,
        orientations: Orientations,
        signal: Mapping[int, Array],
        degree: int,
        amplitude: float,
        *,
        limit: int | None = None,
        targets: Callable[[int, Orientations], LabTargets] | None = None,
        device: str = "cpu",
    ) -> Callable[[int], Cell]:
        """Return the function that fits the free readout of an atom; the network is run here, before workers share the atoms.

        Parameters
        ----------
        signal
            T of every atom, ``(frames, (l_top + 1)^2)``.
        targets
            Gives the injected fields of an atom at every use; None: those of one pure l.
        """
        self._lab(orientations, signal)
        if self._errors_of is not None:
            self._errors_of._lab(orientations, signal)

        def fit(atom: int) -> Cell:
            fields = (
                LabTargets.of_signal(orientations, signal[atom], device)
                if targets is None
                else targets(atom, orientations)
            )
            inputs = self.inputs(orientations, signal, atom, degree, limit)
            sums, count = fit_lab(inputs, fields, orientations, degree, amplitude, device=device)
            return list(sums), [count] * len(sums)

        return fit

    def _lab(self, orientations: Orientations, signal: Mapping[int, Array]) -> LabRun:
        atoms = tuple(signal)
        known = self._runs.get(id(orientations))
        if known is None or not set(atoms) <= set(known[1].features):
            with self._progress.part("network on turned frames", "network on turned frames"):
                known = orientations, self._made(orientations, signal, atoms)
            self._runs[id(orientations)] = known
        return known[1]

    def _made(self, orientations: Orientations, signal: Mapping[int, Array], atoms: Sequence[int]) -> LabRun:
        parts = orientations.training, orientations.validation, orientations.held_out
        self._check_memory(sum(len(part) for part in parts), len(atoms))
        digest = hashlib.sha256(repr(atoms).encode())
        for part in parts:
            digest.update(part.frames.tobytes() + part.rotations.tobytes())
        key = f"{KEPT}/{self._origin}/{digest.hexdigest()[:16]}"
        clock = _Clock(self._progress, sum(len(part) for part in parts))
        reductions = self._reductions(f"{key}/reduction", orientations, signal, atoms)
        features: dict[int, list[Array]] = {atom: [] for atom in atoms}
        residuals: dict[int, list[Array]] = {atom: [] for atom in atoms}
        for name, uses in zip(("training", "validation", "held-out"), parts, strict=True):
            pieces = [
                self._piece(
                    f"{key}/{name}/{start}", uses, slice(start, start + self._at_once), reductions, clock
                )
                for start in range(0, len(uses), self._at_once)
            ]
            for atom in atoms:
                features[atom].append(np.concatenate([piece[f"{atom}/features"] for piece in pieces], axis=1))
                if self._errors_of is None:
                    residuals[atom].append(np.concatenate([piece[f"{atom}/residual"] for piece in pieces]))
        return LabRun(
            reductions,
            {atom: (a[0], a[1], a[2]) for atom, a in features.items()},
            {atom: (a[0], a[1], a[2]) for atom, a in residuals.items() if a},
        )

    @property
    def _at_once(self) -> int:
        return max(1, _ATOMS_AT_ONCE // len(self.frames.numbers))

    def _check_memory(self, uses: int, atoms: int) -> None:
        components = sum(count * (2 * l + 1) for (l, _), count in self.needs.most(self._wanted).items())
        needed, free = (
            8.0 * uses * atoms * components * 1.5,
            available_memory(),
        )  # 1.5: pieces before they are joined
        if free is not None and needed > 0.8 * free:
            raise InputError(
                f"features of {uses} turned frames at {atoms} atoms, {components} numbers each, need {needed / 1e9:.1f} GB of "
                f"memory and {free / 1e9:.1f} GB are free; lower --rotations, --frames or --coefficients, give --atoms, or "
                "leave the first degree out"
            )

    def _reductions(
        self, key: str, orientations: Orientations, signal: Mapping[int, Array], atoms: Sequence[int]
    ) -> dict[int, AtomReduction]:
        arrays = load_arrays(self._run, key) if self._run else None
        if arrays is not None:
            return {atom: AtomReduction.of_arrays(arrays, atom) for atom in atoms}
        keep = self.needs.most(self._wanted)
        made: dict[int, AtomReduction] = {}
        if self.layer.declared:
            blocks, training = self.blocks(), orientations.split.training
            for atom in atoms:
                t = signal[atom]
                degrees = range(1, int(np.sqrt(t.shape[1])))
                lead = {l: t[:, l_slice(l)][:, None] for l in degrees}
                made[atom] = AtomReduction(fit_reduction(blocks, [atom], training, keep, lead).mixes)
        else:
            values = self._some(orientations.training)
            made = {atom: principal_components(values[:, atom], keep[0, 1]) for atom in atoms}
        if self._run:
            save_arrays(
                self._run,
                key,
                {k: v for atom, reduction in made.items() for k, v in reduction.to_arrays(atom).items()},
            )
        return made

    def _some(self, uses: Uses) -> Array:
        """Return the numbers at turned training frames, spread evenly over all uses, ``(uses, atoms, numbers)``."""
        count = min(len(uses), max(_FITTED_TO, len(np.unique(uses.frames))))
        chosen = np.unique(np.linspace(0, len(uses) - 1, count).astype(np.int64))
        parts = []
        for start in range(0, len(chosen), self._at_once):
            some = chosen[start : start + self._at_once]
            turned = motions.turned(self.frames.select(uses.frames[some]), uses.rotations[some])
            parts.append(self.backbone().features(turned, self.layer.name).values)
        return np.concatenate(parts)

    def _piece(
        self, key: str, uses: Uses, where: slice, reductions: Mapping[int, AtomReduction], clock: _Clock
    ) -> dict[str, Array]:
        """Run the network at some uses, or take what an earlier run kept of them."""
        saved = load_arrays(self._run, key) if self._run else None
        index = uses.frames[where]
        if saved is not None:
            clock.skip(len(index))
            return saved
        backbone, with_errors = self.backbone(), self._errors_of is None
        turned = motions.turned(self.frames.select(index), uses.rotations[where])
        answer = backbone.respond(turned, [self.layer.name], forces=with_errors and backbone.has_forces)
        blocks = list(_relabelled(answer.features[self.layer.name], self.layer).blocks())
        piece = {f"{atom}/features": reduction.apply(blocks, atom) for atom, reduction in reductions.items()}
        if with_errors:
            left = turned.forces if answer.forces is None else turned.forces - answer.forces
            piece |= {f"{atom}/residual": left[:, atom, 2] for atom in reductions}
        if self._run:
            save_arrays(self._run, key, piece)
        clock.ran(len(index))
        return piece


def _relabelled(features: Features, layer: Layer) -> Features:
    return features if features.irreps == layer.irreps else features.relabelled(layer.irreps)


class _Clock:
    """Says how many runs are done, and how long the rest will take at the pace so far."""

    def __init__(self, progress: RunProgress, total: int) -> None:
        self._progress, self._total = progress, total
        self._done = self._ran = 0
        self._start, self._said = time.perf_counter(), -_PATIENCE

    def skip(self, count: int) -> None:
        """Count runs that an earlier run kept."""
        self._done += count

    def ran(self, count: int) -> None:
        """Count runs that were made now."""
        self._done, self._ran = self._done + count, self._ran + count
        now = time.perf_counter()
        if now - self._said < _PATIENCE:
            return
        self._said = now
        left = (now - self._start) / self._ran * (self._total - self._done)
        self._progress.say(
            f"network on turned frames: {self._done:,} of {self._total:,} runs, {_duration(left)} left"
        )


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )
