"""The commands of ``ceilings`` as the cells of a sweep."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..theory.errors import InputError
from .app import build_app, main
from .options import PLANNED

#: Commands that a sweep runs.
JOBS = ("train", "diagnose", "audit", "advise", "learning-curve", "paper", "artefacts", "observe")
#: What the sweep itself sets, and what only prints.
_RESERVED = {"out", "resume", "json", "help"}
#: Options whose values may be files.
_FILES = {"data", "held-out", "backbone"}


class CommandLines:
    """The commands of ``ceilings``, with their options as the command line reads them."""

    @cached_property
    def _commands(self) -> dict[str, Any]:
        import typer.main

        commands: dict[str, Any] = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
        return commands

    def names(self) -> tuple[str, ...]:
        """Return the names of the jobs."""
        return JOBS

    def _named(self, job: str) -> dict[str, Any]:
        """Return the parameters of a command by every long name they have."""
        return {
            name.removeprefix("--"): parameter
            for parameter in self._commands[job].params
            if parameter.param_type_name == "option"
            for name in parameter.opts
            if name.startswith("--") and name.removeprefix("--") not in _RESERVED
        }

    def options(self, job: str) -> tuple[str, ...]:
        """Return the long names of a job's options that a sweep may set."""
        return tuple(self._named(job))

    def files(self, job: str) -> tuple[str, ...]:
        """Return the names of the options whose values may be files."""
        named = self._named(job)
        return tuple(name for name, p in named.items() if _FILES & {n.removeprefix("--") for n in p.opts})

    def arguments(self, job: str, options: Mapping[str, Any]) -> list[str]:
        """Return the options as arguments of a command line."""
        named, given, arguments = self._named(job), dict[str, str](), list[str]()
        for key, value in options.items():
            name = key.removeprefix("--")
            name = name if name in named else name.replace("_", "-")
            if name in _RESERVED:
                raise InputError(f"the option {key!r} of {job!r} is set by the sweep itself; leave it out")
            if name not in named:
                from ..sweeps.definition import nearest

                raise InputError(f"{job!r} has no option {key!r}; {nearest(name, list(named))}")
            first = named[name].opts[0]
            if first in given:
                raise InputError(
                    f"{key!r} and {given[first]!r} are the same option of {job!r}; give one of them"
                )
            given[first] = key
            arguments += _written(name, named[name], value, job)
        return arguments

    def settings(self, job: str, arguments: Sequence[str]) -> dict[str, Any]:
        """Return every option of a command line as it will be read."""
        command = self._commands[job]
        out = [] if "--out" in arguments else ["--out", "OUT"]
        try:
            with command.make_context(job, [*arguments, *out], obj=PLANNED) as context:
                read = dict(context.params)
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            sentence = " ".join(error.format_message().split()).rstrip(".")
            raise InputError(f"{job!r} does not take these options: {sentence}") from error
        by_name = {
            p.name: p.opts[0].removeprefix("--") for p in command.params if p.param_type_name == "option"
        }
        kept = {
            by_name[name]: value for name, value in read.items() if by_name.get(name, "help") not in _RESERVED
        }
        return {name: str(value) if isinstance(value, Path) else value for name, value in kept.items()}

    def resumable(self, job: str, arguments: Sequence[str]) -> bool:
        """Say whether a run that was killed goes on where it stopped."""
        return (
            any("--resume" in p.opts for p in self._commands[job].params) and "unconstrained" not in arguments
        )

    def preload(self, jobs: Sequence[str]) -> None:
        """Import what these jobs need."""
        self._commands  # noqa: B018  # builds the application
        if jobs:
            importlib.import_module("torch")
            importlib.import_module("scipy.linalg")
            importlib.import_module("spectral_ceilings.diagnostic.backbones.loading")
            if {"train", "diagnose"} & set(jobs):
                with contextlib.suppress(ImportError):
                    importlib.import_module("spectral_ceilings.diagnostic.training.train")

    def run(self, arguments: Sequence[str]) -> int:
        """Run a command line in this process and return its exit status."""
        sys.argv = ["ceilings", *arguments]
        try:
            main()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        raise AssertionError  # main always ends with a status


def _written(name: str, parameter: Any, value: Any, job: str) -> list[str]:
    """Return one option as arguments."""
    if value is None:
        return []
    if getattr(parameter, "is_flag", False):
        if not isinstance(value, bool):
            raise InputError(f"the option {name!r} of {job!r} is {value!r}; expected true or false")
        if value:
            return [f"--{name}"]
        return [parameter.secondary_opts[0]] if parameter.secondary_opts else []
    if isinstance(value, bool):
        raise InputError(f"the option {name!r} of {job!r} is {value}; expected a value")
    values = value if isinstance(value, list) else [value]
    if len(values) > 1 and not getattr(parameter, "multiple", False):
        raise InputError(
            f"the option {name!r} of {job!r} takes one value, {len(values)} are given; a grid varies it"
        )
    return [argument for item in values for argument in (f"--{name}", str(item))]
