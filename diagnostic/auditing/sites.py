r"""Which degrees the symmetry of an atom's site leaves to its features, and so to polynomials of them: exact.

Let G be the point group of the site and h the atom's features. Every s in G maps the surroundings onto themselves, so that
:math:`D(s)\,h = h`: in each irrep (l, p) the features lie among the invariants of G, and where there are none they vanish, for
every model with the symmetry of space. Let :math:`L_s` be the highest degree of the layer that has invariants (0 where only
scalars have). As a function of rotations R, a polynomial of degree d of the features D(R) h has power

- at no :math:`l > d L_s`: products of d vectors of degrees up to :math:`L_s` couple to no more;
- at :math:`l = d L_s`, for almost every polynomial, as soon as some feature of degree :math:`L_s` is not zero. The top component
  of a product of vectors :math:`u_1, \dots, u_d` is their Cartan product. Irreps of degree l being the binary forms of degree
  2l, the Cartan product is the product of the forms, and polynomials have no divisors of zero. It is an invariant of G again, of
  degree :math:`d L_s` and parity :math:`p_1 \cdots p_d`: **what the group allows at L it allows at every d L**, and where it
  leaves nothing at L, no polynomial has anything at d L, even where G has invariants there (T_d has some of degree 4, and
  features with L = 2 of a carbon in methane reach none of it).

Between, at :math:`l < d L_s`, the power vanishes where G has no invariants of degree l in either parity that products have.

Inversion may be no symmetry of the features (a model built for SO(3)); those of a channel that is neither even nor odd are bound
by the rotations of G alone. The parity is the measured one, whatever is declared.

What a layer sees of the surroundings ends at its number of steps times the cutoff of the graph; the group is that of these atoms.
"""

from __future__ import annotations

import re

import numpy as np

from ...theory.point_groups import PointGroup
from ..backbones.backbone import Backbone
from ..backbones.equivariance import Equivariance
from ..frames.frames import Frames
from ..frames.neighbours import neighbours
from ..frames.site_symmetry import SiteSymmetry, atom_site_symmetry, site_symmetry

#: Farthest that the symmetry of a crystal's site is looked at, and the least gap between two shells of neighbours (Å).
MOST_REACH, _GAP = 9.0, 0.1


def allowed_degrees(measured: Equivariance, group: PointGroup) -> tuple[int, ...]:
    """Degrees of a layer that the group of a site leaves to its features, ascending, by the measured parity of each channel.

    Parameters
    ----------
    measured
        The layer, from :func:`~spectral_ceilings.diagnostic.backbones.equivariance.measure_equivariance`.
    group
        Point group of the site.
    """
    return tuple(
        sorted(
            {
                entry.l
                for entry in measured.entries
                for parity in entry.parities
                if (group.invariants(entry.l, parity) if parity else group.proper.invariants(entry.l))
            }
        )
    )


def top_degree(measured: Equivariance, group: PointGroup) -> int:
    """Highest degree :math:`L_s` that the group leaves to the features; 0 where it leaves scalars at most."""
    return max(allowed_degrees(measured, group), default=0)


def layer_site(backbone: Backbone, frame: Frames, layer: str, atom: int) -> SiteSymmetry:
    """Point group of what a layer can see around an atom of the first of some frames.

    A layer whose name ends in the number t has taken t + 1 steps over the graph. Where the cutoff or the number is not known,
    every atom counts; of a crystal those within 9 Å, up to the last gap of 0.1 Å between their distances.
    """
    number = re.search(r"\d+$", layer)
    reach = None
    if number is not None and backbone.cutoff is not None:
        reach = (int(number.group()) + 1) * backbone.cutoff
    if not frame.periodic or frame.cells is None:
        return atom_site_symmetry(frame.numbers, frame.positions[0], atom, cutoff=reach)
    most = min(reach or MOST_REACH, MOST_REACH)
    near = neighbours(frame.positions[0], most + _GAP, frame.cells[0], frame.pbc)
    mine = near.first == atom
    order = np.argsort(near.distances[mine], kind="stable")
    distances = near.distances[mine][order]
    # A shell that the radius cuts in two would hide symmetry: the neighbours end at the last gap between shells.
    gaps = np.flatnonzero(np.diff(distances) > _GAP)
    count = len(distances) if not len(gaps) else int(gaps[-1]) + 1
    return site_symmetry(near.vectors[mine][order][:count], frame.numbers[near.second[mine][order]][:count])
