"""Calculators and structures by name: any model that gives energies and forces, any file that ASE reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.loading import holds_mace, load_backbone
from ..backbones.sources import call_function, function_label, is_calculator, is_function, is_python_file
from ..backbones.unconstrained_files import is_unconstrained, load_unconstrained
from ..frames.ase_reading import read_images
from ..frames.elements import Elements
from ..frames.frames import Frames
from ..frames.reading import embedded_frames, read_frames
from ..records.files import sha256_of
from .batch_calculator import BatchCalculator
from .compiled_models import is_compiled, load_compiled
from .installed_calculators import installed_calculator, named_calculator
from .unconstrained_calculator import UnconstrainedCalculator

Array = NDArray[np.float64]


class BackboneCalculator(BatchCalculator):
    """A backbone's own energies and forces as an ASE calculator, in eV and eV/Å."""

    no_cells = "this backbone is given no cells; give the model as an ASE calculator, FILE.py:FUNCTION"

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.backbone = backbone
        self._known: bytes | None = None
        if not backbone.has_energies:
            raise InputError(
                f"{backbone.info.source} gives forces without energies; give an ASE calculator of the model instead"
            )

    def evaluate(self, numbers: NDArray[np.int64], positions: Array) -> tuple[Array, Array]:
        """Run the backbone; InputError for an unknown element."""
        frames = Frames(numbers, positions, np.zeros_like(positions), None, "structures", "0" * 64, "eV")
        if self._known != numbers.tobytes():
            self.backbone.check_elements(frames)
            self._known = numbers.tobytes()
        return self.backbone.energies_and_forces(frames)


@dataclass(frozen=True)
class NamedCalculator:
    """A calculator and where it comes from.

    Attributes
    ----------
    calculator
        An ASE calculator.
    source
        What was asked for.
    kind
        Class of the calculator, or the backbone's architecture.
    sha256
        Of the model's file, where there is one.
    has_features
        Whether it is a backbone, whose layers an audit can look into.
    """

    calculator: Any
    source: str
    kind: str
    sha256: str | None
    has_features: bool = False


def load_calculator(source: str, *, trust: bool = False) -> NamedCalculator:
    """Load what gives energies and forces.

    Parameters
    ----------
    source
        A backbone (see ``load_backbone``); a model without symmetry; a metatomic model (``.pt``) or a compiled model of nequip
        (``.nequip.pt2``); a function that takes nothing and returns an ASE calculator, a backbone or a MACE model:
        ``FILE.py:FUNCTION``, or ``module:callable`` of an installed package; or the name of an installed calculator:
        ``ase:NAME`` of any module of ``ase.calculators``, ``tblite:GFN2-xTB``, ``sevenn:7net-0``, ``sevenn:7net-mf-0:PBE``.
    trust
        Say that a file that holds code (a pickle, Python, a metatomic or a compiled model) comes from someone you trust.
        Installed packages and the weights in them are trusted already.

    Raises
    ------
    InputError
        No such model or calculator, one that takes arguments, a file without ``trust``, or a package that is absent.
    """
    source = str(source)
    if is_function(source):
        digest = sha256_of(Path(source.rsplit(":", 1)[0])) if is_python_file(source) else None
        return _of_object(call_function(source, trust), function_label(source), digest)
    if named_calculator(source) or source.startswith("sevenn:"):
        made = installed_calculator(source)
        return NamedCalculator(made, source, type(made).__name__, None, source.startswith("sevenn:"))
    if is_unconstrained(source):
        network, record = load_unconstrained(source)
        return NamedCalculator(
            UnconstrainedCalculator(network), source, "unconstrained", record["weights_sha256"]
        )
    if is_compiled(source):
        made, kind = load_compiled(source, trust)
        return NamedCalculator(made, Path(source).name, kind, sha256_of(Path(source)))
    backbone = load_backbone(source, trust=trust)
    return _of_object(backbone, backbone.info.source, backbone.info.sha256)


def _of_object(made: Any, label: str, digest: str | None) -> NamedCalculator:
    """Return the calculator of what a function gave, or of a backbone."""
    if isinstance(made, type):
        raise InputError(
            f"{label} returned the class {made.__name__}, expected a calculator: return {made.__name__}()"
        )
    if is_calculator(made):
        return NamedCalculator(made, label, type(made).__name__, digest, holds_mace(made))
    if holds_mace(made):
        from ..backbones.mace_loading import from_mace

        made = from_mace(made, source=label)
    if not isinstance(made, Backbone):
        raise InputError(f"{label} returned {type(made).__name__}, expected an ASE calculator or a backbone")
    return NamedCalculator(BackboneCalculator(made), label, made.info.architecture, digest, True)


@dataclass(frozen=True)
class Structures:
    """Structures to be turned, of any composition, periodic or not.

    Attributes
    ----------
    images
        ASE structures, Å.
    source
        File name or registry name, never a path.
    sha256
        Of the source's bytes.
    """

    images: tuple[Atoms, ...]
    source: str
    sha256: str

    def __len__(self) -> int:
        return len(self.images)


def read_structures(source: str, *, elements: str | None = None, **reading: Any) -> Structures:
    """Read what ``read_frames`` reads, or any file that ASE reads, periodic cells and several compositions too.

    ``elements`` names the types of a file without elements; it and ``reading`` are arguments of ``read_frames``.

    Raises
    ------
    InputError
        The file is absent, unreadable or empty.
    """
    path = Path(source)
    if source in embedded_frames() or (not path.exists() and ":" in source) or path.suffix == ".npz":
        frames = read_frames(source, elements=elements, **reading)
        images = tuple(Atoms(numbers=frames.numbers, positions=x) for x in frames.positions)
        return Structures(images, frames.source, frames.sha256)
    if not path.is_file():
        raise InputError(f"no file at {source}; give a file that ASE reads, or a name such as aspirin-xtb")
    images_read = read_images(path, path.name, Elements.parse(elements), {})
    if not images_read:
        raise InputError(f"{path.name} holds no structures, expected at least one")
    for index, image in enumerate(images_read):
        if len(image) == 0 or not np.isfinite(image.positions).all():
            raise InputError(f"{path.name}: structure {index} has no atoms or a position that is not finite")
        if image.constraints:
            image.set_constraint()  # what is fixed in the laboratory would hide forces
        image.calc = None
    return Structures(tuple(images_read), path.name, sha256_of(path))
