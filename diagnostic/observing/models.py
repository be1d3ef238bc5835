"""Other models beside the observed one: their finished runs are read, checked to be comparable, and put into one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...theory.errors import InputError
from .cures import compare_cures
from .result_object import Observation

Result = Mapping[str, Any]
#: Settings in which runs must agree: each changes errors, drift or what is tolerated.
_ALIKE = ("ensemble", "temperature", "time_step", "field", "tolerances")


def read_models(directories: Sequence[str | Path], out: str | Path | None = None) -> dict[str, Result]:
    """Return the results of other models by the name of their run directory.

    Parameters
    ----------
    directories
        Finished run directories of ``ceilings observe``.
    out
        The directory of this run.

    Raises
    ------
    InputError
        A directory that is none, is not finished, is that of this run, or comes twice.
    """
    models: dict[str, Result] = {}
    for directory in directories:
        place = Path(directory).resolve()
        if out is not None and place == Path(out).resolve():
            raise InputError(
                f"{str(directory)!r} is the directory of this run: give that of another model to compare with"
            )
        name = place.parent.name if place.is_file() else place.name
        if name in models:
            raise InputError(
                f"two runs to compare with are called {name!r}: give each directory once, under a name of its own"
            )
        models[name] = Observation.load(directory)
    return models


def check_alike(head: Result, others: Mapping[str, Result]) -> None:
    """Raise InputError where another model was run on another structure or with other settings.

    Parameters
    ----------
    head
        With ``structure`` and ``settings``, as in a result.
    others
        Results by name.
    """
    for name, other in others.items():
        for what in ("formula", "atoms", "periodic"):
            _same(name, f"the structure's {what}", head["structure"][what], other["structure"][what])
        for what in _ALIKE:
            _same(name, what, head["settings"].get(what), other["settings"].get(what))


def comparison_of_models(
    result: Result, others: Mapping[str, Result], directory: Path | None
) -> dict[str, Any]:
    """Return the cures of this model and of others in one table.

    Parameters
    ----------
    result
        Of this model, with its ``cures``.
    others
        Results by name.
    directory
        Of this run, which names the model; None: it is called ``this model``.

    Returns
    -------
    As ``compare_cures`` does, and ``models``: name, source and SHA-256 of each.
    """
    name = "this model" if directory is None else directory.resolve().name
    if name in others:
        name = f"{name} (this run)"
    every = {name: result, **others}
    models = [
        {"name": each, "source": row["model"]["source"], "sha256": row["model"]["sha256"]}
        for each, row in every.items()
    ]  # fmt: skip
    return {"models": models, **compare_cures(every)}


def _same(name: str, what: str, ours: object, theirs: object) -> None:
    if ours != theirs:
        raise InputError(
            f"the run {name!r} cannot be compared with: {what} is {theirs} there, and {ours} in this run; compare runs of one "
            "structure with the same settings"
        )
