"""The ceiling: what a polynomial readout of bounded degree can put out, and nothing above it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ._checks import require_degree, require_int, require_l_max, require_parity
from .irreps import format_irreps, parse_irreps
from .multiplicity import readout_multiplicities

_NOT_CLAIMED = (
    "Not claimed: this bounds the output of a readout of bounded degree, not the function class of the "
    "network. An invariant output (an energy) and the forces derived from it can depend on arbitrarily "
    "high l of a neighbour's direction where that neighbour has an edge to a third atom or a "
    "non-polynomial function acts on what depends on the direction; only where neither is the case are they bounded, see "
    "`input_ceiling`. A non-polynomial readout has no ceiling."
)


@dataclass(frozen=True)
class Ceiling:
    r"""The ceiling of polynomials of degree <= d in harmonics, l <= L, of one direction: dL.

    Their span on the sphere is exactly :math:`H_{\le dL}`.

    Parameters
    ----------
    degree
        Polynomial degree d of the readout, an integer of at least 1.
    l_max
        Highest l of the features, L, an integer of at least 0.

    Raises
    ------
    InputError
        If either is not an integer (booleans and floats are refused) or too small.

    Notes
    -----
    Finite-degree span theorem of arXiv 2605.08286; proved for every (d, L) in
    `spectral_ceilings.theory.symbolic` and constructively, pair by pair, in `spectral_ceilings.theory.span`.

    Examples
    --------
    >>> Ceiling(2, 2).boundary, Ceiling(2, 2).dimension
    (4, 25)
    """

    degree: int
    l_max: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "degree", require_degree(self.degree))
        object.__setattr__(self, "l_max", require_l_max(self.l_max))

    @property
    def boundary(self) -> int:
        """The highest reachable degree, d * L."""
        return self.degree * self.l_max

    @property
    def dimension(self) -> int:
        """Dimension of the span on the sphere, (dL + 1)^2."""
        return (self.boundary + 1) ** 2

    @property
    def reachable(self) -> tuple[int, ...]:
        """Every l that can be put out, ascending."""
        return tuple(range(self.boundary + 1))

    @property
    def explanation(self) -> str:
        """One paragraph in words: what is reachable, why nothing is above it, what is not claimed."""
        if self.boundary == 0:
            return (
                f"Features with l = 0 are constant on the sphere, and so is every polynomial in them: only l = 0 is reached. "
                f"{_NOT_CLAIMED}"
            )
        factors = (
            "a single one of them" if self.degree == 1 else f"a product of at most {self.degree} of them"
        )
        return (
            f"Polynomials of degree at most {self.degree} in the spherical harmonics Y_lm, l <= {self.l_max}, of one direction "
            f"span exactly the harmonics with l <= {self.boundary} ({self.dimension} dimensions). Every l up to "
            f"{self.boundary} is reached, because products of harmonics Y_ll are again multiples of a Y_ll, with a nonzero "
            f"coefficient, and rotations carry this function to all others of its l. Nothing above {self.boundary} is reached, "
            f"because Y_lm is a polynomial of degree l in x, y and z, so that {factors} has "
            f"degree at most {self.boundary}, whatever the coefficients and the number of training data. {_NOT_CLAIMED}"
        )


@dataclass(frozen=True)
class OutputCeiling(Ceiling):
    """The ceiling of a polynomial readout of any backbone's features; made by `output_ceiling`.

    Attributes
    ----------
    irreps
        The features' irreps, as e3nn writes them.
    multiplicities
        (l, p) -> number of independent equivariant polynomials of degree <= d, see `readout_multiplicities`.
    """

    irreps: str
    multiplicities: dict[tuple[int, int], int] = field(repr=False, compare=False, hash=False)

    @property
    def reachable(self) -> tuple[int, ...]:
        """Every l with at least one path, of either parity, ascending."""
        return tuple(sorted({l for l, _ in self.multiplicities}))

    def paths(self, l: int, parity: int | None = None) -> int:
        """Number of independent equivariant outputs of degree `l` and `parity` (default: natural, (-1)^l).

        Raises
        ------
        InputError
            If `l` is not an integer of at least 0 or the parity is neither 1 nor -1.
        """
        l = require_int("l", l, 0)
        return self.multiplicities.get((l, require_parity(parity, l)), 0)

    @property
    def explanation(self) -> str:
        """One paragraph in words: what is reachable, why nothing is above it, what is not claimed."""
        return (
            f"The features are {self.irreps}, so under a rotation R of the whole configuration they transform by "
            f"Wigner matrices with l <= {self.l_max}. A polynomial of degree at most {self.degree} "
            f"in them transforms by products of at most {self.degree} such matrices, which couple to l <= "
            f"{self.boundary} = {self.degree} x {self.l_max}: for any molecule, depth, width and "
            "nonlinearity of the backbone, and whether or not the polynomial is itself equivariant, its "
            f"rotation spectrum vanishes above l = {self.boundary}. Over random orientations, a target of "
            f"one pure l above {self.boundary} is orthogonal to every such readout: the best one "
            f"has R2 = 0, and what a fit shows there is noise of a finite sample. {_NOT_CLAIMED}"
        )


def output_ceiling(irreps: str, degree: int) -> OutputCeiling:
    r"""Ceiling of polynomials of degree <= d in features of any equivariant backbone.

    For features with :math:`h(Rx) = D(R) h(x)` and any polynomial p of degree <= d, equivariant or not, the
    function :math:`g(R) = p(h(Rx))` lies for each x in the span of the matrix elements :math:`D^l_{mm'}(R)`
    with :math:`l \le d L_B`, :math:`L_B` being the highest degree in `irreps`.

    Parameters
    ----------
    irreps
        Features of the tapped layer as e3nn writes them, for example ``"16x0e+16x1o+16x2e"``.
    degree
        Polynomial degree of the readout, at least 1.

    Returns
    -------
    OutputCeiling
        With the exact number of paths for every (l, p).

    Raises
    ------
    InputError
        If the irreps are malformed or `degree` is not an integer of at least 1.

    Notes
    -----
    Lemma 2 of arXiv 2605.08286 for equivariant outputs; the form for the rotation spectrum of any polynomial is proved
    here: components of h(Rx) are linear in :math:`D^l(R)`, and products of matrix elements couple by
    Clebsch-Gordan.

    Examples
    --------
    >>> ceiling = output_ceiling("16x0e+16x1o+16x2e", 2)
    >>> ceiling.boundary, ceiling.paths(5)
    (4, 0)
    """
    terms = parse_irreps(irreps)
    counts = readout_multiplicities(irreps, degree)
    return OutputCeiling(degree, max(term.l for term in terms), format_irreps(terms), counts)
