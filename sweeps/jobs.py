"""What a cell can run: a command line. The commands themselves are named, not imported: a sweep runs them as a shell would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

#: Where the commands of ``ceilings`` are; only workers and the check of a plan load it.
COMMANDS = "spectral_ceilings.cli.cells:CommandLines"
#: A job that does nothing: for measuring the engine, and for tests of a cluster.
EMPTY = "empty"


class Jobs(Protocol):
    """The commands that cells may run."""

    def names(self) -> tuple[str, ...]:
        """Return the names of the jobs."""

    def options(self, job: str) -> tuple[str, ...]:
        """Return the long names of a job's options that a sweep may set, without dashes."""

    def files(self, job: str) -> tuple[str, ...]:
        """Return the names of the options whose values may be files: a cell's inputs."""

    def arguments(self, job: str, options: Mapping[str, Any]) -> list[str]:
        """Return the options as arguments of a command line; InputError where one does not exist."""

    def settings(self, job: str, arguments: Sequence[str]) -> dict[str, Any]:
        """Return every option of a command line as it will be read, defaults too; InputError where a value is wrong."""

    def resumable(self, job: str, arguments: Sequence[str]) -> bool:
        """Say whether a run that was killed goes on where it stopped."""

    def preload(self, jobs: Sequence[str]) -> None:
        """Import what these jobs need, once for all cells of a worker."""

    def run(self, arguments: Sequence[str]) -> int:
        """Run a command line in this process and return its exit status; nothing is raised."""


def command_lines(name: str = COMMANDS) -> Jobs:
    """Return the jobs of a name ``module:class``."""
    module, _, attribute = name.partition(":")
    jobs: Jobs = getattr(import_module(module), attribute)()
    return jobs
