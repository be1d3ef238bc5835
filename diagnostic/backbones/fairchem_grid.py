r"""Nonlinearities on a grid of the sphere in fairchem's models: which grids there are, and what they are exact for.

``ff_type="grid"`` takes the features of an atom as functions on the sphere, :math:`f(u) = \sum f_{lm} Y_{lm}(u)`, applies a
network to the values at the points of a grid, and projects back with a quadrature Q. That commutes with rotations only as far as
Q is exact. For a polynomial of degree d of features up to L it is exactly equivariant **if and only if** Q is exact for
harmonics up to (d + 1) L. e3nn's grid of N polar angles (N even) and M azimuths is exact up to min(N, M) - 1: fairchem's
default, (2L + 2) x (2L + 3), up to 2L + 1, which a square needs to exceed for L >= 2. SiLU is no polynomial: no grid is exact
for it, and the error falls with the grid.

``act_type="s2"`` does the same to messages in the frame of their edge, where only rotations about the edge matter:
it is exact for degree d iff (d + 1) mmax <= M - 1, whatever N is. fairchem draws the angle of that frame about the edge at
random in every run, so that on a grid that is not exact two runs of one structure differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ...theory.grids import grid_degree

#: ``atoms``: features of an atom, any rotation; ``edges``: messages in the frame of their edge, rotations about it.
Where = Literal["atoms", "edges"]


@dataclass(frozen=True)
class Grid:
    """A grid of the sphere that a nonlinearity acts on.

    Attributes
    ----------
    where
        ``atoms`` or ``edges``.
    polar, azimuthal
        Numbers of polar angles and of azimuths.
    band
        Highest l of the features on atoms, highest m of the messages on edges.
    """

    where: Where
    polar: int
    azimuthal: int
    band: int

    @property
    def exact(self) -> int:
        """Highest l (on atoms) or m (on edges) that the quadrature is exact for.

        Examples
        --------
        >>> Grid("atoms", 6, 7, 2).exact, Grid("atoms", 18, 18, 6).exact, Grid("edges", 10, 5, 2).exact
        (5, 17, 4)
        """
        return (
            self.azimuthal - 1 if self.where == "edges" else grid_degree("fejer", self.polar, self.azimuthal)
        )

    def needed(self, degree: int) -> int:
        """Return the l or m that it has to be exact for, that a polynomial of this degree be equivariant: (degree + 1) band."""
        return (degree + 1) * self.band

    @property
    def degree(self) -> int:
        """Highest degree of a polynomial for which it is exactly equivariant; 1: linear maps only.

        Examples
        --------
        >>> Grid("atoms", 6, 7, 2).degree, Grid("atoms", 20, 20, 4).degree, Grid("edges", 6, 18, 2).degree
        (1, 3, 7)
        """
        return max(1, self.exact // max(self.band, 1) - 1)

    @property
    def words(self) -> str:
        """One sentence without its full stop."""
        kind = "features of atoms" if self.where == "atoms" else "messages in the frames of their edges"
        letter = "l" if self.where == "atoms" else "m"
        need = self.degree + 1
        what = {2: "a square", 3: "a cube"}.get(need, f"a polynomial of degree {need}")
        return (
            f"SiLU acts on {kind} at {self.polar} x {self.azimuthal} points of the sphere, whose quadrature is exact up to "
            f"{letter} = {self.exact}: {what} of them needs {self.needed(need)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {"where": self.where, "polar": self.polar, "azimuthal": self.azimuthal, "band": self.band,
                "exact_to": self.exact, "exact_degree": self.degree}  # fmt: skip


def grids_of(backbone: Any) -> tuple[Grid, ...]:
    """Return the grids that nonlinearities of an ``eSCNMDBackbone`` act on; empty where there are none."""
    grids = []
    if backbone.ff_type == "grid":
        grids.append(_grid("atoms", backbone.SO3_grid["lmax_lmax"], backbone.lmax))
    if backbone.act_type == "s2":
        grids.append(_grid("edges", backbone.SO3_grid["lmax_mmax"], backbone.mmax))
    return tuple(grids)


def _grid(where: Where, module: Any, band: int) -> Grid:
    polar, azimuthal = module.to_grid_mat.shape[:2]
    return Grid(where, int(polar), int(azimuthal), int(band))
