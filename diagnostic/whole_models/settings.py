"""The architectures that are calibrated as wholes, and what one model of each is built with."""

from __future__ import annotations

from dataclasses import dataclass

from ...theory.errors import InputError
from .graphs import WIDE

#: Largest L, correlation and number of layers: beyond, one cell takes hours, or exact shares are out of reach.
LARGEST_L, LARGEST_CORRELATION, LARGEST_LAYERS = 3, 4, 3


@dataclass(frozen=True)
class Kind:
    """An architecture.

    Attributes
    ----------
    title
        As a table calls it.
    package
        The package to import; installed by ``extra`` of this one.
    extra
        Name of the extra.
    orders
        Whether it is told by its correlation (MACE: layers 1) or by its number of layers.
    note
        What is particular to it.
    """

    title: str
    package: str
    extra: str
    orders: bool
    note: str


#: Every architecture, by the name that the command takes.
KINDS: dict[str, Kind] = {
    "mace": Kind("MACE", "mace", "mace", True, "one layer, its linear readout"),
    "mace-silu": Kind(
        "MACE, SiLU readout", "mace", "mace", True, "one layer, the readout that is its last layer's default"
    ),
    "nequip": Kind("NequIP", "nequip", "nequip", False, "gates, a linear readout"),
    "allegro": Kind("Allegro", "allegro", "allegro", False, "networks with SiLU between its layers and in its readout"),
    "allegro-linear": Kind(
        "Allegro, linear", "allegro", "allegro", False, "without activations between its layers, a linear readout"
    ),
    "sevennet": Kind("SevenNet", "sevenn", "sevennet", False, "gates, a linear readout"),
}  # fmt: skip


@dataclass(frozen=True)
class ModelSettings:
    """One model.

    Attributes
    ----------
    architecture
        A key of ``KINDS``.
    l_max
        L, highest degree of the harmonics of the edges: 1 to 3.
    correlation
        nu of MACE's product basis, 1 to 4; None for architectures that are told by their layers.
    layers
        Number of layers, 1 to 3; 1 for MACE.
    channels
        Of each irrep.
    cutoff
        Å.
    """

    architecture: str
    l_max: int
    correlation: int | None = None
    layers: int = 1
    channels: int = 16
    cutoff: float = WIDE

    def __post_init__(self) -> None:
        if self.architecture not in KINDS:
            raise InputError(
                f"there is no architecture {self.architecture!r} here, expected some of {', '.join(KINDS)}"
            )
        limits: list[tuple[str, int | None, int]] = [
            ("l_max", self.l_max, LARGEST_L),
            ("layers", self.layers, LARGEST_LAYERS),
            ("channels", self.channels, 256),
        ]
        if self.kind.orders:
            limits.append(("correlation", self.correlation, LARGEST_CORRELATION))
        elif self.correlation is not None:
            raise InputError(f"{self.architecture} is told by its layers: leave correlation out")
        for name, value, most in limits:
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise InputError(
                    f"{name} of {self.architecture} is {value!r}: give an integer from 1 to {most}"
                )
        if self.kind.orders and self.layers != 1:
            raise InputError(f"{self.architecture} is calibrated with one layer, not {self.layers}")

    @property
    def kind(self) -> Kind:
        """The architecture."""
        return KINDS[self.architecture]

    @property
    def title(self) -> str:
        """Name and size in a few words, such as ``MACE, L = 2, nu = 3``."""
        size = (
            f"nu = {self.correlation}"
            if self.kind.orders
            else f"{self.layers} layer{'s' * (self.layers > 1)}"
        )
        return f"{self.kind.title}, L = {self.l_max}, {size}"
