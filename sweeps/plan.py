r"""From a definition to cells: labels, command lines, dependencies, and the key of each.

A cell's key is the SHA-256 of what its result depends on: the job, every option as the command reads it (defaults too), the
content of its input files, the keys of the cells that it needs, and the version of this package. Where a file lies, in which
order cells stand and what else the sweep holds do not enter: the same work has the same key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..diagnostic.records.files import sha256_of, write_atomically
from ..diagnostic.records.versions import installed_versions
from ..theory.errors import InputError
from .definition import Definition, Stage, nearest
from .jobs import EMPTY, Jobs

PLAN_SCHEMA = "spectral-ceilings/sweep-plan/1"
#: ``{name}``, ``{stage.label}``, or a brace that is meant as one, written twice.
_REFERENCE = re.compile(r"\{\{|\}\}|\{([A-Za-z][\w-]*)(?:\.([A-Za-z][\w-]*))?\}")
#: In a command line, the run directory of the cell with this key.
_CELL = re.compile(r"cell:([0-9a-f]{16})")
#: A value that ends like this is meant as a file.
_FILE_ENDS = re.compile(
    r"\.(xyz|extxyz|npz|hdf5|h5|db|traj|safetensors|model|ckpt|zip|pth?|json|cif|vasp|out|xml|dump|pdb)$"
)


def cell_directory(root: Path, key: str) -> Path:
    """Return the folder of a cell."""
    return root / "cells" / key[:2] / key


@dataclass(frozen=True)
class Cell:
    """One command line of a sweep.

    Attributes
    ----------
    key
        16 hexadecimal digits: the hash of its configuration, inputs and version.
    stage, job
        Name of its stage, and its command.
    options
        Its options by long names, references filled in.
    labels
        What tells it from the other cells: the values of the grid, its own and those of the cells that it needs.
    needs
        Keys of the cells that have to be finished first.
    arguments
        The options as a command line, ``cell:KEY`` standing for the run directory of another cell.
    resumable
        Whether the command takes up a run that was killed.
    """

    key: str
    stage: str
    job: str
    options: dict[str, Any]
    labels: dict[str, Any]
    needs: tuple[str, ...]
    arguments: tuple[str, ...]
    resumable: bool = False

    @property
    def label(self) -> str:
        """One line that names the cell."""
        return " ".join([self.stage, *(f"{name}={value}" for name, value in self.labels.items())])

    def command(self, root: Path) -> list[str]:
        """Return the command line without ``--out``, with the directories of a sweep at ``root``."""

        def place(match: re.Match[str]) -> str:
            return str(cell_directory(root, match[1]) / "out")

        return [self.job, *(_CELL.sub(place, argument) for argument in self.arguments)]


def cells_of(definition: Definition, jobs: Jobs) -> Iterator[Cell]:
    """Yield the cells of a sweep, each after those that it needs.

    Raises
    ------
    InputError
        An unknown job, option, label or reference (the nearest known one is named), a value that the command refuses, a file
        that is not there, or two cells that are the same.
    """
    version = installed_versions("spectral-ceilings").get("spectral-ceilings", "")
    made: dict[str, list[tuple[str, dict[str, Any], dict[str, Any]]]] = {}
    needed = {name for stage in definition.stages for name in stage.after}
    inputs = _Inputs()
    seen: dict[str, str] = {}
    for stage in definition.stages:
        if stage.job != EMPTY and stage.job not in jobs.names():
            known = [*jobs.names(), EMPTY]
            raise InputError(
                f"{definition.source}: stage {stage.name!r} runs {stage.job!r}; {nearest(stage.job, known)}"
            )
        made[stage.name] = []
        for before in _joined(stage, made):
            for combination in stage.combinations:
                cell = _cell(definition, stage, before, combination, jobs, inputs, version)
                if cell.key in seen:
                    raise InputError(
                        f"{definition.source}: the cells {seen[cell.key]!r} and {cell.label!r} are the same work; leave one out, "
                        "or vary an option"
                    )
                seen[cell.key] = cell.label if len(seen) < 10_000 else stage.name
                if stage.name in needed:
                    made[stage.name].append((cell.key, cell.labels, cell.options))
                yield cell


def _joined(
    stage: Stage, made: dict[str, list[tuple[str, dict[str, Any], dict[str, Any]]]]
) -> Iterator[dict[str, tuple[str, dict[str, Any], dict[str, Any]]]]:
    """Yield the cells that one cell of a stage needs, by stage: those that agree in every label they share."""

    def extend(chosen: dict[str, Any], left: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        if not left:
            yield chosen
            return
        for cell in made[left[0]]:
            others = [labels for _, labels, _ in chosen.values()]
            if all(o[name] == value for o in others for name, value in cell[1].items() if name in o):
                yield from extend({**chosen, left[0]: cell}, left[1:])

    yield from extend({}, stage.after)


def _cell(
    definition: Definition,
    stage: Stage,
    before: dict[str, tuple[str, dict[str, Any], dict[str, Any]]],
    combination: dict[str, Any],
    jobs: Jobs,
    inputs: _Inputs,
    version: str,
) -> Cell:
    """Fill one cell in."""
    where = f"{definition.source}: stage {stage.name!r}"
    inherited: dict[str, Any] = {}
    for _, labels, _ in before.values():
        inherited |= labels
    used: set[str] = set()

    def filled(value: Any) -> Any:
        if not isinstance(value, str):
            return [filled(item) for item in value] if isinstance(value, list) else value
        whole = _REFERENCE.fullmatch(value)
        if whole and whole[1]:
            return looked_up(whole)
        return _REFERENCE.sub(lambda match: str(looked_up(match)) if match[1] else match[0][0], value)

    def looked_up(match: re.Match[str]) -> Any:
        name, label = match[1], match[2]
        if label is None and name in combination:
            used.add(name)
            return combination[name]
        if name in before:
            key, labels, options = before[name]
            if label is None:
                return f"cell:{key}"
            known = {**options, **labels}
            if label in known:
                return known[label]
            raise InputError(
                f"{where}: {match[0]} is no label or option of {name!r}; {nearest(label, list(known))}"
            )
        if label is None and name in inherited:
            return inherited[name]
        raise InputError(
            f"{where}: {match[0]} refers to nothing; {nearest(name, [*combination, *before, *inherited] or ['a label'])}"
        )

    options = {name: filled(value) for name, value in stage.options.items()}
    if stage.job == EMPTY:
        given, arguments, settings, resumable = options, [], {**options, **combination}, False
    else:
        known = {key: value for key, value in combination.items() if key not in used}
        given = {**options, **{name: filled(value) for name, value in known.items()}}
        try:
            arguments = jobs.arguments(stage.job, inputs.absolute(given, jobs.files(stage.job)))
            settings = jobs.settings(stage.job, arguments)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        for name in jobs.files(stage.job):
            if isinstance(settings.get(name), str):
                settings[name] = inputs.digest(settings[name], f"{where}: {name}")
        resumable = jobs.resumable(stage.job, arguments)
    varied = {f"{stage.name}.{key}" if key in inherited else key: value for key, value in combination.items()}
    needs = tuple(key for key, _, _ in before.values())
    content = {"job": stage.job, "settings": settings, "needs": sorted(needs), "version": version}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    return Cell(
        digest[:16], stage.name, stage.job, given, {**inherited, **varied}, needs, tuple(arguments), resumable
    )


def _file_of(value: str) -> tuple[Path | None, str]:
    """Return the file or folder of a value, and what stands behind it: ``model.py:build``, ``weights.pth:PBE``."""
    if value and Path(value).exists():
        return Path(value), ""
    name, colon, part = value.rpartition(":")
    return (Path(name), colon + part) if name and Path(name).is_file() else (None, "")


class _Inputs:
    """Input files by their content; each is read once."""

    def __init__(self) -> None:
        self._digests: dict[str, str] = {}

    def absolute(self, options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
        """Return options with the paths of files written out in full: a job may start in another folder."""
        paths = {}
        for name, value in options.items():
            if name.replace("_", "-") in names and isinstance(value, str):
                path, part = _file_of(value)
                if path is not None:
                    paths[name] = f"{path.resolve()}{part}"
        return {**options, **paths}

    def digest(self, value: str, where: str) -> str:
        """Return the hash of a file or folder; a name that is no file stays as it is."""
        if value not in self._digests:
            path, part = _file_of(value)
            if path is None:
                if not _CELL.match(value) and (
                    value.startswith(("/", "./", "../", "~")) or _FILE_ENDS.search(value)
                ):
                    raise InputError(
                        f"{where}: there is no file {value!r}; expected a file, or a name that the command knows"
                    )
                self._digests[value] = value
            elif path.is_dir():
                files = sorted(p for p in path.rglob("*") if p.is_file())
                lines = "".join(f"{p.relative_to(path)} {sha256_of(p)}\n" for p in files)
                self._digests[value] = hashlib.sha256(lines.encode()).hexdigest() + part
            else:
                self._digests[value] = sha256_of(path) + part
        return self._digests[value]


def write_plan(path: Path, definition: Definition, cells: Iterator[Cell]) -> int:
    """Write a plan, one JSON object a line, whole or not at all; return the number of cells."""
    count = 0

    def write(stream: Any) -> None:
        nonlocal count
        head = {"schema": PLAN_SCHEMA, "name": definition.name, "description": definition.description,
                "workers": definition.workers, "threads": definition.threads, "gpus": definition.gpus,
                "stages": [{"name": s.name, "job": s.job, "after": list(s.after), "slurm": s.slurm}
                           for s in definition.stages]}  # fmt: skip
        stream.write((json.dumps(head) + "\n").encode())
        for cell in cells:
            stream.write((json.dumps(cell.__dict__, ensure_ascii=False) + "\n").encode())
            count += 1

    write_atomically(path, write)
    return count


@dataclass(frozen=True)
class Plan:
    """A written plan; its cells are read from the file, one at a time."""

    path: Path

    @property
    def head(self) -> dict[str, Any]:
        """Name, description and stages."""
        with self.path.open(encoding="utf-8") as stream:
            head: dict[str, Any] = json.loads(stream.readline())
        return head

    def __iter__(self) -> Iterator[Cell]:
        with self.path.open(encoding="utf-8") as stream:
            next(stream)
            for line in stream:
                entry = json.loads(line)
                entry["needs"], entry["arguments"] = tuple(entry["needs"]), tuple(entry["arguments"])
                yield Cell(**entry)


def read_plan(root: Path) -> Plan:
    """Return the plan of a sweep's directory.

    Raises
    ------
    InputError
        The directory is none of a sweep.
    """
    path = root / "plan.jsonl"
    try:
        with path.open(encoding="utf-8") as stream:
            head = json.loads(stream.readline())
        if head["schema"] != PLAN_SCHEMA:
            raise ValueError
    except FileNotFoundError:
        raise InputError(
            f"{str(root)!r} is no directory of a sweep (it has no plan.jsonl): name the one that 'ceilings sweep' wrote"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} cannot be read as the plan of a sweep: run the sweep again to write it anew"
        ) from error
    return Plan(path)
