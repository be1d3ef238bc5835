"""Frames and structures: reading, units, checks, splits, orientations, neighbours, and the one that an atom can point at.

Enters: files of any format that ASE reads, or rMD17 and sGDML. Leaves: ``Frames`` and ``Structures`` (Å, eV, eV/Å), a ``Split``,
``Mark`` s.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .checks import check_frames as check_frames
    from .frames import Frames as Frames
    from .marks import Mark as Mark
    from .marks import marked_neighbours as marked_neighbours
    from .neighbours import Neighbours as Neighbours
    from .neighbours import neighbours_of as neighbours_of
    from .reading import embedded_frames as embedded_frames
    from .reading import read_frames as read_frames
    from .reading_any import read_data as read_data
    from .reading_structures import read_structures as read_structures
    from .splits import Split as Split
    from .splits import split_frames as split_frames

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "checks": ["check_frames"],
        "frames": ["Frames"],
        "marks": ["Mark", "marked_neighbours"],
        "neighbours": ["Neighbours", "neighbours_of"],
        "reading": ["embedded_frames", "read_frames"],
        "reading_any": ["read_data"],
        "reading_structures": ["read_structures"],
        "splits": ["Split", "split_frames"],
    },
)
