"""Why features fall short of their ceiling: the causes of all atoms or pools together, in one phrase."""

from __future__ import annotations

from collections.abc import Sequence

from .near_symmetry import hidden_degrees, listed_degrees
from .result_types import AtomEntry, Cause


def label_of(atom: AtomEntry) -> str:
    """Return how a sentence calls an entry of ``atoms``: ``C7``, or the element of a pool of environments.

    Examples
    --------
    >>> label_of({"element": "C", "index": 7}), label_of({"element": "Si", "index": 0, "scope": "element:Si"})
    ('C7', 'Si')
    """
    return atom["scope"].partition(":")[2] if "scope" in atom else f"{atom['element']}{atom['index']}"


def why_short(atoms: Sequence[AtomEntry]) -> str:
    """Return why features fall short of their ceiling, as far as it was measured; empty where nothing explains it.

    Irreps that are zero come first: with them the ceiling is out of reach for all atoms, or for some. Else the leading
    causes of the atoms that are low at the ceiling are counted.
    """
    measured = [atom for atom in atoms if atom["r2_ceiling"] is not None]
    zero: dict[str, list[str]] = {}
    for atom in measured:
        for irrep, rank in atom["feature_rank"].items():
            if rank["rank"] == 0 and not irrep.startswith("0"):
                zero.setdefault(irrep, []).append(label_of(atom))
    pools = any("scope" in atom for atom in measured)
    if zero:
        return "; ".join(
            f"the features {irrep} are zero at {'every atom measured' if len(where) == len(measured) else ', '.join(where)}"
            for irrep, where in zero.items()
        )
    first = [_cause_words(atom) for atom in measured if atom["causes"]]
    return ", ".join(
        f"{cause} in {count} of {len(measured)} {'elements' if pools else 'atoms'}"
        for cause in dict.fromkeys(sorted(first, key=first.count, reverse=True))
        if (count := first.count(cause))
    )


def _cause_words(atom: AtomEntry) -> str:
    """Return the leading cause of an atom in words; of features at a nearly symmetric site, what they lack."""
    cause = atom["causes"][0]["cause"]
    hidden = hidden_degrees(atom) if cause == "features" else []
    if hidden:
        return f"nearly symmetric sites, whose neighbours leave little but displacements to {listed_degrees(hidden)},"
    return _CAUSE_WORDS[cause]


_CAUSE_WORDS: dict[Cause, str] = {
    "readout": "the few combinations of channels that the readout keeps",
    "like neighbour": "a neighbour that looks like the mark",
    "features": "the features themselves",
}
