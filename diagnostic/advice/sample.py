"""The structures that an advice rests on: a fair part of the data, none that the model was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..frames.frames import Frames
from ..frames.splits import evenly_spaced
from ..frames.structures import Structures, StructuresInMemory
from .density import Floats, Integers
from .equations import Dealt
from .settings import AdviceSettings

#: Blocks that structures are dealt in, and the parts that get them in turn: 60 % train, 15 % validate, 25 % judge.
BLOCKS = 40
_TURNS = ("first", "second") * 12 + ("validation",) * 6 + ("held_out",) * 10
#: Least number of structures: one in each block.
LEAST = BLOCKS


@dataclass(frozen=True, eq=False)
class Sample:
    """Structures with forces.

    Attributes
    ----------
    structures
        One ASE Atoms each, positions in Å.
    forces, predicted : (atoms, 3) arrays
        Forces of all atoms (eV/Å): those of the data, and the model's (None without a model).
    indices : (structures,) int array
        Their places in the data.
    groups : (structures,) int array
        Structures of one group stay in one part.
    notes
        What was left out, one sentence each.
    """

    structures: list[Atoms]
    forces: Floats
    predicted: Floats | None
    indices: Integers
    groups: Integers
    notes: tuple[str, ...]

    @property
    def numbers(self) -> Integers:
        """Atomic number of every atom."""
        return np.concatenate([atoms.numbers for atoms in self.structures]).astype(np.int64)

    @property
    def one_composition(self) -> bool:
        """Whether all structures have the same atoms in the same order."""
        first = self.structures[0].numbers
        return all(np.array_equal(atoms.numbers, first) for atoms in self.structures)


def take_sample(data: Frames | Structures, backbone: Backbone | None, settings: AdviceSettings) -> Sample:
    """Take structures evenly over the data and, with a model, predict their forces.

    Left out, with a sentence: structures without forces or with one atom, and what the model's record says that it was
    trained on or chosen by. Neighbours in a file of frames of one composition count as neighbours in time: they are dealt in
    blocks.

    Raises
    ------
    InputError
        If fewer than ``LEAST`` structures are left, the model gives no forces, or it does not know an element.
    """
    if backbone is not None and not backbone.has_forces:
        raise InputError(
            f"{backbone.info.source} gives no forces, and an advice on a model starts from the error of its forces; "
            "leave the model out to learn what the data need"
        )
    whole = StructuresInMemory.of(data) if isinstance(data, Frames) else data
    allowed, notes = _not_trained_on(whole, backbone)
    chosen = allowed[evenly_spaced(len(allowed), settings.structures)]
    sizes = np.array([len(whole.numbers(int(k))) for k in chosen])
    if sizes.sum() > settings.atoms:
        chosen = chosen[evenly_spaced(len(chosen), max(1, int(settings.atoms / sizes.mean())))]
    pieces: list[tuple[int, Atoms, Floats, Floats | None]] = []
    without, single = 0, 0
    for part in whole.take(chosen):
        if backbone is not None:
            backbone.check_elements(part.frames)
        usable = np.isfinite(part.frames.forces).all(axis=(1, 2))
        without += int((~usable).sum())
        if len(part.frames.numbers) < 2:
            single += int(usable.sum())
            continue
        if not usable.any():
            continue
        frames = part.frames.select(np.flatnonzero(usable))
        predicted = None if backbone is None else backbone.forces(frames)
        for k, (index, atoms) in enumerate(zip(part.indices[usable], frames.to_ase(), strict=True)):
            atoms.calc = None
            pieces.append((int(index), atoms, frames.forces[k], None if predicted is None else predicted[k]))
    if without:
        notes.append(f"{without} structures without forces were left out.")
    if single:
        notes.append(f"{single} structures of a single atom were left out.")
    if len(pieces) < LEAST:
        raise InputError(
            f"{whole.source}: {len(pieces)} structures with forces are left{_because(notes)}, expected at least {LEAST}; give "
            "more structures"
        )
    pieces.sort(key=lambda piece: piece[0])
    indices = np.array([index for index, *_ in pieces])
    return Sample(
        structures=[atoms for _, atoms, *_ in pieces],
        forces=np.concatenate([forces for *_, forces, _ in pieces]),
        predicted=None if backbone is None else np.concatenate([mine for *_, mine in pieces if mine is not None]),
        indices=indices,
        groups=np.asarray(whole.groups)[indices],
        notes=tuple(notes),
    )  # fmt: skip


def _because(notes: list[str]) -> str:
    return f" ({' '.join(notes)})" if notes else ""


def _not_trained_on(whole: Structures, backbone: Backbone | None) -> tuple[Integers, list[str]]:
    every = np.arange(len(whole))
    record = (backbone.info.training or {}) if backbone is not None else {}
    if record.get("data", {}).get("sha256") != whole.sha256 or "split" not in record:
        return every, []
    if record["data"].get("frames", len(whole)) != len(
        whole
    ):  # places in the file are not places in a part of it
        return every, [
            "These are a part of the structures of the file that the model was trained on: those that it was trained on could "
            "not be left out."
        ]
    used = np.array(
        [k for name in ("training", "validation") for k in record["split"].get(name, [])], dtype=np.int64
    )
    left = np.setdiff1d(every, used)
    if len(left) < LEAST:
        raise InputError(
            f"{whole.source}: the model was trained on these data, and {len(left)} of {len(every)} structures were held out of "
            f"that, expected at least {LEAST}; give structures that it was not trained on: on its own ones the error measures "
            "overfitting"
        )
    return left, [f"{len(used)} structures that the model was trained on, or chosen by, were left out."]


def deal(sample: Sample, seed: int) -> Dealt:
    """Deal structures in blocks: 30 % and 30 % train, 15 % validate, 25 % are held out.

    Blocks are runs of neighbouring structures of one composition, since neighbours in time are alike, and groups in random
    order otherwise; a group is never split.
    """
    rng = np.random.default_rng([seed, 1])
    names = np.unique(sample.groups)
    if not sample.one_composition:
        names = rng.permutation(names)
    wanted = min(BLOCKS, len(names))
    if wanted < BLOCKS:
        raise InputError(
            f"the structures form {len(names)} groups that stay together, expected at least {BLOCKS}; give structures of more "
            "groups"
        )
    block_of_group = {name: k * wanted // len(names) for k, name in enumerate(names)}
    block = np.array([block_of_group[name] for name in sample.groups])
    turns: NDArray[np.str_] = rng.permutation(np.array(_TURNS))
    return Dealt(turns[block], block)


def null_targets(target: Floats, numbers: Integers, count: int, rng: np.random.Generator) -> Floats:
    """Return targets in which nothing is to be explained: those of other atoms of the element, each turned at random.

    Parameters
    ----------
    target : (atoms, 3) array
        The measured target (eV/Å).
    numbers : (atoms,) int array
        Atomic numbers.
    count
        How many null targets.

    Returns
    -------
    (atoms, 3, count) array
    """
    out = np.empty((*target.shape, count))
    for k in range(count):
        other = np.arange(len(target))
        for z in np.unique(numbers):
            mine = np.flatnonzero(numbers == z)
            other[mine] = rng.permutation(mine)
        out[:, :, k] = np.einsum("aij,aj->ai", haar_rotations(len(target), rng), target[other])
    return out
