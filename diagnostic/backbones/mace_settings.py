"""Everything that MACE's constructor takes, as plain data: written beside weights, and read off a model in memory."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from ...theory.errors import InputError
from .architecture import BuilderSettings
from .irreps import o3

#: Activations of the last readout, by MACE's names.
GATES = ("silu", "tanh", "abs", "None")
_RADIAL = {"BesselBasis": "bessel", "GaussianBasis": "gaussian", "ChebychevBasis": "chebyshev"}
_TRANSFORMS = {"AgnesiTransform": "Agnesi", "SoftTransform": "Soft"}


@dataclass(frozen=True)
class MACESettings(BuilderSettings):
    """Arguments of the MACE constructor, all of them JSON-ready.

    The energy is the sum over atoms of E0 + ``energy_scale`` * e + ``energy_shift``, with E0 from ``atomic_energies``
    (heads x elements, eV; empty: zero). Units: Å, eV.

    Attributes
    ----------
    num_features
        Channels of each irrep of the hidden features.
    hidden_irreps
        Their irreps; empty: ``num_features`` channels of every l <= ``l_max`` with parity (-1)^l.
    max_ell
        Highest degree of the harmonics of the edges, and so of the messages.
    correlation
        Order of the product basis in every layer (body order - 1).
    heads, scales, shifts
        Names of the heads; with more than one, the scale and shift of each.
    scaled
        ``ScaleShiftMACE``; otherwise the plain ``MACE`` class, without scale and shift.
    """

    num_layers: int = 2
    num_features: int = 16
    hidden_irreps: str = ""
    max_ell: int = 3
    correlation: tuple[int, ...] = (3,)
    num_bessel: int = 8
    num_polynomial_cutoff: int = 5
    radial_mlp: tuple[int, ...] = (64, 64, 64)
    mlp_irreps: str = "16x0e"
    gate: str = "silu"
    interaction: str = "RealAgnosticResidualInteractionBlock"
    interaction_first: str = "RealAgnosticInteractionBlock"
    readout: str = "NonLinearReadoutBlock"
    atomic_energies: tuple[tuple[float, ...], ...] = ()
    heads: tuple[str, ...] = ("Default",)
    scales: tuple[float, ...] = ()
    shifts: tuple[float, ...] = ()
    scaled: bool = True
    radial_type: str = "bessel"
    distance_transform: str = "None"
    pair_repulsion: bool = False
    apply_cutoff: bool = True
    edge_irreps: str = ""
    use_edge_irreps_first: bool = False
    use_reduced_cg: bool = True
    use_so3: bool = False
    use_agnostic_product: bool = False
    use_last_readout_only: bool = False
    keep_last_layer_irreps: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):  # JSON has lists only
            object.__setattr__(self, field.name, _frozen(getattr(self, field.name)))
        super().__post_init__()
        if len(self.correlation) == 1:
            object.__setattr__(self, "correlation", self.correlation * self.num_layers)
        if len(self.correlation) != self.num_layers or min(self.correlation) < 1:
            raise InputError(
                f"correlation is {self.correlation}, expected one integer >= 1, or one for each of the {self.num_layers} layers"
            )
        if self.gate not in GATES:
            raise InputError(f"gate is {self.gate!r}, expected one of {', '.join(GATES)}")
        hidden = o3.Irreps(self.irreps)
        if hidden.lmax != self.l_max:
            raise InputError(
                f"hidden_irreps {self.hidden_irreps} reach l = {hidden.lmax}, l_max is {self.l_max}; make them agree"
            )

    @staticmethod
    def _counts() -> tuple[tuple[str, int], ...]:
        return (("num_features", 1), ("max_ell", 0), ("num_bessel", 1), ("num_polynomial_cutoff", 2))

    @property
    def irreps(self) -> str:
        """Irreps of the hidden features."""
        natural = "+".join(
            f"{self.num_features}x{l}{'e' if l % 2 == 0 else 'o'}" for l in range(self.l_max + 1)
        )
        return self.hidden_irreps or natural


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list | tuple) else value


def settings_of(model: Any, source: str) -> MACESettings:
    """Read the constructor's arguments off a MACE model in memory.

    Raises
    ------
    InputError
        Not a ``MACE`` or ``ScaleShiftMACE``, one that was converted to an accelerated backend, or one that takes
        charges or spins as input.
    """
    _check_readable(model, source)
    first = model.interactions[0]
    last = model.readouts[-1]
    several = len(model.interactions) > 1
    heads = tuple(str(name) for name in getattr(model, "heads", None) or ("Default",))
    hidden = o3.Irreps(str(model.products[0].linear.irreps_out))
    scaled = hasattr(model, "scale_shift")
    scales = _numbers(model.scale_shift.scale) if scaled else (1.0,)
    shifts = _numbers(model.scale_shift.shift) if scaled else (0.0,)
    scalars_last = o3.Irreps(str(model.products[-1].linear.irreps_out)).lmax == 0
    mlp = getattr(last, "hidden_irreps", None)
    return MACESettings(
        type_names=symbols(model.atomic_numbers.tolist()),
        l_max=int(hidden.lmax),
        r_max=float(model.r_max),
        num_layers=len(model.interactions),
        avg_num_neighbors=float(first.avg_num_neighbors),
        energy_scale=scales[0],
        energy_shift=shifts[0],
        num_features=int(hidden.count(o3.Irrep(0, 1))),
        hidden_irreps=str(hidden).replace(" ", ""),
        max_ell=int(o3.Irreps(str(model.spherical_harmonics.irreps_out)).lmax),
        correlation=tuple(
            len(product.symmetric_contractions.contractions[0].weights) + 1 for product in model.products
        ),
        num_bessel=int(model.radial_embedding.out_dim),
        num_polynomial_cutoff=int(model.radial_embedding.cutoff_fn.p),
        radial_mlp=tuple(int(width) for width in first.conv_tp_weights.hs[1:-1]),
        mlp_irreps="16x0e"
        if mlp is None
        else f"{max(1, o3.Irreps(str(mlp)).count(o3.Irrep(0, 1)) // len(heads))}x0e",
        gate=_gate(last, source),
        interaction=type(model.interactions[-1]).__name__,
        interaction_first=type(first).__name__,
        readout=type(last).__name__ if several else "NonLinearReadoutBlock",
        atomic_energies=_frozen(
            np.atleast_2d(model.atomic_energies_fn.atomic_energies.detach().cpu().double().numpy()).tolist()
        ),
        heads=heads,
        scales=scales if len(heads) > 1 else (),
        shifts=shifts if len(heads) > 1 else (),
        scaled=scaled,
        radial_type=_RADIAL.get(type(model.radial_embedding.bessel_fn).__name__, "bessel"),
        distance_transform=_TRANSFORMS.get(
            type(getattr(model.radial_embedding, "distance_transform", None)).__name__, "None"
        ),
        pair_repulsion=hasattr(model, "pair_repulsion_fn"),
        apply_cutoff=bool(getattr(model, "apply_cutoff", True)),
        edge_irreps=str(getattr(model, "edge_irreps", None) or "").replace(" ", ""),
        use_edge_irreps_first=bool(getattr(model, "use_edge_irreps_first", False)),
        use_reduced_cg=bool(getattr(model, "use_reduced_cg", False)),
        use_so3=bool(getattr(model, "use_so3", False)),
        use_agnostic_product=bool(getattr(model, "use_agnostic_product", False)),
        use_last_readout_only=bool(getattr(model, "use_last_readout_only", False)),
        keep_last_layer_irreps=several and hidden.lmax > 0 and not scalars_last,
    )


def _check_readable(model: Any, source: str) -> None:
    """Raise InputError where a model is no MACE of the kind that frames can be given to; see ``settings_of``."""
    kind = type(model).__name__
    if kind not in ("MACE", "ScaleShiftMACE"):
        raise InputError(
            f"{source} is a {kind}, expected a MACE or ScaleShiftMACE module (an energy model, neither compiled nor wrapped "
            "for LAMMPS); give the model that it was made from"
        )
    if getattr(model, "embedding_specs", None) is not None:
        raise InputError(
            f"{source} takes {', '.join(model.embedding_specs)} as input beside positions and elements, which frames here do "
            "not have; give a model without embedding_specs"
        )
    for name in ("cueq_config", "oeq_config"):
        if getattr(model.interactions[0], name, None) is not None:
            raise InputError(
                f"{source} was converted to an accelerated backend ({name} is set), whose weights are laid out otherwise; "
                "give the model before the conversion"
            )


def symbols(numbers: list[int]) -> tuple[str, ...]:
    """Return the elements of atomic numbers, in their order."""
    from ase.data import chemical_symbols

    return tuple(chemical_symbols[z] for z in numbers)


def _numbers(value: torch.Tensor) -> tuple[float, ...]:
    return tuple(float(v) for v in value.detach().cpu().double().reshape(-1))


def _gate(readout: Any, source: str) -> str:
    acts = getattr(getattr(readout, "non_linearity", None), "acts", None)
    if not acts:
        return "silu"  # a linear readout has none
    name = "None" if acts[0] is None else getattr(getattr(acts[0], "f", acts[0]), "__name__", "nameless")
    if name not in GATES:
        raise InputError(f"{source} has the readout activation {name!r}, expected one of {', '.join(GATES)}")
    return name
