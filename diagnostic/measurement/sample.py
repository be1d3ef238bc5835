"""What a diagnosis measures at: rows (uses of the data) by atoms. One interface for a molecule's frames and for environments.

With frames of one molecule a row is a frame and an atom is an atom. With structures of any kind a row is one sampled environment
of each pool, and a pool (an element, or a selection) stands in the place of an atom. All else of the measurement is the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backbones.backbone import Backbone
from ..backbones.equivariance import Equivariance, check_equivariance
from ..backbones.features import Block, Layer
from ..frames.frames import Frames
from ..frames.isotropy import Isotropy, isotropy
from ..frames.marks import Mark
from ..frames.splits import Split
from ..injection.fields import DENSITY_CUTOFF, InjectionName, signals
from ..recovery.error_sums import ErrorSums
from ..recovery.hierarchy import Bootstrap
from .arrange import Data
from .atoms import analyse_atoms
from .examples import Example
from .result_types import AtomAnalysis
from .site_limits import SiteLimits, site_limits

Array = NDArray[np.float64]


def blocks_of(backbone: Backbone, frames: Frames, layer: Layer) -> list[Block]:
    """Return the features of a layer by irrep, under the irreps that ``layer`` names."""
    features = backbone.features(frames, layer.name)
    if features.irreps != layer.irreps:
        features = features.relabelled(layer.irreps)
    return list(features.blocks())


class Sample(ABC):
    """Rows by atoms, with all that a measurement asks of them.

    Attributes
    ----------
    marks
        The atoms (or pools), numbered, each with the neighbour that it points at or why there is none.
    split
        The rows of the three parts.
    sha256
        Hash of the file.
    formula
        What the structures are, for sentences; ``compositions`` says how many different ones there are.
    compositions
        Number of different compositions.
    names
        Scope of the rows of every pool; None: atoms of a molecule, whose elements are scopes too.
    what
        What stands in the place of an atom, in the plural: ``atoms`` or ``elements``.
    more
        What more of would decide what is undecided.
    """

    marks: tuple[Mark, ...]
    split: Split
    sha256: str
    formula: str
    compositions: int = 1
    names: Mapping[int, str] | None = None
    what: str = "atoms"
    more: str = "frames"

    @property
    def elements(self) -> dict[int, str]:
        """Symbol of every atom."""
        return {mark.atom: mark.element for mark in self.marks}

    def scope(self, atom: int) -> str:
        """Return the scope of an atom's own rows."""
        return f"atom:{atom}" if self.names is None else self.names[atom]

    def label(self, atom: int) -> str:
        """Return how a sentence calls an atom: ``C7``, or the pool."""
        return f"{self.elements[atom]}{atom}" if self.names is None else self.names[atom].partition(":")[2]

    def ranked(self, injections: Sequence[InjectionName]) -> tuple[InjectionName, ...]:
        """Return injections with the one first that leads the run."""
        return tuple(injections)

    @property
    def training_rows(self) -> int:
        """Fewest training rows of an atom."""
        return len(self.split.training)

    def usual_coefficients(self, atom: int | None = None) -> int | None:
        """Return the default number of coefficients at an atom (None: the largest one); None: that of the readout's degree."""
        del atom
        return None

    def split_of(self, atom: int, injection: InjectionName) -> Split:
        """Return the rows of the three parts that an injection can be made in at an atom."""
        del atom, injection
        return self.split

    def structures_of(self, atom: int) -> NDArray[np.int64] | None:
        """Return the structure of every row of an atom, ``(rows,)``, -1 in empty rows; None: each row is a frame of its own."""
        del atom
        return None

    @abstractmethod
    def injectable(self, injection: InjectionName) -> list[int]:
        """Return the atoms that an injection can be made at."""

    @abstractmethod
    def signals(self, l_top: int, injection: InjectionName, atoms: Sequence[int]) -> Array:
        """Return T of these atoms in every row, ``(rows, atoms, (l_top + 1)^2)``, not scaled."""

    @abstractmethod
    def power(
        self, values: Array, components: slice, injection: InjectionName, atoms: Sequence[int]
    ) -> Array:
        """Return the mean square over training rows of some components: one for all atoms, or one each, ``(atoms, 1)``."""

    @property
    @abstractmethod
    def forces(self) -> Array:
        """Forces, ``(rows, atoms, 3)``, eV/Å."""

    @abstractmethod
    def part(self, values: Array, name: str) -> Array:
        """Return the values ``(rows, atoms, 3)`` of one part of the split: ``training``, ``validation`` or ``held_out``."""

    @abstractmethod
    def blocks(self, backbone: Backbone, layer: Layer) -> list[Block]:
        """Return the features of every row and atom by irrep."""

    @abstractmethod
    def model_forces(self, backbone: Backbone) -> Array:
        """Return the model's forces, ``(rows, atoms, 3)``, eV/Å."""

    @abstractmethod
    def equivariance(self, backbone: Backbone, layer: str, seed: int) -> Equivariance:
        """Return how the features of a few structures turn; InputError where a ceiling cannot be held against them."""

    @abstractmethod
    def examples(self, injection: InjectionName) -> list[Example]:
        """Return geometries that hold every atom that an injection can be made at."""

    @abstractmethod
    def orientations(self) -> Isotropy:
        """Return how isotropic the structures stand as they are given."""

    @abstractmethod
    def limits(
        self,
        injections: Sequence[InjectionName],
        irreps: str,
        degrees: Sequence[int],
        l_top: int,
        *,
        proper: bool,
    ) -> SiteLimits:
        """Return where exact symmetry of the sites leaves nothing to hold."""

    @abstractmethod
    def analyse(self, blocks: Sequence[Block], cutoff: float, precision: float) -> list[AtomAnalysis]:
        """Measure at every atom what decides how much a readout of its features can recover."""

    def bootstrap(self, draws: int, rng: np.random.Generator) -> Bootstrap:
        """Return the resamples of held-out rows."""
        return Bootstrap(len(self.split.held_out), draws, rng)

    def kept(self, atom: int, injection: InjectionName, sums: ErrorSums) -> ErrorSums:
        """Return the sums of held-out rows as they are kept: row by row, or those of clusters of structures."""
        del atom, injection
        return sums

    @property
    @abstractmethod
    def held_out_positions(self) -> Array:
        """Positions whose hash tells whether two runs were measured on the same held-out rows."""

    @abstractmethod
    def data_entry(self) -> dict[str, Any]:
        """Return what ``data`` of a result says of the structures and their split."""


