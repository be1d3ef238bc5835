"""Calculators and structures by name: any model that gives energies and forces, any file that ASE reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.loading import as_backbone, becomes_backbone, load_backbone
from ..backbones.sources import call_function, function_label, is_calculator, is_function, is_python_file
from ..backbones.unconstrained_files import is_unconstrained, load_unconstrained
from ..frames.file_structures import FileStructures
from ..frames.frames import Frames
from ..frames.locating import known_name
from ..frames.reading_any import read_data
from ..frames.reading_structures import read_structures as read_file
from ..generation.potentials import is_potential, potential
from ..records.devices import choose_device
from ..records.files import sha256_of
from .batch_calculator import BatchCalculator
from .compiled_models import is_compiled, load_compiled
from .fixed_benchmark import BENCHMARK_NAME, benchmark_structures
from .installed_calculators import installed_calculator, named_calculator
from .unconstrained_calculator import UnconstrainedCalculator

Array = NDArray[np.float64]


class BackboneCalculator(BatchCalculator):
    """A backbone's own energies, forces and, where it gives one, stress as an ASE calculator: eV, eV/Å, eV/Å³.

    Structures may be periodic where the backbone uses cells: moving one atom by a cell vector must not change the forces.
    """

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012 - ASE's interface

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.backbone = backbone
        self._known: set[tuple[bytes, bytes]] = set()
        if not backbone.has_energies:
            raise InputError(
                f"{backbone.info.source} gives forces without energies; give an ASE calculator of the model instead"
            )

    @property
    def atoms_at_once(self) -> int:
        """Atoms in a batch: a call of a backbone has a high cost of its own, on a graphics card above all."""
        return 1200

    def many(self, structures: Sequence[Atoms]) -> tuple[Array, Array]:
        """Run the backbone; InputError for an unknown element, or a cell that it ignores."""
        return self._run(self._frames(structures))

    def evaluate(self, numbers: NDArray[np.int64], positions: Array) -> tuple[Array, Array]:
        """Run the backbone on molecules; InputError for an unknown element."""
        return self._run(_frames_of(numbers, positions))

    def _run(self, frames: Frames) -> tuple[Array, Array]:
        asked = (frames.numbers.tobytes(), np.array(frames.pbc).tobytes())
        if asked not in self._known:
            self.backbone.check_elements(frames)
            if frames.periodic:
                self._check_cells(frames.select([0]))
            self._known.add(asked)
        return self.backbone.energies_and_forces(frames)

    def further(self, structure: Atoms) -> dict[str, Any]:
        """Return the stress of a structure that is periodic in every direction, where the backbone gives it."""
        stress = getattr(self.backbone, "stress", None)
        values = stress(self._frames([structure])) if stress is not None and structure.pbc.all() else None
        return {} if values is None else {"stress": np.asarray(values)[0]}

    def _frames(self, structures: Sequence[Atoms]) -> Frames:
        first = structures[0]
        positions = np.stack([structure.positions for structure in structures])
        pbc = (bool(first.pbc[0]), bool(first.pbc[1]), bool(first.pbc[2]))
        cells = np.stack([np.asarray(structure.cell) for structure in structures]) if any(pbc) else None
        frames = _frames_of(np.asarray(first.numbers, dtype=np.int64), positions)
        return replace(frames, cells=cells, pbc=pbc)

    def _check_cells(self, frames: Frames) -> None:
        """Raise InputError where an atom that is moved by a cell vector, onto its own image, feels other forces."""
        assert frames.cells is not None
        direction = int(np.argmax(frames.pbc))
        moved = frames.positions.copy()
        moved[:, 0] += frames.cells[:, direction]
        forces = [
            self.backbone.forces(replace(frames, positions=positions))
            for positions in (frames.positions, moved)
        ]
        change = float(np.abs(forces[1] - forces[0]).max())
        # A thousand roundings of float32, relative to forces of 1 eV/Å or to those at hand.
        if not change <= 1e-4 * max(1.0, float(np.abs(forces[0]).max())):
            raise InputError(
                f"the structure is periodic and {self.backbone.info.source} ignores its cell: an atom moved by a cell vector "
                f"feels forces that differ by {change:.1e} eV/Å; give a model that uses cells, or a structure without"
            )


def _frames_of(numbers: NDArray[np.int64], positions: Array) -> Frames:
    return Frames(numbers, positions, np.zeros_like(positions), None, "structures", "0" * 64, "eV")


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


def load_calculator(source: str, *, trust: bool = False, device: str = "cpu") -> NamedCalculator:
    """Load what gives energies and forces.

    Parameters
    ----------
    source
        A backbone (see ``load_backbone``); a model without symmetry; a metatomic model (``.pt``) or a compiled model of nequip
        (``.nequip.pt2``); a function that takes nothing and returns an ASE calculator, a backbone or a MACE model:
        ``FILE.py:FUNCTION``, or ``module:callable`` of an installed package; or the name of an installed calculator:
        ``ase:NAME`` of any module of ``ase.calculators``, ``tblite:GFN2-xTB``, ``sevenn:7net-0``, ``sevenn:7net-mf-0:PBE``; or a
        classical potential such as ``matscipy:tersoff``.
    trust
        Say that a file that holds code (a pickle, Python, a metatomic or a compiled model) comes from someone you trust.
        Installed packages and the weights in them are trusted already.
    device
        Where backbones, metatomic models, compiled models and those of sevenn are evaluated; a compiled model that was made for
        another device is refused. Other calculators stay where they were made.

    Raises
    ------
    InputError
        No such model or calculator, one that takes arguments, a file without ``trust``, or a package that is absent.
    """
    source = str(source)
    where = str(choose_device(device))
    if is_potential(source):
        file = Path(source.removeprefix("ase:tersoff:"))
        made = potential(source)
        return NamedCalculator(made, source, type(made).__name__, sha256_of(file) if file.is_file() else None)
    if is_function(source):
        digest = sha256_of(Path(source.rsplit(":", 1)[0])) if is_python_file(source) else None
        return _of_object(call_function(source, trust), function_label(source), digest, where)
    if named_calculator(source) or source.startswith("sevenn:"):
        made = installed_calculator(source, where)
        return NamedCalculator(made, source, type(made).__name__, None, source.startswith("sevenn:"))
    if is_unconstrained(source):
        network, record = load_unconstrained(source)
        return NamedCalculator(
            UnconstrainedCalculator(network.to(where)), source, "unconstrained", record["weights_sha256"]
        )
    if is_compiled(source):
        made, kind = load_compiled(source, trust, where)
        return NamedCalculator(made, Path(source).name, kind, sha256_of(Path(source)))
    backbone = load_backbone(source, trust=trust)
    return _of_object(backbone, backbone.info.source, backbone.info.sha256, where)


def _of_object(made: Any, label: str, digest: str | None, device: str) -> NamedCalculator:
    """Return the calculator of what a function gave, or of a backbone."""
    if isinstance(made, type):
        raise InputError(
            f"{label} returned the class {made.__name__}, expected a calculator: return {made.__name__}()"
        )
    if is_calculator(made):
        return NamedCalculator(made, label, type(made).__name__, digest, becomes_backbone(made))
    backbone = as_backbone(made, label)
    if backbone is None:
        raise InputError(f"{label} returned {type(made).__name__}, expected an ASE calculator or a backbone")
    backbone.to(device)
    return NamedCalculator(BackboneCalculator(backbone), label, backbone.info.architecture, digest, True)


@dataclass(frozen=True)
class AuditStructures:
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


#: What a file may say of every atom beyond its element and place, under ASE's names.
_OF_ATOMS = {"masses", "initial_charges", "initial_magmoms"}


def read_structures(
    source: str, *, elements: str | None = None, constrained: bool = False, **reading: Any
) -> AuditStructures:
    """Read what ``read_data`` reads, with or without forces; of a file also masses, charges and magnetic moments of its atoms.

    ``rotation-benchmark`` names the ten structures of the fixed benchmark. ``elements`` names the types of a file without
    elements; it and ``reading`` are arguments of ``read_data``. ``constrained`` keeps the constraints of a file, with which ASE
    changes forces.

    Raises
    ------
    InputError
        The file is absent, unreadable or empty.
    """
    path = Path(source)
    if source == BENCHMARK_NAME:
        return _benchmark()
    if not path.is_file() and not known_name(source):
        raise InputError(f"no file at {source}; give a file that ASE reads, or a name such as aspirin-xtb")
    if not path.is_file() or path.suffix == ".npz":
        data = read_data(source, elements=elements, **reading)
    else:
        data = read_file(source, elements=elements, everything=True, **reading)
    made = []
    for index in range(len(data)):
        frames = data.select([index]) if isinstance(data, Frames) else data.take([index])[0].frames
        if not np.isfinite(frames.positions).all():
            raise InputError(
                f"{data.source}: structure {index} has no atoms or a position that is not finite"
            )
        (image,) = frames.to_ase()
        image.calc = None
        if isinstance(data, FileStructures):  # charge, spin and whatever else a model may ask for
            given = data.images.image(int(data.places[index]))
            image.info |= given.info
            for name in _OF_ATOMS & set(given.arrays):
                image.set_array(name, given.arrays[name])  # type: ignore[no-untyped-call]
            if constrained:
                image.set_constraint(given.constraints)  # type: ignore[no-untyped-call]
        made.append(image)
    return AuditStructures(tuple(made), data.source, data.sha256)


def _benchmark() -> AuditStructures:
    """Return the structures of the published benchmark; their hash is that of numbers and positions."""
    images = benchmark_structures()
    digest = sha256()
    for image in images:
        digest.update(
            image.numbers.astype("<i8").tobytes() + np.round(image.positions, 9).astype("<f8").tobytes()
        )
    return AuditStructures(images, BENCHMARK_NAME, digest.hexdigest())
