"""Which steps of an architecture are polynomial in the directions of edges, as data.

A step is polynomial when its output is a polynomial of bounded degree in the components of what enters it, with
coefficients that depend on distances and chemical elements only. Radial networks are functions of distances, so they count as
coefficients. A non-polynomial function of scalars breaks the bound only where those scalars depend on directions:
in the first layer of NequIP they do not, from the second on they do. Class names are those of the packages,
for an audit to compare with a real model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ._checks import require_int
from .errors import InputError

Architecture = Literal[
    "nequip", "mace", "allegro", "tensornet", "painn", "hegnn", "equiformer-v2", "escn", "esen", "uma"
]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)


@dataclass(frozen=True)
class Step:
    """One step of a layer.

    Attributes
    ----------
    module
        Class name in the package.
    name
        What it does, in words.
    polynomial
        Whether it is polynomial in directions in every layer.
    first_layer_polynomial
        Whether it is so in the first layer, where the incoming features are scalars without direction.
    degree
        Degree in the features that enter: an integer, ``"correlation"`` (the model's parameter), or 0 if not polynomial.
    why
        The reason, in a sentence.
    variant
        Whether the package uses it only when asked for; `polynomial_layers` counts on the default steps.
    """

    module: str
    name: str
    polynomial: bool
    first_layer_polynomial: bool
    degree: int | Literal["correlation"]
    why: str
    variant: bool = False


# eSEN and UMA share the blocks of eSCN-MD.
_MD_STEPS = (
    Step(
        "Edgewise",
        "convolutions in the frame of the edge with orders m <= m_max, a gate or an activation on a grid between them",
        False,
        False,
        0,
        "Gate and activation act on features that hold directions of the embedding.",
    ),
    Step(
        "SpectralAtomwise",
        "a gate between linear maps",
        False,
        False,
        0,
        "The gate is a function of scalars.",
    ),
    Step(
        "GridAtomwise",
        "a network point by point on a grid of the sphere, instead of the gate",
        False,
        False,
        0,
        "The network is no polynomial.",
        variant=True,
    ),
)

_STEPS: dict[Architecture, tuple[Step, ...]] = {
    "nequip": (
        Step("Linear", "linear maps within each irrep", True, True, 1, "Linear in the features."),
        Step(
            "TensorProductScatter",
            "features of a neighbour times harmonics of the edge, summed over neighbours",
            True,
            True,
            1,
            "Linear in the features and in the harmonics; its weights depend on the distance.",
        ),
        Step(
            "FullyConnectedTensorProduct",
            "self-connection with the chemical element",
            True,
            True,
            1,
            "Linear in the features; the element is a constant.",
        ),
        Step(
            "Gate",
            "activation: SiLU and tanh of scalars, scalars that scale the other features",
            False,
            True,
            0,
            "The scalars of the first layer come from the constant harmonic alone and carry no direction; later ones do.",
        ),
        Step(
            "ScalarMLP",
            "energy readout of the last layer's scalars",
            True,
            True,
            1,
            "Linear by default (no hidden layer); with hidden layers it is not polynomial.",
        ),
    ),
    "mace": (
        Step("Linear", "linear maps within each irrep", True, True, 1, "Linear in the features."),
        Step(
            "RealAgnosticInteractionBlock",
            "message without a self-connection",
            True,
            True,
            1,
            "Linear in the features and in the harmonics; its weights depend on the distance.",
            variant=True,
        ),
        Step(
            "RealAgnosticResidualInteractionBlock",
            "message: features of a neighbour times harmonics of the edge, summed, with a self-connection",
            True,
            True,
            1,
            "Linear in the features and in the harmonics; its weights depend on the distance.",
        ),
        Step(
            "RealAgnosticDensityInteractionBlock",
            "message divided by a density of neighbours, without a self-connection",
            True,
            True,
            1,
            "As without density: the density is a function of distances.",
            variant=True,
        ),
        Step(
            "RealAgnosticDensityResidualInteractionBlock",
            "message divided by a density of neighbours, with a self-connection",
            True,
            True,
            1,
            "As without density: the density is a function of distances.",
            variant=True,
        ),
        Step(
            "RealAgnosticAttResidualInteractionBlock",
            "message whose weights also depend on the scalars of both atoms",
            False,
            True,
            0,
            "A network on scalars that depend on directions from the second layer on.",
            variant=True,
        ),
        Step(
            "RealAgnosticResidualNonLinearInteractionBlock",
            "message with a gate on its scalars",
            False,
            True,
            0,
            "The scalars of the first layer come from the constant harmonic alone and carry no direction; later ones do.",
            variant=True,
        ),
        Step(
            "EquivariantProductBasisBlock",
            "symmetric contraction of the summed messages with themselves",
            True,
            True,
            "correlation",
            "A polynomial of degree at most the correlation order, by construction.",
        ),
        Step(
            "LinearReadoutBlock",
            "energy readout of all layers but the last",
            True,
            True,
            1,
            "Linear in the features.",
        ),
        Step(
            "NonLinearReadoutBlock",
            "energy readout of the last layer",
            False,
            False,
            0,
            "SiLU of scalars that depend on directions: a fast-falling tail without bound.",
        ),
    ),
    "allegro": (
        Step(
            "MakeWeightedChannels",
            "harmonics of an edge weighted by the scalars of that edge",
            False,
            True,
            1,
            "The scalars of the first layer depend on the distance alone; later ones come from a network that has seen angles.",
        ),
        Step(
            "Contracter",
            "tensor product of an edge's features with the weighted harmonics of its neighbours",
            True,
            True,
            1,
            "Linear in the features and in the summed harmonics.",
        ),
        Step(
            "ScalarMLPFunction",
            "latent network on the scalars of each layer",
            False,
            False,
            0,
            "A network on scalars that the tensor product has just made from directions.",
        ),
    ),
    "tensornet": (
        Step(
            "TensorEmbedding",
            "identity, direction and its outer product, summed over edges, then scaled by a network on the norm",
            False,
            False,
            0,
            "The sum is linear in harmonics up to l = 2; the network acts on its norm, which depends on directions.",
        ),
        Step(
            "Interaction",
            "matrix product of the features with the sum over neighbours, YM + MY, divided by norms",
            False,
            False,
            0,
            "The product has degree 4 in the features (dX and its square); the division by norms is no polynomial.",
        ),
        Step(
            "TensorNet",
            "energy from the norms of the three parts of the matrices",
            False,
            False,
            0,
            "A network on normalised norms.",
        ),
    ),
    "painn": (
        Step(
            "PaiNNInteraction",
            "directions and neighbours' vectors, scaled by a network on the neighbours' scalars, summed",
            False,
            True,
            1,
            "The scalars of the first layer are those of the elements; later ones have seen angles.",
        ),
        Step(
            "PaiNNMixing",
            "scalars and vectors scaled by a network on scalars and on norms of vectors",
            False,
            False,
            0,
            "The norm is a square root of a polynomial, and the network acts on it, in the first layer too.",
        ),
    ),
    "hegnn": (
        Step("SH_INIT", "harmonics of all edges, summed", True, True, 1, "Linear in the harmonics."),
        Step(
            "SH_Msg",
            "inner products of the features of two atoms, within each l",
            True,
            True,
            2,
            "Bilinear in the features.",
        ),
        Step(
            "HEGNN_Layer",
            "features scaled by a network on these inner products",
            False,
            False,
            0,
            "The inner products depend on directions in the first layer already.",
        ),
    ),
    "equiformer-v2": (
        Step(
            "SO2EquivariantGraphAttention",
            "convolutions in the frame of the edge with orders m <= m_max, attention and an activation on a grid between them",
            False,
            False,
            0,
            "Softmax and activation act on features that hold directions of the embedding.",
        ),
        Step(
            "FeedForwardNetwork",
            "an activation on a grid of the sphere",
            False,
            False,
            0,
            "The activation is no polynomial.",
        ),
    ),
    "escn": (
        Step(
            "MessageBlock",
            "convolutions in the frame of the edge with orders m <= m_max, an activation on a grid between them",
            False,
            False,
            0,
            "The activation is no polynomial.",
        ),
        Step(
            "LayerBlock",
            "messages and features on a grid of the sphere, through a network point by point",
            False,
            False,
            0,
            "The network is no polynomial.",
        ),
    ),
    "esen": _MD_STEPS,
    "uma": _MD_STEPS,
}


def layer_steps(architecture: Architecture) -> tuple[Step, ...]:
    """Return the steps of an architecture, in the order of a forward pass.

    Raises
    ------
    InputError
        If the architecture is unknown.
    """
    if architecture not in ARCHITECTURES:
        raise InputError(f"architecture {architecture!r} is unknown: use one of {', '.join(ARCHITECTURES)}")
    return _STEPS[architecture]


def polynomial_layers(architecture: Architecture, layers: int) -> int:
    """Return how many of a model's first `layers` layers give features polynomial in directions (readout not counted).

    Polynomial in the directions of edges: where an atom moves that has edges to several others, lengths change with its
    direction too, and only features of the first layer, of the atom around which it moves, stay polynomial.

    NequIP with gates: 1; MACE with its default interaction: all; Allegro: the tensor features of the first layer; the others: 0,
    because a network acts on scalars that depend on directions before the first layer gives anything back.

    Raises
    ------
    InputError
        If the architecture is unknown or `layers` is not an integer of at least 1.

    Examples
    --------
    >>> polynomial_layers("nequip", 4), polynomial_layers("mace", 2), polynomial_layers("allegro", 2)
    (1, 2, 1)
    """
    layers = require_int("layers", layers, 1)
    readouts = ("ScalarMLP", "LinearReadoutBlock", "NonLinearReadoutBlock", "ScalarMLPFunction")
    steps = [step for step in layer_steps(architecture) if step.module not in readouts and not step.variant]
    if all(step.polynomial for step in steps):
        return layers
    return 1 if all(step.first_layer_polynomial for step in steps) else 0
