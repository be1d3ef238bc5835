"""The wiring of a loaded backbone: what `theory` needs to give the ceiling of each of its layers and the cost of each knob."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...theory import Wiring, wiring
from ...theory.errors import InputError
from ...theory.irreps import Irrep, format_irreps, parse_irreps
from ...theory.wiring import harmonics_irreps, highest
from .backbone import ARCHITECTURES, Backbone

#: Architectures whose layers are those of eSCN.
_ESCN = ("escn-md", "uma", "esen")


def model_wiring(backbone: Backbone) -> Wiring:
    """Return how the layers of a NequIP, Allegro, MACE, SevenNet, eSCN-MD or UMA hang together.

    Irreps are those of the model in memory; the degree of the harmonics of its edges, correlations and widths are read from
    ``backbone.info.builder``.

    Raises
    ------
    InputError
        Another architecture, or one whose layers declare no irreps.

    Examples
    --------
    >>> from spectral_ceilings.diagnostic import load_backbone
    >>> model_wiring(load_backbone("aspirin-rmd17-l1")).layers
    ('16x0e+16x1o', '16x0e+16x1e+16x1o', '16x0e')
    """
    info = backbone.info
    layers = {layer.name: layer.irreps for layer in backbone.layers() if layer.declared}
    if not layers or info.architecture not in ("nequip", "allegro", "mace", "sevennet", *_ESCN):
        known = ", ".join(ARCHITECTURES.values())
        raise InputError(
            f"{info.source} is a model of the kind {info.architecture!r}, and the ceilings of single layers are known of "
            f"{known}; the ceiling of a readout is its degree times l_max of the layer, whatever the model"
        )
    builder = info.builder
    if info.architecture in _ESCN:
        l_max = int(builder["l_max"])
        return wiring(
            "escn",
            l_max=l_max,
            channels=int(builder["sphere_channels"]),
            layers=len(layers),
            m_max=int(builder.get("mmax", l_max)),
            hidden=int(builder.get("hidden_channels", builder["sphere_channels"])),
            width=int(builder.get("edge_channels", 128)),
        )
    if info.architecture == "mace":
        return _mace(layers, builder)
    if info.architecture == "allegro":
        return _allegro(list(layers.values()), builder)
    return _convolutions(info.architecture, list(layers.values()), builder)


def _mace(layers: Mapping[str, str], builder: Mapping[str, Any]) -> Wiring:
    given = tuple(irreps for name, irreps in layers.items() if name.startswith("layer"))
    sent = tuple(irreps for name, irreps in layers.items() if name.startswith("message"))
    linear = builder.get("gate") == "None" or str(builder.get("readout", "")).startswith("Linear")
    return Wiring(
        "mace",
        harmonics_irreps(int(builder["max_ell"])),
        f"{_scalars(given[0])}x0e",
        given,
        tuple(int(order) for order in builder["correlation"]),
        sent,
        width=int(builder["radial_mlp"][-1]) if builder.get("radial_mlp") else 64,
        linear_readout=linear and len(given) > 1,
    )


def _allegro(layers: Sequence[str], builder: Mapping[str, Any]) -> Wiring:
    scalars = int(builder.get("num_scalar_features", 0))
    tensors = []
    for irreps in layers:  # the scalar track stands before the tensors, and is counted with those of l = 0
        terms = [
            Irrep(term.copies - scalars, term.l, term.parity) if (term.l, term.parity) == (0, 1) else term
            for term in parse_irreps(irreps)
        ]
        tensors.append(format_irreps(term for term in terms if term.copies > 0))
    channels = int(builder.get("num_tensor_features", builder.get("num_features", 1)))
    top = int(builder.get("l_max", max(map(highest, layers))))
    entering = format_irreps(Irrep(channels, l, (-1) ** l) for l in range(top + 1))
    return Wiring(
        "allegro", harmonics_irreps(top), entering, tuple(tensors), scalars=scalars,
        width=int(builder.get("mlp_width", builder.get("allegro_mlp_hidden_layers_width", 64))), linear_readout=False,
    )  # fmt: skip


def _convolutions(kind: str, layers: Sequence[str], builder: Mapping[str, Any]) -> Wiring:
    """Return the wiring of NequIP or SevenNet."""
    if kind == "sevennet":
        top = int(builder.get("lmax_edge") or 0)
        top = top if top > 0 else int(builder["lmax"])
        edges = harmonics_irreps(top)
        if not builder.get("is_parity", True):
            edges = edges.replace("o", "e")
        return Wiring("sevennet", edges, f"{int(builder['channel'])}x0e", tuple(layers))
    top = max(map(highest, layers))
    if isinstance(builder.get("l_max"), int):
        edges = harmonics_irreps(builder["l_max"])
    else:
        given = builder.get("irreps_edge_sh")
        edges = (
            str(given)
            if isinstance(given, str)
            else harmonics_irreps(given if isinstance(given, int) else top)
        )
    return Wiring(
        "nequip",
        edges.replace(" ", ""),
        f"{_scalars(layers[0])}x0e",
        tuple(layers),
        width=int(builder.get("radial_mlp_width", 64)),
    )


def _scalars(irreps: str) -> int:
    return sum(term.copies for term in parse_irreps(irreps) if (term.l, term.parity) == (0, 1)) or 1
