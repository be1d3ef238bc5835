"""Extended XYZ files of any size: one quick pass finds where structures lie and what they are; each is parsed when taken.

Every structure is parsed by ASE from its own lines, so what is taken is what ``ase.io.read`` gives. The pass reads the
symbols, the cell and the names of the columns, and looks for ``nan`` and ``inf``; numbers are not parsed.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from .elements import Elements
from .file_ends import said_of_end
from .images import Collected
from .xyz_labels import label_column, symbol_of

_PROPERTIES = re.compile(rb"""(?:^|\s)Properties=["'{]?([^\s"'}]+)""")
_LATTICE = re.compile(rb"""(?:^|\s)Lattice=["'{\[]\s*([^"'}\]]*)""")
_PBC = re.compile(rb"""(?:^|\s)pbc=(?:["'{\[]([^"'}\]]*)|(\S+))""")
_KEY = re.compile(rb"""(?:^|\s)([A-Za-z_][^\s="']*)\s*=""")
_BARE = {b"T": True, b"true": True, b"True": True, b"TRUE": True, b"1": True}
#: Names that ASE gives columns.
_COLUMNS = {"pos": "positions", "species": "symbols", "element": "symbols", "Z": "numbers", "force": "force"}


class ExtxyzImages:
    """The structures of an extended or plain XYZ file.

    Parameters
    ----------
    path
        The file.
    name
        What reports call it.
    elements
        Elements of types and labels, where the caller declares them.

    Raises
    ------
    InputError
        It is no XYZ file, is cut short, has a wrong count of atoms, is not UTF-8, or has labels without elements.
    """

    def __init__(self, path: Path, name: str, elements: Elements) -> None:
        self.path, self.name = path, name
        self.notes: list[str] = []
        self._elements = elements
        self._labels: dict[str, str] = {}
        self._said: dict[str, None] = {}
        self._headers: dict[bytes, tuple[frozenset[str], int | None]] = {}
        self._orders: dict[tuple[bytes, ...], NDArray[np.int64]] = {}
        with path.open("rb") as stream:
            self._scan(stream)
        self.notes += [*self._said, *said_of_end(path)]
        if len(self.table) == 0:
            raise InputError(f"{name}: it holds no structures: expected at least one.")
        self.image(len(self.table) - 1)  # where a cut file breaks

    # ------------------------------------------------------------------------------------------ one pass

    def _scan(self, stream: IO[bytes]) -> None:
        collected = Collected()
        starts = [0]
        digest = hashlib.sha256()
        self._renamed = False
        while True:
            index = len(starts) - 1
            head = stream.readline()
            if not head.strip():
                self._ends(head, stream, digest, index)
                break
            count = self._count(head, index)
            comment = stream.readline()
            rows = list(islice(stream, count))
            body = b"".join(rows)
            if len(rows) < count:
                raise InputError(
                    f"{self.name}: structure {index}, its last, has {len(rows)} of {count} atoms: the file is cut short, so "
                    "remove that structure or copy the file again."
                )
            tail = self._vectors(stream)
            for block in (head, comment, body, tail):
                digest.update(block)
            if not (comment.isascii() and body.isascii()):
                self._decoded(comment + body, index)
            names, column = self._header(comment, index)
            numbers = self._numbers(rows, column, index, head + comment + body)
            cell, pbc = self._cell(comment, tail, index)
            keys = frozenset(
                key.decode()
                for key in _KEY.findall(comment)
                if key not in {b"Lattice", b"Properties", b"pbc"}
            )
            lowered = (comment + body).lower()
            odd = b"nan" in lowered or b"inf" in lowered
            collected.add(numbers, cell, pbc, (names, keys), odd, hash((body, cell.tobytes())))
            starts.append(starts[-1] + len(head) + len(comment) + len(body) + len(tail))
        self.sha256 = digest.hexdigest()
        self.table = collected.table()
        self._starts = np.array(starts, dtype=np.int64)

    def _ends(self, head: bytes, stream: IO[bytes], digest: Any, index: int) -> None:
        """Hash what follows the last structure; an empty line ends a file for ASE."""
        digest.update(head)
        more = False
        while block := stream.read(1 << 20):
            digest.update(block)
            more = more or bool(block.strip())
        if more:
            self._said[f"an empty line after structure {index - 1} ends it; what follows was not read"] = None

    def _count(self, head: bytes, index: int) -> int:
        try:
            count = int(head)
        except ValueError as error:
            words = head.decode("utf-8", "replace").strip()[:60]
            before = (
                ""
                if index == 0
                else f"; the number of atoms of structure {index - 1} may be wrong, or it is cut"
            )
            raise InputError(
                f"{self.name}: structure {index} begins with {words!r}: expected its number of atoms{before}, so "
                "check how the file was written."
            ) from error
        if count < 1:
            raise InputError(f"{self.name}: structure {index} has {count} atoms: expected at least one.")
        return count

    def _vectors(self, stream: IO[bytes]) -> bytes:
        """Read the lines VEC1, VEC2, VEC3 that some programs write after the atoms."""
        tail = b""
        while stream.peek(16)[:16].lstrip().startswith(b"VEC"):  # type: ignore[attr-defined]
            tail += stream.readline()
        return tail

    def _decoded(self, block: bytes, index: int) -> str:
        try:
            return block.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{self.name}: structure {index} is not UTF-8 text ({error.reason}): expected an extended XYZ, so check that "
                "it is one, and convert its encoding."
            ) from error

    def _header(self, comment: bytes, index: int) -> tuple[frozenset[str], int | None]:
        """Names of the columns with a value for each atom, and the column of the symbols."""
        match = _PROPERTIES.search(comment)
        text = b"species:S:1:pos:R:3" if match is None else match.group(1)
        if text not in self._headers:
            from ase.io.extxyz import parse_properties

            fields = text.decode("utf-8", "replace").split(":")
            try:
                parse_properties(":".join(fields))  # type: ignore[no-untyped-call]
            except Exception as error:  # whatever a malformed text makes
                raise InputError(
                    f"{self.name}: the columns of structure {index} are declared as {':'.join(fields)[:80]!r}: expected "
                    "name:type:width for each."
                ) from error
            names = frozenset(_COLUMNS.get(field, field) for field in fields[::3])
            names -= {"positions", "symbols", "numbers"}
            self._headers[text] = names, label_column(f"Properties={text.decode('utf-8', 'replace')}")
        return self._headers[text]

    def _numbers(self, rows: list[bytes], column: int | None, index: int, block: bytes) -> NDArray[np.int64]:
        if column is None:  # atomic numbers in a column
            of_column = np.asarray(self._parse(block, index).numbers, dtype=np.int64)
            if len(of_column) != len(rows):
                raise InputError(
                    f"{self.name}: structure {index} declares no column of elements: expected species:S:1 or Z:I:1 among its "
                    "Properties, so check its comment line."
                )
            return of_column
        try:
            if column == 0:
                symbols = tuple([row.split(None, 1)[0] for row in rows])
            else:
                symbols = tuple([row.split(None, column + 1)[column] for row in rows])
        except IndexError as error:
            bad = next(k for k, row in enumerate(rows) if len(row.split()) <= column)
            raise self._miscounted(bad, len(rows), index) from error
        numbers = self._orders.get(symbols)
        if numbers is None:
            short = next((k for k, row in enumerate(rows) if len(row.split()) < 2), None)
            if short is not None:
                raise self._miscounted(short, len(rows), index)
            names = [symbol.decode("utf-8", "replace") for symbol in symbols]
            present = sorted(set(names))
            for label in present:
                if label not in self._labels:
                    plain = label in chemical_symbols[1:] and not self._elements.by_type
                    plain = plain and label not in self._elements.by_label
                    self._labels[label] = (
                        label if plain else symbol_of(label, present, self.name, self._elements, self._said)
                    )
                    self._renamed = self._renamed or self._labels[label] != label
            numbers = np.array([atomic_numbers[self._labels[label]] for label in names], dtype=np.int64)
            if len(self._orders) < 10_000:
                self._orders[symbols] = numbers
        return numbers

    def _miscounted(self, bad: int, count: int, index: int) -> InputError:
        return InputError(
            f"{self.name}: the line of atom {bad} of structure {index} lacks columns: expected {count} atoms, and the number of "
            f"atoms of structure {index} may be wrong, so check it."
        )

    def _cell(self, comment: bytes, tail: bytes, index: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        lattice, periodic = _LATTICE.search(comment), _PBC.search(comment)
        if tail or b"\\" in comment or (b"Lattice" in comment and lattice is None):
            image = self._parse(b"0\n" + comment.rstrip(b"\r\n") + b"\n", index) if not tail else None
            if image is not None:
                return image.cell.array, image.pbc
            vectors = [line.split() for line in tail.splitlines() if line.strip()]
            cell, pbc = np.zeros((3, 3)), np.zeros(3, dtype=bool)
            for k, words in enumerate(vectors[:3]):
                cell[k] = self._floats(words[1:], 3, index)
                pbc[k] = True
            return cell, pbc
        cell = np.zeros((3, 3))
        if lattice is not None:
            cell = self._floats(re.split(rb"[\s,]+", lattice.group(1).strip()), 9, index).reshape(3, 3)
        if periodic is not None:
            words = (periodic.group(1) or periodic.group(2) or b"").replace(b",", b" ").split()
            flags = [word in _BARE for word in words]
            return cell, np.array(flags * 3 if len(flags) == 1 else flags[:3] + [False] * (3 - len(flags)))
        return cell, np.full(3, lattice is not None)

    def _floats(self, words: list[bytes], count: int, index: int) -> NDArray[np.float64]:
        try:
            numbers = np.array([float(word) for word in words])
        except ValueError:
            numbers = np.empty(0)
        if len(numbers) != count:
            raise InputError(
                f"{self.name}: the cell of structure {index} is {b' '.join(words).decode('utf-8', 'replace')[:60]!r}: expected "
                f"{count} numbers."
            )
        return numbers

    # ---------------------------------------------------------------------------------------- one at a time

    def _block(self, index: int) -> bytes:
        start, end = int(self._starts[index]), int(self._starts[index + 1])
        with self.path.open("rb") as stream:
            stream.seek(start)
            return stream.read(end - start)

    def _parse(self, block: bytes, index: int) -> Atoms:
        from ase.io.extxyz import read_xyz

        text = self._decoded(block, index).replace("\r\n", "\n")
        if self._renamed:
            text = self._with_symbols(text)
        try:
            return next(read_xyz(io.StringIO(text), index=0))  # type: ignore[no-any-return]
        except Exception as error:  # ASE raises anything on malformed lines
            reason = " ".join(str(error).split())[:120] or "no reason given"
            raise InputError(
                f"{self.name}: ASE cannot read structure {index} ({type(error).__name__}: {reason}): check its lines, and that "
                "the file is not cut short."
            ) from error

    def _with_symbols(self, text: str) -> str:
        head, comment, *lines = text.split("\n")
        column = label_column(comment)
        if column is None:
            return text
        for k in range(min(int(head), len(lines))):
            words = lines[k].split()
            words[column] = self._labels[words[column]]
            lines[k] = " ".join(words)
        return "\n".join([head, comment, *lines])

    def image(self, index: int) -> Atoms:
        """Return one structure as ``ase.io.read`` does."""
        return self._parse(self._block(index), index)

    def comment(self, index: int) -> str:
        """Return the comment line of one structure."""
        with self.path.open("rb") as stream:
            stream.seek(int(self._starts[index]))
            stream.readline()
            return stream.readline().decode("utf-8").strip()

    def said(self, index: int, names: Iterable[str]) -> dict[str, Any]:
        """Return values of the comment line of one structure."""
        wanted = [name for name in names if name in self.table.kinds[self.table.kind[index]][1]]
        if not wanted:
            return {}
        from ase.io.extxyz import key_val_str_to_dict

        comment = self.comment(index)
        texts = [comment]
        if set("\\{[").isdisjoint(comment):
            matches = [
                re.search(rf"(?:^|\s){re.escape(name)}=(\"[^\"]*\"|'[^']*'|\S*)", comment) for name in wanted
            ]
            texts = [f"{name}={match[1]}" for name, match in zip(wanted, matches, strict=True) if match]
        values: dict[str, Any] = {}
        try:
            for text in texts:
                values |= key_val_str_to_dict(text)  # type: ignore[no-untyped-call]
        except ValueError as error:  # a stress of eight numbers
            raise InputError(
                f"{self.name}: the values of structure {index} cannot be read ({' '.join(str(error).split())[:120]}): "
                "check its comment line."
            ) from error
        return {name: values[name] for name in wanted if name in values}
