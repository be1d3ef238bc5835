"""``ceilings data fetch``: download registry files into the cache, verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .console import watched


def register(app: typer.Typer) -> None:
    """Add ``fetch`` to ``ceilings data``."""
    app.command("fetch", epilog="Example: ceilings data fetch rmd17:aspirin:train:01 rmd17:aspirin:test:01")(
        fetch_command
    )


def fetch_command(
    names: Annotated[list[str] | None, typer.Argument(help="Names such as rmd17:aspirin:train:01.")] = None,
    list_names: Annotated[bool, typer.Option("--list", help="Print the names of the registry.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Folder in which the files are kept.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Download from a mirror; default: the rMD17 repository on GitHub.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Give up after this many seconds without data.")] = 30.0,
    as_json: options.AsJson = False,
) -> None:
    """Download rMD17 files once, verify their SHA-256, and print their paths.

    A file whose SHA-256 differs is an error and is deleted.
    """
    from ..diagnostic.frames import rmd17
    from ..theory.errors import InputError

    if list_names:
        typer.echo(json.dumps(rmd17.registry(), indent=1) if as_json else "\n".join(rmd17.registry()))
        return
    if not names:
        raise InputError(
            "no name was given: give one or more of those that 'ceilings data fetch --list' prints"
        )
    for name in names:
        rmd17.file_name(name)  # a wrong name is an error before anything is downloaded
    fetched: dict[str, str] = {}
    with watched("download") as watch:
        for number, name in enumerate(names):
            watch(name, number, len(names))
            fetched[name] = str(
                rmd17.fetch(name, cache=cache, base_url=base_url or rmd17.BASE_URL, timeout_s=timeout)
            )
    if as_json:
        typer.echo(json.dumps(fetched, indent=1))
    else:
        for name, path in fetched.items():
            typer.echo(f"{name}: {path}")
