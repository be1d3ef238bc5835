"""``ceilings sweep collect``: one table and one page of everything that a sweep has found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options


def collect_command(
    sweep: Annotated[Path, typer.Argument(metavar="SWEEP", help="Directory of a sweep.", show_default=False)],
    as_json: options.AsJson = False,
) -> int:
    """Write the table and the page of a sweep."""
    raise NotImplementedError
