"""Labels in XYZ files: the column that holds them, and the element that each stands for."""

from __future__ import annotations

import re

from ase.data import chemical_symbols

from ...theory.errors import InputError
from .elements import Elements, no_elements


def symbol_of(label: str, present: list[str], name: str, elements: Elements, notes: dict[str, None]) -> str:
    """Return the element of a label, adding to ``notes`` what had to be decided; ``present`` are all labels of its structure.

    Raises
    ------
    InputError
        The label may stand for several elements or for none.
    """
    if label.isdigit() and all(other.isdigit() for other in present):
        kinds = [int(other) for other in present]
        if not elements.by_type:
            raise no_elements(sorted(kinds), name, "its atoms are labelled")
        return chemical_symbols[int(elements.of_types([int(label)], name)[0])]
    if elements.by_type:
        raise InputError(
            f"{name}: its atoms have labels such as {label!r}: expected types 1, 2, 3 for "
            f"elements='{','.join(elements.by_type)}', so leave it out, or name labels with elements='LABEL=ELEMENT'."
        )
    return elements.symbol(label, name, notes)


def label_column(comment: str) -> int | None:
    """Return the column of the species in an extended XYZ, 0 in a plain one; None where there are atomic numbers only."""
    properties = re.search(r"Properties=\"?([^\s\"]+)", comment)
    if not properties:
        return 0
    column = 0
    fields = properties.group(1).split(":")
    for key, _, width in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        if key in {"species", "element", "symbols"}:
            return column
        column += int(width) if width.isdigit() else 1
    return None
