"""Models of any make behind one contract: named layers of equivariant features, energies, forces, irreps.

Enters: a file, a module, a function or a shipped name. Leaves: a ``Backbone``, and ``Features`` that Wigner D turns exactly.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .backbone import Backbone as Backbone
    from .backbone import BackboneInfo as BackboneInfo
    from .e3nn_model import from_e3nn as from_e3nn
    from .fairchem_loading import from_fairchem as from_fairchem
    from .features import Block as Block
    from .features import Features as Features
    from .features import Layer as Layer
    from .hooked import from_callable as from_callable
    from .hooked_module import from_module as from_module
    from .loading import load_backbone as load_backbone
    from .mace_loading import from_mace as from_mace
    from .wirings import model_wiring as model_wiring

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "backbone": ["Backbone", "BackboneInfo"],
        "e3nn_model": ["from_e3nn"],
        "fairchem_loading": ["from_fairchem"],
        "features": ["Block", "Features", "Layer"],
        "hooked": ["from_callable"],
        "hooked_module": ["from_module"],
        "loading": ["load_backbone"],
        "mace_loading": ["from_mace"],
        "wirings": ["model_wiring"],
    },
)
