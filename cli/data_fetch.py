"""``ceilings data fetch``: download registry files into the cache, verified."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from ..diagnostic.frames import rmd17
from ..theory.errors import InputError


def register(app: typer.Typer) -> None:
    """Add ``fetch`` to ``ceilings data``."""
    app.command("fetch", epilog="Example: ceilings data fetch rmd17:aspirin:train:01 rmd17:aspirin:test:01")(
        fetch_command
    )


def fetch_command(
    names: Annotated[list[str] | None, typer.Argument(help="Names such as rmd17:aspirin:train:01.")] = None,
    list_names: Annotated[bool, typer.Option("--list", help="Print the names of the registry.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Folder to keep the files in.")] = None,
    base_url: Annotated[str, typer.Option(help="Download from a mirror.")] = rmd17.BASE_URL,
    timeout: Annotated[float, typer.Option(help="Give up after so many silent seconds.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Download rMD17 files once, verify their SHA-256, and print where they lie.

    A file with another SHA-256 is an error and is thrown away.
    """
    if list_names:
        typer.echo(json.dumps(rmd17.registry(), indent=1) if as_json else "\n".join(rmd17.registry()))
        return
    if not names:
        raise InputError("no name was given: expected one or more, see 'ceilings data fetch --list'.")
    for name in names:
        rmd17.file_name(name)  # a wrong name is told before anything is downloaded
    fetched: dict[str, str] = {}
    console = Console(stderr=True)
    for name in track(
        names, description="download", console=console, disable=not sys.stderr.isatty(), transient=True
    ):
        fetched[name] = str(rmd17.fetch(name, cache=cache, base_url=base_url, timeout_s=timeout))
    if as_json:
        typer.echo(json.dumps(fetched, indent=1))
    else:
        for name, path in fetched.items():
            typer.echo(f"{name}: {path}")
