"""What a user writes: a sweep's YAML file, checked against its JSON Schema, with the nearest key named where one is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from ..theory.errors import InputError

SCHEMA = "spectral-ceilings/sweep/1"


@cache
def sweep_schema() -> dict[str, Any]:
    """Return the JSON Schema of a sweep, as it ships with the package."""
    path = Path(__file__).with_name("schemas") / "sweep.schema.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


@dataclass(frozen=True)
class Stage:
    """Cells of one kind.

    Attributes
    ----------
    name, job
        Name of the stage, and the command of ``ceilings`` that its cells run.
    options
        Options that every cell has, by their long names.
    combinations
        What the grid, the zip and the list give: one mapping of labels for each cell (of each cell of ``after``).
    after
        Stages whose cells these need.
    slurm
        What its Slurm jobs ask for.
    """

    name: str
    job: str
    options: dict[str, Any] = field(default_factory=dict)
    combinations: tuple[dict[str, Any], ...] = ({},)
    after: tuple[str, ...] = ()
    slurm: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Definition:
    """A sweep as its file says it; made by :func:`read_definition`."""

    name: str
    stages: tuple[Stage, ...]
    out: str | None = None
    description: str = ""
    workers: int | None = None
    threads: int | None = None
    gpus: int | tuple[int | str, ...] | None = None
    source: str = "the sweep"

    def stage(self, name: str) -> Stage:
        """Return the stage of a name."""
        return next(stage for stage in self.stages if stage.name == name)


def read_definition(source: str | Path | Mapping[str, Any]) -> Definition:
    """Read a sweep from a YAML file, or take it as a mapping of the same keys.

    Raises
    ------
    InputError
        No such file, not YAML, a key or a value that the schema does not know (the nearest key is named), a stage that needs
        one that does not exist, or stages that need one another in a circle.
    """
    if isinstance(source, Mapping):
        name, data = "the sweep", json.loads(json.dumps(source))
    else:
        name, data = str(source), _parsed(Path(source))
    if not isinstance(data, dict):
        raise InputError(f"{name} is no mapping: expected the keys of a sweep, such as 'stages'")
    _check(data, name)
    default = "sweep" if isinstance(source, Mapping) else Path(source).stem
    shared = data.get("slurm", {})
    stages = tuple(_stage(entry, shared, f"{name}, stage {i + 1}") for i, entry in enumerate(data["stages"]))
    return Definition(
        data.get("name", default), _ordered(stages, name), data.get("out"), data.get("description", ""),
        data.get("workers"), data.get("threads"), _names(data.get("gpus")), name,
    )  # fmt: skip


def _names(gpus: int | list[int | str] | None) -> int | tuple[int | str, ...] | None:
    return tuple(gpus) if isinstance(gpus, list) else gpus


def _parsed(path: Path) -> Any:
    """Return what a YAML file says: no times in base 60 (2:00:00 is text), no key twice."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc,unused-ignore]  # with or without its stubs
        pass

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise InputError(
                f"{path}, line {node.start_mark.line + 1}: the key {twice[0]!r} stands there twice"
            )
        return dict(loader.construct_pairs(node, deep=True))

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    Loader.yaml_implicit_resolvers = {
        first: [(tag, rule) for tag, rule in rules if not tag.endswith((":timestamp", ":int", ":float"))]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    for tag, pattern, starts in (
        ("int", r"^[-+]?(0|[1-9][0-9]*)$", "-+0123456789"),
        ("float", r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ):
        import re

        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(starts))
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)  # a SafeLoader
    except FileNotFoundError:
        raise InputError(
            f"there is no file {str(path)!r}: expected a sweep (YAML), or one of the commands status, retry and collect"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a sweep ({error}): expected a YAML file") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise InputError(f"{path}{where} is not YAML: {getattr(error, 'problem', None) or error}") from error


def nearest(name: str, known: Sequence[str]) -> str:
    """Return ``did you mean ...?``, or what is known where nothing is near."""
    near = get_close_matches(str(name).replace("_", "-"), [str(key) for key in known], n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(map(str, known))}"


def _check(data: dict[str, Any], name: str) -> None:
    from jsonschema import Draft202012Validator

    errors = list(Draft202012Validator(sweep_schema()).iter_errors(data))
    if not errors:
        return
    # an unknown key first: it is what a user mistypes, and what explains a missing one
    error = min(errors, key=lambda e: (e.validator != "additionalProperties", len(e.absolute_path)))
    place = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    where = f"{name}: {place.lstrip('.')}" if place else name
    if error.validator == "additionalProperties" and isinstance(error.schema.get("properties"), dict):
        known = list(error.schema["properties"])
        wrong = next(key for key in error.instance if key not in known)
        raise InputError(f"{where} has no key {wrong!r}; {nearest(wrong, known)}")
    if error.validator == "required":
        missing = next(key for key in error.schema["required"] if key not in error.instance)
        raise InputError(f"{where} lacks the key {missing!r}; add it")
    expected = error.schema.get("description") or error.message
    raise InputError(
        f"{where} is {json.dumps(error.instance)[:80]}, which does not fit ({error.message[:160]}): {expected}"
    )


def _stage(entry: dict[str, Any], shared: dict[str, Any], where: str) -> Stage:
    after = entry.get("after", [])
    return Stage(
        entry.get("name", entry["job"]),
        entry["job"],
        entry.get("options", {}),
        tuple(_combinations(entry, where)),
        (after,) if isinstance(after, str) else tuple(after),
        {**shared, **entry.get("slurm", {})},
    )


def _combinations(entry: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """Return every combination of list, zip and grid, in the order of the file."""
    from itertools import product

    grid, zipped, listed = entry.get("grid", {}), entry.get("zip", {}), entry.get("list", [{}])
    names = [*grid, *zipped, *{key for row in listed for key in row}, *entry.get("options", {})]
    twice = sorted({key for key in names if names.count(key) > 1})
    if twice:
        raise InputError(
            f"{where}: {twice[0]!r} is given twice, in grid, zip, list or options; keep one of them"
        )
    lengths = {key: len(values) for key, values in zipped.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise InputError(
            f"{where}: the values of zip go together and differ in number ({told}); give each as many"
        )
    for kind, values in ((kind, values) for part in (grid, zipped) for kind, values in part.items()):
        if len({json.dumps(value) for value in values}) < len(values) and kind in grid:
            raise InputError(f"{where}: grid.{kind} has a value twice; keep one of them")
    rows = [dict(zip(zipped, values, strict=True)) for values in zip(*zipped.values(), strict=True)] or [{}]
    cells = [
        {**first, **second, **dict(zip(grid, values, strict=True))}
        for first in listed
        for second in rows
        for values in product(*grid.values())
    ]
    for left_out in entry.get("exclude", []):
        unknown = [key for key in left_out if key not in names]
        if unknown:
            raise InputError(f"{where}: exclude names {unknown[0]!r}; {nearest(unknown[0], names)}")
        cells = [cell for cell in cells if any(cell.get(key) != value for key, value in left_out.items())]
    if not cells:
        raise InputError(f"{where}: exclude leaves no cell; leave out less")
    return cells


def _ordered(stages: tuple[Stage, ...], name: str) -> tuple[Stage, ...]:
    """Return the stages with every one after those that it needs."""
    names = [stage.name for stage in stages]
    for stage in stages:
        if names.count(stage.name) > 1:
            raise InputError(f"{name} has two stages named {stage.name!r}; give each a name of its own")
        for needed in stage.after:
            if needed not in names:
                raise InputError(
                    f"{name}: stage {stage.name!r} comes after {needed!r}; {nearest(needed, names)}"
                )
    ordered: list[Stage] = []
    while len(ordered) < len(stages):
        placed = [stage.name for stage in ordered]
        free = [s for s in stages if s.name not in placed and all(n in placed for n in s.after)]
        if not free:
            circle = ", ".join(sorted(set(names) - set(placed)))
            raise InputError(
                f"{name}: the stages {circle} need one another in a circle; take one 'after' away"
            )
        ordered.append(free[0])
    return tuple(ordered)
