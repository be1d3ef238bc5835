"""Which file is meant: a path, a name of frames that ship, or one of the registry."""

from __future__ import annotations

from pathlib import Path

from ...theory.errors import InputError
from ..records.assets import assets, shipped_structures
from . import rmd17

#: Name of the embedded default: aspirin at GFN2-xTB, made by this package.
EMBEDDED = "aspirin-xtb"


def embedded_frames() -> tuple[str, ...]:
    """Return the names of the frames that ship with the package, the default first."""
    names = sorted(path.stem for path in embedded_path().parent.glob("*-xtb.npz"))
    return (EMBEDDED, *(name for name in names if name != EMBEDDED))


def embedded_path(name: str = EMBEDDED) -> Path:
    """Return the path of embedded frames."""
    return assets() / f"{name}.npz"


def known_name(source: str) -> bool:
    """Whether this is no file but the name of data that ship, or that can be fetched."""
    return source in embedded_frames() or source in shipped_structures() or source.startswith(rmd17.PREFIX)


def locate(source: str | Path) -> tuple[Path, str]:
    """Return the file and the name by which reports call it.

    Raises
    ------
    InputError
        There is no such file.
    """
    if isinstance(source, str) and source in embedded_frames():
        return embedded_path(source), source
    if isinstance(source, str) and source in (shipped := shipped_structures()):
        return shipped[source], source
    if isinstance(source, str) and source.startswith(rmd17.PREFIX):
        return rmd17.fetch(source), source
    path = Path(source)
    if path.is_dir():
        raise InputError(f"{path.name} is a folder: expected a file of frames.")
    if not path.is_file():
        names = ", ".join([*embedded_frames(), *shipped_structures()])
        raise InputError(
            f"there is no file {str(source)!r}: expected a file, {names}, or a name such as 'rmd17:aspirin:train:01'."
        )
    return path, path.name
