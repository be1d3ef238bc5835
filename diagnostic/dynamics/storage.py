"""Trajectories in a folder that a killed run cannot damage, and the state that a run goes on from.

``state.npz``, replaced in one step, says how many records count. Those of ``trajectory.h5`` have their place from the start, so
that a record is written without a change to the structure of the file; ``trajectory.xyz`` is appended to, and cut at resuming.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..records.files import write_whole
from .trajectory import Trajectory

Array = NDArray[np.float64]
STATE = "state.npz"
#: The state before, of a run that goes on together with others: a process that is killed may have saved only some of them.
EARLIER = "state.earlier.npz"
#: Of each record: the fields of a trajectory that have a row for each.
SERIES = ("times", "positions", "velocities", "forces", "potential", "kinetic", "conserved")
UNITS = {"times": "fs", "positions": "Å", "velocities": "Å/fs", "forces": "eV/Å", "potential": "eV", "kinetic": "eV",
         "conserved": "eV"}  # fmt: skip
#: Of the structure: what is the same in every record.
HEAD = ("numbers", "masses", "cell", "pbc")
Record = dict[str, Any]


def head_of(atoms: Any) -> dict[str, Any]:
    """Return numbers, masses, cell and periodicity of ASE's Atoms."""
    return {
        "numbers": np.asarray(atoms.numbers, dtype=np.int64),
        "masses": np.asarray(atoms.get_masses(), dtype=float),
        "cell": np.asarray(atoms.cell, dtype=float),
        "pbc": np.asarray(atoms.pbc, dtype=bool),
    }


def as_trajectory(head: Mapping[str, Any], records: list[Record], ended: str = "") -> Trajectory:
    """Put records together."""
    count = len(head["numbers"])
    shape = {"positions": (-1, count, 3), "velocities": (-1, count, 3), "forces": (-1, count, 3)}
    series = {
        name: np.array([record[name] for record in records], dtype=float).reshape(shape.get(name, (-1,)))
        for name in SERIES
    }
    return Trajectory(**head, **series, ended=ended)


def digest(atoms: Any) -> str:
    """SHA-256 of a structure with its momenta."""
    parts = [*head_of(atoms).values(), atoms.get_positions(), atoms.get_momenta()]
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


class Store(Protocol):
    """Where records go."""

    def create(self, capacity: int) -> None:
        """Make room for so many records."""

    def append(self, start: int, records: list[Record]) -> int:
        """Write records from number ``start`` on; return the size of the file that they end at (bytes; 0: of no use)."""

    def cut(self, count: int, size: int, capacity: int) -> None:
        """Keep the first ``count`` records, which end at ``size`` bytes, and make room for ``capacity``."""

    def read(self, count: int, size: int, ended: str) -> Trajectory:
        """Read the first ``count`` records."""


class Memory:
    """Records of a run without a folder."""

    def __init__(self, head: Mapping[str, Any]) -> None:
        self.head = head
        self.records: list[Record] = []

    def create(self, capacity: int) -> None:
        """Nothing to do."""

    def append(self, start: int, records: list[Record]) -> int:
        """Keep the records."""
        self.records[start:] = records
        return 0

    def cut(self, count: int, size: int, capacity: int) -> None:
        """Forget later records."""
        del self.records[count:]

    def read(self, count: int, size: int, ended: str) -> Trajectory:
        """Return them."""
        return as_trajectory(self.head, self.records[:count], ended)


class Hdf5:
    """``trajectory.h5``: one dataset for each field of a trajectory, its unit an attribute."""

    def __init__(self, folder: Path, head: Mapping[str, Any] | None) -> None:
        self.path, self.head = folder / "trajectory.h5", head
        try:
            self.h5py: Any = importlib.import_module("h5py")
        except ImportError as error:
            raise InputError(
                "format is 'hdf5' and the Python package 'h5py' is not installed: run pip install "
                "'spectral-ceilings[hdf5]', or take format 'extxyz'"
            ) from error

    def create(self, capacity: int) -> None:
        """Write a file with room for every record, none of them there yet."""
        assert self.head is not None
        made = self.path.with_name(self.path.name + ".new")
        count = len(self.head["numbers"])
        with self.h5py.File(made, "w", locking=False) as file:
            for name in HEAD:
                file.create_dataset(name, data=self.head[name])
            for name in SERIES:
                shape = (capacity, count, 3) if name in ("positions", "velocities", "forces") else (capacity,)
                data = file.create_dataset(name, shape, dtype="f8", fillvalue=np.nan)
                data.attrs["unit"] = UNITS[name]
                if capacity:
                    data[-1] = np.nan  # takes the space on the disk now
        os.replace(made, self.path)

    def append(self, start: int, records: list[Record]) -> int:
        """Write records into their places."""
        if records:
            with self.h5py.File(self.path, "r+", locking=False) as file:
                for name in SERIES:
                    file[name][start : start + len(records)] = np.array([record[name] for record in records])
            _to_disk(self.path)
        return 0

    def cut(self, count: int, size: int, capacity: int) -> None:
        """Copy the records that count into a new file, where its size has to change."""
        with self.h5py.File(self.path, "r", locking=False) as file:
            if len(file["times"]) == capacity:
                return
        kept = self.read(count, size, "")
        self.create(capacity)
        self.append(0, [{name: getattr(kept, name)[k] for name in SERIES} for k in range(count)])

    def read(self, count: int, size: int, ended: str) -> Trajectory:
        """Read the first records."""
        with self.h5py.File(self.path, "r", locking=False) as file:
            head = {name: file[name][()] for name in HEAD}
            return Trajectory(**head, **{name: file[name][:count] for name in SERIES}, ended=ended)


