r"""What the exact symmetry of a site leaves of an injected field: nothing to hold where it leaves nothing.

Let G be the point group of atom i in a frame x (all atoms of the molecule, like atoms exchanged), found in its positions. A model
that ignores the numbering of atoms gives h(g x) = h(x) for g in G, and its equivariance gives h(g x) = D(g) h(x). So features
of (l, p) lie in the invariants :math:`V_{lp}^G`, and an equivariant polynomial of degree d of them lies in

.. math:: W^{(1)}_{lp} = V_{lp}^G \ (l, p \text{ among the irreps}), \qquad
   W^{(k)}_{lp} = W^{(k-1)}_{lp} + \sum (W^{(k-1)}_{l_1 p_1} \otimes V_{l_2 p_2}^G)_{lp}, \qquad W^{(k)}_{lp} \subseteq V_{lp}^G.

Any polynomial q(h(R x)), equivariant or not, is for each l a sum of matrix elements of D(R) applied to such vectors, of both
parities, because frames are turned by proper rotations only. Over uniform rotations R, of a field a . T(R x) = a . D(R) t at most

.. math:: B_l = \frac{\|P_{W_l} t\|^2}{\|t\|^2}, \qquad W_l = W^{(d)}_{l+} + W^{(d)}_{l-},

of its power is recovered. The two injections differ:

- ``density``: t is a sum over all neighbours, so it is itself invariant. Where :math:`V_{l}^G = 0` in natural parity, t = 0 and
  nothing is injected at all (what is left is rounding, scaled up). Elsewhere it can be out of reach: at a T_d site t_3 is not
  zero, but features up to l = 2 are scalars, and B_3 = 0.
- ``marked``: t = Y_l(u) of one neighbour, which breaks the symmetry where G moves that neighbour. Then
  :math:`B_l = |G_+|^{-1} \sum_g P_l(u \cdot g u)` at most. A mark is a neighbour that chemistry tells from its like, and such a
  neighbour lies on every axis and mirror of an exact site (C of the four C-H bonds of methane has no mark; each H marks C, on
  its threefold axis), so that :math:`u` is fixed, t is invariant and the symmetry takes nothing away.

Where inversion is no symmetry of the features, the improper elements of G say nothing of them, and G is its rotations alone.
Above the ceiling nothing changes: theory says 0 with and without symmetry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...numerics.wigner import wigner_d
from ...theory.irreps import parse_irreps
from ..frames.frames import Frames
from ..frames.marks import Mark
from ..frames.site_symmetry import SiteSymmetry, atom_site_symmetry, site_symmetry
from ..injection.fields import DENSITY_CUTOFF, InjectionName, l_slice, signals
from ..readouts.equivariant_polynomials import coupling
from .examples import Example
from .result_types import SiteEntry
from .verdict import MINIMUM

Array = NDArray[np.float64]
#: Basis vectors ``(2l + 1, n)`` by (l, parity).
Spaces = dict[tuple[int, int], Array]

#: Power of a signal at one l, relative to that of all l, below which it is rounding of positions symmetric to 1e-4 Å or better.
_NOTHING = 1e-6
#: Eigenvalues of a projector are 0 or 1, to about 1e-4 where positions are symmetric to 1e-4 Å.
_PROJECTOR = 0.5
#: Products of orthonormal vectors are zero to the same accuracy, or of the order of a coupling coefficient.
_PRODUCT = 1e-3
#: Products of so high a degree are not formed (a coupling has some 10^5 entries there): then W is bounded by V alone.
_HIGHEST = 20
#: Frames of one group at which the bound is computed; the largest counts.
_FRAMES = 3


@dataclass(frozen=True)
class SiteLimits:
    """Where the symmetry of the sites leaves nothing to hold.

    Attributes
    ----------
    groups
        By atom: Schoenflies symbols of the site over the frames; atoms without symmetry in some frame are missing.
    nothing
        By injection and readout degree: atom -> the l at which there is nothing to hold.
    """

    groups: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    nothing: Mapping[tuple[InjectionName, int], Mapping[int, tuple[int, ...]]] = field(default_factory=dict)

    def of(self, injection: InjectionName, degree: int) -> Mapping[int, tuple[int, ...]]:
        """Return, by atom, the l with nothing to hold; atoms without any are missing."""
        return self.nothing.get((injection, degree), {})

    def entries(self, elements: Mapping[int, str]) -> list[SiteEntry]:
        """Return ``checks.sites`` of a result."""
        return [
            SiteEntry(
                atom=atom, element=elements[atom], site=", ".join(self.groups[atom]), injection=injection, degree=degree,
                nothing_to_hold=list(degrees),
            )
            for (injection, degree), by_atom in self.nothing.items()
            for atom, degrees in by_atom.items()
        ]  # fmt: skip


def site_limits(
    frames: Frames,
    marks: Sequence[Mark],
    injections: Sequence[InjectionName],
    irreps: str,
    degrees: Sequence[int],
    l_top: int,
    *,
    proper: bool,
) -> SiteLimits:
    """Find where exact symmetry of the sites, in every frame, leaves nothing to hold.

    Parameters
    ----------
    frames
        All frames of the run.
    marks
        The atoms.
    injections, degrees, l_top
        What is injected, and read out with which polynomials.
    irreps
        Those of the features, with the measured parities.
    proper
        Whether inversion is no symmetry of the features, so that only the rotations of a site bind them.
    """
    groups: dict[int, tuple[str, ...]] = {}
    nothing: dict[tuple[InjectionName, int], dict[int, tuple[int, ...]]] = {}
    for mark in marks:
        chosen = _symmetric_frames(frames, mark.atom, proper)
        if not chosen:
            continue
        groups[mark.atom] = tuple(dict.fromkeys(site.symbol for _, site in chosen))
        for injection in injections:
            if injection == "marked" and mark.neighbour is None:
                continue
            bounds = [
                _bounds(frames, frame, site, mark, injection, irreps, degrees, l_top, proper)
                for frame, site in chosen
            ]
            for degree in degrees:
                # nothing in any frame: the largest bound counts
                most = np.max([bound[degree] for bound in bounds], axis=0)
                degrees_found = tuple(int(l) for l in np.flatnonzero(most <= MINIMUM) if l > 0)
                if degrees_found:
                    nothing.setdefault((injection, degree), {})[mark.atom] = degrees_found
    return SiteLimits(groups, nothing)


def environment_limits(
    pools: Mapping[int, Sequence[Example]],
    injections: Sequence[InjectionName],
    irreps: str,
    degrees: Sequence[int],
    l_top: int,
    *,
    proper: bool,
) -> SiteLimits:
    """Find where exact symmetry of the sites of a pool of environments leaves nothing to hold.

    Of a pool the share of the injected power that can be recovered is the mean of B_l over its environments, each weighted by the
    power injected there; one without symmetry counts in full. Marks break the symmetry of a site, or lie on it.

    Parameters
    ----------
    pools
        By pool, a few of its environments: molecules whose atom 0 is the centre.
    """
    groups: dict[int, tuple[str, ...]] = {}
    nothing: dict[tuple[InjectionName, int], dict[int, tuple[int, ...]]] = {}
    for pool, environments in pools.items():
        sites = [site_symmetry(e.frames.positions[0, 1:], e.frames.numbers[1:]) for e in environments]
        symmetric = [len(_operations(site, 1, proper)) > 1 for site in sites]
        if "density" not in injections or not any(symmetric):
            continue
        groups[pool] = tuple(
            dict.fromkeys(s.symbol for s, empty in zip(sites, symmetric, strict=True) if empty)
        )
        powers, shares = (
            np.zeros((len(sites), l_top + 1)),
            {degree: np.ones((len(sites), l_top + 1)) for degree in degrees},
        )
        for k, (example, site) in enumerate(zip(environments, sites, strict=True)):
            t = signals(
                len(example.frames.numbers),
                example.frames.positions,
                l_top,
                "density",
                example.marks,
                example.cutoff,
            )
            powers[k] = [np.sum(t[0, 0, l_slice(l)] ** 2) / (2 * l + 1) for l in range(l_top + 1)]
            if symmetric[k]:
                bounds = _bounds(
                    example.frames,
                    0,
                    site,
                    example.marks[0],
                    "density",
                    irreps,
                    degrees,
                    l_top,
                    proper,
                    example.cutoff,
                )
                for degree in degrees:
                    shares[degree][k] = bounds[degree]
        for degree in degrees:
            total = powers.sum(axis=0)
            share = np.divide(
                (powers * shares[degree]).sum(axis=0), total, out=np.zeros(l_top + 1), where=total > 0.0
            )
            empty = tuple(int(l) for l in np.flatnonzero(share <= MINIMUM) if l > 0)
            if empty:
                nothing.setdefault(("density", degree), {})[pool] = empty
    return SiteLimits(groups, nothing)


def _symmetric_frames(frames: Frames, atom: int, proper: bool) -> list[tuple[int, SiteSymmetry]]:
    """Return a few frames of each group that the site has; none where it has no symmetry in some frame."""
    chosen: list[tuple[int, SiteSymmetry]] = []
    if len(frames.numbers) < 2:
        return chosen
    counts: dict[str, int] = {}
    for frame, positions in enumerate(frames.positions):
        site = atom_site_symmetry(frames.numbers, positions, atom)
        if len(_operations(site, 1, proper)) < 2:
            return []
        counts[site.symbol] = counts.get(site.symbol, 0) + 1
        if counts[site.symbol] <= _FRAMES:
            chosen.append((frame, site))
    return chosen


def _operations(site: SiteSymmetry, l_top: int, proper: bool) -> Array:
    """Return matrices of the site's group; of a continuous one enough that functions up to l_top see no difference."""
    operations = site.operations
    if site.axis is not None:
        operations = _about(site.axis, l_top + 2, site.symbol == "D∞h")
    if proper:
        operations = operations[np.linalg.det(operations) > 0.0]
    return operations


