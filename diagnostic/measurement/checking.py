"""Step one, check: what was asked for fits the backbone, the frames and the machine; nothing has been fitted yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...theory.ceiling import Ceiling, output_ceiling
from ...theory.errors import InputError
from ..backbones.backbone import Backbone, BackboneInfo
from ..backbones.equivariance import EQUIVARIANCE_TOLERANCE as EQUIVARIANCE_TOLERANCE
from ..backbones.equivariance import Equivariance, measured_layer
from ..backbones.features import Block, Features, Layer
from ..backbones.irreps import o3
from ..frames.environments import Selector
from ..frames.frames import Frames, said_while_reading
from ..frames.marks import Mark, marked_neighbours
from ..frames.selection import Selection
from ..frames.structures import Structures, StructuresInMemory
from ..injection.fields import DENSITY_CUTOFF, InjectionName
from ..readouts.compute import Compute
from ..records.versions import installed_versions
from .arrange import Data, arrange
from .arrange_structures import arrange_structures
from .limits import check_readouts
from .result_types import CeilingKind, ReadingNotes
from .sample import FrameSample, Sample
from .settings import DiagnoseSettings
from .turned_checks import check_turned, check_turning, numbers_of
from .turned_reduction import Needs


@dataclass(frozen=True)
class Checked:
    """A diagnosis that can be made.

    Attributes
    ----------
    settings
        What was asked.
    info, layers, layer, cutoff
        The backbone: where it comes from, its layers, the one that is tapped, and how far it sees (Å; the reach of the
        density injection where the backbone does not say).
    sample
        What is measured at: the frames or environments that are used, with their split.
    held_out_sha256
        Hash of the file of held-out frames; None where there is none.
    reading
        What was decided while the files were read.
    injections
        Those that can be made at one of these atoms at least; the first leads.
    equivariance
        How the features of a few frames turn, under rotations, the inversion and shifts. The irreps of ``layer`` have the
        parities measured here; where inversion is no symmetry of the features, those of Y_l: readouts then take every block
        of the right l.
    compute
        The device, and no more workers than fit into memory.
    needs
        What free readouts keep where the network is run on turned frames; None elsewhere.
    """

    settings: DiagnoseSettings
    info: BackboneInfo
    layers: tuple[Layer, ...]
    layer: Layer
    cutoff: float
    sample: Sample
    held_out_sha256: str | None
    reading: ReadingNotes
    injections: tuple[InjectionName, ...]
    equivariance: Equivariance
    compute: Compute
    needs: Needs | None = None

    @property
    def l_max(self) -> int:
        """Highest l of the features; the highest injected one where no symmetry is declared, for then nothing bounds it."""
        return self.layer.l_max if self.layer.declared else self.settings.l_top

    @property
    def ceiling_kind(self) -> CeilingKind:
        """Whether the ceiling binds: exactly, up to the measured miss of equivariance, or not at all."""
        if not self.layer.declared:
            return "none"
        return "exact" if self.equivariance.held else "approximate"

    def ceiling(self, degree: int) -> Ceiling:
        """Return the ceiling of readouts of a degree."""
        return Ceiling(degree, self.l_max)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The atoms (or pools) that are diagnosed, with their marked neighbours."""
        return self.sample.marks

    @property
    def data(self) -> Data:
        """The frames of one molecule that are used, with their split."""
        assert isinstance(self.sample, FrameSample)
        return self.sample.data

    @property
    def explanation(self) -> str:
        """Why readouts of the main degree end at their ceiling, in words; or why none binds them."""
        if not self.layer.declared:
            return (
                "No symmetry is declared of these features. They may change with the orientation in any way, and so may every "
                "polynomial of them: no theorem bounds the l that a readout recovers, there is no ceiling. `l_max` and "
                "`boundary` are numbers that no injected l exceeds, and bound nothing."
            )
        words = output_ceiling(self.layer.irreps, self.settings.main_degree).explanation
        if self.ceiling_kind == "exact":
            return words
        return (
            f"These features miss equivariance by {self.equivariance.rotation:.1e} relative, so the ceiling holds for what is "
            f"exactly equivariant in them; the rest may let readouts pass it. {words}"
        )

    def record(self) -> dict[str, Any]:
        """Return everything that the numbers depend on, for the run directory."""
        return {
            **self.settings.to_dict(),
            "layer": self.layer.name,
            "backbone_sha256": self.info.sha256,
            "data_sha256": self.sample.sha256,
            "held_out_sha256": self.held_out_sha256,
            "version": versions()["spectral-ceilings"],
        }


