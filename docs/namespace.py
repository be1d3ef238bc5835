"""Hook of MkDocs: the packages of the repository as ``spectral_ceilings.*``, where mkdocstrings reads them.

The folders stand at the top level and are mapped into the namespace when the package is installed; a reader of source
files needs the namespace as a folder, so links to them are made in ``build/``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_PACKAGES = ("theory", "numerics", "diagnostic", "paper_checks", "sweeps", "cli")


def on_startup(**_: Any) -> None:
    """Make the links before anything else: the plugins look for the folder when they are configured."""
    root = Path(__file__).resolve().parents[1]
    namespace = root / "build" / "namespace" / "spectral_ceilings"
    namespace.mkdir(parents=True, exist_ok=True)
    for name in _PACKAGES:
        link = namespace / name
        if not link.exists():
            link.unlink(missing_ok=True)  # a link that leads nowhere
            link.symlink_to(root / name, target_is_directory=True)