class FrameSample(Sample):
    """The atoms of one molecule in all of its frames.

    Parameters
    ----------
    data
        The frames, with their split.
    marks
        The atoms that are diagnosed.
    reference
        The geometry ``(atoms, 3)`` (Å) that bonds are read off.
    """

    def __init__(self, data: Data, marks: tuple[Mark, ...], reference: Array) -> None:
        self.data, self.marks, self.split, self.reference = data, marks, data.split, reference
        self.sha256, self.formula = data.frames.sha256, data.frames.formula

    def injectable(self, injection: InjectionName) -> list[int]:
        """Return the atoms with a mark; density needs a neighbour in its cutoff in every frame."""
        return injectable_atoms(self.data.frames, self.marks, injection)

    def signals(self, l_top: int, injection: InjectionName, atoms: Sequence[int]) -> Array:
        """Return T in every frame."""
        frames = self.data.frames
        chosen = [mark for mark in self.marks if mark.atom in atoms]
        return signals(len(frames.numbers), frames.positions, l_top, injection, chosen)

    def power(
        self, values: Array, components: slice, injection: InjectionName, atoms: Sequence[int]
    ) -> Array:
        """Return one number for all atoms."""
        return np.asarray(np.mean(values[self.split.training][:, :, components] ** 2))

    @property
    def forces(self) -> Array:
        """Forces of the frames."""
        return self.data.frames.forces

    def part(self, values: Array, name: str) -> Array:
        """Return the frames of one part."""
        return np.asarray(values[getattr(self.split, name)])

    def blocks(self, backbone: Backbone, layer: Layer) -> list[Block]:
        """Return the features of the frames."""
        return blocks_of(backbone, self.data.frames, layer)

    def model_forces(self, backbone: Backbone) -> Array:
        """Return the model's forces on the frames."""
        return backbone.forces(self.data.frames)

    def equivariance(self, backbone: Backbone, layer: str, seed: int) -> Equivariance:
        """Check three frames."""
        frames = self.data.frames
        few = frames.select(np.arange(min(3, len(frames))))
        return check_equivariance(backbone, few, [layer], np.random.default_rng([seed, 11]))[layer]

    def examples(self, injection: InjectionName) -> list[Example]:
        """Return the molecule."""
        atoms = self.injectable(injection)
        return [Example(self.data.frames, tuple(mark for mark in self.marks if mark.atom in atoms))]

    def orientations(self) -> Isotropy:
        """Return how isotropic the frames stand."""
        return isotropy(self.data.frames)

    def limits(
        self,
        injections: Sequence[InjectionName],
        irreps: str,
        degrees: Sequence[int],
        l_top: int,
        *,
        proper: bool,
    ) -> SiteLimits:
        """Look at every frame."""
        return site_limits(self.data.frames, self.marks, injections, irreps, degrees, l_top, proper=proper)

    def analyse(self, blocks: Sequence[Block], cutoff: float, precision: float) -> list[AtomAnalysis]:
        """Look at every atom."""
        return analyse_atoms(
            self.data.frames, self.split, blocks, self.marks, cutoff, self.reference, precision=precision
        )

    @property
    def held_out_positions(self) -> Array:
        """Positions of the held-out frames."""
        return self.data.frames.positions[self.split.held_out]

    def data_entry(self) -> dict[str, Any]:
        """Return source, units, molecule and split."""
        frames = self.data.frames
        return {
            "source": frames.source,
            "sha256": frames.sha256,
            "units": frames.units,
            "formula": frames.formula,
            "numbers": frames.numbers.tolist(),
            "splits": self.split.counts(),
            "note": self.data.note,
        }


def injectable_atoms(frames: Frames, marks: Sequence[Mark], injection: InjectionName) -> list[int]:
    """Return the atoms that an injection can be made at: density needs a neighbour in its cutoff in every frame."""
    if injection == "marked":
        return [mark.atom for mark in marks if mark.neighbour is not None]
    return [mark.atom for mark in marks if _nearest(frames, mark.atom) < DENSITY_CUTOFF]


def _nearest(frames: Frames, atom: int) -> float:
    """Return how far the nearest neighbour of an atom is where it is farthest, Å."""
    vectors = np.delete(frames.positions, atom, axis=1) - frames.positions[:, atom : atom + 1]
    return float(np.linalg.norm(vectors, axis=2).min(axis=1).max())
