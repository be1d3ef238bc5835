"""Which environments of which structures a diagnosis trains on, chooses on and holds out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..frames.environments import Members, Selector, deal, environments_of, members_of, units_of
from ..frames.joined import JoinedStructures
from ..frames.splits import evenly_spaced
from ..frames.structures import Structures
from ..frames.surroundings import without_copies_across
from .environment_sample import EnvironmentSample
from .settings import DiagnoseSettings

#: Environments of a pool where nothing else is asked for: 1,200 train, which with twenty rotations each determine the 1,500
#: coefficients of its free readout.
ENVIRONMENTS = 2000


def arrange_structures(
    structures: Structures,
    backbone: Backbone,
    settings: DiagnoseSettings,
    held_out: Structures | None = None,
    selectors: Sequence[tuple[str, Selector]] = (),
) -> EnvironmentSample:
    """Sample the environments of a diagnosis, honouring what the backbone was trained on.

    Where the backbone's record names these very structures its own split is used; ``held_out`` structures from a file of their
    own are all held out. Only structures that are sampled are read.

    Parameters
    ----------
    selectors
        Conditions on atoms, in words and as functions; one leaves out all other atoms, of several each is a pool.

    Raises
    ------
    InputError
        Nothing is selected, an element is not known to the model, too few structures, or held-out ones that are copies.
    """
    if settings.atoms is not None or settings.network_atoms is not None:
        raise InputError(
            "atoms are numbered within one molecule, and these are structures of any kind: choose atoms with select, such as "
            "\"element == 'O'\""
        )
    whole: Structures = structures if held_out is None else JoinedStructures(structures, held_out)
    limit = settings.frames
    used = evenly_spaced(len(structures), len(structures) if limit is None else limit)
    left_out = frozenset(set(range(len(structures))) - set(used.tolist()))
    pools = _pools(whole, selectors, left_out)
    _check_known(whole, pools, backbone)
    units = units_of(whole.groups, pools)
    parts, note = _parts(whole, len(structures), pools, units, backbone, settings, held_out)
    count = settings.environments or ENVIRONMENTS
    samples, units, short = environments_of(whole, pools, count, settings.seed, parts=parts, units=units)
    places = np.unique(np.concatenate([sampled.structures for sampled in samples]))
    copies = without_copies_across(whole.take(places), parts)
    if copies and held_out is not None:
        raise InputError(
            f"{len(copies)} of the held-out structures of {held_out.source} are in {structures.source} too and would be trained "
            "on; give other structures with --held-out, or leave it out"
        )
    if copies:
        note += f"; {len(copies)} structures that are copies of some in an earlier part are left out"
        samples = [sampled.keep(~np.isin(sampled.structures, list(copies))) for sampled in samples]
    if short:
        note += f"; left out: {'; '.join(short)}"
    return EnvironmentSample(whole, samples, units, cutoff=backbone.cutoff, note=note)


def _pools(
    structures: Structures, selectors: Sequence[tuple[str, Selector]], left_out: frozenset[int]
) -> list[Members]:
    """Return the pools: by element, within the one selection there is; or one for each of several selections."""
    if len(selectors) < 2:
        pools = members_of(structures, selectors[0][1] if selectors else None, left_out=left_out)
        if not pools:
            raise InputError(
                f"{structures.source}: no atom is selected by {selectors[0][0]!r}, so give another --select"
                if selectors
                else f"{structures.source}: it holds no atoms"
            )
        return pools
    pools = []
    for text, selector in selectors:
        by_element = members_of(structures, selector, left_out=left_out)
        if len(by_element) != 1:
            held = ", ".join(pool.element for pool in by_element) or "no atom"
            raise InputError(
                f"the selection {text!r} holds {held}: expected one element, as each of several selections has its own readout; "
                "add a condition such as \"element == 'O'\""
            )
        pools.append(Members(f"select:{text}", by_element[0].element, by_element[0].atoms))
    return pools


def _check_known(structures: Structures, pools: Sequence[Members], backbone: Backbone) -> None:
    """Raise InputError where a structure that may be sampled holds an element that the model does not know."""
    if backbone.elements is None:
        return
    known = set(backbone.elements)
    foreign: dict[str, list[int]] = {}
    for index in sorted({index for pool in pools for index in pool.atoms}):
        for z in np.unique(structures.numbers(index)):
            if chemical_symbols[z] not in known:
                foreign.setdefault(chemical_symbols[z], []).append(index)
    if foreign:
        symbol, where = next(iter(foreign.items()))
        atoms = Atoms(numbers=structures.numbers(where[0]))
        formula = atoms.get_chemical_formula(mode="hill")  # type: ignore[no-untyped-call]
        others = "" if len(foreign) == 1 else f" (nor {', '.join(list(foreign)[1:])})"
        raise InputError(
            f"{backbone.info.source} does not know the element {symbol}{others}, which {len(where)} of the {len(structures)} "
            f"structures of {structures.source} hold, the first of them structure {where[0]} ({formula}); it was made for "
            f"{', '.join(backbone.elements)}: leave those structures out with --select, or take another model"
        )


def _parts(
    structures: Structures,
    given: int,
    pools: Sequence[Members],
    units: NDArray[np.int64],
    backbone: Backbone,
    settings: DiagnoseSettings,
    held_out: Structures | None,
) -> tuple[NDArray[np.int64], str]:
    """Return the part of every structure, and where the split comes from."""
    record = backbone.info.training or {}
    trained_on = record.get("data", {})
    same = trained_on.get("sha256") == structures.sha256 and trained_on.get("frames") == given
    if held_out is not None:
        parts = deal(units[:given], _within(pools, given), settings.seed, with_held_out=False)
        note = f"structures from {held_out.source} are held out; the others are dealt by structure and group"
        if trained_on.get("sha256") == held_out.sha256:
            note += "; the backbone was trained on some of the held-out ones: give others"
        return np.concatenate([parts, np.full(len(structures) - given, 2)]), note
    if same and record.get("split", {}).get("held_out"):
        parts = np.zeros(given, dtype=np.int64)
        for k, name in enumerate(("training", "validation", "held_out")):
            parts[np.asarray(record["split"][name], dtype=np.int64)] = k
        return (
            parts,
            "the split of the backbone's own training; nothing was chosen on the held-out structures",
        )
    note = "dealt by structure and group, neighbours in the file together"
    if same:
        note += "; the backbone was trained on some of the held-out structures: give others with --held-out"
    return deal(units, pools, settings.seed), note


def _within(pools: Sequence[Members], given: int) -> list[Members]:
    return [
        Members(
            pool.name, pool.element, {index: atoms for index, atoms in pool.atoms.items() if index < given}
        )
        for pool in pools
    ]