def check(
    frames: Frames | Structures,
    backbone: Backbone,
    settings: DiagnoseSettings | None = None,
    *,
    held_out: Frames | Structures | None = None,
    compute: Compute | None = None,
) -> Checked:
    """Check that a diagnosis can be made, and arrange its frames; the backbone is moved to the device.

    Parameters
    ----------
    frames
        Frames of one molecule, Å and eV/Å: measured atom by atom. Or structures of any kind (or frames with cells):
        measured by element.
    backbone
        The frozen model.
    settings
        What to measure; None: the defaults.
    held_out
        Frames from a file of their own that nothing is chosen on.
    compute
        Device and workers; None: one worker on the CPU.

    Raises
    ------
    InputError
        Unknown elements, a layer of scalars, features that are not equivariant, too few frames, too little memory, atoms
        out of range or with nothing to inject.
    """
    settings = settings or DiagnoseSettings()
    layer = backbone.choose_layer(settings.layer, turned=settings.turned)
    if by_element(frames, settings):
        if settings.turned:
            raise InputError(
                f"turned runs the network on turned frames of one molecule, and {frames.source} is diagnosed by element; give "
                "frames of one molecule, or diagnose without it"
            )
        structures = as_structures(frames)
        others = None if held_out is None else as_structures(held_out)
        environments = arrange_structures(
            structures, backbone, settings, others, selectors(structures, others, settings.select)
        )
        return _checked(environments, backbone, layer, settings, structures, others, compute)
    assert isinstance(frames, Frames)
    if held_out is not None and not isinstance(held_out, Frames):
        raise InputError(
            f"{held_out.source} holds structures of several kinds and {frames.source} one molecule: give held-out frames of it"
        )
    backbone.check_elements(frames)
    data = arrange(frames, backbone, settings, held_out)
    sample = FrameSample(data, _marks(frames, settings.atoms), frames.positions[0])
    return _checked(sample, backbone, layer, settings, frames, held_out, compute)


def _checked(
    sample: Sample,
    backbone: Backbone,
    layer: Layer,
    settings: DiagnoseSettings,
    source: Frames | Structures,
    held_out: Frames | Structures | None,
    compute: Compute | None,
) -> Checked:
    """Check what does not depend on what the data are: the size of the readouts, equivariance, what can be injected."""
    training, usual = sample.training_rows, sample.usual_coefficients()
    compute = compute or Compute()
    if layer.declared:
        compute = check_readouts(_no_blocks(_as_declared(layer)), settings, training, compute, usual)
    backbone.to(compute.device)
    needs = None
    if settings.turned and isinstance(sample, FrameSample):
        equivariance = check_turning(sample.data.frames, backbone, layer, settings)
        layer = measured_layer(layer, equivariance) if layer.declared else layer
        numbers = numbers_of(backbone, sample.data.frames, layer)
        needs = Needs(layer, numbers, settings.coefficients, training * settings.rotations)
        compute = check_turned(needs, settings, training, compute)
    else:
        equivariance = sample.equivariance(backbone, layer.name, settings.seed)
        layer = measured_layer(layer, equivariance)
        compute = check_readouts(_no_blocks(layer), settings, training, compute, usual)
    injections = tuple(name for name in sample.ranked(settings.injections) if sample.injectable(name))
    if not injections:
        what = "marked" if "density" not in settings.injections else "seen by the density injection"
        raise InputError(
            f"no atom asked for has a neighbour that can be {what}; give other --atoms or another --injection"
        )
    return Checked(
        settings=settings, info=backbone.info, layers=tuple(backbone.layers()), layer=layer,
        cutoff=backbone.cutoff or DENSITY_CUTOFF, sample=sample, held_out_sha256=held_out.sha256 if held_out else None,
        reading=_reading(source, held_out), injections=injections,
        equivariance=equivariance, compute=compute, needs=needs,
    )  # fmt: skip


