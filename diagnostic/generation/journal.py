"""An append-only file of equal float64 records that survives a kill at any moment."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class Journal:
    """Fixed-width float64 records, each followed by its CRC-32; a torn last record is dropped on opening.

    Parameters
    ----------
    path : Path
        The file; created if absent.
    width : int
        Numbers in one record.
    """

    def __init__(self, path: Path, width: int) -> None:
        self.path = path
        self.width = width
        self._size = 8 * width + 4
        self._rows: list[NDArray[np.float64]] = []
        path.touch(exist_ok=True)
        content = path.read_bytes()
        for start in range(0, len(content) - self._size + 1, self._size):
            body = content[start : start + 8 * width]
            check = content[start + 8 * width : start + self._size]
            if zlib.crc32(body).to_bytes(4, "little") != check:
                break
            self._rows.append(np.frombuffer(body, dtype="<f8").astype(np.float64))
        whole = len(self._rows) * self._size
        if whole != len(content):
            with path.open("r+b") as stream:
                stream.truncate(whole)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> NDArray[np.float64]:
        """All records, shape (len(self), width)."""
        return np.array(self._rows, dtype=np.float64).reshape(len(self._rows), self.width)

    @property
    def last(self) -> NDArray[np.float64]:
        """The newest record, shape (width,)."""
        return self._rows[-1]

    def append(self, row: NDArray[np.float64]) -> None:
        """Append one record and flush it to the disk."""
        row = np.ascontiguousarray(row, dtype="<f8").reshape(self.width)
        body = row.tobytes()
        with self.path.open("ab") as stream:
            stream.write(body + zlib.crc32(body).to_bytes(4, "little"))
            stream.flush()
            os.fsync(stream.fileno())
        self._rows.append(row.astype(np.float64))
