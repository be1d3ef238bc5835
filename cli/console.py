"""What the commands share: progress bars, the command line as it was given, lists of integers, new directories."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..theory.errors import InputError


@contextmanager
def progress_bar(*columns: TextColumn) -> Iterator[Progress]:
    """Yield a progress bar on standard error, switched off where that is not a terminal."""
    shown = (TextColumn("{task.description}"), BarColumn(), *columns, TimeElapsedColumn())
    with Progress(*shown, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        yield bar


def command_line() -> str:
    """Return the command that is running, as one would type it, without the folder of the program."""
    return shlex.join(["ceilings", *sys.argv[1:]])


def integers(option: str, text: str) -> tuple[int, ...]:
    """Read integers separated by commas; InputError names the option where they are none."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{option} is {text!r}, expected integers separated by commas, such as 1,2,3"
        ) from error


def check_new(out: Path, resume: bool) -> None:
    """Raise InputError where ``out`` exists and is not to be taken up."""
    if out.exists() and not resume:
        raise InputError(
            f"{out} exists already; give another --out, or --resume to take it up where it stopped"
        )
