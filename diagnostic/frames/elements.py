"""Elements of atoms whose file has types or labels instead: 1, 2, 3 of LAMMPS, D, H1, CA, HW."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError

#: Isotopes that have a letter of their own.
_ISOTOPES = {"D": "deuterium", "T": "tritium"}
#: First letters of elements that atom names of organic molecules begin with: CA is calcium or a carbon.
_ORGANIC = "CHNO"


@dataclass(frozen=True)
class Elements:
    """Elements that the caller declares.

    Attributes
    ----------
    by_type : tuple of str
        Symbol of type 1, 2, 3, ...
    by_label : dict
        Symbol of a label.
    """

    by_type: tuple[str, ...] = ()
    by_label: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None) -> Elements:
        """Read ``C,H,O``, the elements of the types 1, 2, 3, or ``CA=C,HW=H``, those of labels.

        Raises
        ------
        InputError
            Something is no symbol of an element, or both forms are mixed.
        """
        if text is None:
            return cls()
        parts = [part.strip() for part in text.split(",")]
        pairs = [part.partition("=") for part in parts]
        symbols = [(right if equal else left).strip() for left, equal, right in pairs]
        named = [bool(equal) for _, equal, _ in pairs]
        bad = [symbol for symbol in symbols if symbol not in chemical_symbols[1:]]
        if bad or any(named) != all(named):
            raise InputError(
                f"elements={text!r} cannot be read{f', as {bad[0]!r} is no element' if bad else ''}: expected the symbols of "
                "types 1, 2, 3, for example 'C,H,O', or those of labels, for example 'CA=C,HW=H'."
            )
        if all(named):
            return cls(by_label=dict(zip((left.strip() for left, _, _ in pairs), symbols, strict=True)))
        return cls(by_type=tuple(symbols))

    def of_types(self, types: Sequence[int], name: str) -> NDArray[np.int64]:
        """Return the atomic numbers of atoms whose types count from 1.

        Raises
        ------
        InputError
            A type has no element.
        """
        kinds = sorted({int(kind) for kind in types})
        bad = [kind for kind in kinds if not 1 <= kind <= len(self.by_type)]
        if bad:
            raise InputError(
                f"{name}: elements='{','.join(self.by_type)}' names {len(self.by_type)} types and an atom is {bad[0]} "
                f"({chemical_symbols[bad[0]] if 0 < bad[0] < len(chemical_symbols) else 'no element'} by atomic number): "
                "expected types from 1; give one element for each, or leave elements out if the file has them."
            )
        return np.array([atomic_numbers[self.by_type[int(kind) - 1]] for kind in types], dtype=np.int64)

    def numbers(self, numbers: NDArray[np.int64], name: str) -> NDArray[np.int64]:
        """Return atomic numbers, of types where the caller says so; refuse what can only be types.

        Raises
        ------
        InputError
            The numbers are 1, 2, ..., k with k of at least 2 and nothing is declared.
        """
        if self.by_type:
            return self.of_types(list(numbers), name)
        kinds = [int(kind) for kind in np.unique(numbers)]
        if len(kinds) > 1 and kinds == list(range(1, len(kinds) + 1)):
            raise no_elements(kinds, name, "its atomic numbers are")
        return numbers

    def symbol(self, label: str, name: str, notes: dict[str, None]) -> str:
        """Return the element of a label, adding to ``notes`` what had to be decided.

        Raises
        ------
        InputError
            The label may stand for several elements or for none.
        """
        if label in self.by_label:
            return self.by_label[label]
        if label in chemical_symbols[1:]:
            return label
        if label in _ISOTOPES:
            notes[f"{label} ({_ISOTOPES[label]}) is read as H, whose forces it has"] = None
            return "H"
        letters = re.sub(r"[0-9_+-]+$", "", label)
        element = letters[:1].upper() + letters[1:].lower()
        known = element in chemical_symbols[1:] and letters != ""
        shouted = len(letters) == 2 and letters.isupper() and letters[0] in _ORGANIC and letters != "CL"
        if known and not shouted:
            notes[f"the label {label} is read as {element}"] = None
            return element
        guess = letters[:1].upper()
        example = f"{label}={guess if guess in chemical_symbols[1:] else 'C'}"
        why = f"may be {element} or a name of {guess}" if known else "is no element"
        if label.lower() in {"x", "xx", "q", "du"}:
            raise InputError(
                f"{name}: the label {label!r} is a dummy without element or force: expected atoms, so remove it from the file "
                f"or name its element with elements='{label}=H'."
            )
        raise InputError(
            f"{name}: the label {label!r} {why}: expected symbols of elements, so declare it with elements='{example}'."
        )


def no_elements(kinds: Sequence[int], name: str, what: str) -> InputError:
    """Return the refusal of a file with types and no elements."""
    example = ",".join(("C", "H", "O", "N", "S", "P", "F", "Cl")[k % 8] for k in range(len(kinds)))
    said = ", ".join(str(kind) for kind in kinds[:8])
    names = ", ".join(chemical_symbols[kind] for kind in kinds[:8] if 0 < kind < len(chemical_symbols))
    return InputError(
        f"{name}: {what} {said}, which are types without elements (read as atomic numbers they would be {names}): "
        f"expected elements, so declare them in the order of the types, for example elements='{example}'."
    )
