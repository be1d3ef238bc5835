"""The types of the structures and environments that a result keeps, so that it can be looked at in space."""

from __future__ import annotations

from typing import Literal, TypedDict

#: Why a structure is kept: bonds and pictures are read off it, it holds the best or worst environment of a pool, or one between.
Role = Literal["reference", "best", "worst", "between"]


class StructureEntry(TypedDict):
    """An entry of ``structures``: a geometry (Å) of the diagnosis, kept to be looked at.

    ``structure`` is its place in the data, ``cell`` the cell vectors as rows, None where nothing is periodic.
    """

    structure: int
    role: Role
    numbers: list[int]
    positions: list[list[float]]
    cell: list[list[float]] | None
    pbc: list[bool]


class EnvironmentColumns(TypedDict):
    """The content of ``environments``: columns of one value for each held-out environment, of the leading measurement.

    ``structure`` and ``atom`` say where it is in the data; ``pool`` is the scope of the rows that it belongs to, such as
    ``element:Si``. ``r2[l]`` is 1 - |missed|^2 / mean injected power of the pool: its mean over the environments of a pool is the
    pool's R2. None where nothing was measured.
    """

    structure: list[int]
    atom: list[int]
    element: list[str]
    pool: list[str]
    r2: list[list[float | None]]
