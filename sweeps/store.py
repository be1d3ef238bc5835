"""The directory of a sweep: one folder for each cell, finished whole or not at all, checked by its hashes.

Layout: ``plan.jsonl`` (the cells), ``cells/KK/KEY/`` with ``cell.json`` (what was asked), ``claim.json`` (who works on it; locked
by the operating system while somebody does), ``log.txt``, ``out/`` (the run directory of the command) and, once it has ended,
``status.json`` with the SHA-256 of every file of ``out/``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ..diagnostic.records.files import sha256_of, write_whole
from .claims import is_held
from .plan import Cell, Plan, cell_directory, read_plan

STATUS_SCHEMA = "spectral-ceilings/sweep-cell/1"
State = Literal["done", "failed", "running", "waiting", "open"]


def _sealed(content: dict[str, Any]) -> str:
    """Return the hash of a record without its own."""
    bare = {name: value for name, value in content.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()


def read_status(folder: Path) -> dict[str, Any] | None:
    """Return how a cell ended; None where it has not, or where the record is damaged."""
    try:
        content: dict[str, Any] = json.loads((folder / "status.json").read_text(encoding="utf-8"))
        return content if content["sha256"] == _sealed(content) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_status(folder: Path, content: dict[str, Any]) -> None:
    """Write how a cell ended, with the hashes of its files, whole or not at all."""
    out = folder / "out"
    paths = sorted(p for p in out.rglob("*") if p.is_file()) if out.is_dir() else []
    content = {
        "schema": STATUS_SCHEMA,
        **content,
        "files": {str(p.relative_to(out)): sha256_of(p) for p in paths},
    }
    content["sha256"] = _sealed(content)
    write_whole(folder / "status.json", json.dumps(content, indent=1) + "\n")


def damage(folder: Path) -> str | None:
    """Return what is wrong with a cell that has a record of its end; None where all is as it was written."""
    status = read_status(folder)
    if status is None:
        return "status.json is damaged" if (folder / "status.json").exists() else None
    for name, digest in status["files"].items():
        try:
            if sha256_of(folder / "out" / name) != digest:
                return f"out/{name} was changed"
        except OSError:
            return f"out/{name} is missing"
    return None


@dataclass(frozen=True)
class StoredCell:
    """A cell with what has become of it. A damaged cell is open: it will be computed again.

    Attributes
    ----------
    cell
        The cell of the plan; its fields are at hand here too.
    folder
        Its folder.
    state
        ``done`` (its command ended with status 0 or 1), ``failed``, ``running``, ``waiting`` (for a cell that is not done) or
        ``open``.
    record
        Its ``status.json``, empty before its end.
    """

    cell: Cell
    folder: Path
    state: State
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The cell's key."""
        return self.cell.key

    @property
    def stage(self) -> str:
        """Name of its stage."""
        return self.cell.stage

    @property
    def job(self) -> str:
        """Its command."""
        return self.cell.job

    @property
    def options(self) -> dict[str, Any]:
        """Its options."""
        return self.cell.options

    @property
    def labels(self) -> dict[str, Any]:
        """What tells it from other cells."""
        return self.cell.labels

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the cells that it needs."""
        return self.cell.needs

    @property
    def label(self) -> str:
        """One line that names it."""
        return self.cell.label

    @property
    def out(self) -> Path:
        """The run directory of its command."""
        return self.folder / "out"

    @property
    def log(self) -> Path:
        """What its command printed."""
        return self.folder / "log.txt"

    @property
    def exit_status(self) -> int | None:
        """Exit status of its command."""
        return self.record.get("exit_status")

    @property
    def wall_s(self) -> float | None:
        """Seconds from its start to its end."""
        return self.record.get("wall_s")

    @property
    def cpu_s(self) -> float | None:
        """Seconds of processor time."""
        return self.record.get("cpu_s")

    @property
    def peak_mb(self) -> float | None:
        """Highest memory (MB)."""
        return self.record.get("peak_mb")

    @property
    def host(self) -> str | None:
        """The machine that it ran on."""
        return self.record.get("host")

    @property
    def attempts(self) -> int:
        """How often it was begun."""
        return int(self.record.get("attempts", 0))

    @property
    def error(self) -> str | None:
        """Why it failed, in one line."""
        return self.record.get("error")


@dataclass(frozen=True)
class Store:
    """The directory of a sweep.

    Parameters
    ----------
    root
        The directory; it has to hold a plan before cells can be read.
    """

    root: Path

    @cached_property
    def plan(self) -> Plan:
        """The plan; InputError where this is no directory of a sweep."""
        return read_plan(self.root)

    def folder(self, key: str) -> Path:
        """Return the folder of a cell."""
        return cell_directory(self.root, key)

    def ended(self, key: str) -> State | None:
        """Return ``done`` or ``failed``, None where a cell has not ended."""
        status = read_status(self.folder(key))
        return None if status is None else status["state"]

    def stored(self, cell: Cell) -> StoredCell:
        """Return a cell of the plan with what has become of it."""
        folder = self.folder(cell.key)
        record = read_status(folder)
        state: State = "open"
        if record is not None:
            state = record["state"]
        elif is_held(folder):
            state = "running"
        elif any(self.ended(key) != "done" for key in cell.needs):
            state = "waiting"
        return StoredCell(cell, folder, state, record or {})

    def __iter__(self) -> Iterator[StoredCell]:
        for cell in self.plan:
            yield self.stored(cell)

    def cells(self) -> list[StoredCell]:
        """Return all cells of the plan, in its order."""
        return list(self)

    def set_aside(self, key: str) -> Path:
        """Move a cell's folder out of the way, whole, so that it is computed again; return where it is now."""
        folder = self.folder(key)
        number = 1
        while (aside := folder.with_name(f"{key}.aside-{number}")).exists():
            number += 1
        folder.rename(aside)
        return aside
