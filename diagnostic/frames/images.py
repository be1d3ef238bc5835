"""Where structures come from: a table of what every one of them is, and each of them as ASE Atoms when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from ase import Atoms
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Table:
    """What is known of every structure of a source without its positions.

    Attributes
    ----------
    compositions : list of (A,) int arrays
        The different compositions in atom order, in the order of their first structures.
    which : (N,) int array
        The composition of each structure.
    cells : (N, 3, 3) float array
        Cell vectors as rows, in the unit of the file; zeros where there are none.
    pbc : (N, 3) bool array
        Periodic directions.
    kinds : list of pairs of frozensets
        Different sets of names: of values for each atom, and of values for the structure.
    kind : (N,) int array
        The names of each structure.
    suspect : (N,) bool array
        Whether a number in it is not finite, or may not be: then reading it decides.
    digests : (N,) int array or None
        Equal for structures that are written alike; None where nobody looked.
    """

    compositions: list[NDArray[np.int64]]
    which: NDArray[np.int64]
    cells: NDArray[np.float64]
    pbc: NDArray[np.bool_]
    kinds: list[tuple[frozenset[str], frozenset[str]]]
    kind: NDArray[np.int64]
    suspect: NDArray[np.bool_]
    digests: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return the number of structures."""
        return len(self.which)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Atoms of each structure, ``(N,)``."""
        return np.array([len(numbers) for numbers in self.compositions], dtype=np.int64)[self.which]

    @property
    def periodic(self) -> NDArray[np.bool_]:
        """Whether any direction of each structure is periodic, ``(N,)``."""
        return np.asarray(self.pbc.any(axis=1), dtype=bool)

    def having(self, name: str, *, of_atoms: bool) -> NDArray[np.bool_]:
        """Return for each structure whether it has a value of this name."""
        place = 0 if of_atoms else 1
        return np.array([name in names[place] for names in self.kinds], dtype=bool)[self.kind]

    def names(self, *, of_atoms: bool) -> list[str]:
        """Return every name of a value that any structure has."""
        return sorted({name for kind in self.kinds for name in kind[0 if of_atoms else 1]})


class Images(Protocol):
    """Structures of one source, each read when it is asked for.

    Attributes
    ----------
    table
        What is known of all of them.
    notes
        What was decided while reading, one sentence each.
    """

    table: Table
    notes: list[str]

    def image(self, index: int) -> Atoms:
        """Return one structure with all that the source says of it."""
        ...

    def said(self, index: int, names: Iterable[str]) -> dict[str, Any]:
        """Return the values of these names for one structure, those that it has, without its atoms where possible."""
        ...


@dataclass
class Collected:
    """A table in the making, a structure at a time."""

    compositions: dict[bytes, int] = field(default_factory=dict)
    numbers: list[NDArray[np.int64]] = field(default_factory=list)
    which: list[int] = field(default_factory=list)
    cells: list[Any] = field(default_factory=list)
    pbc: list[Any] = field(default_factory=list)
    kinds: dict[tuple[frozenset[str], frozenset[str]], int] = field(default_factory=dict)
    kind: list[int] = field(default_factory=list)
    suspect: list[bool] = field(default_factory=list)
    digests: list[int] = field(default_factory=list)

    def add(
        self,
        numbers: NDArray[np.int64],
        cell: Any,
        pbc: Any,
        names: tuple[frozenset[str], frozenset[str]],
        suspect: bool,
        digest: int,
    ) -> None:
        """Add one structure; ``digest`` is that of its positions and cell."""
        key = numbers.tobytes()
        if key not in self.compositions:
            self.compositions[key] = len(self.numbers)
            self.numbers.append(numbers)
        self.which.append(self.compositions[key])
        self.cells.append(cell)
        self.pbc.append(pbc)
        self.kind.append(self.kinds.setdefault(names, len(self.kinds)))
        self.suspect.append(suspect)
        self.digests.append(digest)

    def table(self) -> Table:
        """Return the table."""
        count = len(self.which)
        return Table(
            self.numbers,
            np.array(self.which, dtype=np.int64),
            np.array(self.cells, dtype=float).reshape(count, 3, 3),
            np.array(self.pbc, dtype=bool).reshape(count, 3),
            list(self.kinds),
            np.array(self.kind, dtype=np.int64),
            np.array(self.suspect, dtype=bool),
            np.array(self.digests, dtype=np.int64),
        )


def results_of(image: Atoms) -> Mapping[str, Any]:
    """Return what the calculator of an image holds."""
    return {} if image.calc is None else image.calc.results


def table_of(images: Iterable[Atoms]) -> Table:
    """Return the table of images, each looked at once and none kept."""
    collected = Collected()
    for image in images:
        results = results_of(image)
        per_atom = {
            name
            for name, values in (*image.arrays.items(), *results.items())
            if name not in {"numbers", "positions"} and np.shape(values)[:1] == (len(image),)
            and np.ndim(values) > 0 and name not in {"stress"}
        }  # fmt: skip
        whole = set(image.info) | {name for name in results if name not in per_atom}
        numbers = np.asarray(image.numbers, dtype=np.int64)
        suspect = not all(
            np.isfinite(values).all()
            for values in (image.positions, *image.arrays.values(), *results.values(), image.cell.array)
            if values is not None and np.asarray(values).dtype.kind == "f"
        )
        names = frozenset(per_atom), frozenset(map(str, whole))
        digest = hash((image.positions.tobytes(), image.cell.array.tobytes()))
        collected.add(numbers, image.cell.array, image.pbc, names, suspect, digest)
    return collected.table()


class AseImages:
    """Images in memory, or of a reader that gives one at a time.

    Parameters
    ----------
    count
        How many there are.
    read
        Returns the image at a place.
    notes
        What was decided while reading.
    """

    def __init__(self, count: int, read: Callable[[int], Atoms], notes: Sequence[str] = ()) -> None:
        self._read = read
        self.notes = list(notes)
        self.table = table_of(read(index) for index in range(count))

    def image(self, index: int) -> Atoms:
        """Return one structure."""
        return self._read(index)

    def said(self, index: int, names: Iterable[str]) -> dict[str, Any]:
        """Return values of one structure."""
        return said_by(self.image(index), names)


def said_by(image: Atoms, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of these names, those that an image has."""
    results = results_of(image)
    return {
        name: results.get(name, image.info.get(name))
        for name in names
        if name in results or name in image.info
    }
