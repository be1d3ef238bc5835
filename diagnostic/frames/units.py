"""Units of energy and length that a data file may use."""

from __future__ import annotations

from dataclasses import dataclass

from ase import units as ase_units

from ...theory.errors import InputError

#: One unit of energy in eV.
ENERGY = {
    "eV": 1.0,
    "meV": 1e-3,
    "kcal/mol": ase_units.kcal / ase_units.mol,
    "kJ/mol": ase_units.kJ / ase_units.mol,
    "hartree": ase_units.Hartree,
}
#: One unit of length in Å.
LENGTH = {"Å": 1.0, "nm": 10.0, "bohr": ase_units.Bohr}

_SPELLINGS = (
    {name.lower(): name for name in ENERGY}
    | {name.lower(): name for name in LENGTH}
    | {"a": "Å", "å": "Å", "ang": "Å", "angstrom": "Å", "ångström": "Å", "ha": "hartree", "eh": "hartree"}
    | {"a.u.": "hartree", "a0": "bohr"}
)


@dataclass(frozen=True)
class Units:
    """Energy and length units by name; forces are in energy / length.

    Attributes
    ----------
    energy : str
        A key of `ENERGY`.
    length : str
        A key of `LENGTH`.
    """

    energy: str
    length: str = "Å"

    @property
    def energy_factor(self) -> float:
        """Multiply energies by this to get eV."""
        return ENERGY[self.energy]

    @property
    def length_factor(self) -> float:
        """Multiply positions by this to get Å."""
        return LENGTH[self.length]

    @property
    def force_factor(self) -> float:
        """Multiply forces by this to get eV/Å."""
        return self.energy_factor / self.length_factor

    def __str__(self) -> str:
        return f"{self.energy} and {self.length}"


def parse_units(text: str) -> Units:
    """Read ``ENERGY`` or ``ENERGY,LENGTH``, e.g. ``kcal/mol`` or ``hartree,bohr`` (length Å if left out).

    Raises
    ------
    InputError
        If a name is not known.
    """
    names = [part.strip() for part in text.split(",")]
    known = [_SPELLINGS.get(name.lower(), "") for name in names]
    energy = known[0]
    length = known[1] if len(known) == 2 else "Å"
    if energy not in ENERGY or length not in LENGTH or len(known) > 2:
        raise InputError(
            f"units are {text!r}: expected an energy ({', '.join(ENERGY)}), with a length after a comma "
            f"({', '.join(LENGTH)}) unless it is Å; for example 'kcal/mol' or 'hartree,bohr'."
        )
    return Units(energy, length)
