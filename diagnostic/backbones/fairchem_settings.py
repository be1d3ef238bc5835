"""Names of fairchem models, ``fairchem:NAME:key=value,...``: a configuration or a file, with task, charge, spin and seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...theory.errors import InputError
from ..records.files import sha256_of

#: What every name of a fairchem model begins with.
PREFIX = "fairchem:"
#: Spin of a task: a multiplicity of one for molecules (omol), "not given" for the rest, as fairchem has it.
_SPINS = {"omol": 1}
_CHARGES, _MULTIPLICITIES = (-100, 100), (0, 100)
#: Arguments of this adapter, which are none of the model.
_OWN = ("task", "charge", "spin", "seed")

_COMMON: dict[str, Any] = {
    "direct_forces": False, "regress_forces": True, "regress_stress": False, "otf_graph": True, "always_use_pbc": False,
    "use_dataset_embedding": False,
}  # fmt: skip
_K4L2: dict[str, Any] = {
    "lmax": 2, "mmax": 2, "num_layers": 4, "sphere_channels": 128, "hidden_channels": 128, "edge_channels": 128,
    "num_distance_basis": 64, "cutoff": 6.0, "norm_type": "rms_norm_sh", "act_type": "gate", "ff_type": "spectral",
}  # fmt: skip
#: Datasets of UMA, each with an embedding and a head of its own.
_UMA_TASKS = ("oc20", "omol", "omat", "odac", "omc")
#: Backbone's arguments by short name; what is left out is fairchem's default.
SHORT_NAMES: dict[str, dict[str, Any]] = {
    "escn-md": {"lmax": 2, "mmax": 2, "ff_type": "grid", **_COMMON},
    "esen": {**_COMMON, **_K4L2},
    "uma": {
        **_COMMON, **_K4L2, "use_dataset_embedding": True, "chg_spin_emb_type": "rand_emb",
        "dataset_mapping": {name: name for name in _UMA_TASKS}, "num_experts": 4, "use_composition_embedding": True,
    },
}  # fmt: skip
#: Arguments that are the adapter's to set: the graph is made for each frame, with its own periodic directions.
_FIXED = ("otf_graph", "always_use_pbc", "activation_checkpointing")


@dataclass(frozen=True)
class Conditions:
    """What a fairchem model takes beside the atoms.

    Attributes
    ----------
    task
        Name of the dataset whose embedding and head are meant, such as ``omol``; None: the model's only one.
    charge
        Total charge (e), -100 to 100.
    spin
        Spin multiplicity, 1 to 100, or 0 for "not given"; None: 1 for the task ``omol``, else 0, as fairchem takes it.
    """

    task: str | None = None
    charge: int = 0
    spin: int | None = None

    def __post_init__(self) -> None:
        for name, value, (low, high) in (
            ("charge", self.charge, _CHARGES),
            ("spin", self.spin, _MULTIPLICITIES),
        ):
            if value is None and name == "spin":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise InputError(f"{name} is {value!r}, expected an integer from {low} to {high}")

    def of(self, tasks: tuple[str, ...], source: str) -> Conditions:
        """Return the conditions with every value given, for a model of these tasks.

        Raises
        ------
        InputError
            No such task, or several of which none was named.
        """
        task = self.task
        if task is None and len(tasks) == 1:
            task = tasks[0]
        if task is None:
            raise InputError(
                f"{source} was made for the tasks {', '.join(tasks)}; name one of them, as in fairchem:{source}:task={tasks[0]} "
                "or from_fairchem(..., task=...)"
            )
        if task not in tasks:
            raise InputError(f"{source} has no task {task!r}, it has {', '.join(tasks)}")
        return Conditions(task, self.charge, _SPINS.get(task, 0) if self.spin is None else self.spin)


@dataclass(frozen=True)
class FairchemSource:
    """What a name asks for: a file of weights, or a configuration and a seed for random ones.

    Attributes
    ----------
    name
        The whole name, as reports show it: files without their folders.
    file
        A checkpoint of fairchem; None: random weights.
    model
        Name of one of fairchem's published models, which fairchem downloads; None: none.
    backbone
        Keyword arguments of the backbone; with ``file`` empty.
    heads
        Configuration of the heads by name; None: energy and its gradient.
    conditions
        Task, charge and spin.
    seed
        Draws the random weights.
    sha256
        Of the file of weights or of the configuration.
    """

    name: str
    file: Path | None = None
    model: str | None = None
    backbone: Mapping[str, Any] = field(default_factory=dict)
    heads: Mapping[str, Any] | None = None
    conditions: Conditions = field(default_factory=Conditions)
    seed: int = 0
    sha256: str | None = None


def parse_source(source: str) -> FairchemSource:
    """Read ``fairchem:NAME`` or ``fairchem:NAME:key=value,key=value``.

    NAME is ``escn-md``, ``esen`` or ``uma`` (random weights), a ``.yaml`` with the backbone's keyword arguments (random
    weights), a ``.pt`` checkpoint, or one of fairchem's published models. The keys are the backbone's keyword arguments, and
    ``task``, ``charge``, ``spin`` and ``seed``.

    Raises
    ------
    InputError
        An unknown name, a file that is absent or unreadable, or a key without a value.

    Examples
    --------
    >>> parsed = parse_source("fairchem:escn-md:lmax=4,mmax=2,ff_type=spectral,seed=3")
    >>> parsed.backbone["lmax"], parsed.backbone["ff_type"], parsed.seed
    (4, 'spectral', 3)
    """
    name, options = _split(source.removeprefix(PREFIX))
    conditions, seed = _own(options)
    if name.endswith(".pt"):
        if options:
            raise InputError(
                f"{sorted(options)[0]!r} is no option of a checkpoint, expected {', '.join(_OWN)}"
            )
        path = Path(name)
        if not path.is_file():
            raise InputError(f"no fairchem checkpoint at {name}; give the path of a file")
        shown = source.removeprefix(PREFIX).replace(name, path.name, 1)
        return FairchemSource(shown, path, conditions=conditions, seed=seed)
    shown = PREFIX + source.removeprefix(PREFIX).replace(name, Path(name).name, 1)
    if name.endswith((".yaml", ".yml")):
        backbone, heads, digest = _configuration(Path(name))
        return FairchemSource(
            shown, None, None, {**_COMMON, **backbone, **options}, heads, conditions, seed, digest
        )
    if name in SHORT_NAMES:
        return FairchemSource(
            shown, backbone={**SHORT_NAMES[name], **options}, conditions=conditions, seed=seed
        )
    return FairchemSource(shown, model=name, backbone=options, conditions=conditions, seed=seed)


def _split(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and its options; a colon belongs to the name where no ``key=value`` follows it."""
    name, colon, rest = text.rpartition(":")
    if not colon or "=" not in rest:
        name, rest = text, ""
    options: dict[str, Any] = {}
    for part in rest.split(",") if rest else ():
        key, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not key or not value:
            raise InputError(f"{part!r} in {PREFIX}{text} is no option, expected key=value,key=value,...")
        if key in options:
            raise InputError(f"{key!r} is given twice in {PREFIX}{text}; give it once")
        if key in _FIXED:
            raise InputError(
                f"{key!r} cannot be set: the graph of each frame is made from its own cell and cutoff"
            )
        options[key] = _value(value)
    if not name:
        raise InputError(f"{PREFIX}{text} names no model, expected for example fairchem:escn-md:lmax=2")
    return name, options


