"""Calculators and structures by name: any model that gives energies and forces, any file that ASE reads."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.loading import call_python, load_backbone
from ..backbones.unconstrained_files import is_unconstrained, load_unconstrained
from ..frames.ase_reading import read_images
from ..frames.elements import Elements
from ..frames.frames import Frames
from ..frames.reading import embedded_frames, read_frames
from ..records.files import sha256_of
from .batch_calculator import BatchCalculator
from .unconstrained_calculator import UnconstrainedCalculator

Array = NDArray[np.float64]

#: Calculators of ASE that need no parameters: name, module, class.
_ASE = {"emt": ("ase.calculators.emt", "EMT"), "lj": ("ase.calculators.lj", "LennardJones"),
        "morse": ("ase.calculators.morse", "MorsePotential")}  # fmt: skip
#: Packages whose calculator takes a method: name, module, class.
_METHODS = {"tblite": ("tblite.ase", "TBLite"), "xtb": ("xtb.ase.calculator", "XTB")}


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


def named_calculator(source: str) -> bool:
    """Whether ``source`` is the name of an installed calculator, such as ``ase:emt`` or ``tblite:GFN2-xTB``."""
    return source.partition(":")[0] in ("ase", *_METHODS) and ":" in source and ".py:" not in source


def load_calculator(source: str, *, trust: bool = False) -> NamedCalculator:
    """Load what gives energies and forces.

    Parameters
    ----------
    source
        A backbone (see ``load_backbone``), a model without symmetry, ``FILE.py:FUNCTION`` that returns an ASE calculator or a
        backbone, or the name of an installed calculator: ``ase:emt``, ``ase:lj``, ``ase:morse``, ``tblite:GFN2-xTB``.
    trust
        Say that a pickle or Python code comes from someone you trust.

    Raises
    ------
    InputError
        No such model or calculator, or a package that is absent.
    """
    if named_calculator(source):
        return NamedCalculator(*_installed(source), None)
    if is_unconstrained(source):
        network, record = load_unconstrained(source)
        return NamedCalculator(
            UnconstrainedCalculator(network), str(source), "unconstrained", record["weights_sha256"]
        )
    if ".py:" in source:
        made = call_python(source, trust)
        file = Path(source.rsplit(":", 1)[0])
        label, digest = f"{file.name}:{source.rsplit(':', 1)[1]}", sha256_of(file)
        if isinstance(made, Backbone):
            return NamedCalculator(BackboneCalculator(made), label, made.info.architecture, digest, True)
        if isinstance(made, type):
            raise InputError(
                f"{label} returned the class {made.__name__}, expected a calculator: return {made.__name__}()"
            )
        if not hasattr(made, "calculate") or not hasattr(made, "get_property"):
            raise InputError(
                f"{label} returned {type(made).__name__}, expected an ASE calculator or a backbone"
            )
        return NamedCalculator(made, label, type(made).__name__, digest)
    backbone = load_backbone(source, trust=trust)
    return NamedCalculator(
        BackboneCalculator(backbone),
        backbone.info.source,
        backbone.info.architecture,
        backbone.info.sha256,
        True,
    )


def _installed(source: str) -> tuple[Any, str, str]:
    family, _, name = source.partition(":")
    if family == "ase":
        if name not in _ASE:
            raise InputError(
                f"{source!r} is not a known calculator, expected ase:{', ase:'.join(_ASE)}; give others as FILE.py:FUNCTION"
            )
        module, kind = _ASE[name]
        return getattr(import_module(module), kind)(), source, kind
    module, kind = _METHODS[family]
    try:
        calculator = getattr(import_module(module), kind)
    except ImportError as error:
        raise InputError(f"{source!r} needs the package {family}, which is not installed here") from error
    more = {"verbosity": 0} if family == "tblite" else {}
    return calculator(method=name, **more), source, kind


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
