"""Frames from a SMILES: RDKit builds the molecule, GFN2-xTB moves it, independent frames are kept.

Enters: a SMILES or a structure, a temperature, a seed. Leaves: files of frames that ``frames`` reads, with their record.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .generate import Generated as Generated
    from .settings import GenerateSettings as GenerateSettings

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "generate": ["Generated"],
        "settings": ["GenerateSettings"],
    },
)