def _value(text: str) -> Any:
    """Return a number, a truth value, None or the text itself."""
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if not math.isfinite(value):
            raise InputError(f"{text!r} is no finite number; give one")
        return value
    return text


def _own(options: dict[str, Any]) -> tuple[Conditions, int]:
    """Take the adapter's own options out."""
    given = {key: options.pop(key) for key in _OWN if key in options}
    seed = given.pop("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise InputError(f"seed is {seed!r}, expected an integer from 0 to 2^63 - 1")
    if "task" in given:
        given["task"] = str(given["task"])
    return Conditions(**given), seed


def _configuration(path: Path) -> tuple[dict[str, Any], Mapping[str, Any] | None, str]:
    """Return the backbone's arguments, the heads and the hash of a YAML file."""
    if not path.is_file():
        raise InputError(f"no configuration at {path}; give the path of a YAML file")
    try:
        import yaml
    except ImportError as error:
        raise InputError(
            f"{path.name} needs the package PyYAML, which fairchem-core brings; install it"
        ) from error
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path.name} is no readable YAML ({reason}); give the backbone's arguments"
        ) from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InputError(f"{path.name} holds no arguments by name, expected lines such as 'lmax: 2'")
    backbone = content.get("backbone", content)
    heads = content.get("heads") if "backbone" in content else None
    if not isinstance(backbone, dict) or not (heads is None or isinstance(heads, dict)):
        raise InputError(
            f"{path.name}: backbone and heads are no arguments by name; give lines such as 'lmax: 2'"
        )
    for key, value in backbone.items():
        if isinstance(value, str) and "${" in value:
            raise InputError(
                f"{path.name}: {key} is {value!r}, which another file fills in; write the value itself"
            )
    return {key: value for key, value in backbone.items() if key not in _FIXED}, heads, sha256_of(path)
