"""Read whatever a user has: Frames where a file holds one composition in one order, Structures otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...theory.errors import InputError
from .elements import Elements
from .file_structures import COPY, FileStructures
from .frames import Frames
from .locating import locate
from .reading import checked, read_frames
from .reading_structures import Opened, open_images, read_by_ase, read_opened
from .structures import Structures

#: Atoms in all frames up to which one composition is held in memory as Frames (48 bytes each with forces).
MOST_ATOMS = 10_000_000
_MOST_BYTES = 200_000_000


def read_data(
    source: str | Path,
    *,
    select: str | None = None,
    isolated: bool = False,
    group_key: str | None = None,
    everything: bool = False,
    keep_info: bool = False,
    **reading: Any,
) -> Frames | Structures:
    """Read a file of any kind.

    Parameters
    ----------
    source : str or Path
        As in ``read_frames`` and ``read_structures``.
    select : str, optional
        Which structures, see `Selection`.
    isolated : bool
        Take molecules out of their boxes.
    group_key : str, optional
        Name of a value by which structures are grouped; with it, the answer is always Structures.
    everything : bool
        Keep what no diagnosis can use too, unchecked, to look at it: Structures, unless it is one molecule.
    keep_info : bool
        Keep what the file says of each structure, such as ``config_type``: the answer is always Structures then.
    **reading
        ``units, force_units, length_units, elements, accept_units, forces_key, energy_key, stress_key`` of ``read_frames``.

    Returns
    -------
    Frames or Structures
        Frames where what can be used has one composition, atom order and periodicity, and fits into memory: molecules are then
        checked as ``read_frames`` does.

    Raises
    ------
    InputError
        As in ``read_frames`` and ``read_structures``.
    """
    opened: Opened | None = None
    if select is None and not isolated and group_key is None and not keep_info:
        one_molecule, opened = _one_molecule(source, **reading)
        if one_molecule:
            return read_frames(source, **reading)
    structures = read_opened(
        opened,
        source,
        select=select,
        isolated=isolated,
        group_key=group_key,
        everything=everything,
        **reading,
    )
    if everything or keep_info or group_key is not None or not _uniform(structures):
        return structures
    return frames_of(structures, accept_units=bool(reading.get("accept_units")))


def frames_of(structures: FileStructures, *, accept_units: bool = False) -> Frames:
    """Return structures of one composition, atom order and periodicity as checked Frames."""
    (part,) = structures.take(np.arange(len(structures)))
    copies = len(structures.left_out.get(COPY, ()))
    return replace(checked_frames(part.frames, accept_units=accept_units), left_out=copies)


def checked_frames(frames: Frames, *, accept_units: bool = False) -> Frames:
    """Return checked Frames of one composition; energies and stress that some of them lack are left out."""
    missing = frames.energies is not None and not np.isfinite(frames.energies).all()
    if missing:
        frames = replace(
            frames, energies=None, notes=(*frames.notes, "energies are left out: some structures have none")
        )
    if frames.stress is not None and not np.isfinite(frames.stress).all():
        frames = replace(frames, stress=None)
    return checked(frames, accept_units)


def one_composition(data: Frames | Structures, who: str) -> Frames:
    """Return data as Frames for what takes no others; ``who`` names it, such as ``ceilings train``.

    Raises
    ------
    InputError
        The data are of several compositions; the sentence names the most frequent, to select it.
    """
    if isinstance(data, Frames):
        return data
    which = [data.numbers(k).tobytes() for k in range(len(data))]
    names, first, counts = np.unique(np.array(which, dtype=object), return_index=True, return_counts=True)
    frames = data.take([int(first[counts.argmax()])])[0].frames
    raise InputError(
        f"{data.source}: it holds {len(names)} compositions or orders of atoms, and {who} takes frames of one: "
        f"select it, for example the most frequent with select=\"formula == '{frames.formula}'\"."
    )


def _uniform(structures: FileStructures) -> bool:
    table, places = structures.table, structures.places
    same = (table.which[places] == table.which[places[0]]).all()
    same = same and (structures.isolated or bool((table.pbc[places] == table.pbc[places[0]]).all()))
    return bool(same) and int(table.counts[places].sum()) <= MOST_ATOMS


def _one_molecule(source: str | Path, **reading: Any) -> tuple[bool, Opened | None]:
    """Whether ``read_frames`` reads this: an npz, or a file in which every structure is the same molecule, not periodic.

    Also the file, where it was opened to find that out.
    """
    path, name = locate(source)
    if path.suffix.lower() == ".npz" or path.stat().st_size == 0:
        return True, None
    if path.stat().st_size > _MOST_BYTES or not read_by_ase(path):
        return False, None
    opened = open_images(path, name, Elements.parse(reading.get("elements")))
    table = opened[0].table
    plain = len(table.kinds) == 1 and ("forces" in table.kinds[0][0] or reading.get("forces_key") is not None)
    same = plain and (table.which == 0).all() and not table.periodic.any() and len(table.compositions[0]) > 1
    return bool(same), opened