def _about(axis: Array, fold: int, both_ways: bool) -> Array:
    """Return C_nv about an axis, n = fold, and D_nh where the two ends are alike."""
    across = np.linalg.svd(axis[None])[2][1]
    frame = np.stack([across, np.cross(axis, across), axis], axis=1)
    angles = 2.0 * np.pi * np.arange(fold) / fold
    turns = np.zeros((fold, 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
    turns[:, 1, 0] = np.sin(angles)
    turns[:, 0, 1] = -turns[:, 1, 0]
    turns[:, 2, 2] = 1.0
    group = np.concatenate([turns, turns @ np.diag([1.0, -1.0, 1.0])])
    if both_ways:
        group = np.concatenate([group, group @ np.diag([1.0, 1.0, -1.0])])
    return np.asarray(frame @ group @ frame.T)


def _bounds(
    frames: Frames,
    frame: int,
    site: SiteSymmetry,
    mark: Mark,
    injection: InjectionName,
    irreps: str,
    degrees: Sequence[int],
    l_top: int,
    proper: bool,
    cutoff: float = DENSITY_CUTOFF,
) -> dict[int, Array]:
    """Return B_l for l = 0, ..., l_top by readout degree, of one atom in one frame; 1 above the ceiling unless t is zero."""
    kinds = sorted({(term.l, term.parity) for term in parse_irreps(irreps)})
    highest = max(l for l, _ in kinds)
    t = signals(len(frames.numbers), frames.positions[[frame]], l_top, injection, [mark], cutoff)[0, 0]
    power = np.array([np.sum(t[l_slice(l)] ** 2) / (2 * l + 1) for l in range(l_top + 1)])
    operations = _operations(site, max(l_top, _HIGHEST), proper)
    formed = [degree for degree in degrees if degree * highest <= _HIGHEST]
    spaces = reachable_spaces(operations, kinds, max(formed, default=1))
    bounds = {}
    for degree in degrees:
        bound = np.ones(l_top + 1)
        for l in range(l_top + 1):
            if power[l] <= _NOTHING * power.max():
                bound[l] = 0.0
            elif l <= degree * highest:
                if degree in formed:
                    both = [spaces[degree][key] for key in ((l, 1), (l, -1)) if key in spaces[degree]]
                else:
                    both = [invariants(operations, l, 1), invariants(operations, l, -1)]
                basis = _orthonormal(np.concatenate([np.zeros((2 * l + 1, 1)), *both], axis=1), _PRODUCT)
                inside = basis.T @ t[l_slice(l)]
                bound[l] = float(inside @ inside) / float(np.sum(t[l_slice(l)] ** 2))
        bounds[degree] = bound
    return bounds


def reachable_spaces(operations: Array, kinds: Sequence[tuple[int, int]], degree: int) -> dict[int, Spaces]:
    r"""Return :math:`W^{(k)}_{lp}` for k = 1, ..., degree: where polynomials of features at a symmetric site lie.

    Parameters
    ----------
    operations
        ``(n, 3, 3)``, orthogonal matrices of the group G of the site.
    kinds
        (l, parity) of the features, with as many channels as one likes.
    degree
        Highest polynomial degree.

    Returns
    -------
    By k: orthonormal vectors ``(2l + 1, dim W)`` by (l, parity); spaces of dimension zero are missing.
    """
    start = {key: basis for key in kinds if (basis := invariants(operations, *key)).shape[1]}
    start[0, 1] = np.ones((1, 1))  # the constant, so that products of k features hold those of fewer
    levels = {1: start}
    for k in range(2, degree + 1):
        parts: dict[tuple[int, int], list[Array]] = {}
        for (l1, p1), space in levels[k - 1].items():
            for (l2, p2), other in start.items():
                for l in range(abs(l1 - l2), l1 + l2 + 1):
                    made = np.einsum("ai,bj,abc->cij", space, other, coupling(l1, l2, l))
                    parts.setdefault((l, p1 * p2), []).append(made.reshape(2 * l + 1, -1))
        joined = {
            key: _orthonormal(np.concatenate(arrays, axis=1), _PRODUCT) for key, arrays in parts.items()
        }
        levels[k] = {key: basis for key, basis in joined.items() if basis.shape[1]}
    return levels


def invariants(operations: Array, l: int, parity: int) -> Array:
    """Return orthonormal vectors ``(2l + 1, n)`` of the irrep (l, parity) that every operation leaves alone."""
    signs = np.sign(np.linalg.det(operations))
    matrices = wigner_d(l, operations * signs[:, None, None])
    projector = np.mean(np.where(signs < 0.0, parity, 1)[:, None, None] * matrices, axis=0)
    return _orthonormal(projector, _PROJECTOR)


def _orthonormal(vectors: Array, least: float) -> Array:
    """Return an orthonormal basis of the span of the columns; singular values up to ``least`` count as rounding."""
    left, sizes, _ = np.linalg.svd(vectors, full_matrices=False)
    return np.asarray(left[:, sizes > least])
