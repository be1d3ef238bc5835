"""The figures of an observation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_observing_figures(result: Mapping[str, Any], directory: Path) -> list[Path]:
    """Write the figures into ``<directory>/figures``; return their paths."""
    return []
