"""What the study of advice trains: data sets, the models before, and the one change that makes each model after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

#: Optimiser steps, validations and learning rate of every training, before or after.
STEPS, VALIDATE_EVERY, LEARNING_RATE = 2000, 250, 0.01
#: Seed of the weights and of the order of frames; another of the repeats, which tell what a change of seed alone does.
SEED, OTHER_SEED = 0, 1


@dataclass(frozen=True)
class DataSet:
    """Frames to train on, and others that no training sees.

    Attributes
    ----------
    name
        What tables call it.
    training
        A name of rMD17, an embedded set, or a file.
    held_out
        The same; empty: 30 % of ``training``.
    generate
        Arguments of ``ceilings data generate`` that make the held-out file; empty: it is there.
    batch
        Frames in each step.
    """

    name: str
    training: str
    held_out: str = ""
    generate: tuple[str, ...] = ()
    batch: int = 5


@dataclass(frozen=True)
class Before:
    """A model that advice is asked about, and the changes that are tried.

    Attributes
    ----------
    data
        Name of the data set.
    kind
        Architecture.
    settings
        Arguments of its builder.
    changes
        Name of the change -> (knob that stands for it, arguments that change).
    size
        Ending of the name; empty: the small model.
    """

    data: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    size: str = ""

    @property
    def name(self) -> str:
        """For example ``nequip-ethanol``."""
        return f"{self.kind}-{self.data}{self.size}"

    def after(self, change: str) -> dict[str, Any]:
        """Return the arguments of the builder after a change."""
        return {**self.settings, **self.changes[change][1]}


def _rmd17(name: str) -> DataSet:
    return DataSet(name, f"rmd17:{name}:train:01", f"rmd17:{name}:test:01")


DATA = {
    each.name: each
    for each in (
        *map(_rmd17, ("ethanol", "malonaldehyde", "toluene", "aspirin")),
        DataSet(
            "silicon", "si-rattled", "si-held-out.npz",
            ("--structure", "bulk:Si:2x2x2:cubic", "--calculator", "matscipy:stillinger-weber", "--kind", "rattle",
             "--frames", "100", "--seed", "8", "--amplitude", "0.1"), batch=1,
        ),
        DataSet(
            "silver", "ag-emt", "ag-held-out.npz",
            ("--structure", "bulk:Ag:2x2x2:cubic", "--calculator", "ase:emt", "--kind", "strain", "--frames", "200",
             "--seed", "8", "--amplitude", "0.1", "--strain", "0.015"), batch=1,
        ),
        DataSet("water", "water-box-xtb", batch=1),
    )
}  # fmt: skip

_SMALL = {"l_max": 1, "num_layers": 2, "num_features": 8, "r_max": 4.0}
_CHANNELS = ("radial", {"num_features": 16})
_CUTOFF = ("cutoff", {"r_max": 5.0})
_LAYERS = ("order", {"num_layers": 3})
#: A further layer multiplies what the layers before have made: the products gain an order, and reach further.
_MESSAGE_PASSING = {
    "L": ("degree", {"l_max": 2}),
    "channels": _CHANNELS,
    "layers": _LAYERS,
    "cutoff": _CUTOFF,
}
#: MACE: the degree of the harmonics of the edges is raised with that of the hidden features.
_PRODUCTS = {
    "L": ("degree", {"l_max": 2, "max_ell": 2}),
    "channels": _CHANNELS,
    "correlation": ("order", {"correlation": (3,)}),
    "cutoff": _CUTOFF,
}


def _before(kind: str, data: str) -> Before:
    if kind == "mace":
        return Before(data, kind, {**_SMALL, "max_ell": 1, "correlation": (2,)}, _PRODUCTS)
    return Before(data, kind, dict(_SMALL), _MESSAGE_PASSING)


_LARGE = Before(
    "ethanol", "nequip", {"l_max": 2, "num_layers": 3, "num_features": 16, "r_max": 5.0},
    {
        "L": ("degree", {"l_max": 3}),
        "channels": ("radial", {"num_features": 32}),
        "layers": ("order", {"num_layers": 4}),
        "cutoff": ("cutoff", {"r_max": 6.0}),
    },
    "-large",
)  # fmt: skip
#: In the order in which they are trained.
STUDY = (
    *(
        _before(kind, data)
        for kind, data in (
            ("nequip", "ethanol"), ("nequip", "toluene"), ("nequip", "silicon"), ("mace", "ethanol"),
            ("allegro", "ethanol"), ("nequip", "aspirin"), ("nequip", "malonaldehyde"), ("nequip", "silver"),
            ("mace", "toluene"), ("allegro", "toluene"), ("nequip", "water"),
        )
    ),
    _LARGE,
)  # fmt: skip


def chosen(only: str) -> Iterator[Before]:
    """Yield the models before whose names hold one of the words, ``nequip,ethanol``; all of them for an empty text."""
    words = [word for word in only.split(",") if word]
    for before in STUDY:
        if not words or any(word in before.name for word in words):
            yield before
