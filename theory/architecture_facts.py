r"""What the products of each architecture can couple, what they leave out, and the ceiling of readouts of its features.

The ceiling of a readout of degree d is d times the highest l of the features (`output_ceiling`), whatever made them.
Architectures differ in that l (1 and 2 are built into PaiNN and TensorNet) and in which couplings their layers hold; the counts
behind the sentences are `matrix_product_paths` (TensorNet), `scalarised_multiplicities` (PaiNN, HEGNN) and, for convolutions in
the frame of an edge, 2 min(l_1, l_3, m_max) + 1 free coefficients of the 2 min(l_1, l_3) + 1 between :math:`l_1` and
:math:`l_3`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ._checks import require_degree, require_l_max
from .advise import Advice
from .architectures import ARCHITECTURES, Architecture
from .errors import InputError


@dataclass(frozen=True)
class ArchitectureFacts:
    """What is known of an architecture exactly; made by `architecture_facts`.

    Attributes
    ----------
    name
        As in `ARCHITECTURES`.
    written
        As its authors write it.
    l_max
        Highest l of its features where the design fixes it; None: a parameter of the model.
    features
        Irreps of one channel, in words.
    products
        What its layers multiply.
    lost
        Which couplings of such features its layers do not hold; empty: none.
    direction
        What its energy sees of one direction on a star graph.
    grid
        Whether activations act on a grid of the sphere, which has to be fine enough.
    source
        Where it was published.
    """

    name: Architecture
    written: str
    l_max: int | None
    features: str
    products: str
    lost: str
    direction: str
    grid: bool
    source: str


_NO_BOUND = "no bound: a network acts on scalars that depend on it"
_SO2 = (
    "where m_max < l_max, torsion about the edge above order m_max in one step: 2 min(l1, l3, m_max) + 1 of 2 min(l1, l3) + 1 "
    "coefficients are free"
)
_FRAME = "convolutions in the frame of the edge, orders m <= m_max"

_FACTS = (
    ArchitectureFacts(
        "nequip", "NequIP", None, "0e+1o+2e+..., or both parities", "features with harmonics of the edge, all paths",
        "", "one layer: nothing; further layers: no bound, gates act on angles", False, "arXiv 2101.03164",
    ),
    ArchitectureFacts(
        "mace", "MACE", None, "0e+1o+2e+...", "correlation many messages, all paths",
        "", "L floor(nu/2) in one layer with a linear readout", False, "arXiv 2206.07697",
    ),
    ArchitectureFacts(
        "allegro", "Allegro", None, "0e+1o+2e+..., or both parities", "features of an edge with summed harmonics, all paths",
        "", "no bound: a network acts on scalars of the first product", False, "arXiv 2204.05249",
    ),
    ArchitectureFacts(
        "tensornet", "TensorNet", 2, "0e+1o+2e as a 3 x 3 matrix",
        "matrix products YM + MY: the 11 paths of natural parity, l <= 2",
        "l > 2 between layers; pseudoscalars and pseudovectors (with YM alone they are there: 15 paths)",
        _NO_BOUND, False, "arXiv 2306.06482",
    ),
    ArchitectureFacts(
        "painn", "PaiNN", 1, "0e+1o", "inner products of vectors, scalars that scale vectors",
        "l > 1 between layers; pseudoscalars and pseudovectors", _NO_BOUND, False, "arXiv 2102.03150",
    ),
    ArchitectureFacts(
        "hegnn", "HEGNN", None, "0e+1o+2e+...", "inner products within each l, scalars that scale features",
        "every coupling of different l and of three or more features (from l = 2 on)", _NO_BOUND, False, "arXiv 2410.11443",
    ),
    ArchitectureFacts(
        "equiformer-v2", "EquiformerV2", None, "one channel set of each l", f"{_FRAME}; activations on a grid", _SO2, _NO_BOUND,
        True, "arXiv 2306.12059",
    ),
    ArchitectureFacts(
        "escn", "eSCN", None, "one channel set of each l", f"{_FRAME}; networks on a grid", _SO2, _NO_BOUND,
        True, "arXiv 2302.03655",
    ),
    ArchitectureFacts(
        "esen", "eSEN", None, "one channel set of each l", f"{_FRAME}; gates, or networks on a grid", _SO2, _NO_BOUND,
        True, "arXiv 2502.12147",
    ),
    ArchitectureFacts(
        "uma", "UMA", None, "one channel set of each l", f"{_FRAME}; gates, or networks on a grid", _SO2, _NO_BOUND,
        True, "arXiv 2506.23971",
    ),
)  # fmt: skip
_BY_NAME = {facts.name: facts for facts in _FACTS}


def architecture_facts(architecture: Architecture) -> ArchitectureFacts:
    """Return what is known of an architecture exactly.

    Raises
    ------
    InputError
        If the architecture is unknown.

    Examples
    --------
    >>> architecture_facts("tensornet").l_max, architecture_facts("mace").l_max
    (2, None)
    """
    if architecture not in _BY_NAME:
        raise InputError(f"architecture {architecture!r} is unknown: use one of {', '.join(ARCHITECTURES)}")
    return _BY_NAME[architecture]


def architecture_ceiling(architecture: Architecture, degree: int, l_max: int | None = None) -> int:
    """Return the highest l that a polynomial readout of an architecture's features reaches.

    Parameters
    ----------
    architecture
        One of `ARCHITECTURES`.
    degree
        Degree of the readout, at least 1.
    l_max
        Highest l of the features, where the design does not fix it.

    Raises
    ------
    InputError
        If the architecture is unknown, an argument is no integer, `l_max` is missing, or other than the design's.

    Examples
    --------
    >>> architecture_ceiling("tensornet", 2), architecture_ceiling("painn", 2), architecture_ceiling("uma", 2, 4)
    (4, 2, 8)
    """
    facts, degree = architecture_facts(architecture), require_degree(degree)
    if facts.l_max is None:
        if l_max is None:
            raise InputError(f"l_max of {facts.written} is a parameter of the model: give l_max")
        return degree * require_l_max(l_max)
    if l_max is not None and require_l_max(l_max) != facts.l_max:
        raise InputError(
            f"l_max = {l_max} is none of {facts.written}, whose features end at l = {facts.l_max}"
        )
    return degree * facts.l_max


@dataclass(frozen=True)
class ArchitectureAdvice:
    """Which of the choices an architecture can take; made by `architecture_advice`.

    Attributes
    ----------
    name
        The architecture.
    l_max
        The l_max to give it, or the one that it has.
    degree
        The smallest degree of a readout with which it reaches the target.
    sentence
        The same in words, with what its layers leave out.
    """

    name: Architecture
    l_max: int
    degree: int
    sentence: str


def architecture_advice(architecture: Architecture, choices: Iterable[Advice]) -> ArchitectureAdvice:
    """Return what the choices of `advise` mean for an architecture.

    Where the design fixes l_max, the degree of the readout is what is left to choose. Elsewhere the choice of degree 2 is named,
    or, where there is none, that of the lowest degree above or the highest below.

    Raises
    ------
    InputError
        If the architecture is unknown, or no choice is given.

    Examples
    --------
    >>> from spectral_ceilings.theory import advise
    >>> architecture_advice("tensornet", advise(5)).degree, architecture_advice("hegnn", advise(5)).l_max
    (3, 3)
    """
    facts, offered = architecture_facts(architecture), list(choices)
    if not offered:
        raise InputError("no choice is given: give what advise returns")
    if facts.l_max is not None:
        l_max = facts.l_max
        degree = min(choice.degree for choice in offered if choice.l_max <= l_max)
        start = (
            f"{facts.written} has features up to l = {l_max}, whatever its size: "
            f"a readout of degree {degree} reaches the target"
        )
    else:
        best = min(offered, key=lambda choice: (abs(choice.degree - 2), -choice.degree))
        l_max, degree = best.l_max, best.degree
        start = f"{facts.written} with l_max = {l_max} and a readout of degree {degree} reaches the target"
    lost = f". Its layers leave out: {facts.lost}" if facts.lost else ""
    fine = (
        f". An activation of degree k on a grid is exactly equivariant where the grid integrates l <= {l_max} (k + 1) exactly"
        if facts.grid
        else ""
    )
    return ArchitectureAdvice(architecture, l_max, degree, f"{start}{lost}{fine}.")
