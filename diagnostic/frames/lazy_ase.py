"""Trajectories and databases of ASE, a structure at a time."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

from ase import Atoms

from ...theory.errors import InputError
from .file_ends import check_database
from .images import AseImages


def lazy_images(path: Path, name: str) -> AseImages | None:
    """Return the structures of a ``.traj`` or ``.db`` file; None where the file is neither.

    Raises
    ------
    InputError
        The file is damaged.
    """
    suffix = path.suffix.lower()
    if suffix not in {".traj", ".db"}:
        return None
    try:
        return _trajectory(path) if suffix == ".traj" else _database(path)
    except InputError:
        raise
    except Exception as error:  # readers raise anything on a damaged file
        reason = " ".join(str(error).split())[:120] or "no reason given"
        raise InputError(
            f"{name}: ASE cannot read it ({type(error).__name__}: {reason}): expected a whole {suffix} file of ASE, so copy or "
            "write it again."
        ) from error


def _trajectory(path: Path) -> AseImages:
    from ase.io.trajectory import TrajectoryReader

    stream = path.open("rb")  # opened here, so that it is closed where a damaged file ends in an error
    try:
        reader: Any = TrajectoryReader(stream)  # type: ignore[no-untyped-call]
        images = AseImages(len(reader), reader.__getitem__)
    except BaseException:
        stream.close()
        raise
    weakref.finalize(images, stream.close)
    return images


def _database(path: Path) -> AseImages:
    from ase.db import connect

    check_database(path, path.name)
    base: Any = connect(str(path))  # type: ignore[no-untyped-call]
    numbers = [row.id for row in base.select(include_data=False)]

    def read(index: int) -> Atoms:
        row = base.get(id=numbers[index])
        atoms: Atoms = row.toatoms()
        atoms.info |= row.key_value_pairs
        return atoms

    return AseImages(len(numbers), read)
