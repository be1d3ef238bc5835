"""What the commands share: progress bars, and the command line as it was given."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def progress_bar(*columns: TextColumn) -> Iterator[Progress]:
    """Yield a progress bar on standard error, switched off where that is not a terminal."""
    shown = (TextColumn("{task.description}"), BarColumn(), *columns, TimeElapsedColumn())
    with Progress(*shown, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        yield bar


def command_line() -> str:
    """Return the command that is running, as one would type it, without the folder of the program."""
    return shlex.join(["ceilings", *sys.argv[1:]])