class ExtendedXyz:
    """``trajectory.xyz``: every number in full, so that reading gives it back to the last bit."""

    def __init__(self, folder: Path, head: Mapping[str, Any] | None) -> None:
        self.path, self.head = folder / "trajectory.xyz", head

    def create(self, capacity: int) -> None:
        """Write an empty file."""
        self.path.write_bytes(b"")

    def append(self, start: int, records: list[Record]) -> int:
        """Append records; return the length of the file."""
        with self.path.open("a", encoding="utf-8", newline="\n") as stream:
            for record in records:
                stream.write(self._text(record))
        _to_disk(self.path)
        return self.path.stat().st_size

    def _text(self, record: Record) -> str:
        assert self.head is not None
        head = self.head
        cell = " ".join(repr(float(x)) for x in head["cell"].ravel())
        lattice = f'Lattice="{cell}" ' if head["cell"].any() else ""
        pbc = " ".join("T" if periodic else "F" for periodic in head["pbc"])
        line = (
            f"{lattice}Properties=species:S:1:pos:R:3:masses:R:1:velocities:R:3:forces:R:3 "
            f'pbc="{pbc}" time={float(record["times"])!r} energy={float(record["potential"])!r} '
            f"kinetic={float(record['kinetic'])!r} conserved={float(record['conserved'])!r}"
        )
        rows = np.column_stack(
            [record["positions"], head["masses"], record["velocities"], record["forces"]]
        ).tolist()
        atoms = (
            f"{chemical_symbols[number]} {' '.join(map(repr, row))}"
            for number, row in zip(head["numbers"], rows, strict=True)
        )
        return "\n".join([str(len(rows)), line, *atoms]) + "\n"

    def cut(self, count: int, size: int, capacity: int) -> None:
        """Cut off what a killed run wrote after its last state."""
        if self.path.stat().st_size < size:
            raise InputError(
                f"{self.path} is shorter than its run left it: delete the folder and start the run again"
            )
        os.truncate(self.path, size)

    def read(self, count: int, size: int, ended: str) -> Trajectory:
        """Read the first records with ASE."""
        from ase.io import read

        with self.path.open("rb") as stream:
            text = stream.read(size).decode("utf-8")
        images: Any = read(io.StringIO(text), ":", format="extxyz") if count else []
        if not count:
            assert self.head is not None
            return as_trajectory(self.head, [], ended)
        records = [
            {
                "times": image.info["time"],
                "positions": image.positions,
                "velocities": image.arrays["velocities"],
                "forces": image.calc.results["forces"],
                "potential": image.calc.results["energy"],
                "kinetic": image.info["kinetic"],
                "conserved": image.info["conserved"],
            }
            for image in images
        ]
        return as_trajectory(head_of(images[0]), records, ended)


STORES: dict[str, type[Hdf5 | ExtendedXyz]] = {"hdf5": Hdf5, "extxyz": ExtendedXyz}


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Replace the state of a run in one step."""
    buffer = io.BytesIO()
    np.savez(buffer, **state)
    write_whole(folder / STATE, buffer.getvalue())


def keep_earlier(folder: Path) -> None:
    """Keep the state of a run beside the one that is written next."""
    path = folder / STATE
    if path.exists():
        write_whole(folder / EARLIER, path.read_bytes())


def read_state(folder: Path, name: str = STATE) -> dict[str, Any] | None:
    """Read the state of a run; None where none was written.

    Raises
    ------
    InputError
        The file is damaged.
    """
    path = folder / name
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): delete the folder and start the run again"
        ) from error


def read_trajectory(folder: str | Path) -> Trajectory:
    """Read the trajectory that :func:`run_dynamics` left in a folder, finished or not.

    Of a run that was killed, or still goes on, the records up to its last state are read.

    Raises
    ------
    InputError
        The folder holds no run.
    """
    place = Path(folder)
    state = read_state(place)
    if state is None:
        raise InputError(f"{str(place)!r} holds no state.npz: give a folder that run_dynamics wrote")
    head = {name: state[name] for name in HEAD}
    store = STORES[str(state["format"])](place, head)
    try:
        return store.read(int(state["final_records"]), int(state["final_size"]), str(state["ended"]))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"the trajectory in {str(place)!r} cannot be read: {error}") from error