def by_element(data: Frames | Structures, settings: DiagnoseSettings) -> bool:
    """Return whether environments are pooled by element; InputError where that was ruled out and cannot be otherwise."""
    molecule = isinstance(data, Frames) and not data.periodic
    if settings.by == "atom" and not molecule:
        raise InputError(
            f"{data.source} holds a crystal or structures of several kinds, whose atoms are not the same from one to the next: "
            "leave --by atom out"
        )
    return not molecule or settings.by == "element" or bool(settings.select)


def as_structures(data: Frames | Structures) -> Structures:
    """Return frames as structures, and structures as they are."""
    if isinstance(data, Frames):
        return StructuresInMemory.of(data)
    return data


def selectors(
    structures: Structures, held_out: Structures | None, texts: Sequence[str]
) -> list[tuple[str, Selector]]:
    """Return conditions on atoms as functions of a structure's place (held-out ones after the others) and atomic numbers.

    What the file says of a structure, such as ``config_type``, is known where its source can tell it: ``info(index, names)``,
    ``periodic(index)``, and ``places``, where the structures stand in their file. InputError where no structure knows a name
    (``names``).
    """
    known = {name for each in (structures, held_out) for name in getattr(each, "names", ())}

    def selector(selection: Selection) -> Selector:
        def chosen(index: int, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
            given = index < len(structures)
            source: Any = structures if given or held_out is None else held_out
            within = index if given else index - len(structures)
            info = source.info(within, selection.names) if hasattr(source, "info") else None
            periodic = bool(source.periodic(within)) if hasattr(source, "periodic") else False
            place = int(source.places[within]) if hasattr(source, "places") else within
            return selection.atoms(place, numbers, info, periodic=periodic)

        return chosen

    selections = [(text, Selection.parse(text)) for text in texts]
    for _, selection in selections:
        selection.check_names(known)
    return [(text, selector(selection)) for text, selection in selections]


def _reading(source: Frames | Structures, held_out: Frames | Structures | None) -> ReadingNotes:
    if isinstance(source, Frames) and (held_out is None or isinstance(held_out, Frames)):
        return cast(ReadingNotes, said_while_reading(source, held_out))
    return ReadingNotes(notes=[*source.notes, *(() if held_out is None else held_out.notes)])


def versions() -> dict[str, str]:
    """Return the versions that the numbers of a diagnosis may depend on."""
    return installed_versions(
        "spectral-ceilings", "torch", "e3nn", "nequip", "numpy", "scipy", "numba", "ase"
    )


def _marks(frames: Frames, atoms: Sequence[int] | None) -> tuple[Mark, ...]:
    wanted = range(len(frames.numbers)) if atoms is None else atoms
    for atom in wanted:
        if not 0 <= atom < len(frames.numbers):
            raise InputError(
                f"atom {atom} is not in the molecule, expected indices from 0 to {len(frames.numbers) - 1}"
            )
    return tuple(mark for mark in marked_neighbours(frames) if mark.atom in wanted)


def _no_blocks(layer: Layer) -> list[Block]:
    """Return the blocks of a layer without frames: what a readout's size depends on."""
    empty = Features(np.empty((0, 1, o3.Irreps(layer.irreps).dim)), layer.irreps, layer.name)
    return list(empty.blocks())


def _as_declared(layer: Layer) -> Layer:
    """Return the layer; one that declares the other parity alone, as SO(3) models can, as it would be read there."""
    readable = any(block.parity == (-1) ** block.l for block in _no_blocks(layer))
    return layer if readable else layer.without_parity()
