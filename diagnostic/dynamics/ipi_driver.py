"""i-PI as the program that moves the atoms: its own process, forces through a socket, records as ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...theory.errors import InputError
from ..records.progress import Progress
from .settings import DynamicsSettings
from .trajectory import Trajectory


def run_with_ipi(
    atoms: Any,
    calculator: Any,
    settings: DynamicsSettings,
    *,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Trajectory:
    """Run i-PI; not there yet."""
    raise InputError("driver 'i-pi' cannot run yet: take driver 'ase'")
